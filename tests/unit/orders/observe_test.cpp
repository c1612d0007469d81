// A store that is only observed: its orders are decided and its sales count, nothing is sent to it or for them, and what was
// ordered before the cut-over is not sent after it.
#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Kind = engine::InputResult::Kind;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
namespace activity = sagas::activity;

AMerchant::Options us_is_observed() {
    AMerchant::Options options;
    options.us_mode = "observe";
    return options;
}

// Every command that ever was, reads left out.
std::set<std::string> writes(const AMerchant& shop) {
    static const std::set<std::string_view> reads{activity::find_fulfillment,     activity::poll_fulfillments,
                                                  activity::read_warehouse_stock, activity::quiet_read,
                                                  activity::poll_orders,          activity::read_order};
    std::set<std::string> found;
    const sim::SimTables& tables = shop.store.tables();
    for (const auto* table : {&tables.open_commands, &tables.closed_commands}) {
        for (const auto& [key, row] : *table) {
            if (reads.count(row.activity) == 0) found.insert(row.activity + " " + row.lane);
        }
    }
    return found;
}

engine::InputResult set_mode(AMerchant& shop, StoreId store, bool live) {
    engine::AuditRow audit{merchant, shop.clock.now(), "anna", "store mode", "us", "because", json::object()};
    engine::InputResult result = shop.take_in(StoreModeSet{merchant, store, live, std::move(audit)});
    shop.due();
    return result;
}

sagas::OrderDocument sent(sagas::OrderDocument order) {
    order.updated_at += 10s;
    order.fulfillments.push_back({"700", "success", {"T700"}});
    for (sagas::OrderLine& line : order.lines)
        line.fulfillable_quantity = 0;
    return order;
}

// Ordered in the observed store, and shown to the live one.
void order_and_show(AMerchant& shop, const std::string& order_id, SkuId sku, std::int64_t quantity) {
    shop.order(order_id, us, sku, quantity);
    if (!shop.flush_of(eu).empty()) shop.flush_done(eu);
}

TEST(Observe, AnOrderIsDecidedToTheEndAndNothingLeaves) {
    AMerchant shop(us_is_observed());
    order_and_show(shop, "100", shirt, 2);

    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    EXPECT_TRUE(shop.data("100").observed);
    EXPECT_THAT(shop.last_step("100").cause, HasSubstr("RequestFulfillment was not sent"));
    EXPECT_THAT(writes(shop), UnorderedElementsAre("FlushStock store:1")) << "the live store is told";
    EXPECT_THAT(
        shop.announced,
        testing::Each(testing::Field(&engine::AnnouncementRow::routing_key, Not(HasSubstr("orders.")))));
    EXPECT_EQ(shop.laws(), "");
}

// The hole between two systems: the other one has not told the warehouse yet.
TEST(Observe, WhatItSoldCannotBeSoldByALiveStore) {
    AMerchant shop(us_is_observed());
    order_and_show(shop, "100", shirt, 9);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 1);
    shop.order("101", eu, shirt, 2);
    EXPECT_EQ(shop.data("101").final_state, "OutOfStock");
    EXPECT_EQ(shop.laws(), "");
}

// The other one has told the warehouse: its figure holds the order already, and a live store keeps the rest.
TEST(Observe, WhatTheWarehouseHasCountedIsNotTakenTwice) {
    AMerchant shop(us_is_observed());
    order_and_show(shop, "100", shirt, 4);
    shop.pass(1min);
    shop.read_warehouse({{shirt, 6}});
    EXPECT_EQ(shop.stock(shirt).available, 6);
    EXPECT_EQ(shop.stock(shirt).committed, 4);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Observe, SentByTheOtherSystemItIsShippedHereAndCompleted) {
    AMerchant shop(us_is_observed());
    order_and_show(shop, "100", shirt, 2);
    shop.deliver(us, "orders/updated", sent(an_order("100", us, shirt, 2)));

    EXPECT_EQ(shop.state("100"), "Shipped");
    EXPECT_EQ(shop.stock(shirt).committed, 0);
    EXPECT_EQ(shop.stock(shirt).on_hand, 8);
    EXPECT_EQ(shop.stock(shirt).available, 8);
    shop.pass(24h * 15);
    EXPECT_EQ(shop.state("100"), "Completed");
    EXPECT_THAT(writes(shop), UnorderedElementsAre("FlushStock store:1"));
    EXPECT_THAT(shop.incidents(), IsEmpty());
    EXPECT_EQ(shop.laws(), "");
}

TEST(Observe, SentInPartItWaitsForTheRest) {
    AMerchant shop(us_is_observed());
    order_and_show(shop, "100", shirt, 2);
    sagas::OrderDocument half = sent(an_order("100", us, shirt, 2));
    half.lines[0].fulfillable_quantity = 1;
    shop.deliver(us, "orders/updated", half);
    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    EXPECT_EQ(shop.stock(shirt).committed, 2);
}

