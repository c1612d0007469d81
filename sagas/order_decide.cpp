// What facts mean to an order saga, and the decision around its table (order_saga.cpp).

#include "runtime/planted.hpp"
#include "runtime/text.hpp"
#include "sagas/activities.hpp"
#include "sagas/found_fulfillments.hpp"
#include "sagas/order_actions.hpp"
#include "sagas/order_saga.hpp"

#include <algorithm>
#include <stdexcept>

namespace ordersaga::sagas {
namespace {

using Payload = const nlohmann::json&;

bool waits_for_channels(const std::string& state, const OrderData& data) {
    if (state == "FulfillmentRequested") return data.current() != nullptr && data.current()->state == "reserved";
    return state == "Reserved" || state == "RevertingChannels";
}

bool is_request(const OpenCommand& open) {
    return open.activity == activity::request_fulfillment;
}

// A change or a cancel waits for the outcome of a request that may still be under way, or until it surely is not.
bool waits_for_request(const std::string& state, const OrderData& data, const SagaSnapshot& saga) {
    const bool asks = state == "ChannelsSynced" || state == "FulfillmentRequested";
    return asks && (data.stop_wanted || data.edit) &&
           std::any_of(saga.open_commands.begin(), saga.open_commands.end(), is_request);
}

// As it came when it had to wait.
std::string what_waited(OrderData& data, nlohmann::json& payload) {
    if (data.stop_wanted) {
        payload = {{"by", data.cancel_by}, {"reason", data.cancel_reason}};
        return "CancelRequested";
    }
    const std::vector<SagaLine> edited = *std::exchange(data.edit, std::nullopt);
    nlohmann::json lines = nlohmann::json::array();
    for (const SagaLine& line : edited)
        lines.push_back(to_json(line));
    payload = {{"lines", std::move(lines)}};
    return "OrderChanged";
}

Instant look_after_request(const SagaSnapshot& saga, Instant now) {
    for (const OpenCommand& open : saga.open_commands) {
        if (is_request(open) && open.perhaps_until && *open.perhaps_until > now) return *open.perhaps_until;
    }
    return now + std::chrono::seconds(30);
}

// What a timer means depends on the state; empty: nothing has come due.
std::string meaning_of_time(const std::string& state, const OrderData& data, Instant now) {
    if (state == "Received") return "StockReadWaitEnded";
    if (state == "OnHold" && data.hold_until && *data.hold_until <= now) return "HoldExpired";
    if (waits_for_channels(state, data) && (!data.wait_until || *data.wait_until <= now)) return "ChannelWaitEnded";
    if (state == "FulfillmentRequested") return "WatchDue";
    if (state == "Shipped" && data.deliver_by && *data.deliver_by <= now) return "DeliveryAssumed";
    return {};
}

using Units = std::map<std::string, std::int64_t>;  // by line id

Units units_of(const std::vector<SagaLine>& lines) {
    Units units;
    for (const SagaLine& line : lines)
        units[line.line_id] += line.wanted;
    return units;
}

Units wish_in(Payload payload) {
    std::vector<SagaLine> lines;
    for (Payload line : payload.at("lines"))
        lines.push_back(saga_line_from_json(line));
    return units_of(lines);
}

// A line of which nothing is wanted is as good as none.
Units wanted_in(Units units) {
    std::erase_if(units, [](const auto& entry) { return entry.second == 0; });
    return units;
}

// An order that changed wants other quantities than we know, or nothing at all; empty: it is known already, also when it
// came too late to be granted. Lines that are known keep what was shipped of them.
std::string meaning_of_change(const OrderData& data, nlohmann::json& payload) {
    const std::vector<SagaLine>& known_lines = data.edit ? *data.edit : data.lines;
    const Units wish = wanted_in(wish_in(payload));
    bool same = wish == wanted_in(data.wish.empty() ? units_of(known_lines) : data.wish);
    for (nlohmann::json& changed : payload.at("lines")) {
        SagaLine line = saga_line_from_json(changed);
        auto known = std::find_if(known_lines.begin(), known_lines.end(), [&](const SagaLine& other) {
            return other.line_id == line.line_id;
        });
        if (known == known_lines.end()) continue;
        bool now_mapped = known->parts.empty() && !line.parts.empty() && line.wanted > 0;
        same = same && !now_mapped;
        SagaLine merged = *known;
        merged.wanted = line.wanted;
        if (merged.parts.empty()) merged.parts = line.parts;
        changed = to_json(merged);
    }
    if (same) return {};
    if (!wish.empty()) return "OrderChanged";
    payload["by"] = "refunded";
    return "CancelRequested";
}

// Stores repeat our own fulfilments to us, often before the outcome of the call that made them. Told apart by the store's id,
// by the tracking number (one shipment may have become several fulfilments), or, for a shipment without a number, by our
// command that is under way.
bool is_ours(const OrderData& data, const std::vector<OpenCommand>& open_commands, Payload payload) {
    std::string id = payload.value("fulfillment_id", "");
    const nlohmann::json numbers = payload.value("tracking_numbers", nlohmann::json::array());
    auto is_told_by = [&](const Shipment& shipment) {
        if (!id.empty() && shipment.store_fulfillment == id) return true;
        if (!shipment.tracking_number.empty())
            return std::find(numbers.begin(), numbers.end(), shipment.tracking_number) != numbers.end();
        std::string key = tell_shipment_key(shipment);
        return std::any_of(open_commands.begin(), open_commands.end(), [&](const OpenCommand& open) {
            return open.idempotency_key == key;
        });
    };
    return std::any_of(data.fulfillments.begin(), data.fulfillments.end(), [&](const Fulfillment& fulfillment) {
        return std::any_of(fulfillment.shipments.begin(), fulfillment.shipments.end(), is_told_by);
    });
}

// What was given up while the order goes on: a late look at it, or its late cancel, is no affair of the parts that go on.
bool is_about_given_up(const std::string& state, const OrderData& data, Payload payload) {
    const Fulfillment* known = data.of_reference(payload.value("reference", ""));
    return state != "Compensated" && known != nullptr && known->state == "cancelled";
}

bool ends_a_cancel(const std::string& name) {
    return name == "FulfillmentCancelled" || name == "CancelTooLate" || name == "CancelFailed";
}

// Its part has left before it came to its end, and another part is being cancelled by now.
bool is_overtaken(const OrderData& data, Payload payload) {
    const Fulfillment* known = data.of_reference(payload.value("reference", ""));
    return known != nullptr && known != data.current() && !known->shipments.empty();
}

// An order that was given up stands at the warehouse, and nobody has tried to cancel it there yet.
bool needs_late_cancel(const OrderData& data, const std::vector<OpenCommand>& open_commands, Payload view) {
    if (!is_alive(view)) return false;
    for (const OpenCommand& open : open_commands) {
        if (open.activity == activity::cancel_fulfillment) return false;
    }
    std::string reference = view.value("reference", "");
    return std::any_of(data.fulfillments.begin(), data.fulfillments.end(), [&](const Fulfillment& fulfillment) {
        // A cancel that the warehouse confirmed stays one, whatever an older look says.
        bool ended =
            fulfillment.state == "beyond_recall" || (fulfillment.state == "cancelled" && !fulfillment.perhaps_exists);
        return fulfillment.reference == reference && !ended;
    });
}

// A part that went on without it, or was replaced, while nobody knew whether the warehouse has it.
bool is_given_up_in_doubt(const OrderData& data, Payload view) {
    const Fulfillment* known = data.of_reference(view.value("reference", ""));
    return known != nullptr && known->state == "cancelled" && known->perhaps_exists;
}

// The warehouse has what the saga has asked for, perhaps in a time that the database has forgotten.
bool is_accepted_unheard(const OrderData& data, Payload view) {
    const Fulfillment* known = data.of_reference(view.value("reference", ""));
    return known != nullptr && known->state == "wanted" && is_alive(view);
}

// The warehouse shows what it was not asked for any more, as far as we knew: its request had been taken back, and left all the
// same. What was taken for unsent may be on its way to the buyer, so a person looks before anything is sent.
bool is_there_unasked(const std::string& state, const OrderData& data, Payload view) {
    const bool before = state == "Received" || state == "OnHold" || state == "Backordered" || state == "Reserved";
    return before && is_accepted_unheard(data, view);
}

// Taken over from the time that a restored database has forgotten, and its own request, which looks first, is about to leave.
bool is_about_to_be_looked_at(const std::string& state, const OrderData& data, Payload view) {
    const Fulfillment* known = data.of_reference(view.value("reference", ""));
    return (state == "Received" || state == "Reserved") && known != nullptr && known->stands_already() &&
           is_alive(view);
}

// The row of the table that leads from here to a person; empty: there is none, and the incident alone must do.
std::string way_to_a_person(const std::string& state) {
    static const std::map<std::string, std::string> ways = {
        {"Received", "FulfilledElsewhere"},       {"Reserved", "FulfilledElsewhere"},
        {"OnHold", "FulfilledElsewhere"},         {"Backordered", "FulfilledElsewhere"},
        {"ChannelsSynced", "FulfillmentUnknown"}, {"FulfillmentRequested", "FulfillmentUnknown"},
        {"Shipped", "StoreFulfillmentFailed"},    {"CancellingFulfillment", "CancelFailed"},
        {"SettlingOrder", "OrderSettleFailed"}};
    auto way = ways.find(state);
    return way == ways.end() ? std::string() : way->second;
}

bool speaks_for_a_person(const Event& event) {
    if (event.name == "OperatorRetried") return true;
    const std::string by = event.payload.value("by", "operator");
    return event.name == "CancelRequested" && (by.empty() || by == "operator");
}

// Only what changes nothing at the warehouse.
bool is_heard_meanwhile(const std::string& event) {
    return event == "OrderChanged" || event == "OrderPaid" || event == "FulfillmentsUnclear";
}

// A person was asked whether the warehouse has it, and the warehouse says so.
bool answers_doubt(const std::string& state, const OrderData& data, Payload view) {
    return state == "NeedsOperator" && data.asked_about == view.value("reference", "");
}

// Once it goes back it goes on to its end; what was given up is looked for again there.
bool goes_back(const std::string& state, const OrderData& data) {
    return state == "ReleasingStock" || state == "RevertingChannels" || state == "SettlingOrder" ||
           (state == "NeedsOperator" && data.resume == "SettlingOrder");
}

// A person hears of it once, and nothing that goes well on the way back may close that.
bool tells_of_given_up(OrderStep& step, Payload view) {
    const std::string text = "an order that was given up exists at the warehouse";
    std::vector<std::string>& unserved = step.data.unserved;
    const bool told = std::find(unserved.begin(), unserved.end(), text) != unserved.end();
    if (told || !is_alive(view) || !is_given_up_in_doubt(step.data, view)) return false;
    unserved.push_back(text);
    step.decision.incident = step.decision.note = text;
    return true;
}

bool is_seen_cancelled(const OrderData& data) {
    const Fulfillment* current = data.current();
    return current != nullptr && current->seen_cancelled;
}

// The warehouse says that it has no such order, after it had accepted it. It may be wrong, or its list behind: who believed it
// would give away goods that leave tomorrow. So a person looks first; when it says the same again after that, it is the end.
Fulfillment* denied_for_the_first_time(OrderData& data, Payload payload) {
    if (payload.value("found", true) || runtime::planted("denial_believed_at_once")) return nullptr;
    Fulfillment* known = data.of_reference(payload.value("reference", ""));
    return known != nullptr && known->state == "accepted" && !known->perhaps_exists ? known : nullptr;
}

constexpr const char* other_system = "another system";

// As the warehouse would tell that all of the newest part has left; parts before it have gone, or there would be no other.
nlohmann::json view_of_all_shipped(const Fulfillment& current, const std::vector<SagaLine>& lines, Payload told) {
    nlohmann::json shipped = nlohmann::json::array();
    for (const SagaLine& line : lines) {
        for (const LinePart& part : line.parts) {
            const std::int64_t rest = line.wanted * part.per_unit - part.shipped;
            if (rest > 0)
                shipped.push_back(
                    {{"sku", part.sku}, {"warehouse_item_id", part.warehouse_item_id}, {"quantity", rest}});
        }
    }
    const nlohmann::json numbers = told.value("tracking_numbers", nlohmann::json::array());
    const nlohmann::json shipment = {
        {"id", current.reference + ".elsewhere"},
        {"state", "Shipped"},
        {"tracking_number", numbers.empty() ? std::string() : numbers.front().get<std::string>()},
        {"lines", std::move(shipped)}};
    return {
        {"reference", current.reference},
        {"warehouse_order_id", current.warehouse_order_id},
        {"state", "Shipped"},
        {"shipments", nlohmann::json::array({shipment})}};
}

// An observed order is sent by another system, and its store's word is all that we hear of it. Before it counts as requested
// it holds stock, or waits for it, in vain. Empty: nothing follows from it.
std::string meaning_of_sent_elsewhere(const std::string& state, const OrderData& data, nlohmann::json& payload) {
    if (!payload.value("everything", false)) return {};
    const Fulfillment* current = data.current();
    if (state == "FulfillmentRequested" && current != nullptr && current->state == "accepted") {
        payload = {{"view", view_of_all_shipped(*current, data.lines_of(current->part), payload)}};
        return "ShipmentReported";
    }
    const bool before = state == "Received" || state == "OnHold" || state == "Backordered" || state == "Reserved" ||
                        state == "ChannelsSynced" || state == "NeedsOperator";
    if (!before) return "FulfilledElsewhere";
    payload = {{"by", other_system}, {"reason", "it has sent the order itself"}};
    return "CancelRequested";
}

std::optional<Instant> next_look(
    const std::string& state,
    const OrderData& data,
    const OrderSagaSettings& settings,
    Instant now) {
    if (state == "Received") return now + settings.stock_read_wait;
    if (state == "OnHold") return data.hold_until.value_or(now + std::chrono::hours(1));
    if (waits_for_channels(state, data)) return data.wait_until.value_or(now);
    if (state == "FulfillmentRequested") return now + settings.watch_interval;
    if (state == "Shipped") return data.deliver_by.value_or(now + settings.delivery_assumed);
    if (state == "Backordered") return now + std::chrono::hours(1);
    if (state == "NeedsOperator") return now + std::chrono::hours(24);
    return now + std::chrono::minutes(10);
}

bool worth_announcing(const std::string& state) {
    static const std::vector<std::string> told = {"FulfillmentRequested", "Shipped",     "Completed",    "Backordered",
                                                  "OutOfStock",           "Compensated", "NeedsOperator"};
    return std::find(told.begin(), told.end(), state) != told.end();
}

// An incident about what will not be sent is closed by a person only; another one that was solved gives way to it.
void keep_unserved_open(OrderStep& step) {
    if (step.data.unserved.empty() || !step.decision.closes_incident) return;
    step.decision.closes_incident = false;
    if (step.saga.state == "NeedsOperator" && !step.decision.incident)
        step.decision.incident = step.data.unserved.back();
}

void announce_state(OrderStep& step, const std::string& from) {
    const std::string& state = step.decision.state;
    if (state == from || !worth_announcing(state)) return;
    step.decision.announcements.push_back(
        {"orders." + runtime::lower(state) + "." + step.data.store,
         {{"schema", 1},
          {"saga_id", step.saga.saga_id},
          {"store", step.data.store},
          {"order_id", step.data.order_id},
          {"order_name", step.data.name},
          {"state", state},
          {"from", from},
          {"cause", step.data.cause},
          {"at", runtime::format_rfc3339(step.now)}}});
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------

OrderSaga::OrderSaga(OrderSagaSettings settings) : settings_(std::move(settings)) {
    for (auto& [activity, policy] : default_policies())
        settings_.policies.emplace(activity, policy);
}

bool OrderSaga::is_final(std::string_view state) const {
    return state == "Completed" || state == "Compensated" || state == "OutOfStock";
}

bool OrderSaga::knows(std::string_view state) const {
    return std::find(states().begin(), states().end(), state) != states().end();
}

const ActivityPolicy& OrderSaga::policy_of(std::string_view activity) const {
    auto found = settings_.policies.find(activity);
    if (found == settings_.policies.end()) throw std::out_of_range("no policy for activity " + std::string(activity));
    return found->second;
}

Decision OrderSaga::decide(const SagaSnapshot& saga, const Event& event, Instant now) const {
    OrderStep step{saga, settings_, now, order_data_from_json(saga.data), {}};
    step.decision.state = saga.state;
    std::string name = event.name;
    nlohmann::json payload = event.payload;
    bool told_as_it_is = false;
    bool left_unasked = false;
    if (speaks_for_a_person(event)) step.data.unclear.clear();

    if (!step.data.unclear.empty() && !is_heard_meanwhile(name)) {
        name.clear();
        step.decision.silent = event.name != "TimeReached";
        step.decision.note = "a person must look first: " + step.data.unclear;
    } else if (name == "FulfillmentsUnclear" && adopt_first(step.data, saga.state, payload)) {
        name.clear();
        told_as_it_is = true;
        step.data.wait_until = now;
        step.decision.note = "the warehouse has it already, as a restored database found out";
    } else if (name == "FulfillmentsUnclear") {
        const std::string unclear = what_is_unclear(step.data, saga.state, payload);
        name = unclear.empty() ? std::string() : way_to_a_person(saga.state);
        step.decision.silent = unclear.empty();
        told_as_it_is = !unclear.empty() && name.empty();
        payload["reason"] = "the restored database does not account for what the warehouse has: " + unclear;
        const bool asks_already = is_final(saga.state) || saga.state == "NeedsOperator";
        if (told_as_it_is && !asks_already) step.data.unserved.push_back(unclear);
        if (told_as_it_is) step.decision.incident = payload.at("reason").get<std::string>();
        if (!is_final(saga.state)) step.data.unclear = unclear;
        if (!unclear.empty()) withdraw_forward(step);
    } else if (name == "TimeReached" && waits_for_request(saga.state, step.data, saga)) {
        // It is back, and its peer away: there will be no outcome for long.
        const bool back = order_guards::unsent(step, payload);
        name = back ? what_waited(step.data, payload) : std::string();
        step.decision.silent = !back;
        if (!back) step.decision.note = "still waiting";
    } else if (name == "TimeReached") {
        name = meaning_of_time(saga.state, step.data, now);
        if (name.empty()) step.decision.note = "still waiting";
    } else if (name == "OrderChanged") {
        name = meaning_of_change(step.data, payload);
        step.decision.silent = name.empty();
        if (name.empty()) step.decision.note = "the change is known";
    } else if (name == "FulfilledElsewhere" && step.data.observed) {
        name = meaning_of_sent_elsewhere(saga.state, step.data, payload);
        if (name.empty()) step.decision.note = "another system has begun to send it";
    } else if (name == "FulfilledElsewhere" && is_ours(step.data, saga.open_commands, payload)) {
        name.clear();
        step.decision.silent = true;
        step.decision.note = "the store repeats our own fulfilment";
    } else if (name == "FulfillmentMissing" && is_about_given_up(saga.state, step.data, payload)) {
        name.clear();
        step.decision.silent = true;
        step.decision.note = "the warehouse does not have what was cancelled";
    } else if (ends_a_cancel(name) && is_about_given_up(saga.state, step.data, payload)) {
        told_as_it_is = true;
        hear_of_late_cancel(step, name, payload);
    } else if (ends_a_cancel(name) && saga.state == "CancellingFulfillment" && is_overtaken(step.data, payload)) {
        name.clear();
        step.decision.silent = true;
        step.decision.note = "the cancel of a part that has left";
    } else if (name == "FulfillmentCancelled" && saga.state == "CancellingFulfillment") {
        if (Fulfillment* denied = denied_for_the_first_time(step.data, payload)) {
            denied->perhaps_exists = true;
            name = "CancelFailed";
            payload["reason"] = "the warehouse does not know the order that it had accepted: " + denied->reference;
        }
    } else if (name == "CancelFailed" && saga.state == "CancellingFulfillment" && is_seen_cancelled(step.data)) {
        name = "FulfillmentCancelled";
        payload["reference"] = step.data.current()->reference;
    } else if (name == "FulfillmentViewed") {
        ViewNews news = news_of(step.data, payload.at("view"));
        const bool back = goes_back(saga.state, step.data);
        const bool given_up = saga.state == "Compensated" || is_given_up_in_doubt(step.data, payload.at("view"));
        if (!back && given_up && needs_late_cancel(step.data, saga.open_commands, payload.at("view"))) {
            name = "LateFulfillmentFound";
            told_as_it_is = saga.state != "Compensated";
            if (told_as_it_is) order_actions::cancel_late_found(step, payload);
        } else if (back) {
            told_as_it_is = tells_of_given_up(step, payload.at("view"));
            name.clear();
            step.decision.silent = !told_as_it_is;
            if (!told_as_it_is) step.decision.note = "the warehouse tells nothing new of what was given up";
        } else if (is_about_to_be_looked_at(saga.state, step.data, payload.at("view"))) {
            name.clear();
            step.decision.silent = true;
            step.decision.note = "the request that is to find it tells of it";
        } else if (is_there_unasked(saga.state, step.data, payload.at("view"))) {
            step.data.of_reference(payload.at("view").value("reference", ""))->perhaps_exists = true;
            name = "FulfilledElsewhere";
            left_unasked = !news.new_shipments.empty();
            payload["reason"] = "the warehouse has the order, though its request was taken back before it left";
        } else if (!news.new_shipments.empty()) {
            name = "ShipmentReported";
        } else if (!news.delivered.empty()) {
            name = "DeliveryReported";
        } else if (news.cancelled) {
            name = "WarehouseCancelled";
        } else if (
            is_accepted_unheard(step.data, payload.at("view")) &&
            (payload.value("found", false) || answers_doubt(saga.state, step.data, payload.at("view")))) {
            name = "FulfillmentAccepted";
            payload["reference"] = payload.at("view").value("reference", "");
        } else if (!news.trouble.empty() && saga.state != "NeedsOperator") {
            name = "WarehouseTrouble";
            payload["reason"] = news.trouble;
        } else {
            name.clear();
            step.decision.silent = true;
            step.decision.note = "the warehouse tells nothing new";
        }
    }

    bool handled = told_as_it_is || (!name.empty() && run_through_table(step, name, payload));
    Decision& decision = step.decision;
    if (handled && left_unasked) order_actions::ship_unasked(step, payload);
    // What is final changes no more, but what it told a person is told once.
    if (handled && event.name == "OrderChanged" && (!is_final(saga.state) || decision.incident)) {
        step.data.wish = wish_in(payload);
        // A wish for nothing is one, too.
        for (const SagaLine& line : step.data.lines)
            step.data.wish.try_emplace(line.line_id, 0);
    }
    keep_unserved_open(step);
    if (step.data.observed && step.data.cancel_by == other_system) step.data.cause = "sent by another system";
    decision.handled = handled;
    decision.meaning = name;
    if (!handled && decision.note.empty()) decision.note = name + " means nothing in " + saga.state;
    if (handled) announce_state(step, saga.state);
    // Who hears of orders in public acts on them; this one is somebody else's.
    if (step.data.observed) decision.announcements.clear();
    decision.data = handled ? to_json(step.data) : saga.data;
    if (!is_final(decision.state)) decision.next_wake = next_look(decision.state, step.data, settings_, now);
    if (waits_for_request(decision.state, step.data, saga))
        decision.next_wake = std::min(*decision.next_wake, look_after_request(saga, now));
    return std::move(step.decision);
}

}  // namespace ordersaga::sagas
