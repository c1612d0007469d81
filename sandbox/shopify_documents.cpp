#include "sandbox/shopify_documents.hpp"

#include "runtime/text.hpp"
#include "sandbox/object_text.hpp"
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

std::string money_set(std::int64_t cents, const std::string& currency) {
    const std::string money = ObjectText().put("amount", money_text(cents)).put("currency_code", currency).take();
    return ObjectText().put_text("shop_money", money).put_text("presentment_money", money).take();
}

std::string gid(const std::string& type, std::int64_t id) {
    return "gid://shopify/" + type + "/" + std::to_string(id);
}

json money_tree(std::int64_t cents, const std::string& currency) {
    return json::parse(money_set(cents, currency));
}

std::optional<std::string> time_text(const std::optional<runtime::Instant>& instant) {
    return instant ? std::optional(shop_time(*instant)) : std::nullopt;
}

ObjectText address_members(const ShopAddress& address) {
    ObjectText body;
    body.put("first_name", address.first_name)
        .put("last_name", address.last_name)
        .put("name", address.first_name + " " + address.last_name)
        .put_or_null("company", address.company)
        .put("address1", address.address1)
        .put_or_null("address2", address.address2)
        .put("city", address.city)
        .put("province", address.province)
        .put("province_code", address.province_code)
        .put("country", address.country)
        .put("country_code", address.country_code)
        .put("zip", address.zip)
        .put_or_null("phone", address.phone)
        .put_members(R"("latitude":null,"longitude":null)");
    return body;
}

std::string address_text(const std::optional<ShopAddress>& address) {
    return address ? address_members(*address).take() : "null";
}

std::string line_text(const ShopOrderLine& line, const std::string& currency) {
    const char* status = "";
    if (line.fulfillable == 0 && line.current_quantity > 0) {
        status = "fulfilled";
    } else if (line.fulfillable < line.current_quantity) {
        status = "partial";
    }
    return ObjectText()
        .put("id", line.id)
        .put("admin_graphql_api_id", gid("LineItem", line.id))
        .put("current_quantity", line.current_quantity)
        .put("fulfillable_quantity", line.fulfillable)
        .put_or_null("fulfillment_status", status)
        .put("gift_card", line.gift_card)
        .put("name", line.title)
        .put("price", money_text(line.price_cents))
        .put_text("price_set", money_set(line.price_cents, currency))
        .put("product_exists", line.product_id.has_value())
        .put("product_id", line.product_id)
        .put("quantity", line.quantity)
        .put("requires_shipping", line.requires_shipping)
        .put("sku", line.sku)
        .put("title", line.title)
        .put_text("total_discount_set", money_set(0, currency))
        .put("variant_id", line.variant_id)
        .put_or_null("variant_inventory_management", line.tracked && line.variant_id ? "shopify" : "")
        .put_members(
            R"("attributed_staffs":[],"fulfillment_service":"manual","grams":200,"properties":[],"taxable":true,)"
            R"("total_discount":"0.00","variant_title":null,"vendor":null,"tax_lines":[],"duties":[],)"
            R"("discount_allocations":[])")
        .take();
}

json line_body(const ShopOrderLine& line, const std::string& currency) {
    return json::parse(line_text(line, currency));
}

