// The store's own dialect of an order (Admin REST, as webhooks carry it) turned into ours. Lenient about what is missing,
// because field sets differ by API version and by the way an order was made; strict about what is used.
#include "runtime/text.hpp"
#include "sagas/json_reader.hpp"
#include "sagas/order_document.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

namespace ordersaga::sagas {

namespace {

using nlohmann::json;

// The digits after the last '/' of "gid://shopify/Order/123"; empty when there are none.
std::string number_of_gid(std::string_view gid) {
    const std::size_t slash = gid.rfind('/');
    if (slash == std::string_view::npos) return {};
    const std::string_view digits = gid.substr(slash + 1);
    if (digits.empty() || digits.size() > 20 || digits.find_first_not_of("0123456789") != std::string_view::npos)
        return {};
    return std::string(digits);
}

// True when a hop through doubles could have made one of the other: JavaScript rounds integers above 2^53.
bool same_but_for_rounding(const std::string& left, const std::string& right) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    const bool numbers = std::from_chars(left.data(), left.data() + left.size(), a).ec == std::errc() &&
                         std::from_chars(right.data(), right.data() + right.size(), b).ec == std::errc();
    return numbers && static_cast<double>(a) == static_cast<double>(b);
}

// The global id wins over the number, which a JavaScript hop may have rounded. Two that cannot be one id are an error.
std::string own_id(const JsonReader& reader) {
    const std::string exact = number_of_gid(reader.text_or("admin_graphql_api_id", ""));
    if (exact.empty()) return reader.id("id");
    if (!reader.has("id")) return exact;
    if (!same_but_for_rounding(exact, reader.id("id"))) {
        reader.fail("id", "and admin_graphql_api_id name different objects");
    }
    return exact;
}

// A refund line names its order line by number; the order line it carries may tell the exact id.
std::string refunded_line_id(const JsonReader& reader) {
    const std::string plain = reader.id("line_item_id");
    const json* line = reader.optional_object("line_item");
    if (line == nullptr) return plain;
    const JsonReader inner(*line, reader.path() + ".line_item");
    const std::string exact = number_of_gid(inner.text_or("admin_graphql_api_id", ""));
    return !exact.empty() && same_but_for_rounding(exact, plain) ? exact : plain;
}

Refund refund_of(const JsonReader& reader) {
    Refund refund;
    refund.refund_id = own_id(reader);
    const json& lines = reader.array_or_empty("refund_line_items", most_lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const JsonReader line(lines[i], reader.path_of("refund_line_items", i));
        RefundLine refunded{
            refunded_line_id(line),
            line.between("quantity", 0, largest_quantity),
            runtime::lower(line.text_or("restock_type", "no_restock")),
            line.id_or_empty("location_id"),
        };
        // One line may be refunded in several pieces; pieces that say the same are one.
        const auto twin = std::find_if(refund.lines.begin(), refund.lines.end(), [&refunded](const RefundLine& known) {
            return known.line_id == refunded.line_id && known.restock_type == refunded.restock_type &&
                   known.location_id == refunded.location_id;
        });
        if (twin == refund.lines.end()) {
            refund.lines.push_back(std::move(refunded));
            continue;
        }
        twin->quantity += refunded.quantity;
        // What is stored must be readable again.
        if (twin->quantity > largest_quantity)
            line.fail("quantity", "adds up to more than " + std::to_string(largest_quantity) + " of one line");
    }
    return refund;
}

StoreFulfillment fulfillment_of(const JsonReader& reader) {
    StoreFulfillment fulfillment;
    fulfillment.fulfillment_id = own_id(reader);
    fulfillment.status = runtime::lower(reader.text_or("status", ""));
    for (const json& number : reader.array_or_empty("tracking_numbers", most_parts)) {
        if (number.is_null()) continue;
        if (!number.is_string()) reader.fail("tracking_numbers", "must be an array of text");
        if (!number.get_ref<const std::string&>().empty())
            fulfillment.tracking_numbers.push_back(number.get<std::string>());
    }
    const std::string single = reader.text_or("tracking_number", "");
    if (fulfillment.tracking_numbers.empty() && !single.empty()) fulfillment.tracking_numbers.push_back(single);
    return fulfillment;
}

Address address_of(const JsonReader& reader) {
    Address address;
    address.name = reader.text_or("name", "");
    if (address.name.empty()) {
        const std::string first = reader.text_or("first_name", "");
        const std::string last = reader.text_or("last_name", "");
        address.name = first + (first.empty() || last.empty() ? "" : " ") + last;
    }
    address.address1 = reader.text_or("address1", "");
    address.address2 = reader.text_or("address2", "");
    address.company = reader.text_or("company", "");
    address.city = reader.text_or("city", "");
    address.province_code = reader.text_or("province_code", "");
    address.zip = reader.text_or("zip", "");
    address.country_code = reader.text_or("country_code", "");
    address.phone = reader.text_or("phone", "");
    return address;
}

std::string first_ship_method(const JsonReader& reader) {
    const json& lines = reader.array_or_empty("shipping_lines", most_parts);
    return lines.empty() ? std::string()
                         : JsonReader(lines[0], reader.path_of("shipping_lines", 0)).text_or("title", "");
}

// What the store has sent out already, by line; needed only where fulfillable_quantity is missing.
std::map<std::string, std::int64_t> fulfilled_by_line(const JsonReader& order) {
    std::map<std::string, std::int64_t> fulfilled;
    const json& list = order.array_or_empty("fulfillments", most_parts);
    for (std::size_t i = 0; i < list.size(); ++i) {
        const JsonReader fulfillment(list[i], order.path_of("fulfillments", i));
        if (runtime::lower(fulfillment.text_or("status", "")) != "success") continue;
        const json& lines = fulfillment.array_or_empty("line_items", most_lines);
        for (std::size_t k = 0; k < lines.size(); ++k) {
            const JsonReader line(lines[k], fulfillment.path_of("line_items", k));
            fulfilled[own_id(line)] += line.optional_between("quantity", 0, largest_quantity).value_or(0);
        }
    }
    return fulfilled;
}

std::map<std::string, std::int64_t> refunded_by_line(const std::vector<Refund>& refunds) {
    std::map<std::string, std::int64_t> refunded;
    for (const Refund& refund : refunds) {
        for (const RefundLine& line : refund.lines)
            refunded[line.line_id] += line.quantity;
    }
    return refunded;
}

std::int64_t of_line(const std::map<std::string, std::int64_t>& quantities, const std::string& line_id) {
    const auto found = quantities.find(line_id);
    return found == quantities.end() ? 0 : found->second;
}

OrderLine plain_line_of(const JsonReader& reader) {
    OrderLine line;
    line.line_id = own_id(reader);
    line.variant_id = reader.id_or_empty("variant_id");
    line.sku = reader.text_or("sku", "");
    line.quantity = reader.between("quantity", 0, largest_quantity);
    line.requires_shipping = reader.flag_or("requires_shipping", true);
    line.gift_card = reader.flag_or("gift_card", false);
    // null says "not counted"; an absent key says nothing, and counting is the rule.
    line.tracked = !reader.is_null("variant_inventory_management");
    return line;
}

std::vector<OrderLine> lines_of(const JsonReader& reader, const OrderDocument& order) {
    const std::map<std::string, std::int64_t> refunded = refunded_by_line(order.refunds);
    const std::map<std::string, std::int64_t> fulfilled = fulfilled_by_line(reader);
    const json& list = reader.array("line_items", most_lines);
    std::vector<OrderLine> lines;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const JsonReader member(list[i], reader.path_of("line_items", i));
        OrderLine line = plain_line_of(member);
        if (!seen.insert(line.line_id).second) member.fail("id", "repeats the id of another line");

        const std::int64_t left = std::max<std::int64_t>(0, line.quantity - of_line(refunded, line.line_id));
        line.current_quantity = member.optional_between("current_quantity", 0, largest_quantity).value_or(left);
        const bool finished = order.fulfillment_status == "fulfilled" ||
                              runtime::lower(member.text_or("fulfillment_status", "")) == "fulfilled";
        const std::int64_t to_ship =
            finished ? 0 : std::max<std::int64_t>(0, line.current_quantity - of_line(fulfilled, line.line_id));
        line.fulfillable_quantity =
            member.optional_between("fulfillable_quantity", 0, largest_quantity).value_or(to_ship);
        lines.push_back(std::move(line));
    }
    return lines;
}

