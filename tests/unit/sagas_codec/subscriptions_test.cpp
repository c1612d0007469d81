// Webhook subscriptions: what is there against what has to be.
#include "sagas/subscriptions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::sagas {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string here = "https://hooks.example.com/webhooks/shopify";
const std::string old_host = "https://old.example.com/webhooks/shopify";
const std::string version = "2026-07";

std::vector<Subscription> all_in_place() {
    std::vector<Subscription> present;
    for (const std::string& topic : wanted_topics())
        present.push_back({"id of " + topic, topic, here, version, true});
    return present;
}

Subscription& orders_paid(std::vector<Subscription>& present) {
    return *std::find_if(present.begin(), present.end(), [](const auto& one) { return one.topic == "ORDERS_PAID"; });
}

TEST(Subscriptions, InPlaceAskForNothing) {
    const SubscriptionPlan plan = compare_subscriptions(all_in_place(), here, version);

    EXPECT_THAT(plan.create, IsEmpty());
    EXPECT_THAT(plan.remove, IsEmpty());
    EXPECT_THAT(plan.faults, IsEmpty());
    EXPECT_THAT(plan.other_versions, IsEmpty());
}

TEST(Subscriptions, OfANewStoreAreAllMissing) {
    const SubscriptionPlan plan = compare_subscriptions({}, here, version);

    EXPECT_EQ(plan.create, wanted_topics());
    EXPECT_EQ(plan.faults.front(), "orders/create is missing");
    EXPECT_THAT(plan.remove, IsEmpty());
}

TEST(Subscriptions, OfAnEarlierAddressOfOursAreReplaced) {
    std::vector<Subscription> present = all_in_place();
    orders_paid(present).uri = old_host;

    const SubscriptionPlan plan = compare_subscriptions(present, here, version);

    EXPECT_THAT(plan.create, ElementsAre("ORDERS_PAID"));
    EXPECT_THAT(plan.faults, ElementsAre("orders/paid goes to " + old_host));
    ASSERT_EQ(plan.remove.size(), 1U);
    EXPECT_EQ(plan.remove[0].id, "id of ORDERS_PAID");
}

// Another system may use the same app: what goes to it is its own.
TEST(Subscriptions, OfSomethingElseStay) {
    std::vector<Subscription> present = all_in_place();
    orders_paid(present).uri = "https://erp.example.com/inbox";

    const SubscriptionPlan plan = compare_subscriptions(present, here, version);

    EXPECT_THAT(plan.create, ElementsAre("ORDERS_PAID"));
    EXPECT_THAT(plan.faults, ElementsAre("orders/paid is missing"));
    EXPECT_THAT(plan.remove, IsEmpty());
}

TEST(Subscriptions, ToAnOlderAddressBesideTheRightOneStay) {
    std::vector<Subscription> present = all_in_place();
    present.insert(present.begin(), {"older", "ORDERS_PAID", old_host, version, true});

    const SubscriptionPlan plan = compare_subscriptions(present, here, version);

    EXPECT_THAT(plan.create, IsEmpty());
    EXPECT_THAT(plan.remove, IsEmpty());
}

TEST(Subscriptions, ThatAreCutDownAreReplaced) {
    std::vector<Subscription> present = all_in_place();
    orders_paid(present).whole = false;

    const SubscriptionPlan plan = compare_subscriptions(present, here, version);

    EXPECT_THAT(plan.create, ElementsAre("ORDERS_PAID"));
    EXPECT_THAT(plan.faults, ElementsAre("orders/paid is cut down by a filter, a list of fields or another format"));
    ASSERT_EQ(plan.remove.size(), 1U) << "a store takes a topic and address once";
}

// The version is the app's: making the subscription anew would change nothing.
TEST(Subscriptions, OfAnotherVersionAreToldAndLeftAlone) {
    std::vector<Subscription> present = all_in_place();
    orders_paid(present).api_version = "2025-01";

    const SubscriptionPlan plan = compare_subscriptions(present, here, version);

    EXPECT_THAT(plan.other_versions, ElementsAre("orders/paid comes in version 2025-01 instead of 2026-07"));
    EXPECT_THAT(plan.create, IsEmpty());
    EXPECT_THAT(plan.remove, IsEmpty());
}

TEST(Subscriptions, AreReadFromANode) {
    nlohmann::json node{
        {"id", "gid://shopify/WebhookSubscription/7"},
        {"topic", "ORDERS_PAID"},
        {"uri", here},
        {"format", "JSON"},
        {"filter", nullptr},
        {"includeFields", nlohmann::json::array()},
        {"apiVersion", {{"handle", "2026-07"}}}};
    const Subscription read = subscription_of_node(node);
    EXPECT_EQ(read.id, "gid://shopify/WebhookSubscription/7");
    EXPECT_EQ(read.topic, "ORDERS_PAID");
    EXPECT_EQ(read.uri, here);
    EXPECT_EQ(read.api_version, "2026-07");
    EXPECT_TRUE(read.whole);

    for (const nlohmann::json& change :
         {nlohmann::json{{"filter", "id:1"}}, nlohmann::json{{"format", "XML"}},
          nlohmann::json{{"includeFields", nlohmann::json::array({"id"})}}}) {
        nlohmann::json narrowed = node;
        narrowed.update(change);
        EXPECT_FALSE(subscription_of_node(narrowed).whole) << change;
    }
    EXPECT_EQ(subscription_of_node(nlohmann::json::array()).topic, "");
}

TEST(Subscriptions, AreShownAsWebhooksNameTheirTopic) {
    EXPECT_EQ(shown_topic("ORDERS_CREATE"), "orders/create");
    EXPECT_EQ(shown_topic("INVENTORY_LEVELS_UPDATE"), "inventory_levels/update");
    EXPECT_EQ(shown_topic("REFUNDS_CREATE"), "refunds/create");
    EXPECT_EQ(shown_topic("APP_UNINSTALLED"), "app/uninstalled");
}

}  // namespace
}  // namespace ordersaga::sagas
