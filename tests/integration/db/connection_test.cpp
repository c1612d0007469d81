#include "db/connection.hpp"

#include "db/session.hpp"
#include "tests/support/test_database.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace ordersaga::db {
namespace {

class ConnectionTest : public testing::Test {
protected:
    static void SetUpTestSuite() { database = std::make_unique<test::TestDatabase>(); }
    static void TearDownTestSuite() { database.reset(); }

    static ConnectionSettings settings() { return {database->dsns().engine, "test"}; }
    static ConnectionSettings admin() { return {database->admin_dsn(), "test"}; }

    static inline std::unique_ptr<test::TestDatabase> database;
};

void ask(Transaction& transaction) {
    transaction.query("SELECT 1");
}

TEST_F(ConnectionTest, ALostConnectionIsBrokenForGood) {
    Connection connection(settings());
    connection.transact(ask);
    database->cut_connections();
    EXPECT_THROW(connection.transact(ask), Broken);
    EXPECT_FALSE(connection.usable());
    // The library would reconnect here without a word.
    EXPECT_THROW(connection.transact(ask), Broken);
    EXPECT_THROW(connection.autocommit("SELECT 1"), Broken);
}

TEST_F(ConnectionTest, LosingTheLinkInTheMiddleAppliesNothing) {
    Connection connection(settings());
    EXPECT_THROW(
        connection.transact([&](Transaction& transaction) {
            transaction.query("INSERT INTO merchants (name) VALUES ('half')");
            database->cut_connections();
            transaction.query("INSERT INTO merchants (name) VALUES ('other half')");
        }),
        Broken);
    Connection(admin()).transact([](Transaction& transaction) {
        EXPECT_TRUE(transaction.query("SELECT FROM merchants WHERE name = 'half'").empty());
    });
}

TEST_F(ConnectionTest, LosingTheLinkBeforeTheCommitIsInDoubt) {
    Connection connection(settings());
    EXPECT_THROW(
        connection.transact([&](Transaction& transaction) {
            transaction.query("INSERT INTO merchants (name) VALUES ('doubtful')");
            database->cut_connections();
        }),
        InDoubt);
    EXPECT_FALSE(connection.usable());
}

TEST_F(ConnectionTest, ASessionReplacesALostConnectionAndRepeatsTheWork) {
    Session session(settings());
    session.transact(ask);
    int runs = 0;
    session.transact([&](Transaction& transaction) {
        if (++runs == 1) {
            database->cut_connections();
        }
        ask(transaction);
    });
    EXPECT_EQ(runs, 2);
    EXPECT_TRUE(session.connected());
}

TEST_F(ConnectionTest, ASessionNeverRepeatsWhatIsInDoubt) {
    Session session(settings());
    int runs = 0;
    EXPECT_THROW(
        session.transact([&](Transaction& transaction) {
            ++runs;
            transaction.query("INSERT INTO merchants (name) VALUES ('in doubt')");
            database->cut_connections();
        }),
        InDoubt);
    EXPECT_EQ(runs, 1);
}

TEST_F(ConnectionTest, ErrorsAreToldApartByWhatTheCallerCanDo) {
    Connection connection(settings());
    const auto run = [&](const std::string& statement) {
        connection.transact([&](Transaction& transaction) { transaction.query(statement); });
    };
    EXPECT_THROW(run("SELECT 1 / 0"), BadData);
    EXPECT_THROW(run("INSERT INTO merchants (name) VALUES ('')"), BadData);
    EXPECT_THROW(run("SELECT nobody"), Misuse);
    EXPECT_THROW(run("DROP TABLE merchants"), Misuse);
    EXPECT_THROW(run("SET LOCAL statement_timeout = 1; SELECT 1"), Misuse);  // one statement at a time
    EXPECT_TRUE(connection.usable());
    run("SELECT 1");
}

TEST_F(ConnectionTest, AStatementThatTakesTooLongMayBeTriedAgain) {
    Connection connection(settings());
    EXPECT_THROW(
        connection.transact([](Transaction& transaction) {
            transaction.query("SET LOCAL statement_timeout = 20");
            transaction.query("SELECT pg_sleep(10)");
        }),
        Retryable);
    EXPECT_TRUE(connection.usable());
}

TEST_F(ConnectionTest, ALockThatIsNotHadMayBeTriedAgain) {
    Connection holder(settings());
    Connection waiter(settings());
    holder.transact([&](Transaction& held) {
        held.query("LOCK TABLE parked_items IN ROW EXCLUSIVE MODE");
        Connection locker(admin());
        locker.transact([&](Transaction& exclusive) {
            exclusive.query("SELECT pg_advisory_xact_lock(1)");
            EXPECT_THROW(
                waiter.transact([](Transaction& transaction) {
                    transaction.query("SET LOCAL lock_timeout = 20");
                    transaction.query("SELECT pg_advisory_xact_lock(1)");
                }),
                Retryable);
        });
    });
}

// Two transactions lock two rows crosswise; the server ends one of them.
TEST_F(ConnectionTest, ADeadlockMayBeTriedAgain) {
    int failed = 0;
    Connection first(settings());
    Connection second(settings());
    first.transact([](Transaction& transaction) {
        transaction.query("INSERT INTO merchants (merchant_id, name) VALUES (71, 'a'), (72, 'b')");
    });
    const auto lock = [](Transaction& transaction, int row) {
        transaction.query("SELECT FROM merchants WHERE merchant_id = $1::bigint FOR UPDATE", {row});
    };
    std::exception_ptr other;
    try {
        first.transact([&](Transaction& one) {
            lock(one, 71);
            std::thread thread;
            try {
                second.transact([&](Transaction& two) {
                    two.query("SET LOCAL lock_timeout = 0");
                    lock(two, 72);
                    thread = std::thread([&] {
                        try {
                            one.query("SET LOCAL lock_timeout = 0");
                            lock(one, 72);
                        } catch (const Retryable& error) {
                            EXPECT_EQ(error.sqlstate(), "40P01");
                            ++failed;
                            other = std::current_exception();
                        }
                    });
                    lock(two, 71);
                });
            } catch (const Retryable& error) {
                EXPECT_EQ(error.sqlstate(), "40P01");
                ++failed;
            }
            thread.join();
            if (other) {
                std::rethrow_exception(other);
            }
        });
    } catch (const Retryable&) {
    }
    EXPECT_EQ(failed, 1);
}

TEST_F(ConnectionTest, MessagesDoNotCarryTheValuesOfARow) {
    Connection connection(settings());
    const auto message_of = [&](const std::string& statement) {
        try {
            connection.transact([&](Transaction& transaction) { transaction.query(statement); });
        } catch (const BadData& error) {
            return std::string(error.what());
        }
        return std::string("nothing was thrown");
    };
    connection.transact(
        [](Transaction& transaction) { transaction.query("INSERT INTO merchants (name) VALUES ('canary')"); });
    const std::string duplicate = message_of("INSERT INTO merchants (name) VALUES ('canary')");
    EXPECT_NE(duplicate.find("merchants_name_key"), std::string::npos) << duplicate;
    EXPECT_EQ(duplicate.find("canary"), std::string::npos) << duplicate;
    EXPECT_EQ(message_of("SELECT 'canary'::bigint").find("canary"), std::string::npos);
}

TEST_F(ConnectionTest, AnUnreachableServerIsNamedWithoutItsPassword) {
    try {
        Connection connection({"postgresql://anna:secret@127.0.0.1:1/none", "test"});
        FAIL() << "connected";
    } catch (const Broken& error) {
        EXPECT_NE(std::string(error.what()).find("127.0.0.1"), std::string::npos);
        EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos);
    }
}

