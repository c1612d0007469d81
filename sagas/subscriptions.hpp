// The webhook subscriptions of a store: what has to be there, compared with what is. Whoever connects a store and whoever
// watches it afterwards use this one comparison, so that they never undo each other's work. Pure.
//
// A store's list holds the subscriptions of our app alone. Those that go to an address of ours on another host
// (".../webhooks/shopify") were made by an earlier installation and are replaced; an address of any other kind may belong to
// something else that uses the same app, and is left alone.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::sagas {

struct Subscription {
    std::string id;           // gid://shopify/WebhookSubscription/1
    std::string topic;        // ORDERS_CREATE
    std::string uri;          // where it goes
    std::string api_version;  // of the bodies; the app's, which no call can change
    bool whole = true;        // JSON, unfiltered and with all fields
};

struct SubscriptionPlan {
    std::vector<Subscription> remove;  // before anything is created: a store takes a topic and address once
    std::vector<std::string> create;   // topics
    std::vector<std::string> faults;   // one sentence for each topic that is not in place, and why
    // Bodies of another version than the store is called with. Nothing is done about them: a person sets it in the app.
    std::vector<std::string> other_versions;
};

// Everything that a store has to tell us, as the store writes it. orders/updated also tells of fulfilments, whose own topics
// would need one more scope. The compliance topics are set in the app, not by calls.
const std::vector<std::string>& wanted_topics();

SubscriptionPlan compare_subscriptions(
    const std::vector<Subscription>& present,
    const std::string& address,
    const std::string& api_version);

// "orders/create", as people know it.
std::string shown_topic(std::string_view topic);

// Documents of the Admin API. Variables of the list: first, after; of the creation: topic, webhookSubscription {uri}; of the
// deletion: id.
inline constexpr std::string_view list_subscriptions_text =
    R"(query WebhookSubscriptions($first: Int!, $after: String) {
  webhookSubscriptions(first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri format filter includeFields apiVersion { handle } }
  }
})";

inline constexpr std::string_view create_subscription_text =
    R"(mutation CreateWebhookSubscription($topic: WebhookSubscriptionTopic!, $webhookSubscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $webhookSubscription) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
})";

inline constexpr std::string_view delete_subscription_text =
    R"(mutation DeleteWebhookSubscription($id: ID!) {
  webhookSubscriptionDelete(id: $id) {
    deletedWebhookSubscriptionId
    userErrors { field message }
  }
})";

// One node of the list. What is missing or of another kind reads as empty.
Subscription subscription_of_node(const nlohmann::json& node);

}  // namespace ordersaga::sagas
