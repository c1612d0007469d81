// Several engines on one database at once: the database decides, whatever they believe.
#include "tests/integration/db/a_merchant.hpp"

#include <atomic>
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

    // Takes one unit of each ledger, if there is one.
    static bool grant_one(orders::Rows& rows, const std::vector<orders::StockKey>& keys, int buyer, Instant now) {
        auto ledgers = rows.lock_stock(keys);
        std::vector<orders::MovementRow> movements;
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
            movement.cause = "buyer " + std::to_string(buyer);
            movement.available = -1;
            movement.reserved = 1;
            movement.version = row.version;
            movement.at = now;
            movements.push_back(movement);
        }
        rows.write_stock(ledgers, movements);
        return true;
    }
};

TEST_F(Concurrency, TenUnitsAreGrantedTenTimes) {
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
                    had = grant_one(
                        dynamic_cast<orders::Rows&>(transaction), keys, number * 100 + round, transaction.now());
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
            second.mark_published({{uuid(10), "token of " + uuid(10)}}, start);
        });
    });
    EXPECT_EQ(look("SELECT count(published_at) FROM commands"), "0");
}

}  // namespace
}  // namespace ordersaga::db
