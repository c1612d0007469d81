// diagrams/schema.md is what the migrations make.
#include "db/schema_diagram.hpp"

#include "tests/support/test_database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace ordersaga::db {
namespace {

using testing::HasSubstr;
using testing::Not;

class SchemaDiagram : public testing::Test {
protected:
    std::string page(const std::string& before = {}) {
        std::string text;
        Connection connection({database.admin_dsn(), "test"});
        connection.transact([&](Transaction& transaction) {
            if (!before.empty()) transaction.run_script(before);
            text = schema_page(transaction);
        });
        return text;
    }

    test::TestDatabase database;
};

// The tests run in the repository's root.
TEST_F(SchemaDiagram, IsWhatTheMigrationsMake) {
    std::ifstream file("diagrams/schema.md", std::ios::binary);
    const std::string drawn{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    EXPECT_EQ(drawn, page()) << "run ./dev diagrams";
}

TEST_F(SchemaDiagram, ShowsWhatAMigrationAdds) {
    const std::string text = page(
        "CREATE TABLE parcels (merchant_id bigint NOT NULL, parcel_id bigint NOT NULL, saga_id uuid, name text,"
        " weight bigint CHECK (weight > 0), PRIMARY KEY (merchant_id, parcel_id),"
        " FOREIGN KEY (merchant_id, saga_id) REFERENCES sagas);"
        "CREATE UNIQUE INDEX ON parcels (merchant_id, lower(name)) WHERE weight > 5;");

    EXPECT_THAT(text, HasSubstr("    parcels {\n        bigint merchant_id PK, FK\n        bigint parcel_id PK\n"));
    EXPECT_THAT(text, HasSubstr("    sagas |o--o{ parcels : \"saga_id\"\n"));
    EXPECT_THAT(text, HasSubstr("- key `merchant_id, parcel_id`\n"));
    EXPECT_THAT(text, HasSubstr("- unique `merchant_id, lower(name)` where `(weight > 5)`\n"));
    EXPECT_THAT(text, HasSubstr("- check `(weight > 0)`\n"));
    EXPECT_THAT(text, HasSubstr("`weight` bigint or null\n"));
}

TEST_F(SchemaDiagram, DoesNotGrowByTheMonthsOfTheHistory) {
    EXPECT_THAT(page("SELECT prepare_history(6)"), Not(HasSubstr("saga_history_2")));
}

}  // namespace
}  // namespace ordersaga::db
