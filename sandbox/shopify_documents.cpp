#include "sandbox/shopify_documents.hpp"

#include "runtime/text.hpp"
#include "sandbox/shopify_store.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

template <class Value>
json value_or_null(const std::optional<Value>& value) {
    return value ? json(*value) : json(nullptr);
}

json time_or_null(const std::optional<runtime::Instant>& instant) {
    return instant ? json(shop_time(*instant)) : json(nullptr);
}

json money_set(std::int64_t cents, const std::string& currency) {
    const json money{{"amount", money_text(cents)}, {"currency_code", currency}};
    return {{"shop_money", money}, {"presentment_money", money}};
}

std::string gid(const std::string& type, std::int64_t id) {
    return "gid://shopify/" + type + "/" + std::to_string(id);
}

json address_body(const ShopAddress& address) {
    return {
        {"first_name", address.first_name},
        {"last_name", address.last_name},
        {"name", address.first_name + " " + address.last_name},
        {"company", text_or_null(address.company)},
        {"address1", address.address1},
        {"address2", text_or_null(address.address2)},
        {"city", address.city},
        {"province", address.province},
        {"province_code", address.province_code},
        {"country", address.country},
        {"country_code", address.country_code},
        {"zip", address.zip},
        {"phone", text_or_null(address.phone)},
        {"latitude", nullptr},
        {"longitude", nullptr},
    };
}

json line_body(const ShopOrderLine& line, const std::string& currency) {
    json status = nullptr;
    if (line.fulfillable == 0 && line.current_quantity > 0) {
        status = "fulfilled";
    } else if (line.fulfillable < line.current_quantity) {
        status = "partial";
    }
    return {
        {"id", line.id},
        {"admin_graphql_api_id", gid("LineItem", line.id)},
        {"attributed_staffs", json::array()},
        {"current_quantity", line.current_quantity},
        {"fulfillable_quantity", line.fulfillable},
        {"fulfillment_service", "manual"},
        {"fulfillment_status", status},
        {"gift_card", line.gift_card},
        {"grams", 200},
        {"name", line.title},
        {"price", money_text(line.price_cents)},
        {"price_set", money_set(line.price_cents, currency)},
        {"product_exists", line.product_id.has_value()},
        {"product_id", value_or_null(line.product_id)},
        {"properties", json::array()},
        {"quantity", line.quantity},
        {"requires_shipping", line.requires_shipping},
        {"sku", value_or_null(line.sku)},
        {"taxable", true},
        {"title", line.title},
        {"total_discount", "0.00"},
        {"total_discount_set", money_set(0, currency)},
        {"variant_id", value_or_null(line.variant_id)},
        {"variant_inventory_management", line.tracked && line.variant_id ? json("shopify") : json(nullptr)},
        {"variant_title", nullptr},
        {"vendor", nullptr},
        {"tax_lines", json::array()},
        {"duties", json::array()},
        {"discount_allocations", json::array()},
    };
}

json customer_body(const ShopOrder& order) {
    if (!order.shipping_address || order.customer_id == 0) {
        return nullptr;
    }
    const ShopAddress& address = *order.shipping_address;
    json home = address_body(address);
    home["id"] = order.customer_id + 1;
    home["customer_id"] = order.customer_id;
    home["country_name"] = address.country;
    home["default"] = true;
    return {
        {"id", order.customer_id},
        {"admin_graphql_api_id", gid("Customer", order.customer_id)},
        {"email", text_or_null(order.email)},
        {"created_at", shop_time(order.created_at)},
        {"updated_at", shop_time(order.created_at)},
        {"first_name", address.first_name},
        {"last_name", address.last_name},
        {"state", "disabled"},
        {"note", nullptr},
        {"verified_email", true},
        {"multipass_identifier", nullptr},
        {"tax_exempt", false},
        {"phone", nullptr},
        {"tags", ""},
        {"currency", "USD"},
        {"tax_exemptions", json::array()},
        {"default_address", std::move(home)},
    };
}

