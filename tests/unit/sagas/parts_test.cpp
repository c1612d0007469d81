// Lines that are added when a fulfilment can no longer be changed: they become a part of their own.
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

SagaLine mugs(const std::string& line_id, std::int64_t wanted) {
    return {line_id, "MUG", wanted, {{12, "MUG", "9002", 1, 0}}, 0};
}

json with_mugs(std::int64_t shirts = 2, std::int64_t wanted = 1) {
    return {{"lines", lines_json({a_line("L1", shirts), mugs("L2", wanted)})}};
}

json first_part_shipped(const std::string& state = "Shipped") {
    return a_view("eu.450789469.1.1", state, {{"S1", state, {{"9001", 2}}}});
}
json second_part_shipped(const std::string& state = "Shipped") {
    return a_view("eu.450789469.2.1", state, {{"S2", state, {{"9002", 1}}}});
}

// The first part is being picked; a mug was added and has its stock.
Conversation part_reserved() {
    Conversation order = requested();
    order.tell("OrderChanged", with_mugs());
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    order.tell("StockReserved");
    return order;
}
Conversation part_requesting() {
    Conversation order = part_reserved();
    order.tell("ChannelsUpdated");
    return order;
}
Conversation part_requested() {
    Conversation order = part_requesting();
    order.end(activity::request_fulfillment, done({{"view", a_view("eu.450789469.2.1", "Accepted")}}));
    return order;
}

TEST(OrderParts, WhatIsAddedTooLateIsReservedByItself) {
    Conversation order = requested();
    order.tell("OrderChanged", with_mugs());
    ASSERT_EQ(order.state(), "CancellingFulfillment");

    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    ASSERT_THAT(order.effects(), ElementsAre("Reserve", "Trust"));
    const json& reserve = order.last().effects[0].payload;
    EXPECT_EQ(reserve.at("lines"), json::parse(R"([{"line_id":"L2/2","sku_id":12,"quantity":1}])"));
    EXPECT_EQ(reserve.at("part"), 2);
    for (const Announcement& told : order.last().announcements)
        EXPECT_THAT(told.routing_key, Not(HasSubstr("cancel_too_late")));

    order.tell("StockReserved");
    EXPECT_THAT(order.effects(), ElementsAre("UseReference", "WaitForChannels"));
    EXPECT_EQ(order.data().newest_part(), 2);
}

// A change waits for the warehouse's answer, and meanwhile the whole order is to be cancelled; both come too late.
TEST(OrderParts, WhatWasAddedBeforeACancelThatCameTooLateIsLeftToAPerson) {
    Conversation order = requested();
    order.tell("OrderChanged", with_mugs());
    order.tell("CancelRequested", {{"by", "operator"}, {"reason", "a call"}});

    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));

    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_TRUE(order.incident_open());
    EXPECT_THAT(order.data().unserved, ElementsAre(HasSubstr("1 MUG")));
}

TEST(OrderParts, WhatWasAddedBeforeACustomersCancelIsOwedToNobody) {
    Conversation order = requested();
    order.tell("OrderChanged", with_mugs());
    order.tell("CancelRequested", {{"by", "customer"}});

    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));

    EXPECT_FALSE(order.incident_open());
    EXPECT_THAT(order.data().unserved, IsEmpty());
}

TEST(OrderParts, IsRequestedUnderAReferenceOfItsOwn) {
    Conversation order = part_reserved();
    EXPECT_THAT(order.open(), Not(Contains("RequestFulfillment"))) << "the stores are told first";
    order.tell("ChannelsUpdated");
    const json& request = order.command(activity::request_fulfillment).payload;
    EXPECT_EQ(request.at("reference"), "eu.450789469.2.1");
    ASSERT_EQ(request.at("lines").size(), 1U);
    EXPECT_EQ(request.at("lines")[0].at("sku"), "MUG");

    order.end(activity::request_fulfillment, done({{"view", a_view("eu.450789469.2.1", "Accepted")}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    ASSERT_THAT(order.effects(), ElementsAre("Commit"));
    EXPECT_EQ(order.last().effects[0].payload.at("lines")[0].at("line_id"), "L2/2") << "not the first part's";
}

TEST(OrderParts, WaitsForSlowStoresNoLongerThanTheFirst) {
    Conversation order = part_reserved();
    order.wait();
    EXPECT_EQ(order.last().meaning, "ChannelWaitEnded");
    EXPECT_THAT(order.commands(), Contains("RequestFulfillment"));
}

TEST(OrderParts, MoreOfALineIsAPartToo) {
    Conversation order = requested();
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 3)})}});
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(order.last().effects[0].payload.at("lines")[0].at("line_id"), "L1/2");
    EXPECT_EQ(order.last().effects[0].payload.at("lines")[0].at("quantity"), 1);
    order.tell("StockReserved");

    // The store's document, told again, wants what the two parts have together.
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 3)})}});
    EXPECT_TRUE(order.last().silent);
}

