// The ways aside: on hold, waiting for stock, out of stock, waiting for a person.
#include "sagas/found_fulfillments.hpp"
#include "tests/unit/sagas/conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

// --- holds -------------------------------------------------------------------------------------------------------------

TEST(OrderSagaHold, KeepsTheStockOfAnUnpaidOrderUntilItIsPaid) {
    Conversation order = on_hold();
    EXPECT_EQ(order.state(), "OnHold");
    EXPECT_THAT(order.effects(), IsEmpty()) << "the reservation stays";
    EXPECT_EQ(order.last().next_wake, start + std::chrono::hours(72));

    order.tell("OrderPaid", {{"paid", true}});
    EXPECT_EQ(order.state(), "Reserved");
    EXPECT_THAT(order.effects(), ElementsAre("WaitForChannels"));
    EXPECT_TRUE(order.data().paid);
    EXPECT_THAT(order.data().holds, IsEmpty());
}

TEST(OrderSagaHold, StaysWhileAnotherHoldRemains) {
    OrderData data = an_unpaid_order();
    data.holds.push_back("no_address");
    data.holds.push_back("ship_method");
    Conversation order = reserved(data);
    order.tell("OrderPaid", {{"paid", true}});
    EXPECT_EQ(order.state(), "OnHold");
    EXPECT_THAT(order.data().holds, ElementsAre("no_address", "ship_method"));

    order.tell("HoldReleased", {{"reason", "called the customer"}});
    EXPECT_EQ(order.state(), "OnHold") << "it is not said which of the two is meant";

    order.tell("HoldReleased", {{"reason", "ship_method"}, {"ship_method", "Ground"}});
    EXPECT_EQ(order.state(), "OnHold");
    EXPECT_THAT(order.data().holds, ElementsAre("no_address"));
    EXPECT_EQ(order.data().ship_method, "Ground");

    order.tell("HoldReleased", {{"reason", "called the customer"}});
    EXPECT_EQ(order.state(), "Reserved") << "the only one there is";
}

// A person's word is no ship method: what is sent without one would go by whatever the warehouse makes of it.
TEST(OrderSagaHold, ForWantOfAShipMethodGoesOnlyWithTheMethod) {
    OrderData data = an_order();
    data.ship_line = "Drone";
    data.ship_method.clear();
    data.holds = {"ship_method"};
    Conversation order = reserved(data);
    EXPECT_EQ(order.state(), "OnHold");
    EXPECT_TRUE(order.incident_open());

    order.tell("HoldReleased", {{"reason", "ship_method"}});
    EXPECT_EQ(order.state(), "OnHold");
    EXPECT_THAT(order.data().holds, ElementsAre("ship_method"));

    order.tell("HoldReleased", {{"reason", "ship_method"}, {"ship_method", "Ground"}});
    EXPECT_EQ(order.state(), "Reserved");
    EXPECT_EQ(order.data().ship_method, "Ground");
    EXPECT_FALSE(order.incident_open());
}

TEST(OrderSagaHold, GivesTheStockBackWhenItExpires) {
    Conversation order = on_hold();
    order.tell("TimeReached");
    EXPECT_EQ(order.state(), "OnHold") << "before its time";

    order.wait();
    EXPECT_EQ(order.state(), "ReleasingStock");
    EXPECT_THAT(order.effects(), ElementsAre("Release"));
    EXPECT_TRUE(order.incident_open());

    order.tell("StockReleased");
    order.tell("ChannelsUpdated");
    EXPECT_EQ(order.state(), "SettlingOrder");
    order.end(activity::settle_store_order, done({{"settled", "held"}}));
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_EQ(order.data().cause, "hold expired");
    EXPECT_TRUE(order.incident_open()) << "somebody must look at it";
}