std::string count_named(Transaction& transaction, const std::string& name) {
    return transaction.query("SELECT count(*) FROM merchants WHERE name = $1", {name}).text(0, 0);
}

TEST_F(ConnectionTest, WhatIsToRunLaterRunsInItsPlace) {
    for (const bool prepares : {true, false}) {
        ConnectionSettings ours = settings();
        ours.prepares = prepares;
        Connection connection(ours);
        const std::string name = prepares ? "later" : "at once";
        std::int64_t told = 0;
        connection.transact([&](Transaction& transaction) {
            transaction.execute_later("INSERT INTO merchants (name) VALUES ($1)", list_of(name));
            EXPECT_EQ(count_named(transaction, name), "1") << "who asks afterwards sees it";
            transaction.execute_later(
                "DELETE FROM merchants WHERE name = $1", list_of(name), [&](std::int64_t changed) { told = changed; });
            transaction.execute_later("INSERT INTO merchants (name) VALUES ($1)", list_of(name));
        });
        EXPECT_EQ(told, 1);
        connection.transact([&](Transaction& transaction) { EXPECT_EQ(count_named(transaction, name), "1"); });
    }
}

TEST_F(ConnectionTest, TheFaultOfALaterStatementEndsTheTransaction) {
    ConnectionSettings ours = settings();
    ours.prepares = true;
    Connection connection(ours);
    const auto insert = [](Transaction& transaction, const std::string& name) {
        transaction.execute_later("INSERT INTO merchants (name) VALUES ($1)", list_of(name));
    };
    EXPECT_THROW(
        connection.transact([&](Transaction& transaction) {
            insert(transaction, "before");
            transaction.execute_later("SELECT 1 / $1::int", list_of(0));
            insert(transaction, "behind");
        }),
        BadData);
    EXPECT_THROW(
        connection.transact([&](Transaction& transaction) {
            transaction.execute_later("SELECT 1 / $1::int", list_of(0));
            count_named(transaction, "before");
        }),
        BadData)
        << "the next statement that is waited for tells it";
    EXPECT_THROW(
        connection.transact([&](Transaction& transaction) {
            insert(transaction, "before");
            transaction.execute_later(
                "DELETE FROM merchants WHERE name = $1", list_of("nobody"), [](std::int64_t changed) {
                    if (changed == 0) throw std::runtime_error("none");
                });
        }),
        std::runtime_error);
    EXPECT_THROW(
        connection.transact([&](Transaction& transaction) {
            insert(transaction, "before");
            throw std::runtime_error("of the work itself");
        }),
        std::runtime_error);
    connection.transact([&](Transaction& transaction) {
        EXPECT_EQ(count_named(transaction, "before"), "0");
        EXPECT_EQ(count_named(transaction, "behind"), "0");
    });
}

