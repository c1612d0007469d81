#include "db/retention.hpp"

#include "runtime/random.hpp"
#include "tests/integration/db/a_merchant.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::db {
namespace {

// Everything here is 100 days old: saga 1 is over, saga 2 is not.
class RetentionTest : public AMerchant {
protected:
    RetentionTest() {
        add_sagas(1, 2);
        run_as_engine("UPDATE sagas SET final = true, next_wake = NULL WHERE saga_id = '" + uuid(1) + "'");
        for (int number = 1; number <= 9; ++number)
            add_command(a_command(100 + number, number % 3 == 0 ? 2 : 1, "key " + std::to_string(number)));
        run_as_engine(
            "UPDATE commands SET state = 'closed', created_at = now() - interval '100 days', closed_at = now() - "
            "interval "
            "'100 days'");
        run_as_engine(
            "INSERT INTO webhook_receipts (merchant_id, store_id, source, topic, webhook_id, received_at, body, "
            "status, "
            "reason, saga_id) SELECT 1, 1, 'shopify', 'shop/redact', 'w-' || number, now() - interval '100 days', "
            "'{}', "
            "CASE number WHEN 4 THEN 'parked' ELSE 'ignored' END, 'r', CASE number WHEN 1 THEN '" +
            uuid(1) + "'::uuid WHEN 2 THEN '" + uuid(2) + "'::uuid END FROM generate_series(1, 4) number");
        run_as_engine(
            "INSERT INTO flushes (merchant_id, flush_id, store_id, key, command_id, items, opened_at, closed_at) "
            "SELECT 1, "
            "number, number, 'f' || number, gen_random_uuid(), '[]', now() - interval '100 days', CASE number WHEN 1 "
            "THEN "
            "now() - interval '100 days' END FROM generate_series(1, 2) number");
        run_as_engine(
            "INSERT INTO parked_items (merchant_id, kind, subject, reason, input, at, resolved_at) SELECT 1, 'event', "
            "'s', "
            "'r', '{}', now() - interval '100 days', CASE number WHEN 1 THEN now() - interval '99 days' END FROM "
            "generate_series(1, 2) number");
    }

    // Both orders have an address; one of them is over, and was 100 days ago.
    void add_addresses() {
        run_as_engine(
            "INSERT INTO orders (merchant_id, store_id, order_id, saga_id) VALUES (1, 1, '1', '" + uuid(1) +
            "'), (1, 1, '2', '" + uuid(2) + "')");
        run_as_engine(
            "INSERT INTO store_keys (merchant_id, store_id, data_key_id, key_id, sealed) VALUES (1, 1, 'd', 'k', 'x')");
        run_as_engine(
            "INSERT INTO personal_data SELECT merchant_id, store_id, order_id, saga_id, 'd', 'x' FROM orders");
        run_as_engine("UPDATE sagas SET updated_at = now() - interval '100 days'");
    }

    Dropped drop(int days, std::int64_t step = 1'000) {
        Retention retention;
        retention.keep = std::chrono::hours(24 * days);
        return drop_old(
            session, retention, [] { return true; }, step);
    }

    Session session{{database.dsns().engine, "test"}};
};

TEST_F(RetentionTest, DropsAddressesOfOrdersThatAreOver) {
    add_addresses();
    EXPECT_EQ(drop(101).addresses, 0);
    EXPECT_EQ(drop(90).addresses, 1);
    EXPECT_EQ(look("SELECT order_id FROM personal_data"), "2");
}

TEST_F(RetentionTest, DropsWhatIsOldAndKeepsWhatIsStillNeeded) {
    const Dropped dropped = drop(90, 2);  // several steps
    EXPECT_EQ(dropped.commands, 6);
    EXPECT_EQ(dropped.receipts, 2);
    EXPECT_EQ(dropped.flushes, 1);
    EXPECT_EQ(dropped.parked, 1);
    EXPECT_TRUE(dropped.any());

    EXPECT_EQ(look("SELECT count(*) FROM commands WHERE saga_id = '" + uuid(2) + "'"), "3") << "of a saga not over";
    EXPECT_EQ(look("SELECT string_agg(webhook_id, ' ' ORDER BY webhook_id) FROM webhook_receipts"), "w-2 w-4")
        << "of a saga not over, and parked";
    EXPECT_EQ(look("SELECT flush_id FROM flushes"), "2") << "open";
    EXPECT_EQ(look("SELECT count(*) FROM parked_items WHERE resolved_at IS NULL"), "1");
    EXPECT_FALSE(drop(90).any());
}

TEST_F(RetentionTest, KeepsWhatIsYoung) {
    EXPECT_FALSE(drop(101).any());
}

TEST_F(RetentionTest, LeavesOpenCommandsOfSagasThatAreOver) {
    engine::CommandRow late = a_command(200, 1, "a late check");
    late.created_at = database_time() - std::chrono::hours(24 * 100);
    add_command(late);
    drop(90);
    EXPECT_EQ(look("SELECT state FROM commands WHERE command_id = '" + uuid(200) + "'"), "waiting");
}

TEST_F(RetentionTest, StopsWhenItIsTold) {
    int asked = 0;
    const Dropped dropped = drop_old(
        session, {}, [&asked] { return ++asked == 1; }, 1);
    EXPECT_EQ(dropped.receipts, 1);
    EXPECT_EQ(dropped.commands, 0);
}

// Ids made by the engine are read as the instants they hold: a command of this minute is not among the old ones.
TEST_F(RetentionTest, ReadsTheAgeOfACommandFromItsId) {
    runtime::SeededRandom random{1};
    const Instant now = database_time();
    for (const int days : {95, 85}) {
        engine::CommandRow row = a_command(1, 1, std::to_string(days));
        row.command_id = runtime::new_uuid(now - std::chrono::hours(24 * days), random);
        add_command(row);
    }
    run_as_engine(
        "UPDATE commands SET state = 'closed', closed_at = now() - interval '100 days' WHERE state <> 'closed'");
    EXPECT_EQ(drop(90).commands, 7);
}

}  // namespace
}  // namespace ordersaga::db
