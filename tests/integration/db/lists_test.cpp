// What lists and counters are read from is kept with the rows, whoever writes them, and filled in for what was there before.
#include "db/kept_lists.hpp"
#include "db/migrate.hpp"
#include "tests/integration/db/a_merchant.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

namespace ordersaga::db {
namespace {

constexpr const char* kSagas = R"sql(
    INSERT INTO sagas (merchant_id, saga_id, kind, definition_version, state, version, data, subject, shard, next_wake, final,
                       created_at, updated_at)
    SELECT 1, ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'order', 1, CASE WHEN n < 4 THEN 'Completed' ELSE 'Received' END,
           1, '{}', 'eu #' || n, 0, now(), n < 4, now(), now() FROM generate_series(1, 5) n;
    INSERT INTO orders (merchant_id, store_id, order_id, saga_id, name, document)
    SELECT 1, 1, n::text, ('00000000-0000-7000-8000-00000000000' || n)::uuid, '#' || n, '{"lines": [{"sku": "SHIRT"}]}'
      FROM generate_series(1, 5) n;
    INSERT INTO orders (merchant_id, store_id, order_id, name) VALUES (1, 1, '9', '#9');
)sql";

constexpr const char* kCounts =
    "SELECT string_agg(state || ' ' || sagas, ', ' ORDER BY state) FROM (SELECT state, sum(sagas) AS sagas FROM "
    "ended_sagas GROUP BY state) counted";
constexpr const char* kWords = "SELECT string_agg(word, ' ' ORDER BY word, saga_id) FROM order_words";

// By how many entries the lists differ from the rows they tell of: what is missing, and what is too much.
constexpr const char* kDiffering = R"sql(
    SELECT (SELECT count(*) FROM (SELECT merchant_id, state, sum(sagas) AS sagas FROM ended_sagas GROUP BY merchant_id, state) kept
              FULL JOIN (SELECT merchant_id, state, count(*) AS sagas FROM sagas WHERE final GROUP BY merchant_id, state) stored
                  USING (merchant_id, state) WHERE coalesce(kept.sagas, 0) <> coalesce(stored.sagas, 0))
         + (SELECT count(*) FROM order_words kept
              FULL JOIN (SELECT DISTINCT merchant_id, saga_id, word FROM orders, words_of(name, document) AS word
                          WHERE saga_id IS NOT NULL) had USING (merchant_id, saga_id, word)
             WHERE kept.word IS NULL OR had.word IS NULL))sql";

std::string text_of(Connection& connection, const std::string& statement) {
    std::string text;
    connection.transact([&](Transaction& transaction) { text = transaction.query(statement).text(0, 0); });
    return text;
}

void run(Connection& connection, const std::string& script) {
    connection.transact([&](Transaction& transaction) { transaction.run_script(script); });
}

// As an upgrade finds it: migration 17, with orders. Between the two that come, one more ends and one is called differently,
// whose old name somebody put in who saw it before.
TEST(Lists, AreFilledWithWhatWasThereBefore) {
    test::TestDatabase database{test::TestDatabase::Content::empty};
    const std::span<const Migration> all = embedded_migrations();
    migrate(database.dsns().migrator, all.first(17));
    Connection engine({database.dsns().engine, "test"});
    run(engine, kAMerchant);
    run(engine, kSagas);
    migrate(database.dsns().migrator, all.first(18));
    run(engine,
        "UPDATE sagas SET state = 'Compensated', final = true, next_wake = NULL WHERE subject = 'eu #4';"
        "UPDATE orders SET name = 'US-55', updated_at = now() WHERE name = '#5';"
        "INSERT INTO order_words SELECT 1, 'name:5', saga_id FROM orders WHERE name = 'US-55'");
    migrate(database.dsns().migrator, all);

    EXPECT_EQ(text_of(engine, kCounts), "Compensated 1, Completed 3");
    EXPECT_EQ(
        text_of(engine, kWords),
        "name:1 name:2 name:3 name:4 name:55 name:us-55 sku:SHIRT sku:SHIRT sku:SHIRT sku:SHIRT sku:SHIRT");
    EXPECT_EQ(text_of(engine, kDiffering), "0");
}

class ListRows : public AMerchant {
protected:
    ListRows() { run(engine, kSagas); }

