// The plain path of an order, and its waiting for stores and warehouse.
#include "tests/unit/sagas/conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(OrderSaga, GoesAllTheWay) {
    Conversation order;

    order.tell("OrderPlaced");
    EXPECT_EQ(order.state(), "Received");
    EXPECT_THAT(order.effects(), ElementsAre("Reserve"));
    EXPECT_THAT(order.commands(), IsEmpty());
    EXPECT_EQ(
        order.last().effects.front().payload.at("lines"),
        json::array({{{"line_id", "L1"}, {"sku_id", 11}, {"quantity", 2}}}));

    order.tell("StockReserved");
    EXPECT_EQ(order.state(), "Reserved");
    EXPECT_THAT(order.effects(), ElementsAre("WaitForChannels"));

    order.tell("ChannelsUpdated", {{"flushes", json::array({"flush-eu-1"})}});
    EXPECT_EQ(order.state(), "ChannelsSynced");
    EXPECT_THAT(order.commands(), ElementsAre("RequestFulfillment"));
    EXPECT_THAT(order.last().note, HasSubstr("flush-eu-1"));
    const Command request = order.command(activity::request_fulfillment);
    EXPECT_EQ(request.lane, "warehouse:3");
    EXPECT_EQ(request.payload.at("reference"), "eu.450789469.1.1");
    EXPECT_EQ(
        request.payload.at("lines"),
        json::array({{{"line_id", "L1"}, {"sku", "SHIRT"}, {"warehouse_item_id", "9001"}, {"quantity", 2}}}));
    EXPECT_FALSE(request.payload.at("lookup_first").get<bool>());

    order.end(activity::request_fulfillment, done({{"view", a_view(order.reference(), "Accepted")}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.effects(), ElementsAre("Commit"));
    EXPECT_EQ(order.data().fulfillments.back().warehouse_order_id, "55");

    order.show(a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.effects(), ElementsAre("Ship"));
    EXPECT_THAT(order.commands(), ElementsAre("CreateStoreFulfillment"));
    EXPECT_EQ(order.command(activity::create_store_fulfillment).lane, "store:7");
    EXPECT_EQ(order.command(activity::create_store_fulfillment).payload.at("tracking_number"), "T-S1");

    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}, {"already", false}}));
    EXPECT_EQ(order.state(), "Shipped");

    order.show(a_view(order.reference(), "Delivered", {{"S1", "Delivered", {{"9001", 2}}}}));
    EXPECT_EQ(order.state(), "Completed");
    EXPECT_FALSE(order.last().next_wake.has_value());
    EXPECT_THAT(order.open(), IsEmpty());
}

