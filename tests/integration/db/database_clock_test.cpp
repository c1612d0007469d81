#include "db/database_clock.hpp"

#include "db/connection.hpp"
#include "tests/support/test_database.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace ordersaga::db {
namespace {

using namespace std::chrono_literals;

Instant server_time(const std::string& dsn) {
    return Connection({dsn, "test"}).autocommit("SELECT clock_timestamp()").instant(0, 0);
}

TEST(DatabaseClock, TellsTheServersTimeWithinItsOwnUncertainty) {
    const test::TestDatabase database;
    const DatabaseClock clock({.dsn = database.dsns().worker, .interval = 20ms});
    ASSERT_TRUE(clock.wait_until_known(10s));
    const Instant before = server_time(database.dsns().worker);
    const auto reading = clock.read();
    const Instant after = server_time(database.dsns().worker);
    ASSERT_TRUE(reading);
    EXPECT_GE(reading->now + reading->uncertainty, before);
    EXPECT_LE(reading->now - reading->uncertainty, after);
}

TEST(DatabaseClock, KnowsNothingWithoutAServer) {
    const DatabaseClock clock({.dsn = "host=127.0.0.1 port=1", .interval = 10ms});
    EXPECT_FALSE(clock.wait_until_known(50ms));
    EXPECT_FALSE(clock.read());
}

TEST(DatabaseClock, ReconnectsByItself) {
    const test::TestDatabase database;
    const DatabaseClock clock({.dsn = database.dsns().worker, .interval = 10ms, .longest_silence = 500ms});
    ASSERT_TRUE(clock.wait_until_known(10s));
    database.cut_connections();
    // Longer than it would answer from memory: only a new connection can explain a reading.
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    const Instant target = server_time(database.dsns().worker) + 700ms;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto reading = clock.read();
        if (reading && reading->now > target) {
            SUCCEED();
            return;
        }
        std::this_thread::yield();
    }
    FAIL() << "the clock stayed silent";
}

}  // namespace
}  // namespace ordersaga::db
