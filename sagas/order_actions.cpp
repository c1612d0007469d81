#include "sagas/order_actions.hpp"

#include "runtime/planted.hpp"
#include "runtime/text.hpp"
#include "sagas/activities.hpp"

#include <algorithm>
#include <utility>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

bool has_hold(const OrderData& data, std::string_view reason) {
    return std::find(data.holds.begin(), data.holds.end(), reason) != data.holds.end();
}

void add_hold(OrderData& data, const std::string& reason) {
    if (!has_hold(data, reason)) data.holds.push_back(reason);
}

std::string text_in(const json& payload, const char* key) {
    auto found = payload.find(key);
    return found != payload.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// What the lines need of each stocked SKU, as effects carry it.
json demand_of(const std::vector<SagaLine>& lines) {
    json demand = json::array();
    for (const SagaLine& line : lines) {
        for (const LinePart& part : line.parts) {
            demand.push_back(
                {{"line_id", reservation_of(line)},
                 {"sku_id", part.sku_id},
                 {"quantity", line.wanted * part.per_unit}});
        }
    }
    return demand;
}

void effect(OrderStep& step, const std::string& name, json more = json::object()) {
    json payload = {
        {"warehouse_id", step.data.warehouse_id},
        {"lines", demand_of(step.data.lines)},
        {"order_policy", step.data.order_policy}};
    payload.update(more);
    step.decision.effects.push_back({name, std::move(payload)});
}

// The same for one part only; the stock of the others stays as it is.
void effect_on_part(OrderStep& step, const std::string& name, int part, json more = json::object()) {
    json payload = {{"part", part}, {"lines", demand_of(step.data.lines_of(part))}};
    payload.update(more);
    effect(step, name, std::move(payload));
}

std::string store_lane(const OrderData& data) {
    return "store:" + std::to_string(data.store_id);
}
std::string warehouse_lane(const OrderData& data) {
    return "warehouse:" + std::to_string(data.warehouse_id);
}

void command(
    OrderStep& step,
    std::string_view activity,
    const std::string& lane,
    const std::string& key,
    json payload,
    Duration delay = Duration{0}) {
    // The only way out of an order saga. Who sends an observed order does so unseen: the plain success is assumed.
    if (step.data.observed && !runtime::planted("observed_order_sent")) {
        Event assumed = event_of_outcome(activity, payload, plain_success(activity, payload));
        step.decision.effects.push_back(
            {"Assume",
             {{"event", assumed.name},
              {"payload", std::move(assumed.payload)},
              {"cause", "observed only: " + std::string(activity) + " was not sent"}}});
        return;
    }
    // The same command again (an operator's retry) is a new row; a key may only be open once.
    for (const OpenCommand& open : step.saga.open_commands) {
        if (open.idempotency_key == key) return;
    }
    step.decision.commands.push_back(
        {std::string(activity), lane, key, std::move(payload), delay, store_lane(step.data)});
}

// A restored database has learned of it by asking: the warehouse has it since long.
json as_found(bool found) {
    return found ? json{{"found", true}} : json::object();
}
bool is_found(const json& payload) {
    return payload.value("found", false);
}
bool stands_already(const OrderData& data) {
    const Fulfillment* current = data.current();
    return current != nullptr && current->stands_already();
}

// Nothing is won by waiting with what has left our hands.
void start_waiting(OrderStep& step) {
    const Duration wait = std::chrono::milliseconds(stands_already(step.data) ? 0 : step.data.channel_wait_ms);
    step.data.wait_until = step.now + wait;
    effect(step, "WaitForChannels");
}

// The fulfilment of a part that is to be asked for: the open one, or the next generation after a confirmed cancel.
Fulfillment& open_fulfillment(OrderStep& step, int part) {
    OrderData& data = step.data;
    Fulfillment* last = data.of_part(part);
    if (last != nullptr && last->state != "cancelled") return *last;
    Fulfillment next;
    next.part = part;
    next.generation = last == nullptr || runtime::planted("generation_reused") ? 1 : last->generation + 1;
    next.reference =
        data.store + "." + data.order_id + "." + std::to_string(next.part) + "." + std::to_string(next.generation);
    next.request_key =
        step.saga.saga_id + (part == 1 ? "" : "." + std::to_string(part)) + "." + std::to_string(next.generation);
    data.fulfillments.push_back(std::move(next));
    return data.fulfillments.back();
}

void claim_reference(OrderStep& step, const Fulfillment& fulfillment) {
    step.decision.effects.push_back({"UseReference", {{"reference", fulfillment.reference}}});
}

void request(OrderStep& step) {
    OrderData& data = step.data;
    const int part_wanted = data.newest_part();
    Fulfillment& wanted = open_fulfillment(step, part_wanted);
    wanted.state = "wanted";
    json lines = json::array();
    for (const SagaLine& line : data.lines_of(part_wanted)) {
        for (const LinePart& part : line.parts) {
            if (line.wanted == 0) continue;
            lines.push_back(
                {{"line_id", line.line_id},
                 {"sku", part.sku},
                 {"warehouse_item_id", part.warehouse_item_id},
                 {"quantity", line.wanted * part.per_unit}});
        }
    }
    command(
        step, activity::request_fulfillment, warehouse_lane(data), "request:" + wanted.reference,
        {{"warehouse", data.warehouse},
         {"reference", wanted.reference},
         {"request_key", wanted.request_key},
         {"order_number", data.name},
         {"ship_method", data.ship_method},
         {"lines", std::move(lines)},
         {"lookup_first", wanted.perhaps_exists},
         {"tags",
          json::array(
              {{{"name", "saga"}, {"value", step.saga.saga_id}}, {{"name", "store"}, {"value", data.store}}})}});
    claim_reference(step, wanted);
    step.decision.closes_incident = true;
}

// Those before the newest part are beyond recall, or there would not be another. What is cancelled to be changed is wanted
// again: a reading may show it as free before we hear of the cancel.
void ask_to_cancel(OrderStep& step) {
    const Fulfillment* current = step.data.current();
    if (current == nullptr) return;
    const std::string& by = step.data.cancel_by;
    const bool may_want_again =
        (step.data.edit && by.empty()) || by == "refunded";  // till all is refunded, or filled again
    if (may_want_again) effect_on_part(step, "Doubt", current->part);
    command(
        step, activity::cancel_fulfillment, warehouse_lane(step.data), "cancel:" + current->reference,
        {{"warehouse", step.data.warehouse},
         {"reference", current->reference},
         {"warehouse_order_id", current->warehouse_order_id}});
}

void note_cancel(OrderStep& step, const json& payload) {
    OrderData& data = step.data;
    data.cancel_by = text_in(payload, "by");
    if (data.cancel_by.empty()) data.cancel_by = "operator";
    data.cancel_reason = text_in(payload, "reason");
    data.cause = "cancelled by " + data.cancel_by;
    // An order that its store has ended itself needs no word from us; one that an operator ends does.
    if (data.cancel_by == "operator") data.settle_store_order = true;
    step.decision.note = data.cause + (data.cancel_reason.empty() ? "" : ": " + data.cancel_reason);
}

void give_back(OrderStep& step) {
    step.data.edit.reset();
    step.data.stop_wanted = false;
    effect(step, "Release");
}

// Late checks: a frozen worker may still send what we gave up on. No fence in our database stops that.
void schedule_late_checks(OrderStep& step, const Fulfillment* current) {
    if (current == nullptr || !current->perhaps_exists || runtime::planted("late_checks_forgotten")) return;
    int number = 0;
    for (Duration delay : step.settings.late_checks) {
        command(
            step, activity::find_fulfillment, warehouse_lane(step.data),
            "late-check:" + current->reference + ":" + std::to_string(++number),
            {{"warehouse", step.data.warehouse}, {"reference", current->reference}}, delay);
    }
}

void tell_store(OrderStep& step, Shipment& shipment) {
    if (!shipment.store_fulfillment.empty() && !runtime::planted("shipment_told_twice")) return;
    if (shipment.lines.empty()) {
        shipment.store_fulfillment = "none";  // part of a bundle: no whole unit of any line has gone out with it
        return;
    }
    json lines = json::array();
    for (const auto& [line_id, quantity] : shipment.lines)
        lines.push_back({{"line_id", line_id}, {"quantity", quantity}});
    command(
        step, activity::create_store_fulfillment, store_lane(step.data), tell_shipment_key(shipment),
        {{"store", step.data.store},
         {"order_id", step.data.order_id},
         {"shipment_id", shipment.shipment_id},
         {"carrier", shipment.carrier},
         {"tracking_number", shipment.tracking_number},
         {"tracking_url", shipment.tracking_url},
         {"lines", std::move(lines)},
         {"notify_customer", step.settings.notify_customer}});
}

void tell_store_of_all(OrderStep& step) {
    for (Fulfillment& fulfillment : step.data.fulfillments) {
        for (Shipment& shipment : fulfillment.shipments)
            tell_store(step, shipment);
    }
}

std::string named(const std::vector<SagaLine>& lines) {
    std::vector<std::string> words;
    for (const SagaLine& line : lines)
        words.push_back(
            std::to_string(line.wanted) + " " +
            (line.sku.empty() && !line.parts.empty() ? line.parts.front().sku : line.sku));
    return runtime::joined(words);
}

void add_note(OrderStep& step, const std::string& more) {
    step.decision.note += (step.decision.note.empty() ? "" : "; ") + more;
}

// Ordered, perhaps paid, and not to be sent: the incident stays until a person closes it, whatever else goes well.
void leave_unserved(OrderStep& step, const std::string& what) {
    step.data.unserved.push_back(what);
    step.decision.incident = what;
    add_note(step, what);
}

// A request that was taken for lost has arrived after all, and the warehouse has two orders for one part: nobody but a person
// can call goods back.
void tell_of_a_second(OrderStep& step, const Fulfillment& accepted) {
    for (const Fulfillment& other : step.data.fulfillments) {
        if (&other == &accepted || other.part != accepted.part || other.state != "accepted") continue;
        leave_unserved(
            step, "the warehouse has two orders for one part: " + other.reference + ", " + accepted.reference);
    }
}

// Reserves what one part is to have; the answer says whether the part gets it. False: it cannot be asked for.
bool ask_for_stock_of_part(OrderStep& step, const char* how, std::vector<SagaLine> share) {
    bool mapped = std::all_of(share.begin(), share.end(), [](const SagaLine& line) { return !line.parts.empty(); });
    if (!mapped) {
        leave_unserved(step, "a SKU of what was added is not mapped: " + named(share));
        return false;
    }
    step.data.added = std::move(share);
    effect_on_part(
        step, how, step.data.added.front().of_part, {{"lines", demand_of(step.data.added)}, {"without_reading", true}});
    return true;
}

// What an edit adds to an order whose parts can no longer be changed becomes the next part.
bool add_next_part(OrderStep& step, const std::vector<SagaLine>& edited) {
    std::vector<SagaLine> added = share_of_part(step.data, edited, step.data.next_part());
    if (added.empty()) return false;
    ask_for_stock_of_part(step, "Reserve", std::move(added));
    return true;
}

// The order has nothing but this part: it ends with it, and its store must hear of that.
void go_back_with_last(OrderStep& step, int part, const std::string& cause) {
    if (step.data.has_lines_beside(part)) return;
    step.data.cause = cause;
    step.data.settle_store_order = true;
}

// The newest part has its stock: the stores are told, then the warehouse is asked.
void reserve_part(OrderStep& step) {
    OrderData& data = step.data;
    const int part = data.newest_part();
    Fulfillment& fulfillment = open_fulfillment(step, part);
    fulfillment.state = "reserved";
    claim_reference(step, fulfillment);
    data.wait_until = step.now + std::chrono::milliseconds(data.channel_wait_ms);
    effect_on_part(step, "WaitForChannels", part);
}

// What it was to have instead is not to be had: it goes out as it was.
void keep_part(OrderStep& step) {
    const Fulfillment* current = step.data.current();
    if (current != nullptr && current->state != "backordered") reserve_part(step);
}

// What was asked for becomes the part's own.
void take_added(OrderData& data) {
    const int part = data.added.front().of_part;
    std::erase_if(data.lines, [&](const SagaLine& line) { return line.of_part == part; });
    data.lines.insert(data.lines.end(), data.added.begin(), data.added.end());
    data.added.clear();
}

// A part that will not be sent: it gives back what it holds. The last one keeps its lines: they are the order.
void drop_part(OrderStep& step, int part) {
    effect_on_part(step, "Release", part);
    if (!step.data.has_lines_beside(part)) return;
    std::erase_if(step.data.lines, [&](const SagaLine& line) { return line.of_part == part; });
}

// All parts together, as the store knows the order.
std::vector<SagaLine> whole_order(const OrderData& data) {
    std::vector<SagaLine> whole;
    for (const SagaLine& line : data.lines) {
        auto known = std::find_if(
            whole.begin(), whole.end(), [&](const SagaLine& other) { return other.line_id == line.line_id; });
        if (known == whole.end()) {
            whole.push_back(line);
        } else {
            known->wanted += line.wanted;
        }
    }
    return whole;
}

// What goes on an operator's word is still sold in the store. Should the rest prove beyond recall, give_up_going_back()
// tells a person of it.
void remember_what_was_sold(OrderStep& step) {
    if (step.data.cancel_by == "operator" && !step.data.edit) step.data.edit = whole_order(step.data);
}

// What was given up has left, while what it had become since got no stock: the part is what has left, and an edit that makes
// it whole again asks for the rest.
void part_with_the_rest(OrderStep& step, int part) {
    OrderData& data = step.data;
    const bool lacks = std::any_of(data.lines.begin(), data.lines.end(), [&](const SagaLine& line) {
        return line.of_part == part && units_shipped(line) < line.wanted;
    });
    if (!lacks) return;
    if (!data.edit) data.edit = whole_order(data);
    for (SagaLine& line : data.lines) {
        if (line.of_part == part) line.wanted = units_shipped(line);
    }
    effect_on_part(step, "Release", part);
}

void end_of_cancelled(OrderStep& step, Fulfillment& cancelled, const json& payload) {
    // "Not found" ends it for us; if the request itself was in doubt, someone keeps looking.
    cancelled.perhaps_exists = !payload.value("found", true);
    cancelled.state = "cancelled";
    if (step.data.has_lines_beside(cancelled.part)) schedule_late_checks(step, &cancelled);
}

bool was_never_asked_for(const Fulfillment* fulfillment) {
    return fulfillment != nullptr && (fulfillment->state == "backordered" || fulfillment->state == "reserved");
}
// It has its stock, or waits for it; whether a request for it is under way the open commands say.
bool is_before_request(const Fulfillment* fulfillment) {
    return was_never_asked_for(fulfillment) ||
           (fulfillment != nullptr && fulfillment->state == "wanted" && !fulfillment->perhaps_exists);
}

bool has_ended(const Fulfillment* fulfillment) {
    return fulfillment == nullptr || fulfillment->state == "cancelled" || fulfillment->state == "refused";
}

void tell_too_late(OrderStep& step) {
    step.decision.announcements.push_back(
        {"orders.cancel_too_late." + step.data.store,
         {{"schema", 1},
          {"saga_id", step.saga.saga_id},
          {"store", step.data.store},
          {"order_id", step.data.order_id},
          {"order_name", step.data.name},
          {"asked_by", step.data.cancel_by},
          {"at", runtime::format_rfc3339(step.now)}}});
}

// The goods have left, or nearly: a cancel or an edit that waited is void, and whoever asked for it is told. What an edit
// adds is still to be had.
std::string give_up_going_back(OrderStep& step) {
    const bool stopped = std::exchange(step.data.stop_wanted, false);
    std::optional<std::vector<SagaLine>> edit = std::exchange(step.data.edit, std::nullopt);
    const bool edited = edit.has_value() && !stopped;
    const bool takes_away = edited && wants_less(step.data.lines, *edit);
    const int part = step.data.newest_part();
    const bool adds = edited && add_next_part(step, *edit);
    if (edit) effect_on_part(step, "Trust", part);
    if (adds && !takes_away) return "picking has begun: what was added is sent by itself";
    // An operator's cancel does not end the order in its store: what was added there is still sold, and nobody sends it.
    if (stopped && edit && step.data.cancel_by == "operator") {
        const std::vector<SagaLine> added = share_of_part(step.data, *edit, step.data.next_part());
        if (!added.empty()) leave_unserved(step, "added to an order that was to be cancelled: " + named(added));
    }
    tell_too_late(step);
    return edited ? "too late to change: picking has begun" : "too late to cancel: picking has begun";
}

Shipment* shipment_of(OrderData& data, const std::string& id) {
    for (Fulfillment& fulfillment : data.fulfillments) {
        for (Shipment& shipment : fulfillment.shipments) {
            if (shipment.shipment_id == id) return &shipment;
        }
    }
    return nullptr;
}

// The data as it will be once this event's shipments and deliveries are booked.
OrderData after_view(const OrderStep& step, const json& payload) {
    OrderData data = step.data;
    if (!payload.contains("view")) return data;
    ViewNews news = news_of(data, payload.at("view"));
    book_shipments(data, news);
    for (const std::string& id : news.delivered) {
        if (Shipment* shipment = shipment_of(data, id)) shipment->delivered = true;
    }
    return data;
}

// The fulfilment that an outcome or a view is about.
Fulfillment* fulfillment_in(OrderData& data, const json& payload) {
    std::string reference = text_in(payload, "reference");
    if (reference.empty() && payload.contains("view")) reference = text_in(payload.at("view"), "reference");
    Fulfillment* known = data.of_reference(reference);
    return known != nullptr ? known : data.current();
}

const Fulfillment* fulfillment_in(const OrderData& data, const json& payload) {
    return fulfillment_in(const_cast<OrderData&>(data), payload);
}

int part_in(const OrderStep& step, const json& payload) {
    const Fulfillment* known = fulfillment_in(step.data, payload);
    return known == nullptr ? step.data.newest_part() : known->part;
}

bool is_there(const Fulfillment& fulfillment) {
    return fulfillment.state == "accepted" || fulfillment.state == "beyond_recall";
}
bool at_warehouse(const OrderData& data) {
    return std::any_of(data.lines.begin(), data.lines.end(), [&](const SagaLine& line) {
        const Fulfillment* fulfillment = data.of_part(line.of_part);
        return fulfillment != nullptr && is_there(*fulfillment);
    });
}

bool changes_newest_part(const OrderStep& step, const std::vector<SagaLine>& edited) {
    const int part = step.data.newest_part();
    const std::vector<SagaLine> before = step.data.lines_of(part);
    const std::vector<SagaLine> after = share_of_part(step.data, edited, part);
    return wants_less(before, after) || wants_less(after, before);
}

bool resumes(const OrderStep& step, std::string_view state) {
    return step.data.resume == state;
}

std::vector<SagaLine> lines_in(const json& payload) {
    std::vector<SagaLine> lines;
    for (const json& line : payload.at("lines"))
        lines.push_back(saga_line_from_json(line));
    return lines;
}

// The lines of an order that has but one part.
void take_lines(OrderData& data, std::vector<SagaLine> lines) {
    const int part = data.newest_part();
    for (SagaLine& line : lines)
        line.of_part = part;
    data.lines = std::move(lines);
}

// A store that names no id has still been told.
std::string fulfillment_id_in(const json& payload) {
    std::string id = text_in(payload, "fulfillment_id");
    return id.empty() ? "done" : id;
}

bool resumes_after_request(const OrderStep& step) {
    return resumes(step, "FulfillmentRequested") || resumes(step, "CancellingFulfillment") ||
           resumes(step, "Shipped") || resumes(step, "SettlingOrder");
}

bool resumes_before_reserving(const OrderStep& step) {
    return resumes(step, "Received") || resumes(step, "Backordered") || resumes(step, "OnHold") ||
           step.data.resume.empty();
}

// The hold that is meant: the one named, else the operator's own, else the only one there is. What else an operator
// writes as his reason names no hold.
std::string hold_released(const OrderData& data, const json& payload) {
    std::string reason = text_in(payload, "reason");
    if (has_hold(data, reason)) return reason;
    return !has_hold(data, "operator") && data.holds.size() == 1 ? data.holds.front() : "operator";
}

bool is_mapped(const OrderData& data) {
    return std::all_of(data.lines.begin(), data.lines.end(), [](const SagaLine& line) {
        return line.wanted == 0 || !line.parts.empty();
    });
}

void drop_hold(OrderData& data, const std::string& reason) {
    data.holds.erase(std::remove(data.holds.begin(), data.holds.end(), reason), data.holds.end());
}

// Which hold an event takes away: payment the unpaid one; an operator's release the one named, else his own. Without a ship
// method nothing can be sent, so the hold for want of one goes only with the method itself.
std::vector<std::string> holds_after(const OrderStep& step, const json& payload) {
    OrderData data = step.data;
    std::string gone = payload.value("paid", false) ? "unpaid" : hold_released(data, payload);
    if (gone != "ship_method" || !text_in(payload, "ship_method").empty()) drop_hold(data, gone);
    return data.holds;
}

void let_go(OrderStep& step, const json& payload) {
    step.data.holds = holds_after(step, payload);
    if (payload.value("paid", false)) step.data.paid = true;
    if (!text_in(payload, "ship_method").empty()) step.data.ship_method = text_in(payload, "ship_method");
}

// The newest part was not asked for yet, or the change does not concern it. True: it is asked for when the change has its
// stock, or not at all.
bool change_newest_part(OrderStep& step, const std::vector<SagaLine>& edited) {
    OrderData& data = step.data;
    const int part = data.newest_part();
    std::vector<SagaLine> share = share_of_part(data, edited, part);
    std::vector<SagaLine> others = data.lines;
    std::erase_if(others, [&](const SagaLine& line) { return line.of_part == part; });
    Fulfillment* current = data.current();
    const bool changes = is_before_request(current) && (share.empty() || changes_newest_part(step, edited));
    if (changes) withdraw_forward(step);
    if (changes && share.empty()) {
        current->state = "cancelled";
        drop_part(step, part);
        add_note(step, "what was added is not wanted any more");
    } else if (changes) {
        add_note(step, "what was added has changed");
        if (!ask_for_stock_of_part(step, "Exchange", std::move(share))) keep_part(step);
    }
    if (wants_less(others, edited)) {
        tell_too_late(step);
        add_note(step, "too late to take away what was not added: picking has begun");
    }
    return changes;
}

// The warehouse has it. A person who says "go on" must not have it asked for once more, nor what was added and waits for its
// stock.
void goes_on_after_request(OrderData& data) {
    const std::string& from = data.resume;
    if (from == "Received" || from == "Backordered" || from == "Reserved" || from == "ChannelsSynced")
        data.resume = "FulfillmentRequested";
}

// Asking for it once more tells, and asks a person again where something else is wanted by now.
bool perhaps_there(const OrderStep& step) {
    const Fulfillment* current = step.data.current();
    return current != nullptr && current->state == "wanted" && current->perhaps_exists && !resumes_after_request(step);
}

// One has left, and its outcome alone tells what there is to call back.
bool request_under_way(const OrderStep& step) {
    return std::any_of(step.saga.open_commands.begin(), step.saga.open_commands.end(), [](const OpenCommand& open) {
        return open.activity == activity::request_fulfillment && open.perhaps_applied;
    });
}

}  // namespace

