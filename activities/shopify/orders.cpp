#include "activities/shopify/orders.hpp"

#include "activities/lenient_json.hpp"
#include "activities/shopify/answers.hpp"
#include "runtime/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace ordersaga::activities::shopify {

using nlohmann::json;

namespace {

json lower(const json& value) {
    return value.is_string() ? json(runtime::lower(value.get_ref<const std::string&>())) : json(nullptr);
}

json number_or_null(const json& object) {
    const std::string id = text_of(object, "id");
    return id.empty() ? json() : json(number_of_gid(id));
}

// The display status of GraphQL knows more than the webhook's; what is not about shipped goods is null there.
json fulfillment_status(const json& display) {
    const std::string text = text_of(display);
    if (text == "FULFILLED") return "fulfilled";
    if (text == "PARTIALLY_FULFILLED") return "partial";
    if (text == "RESTOCKED") return "restocked";
    return nullptr;
}

json with_ids(const json& node) {
    const std::string id = text_of(node, "id");
    return {{"id", number_of_gid(id)}, {"admin_graphql_api_id", id}};
}

json line_of(const json& node) {
    json line = with_ids(node);
    const json& variant = member(node, "variant");
    line["sku"] = member(node, "sku");
    line["variant_id"] = number_or_null(variant);
    line["quantity"] = member(node, "quantity");
    line["current_quantity"] = member(node, "currentQuantity");
    line["fulfillable_quantity"] = member(node, "unfulfilledQuantity");
    line["requires_shipping"] = member(node, "requiresShipping");
    line["gift_card"] = member(node, "isGiftCard");
    const bool tracked = flag_of(member(variant, "inventoryItem"), "tracked");
    line["variant_inventory_management"] = tracked ? json("shopify") : json();
    return line;
}

json refund_of(const json& node) {
    json refund = with_ids(node);
    json lines = json::array();
    for (const json& entry : List(member(node, "refundLineItems"))) {
        lines.push_back(
            {{"line_item_id", number_or_null(member(entry, "lineItem"))},
             {"quantity", member(entry, "quantity")},
             {"restock_type", lower(member(entry, "restockType"))},
             {"location_id", number_or_null(member(entry, "location"))}});
    }
    refund["refund_line_items"] = std::move(lines);
    return refund;
}

json fulfillment_of(const json& node) {
    json fulfillment = with_ids(node);
    fulfillment["status"] = lower(member(node, "status"));
    json numbers = json::array();
    for (const json& tracking : List(member(node, "trackingInfo"))) {
        if (const std::string number = text_of(tracking, "number"); !number.empty()) {
            numbers.push_back(number);
        }
    }
    fulfillment["tracking_numbers"] = std::move(numbers);
    return fulfillment;
}

json address_of(const json& node) {
    if (!node.is_object()) {
        return nullptr;
    }
    json address = node;
    address["province_code"] = member(node, "provinceCode");
    address["country_code"] = member(node, "countryCodeV2");
    return address;
}

template <class Translate>
json each(const json& list, Translate translate) {
    json result = json::array();
    for (const json& entry : List(list)) {
        result.push_back(translate(entry));
    }
    return result;
}

bool has_more(const json& connection) {
    return flag_of(member(connection, "pageInfo"), "hasNextPage");
}

}  // namespace

sagas::OrderDocument order_of_node(const json& node) {
    json body = with_ids(node);
    body["name"] = member(node, "name");
    body["created_at"] = member(node, "createdAt");
    body["updated_at"] = member(node, "updatedAt");
    body["cancelled_at"] = member(node, "cancelledAt");
    body["cancel_reason"] = lower(member(node, "cancelReason"));
    body["financial_status"] = lower(member(node, "displayFinancialStatus"));
    body["fulfillment_status"] = fulfillment_status(member(node, "displayFulfillmentStatus"));
    body["test"] = member(node, "test");
    body["source_name"] = member(node, "sourceName");
    body["location_id"] = number_or_null(member(node, "retailLocation"));
    body["email"] = member(node, "email");
    body["shipping_address"] = address_of(member(node, "shippingAddress"));
    body["shipping_lines"] = List(member(node, "shippingLines")).elements();
    body["line_items"] = each(member(node, "lineItems"), line_of);
    body["refunds"] = each(member(node, "refunds"), refund_of);
    body["fulfillments"] = each(member(node, "fulfillments"), fulfillment_of);
    return sagas::order_document_from_webhook(body);
}

std::string stamp_of_node(const json& node) {
    const std::string cancelled = text_of(node, "cancelledAt");
    const auto updated_at = runtime::parse_rfc3339(text_of(node, "updatedAt"));
    const auto cancelled_at = runtime::parse_rfc3339(cancelled);
    const auto units = integer_of(node, "currentSubtotalLineItemsQuantity");
    if (!updated_at || (!cancelled_at && !cancelled.empty()) || !units) {
        return {};
    }
    return sagas::stamp_of(
        *updated_at, cancelled_at ? std::optional(*cancelled_at) : std::nullopt,
        text_of(lower(member(node, "displayFinancialStatus"))),
        text_of(fulfillment_status(member(node, "displayFulfillmentStatus"))), *units);
}

bool is_cut(const json& node, int refunds_asked_for) {
    const auto asked = static_cast<std::size_t>(refunds_asked_for);
    const List refunds(member(node, "refunds"));
    const List fulfillments(member(node, "fulfillments"));
    return has_more(member(node, "lineItems")) || refunds.size() >= asked || fulfillments.size() >= asked ||
           std::any_of(refunds.begin(), refunds.end(), [](const json& refund) {
               return has_more(member(refund, "refundLineItems"));
           });
}

}  // namespace ordersaga::activities::shopify
