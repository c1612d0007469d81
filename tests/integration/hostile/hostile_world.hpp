// Two merchants behind one orchestrator, with both listeners open: what a stranger can reach, and what must survive him.
// Each test has a database of its own.
#pragma once

#include "db/connection.hpp"
#include "db/people.hpp"
#include "db/session.hpp"
#include "db/setup.hpp"
#include "runtime/crypto.hpp"
#include "tests/support/orchestrator/orchestrator_in_process.hpp"
#include "tests/support/test_database.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace ordersaga::test {

using nlohmann::json;

inline constexpr const char* shop = "eu-shirts.myshopify.com";
inline constexpr const char* other_shop = "other.myshopify.com";
inline constexpr const char* secret = "the secret of eu-shirts";
inline constexpr const char* other_secret = "the secret of other";
inline constexpr const char* operator_token = "operator-token-of-shirts-0123456789";
inline constexpr std::int64_t units = 10;

inline db::SetupPlan plan_of(const std::string& merchant, const std::string& shop_domain) {
    db::SetupPlan plan;
    plan.merchant = merchant;
    plan.warehouses.push_back({"main", "shipbob", "http://127.0.0.1:9", "2026-01", "1", "env:NONE", {}, 300'000, 150});
    db::SetupPlan::Store store;
    store.key = "eu";
    store.shop_domain = shop_domain;
    store.base_url = "http://127.0.0.1:9";
    store.api_version = "2026-07";
    store.location_id = "1001";
    store.token_ref = "env:NONE";
    store.webhook_secret_refs = {"env:NONE"};
    store.go_live_at = db::Instant{};
    store.order_policy = "hold_and_tell";
    store.warehouse = "main";
    store.ship_methods = {{"", "Standard"}};
    plan.stores.push_back(store);
    plan.skus = {{"SHIRT", "", "item-SHIRT", "deny", "trust-mirror", 0, 0, false}};
    plan.listings = {{"eu", "SHIRT", "501", "601", "1001"}};
    plan.opening_stock = {{"SHIRT", "main", units}};
    return plan;
}

struct OrderLineBody {
    std::int64_t id = 0;
    std::string sku;
    std::int64_t variant = 0;
    std::int64_t quantity = 1;
};

// A paid order as a shop tells it.
inline json an_order(std::int64_t id, const std::vector<OrderLineBody>& lines = {{1, "SHIRT", 501, 1}}) {
    json order = {
        {"id", id},
        {"admin_graphql_api_id", "gid://shopify/Order/" + std::to_string(id)},
        {"name", "#" + std::to_string(id)},
        {"created_at", "2026-11-01T10:00:00Z"},
        {"updated_at", "2026-11-01T10:00:00Z"},
        {"financial_status", "paid"},
        {"email", "buyer@example.com"},
        {"shipping_address",
         {{"name", "A Buyer"}, {"address1", "1 Street"}, {"city", "Town"}, {"zip", "1"}, {"country_code", "US"}}},
        {"line_items", json::array()}};
    for (const OrderLineBody& line : lines) {
        order["line_items"].push_back(
            {{"id", id * 1000 + line.id},
             {"variant_id", line.variant},
             {"sku", line.sku},
             {"quantity", line.quantity},
             {"current_quantity", line.quantity},
             {"fulfillable_quantity", line.quantity},
             {"requires_shipping", true}});
    }
    return order;
}

class HostileWorld : public testing::Test {
protected:
    void SetUp() override {
        database_ = std::make_unique<TestDatabase>();
        looker_ = std::make_unique<db::Connection>(db::ConnectionSettings{database_->admin_dsn(), "test"});
        db::Session session({database_->dsns().engine, "test"});
        merchant_ = db::apply_setup(session, plan_of("Shirts", shop), "test", "test", false).merchant_id;
        other_merchant_ = db::apply_setup(session, plan_of("Other", other_shop), "test", "test", false).merchant_id;
        db::create_token(
            session, {"Shirts", "anna", "operator", runtime::sha256_hex(operator_token), {}}, "test", "test");
        orchestrator_ = std::make_unique<OrchestratorInProcess>(options());
    }

    virtual InProcessOptions options() {
        InProcessOptions options;
        options.engine_dsn = database_->dsns().engine;
        options.api_dsn = database_->dsns().api;
        options.orders = unhurried_orders();
        options.saga = unhurried_saga();
        options.loop.look_every = std::chrono::milliseconds(50);
        options.stores = {
            {{merchant_}, {store_of(merchant_)}, "eu", shop, {secret}},
            {{other_merchant_}, {store_of(other_merchant_)}, "eu", other_shop, {other_secret}}};
        return options;
    }

    std::int64_t store_of(std::int64_t merchant) {
        return std::stoll(look("SELECT store_id FROM stores WHERE merchant_id = " + std::to_string(merchant)));
    }

    // One value, read past all row security; empty for null and for no row.
    std::string look(const std::string& query) {
        std::string value;
        looker_->transact([&](db::Transaction& transaction) {
            const db::Rows rows = transaction.query(query);
            if (!rows.empty() && !rows.is_null(0, 0)) value = rows.text(0, 0);
        });
        return value;
    }
    std::int64_t count(const std::string& table) { return std::stoll(look("SELECT count(*) FROM " + table)); }

    runtime::HttpOutcome send(const std::string& topic, const std::string& webhook_id, const std::string& body) {
        return orchestrator_->send_webhook(shop, secret, topic, webhook_id, body);
    }
    runtime::HttpOutcome ask(const std::string& method, const std::string& path, const json& body = nullptr) {
        return orchestrator_->call_private(
            method, path,
            {{"Authorization", std::string("Bearer ") + operator_token}, {"Content-Type", "application/json"}},
            body.is_null() ? "" : body.dump());
    }

    bool work_until(const std::function<bool()>& done, const std::set<std::string>& held = {}) {
        return orchestrator_->work_until(PlainWorker({"item-SHIRT", "item-HAT"}, units), done, held);
    }
    bool work_until_state(const std::string& state, const std::set<std::string>& held = {}) {
        const bool reached = work_until([&] { return state_of_saga() == state; }, held);
        if (!reached) ADD_FAILURE() << "the saga is " << state_of_saga() << ", not " << state;
        return reached;
    }
    std::string state_of_saga() { return look("SELECT string_agg(state, ' ') FROM sagas"); }

    // The plainest proof of life: an order of today goes all the way to the warehouse.
    void expect_that_it_lives() {
        EXPECT_EQ(orchestrator_->call_public("GET", "/healthz").status, 200);
        EXPECT_EQ(send("orders/create", "proof of life", an_order(777).dump()).status, 400)
            << "a blank in an id is refused";
        ASSERT_EQ(send("orders/create", "proof-of-life", an_order(777).dump()).status, 200);
        const std::string state =
            "SELECT state FROM sagas JOIN orders USING (merchant_id, saga_id) WHERE order_id = '777'";
        EXPECT_TRUE(work_until([&] { return look(state) == "FulfillmentRequested"; })) << look(state);
    }

    std::unique_ptr<TestDatabase> database_;
    std::unique_ptr<db::Connection> looker_;
    std::int64_t merchant_ = 0;
    std::int64_t other_merchant_ = 0;
    std::unique_ptr<OrchestratorInProcess> orchestrator_;
};

}  // namespace ordersaga::test
