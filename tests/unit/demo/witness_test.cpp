// The judge must convict: each wrong end of a demo gets its own sentence.
#include "sandbox/demo/witness.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::demo {
namespace {

using nlohmann::json;

Catalogue a_catalogue() {
    Catalogue catalogue;
    catalogue.shops = {{"blue", "blue-shirts.myshopify.com"}};
    catalogue.articles = {
        {"PLENTY", "", ArticleKind::plentiful, 100, 0, {}},
        {"RARE", "", ArticleKind::scarce, 1, 0, {}},
        {"SOON", "", ArticleKind::backorder, 1, 0, {}},
    };
    return catalogue;
}

PlacedOrder an_order(const std::string& sku, const std::string& id, Change change = Change::none) {
    PlacedOrder order;
    order.plan.lines = {{sku, 1}};
    order.plan.change = change;
    order.order_id = id;
    order.name = "#" + id;
    return order;
}

json in_store(bool cancelled, bool held, bool told) {
    return {
        {"cancelled", cancelled},
        {"held", held},
        {"fulfillments", told ? json::array({{{"id", "1"}}}) : json::array()}};
}

json in_warehouse(const std::string& reference, const std::string& status = "Fulfilled") {
    return {{"reference", reference}, {"status", status}};
}

json effect(
    const std::string& kind,
    const std::string& reference,
    const std::string& at,
    const std::string& peer = "shipbob:main") {
    return {{"kind", kind}, {"reference", reference}, {"at", at}, {"peer", peer}};
}

struct Witness : testing::Test {
    Catalogue catalogue = a_catalogue();
    std::vector<PlacedOrder> placed;
    Testimony testimony;

    Witness() {
        testimony.fulfillable = {{"PLENTY", 99}, {"RARE", 0}, {"SOON", 0}};
        testimony.shown["blue"] = testimony.fulfillable;
    }

