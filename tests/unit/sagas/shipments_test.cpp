// Shipments: one fulfilment may leave in several, bundles leave in pieces, and news may come in any sequence.
#include "tests/unit/sagas/conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(OrderSagaShipments, AreToldToTheStoreOneByOne) {
    OrderData data = an_order();
    data.lines = {a_line("L1", 3)};
    Conversation order = requested(data);

    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_EQ(order.last().effects.front().payload.at("skus"), json::array({{{"sku_id", 11}, {"quantity", 1}}}));
    EXPECT_EQ(
        order.command(activity::create_store_fulfillment).payload.at("lines"),
        json::array({{{"line_id", "L1"}, {"quantity", 1}}}));

    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    EXPECT_TRUE(order.last().silent);
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");

    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Delivered", {{"9001", 1}}}}));
    EXPECT_EQ(order.last().meaning, "DeliveryReported");
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_TRUE(order.data().fulfillments.back().shipments.front().delivered);

    order.show(
        a_view(order.reference(), "Shipped", {{"S1", "Delivered", {{"9001", 1}}}, {"S2", "Shipped", {{"9001", 2}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.commands(), ElementsAre("CreateStoreFulfillment"));
    EXPECT_EQ(order.command(activity::create_store_fulfillment).idempotency_key, "tell-shipment:S2");
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "881"}}));
    EXPECT_EQ(order.state(), "Shipped");

    order.show(a_view(
        order.reference(), "Delivered", {{"S1", "Delivered", {{"9001", 1}}}, {"S2", "Delivered", {{"9001", 2}}}}));
    EXPECT_EQ(order.state(), "Completed");
}

TEST(OrderSagaShipments, FailingInTheStoreBeforeTheLastAsksAPerson) {
    OrderData data = an_order();
    Conversation order = requested(data);
    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    order.end(activity::create_store_fulfillment, ended(OutcomeKind::refused, "closed"));
    EXPECT_EQ(order.state(), "NeedsOperator");
    order.tell("StoreFulfilled", {{"shipment_id", "S1"}, {"fulfillment_id", "880"}});
    EXPECT_EQ(order.data().fulfillments.back().shipments.front().store_fulfillment, "880");
}

// The first thing ever seen of the shipment is that it has arrived.
TEST(OrderSagaShipments, DeliveredWhenFirstSeen) {
    Conversation order = requested();
    order.show(a_view(order.reference(), "Delivered", {{"S1", "Delivered", {{"9001", 2}}}}));
    EXPECT_EQ(order.last().meaning, "ShipmentReported");
    EXPECT_EQ(order.state(), "Shipped");
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    EXPECT_EQ(order.state(), "Completed");
}