struct OrderMoney {
    std::int64_t lines = 0, current_lines = 0, shipping = 0, refunded = 0;
};

OrderMoney money_of(const ShopOrder& order) {
    OrderMoney money;
    money.shipping = order.shipping_cents;
    for (const auto& line : order.lines) {
        money.lines += line.price_cents * line.quantity;
        money.current_lines += line.price_cents * line.current_quantity;
    }
    for (const auto& refund : order.refunds) {
        money.refunded += refund.money_cents;
    }
    return money;
}

void add_money(json& body, const ShopOrder& order, const std::string& currency) {
    const OrderMoney money = money_of(order);
    const bool open = order.financial_status == "pending" || order.financial_status == "authorized";
    const std::int64_t current_shipping = order.cancelled_at ? 0 : money.shipping;
    const auto put = [&](const std::string& name, std::int64_t cents) {
        body[name] = money_text(cents);
        body[name + "_set"] = money_set(cents, currency);
    };
    put("subtotal_price", money.lines);
    put("total_line_items_price", money.lines);
    put("total_price", money.lines + money.shipping);
    put("total_tax", 0);
    put("total_discounts", 0);
    put("current_subtotal_price", money.current_lines);
    put("current_total_price", money.current_lines + current_shipping);
    put("current_total_tax", 0);
    put("current_total_discounts", 0);
    body["total_shipping_price_set"] = money_set(money.shipping, currency);
    body["total_outstanding"] = money_text(open ? money.current_lines + current_shipping : 0);
    body["total_tip_received"] = "0.00";
    body["current_total_duties_set"] = nullptr;
    body["original_total_duties_set"] = nullptr;
    body["current_total_additional_fees_set"] = nullptr;
    body["original_total_additional_fees_set"] = nullptr;
}

}  // namespace

json text_or_null(const std::string& text) {
    return text.empty() ? json(nullptr) : json(text);
}

std::string money_text(std::int64_t cents) {
    const std::int64_t size = std::abs(cents);
    std::string fraction = std::to_string(size % 100);
    if (fraction.size() < 2) {
        fraction.insert(0, "0");
    }
    return (cents < 0 ? "-" : "") + std::to_string(size / 100) + "." + fraction;
}

std::string shop_time(runtime::Instant instant) {
    std::string text = runtime::format_rfc3339(instant - std::chrono::hours{5});
    text.pop_back();  // the Z
    return text + "-05:00";
}

