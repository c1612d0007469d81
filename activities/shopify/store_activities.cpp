#include "activities/shopify/store_activities.hpp"

#include "runtime/error.hpp"
#include "sagas/activities.hpp"

#include <algorithm>
#include <array>

namespace ordersaga::activities::shopify {

using boost::asio::awaitable;
using nlohmann::json;
using sagas::Outcome;
using sagas::OutcomeKind;
namespace activity = sagas::activity;

namespace {

constexpr std::array<std::string_view, 7> ours{
    activity::flush_stock,
    activity::quiet_read,
    activity::poll_orders,
    activity::read_order,
    activity::create_store_fulfillment,
    activity::settle_store_order,
    activity::check_subscriptions};

OutcomeKind kind_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::ok: return OutcomeKind::done;
        case Verdict::user_errors: return OutcomeKind::refused;
        case Verdict::refused: return OutcomeKind::refused;
        case Verdict::retryable: return OutcomeKind::retryable;
        case Verdict::expired: return OutcomeKind::retryable;  // surely not sent; the next attempt has a new time
        case Verdict::throttled: return OutcomeKind::throttled;
        case Verdict::unknown: return OutcomeKind::unknown;
        case Verdict::blocked: return OutcomeKind::blocked;
    }
    return OutcomeKind::unknown;
}

}  // namespace

Outcome failed(const Document& document, const Answer& answer) {
    Outcome outcome;
    outcome.kind = kind_of(answer.verdict);
    outcome.reason = std::string(document.root) + ": " + answer.reason;
    if (outcome.kind == OutcomeKind::throttled) {
        outcome.retry_after = answer.wait;
    }
    if (outcome.kind == OutcomeKind::refused) {
        outcome.payload["messages"] = json::array({answer.reason});
    }
    return outcome;
}

bool StoreActivities::knows(std::string_view name) {
    return std::find(ours.begin(), ours.end(), name) != ours.end();
}

bool StoreActivities::is_write(std::string_view name) {
    return name == activity::flush_stock || name == activity::create_store_fulfillment ||
           name == activity::settle_store_order || name == activity::check_subscriptions;
}

awaitable<Outcome> StoreActivities::run(std::string_view name, const json& payload, CallScope& scope) const {
    Outcome outcome;
    if (name == activity::flush_stock) {
        outcome = co_await flush_stock(payload, scope);
    } else if (name == activity::quiet_read) {
        outcome = co_await quiet_read(payload, scope);
    } else if (name == activity::poll_orders) {
        outcome = co_await poll_orders(payload, scope);
    } else if (name == activity::read_order) {
        outcome = co_await read_order(payload, scope);
    } else if (name == activity::create_store_fulfillment) {
        outcome = co_await create_store_fulfillment(payload, scope);
    } else if (name == activity::settle_store_order) {
        outcome = co_await settle_store_order(payload, scope);
    } else if (name == activity::check_subscriptions) {
        outcome = co_await check_subscriptions(payload, scope);
    } else {
        throw runtime::ErrorException(runtime::invalid("no such activity"));
    }
    co_return outcome;
}

}  // namespace ordersaga::activities::shopify
