#include "sagas/order_data.hpp"

#include "runtime/json.hpp"
#include "runtime/json_object.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

json instant_to_json(const std::optional<runtime::Instant>& instant) {
    return instant ? json(runtime::format_rfc3339(*instant)) : json(nullptr);
}

std::optional<runtime::Instant> instant_from_json(const json& document, const char* key) {
    auto found = document.find(key);
    if (found == document.end() || found->is_null()) return std::nullopt;
    return runtime::parse_rfc3339(found->get<std::string>()).value();
}

json to_json(const LinePart& part) {
    return runtime::json_object(
        {{"sku_id", part.sku_id},
         {"sku", part.sku},
         {"item", part.warehouse_item_id},
         {"per_unit", part.per_unit},
         {"shipped", part.shipped}});
}

json to_json(const Shipment& shipment) {
    json lines = json::array();
    for (const auto& [line_id, quantity] : shipment.lines)
        lines.push_back({{"line_id", line_id}, {"quantity", quantity}});
    return runtime::json_object(
        {{"id", shipment.shipment_id},
         {"carrier", shipment.carrier},
         {"tracking_number", shipment.tracking_number},
         {"tracking_url", shipment.tracking_url},
         {"lines", std::move(lines)},
         {"store_fulfillment", shipment.store_fulfillment},
         {"delivered", shipment.delivered}});
}

// A whole number within bounds; the fallback when it is not there. The library would turn fractions and larger types silently.
constexpr std::int64_t most_units = 1'000'000'000;
constexpr std::int64_t most_parts_ever = 1'000'000;

std::int64_t whole(const json& document, const char* key, std::int64_t low, std::int64_t high) {
    return runtime::get_int64_between(document, key, low, high).value();
}

std::int64_t whole_or(
    const json& document,
    const char* key,
    std::int64_t fallback,
    std::int64_t low = 0,
    std::int64_t high = std::numeric_limits<std::int64_t>::max()) {
    return document.contains(key) ? whole(document, key, low, high) : fallback;
}

int part_number(const json& document, const char* key) {
    return static_cast<int>(whole(document, key, 1, most_parts_ever));
}

Shipment shipment_from_json(const json& document) {
    Shipment shipment;
    shipment.shipment_id = document.at("id").get<std::string>();
    shipment.carrier = document.value("carrier", "");
    shipment.tracking_number = document.value("tracking_number", "");
    shipment.tracking_url = document.value("tracking_url", "");
    for (const json& line : document.at("lines")) {
        shipment.lines.emplace_back(line.at("line_id").get<std::string>(), whole(line, "quantity", 0, most_units));
    }
    shipment.store_fulfillment = document.value("store_fulfillment", "");
    shipment.delivered = document.value("delivered", false);
    return shipment;
}

json to_json(const Fulfillment& fulfillment) {
    json shipments = json::array();
    for (const Shipment& shipment : fulfillment.shipments)
        shipments.push_back(to_json(shipment));
    return runtime::json_object(
        {{"part", fulfillment.part},
         {"generation", fulfillment.generation},
         {"reference", fulfillment.reference},
         {"request_key", fulfillment.request_key},
         {"warehouse_order_id", fulfillment.warehouse_order_id},
         {"state", fulfillment.state},
         {"shipments", std::move(shipments)},
         {"perhaps_exists", fulfillment.perhaps_exists},
         {"seen_cancelled", fulfillment.seen_cancelled}});
}

Fulfillment fulfillment_from_json(const json& document) {
    Fulfillment fulfillment;
    fulfillment.part = part_number(document, "part");
    fulfillment.generation = part_number(document, "generation");
    fulfillment.reference = document.at("reference").get<std::string>();
    fulfillment.request_key = document.value("request_key", "");
    fulfillment.warehouse_order_id = document.value("warehouse_order_id", "");
    fulfillment.state = document.at("state").get<std::string>();
    for (const json& shipment : document.at("shipments"))
        fulfillment.shipments.push_back(shipment_from_json(shipment));
    fulfillment.perhaps_exists = document.value("perhaps_exists", false);
    fulfillment.seen_cancelled = document.value("seen_cancelled", false);
    return fulfillment;
}

json lines_to_json(const std::vector<SagaLine>& lines) {
    json document = json::array();
    for (const SagaLine& line : lines)
        document.push_back(to_json(line));
    return document;
}

std::vector<SagaLine> lines_from_json(const json& document) {
    std::vector<SagaLine> lines;
    for (const json& line : document)
        lines.push_back(saga_line_from_json(line));
    return lines;
}

std::string text_of(const json& document, const char* key) {
    auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool has_left(const std::string& state) {
    return state == "Shipped" || state == "Delivered" || state == "DeliveryProblem";
}

}  // namespace

