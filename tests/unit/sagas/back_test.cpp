// The ways back: cancels and edits at every moment, what the warehouse refuses or ends, and what turns up afterwards.
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
using testing::Not;

const json by_customer = {{"by", "customer"}, {"reason", "changed my mind"}};
const json by_operator = {{"by", "operator"}, {"reason", "anna: wrong"}};

json changed_to(std::int64_t wanted) {
    return {{"lines", lines_json({a_line("L1", wanted)})}};
}

// From ReleasingStock to the end.
void go_back(Conversation& order) {
    ASSERT_EQ(order.state(), "ReleasingStock");
    order.tell("StockReleased");
    ASSERT_EQ(order.state(), "RevertingChannels");
    EXPECT_THAT(order.effects(), ElementsAre("WaitForChannels"));
    order.tell("ChannelsUpdated");
    if (order.state() != "SettlingOrder") return;
    order.end(activity::settle_store_order, done({{"settled", "held"}}));
}

// --- cancel ------------------------------------------------------------------------------------------------------------

TEST(OrderSagaCancel, BeforeAnythingIsRequestedGivesTheStockBack) {
    for (auto begin :
         {+[] { return Conversation(); }, +[] { return reserved(); },
          +[] {
              return requesting();
          }}) {
        Conversation order = begin();
        order.tell("CancelRequested", by_customer);
        EXPECT_EQ(order.state(), "ReleasingStock");
        EXPECT_THAT(order.effects(), ElementsAre("Release"));
        EXPECT_THAT(order.open(), IsEmpty());
        go_back(order);
        EXPECT_EQ(order.state(), "Compensated");
        EXPECT_EQ(order.data().cause, "cancelled by customer");
        EXPECT_THAT(order.open(), IsEmpty()) << "the warehouse never heard of it: nothing is looked for later";
    }
}

TEST(OrderSagaCancel, ByAnOperatorIsToldToTheStore) {
    Conversation order = reserved();
    order.tell("CancelRequested", by_operator);
    order.tell("StockReleased");
    order.wait();
    EXPECT_EQ(order.last().meaning, "ChannelWaitEnded");
    EXPECT_EQ(order.state(), "SettlingOrder") << "a slow store does not keep the order from ending";
    EXPECT_EQ(order.command(activity::settle_store_order).payload.at("tag"), "ordersaga-not-shipped");
    order.end(activity::settle_store_order, done({{"settled", "held"}}));
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_THAT(order.last().note, HasSubstr("held"));
}

TEST(OrderSagaCancel, EndsAlsoWhenTheStoresAreSlow) {
    Conversation order = reserved();
    order.tell("CancelRequested", by_customer);
    order.tell("StockReleased");

    order.tell("CancelRequested", by_operator);
    order.tell("OrderChanged", changed_to(1));
    EXPECT_EQ(order.state(), "RevertingChannels");
    EXPECT_EQ(order.data().cause, "cancelled by customer") << "the first cause stays";

    order.wait();
    EXPECT_EQ(order.state(), "Compensated");
}

TEST(OrderSagaCancel, IsRememberedWhileTheRequestIsOnItsWay) {
    Conversation order = requesting();
    order.send(activity::request_fulfillment);
    order.tell("CancelRequested", by_customer);
    EXPECT_EQ(order.state(), "ChannelsSynced");
    EXPECT_THAT(order.effects(), IsEmpty());
    EXPECT_THAT(order.last().note, HasSubstr("applied when the command under way has its outcome"));

    Conversation refused = order;
    refused.end(activity::request_fulfillment, ended(OutcomeKind::refused, "no such item"));
    EXPECT_EQ(refused.state(), "ReleasingStock");
    EXPECT_EQ(refused.data().cause, "cancelled by customer");
    EXPECT_FALSE(refused.data().settle_store_order);

    order.end(activity::request_fulfillment, done({{"view", a_view(order.reference(), "Accepted")}}));
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_THAT(order.effects(), ElementsAre("Commit"));
    EXPECT_THAT(order.commands(), ElementsAre("CancelFulfillment"));
    EXPECT_EQ(order.command(activity::cancel_fulfillment).payload.at("warehouse_order_id"), "55");

    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_THAT(order.effects(), ElementsAre("Release"));
    go_back(order);
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_THAT(order.open(), IsEmpty());
}