    void end(int number, const std::string& state) {
        run(engine, "UPDATE sagas SET state = '" + state + "', final = true, next_wake = NULL WHERE subject = 'eu #" +
                        std::to_string(number) + "'");
    }

    std::string words() {
        return text_of(
            engine, "SELECT coalesce(string_agg(word, ' ' ORDER BY word), '') FROM order_words WHERE saga_id = '" +
                        uuid(1) + "'");
    }

    Connection engine{{database.dsns().engine, "test"}};
};

TEST_F(ListRows, EndedSagasAreCountedWhoeverChangesThem) {
    EXPECT_EQ(text_of(engine, kCounts), "Completed 3");
    end(4, "OutOfStock");
    run(engine, "UPDATE sagas SET version = version + 1");
    EXPECT_EQ(text_of(engine, kCounts), "Completed 3, OutOfStock 1");
    run(engine, "UPDATE sagas SET state = 'Compensated' WHERE subject = 'eu #1'");
    run(engine, "UPDATE sagas SET state = 'Reserved', final = false, next_wake = now() WHERE subject = 'eu #4'");
    EXPECT_EQ(text_of(engine, kCounts), "Compensated 1, Completed 2, OutOfStock 0");
    run(engine, "DELETE FROM orders WHERE name = '#2'; DELETE FROM sagas WHERE subject = 'eu #2'");
    EXPECT_EQ(text_of(engine, kDiffering), "0");
}

TEST_F(ListRows, CountsAreAddedUpAndStayWhatTheyAre) {
    end(4, "OutOfStock");
    end(5, "OutOfStock");
    run(engine, "UPDATE sagas SET state = 'Compensated' WHERE subject = 'eu #4'");
    Session session({database.dsns().engine, "test"});
    const std::string rows = "SELECT count(*) FROM ended_sagas";
    EXPECT_EQ(text_of(engine, rows), "7");
    add_up_ended(session);
    EXPECT_EQ(text_of(engine, rows), "3");
    EXPECT_EQ(text_of(engine, kCounts), "Compensated 1, Completed 3, OutOfStock 1");
    run(engine, "UPDATE sagas SET state = 'Completed' WHERE state IN ('Compensated', 'OutOfStock')");
    {
        // What somebody else adds up at the same time is left to them.
        Connection other({database.dsns().engine, "test"});
        other.transact([&](Transaction& open) {
            open.query("SELECT FROM ended_sagas WHERE state = 'Completed' AND sagas = 3 FOR UPDATE");
            add_up_ended(session);
        });
    }
    EXPECT_EQ(text_of(engine, kCounts), "Completed 5") << "a sum of nothing is no row";
    add_up_ended(session);
    EXPECT_EQ(text_of(engine, rows), "1");
    EXPECT_EQ(text_of(engine, kCounts), "Completed 5");
}

TEST_F(ListRows, WordsOfAnOrderAreThoseOfItsNameAndLines) {
    EXPECT_EQ(words(), "name:1 sku:SHIRT");
    EXPECT_EQ(text_of(engine, "SELECT count(*) FROM order_words WHERE word = 'name:9'"), "0")
        << "an order without a saga is in no list";
    run(engine, "UPDATE orders SET name = 'EU-7b' WHERE name = '#1'");
    EXPECT_EQ(words(), "name:7b name:eu-7b sku:SHIRT");
    run(engine,
        R"(UPDATE orders SET document = '{"lines": [{"sku": "MUG"}, {"sku": "MUG"}, {"sku": ""}]}' WHERE name = 'EU-7b')");
    EXPECT_EQ(words(), "name:7b name:eu-7b sku: sku:MUG");
    run(engine, "UPDATE orders SET name = '#', document = NULL WHERE name = 'EU-7b'");
    EXPECT_EQ(words(), "");
}