TEST(OrderSagaHold, WaitsForAMappingBeforeItReservesAnything) {
    OrderData data = an_order();
    data.lines.push_back({"L2", "UNKNOWN", 1, {}, 0});
    data.holds = {"unmapped"};
    Conversation order(data);
    order.tell("OrderPlaced");
    EXPECT_EQ(order.state(), "OnHold");
    EXPECT_THAT(order.effects(), IsEmpty());
    EXPECT_TRUE(order.incident_open());

    order.tell("HoldReleased", {{"reason", "unmapped"}, {"lines", lines_json({a_line("L1", 2), a_line("L2", 1)})}});
    EXPECT_EQ(order.state(), "Received");
    EXPECT_THAT(order.effects(), ElementsAre("Exchange"));
    EXPECT_EQ(order.last().effects.front().payload.at("lines").size(), 2U);
    EXPECT_FALSE(order.incident_open());
}

// The SKU was mapped, and the order came by again.
TEST(OrderSagaHold, GoesWhenTheOrderIsMapped) {
    OrderData data = an_order();
    data.lines.push_back({"L2", "UNKNOWN", 1, {}, 0});
    data.holds = {"unmapped"};
    Conversation order(data);
    order.tell("OrderPlaced");
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2), a_line("L2", 1)})}});
    EXPECT_EQ(order.state(), "Received");
    EXPECT_THAT(order.data().holds, IsEmpty());
    EXPECT_FALSE(order.incident_open());
    order.tell("StockReserved");
    EXPECT_EQ(order.state(), "Reserved");
}

TEST(OrderSagaHold, ReservesWhenPaymentWasTheLastThingMissing) {
    OrderData data = an_unpaid_order();
    data.holds.push_back("unmapped");
    Conversation order(data);
    order.tell("OrderPlaced");
    ASSERT_EQ(order.state(), "OnHold");
    order.tell("HoldReleased", {{"reason", "unmapped"}});
    order.tell("OrderPaid", {{"paid", true}});
    EXPECT_EQ(order.state(), "Received");
    EXPECT_THAT(order.effects(), ElementsAre("Exchange"));
}

TEST(OrderSagaHold, IsPlacedByAnOperatorBeforeTheRequestLeaves) {
    Conversation order = reserved();
    order.tell("HoldPlaced", {{"reason", "fraud check"}});
    EXPECT_EQ(order.state(), "OnHold");
    EXPECT_THAT(order.effects(), ElementsAre("StopWaiting"));
    EXPECT_THAT(order.last().note, HasSubstr("fraud check"));

    order.tell("HoldPlaced", {{"reason", "again"}});
    EXPECT_THAT(order.data().holds, ElementsAre("operator"));

    order.tell("HoldReleased");
    EXPECT_EQ(order.state(), "Reserved");
}

TEST(OrderSagaHold, WithdrawsARequestThatHasNotLeft) {
    Conversation order = requesting();
    order.tell("HoldPlaced", {{"reason", "address wrong"}});
    EXPECT_EQ(order.state(), "OnHold");
    EXPECT_THAT(order.open(), IsEmpty());

    order.tell("ChannelsUpdated");
    EXPECT_EQ(order.state(), "OnHold");

    order.tell("HoldReleased");
    EXPECT_EQ(order.state(), "ChannelsSynced");
    EXPECT_THAT(order.commands(), ElementsAre("RequestFulfillment"));
    EXPECT_EQ(order.reference(), "eu.450789469.1.1") << "nothing was cancelled, so the generation is the same";
}

// The request was delivered twice: one worker found the warehouse closed, the other one asked it.
TEST(OrderSagaOperator, IsAskedWhenTheWarehouseShowsWhatWasWithdrawn) {
    for (const bool changed : {true, false}) {
        Conversation order = requesting();
        if (changed) {
            order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 1)})}});
            order.tell("StockReserved");
            ASSERT_EQ(order.state(), "Reserved");
        } else {
            order.tell("HoldPlaced", {{"reason", "address wrong"}});
            ASSERT_EQ(order.state(), "OnHold");
        }
        order.show(a_view(order.reference(), "Accepted"));
        EXPECT_EQ(order.state(), "NeedsOperator");
        EXPECT_THAT(*order.last().incident, HasSubstr("taken back before it left"));

        Conversation cancelled = order;
        cancelled.tell("CancelRequested", {{"by", "operator"}});
        EXPECT_EQ(cancelled.state(), "CancellingFulfillment");
        Conversation retried = order;
        retried.tell("OperatorRetried");
        EXPECT_THAT(retried.commands(), ElementsAre("RequestFulfillment")) << "which tells what is there";
        order.show(a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", changed ? 1 : 2}}}}));
        EXPECT_EQ(order.state(), "Shipped");
        EXPECT_THAT(order.effects(), Contains("Commit"));
    }
}