TEST(OrderParts, EveryPartIsShippedToldAndDelivered) {
    Conversation order = part_requested();
    order.show(first_part_shipped());
    EXPECT_EQ(order.state(), "FulfillmentRequested") << "a part is still to come";
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    order.show(second_part_shipped());
    EXPECT_EQ(order.state(), "Shipped");
    const json& told = order.command(activity::create_store_fulfillment).payload;
    EXPECT_EQ(told.at("lines"), json::parse(R"([{"line_id":"L2","quantity":1}])")) << "by the store's own line";
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "881"}}));
    order.show(first_part_shipped("Delivered"));
    EXPECT_EQ(order.state(), "Shipped");
    order.show(second_part_shipped("Delivered"));
    EXPECT_EQ(order.state(), "Completed");
}

TEST(OrderParts, IsAddedAlsoWhenTheFirstHasLeft) {
    Conversation order = shipped();
    order.tell("OrderChanged", with_mugs());
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.effects(), ElementsAre("Reserve"));
    order.tell("StockReserved");
    EXPECT_EQ(order.state(), "FulfillmentRequested");
}

TEST(OrderParts, AShipmentSeenWhileCancellingLeavesTheAdditionAlive) {
    Conversation order = requested();
    order.tell("OrderChanged", with_mugs());
    order.show(first_part_shipped());
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.effects(), Contains("Reserve"));
    order.tell("StockReserved");
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_EQ(order.data().newest_part(), 2);
}

TEST(OrderParts, WhatIsNotToBeHadIsLeftToAPerson) {
    for (auto begin :
         {+[] {
              Conversation order = requested();
              order.tell("OrderChanged", with_mugs());
              order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
              return order;
          },
          +[] {
              Conversation order = shipped();
              order.tell("OrderChanged", with_mugs());
              return order;
          }}) {
        Conversation order = begin();
        const std::string before = order.state();
        order.tell("StockShort", {{"short", json::array({{{"sku", "MUG"}}})}, {"backorder", false}});
        EXPECT_EQ(order.state(), before);
        EXPECT_TRUE(order.incident_open());
        EXPECT_THAT(order.last().note, HasSubstr("1 MUG"));
        EXPECT_EQ(order.data().newest_part(), 1);
    }
}

TEST(OrderParts, WhatCannotBeServedStaysAnIncidentToTheEnd) {
    Conversation order = shipped();
    order.tell("OrderChanged", with_mugs());
    order.tell("StockShort", {{"backorder", false}});
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    order.show(first_part_shipped("Delivered"));
    EXPECT_EQ(order.state(), "Completed");
    EXPECT_TRUE(order.incident_open());

    Conversation completed = shipped();
    completed.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    completed.show(first_part_shipped("Delivered"));
    ASSERT_EQ(completed.state(), "Completed");
    completed.tell("OrderChanged", with_mugs());
    EXPECT_EQ(completed.state(), "Completed");
    EXPECT_TRUE(completed.incident_open()) << "somebody has paid for it";
}

TEST(OrderParts, AnUnmappedAdditionIsLeftToAPerson) {
    Conversation order = shipped();
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2), {"L9", "NEW", 1, {}, 0}})}});
    EXPECT_TRUE(order.incident_open());
    EXPECT_THAT(order.effects(), IsEmpty());
}

TEST(OrderParts, TakingAwayIsTooLateAddingIsNot) {
    Conversation order = requested();
    order.tell("OrderChanged", with_mugs(1));
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_THAT(order.effects(), ElementsAre("Reserve", "Trust"));
    EXPECT_THAT(order.last().announcements.front().routing_key, HasSubstr("cancel_too_late"));
}

TEST(OrderParts, ACancelTakesBackOnlyWhatIsNotOnItsWay) {
    Conversation waiting = part_reserved();
    waiting.tell("CancelRequested", {{"by", "operator"}});
    EXPECT_EQ(waiting.state(), "CancellingFulfillment");
    ASSERT_THAT(waiting.effects(), ElementsAre("Release"));
    EXPECT_EQ(waiting.last().effects[0].payload.at("lines")[0].at("line_id"), "L2/2");
    EXPECT_EQ(waiting.last().effects[0].payload.at("part"), 2);
    EXPECT_EQ(waiting.payload_of_open(activity::cancel_fulfillment).at("reference"), "eu.450789469.1.1");
    waiting.tell("StockReleased");
    waiting.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(waiting.state(), "FulfillmentRequested");
    EXPECT_THAT(waiting.last().announcements.front().routing_key, HasSubstr("cancel_too_late"));
    waiting.show(first_part_shipped());
    EXPECT_EQ(waiting.state(), "Shipped") << "all that is left has been shipped";

    Conversation unsent = part_requesting();
    unsent.show(first_part_shipped());
    unsent.tell("CancelRequested", {{"by", "customer"}});
    EXPECT_THAT(unsent.open(), Not(Contains("RequestFulfillment"))) << "withdrawn";
    unsent.tell("StockReleased");
    unsent.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(unsent.state(), "Shipped");
}