TEST(Observe, CancelledInTheStoreItsUnitsComeBackWithAReading) {
    AMerchant shop(us_is_observed());
    order_and_show(shop, "100", shirt, 2);
    sagas::OrderDocument order = an_order("100", us, shirt, 2);
    order.updated_at += 10s;
    order.cancelled_at = order.updated_at;
    shop.deliver(us, "orders/cancelled", order);
    shop.pass(11s);

    EXPECT_EQ(shop.state("100"), "Compensated");
    EXPECT_EQ(shop.stock(shirt).available, 8) << "the warehouse may have counted it";
    shop.read_warehouse({{shirt, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 10);
    EXPECT_THAT(writes(shop), UnorderedElementsAre("FlushStock store:1"));
    EXPECT_EQ(shop.laws(), "");
}

TEST(Observe, SentWhileItWaitsHereItGivesBackWhatItHeld) {
    AMerchant shop(us_is_observed());
    sagas::OrderDocument order = an_order("100", us, shirt, 2);
    order.financial_status = "pending";
    shop.deliver(us, "orders/create", order);
    ASSERT_EQ(shop.state("100"), "OnHold");
    shop.deliver(us, "orders/updated", sent(order));
    shop.pass(11s);
    EXPECT_EQ(shop.state("100"), "Compensated");
    EXPECT_EQ(shop.data("100").cause, "sent by another system");
    EXPECT_EQ(shop.stock(shirt).available, 10);
    EXPECT_THAT(shop.incidents(), IsEmpty());
    EXPECT_EQ(shop.laws(), "");
}

TEST(Observe, AnOrderThatWouldBeRefusedIsNotSettledInItsStore) {
    AMerchant shop(us_is_observed());
    shop.order("100", us, shirt, 11);
    EXPECT_EQ(shop.state("100"), "OutOfStock");
    EXPECT_THAT(writes(shop), IsEmpty());
}

// The price of the rule: the ledger may be wrong, the store is left as it is.
TEST(Observe, AnObservedStoreIsNotUpdatedAndNobodyWaitsForIt) {
    AMerchant shop(us_is_observed());
    shop.order("100", eu, shirt, 2);
    EXPECT_EQ(shop.state("100"), "ChannelsSynced") << "the observed store holds nobody up";
    EXPECT_EQ(shop.listing(us, shirt).target, 8) << "what it would be told";
    EXPECT_EQ(shop.listing(us, shirt).believed, 10);
    EXPECT_THAT(writes(shop), UnorderedElementsAre("RequestFulfillment warehouse:1"));
}

TEST(CutOver, SendsWhatIsOrderedFromThenOnAndNothingOlder) {
    AMerchant shop(us_is_observed());
    order_and_show(shop, "100", shirt, 1);
    shop.clock.advance(300ms);
    ASSERT_EQ(set_mode(shop, us, true).kind, Kind::applied);
    const StoreRow row = shop.store.tables().stores.at({merchant, us});
    EXPECT_EQ(row.go_live_at, start + 1s) << "the store's own word of an order's time has whole seconds";
    EXPECT_EQ(row.observed_from, start - 24h);

    // Ordered before, heard of now: it counts, and the other system sends it.
    sagas::OrderDocument late = an_order("101", us, shirt, 1);
    late.created_at = late.updated_at = start;
    shop.deliver(us, "orders/create", late);
    sagas::OrderDocument fresh = an_order("102", us, shirt, 1);
    fresh.created_at = fresh.updated_at = row.go_live_at;
    shop.deliver(us, "orders/create", fresh);
    shop.pass(11s);

    EXPECT_TRUE(shop.data("100").observed);
    EXPECT_TRUE(shop.data("101").observed);
    EXPECT_FALSE(shop.data("102").observed);
    ASSERT_EQ(shop.open(activity::request_fulfillment).size(), 1U);
    EXPECT_EQ(shop.the_open(activity::request_fulfillment).payload.at("reference"), "us.102.1.1");
    // What was observed is never sent, whatever becomes of it.
    shop.tell("100", "OperatorRetried");
    shop.tell("100", "CancelRequested", {{"by", "operator"}, {"reason", "r"}});
    shop.pass(11s);
    EXPECT_FALSE(shop.has_open(activity::cancel_fulfillment));
    EXPECT_EQ(shop.state("100"), "Compensated");
    EXPECT_EQ(shop.laws(), "");
}

TEST(CutOver, ReadsTheStoreBeforeItIsUpdatedTheFirstTime) {
    AMerchant shop(us_is_observed());
    shop.order("100", eu, shirt, 2);
    ASSERT_EQ(set_mode(shop, us, true).kind, Kind::applied);
    EXPECT_TRUE(shop.has_open(activity::quiet_read, "store:2"));
    EXPECT_THAT(shop.flush_of(us), IsEmpty()) << "the other system may have moved its levels";
}

TEST(CutOver, GoesBackOnlyWhenNothingIsHalfSent) {
    AMerchant shop;
    shop.order("100", us, shirt, 2);
    engine::InputResult refused = set_mode(shop, us, false);
    EXPECT_EQ(refused.kind, Kind::refused);
    EXPECT_THAT(refused.reason, HasSubstr("1 of its orders are under way"));

    AMerchant other;
    other.order("100", eu, shirt, 2);
    ASSERT_FALSE(other.flush_of(us).empty());
    EXPECT_THAT(set_mode(other, us, false).reason, HasSubstr("a stock update is on its way"));
    other.flush_done(us);
    EXPECT_EQ(set_mode(other, us, false).kind, Kind::applied);
    EXPECT_EQ(set_mode(other, us, false).kind, Kind::refused) << "it is observed already";
    other.order("101", us, shirt, 1);
    EXPECT_TRUE(other.data("101").observed);
}

}  // namespace
}  // namespace ordersaga::orders