TEST(OrderSagaOperator, IsAskedWhenTheGoodsOfWhatWasWithdrawnHaveLeft) {
    Conversation order = requesting();
    order.tell("HoldPlaced", {{"reason", "address wrong"}});
    const json left = a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}});
    order.show(left);
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(order.effects(), ElementsAre("StopWaiting", "Commit", "Ship"));
    EXPECT_THAT(order.commands(), ElementsAre("CreateStoreFulfillment"));
    EXPECT_TRUE(order.incident_open());
    order.show(left);
    EXPECT_TRUE(order.last().silent);

    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "Shipped");
}

// The change needs more than there is, and the warehouse has what it was asked for first.
TEST(OrderSagaOperator, DoesNotHaveReservedAndSentAgainWhatTheWarehouseHas) {
    for (const bool left : {true, false}) {
        Conversation order = requesting();
        order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 5)})}});
        order.tell("StockShort", {{"backorder", true}, {"short", json::array({"SHIRT"})}});
        ASSERT_EQ(order.state(), "Backordered");
        const std::string reference = order.reference();
        if (left) {
            order.show(a_view(reference, "Shipped", {{"S1", "Shipped", {{"9001", 2}}}}));
        } else {
            order.show(a_view(reference, "Accepted"));
            ASSERT_EQ(order.state(), "NeedsOperator");
            order.tell("FulfillmentAccepted", {{"reference", reference}, {"view", a_view(reference, "Accepted")}});
        }
        ASSERT_EQ(order.state(), "NeedsOperator");

        order.tell("OperatorRetried");
        EXPECT_EQ(order.state(), "FulfillmentRequested");
        EXPECT_THAT(order.effects(), Not(Contains("Exchange")));
        EXPECT_THAT(order.commands(), Not(Contains("RequestFulfillment")));
    }
}

// It was cancelled in doubt, then changed, and the change got no stock: the old content leaves, and the new is still wanted.
TEST(OrderSagaOperator, ShipsByItselfWhatAGivenUpOrderLeftWithout) {
    for (const bool beyond_recall : {false, true}) {
        Conversation order = requested();
        order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 1), a_line("L2", 1)})}});
        order.end(activity::cancel_fulfillment, done({{"found", false}}));
        ASSERT_EQ(order.state(), "NeedsOperator");
        order.tell("OperatorRetried");
        order.end(activity::cancel_fulfillment, done({{"found", false}}));
        ASSERT_EQ(order.state(), "Received");
        order.tell(
            "ExchangeRefused", {{"short", json::array({{{"sku", "MUG"}}})}, {"reason", "wants more than there is: "}});
        ASSERT_EQ(order.state(), "NeedsOperator");

        order.show(a_view("eu.450789469.1.1", "Accepted"));
        ASSERT_THAT(order.commands(), ElementsAre("CancelFulfillment"));
        if (beyond_recall) order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
        order.show(a_view("eu.450789469.1.1", "Shipped", {{"S1", "Shipped", {{"9001", 1}}}}));
        EXPECT_THAT(order.effects(), IsSupersetOf({"Commit", "Ship", "Reserve"}));
        const std::vector<SagaLine> rest = order.data().added;
        ASSERT_EQ(rest.size(), 1U);
        EXPECT_EQ(rest.front().line_id, "L2");
        order.tell("StockReserved");
        order.tell("OperatorRetried");
        order.tell("ChannelsUpdated");
        EXPECT_EQ(order.state(), "FulfillmentRequested");
        EXPECT_EQ(order.reference(), "eu.450789469.2.1");
        order.show(a_view("eu.450789469.2.1", "Shipped", {{"S2", "Shipped", {{"9001", 1}}}}));
        EXPECT_EQ(order.state(), "Shipped") << "nothing else is wanted";
    }
}

