#include "tests/simulation/warehouse.hpp"

#include "runtime/json_object.hpp"

#include <algorithm>

namespace ordersaga::simulation {

using nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

json lines_of(const std::vector<WarehouseLine>& lines) {
    json list = json::array();
    for (const WarehouseLine& line : lines) {
        list.push_back(runtime::json_object(
            {{"sku", line.sku}, {"warehouse_item_id", line.item_id}, {"quantity", line.quantity}}));
    }
    return list;
}

}  // namespace

bool WarehouseOrder::all_shipped() const {
    return !shipments.empty() &&
           std::all_of(shipments.begin(), shipments.end(), [](const WarehouseShipment& one) { return one.shipped; });
}

bool WarehouseOrder::some_shipped() const {
    return std::any_of(shipments.begin(), shipments.end(), [](const WarehouseShipment& one) { return one.shipped; });
}

Warehouse::Warehouse(Agenda& agenda, Weather& weather, std::function<void(const WarehouseOrder&)> announce)
    : agenda_(agenda), weather_(weather), announce_(std::move(announce)) {}

void Warehouse::stock_item(const std::string& item_id, const std::string& sku, std::int64_t on_hand) {
    items_[item_id] = {sku, on_hand};
}

void Warehouse::receive(const std::string& item_id, std::int64_t quantity) {
    items_.at(item_id).on_hand += quantity;
}

void Warehouse::changed(WarehouseOrder& order) {
    order.changed_at = agenda_.now();
    announce_(order);
}

// Units promised to orders that have not left yet.
std::int64_t Warehouse::demand_on(const std::string& item_id, bool with_late) const {
    std::int64_t units = 0;
    for (const auto& [reference, order] : orders_) {
        if (order.cancelled || (order.late && !with_late)) continue;
        for (const WarehouseLine& line : order.lines)
            units += line.item_id == item_id ? line.quantity : 0;
        for (const WarehouseShipment& shipment : order.shipments) {
            if (!shipment.shipped) continue;
            for (const WarehouseLine& line : shipment.lines)
                units -= line.item_id == item_id ? line.quantity : 0;
        }
    }
    return units;
}

json Warehouse::view_of(const WarehouseOrder& order) const {
    json shipments = json::array();
    std::size_t shipped = 0, delivered = 0;
    for (const WarehouseShipment& shipment : order.shipments) {
        shipped += shipment.shipped ? 1 : 0;
        delivered += shipment.delivered ? 1 : 0;
        shipments.push_back(runtime::json_object(
            {{"id", shipment.id},
             {"state", shipment.delivered ? "Delivered"
                       : shipment.shipped ? "Shipped"
                                          : "InProgress"},
             {"carrier", "Post"},
             {"tracking_number", shipment.shipped ? shipment.tracking_number : ""},
             {"tracking_url", ""},
             {"lines", lines_of(shipment.lines)}}));
    }
    const std::size_t all = order.shipments.size();
    const char* state = order.cancelled               ? "Cancelled"
                        : order.in_trouble            ? "NeedsAttention"
                        : all > 0 && delivered == all ? "Delivered"
                        : all > 0 && shipped == all   ? "Shipped"
                        : shipped > 0                 ? "PartlyShipped"
                        : order.picking               ? "InProgress"
                                                      : "Accepted";
    return runtime::json_object(
        {{"reference", order.reference},
         {"warehouse_order_id", order.id},
         {"state", state},
         {"cancellable", order.picking || order.cancelled ? "no" : "yes"},
         {"shipments", std::move(shipments)},
         {"problems", order.in_trouble
                          ? json::array({{{"code", "address"}, {"text", "a person must look at the address"}}})
                          : json::array()}});
}

Warehouse::Created Warehouse::create(const json& payload, bool late) {
    const std::string reference = payload.at("reference").get<std::string>();
    std::vector<WarehouseLine> lines;
    for (const json& line : payload.at("lines")) {
        lines.push_back(
            {line.at("warehouse_item_id").get<std::string>(), line.at("sku").get<std::string>(),
             line.at("quantity").get<std::int64_t>()});
    }
    const auto known = orders_.find(reference);
    if (known != orders_.end()) return {view_of(known->second), known->second.lines != lines, known->second.cancelled};

    for (const WarehouseLine& line : lines) {
        const Item& item = items_.at(line.item_id);
        const std::int64_t free =
            std::max<std::int64_t>(0, item.on_hand + item.taken_late - demand_on(line.item_id, false));
        if (!late) oversold_units_ += std::max<std::int64_t>(0, line.quantity - free);
    }
    WarehouseOrder order;
    order.id = std::to_string(++last_number_);
    order.reference = reference;
    order.late = late;
    order.lines = std::move(lines);
    order.accepted_at = agenda_.now();
    WarehouseOrder& stored = orders_.emplace(reference, std::move(order)).first->second;
    changed(stored);
    plan(reference);
    return {view_of(stored), false, false};
}