TEST_F(ConnectionTest, AStatementBehindAFaultIsPreparedAnotherTime) {
    ConnectionSettings ours = settings();
    ours.prepares = true;
    Connection connection(ours);
    const auto insert = [](Transaction& transaction) {
        transaction.execute_later("INSERT INTO merchants (name) VALUES ($1)", list_of("prepared twice"));
    };
    EXPECT_THROW(
        connection.transact([&](Transaction& transaction) {
            transaction.execute_later("SELECT 1 / $1::int", list_of(1));
            transaction.execute_later("SELECT 1 / $1::int", list_of(0));
            insert(transaction);
        }),
        BadData);
    EXPECT_THROW(
        connection.transact(
            [&](Transaction& transaction) { transaction.execute_later("SELECT no_such_column FROM merchants", {}); }),
        Misuse);
    connection.transact([&](Transaction& transaction) {
        insert(transaction);
        EXPECT_EQ(count_named(transaction, "prepared twice"), "1");
    });
    EXPECT_TRUE(connection.usable());
}

// More than both ends' buffers hold, each way: neither side may wait for the other to read.
TEST_F(ConnectionTest, MuchMayBeUnderWay) {
    ConnectionSettings ours = settings();
    ours.prepares = true;
    Connection connection(ours);
    const std::string much(1 << 20, 'x');
    std::int64_t told = 0;
    connection.transact([&](Transaction& transaction) {
        for (int i = 0; i < 40; ++i)
            transaction.execute_later(
                "SELECT $1::text || $2", list_of(much, i), [&](std::int64_t changed) { told += changed; });
        EXPECT_EQ(transaction.query("SELECT $1::int", {7}).int32(0, 0), 7);
    });
    EXPECT_EQ(told, 40);
}

