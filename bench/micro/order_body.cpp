#include "bench/micro/order_body.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::bench {

namespace {

// In the sequence in which stores write their fields, not in that of the alphabet.
using Json = nlohmann::ordered_json;

constexpr const char* kCurrency = "EUR";
constexpr const char* kPrice = "24.90";

Json money(const std::string& amount) {
    return {
        {"shop_money", {{"amount", amount}, {"currency_code", kCurrency}}},
        {"presentment_money", {{"amount", amount}, {"currency_code", kCurrency}}}};
}

std::string gid(const char* type, std::int64_t id) {
    return std::string("gid://shopify/") + type + "/" + std::to_string(id);
}

Json address() {
    return {
        {"first_name", "Mathilde"},
        {"address1", "Rue de la Cathédrale 117"},
        {"phone", "+32 470 12 34 56"},
        {"city", "Liège"},
        {"zip", "4000"},
        {"province", nullptr},
        {"country", "Belgium"},
        {"last_name", "Van den Broeck"},
        {"address2", "boîte 3"},
        {"company", nullptr},
        {"latitude", 50.6412018},
        {"longitude", 5.5717654},
        {"name", "Mathilde Van den Broeck"},
        {"country_code", "BE"},
        {"province_code", nullptr}};
}

Json tax() {
    return {
        {"price", "4.32"},
        {"rate", 0.21},
        {"title", "BE VAT"},
        {"price_set", money("4.32")},
        {"channel_liable", false}};
}

Json line(const BodyLine& wanted) {
    return {
        {"id", wanted.line_id},
        {"admin_graphql_api_id", gid("LineItem", wanted.line_id)},
        {"attributed_staffs", Json::array()},
        {"current_quantity", wanted.quantity},
        {"fulfillable_quantity", wanted.quantity},
        {"fulfillment_service", "manual"},
        {"fulfillment_status", nullptr},
        {"gift_card", false},
        {"grams", 180},
        {"name", "Organic T-Shirt - " + wanted.sku},
        {"price", kPrice},
        {"price_set", money(kPrice)},
        {"product_exists", true},
        {"product_id", 7300000000000 + wanted.variant_id % 1000},
        {"properties", Json::array()},
        {"quantity", wanted.quantity},
        {"requires_shipping", true},
        {"sales_line_item_group_id", nullptr},
        {"sku", wanted.sku},
        {"taxable", true},
        {"title", "Organic T-Shirt"},
        {"total_discount", "0.00"},
        {"total_discount_set", money("0.00")},
        {"variant_id", wanted.variant_id},
        {"variant_inventory_management", "shopify"},
        {"variant_title", "M / Night Blue"},
        {"vendor", "Atelier Nord"},
        {"tax_lines", Json::array({tax()})},
        {"duties", Json::array()},
        {"discount_allocations", Json::array()}};
}

Json customer(std::int64_t order_id) {
    Json home = address();
    home["id"] = order_id + 21;
    home["customer_id"] = order_id + 20;
    home["country_name"] = "Belgium";
    home["default"] = true;
    return {
        {"id", order_id + 20},
        {"created_at", "2026-02-11T19:04:31+01:00"},
        {"updated_at", "2026-06-01T10:00:03+02:00"},
        {"first_name", "Mathilde"},
        {"last_name", "Van den Broeck"},
        {"state", "disabled"},
        {"note", nullptr},
        {"verified_email", true},
        {"multipass_identifier", nullptr},
        {"tax_exempt", false},
        {"email", "mathilde.vandenbroeck@example.com"},
        {"phone", nullptr},
        {"currency", kCurrency},
        {"tax_exemptions", Json::array()},
        {"admin_graphql_api_id", gid("Customer", order_id + 20)},
        {"default_address", std::move(home)}};
}

Json shipping(std::int64_t order_id) {
    return {
        {"id", order_id + 30},
        {"carrier_identifier", "650f1a14fa979ec5c74d063e968411d4"},
        {"code", "Standard"},
        {"current_discounted_price_set", money("4.95")},
        {"discounted_price", "4.95"},
        {"discounted_price_set", money("4.95")},
        {"is_removed", false},
        {"phone", nullptr},
        {"price", "4.95"},
        {"price_set", money("4.95")},
        {"requested_fulfillment_service_id", nullptr},
        {"source", "shopify"},
        {"title", "Standard"},
        {"tax_lines", Json::array()},
        {"discount_allocations", Json::array()}};
}

}  // namespace

