// After a restore: the warehouse and the stores know more than the database does.

#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::orders {
namespace {

using engine::CommandState;
using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = engine::InputResult::Kind;
using namespace std::chrono_literals;
namespace activity = sagas::activity;

void enter(AMerchant& shop, const std::string& stage) {
    for (StoreId id : {eu, us}) {
        StoreRow row = shop.store.tables().stores.at({merchant, id});
        row.recovery = stage;
        shop.store.add_store(row);
    }
    shop.due();
}

json view_of(const std::string& reference, const std::string& state, std::int64_t shirts = 2) {
    const json lines = json::array({{{"sku", "SHIRT"}, {"warehouse_item_id", "9001"}, {"quantity", shirts}}});
    return {
        {"reference", reference},
        {"warehouse_order_id", "at-" + reference},
        {"state", state},
        {"shipments",
         json::array(
             {{{"id", "S-" + reference}, {"state", state}, {"tracking_number", "T-" + reference}, {"lines", lines}}})}};
}

// The duty asks, and the warehouse tells what has changed.
void poll_warehouse(AMerchant& shop, const std::vector<json>& views) {
    engine::DutyRow duty;
    duty.merchant = merchant;
    duty.duty = duty::poll_fulfillments;
    duty.subject = "warehouse:1";
    duty.next_due = shop.clock.now();
    if (!shop.has_open(activity::poll_fulfillments)) shop.store.add_duty(duty);
    shop.due();
    shop.end(
        activity::poll_fulfillments,
        done({{"views", views}, {"changed_until", runtime::format_rfc3339(shop.clock.now())}, {"complete", true}}));
}

// The warehouse was asked, then for its stock, then the store tells its orders.
void tell_orders(AMerchant& shop, std::int64_t free_shirts, std::vector<sagas::OrderDocument> orders) {
    enter(shop, "stock");
    shop.pass(2min);
    shop.read_warehouse({{shirt, free_shirts}});
    enter(shop, "orders");
    shop.poll(eu, std::move(orders));
    shop.due();
}

engine::CommandRow the_request(AMerchant& shop) {
    return shop.the_open(activity::request_fulfillment);
}

TEST(Restored, NothingIsWrittenToAPeerBeforeAllWereAsked) {
    AMerchant shop;
    enter(shop, "orders");
    shop.order("100", eu, shirt, 2);
    shop.pass(11s);

    EXPECT_EQ(shop.state("100"), "ChannelsSynced");
    EXPECT_EQ(the_request(shop).state, CommandState::waiting);
    EXPECT_EQ(shop.the_open(activity::flush_stock).state, CommandState::waiting);
    poll_warehouse(shop, {});  // a question is let out

    enter(shop, "caught_up");
    shop.pass(1s);
    EXPECT_EQ(the_request(shop).state, CommandState::sent);
    EXPECT_EQ(shop.the_open(activity::flush_stock).state, CommandState::sent);
}

// Whether the warehouse is asked for its orders, then for its stock, and a store for its orders.
std::vector<bool> asked_in(const std::string& stage) {
    AMerchant shop;
    enter(shop, stage);
    for (const auto& [name, subject] :
         {std::pair{duty::poll_fulfillments, "warehouse:1"}, std::pair{duty::read_warehouse_stock, "warehouse:1"},
          std::pair{duty::poll_orders, "store:1"}}) {
        engine::DutyRow row;
        row.merchant = merchant;
        row.duty = name;
        row.subject = subject;
        row.next_due = shop.clock.now();
        shop.store.add_duty(row);
    }
    shop.due();
    return {
        shop.has_open(activity::poll_fulfillments), shop.has_open(activity::read_warehouse_stock),
        shop.has_open(activity::poll_orders)};
}

// What the warehouse has must be known before its stock is believed, and both before an order is decided.
TEST(Restored, PeersAreAskedInTurn) {
    EXPECT_THAT(asked_in("settling"), ElementsAre(false, false, false));
    EXPECT_THAT(asked_in("warehouse"), ElementsAre(true, false, false));
    EXPECT_THAT(asked_in("stock"), ElementsAre(true, true, false));
    EXPECT_THAT(asked_in("orders"), ElementsAre(true, true, true));
}

TEST(Restored, NoOrderIsDecidedBeforeTheWarehouseWasAsked) {
    AMerchant shop;
    enter(shop, "warehouse");
    const engine::InputResult told = shop.deliver(eu, "orders/create", an_order("100", eu, shirt, 2));
    EXPECT_EQ(told.kind, Kind::ignored);
    EXPECT_THAT(told.reason, HasSubstr("restored"));

    enter(shop, "orders");
    shop.poll(eu, {an_order("100", eu, shirt, 2)});
    EXPECT_EQ(shop.state("100"), "Reserved");
}

// The last unit: the ledger, the figure of the warehouse and the store would all have this order refused.
TEST(Restored, AnOrderThatTheWarehouseHasIsAdoptedAndTakesNothingTwice) {
    AMerchant shop(AMerchant::Options{.units = 2});
    enter(shop, "warehouse");
    poll_warehouse(shop, {view_of("eu.100.1.1", "Accepted")});
    tell_orders(shop, 0, {an_order("100", eu, shirt, 2)});

    EXPECT_EQ(shop.state("100"), "ChannelsSynced") << "nothing to wait for";
    EXPECT_EQ(shop.stock(shirt).available, 0);
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    EXPECT_EQ(shop.stock(shirt).short_by, 0);
    EXPECT_EQ(shop.laws(), "");

    enter(shop, "caught_up");
    shop.pass(11s);
    EXPECT_EQ(the_request(shop).payload.at("reference"), "eu.100.1.1");
    EXPECT_EQ(the_request(shop).payload.at("lookup_first"), true);
    shop.accept("100");
    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    // Counted by the warehouse long ago: no reading subtracts it again.
    shop.read_warehouse({{shirt, 0}});
    EXPECT_EQ(shop.stock(shirt).short_by, 0);
    shop.ship("100");
    EXPECT_EQ(shop.state("100"), "Shipped");
    EXPECT_EQ(shop.stock(shirt).on_hand, 0);
    EXPECT_THAT(shop.incidents(), IsEmpty());
    EXPECT_EQ(shop.laws(), "");
}

TEST(Restored, WhatIsFoundWaitsForTheDocumentWhoeverElseTellsOfTheOrder) {
    AMerchant shop(AMerchant::Options{.units = 2});
    enter(shop, "warehouse");
    poll_warehouse(shop, {view_of("eu.100.1.1", "Accepted")});
    enter(shop, "orders");
    shop.deliver(shop.delivery(eu, "orders/edited", "100"));
    EXPECT_TRUE(shop.store.tables().found.has({merchant, "eu.100.1.1"}));

    tell_orders(shop, 0, {an_order("100", eu, shirt, 2)});
    EXPECT_EQ(shop.state("100"), "ChannelsSynced");
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    EXPECT_FALSE(shop.store.tables().found.has({merchant, "eu.100.1.1"}));
}

TEST(Restored, ACancelOfWhatStandsAtTheWarehouseIsSentThere) {
    AMerchant shop;
    enter(shop, "warehouse");
    poll_warehouse(shop, {view_of("eu.100.1.1", "Accepted")});
    tell_orders(shop, 8, {an_order("100", eu, shirt, 2)});
    sagas::OrderDocument order = an_order("100", eu, shirt, 2);
    order.updated_at += 30s;
    order.cancelled_at = order.updated_at;
    shop.deliver(eu, "orders/cancelled", order);
    EXPECT_EQ(shop.state("100"), "ChannelsSynced") << "its look is not over";

    enter(shop, "caught_up");
    shop.pass(1s);
    shop.accept("100");
    EXPECT_EQ(shop.state("100"), "CancellingFulfillment");
    EXPECT_TRUE(shop.has_open(activity::cancel_fulfillment));
    EXPECT_EQ(shop.laws(), "");
}

// What the warehouse does not have is decided by what it has left.
TEST(Restored, AnOrderThatTheWarehouseHasNotIsDecidedByItsFigure) {
    AMerchant shop;
    enter(shop, "warehouse");
    poll_warehouse(shop, {});
    tell_orders(shop, 1, {an_order("100", eu, shirt, 2)});
    EXPECT_EQ(shop.data("100").final_state, "OutOfStock");
    EXPECT_EQ(shop.laws(), "");
}

TEST(Restored, TheGenerationThatIsAliveIsGoneOnWith) {
    AMerchant shop;
    enter(shop, "warehouse");
    poll_warehouse(shop, {view_of("eu.100.1.1", "Cancelled", 3), view_of("eu.100.1.2", "Accepted")});
    tell_orders(shop, 8, {an_order("100", eu, shirt, 2)});
    enter(shop, "caught_up");
    shop.pass(11s);

    EXPECT_EQ(the_request(shop).payload.at("reference"), "eu.100.1.2");
    EXPECT_EQ(shop.stock(shirt).available, 8);
    EXPECT_EQ(shop.laws(), "");
}

// Also of an order that the store shows as fulfilled already, by us.
TEST(Restored, AnOrderThatHasLeftIsAdoptedAndNotTakenForSomebodyElses) {
    AMerchant shop;
    enter(shop, "warehouse");
    poll_warehouse(shop, {view_of("eu.100.1.1", "Shipped")});
    sagas::OrderDocument order = an_order("100", eu, shirt, 2);
    order.lines[0].fulfillable_quantity = 0;
    order.fulfillments = {{"900", "success", {"T-eu.100.1.1"}}};
    tell_orders(shop, 8, {order});
    enter(shop, "caught_up");
    shop.pass(11s);
    shop.end(the_request(shop), done({{"view", view_of("eu.100.1.1", "Shipped")}}));
    poll_warehouse(shop, {view_of("eu.100.1.1", "Shipped")});

    EXPECT_EQ(shop.state("100"), "Shipped");
    EXPECT_TRUE(shop.has_open(activity::create_store_fulfillment)) << "it finds its tracking number there";
    EXPECT_THAT(shop.incidents(), IsEmpty());
    EXPECT_EQ(shop.laws(), "");
}

struct Found {
    const char* name;
    std::vector<json> views;
    std::int64_t ordered = 2;
};

class Unclear : public testing::TestWithParam<Found> {};

TEST_P(Unclear, AsksAPersonAndSendsNothing) {
    AMerchant shop;
    enter(shop, "warehouse");
    poll_warehouse(shop, GetParam().views);
    tell_orders(shop, 8, {an_order("100", eu, shirt, GetParam().ordered)});
    enter(shop, "caught_up");
    shop.pass(1h);

    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    EXPECT_FALSE(shop.has_open(activity::request_fulfillment));
    EXPECT_FALSE(shop.has_open(activity::settle_store_order));
    EXPECT_THAT(shop.incidents(), Contains(HasSubstr("does not account for what the warehouse has: eu.100.")));
    EXPECT_EQ(shop.laws(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Restored,
    Unclear,
    testing::Values(
        Found{"APartThatWasAdded", {view_of("eu.100.1.1", "Accepted", 1), view_of("eu.100.2.1", "Accepted", 1)}},
        Found{"TwoGenerations", {view_of("eu.100.1.1", "Accepted"), view_of("eu.100.1.2", "Accepted")}},
        Found{"OtherContent", {view_of("eu.100.1.1", "Accepted", 2)}, 3},
        Found{"OnlyWhatWasCancelled", {view_of("eu.100.1.1", "Cancelled")}}),
    [](const auto& instance) { return instance.param.name; });

// The database still has this one, in the middle of its request.
struct AnOldOrder : testing::Test {
    AMerchant shop{AMerchant::Options{.reading_lag = 5min}};

    void SetUp() override {
        shop.order("100", eu, shirt, 2);
        shop.flush_done(us);
        ASSERT_EQ(shop.state("100"), "ChannelsSynced");
        enter(shop, "warehouse");
    }
};

TEST_F(AnOldOrder, IsAcceptedWhenTheWarehouseShowsIt) {
    poll_warehouse(shop, {view_of("eu.100.1.1", "Accepted")});
    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    enter(shop, "stock");
    shop.pass(2min);
    shop.read_warehouse({{shirt, 8}});
    EXPECT_EQ(shop.stock(shirt).available, 8) << "the warehouse has counted it: it is not subtracted again";
    EXPECT_EQ(shop.laws(), "");
}

TEST_F(AnOldOrder, WhoseNextGenerationIsUnknownAsksAPersonAndHearsNothingElse) {
    poll_warehouse(shop, {view_of("eu.100.1.1", "Cancelled"), view_of("eu.100.1.2", "Accepted", 3)});
    EXPECT_EQ(shop.state("100"), "ChannelsSynced") << "only its document says what became of it";
    sagas::OrderDocument edited = an_order("100", eu, shirt, 3);
    edited.updated_at += 30s;
    tell_orders(shop, 7, {edited});
    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    EXPECT_THAT(shop.data("100").unclear, HasSubstr("eu.100.1.2 Accepted"));

    // What still comes of the first generation moves nothing.
    enter(shop, "caught_up");
    shop.pass(1min);
    for (const engine::CommandRow& row : shop.open(activity::request_fulfillment))
        shop.end(row, ended(sagas::OutcomeKind::refused, "cancelled there"));
    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    EXPECT_FALSE(shop.has_open(activity::settle_store_order));
    EXPECT_EQ(shop.laws(), "");

    // A person who has looked decides.
    shop.tell("100", "CancelRequested", {{"by", "operator"}, {"reason", "settled by hand"}});
    EXPECT_THAT(shop.data("100").unclear, IsEmpty());
    EXPECT_NE(shop.state("100"), "NeedsOperator");
}

TEST_F(AnOldOrder, ThatItsCustomerCancelledIsCancelledAndAsksNobody) {
    poll_warehouse(shop, {view_of("eu.100.1.1", "Cancelled")});
    sagas::OrderDocument order = an_order("100", eu, shirt, 2);
    order.updated_at += 30s;
    order.cancelled_at = order.updated_at;
    tell_orders(shop, 10, {order});
    EXPECT_THAT(shop.data("100").unclear, IsEmpty());
    EXPECT_EQ(shop.data("100").cancel_by, "customer");
    EXPECT_THAT(shop.incidents(), IsEmpty());
    EXPECT_EQ(shop.laws(), "");
}

// In the time that is forgotten it went on and was asked for.
class AnOrderThatWaitedForItsStores : public testing::TestWithParam<std::chrono::seconds> {
protected:
    // With the short wait it comes to its request while the peers are asked.
    AMerchant shop{AMerchant::Options{.channel_wait = GetParam(), .reading_lag = 5min, .units = 2}};

    void SetUp() override {
        shop.order("100", eu, shirt, 2);
        ASSERT_EQ(shop.state("100"), "Reserved");
        enter(shop, "warehouse");
        poll_warehouse(shop, {view_of("eu.100.1.1", "Accepted")});
    }
};

void expect_to_go_on_with_what_stands(AMerchant& shop) {
    enter(shop, "caught_up");
    shop.pass(1s);
    shop.accept("100");
    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    EXPECT_EQ(shop.stock(shirt).committed, 2);

    // The warehouse has counted it long ago.
    shop.pass(2min);
    shop.read_warehouse({{shirt, 0}});
    EXPECT_EQ(shop.stock(shirt).short_by, 0);
    EXPECT_THAT(shop.incidents(), IsEmpty());
    EXPECT_EQ(shop.laws(), "");
}

TEST_P(AnOrderThatWaitedForItsStores, GoesOnWithWhatStandsAtTheWarehouse) {
    sagas::OrderDocument told = an_order("100", eu, shirt, 2);
    told.updated_at += 30s;
    tell_orders(shop, 0, {told});
    EXPECT_EQ(shop.state("100"), "ChannelsSynced");
    EXPECT_EQ(shop.data("100").fulfillments.at(0).warehouse_order_id, "at-eu.100.1.1");
    expect_to_go_on_with_what_stands(shop);
}

TEST_P(AnOrderThatWaitedForItsStores, AndWasCancelledMeanwhileAsksAPerson) {
    sagas::OrderDocument told = an_order("100", eu, shirt, 2);
    told.updated_at += 30s;
    told.cancelled_at = told.updated_at;
    tell_orders(shop, 0, {told});
    enter(shop, "caught_up");
    shop.pass(1s);
    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    EXPECT_FALSE(shop.has_open(activity::request_fulfillment));
    EXPECT_EQ(shop.laws(), "");
}

// As the other: the payment came in the time that is forgotten.
TEST(Restored, AnOrderThatWaitedForItsPaymentGoesOnWithWhatStandsAtTheWarehouse) {
    AMerchant shop(AMerchant::Options{.units = 2});
    sagas::OrderDocument order = an_order("100", eu, shirt, 2);
    order.financial_status = "pending";
    shop.deliver(eu, "orders/create", order);
    ASSERT_EQ(shop.state("100"), "OnHold");
    enter(shop, "warehouse");
    poll_warehouse(shop, {view_of("eu.100.1.1", "Accepted")});
    order.financial_status = "paid";
    order.updated_at += 30s;
    tell_orders(shop, 0, {order});
    EXPECT_EQ(shop.state("100"), "ChannelsSynced");
    expect_to_go_on_with_what_stands(shop);
}

INSTANTIATE_TEST_SUITE_P(Restored, AnOrderThatWaitedForItsStores, testing::Values(10s, 3600s));

// Nobody's: another system's, or the name of a store that is not ours.
TEST(Restored, OrdersOfOthersAtTheWarehouseAreLeftAlone) {
    AMerchant shop;
    enter(shop, "warehouse");
    poll_warehouse(
        shop, {view_of("fr.1.1.1", "Accepted"), view_of("#1001", "Accepted"), view_of("eu.100.1.1", "Accepted")});
    std::vector<std::string> kept;
    for (const auto& [key, row] : shop.store.tables().found)
        kept.push_back(row.reference);
    EXPECT_THAT(kept, ElementsAre("eu.100.1.1"));
}

}  // namespace
}  // namespace ordersaga::orders