TEST(OrderSagaCancel, AsksTheWarehouseOnceItHasTheOrder) {
    Conversation order = requested();
    order.tell("CancelRequested", by_customer);
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_THAT(order.commands(), ElementsAre("CancelFulfillment"));
    EXPECT_THAT(order.effects(), IsEmpty()) << "nothing is given back before the warehouse has confirmed";

    order.tell("CancelRequested", by_operator);
    EXPECT_THAT(order.commands(), IsEmpty());
    order.show(a_view(order.reference(), "OnHold"));
    order.show(a_view(order.reference(), "Cancelled"));
    EXPECT_EQ(order.state(), "CancellingFulfillment") << "the command's own outcome decides";

    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    go_back(order);
    EXPECT_EQ(order.state(), "Compensated");
}

// S53: a cancel that was refused left the order neither here nor there (ShipBob).
TEST(OrderSagaCancel, TooLateGoesForward) {
    Conversation order = requested();
    order.tell("CancelRequested", by_customer);
    order.end(
        activity::cancel_fulfillment,
        ended(OutcomeKind::too_late, "picked", {{"view", a_view(order.reference(), "InProgress")}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.last().note, HasSubstr("too late to cancel"));
    EXPECT_THAT(order.commands(), ElementsAre("FindFulfillment")) << "it probably left: look at once";
    ASSERT_FALSE(order.last().announcements.empty());
    EXPECT_EQ(order.last().announcements.front().routing_key, "orders.cancel_too_late.eu");
    EXPECT_EQ(order.last().announcements.front().body.at("asked_by"), "customer");

    order.end(
        activity::find_fulfillment,
        done({{"found", true}, {"view", a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}})}}));
    EXPECT_EQ(order.state(), "Shipped");
    order.tell("CancelRequested", by_customer);
    order.tell("OrderChanged", changed_to(1));
    order.tell("CancelTooLate");
    EXPECT_EQ(order.state(), "Shipped");
}

// Nobody had heard of the acceptance: that it cannot be cancelled any more tells of it.
TEST(OrderSagaCancel, TooLateTellsThatTheWarehouseHasAccepted) {
    Conversation order = in_doubt();
    order.tell("CancelRequested", {{"by", "operator"}});
    order.end(
        activity::cancel_fulfillment,
        ended(OutcomeKind::too_late, "picked", {{"view", a_view(order.reference(), "InProgress")}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.effects(), ElementsAre("Commit"));
    EXPECT_EQ(order.data().fulfillments.back().state, "accepted");
    EXPECT_EQ(order.data().fulfillments.back().warehouse_order_id, "55");
    EXPECT_FALSE(order.incident_open());

    order.tell("CancelRequested", by_customer);
    order.end(
        activity::cancel_fulfillment,
        ended(OutcomeKind::too_late, "picked", {{"view", a_view(order.reference(), "InProgress")}}));
    EXPECT_THAT(order.effects(), IsEmpty()) << "accepted once";
}

TEST(OrderSagaCancel, LosesAgainstAShipmentSeenFirst) {
    Conversation order = requested();
    order.tell("CancelRequested", by_customer);
    order.show(a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.last().note, HasSubstr("too late to cancel"));
    EXPECT_THAT(order.last().announcements.front().routing_key, HasSubstr("cancel_too_late"));
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late, "shipped"));
    EXPECT_EQ(order.state(), "Shipped");

    Conversation partly = requested();
    partly.tell("OrderChanged", changed_to(1));
    partly.show(a_view(partly.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    EXPECT_EQ(partly.state(), "FulfillmentRequested");
    EXPECT_FALSE(partly.data().edit.has_value()) << "what cannot be carried out any more is not remembered";
    partly.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late, "shipped"));
    EXPECT_EQ(partly.state(), "FulfillmentRequested");
}

// It arrives after all, while its store cannot be told of the end: the order does not go forward again.
TEST(OrderSagaCancel, WhatTurnsUpOnTheWayBackIsLookedForAtItsEnd) {
    Conversation order = in_doubt();
    order.tell("CancelRequested", by_operator);
    order.end(activity::cancel_fulfillment, done({{"found", false}}));
    order.tell("StockReleased");
    order.tell("ChannelsUpdated");
    order.end(activity::settle_store_order, ended(OutcomeKind::refused, "no"));
    ASSERT_EQ(order.state(), "NeedsOperator");

    const json left = a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}});
    order.show(left);
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_EQ(order.last().incident, "an order that was given up exists at the warehouse");
    order.show(left);
    EXPECT_TRUE(order.last().silent) << "said once";

    order.tell("OperatorRetried");
    order.end(activity::settle_store_order, done({{"settled", "held"}}));
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_TRUE(order.incident_open());
    order.show(left);
    EXPECT_EQ(order.last().meaning, "LateFulfillmentFound");
    EXPECT_THAT(order.commands(), ElementsAre("CancelFulfillment"));
}