std::string order_body(const BodyOrder& order) {
    const std::string id = std::to_string(order.order_id);
    const std::string number = std::to_string(order.number);
    const std::string token = "8f14e45fceea167a5a36dedd4bea2543";
    Json body = {
        {"id", order.order_id},
        {"admin_graphql_api_id", gid("Order", order.order_id)},
        {"app_id", 580111},
        {"browser_ip", "81.240.17.5"},
        {"buyer_accepts_marketing", false},
        {"cancel_reason", nullptr},
        {"cancelled_at", nullptr},
        {"cart_token", "Z2NwLWV1cm9wZS13ZXN0MTowMUhYQzVNNlc5Rg"},
        {"checkout_id", order.order_id + 1},
        {"checkout_token", token},
        {"client_details",
         {{"accept_language", "fr-BE"},
          {"browser_height", 932},
          {"browser_ip", "81.240.17.5"},
          {"browser_width", 430},
          {"session_hash", nullptr},
          {"user_agent",
           "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
           "Version/18.4 Mobile/15E148 Safari/604.1"}}},
        {"closed_at", nullptr},
        {"company", nullptr},
        {"confirmation_number", "QK7XJ2M9P"},
        {"confirmed", true},
        {"contact_email", "mathilde.vandenbroeck@example.com"},
        {"created_at", order.created_at},
        {"currency", kCurrency},
        {"current_shipping_price_set", money("4.95")},
        {"current_subtotal_price", kPrice},
        {"current_subtotal_price_set", money(kPrice)},
        {"current_total_additional_fees_set", nullptr},
        {"current_total_discounts", "0.00"},
        {"current_total_discounts_set", money("0.00")},
        {"current_total_duties_set", nullptr},
        {"current_total_price", "29.85"},
        {"current_total_price_set", money("29.85")},
        {"current_total_tax", "4.32"},
        {"current_total_tax_set", money("4.32")},
        {"customer_locale", "fr-BE"},
        {"device_id", nullptr},
        {"discount_codes", Json::array()},
        {"duties_included", false},
        {"email", "mathilde.vandenbroeck@example.com"},
        {"estimated_taxes", false},
        {"financial_status", "paid"},
        {"fulfillment_status", nullptr},
        {"landing_site", "/collections/t-shirts?utm_source=newsletter&utm_medium=email&utm_campaign=june"},
        {"landing_site_ref", nullptr},
        {"location_id", nullptr},
        {"merchant_business_entity_id", "MTU0ODM4MDAwOQ"},
        {"merchant_of_record_app_id", nullptr},
        {"name", "#" + number},
        {"note", nullptr},
        {"note_attributes", Json::array()},
        {"number", order.number - 1000},
        {"order_number", order.number},
        {"order_status_url", "https://" + order.shop_domain + "/58100000000/orders/" + token +
                                 "/authenticate?key=3b1a2f0c9d8e7f6a5b4c3d2e1f0a9b8c"},
        {"original_total_additional_fees_set", nullptr},
        {"original_total_duties_set", nullptr},
        {"payment_gateway_names", Json::array({"shopify_payments"})},
        {"phone", nullptr},
        {"po_number", nullptr},
        {"presentment_currency", kCurrency},
        {"processed_at", order.created_at},
        {"reference", nullptr},
        {"referring_site", ""},
        {"source_identifier", nullptr},
        {"source_name", "web"},
        {"source_url", nullptr},
        {"subtotal_price", kPrice},
        {"subtotal_price_set", money(kPrice)},
        {"tags", ""},
        {"tax_exempt", false},
        {"tax_lines", Json::array({tax()})},
        {"taxes_included", true},
        {"test", false},
        {"token", token},
        {"total_cash_rounding_payment_adjustment_set", money("0.00")},
        {"total_cash_rounding_refund_adjustment_set", money("0.00")},
        {"total_discounts", "0.00"},
        {"total_discounts_set", money("0.00")},
        {"total_line_items_price", kPrice},
        {"total_line_items_price_set", money(kPrice)},
        {"total_outstanding", "0.00"},
        {"total_price", "29.85"},
        {"total_price_set", money("29.85")},
        {"total_shipping_price_set", money("4.95")},
        {"total_tax", "4.32"},
        {"total_tax_set", money("4.32")},
        {"total_tip_received", "0.00"},
        {"total_weight", 180},
        {"updated_at", order.created_at},
        {"user_id", nullptr},
        {"billing_address", address()},
        {"customer", customer(order.order_id)},
        {"discount_applications", Json::array()},
        {"fulfillments", Json::array()},
        {"line_items", Json::array()},
        {"payment_terms", nullptr},
        {"refunds", Json::array()},
        {"shipping_address", address()},
        {"shipping_lines", Json::array({shipping(order.order_id)})},
        {"returns", Json::array()},
        {"line_item_groups", Json::array()}};
    for (const BodyLine& wanted : order.lines)
        body["line_items"].push_back(line(wanted));
    return body.dump();
}

}  // namespace ordersaga::bench
