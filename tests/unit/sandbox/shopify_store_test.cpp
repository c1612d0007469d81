#include "sandbox/shopify_documents.hpp"
#include "tests/unit/sandbox/a_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

std::vector<std::string> topics(std::vector<ShopEvent> events) {
    std::vector<std::string> names;
    for (const auto& event : events) {
        if (event.topic != "inventory_levels/update") {
            names.push_back(event.topic);
        }
    }
    return names;
}

TEST(ShopifyStore, TakesItsStockAtOnceWhenAnOrderComes) {
    SmallWorld small;

    const std::int64_t id = small.order("SHIRT", 2);

    ASSERT_NE(id, 0);
    EXPECT_EQ(small.level("SHIRT").available, 3);
    EXPECT_EQ(small.level("SHIRT").committed, 2);
    EXPECT_EQ(small.level("SHIRT").on_hand(), 5);
    EXPECT_EQ(topics(small.shop->store.take_events()), (std::vector<std::string>{"orders/create", "orders/paid"}));
}

TEST(ShopifyStore, RefusesMoreThanItShowsUnlessToldToOversell) {
    SmallWorld small;

    EXPECT_EQ(small.order("SHIRT", 6), 0);
    EXPECT_EQ(small.shop->store.totals().refused_out_of_stock, 1);
    EXPECT_EQ(small.level("SHIRT").available, 5);
    EXPECT_NE(small.order("SHIRT", 6, true), 0);
    EXPECT_EQ(small.level("SHIRT").available, -1);
}

// Two lines of one SKU that fit alone and not together.
TEST(ShopifyStore, SumsTheLinesOfOneSkuBeforeItSells) {
    SmallWorld small;
    WantedOrder wanted;
    wanted.lines = {{"SHIRT", 3, false}, {"SHIRT", 3, false}};

    const auto made = small.shop->store.create_order(wanted, noon);

    EXPECT_TRUE(std::holds_alternative<Refusal>(made));
    EXPECT_EQ(small.level("SHIRT").committed, 0);
}

