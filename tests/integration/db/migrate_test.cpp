#include "db/migrate.hpp"

#include "tests/support/test_database.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace ordersaga::db {
namespace {

constexpr Migration kFirst{1, "0001_first", "-- Purpose: a\n-- Reversal: b\nCREATE TABLE first (n integer);"};
constexpr Migration kFirstChanged{1, "0001_first", "-- Purpose: a\n-- Reversal: b\nCREATE TABLE first (n bigint);"};
constexpr Migration kSecond{2, "0002_second", "-- Purpose: a\n-- Reversal: b\nCREATE TABLE second (n integer);"};
constexpr Migration kBroken{
    2, "0002_second", "-- Purpose: a\n-- Reversal: b\nCREATE TABLE half (n integer); SELECT 1 / 0;"};

constexpr Migration kEndless{
    2, "0002_second", "-- Purpose: a\n-- Reversal: b\nCREATE TABLE half (n integer); SELECT pg_sleep(60);"};

class Migrate : public testing::Test {
protected:
    MigrationReport run(const std::vector<Migration>& migrations) {
        return migrate(database.dsns().migrator, migrations);
    }

    bool has_table(const std::string& name) {
        bool found = false;
        Connection connection({database.admin_dsn(), "test"});
        connection.transact([&](Transaction& transaction) {
            found = transaction.query("SELECT to_regclass($1) IS NOT NULL", {name}).boolean(0, 0);
        });
        return found;
    }

    test::TestDatabase database{test::TestDatabase::Content::empty};
};

TEST_F(Migrate, GoesForwardAndIsSafeToRepeat) {
    const MigrationReport first = run({kFirst});
    EXPECT_EQ(first.before, 0);
    EXPECT_EQ(first.after, 1);
    const MigrationReport both = run({kFirst, kSecond});
    EXPECT_EQ(both.applied, std::vector<std::string>{"0002_second"});
    EXPECT_TRUE(run({kFirst, kSecond}).applied.empty());
    EXPECT_TRUE(has_table("second"));
}

TEST_F(Migrate, RefusesANewerDatabase) {
    run({kFirst, kSecond});
    EXPECT_THROW(run({kFirst}), SchemaMismatch);
}

TEST_F(Migrate, RefusesAFileThatChangedAfterItWasApplied) {
    run({kFirst});
    EXPECT_THROW(run({kFirstChanged, kSecond}), SchemaMismatch);
    EXPECT_FALSE(has_table("second"));
}

TEST_F(Migrate, AFailedMigrationLeavesNothingOfItself) {
    EXPECT_THROW(run({kFirst, kBroken}), BadData);
    EXPECT_TRUE(has_table("first"));
    EXPECT_FALSE(has_table("half"));
    EXPECT_EQ(run({kFirst, kSecond}).before, 1);
}

// As a kill in the middle of it does: the server drops the connection and with it all that was done.
TEST_F(Migrate, OneThatIsKilledInTheMiddleRunsAgainFromItsBeginning) {
    run({kFirst});
    bool failed = false;
    std::thread migrating([&] {
        try {
            run({kFirst, kEndless});
        } catch (const DatabaseError&) {
            failed = true;
        }
    });
    Connection connection({database.admin_dsn(), "test"});
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (bool killed = false; !killed && std::chrono::steady_clock::now() < limit;) {
        connection.transact([&](Transaction& transaction) {
            killed = !transaction
                          .query(
                              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
                              " AND wait_event = 'PgSleep'",
                              {database.name()})
                          .empty();
        });
    }
    migrating.join();

    EXPECT_TRUE(failed);
    EXPECT_FALSE(has_table("half"));
    EXPECT_EQ(run({kFirst, kSecond}).applied, std::vector<std::string>{"0002_second"});
    EXPECT_TRUE(has_table("second"));
}

TEST_F(Migrate, TwoRunsAtOnceWaitForOneAnother) {
    std::vector<std::size_t> applied(4);
    std::vector<std::thread> threads;
    for (std::size_t& count : applied) {
        threads.emplace_back([&] { count = run({kFirst, kSecond}).applied.size(); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(applied[0] + applied[1] + applied[2] + applied[3], 2U);
}

TEST_F(Migrate, TablesBelongToTheOwnerAndNotToTheLogin) {
    migrate(database.dsns().migrator);
    Connection connection({database.admin_dsn(), "test"});
    connection.transact([](Transaction& transaction) {
        const Rows others = transaction.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND pg_get_userbyid(relowner) <> 'ordersaga_owner'");
        EXPECT_TRUE(others.empty());
    });
}

// Nobody comes in by a name and a password that everybody knows: there is neither.
TEST_F(Migrate, LetsNobodyInByItself) {
    migrate(database.dsns().migrator);
    Connection connection({database.admin_dsn(), "test"});
    connection.transact([](Transaction& transaction) {
        for (const char* table : {"operators", "tokens", "merchants", "credentials"})
            EXPECT_EQ(transaction.query(std::string("SELECT count(*) FROM ") + table).int64(0, 0), 0) << table;
    });
}

}  // namespace
}  // namespace ordersaga::db
