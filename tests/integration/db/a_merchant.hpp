// A small merchant in a database of its own: two stores, one warehouse, two SKUs and a bundle of them, ten units each.
#pragma once

#include "db/pg_store.hpp"
#include "orchestrator/orders/rows.hpp"
#include "tests/support/test_database.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

namespace ordersaga::db {

inline constexpr sagas::MerchantId merchant{1};
inline constexpr sagas::WarehouseId warehouse{1};
inline constexpr sagas::StoreId eu{1}, us{2};
inline constexpr sagas::SkuId shirt{1}, mug{2}, gift_set{3};

inline orders::StockKey ledger(sagas::SkuId sku) {
    return {merchant, sku, warehouse};
}

inline std::string uuid(int number) {
    const std::string digits = std::to_string(number);
    return "00000000-0000-7000-8000-" + std::string(12 - digits.size(), '0') + digits;
}

inline engine::SagaKey saga(int number) {
    return {merchant, uuid(number)};
}

// Listings 1 to 3 are eu's shirt, mug and set; 4 to 6 are us's.
inline constexpr const char* kAMerchant = R"sql(
    INSERT INTO merchants (merchant_id, name) VALUES (1, 'Shirts'), (2, 'Other');
    INSERT INTO warehouses (merchant_id, warehouse_id, key, kind, base_url, token_ref)
    VALUES (1, 1, 'main', 'shipbob', 'http://127.0.0.1:1', 'env:TOKEN'),
           (2, 2, 'main', 'shipbob', 'http://127.0.0.1:1', 'env:TOKEN');
    INSERT INTO stores (merchant_id, store_id, key, shop_domain, base_url, location_id, token_ref, webhook_secret_refs,
                        go_live_at, warehouse_id, ship_methods)
    VALUES (1, 1, 'eu', 'eu.myshopify.com', 'http://127.0.0.1:1', '4', 'env:T', '{env:S}', '2026-01-01Z', 1, '{"Standard":"Std"}'),
           (1, 2, 'us', 'us.myshopify.com', 'http://127.0.0.1:1', '4', 'env:T', '{env:S}', '2026-01-01Z', 1, '{}'),
           (2, 3, 'eu', 'other.myshopify.com', 'http://127.0.0.1:1', '4', 'env:T', '{env:S}', '2026-01-01Z', 2, '{}');
    INSERT INTO skus (merchant_id, sku_id, sku, buffer) VALUES (1, 1, 'SHIRT', 0), (1, 2, 'MUG', 0), (1, 3, 'SET', 1);
    INSERT INTO listings (merchant_id, listing_id, store_id, sku_id, variant_id, inventory_item_id, location_id)
    SELECT 1, row_number() OVER (), store, sku, 100 + row_number() OVER (), 200 + row_number() OVER (), '4'
      FROM generate_series(1, 2) store, generate_series(1, 3) sku;
    INSERT INTO sku_components VALUES (1, 3, 1, 1), (1, 3, 2, 2);
    INSERT INTO stock (merchant_id, sku_id, warehouse_id, on_hand, available) VALUES (1, 1, 1, 10, 10), (1, 2, 1, 10, 10);
    INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, on_hand, available, version, at)
    VALUES (1, 1, 1, 'opening', 'opening', 10, 10, 0, now()), (1, 2, 1, 'opening', 'opening', 10, 10, 0, now());
)sql";

class AMerchant : public testing::Test {
protected:
    // One database serves a whole suite and is emptied between its tests, which is ten times faster than a new one.
    static void SetUpTestSuite() { shared_database() = std::make_unique<test::TestDatabase>(); }
    static void TearDownTestSuite() { shared_database().reset(); }
    static std::unique_ptr<test::TestDatabase>& shared_database() {
        static std::unique_ptr<test::TestDatabase> database;
        return database;
    }

    AMerchant() : database(*shared_database()) {
        Connection connection({database.admin_dsn(), "test"});
        connection.transact([](Transaction& transaction) {
            transaction.run_script("SET LOCAL session_replication_role = replica");
            const Rows deletes = transaction.query(
                "SELECT string_agg(format('DELETE FROM %I', relname), ';') FROM pg_class"
                " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
                "   AND relname <> 'schema_migrations'");
            transaction.run_script(deletes.view(0, 0));
        });
        run_as_engine(kAMerchant);
    }

    void run_as_engine(const std::string& script) {
        Connection connection({database.dsns().engine, "test"});
        connection.transact([&](Transaction& transaction) { transaction.run_script(script); });
    }

    // One value, read past all row security.
    std::string look(const std::string& query) {
        std::string value;
        Connection connection({database.admin_dsn(), "test"});
        connection.transact([&](Transaction& transaction) {
            const Rows rows = transaction.query(query);
            value = rows.empty() || rows.is_null(0, 0) ? "" : rows.text(0, 0);
        });
        return value;
    }

    void in_rows(
        const std::function<void(engine::Transaction&, orders::Rows&)>& work,
        engine::Store::Ending ending = engine::Store::Ending::commit) {
        store.transact(
            [&](engine::Transaction& transaction) { work(transaction, dynamic_cast<orders::Rows&>(transaction)); },
            ending);
    }

    void write(const engine::Changes& changes) {
        in_rows([&](engine::Transaction& transaction, orders::Rows&) { transaction.write(changes); });
    }

    Instant database_time() {
        Instant now{};
        in_rows([&](engine::Transaction& transaction, orders::Rows&) { now = transaction.now(); });
        return now;
    }

    engine::SagaRow a_saga(int number) {
        engine::SagaRow row;
        row.key = saga(number);
        row.kind = "test";
        row.state = "Waiting";
        row.data = {{"quoted", "it's \"{\\,}\" €"}, {"big", 9'007'199'254'740'993}};
        row.subject = "eu #1001";
        row.next_wake = start + std::chrono::hours(1);
        row.created_at = row.updated_at = start;
        return row;
    }

    void add_sagas(int from, int to) {
        engine::Changes changes;
        for (int number = from; number <= to; ++number) {
            changes.new_sagas.push_back(a_saga(number));
        }
        write(changes);
    }

    engine::CommandRow a_command(int number, int saga_number, const std::string& key) {
        engine::CommandRow row;
        row.merchant = merchant;
        row.command_id = uuid(number);
        row.saga_id = uuid(saga_number);
        row.activity = "Do";
        row.lane = "store:1";
        row.payload = {{"of", number}};
        row.idempotency_key = key;
        row.created_at = row.due_at = start;
        return row;
    }

    static engine::CommandRow sent(engine::CommandRow row, Instant at) {
        row.state = engine::CommandState::sent;
        row.attempt_token = "token of " + row.command_id;
        row.sent_at = at;
        row.deadline = at + std::chrono::seconds(20);
        return row;
    }

    void add_command(const engine::CommandRow& row) {
        engine::Changes changes;
        changes.new_commands.push_back(row);
        write(changes);
    }

    test::TestDatabase& database;
    PgStore store{{database.dsns().engine, "test"}, test::test_keys()};
    const Instant start{std::chrono::microseconds{1'780'000'000'123'456}};
};

}  // namespace ordersaga::db
