// CreateStoreFulfillment and SettleStoreOrder: both read the order before they write.
#include "activities/call_scope.hpp"
#include "activities/lenient_json.hpp"
#include "activities/shopify/fulfillment_plan.hpp"
#include "activities/shopify/store_activities.hpp"
#include "runtime/json.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace ordersaga::activities::shopify {

using boost::asio::awaitable;
using nlohmann::json;
using sagas::Outcome;
using sagas::OutcomeKind;

namespace {

Outcome ended(OutcomeKind kind, std::string reason) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.reason = std::move(reason);
    if (kind == OutcomeKind::refused) {
        outcome.payload["messages"] = json::array({outcome.reason});
    }
    return outcome;
}

std::string opt(const json& payload, std::string_view key) {
    return runtime::opt_text(payload, key, "payload").value().value_or("");
}

Outcome fulfilled(std::string fulfillment_id, bool already) {
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    outcome.payload = {{"fulfillment_id", std::move(fulfillment_id)}, {"already", already}};
    return outcome;
}

// The order has ended in the store while its goods were on their way: there is nothing left to fulfil, and nothing failed.
Outcome nothing_to_tell() {
    Outcome outcome = fulfilled("", true);
    outcome.payload["order_cancelled"] = true;
    return outcome;
}

json fulfillment_input(const FulfillmentPart& part, const json& payload) {
    json groups = json::array();
    for (const auto& [fulfillment_order, lines] : part.by_fulfillment_order) {
        json items = json::array();
        for (const FulfillmentPart::Line& line : lines) {
            items.push_back({{"id", line.id}, {"quantity", line.quantity}});
        }
        groups.push_back({{"fulfillmentOrderId", fulfillment_order}, {"fulfillmentOrderLineItems", std::move(items)}});
    }
    json input{
        {"lineItemsByFulfillmentOrder", std::move(groups)}, {"notifyCustomer", flag_of(payload, "notify_customer")}};
    json tracking = json::object();
    if (const std::string number = opt(payload, "tracking_number"); !number.empty()) tracking["number"] = number;
    if (const std::string carrier = opt(payload, "carrier"); !carrier.empty()) tracking["company"] = carrier;
    if (const std::string url = opt(payload, "tracking_url"); !url.empty()) tracking["url"] = url;
    if (!tracking.empty()) input["trackingInfo"] = std::move(tracking);
    return input;
}

// The call names no codes. These two texts say that the order moved since we read it; the next attempt reads it again.
bool moved_since_read(const std::vector<UserError>& errors) {
    return std::any_of(errors.begin(), errors.end(), [](const UserError& error) {
        return error.message.find("unfulfillable status") != std::string::npos ||
               error.message.find("Invalid fulfillment order line item quantity") != std::string::npos;
    });
}

bool has_code(const std::vector<UserError>& errors, std::string_view code) {
    return std::any_of(errors.begin(), errors.end(), [&](const UserError& error) { return error.code == code; });
}

