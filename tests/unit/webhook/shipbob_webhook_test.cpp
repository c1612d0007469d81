#include "orchestrator/webhook/shipbob_webhook.hpp"

#include "orchestrator/orders/arrivals.hpp"
#include "runtime/standard_webhooks.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <any>

namespace ordersaga::webhook {
namespace {

const runtime::Instant now{std::chrono::seconds(1'780'000'000)};
const std::string timestamp = "1780000000";
const std::string first_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string second_secret = "whsec_AAAA9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

// Two merchants call their warehouse "main".
std::unique_ptr<StoreDirectory> two_warehouses() {
    return fixed_store_directory(
        {}, {
                {{1}, {21}, "main", "shipbob", {first_secret}},
                {{2}, {22}, "main", "shipbob", {second_secret}},
            });
}

runtime::HttpRequest a_delivery(
    const std::string& topic,
    const std::string& body,
    const std::string& secret = first_secret) {
    runtime::HttpRequest request;
    request.method = "POST";
    request.path = request.target = "/webhooks/shipbob/main";
    request.body = body;
    request.headers = {
        {"webhook-id", "msg_1"},
        {"webhook-timestamp", timestamp},
        {"webhook-signature", runtime::standard_webhook_signature("msg_1", timestamp, body, secret).value()},
        {"x-webhook-topic", topic},
    };
    return request;
}

WebhookDecision decide(const runtime::HttpRequest& request, std::string_view key = "main", runtime::Instant at = now) {
    return decide_shipbob_webhook(request, key, *two_warehouses(), at);
}

TEST(ShipBobWebhook, TellsTheWarehouseByItsSignature) {
    const WebhookDecision decision = decide(a_delivery("order.shipped", R"({"id":5})", second_secret));
    ASSERT_TRUE(decision.arrival);
    const auto delivery = std::any_cast<orders::Delivery>(decision.arrival->content);
    EXPECT_EQ(delivery.receipt.merchant.value, 2);
    EXPECT_EQ(delivery.receipt.store_id.value, 22);
    EXPECT_EQ(delivery.receipt.source, "shipbob");
    EXPECT_EQ(delivery.receipt.topic, "order.shipped");
    EXPECT_EQ(delivery.body.at("id"), 5);
}

TEST(ShipBobWebhook, RefusesWhatIsNotSignedOrTooOld) {
    using namespace std::chrono_literals;
    const runtime::HttpRequest good = a_delivery("order.shipped", R"({"id":5})");
    runtime::HttpRequest changed = good;
    changed.body = R"({"id":6})";
    runtime::HttpRequest unsigned_one = good;
    std::erase_if(unsigned_one.headers, [](const auto& field) { return field.first == "webhook-signature"; });
    runtime::HttpRequest twice = good;
    twice.headers.push_back(good.headers[2]);

    for (const WebhookDecision& decision :
         {decide(changed), decide(unsigned_one), decide(twice), decide(good, "other"),
          decide(good, "main", now + 6min)}) {
        ASSERT_TRUE(decision.answer);
        EXPECT_EQ(decision.answer->status, 401);
        EXPECT_EQ(decision.answer->body, R"({"error":"not signed by a known warehouse"})");
    }
}

TEST(ShipBobWebhook, ParksWhatItCannotReadAndIgnoresUnknownTopics) {
    const auto broken =
        std::any_cast<orders::Delivery>(decide(a_delivery("order.shipped", "nonsense")).arrival->content);
    EXPECT_NE(broken.fault, "");
    const auto other = std::any_cast<orders::Delivery>(decide(a_delivery("return.created", "{}")).arrival->content);
    EXPECT_EQ(other.receipt.status, orders::ReceiptStatus::ignored);
}

}  // namespace
}  // namespace ordersaga::webhook