// The same, and nobody wants the new content any more: what has left is the order, and it comes to its end.
TEST(OrderSagaOperator, CancelsWhatAGivenUpOrderLeftWithout) {
    Conversation order = requested();
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 1), a_line("L2", 1)})}});
    order.end(activity::cancel_fulfillment, done({{"found", false}}));
    order.tell("OperatorRetried");
    order.end(activity::cancel_fulfillment, done({{"found", false}}));
    order.tell(
        "ExchangeRefused", {{"short", json::array({{{"sku", "MUG"}}})}, {"reason", "wants more than there is: "}});
    order.show(a_view("eu.450789469.1.1", "Accepted"));
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    ASSERT_EQ(order.state(), "NeedsOperator");

    order.tell("CancelRequested", {{"by", "operator"}});
    ASSERT_EQ(order.state(), "CancellingFulfillment");
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.commands(), ElementsAre("FindFulfillment")) << "what leaves is still to be learned";
    Conversation again = order;
    again.tell("CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(again.state(), "CancellingFulfillment") << "it is at the warehouse";

    order.show(a_view("eu.450789469.1.1", "Shipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    EXPECT_THAT(order.effects(), IsSupersetOf({"Commit", "Ship", "Release"}));
    EXPECT_THAT(order.effects(), Not(Contains("Reserve"))) << "it was cancelled";
    EXPECT_THAT(*order.last().incident, HasSubstr("added to an order that was to be cancelled: 1 SHIRT"));
    order.tell("StockReleased");
    EXPECT_EQ(order.state(), "Shipped");
}

// The poll that found it tells of it again, before its request has looked.
TEST(OrderSagaRestored, IsNotSurprisedByWhatItHasTakenOver) {
    OrderData data = an_order();
    ASSERT_TRUE(adopt(data, {a_view("eu.450789469.1.1", "Accepted")}).clear);
    const json shipped = a_view("eu.450789469.1.1", "Shipped", {{"S1", "Shipped", {{"9001", 2}}}});
    Conversation order(data);
    order.tell("OrderPlaced");
    for (const char* state : {"Received", "Reserved"}) {
        if (state == std::string("Reserved")) order.tell("StockReserved");
        ASSERT_EQ(order.state(), state);
        for (const bool catching_up : {true, false}) {
            json told = {{"view", shipped}};
            if (catching_up) told["found"] = true;
            order.tell("FulfillmentViewed", told);
            EXPECT_EQ(order.state(), state);
            EXPECT_TRUE(order.last().silent);
        }
    }
    order.tell("ChannelsUpdated");
    ASSERT_THAT(order.commands(), ElementsAre("RequestFulfillment"));
    EXPECT_EQ(order.command(activity::request_fulfillment).payload.at("lookup_first"), true);
    order.end(activity::request_fulfillment, done({{"view", shipped}}));
    order.show(shipped);
    EXPECT_EQ(order.state(), "Shipped");

    data.holds = {"unpaid"};
    Conversation held(data);
    held.tell("OrderPlaced");
    held.tell("StockReserved");
    ASSERT_EQ(held.state(), "OnHold");
    held.show(shipped);
    EXPECT_EQ(held.state(), "NeedsOperator") << "it leaves, and it must not";
}

TEST(OrderSagaHold, OfAnOperatorIsNotTakenAwayByPayment) {
    Conversation order = requesting();
    order.tell("HoldPlaced");
    order.tell("OrderPaid", {{"paid", true}});
    EXPECT_EQ(order.state(), "OnHold");
    EXPECT_TRUE(order.data().paid);
}

TEST(OrderSagaHold, ComesTooLateOnceTheWarehouseMayHaveTheOrder) {
    Conversation sent = requesting();
    sent.send(activity::request_fulfillment);
    sent.tell("HoldPlaced");
    EXPECT_EQ(sent.state(), "ChannelsSynced");
    EXPECT_THAT(sent.last().note, HasSubstr("too late"));

    for (auto begin :
         {+[] { return requested(); },
          +[] {
              return shipped();
          }}) {
        Conversation order = begin();
        const std::string before = order.state();
        order.tell("HoldPlaced");
        EXPECT_EQ(order.state(), before);
        EXPECT_THAT(order.last().note, HasSubstr("too late"));
    }
}

TEST(OrderSagaHold, IsRememberedWhileStockIsAwaitedAndMayBeTakenBack) {
    for (auto begin :
         {+[] { return Conversation(); },
          +[] {
              return backordered();
          }}) {
        Conversation order = begin();
        const std::string before = order.state();
        order.tell("HoldPlaced", {{"reason", "fraud check"}});
        EXPECT_EQ(order.state(), before);
        Conversation held = order;
        held.tell(before == "Received" ? "StockReserved" : "StockGranted");
        EXPECT_EQ(held.state(), "OnHold");

        order.tell("HoldReleased");
        EXPECT_TRUE(order.last().handled);
        order.tell(before == "Received" ? "StockReserved" : "StockGranted");
        EXPECT_EQ(order.state(), "Reserved");
    }
}

TEST(OrderSagaHold, EndsWithACancel) {
    Conversation order = on_hold();
    order.tell("CancelRequested", {{"by", "customer"}, {"reason", "changed my mind"}});
    EXPECT_EQ(order.state(), "ReleasingStock");
    EXPECT_THAT(order.effects(), ElementsAre("Release"));
    EXPECT_FALSE(order.data().settle_store_order) << "the store has ended it itself";
}

TEST(OrderSagaHold, ReservesAnewWhenTheOrderChanges) {
    Conversation order = on_hold();
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 3)})}});
    EXPECT_EQ(order.state(), "Received");
    EXPECT_THAT(order.effects(), ElementsAre("StopWaiting", "Exchange"));
    order.tell("StockReserved");
    EXPECT_EQ(order.state(), "OnHold") << "still unpaid";
}