std::string customer_text(const ShopOrder& order) {
    if (!order.shipping_address || order.customer_id == 0) return "null";
    const ShopAddress& address = *order.shipping_address;
    ObjectText home = address_members(address);
    home.put("id", order.customer_id + 1)
        .put("customer_id", order.customer_id)
        .put("country_name", address.country)
        .put("default", true);
    return ObjectText()
        .put("id", order.customer_id)
        .put("admin_graphql_api_id", gid("Customer", order.customer_id))
        .put_or_null("email", order.email)
        .put("created_at", shop_time(order.created_at))
        .put("updated_at", shop_time(order.created_at))
        .put("first_name", address.first_name)
        .put("last_name", address.last_name)
        .put_members(
            R"("state":"disabled","note":null,"verified_email":true,"multipass_identifier":null,"tax_exempt":false,)"
            R"("phone":null,"tags":"","currency":"USD","tax_exemptions":[])")
        .put_text("default_address", home.take())
        .take();
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

void put_money(ObjectText& body, const ShopOrder& order, const std::string& currency) {
    const OrderMoney money = money_of(order);
    const bool open = order.financial_status == "pending" || order.financial_status == "authorized";
    const std::int64_t current_shipping = order.cancelled_at ? 0 : money.shipping;
    const auto put = [&](const std::string& name, std::int64_t cents) {
        body.put(name, money_text(cents)).put_text(name + "_set", money_set(cents, currency));
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
    body.put_text("total_shipping_price_set", money_set(money.shipping, currency));
    body.put("total_outstanding", money_text(open ? money.current_lines + current_shipping : 0));
    body.put_members(R"("total_tip_received":"0.00","current_total_duties_set":null,"original_total_duties_set":null,)"
                     R"("current_total_additional_fees_set":null,"original_total_additional_fees_set":null)");
}

std::string shipping_line_text(const ShopOrder& order, const std::string& currency) {
    const std::string price = money_text(order.shipping_cents), set = money_set(order.shipping_cents, currency);
    return ObjectText()
        .put("id", order.id + 7)
        .put("code", order.ship_method)
        .put("discounted_price", price)
        .put_text("discounted_price_set", set)
        .put("price", price)
        .put_text("price_set", set)
        .put("title", order.ship_method)
        .put_members(
            R"("carrier_identifier":null,"is_removed":false,"phone":null,"requested_fulfillment_service_id":null,)"
            R"("source":"shopify","tax_lines":[],"discount_allocations":[])")
        .take();
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

std::string order_body(const ShopifyStore& store, const ShopOrder& order) {
    const std::string& currency = store.settings().currency;
    const bool online = order.source_name != "pos";
    std::vector<std::string> lines, refunds, fulfillments;
    for (const auto& line : order.lines)
        lines.push_back(line_text(line, currency));
    for (const auto& refund : order.refunds)
        refunds.push_back(runtime::dump_json(refund_body(store, order, refund)));
    for (const auto& fulfillment : order.fulfillments)
        fulfillments.push_back(runtime::dump_json(fulfillment_body(store, order, fulfillment)));
    const std::string address = address_text(order.shipping_address);
    ObjectText body;
    body.put("id", order.id)
        .put("admin_graphql_api_id", gid("Order", order.id))
        .put_or_null("cancel_reason", order.cancel_reason)
        .put("cancelled_at", time_text(order.cancelled_at))
        .put("closed_at", time_text(order.closed_at))
        .put_or_null("contact_email", order.email)
        .put("created_at", shop_time(order.created_at))
        .put("updated_at", shop_time(order.updated_at))
        .put("processed_at", shop_time(order.created_at))
        .put("currency", currency)
        .put("presentment_currency", currency)
        .put("email", order.email)
        .put("financial_status", order.financial_status)
        .put_or_null("fulfillment_status", order.fulfillment_status())
        .put(
            "location_id",
            online || order.lines.empty() ? std::nullopt : std::optional(order.lines.front().location_id))
        .put("name", order.name)
        .put_or_null("note", order.note)
        .put("number", order.number)
        .put("order_number", order.number + 1000)
        .put("order_status_url", "https://" + store.settings().domain + "/orders/" + std::to_string(order.id))
        .put("source_name", order.source_name)
        .put("tags", runtime::joined(order.tags))
        .put("test", order.test)
        .put_text("billing_address", address)
        .put_text("shipping_address", address)
        .put_text("customer", customer_text(order))
        .put_list("line_items", lines)
        .put_list("refunds", refunds)
        .put_list("fulfillments", fulfillments)
        .put_list("shipping_lines", {shipping_line_text(order, currency)})
        .put_members(
            R"("app_id":580111,"browser_ip":null,"buyer_accepts_marketing":false,"cart_token":null,)"
            R"("checkout_token":null,"client_details":null,"confirmation_number":null,"confirmed":true,)"
            R"("customer_locale":"en","device_id":null,"discount_codes":[],"discount_applications":[],)"
            R"("estimated_taxes":false,"landing_site":null,"merchant_of_record_app_id":null,"note_attributes":[],)"
            R"("payment_gateway_names":["bogus"],"payment_terms":null,"phone":null,"po_number":null,"reference":null,)"
            R"("referring_site":null,"source_identifier":null,"source_url":null,"tax_exempt":false,"tax_lines":[],)"
            R"("taxes_included":false,"total_weight":0,"user_id":null)");
    put_money(body, order, currency);
    return body.take();
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
            {"subtotal_set", money_tree(line.subtotal_cents, currency)},
            {"total_tax_set", money_tree(0, currency)},
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
        {"total_duties_set", money_tree(0, currency)},
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
        {"destination", json::parse(address_text(order.shipping_address))},
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
