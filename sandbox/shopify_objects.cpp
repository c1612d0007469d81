#include "sandbox/shopify_objects.hpp"

#include "sandbox/graphql_projection.hpp"
#include "sandbox/shopify_documents.hpp"
#include "sandbox/shopify_store.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char letter) {
        return static_cast<char>(std::toupper(letter));
    });
    return text;
}

json utc_or_null(const std::optional<runtime::Instant>& instant) {
    return instant ? json(runtime::format_rfc3339(*instant)) : json(nullptr);
}

json money_bag(std::int64_t cents, const std::string& currency) {
    const json money{{"amount", money_text(cents)}, {"currencyCode", currency}};
    return {{"shopMoney", money}, {"presentmentMoney", money}};
}

json address_object(const ShopAddress& address) {
    return {
        {"__typename", "MailingAddress"},
        {"firstName", address.first_name},
        {"lastName", address.last_name},
        {"name", address.first_name + " " + address.last_name},
        {"company", text_or_null(address.company)},
        {"address1", address.address1},
        {"address2", text_or_null(address.address2)},
        {"city", address.city},
        {"province", address.province},
        {"provinceCode", address.province_code},
        {"country", address.country},
        {"countryCode", address.country_code},
        {"countryCodeV2", address.country_code},
        {"zip", address.zip},
        {"phone", text_or_null(address.phone)},
    };
}

// A line as other objects point at it: without what would lead back to the order.
json line_stub(const ShopOrderLine& line) {
    return {
        {"__typename", "LineItem"},
        {"id", shop_gid("LineItem", line.id)},
        {"sku", line.sku ? json(*line.sku) : json(nullptr)},
        {"title", line.title},
        {"name", line.title},
        {"quantity", line.quantity},
        {"currentQuantity", line.current_quantity},
        {"unfulfilledQuantity", line.fulfillable},
        {"fulfillableQuantity", line.fulfillable},
        {"requiresShipping", line.requires_shipping},
    };
}

// A variant as an order's line shows it: without the stock levels, which would be most of an order's page.
json variant_stub(const ShopVariant& variant) {
    return {
        {"__typename", "ProductVariant"},
        {"id", shop_gid("ProductVariant", variant.variant_id)},
        {"legacyResourceId", std::to_string(variant.variant_id)},
        {"sku", variant.sku},
        {"title", variant.title},
        {"displayName", variant.title},
        {"price", money_text(variant.price_cents)},
        {"inventoryItem",
         {{"__typename", "InventoryItem"},
          {"id", shop_gid("InventoryItem", variant.inventory_item_id)},
          {"legacyResourceId", std::to_string(variant.inventory_item_id)},
          {"sku", variant.sku},
          {"tracked", variant.tracked},
          {"requiresShipping", variant.requires_shipping}}},
        {"product",
         {{"__typename", "Product"},
          {"id", shop_gid("Product", variant.product_id)},
          {"title", variant.title},
          {"status", variant.product_status}}},
    };
}

json line_object(const ShopifyStore& store, const ShopOrderLine& line) {
    json object = line_stub(line);
    const ShopVariant* variant = line.variant_id ? store.variant_by_id(*line.variant_id) : nullptr;
    object["isGiftCard"] = line.gift_card;
    object["nonFulfillableQuantity"] = 0;
    object["refundableQuantity"] = line.current_quantity;
    object["variantTitle"] = nullptr;
    object["vendor"] = nullptr;
    object["originalUnitPriceSet"] = money_bag(line.price_cents, store.settings().currency);
    object["discountedUnitPriceSet"] = money_bag(line.price_cents, store.settings().currency);
    object["variant"] = variant == nullptr ? json(nullptr) : variant_stub(*variant);
    object["product"] = line.product_id ? json{{"__typename", "Product"}, {"id", shop_gid("Product", *line.product_id)}}
                                        : json(nullptr);
    return object;
}

