// Several engines on one database at once: the database decides, whatever they believe.
#include "tests/integration/db/a_merchant.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <thread>

namespace ordersaga::db {
namespace {

class Concurrency : public AMerchant {
protected:
    // Runs the work on `count` threads with a store each; the number of the thread is given.
    void on_threads(int count, const std::function<void(PgStore&, int)>& work) {
        std::vector<std::thread> threads;
        for (int number = 0; number < count; ++number) {
            threads.emplace_back([&, number] {
                PgStore own({database.dsns().engine, "test"}, test::test_keys());
                work(own, number);
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    }

    // Takes one unit of each of these ledgers for a saga, if there is one: decided by the rows as they were read.
    static bool grant_one(
        orders::Rows& rows,
        std::vector<orders::StockRow> ledgers,
        int saga_number,
        const std::string& cause,
        Instant now) {
        std::vector<orders::MovementRow> movements;
        std::vector<orders::ReservationRow> reservations;
        for (orders::StockRow& row : ledgers) {
            if (row.available < 1) {
                return false;
            }
            row.available -= 1;
            row.reserved += 1;
            row.version += 1;
            orders::MovementRow movement;
            movement.key = row.key;
            movement.kind = "grant";
            movement.cause = cause;
            movement.available = -1;
            movement.reserved = 1;
            movement.version = row.version;
            movement.at = now;
            movements.push_back(movement);
            orders::ReservationRow reservation;
            reservation.key = row.key;
            reservation.saga_id = uuid(saga_number);
            reservation.line_id = "1";
            reservation.held = 1;
            reservations.push_back(reservation);
        }
        rows.write_stock(ledgers, movements);
        rows.write_reservations(reservations);
        return true;
    }

    // One buyer, who decides again for as long as the database says that he must.
    bool buys_one(
        PgStore& own,
        int saga_number,
        const std::function<std::vector<orders::StockRow>(orders::Rows&)>& read) {
        bool had = false;
        for (int attempt = 0; attempt < 10'000; ++attempt) {
            try {
                own.transact([&](engine::Transaction& transaction) {
                    auto& rows = dynamic_cast<orders::Rows&>(transaction);
                    had = grant_one(
                        rows, read(rows), saga_number, "saga " + std::to_string(saga_number), transaction.now());
                });
                return had;
            } catch (const engine::StoreUnavailable&) {
                ++began_again;
            }
        }
        ADD_FAILURE() << "buyer " << saga_number << " comes to no end";
        return false;
    }

    void set_units(int units) {
        const std::string number = std::to_string(units);
        run_as_engine("UPDATE stock SET on_hand = " + number + ", available = " + number);
    }

    std::atomic<int> began_again{0};
};

// S01: 64 buyers of the last unit at once, half of them by a way that takes no lock, and more than one had it (Medusa
// #16569). All of them look before anybody writes.
TEST_F(Concurrency, TheLastUnitIsGrantedOnceAlsoAmongThoseWhoDoNotLock) {
    constexpr int buyers = 64;
    add_sagas(1, buyers);
    set_units(1);
    std::barrier all_have_looked(buyers);
    std::atomic<int> granted{0}, refused{0};
    on_threads(buyers, [&](PgStore& own, int number) {
        const bool locks = number % 2 == 0;
        bool first = true;
        const bool had = buys_one(own, number + 1, [&](orders::Rows& rows) {
            std::vector<orders::StockRow> seen;
            if (!locks) seen = rows.peek_stock({ledger(shirt)});
            if (std::exchange(first, false)) all_have_looked.arrive_and_wait();
            return locks ? rows.lock_stock({ledger(shirt)}) : seen;
        });
        ++(had ? granted : refused);
    });
    EXPECT_EQ(granted, 1);
    EXPECT_EQ(refused, buyers - 1);
    EXPECT_EQ(look("SELECT available || ' ' || reserved FROM stock WHERE sku_id = 1"), "0 1");
    EXPECT_EQ(look("SELECT count(*) || ' ' || sum(held) FROM reservations"), "1 1");
}

// S07: NOWAIT, read, add up, write: 20 processes, ten units, and all of them had one (Odoo PR #32857).
TEST_F(Concurrency, TenUnitsAreGrantedTenTimesToTwentyWhoDoNotWait) {
    constexpr int buyers = 20;
    add_sagas(1, buyers);
    std::barrier all_are_here(buyers);
    std::atomic<int> granted{0}, refused{0};
    on_threads(buyers, [&](PgStore& own, int number) {
        own.transact([](engine::Transaction&) {});  // connected
        all_are_here.arrive_and_wait();
        const bool had = buys_one(
            own, number + 1, [](orders::Rows& rows) { return rows.lock_stock({ledger(shirt)}, engine::Turn::never); });
        ++(had ? granted : refused);
    });
    EXPECT_EQ(granted, 10);
    EXPECT_EQ(refused, 10);
    EXPECT_GT(began_again, 0) << "nobody met anybody";
    EXPECT_EQ(look("SELECT available || ' ' || reserved FROM stock WHERE sku_id = 1"), "0 10");
    EXPECT_EQ(look("SELECT count(*) || ' ' || sum(held) FROM reservations"), "10 10");
}

// S06: a row that somebody held was passed over, taken for missing and made a second time (Odoo PRs #268942, #272560).
TEST_F(Concurrency, ARowThatIsHeldIsNotTakenForOneThatIsMissing) {
    add_sagas(1, 1);
    PgStore other({database.dsns().engine, "test"}, test::test_keys());
    const auto in_other = [&](const std::function<void(orders::Rows&)>& work) {
        other.transact([&](engine::Transaction& transaction) { work(dynamic_cast<orders::Rows&>(transaction)); });
    };
    in_rows([&](engine::Transaction&, orders::Rows& rows) { rows.lock_orders({{merchant, eu, "7"}}); });
    in_rows([&](engine::Transaction&, orders::Rows& rows) {
        rows.lock_orders({{merchant, eu, "7"}});
        ASSERT_EQ(rows.lock_stock({ledger(shirt)}).size(), 1U);
        EXPECT_THROW(
            in_other([](orders::Rows& mine) { mine.lock_stock({ledger(shirt)}, engine::Turn::never); }),
            engine::StoreUnavailable);
        EXPECT_THROW(
            in_other([](orders::Rows& mine) {
                mine.lock_orders({{merchant, eu, "7"}}, engine::Turn::never);
            }),
            engine::StoreUnavailable);
    });
    EXPECT_EQ(
        look("SELECT count(*) || ' ' || sum(on_hand) || ' ' || sum(reserved) FROM stock WHERE sku_id = 1"), "1 10 0");
    EXPECT_EQ(look("SELECT count(*) FROM orders"), "1");
}

// S11: baskets that name two SKUs the other way round, from 16 workers: deadlocks, and seven orders a second (Saleor PR
// #17123, Vendure PR #4930, django-oscar PR #4594). The best of three rounds each, in turns: the machine has other work.
TEST_F(Concurrency, CrossedBasketsMeetNoDeadlockAndTakeAtMostTwiceAsLongAsSingleLines) {
    constexpr int workers = 16, each = 8, rounds = 3;
    add_sagas(1, 2 * rounds * workers * each);
    set_units(100'000);
    using Clock = std::chrono::steady_clock;
    int next_saga = 1;
    const auto seconds_for = [&](bool crossed) {
        const int from = std::exchange(next_saga, next_saga + workers * each);
        std::barrier all_are_here(workers);
        std::vector<Clock::time_point> begun(workers), ended(workers);
        on_threads(workers, [&](PgStore& own, int number) {
            std::vector<orders::StockKey> keys{ledger(number % 2 == 0 ? shirt : mug)};
            if (crossed) keys.push_back(ledger(number % 2 == 0 ? mug : shirt));
            if (!crossed) keys = {ledger(shirt)};
            own.transact([](engine::Transaction&) {});
            all_are_here.arrive_and_wait();
            begun[static_cast<std::size_t>(number)] = Clock::now();
            for (int round = 0; round < each; ++round) {
                EXPECT_TRUE(buys_one(
                    own, from + number * each + round, [&](orders::Rows& rows) { return rows.lock_stock(keys); }));
            }
            ended[static_cast<std::size_t>(number)] = Clock::now();
        });
        return std::chrono::duration<double>(
                   *std::max_element(ended.begin(), ended.end()) - *std::min_element(begun.begin(), begun.end()))
            .count();
    };
    double single = 1e9, crossed = 1e9;
    for (int round = 0; round < rounds; ++round) {
        single = std::min(single, seconds_for(false));
        crossed = std::min(crossed, seconds_for(true));
    }
    std::printf(
        "%d grants by %d workers: %.2f s of one SKU, %.2f s of two crossed\n", workers * each, workers, single,
        crossed);
    EXPECT_EQ(began_again, 0) << "somebody waited too long";
    EXPECT_EQ(look("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), "0");
    EXPECT_LE(crossed, 2 * single);
}

TEST_F(Concurrency, TenUnitsAreGrantedTenTimes) {
    add_sagas(1, 8 * 4);
    std::atomic<int> granted{0};
    std::atomic<int> failed{0};
    on_threads(8, [&](PgStore& own, int number) {
        for (int round = 0; round < 4; ++round) {
            bool had = false;
            try {
                own.transact([&](engine::Transaction& transaction) {
                    // Half of them name the ledgers the other way round.
                    const std::vector<orders::StockKey> keys =
                        number % 2 == 0 ? std::vector<orders::StockKey>{ledger(shirt), ledger(mug)}
                                        : std::vector<orders::StockKey>{ledger(mug), ledger(shirt)};
                    auto& rows = dynamic_cast<orders::Rows&>(transaction);
                    const int saga_number = number * 4 + round + 1;
                    had = grant_one(
                        rows, rows.lock_stock(keys), saga_number, "saga " + std::to_string(saga_number),
                        transaction.now());
                });
            } catch (const engine::StoreUnavailable&) {
                ++failed;
                continue;
            }
            granted += had ? 1 : 0;
        }
    });
    EXPECT_EQ(failed, 0) << "locks were taken in different orders";
    EXPECT_EQ(granted, 10);
    EXPECT_EQ(look("SELECT min(available) || ' ' || max(reserved) FROM stock"), "0 10");
}

TEST_F(Concurrency, OneOfManyOpensTheFlushOfAStore) {
    std::atomic<int> opened{0};
    std::atomic<int> failed{0};
    on_threads(6, [&](PgStore& own, int number) {
        try {
            bool opens = false;
            own.transact([&](engine::Transaction& transaction) {
                auto& rows = dynamic_cast<orders::Rows&>(transaction);
                opens = rows.open_flushes(merchant, {eu}).empty();
                if (!opens) {
                    return;
                }
                orders::FlushRow flush;
                flush.merchant = merchant;
                flush.flush_id = sagas::FlushId{number + 1};
                flush.store_id = eu;
                flush.key = "key " + std::to_string(number);
                flush.command_id = uuid(number);
                flush.opened_at = transaction.now();
                rows.write_flushes({flush});
            });
            opened += opens ? 1 : 0;
        } catch (const std::exception&) {
            ++failed;
        }
    });
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(opened, 1);
}

TEST_F(Concurrency, OneOrderIsCreatedOnceByAll) {
    std::atomic<int> with_saga{0};
    std::atomic<int> failed{0};
    add_sagas(1, 6);
    on_threads(6, [&](PgStore& own, int number) {
        try {
            own.transact([&](engine::Transaction& transaction) {
                auto& rows = dynamic_cast<orders::Rows&>(transaction);
                auto found = rows.lock_orders({{merchant, eu, "7"}});
                if (found[0].saga_id.empty()) {
                    found[0].saga_id = uuid(number + 1);
                    rows.write_orders(found);
                    ++with_saga;
                }
            });
        } catch (const std::exception&) {
            ++failed;
        }
    });
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(with_saga, 1);
}

TEST_F(Concurrency, ConfirmationsDoNotWaitForABatchAtWork) {
    add_sagas(1, 1);
    add_command(sent(a_command(10, 1, "a"), start));
    PgStore other({database.dsns().engine, "test"}, test::test_keys());
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        EXPECT_EQ(transaction.open_commands({saga(1)}).size(), 1U);
        // Held by the batch above: passed over at once, not after a lock timeout.
        other.transact([&](engine::Transaction& second) {
            second.mark_published({{uuid(10), "token of " + uuid(10), start}});
        });
    });
    EXPECT_EQ(look("SELECT count(published_at) FROM commands"), "0");
}

}  // namespace
}  // namespace ordersaga::db