TEST(OrderParts, ACancelCallsBackOnePartAfterTheOther) {
    Conversation order = part_requested();
    order.tell("CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_EQ(order.payload_of_open(activity::cancel_fulfillment).at("reference"), "eu.450789469.2.1");
    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    ASSERT_THAT(order.effects(), ElementsAre("Release"));
    EXPECT_EQ(order.last().effects[0].payload.at("part"), 2);
    EXPECT_EQ(order.payload_of_open(activity::cancel_fulfillment).at("reference"), "eu.450789469.1.1");
    order.tell("StockReleased");

    Conversation late = order;
    late.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(late.state(), "FulfillmentRequested");

    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(order.state(), "ReleasingStock") << "the warehouse let the first part go after all";
    EXPECT_FALSE(order.last().effects[0].payload.contains("part")) << "all of the order";
}

// What happens to the first part while the second is called back is booked, and does not end the calling back.
TEST(OrderParts, TheFirstPartGoesOnWhileTheSecondIsCalledBack) {
    Conversation order = part_requested();
    order.tell("CancelRequested", {{"by", "customer"}});
    order.show(first_part_shipped());
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_THAT(order.effects(), ElementsAre("Ship"));
    EXPECT_EQ(order.last().effects[0].payload.at("part"), 1);
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    order.show(first_part_shipped("Delivered"));
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    order.tell("StockReleased");
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_TRUE(order.data().everything_told());
    EXPECT_TRUE(order.data().everything_delivered());
}

TEST(OrderParts, APartThatCanStillChangeIsChangedLikeAnOrder) {
    Conversation order = part_requested();
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2), mugs("L2", 1), mugs("L3", 1)})}});
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_EQ(order.payload_of_open(activity::cancel_fulfillment).at("reference"), "eu.450789469.2.1");
    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    ASSERT_THAT(order.effects(), ElementsAre("Retake", "Exchange"));
    EXPECT_EQ(order.last().effects[0].payload.at("part"), 2);
    EXPECT_EQ(order.last().effects[1].payload.at("part"), 2);
    EXPECT_EQ(order.last().effects[1].payload.at("lines").size(), 2U);
    Conversation refused = order;

    order.tell("StockReserved");
    order.tell("ChannelsUpdated");
    const json& again = order.command(activity::request_fulfillment).payload;
    EXPECT_EQ(again.at("reference"), "eu.450789469.2.2") << "the next generation";
    EXPECT_EQ(again.at("lines").size(), 2U);

    refused.tell("ExchangeRefused", {{"short", json::array({{{"sku", "MUG"}}})}});
    EXPECT_TRUE(refused.incident_open());
    refused.tell("ChannelsUpdated");
    EXPECT_EQ(refused.command(activity::request_fulfillment).payload.at("reference"), "eu.450789469.2.2");
    EXPECT_EQ(refused.command(activity::request_fulfillment).payload.at("lines").size(), 1U) << "as it was";

    Conversation dropped = part_requested();
    dropped.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2)})}});
    dropped.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(dropped.state(), "FulfillmentRequested");
    EXPECT_THAT(dropped.effects(), ElementsAre("Release"));
    EXPECT_EQ(dropped.data().newest_part(), 1);

    Conversation late = part_requested();
    late.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2), mugs("L2", 2)})}});
    late.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(late.last().effects[0].payload.at("lines")[0].at("line_id"), "L2/3") << "and so on";
}

// Part 2 was given up in doubt and asked for anew, with other content, which is in doubt as well.
Conversation replaced_in_doubt() {
    Conversation order = part_requesting();
    order.send(activity::request_fulfillment);
    order.end(activity::request_fulfillment, ended(OutcomeKind::unknown, "no answer"), true);
    order.tell("OrderChanged", with_mugs(2, 3));
    order.tell("OperatorRetried");
    order.end(activity::cancel_fulfillment, done({{"found", false}}));
    order.tell("StockReserved");
    order.tell("ChannelsUpdated");
    return order;
}

// What nobody has any more turns up late: it is called back wherever the order stands, and that is no affair of the rest.
TEST(OrderParts, WhatWasGivenUpInDoubtIsCalledBackWhereverTheOrderStands) {
    const json late = a_view("eu.450789469.2.1", "Accepted");
    Conversation order = replaced_in_doubt();
    ASSERT_EQ(order.reference(), "eu.450789469.2.2");
    order.send(activity::request_fulfillment);
    order.end(activity::request_fulfillment, ended(OutcomeKind::unknown, "no answer"), true);
    ASSERT_EQ(order.state(), "NeedsOperator");

    order.show(late);
    EXPECT_EQ(order.last().meaning, "LateFulfillmentFound");
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_EQ(order.command(activity::cancel_fulfillment).payload.at("reference"), "eu.450789469.2.1");
    EXPECT_TRUE(order.incident_open());

    Conversation beyond_recall = order;
    beyond_recall.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late, "packed"));
    EXPECT_EQ(beyond_recall.state(), "NeedsOperator");
    EXPECT_THAT(*beyond_recall.last().incident, HasSubstr("all the same"));
    beyond_recall.show(late);
    EXPECT_THAT(beyond_recall.commands(), IsEmpty()) << "asked once";

    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(order.effects(), IsEmpty());
    order.show(late);
    EXPECT_THAT(order.commands(), IsEmpty()) << "an older look";
}