json to_json(const SagaLine& line) {
    json parts = json::array();
    for (const LinePart& part : line.parts)
        parts.push_back(to_json(part));
    return runtime::json_object(
        {{"line_id", line.line_id},
         {"sku", line.sku},
         {"wanted", line.wanted},
         {"parts", std::move(parts)},
         {"told_shipped", line.told_shipped},
         {"of_part", line.of_part}});
}

SagaLine saga_line_from_json(const json& document) {
    SagaLine line;
    line.line_id = document.at("line_id").get<std::string>();
    line.sku = document.value("sku", "");
    line.wanted = whole(document, "wanted", 0, most_units);
    line.told_shipped = whole_or(document, "told_shipped", 0, 0, most_units);
    line.of_part = static_cast<int>(whole_or(document, "of_part", 1, 1, most_parts_ever));
    for (const json& part : document.at("parts")) {
        line.parts.push_back(
            {whole(part, "sku_id", 0, std::numeric_limits<std::int64_t>::max()), part.value("sku", ""),
             part.value("item", ""), whole_or(part, "per_unit", 1, 1, most_units), whole_or(part, "shipped", 0)});
    }
    return line;
}

json to_json(const OrderData& data) {
    json fulfillments = json::array();
    for (const Fulfillment& fulfillment : data.fulfillments)
        fulfillments.push_back(to_json(fulfillment));
    return runtime::json_object(
        {{"store_id", data.store_id},
         {"store", data.store},
         {"warehouse_id", data.warehouse_id},
         {"warehouse", data.warehouse},
         {"order_id", data.order_id},
         {"name", data.name},
         {"observed", data.observed},
         {"paid", data.paid},
         {"ship_line", data.ship_line},
         {"ship_method", data.ship_method},
         {"order_policy", data.order_policy},
         {"channel_wait_ms", data.channel_wait_ms},
         {"hold_expiry_ms", data.hold_expiry_ms},
         {"lines", lines_to_json(data.lines)},
         {"added", lines_to_json(data.added)},
         {"fulfillments", std::move(fulfillments)},
         {"wish", data.wish},
         {"unserved", data.unserved},
         {"unclear", data.unclear},
         {"asked_about", data.asked_about},
         {"holds", data.holds},
         {"cancel_by", data.cancel_by},
         {"cancel_reason", data.cancel_reason},
         {"stop_wanted", data.stop_wanted},
         {"edit", data.edit ? lines_to_json(*data.edit) : json(nullptr)},
         {"settle_store_order", data.settle_store_order},
         {"cause", data.cause},
         {"final_state", data.final_state},
         {"resume", data.resume},
         {"wait_until", instant_to_json(data.wait_until)},
         {"hold_until", instant_to_json(data.hold_until)},
         {"deliver_by", instant_to_json(data.deliver_by)}});
}

