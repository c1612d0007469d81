#include "sandbox/control_api.hpp"

#include "tests/unit/sandbox/a_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

struct Control : testing::Test {
    json call(
        const std::string& method,
        std::vector<std::string> path,
        const json& body = json::object(),
        int expected = 200) {
        const PeerAnswer answer = small.control.handle({method, std::move(path), {}, body.dump()}, noon);
        EXPECT_EQ(answer.status, expected) << answer.body;
        return json::parse(answer.body);
    }

    SmallWorld small;
};

TEST_F(Control, MakesPaysEditsRefundsAndCancelsAnOrder) {
    const json made = call(
        "POST", {"stores", "blue.myshopify.com", "orders"},
        {{"lines", json::array({{{"sku", "SHIRT"}, {"quantity", 3}}})}, {"paid", false}}, 201);
    const std::string id = made["id"];

    EXPECT_EQ(made["financial_status"], "pending");
    EXPECT_EQ(call("POST", {"stores", "blue.myshopify.com", "orders", id, "pay"})["financial_status"], "paid");
    EXPECT_EQ(
        call(
            "POST", {"stores", "blue.myshopify.com", "orders", id, "edit"},
            {{"lines", json::array({{{"sku", "SHIRT"}, {"quantity", 2}}})}})["lines"][0]["current_quantity"],
        2);
    EXPECT_EQ(
        call(
            "POST", {"stores", "blue.myshopify.com", "orders", id, "refund"},
            {{"lines", json::array({{{"sku", "SHIRT"}, {"quantity", 1}}})}})["financial_status"],
        "partially_refunded");
    EXPECT_EQ(
        call("POST", {"stores", "blue.myshopify.com", "orders", id, "cancel"}, {{"restock", true}})["cancelled"], true);
    EXPECT_EQ(small.level("SHIRT").available, 5);
    EXPECT_EQ(call("DELETE", {"stores", "blue.myshopify.com", "orders", id})["deleted"], true);
}

TEST_F(Control, SaysWhatIsWrongAndChangesNothing) {
    const auto orders = std::vector<std::string>{"stores", "blue.myshopify.com", "orders"};

    EXPECT_EQ(
        call("POST", orders, {{"lines", json::array({{{"sku", "SHIRT"}, {"quantity", 6}}})}}, 409)["code"],
        "out_of_stock");
    call("POST", orders, {{"lines", json::array({{{"sku", "NONE"}}})}}, 400);
    call("POST", orders, {{"line", json::array()}}, 400);
    call("POST", orders, {{"lines", 7}}, 400);
    call("GET", {"stores", "green.myshopify.com"}, json::object(), 404);
    call("GET", {"nothing"}, json::object(), 404);
    call("PUT", {"faults"}, {{"calls", {{"shopify", {{"throttled", 0.9}, {"slow", 0.9}}}}}}, 400);
    EXPECT_EQ(small.control.handle({"POST", {"setup"}, {}, "{not json"}, noon).status, 400);
    EXPECT_TRUE(small.shop->store.orders().empty());
}

TEST_F(Control, SetsUpAWorldFromOneDocument) {
    const json made = call(
        "POST", {"setup"},
        {
            {"warehouses", json::array(
                               {{{"name", "east"},
                                 {"rate_limit_per_minute", 600},
                                 {"products", json::array({{{"sku", "A"}, {"on_hand", 4}}})}}})},
            {"stores", json::array(
                           {{{"domain", "red.myshopify.com"},
                             {"webhook_url", "http://127.0.0.1:9/x"},
                             {"variants", json::array({{{"sku", "A"}, {"stock", 4}}})}}})},
            {"faults", {{"webhooks", {{"shopify", {{"dropped", 0.05}}}}}}},
        },
        201);

    EXPECT_EQ(made["stores"][0]["levels"][0]["available"], 4);
    EXPECT_FALSE(made["stores"][0]["secret"].get<std::string>().empty());
    EXPECT_EQ(made["warehouses"][0]["products"][0]["on_hand"], 4);
    EXPECT_EQ(small.world.delivery_faults("shopify").dropped, 0.05);
}

TEST_F(Control, AccountsForEffects) {
    call(
        "POST", {"bulk"},
        {{"orders",
          json::array({
              {{"store", "blue.myshopify.com"}, {"lines", json::array({{{"sku", "MUG"}, {"quantity", 1}}})}},
              {{"store", "blue.myshopify.com"}, {"lines", json::array({{{"sku", "MUG"}, {"quantity", 100}}})}},
          })}});
    small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "MUG", 1));

    const json summary = call("GET", {"summary"});

    EXPECT_EQ(summary["stores"]["blue.myshopify.com"]["orders"]["created"], 1);
    EXPECT_EQ(summary["stores"]["blue.myshopify.com"]["orders"]["refused_out_of_stock"], 1);
    EXPECT_EQ(summary["effects"]["fulfillments_created"], 1);
    EXPECT_EQ(summary["effects"]["duplicate_fulfillments"], 0);
    EXPECT_EQ(call("GET", {"ledger"})["effects"].back()["kind"], "warehouse_order_created");
}

}  // namespace
}  // namespace ordersaga::sandbox