// Polls tell what the cancel's own answers would not.
TEST(OrderSagaCancel, ACancelThatTheWarehouseShowsNeedsNoAnswer) {
    Conversation order = requested();
    order.tell("CancelRequested", {{"by", "customer"}});
    order.show(a_view(order.reference(), "Cancelled"));
    EXPECT_EQ(order.state(), "CancellingFulfillment") << "the command under way will tell";
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::unknown, "timeout"), true);
    EXPECT_EQ(order.last().meaning, "FulfillmentCancelled");
    EXPECT_EQ(order.state(), "ReleasingStock");
    EXPECT_FALSE(order.incident_open());
}

// A request that was given up in doubt may have arrived: asking once more does not undo that, also when it has not left yet.
TEST(OrderSagaCancel, WhatMayBeThereFromAnEarlierRequestIsNotChangedUnasked) {
    for (const bool cancelled : {true, false}) {
        Conversation order = in_doubt();
        order.tell("OperatorRetried");
        ASSERT_EQ(order.state(), "ChannelsSynced");
        if (cancelled) {
            order.tell("CancelRequested", {{"by", "customer"}});
        } else {
            order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 1)})}});
        }
        EXPECT_EQ(order.state(), "ChannelsSynced") << "first it is looked for";
        EXPECT_THAT(order.effects(), IsEmpty());
        order.end(activity::request_fulfillment, done({{"view", a_view(order.reference(), "Accepted")}}));
        EXPECT_EQ(order.state(), "CancellingFulfillment");
    }
}

// Times of stores have whole seconds. An older word that came last must not make a repetition of the newest look known.
TEST(OrderSagaCancel, AnOrderIsFilledAgainByWhatWasToldBefore) {
    const json filled = {{"lines", lines_json({a_line("L1", 0), a_line("L2", 1)})}};
    // All that is left may also be what nobody sends.
    for (const std::vector<SagaLine>& emptied : {std::vector<SagaLine>{a_line("L1", 0)}, std::vector<SagaLine>{}}) {
        Conversation order = requested();
        order.tell("OrderChanged", filled);
        order.tell("OrderChanged", {{"lines", lines_json(emptied)}});
        EXPECT_EQ(order.last().meaning, "CancelRequested");
        order.tell("OrderChanged", filled);
        EXPECT_EQ(order.last().meaning, "OrderChanged");
        order.end(activity::cancel_fulfillment, done());
        EXPECT_EQ(order.state(), "Received") << "the order lives";
    }
}

TEST(OrderSagaCancel, AsksAPersonWhenTheWarehouseDoesNotAnswer) {
    Conversation order = requested();
    order.tell("CancelRequested", by_customer);
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::unknown, "timeout"), true);
    EXPECT_EQ(order.state(), "NeedsOperator");

    Conversation again = order;
    again.tell("OperatorRetried");
    EXPECT_EQ(again.state(), "CancellingFulfillment");
    EXPECT_THAT(again.commands(), ElementsAre("CancelFulfillment"));
    EXPECT_FALSE(again.incident_open());

    order.tell("CancelRequested", by_operator);
    EXPECT_EQ(order.state(), "CancellingFulfillment");
}

// Nothing was left of it, then something again that was not to be had, then nothing: what comes now is wanted by nobody's leave.
TEST(OrderSagaCancel, TellsAPersonWhatIsAddedWhileAnEmptyOrderEnds) {
    const json added = {{"lines", lines_json({a_line("L1", 0), a_line("L2", 1)})}};
    Conversation order = reserved();
    order.tell("OrderChanged", added);
    order.tell("ExchangeRefused", {{"short", json::array({{{"sku", "SHIRT"}}})}});
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 0)})}});
    order.tell("StockReleased");
    ASSERT_EQ(order.state(), "RevertingChannels");
    Conversation ended = order;

    order.tell("OrderChanged", added);
    EXPECT_TRUE(order.incident_open());
    order.tell("ChannelsUpdated");
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_TRUE(order.incident_open());

    ended.tell("ChannelsUpdated");
    ended.tell("OrderChanged", added);
    EXPECT_TRUE(ended.incident_open());
}

