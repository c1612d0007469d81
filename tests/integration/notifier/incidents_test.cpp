// Every incident that is opened becomes a public event, whoever opens it.
#include "db/connection.hpp"
#include "tests/support/events/event_schemas.hpp"
#include "tests/support/test_database.hpp"

#include <gtest/gtest.h>

namespace ordersaga::db {
namespace {

constexpr const char* kOpen = R"sql(
    INSERT INTO incidents (merchant_id, incident_key, cause, text, opened_at, updated_at)
    VALUES (1, 'listing:17', 'a store refuses a listing', $1, now(), now())
        ON CONFLICT (merchant_id, incident_key) WHERE closed_at IS NULL DO UPDATE SET text = excluded.text)sql";

TEST(IncidentEvents, AreToldWhenAnIncidentIsOpenedAndNotWhenItsTextChanges) {
    test::TestDatabase database;
    Connection admin({database.admin_dsn(), "test"});
    admin.transact([](Transaction& transaction) {
        transaction.query("INSERT INTO merchants (merchant_id, name) VALUES (1, 'Shirts')");
    });
    Connection engine({database.dsns().engine, "test"});
    engine.transact([](Transaction& transaction) {
        transaction.query(kOpen, {"Anna Smith, 1 Main Street"});
        transaction.query(kOpen, {"another text"});
        transaction.query("UPDATE incidents SET closed_at = now()");
        transaction.query(kOpen, {"once more"});
    });

    engine.transact([](Transaction& transaction) {
        const Rows rows = transaction.query("SELECT routing_key, body FROM announcements ORDER BY announcement_id");
        ASSERT_EQ(rows.size(), 2U) << "opened twice";
        for (std::size_t row = 0; row < rows.size(); ++row) {
            EXPECT_EQ(test::fault_of_event(rows.text(row, 0), nlohmann::json::parse(rows.text(row, 1))), "");
            EXPECT_EQ(rows.text(row, 1).find("Anna"), std::string::npos) << "the text is not for everybody";
        }
    });
}

}  // namespace
}  // namespace ordersaga::db