nlohmann::json order_body(const ShopifyStore& store, const ShopOrder& order) {
    const std::string& currency = store.settings().currency;
    const bool online = order.source_name != "pos";
    json lines = json::array();
    for (const auto& line : order.lines) {
        lines.push_back(line_body(line, currency));
    }
    json refunds = json::array();
    for (const auto& refund : order.refunds) {
        refunds.push_back(refund_body(store, order, refund));
    }
    json fulfillments = json::array();
    for (const auto& fulfillment : order.fulfillments) {
        fulfillments.push_back(fulfillment_body(store, order, fulfillment));
    }
    const json address = order.shipping_address ? address_body(*order.shipping_address) : json(nullptr);
    json body{
        {"id", order.id},
        {"admin_graphql_api_id", gid("Order", order.id)},
        {"app_id", 580111},
        {"browser_ip", nullptr},
        {"buyer_accepts_marketing", false},
        {"cancel_reason", text_or_null(order.cancel_reason)},
        {"cancelled_at", time_or_null(order.cancelled_at)},
        {"cart_token", nullptr},
        {"checkout_token", nullptr},
        {"client_details", nullptr},
        {"closed_at", time_or_null(order.closed_at)},
        {"confirmation_number", nullptr},
        {"confirmed", true},
        {"contact_email", text_or_null(order.email)},
        {"created_at", shop_time(order.created_at)},
        {"updated_at", shop_time(order.updated_at)},
        {"processed_at", shop_time(order.created_at)},
        {"currency", currency},
        {"presentment_currency", currency},
        {"customer_locale", "en"},
        {"device_id", nullptr},
        {"discount_codes", json::array()},
        {"discount_applications", json::array()},
        {"email", order.email},
        {"estimated_taxes", false},
        {"financial_status", order.financial_status},
        {"fulfillment_status", text_or_null(order.fulfillment_status())},
        {"landing_site", nullptr},
        {"location_id", online || order.lines.empty() ? json(nullptr) : json(order.lines.front().location_id)},
        {"merchant_of_record_app_id", nullptr},
        {"name", order.name},
        {"note", text_or_null(order.note)},
        {"note_attributes", json::array()},
        {"number", order.number},
        {"order_number", order.number + 1000},
        {"order_status_url", "https://" + store.settings().domain + "/orders/" + std::to_string(order.id)},
        {"payment_gateway_names", json::array({"bogus"})},
        {"payment_terms", nullptr},
        {"phone", nullptr},
        {"po_number", nullptr},
        {"reference", nullptr},
        {"referring_site", nullptr},
        {"source_identifier", nullptr},
        {"source_name", order.source_name},
        {"source_url", nullptr},
        {"tags", runtime::joined(order.tags)},
        {"tax_exempt", false},
        {"tax_lines", json::array()},
        {"taxes_included", false},
        {"test", order.test},
        {"total_weight", 0},
        {"user_id", nullptr},
        {"billing_address", address},
        {"shipping_address", address},
        {"customer", customer_body(order)},
        {"line_items", std::move(lines)},
        {"refunds", std::move(refunds)},
        {"fulfillments", std::move(fulfillments)},
        {"shipping_lines", json::array({{
                               {"id", order.id + 7},
                               {"carrier_identifier", nullptr},
                               {"code", order.ship_method},
                               {"discounted_price", money_text(order.shipping_cents)},
                               {"discounted_price_set", money_set(order.shipping_cents, currency)},
                               {"is_removed", false},
                               {"phone", nullptr},
                               {"price", money_text(order.shipping_cents)},
                               {"price_set", money_set(order.shipping_cents, currency)},
                               {"requested_fulfillment_service_id", nullptr},
                               {"source", "shopify"},
                               {"title", order.ship_method},
                               {"tax_lines", json::array()},
                               {"discount_allocations", json::array()},
                           }})},
    };
    add_money(body, order, currency);
    return body;
}

nlohmann::json refund_body(const ShopifyStore& store, const ShopOrder& order, const ShopRefund& refund) {
    const std::string& currency = store.settings().currency;
    json lines = json::array();
    bool restock = false;
    for (const auto& line : refund.lines) {
        restock = restock || line.restock_type != "no_restock";
        const ShopOrderLine* sold = order.line(line.line_id);
        lines.push_back({
            {"id", line.id},
            {"line_item_id", line.line_id},
            {"quantity", line.quantity},
            {"location_id", value_or_null(line.location_id)},
            {"restock_type", line.restock_type},
            // Numbers, unlike all other money: so recorded deliveries have them.
            {"subtotal", static_cast<double>(line.subtotal_cents) / 100.0},
            {"total_tax", 0.0},
            {"subtotal_set", money_set(line.subtotal_cents, currency)},
            {"total_tax_set", money_set(0, currency)},
            {"line_item", sold != nullptr ? line_body(*sold, currency) : json(nullptr)},
        });
    }
    json transactions = json::array();
    if (refund.money_cents > 0) {
        transactions.push_back({
            {"id", refund.id + 3},
            {"order_id", order.id},
            {"kind", "refund"},
            {"gateway", "bogus"},
            {"status", "success"},
            {"amount", money_text(refund.money_cents)},
            {"currency", currency},
            {"created_at", shop_time(refund.created_at)},
        });
    }
    return {
        {"id", refund.id},
        {"admin_graphql_api_id", gid("Refund", refund.id)},
        {"order_id", order.id},
        {"created_at", shop_time(refund.created_at)},
        {"processed_at", shop_time(refund.created_at)},
        {"note", text_or_null(refund.note)},
        {"user_id", nullptr},
        {"duties", json::array()},
        {"additional_fees", json::array()},
        {"order_adjustments", json::array()},
        {"refund_shipping_lines", json::array()},
        {"return", nullptr},
        {"restock", restock},
        {"total_duties_set", money_set(0, currency)},
        {"refund_line_items", std::move(lines)},
        {"transactions", std::move(transactions)},
    };
}