    void shipped(const std::string& id, const std::string& generation = "1") {
        const std::string reference = "blue." + id + ".1." + generation;
        testimony.warehouse_orders.push_back(in_warehouse(reference));
        testimony.effects.push_back(effect("shipment_shipped", reference, "2026-07-01T00:00:05Z"));
        testimony.store_orders["blue." + id] = in_store(false, false, true);
    }
};

TEST_F(Witness, IsContentWhenEverythingArrived) {
    placed = {an_order("PLENTY", "1"), an_order("SOON", "2")};
    shipped("1");
    shipped("2");

    const Judgement judgement = judge(catalogue, placed, testimony);

    EXPECT_EQ(judgement.fulfillments_expected, 2);
    EXPECT_EQ(judgement.fulfillments_live, 2);
    EXPECT_TRUE(judgement.mismatches.empty());
    EXPECT_TRUE(judgement.unequal_listings.empty());
    EXPECT_TRUE(judgement.untold_stores.empty());
}

TEST_F(Witness, NamesAnOrderThatNeverReachedTheWarehouse) {
    placed = {an_order("PLENTY", "1")};
    testimony.store_orders["blue.1"] = in_store(false, false, false);

    const Judgement judgement = judge(catalogue, placed, testimony);

    EXPECT_EQ(judgement.fulfillments_expected, 1);
    EXPECT_EQ(judgement.fulfillments_live, 0);
    EXPECT_EQ(judgement.mismatches, std::vector<std::string>{"blue #1: never reached the warehouse"});
}

TEST_F(Witness, CountsTheSecondGenerationInPlaceOfTheCancelledFirst) {
    placed = {an_order("PLENTY", "1", Change::edit_down)};
    testimony.warehouse_orders.push_back(in_warehouse("blue.1.1.1", "Cancelled"));
    shipped("1", "2");

    const Judgement judgement = judge(catalogue, placed, testimony);

    EXPECT_EQ(judgement.fulfillments_live, 1);
    EXPECT_TRUE(judgement.mismatches.empty());
}

// What was added when picking had begun goes out by itself; all of it must.
TEST_F(Witness, CountsEveryPartAndTheUnitsOfAllOfThem) {
    placed = {an_order("PLENTY", "1", Change::edit_up)};
    shipped("1");
    testimony.warehouse_orders.back()["lines"] = {{{"sku", "PLENTY"}, {"quantity", 1}}};
    testimony.store_orders["blue.1"]["lines"] = {{{"sku", "PLENTY"}, {"current_quantity", 3}}};
    EXPECT_EQ(
        judge(catalogue, placed, testimony).mismatches,
        std::vector<std::string>{"blue #1: 2 units of it never reached the warehouse"});

    testimony.warehouse_orders.push_back(in_warehouse("blue.1.2.1", "Processing"));
    testimony.warehouse_orders.back()["lines"] = {{{"sku", "PLENTY"}, {"quantity", 2}}};
    const Judgement judgement = judge(catalogue, placed, testimony);
    EXPECT_EQ(judgement.fulfillments_expected, 2);
    EXPECT_EQ(judgement.fulfillments_live, 2);
    EXPECT_TRUE(judgement.mismatches.empty());
}

TEST_F(Witness, NamesACancelledOrderThatIsAliveInTheWarehouse) {
    placed = {an_order("PLENTY", "1", Change::cancel_when_requested)};
    testimony.store_orders["blue.1"] = in_store(true, false, false);
    testimony.warehouse_orders.push_back(in_warehouse("blue.1.1.1", "Processing"));

    EXPECT_EQ(
        judge(catalogue, placed, testimony).mismatches,
        std::vector<std::string>{"blue #1: cancelled, yet alive in the warehouse"});
}

TEST_F(Witness, LetsACancelComeTooLate) {
    placed = {an_order("PLENTY", "1", Change::cancel_when_requested)};
    shipped("1");
    testimony.store_orders["blue.1"] = in_store(true, false, false);

    const Judgement judgement = judge(catalogue, placed, testimony);

    EXPECT_EQ(judgement.fulfillments_expected, 1);
    EXPECT_TRUE(judgement.mismatches.empty());
    EXPECT_TRUE(judgement.untold_stores.empty());
}

TEST_F(Witness, ExpectsOfAScarceArticleWhatItsStockAllowsWhoeverGetsIt) {
    placed = {an_order("RARE", "1"), an_order("RARE", "2")};
    testimony.store_orders["blue.1"] = in_store(false, true, false);
    shipped("2");

    const Judgement judgement = judge(catalogue, placed, testimony);

    EXPECT_EQ(judgement.fulfillments_expected, 1);
    EXPECT_EQ(judgement.refused_after_sale, 1);
    EXPECT_TRUE(judgement.mismatches.empty());
}

TEST_F(Witness, NamesAScarceArticleOfWhichTooFewOrTooManyWereGranted) {
    placed = {an_order("RARE", "1"), an_order("RARE", "2")};
    testimony.store_orders["blue.1"] = in_store(false, true, false);
    testimony.store_orders["blue.2"] = in_store(false, true, false);
    EXPECT_EQ(
        judge(catalogue, placed, testimony).mismatches,
        std::vector<std::string>{"RARE: 0 of 2 orders in the warehouse, stock for 1"});

    shipped("1");
    shipped("2");
    EXPECT_EQ(
        judge(catalogue, placed, testimony).mismatches,
        std::vector<std::string>{"RARE: 2 of 2 orders in the warehouse, stock for 1"});
}

TEST_F(Witness, NamesAStoreThatShowsWhatIsNotThere) {
    testimony.shown["blue"]["RARE"] = 1;

    EXPECT_EQ(
        judge(catalogue, placed, testimony).unequal_listings,
        std::vector<std::string>{"blue RARE shows 1, should show 0"});
}

TEST_F(Witness, NamesAnOrderWhoseStoreDoesNotKnowThatItHasLeft) {
    placed = {an_order("PLENTY", "1")};
    shipped("1");
    testimony.store_orders["blue.1"] = in_store(false, false, false);

    EXPECT_EQ(judge(catalogue, placed, testimony).untold_stores, std::vector<std::string>{"blue #1"});
}

TEST_F(Witness, MeasuresTheFirstRequestOfOrdersThatHadNothingToWaitFor) {
    placed = {an_order("PLENTY", "1"), an_order("SOON", "2"), an_order("PLENTY", "3", Change::pay_later)};
    const std::string shop = "shopify:blue-shirts.myshopify.com";
    std::vector<json> effects;
    for (const char* id : {"1", "2", "3"})
        effects.push_back(effect("order_created", id, "2026-07-01T00:00:00Z", shop));
    for (const char* reference : {"blue.1.1.1", "blue.2.1.1", "blue.3.1.1"}) {
        effects.push_back(effect("warehouse_order_created", reference, "2026-07-01T00:00:00.250000Z"));
    }
    effects.push_back(effect("warehouse_order_created", "blue.1.1.2", "2026-07-01T00:00:09Z"));

    EXPECT_EQ(request_latencies(catalogue, placed, effects), std::vector<double>{250.0});
}

TEST(Percentile, IsTheNearestRank) {
    EXPECT_EQ(percentile({}, 0.5), 0);
    EXPECT_EQ(percentile({3, 1, 2}, 0.5), 2);
    EXPECT_EQ(percentile({1, 2, 3, 4}, 0.5), 2);
    EXPECT_EQ(percentile({5, 1}, 0.99), 5);
}

}  // namespace
}  // namespace ordersaga::demo