TEST(ShopifyStore, GivesSomeIdsThatADoubleCannotHold) {
    SmallWorld small;
    std::int64_t beyond = 0;

    for (int round = 0; round < 4; ++round) {
        beyond = std::max(beyond, small.order("MUG", 1));
    }

    EXPECT_GT(beyond, 9'007'199'254'740'992);
    EXPECT_NE(static_cast<std::int64_t>(static_cast<double>(beyond)), beyond);
}

TEST(ShopifyStore, RaisesUpdatedAtStrictlyEvenInOneInstant) {
    SmallWorld small;
    const std::int64_t id = small.order("MUG", 2);
    const auto created = small.shop->store.order(id)->updated_at;

    small.shop->store.add_tags(id, {"a"}, noon);
    const auto tagged = small.shop->store.order(id)->updated_at;
    small.shop->store.cancel(id, "customer", true, "test", noon);

    EXPECT_LT(created, tagged);
    EXPECT_LT(tagged, small.shop->store.order(id)->updated_at);
}

TEST(ShopifyStore, GivesStockBackOnACancelWithRestockOnly) {
    SmallWorld small;
    const std::int64_t first = small.order("SHIRT", 2);
    const std::int64_t second = small.order("SHIRT", 1);

    EXPECT_EQ(small.shop->store.cancel(first, "customer", true, "test", noon), std::nullopt);
    EXPECT_EQ(small.shop->store.cancel(second, "inventory", false, "test", noon), std::nullopt);

    EXPECT_EQ(small.level("SHIRT").available, 4);
    EXPECT_EQ(small.level("SHIRT").committed, 0);
    const json body = json::parse(order_body(small.shop->store, *small.shop->store.order(first)));
    EXPECT_EQ(body["refunds"][0]["refund_line_items"][0]["restock_type"], "cancel");
    EXPECT_EQ(body["line_items"][0]["quantity"], 2);
    EXPECT_EQ(body["line_items"][0]["current_quantity"], 0);
    EXPECT_EQ(body["financial_status"], "refunded");
    EXPECT_TRUE(small.shop->store.cancel(first, "customer", true, "test", noon).has_value());
}

TEST(ShopifyStore, ShipsWithoutTouchingAvailableAndRefusesToCancelAfterwards) {
    SmallWorld small;
    const std::int64_t id = small.order("SHIRT", 2);
    const std::int64_t work = small.shop->store.order(id)->fulfillment_orders.front().id;
    (void)small.shop->store.take_events();

    const auto done = small.shop->store.fulfill({{work, {}}}, "USPS", "T1", "", "test", noon);

    ASSERT_TRUE(std::holds_alternative<std::int64_t>(done));
    EXPECT_EQ(small.level("SHIRT").available, 3);
    EXPECT_EQ(small.level("SHIRT").on_hand(), 3);
    EXPECT_EQ(small.shop->store.order(id)->fulfillment_status(), "fulfilled");
    EXPECT_EQ(
        topics(small.shop->store.take_events()), (std::vector<std::string>{"fulfillments/create", "orders/updated"}));
    EXPECT_EQ(
        small.shop->store.cancel(id, "customer", true, "test", noon)->message,
        "Cannot cancel an order that has outstanding fulfillments");
}

TEST(ShopifyStore, FulfilsPartsAndNeverMoreThanRemains) {
    SmallWorld small;
    const std::int64_t id = small.order("SHIRT", 3);
    const auto work = small.shop->store.order(id)->fulfillment_orders.front();
    const std::int64_t line = work.lines.front().id;

    EXPECT_TRUE(std::holds_alternative<Refusal>(
        small.shop->store.fulfill({{work.id, {{line, 2}, {line, 2}}}}, "", "T", "", "test", noon)));
    EXPECT_TRUE(std::holds_alternative<std::int64_t>(
        small.shop->store.fulfill({{work.id, {{line, 2}}}}, "", "T1", "", "test", noon)));
    EXPECT_EQ(small.shop->store.order(id)->fulfillment_status(), "partial");
    EXPECT_TRUE(std::holds_alternative<Refusal>(
        small.shop->store.fulfill({{work.id, {{line, 2}}}}, "", "T2", "", "test", noon)));
    EXPECT_TRUE(std::holds_alternative<std::int64_t>(
        small.shop->store.fulfill({{work.id, {{line, 1}}}}, "", "T2", "", "test", noon)));
    EXPECT_EQ(small.shop->store.order(id)->fulfillment_orders.front().status(), "CLOSED");
}

TEST(ShopifyStore, EditsAllOrNothing) {
    SmallWorld small;
    const std::int64_t id = small.order("SHIRT", 2);

    // The first wish could be done, the second cannot.
    EXPECT_TRUE(small.shop->store.edit(id, {{"SHIRT", 1, false}, {"MUG", 100, false}}, noon).has_value());
    EXPECT_EQ(small.level("SHIRT").available, 3);
    EXPECT_EQ(small.shop->store.order(id)->lines.size(), 1U);

    EXPECT_EQ(small.shop->store.edit(id, {{"SHIRT", 1, false}, {"MUG", 2, false}}, noon), std::nullopt);
    EXPECT_EQ(small.level("SHIRT").available, 4);
    EXPECT_EQ(small.level("MUG").available, 7);
    EXPECT_EQ(small.shop->store.order(id)->lines.at(0).current_quantity, 1);
    EXPECT_EQ(small.shop->store.order(id)->lines.at(1).fulfillable, 2);
}

TEST(ShopifyStore, RefundsByRestockType) {
    SmallWorld small;
    const std::int64_t id = small.order("SHIRT", 3);
    const std::int64_t line = small.shop->store.order(id)->lines.front().id;

    EXPECT_TRUE(std::holds_alternative<std::int64_t>(small.shop->store.refund(id, {{line, 1, "cancel"}}, "", noon)));
    EXPECT_EQ(small.level("SHIRT").available, 3);
    EXPECT_TRUE(
        std::holds_alternative<std::int64_t>(small.shop->store.refund(id, {{line, 1, "no_restock"}}, "", noon)));
    EXPECT_EQ(small.level("SHIRT").available, 3);
    EXPECT_EQ(small.level("SHIRT").committed, 1);
    EXPECT_EQ(small.shop->store.order(id)->financial_status, "partially_refunded");
    EXPECT_TRUE(std::holds_alternative<Refusal>(small.shop->store.refund(id, {{line, 2, "cancel"}}, "", noon)));
}

TEST(ShopifyStore, CancelsByJobOnlyOnceTheJobIsDue) {
    SmallWorld small;
    const std::int64_t id = small.order("SHIRT", 1);

    const std::int64_t job = small.shop->store.start_cancel_job(id, "inventory", false, noon);
    small.shop->store.run_jobs(at_ms(100));
    EXPECT_FALSE(small.shop->store.order(id)->cancelled_at.has_value());
    EXPECT_EQ(small.shop->store.job_done(job), false);
    small.shop->store.run_jobs(at_ms(200));

    EXPECT_TRUE(small.shop->store.order(id)->cancelled_at.has_value());
    EXPECT_EQ(small.shop->store.job_done(job), true);
}

}  // namespace
}  // namespace ordersaga::sandbox