// It left before anybody could call it back, while its successor is in doubt itself; that one turns out to have left, too.
TEST(OrderParts, TwoAtTheWarehouseForOnePartAreLeftToAPerson) {
    Conversation order = replaced_in_doubt();
    order.send(activity::request_fulfillment);
    order.end(activity::request_fulfillment, ended(OutcomeKind::unknown, "no answer"), true);
    order.tell("CancelRequested", {{"by", "operator"}});
    ASSERT_EQ(order.state(), "CancellingFulfillment");
    order.show(second_part_shipped());
    ASSERT_EQ(order.data().of_reference("eu.450789469.2.1")->state, "accepted");
    order.show(a_view("eu.450789469.2.2", "Shipped", {{"S3", "Shipped", {{"9002", 3}}}}));
    EXPECT_TRUE(order.incident_open());
    EXPECT_THAT(
        order.data().unserved,
        Contains("the warehouse has two orders for one part: eu.450789469.2.1, eu.450789469.2.2"));
}

TEST(OrderParts, TheLateCancelOfWhatWasGivenUpDoesNotSpeakForItsSuccessor) {
    Conversation order = replaced_in_doubt();
    order.end(activity::request_fulfillment, done({{"view", a_view("eu.450789469.2.2", "Accepted")}}));
    order.show(a_view("eu.450789469.2.1", "Accepted"));
    ASSERT_THAT(order.commands(), ElementsAre("CancelFulfillment"));
    order.tell("CancelRequested", {{"by", "customer"}});
    ASSERT_EQ(order.state(), "CancellingFulfillment");
    ASSERT_EQ(order.command(activity::cancel_fulfillment).payload.at("reference"), "eu.450789469.2.2");

    order.end(activity::cancel_fulfillment, done({{"found", true}}));  // the first: of what was given up
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_THAT(order.effects(), IsEmpty()) << "the stock of what may still be sent is not given back";
    EXPECT_THAT(order.last().note, HasSubstr("what was given up is cancelled"));
    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_THAT(order.effects(), Contains("Release"));
}

TEST(OrderParts, APartThatWasNotAskedForChangesAtOnce) {
    Conversation order = part_requesting();
    order.tell("OrderChanged", with_mugs(2, 3));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.open(), Not(Contains("RequestFulfillment"))) << "withdrawn";
    ASSERT_THAT(order.effects(), ElementsAre("Exchange"));
    EXPECT_EQ(order.last().effects[0].payload.at("lines")[0].at("quantity"), 3);
    order.tell("StockReserved");
    order.tell("ChannelsUpdated");
    EXPECT_EQ(order.command(activity::request_fulfillment).payload.at("lines")[0].at("quantity"), 3);
    EXPECT_EQ(order.command(activity::request_fulfillment).payload.at("reference"), "eu.450789469.2.1");

    // Less of the first part is too late, and no reason to touch the second.
    Conversation frozen = part_requested();
    frozen.tell("OrderChanged", with_mugs(1));
    EXPECT_EQ(frozen.state(), "FulfillmentRequested");
    EXPECT_THAT(frozen.commands(), IsEmpty());
    EXPECT_THAT(frozen.last().note, HasSubstr("too late to take away"));
    EXPECT_THAT(frozen.last().announcements.front().routing_key, HasSubstr("cancel_too_late"));
    frozen.tell("OrderChanged", with_mugs(1));
    EXPECT_TRUE(frozen.last().silent) << "told once";

    // "Release only what was not shipped."
    Conversation less = part_reserved();
    less.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2)})}});
    EXPECT_THAT(less.effects(), ElementsAre("Release"));
    EXPECT_EQ(less.last().effects[0].payload.at("part"), 2);
    less.tell("StockReleased");
    EXPECT_EQ(less.state(), "FulfillmentRequested");
    EXPECT_EQ(less.data().newest_part(), 1);
    less.tell("OrderChanged", with_mugs());
    less.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(less.last().effects[0].payload.at("part"), 3) << "a number is given once";

    // Nobody knows yet whether the request has arrived: it is changed when that is known.
    Conversation sent = part_requesting();
    sent.send(activity::request_fulfillment);
    sent.tell("OrderChanged", with_mugs(2, 3));
    EXPECT_THAT(sent.effects(), IsEmpty());
    sent.end(activity::request_fulfillment, done({{"view", a_view("eu.450789469.2.1", "Accepted")}}));
    EXPECT_EQ(sent.state(), "CancellingFulfillment");
}