nlohmann::json fulfillment_body(const ShopifyStore& store, const ShopOrder& order, const ShopFulfillment& fulfillment) {
    json lines = json::array();
    for (const auto& line : fulfillment.lines) {
        if (const ShopOrderLine* sold = order.line(line.line_id)) {
            json body = line_body(*sold, store.settings().currency);
            body["quantity"] = line.quantity;
            lines.push_back(std::move(body));
        }
    }
    const json number = text_or_null(fulfillment.tracking_number);
    const json url = text_or_null(fulfillment.tracking_url);
    return {
        {"id", fulfillment.id},
        {"admin_graphql_api_id", gid("Fulfillment", fulfillment.id)},
        {"order_id", order.id},
        {"name", fulfillment.name},
        {"status", "success"},
        {"service", "manual"},
        {"created_at", shop_time(fulfillment.created_at)},
        {"updated_at", shop_time(fulfillment.updated_at)},
        {"location_id", fulfillment.location_id},
        {"shipment_status", text_or_null(fulfillment.shipment_status)},
        {"tracking_company", text_or_null(fulfillment.tracking_company)},
        {"tracking_number", number},
        {"tracking_numbers", number.is_null() ? json::array() : json::array({number})},
        {"tracking_url", url},
        {"tracking_urls", url.is_null() ? json::array() : json::array({url})},
        {"receipt", json::object()},
        {"origin_address", nullptr},
        {"email", order.email},
        {"destination", order.shipping_address ? address_body(*order.shipping_address) : json(nullptr)},
        {"line_items", std::move(lines)},
    };
}

nlohmann::json level_body(std::int64_t item_id, std::int64_t location_id, const ShopLevel& level) {
    return {
        {"inventory_item_id", item_id},
        {"location_id", location_id},
        {"available", level.available},
        {"updated_at", shop_time(level.updated_at)},
        {"admin_graphql_api_id",
         gid("InventoryLevel", level.level_id) + "?inventory_item_id=" + std::to_string(item_id)},
    };
}

nlohmann::json edit_body(
    const ShopOrder& order,
    std::int64_t edit_id,
    const std::vector<std::pair<std::int64_t, std::int64_t>>& changes) {
    json additions = json::array();
    json removals = json::array();
    for (const auto& [line_id, delta] : changes) {
        (delta > 0 ? additions : removals).push_back({{"id", line_id}, {"delta", std::abs(delta)}});
    }
    return {
        {"order_edit",
         {{"id", edit_id},
          {"app_id", nullptr},
          {"order_id", order.id},
          {"created_at", shop_time(order.updated_at)},
          {"committed_at", shop_time(order.updated_at)},
          {"notify_customer", false},
          {"reason", ""},
          {"staff_note", ""},
          {"user_id", nullptr},
          {"line_items", {{"additions", std::move(additions)}, {"removals", std::move(removals)}}},
          {"shipping_lines", {{"additions", json::array()}, {"removals", json::array()}}},
          {"discounts", {{"line_item", {{"additions", json::array()}, {"removals", json::array()}}}}}}}};
}

nlohmann::json shop_body(const ShopifyStore& store) {
    return {
        {"id", 548380009},
        {"name", store.settings().name},
        {"domain", store.settings().domain},
        {"myshopify_domain", store.settings().domain},
        {"currency", store.settings().currency},
        {"email", "owner@example.com"},
        {"plan_name", "basic"},
    };
}

}  // namespace ordersaga::sandbox