json refund_object(const ShopifyStore& store, const ShopOrder& order, const ShopRefund& refund) {
    json lines = json::array();
    for (const auto& line : refund.lines) {
        const ShopOrderLine* sold = order.line(line.line_id);
        const ShopLocation* place = line.location_id ? store.location(*line.location_id) : nullptr;
        lines.push_back({
            {"__typename", "RefundLineItem"},
            {"id", shop_gid("RefundLineItem", line.id)},
            {"quantity", line.quantity},
            {"restockType", upper(line.restock_type)},
            {"restocked", line.location_id.has_value()},
            {"lineItem", sold == nullptr ? json(nullptr) : line_stub(*sold)},
            {"location", place == nullptr ? json(nullptr) : location_object(*place)},
            {"subtotalSet", money_bag(line.subtotal_cents, store.settings().currency)},
        });
    }
    return {
        {"__typename", "Refund"},
        {"id", shop_gid("Refund", refund.id)},
        {"legacyResourceId", std::to_string(refund.id)},
        {"createdAt", runtime::format_rfc3339(refund.created_at)},
        {"updatedAt", runtime::format_rfc3339(refund.created_at)},
        {"note", text_or_null(refund.note)},
        {"refundLineItems", std::move(lines)},
        {"totalRefundedSet", money_bag(refund.money_cents, store.settings().currency)},
    };
}

std::string display_fulfillment_status(const ShopOrder& order) {
    const std::string status = order.fulfillment_status();
    const bool held = std::any_of(
        order.fulfillment_orders.begin(), order.fulfillment_orders.end(),
        [](const auto& work) { return work.status() == "ON_HOLD"; });
    if (held) {
        return "ON_HOLD";
    }
    if (status == "fulfilled") {
        return "FULFILLED";
    }
    return status == "partial" ? "PARTIALLY_FULFILLED" : "UNFULFILLED";
}

}  // namespace

std::string shop_gid(const std::string& type, std::int64_t id) {
    return "gid://shopify/" + type + "/" + std::to_string(id);
}

std::int64_t id_of_gid(const std::string& gid, const std::string& type) {
    const std::string prefix = "gid://shopify/" + type + "/";
    const std::string digits = gid.rfind(prefix, 0) == 0 ? gid.substr(prefix.size()) : gid;
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    return error == std::errc{} && end == digits.data() + digits.size() ? id : 0;
}

nlohmann::json location_object(const ShopLocation& location) {
    return {
        {"__typename", "Location"},
        {"id", shop_gid("Location", location.id)},
        {"legacyResourceId", std::to_string(location.id)},
        {"name", location.name},
        {"isActive", location.active},
        {"fulfillsOnlineOrders", location.fulfills_online_orders},
        {"shipsInventory", location.fulfills_online_orders},
    };
}

nlohmann::json level_object(const ShopifyStore& store, const ShopVariant& variant, const ShopLocation& location) {
    const ShopLevel* level = store.level(variant.inventory_item_id, location.id);
    if (level == nullptr) {
        return nullptr;
    }
    const std::string updated = runtime::format_rfc3339(level->updated_at);
    const auto quantity = [&](const std::string& name, std::int64_t value) {
        return json{{"name", name}, {"quantity", value}, {"updatedAt", updated}};
    };
    return {
        {"__typename", "InventoryLevel"},
        {"id", shop_gid("InventoryLevel", level->level_id) +
                   "?inventory_item_id=" + std::to_string(variant.inventory_item_id)},
        {"isActive", true},
        {"updatedAt", updated},
        {"location", location_object(location)},
        {"item",
         {{"__typename", "InventoryItem"},
          {"id", shop_gid("InventoryItem", variant.inventory_item_id)},
          {"legacyResourceId", std::to_string(variant.inventory_item_id)},
          {"sku", variant.sku},
          {"tracked", variant.tracked}}},
        {"quantities",
         json::array(
             {quantity("available", level->available), quantity("on_hand", level->on_hand()),
              quantity("committed", level->committed), quantity("incoming", 0), quantity("reserved", 0),
              quantity("damaged", level->unavailable), quantity("safety_stock", 0), quantity("quality_control", 0)})},
    };
}

