#include "sagas/order_document.hpp"

#include "runtime/json_object.hpp"
#include "runtime/planted.hpp"
#include "sagas/json_reader.hpp"

#include <utility>

namespace ordersaga::sagas {

namespace {

using nlohmann::json;
using runtime::format_rfc3339;

json text_of(const std::optional<runtime::Instant>& instant) {
    return instant ? json(format_rfc3339(*instant)) : json(nullptr);
}

json to_json(const OrderLine& line) {
    return runtime::json_object({
        {"line_id", line.line_id},
        {"variant_id", line.variant_id},
        {"sku", line.sku},
        {"quantity", line.quantity},
        {"current_quantity", line.current_quantity},
        {"fulfillable_quantity", line.fulfillable_quantity},
        {"requires_shipping", line.requires_shipping},
        {"gift_card", line.gift_card},
        {"tracked", line.tracked},
    });
}

json to_json(const Refund& refund) {
    json lines = json::array();
    for (const RefundLine& line : refund.lines) {
        lines.push_back({
            {"line_id", line.line_id},
            {"quantity", line.quantity},
            {"restock_type", line.restock_type},
            {"location_id", line.location_id},
        });
    }
    return runtime::json_object({{"refund_id", refund.refund_id}, {"lines", std::move(lines)}});
}

json to_json(const Address& address) {
    return runtime::json_object({
        {"name", address.name},
        {"address1", address.address1},
        {"address2", address.address2},
        {"company", address.company},
        {"city", address.city},
        {"province_code", address.province_code},
        {"zip", address.zip},
        {"country_code", address.country_code},
        {"phone", address.phone},
    });
}

json to_json(const StoreFulfillment& fulfillment) {
    return runtime::json_object({
        {"fulfillment_id", fulfillment.fulfillment_id},
        {"status", fulfillment.status},
        {"tracking_numbers", fulfillment.tracking_numbers},
    });
}

template <class T>
json list_of(const std::vector<T>& items) {
    json list = json::array();
    for (const T& item : items)
        list.push_back(to_json(item));
    return list;
}

OrderLine line_from(const JsonReader& reader) {
    OrderLine line;
    line.line_id = reader.id("line_id");
    line.variant_id = reader.text_or("variant_id", "");
    line.sku = reader.text_or("sku", "");
    line.quantity = reader.between("quantity", 0, largest_quantity);
    line.current_quantity = reader.between("current_quantity", 0, largest_quantity);
    line.fulfillable_quantity = reader.between("fulfillable_quantity", 0, largest_quantity);
    line.requires_shipping = reader.flag_or("requires_shipping", true);
    line.gift_card = reader.flag_or("gift_card", false);
    line.tracked = reader.flag_or("tracked", true);
    return line;
}

Refund refund_from(const JsonReader& reader) {
    Refund refund;
    refund.refund_id = reader.id("refund_id");
    const json& lines = reader.array_or_empty("lines", most_lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const JsonReader line(lines[i], reader.path_of("lines", i));
        refund.lines.push_back({
            line.id("line_id"),
            line.between("quantity", 0, largest_quantity),
            line.text_or("restock_type", "no_restock"),
            line.text_or("location_id", ""),
        });
    }
    return refund;
}

StoreFulfillment fulfillment_from(const JsonReader& reader) {
    StoreFulfillment fulfillment;
    fulfillment.fulfillment_id = reader.id("fulfillment_id");
    fulfillment.status = reader.text_or("status", "");
    const json& numbers = reader.array_or_empty("tracking_numbers", most_parts);
    for (const json& number : numbers) {
        if (!number.is_string()) reader.fail("tracking_numbers", "must be an array of text");
        fulfillment.tracking_numbers.push_back(number.get<std::string>());
    }
    return fulfillment;
}

Address address_from(const JsonReader& reader) {
    return {
        reader.text_or("name", ""),    reader.text_or("address1", ""),     reader.text_or("address2", ""),
        reader.text_or("company", ""), reader.text_or("city", ""),         reader.text_or("province_code", ""),
        reader.text_or("zip", ""),     reader.text_or("country_code", ""), reader.text_or("phone", ""),
    };
}

template <class T>
std::vector<T> each(const JsonReader& reader, std::string_view key, const json& list, T (*read)(const JsonReader&)) {
    std::vector<T> items;
    items.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i)
        items.push_back(read(JsonReader(list[i], reader.path_of(key, i))));
    return items;
}

}  // namespace