// --- stock -------------------------------------------------------------------------------------------------------------

TEST(OrderSagaStock, WaitsInTheQueueWhenTheSkuMayBeBackordered) {
    Conversation order = backordered();
    EXPECT_EQ(order.state(), "Backordered");
    EXPECT_THAT(order.last().note, HasSubstr("SHIRT"));

    order.wait();
    EXPECT_EQ(order.state(), "Backordered") << "looked, nothing new";

    order.tell("StockGranted");
    EXPECT_EQ(order.state(), "Reserved");
    EXPECT_THAT(order.effects(), ElementsAre("WaitForChannels"));
}

TEST(OrderSagaStock, HoldsAnUnpaidOrderAlsoAfterTheQueue) {
    Conversation order = backordered(an_unpaid_order());
    order.tell("StockGranted");
    EXPECT_EQ(order.state(), "OnHold");
}

TEST(OrderSagaStock, LeavesTheQueueWhenCancelled) {
    Conversation order = backordered();
    order.tell("CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(order.state(), "ReleasingStock");
    EXPECT_THAT(order.effects(), ElementsAre("Release"));
}

TEST(OrderSagaStock, JoinsTheQueueAnewWhenChanged) {
    Conversation order = backordered();
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 1)})}});
    EXPECT_EQ(order.state(), "Received");
    EXPECT_THAT(order.effects(), Contains("Exchange"));
}

TEST(OrderSagaStock, RefusesAndSettlesTheStoresOrderWhenThereIsNone) {
    Conversation order;
    order.tell("OrderPlaced");
    order.tell("StockShort", {{"short", json::array({{{"sku", "SHIRT"}}})}, {"backorder", false}});
    EXPECT_EQ(order.state(), "SettlingOrder");
    const Command settle = order.command(activity::settle_store_order);
    EXPECT_EQ(settle.payload.at("policy"), "hold_and_tell");
    EXPECT_EQ(settle.payload.at("tag"), "ordersaga-out-of-stock");
    EXPECT_EQ(settle.payload.at("reason"), "out of stock");

    order.tell("CancelRequested", {{"by", "customer"}});
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 1)})}});
    order.tell("OrderPaid", {{"paid", true}});
    EXPECT_EQ(order.state(), "SettlingOrder");

    order.end(activity::settle_store_order, done({{"settled", "held"}, {"already", false}}));
    EXPECT_EQ(order.state(), "OutOfStock");
    EXPECT_FALSE(order.last().next_wake.has_value());

    const json before = order.snapshot().data;
    order.tell("CancelRequested", {{"by", "customer"}});
    order.tell("OrderPaid", {{"paid", true}});
    EXPECT_EQ(order.state(), "OutOfStock");
    EXPECT_EQ(order.snapshot().data, before);

    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 1)})}});
    EXPECT_FALSE(order.incident_open());
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 3)})}});
    EXPECT_EQ(order.state(), "OutOfStock");
    EXPECT_THAT(*order.last().incident, HasSubstr("added after the order was given up: 3 SHIRT"));
}