// The engine's own rows: the words are as the database would make them, of whatever it is that people call an order.
TEST_F(ListRows, TheEngineKeepsTheSameWordsAsTheDatabase) {
    const std::string euro = "\xE2\x82\xAC", sharp =
                                                 "\xC3\x84"
                                                 "b\xC3\xA9";
    std::string wide;
    for (int i = 0; i < 300; ++i)
        wide += euro;
    const std::vector<std::string> names{
        "#1001",
        "##7",
        "#",
        "",
        "EU-1001",
        "eu 10-01",
        "1001-EU",
        sharp + "12",
        "A#1",
        "no number",
        std::string(5000, 'X') + "9",
        wide + "5",
        "5" + wide,
        "a\nb 3\nc"};
    const std::vector<std::vector<std::string>> lines{{},
                                                      {""},
                                                      {"SHIRT"},
                                                      {"shirt", "SHIRT"},
                                                      {"MUG", "MUG"},
                                                      {sharp, wide, std::string(5000, 'Y')},
                                                      {"#1", "name:1"}};
    add_sagas(31, 32);
    int given = 0;
    for (const std::string& name : names) {
        for (const std::vector<std::string>& skus : lines) {
            in_rows([&](engine::Transaction&, orders::Rows& rows) {
                std::vector<orders::OrderRow> found = rows.lock_orders({{merchant, eu, "31"}, {merchant, eu, "32"}});
                for (orders::OrderRow& order : found) {
                    order.saga_id = uuid(std::stoi(order.key.order_id));
                    order.name = name;
                    order.has_document = ++given % 5 != 0;
                    order.document = {};
                    order.document.order_id = order.key.order_id;
                    for (const std::string& sku : skus)
                        order.document.lines.push_back({"1", "v", sku, 1, 1, 1, true, false, true});
                }
                rows.write_orders(found);
            });
            ASSERT_EQ(text_of(engine, kDiffering), "0") << name.substr(0, 20) << " with " << skus.size() << " lines";
        }
    }
}

// The triggers would find nothing to do: what there is has been written by the engine.
TEST_F(ListRows, TheEngineNeedsNoTriggers) {
    Connection owner({database.admin_dsn(), "test"});
    run(owner, "ALTER TABLE orders DISABLE TRIGGER keep_words; ALTER TABLE sagas DISABLE TRIGGER count_ended");
    engine::Changes fresh;
    for (int number : {21, 22, 23}) {
        fresh.new_sagas.push_back(a_saga(number));
        fresh.new_sagas.back().final = number == 21;
        fresh.new_sagas.back().state = number == 21 ? "Completed" : "Waiting";
    }
    in_rows([&](engine::Transaction& transaction, orders::Rows& rows) {
        std::vector<orders::OrderRow> found = rows.lock_orders({{merchant, eu, "9"}, {merchant, eu, "21"}});
        for (orders::OrderRow& order : found) {
            order.saga_id = order.key.order_id == "9" ? uuid(22) : uuid(21);
            order.name = "#" + order.key.order_id;
        }
        rows.write_orders(found);
        transaction.write(fresh);
    });
    EXPECT_EQ(text_of(engine, kDiffering), "0");
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        engine::Changes changes;
        changes.updated_sagas = transaction.lock_sagas({saga(1), saga(21), saga(22), saga(23)});
        for (engine::SagaRow& row : changes.updated_sagas) {
            changes.updated_from.push_back(row.version);
            row.version += 1;
        }
        changes.updated_sagas[0].state = "Compensated";  // ended otherwise
        changes.updated_sagas[1].state = "Received";     // goes on
        changes.updated_sagas[1].final = false;
        changes.updated_sagas[1].next_wake = transaction.now();
        changes.updated_sagas[2].state = "OutOfStock";
        changes.updated_sagas[2].final = true;
        changes.updated_sagas[2].next_wake.reset();
        transaction.write(changes);
    });
    EXPECT_EQ(text_of(engine, kCounts), "Compensated 1, Completed 2, OutOfStock 1");
    EXPECT_EQ(text_of(engine, kDiffering), "0");
    run(owner, "ALTER TABLE orders ENABLE TRIGGER keep_words; ALTER TABLE sagas ENABLE TRIGGER count_ended");
}

// Rows that a transaction writes without having read them.
TEST_F(ListRows, TheTriggersKeepWhatTheEngineDoesNotKnow) {
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        engine::Changes changes;
        changes.updated_sagas.push_back(a_saga(4));
        changes.updated_sagas.back().version = 2;
        changes.updated_sagas.back().state = "Gone";
        changes.updated_sagas.back().final = true;
        changes.updated_from.push_back(1);
        run(engine, "UPDATE sagas SET kind = 'test'");
        transaction.write(changes);
    });
    EXPECT_EQ(text_of(engine, kCounts), "Completed 3, Gone 1");
    EXPECT_EQ(text_of(engine, kDiffering), "0");
}

