#include "db/migrate.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ordersaga::db {
namespace {

TEST(EmbeddedMigrations, AreNumberedWithoutGapsAndSayPurposeAndReversal) {
    int expected = 1;
    for (const Migration& migration : embedded_migrations()) {
        EXPECT_EQ(migration.version, expected++) << migration.name;
        EXPECT_TRUE(migration.sql.starts_with("-- Purpose:")) << migration.name;
        EXPECT_NE(migration.sql.find("\n-- Reversal:"), std::string_view::npos) << migration.name;
    }
    EXPECT_EQ(schema_version(), expected - 1);
    EXPECT_GE(schema_version(), 1);
}

TEST(Migrate, RefusesAGapBeforeItConnects) {
    const Migration second{2, "0002_second", "-- Purpose: x\n-- Reversal: y\n"};
    EXPECT_THROW(migrate("host=127.0.0.1 port=1", std::span(&second, 1)), SchemaMismatch);
}

TEST(Migrate, RefusesAFileWithoutItsNotesBeforeItConnects) {
    const Migration silent{1, "0001_silent", "CREATE TABLE t ()"};
    EXPECT_THROW(migrate("host=127.0.0.1 port=1", std::span(&silent, 1)), SchemaMismatch);
}

}  // namespace
}  // namespace ordersaga::db