TEST(OrderSagaStock, RefundsWhenThePolicySaysSo) {
    OrderData data = an_order();
    data.order_policy = "cancel_and_refund";
    Conversation order(data);
    order.tell("OrderPlaced");
    order.tell("StockShort", {{"backorder", false}});
    EXPECT_EQ(order.command(activity::settle_store_order).payload.at("policy"), "cancel_and_refund");
}

// --- a person ------------------------------------------------------------------------------------------------------------

TEST(OrderSagaOperator, IsAskedWhenAChangedOrderCannotBeReserved) {
    Conversation order = reserved();
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 9)})}});
    order.tell(
        "ExchangeRefused", {{"short", json::array({{{"sku", "SHIRT"}}})}, {"reason", "wants more than there is: "}});
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(*order.last().incident, HasSubstr("SHIRT"));

    order.tell("StockReserved");
    order.tell("StockGranted");
    order.tell("ChannelsUpdated");
    EXPECT_EQ(order.state(), "NeedsOperator") << "late news of what was waited for";

    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "Received");
    EXPECT_THAT(order.effects(), ElementsAre("Exchange"));
    EXPECT_FALSE(order.incident_open());
}

TEST(OrderSagaOperator, RetriesFromWhereItStood) {
    Conversation before_stock;
    before_stock.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}});
    before_stock.tell("OperatorRetried");
    EXPECT_EQ(before_stock.state(), "Received");

    Conversation waiting = reserved();
    waiting.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}});
    waiting.tell("OperatorRetried");
    EXPECT_EQ(waiting.state(), "Reserved");
    EXPECT_THAT(waiting.effects(), ElementsAre("WaitForChannels"));

    Conversation held = on_hold();
    held.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}});
    held.tell("OperatorRetried");
    EXPECT_EQ(held.state(), "Received");
    held.tell("StockReserved");
    EXPECT_EQ(held.state(), "OnHold") << "the hold has not gone";

    Conversation unsent = requesting();
    unsent.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}});
    unsent.tell("OperatorRetried");
    EXPECT_EQ(unsent.state(), "ChannelsSynced");
    EXPECT_THAT(unsent.commands(), ElementsAre("RequestFulfillment"));
}

// Everything was fulfilled before the order reached us: what is left to request is nothing.
TEST(OrderSagaOperator, NeverRequestsNothing) {
    OrderData data = an_order();
    data.lines.clear();
    Conversation order(data);
    order.tell("FulfilledElsewhere", {{"reason", "fulfilled outside before it reached us"}});
    ASSERT_EQ(order.state(), "NeedsOperator");
    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "Completed");
    EXPECT_FALSE(order.incident_open());
    EXPECT_THAT(order.effects(), IsEmpty());
}

