#include "sandbox/control_api.hpp"

#include "tests/unit/sandbox/a_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

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

// What a load generator delivers itself: the shops keep their books as ever and send nothing.
TEST_F(Control, HandsWebhooksOverAndDeliversNone) {
    small.shop->store.deliver_everything_to("http://127.0.0.1:1/webhooks", noon);
    const auto hand_over = [&](const json& wish, int expected = 200) {
        const PeerAnswer answer = small.control.handle({"POST", {"hand_over"}, {}, wish.dump()}, noon);
        EXPECT_EQ(answer.status, expected) << answer.body;
        std::vector<std::pair<json, std::string>> frames;
        for (std::size_t at = 0; answer.status == 200 && at < answer.body.size();) {
            const std::size_t end = answer.body.find('\n', at);
            const json head = json::parse(answer.body.substr(at, end - at));
            const auto bytes = head.at("bytes").get<std::size_t>();
            frames.emplace_back(head, answer.body.substr(end + 1, bytes));
            at = end + 1 + bytes + 1;
        }
        return frames;
    };
    const auto order = [](const char* sku, int units) {
        return json{{"store", "blue.myshopify.com"}, {"lines", json::array({json::array({sku, units})})}};
    };

    const json everything{{"webhook_url", "http://127.0.0.1:9/x"}};
    small.control.handle({"PATCH", {"stores", "blue.myshopify.com"}, {}, everything.dump()}, noon);
    const auto made = hand_over({{"orders", json::array({order("SHIRT", 2), order("SHIRT", 6)})}});
    ASSERT_EQ(made.size(), 2U);
    EXPECT_EQ(made[0].first["status"], 201);
    EXPECT_EQ(made[0].first["topic"], "orders/create");
    EXPECT_EQ(json::parse(made[0].second)["id"].dump(), made[0].first["order_id"].get<std::string>());
    EXPECT_EQ(made[1].first["status"], 409) << "there are five";
    EXPECT_EQ(small.level("SHIRT").available, 3);

    const json cancel{{"store", "blue.myshopify.com"}, {"order_id", made[0].first["order_id"]}};
    const auto cancelled = hand_over({{"cancels", json::array({cancel, cancel})}});
    ASSERT_EQ(cancelled.size(), 2U);
    EXPECT_EQ(cancelled[0].first["topic"], "orders/cancelled");
    EXPECT_FALSE(json::parse(cancelled[0].second)["cancelled_at"].is_null());
    EXPECT_EQ(cancelled[1].first["status"], 409) << "once";
    EXPECT_EQ(small.level("SHIRT").available, 5);

    small.world.advance(noon);
    EXPECT_EQ(small.world.webhooks().waiting(), 2U) << "the shop delivers its levels, and nothing else";
    hand_over({{"orders", json::array({order("SHIRT", 1), {{"store", "blue.myshopify.com"}}})}}, 400);
    EXPECT_EQ(small.level("SHIRT").available, 5) << "what is not understood is not done by half";
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