TEST(OrderParts, WaitsForStockWhereThePolicyAllowsIt) {
    for (auto begin :
         {+[] {
              Conversation order = requested();
              order.tell("OrderChanged", with_mugs());
              order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
              return order;
          },
          +[] {
              Conversation order = shipped();
              order.tell("OrderChanged", with_mugs());
              return order;
          }}) {
        Conversation order = begin();
        order.tell("StockShort", {{"short", json::array({{{"sku", "MUG"}}})}, {"backorder", true}});
        EXPECT_EQ(order.state(), "FulfillmentRequested");
        EXPECT_FALSE(order.incident_open());
        EXPECT_THAT(order.last().note, HasSubstr("waits for stock"));
        order.wait();
        EXPECT_EQ(order.last().meaning, "WatchDue") << "it waits for no channel";
        order.show(first_part_shipped());
        EXPECT_EQ(order.state(), "FulfillmentRequested") << "a part is still to come";
        Conversation cancelled = order;

        order.tell("StockGranted");
        EXPECT_THAT(order.effects(), ElementsAre("UseReference", "WaitForChannels"));
        order.tell("ChannelsUpdated");
        EXPECT_EQ(order.command(activity::request_fulfillment).payload.at("reference"), "eu.450789469.2.1");

        cancelled.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2), mugs("L2", 9)})}});
        EXPECT_THAT(cancelled.effects(), ElementsAre("Exchange"));
        cancelled.tell("StockShort", {{"backorder", false}});
        EXPECT_THAT(cancelled.effects(), ElementsAre("Release")) << "it has left the queue";
        cancelled.tell("StockReleased");
        EXPECT_EQ(cancelled.state(), "Shipped");
        EXPECT_TRUE(cancelled.incident_open());
    }
}

// --- the last part ends -------------------------------------------------------------------------------------------------

Conversation first_part_lost(Conversation order) {
    order.show(a_view("eu.450789469.1.1", "Cancelled"));
    order.tell("StockReleased");
    return order;
}

TEST(OrderParts, APartOutlivesTheFirst) {
    Conversation order = first_part_lost(part_requested());
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_TRUE(order.incident_open());
    order.show(second_part_shipped());
    EXPECT_EQ(order.state(), "Shipped");

    Conversation refused = first_part_lost(part_requesting());
    refused.end(activity::request_fulfillment, ended(OutcomeKind::refused, "no"));
    refused.tell("StockReleased");
    EXPECT_EQ(refused.state(), "RevertingChannels") << "nothing is left to be sent";

    Conversation edited = first_part_lost(part_requesting());
    edited.send(activity::request_fulfillment);
    edited.tell("OrderChanged", with_mugs(2, 3));
    ASSERT_TRUE(edited.data().edit.has_value());
    edited.end(activity::request_fulfillment, ended(OutcomeKind::refused, "no"));
    EXPECT_THAT(edited.effects(), testing::Not(Contains("Reserve"))) << "what ends is not added to";
    EXPECT_FALSE(edited.data().edit.has_value());
    edited.tell("StockReleased");
    EXPECT_EQ(edited.state(), "RevertingChannels");

    refused.tell("ChannelsUpdated");
    EXPECT_EQ(refused.state(), "SettlingOrder");

    Conversation cancelled = first_part_lost(part_reserved());
    cancelled.tell("CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(cancelled.state(), "ReleasingStock");

    Conversation changed = first_part_lost(part_requested());
    changed.tell("OrderChanged", {{"lines", lines_json({mugs("L2", 2)})}});
    changed.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(changed.state(), "Received");
    EXPECT_EQ(changed.last().effects[1].payload.at("lines")[0].at("line_id"), "L2/2");
}

// The store still sells what was dropped first, and its order stays open.
TEST(OrderParts, ACancelByAnOperatorThatComesTooLateForTheFirstPartTellsOfTheOthers) {
    for (bool accepted : {false, true}) {
        Conversation order = accepted ? part_requested() : part_reserved();
        order.tell("CancelRequested", {{"by", "operator"}});
        if (accepted) order.end(activity::cancel_fulfillment, done({{"found", true}}));
        order.tell("StockReleased");
        order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
        EXPECT_EQ(order.state(), "FulfillmentRequested");
        EXPECT_TRUE(order.incident_open());
        EXPECT_THAT(*order.last().incident, HasSubstr("added to an order that was to be cancelled: 1"));
        order.show(first_part_shipped());
        EXPECT_TRUE(order.incident_open()) << "only a person closes it";
    }
}

// --- doubt ----------------------------------------------------------------------------------------------------------------

// The warehouse did not know the part when it was cancelled, also after a person had looked; it may still turn up there.
TEST(OrderParts, WhatWasGivenUpInDoubtIsLookedForLater) {
    for (bool all_done : {false, true}) {
        Conversation order = part_requested();
        order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2)})}});
        order.end(activity::cancel_fulfillment, done({{"found", false}}));
        ASSERT_EQ(order.state(), "NeedsOperator");
        order.tell("OperatorRetried");
        order.end(activity::cancel_fulfillment, done({{"found", false}}));
        EXPECT_THAT(order.commands(), ElementsAre("FindFulfillment", "FindFulfillment", "FindFulfillment"));
        order.tell("StockReleased");
        order.tell("FulfillmentMissing", {{"reference", "eu.450789469.2.1"}, {"reason", "not there"}});
        EXPECT_EQ(order.state(), "FulfillmentRequested") << "that it is not there is as it should be";
        EXPECT_TRUE(order.last().silent);
        if (all_done) {
            order.show(first_part_shipped());
            order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
            Conversation found = order;
            found.show(a_view("eu.450789469.2.1", "Accepted"));
            EXPECT_EQ(found.state(), "Shipped");
            EXPECT_THAT(found.commands(), ElementsAre("CancelFulfillment"));
            order.show(first_part_shipped("Delivered"));
            ASSERT_EQ(order.state(), "Completed");
        }
        const std::string before = order.state();
        order.show(a_view("eu.450789469.2.1", "Accepted"));
        EXPECT_EQ(order.state(), before);
        EXPECT_TRUE(order.incident_open());
        EXPECT_EQ(order.command(activity::cancel_fulfillment).payload.at("reference"), "eu.450789469.2.1");
    }
}