// One view tells of a new shipment and of the delivery of an older one.
TEST(OrderSagaShipments, NewAndDeliveredInOneView) {
    Conversation order = requested();
    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    order.show(
        a_view(order.reference(), "Shipped", {{"S1", "Delivered", {{"9001", 1}}}, {"S2", "Delivered", {{"9001", 1}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    order.end(activity::create_store_fulfillment, done({{"fulfillment_id", "881"}}));
    EXPECT_EQ(order.state(), "Completed") << "the delivery of S1 is not forgotten";
}

// The answer to the request was lost, and the parcel left before anybody asked again.
// S25: two ways finish the same order within milliseconds, and its stock goes down once (WooPayments #8292, #10846).
TEST(OrderSagaShipments, SeenBeforeTheAcceptanceWasHeardOf) {
    Conversation order = requesting();
    order.send(activity::request_fulfillment);
    Conversation partly = order;

    order.show(a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.effects(), ElementsAre("Commit", "Ship"));
    EXPECT_EQ(order.data().fulfillments.back().warehouse_order_id, "55");
    order.end(activity::request_fulfillment, done({{"view", a_view(order.reference(), "Shipped")}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_TRUE(order.last().handled);

    partly.show(a_view(partly.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 1}}}}));
    EXPECT_EQ(partly.state(), "FulfillmentRequested");
    partly.end(activity::request_fulfillment, done({{"view", a_view(partly.reference(), "PartlyShipped")}}));
    EXPECT_EQ(partly.state(), "FulfillmentRequested");
    EXPECT_TRUE(partly.last().handled);
}

TEST(OrderSagaShipments, SeenWhileNobodyKnewMakeTheDoubtGo) {
    Conversation order = in_doubt();
    order.show(a_view(order.reference(), "Shipped", {{"S1", "Shipped", {{"9001", 2}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_THAT(order.effects(), ElementsAre("Commit", "Ship"));
    EXPECT_FALSE(order.data().fulfillments.back().perhaps_exists);
    EXPECT_FALSE(order.incident_open());
}

TEST(OrderSagaShipments, OfABundleAreToldInWholeUnits) {
    OrderData data = an_order();
    data.lines = {a_gift_set("L1", 2)};
    Conversation order = requested(data);

    order.show(a_view(order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 2}}}}));
    EXPECT_EQ(order.state(), "FulfillmentRequested");
    EXPECT_THAT(order.commands(), IsEmpty()) << "no whole set has left";
    EXPECT_EQ(order.data().fulfillments.back().shipments.front().store_fulfillment, "none");

    order.show(a_view(
        order.reference(), "PartlyShipped", {{"S1", "Shipped", {{"9001", 2}}}, {"S2", "Shipped", {{"9002", 3}}}}));
    EXPECT_EQ(
        order.command(activity::create_store_fulfillment).payload.at("lines"),
        json::array({{{"line_id", "L1"}, {"quantity", 1}}}));

    order.show(a_view(
        order.reference(), "Shipped",
        {{"S1", "Shipped", {{"9001", 2}}}, {"S2", "Shipped", {{"9002", 3}}}, {"S3", "Shipped", {{"9002", 1}}}}));
    EXPECT_EQ(order.state(), "Shipped");
    EXPECT_EQ(
        order.command(activity::create_store_fulfillment).payload.at("lines"),
        json::array({{{"line_id", "L1"}, {"quantity", 1}}}));
    EXPECT_EQ(order.last().effects.front().payload.at("skus"), json::array({{{"sku_id", 12}, {"quantity", 1}}}));
}

TEST(OrderSagaShipments, OfAnotherReferenceAreNotOurs) {
    Conversation order = requested();
    order.show(a_view("eu.1.1.1", "Shipped", {{"S1", "Shipped", {{"9001", 2}}}}));
    EXPECT_TRUE(order.last().silent);
    EXPECT_EQ(order.state(), "FulfillmentRequested");
}

// --- booking ------------------------------------------------------------------------------------------------------------

struct Booking {
    OrderData data = an_order();
    ViewNews see(const std::vector<ShownShipment>& shipments) {
        if (data.fulfillments.empty()) {
            Fulfillment fulfillment;
            fulfillment.reference = "R";
            fulfillment.state = "accepted";
            data.fulfillments.push_back(fulfillment);
        }
        ViewNews news = news_of(data, a_view("R", "Shipped", shipments));
        book_shipments(data, news);
        return news;
    }
};

TEST(ViewNews, AcceptanceAloneIsNoneOfWhatIsAccepted) {
    for (const char* state : {"Accepted", "InProgress"}) {
        EXPECT_TRUE(tells_acceptance_alone(a_view("r", state))) << state;
        EXPECT_TRUE(tells_acceptance_alone(a_view("r", state, {{"S1", "Processing", {{"9001", 2}}}}))) << state;
        for (const char* left : {"Shipped", "Delivered", "DeliveryProblem"})
            EXPECT_FALSE(tells_acceptance_alone(a_view("r", state, {{"S1", left, {{"9001", 2}}}}))) << left;
    }
    for (const char* state :
         {"OnHold", "Backordered", "NeedsAttention", "PartlyShipped", "Shipped", "Delivered", "DeliveryProblem",
          "Cancelled", "Unknown"})
        EXPECT_FALSE(tells_acceptance_alone(a_view("r", state))) << state;
    EXPECT_FALSE(tells_acceptance_alone(json::object()));
}

TEST(BookShipments, SharesUnitsOfOneSkuAmongItsLines) {
    Booking booking;
    booking.data.lines = {a_line("L1", 1), a_line("L2", 2)};
    ViewNews news = booking.see({{"S1", "Shipped", {{"9001", 3}}}});
    ASSERT_EQ(news.new_shipments.size(), 1U);
    EXPECT_THAT(news.new_shipments.front().lines, ElementsAre(Pair("L1", 1), Pair("L2", 2)));
    EXPECT_THAT(news.shipped_skus, ElementsAre(Pair(11, 3)));
    EXPECT_TRUE(booking.data.everything_shipped());
}

TEST(BookShipments, NeverBooksMoreThanIsWanted) {
    Booking booking;
    ViewNews news = booking.see({{"S1", "Shipped", {{"9001", 50}}}});
    EXPECT_THAT(news.shipped_skus, ElementsAre(Pair(11, 2)));
    EXPECT_THAT(news.beyond_wanted, ElementsAre(Pair(11, 48)));
    EXPECT_EQ(booking.data.lines.front().parts.front().shipped, 2);
}

TEST(BookShipments, FindsASkuByItsNameWhenTheWarehouseGivesNoItem) {
    Booking booking;
    booking.data.fulfillments.emplace_back();
    booking.data.fulfillments.back().reference = "R";
    booking.data.fulfillments.back().state = "accepted";
    json view = a_view("R", "Shipped");
    view["shipments"] = json::array(
        {{{"id", "S1"}, {"state", "Shipped"}, {"lines", json::array({{{"sku", "SHIRT"}, {"quantity", 2}}})}}});
    ViewNews news = news_of(booking.data, view);
    book_shipments(booking.data, news);
    EXPECT_THAT(news.shipped_skus, ElementsAre(Pair(11, 2)));
}

TEST(BookShipments, IgnoresGoodsThatAreNotOfTheOrder) {
    Booking booking;
    ViewNews news = booking.see({{"S1", "Shipped", {{"7777", 2}}}});
    EXPECT_THAT(news.shipped_skus, IsEmpty());
    EXPECT_THAT(news.new_shipments.front().lines, IsEmpty());
    EXPECT_FALSE(booking.data.everything_shipped());
}

TEST(BookShipments, DoesNotCountWhatHasNotLeft) {
    Booking booking;
    for (const char* state : {"Processing", "Picked", "Cancelled", ""}) {
        EXPECT_TRUE(booking.see({{"S1", state, {{"9001", 2}}}}).new_shipments.empty()) << state;
    }
}

TEST(BookShipments, ABundleAndALineOfItsPartShareTheParcel) {
    Booking booking;
    booking.data.lines = {a_gift_set("L1", 1), a_line("L2", 1)};
    ViewNews news = booking.see({{"S1", "Shipped", {{"9001", 2}, {"9002", 2}}}});
    EXPECT_THAT(news.new_shipments.front().lines, ElementsAre(Pair("L1", 1), Pair("L2", 1)));
    EXPECT_THAT(news.shipped_skus, ElementsAre(Pair(11, 2), Pair(12, 2)));
}

// An absurd figure from outside must not make units.
TEST(BookShipments, SurvivesAbsurdQuantities) {
    Booking booking;
    ViewNews news = booking.see({{"S1", "Shipped", {{"9001", -5}}}});
    EXPECT_THAT(news.shipped_skus, IsEmpty());
    EXPECT_EQ(booking.data.lines.front().parts.front().shipped, 0);
}

}  // namespace
}  // namespace ordersaga::sagas