awaitable<void> pause(std::chrono::milliseconds time) {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(executor, time);
    boost::system::error_code ignored;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

awaitable<Answer> read_fulfillment_orders(const StoreClient& store, const std::string& order_gid, CallScope& scope) {
    json variables{{"id", order_gid}};
    Answer answer = co_await store.ask(fulfillment_orders, std::move(variables), scope);
    co_return answer;
}

// ----------------------------------------------------------------------------------------------- hold and tell

awaitable<Outcome> hold_and_tell(
    const StoreClient& store,
    const json& payload,
    const json& order,
    const std::string& order_gid,
    CallScope& scope) {
    const std::string handle = runtime::get_text(payload, "handle", "payload").value();
    const HoldPlan plan = plan_hold(order, handle);
    if (!plan.exists) {
        co_return ended(OutcomeKind::retryable, "the store has made no fulfilment order yet");
    }
    std::size_t held = plan.held.size();
    for (const std::string& fulfillment_order : plan.to_hold) {
        json hold{
            {"reason", "INVENTORY_OUT_OF_STOCK"},
            {"reasonNotes", activities::shown(opt(payload, "reason"), 250)},
            {"handle", handle},
            {"notifyMerchant", true}};
        json variables{{"id", fulfillment_order}, {"fulfillmentHold", std::move(hold)}};
        const Answer answer = co_await store.ask(hold_fulfillment_order, std::move(variables), scope);
        const bool duplicate =
            answer.verdict == Verdict::user_errors && has_code(answer.user_errors, "DUPLICATE_FULFILLMENT_HOLD_HANDLE");
        if (answer.verdict != Verdict::ok && !duplicate) {
            co_return failed(hold_fulfillment_order, answer);
        }
        ++held;
    }
    if (const std::string tag = opt(payload, "tag"); !tag.empty()) {
        json variables{{"id", order_gid}, {"tags", json::array({tag})}};
        const Answer answer = co_await store.ask(add_tags, std::move(variables), scope);
        if (answer.verdict != Verdict::ok) {
            co_return failed(add_tags, answer);
        }
    }
    if (held == 0 && !plan.not_holdable.empty()) {
        co_return ended(OutcomeKind::refused, "the store lets none of the order's fulfilment orders be held");
    }
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    outcome.payload = {{"settled", "held"}, {"already", plan.to_hold.empty()}};
    co_return outcome;
}

// -------------------------------------------------------------------------------------------- cancel and refund

Outcome cancelled(bool already) {
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    outcome.payload = {{"settled", "cancelled"}, {"already", already}};
    return outcome;
}

Outcome cancel_refused(const Answer& answer) {
    if (answer.verdict != Verdict::user_errors) {
        return failed(cancel_order, answer);
    }
    const bool fulfilled = std::any_of(answer.user_errors.begin(), answer.user_errors.end(), [](const auto& error) {
        return error.message.find("outstanding fulfillments") != std::string::npos;
    });
    Outcome outcome = failed(cancel_order, answer);
    if (fulfilled) outcome.kind = OutcomeKind::too_late;
    if (has_code(answer.user_errors, "NO_REFUND_PERMISSION")) outcome.kind = OutcomeKind::blocked;
    if (has_code(answer.user_errors, "INTERNAL_ERROR")) outcome.kind = OutcomeKind::unknown;
    return outcome;
}

awaitable<Outcome> cancel_and_refund(
    const StoreClient& store,
    const json& payload,
    const std::string& order_gid,
    CallScope& scope) {
    // Never restock: whatever the saga held is given back by the next flush, once.
    json variables{
        {"orderId", order_gid},
        {"reason", "INVENTORY"},
        {"restock", false},
        {"notifyCustomer", flag_of(payload, "notify_customer")},
        {"staffNote", activities::shown(opt(payload, "reason"), 250)},
        {"refundMethod", {{"originalPaymentMethodsRefund", true}}}};
    const Answer answer = co_await store.ask(cancel_order, std::move(variables), scope);
    if (answer.verdict != Verdict::ok) {
        co_return cancel_refused(answer);
    }
    // The store cancels in a job of its own; what counts is that the order says so.
    constexpr int looks = 4;
    for (int look = 0; look < looks; ++look) {
        co_await pause(std::chrono::milliseconds(100 << look));
        const Answer order = co_await read_fulfillment_orders(store, order_gid, scope);
        if (order.verdict != Verdict::ok) {
            break;
        }
        if (!text_of(order.root, "cancelledAt").empty()) {
            co_return cancelled(false);
        }
    }
    co_return ended(OutcomeKind::unknown, "the store took the cancel and has not finished it");
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ activities

awaitable<Outcome> StoreActivities::create_store_fulfillment(const json& payload, CallScope& scope) const {
    const std::string order_gid = gid("Order", runtime::get_id_text(payload, "order_id", "payload").value());
    std::vector<ShippedLine> shipped;
    for (const json& line : *runtime::get_array(payload, "lines", "payload").value()) {
        shipped.push_back(
            {runtime::get_id_text(line, "line_id", "line").value(),
             runtime::get_int64(line, "quantity", "line").value()});
    }
    const std::string tracking_number = opt(payload, "tracking_number");
    const Answer order = co_await read_fulfillment_orders(store_, order_gid, scope);
    if (order.verdict != Verdict::ok) {
        co_return failed(fulfillment_orders, order);
    }
    if (order.root.is_null()) {
        co_return ended(OutcomeKind::refused, "the store knows no such order");
    }
    const FulfillmentPlan plan = plan_fulfillment(order.root, shipped, tracking_number);
    switch (plan.kind) {
        case FulfillmentPlan::Kind::already: co_return fulfilled(plan.fulfillment_id, true);
        case FulfillmentPlan::Kind::not_yet: co_return ended(OutcomeKind::retryable, plan.reason);
        case FulfillmentPlan::Kind::order_cancelled: co_return nothing_to_tell();
        case FulfillmentPlan::Kind::send: break;
    }
    std::string fulfillment_id = plan.fulfillment_id;
    for (const FulfillmentPart& part : plan.parts) {
        json variables{
            {"fulfillment", fulfillment_input(part, payload)}, {"message", "shipment " + opt(payload, "shipment_id")}};
        const Answer answer = co_await store_.ask(create_fulfillment, std::move(variables), scope);
        if (answer.verdict == Verdict::user_errors && moved_since_read(answer.user_errors)) {
            co_return ended(OutcomeKind::retryable, "the order moved since it was read: " + answer.reason);
        }
        const std::string id = number_of_gid(text_of(member(answer.root, "fulfillment"), "id"));
        if (answer.verdict != Verdict::ok) {
            co_return failed(create_fulfillment, answer);
        }
        if (id.empty()) {
            co_return ended(OutcomeKind::unknown, "the store answered without a fulfilment");
        }
        fulfillment_id = id;
    }
    co_return fulfilled(fulfillment_id, false);
}

awaitable<Outcome> StoreActivities::settle_store_order(const json& payload, CallScope& scope) const {
    const std::string order_gid = gid("Order", runtime::get_id_text(payload, "order_id", "payload").value());
    const std::string policy = runtime::get_text(payload, "policy", "payload").value();
    if (policy != "hold_and_tell" && policy != "cancel_and_refund") {
        throw runtime::ErrorException(runtime::invalid("payload.policy must be hold_and_tell or cancel_and_refund"));
    }
    const Answer order = co_await read_fulfillment_orders(store_, order_gid, scope);
    if (order.verdict != Verdict::ok) {
        co_return failed(fulfillment_orders, order);
    }
    if (order.root.is_null()) {
        co_return ended(OutcomeKind::refused, "the store knows no such order");
    }
    if (!text_of(order.root, "cancelledAt").empty()) {
        co_return cancelled(true);
    }
    Outcome outcome;
    if (policy == "hold_and_tell") {
        outcome = co_await hold_and_tell(store_, payload, order.root, order_gid, scope);
    } else {
        outcome = co_await cancel_and_refund(store_, payload, order_gid, scope);
    }
    co_return outcome;
}

}  // namespace ordersaga::activities::shopify
