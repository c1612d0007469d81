// A database with two merchants that sell things of the same names.
#pragma once

#include "db/api_queries.hpp"
#include "db/people.hpp"
#include "db/setup.hpp"
#include "runtime/crypto.hpp"
#include "tests/support/test_database.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::test {

inline db::SetupPlan plan_of(const std::string& merchant, const std::string& domain) {
    db::SetupPlan plan;
    plan.merchant = merchant;
    plan.warehouses.push_back(
        {"main", "shipbob", "http://127.0.0.1:9/w", "2026-01", "1", "env:W", {"env:WS"}, 300'000, 150});
    db::SetupPlan::Store store;
    store.key = "eu";
    store.shop_domain = domain;
    store.base_url = "http://127.0.0.1:9/s";
    store.api_version = "2026-07";
    store.location_id = "1001";
    store.token_ref = "env:T";
    store.webhook_secret_refs = {"env:ORDERSAGA_TEST_SECRET"};
    store.go_live_at = db::Instant{std::chrono::seconds(1'780'000'000)};
    store.order_policy = "hold_and_tell";
    store.warehouse = "main";
    store.ship_methods = {{"", "Standard"}};
    plan.stores.push_back(store);
    plan.skus = {
        {"SHIRT", "A shirt", "w1", "deny", "trust-mirror", 2, 5, false},
        {"HAT", "", "", "backorder", "trust-mirror", 0, 0, false},
        {"SET", "", "", "deny", "trust-mirror", 0, 0, false}};
    plan.bundles = {{"SET", "SHIRT", 2}, {"SET", "HAT", 1}};
    plan.listings = {
        {"eu", "SHIRT", "1", "11", "1001"}, {"eu", "HAT", "2", "12", "1001"}, {"eu", "SET", "3", "13", "1001"}};
    plan.opening_stock = {{"SHIRT", "main", 20}, {"HAT", "main", 3}};
    return plan;
}

class TwoMerchants {
public:
    TwoMerchants() {
        first = db::apply_setup(session, plan_of("First", "first.myshopify.com"), "test", "test", false).merchant_id;
        second = db::apply_setup(session, plan_of("Second", "second.myshopify.com"), "test", "test", false).merchant_id;
    }

    // A saga of an order with one line, in the state given; ids follow from `number`.
    std::string add_saga(
        std::int64_t merchant,
        int number,
        const std::string& state,
        const std::string& sku = "SHIRT") {
        std::string id = "0190a000-0000-7000-8000-" + std::to_string(merchant) +
                         std::string(11 - std::to_string(number).size(), '0') + std::to_string(number);
        session.transact([&](db::Transaction& transaction) {
            transaction.execute(
                "INSERT INTO sagas (merchant_id, saga_id, kind, definition_version, state, version, data, subject, "
                "shard, next_wake, final, "
                "incident, created_at, updated_at) VALUES ($1::bigint, $2::uuid, 'order', 1, $3, 3, "
                "'{\"address\":\"secret street\"}', $4, 0, now(), false, "
                "CASE WHEN $3 = 'NeedsOperator' THEN 'why' END, "
                "'2026-07-01T00:00:00Z'::timestamptz + $5::int * interval '1 second', now() - $5::int * interval '1 "
                "minute')",
                {merchant, id, state, "eu #" + std::to_string(number), number});
            transaction.execute(
                "INSERT INTO orders (merchant_id, store_id, order_id, saga_id, name, document) "
                "SELECT $1::bigint, store_id, $2, $3::uuid, '#' || $2, jsonb_build_object('email', 'a@b.example', "
                "'shipping_address', '{}'::jsonb, "
                "'lines', jsonb_build_array(jsonb_build_object('sku', $4::text))) FROM stores WHERE merchant_id = "
                "$1::bigint",
                {merchant, std::to_string(number), id, sku});
            transaction.execute(
                "INSERT INTO saga_history (merchant_id, saga_id, version, at, from_state, to_state, event, details) "
                "VALUES ($1::bigint, $2::uuid, 1, now(), '', 'Received', 'OrderPlaced', '{\"a\":1}'), "
                "($1::bigint, $2::uuid, 2, now(), 'Received', $3, 'StockReserved', '{}')",
                {merchant, id, state});
        });
        return id;
    }

    TestDatabase database;
    db::Session session{{database.dsns().engine, "test"}};
    std::int64_t first = 0, second = 0;
};

}  // namespace ordersaga::test