// It turned up, and it is too late to call it back: that is said once, and the warehouse is not asked for ever.
TEST(OrderParts, WhatTurnedUpTooLateIsLeftToAPerson) {
    for (const std::string state : {"FulfillmentRequested", "Shipped", "Completed"}) {
        Conversation order = part_requested();
        order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2)})}});
        order.end(activity::cancel_fulfillment, done({{"found", false}}));
        order.tell("OperatorRetried");
        order.end(activity::cancel_fulfillment, done({{"found", false}}));
        order.tell("StockReleased");
        if (state != "FulfillmentRequested") {
            order.show(first_part_shipped());
            order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
        }
        if (state == "Completed") order.show(first_part_shipped("Delivered"));
        ASSERT_EQ(order.state(), state);
        order.show(a_view("eu.450789469.2.1", "Accepted"));
        EXPECT_THAT(order.commands(), ElementsAre("CancelFulfillment"));

        order.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
        EXPECT_EQ(order.state(), state);
        EXPECT_TRUE(order.last().handled);
        EXPECT_THAT(*order.last().incident, HasSubstr("sent by the warehouse all the same: eu.450789469.2.1"));
        order.show(a_view("eu.450789469.2.1", "InProgress"));
        EXPECT_THAT(order.commands(), IsEmpty());
        EXPECT_TRUE(order.incident_open());
    }
}

TEST(OrderParts, GoodsThatWereGivenUpAndLeftAreTold) {
    Conversation order = part_requested();
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2)})}});
    order.end(activity::cancel_fulfillment, done({{"found", true}}));
    order.tell("StockReleased");
    order.show(second_part_shipped());
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_TRUE(order.incident_open());
    EXPECT_THAT(order.last().note, HasSubstr("T-S2"));
}

TEST(OrderParts, ACancelWhileThePartIsUnderWayWaitsForItsOutcome) {
    Conversation order = part_requesting();
    order.send(activity::request_fulfillment);
    order.tell("CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    order.end(activity::request_fulfillment, done({{"view", a_view("eu.450789469.2.1", "Accepted")}}));
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_EQ(order.payload_of_open(activity::cancel_fulfillment).at("reference"), "eu.450789469.2.1");
}

// The first part's own cancel comes to its end while the second part is called back.
TEST(OrderParts, ACancelThatItsPartHasOvertakenEndsNoOther) {
    for (const char* late : {"CancelTooLate", "CancelFailed", "FulfillmentCancelled"}) {
        Conversation order = part_requested();
        order.show(first_part_shipped());
        order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2)})}});
        ASSERT_EQ(order.state(), "CancellingFulfillment");
        order.tell(late, {{"reference", "eu.450789469.1.1"}, {"reason", "late"}});
        EXPECT_EQ(order.state(), "CancellingFulfillment") << late;
        EXPECT_FALSE(order.incident_open());
        order.end(activity::cancel_fulfillment, done());
        EXPECT_EQ(order.data().of_reference("eu.450789469.2.1")->state, "cancelled");
    }
}

