// CheckSubscriptions: what the store has to tell us is compared with what it tells, and what is not in place is made anew.
#include "activities/call_scope.hpp"
#include "activities/lenient_json.hpp"
#include "activities/shopify/store_activities.hpp"
#include "runtime/json.hpp"
#include "sagas/subscriptions.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace ordersaga::activities::shopify {

using boost::asio::awaitable;
using nlohmann::json;
using sagas::Outcome;
using sagas::OutcomeKind;

namespace {

constexpr int subscriptions_per_call = 100;
constexpr int most_pages = 10;

// A scope that is missing for one topic is no reason to stop all calls to the store.
Outcome failed_here(const Document& document, const Answer& answer) {
    Outcome outcome = failed(document, answer);
    if (answer.code == "ACCESS_DENIED") outcome.kind = OutcomeKind::refused;
    return outcome;
}

awaitable<std::optional<Outcome>> read_subscriptions(
    const StoreClient& store,
    std::vector<sagas::Subscription>& present,
    CallScope& scope) {
    json after;
    for (int page = 0; page < most_pages; ++page) {
        json variables{{"first", subscriptions_per_call}, {"after", after}};
        const Answer answer = co_await store.ask(list_subscriptions, std::move(variables), scope);
        if (answer.verdict != Verdict::ok) co_return failed_here(list_subscriptions, answer);
        for (const json& node : List(answer.root))
            present.push_back(sagas::subscription_of_node(node));
        const json& page_info = member(answer.root, "pageInfo");
        if (!flag_of(page_info, "hasNextPage")) break;
        after = text_of(page_info, "endCursor");
    }
    co_return std::nullopt;
}

// What the store says against it, in `refusal`; an outcome when the call itself has failed.
awaitable<std::optional<Outcome>> change(
    const StoreClient& store,
    Document document,
    json variables,
    std::string& refusal,
    CallScope& scope) {
    const Answer answer = co_await store.ask(document, std::move(variables), scope);
    if (answer.verdict == Verdict::ok) co_return std::nullopt;
    refusal = answer.reason;
    if (answer.verdict == Verdict::user_errors || answer.code == "ACCESS_DENIED") co_return std::nullopt;
    co_return failed(document, answer);
}

}  // namespace

awaitable<Outcome> StoreActivities::check_subscriptions(const json& payload, CallScope& scope) const {
    const std::string address = runtime::get_text(payload, "address", "payload").value();
    const std::string version = runtime::get_text(payload, "api_version", "payload").value();
    std::vector<sagas::Subscription> present;
    std::optional<Outcome> failure = co_await read_subscriptions(store_, present, scope);
    if (failure) co_return *failure;
    const sagas::SubscriptionPlan plan = sagas::compare_subscriptions(present, address, version);

    json unrepaired = json::array();
    for (const sagas::Subscription& old : plan.remove) {
        std::string refusal;
        json variables{{"id", old.id}};
        failure = co_await change(store_, delete_subscription, std::move(variables), refusal, scope);
        if (failure) co_return *failure;
        // Gone meanwhile is as good as deleted; whatever else it is shows when the new one is made.
    }
    for (const std::string& topic : plan.create) {
        std::string refusal;
        json variables{{"topic", topic}, {"webhookSubscription", {{"uri", address}}}};
        failure = co_await change(store_, create_subscription, std::move(variables), refusal, scope);
        if (failure) co_return *failure;
        if (!refusal.empty()) unrepaired.push_back(sagas::shown_topic(topic) + ": " + activities::shown(refusal));
    }
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    outcome.payload = {
        {"faults", plan.faults}, {"unrepaired", std::move(unrepaired)}, {"other_versions", plan.other_versions}};
    co_return outcome;
}

}  // namespace ordersaga::activities::shopify