OrderData order_data_from_json(const json& document) {
    try {
        OrderData data;
        data.store_id = whole(document, "store_id", 0, std::numeric_limits<std::int64_t>::max());
        data.store = document.at("store").get<std::string>();
        data.warehouse_id = whole(document, "warehouse_id", 0, std::numeric_limits<std::int64_t>::max());
        data.warehouse = document.at("warehouse").get<std::string>();
        data.order_id = document.at("order_id").get<std::string>();
        data.name = document.value("name", "");
        data.observed = document.value("observed", false);
        data.paid = document.value("paid", false);
        data.ship_line = document.value("ship_line", "");
        data.ship_method = document.value("ship_method", "");
        data.order_policy = document.value("order_policy", "hold_and_tell");
        data.channel_wait_ms = whole_or(document, "channel_wait_ms", 10'000);
        data.hold_expiry_ms = whole_or(document, "hold_expiry_ms", 259'200'000);
        data.lines = lines_from_json(document.at("lines"));
        data.added = lines_from_json(document.value("added", json::array()));
        for (const json& entry : document.at("fulfillments"))
            data.fulfillments.push_back(fulfillment_from_json(entry));
        const json wish = document.value("wish", json::object());
        for (const auto& [line_id, units] : wish.items())
            data.wish[line_id] = whole({{"units", units}}, "units", 0, most_units);
        data.unserved = document.value("unserved", std::vector<std::string>{});
        data.unclear = document.value("unclear", "");
        data.asked_about = document.value("asked_about", "");
        data.holds = document.value("holds", std::vector<std::string>{});
        data.cancel_by = document.value("cancel_by", "");
        data.cancel_reason = document.value("cancel_reason", "");
        data.stop_wanted = document.value("stop_wanted", false);
        if (document.contains("edit") && !document.at("edit").is_null())
            data.edit = lines_from_json(document.at("edit"));
        data.settle_store_order = document.value("settle_store_order", false);
        data.cause = document.value("cause", "");
        data.final_state = document.value("final_state", "Compensated");
        data.resume = document.value("resume", "");
        data.wait_until = instant_from_json(document, "wait_until");
        data.hold_until = instant_from_json(document, "hold_until");
        data.deliver_by = instant_from_json(document, "deliver_by");
        return data;
    } catch (const std::exception& error) {
        throw std::invalid_argument(std::string("saga data cannot be read: ") + error.what());
    }
}

Fulfillment* OrderData::current() {
    return of_part(newest_part());
}
const Fulfillment* OrderData::current() const {
    return of_part(newest_part());
}

Fulfillment* OrderData::of_part(int part) {
    return const_cast<Fulfillment*>(std::as_const(*this).of_part(part));
}
const Fulfillment* OrderData::of_part(int part) const {
    auto found = std::find_if(fulfillments.rbegin(), fulfillments.rend(), [&](const Fulfillment& fulfillment) {
        return fulfillment.part == part;
    });
    return found == fulfillments.rend() ? nullptr : &*found;
}

Fulfillment* OrderData::of_reference(const std::string& reference) {
    return const_cast<Fulfillment*>(std::as_const(*this).of_reference(reference));
}
const Fulfillment* OrderData::of_reference(const std::string& reference) const {
    auto found = std::find_if(fulfillments.begin(), fulfillments.end(), [&](const Fulfillment& fulfillment) {
        return fulfillment.reference == reference;
    });
    return found == fulfillments.end() ? nullptr : &*found;
}

int OrderData::newest_part() const {
    int part = 1;
    for (const SagaLine& line : lines)
        part = std::max(part, line.of_part);
    return part;
}

int OrderData::next_part() const {
    int part = newest_part();
    for (const Fulfillment& fulfillment : fulfillments)
        part = std::max(part, fulfillment.part);
    return part + 1;
}

std::vector<SagaLine> OrderData::lines_of(int part) const {
    std::vector<SagaLine> found;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(found), [&](const SagaLine& line) {
        return line.of_part == part;
    });
    return found;
}

bool OrderData::has_lines_beside(int part) const {
    return std::any_of(lines.begin(), lines.end(), [&](const SagaLine& line) { return line.of_part != part; });
}

bool OrderData::everything_shipped() const {
    return std::all_of(lines.begin(), lines.end(), [](const SagaLine& line) {
        return std::all_of(line.parts.begin(), line.parts.end(), [&](const LinePart& part) {
            return part.shipped >= line.wanted * part.per_unit;
        });
    });
}

bool OrderData::everything_told() const {
    for (const Fulfillment& fulfillment : fulfillments) {
        for (const Shipment& shipment : fulfillment.shipments) {
            if (shipment.store_fulfillment.empty()) return false;
        }
    }
    return true;
}

bool OrderData::everything_delivered() const {
    for (const Fulfillment& fulfillment : fulfillments) {
        for (const Shipment& shipment : fulfillment.shipments) {
            if (!shipment.delivered) return false;
        }
    }
    return true;
}

bool OrderData::nothing_wanted() const {
    return std::all_of(lines.begin(), lines.end(), [](const SagaLine& line) { return line.wanted == 0; });
}

ViewNews news_of(const OrderData& data, const json& view) {
    ViewNews news;
    std::string reference = text_of(view, "reference");
    auto fulfillment = std::find_if(data.fulfillments.begin(), data.fulfillments.end(), [&](const Fulfillment& known) {
        return known.reference == reference;
    });
    if (fulfillment == data.fulfillments.end()) return news;
    news.part = fulfillment->part;

    for (const json& shown : view.value("shipments", json::array())) {
        std::string id = text_of(shown, "id");
        std::string state = text_of(shown, "state");
        if (!has_left(state)) continue;
        auto known = std::find_if(
            fulfillment->shipments.begin(), fulfillment->shipments.end(),
            [&](const Shipment& shipment) { return shipment.shipment_id == id; });
        if (known == fulfillment->shipments.end()) {
            Shipment shipment;
            shipment.shipment_id = id;
            shipment.carrier = text_of(shown, "carrier");
            shipment.tracking_number = text_of(shown, "tracking_number");
            shipment.tracking_url = text_of(shown, "tracking_url");
            for (const json& line : shown.value("lines", json::array())) {
                // Kept under the warehouse's item until book_shipments() turns it into units of our lines.
                std::string item = text_of(line, "warehouse_item_id");
                if (item.empty()) item = text_of(line, "sku");
                shipment.lines.emplace_back(item, runtime::opt_int64(line, "quantity").value().value_or(0));
            }
            shipment.delivered = state == "Delivered";
            if (shipment.delivered) news.delivered.push_back(id);
            news.new_shipments.push_back(std::move(shipment));
        } else if (state == "Delivered" && !known->delivered) {
            news.delivered.push_back(id);
        }
    }
    std::string state = text_of(view, "state");
    bool ended = state == "Cancelled" && fulfillment->state == "accepted";
    news.cancelled = ended && fulfillment->shipments.empty();
    // Some of it has left and the rest never will: no rule of ours says what the customer wants now.
    if (ended && !news.cancelled && !data.everything_shipped())
        news.trouble = "the warehouse cancelled what it had not shipped";
    if (state == "NeedsAttention" || state == "Backordered" || state == "OnHold") {
        news.trouble = state;
        for (const json& problem : view.value("problems", json::array())) {
            std::string text = text_of(problem, "text");
            if (!text.empty()) news.trouble += ": " + text;
        }
    }
    return news;
}