void withdraw_forward(OrderStep& step) {
    for (const OpenCommand& open : step.saga.open_commands) {
        if (open.activity == activity::request_fulfillment && !open.perhaps_applied) {
            step.decision.withdraw.push_back(open.command_id);
        }
    }
}

void hear_of_late_cancel(OrderStep& step, const std::string& name, const json& payload) {
    Fulfillment* asked = fulfillment_in(step.data, payload);
    if (name == "FulfillmentCancelled") {
        asked->perhaps_exists = asked->perhaps_exists && !payload.value("found", true);
        step.decision.note = "what was given up is cancelled at the warehouse, too";
    } else if (name == "CancelTooLate") {
        // Asking the warehouse again and again would not help.
        asked->state = "beyond_recall";
        leave_unserved(step, "an order that was given up is sent by the warehouse all the same: " + asked->reference);
    } else {
        step.decision.note = "what was given up is not cancelled: " + text_in(payload, "reason");
    }
}

std::string tell_shipment_key(const Shipment& shipment) {
    return "tell-shipment:" + shipment.shipment_id;
}

// ---------------------------------------------------------------------------------------------------------------------

namespace order_guards {

bool nothing_to_ship(const OrderStep& step, Payload) {
    return step.data.nothing_wanted();
}

bool has_unmapped(const OrderStep& step, Payload) {
    return !step.data.nothing_wanted() && has_hold(step.data, "unmapped");
}

bool can_reserve(const OrderStep& step, Payload) {
    return !step.data.nothing_wanted() && !has_hold(step.data, "unmapped");
}

bool holds(const OrderStep& step, Payload) {
    return !step.data.holds.empty();
}
bool no_holds(const OrderStep& step, Payload) {
    return step.data.holds.empty();
}
bool may_wait(const OrderStep&, Payload payload) {
    return payload.value("backorder", false);
}
bool must_refuse(const OrderStep&, Payload payload) {
    return !payload.value("backorder", false);
}

bool sent(const OrderStep& step, Payload) {
    // Also what an earlier request, given up on in doubt, may have brought there: the one that waits now says nothing of it.
    const Fulfillment* current = step.data.current();
    const bool in_doubt = current != nullptr && current->state == "wanted" && current->perhaps_exists;
    return in_doubt || request_under_way(step);
}
bool unsent(const OrderStep& step, Payload payload) {
    return !sent(step, payload);
}

bool stop_wanted(const OrderStep& step, Payload) {
    return step.data.stop_wanted || step.data.edit.has_value();
}
bool go_on(const OrderStep& step, Payload payload) {
    return !stop_wanted(step, payload);
}
bool conflict(const OrderStep&, Payload payload) {
    return payload.value("conflict", false) && !runtime::planted("conflict_taken_as_refusal");
}
bool plainly_refused(const OrderStep& step, Payload payload) {
    return !conflict(step, payload);
}

bool edit_wanted(const OrderStep& step, Payload) {
    if (step.data.stop_wanted || !step.data.edit) return false;
    return std::any_of(
        step.data.edit->begin(), step.data.edit->end(), [](const SagaLine& line) { return line.wanted > 0; });
}
bool end_wanted(const OrderStep& step, Payload payload) {
    return !edit_wanted(step, payload);
}

bool sole_part(const OrderStep& step, Payload payload) {
    return !step.data.has_lines_beside(part_in(step, payload));
}
bool one_of_several(const OrderStep& step, Payload payload) {
    return !sole_part(step, payload);
}
bool sole_part_ends(const OrderStep& step, Payload payload) {
    return sole_part(step, payload) && end_wanted(step, payload);
}
bool sole_part_changes(const OrderStep& step, Payload payload) {
    return sole_part(step, payload) && edit_wanted(step, payload);
}
bool one_of_several_ends(const OrderStep& step, Payload payload) {
    return one_of_several(step, payload) && (step.data.stop_wanted || !step.data.edit);
}
bool one_of_several_changes(const OrderStep& step, Payload payload) {
    return one_of_several(step, payload) && !one_of_several_ends(step, payload);
}
bool cancels_there(const OrderStep& step, Payload payload) {
    return unsent(step, payload) && at_warehouse(step.data);
}
bool cancels_here(const OrderStep& step, Payload payload) {
    return unsent(step, payload) && !at_warehouse(step.data);
}
bool change_recalls(const OrderStep& step, Payload payload) {
    return unsent(step, payload) && !is_before_request(step.data.current()) &&
           changes_newest_part(step, lines_in(payload));
}
bool change_stays(const OrderStep& step, Payload payload) {
    return !change_recalls(step, payload);
}
// Accepted just now, and meanwhile it was to be cancelled or changed.
bool part_unwanted(const OrderStep& step, Payload payload) {
    const Fulfillment* accepted = fulfillment_in(step.data, payload);
    return accepted != nullptr && accepted->state == "wanted" && stop_wanted(step, payload);
}
bool part_wanted(const OrderStep& step, Payload payload) {
    return !part_unwanted(step, payload);
}
bool answers_incident(const OrderStep& step, Payload payload) {
    const Fulfillment* accepted = fulfillment_in(step.data, payload);
    const bool asked_about = accepted != nullptr && accepted->reference == step.data.asked_about;
    return asked_about && accepted->state == "wanted" && go_on(step, payload);
}
bool beside_incident(const OrderStep& step, Payload payload) {
    return !answers_incident(step, payload);
}
bool nothing_left(const OrderStep& step, Payload) {
    return has_ended(step.data.current());
}
bool rest_shipped(const OrderStep& step, Payload payload) {
    return !nothing_left(step, payload) && step.data.everything_shipped();
}
bool rest_open(const OrderStep& step, Payload payload) {
    return !nothing_left(step, payload) && !step.data.everything_shipped();
}

bool all_shipped(const OrderStep& step, Payload payload) {
    return after_view(step, payload).everything_shipped();
}
bool partly_shipped(const OrderStep& step, Payload payload) {
    return !all_shipped(step, payload);
}

bool newest_partly_shipped(const OrderStep& step, Payload payload) {
    return partly_shipped(step, payload) && part_in(step, payload) == step.data.newest_part();
}
bool earlier_shipped(const OrderStep& step, Payload payload) {
    return partly_shipped(step, payload) && !newest_partly_shipped(step, payload);
}

bool must_settle(const OrderStep& step, Payload) {
    return step.data.settle_store_order;
}
bool settled_as_cancelled(const OrderStep& step, Payload) {
    return !step.data.settle_store_order;
}
bool ends_out_of_stock(const OrderStep& step, Payload) {
    return step.data.final_state == "OutOfStock";
}
bool ends_compensated(const OrderStep& step, Payload) {
    return step.data.final_state != "OutOfStock";
}

bool all_done(const OrderStep& step, Payload payload) {
    OrderData data = after_view(step, payload);
    if (Shipment* shipment = shipment_of(data, text_in(payload, "shipment_id"))) {
        shipment->store_fulfillment = fulfillment_id_in(payload);
    }
    return data.everything_shipped() && data.everything_told() && data.everything_delivered();
}
bool not_all_done(const OrderStep& step, Payload payload) {
    return !all_done(step, payload);
}

bool last_hold_goes(const OrderStep& step, Payload payload) {
    return holds_after(step, payload).empty();
}
bool holds_remain(const OrderStep& step, Payload payload) {
    return !last_hold_goes(step, payload);
}
bool resumes_received(const OrderStep& step, Payload payload) {
    return last_hold_goes(step, payload) && (resumes(step, "Received") || step.data.resume.empty());
}
bool resumes_reserved(const OrderStep& step, Payload payload) {
    return last_hold_goes(step, payload) && resumes(step, "Reserved");
}
bool resumes_synced(const OrderStep& step, Payload payload) {
    return last_hold_goes(step, payload) && resumes(step, "ChannelsSynced");
}

// An edit that came while a person was asked is carried out first: by a new reservation where the warehouse surely has
// nothing, else by cancelling what it has.
bool retry_empty(const OrderStep& step, Payload) {
    return resumes_before_reserving(step) && !perhaps_there(step) && !step.data.edit && step.data.nothing_wanted();
}
bool retry_received(const OrderStep& step, Payload payload) {
    if (perhaps_there(step)) return false;
    if (resumes_before_reserving(step)) return !retry_empty(step, payload);
    bool nothing_left =
        resumes(step, "Reserved") || (resumes(step, "ChannelsSynced") && never_at_warehouse(step, payload));
    return step.data.edit.has_value() && nothing_left;
}
bool retry_reserved(const OrderStep& step, Payload payload) {
    return resumes(step, "Reserved") && !perhaps_there(step) && !retry_received(step, payload);
}
bool retry_synced(const OrderStep& step, Payload payload) {
    if (perhaps_there(step)) return true;
    return resumes(step, "ChannelsSynced") && !retry_received(step, payload);
}
bool retry_requested(const OrderStep& step, Payload) {
    bool going_on = resumes(step, "FulfillmentRequested") || resumes(step, "CancellingFulfillment");
    return going_on && !retry_cancelling(step, {}) && !retry_settling(step, {});
}
bool retry_shipped(const OrderStep& step, Payload) {
    return resumes(step, "Shipped");
}
bool retry_cancelling(const OrderStep& step, Payload) {
    if (resumes(step, "CancellingFulfillment")) return !was_never_asked_for(step.data.current());
    const Fulfillment* current = step.data.current();
    return resumes(step, "FulfillmentRequested") && step.data.edit && !is_before_request(current) &&
           !has_ended(current);
}
bool retry_settling(const OrderStep& step, Payload) {
    // While a person was asked for one part, the last that was left of the others ended.
    return (resumes(step, "FulfillmentRequested") && nothing_left(step, {})) || resumes(step, "SettlingOrder");
}

// A person was asked for another reason.
bool awaits_request(const OrderStep& step, Payload) {
    return resumes(step, "FulfillmentRequested") && request_under_way(step);
}
bool perhaps_at_warehouse(const OrderStep& step, Payload payload) {
    if (awaits_request(step, payload)) return false;
    const Fulfillment* current = step.data.current();
    if (has_ended(current)) return false;
    if (goods_left(step, payload)) return false;
    return at_warehouse(step.data) || current->perhaps_exists || sent(step, payload);
}
bool goods_left(const OrderStep& step, Payload) {
    const Fulfillment* current = step.data.current();
    return current != nullptr && !current->shipments.empty() && step.data.everything_shipped();
}
bool never_at_warehouse(const OrderStep& step, Payload payload) {
    return !perhaps_at_warehouse(step, payload) && !goods_left(step, payload) && !awaits_request(step, payload);
}

}  // namespace order_guards