TEST(OrderParts, ARefusedPartIsGivenUpAndTheRestGoesOn) {
    Conversation order = part_requesting();
    order.end(activity::request_fulfillment, ended(OutcomeKind::refused, "no", {{"messages", json::array({"no"})}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_TRUE(order.incident_open());
    EXPECT_THAT(order.effects(), Contains("Release"));
    order.tell("StockReleased");
    order.show(first_part_shipped());
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_TRUE(order.incident_open());
}

TEST(OrderParts, ADoubtfulPartAsksAPersonAndIsLookedForFirst) {
    Conversation order = part_requesting();
    order.send(activity::request_fulfillment);
    order.end(activity::request_fulfillment, ended(OutcomeKind::unknown, "no answer"), true);
    EXPECT_EQ(order.state(), "NeedsOperator");
    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    const json& again = order.command(activity::request_fulfillment).payload;
    EXPECT_EQ(again.at("reference"), "eu.450789469.2.1");
    EXPECT_TRUE(again.at("lookup_first").get<bool>());

    Conversation changed = part_requesting();
    changed.send(activity::request_fulfillment);
    changed.end(activity::request_fulfillment, ended(OutcomeKind::unknown, "no answer"), true);
    changed.tell("OrderChanged", with_mugs(2, 3));
    changed.tell("OperatorRetried");
    EXPECT_EQ(changed.state(), "CancellingFulfillment") << "what may be there is called back first";

    Conversation cancelled = part_requesting();
    cancelled.send(activity::request_fulfillment);
    cancelled.end(activity::request_fulfillment, ended(OutcomeKind::unknown, "no answer"), true);
    cancelled.tell("CancelRequested", {{"by", "operator"}});
    EXPECT_EQ(cancelled.state(), "CancellingFulfillment");
    EXPECT_EQ(cancelled.payload_of_open(activity::cancel_fulfillment).at("reference"), "eu.450789469.2.1");

    Conversation conflict = part_requesting();
    conflict.end(
        activity::request_fulfillment,
        ended(OutcomeKind::refused, "exists", {{"conflict", true}, {"messages", json::array({"exists"})}}));
    EXPECT_EQ(conflict.state(), "NeedsOperator");
    conflict.show(a_view("eu.450789469.1.1", "Cancelled"));
    EXPECT_EQ(conflict.state(), "NeedsOperator");
    EXPECT_THAT(conflict.effects(), ElementsAre("Release"));
    EXPECT_EQ(conflict.last().effects[0].payload.at("part"), 1);
    conflict.tell("StockReleased");
    EXPECT_EQ(conflict.state(), "NeedsOperator");
}

// While a person looked the order was changed and changed back: what could not be sent is asked for again, as if nothing had
// been.
TEST(OrderParts, AnEditThatLeavesThePartAsItIsDoesNotKeepItFromBeingAskedForAgain) {
    for (bool changed : {false, true}) {
        Conversation order = part_requesting();
        order.end(activity::request_fulfillment, ended(OutcomeKind::retryable, "503"), true);
        ASSERT_EQ(order.state(), "NeedsOperator");
        order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 2)})}});
        order.tell("OrderChanged", changed ? with_mugs(2, 3) : with_mugs());
        order.tell("OperatorRetried");
        EXPECT_EQ(order.state(), "FulfillmentRequested");
        if (changed) {
            EXPECT_THAT(order.effects(), Contains("Exchange")) << "asked for when it has its stock";
            EXPECT_THAT(order.commands(), Not(Contains("RequestFulfillment")));
        } else {
            EXPECT_EQ(order.command(activity::request_fulfillment).payload.at("reference"), "eu.450789469.2.1");
        }
    }
}

TEST(OrderParts, APartThatTheWarehouseCancelsDoesNotTakeTheOthersWithIt) {
    Conversation order = part_requested();
    order.show(a_view("eu.450789469.2.1", "Cancelled"));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_TRUE(order.incident_open());
    EXPECT_EQ(order.last().effects[0].payload.at("lines")[0].at("line_id"), "L2/2");
    order.tell("StockReleased");
    order.show(first_part_shipped());
    EXPECT_EQ(order.state(), "Shipped");
}

TEST(OrderParts, WatchesEveryPart) {
    Conversation order = part_requested();
    order.end(activity::find_fulfillment, done({{"found", true}, {"view", a_view("eu.450789469.1.1", "Accepted")}}));
    order.wait();
    EXPECT_EQ(order.last().meaning, "WatchDue");
    EXPECT_THAT(order.commands(), ElementsAre("FindFulfillment", "FindFulfillment"));
}

