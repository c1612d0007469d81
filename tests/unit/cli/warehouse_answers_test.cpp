// ShipBob's lists, as they come and as they should not.
#include "orchestrator/cli/warehouse_answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string here = "https://hooks.example.com/webhooks/shipbob/main";

std::vector<json> list_of(const char* text) {
    return json::parse(text).get<std::vector<json>>();
}

json a_webhook(const std::string& id, const std::string& url, const std::vector<std::string>& topics) {
    return {{"id", id}, {"url", url}, {"topics", topics}};
}

TEST(WarehouseAnswers, OnlyAChannelThatOrdersCanBeWrittenToIsOurs) {
    const std::vector<Channel> channels = channels_of(list_of(R"([
        {"id": 1, "name": "shop", "scopes": ["orders_read"]},
        {"id": 2, "name": "ours", "scopes": ["orders_read", "orders_write"]},
        {"id": "3", "name": "ours, too", "scopes": ["orders_write"]}])"));

    ASSERT_NE(writable_channel(channels, ""), nullptr);
    EXPECT_EQ(writable_channel(channels, "")->id, "2");
    EXPECT_EQ(writable_channel(channels, "3")->id, "3");
    EXPECT_EQ(writable_channel(channels, "1")->id, "2");
    EXPECT_EQ(writable_channel({channels[0]}, "1"), nullptr);
}

TEST(WarehouseAnswers, ScopesOfWebhooksAreNeededForWebhooksOnly) {
    const std::vector<std::string> granted{
        "orders_read", "orders_write", "inventory_read", "products_read", "locations_read"};
    EXPECT_THAT(missing_scopes(granted, false), IsEmpty());
    EXPECT_THAT(missing_scopes(granted, true), ElementsAre("webhooks_read", "webhooks_write"));
    EXPECT_THAT(missing_scopes({"orders_write"}, false), testing::Contains("inventory_read"));
}

TEST(WarehouseAnswers, ShipMethodsThatAreSwitchedOffDoNotCount) {
    EXPECT_THAT(
        active_ship_methods(list_of(
            R"([{"name": "Standard", "active": true}, {"name": "Pigeon", "active": false}, {"active": true}, 7])")),
        ElementsAre("Standard"));
}

TEST(WarehouseAnswers, OneWebhookWithAllTopicsIsInPlace) {
    const std::vector<json> list{a_webhook("1", here, warehouse_topics())};
    EXPECT_FALSE(compare_webhooks(list, here).create);
    EXPECT_THAT(compare_webhooks(list, here).remove, IsEmpty());
    EXPECT_TRUE(compare_webhooks({}, here).create);
}

TEST(WarehouseAnswers, AWebhookToAnEarlierHostOrOfFewerTopicsIsReplaced) {
    const std::vector<json> list{
        a_webhook("1", "https://old.example.com/webhooks/shipbob/main", warehouse_topics()),
        a_webhook("2", here, {"order.shipped"}), a_webhook("3", "https://erp.example.com/inbox", warehouse_topics()),
        a_webhook("4", "https://old.example.com/webhooks/shipbob/other", warehouse_topics())};

    const WarehouseWebhookPlan plan = compare_webhooks(list, here);

    EXPECT_TRUE(plan.create);
    EXPECT_THAT(plan.remove, ElementsAre("1", "2")) << "what belongs to something else stays";
}

TEST(WarehouseAnswers, AnItemsNumberIsTheOneThatOrdersNameItBy) {
    const std::vector<json> products = list_of(R"([
        {"id": 10, "variants": [{"id": 100, "sku": "SHIRT", "name": "Shirt"}]},
        {"id": 20, "variants": [
            {"sku": "S", "channel_metadata": [{"legacy_product_id": 21}, {"legacy_product_id": 21}]},
            {"sku": "M", "channel_metadata": [{"legacy_product_id": 22}, {"legacy_product_id": 23}]},
            {"sku": ""}]},
        "nonsense"])");

    std::vector<std::string> read;
    for (const WarehouseItem& item : items_of(products))
        read.push_back(item.sku + "=" + item.item_id);

    EXPECT_THAT(read, ElementsAre("SHIRT=10", "S=21", "M="));
}

}  // namespace
}  // namespace ordersaga::cli
