#include "sagas/order_actions.hpp"

#include "sagas/activities.hpp"

#include <algorithm>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

bool has_hold(const OrderData& data, std::string_view reason) {
    return std::find(data.holds.begin(), data.holds.end(), reason) != data.holds.end();
}

void add_hold(OrderData& data, const std::string& reason) {
    if (!has_hold(data, reason)) data.holds.push_back(reason);
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
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
                {{"line_id", line.line_id}, {"sku_id", part.sku_id}, {"quantity", line.wanted * part.per_unit}});
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
    // The same command again (an operator's retry) is a new row; a key may only be open once.
    for (const OpenCommand& open : step.saga.open_commands) {
        if (open.idempotency_key == key) return;
    }
    step.decision.commands.push_back({std::string(activity), lane, key, std::move(payload), delay});
}

void start_waiting(OrderStep& step) {
    step.data.wait_until = step.now + std::chrono::milliseconds(step.data.channel_wait_ms);
    effect(step, "WaitForChannels");
}

// The fulfilment to ask for: the open one, or the next generation after a confirmed cancel.
Fulfillment& fulfillment_to_request(OrderStep& step) {
    OrderData& data = step.data;
    const Fulfillment* last = data.current();
    if (last != nullptr && last->state != "cancelled") return *data.current();
    Fulfillment next;
    next.part = 1;
    next.generation = last == nullptr ? 1 : last->generation + 1;
    next.reference =
        data.store + "." + data.order_id + "." + std::to_string(next.part) + "." + std::to_string(next.generation);
    next.request_key = step.saga.saga_id + "." + std::to_string(next.generation);
    next.state = "wanted";
    data.fulfillments.push_back(std::move(next));
    return data.fulfillments.back();
}

void request(OrderStep& step) {
    OrderData& data = step.data;
    Fulfillment& wanted = fulfillment_to_request(step);
    wanted.state = "wanted";
    json lines = json::array();
    for (const SagaLine& line : data.lines) {
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
         {"recipient", data.recipient},
         {"lines", std::move(lines)},
         {"lookup_first", wanted.perhaps_exists},
         {"tags",
          json::array(
              {{{"name", "saga"}, {"value", step.saga.saga_id}}, {{"name", "store"}, {"value", data.store}}})}});
    step.decision.effects.push_back({"UseReference", {{"reference", wanted.reference}}});
    step.decision.closes_incident = true;
}

void ask_to_cancel(OrderStep& step) {
    const Fulfillment* current = step.data.current();
    if (current == nullptr) return;
    command(
        step, activity::cancel_fulfillment, warehouse_lane(step.data), "cancel:" + current->reference,
        {{"warehouse", step.data.warehouse},
         {"reference", current->reference},
         {"warehouse_order_id", current->warehouse_order_id}});
}