json to_json(const OrderDocument& order) {
    return runtime::json_object({
        {"order_id", order.order_id},
        {"name", order.name},
        {"created_at", format_rfc3339(order.created_at)},
        {"updated_at", format_rfc3339(order.updated_at)},
        {"cancelled_at", text_of(order.cancelled_at)},
        {"cancel_reason", order.cancel_reason},
        {"financial_status", order.financial_status},
        {"fulfillment_status", order.fulfillment_status},
        {"test", order.test},
        {"source_name", order.source_name},
        {"location_id", order.location_id},
        {"email", order.email},
        {"ship_method", order.ship_method},
        {"shipping_address", order.shipping_address ? to_json(*order.shipping_address) : json(nullptr)},
        {"lines", list_of(order.lines)},
        {"refunds", list_of(order.refunds)},
        {"fulfillments", list_of(order.fulfillments)},
    });
}

std::string stamp_of(
    runtime::Instant updated_at,
    std::optional<runtime::Instant> cancelled_at,
    std::string_view financial_status,
    std::string_view fulfillment_status,
    std::int64_t units) {
    std::string stamp = runtime::format_rfc3339(std::chrono::floor<std::chrono::seconds>(updated_at));
    if (runtime::planted("stamp_tells_time_alone")) return stamp;
    for (std::string_view part : {financial_status, fulfillment_status}) {
        stamp += ' ';
        stamp += part.empty() ? "-" : part;
    }
    stamp += ' ';
    stamp += std::to_string(units);
    if (cancelled_at)
        stamp += " cancelled " + runtime::format_rfc3339(std::chrono::floor<std::chrono::seconds>(*cancelled_at));
    return stamp;
}

std::string stamp_of(const OrderDocument& order) {
    std::int64_t units = 0;
    for (const OrderLine& line : order.lines)
        units += line.current_quantity;
    return stamp_of(order.updated_at, order.cancelled_at, order.financial_status, order.fulfillment_status, units);
}

OrderDocument order_document_from_json(const json& document) {
    const JsonReader reader(document, "order");
    OrderDocument order;
    order.order_id = reader.id("order_id");
    order.name = reader.text_or("name", "");
    order.created_at = reader.instant("created_at");
    order.updated_at = reader.instant("updated_at");
    order.cancelled_at = reader.optional_instant("cancelled_at");
    order.cancel_reason = reader.text_or("cancel_reason", "");
    order.financial_status = reader.text_or("financial_status", "pending");
    order.fulfillment_status = reader.text_or("fulfillment_status", "");
    order.test = reader.flag_or("test", false);
    order.source_name = reader.text_or("source_name", "");
    order.location_id = reader.text_or("location_id", "");
    order.email = reader.text_or("email", "");
    order.ship_method = reader.text_or("ship_method", "");
    if (const json* address = reader.optional_object("shipping_address")) {
        order.shipping_address = address_from(JsonReader(*address, "order.shipping_address"));
    }
    order.lines = each(reader, "lines", reader.array("lines", most_lines), line_from);
    order.refunds = each(reader, "refunds", reader.array_or_empty("refunds", most_parts), refund_from);
    order.fulfillments =
        each(reader, "fulfillments", reader.array_or_empty("fulfillments", most_parts), fulfillment_from);
    return order;
}

}  // namespace ordersaga::sagas