void Warehouse::plan(const std::string& reference) {
    bool early = false;
    for (int chances = chances_of(reference); chances > 0 && !early; chances -= 2)
        early = weather_.happens(Fault::picked_early);
    const Duration until_pick =
        early ? weather_.between(seconds(0), seconds(1)) : weather_.between(seconds(5), seconds(90));
    const Duration until_shipped = until_pick + weather_.between(seconds(10), seconds(60));
    agenda_.after(until_pick, [this, reference] { pick(orders_.at(reference)); });
    agenda_.after(until_shipped, [this, reference] { ship(reference, 0); });
    agenda_.after(
        until_shipped + weather_.between(seconds(5), seconds(120)), [this, reference] { ship(reference, 1); });
}

// From here on it is too late to cancel. What lies in different places leaves in two parcels.
void Warehouse::pick(WarehouseOrder& order) {
    if (order.cancelled) return;
    order.picking = true;
    const bool split = order.lines.size() > 1 && weather_.random().chance(0.5);
    for (std::size_t i = 0; i < (split ? 2U : 1U); ++i) {
        WarehouseShipment shipment;
        shipment.id = std::to_string(++last_number_);
        shipment.tracking_number = "T" + shipment.id;
        for (std::size_t k = 0; k < order.lines.size(); ++k) {
            if (!split || (k == 0) == (i == 0)) shipment.lines.push_back(order.lines[k]);
        }
        order.shipments.push_back(std::move(shipment));
    }
    changed(order);
}

void Warehouse::ship(const std::string& reference, std::size_t index) {
    WarehouseOrder& order = orders_.at(reference);
    if (order.cancelled || index >= order.shipments.size()) return;
    WarehouseShipment& shipment = order.shipments[index];
    shipment.shipped = true;
    for (const WarehouseLine& line : shipment.lines) {
        Item& item = items_.at(line.item_id);
        item.on_hand -= line.quantity;
        // What nobody could stop any more takes from the shelf what others were promised; they are not to blame.
        if (order.late) item.taken_late += line.quantity;
    }
    changed(order);
    if (weather_.happens(Fault::delivery_not_told)) return;
    // When everybody has stopped waiting for it.
    const bool late = weather_.happens(Fault::delivery_told_late);
    deliver(
        reference, index, late ? weather_.between(minutes(9), minutes(12)) : weather_.between(seconds(30), minutes(5)));
}

void Warehouse::deliver(const std::string& reference, std::size_t index, Duration delay) {
    agenda_.after(delay, [this, reference, index] {
        WarehouseOrder& delivered = orders_.at(reference);
        delivered.shipments[index].delivered = true;
        changed(delivered);
    });
}

Warehouse::Cancelled Warehouse::cancel(const std::string& reference) {
    const auto found = orders_.find(reference);
    if (found == orders_.end()) return {};
    WarehouseOrder& order = found->second;
    if (!order.cancelled && !order.picking) {
        order.cancelled = true;
        ++order.times_cancelled;
        order.cancelled_at = agenda_.now();
        changed(order);
    }
    return {true, !order.cancelled, view_of(order)};
}

bool Warehouse::cancel_by_itself(const std::string& reference) {
    WarehouseOrder& order = orders_.at(reference);
    if (order.cancelled || order.some_shipped()) return false;
    order.cancelled = true;
    order.cancelled_at = agenda_.now();
    changed(order);
    return true;
}

void Warehouse::trouble(const std::string& reference, Duration how_long) {
    WarehouseOrder& order = orders_.at(reference);
    order.in_trouble = true;
    changed(order);
    agenda_.after(how_long, [this, reference] {
        orders_.at(reference).in_trouble = false;
        changed(orders_.at(reference));
    });
}

CancelMood Warehouse::mood_about_cancel(const std::string& reference, bool may_hide) {
    const auto [entry, first] = moods_.try_emplace(reference, CancelMood::fine, 0);
    auto& [mood, left] = entry->second;
    const bool late = is_late(reference);
    std::set<std::string>& prefixes = late ? stalled_late_ : stalled_;
    const auto stalled = std::find_if(
        prefixes.begin(), prefixes.end(), [&](const std::string& prefix) { return reference.starts_with(prefix); });
    if ((first || late) && stalled != prefixes.end() && weather_.strikes(Fault::cancel_fails_fifty_times)) {
        prefixes.erase(stalled);
        mood = CancelMood::fails;
        left = 50;
    }
    for (int chances = first && knows(reference) ? chances_of(reference) : 0; chances > 0; --chances) {
        if (mood != CancelMood::fine) break;
        if (weather_.happens(Fault::cancel_refused)) {
            mood = CancelMood::refuses;
        } else if (weather_.happens(Fault::cancel_fails_fifty_times)) {
            mood = CancelMood::fails;
            left = 50;
        } else if (may_hide && weather_.happens(Fault::cancel_not_found)) {
            mood = CancelMood::does_not_find;
            left = 1;
        }
    }
    if (mood == CancelMood::fine || mood == CancelMood::refuses) return mood;
    if (left-- > 0) return mood;
    return mood = CancelMood::fine;
}