nlohmann::json inventory_item_object(const ShopifyStore& store, const ShopVariant& variant) {
    json levels = json::array();
    json by_location = json::object();
    for (const auto& location : store.locations()) {
        json level = level_object(store, variant, location);
        if (!level.is_null()) {
            by_location[shop_gid("Location", location.id)] = level;
            levels.push_back(std::move(level));
        }
    }
    return {
        {"__typename", "InventoryItem"},
        {"id", shop_gid("InventoryItem", variant.inventory_item_id)},
        {"legacyResourceId", std::to_string(variant.inventory_item_id)},
        {"sku", variant.sku},
        {"tracked", variant.tracked},
        {"requiresShipping", variant.requires_shipping},
        {"duplicateSkuCount", 0},
        {"variant",
         {{"__typename", "ProductVariant"},
          {"id", shop_gid("ProductVariant", variant.variant_id)},
          {"legacyResourceId", std::to_string(variant.variant_id)},
          {"sku", variant.sku},
          {"title", variant.title},
          {"product", {{"__typename", "Product"}, {"id", shop_gid("Product", variant.product_id)}}}}},
        {"inventoryLevels", std::move(levels)},
        {"inventoryLevel", keyed_by_argument("locationId", std::move(by_location))},
    };
}

nlohmann::json variant_object(const ShopifyStore& store, const ShopVariant& variant) {
    return {
        {"__typename", "ProductVariant"},
        {"id", shop_gid("ProductVariant", variant.variant_id)},
        {"legacyResourceId", std::to_string(variant.variant_id)},
        {"sku", variant.sku},
        {"title", variant.title},
        {"displayName", variant.title},
        {"price", money_text(variant.price_cents)},
        {"inventoryItem", inventory_item_object(store, variant)},
        {"product",
         {{"__typename", "Product"},
          {"id", shop_gid("Product", variant.product_id)},
          {"title", variant.title},
          {"status", variant.product_status}}},
    };
}

nlohmann::json hold_object(const ShopHold& hold) {
    return {
        {"__typename", "FulfillmentHold"},
        {"id", shop_gid("FulfillmentHold", hold.id)},
        {"handle", text_or_null(hold.handle)},
        {"reason", hold.reason},
        {"reasonNotes", text_or_null(hold.notes)},
        {"displayReason", hold.reason},
        {"heldByRequestingApp", true},
    };
}

nlohmann::json fulfillment_order_object(
    const ShopifyStore& store,
    const ShopOrder& order,
    const ShopFulfillmentOrder& work) {
    const std::string status = work.status();
    std::vector<std::string> actions;
    if (status == "OPEN" || status == "IN_PROGRESS") {
        actions = {"CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", "SPLIT"};
    } else if (status == "ON_HOLD") {
        actions = {"RELEASE_HOLD", "HOLD", "MOVE"};
    }
    json supported = json::array();
    for (const auto& action : actions) {
        supported.push_back({{"action", action}});
    }
    json holds = json::array();
    for (const auto& hold : work.holds) {
        holds.push_back(hold_object(hold));
    }
    json lines = json::array();
    for (const auto& line : work.lines) {
        const ShopOrderLine* sold = order.line(line.line_id);
        lines.push_back({
            {"__typename", "FulfillmentOrderLineItem"},
            {"id", shop_gid("FulfillmentOrderLineItem", line.id)},
            {"totalQuantity", line.total},
            {"remainingQuantity", line.remaining},
            {"sku", sold != nullptr && sold->sku ? json(*sold->sku) : json(nullptr)},
            {"lineItem", sold == nullptr ? json(nullptr) : line_stub(*sold)},
        });
    }
    const ShopLocation* place = store.location(work.location_id);
    const json location = place == nullptr ? json(nullptr) : location_object(*place);
    return {
        {"__typename", "FulfillmentOrder"},
        {"id", shop_gid("FulfillmentOrder", work.id)},
        {"status", status},
        {"requestStatus", "UNSUBMITTED"},
        {"orderId", shop_gid("Order", order.id)},
        {"orderName", order.name},
        {"createdAt", runtime::format_rfc3339(order.created_at)},
        {"updatedAt", runtime::format_rfc3339(order.updated_at)},
        {"supportedActions", std::move(supported)},
        {"fulfillmentHolds", std::move(holds)},
        {"assignedLocation",
         {{"__typename", "FulfillmentOrderAssignedLocation"},
          {"name", place == nullptr ? json(nullptr) : json(place->name)},
          {"location", location}}},
        {"lineItems", std::move(lines)},
    };
}