TEST_F(ConnectionTest, AServerThatEndsTheSessionInThePipelineIsBroken) {
    ConnectionSettings ours = settings();
    ours.prepares = true;
    Connection connection(ours);
    Connection other(admin());
    EXPECT_THROW(
        connection.transact([&](Transaction& transaction) {
            transaction.execute_later("INSERT INTO merchants (name) VALUES ($1)", list_of("lost"));
            other.transact([&](Transaction& theirs) {
                theirs.query("SELECT pg_terminate_backend($1::int, 5000)", {connection.backend_process()});
            });
            transaction.execute_later("INSERT INTO merchants (name) VALUES ($1)", list_of("lost too"));
            count_named(transaction, "lost");
        }),
        Broken);
    EXPECT_FALSE(connection.usable());
    other.transact([&](Transaction& transaction) { EXPECT_EQ(count_named(transaction, "lost"), "0"); });
}

// Planned for an empty table, a list of keys is looked for in every row.
TEST_F(ConnectionTest, PlansOfASmallTableDoNotOutliveIt) {
    ConnectionSettings ours = admin();
    ours.prepares = true;
    Connection connection(ours);
    const auto rows_read = [](Transaction& transaction) {
        const auto read = [&] {
            return transaction.query("SELECT pg_stat_get_xact_tuples_returned('probe_by_key'::regclass)").int64(0, 0);
        };
        const std::int64_t before = read();
        transaction.query(
            "SELECT * FROM probe WHERE (a, b) IN (SELECT * FROM unnest($1::int[], $2::int[]))", {"{1,1}", "{7,8}"});
        return read() - before;
    };
    connection.transact([&](Transaction& transaction) {
        transaction.query("CREATE TEMP TABLE probe (a int, b int) ON COMMIT PRESERVE ROWS");
        transaction.query("CREATE INDEX probe_by_key ON probe (a, b)");
        transaction.query("ANALYZE probe");
    });
    connection.transact([&](Transaction& transaction) {
        rows_read(transaction);
        transaction.query("INSERT INTO probe SELECT 1, n FROM generate_series(1, 20000) n");
        EXPECT_GE(rows_read(transaction), 20000);
    });
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::int64_t read = 0;
    do {
        connection.transact([&](Transaction& transaction) { read = rows_read(transaction); });
    } while (read > 10 && std::chrono::steady_clock::now() < give_up);
    EXPECT_LE(read, 10);
}

TEST_F(ConnectionTest, ValuesComeBackAsTheyWent) {
    Connection connection(settings());
    connection.transact([](Transaction& transaction) {
        const std::string bytes("\0\x01\xff", 3);
        const Instant instant{std::chrono::microseconds{1'780'000'000'123'456}};
        const std::vector<std::string> texts{"a\"b", "c\\d", "NULL", "", "{}"};
        const Rows rows = transaction.query(
            "SELECT $1::bigint, $2::text, $3::bytea, $4::timestamptz, $5::boolean, $6::text, $7::double precision, "
            "($8::text[])[1], ($8::text[])[2], ($8::text[])[3], cardinality($8::text[])",
            {INT64_MIN, "it's €", Bytes{bytes}, instant, true, nullptr, 0.1, texts});
        EXPECT_EQ(rows.int64(0, 0), INT64_MIN);
        EXPECT_EQ(rows.text(0, 1), "it's €");
        EXPECT_EQ(rows.bytes(0, 2), bytes);
        EXPECT_EQ(rows.instant(0, 3), instant);
        EXPECT_TRUE(rows.boolean(0, 4));
        EXPECT_EQ(rows.optional_text(0, 5), std::nullopt);
        EXPECT_EQ(rows.real(0, 6), 0.1);
        EXPECT_EQ(rows.text(0, 7), "a\"b");
        EXPECT_EQ(rows.text(0, 8), "c\\d");
        EXPECT_EQ(rows.text(0, 9), "NULL");
        EXPECT_EQ(rows.int32(0, 10), 5);
        EXPECT_THROW(rows.int64(0, 1), std::logic_error);
        EXPECT_THROW(rows.text(0, 5), std::logic_error);
        EXPECT_THROW(rows.text(1, 0), std::logic_error);
    });
}

}  // namespace
}  // namespace ordersaga::db