TEST(OrderSagaOperator, LooksBeforeItWritesAgainWhenTheOutcomeWasNeverLearned) {
    Conversation order = in_doubt();
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_TRUE(order.data().fulfillments.back().perhaps_exists);
    EXPECT_THAT(order.last().note, HasSubstr("RequestFulfillment failed: no answer"));

    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "ChannelsSynced");
    EXPECT_TRUE(order.command(activity::request_fulfillment).payload.at("lookup_first").get<bool>());
    EXPECT_EQ(order.reference(), "eu.450789469.1.1") << "never a new reference without a confirmed cancel";

    order.end(activity::request_fulfillment, done({{"view", a_view(order.reference(), "Accepted")}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_FALSE(order.data().fulfillments.back().perhaps_exists);
}

TEST(OrderSagaOperator, IsAskedWhenTheReferenceExistsWithOtherContent) {
    Conversation order = requesting();
    order.end(
        activity::request_fulfillment,
        ended(OutcomeKind::refused, "exists", {{"conflict", true}, {"messages", json::array({"exists"})}}));
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(*order.last().incident, HasSubstr("other content"));

    order.tell("CancelRequested", {{"by", "operator"}});
    EXPECT_EQ(order.state(), "CancellingFulfillment") << "what has our reference may be sent to the buyer";
}

TEST(OrderSagaOperator, LearnsThatTheWarehouseHasItAfterAll) {
    Conversation order = in_doubt();
    Conversation changed = order;
    order.show(a_view(order.reference(), "Accepted"));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.effects(), ElementsAre("Commit"));
    EXPECT_FALSE(order.incident_open());

    changed.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 1)})}});
    changed.show(a_view(changed.reference(), "Accepted"));
    EXPECT_EQ(changed.state(), "NeedsOperator");
    EXPECT_THAT(changed.effects(), ElementsAre("Commit"));
    EXPECT_TRUE(changed.incident_open());
    changed.tell("OperatorRetried");
    EXPECT_EQ(changed.state(), "CancellingFulfillment") << "the change is carried out";
}

TEST(OrderSagaOperator, IsAskedWhenTheWarehouseIsInTrouble) {
    Conversation order = requested();
    json view = a_view(order.reference(), "NeedsAttention");
    view["problems"] = json::array({{{"code", "address"}, {"text", "address cannot be found"}}});
    order.show(view);
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(*order.last().incident, HasSubstr("address cannot be found"));

    order.show(view);
    EXPECT_TRUE(order.last().silent) << "the same trouble again is no news";

    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.commands(), ElementsAre("FindFulfillment"));
    EXPECT_FALSE(order.incident_open());
}

TEST(OrderSagaOperator, IsAskedWhenTheWarehouseHasLostTheOrder) {
    Conversation order = requested();
    order.wait();
    order.end(activity::find_fulfillment, done({{"found", false}}));
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(*order.last().incident, HasSubstr("does not know the order any more"));
}

TEST(OrderSagaOperator, HearsOfShipmentsMeanwhile) {
    OrderData data = an_order();
    Conversation order = requested(data);
    order.show(a_view(order.reference(), "NeedsAttention"));
    ASSERT_EQ(order.state(), "NeedsOperator");

    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(order.commands(), ElementsAre("CreateStoreFulfillment"));

    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Delivered", {{"9001", 1}}}}));
    EXPECT_EQ(order.last().meaning, "DeliveryReported");
    EXPECT_TRUE(order.data().fulfillments.back().shipments.front().delivered);

    order.show(
        a_view(order.reference(), "Shipped", {{"S1", "Delivered", {{"9001", 1}}}, {"S2", "Shipped", {{"9001", 1}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_FALSE(order.incident_open());
}

// The shipment was seen before the answer to the request was heard.
TEST(OrderSagaOperator, IsNotSentBackByAnAcceptanceHeardLate) {
    Conversation order = requested();
    const nlohmann::json accepted = {{"view", a_view(order.reference(), "Accepted")}};
    order.show(a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}}));
    order.end(activity::create_store_fulfillment, ended(OutcomeKind::refused, "order is cancelled"));
    ASSERT_EQ(order.state(), "NeedsOperator");

    order.tell("FulfillmentAccepted", accepted);
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(order.effects(), IsEmpty());
    EXPECT_TRUE(order.incident_open());
}

TEST(OrderSagaOperator, IsAskedWhenTheStoreWillNotHearOfTheShipment) {
    Conversation order = shipped();
    order.end(activity::create_store_fulfillment, ended(OutcomeKind::refused, "order is closed"));
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(*order.last().incident, HasSubstr("order is closed"));

    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.commands(), ElementsAre("CreateStoreFulfillment"));
}

// The first of two shipments could not be told; the retry tells it again, though the saga still waits for the second.
TEST(OrderSagaOperator, TellsAShipmentAgainThatFailedBeforeTheLastOneLeft) {
    Conversation order = requested();
    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    order.end(activity::create_store_fulfillment, ended(OutcomeKind::refused, "order is closed"));
    ASSERT_EQ(order.state(), "NeedsOperator");

    Conversation retried = order;
    retried.tell("OperatorRetried");
    EXPECT_EQ(retried.state(), "FulfillmentRequested");
    EXPECT_THAT(retried.commands(), ElementsAre("FindFulfillment", "CreateStoreFulfillment"));
    EXPECT_EQ(retried.command(activity::create_store_fulfillment).payload.at("shipment_id"), "S1");

    order.show(
        a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 1}}}, {"S2", "Shipped", {{"9001", 1}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.commands(), ElementsAre("CreateStoreFulfillment", "CreateStoreFulfillment"))
        << "the first one again";
}