// Its store refunds all lines and then sells another one in the same order.
// S31: an edit of an order that is being cancelled was silently ignored (OFN #7164).
TEST(OrderSagaCancel, TellsAPersonWhatIsAddedToAnOrderThatWasGivenUp) {
    Conversation order = reserved();
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 0)})}});
    go_back(order);
    ASSERT_EQ(order.state(), "Compensated");
    ASSERT_FALSE(order.incident_open());

    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 0), a_line("L2", 3)})}});
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_THAT(*order.last().incident, HasSubstr("added after the order was given up: 3"));
    EXPECT_THAT(order.effects(), IsEmpty());

    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 0), a_line("L2", 3)})}});
    EXPECT_EQ(order.data().unserved.size(), 1U);
}

// All of it is refunded while the request is under way, and then something is added: the order is open in its store.
TEST(OrderSagaCancel, OfAnEmptiedOrderIsVoidWhenSomethingIsAddedToItAgain) {
    Conversation order = requesting();
    order.send(activity::request_fulfillment);
    order.tell("OrderChanged", changed_to(0));
    ASSERT_EQ(order.last().meaning, "CancelRequested");
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 0), a_line("L2", 1)})}});
    EXPECT_FALSE(order.data().stop_wanted);
    order.end(activity::request_fulfillment, done({{"view", a_view(order.reference(), "Accepted")}}));
    ASSERT_EQ(order.state(), "CancellingFulfillment");
    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(order.state(), "Received") << "what was added is requested instead";
    EXPECT_EQ(order.data().cause, "");
}

TEST(OrderSagaCancel, AsksAPersonWhenTheWarehouseDeniesWhatItHadAccepted) {
    Conversation order = requested();
    order.tell("CancelRequested", by_customer);
    order.end(activity::cancel_fulfillment, done({{"found", false}}));
    EXPECT_EQ(order.last().meaning, "CancelFailed");
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(*order.last().incident, HasSubstr("does not know the order that it had accepted"));
    EXPECT_THAT(order.effects(), Not(Contains("Release"))) << "its goods may be about to leave";

    Conversation shipped = order;
    shipped.show(a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}}));
    EXPECT_EQ(shipped.state(), "Shipped");

    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    order.end(activity::cancel_fulfillment, done({{"found", false}}));
    EXPECT_EQ(order.state(), "ReleasingStock") << "a person has looked";
    go_back(order);
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_THAT(order.open(), ElementsAre("FindFulfillment", "FindFulfillment", "FindFulfillment"));
}

// --- late checks: the request was given up on while its outcome was unknown ---------------------------------------------

TEST(OrderSagaLateCheck, LooksThreeTimesForWhatWasGivenUpInDoubt) {
    Conversation order = in_doubt();
    order.tell("CancelRequested", by_customer);
    order.end(activity::cancel_fulfillment, done({{"found", false}}));
    EXPECT_THAT(order.last().note, HasSubstr("no such order"));
    go_back(order);
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_THAT(order.open(), ElementsAre("FindFulfillment", "FindFulfillment", "FindFulfillment"));
    EXPECT_EQ(order.last().commands.at(0).delay, std::chrono::minutes(10));
    EXPECT_EQ(order.last().commands.at(1).delay, std::chrono::hours(1));
    EXPECT_EQ(order.last().commands.at(2).delay, std::chrono::hours(24));

    order.end(activity::find_fulfillment, done({{"found", false}}));
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_FALSE(order.incident_open());
}

TEST(OrderSagaLateCheck, CancelsAtOnceWhatItFinds) {
    Conversation order = in_doubt();
    order.tell("CancelRequested", by_operator);
    order.end(activity::cancel_fulfillment, done({{"found", false}}));
    go_back(order);
    ASSERT_EQ(order.state(), "Compensated");

    order.end(activity::find_fulfillment, done({{"found", true}, {"view", a_view(order.reference(), "Accepted")}}));
    EXPECT_EQ(order.last().meaning, "LateFulfillmentFound");
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_TRUE(order.incident_open());
    EXPECT_THAT(order.commands(), ElementsAre("CancelFulfillment"));

    Conversation failing = order;
    failing.end(activity::cancel_fulfillment, ended(OutcomeKind::unknown, "timeout"), true);
    EXPECT_TRUE(failing.last().handled);
    EXPECT_THAT(*failing.last().incident, HasSubstr("timeout"));

    Conversation lost = order;
    lost.end(
        activity::cancel_fulfillment,
        ended(OutcomeKind::too_late, "shipped", {{"view", a_view(lost.reference(), "Shipped")}}));
    EXPECT_EQ(lost.state(), "Compensated");
    EXPECT_TRUE(lost.incident_open());

    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(order.state(), "Compensated");
    order.tell("CancelRequested", by_customer);
    order.tell("OrderChanged", changed_to(1));
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_TRUE(order.incident_open()) << "a person should know that it happened";
}

