#include "orchestrator/webhook/shopify_webhook.hpp"

#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/webhook/shopify_signature.hpp"
#include "sagas/subscriptions.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <any>

namespace ordersaga::webhook {
namespace {

using nlohmann::json;
using runtime::HttpRequest;

const runtime::Instant now{std::chrono::seconds(1'780'000'000)};

std::unique_ptr<StoreDirectory> two_stores() {
    return fixed_store_directory(
        {
            {{1}, {11}, "eu", "eu-shirts.myshopify.com", {"eu new", "eu old"}},
            {{1}, {12}, "us", "us-shirts.myshopify.com", {"us"}},
            {{1}, {13}, "dark", "dark.myshopify.com", {}},
        },
        {});
}

json an_order() {
    return {
        {"id", 820982911946154508},
        {"admin_graphql_api_id", "gid://shopify/Order/820982911946154508"},
        {"name", "#1001"},
        {"created_at", "2026-06-01T10:00:00+02:00"},
        {"updated_at", "2026-06-01T10:00:05+02:00"},
        {"financial_status", "paid"},
        {"line_items", {{{"id", 7}, {"variant_id", 70}, {"sku", "SHIRT"}, {"quantity", 2}}}},
    };
}

HttpRequest a_delivery(const std::string& topic, const std::string& body, const std::string& secret = "eu new") {
    HttpRequest request;
    request.method = "POST";
    request.path = request.target = "/webhooks/shopify";
    request.body = body;
    request.headers = {
        {"X-Shopify-Topic", topic},
        {"X-Shopify-Shop-Domain", "eu-shirts.myshopify.com"},
        {"X-Shopify-Webhook-Id", "w-1"},
        {"X-Shopify-Hmac-Sha256", shopify_signature(body, secret)},
    };
    return request;
}

void set_header(HttpRequest& request, const std::string& name, const std::string& value) {
    for (auto& [key, content] : request.headers) {
        if (key == name) {
            content = value;
            return;
        }
    }
    request.headers.emplace_back(name, value);
}

void drop_header(HttpRequest& request, const std::string& name) {
    std::erase_if(request.headers, [&](const auto& field) { return field.first == name; });
}

WebhookDecision decide(const HttpRequest& request) {
    return decide_shopify_webhook(request, *two_stores(), now);
}

int status_of(const HttpRequest& request) {
    const WebhookDecision decision = decide(request);
    EXPECT_NE(decision.answer.has_value(), decision.arrival.has_value());
    return decision.answer ? decision.answer->status : 0;
}

orders::Delivery delivery_of(const HttpRequest& request) {
    const WebhookDecision decision = decide(request);
    if (!decision.arrival) {
        ADD_FAILURE() << "refused with " << decision.answer->status << " " << decision.answer->body;
        return {};
    }
    return std::any_cast<orders::Delivery>(decision.arrival->content);
}

TEST(ShopifyWebhook, HandsASignedOrderToTheEngine) {
    HttpRequest request = a_delivery("orders/create", an_order().dump());
    set_header(request, "X-Shopify-Event-Id", "e-1");
    set_header(request, "X-Shopify-API-Version", "2026-07");
    set_header(request, "X-Shopify-Triggered-At", "2026-07-01T08:00:00.290670248Z");

    const orders::Delivery delivery = delivery_of(request);

    EXPECT_EQ(delivery.fault, "");
    EXPECT_EQ(delivery.receipt.merchant.value, 1);
    EXPECT_EQ(delivery.receipt.store_id.value, 11);
    EXPECT_EQ(delivery.receipt.source, "shopify");
    EXPECT_EQ(delivery.receipt.topic, "orders/create");
    EXPECT_EQ(delivery.receipt.webhook_id, "w-1");
    EXPECT_EQ(delivery.receipt.event_id, "e-1");
    EXPECT_EQ(delivery.receipt.body, request.body);
    EXPECT_EQ(delivery.receipt.order_id, "820982911946154508");
    EXPECT_EQ(delivery.receipt.headers.at("api_version"), "2026-07");
    EXPECT_EQ(delivery.receipt.headers.at("triggered_at"), "2026-07-01T08:00:00.290670248Z");
    EXPECT_FALSE(delivery.receipt.headers.dump().find("Hmac") != std::string::npos);
    ASSERT_TRUE(delivery.order);
    EXPECT_EQ(delivery.order->lines.at(0).quantity, 2);
}

// What cannot be understood leaves a receipt, and receipts are the engine's.
TEST(ShopifyWebhook, GoesApartOnlyAsALevelThatIsUnderstood) {
    const auto goes_apart = [](const char* topic, const json& body) {
        return decide(a_delivery(topic, body.dump())).arrival.value().apart;
    };
    EXPECT_TRUE(goes_apart(
        "inventory_levels/update", {{"inventory_item_id", 2024}, {"location_id", 4}, {"available", nullptr}}));
    EXPECT_FALSE(goes_apart("inventory_levels/update", {{"inventory_item_id", 2024}, {"available", 3}}));
    EXPECT_FALSE(goes_apart("orders/create", an_order()));
    EXPECT_FALSE(goes_apart("products/update", json::object()));
}

TEST(ShopifyWebhook, AcceptsHeaderNamesInAnyCaseAndTheNewerOnes) {
    HttpRequest request = a_delivery("orders/paid", an_order().dump(), "eu old");
    request.headers = {
        {"shopify-topic", "orders/paid"},
        {"SHOPIFY-SHOP-DOMAIN", "eu-shirts.myshopify.com"},
        {"x-SHOPIFY-webhook-ID", "w-9"},
        {"shopify-hmac-sha256", shopify_signature(request.body, "eu old")},
    };
    EXPECT_EQ(delivery_of(request).receipt.webhook_id, "w-9");

    // Both sets: the older names count, whatever stands in the newer ones.
    HttpRequest both = a_delivery("orders/paid", an_order().dump());
    set_header(both, "shopify-topic", "orders/delete");
    EXPECT_EQ(delivery_of(both).receipt.topic, "orders/paid");
}

TEST(ShopifyWebhook, RefusesEveryWrongSignatureAlike) {
    const std::string body = an_order().dump();
    std::vector<HttpRequest> wrong;
    wrong.push_back(a_delivery("orders/create", body, "us"));  // another connected store's secret
    wrong.push_back(a_delivery("orders/create", body));
    drop_header(wrong.back(), "X-Shopify-Hmac-Sha256");
    wrong.push_back(a_delivery("orders/create", body));
    wrong.back().headers.emplace_back("x-shopify-hmac-sha256", shopify_signature(body, "eu new"));
    wrong.push_back(a_delivery("orders/create", body));
    set_header(wrong.back(), "X-Shopify-Shop-Domain", "nobody.myshopify.com");
    wrong.push_back(a_delivery("orders/create", body));
    set_header(wrong.back(), "X-Shopify-Shop-Domain", "dark.myshopify.com");
    wrong.push_back(a_delivery("orders/create", ""));
    wrong.push_back(a_delivery("orders/create", body));
    wrong.back().body += " ";

    for (const HttpRequest& request : wrong) {
        const WebhookDecision decision = decide(request);
        ASSERT_TRUE(decision.answer);
        EXPECT_EQ(decision.answer->status, 401);
        EXPECT_EQ(decision.answer->body, R"({"error":"not signed by a known shop"})");
        EXPECT_TRUE(decision.answer->close_connection);
    }
}

TEST(ShopifyWebhook, RefusesMissingRepeatedAndMalformedHeaders) {
    const HttpRequest good = a_delivery("orders/create", an_order().dump());
    for (const std::string name : {"X-Shopify-Topic", "X-Shopify-Shop-Domain", "X-Shopify-Webhook-Id"}) {
        HttpRequest missing = good;
        drop_header(missing, name);
        EXPECT_EQ(status_of(missing), 400) << name;
        HttpRequest repeated = good;
        repeated.headers.emplace_back(name, *good.header(name));
        EXPECT_EQ(status_of(repeated), 400) << name;
        HttpRequest empty = good;
        set_header(empty, name, "");
        EXPECT_EQ(status_of(empty), 400) << name;
        HttpRequest huge = good;
        set_header(huge, name, std::string(7000, 'a'));
        EXPECT_EQ(status_of(huge), 400) << name;
    }
    for (const std::string domain :
         {"eu-shirts.myshopify.com.evil.example", "EU-SHIRTS.myshopify.com", ".myshopify.com", "-eu.myshopify.com",
          "a/../b.myshopify.com", "eu\xc3\xa9.myshopify.com", "eu-shirts.myshopify.com ", "127.0.0.1",
          "a.b.myshopify.com"}) {
        HttpRequest request = good;
        set_header(request, "X-Shopify-Shop-Domain", domain);
        EXPECT_EQ(status_of(request), 400) << domain;
    }
}

TEST(ShopifyWebhook, RefusesOtherMethodsAndEncodedBodies) {
    HttpRequest request = a_delivery("orders/create", an_order().dump());
    request.method = "GET";
    EXPECT_EQ(status_of(request), 405);
    request.method = "POST";
    request.headers.emplace_back("Content-Encoding", "gzip");
    EXPECT_EQ(status_of(request), 415);
}

TEST(ShopifyWebhook, StoresAnUnknownTopicAsIgnored) {
    const WebhookDecision decision = decide(a_delivery("products/update", R"({"id":1})"));
    ASSERT_TRUE(decision.arrival);
    EXPECT_EQ(decision.topic, "other");
    const auto delivery = std::any_cast<orders::Delivery>(decision.arrival->content);
    EXPECT_EQ(delivery.receipt.status, orders::ReceiptStatus::ignored);
    EXPECT_EQ(delivery.fault, "");
}

TEST(ShopifyWebhook, ParksSignedBodiesThatMakeNoSense) {
    json no_lines = an_order();
    no_lines.erase("line_items");
    json money_as_quantity = an_order();
    money_as_quantity["line_items"][0]["quantity"] = 1.5;
    json negative = an_order();
    negative["line_items"][0]["quantity"] = -2;
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    for (const std::string& body : {
             std::string("{"),
             std::string("[]"),
             std::string("null"),
             std::string("<html>"),
             deep,
             no_lines.dump(),
             money_as_quantity.dump(),
             negative.dump(),
             std::string(R"({"id":1,"id":2})"),
             std::string("{\"id\":\"\\u0000\"}"),
             std::string("\xef\xbb\xbf{}"),
             std::string("{\"id\":\"\xff\"}"),
             std::string("{\"id\":99999999999999999999999}"),
             std::string("\0{}", 3),
         }) {
        const orders::Delivery delivery = delivery_of(a_delivery("orders/create", body));
        EXPECT_NE(delivery.fault, "") << body.substr(0, 60);
        EXPECT_EQ(delivery.receipt.status, orders::ReceiptStatus::parked);
        EXPECT_EQ(delivery.receipt.body, body);
        EXPECT_FALSE(delivery.order);
    }
}

TEST(ShopifyWebhook, ReadsTheOrderIdOfEveryOrderTopic) {
    const auto id_in = [](const std::string& topic, const json& body) {
        const orders::Delivery delivery = delivery_of(a_delivery(topic, body.dump()));
        EXPECT_EQ(delivery.fault, "") << topic;
        return delivery.receipt.order_id;
    };
    EXPECT_EQ(id_in("orders/edited", {{"order_edit", {{"order_id", 5}, {"line_items", json::object()}}}}), "5");
    EXPECT_EQ(id_in("orders/delete", {{"id", 6}}), "6");
    EXPECT_EQ(id_in("refunds/create", {{"id", 1}, {"order_id", 7}, {"refund_line_items", json::array()}}), "7");
    EXPECT_EQ(id_in("fulfillments/create", {{"id", 1}, {"order_id", 8}}), "8");
    EXPECT_EQ(
        id_in("inventory_levels/update", {{"inventory_item_id", 1}, {"location_id", 2}, {"available", nullptr}}), "");
    EXPECT_EQ(id_in("customers/redact", {{"shop_domain", "eu-shirts.myshopify.com"}}), "");
}

// A store that is connected sends nothing that is not understood.
TEST(ShopifyWebhook, KnowsEveryTopicThatStoresAreAskedFor) {
    for (const std::string& topic : sagas::wanted_topics())
        EXPECT_NE(decide(a_delivery(sagas::shown_topic(topic), "{}")).label, "unknown_topic") << topic;
}

TEST(ShopifyWebhook, ReadsWhichOrdersAPrivacyRequestMeansAndKeepsNothingElseOfIt) {
    json body = {
        {"shop_domain", "eu-shirts.myshopify.com"},
        {"customer", {{"id", 191167}, {"email", "john@example.com"}, {"phone", "555-625-1199"}}},
        {"orders_to_redact", {299938, "280263"}}};
    orders::Delivery delivery = delivery_of(a_delivery("customers/redact", body.dump()));
    ASSERT_TRUE(delivery.privacy.has_value());
    EXPECT_EQ(delivery.privacy->kind, "customer");
    EXPECT_EQ(delivery.privacy->orders, (std::vector<std::string>{"299938", "280263"}));
    EXPECT_EQ(delivery.receipt.body, "");

    body["orders_requested"] = {220458};
    body["data_request"] = {{"id", 9999}};
    delivery = delivery_of(a_delivery("customers/data_request", body.dump()));
    EXPECT_EQ(delivery.privacy->kind, "data_request");
    EXPECT_EQ(delivery.privacy->reference, "9999");
    EXPECT_EQ(delivery.privacy->orders, std::vector<std::string>{"220458"});

    delivery = delivery_of(a_delivery("shop/redact", R"({"shop_domain":"eu-shirts.myshopify.com"})"));
    EXPECT_EQ(delivery.privacy->kind, "shop");

    body["orders_to_redact"] = {true};
    delivery = delivery_of(a_delivery("customers/redact", body.dump()));
    EXPECT_NE(delivery.fault, "");
    EXPECT_FALSE(delivery.privacy.has_value());
}

// The signature covers the body only: a body that names another shop was moved there.
TEST(ShopifyWebhook, ParksABodyThatNamesAnotherShop) {
    const json body = {{"shop_domain", "us-shirts.myshopify.com"}};
    EXPECT_NE(delivery_of(a_delivery("shop/redact", body.dump())).fault, "");
    const json uninstalled = {{"myshopify_domain", "us-shirts.myshopify.com"}};
    EXPECT_NE(delivery_of(a_delivery("app/uninstalled", uninstalled.dump())).fault, "");
}

TEST(ShopifyWebhook, KeepsAGivenTraceAndDropsABrokenOne) {
    HttpRequest request = a_delivery("orders/create", an_order().dump());
    set_header(request, "traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    EXPECT_EQ(decide(request).arrival->trace.substr(3, 32), "4bf92f3577b34da6a3ce929d0e0e4736");
    set_header(request, "traceparent", "00-zz");
    EXPECT_EQ(decide(request).arrival->trace.size(), 55U);
}

}  // namespace
}  // namespace ordersaga::webhook
