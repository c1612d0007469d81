#include "db/startup_checks.hpp"

#include "tests/support/test_database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::db {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> faults_of(const std::string& dsn) {
    Connection connection({dsn, "test"});
    return startup_faults(connection);
}

TEST(StartupChecks, AMigratedDatabaseAndAServiceRoleAreFine) {
    const test::TestDatabase database;
    EXPECT_THAT(faults_of(database.dsns().engine), ElementsAre());
    EXPECT_THAT(faults_of(database.dsns().api), ElementsAre());
}

TEST(StartupChecks, ASuperuserWithoutTimeoutsIsRefused) {
    const test::TestDatabase database;
    const auto faults = faults_of(database.admin_dsn());
    EXPECT_THAT(faults, Contains(HasSubstr("is a superuser")));
    EXPECT_THAT(faults, Contains(HasSubstr("statement_timeout is not set")));
    EXPECT_THAT(faults, Contains(HasSubstr("idle_in_transaction_session_timeout is not set")));
}

TEST(StartupChecks, AnEmptyDatabaseAsksForMigration) {
    const test::TestDatabase database(test::TestDatabase::Content::empty);
    EXPECT_THAT(faults_of(database.dsns().engine), ElementsAre(HasSubstr("run sagactl migrate")));
}

TEST(StartupChecks, ANewerSchemaIsRefused) {
    const test::TestDatabase database;
    Connection({database.admin_dsn(), "test"}).transact([](Transaction& transaction) {
        transaction.query(
            "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, 'later', repeat('0', 64))");
    });
    EXPECT_THAT(faults_of(database.dsns().engine), ElementsAre(HasSubstr("newer")));
}

TEST(StartupChecks, AnUnsafeCommitIsRefused) {
    const test::TestDatabase database;
    const std::string dsn = dsn_with(database.dsns().engine, {{"options", "-c synchronous_commit=off"}});
    EXPECT_THAT(faults_of(dsn), ElementsAre(HasSubstr("synchronous_commit is off")));
}

}  // namespace
}  // namespace ordersaga::db
