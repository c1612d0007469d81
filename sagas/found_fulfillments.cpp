#include "sagas/found_fulfillments.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

struct Generation {
    int part = 0;
    int generation = 0;
    friend auto operator<=>(const Generation&, const Generation&) = default;
};

std::optional<int> number_in(const std::string& text) {
    int number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = fault == std::errc() && end == text.data() + text.size() && number > 0 && number < 1000;
    return whole ? std::optional(number) : std::nullopt;
}

std::optional<Generation> generation_of(const std::string& reference) {
    const std::size_t last = reference.rfind('.');
    const std::size_t before = last == std::string::npos || last == 0 ? last : reference.rfind('.', last - 1);
    if (last == std::string::npos || before == std::string::npos) return std::nullopt;
    const std::optional<int> part = number_in(reference.substr(before + 1, last - before - 1));
    const std::optional<int> generation = number_in(reference.substr(last + 1));
    if (!part || !generation) return std::nullopt;
    return Generation{*part, *generation};
}

// By the warehouse's items; empty when the view names none.
std::map<std::string, std::int64_t> units_in(const json& view) {
    std::map<std::string, std::int64_t> units;
    const json shipments = view.value("shipments", json::array());
    for (const json& shipment : shipments) {
        if (!is_alive(shipment)) continue;
        const json lines = shipment.value("lines", json::array());
        for (const json& line : lines)
            units[line.value("warehouse_item_id", "")] += line.value("quantity", std::int64_t{0});
    }
    return units;
}

std::map<std::string, std::int64_t> units_in(const std::vector<SagaLine>& lines) {
    std::map<std::string, std::int64_t> units;
    for (const SagaLine& line : lines) {
        for (const LinePart& part : line.parts)
            units[part.warehouse_item_id] += line.wanted * part.per_unit;
    }
    return units;
}

bool is_wanted(const OrderData& data, const json& view) {
    const bool mapped =
        !data.lines.empty() &&
        std::all_of(data.lines.begin(), data.lines.end(), [](const SagaLine& line) { return !line.parts.empty(); });
    const std::map<std::string, std::int64_t> there = units_in(view);
    // A view that names no items is compared when it is looked up.
    return mapped && (there.empty() || there == units_in(data.lines));
}

Fulfillment fulfillment_at(const OrderData& data, Generation at, const json* view) {
    Fulfillment fulfillment;
    fulfillment.part = at.part;
    fulfillment.generation = at.generation;
    fulfillment.reference =
        data.store + "." + data.order_id + "." + std::to_string(at.part) + "." + std::to_string(at.generation);
    fulfillment.request_key = fulfillment.reference;
    const bool alive = view != nullptr && is_alive(*view);
    fulfillment.state = alive ? "wanted" : "cancelled";
    fulfillment.perhaps_exists = alive;
    if (view != nullptr) fulfillment.warehouse_order_id = view->value("warehouse_order_id", "");
    return fulfillment;
}

}  // namespace

bool is_alive(const json& view) {
    return view.value("state", "") != "Cancelled";
}

Adoption adopt(OrderData& data, const std::vector<json>& views) {
    std::map<Generation, const json*> found;
    Adoption adoption;
    bool readable = true;
    for (const json& view : views) {
        adoption.alive = adoption.alive || is_alive(view);
        const std::optional<Generation> at = generation_of(view.value("reference", ""));
        readable = readable && at.has_value();
        if (at) found[*at] = &view;
    }
    if (found.empty()) return adoption;
    const auto newest = std::prev(found.end());
    // Generations that the warehouse did not tell of were cancelled before, or there would be no later one.
    for (int generation = 1; newest->first.part == 1 && generation < newest->first.generation; ++generation)
        found.try_emplace(Generation{1, generation}, nullptr);
    const auto alive = std::count_if(found.begin(), found.end(), [](const auto& entry) {
        return entry.second != nullptr && is_alive(*entry.second);
    });
    adoption.clear = readable && newest->first.part == 1 && alive == 1 && is_alive(*newest->second) &&
                     is_wanted(data, *newest->second);
    for (const auto& [at, view] : found)
        data.fulfillments.push_back(fulfillment_at(data, at, view));
    return adoption;
}

Event unclear_fulfillments(const std::vector<json>& views, bool strict) {
    json told = json::array();
    for (const json& view : views) {
        told.push_back(
            {{"reference", view.value("reference", "")},
             {"state", view.value("state", "")},
             {"warehouse_order_id", view.value("warehouse_order_id", "")}});
    }
    return {"FulfillmentsUnclear", {{"views", std::move(told)}, {"strict", strict}}, "the database was restored"};
}

bool adopt_first(OrderData& data, const std::string& state, const json& payload) {
    const json& views = payload.at("views");
    if (views.size() != 1 || payload.value("strict", false)) return false;
    const json& view = views.front();
    Fulfillment first = fulfillment_at(data, {1, 1}, &view);
    if (!is_alive(view) || view.value("reference", "") != first.reference || first.warehouse_order_id.empty())
        return false;
    const bool was_paid =
        state == "OnHold" && payload.value("paid", false) && data.holds == std::vector<std::string>{"unpaid"};
    if ((state == "Reserved" || was_paid) && data.fulfillments.empty()) {
        data.fulfillments.push_back(std::move(first));
        return true;
    }
    // It has come as far while the peers were asked, and its request waits.
    const bool asks = state == "ChannelsSynced" && data.fulfillments.size() == 1 &&
                      data.fulfillments.front().reference == first.reference &&
                      data.fulfillments.front().state == "wanted";
    if (asks) data.fulfillments.front().perhaps_exists = true;
    if (asks) data.fulfillments.front().warehouse_order_id = first.warehouse_order_id;
    return asks;
}

std::string what_is_unclear(const OrderData& data, const std::string& state, const json& payload) {
    std::string text;
    const json& views = payload.at("views");
    for (const json& view : views) {
        const std::string reference = view.value("reference", "");
        const Fulfillment* known = data.of_reference(reference);
        const bool expected = state == "CancellingFulfillment";
        const bool ended_unheard = known != nullptr && !is_alive(view) && !expected &&
                                   (known->state == "wanted" || known->state == "accepted");
        const bool unheard = known == nullptr || payload.value("strict", false);
        if (unheard || ended_unheard) text += (text.empty() ? "" : ", ") + reference + " " + view.value("state", "");
    }
    return text;
}

}  // namespace ordersaga::sagas