TEST(OrderSagaOperator, CancelsWhatTheWarehousePerhapsHas) {
    Conversation order = in_doubt();
    order.tell("CancelRequested", {{"by", "operator"}, {"reason", "lost"}});
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_THAT(order.commands(), ElementsAre("CancelFulfillment"));
    EXPECT_TRUE(order.data().settle_store_order) << "an operator's end must be told to the store";
}

TEST(OrderSagaOperator, ReleasesWhatTheWarehouseNeverGot) {
    Conversation order = requesting();
    order.send(activity::request_fulfillment);
    order.end(activity::request_fulfillment, ended(OutcomeKind::retryable, "connection refused"), true);
    ASSERT_EQ(order.state(), "NeedsOperator");
    EXPECT_FALSE(order.data().fulfillments.back().perhaps_exists) << "every attempt surely failed";

    order.tell("CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(order.state(), "ReleasingStock");
    EXPECT_FALSE(order.incident_open());
}

TEST(OrderSagaOperator, DoesNotCancelGoodsThatHaveLeft) {
    Conversation order = shipped();
    order.end(activity::create_store_fulfillment, ended(OutcomeKind::refused, "order is closed"));
    ASSERT_EQ(order.state(), "NeedsOperator");
    order.tell("CancelRequested", {{"by", "operator"}});
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(order.last().note, HasSubstr("too late"));
    EXPECT_THAT(order.commands(), IsEmpty());
}

TEST(OrderSagaOperator, HearsThatTheWarehouseCancelled) {
    Conversation order = requested();
    order.show(a_view(order.reference(), "OnHold"));
    ASSERT_EQ(order.state(), "NeedsOperator");
    order.show(a_view(order.reference(), "Cancelled"));
    EXPECT_EQ(order.state(), "ReleasingStock");
    EXPECT_EQ(order.data().cause, "cancelled by the warehouse");
    EXPECT_FALSE(order.incident_open());
}

// An edit is never forgotten because a person was being asked.
TEST(OrderSagaOperator, CarriesOutAnEditThatCameMeanwhile) {
    const json changed = {{"lines", lines_json({a_line("L1", 1)})}};

    Conversation early = reserved();
    early.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}});
    early.tell("OrderChanged", changed);
    EXPECT_EQ(early.state(), "NeedsOperator");
    early.tell("OperatorRetried");
    EXPECT_EQ(early.state(), "Received");
    EXPECT_THAT(early.effects(), ElementsAre("Exchange"));
    EXPECT_EQ(early.data().lines.front().wanted, 1);
    EXPECT_FALSE(early.data().edit.has_value());

    Conversation doubtful = in_doubt();
    doubtful.tell("OrderChanged", changed);
    doubtful.tell("OperatorRetried");
    EXPECT_EQ(doubtful.state(), "ChannelsSynced") << "first the old request must be known";
    doubtful.end(activity::request_fulfillment, done({{"view", a_view(doubtful.reference(), "Accepted")}}));
    EXPECT_EQ(doubtful.state(), "CancellingFulfillment");

    Conversation accepted = requested();
    accepted.show(a_view(accepted.reference(), "OnHold"));
    accepted.tell("OrderChanged", changed);
    accepted.tell("OperatorRetried");
    EXPECT_EQ(accepted.state(), "CancellingFulfillment");
    EXPECT_THAT(accepted.commands(), ElementsAre("CancelFulfillment"));
}

}  // namespace
}  // namespace ordersaga::sagas