nlohmann::json fulfillment_object(
    const ShopifyStore& store,
    const ShopOrder& order,
    const ShopFulfillment& fulfillment) {
    json lines = json::array();
    std::int64_t total = 0;
    for (const auto& line : fulfillment.lines) {
        const ShopOrderLine* sold = order.line(line.line_id);
        total += line.quantity;
        lines.push_back({
            {"__typename", "FulfillmentLineItem"},
            {"id", shop_gid("FulfillmentLineItem", line.id)},
            {"quantity", line.quantity},
            {"lineItem", sold == nullptr ? json(nullptr) : line_stub(*sold)},
        });
    }
    json tracking = json::array();
    if (!fulfillment.tracking_number.empty()) {
        tracking.push_back({
            {"number", fulfillment.tracking_number},
            {"url", text_or_null(fulfillment.tracking_url)},
            {"company", text_or_null(fulfillment.tracking_company)},
        });
    }
    const ShopLocation* place = store.location(fulfillment.location_id);
    return {
        {"__typename", "Fulfillment"},
        {"id", shop_gid("Fulfillment", fulfillment.id)},
        {"legacyResourceId", std::to_string(fulfillment.id)},
        {"name", fulfillment.name},
        {"status", "SUCCESS"},
        {"displayStatus", "FULFILLED"},
        {"createdAt", runtime::format_rfc3339(fulfillment.created_at)},
        {"updatedAt", runtime::format_rfc3339(fulfillment.updated_at)},
        {"deliveredAt", nullptr},
        {"totalQuantity", total},
        {"location", place == nullptr ? json(nullptr) : location_object(*place)},
        {"trackingInfo", std::move(tracking)},
        {"fulfillmentLineItems", std::move(lines)},
        {"order", {{"__typename", "Order"}, {"id", shop_gid("Order", order.id)}, {"name", order.name}}},
    };
}

namespace {

json order_shipping_line(const ShopifyStore& store, const ShopOrder& order) {
    return {
        {"__typename", "ShippingLine"},
        {"id", shop_gid("ShippingLine", order.id + 7)},
        {"title", order.ship_method},
        {"code", order.ship_method},
        {"source", "shopify"},
        {"originalPriceSet", money_bag(order.shipping_cents, store.settings().currency)},
    };
}

json order_customer(const ShopOrder& order) {
    if (order.customer_id == 0) {
        return nullptr;
    }
    return {
        {"__typename", "Customer"},
        {"id", shop_gid("Customer", order.customer_id)},
        {"email", text_or_null(order.email)},
        {"displayName", order.shipping_address->first_name}};
}

json order_retail_location(const ShopifyStore& store, const ShopOrder& order) {
    const bool pos = order.source_name == "pos" && !order.lines.empty();
    const ShopLocation* retail = pos ? store.location(order.lines.front().location_id) : nullptr;
    return retail == nullptr ? json(nullptr) : location_object(*retail);
}

}  // namespace