TEST(OrderSaga, CompletesWhenTheStoreHearsOfItAfterTheDelivery) {
    Conversation order = shipped();
    order.show(a_view(order.reference(), "Delivered", {{"S1", "Delivered", {{"9001", 2}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.last().note, HasSubstr("delivered: S1"));

    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    EXPECT_EQ(order.state(), "Completed");
}

// A store that answers without an id has still been told.
TEST(OrderSaga, CompletesWhenTheStoreNamesNoFulfillment) {
    Conversation order = shipped();
    order.show(a_view(order.reference(), "Delivered", {{"S1", "Delivered", {{"9001", 2}}}}));
    order.end(activity::create_store_fulfillment, done());
    EXPECT_EQ(order.state(), "Completed");
}

TEST(OrderSaga, NeedsNothingWhenNothingIsToBeShipped) {
    OrderData data = an_order();
    data.lines.clear();
    Conversation order(data);
    order.tell("OrderPlaced");
    EXPECT_EQ(order.state(), "Completed");
    EXPECT_THAT(order.effects(), IsEmpty());
    EXPECT_THAT(order.commands(), IsEmpty());
}

TEST(OrderSaga, AsksForNothingOfALineThatIsNotWantedAnyMore) {
    OrderData data = an_order();
    data.lines = {a_line("L1", 0), a_line("L2", 1)};
    Conversation order = requesting(data);
    EXPECT_EQ(order.payload_of_open(activity::request_fulfillment).at("lines").size(), 1U);
}

// A dead store never blocks shipping: the listing keeps the debt.
TEST(OrderSaga, GoesOnWhenAStoreIsSlow) {
    Conversation order = reserved();
    EXPECT_EQ(order.last().next_wake, order.now() + std::chrono::seconds(10));

    order.tell("TimeReached");
    EXPECT_EQ(order.state(), "Reserved") << "before its time";
    EXPECT_FALSE(order.last().handled);

    order.wait();
    EXPECT_EQ(order.state(), "ChannelsSynced");
    EXPECT_THAT(order.effects(), ElementsAre("StopWaiting", "UseReference"));
    EXPECT_TRUE(order.last().effects.front().payload.at("name_debt").get<bool>());
    EXPECT_THAT(order.last().note, HasSubstr("debt"));

    order.tell("ChannelsUpdated");
    EXPECT_EQ(order.state(), "ChannelsSynced");
}

TEST(OrderSaga, NeverWaitsForAStoreThatIsNotWaitedFor) {
    OrderData data = an_order();
    data.channel_wait_ms = 0;
    Conversation order = reserved(data);
    EXPECT_EQ(order.last().next_wake, order.now());
    order.wait();
    EXPECT_EQ(order.state(), "ChannelsSynced");
}

TEST(OrderSaga, AsksTheWarehouseFirstAndThenDecidesWithTheLedger) {
    Conversation order;
    order.tell("OrderPlaced");
    order.tell("StockStale");
    EXPECT_EQ(order.state(), "Received");
    EXPECT_EQ(order.last().next_wake, order.now() + std::chrono::seconds(5));

    Conversation answered = order;
    answered.tell("StockRead");
    EXPECT_THAT(answered.effects(), ElementsAre("Reserve"));
    EXPECT_TRUE(answered.last().effects.front().payload.at("without_reading").get<bool>());

    order.wait();
    EXPECT_EQ(order.last().meaning, "StockReadWaitEnded");
    EXPECT_THAT(order.effects(), ElementsAre("Reserve"));
}

TEST(OrderSaga, LooksAtTheWarehouseNowAndThen) {
    Conversation order = requested();
    order.wait();
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.commands(), ElementsAre("FindFulfillment"));

    order.wait();
    EXPECT_THAT(order.commands(), IsEmpty()) << "one look at a time";

    order.end(activity::find_fulfillment, done({{"found", true}, {"view", a_view(order.reference(), "InProgress")}}));
    EXPECT_TRUE(order.last().silent);
    EXPECT_EQ(order.state(), "FulfillmentRequested");

    order.wait();
    order.end(activity::find_fulfillment, ended(OutcomeKind::retryable), true);
    EXPECT_EQ(order.last().meaning, "WatchDue") << "a look that failed is repeated";
}

TEST(OrderSaga, TakesDeliveryForGrantedOneDay) {
    Conversation order = shipped();
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    EXPECT_EQ(order.state(), "Shipped");
    order.wait();
    EXPECT_EQ(order.state(), "Completed");
    EXPECT_FALSE(order.incident_open());
}

TEST(OrderSaga, EndsWithAnIncidentWhenTheStoreWasNeverTold) {
    Conversation order = shipped();
    order.pass(std::chrono::hours(24 * 15));
    order.tell("TimeReached");
    EXPECT_EQ(order.state(), "Completed");
    EXPECT_TRUE(order.incident_open());
}

TEST(OrderSaga, TellsTheWorldWhatHappens) {
    Conversation order = requested();
    ASSERT_EQ(order.last().announcements.size(), 1U);
    EXPECT_EQ(order.last().announcements.front().routing_key, "orders.fulfillmentrequested.eu");
    EXPECT_EQ(order.last().announcements.front().body.at("order_name"), "#1001");
    EXPECT_EQ(order.last().announcements.front().body.at("from"), "ChannelsSynced");
}

// --- late and repeated on the plain path -------------------------------------------------------------------------------

// Sent before it was paid, as a person has decided.
OrderData a_trusted_order() {
    OrderData data = an_order();
    data.paid = false;
    return data;
}

TEST(OrderSaga, HearsOfPaymentAtAnyTime) {
    for (auto begin :
         {+[] { return Conversation(an_unpaid_order()); }, +[] { return reserved(a_trusted_order()); },
          +[] { return requesting(a_trusted_order()); }, +[] { return backordered(an_unpaid_order()); },
          +[] {
              return in_doubt();
          }}) {
        Conversation order = begin();
        const std::string before = order.state();
        order.tell("OrderPaid", {{"paid", true}});
        EXPECT_EQ(order.state(), before);
        EXPECT_TRUE(order.data().paid);
        EXPECT_THAT(order.data().holds, IsEmpty());
    }
}

TEST(OrderSaga, KnowsItsOwnFulfillmentWhenTheStoreRepeatsIt) {
    Conversation order = shipped();
    order.tell("FulfilledElsewhere", {{"fulfillment_id", "880"}, {"tracking_numbers", {"T-S1"}}});
    EXPECT_TRUE(order.last().silent) << "our own command is under way, its outcome is not heard yet";

    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    order.tell("FulfilledElsewhere", {{"fulfillment_id", "880"}});
    EXPECT_TRUE(order.last().silent) << "the same id";
    order.tell("FulfilledElsewhere", {{"fulfillment_id", "879"}, {"tracking_numbers", {"T-S1"}}});
    EXPECT_TRUE(order.last().silent) << "one shipment, told in two parts";
    EXPECT_FALSE(order.incident_open());
}

TEST(OrderSaga, TellsAnothersFulfillmentApartWhileItsOwnIsUnderWay) {
    Conversation order = shipped();
    order.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}, {"tracking_numbers", {"OTHER"}}});
    EXPECT_TRUE(order.last().handled);
    EXPECT_FALSE(order.last().silent);
}