void withdraw_forward(OrderStep& step) {
    for (const OpenCommand& open : step.saga.open_commands) {
        if (open.activity == activity::request_fulfillment && !open.perhaps_applied) {
            step.decision.withdraw.push_back(open.command_id);
        }
    }
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
void schedule_late_checks(OrderStep& step) {
    const Fulfillment* current = step.data.current();
    if (current == nullptr || !current->perhaps_exists) return;
    int number = 0;
    for (Duration delay : step.settings.late_checks) {
        command(
            step, activity::find_fulfillment, warehouse_lane(step.data),
            "late-check:" + current->reference + ":" + std::to_string(++number),
            {{"warehouse", step.data.warehouse}, {"reference", current->reference}}, delay);
    }
}

void tell_store(OrderStep& step, Shipment& shipment) {
    if (!shipment.store_fulfillment.empty()) return;
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

// The goods have left, or nearly: a cancel or an edit that waited is void, and whoever asked for it is told.
std::string give_up_going_back(OrderStep& step) {
    bool edited = step.data.edit.has_value() && !step.data.stop_wanted;
    step.data.stop_wanted = false;
    step.data.edit.reset();
    step.decision.announcements.push_back(
        {"orders.cancel_too_late." + step.data.store,
         {{"schema", 1},
          {"saga_id", step.saga.saga_id},
          {"store", step.data.store},
          {"order_id", step.data.order_id},
          {"order_name", step.data.name},
          {"asked_by", step.data.cancel_by},
          {"at", runtime::format_rfc3339(step.now)}}});
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

bool resumes(const OrderStep& step, std::string_view state) {
    return step.data.resume == state;
}

std::vector<SagaLine> lines_in(const json& payload) {
    std::vector<SagaLine> lines;
    for (const json& line : payload.at("lines"))
        lines.push_back(saga_line_from_json(line));
    return lines;
}

// A store that names no id has still been told.
std::string fulfillment_id_in(const json& payload) {
    std::string id = text_in(payload, "fulfillment_id");
    return id.empty() ? "done" : id;
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

// Which hold an event takes away: payment the unpaid one; an operator's release the one named, else his own.
std::vector<std::string> holds_after(const OrderStep& step, const json& payload) {
    OrderData data = step.data;
    bool paid = payload.value("paid", false);
    drop_hold(data, paid ? "unpaid" : hold_released(data, payload));
    return data.holds;
}

}  // namespace

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
    return std::any_of(step.saga.open_commands.begin(), step.saga.open_commands.end(), [](const OpenCommand& open) {
        return open.activity == activity::request_fulfillment && open.perhaps_applied;
    });
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
    return payload.value("conflict", false);
}
bool plainly_refused(const OrderStep&, Payload payload) {
    return !payload.value("conflict", false);
}

bool edit_wanted(const OrderStep& step, Payload) {
    if (step.data.stop_wanted || !step.data.edit) return false;
    return std::any_of(
        step.data.edit->begin(), step.data.edit->end(), [](const SagaLine& line) { return line.wanted > 0; });
}
bool end_wanted(const OrderStep& step, Payload payload) {
    return !edit_wanted(step, payload);
}

bool all_shipped(const OrderStep& step, Payload payload) {
    return after_view(step, payload).everything_shipped();
}
bool partly_shipped(const OrderStep& step, Payload payload) {
    return !all_shipped(step, payload);
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
    return resumes_before_reserving(step) && !step.data.edit && step.data.nothing_wanted();
}
bool retry_received(const OrderStep& step, Payload payload) {
    if (resumes_before_reserving(step)) return !retry_empty(step, payload);
    bool nothing_left =
        resumes(step, "Reserved") || (resumes(step, "ChannelsSynced") && never_at_warehouse(step, payload));
    return step.data.edit.has_value() && nothing_left;
}
bool retry_reserved(const OrderStep& step, Payload payload) {
    return resumes(step, "Reserved") && !retry_received(step, payload);
}
bool retry_synced(const OrderStep& step, Payload payload) {
    return resumes(step, "ChannelsSynced") && !retry_received(step, payload);
}
bool retry_requested(const OrderStep& step, Payload) {
    return resumes(step, "FulfillmentRequested") && !step.data.edit;
}
bool retry_shipped(const OrderStep& step, Payload) {
    return resumes(step, "Shipped");
}
bool retry_cancelling(const OrderStep& step, Payload) {
    return resumes(step, "CancellingFulfillment") || (resumes(step, "FulfillmentRequested") && step.data.edit);
}
bool retry_settling(const OrderStep& step, Payload) {
    return resumes(step, "SettlingOrder");
}

bool perhaps_at_warehouse(const OrderStep& step, Payload payload) {
    const Fulfillment* current = step.data.current();
    if (current == nullptr || current->state == "cancelled" || current->state == "refused") return false;
    if (goods_left(step, payload)) return false;
    return current->state == "accepted" || current->perhaps_exists || sent(step, payload);
}
bool goods_left(const OrderStep& step, Payload) {
    const Fulfillment* current = step.data.current();
    return current != nullptr && !current->shipments.empty() && step.data.everything_shipped();
}
bool never_at_warehouse(const OrderStep& step, Payload payload) {
    return !perhaps_at_warehouse(step, payload) && !goods_left(step, payload);
}

}  // namespace order_guards

// ---------------------------------------------------------------------------------------------------------------------

namespace order_actions {

void reserve(OrderStep& step, Payload) {
    effect(step, "Reserve");
}

void reserve_with_what_we_know(OrderStep& step, Payload) {
    effect(step, "Reserve", {{"without_reading", true}});
}

void exchange(OrderStep& step, Payload payload) {
    withdraw_forward(step);
    step.data.lines = lines_in(payload);
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
    step.decision.note = "on hold: " + joined(step.data.holds);
}

void hold_unmapped(OrderStep& step, Payload) {
    step.data.resume = "Received";
    step.data.hold_until = step.now + std::chrono::milliseconds(step.data.hold_expiry_ms);
    step.decision.note = "on hold: " + joined(step.data.holds);
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
    step.data.holds = holds_after(step, payload);
    if (payload.value("paid", false)) step.data.paid = true;
    step.decision.note = "still on hold: " + joined(step.data.holds);
}

void release_hold_early(OrderStep& step, Payload payload) {
    drop_hold(step.data, hold_released(step.data, payload));
    step.decision.note = step.data.holds.empty() ? "no hold is left" : "will be held: " + joined(step.data.holds);
}

void expire_hold(OrderStep& step, Payload) {
    step.data.cause = "hold expired";
    step.data.settle_store_order = true;
    step.decision.incident = "the hold expired: " + joined(step.data.holds);
    step.decision.note = "held for too long (" + joined(step.data.holds) + "): the stock is given back";
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
    step.data.holds = step.saga.state == "OnHold" ? holds_after(step, payload) : step.data.holds;
    if (payload.value("paid", false)) step.data.paid = true;
    step.data.resume.clear();
    if (payload.contains("lines")) {
        step.data.lines = lines_in(payload);
    } else if (step.data.edit) {
        step.data.lines = *step.data.edit;
    }
    step.data.edit.reset();
    step.decision.closes_incident = true;
    effect(step, "Exchange");
}

void resume_waiting(OrderStep& step, Payload payload) {
    if (step.saga.state == "OnHold") step.data.holds = holds_after(step, payload);
    if (payload.value("paid", false)) step.data.paid = true;
    step.data.resume.clear();
    step.decision.closes_incident = true;
    start_waiting(step);
}

void resume_requesting(OrderStep& step, Payload payload) {
    if (step.saga.state == "OnHold") step.data.holds = holds_after(step, payload);
    if (payload.value("paid", false)) step.data.paid = true;
    step.data.resume.clear();
    request(step);
}

void commit_stock(OrderStep& step, Payload payload) {
    Fulfillment* current = step.data.current();
    if (current != nullptr) {
        current->state = "accepted";
        current->perhaps_exists = false;
        if (payload.contains("view")) current->warehouse_order_id = text_in(payload.at("view"), "warehouse_order_id");
        step.decision.note = "warehouse order " + current->warehouse_order_id;
    }
    step.decision.closes_incident = true;
    effect(step, "Commit");
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
    Fulfillment* current = step.data.current();
    bool found = payload.value("found", true);
    if (current != nullptr) {
        // "Not found" ends it for us; if the request itself was in doubt, someone keeps looking.
        current->perhaps_exists = !found;
        current->state = "cancelled";
    }
    step.decision.note = found ? "the warehouse has cancelled it" : "the warehouse has no such order";
    if (step.data.cause.empty()) step.data.cause = "the changed order wants nothing";
    step.decision.closes_incident = true;
    give_back(step);
}

void replace_fulfillment(OrderStep& step, Payload payload) {
    if (Fulfillment* current = step.data.current()) {
        current->perhaps_exists = !payload.value("found", true);
        current->state = "cancelled";
    }
    effect(step, "Retake");  // of the lines as they were requested
    step.data.lines = *step.data.edit;
    step.data.edit.reset();
    effect(step, "Exchange");
    step.decision.note = "cancelled at the warehouse; the changed order is requested anew";
}

void remember_cancel(OrderStep& step, Payload payload) {
    note_cancel(step, payload);
    if (step.saga.state == "ChannelsSynced" || step.saga.state == "CancellingFulfillment") step.data.stop_wanted = true;
    step.decision.note += " (applied when the command under way has its outcome)";
}

void remember_edit(OrderStep& step, Payload payload) {
    step.data.edit = lines_in(payload);
    step.decision.note = step.saga.state == "NeedsOperator"
                             ? "the order was changed (applied when a person lets it go on)"
                             : "the order was changed (applied when the command under way has its outcome)";
}

void cancel_fulfillment(OrderStep& step, Payload payload) {
    note_cancel(step, payload);
    step.data.stop_wanted = true;
    ask_to_cancel(step);
}

void cancel_for_edit(OrderStep& step, Payload payload) {
    step.data.edit = lines_in(payload);
    ask_to_cancel(step);
    step.decision.note = "the order was changed: cancel, then request the rest anew";
}

void go_forward_too_late(OrderStep& step, Payload payload) {
    // What cannot be cancelled any more was accepted, also when nobody has heard of it before.
    if (const Fulfillment* current = step.data.current(); current != nullptr && current->state != "accepted")
        commit_stock(step, payload);
    step.decision.note = give_up_going_back(step);
    // Look at once: what made it too late is probably a shipment.
    watch(step, json::object());
}

void ship(OrderStep& step, Payload payload) {
    ViewNews news = news_of(step.data, payload.at("view"));
    book_shipments(step.data, news);
    std::string reference = text_in(payload.at("view"), "reference");
    Fulfillment* fulfillment = nullptr;
    for (Fulfillment& known : step.data.fulfillments) {
        if (known.reference == reference) fulfillment = &known;
    }
    if (fulfillment == nullptr) return;
    // Seen shipped before its acceptance was heard of: the acceptance is part of this fact.
    if (fulfillment->state != "accepted") {
        fulfillment->state = "accepted";
        fulfillment->perhaps_exists = false;
        fulfillment->warehouse_order_id = text_in(payload.at("view"), "warehouse_order_id");
        effect(step, "Commit");
    }
    std::string numbers;
    for (Shipment& shipment : news.new_shipments) {
        numbers += (numbers.empty() ? "" : ", ") + shipment.tracking_number;
        fulfillment->shipments.push_back(std::move(shipment));
    }
    for (const std::string& id : news.delivered) {
        if (Shipment* shipment = shipment_of(step.data, id)) shipment->delivered = true;
    }
    // Also those whose telling failed before: the way on is open again.
    tell_store_of_all(step);
    json skus = json::array();
    for (const auto& [sku_id, quantity] : news.shipped_skus)
        skus.push_back({{"sku_id", sku_id}, {"quantity", quantity}});
    effect(step, "Ship", {{"skus", std::move(skus)}, {"shipments", numbers}});
    step.data.deliver_by = step.now + step.settings.delivery_assumed;
    step.decision.note = "shipped: " + numbers;
    if (step.data.stop_wanted || step.data.edit) step.decision.note += "; " + give_up_going_back(step);
    if (step.data.everything_shipped()) step.decision.closes_incident = true;
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
    const Fulfillment* current = step.data.current();
    if (current == nullptr) return;
    command(
        step, activity::find_fulfillment, warehouse_lane(step.data), "watch:" + current->reference,
        {{"warehouse", step.data.warehouse}, {"reference", current->reference}});
}

void resume_watching(OrderStep& step, Payload payload) {
    watch(step, payload);
    tell_store_of_all(step);
    step.decision.closes_incident = true;
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
    schedule_late_checks(step);
}

void finish_back(OrderStep& step, Payload payload) {
    if (payload.contains("how")) step.decision.note = "the store's order is " + text_in(payload, "how");
    if (step.decision.note.empty()) step.decision.note = step.data.cause;
    effect(step, "StopWaiting");
    schedule_late_checks(step);
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
    if (step.saga.state != "Compensated") step.data.resume = step.saga.state;
    if (step.saga.state == "OnHold" && !step.data.resume.empty()) step.data.resume = "Received";
    Fulfillment* current = step.data.current();
    if (step.saga.state == "ChannelsSynced" && current != nullptr && payload.value("unknown", false)) {
        current->perhaps_exists = true;
    }
    // The late cancel came too late: a person has to call it back, asking the warehouse again would not help.
    if (step.saga.state == "Compensated" && current != nullptr) current->state = "beyond_recall";
    std::string reason = text_in(payload, "reason");
    if (payload.contains("messages")) reason += payload.at("messages").dump();
    if (payload.contains("short")) reason += payload.at("short").dump();
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
}

void retry_cancel(OrderStep& step, Payload) {
    ask_to_cancel(step);
    step.decision.closes_incident = true;
}

void cancel_late_found(OrderStep& step, Payload payload) {
    step.decision.incident = "an order that was given up exists at the warehouse; it is being cancelled";
    step.decision.note = *step.decision.incident;
    std::string reference = text_in(payload.at("view"), "reference");
    command(
        step, activity::cancel_fulfillment, warehouse_lane(step.data), "cancel-late:" + reference,
        {{"warehouse", step.data.warehouse},
         {"reference", reference},
         {"warehouse_order_id", text_in(payload.at("view"), "warehouse_order_id")}});
}

void note_too_late(OrderStep& step, Payload payload) {
    step.decision.note = "too late: the goods have left";
    std::string by = text_in(payload, "by");
    if (by == "operator") step.decision.note += "; arrange a return instead";
}

void note_late(OrderStep& step, Payload) {
    step.decision.note = "late or repeated: nothing to do";
}

void note_paid(OrderStep& step, Payload) {
    step.data.paid = true;
    drop_hold(step.data, "unpaid");
    step.decision.note = "paid";
}

}  // namespace order_actions
}  // namespace ordersaga::sagas