// --- edit --------------------------------------------------------------------------------------------------------------

TEST(OrderSagaEdit, BeforeTheRequestIsReservedAnew) {
    for (auto begin :
         {+[] { return Conversation(); }, +[] { return reserved(); },
          +[] {
              return requesting();
          }}) {
        Conversation order = begin();
        order.tell("OrderChanged", changed_to(5));
        EXPECT_EQ(order.state(), "Received");
        EXPECT_THAT(order.effects(), ElementsAre("StopWaiting", "Exchange"));
        EXPECT_EQ(order.last().effects.back().payload.at("lines").front().at("quantity"), 5);
        EXPECT_THAT(order.open(), IsEmpty());
        order.tell("StockReserved");
        order.tell("ChannelsUpdated");
        EXPECT_EQ(order.payload_of_open(activity::request_fulfillment).at("lines").front().at("quantity"), 5);
        EXPECT_EQ(order.reference(), "eu.450789469.1.1");
    }
}

TEST(OrderSagaEdit, IsRememberedWhileTheRequestIsOnItsWay) {
    Conversation order = requesting();
    order.send(activity::request_fulfillment);
    order.tell("OrderChanged", changed_to(1));
    EXPECT_EQ(order.state(), "ChannelsSynced");

    order.tell("OrderChanged", changed_to(1));
    EXPECT_TRUE(order.last().silent) << "the remembered edit is known";

    order.end(activity::request_fulfillment, done({{"view", a_view(order.reference(), "Accepted")}}));
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_THAT(order.last().note, HasSubstr("change"));
}

TEST(OrderSagaEdit, AfterTheAcceptanceCancelsAndRequestsTheNextGeneration) {
    Conversation order = requested();
    order.tell("OrderChanged", changed_to(1));
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    order.tell("OrderChanged", changed_to(3));
    EXPECT_EQ(order.state(), "CancellingFulfillment") << "the newest edit wins";

    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(order.state(), "Received");
    EXPECT_THAT(order.effects(), ElementsAre("Retake", "Exchange"));
    EXPECT_EQ(order.last().effects.at(0).payload.at("lines").front().at("quantity"), 2)
        << "what was requested is held again";
    EXPECT_EQ(order.last().effects.at(1).payload.at("lines").front().at("quantity"), 3);

    order.tell("StockReserved");
    order.tell("ChannelsUpdated");
    EXPECT_EQ(order.reference(), "eu.450789469.1.2");
    EXPECT_EQ(order.command(activity::request_fulfillment).idempotency_key, "request:eu.450789469.1.2");
}

TEST(OrderSagaEdit, ThatEndsInACancelIsACancel) {
    Conversation order = requested();
    order.tell("OrderChanged", changed_to(1));
    order.tell("CancelRequested", by_customer);
    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(order.state(), "ReleasingStock");
    go_back(order);
    EXPECT_EQ(order.data().cause, "cancelled by customer");
}

TEST(OrderSagaEdit, ThatWantsNothingAnyMoreIsACancel) {
    Conversation order = reserved();
    order.tell("OrderChanged", changed_to(0));
    EXPECT_EQ(order.last().meaning, "CancelRequested");
    EXPECT_EQ(order.state(), "ReleasingStock");
    EXPECT_EQ(order.data().cause, "cancelled by refunded");
}

TEST(OrderSagaEdit, ThatChangesNothingIsSilent) {
    Conversation order = reserved();
    order.tell("OrderChanged", changed_to(2));
    EXPECT_TRUE(order.last().silent);
    EXPECT_EQ(order.state(), "Reserved");
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2), a_line("L9", 0)})}});
    EXPECT_TRUE(order.last().silent);
}

TEST(OrderSagaEdit, ThatDropsALineIsAChange) {
    OrderData data = an_order();
    data.lines = {a_line("L1", 2), a_line("L2", 1)};
    Conversation order = reserved(data);
    order.tell("OrderChanged", changed_to(2));
    EXPECT_EQ(order.last().meaning, "OrderChanged");
    EXPECT_EQ(order.data().lines.size(), 1U);
}