TEST(OrderParts, AnAdditionDuringAnIncidentIsKeptForItsEnd) {
    Conversation order = requested();
    order.tell("OrderChanged", with_mugs());
    order.end(activity::cancel_fulfillment, ended(OutcomeKind::refused, "broken"));
    ASSERT_EQ(order.state(), "NeedsOperator");
    order.show(a_view("eu.450789469.1.1", "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_THAT(order.effects(), Contains("Reserve"));

    Conversation short_of = order;
    short_of.tell("StockShort", {{"backorder", false}});
    EXPECT_EQ(short_of.state(), "NeedsOperator");
    EXPECT_TRUE(short_of.incident_open());

    order.tell("StockReserved");
    EXPECT_EQ(order.state(), "NeedsOperator");
    EXPECT_EQ(order.data().newest_part(), 2);
    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "FulfillmentRequested") << "there is nothing to call back any more";
    EXPECT_EQ(order.command(activity::request_fulfillment).payload.at("reference"), "eu.450789469.2.1");

    Conversation telling = shipped();
    telling.end(activity::create_store_fulfillment, ended(OutcomeKind::refused, "no"));
    ASSERT_EQ(telling.state(), "NeedsOperator");
    telling.tell("OrderChanged", with_mugs());
    telling.tell("OperatorRetried");
    EXPECT_EQ(telling.state(), "Shipped");
    EXPECT_THAT(telling.effects(), ElementsAre("Reserve", "Trust"));
}

// The request of the second part has left when the first one's trouble calls for a person.
Conversation trouble_meanwhile() {
    Conversation order = part_requesting();
    order.send(activity::request_fulfillment);
    order.show(a_view("eu.450789469.1.1", "NeedsAttention"));
    return order;
}

TEST(OrderParts, ACancelDuringAnIncidentWaitsForTheRequestThatIsUnderWay) {
    Conversation order = trouble_meanwhile();
    ASSERT_EQ(order.state(), "NeedsOperator");
    order.tell("CancelRequested", {{"by", "operator"}});
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.commands(), IsEmpty()) << "a cancel that overtakes its request cancels nothing";
    order.end(activity::request_fulfillment, done({{"view", a_view("eu.450789469.2.1", "Accepted")}}));
    EXPECT_EQ(order.state(), "CancellingFulfillment");
    EXPECT_EQ(order.command(activity::cancel_fulfillment).payload.at("reference"), "eu.450789469.2.1");
}

TEST(OrderParts, ARequestThatEndsDuringAnIncidentIsRemembered) {
    Conversation doubtful = trouble_meanwhile();
    doubtful.end(activity::request_fulfillment, ended(OutcomeKind::unknown, "no answer"), true);
    EXPECT_EQ(doubtful.state(), "NeedsOperator");
    doubtful.tell("OrderChanged", with_mugs(2, 2));
    doubtful.tell("OperatorRetried");
    EXPECT_EQ(doubtful.state(), "CancellingFulfillment") << "what may be there is not changed unasked";

    Conversation other = trouble_meanwhile();
    other.end(activity::request_fulfillment, ended(OutcomeKind::refused, "differs", {{"conflict", true}}));
    EXPECT_EQ(other.state(), "NeedsOperator");
    EXPECT_TRUE(other.data().current()->perhaps_exists);

    Conversation accepted = trouble_meanwhile();
    accepted.end(activity::request_fulfillment, done({{"view", a_view("eu.450789469.2.1", "Accepted")}}));
    EXPECT_EQ(accepted.state(), "NeedsOperator");
    EXPECT_THAT(accepted.effects(), ElementsAre("Commit"));
    EXPECT_TRUE(accepted.incident_open()) << "it does not mend the other part's trouble";
    accepted.tell("OperatorRetried");
    EXPECT_THAT(accepted.commands(), Not(Contains("RequestFulfillment")));

    Conversation refused = trouble_meanwhile();
    refused.end(activity::request_fulfillment, ended(OutcomeKind::refused, "no such article"));
    EXPECT_EQ(refused.state(), "NeedsOperator");
    EXPECT_THAT(refused.effects(), Contains("Release"));
}

TEST(OrderParts, ARequestThatIsUnderWayIsNotMadeTwice) {
    Conversation order = trouble_meanwhile();
    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.commands(), Not(Contains("RequestFulfillment")));
}

// Nobody knew whether the warehouse had the order, until a part of it had left; and what was added waits for stock.
TEST(OrderParts, WhatWaitsForStockIsNotRequestedWhenAPersonSaysGoOn) {
    Conversation order = in_doubt();
    order.tell("OrderChanged", with_mugs());
    order.show(a_view("eu.450789469.1.1", "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    ASSERT_EQ(order.state(), "NeedsOperator");
    order.tell("StockShort", {{"short", json::array({{{"sku", "MUG"}}})}, {"backorder", true}});

    order.tell("OperatorRetried");
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.commands(), Not(Contains("RequestFulfillment")));

    order.tell("StockGranted");
    order.tell("ChannelsUpdated");
    EXPECT_EQ(order.command(activity::request_fulfillment).payload.at("reference"), "eu.450789469.2.1");
}

// Data of a program that knew no parts, and a saga that it left in the middle of things.
TEST(OrderParts, OldDataIsAnOrderOfOnePart) {
    json old = to_json(requested().data());
    for (const char* name : {"added", "wish", "unserved"})
        old.erase(name);
    old.at("lines")[0].erase("of_part");
    const OrderData data = order_data_from_json(old);
    EXPECT_EQ(data.newest_part(), 1);
    ASSERT_NE(data.current(), nullptr);
    EXPECT_EQ(data.current()->reference, "eu.450789469.1.1");
    EXPECT_EQ(reservation_of(data.lines.front()), "L1");
    EXPECT_EQ(part_of_reservation("L1"), 1);
    EXPECT_EQ(part_of_reservation("L1/12"), 12);
}

}  // namespace
}  // namespace ordersaga::sagas
