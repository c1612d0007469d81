// How the order saga's commands are tried, and which event each outcome becomes.

#include "sagas/activities.hpp"
#include "sagas/order_actions.hpp"
#include "sagas/order_saga.hpp"

namespace ordersaga::sagas {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

ActivityPolicy shopify_write(int priority, double points) {
    ActivityPolicy policy;
    policy.family = "shopify";
    policy.priority = priority;
    policy.tokens = points;
    return policy;
}

ActivityPolicy shopify_read(double points) {
    ActivityPolicy policy = shopify_write(3, points);
    policy.write = false;
    policy.max_attempts = 5;
    policy.max_interval = 30s;
    policy.schedule_to_close = 5min;
    return policy;
}

ActivityPolicy warehouse_write(int priority) {
    ActivityPolicy policy;
    policy.family = "warehouse";
    policy.priority = priority;
    return policy;
}

ActivityPolicy warehouse_read(int priority) {
    ActivityPolicy policy = warehouse_write(priority);
    policy.write = false;
    policy.max_attempts = 5;
    policy.max_interval = 30s;
    policy.schedule_to_close = 5min;
    return policy;
}

json view_in(const Outcome& outcome) {
    return outcome.payload.contains("view") ? json{{"view", outcome.payload.at("view")}} : json::object();
}

std::string failure_text(std::string_view activity, const Outcome& outcome) {
    return std::string(activity) + " failed: " + outcome.reason;
}

Event of_request(const Outcome& outcome) {
    switch (outcome.kind) {
        case OutcomeKind::done: return {"FulfillmentAccepted", view_in(outcome), {}};
        case OutcomeKind::refused: {
            json payload = outcome.payload;
            if (!payload.contains("messages")) payload["messages"] = json::array({outcome.reason});
            if (payload.value("conflict", false)) payload["reason"] = "the reference exists with other content: ";
            return {"FulfillmentRefused", std::move(payload), {}};
        }
        default: break;
    }
    bool unknown = outcome.kind == OutcomeKind::unknown;
    return {
        "FulfillmentUnknown",
        {{"reason", failure_text(activity::request_fulfillment, outcome)}, {"unknown", unknown}},
        {}};
}

Event of_cancel(const Outcome& outcome) {
    switch (outcome.kind) {
        case OutcomeKind::done: return {"FulfillmentCancelled", {{"found", outcome.payload.value("found", true)}}, {}};
        case OutcomeKind::too_late: {
            json payload = view_in(outcome);
            payload["reason"] = "too late to cancel";
            return {"CancelTooLate", std::move(payload), {}};
        }
        default: break;
    }
    return {"CancelFailed", {{"reason", failure_text(activity::cancel_fulfillment, outcome)}}, {}};
}

Event of_find(const Outcome& outcome) {
    if (outcome.kind == OutcomeKind::done && outcome.payload.value("found", false)) {
        return {"FulfillmentViewed", view_in(outcome), {}};
    }
    if (outcome.kind == OutcomeKind::done) {
        return {"FulfillmentMissing", {{"reason", "the warehouse does not know the order any more"}}, {}};
    }
    return {"TimeReached", json::object(), "a look at the warehouse failed: " + outcome.reason};
}

}  // namespace

std::map<std::string, ActivityPolicy, std::less<>> default_policies() {
    std::map<std::string, ActivityPolicy, std::less<>> policies;
    auto set = [&](std::string_view activity, ActivityPolicy policy) {
        policies.emplace(activity, std::move(policy));
    };

    set(activity::cancel_fulfillment, warehouse_write(0));
    set(activity::find_fulfillment, warehouse_read(1));
    set(activity::request_fulfillment, warehouse_write(2));
    set(activity::poll_fulfillments, warehouse_read(3));
    set(activity::read_warehouse_stock, warehouse_read(1));

    // The same key and the same bytes for an hour (the store's key window), then never again: a quiet read settles it.
    ActivityPolicy flush = shopify_write(0, 13);
    flush.max_attempts = 1000;
    flush.max_interval = 30s;
    flush.schedule_to_close = 1h;
    flush.lookup_delay = 0s;
    set(activity::flush_stock, flush);
    set(activity::create_store_fulfillment, shopify_write(2, 30));
    set(activity::settle_store_order, shopify_write(2, 45));
    set(activity::read_order, shopify_read(15));
    set(activity::poll_orders, shopify_read(40));
    set(activity::quiet_read, shopify_read(60));
    // It changes the store, and begins each time with what is there: a repeat after an unknown end is safe.
    ActivityPolicy check = shopify_write(3, 60);
    check.schedule_to_close = 5min;
    set(activity::check_subscriptions, check);
    return policies;
}