nlohmann::json order_object(const ShopifyStore& store, const ShopOrder& order, const std::set<std::string>& asked) {
    json object{{"__typename", "Order"}, {"@cursor", order_cursor(order)}};
    const auto is_asked = [&](const char* name) {
        return asked.count(name) > 0;
    };
    const auto put = [&](const char* name, json value) {
        if (is_asked(name)) {
            object[name] = std::move(value);
        }
    };
    std::int64_t units = 0;
    for (const auto& line : order.lines) {
        units += line.current_quantity;
    }
    const std::string& money = order.financial_status;
    put("id", shop_gid("Order", order.id));
    put("legacyResourceId", std::to_string(order.id));
    put("name", order.name);
    put("email", text_or_null(order.email));
    put("phone", nullptr);
    put("note", text_or_null(order.note));
    put("tags", order.tags);
    put("test", order.test);
    put("confirmed", true);
    put("closed", order.closed_at.has_value());
    put("sourceName", order.source_name);
    put("currencyCode", store.settings().currency);
    put("createdAt", runtime::format_rfc3339(order.created_at));
    put("updatedAt", runtime::format_rfc3339(order.updated_at));
    put("processedAt", runtime::format_rfc3339(order.created_at));
    put("closedAt", utc_or_null(order.closed_at));
    put("cancelledAt", utc_or_null(order.cancelled_at));
    put("cancelReason", text_or_null(upper(order.cancel_reason)));
    put("displayFinancialStatus", upper(money));
    put("displayFulfillmentStatus", display_fulfillment_status(order));
    put("fullyPaid", money == "paid");
    put("unpaid", money == "pending" || money == "authorized");
    put("currentSubtotalLineItemsQuantity", units);
    put("requiresShipping",
        std::any_of(order.lines.begin(), order.lines.end(), [](const auto& line) { return line.requires_shipping; }));
    // The rest is dear: made only when it is asked for.
    if (is_asked("retailLocation")) {
        object["retailLocation"] = order_retail_location(store, order);
    }
    if (is_asked("customer")) {
        object["customer"] = order_customer(order);
    }
    for (const char* address : {"shippingAddress", "billingAddress"}) {
        if (is_asked(address)) {
            object[address] = order.shipping_address ? address_object(*order.shipping_address) : json(nullptr);
        }
    }
    if (is_asked("shippingLine")) {
        object["shippingLine"] = order_shipping_line(store, order);
    }
    if (is_asked("shippingLines")) {
        object["shippingLines"] = json::array({order_shipping_line(store, order)});
    }
    const auto put_each = [&](const char* name, const auto& list, const auto& translate) {
        if (is_asked(name)) {
            json& objects = object[name] = json::array();
            for (const auto& element : list) {
                objects.push_back(translate(element));
            }
        }
    };
    put_each("lineItems", order.lines, [&](const auto& line) { return line_object(store, line); });
    put_each("refunds", order.refunds, [&](const auto& refund) { return refund_object(store, order, refund); });
    put_each(
        "fulfillments", order.fulfillments, [&](const auto& sent) { return fulfillment_object(store, order, sent); });
    put_each("fulfillmentOrders", order.fulfillment_orders, [&](const auto& work) {
        return fulfillment_order_object(store, order, work);
    });
    const auto put_money = [&](const char* name, std::int64_t cents) {
        if (is_asked(name)) {
            object[name] = money_bag(cents, store.settings().currency);
        }
    };
    std::int64_t lines = 0, current = 0;
    for (const auto& line : order.lines) {
        lines += line.price_cents * line.quantity;
        current += line.price_cents * line.current_quantity;
    }
    put_money("subtotalPriceSet", lines);
    put_money("totalPriceSet", lines + order.shipping_cents);
    put_money("currentTotalPriceSet", current + (order.cancelled_at ? 0 : order.shipping_cents));
    put_money("totalShippingPriceSet", order.shipping_cents);
    return object;
}

nlohmann::json subscription_object(const ShopifyStore& store, const ShopSubscription& subscription) {
    std::string topic = upper(subscription.topic);
    std::replace(topic.begin(), topic.end(), '/', '_');
    return {
        {"__typename", "WebhookSubscription"},
        {"id", shop_gid("WebhookSubscription", subscription.id)},
        {"legacyResourceId", std::to_string(subscription.id)},
        {"topic", topic},
        {"uri", subscription.url},
        {"callbackUrl", subscription.url},
        {"format", "JSON"},
        {"createdAt", runtime::format_rfc3339(subscription.created_at)},
        {"updatedAt", runtime::format_rfc3339(subscription.created_at)},
        {"filter", text_or_null(subscription.filter)},
        // The app's, whatever it was when the subscription was made.
        {"apiVersion",
         {{"__typename", "ApiVersion"},
          {"handle", store.settings().api_version},
          {"displayName", store.settings().api_version},
          {"supported", true}}},
        {"includeFields", json::array()},
        {"name", nullptr},
        {"endpoint", {{"__typename", "WebhookHttpEndpoint"}, {"callbackUrl", subscription.url}}},
    };
}

std::string order_cursor(const ShopOrder& order) {
    return std::to_string(order.updated_at.time_since_epoch().count()) + ":" + std::to_string(order.id);
}

}  // namespace ordersaga::sandbox