TEST(OrderSagaEdit, TooLateGoesForward) {
    Conversation order = requested();
    order.tell("OrderChanged", changed_to(1));
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late, "picked"));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.last().note, HasSubstr("too late to change"));
    EXPECT_FALSE(order.data().edit.has_value());
}

TEST(OrderSagaEdit, KeepsWhatWasShippedOfALine) {
    OrderData data = an_order();
    data.lines = {a_line("L1", 3)};
    Conversation order = requested(data);
    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    order.tell("OrderChanged", changed_to(2));
    ASSERT_TRUE(order.data().edit.has_value());
    EXPECT_EQ(order.data().edit->front().parts.front().shipped, 1);
}

// --- the warehouse ends it ----------------------------------------------------------------------------------------------

TEST(OrderSagaRefusal, ByTheWarehouseGivesBackAndSettlesTheStoresOrder) {
    Conversation order = requesting();
    order.end(activity::request_fulfillment, ended(OutcomeKind::refused, "unknown item"));
    EXPECT_EQ(order.state(), "ReleasingStock");
    EXPECT_THAT(order.last().note, HasSubstr("unknown item"));
    go_back(order);
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_EQ(order.data().cause, "refused by the warehouse");
    EXPECT_THAT(order.open(), IsEmpty());
}

TEST(OrderSagaRefusal, ByTheWarehouseAfterItsAcceptance) {
    Conversation order = requested();
    order.show(a_view(order.reference(), "Cancelled"));
    EXPECT_EQ(order.last().meaning, "WarehouseCancelled");
    EXPECT_THAT(order.effects(), ElementsAre("Release"));
    go_back(order);
    EXPECT_EQ(order.state(), "Compensated");
    EXPECT_EQ(order.data().cause, "cancelled by the warehouse");

    order.show(a_view(order.reference(), "Cancelled"));
    EXPECT_TRUE(order.last().silent) << "seen again, no news";
}

TEST(OrderSagaRefusal, OfTheRestAsksAPerson) {
    Conversation order = requested();
    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    order.show(a_view(order.reference(), "Cancelled", {{"S1", "Shipped", {{"9001", 1}}}}));
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(*order.last().incident, HasSubstr("cancelled what it had not shipped"));
}

TEST(OrderSagaSettling, KeepsTryingThroughAPerson) {
    Conversation order;
    order.tell("OrderPlaced");
    order.tell("StockShort", {{"backorder", false}});
    order.end(activity::settle_store_order, ended(OutcomeKind::refused, "no permission"));
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(*order.last().incident, HasSubstr("no permission"));

    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "SettlingOrder");
    EXPECT_THAT(order.commands(), Contains("SettleStoreOrder"));
    order.end(activity::settle_store_order, done({{"settled", "cancelled"}}));
    EXPECT_EQ(order.state(), "OutOfStock");
    EXPECT_FALSE(order.incident_open());
}

TEST(OrderSagaPreview, AssumesThePlainSuccess) {
    OrderSaga definition;
    Conversation order = requested();
    order.tell("CancelRequested", by_operator);
    Outcome outcome =
        definition.assumed_outcome(activity::cancel_fulfillment, order.payload_of_open(activity::cancel_fulfillment));
    EXPECT_EQ(outcome.kind, OutcomeKind::done);
    order.end(activity::cancel_fulfillment, outcome);
    order.tell("StockReleased");
    EXPECT_EQ(definition.assumed_event("RevertingChannels")->name, "ChannelsUpdated");
    EXPECT_FALSE(definition.assumed_event("Shipped").has_value());
    order.tell("ChannelsUpdated");
    order.end(
        activity::settle_store_order,
        definition.assumed_outcome(activity::settle_store_order, order.payload_of_open(activity::settle_store_order)));
    EXPECT_EQ(order.state(), "Compensated");

    Conversation forward = requesting();
    forward.end(
        activity::request_fulfillment,
        definition.assumed_outcome(
            activity::request_fulfillment, forward.payload_of_open(activity::request_fulfillment)));
    EXPECT_EQ(forward.state(), "FulfillmentRequested");
    forward.wait();
    forward.end(
        activity::find_fulfillment,
        definition.assumed_outcome(activity::find_fulfillment, forward.payload_of_open(activity::find_fulfillment)));
    EXPECT_TRUE(forward.last().silent);
    EXPECT_EQ(
        definition.assumed_outcome(activity::create_store_fulfillment, json::object()).payload.at("fulfillment_id"),
        "(assumed)");
}

}  // namespace
}  // namespace ordersaga::sagas
