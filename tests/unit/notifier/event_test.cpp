#include "notifier/event.hpp"

#include <gtest/gtest.h>

namespace ordersaga::notifier {
namespace {

broker::Delivery a_delivery() {
    broker::Delivery delivery;
    delivery.message_id = "announcement.7";
    delivery.routing_key = "orders.outofstock.eu.main";
    delivery.body = R"({"schema": 1, "merchant_id": "3", "order_name": "#1"})";
    return delivery;
}

TEST(Event, IsNamedByTheFirstTwoWordsOfItsKey) {
    const runtime::Result<Event> event = read_event(a_delivery());

    ASSERT_TRUE(event) << event.error().message;
    EXPECT_EQ(event->id, "announcement.7");
    EXPECT_EQ(event->topic, "orders.outofstock");
    EXPECT_EQ(event->merchant, 3);
}

// "New routing keys may appear": whoever is not asked about one has to live with it.
TEST(Event, MayHaveATopicThatIsNotKnownYet) {
    broker::Delivery delivery = a_delivery();
    delivery.routing_key = "orders.returned.eu";

    EXPECT_TRUE(read_event(delivery));
    EXPECT_EQ(find_topic("orders.returned"), nullptr);
}

TEST(Event, IsRefusedWithItsReasonWhenItCanNeverBeTold) {
    struct Case {
        std::string message_id, routing_key, body, reason;
    };
    const std::string body = R"({"schema": 1, "merchant_id": "3"})";
    for (const Case& wrong : std::vector<Case>{
             {"", "orders.shipped.eu", body, "message id"},
             {std::string(201, 'x'), "orders.shipped.eu", body, "message id"},
             {"a", "orders", body, "routing key"},
             {"a", "orders.shipped", body, "routing key"},
             {"a", "orders.shi\r\npped.eu", body, "routing key"},
             {"a", "orders.shipped.eu", "no json", "no JSON"},
             {"a", "orders.shipped.eu", R"({"schema": 1, "merchant_id": "3", "at": "\u0000"})", "no JSON"},
             {"a", "orders.shipped.eu", "[]", "must be an object"},
             {"a", "orders.shipped.eu", R"({"merchant_id": "3"})", "schema"},
             {"a", "orders.shipped.eu", R"({"schema": 2, "merchant_id": "3"})", "schema is 2"},
             {"a", "orders.shipped.eu", R"({"schema": 1})", "merchant_id"},
             {"a", "orders.shipped.eu", R"({"schema": 1, "merchant_id": 3})", "merchant_id"},
             {"a", "orders.shipped.eu", R"({"schema": 1, "merchant_id": "0"})", "merchant_id"},
             {"a", "orders.shipped.eu", R"({"schema": 1, "merchant_id": "3x"})", "merchant_id"}}) {
        broker::Delivery delivery;
        delivery.message_id = wrong.message_id;
        delivery.routing_key = wrong.routing_key;
        delivery.body = wrong.body;
        const runtime::Result<Event> event = read_event(delivery);
        ASSERT_FALSE(event) << wrong.reason << ": " << wrong.body;
        EXPECT_NE(event.error().message.find(wrong.reason), std::string::npos) << event.error().message;
    }
}

}  // namespace
}  // namespace ordersaga::notifier