Event event_of_outcome(std::string_view activity_name, const json& command_payload, const Outcome& outcome) {
    Event event;
    if (activity_name == activity::request_fulfillment) {
        event = of_request(outcome);
        event.payload["reference"] = command_payload.value("reference", "");
    } else if (activity_name == activity::cancel_fulfillment) {
        event = of_cancel(outcome);
        event.payload["reference"] = command_payload.value("reference", "");
    } else if (activity_name == activity::find_fulfillment) {
        event = of_find(outcome);
        event.payload["reference"] = command_payload.value("reference", "");
    } else if (activity_name == activity::create_store_fulfillment) {
        std::string told = outcome.payload.value("fulfillment_id", "");
        if (outcome.payload.value("order_cancelled", false)) told = "none: the order is cancelled in the store";
        json payload = {
            {"shipment_id", command_payload.value("shipment_id", "")},
            {"fulfillment_id", told.empty() ? std::string("done") : told},
            {"reason", failure_text(activity_name, outcome)}};
        event = {
            outcome.kind == OutcomeKind::done ? "StoreFulfilled" : "StoreFulfillmentFailed", std::move(payload), {}};
    } else if (activity_name == activity::settle_store_order) {
        json payload = {
            {"how", outcome.payload.value("settled", "settled")}, {"reason", failure_text(activity_name, outcome)}};
        event = {outcome.kind == OutcomeKind::done ? "OrderSettled" : "OrderSettleFailed", std::move(payload), {}};
    } else {
        throw std::invalid_argument("the order saga has no activity " + std::string(activity_name));
    }
    return event;
}

Outcome plain_success(std::string_view activity_name, const json& command_payload) {
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    json view = {
        {"reference", command_payload.value("reference", "")},
        {"warehouse_order_id", command_payload.value("warehouse_order_id", "(assumed)")},
        {"state", "Accepted"},
        {"shipments", json::array()}};
    if (activity_name == activity::cancel_fulfillment) {
        view["state"] = "Cancelled";
        outcome.payload = {{"found", true}, {"view", view}};
    } else if (activity_name == activity::find_fulfillment) {
        outcome.payload = {{"found", true}, {"view", view}};
    } else if (activity_name == activity::request_fulfillment) {
        outcome.payload = {{"view", view}};
    } else if (activity_name == activity::settle_store_order) {
        outcome.payload = {
            {"settled", command_payload.value("policy", "") == "cancel_and_refund" ? "cancelled" : "held"}};
    } else if (activity_name == activity::create_store_fulfillment) {
        outcome.payload = {{"fulfillment_id", "(assumed)"}};
    }
    return outcome;
}

Event OrderSaga::event_of(std::string_view activity_name, const json& command_payload, const Outcome& outcome, bool)
    const {
    return event_of_outcome(activity_name, command_payload, outcome);
}

Outcome OrderSaga::assumed_outcome(std::string_view activity_name, const json& command_payload) const {
    return plain_success(activity_name, command_payload);
}

std::optional<Event> OrderSaga::assumed_event(std::string_view state) const {
    // Only the way back is previewed to its end; forward states wait for facts that nobody should assume.
    if (state == "RevertingChannels") return Event{"ChannelsUpdated", json::object(), "assumed"};
    return std::nullopt;
}

}  // namespace ordersaga::sagas