bool tells_acceptance_alone(const json& view) {
    const std::string state = text_of(view, "state");
    if (state != "Accepted" && state != "InProgress") return false;
    const json shipments = view.value("shipments", json::array());
    return std::none_of(
        shipments.begin(), shipments.end(), [](const json& shipment) { return has_left(text_of(shipment, "state")); });
}

std::int64_t units_shipped(const SagaLine& line) {
    std::int64_t units = line.parts.empty() ? 0 : line.wanted;
    for (const LinePart& part : line.parts)
        units = std::min(units, part.shipped / part.per_unit);
    return units;
}

void book_shipments(OrderData& data, ViewNews& news) {
    std::map<std::int64_t, std::int64_t> skus, beyond;
    std::map<std::string, std::int64_t> sku_of_item;
    for (Shipment& shipment : news.new_shipments) {
        std::vector<std::pair<std::string, std::int64_t>> items = std::move(shipment.lines);
        shipment.lines.clear();
        for (auto& [item, quantity] : items) {
            for (SagaLine& line : data.lines) {
                if (line.of_part != news.part) continue;
                for (LinePart& part : line.parts) {
                    if (quantity <= 0 || (part.warehouse_item_id != item && part.sku != item)) continue;
                    std::int64_t units =
                        std::clamp<std::int64_t>(line.wanted * part.per_unit - part.shipped, 0, quantity);
                    part.shipped += units;
                    quantity -= units;
                    skus[part.sku_id] += units;
                    sku_of_item[item] = part.sku_id;
                }
            }
            if (quantity > 0 && sku_of_item.contains(item))
                beyond[sku_of_item.at(item)] += std::min(quantity, most_units);
        }
        for (SagaLine& line : data.lines) {
            if (line.of_part != news.part) continue;
            const std::int64_t whole = units_shipped(line);
            if (whole <= line.told_shipped) continue;
            shipment.lines.emplace_back(line.line_id, whole - line.told_shipped);
            line.told_shipped = whole;
        }
    }
    for (const auto& [sku_id, units] : skus) {
        if (units > 0) news.shipped_skus.emplace_back(sku_id, units);
    }
    news.beyond_wanted.assign(beyond.begin(), beyond.end());
}

std::vector<SagaLine> share_of_part(const OrderData& data, const std::vector<SagaLine>& edited, int part) {
    std::vector<SagaLine> share;
    for (SagaLine line : edited) {
        for (const SagaLine& known : data.lines) {
            if (known.line_id == line.line_id && known.of_part != part) line.wanted -= known.wanted;
        }
        if (line.wanted <= 0) continue;
        line.of_part = part;
        line.told_shipped = 0;
        for (LinePart& stocked : line.parts)
            stocked.shipped = 0;
        share.push_back(std::move(line));
    }
    return share;
}

bool wants_less(const std::vector<SagaLine>& lines, const std::vector<SagaLine>& edited) {
    std::map<std::string, std::int64_t> less;
    for (const SagaLine& line : lines)
        less[line.line_id] += line.wanted;
    for (const SagaLine& line : edited)
        less[line.line_id] -= line.wanted;
    return std::any_of(less.begin(), less.end(), [](const auto& entry) { return entry.second > 0; });
}

std::string reservation_of(const SagaLine& line) {
    return line.of_part == 1 ? line.line_id : line.line_id + "/" + std::to_string(line.of_part);
}

int part_of_reservation(const std::string& name) {
    std::size_t slash = name.rfind('/');
    return slash == std::string::npos ? 1 : std::stoi(name.substr(slash + 1));
}

}  // namespace ordersaga::sagas