// What makes most of an order's body: money in two currencies, taxes, and people who are not the recipient.
constexpr std::string_view unread_names[] = {
    "billing_address",       "client_details",  "customer",        "discount_allocations",
    "discount_applications", "discount_codes",  "duties",          "note_attributes",
    "order_adjustments",     "origin_location", "payment_details", "payment_gateway_names",
    "payment_terms",         "properties",      "receipt",         "tax_lines",
    "transactions",
};

}  // namespace

bool unread_in_order_webhook(std::string_view key) {
    return key.ends_with("_set") ||
           std::find(std::begin(unread_names), std::end(unread_names), key) != std::end(unread_names);
}

OrderDocument order_document_from_webhook(const json& body) {
    const JsonReader reader(body, "order");
    OrderDocument order;
    order.order_id = own_id(reader);
    order.name = reader.text_or("name", "");
    if (order.name.empty()) order.name = order.order_id;
    order.created_at = reader.instant("created_at");
    order.updated_at = reader.optional_instant("updated_at").value_or(order.created_at);
    order.cancelled_at = reader.optional_instant("cancelled_at");
    order.cancel_reason = runtime::lower(reader.text_or("cancel_reason", ""));
    order.financial_status = runtime::lower(reader.text_or("financial_status", "pending"));
    order.fulfillment_status = runtime::lower(reader.text_or("fulfillment_status", ""));
    order.test = reader.flag_or("test", false);
    order.source_name = reader.text_or("source_name", "");
    order.location_id = reader.id_or_empty("location_id");
    order.email = reader.text_or("email", "");
    order.ship_method = first_ship_method(reader);
    if (const json* address = reader.optional_object("shipping_address")) {
        order.shipping_address = address_of(JsonReader(*address, "order.shipping_address"));
    }
    const json& refunds = reader.array_or_empty("refunds", most_parts);
    for (std::size_t i = 0; i < refunds.size(); ++i) {
        order.refunds.push_back(refund_of(JsonReader(refunds[i], reader.path_of("refunds", i))));
    }
    const json& fulfillments = reader.array_or_empty("fulfillments", most_parts);
    for (std::size_t i = 0; i < fulfillments.size(); ++i) {
        order.fulfillments.push_back(fulfillment_of(JsonReader(fulfillments[i], reader.path_of("fulfillments", i))));
    }
    order.lines = lines_of(reader, order);
    return order;
}

Refund refund_from_webhook(const json& body, std::string& order_id_out) {
    const JsonReader reader(body, "refund");
    Refund refund = refund_of(reader);
    order_id_out = reader.id("order_id");
    return refund;
}

StoreFulfillment store_fulfillment_from_webhook(const json& body) {
    return fulfillment_of(JsonReader(body, "fulfillment"));
}

}  // namespace ordersaga::sagas