// Later parts of an order, and what arrives after it was given up, are rare and have the most to go wrong.
int Warehouse::chances_of(const std::string& reference) const {
    if (is_late(reference)) return 12;
    return reference.ends_with(".1.1") ? 1 : 5;
}

bool Warehouse::is_late(const std::string& reference) const {
    const auto known = orders_.find(reference);
    return known != orders_.end() && known->second.late;
}

bool Warehouse::is_beside_trouble(const std::string& reference) const {
    const std::string order = reference.substr(0, reference.find('.', reference.find('.') + 1) + 1);
    return std::any_of(orders_.begin(), orders_.end(), [&](const auto& entry) {
        return entry.second.in_trouble && entry.first.starts_with(order);
    });
}

RequestMood Warehouse::draw_mood(const std::string& reference) {
    for (const std::string& prefix : unwelcome_) {
        if (!reference.starts_with(prefix)) continue;
        unwelcome_.erase(prefix);
        return RequestMood::refused;
    }
    for (const std::string& prefix : obstructed_) {
        if (!reference.starts_with(prefix) || !weather_.strikes(Fault::request_held_up)) continue;
        obstructed_.erase(prefix);
        return RequestMood::held_up;
    }
    // What is added to an order in trouble is refused as often as not.
    const bool unlucky = !weather_.calm() && is_beside_trouble(reference) && weather_.random().chance(0.5);
    if (unlucky && weather_.knows(Fault::refused) && weather_.strikes(Fault::refused)) return RequestMood::refused;
    for (int chances = chances_of(reference); chances > 0; --chances) {
        if (weather_.happens(Fault::refused)) return RequestMood::refused;
        if (weather_.happens(Fault::conflict)) return RequestMood::conflict;
        if (weather_.happens(Fault::request_unanswered)) return RequestMood::unanswered;
        if (weather_.happens(Fault::request_held_up)) return RequestMood::held_up;
    }
    return RequestMood::fine;
}

RequestMood Warehouse::mood_about_request(const json& payload) {
    const std::string reference = payload.at("reference").get<std::string>();
    const auto [entry, first] = request_moods_.try_emplace(reference, RequestMood::fine, 0);
    auto& [mood, left] = entry->second;
    if (first && !knows(reference)) {
        mood = draw_mood(reference);
        if (mood == RequestMood::unanswered) left = static_cast<int>(2 + weather_.random().below(5));
        if (mood == RequestMood::held_up) {
            ++held_up_;
            agenda_.after(
                weather_.between(seconds(15), minutes(weather_.random().chance(0.5) ? 2 : 8)),
                [this, payload, &mood = mood] {
                    --held_up_;
                    mood = RequestMood::fine;
                    create(payload, true);
                });
        }
    }
    const RequestMood now = mood;
    if (mood == RequestMood::unanswered && --left <= 0) mood = RequestMood::fine;
    return now;
}

json Warehouse::find(const std::string& reference) const {
    const auto found = orders_.find(reference);
    if (found == orders_.end()) return {{"found", false}};
    return {{"found", true}, {"view", view_of(found->second)}};
}

json Warehouse::changed_since(Instant since) const {
    json views = json::array();
    for (const auto& [reference, order] : orders_) {
        if (order.changed_at >= since) views.push_back(view_of(order));
    }
    return {{"views", views}, {"changed_until", runtime::format_rfc3339(agenda_.now())}};
}

// An acceptance within the lag may not be in the figure yet; nor may a cancel.
json Warehouse::stock(const json& items) {
    json levels = json::array();
    std::vector<std::pair<std::string, json>> asked;
    for (const json& item : items)
        asked.emplace_back(item.at("warehouse_item_id").get<std::string>(), item.value("sku_id", json()));
    if (asked.empty()) {
        for (const auto& [id, item] : items_)
            asked.emplace_back(id, json());
    }
    const Instant now = agenda_.now();
    for (const auto& [id, sku_id] : asked) {
        std::int64_t promised = demand_on(id);
        for (const auto& [reference, order] : orders_) {
            std::int64_t units = 0;
            for (const WarehouseLine& line : order.lines)
                units += line.item_id == id ? line.quantity : 0;
            const bool fresh = !order.cancelled && !order.picking && now - order.accepted_at < lag;
            const bool just_cancelled = order.cancelled && now - *order.cancelled_at < lag;
            if (fresh && weather_.random().chance(0.3)) promised -= units;
            if (just_cancelled && weather_.random().chance(0.3)) promised += units;
        }
        const Item& item = items_.at(id);
        json level = {
            {"warehouse_item_id", id},
            {"sku", item.sku},
            {"fulfillable", std::max<std::int64_t>(0, item.on_hand - promised)},
            {"on_hand", item.on_hand}};
        if (!sku_id.is_null()) level["sku_id"] = sku_id;
        levels.push_back(std::move(level));
    }
    return {{"items", levels}};
}

}  // namespace ordersaga::simulation