TEST(OrderSaga, KnowsItsOwnFulfillmentWithoutATrackingNumberWhileItIsUnderWay) {
    Conversation order = requested();
    json view = a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}});
    view["shipments"][0]["tracking_number"] = "";
    order.show(view);
    order.tell("FulfilledElsewhere", {{"fulfillment_id", "880"}});
    EXPECT_TRUE(order.last().silent);

    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    order.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}});
    EXPECT_TRUE(order.last().handled) << "that is another one";
}

TEST(OrderSaga, NotesAnothersFulfillmentWhenTheGoodsAreOnTheirWay) {
    for (auto begin :
         {+[] { return requested(); },
          +[] {
              Conversation order = shipped();
              order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
              return order;
          }}) {
        Conversation order = begin();
        const std::string before = order.state();
        order.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}});
        EXPECT_TRUE(order.last().handled);
        EXPECT_EQ(order.state(), before);
    }
}

TEST(OrderSaga, StopsWhenSomebodyElseFulfilsBeforeTheRequest) {
    for (auto begin :
         {+[] { return Conversation(); }, +[] { return reserved(); }, +[] { return requesting(); },
          +[] { return on_hold(); },
          +[] {
              return backordered();
          }}) {
        Conversation order = begin();
        order.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}, {"reason", "fulfilled outside of us"}});
        EXPECT_EQ(order.state(), "NeedsOperator");
        EXPECT_TRUE(order.incident_open());
        EXPECT_THAT(order.open(), IsEmpty()) << "an unsent request is withdrawn";
    }
}

TEST(OrderSaga, CannotStopARequestThatHasLeftWhenSomebodyElseFulfils) {
    Conversation order = requesting();
    order.send(activity::request_fulfillment);
    order.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}});
    EXPECT_EQ(order.state(), "ChannelsSynced");
    EXPECT_TRUE(order.last().handled);
}

TEST(OrderSaga, ChangesNothingOnceItIsCompleted) {
    Conversation order = shipped();
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    order.wait();
    ASSERT_EQ(order.state(), "Completed");
    const json before = order.snapshot().data;

    order.tell("CancelRequested", {{"by", "operator"}});
    EXPECT_THAT(order.last().note, HasSubstr("arrange a return"));
    order.tell("OrderChanged", {{"lines", lines_json({a_line("L1", 1)})}});
    order.tell("StoreFulfilled", {{"shipment_id", "S1"}, {"fulfillment_id", "880"}});
    order.tell("FulfilledElsewhere", {{"fulfillment_id", "999"}});
    // Of a cancel that the shipment had overtaken.
    order.tell("CancelTooLate", {{"reference", order.reference()}});
    EXPECT_TRUE(order.last().handled);
    order.show(a_view(order.reference(), "Delivered", {{"S1", "Delivered", {{"9001", 2}}}}));
    EXPECT_EQ(order.last().meaning, "DeliveryReported");
    EXPECT_EQ(order.state(), "Completed");
    EXPECT_EQ(order.snapshot().data, before);
    EXPECT_THAT(order.open(), IsEmpty());
}

}  // namespace
}  // namespace ordersaga::sagas