// ---------------------------------------------------------------------------------------------------------------------

namespace order_actions {

void reserve(OrderStep& step, Payload) {
    effect(step, "Reserve", as_found(stands_already(step.data)));
}

void reserve_with_what_we_know(OrderStep& step, Payload) {
    json more = as_found(stands_already(step.data));
    more["without_reading"] = true;
    effect(step, "Reserve", std::move(more));
}

void exchange(OrderStep& step, Payload payload) {
    withdraw_forward(step);
    take_lines(step.data, lines_in(payload));
    step.data.edit.reset();
    if (has_hold(step.data, "unmapped") && is_mapped(step.data)) {
        drop_hold(step.data, "unmapped");
        step.decision.closes_incident = true;
    }
    effect(step, "StopWaiting");
    effect(step, "Exchange");
    step.decision.note = "the order was changed";
}

void await_reading(OrderStep& step, Payload) {
    step.decision.note = "the warehouse is asked for its figure first";
}

void hold(OrderStep& step, Payload) {
    step.data.resume = "Reserved";
    step.data.hold_until = step.now + std::chrono::milliseconds(step.data.hold_expiry_ms);
    step.decision.note = "on hold: " + runtime::joined(step.data.holds);
    if (has_hold(step.data, "ship_method")) {
        step.decision.incident = "a shipping line has no ship method";
        step.decision.note += "; store " + step.data.store + " sends by '" + step.data.ship_line + "'";
    }
}

void hold_unmapped(OrderStep& step, Payload) {
    step.data.resume = "Received";
    step.data.hold_until = step.now + std::chrono::milliseconds(step.data.hold_expiry_ms);
    step.decision.note = "on hold: " + runtime::joined(step.data.holds);
    step.decision.incident = "a line's SKU is not mapped";
}

void hold_for_operator(OrderStep& step, Payload payload) {
    bool was_on_hold = step.saga.state == "OnHold";
    add_hold(step.data, "operator");
    if (!was_on_hold) {
        effect(step, "StopWaiting");
        step.data.resume = step.saga.state == "Backordered" ? "Reserved" : step.saga.state;
        step.data.hold_until = step.now + std::chrono::milliseconds(step.data.hold_expiry_ms);
    }
    step.decision.note = "held by an operator: " + text_in(payload, "reason");
}

void hold_unsent(OrderStep& step, Payload payload) {
    withdraw_forward(step);
    hold_for_operator(step, payload);
}

void note_hold_too_late(OrderStep& step, Payload) {
    step.decision.note = "too late to hold: the warehouse has the order or may have it";
}

void remove_hold(OrderStep& step, Payload payload) {
    let_go(step, payload);
    step.decision.note = "still on hold: " + runtime::joined(step.data.holds);
}

void release_hold_early(OrderStep& step, Payload payload) {
    let_go(step, payload);
    step.decision.note =
        step.data.holds.empty() ? "no hold is left" : "will be held: " + runtime::joined(step.data.holds);
}

void expire_hold(OrderStep& step, Payload) {
    step.data.cause = "hold expired";
    step.data.settle_store_order = true;
    step.decision.incident = "the hold expired: " + runtime::joined(step.data.holds);
    step.decision.note = "held for too long (" + runtime::joined(step.data.holds) + "): the stock is given back";
    give_back(step);
}

void join_queue(OrderStep& step, Payload payload) {
    step.decision.note = "waits for stock: " + payload.value("short", json::array()).dump();
}

void rejoin_queue(OrderStep& step, Payload payload) {
    exchange(step, payload);
}

void refuse(OrderStep& step, Payload payload) {
    step.data.cause = "out of stock";
    step.data.final_state = "OutOfStock";
    step.data.settle_store_order = true;
    settle_store_order(step, payload);
    step.decision.note = "out of stock: " + payload.value("short", json::array()).dump();
}

void await_channels(OrderStep& step, Payload) {
    start_waiting(step);
}

void request_fulfillment(OrderStep& step, Payload payload) {
    if (payload.contains("flushes")) step.decision.note = "the stores show it: " + payload.at("flushes").dump();
    request(step);
}

void request_with_debt(OrderStep& step, Payload) {
    step.decision.note = "a store is slow: its listing keeps the debt, the order goes on";
    effect(step, "StopWaiting", {{"name_debt", true}});
    request(step);
}

void resume_reserving(OrderStep& step, Payload payload) {
    if (step.saga.state == "OnHold") let_go(step, payload);
    if (payload.value("paid", false)) step.data.paid = true;
    step.data.resume.clear();
    if (payload.contains("lines")) {
        take_lines(step.data, lines_in(payload));
    } else if (step.data.edit) {
        take_lines(step.data, *step.data.edit);
    }
    step.data.edit.reset();
    step.decision.closes_incident = true;
    effect(step, "Exchange");
}

void resume_waiting(OrderStep& step, Payload payload) {
    if (step.saga.state == "OnHold") let_go(step, payload);
    if (payload.value("paid", false)) step.data.paid = true;
    step.data.resume.clear();
    step.decision.closes_incident = true;
    start_waiting(step);
}

void resume_requesting(OrderStep& step, Payload payload) {
    if (step.saga.state == "OnHold") let_go(step, payload);
    if (payload.value("paid", false)) step.data.paid = true;
    step.data.resume.clear();
    request(step);
}

void commit_stock(OrderStep& step, Payload payload) {
    const json found = as_found(stands_already(step.data) || is_found(payload));
    Fulfillment* current = fulfillment_in(step.data, payload);
    if (current != nullptr) {
        current->state = "accepted";
        current->perhaps_exists = false;
        if (payload.contains("view")) current->warehouse_order_id = text_in(payload.at("view"), "warehouse_order_id");
        step.decision.note = "warehouse order " + current->warehouse_order_id;
    }
    step.decision.closes_incident = true;
    if (current != nullptr) tell_of_a_second(step, *current);
    effect_on_part(step, "Commit", part_in(step, payload), found);
}

void commit_beside_incident(OrderStep& step, Payload payload) {
    const Fulfillment* accepted = fulfillment_in(step.data, payload);
    if (accepted == nullptr || accepted->state != "wanted") return note_late(step, payload);
    commit_stock(step, payload);
    step.decision.closes_incident = false;
    goes_on_after_request(step.data);
}

void commit_and_cancel(OrderStep& step, Payload payload) {
    commit_stock(step, payload);
    ask_to_cancel(step);
    step.decision.note += step.data.stop_wanted ? "; the cancel that came meanwhile is carried out"
                                                : "; the change that came meanwhile is carried out";
}

void release(OrderStep& step, Payload payload) {
    note_cancel(step, payload);
    give_back(step);
}

void release_unsent(OrderStep& step, Payload payload) {
    withdraw_forward(step);
    release(step, payload);
    step.decision.closes_incident = true;
}

void release_refused(OrderStep& step, Payload payload) {
    if (Fulfillment* current = step.data.current()) current->state = "refused";
    step.data.cause = step.data.stop_wanted ? step.data.cause : "refused by the warehouse";
    step.data.settle_store_order = step.data.settle_store_order || !step.data.stop_wanted;
    step.decision.note = "the warehouse refused: " + payload.value("messages", json::array()).dump();
    give_back(step);
}

void release_cancelled_by_warehouse(OrderStep& step, Payload) {
    if (Fulfillment* current = step.data.current()) current->state = "cancelled";
    step.data.cause = "cancelled by the warehouse";
    step.data.settle_store_order = true;
    step.decision.note = "the warehouse cancelled the order";
    step.decision.closes_incident = true;
    give_back(step);
}

void release_after_cancel(OrderStep& step, Payload payload) {
    bool found = payload.value("found", true);
    if (Fulfillment* cancelled = fulfillment_in(step.data, payload)) end_of_cancelled(step, *cancelled, payload);
    step.decision.note = found ? "the warehouse has cancelled it" : "the warehouse has no such order";
    if (step.data.cause.empty()) step.data.cause = "the changed order wants nothing";
    step.decision.closes_incident = true;
    give_back(step);
}

void replace_fulfillment(OrderStep& step, Payload payload) {
    if (Fulfillment* cancelled = fulfillment_in(step.data, payload)) end_of_cancelled(step, *cancelled, payload);
    effect(step, "Retake");  // of the lines as they were requested
    take_lines(step.data, *step.data.edit);
    step.data.edit.reset();
    effect(step, "Exchange");
    step.decision.note = "cancelled at the warehouse; the changed order is requested anew";
}

void remember_cancel(OrderStep& step, Payload payload) {
    note_cancel(step, payload);
    const std::string& state = step.saga.state;
    if (state == "ChannelsSynced" || state == "FulfillmentRequested" || state == "CancellingFulfillment" ||
        state == "NeedsOperator")
        step.data.stop_wanted = true;
    step.decision.note += " (applied when the command under way has its outcome)";
}

void remember_edit(OrderStep& step, Payload payload) {
    OrderData& data = step.data;
    data.edit = lines_in(payload);
    // Nothing was left of the order, and now there is something again: it does not end.
    if (data.stop_wanted && data.cancel_by == "refunded") {
        data.stop_wanted = false;
        data.cancel_by.clear();
        data.cancel_reason.clear();
        data.cause.clear();
    }
    step.decision.note = step.saga.state == "NeedsOperator"
                             ? "the order was changed (applied when a person lets it go on)"
                             : "the order was changed (applied when the command under way has its outcome)";
}

void cancel_fulfillment(OrderStep& step, Payload payload) {
    note_cancel(step, payload);
    step.data.stop_wanted = true;
    // A part that the warehouse was not asked for ends here; the others are called back, newest first.
    Fulfillment* current = step.data.current();
    if (is_before_request(current) && order_guards::unsent(step, payload) &&
        step.data.has_lines_beside(current->part)) {
        withdraw_forward(step);
        remember_what_was_sold(step);
        current->state = "cancelled";
        drop_part(step, current->part);
        add_note(step, "what was added is not sent");
    }
    ask_to_cancel(step);
}

void cancel_for_edit(OrderStep& step, Payload payload) {
    step.data.edit = lines_in(payload);
    ask_to_cancel(step);
    if (runtime::planted("cancel_not_awaited")) return replace_fulfillment(step, payload);
    step.decision.note = "the order was changed: cancel, then request the rest anew";
}

void go_forward_too_late(OrderStep& step, Payload payload) {
    const Fulfillment* late = fulfillment_in(step.data, payload);
    if (late != nullptr && late->state == "beyond_recall") {
        // Its part has come to want something else since, and got no stock for it. What is left to want, and what was to be
        // cancelled of it, shows with what leaves: ship().
        step.decision.note = "too late to cancel what was given up before: it leaves as it was";
    } else {
        // What cannot be cancelled any more was accepted, also when nobody has heard of it before.
        if (late != nullptr && late->state != "accepted") commit_stock(step, payload);
        step.decision.note = give_up_going_back(step);
    }
    // Look at once: what made it too late is probably a shipment.
    watch(step, json::object());
}

void ship(OrderStep& step, Payload payload) {
    ViewNews news = news_of(step.data, payload.at("view"));
    book_shipments(step.data, news);
    Fulfillment* fulfillment = step.data.of_reference(text_in(payload.at("view"), "reference"));
    if (fulfillment == nullptr) return;
    const bool given_up = step.data.lines_of(fulfillment->part).empty();
    const bool was_given_up = fulfillment->state == "cancelled" || fulfillment->state == "beyond_recall";
    const bool becomes_the_part_again = was_given_up && fulfillment == step.data.current();
    // Seen shipped before its acceptance was heard of: the acceptance is part of this fact.
    if (fulfillment->state != "accepted") {
        fulfillment->state = "accepted";
        fulfillment->perhaps_exists = false;
        fulfillment->warehouse_order_id = text_in(payload.at("view"), "warehouse_order_id");
        effect_on_part(step, "Commit", fulfillment->part, as_found(is_found(payload)));
        goes_on_after_request(step.data);
        tell_of_a_second(step, *fulfillment);
    }
    std::string numbers;
    for (Shipment& shipment : news.new_shipments) {
        numbers += (numbers.empty() ? "" : ", ") + shipment.tracking_number;
        fulfillment->shipments.push_back(std::move(shipment));
    }
    for (const std::string& id : news.delivered) {
        if (Shipment* shipment = shipment_of(step.data, id)) shipment->delivered = true;
    }
    if (given_up) leave_unserved(step, "goods that were given up have left the warehouse: " + numbers);
    // Also those whose telling failed before: the way on is open again.
    tell_store_of_all(step);
    json skus = json::array();
    for (const auto& [sku_id, quantity] : news.shipped_skus)
        skus.push_back({{"sku_id", sku_id}, {"quantity", quantity}});
    // The ledger counts of them what it holds for the part, and no more.
    for (const auto& [sku_id, quantity] : news.beyond_wanted)
        skus.push_back({{"sku_id", sku_id}, {"quantity", quantity}});
    effect_on_part(step, "Ship", fulfillment->part, {{"skus", std::move(skus)}, {"shipments", numbers}});
    step.data.deliver_by = step.now + step.settings.delivery_assumed;
    add_note(step, "shipped: " + numbers);
    if (becomes_the_part_again) part_with_the_rest(step, fulfillment->part);
    // A part that can still be called back is not concerned by an earlier one's shipment.
    const bool newest_goes = fulfillment->part == step.data.newest_part();
    if ((step.data.stop_wanted || step.data.edit) && (newest_goes || step.data.everything_shipped()))
        step.decision.note += "; " + give_up_going_back(step);
    if (step.data.everything_shipped()) step.decision.closes_incident = true;
}

void ship_unasked(OrderStep& step, Payload payload) {
    const std::string asks = step.decision.note;
    ship(step, payload);
    step.decision.note = asks + "; " + step.decision.note;
    step.decision.closes_incident = false;
    if (step.data.everything_shipped()) step.data.resume = "Shipped";
}

void note_delivery(OrderStep& step, Payload payload) {
    ViewNews news = news_of(step.data, payload.at("view"));
    std::string ids;
    for (const std::string& id : news.delivered) {
        if (Shipment* shipment = shipment_of(step.data, id)) shipment->delivered = true;
        ids += (ids.empty() ? "" : ", ") + id;
    }
    step.decision.note = "delivered: " + ids;
}

void note_store_fulfilled(OrderStep& step, Payload payload) {
    std::string id = fulfillment_id_in(payload);
    if (Shipment* shipment = shipment_of(step.data, text_in(payload, "shipment_id"))) shipment->store_fulfillment = id;
    step.decision.note = "the store knows the shipment: " + id;
}

void assume_delivery(OrderStep& step, Payload) {
    step.decision.note = "nobody reported the delivery; taken for delivered";
    step.decision.closes_incident = true;
    if (!step.data.everything_told()) step.decision.incident = "the store was never told of a shipment";
}

void watch(OrderStep& step, Payload) {
    for (const Fulfillment& fulfillment : step.data.fulfillments) {
        if (!is_there(fulfillment)) continue;
        command(
            step, activity::find_fulfillment, warehouse_lane(step.data), "watch:" + fulfillment.reference,
            {{"warehouse", step.data.warehouse}, {"reference", fulfillment.reference}});
    }
}

void resume_watching(OrderStep& step, Payload payload) {
    watch(step, payload);
    tell_store_of_all(step);
    step.decision.closes_incident = true;
    const Fulfillment* current = step.data.current();
    if (!is_before_request(current) && !(current != nullptr && current->state == "wanted")) return;
    if (step.data.edit && order_guards::unsent(step, payload)) {
        const std::vector<SagaLine> edited = *std::exchange(step.data.edit, std::nullopt);
        if (change_newest_part(step, edited)) return;
    }
    if (current->state != "backordered" && !request_under_way(step)) request(step);
}

void await_channels_back(OrderStep& step, Payload) {
    start_waiting(step);
}

void settle_store_order(OrderStep& step, Payload) {
    const OrderData& data = step.data;
    std::string policy = data.order_policy == "cancel_and_refund" ? "cancel_and_refund" : "hold_and_tell";
    command(
        step, activity::settle_store_order, store_lane(data), "settle:" + data.order_id,
        {{"store", data.store},
         {"order_id", data.order_id},
         {"policy", policy},
         {"reason", data.cause},
         {"tag", data.final_state == "OutOfStock" ? "ordersaga-out-of-stock" : "ordersaga-not-shipped"},
         {"handle", "ordersaga-" + data.order_id}});
    effect(step, "StopWaiting");
    schedule_late_checks(step, step.data.current());
}

void finish_back(OrderStep& step, Payload payload) {
    if (payload.contains("how")) step.decision.note = "the store's order is " + text_in(payload, "how");
    if (step.decision.note.empty()) step.decision.note = step.data.cause;
    effect(step, "StopWaiting");
    schedule_late_checks(step, step.data.current());
    // An expired hold stays visible: somebody must look at the order.
    if (step.data.cause != "hold expired") step.decision.closes_incident = true;
}

void finish(OrderStep& step, Payload payload) {
    if (payload.contains("fulfillment_id")) note_store_fulfilled(step, payload);
    if (payload.contains("view")) note_delivery(step, payload);
    step.decision.closes_incident = true;
}

void finish_empty(OrderStep& step, Payload) {
    step.decision.note = "nothing to ship";
    step.decision.closes_incident = true;
}

void ask_operator(OrderStep& step, Payload payload) {
    if (step.saga.state != "Compensated") step.data.resume = step.saga.state == "OnHold" ? "Received" : step.saga.state;
    Fulfillment* asked = fulfillment_in(step.data, payload);
    // Who says that it has this reference with other content has it, and may send it.
    const bool perhaps = payload.value("unknown", false) || order_guards::conflict(step, payload);
    if (asked != nullptr && asked->state == "wanted" && perhaps) asked->perhaps_exists = true;
    // The late cancel came too late: a person has to call it back, asking the warehouse again would not help.
    if (step.saga.state == "Compensated" && asked != nullptr) asked->state = "beyond_recall";
    std::string reason = text_in(payload, "reason");
    if (payload.contains("messages")) reason += payload.at("messages").dump();
    if (payload.contains("short")) reason += payload.at("short").dump();
    const bool in_doubt = asked != nullptr && payload.value("unknown", false);
    step.data.asked_about = in_doubt ? asked->reference : "";
    step.decision.incident = reason.empty() ? "a person must decide" : reason;
    step.decision.note = "needs a person: " + *step.decision.incident;
    effect(step, "StopWaiting");
}

void ask_operator_unsent(OrderStep& step, Payload payload) {
    withdraw_forward(step);
    ask_operator(step, payload);
}

void retry_store_fulfillments(OrderStep& step, Payload) {
    tell_store_of_all(step);
    step.decision.closes_incident = true;
    if (step.data.edit) step.decision.note = give_up_going_back(step);
}

void retry_cancel(OrderStep& step, Payload) {
    ask_to_cancel(step);
    step.decision.closes_incident = true;
}

void cancel_late_found(OrderStep& step, Payload payload) {
    step.decision.incident = "an order that was given up exists at the warehouse; it is being cancelled";
    step.decision.note = *step.decision.incident;
    // Nothing that goes well with the other parts may close it. It is said once, however often the cancel is tried.
    std::vector<std::string>& unserved = step.data.unserved;
    const bool told = std::find(unserved.begin(), unserved.end(), *step.decision.incident) != unserved.end();
    if (step.saga.state != "Compensated" && !told) unserved.push_back(*step.decision.incident);
    std::string reference = text_in(payload.at("view"), "reference");
    command(
        step, activity::cancel_fulfillment, warehouse_lane(step.data), "cancel-late:" + reference,
        {{"warehouse", step.data.warehouse},
         {"reference", reference},
         {"warehouse_order_id", text_in(payload.at("view"), "warehouse_order_id")}});
}

void add_part(OrderStep& step, Payload payload) {
    std::vector<SagaLine> edited = lines_in(payload);
    bool less = wants_less(step.data.lines, edited);
    if (add_next_part(step, edited)) add_note(step, "what was added is sent by itself");
    if (less) add_note(step, "too late to take anything away: the goods have left");
}

void change_part(OrderStep& step, Payload payload) {
    if (order_guards::sent(step, payload)) return remember_edit(step, payload);
    change_newest_part(step, lines_in(payload));
}

void await_part(OrderStep& step, Payload payload) {
    const Fulfillment* current = step.data.current();
    if (!step.data.added.empty()) {
        take_added(step.data);
    } else if (current == nullptr || current->state != "backordered") {
        return note_late(step, payload);
    }
    reserve_part(step);
    step.decision.note = "part " + std::to_string(step.data.newest_part()) + " of the order has its stock";
}

void queue_part(OrderStep& step, Payload payload) {
    if (step.data.added.empty()) return note_late(step, payload);
    take_added(step.data);
    Fulfillment& fulfillment = open_fulfillment(step, step.data.newest_part());
    fulfillment.state = "backordered";
    claim_reference(step, fulfillment);
    step.decision.note = "what was added waits for stock: " + payload.value("short", json::array()).dump();
}

void queue_or_refuse_part(OrderStep& step, Payload payload) {
    if (order_guards::may_wait(step, payload)) return queue_part(step, payload);
    refuse_part(step, payload);
}

// What the newest part had before a change that cannot be served goes out as it was.
void refuse_part(OrderStep& step, Payload payload) {
    OrderData& data = step.data;
    if (data.added.empty()) return note_late(step, payload);
    std::vector<SagaLine> added = std::exchange(data.added, {});
    leave_unserved(
        step, "added too late and not to be had: " + named(added) + " " + payload.value("short", json::array()).dump());
    const Fulfillment* current = data.current();
    if (current == nullptr || current->part != added.front().of_part) return;
    if (current->state == "backordered") {
        const int part = current->part;
        data.current()->state = "cancelled";  // it had nothing yet, and has left the queue
        drop_part(step, part);
    } else {
        keep_part(step);
    }
}

void request_part(OrderStep& step, Payload payload) {
    const Fulfillment* current = step.data.current();
    if (current == nullptr || current->state != "reserved") return note_late(step, payload);
    request_fulfillment(step, payload);
}

void request_part_with_debt(OrderStep& step, Payload payload) {
    const Fulfillment* current = step.data.current();
    if (current == nullptr || current->state != "reserved") return note_late(step, payload);
    request_with_debt(step, payload);
}

void commit_part(OrderStep& step, Payload payload) {
    const Fulfillment* asked = fulfillment_in(step.data, payload);
    if (asked == nullptr || asked->state != "wanted") return note_late(step, payload);
    commit_stock(step, payload);
}

void drop_refused_part(OrderStep& step, Payload payload) {
    Fulfillment* refused = fulfillment_in(step.data, payload);
    if (refused == nullptr || refused->state != "wanted") return note_late(step, payload);
    refused->state = "refused";
    leave_unserved(
        step, "the warehouse refused what was added: " + named(step.data.lines_of(refused->part)) + " " +
                  payload.value("messages", json::array()).dump());
    const bool last = !step.data.has_lines_beside(refused->part);
    go_back_with_last(step, refused->part, "refused by the warehouse");
    drop_part(step, refused->part);
    if (!order_guards::stop_wanted(step, payload)) return;
    if (!last) return add_note(step, give_up_going_back(step));
    // The order ends here, and with it what it was to become.
    if (step.data.edit) effect_on_part(step, "Trust", refused->part);
    step.data.edit.reset();
    step.data.stop_wanted = false;
}

void drop_lost_part(OrderStep& step, Payload payload) {
    Fulfillment* lost = fulfillment_in(step.data, payload);
    if (lost == nullptr) return;
    lost->state = "cancelled";
    leave_unserved(step, "the warehouse cancelled a part of the order: " + named(step.data.lines_of(lost->part)));
    drop_part(step, lost->part);
}

// One of several parts is cancelled at the warehouse: so is the next, until one cannot be called back any more.
void cancel_next_part(OrderStep& step, Payload payload) {
    Fulfillment* cancelled = fulfillment_in(step.data, payload);
    if (cancelled == nullptr) return;
    end_of_cancelled(step, *cancelled, payload);
    remember_what_was_sold(step);
    drop_part(step, cancelled->part);
    ask_to_cancel(step);
    step.decision.note = "what was added is cancelled; the warehouse is asked for the part before it";
}

void change_cancelled_part(OrderStep& step, Payload payload) {
    OrderData& data = step.data;
    Fulfillment* cancelled = fulfillment_in(data, payload);
    if (cancelled == nullptr) return;
    const int part = cancelled->part;
    end_of_cancelled(step, *cancelled, payload);
    std::vector<SagaLine> edited = *std::exchange(data.edit, std::nullopt);
    std::vector<SagaLine> share = share_of_part(data, edited, part);
    if (share.empty()) {
        drop_part(step, part);
        step.decision.note = "what was added is cancelled";
    } else {
        effect_on_part(step, "Retake", part);
        step.decision.note = "cancelled at the warehouse; the changed part is requested anew";
        if (!ask_for_stock_of_part(step, "Exchange", std::move(share))) keep_part(step);
    }
}

void note_part_dropped(OrderStep& step, Payload) {
    step.decision.note = "the other parts go on";
}

void note_too_late(OrderStep& step, Payload payload) {
    step.decision.note = "too late: the goods have left";
    if (payload.contains("lines")) {
        std::vector<SagaLine> added = share_of_part(step.data, lines_in(payload), step.data.next_part());
        if (!added.empty()) leave_unserved(step, "added when the order was done: " + named(added));
    }
    std::string by = text_in(payload, "by");
    if (by == "operator") step.decision.note += "; arrange a return instead";
}

// Whether our cancel or the warehouse itself did it, the cancel's outcome tells; when that says nothing, this does.
void note_cancelled_there(OrderStep& step, Payload payload) {
    Fulfillment* shown = step.data.of_reference(text_in(payload.at("view"), "reference"));
    if (shown != nullptr) shown->seen_cancelled = true;
    step.decision.note = "the warehouse shows it as cancelled";
}

// A person was asked for another reason; what has become of the request is looked for when he has spoken.
void note_request_in_doubt(OrderStep& step, Payload payload) {
    Fulfillment* asked = fulfillment_in(step.data, payload);
    if (asked == nullptr || asked->state != "wanted") return note_late(step, payload);
    if (payload.value("unknown", false) || payload.value("conflict", false)) asked->perhaps_exists = true;
    step.decision.note = text_in(payload, "reason");
}

void note_request_refused(OrderStep& step, Payload payload) {
    if (order_guards::conflict(step, payload)) return note_request_in_doubt(step, payload);
    drop_refused_part(step, payload);
}

void note_late(OrderStep& step, Payload) {
    step.decision.note = "late or repeated: nothing to do";
}

// The order was given up, and its store goes on selling in it. Nothing is reserved for that: somebody has to know.
void tell_of_addition(OrderStep& step, Payload payload) {
    std::vector<SagaLine> edited = lines_in(payload);
    // An order that ended because nothing was left of it has nothing yet, whatever it wanted before.
    const bool was_emptied = step.data.cancel_by == "refunded";
    if (!was_emptied && !wants_less(edited, step.data.lines)) return note_late(step, payload);
    std::erase_if(edited, [](const SagaLine& line) { return line.wanted == 0; });
    if (edited.empty()) return note_late(step, payload);
    leave_unserved(step, "added after the order was given up: " + named(edited));
}

void note_paid(OrderStep& step, Payload) {
    step.data.paid = true;
    drop_hold(step.data, "unpaid");
    step.decision.note = "paid";
}

}  // namespace order_actions
}  // namespace ordersaga::sagas