// Engines, people with SQL, and who adds up, all at once on a few orders; some of it is taken back.
TEST_F(ListRows, NothingDriftsInAStormOfWrites) {
    constexpr int threads = 4, turns = 120, first = 10, sagas = 12;
    run(engine, "UPDATE sagas SET kind = 'test'");
    add_sagas(first, first + sagas - 1);
    std::vector<std::thread> storm;
    std::atomic<int> written{0};
    for (int thread = 0; thread < threads; ++thread) {
        storm.emplace_back([&, thread] {
            std::mt19937 dice(static_cast<unsigned>(thread));
            const auto pick = [&](int below) {
                return static_cast<int>(dice() % static_cast<unsigned>(below));
            };
            PgStore own({database.dsns().engine, "test"}, test::test_keys());
            Connection people({database.dsns().engine, "test"});
            Session session({database.dsns().engine, "test"});
            const std::vector<std::string> states{"Waiting", "Received", "Completed", "OutOfStock"};
            const std::vector<std::string> skus{"SHIRT", "MUG", "SET", ""};
            for (int turn = 0; turn < turns; ++turn) {
                const int what = pick(10);
                const int one = first + pick(sagas), other = first + pick(sagas);
                const std::string state = states[static_cast<std::size_t>(pick(4))];
                const bool final = state == "Completed" || state == "OutOfStock";
                try {
                    if (what == 0) {
                        add_up_ended(session);
                    } else if (what == 1) {
                        run(people, "UPDATE sagas SET final = " + std::string(final ? "true" : "false") +
                                        ", next_wake = now(), state = '" + state + "' WHERE saga_id = '" + uuid(one) +
                                        "'");
                    } else if (what == 2) {
                        run(people, "UPDATE orders SET name = 'US-" + std::to_string(turn) + "' WHERE saga_id = '" +
                                        uuid(one) + "'");
                    } else {
                        own.transact(
                            [&](engine::Transaction& transaction) {
                                auto& rows = dynamic_cast<orders::Rows&>(transaction);
                                std::vector<orders::OrderRow> found = rows.lock_orders(
                                    {{merchant, eu, std::to_string(one)}, {merchant, eu, std::to_string(other)}});
                                engine::Changes changes;
                                changes.updated_sagas = transaction.lock_sagas({saga(one), saga(other)});
                                for (orders::OrderRow& order : found) {
                                    order.saga_id = uuid(std::stoi(order.key.order_id));
                                    order.name = "#" + std::to_string(pick(5));
                                    order.has_document = true;
                                    order.document.lines.clear();
                                    order.document.order_id = order.key.order_id;
                                    for (int line = pick(3); line >= 0; --line)
                                        order.document.lines.push_back(
                                            {"1", "v", skus[static_cast<std::size_t>(pick(4))], 1, 1, 1, true, false,
                                             true});
                                }
                                rows.write_orders(found);
                                for (engine::SagaRow& row : changes.updated_sagas) {
                                    changes.updated_from.push_back(row.version);
                                    row.version += 1;
                                    row.state = state;
                                    row.final = final;
                                    row.next_wake = transaction.now();
                                }
                                transaction.write(changes);
                            },
                            what == 9 ? engine::Store::Ending::roll_back : engine::Store::Ending::commit);
                        ++written;
                    }
                } catch (const DatabaseError&) {  // a deadlock of people: as well, nothing of it was done
                } catch (const engine::StoreUnavailable&) {
                }
            }
        });
    }
    for (std::thread& thread : storm)
        thread.join();
    EXPECT_GT(written, threads * turns / 4);
    EXPECT_EQ(text_of(engine, kDiffering), "0");
    EXPECT_GT(std::stoi(text_of(engine, "SELECT count(*) FROM order_words WHERE saga_id > '" + uuid(9) + "'")), sagas);
    Session session({database.dsns().engine, "test"});
    add_up_ended(session);
    EXPECT_EQ(text_of(engine, kDiffering), "0");
    EXPECT_EQ(text_of(engine, "SELECT count(*) - count(DISTINCT (merchant_id, state)) FROM ended_sagas"), "0");
}

}  // namespace
}  // namespace ordersaga::db
