#include "activities/shopify/fulfillment_plan.hpp"

#include "activities/lenient_json.hpp"
#include "activities/shopify/answers.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace ordersaga::activities::shopify {

using nlohmann::json;

namespace {

bool is_over(const json& fulfillment_order) {
    const std::string status = text_of(fulfillment_order, "status");
    return status == "CLOSED" || status == "CANCELLED" || status == "INCOMPLETE";
}

// Without the list of actions the status has to say it.
bool offers(const json& fulfillment_order, std::string_view action) {
    const json& actions = member(fulfillment_order, "supportedActions");
    if (!actions.is_array()) {
        const std::string status = text_of(fulfillment_order, "status");
        return status == "OPEN" || status == "IN_PROGRESS";
    }
    return std::any_of(
        actions.begin(), actions.end(), [&](const json& entry) { return text_of(entry, "action") == action; });
}

bool carries(const json& fulfillment, const std::string& tracking_number) {
    const List trackings(member(fulfillment, "trackingInfo"));
    return std::any_of(trackings.begin(), trackings.end(), [&](const json& tracking) {
        return text_of(tracking, "number") == tracking_number;
    });
}

using Quantities = std::map<std::string, std::int64_t>;  // by order line

// Takes what a fulfilment with our tracking number has done already. An answer without lines stands for all of it.
void subtract_done(const json& fulfillment, Quantities& needed) {
    const List lines(member(fulfillment, "fulfillmentLineItems"));
    if (lines.empty()) {
        needed.clear();
        return;
    }
    for (const json& line : lines) {
        const auto found = needed.find(number_of_gid(text_of(member(line, "lineItem"), "id")));
        if (found == needed.end()) {
            continue;
        }
        found->second -= integer_of(line, "quantity").value_or(0);
        if (found->second <= 0) needed.erase(found);
    }
}

}  // namespace

FulfillmentPlan plan_fulfillment(
    const json& order,
    const std::vector<ShippedLine>& shipped,
    const std::string& tracking_number) {
    FulfillmentPlan plan;
    Quantities needed;
    for (const ShippedLine& line : shipped) {
        if (line.quantity > 0) needed[line.line_id] += line.quantity;
    }
    for (const json& fulfillment : List(member(order, "fulfillments"))) {
        const std::string status = text_of(fulfillment, "status");
        if (status == "CANCELLED" || status == "ERROR" || status == "FAILURE" || tracking_number.empty() ||
            !carries(fulfillment, tracking_number)) {
            continue;
        }
        plan.fulfillment_id = number_of_gid(text_of(fulfillment, "id"));
        subtract_done(fulfillment, needed);
    }
    if (needed.empty()) {
        plan.kind = FulfillmentPlan::Kind::already;
        return plan;
    }
    std::map<std::string, FulfillmentPart> by_location;
    bool waiting = false;
    const List orders_of_locations(member(order, "fulfillmentOrders"));
    for (const json& fulfillment_order : orders_of_locations) {
        if (is_over(fulfillment_order)) {
            continue;
        }
        const bool ready = offers(fulfillment_order, "CREATE_FULFILLMENT");
        const std::string location = text_of(member(member(fulfillment_order, "assignedLocation"), "location"), "id");
        for (const json& line : List(member(fulfillment_order, "lineItems"))) {
            const auto found = needed.find(number_of_gid(text_of(member(line, "lineItem"), "id")));
            const std::int64_t remaining = integer_of(line, "remainingQuantity").value_or(0);
            if (found == needed.end() || remaining <= 0) {
                continue;
            }
            if (!ready) {
                waiting = true;
                continue;
            }
            const std::int64_t quantity = std::min(remaining, found->second);
            by_location[location].by_fulfillment_order[text_of(fulfillment_order, "id")].push_back(
                {text_of(line, "id"), quantity});
            found->second -= quantity;
            if (found->second == 0) needed.erase(found);
        }
    }
    for (auto& [location, part] : by_location) {
        plan.parts.push_back(std::move(part));
    }
    if (!plan.parts.empty()) {
        plan.kind = FulfillmentPlan::Kind::send;
    } else if (!text_of(order, "cancelledAt").empty()) {
        plan.kind = FulfillmentPlan::Kind::order_cancelled;
    } else if (waiting) {
        plan.reason = "the store's fulfilment order is on hold or scheduled";
    } else if (orders_of_locations.empty()) {
        plan.reason = "the store has made no fulfilment order yet";
    } else {
        plan.kind = FulfillmentPlan::Kind::already;  // nothing of these lines remains: fulfilled by someone
    }
    return plan;
}

HoldPlan plan_hold(const json& order, const std::string& handle) {
    HoldPlan plan;
    for (const json& fulfillment_order : List(member(order, "fulfillmentOrders"))) {
        plan.exists = true;
        const std::string id = text_of(fulfillment_order, "id");
        const List holds(member(fulfillment_order, "fulfillmentHolds"));
        const bool ours = std::any_of(
            holds.begin(), holds.end(), [&](const json& hold) { return text_of(hold, "handle") == handle; });
        if (ours) {
            plan.held.push_back(id);
        } else if (!is_over(fulfillment_order)) {
            const bool can_hold =
                offers(fulfillment_order, "HOLD") || text_of(fulfillment_order, "status") == "ON_HOLD";
            (can_hold ? plan.to_hold : plan.not_holdable).push_back(id);
        }
    }
    return plan;
}

}  // namespace ordersaga::activities::shopify
