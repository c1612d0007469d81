// One order, told by a webhook and by GraphQL, must become one and the same document.
#include "activities/shopify/orders.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::activities::shopify {
namespace {

using nlohmann::json;

const json webhook = json::parse(R"({
  "id": 820982911946154508, "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
  "name": "#1001", "created_at": "2026-11-01T05:00:00-05:00", "updated_at": "2026-11-01T06:00:00-05:00",
  "cancelled_at": "2026-11-01T07:00:00-05:00", "cancel_reason": "customer",
  "financial_status": "partially_refunded", "fulfillment_status": "partial", "test": true, "source_name": "web",
  "location_id": 44, "email": "jon@example.com",
  "shipping_lines": [{"title": "Express"}],
  "shipping_address": {"name": "Jon Doe", "address1": "1 Street", "address2": null, "company": null, "city": "Town",
    "province_code": "NJ", "zip": "07093", "country_code": "US", "phone": "555"},
  "line_items": [
    {"id": 7, "admin_graphql_api_id": "gid://shopify/LineItem/7", "variant_id": 71, "sku": "TEE", "quantity": 3,
     "current_quantity": 2, "fulfillable_quantity": 1, "requires_shipping": true, "gift_card": false,
     "variant_inventory_management": "shopify"},
    {"id": 8, "admin_graphql_api_id": "gid://shopify/LineItem/8", "variant_id": null, "sku": null, "quantity": 1,
     "current_quantity": 1, "fulfillable_quantity": 1, "requires_shipping": false, "gift_card": true,
     "variant_inventory_management": null}],
  "refunds": [{"id": 91, "admin_graphql_api_id": "gid://shopify/Refund/91", "refund_line_items": [
    {"line_item_id": 7, "quantity": 1, "restock_type": "return", "location_id": 44}]}],
  "fulfillments": [{"id": 92, "admin_graphql_api_id": "gid://shopify/Fulfillment/92", "status": "success",
    "tracking_numbers": ["T1", "T2"]}]
})");

const json node = json::parse(R"({
  "id": "gid://shopify/Order/820982911946154508", "legacyResourceId": "820982911946154508",
  "name": "#1001", "createdAt": "2026-11-01T10:00:00Z", "updatedAt": "2026-11-01T11:00:00Z",
  "cancelledAt": "2026-11-01T12:00:00Z", "cancelReason": "CUSTOMER",
  "displayFinancialStatus": "PARTIALLY_REFUNDED", "displayFulfillmentStatus": "PARTIALLY_FULFILLED", "test": true,
  "sourceName": "web", "retailLocation": {"id": "gid://shopify/Location/44"}, "email": "jon@example.com",
  "shippingLines": {"nodes": [{"title": "Express"}]},
  "shippingAddress": {"name": "Jon Doe", "address1": "1 Street", "address2": null, "company": null, "city": "Town",
    "provinceCode": "NJ", "zip": "07093", "countryCodeV2": "US", "phone": "555"},
  "lineItems": {"pageInfo": {"hasNextPage": false}, "nodes": [
    {"id": "gid://shopify/LineItem/7", "sku": "TEE", "quantity": 3, "currentQuantity": 2, "unfulfilledQuantity": 1,
     "requiresShipping": true, "isGiftCard": false,
     "variant": {"id": "gid://shopify/ProductVariant/71", "inventoryItem": {"tracked": true}}},
    {"id": "gid://shopify/LineItem/8", "sku": null, "quantity": 1, "currentQuantity": 1, "unfulfilledQuantity": 1,
     "requiresShipping": false, "isGiftCard": true, "variant": null}]},
  "refunds": [{"id": "gid://shopify/Refund/91", "refundLineItems": {"pageInfo": {"hasNextPage": false}, "nodes": [
    {"quantity": 1, "restockType": "RETURN", "lineItem": {"id": "gid://shopify/LineItem/7"},
     "location": {"id": "gid://shopify/Location/44"}}]}}],
  "fulfillments": [{"id": "gid://shopify/Fulfillment/92", "status": "SUCCESS",
    "trackingInfo": [{"number": "T1"}, {"number": "T2"}]}]
})");

TEST(OrderNode, EqualsTheWebhookOfTheSameOrder) {
    EXPECT_EQ(to_json(order_of_node(node)), to_json(sagas::order_document_from_webhook(webhook)));
}

TEST(OrderNode, BareOrderEqualsItsBareWebhook) {
    json bare_webhook = webhook;
    json bare_node = node;
    for (const char* key : {"cancelled_at", "cancel_reason", "fulfillment_status", "location_id", "shipping_address"}) {
        bare_webhook[key] = nullptr;
    }
    for (const char* key : {"cancelledAt", "cancelReason", "retailLocation", "shippingAddress"})
        bare_node[key] = nullptr;
    bare_node["displayFulfillmentStatus"] = "UNFULFILLED";
    for (const char* key : {"refunds", "fulfillments", "shipping_lines"})
        bare_webhook[key] = json::array();
    for (const char* key : {"refunds", "fulfillments"})
        bare_node[key] = json::array();
    bare_node["shippingLines"]["nodes"] = json::array();

    EXPECT_EQ(to_json(order_of_node(bare_node)), to_json(sagas::order_document_from_webhook(bare_webhook)));
}

TEST(OrderNode, TakesListsInEveryDress) {
    json edges = node;
    json list = json::array();
    for (const json& line : node.at("lineItems").at("nodes"))
        list.push_back({{"cursor", "c"}, {"node", line}});
    edges["lineItems"] = {{"edges", list}};
    json plain = node;
    plain["lineItems"] = node.at("lineItems").at("nodes");

    EXPECT_EQ(order_of_node(edges), order_of_node(node));
    EXPECT_EQ(order_of_node(plain), order_of_node(node));
}

TEST(OrderNode, RefusesWhatIsNoOrder) {
    EXPECT_THROW((void)order_of_node(json::object()), std::invalid_argument);
    EXPECT_THROW((void)order_of_node(nullptr), std::invalid_argument);
    json negative = node;
    negative["lineItems"]["nodes"][0]["quantity"] = -1;
    EXPECT_THROW((void)order_of_node(negative), std::invalid_argument);
}

TEST(OrderNode, IsCutWhenAListGoesOn) {
    EXPECT_FALSE(is_cut(node, 10));
    EXPECT_TRUE(is_cut(node, 1));
    json more = node;
    more["lineItems"]["pageInfo"]["hasNextPage"] = true;
    EXPECT_TRUE(is_cut(more, 10));
    more = node;
    more["refunds"][0]["refundLineItems"]["pageInfo"]["hasNextPage"] = true;
    EXPECT_TRUE(is_cut(more, 10));
}

}  // namespace
}  // namespace ordersaga::activities::shopify
