// What a real broker says seldom or never: blocked publishing, confirms out of order, nonsense.

#include "tests/integration/broker/scripted_broker.hpp"

#include "tests/integration/broker/broker_fixture.hpp"

namespace ordersaga::broker {
namespace {

class ScriptedBrokerTest : public ::testing::Test {
protected:
    PublisherOptions quick() const {
        PublisherOptions options;
        options.reconnect_first = 20ms;
        options.reconnect_cap = 50ms;
        return options;
    }

    static Message a_message(std::uint64_t tag) {
        Message message;
        message.exchange = "e";
        message.routing_key = "k";
        message.message_id = "m" + std::to_string(tag);
        message.body = "{}";
        message.tag = tag;
        return message;
    }

    ScriptedBroker broker_;
    Address address_ = *parse_address("amqp://u:p@127.0.0.1:" + std::to_string(broker_.port()));
    Results results_;
};

TEST_F(ScriptedBrokerTest, TheClientSaysThatItUnderstandsBlockingAndCancelledConsumers) {
    Publisher publisher(address_, quick(), results_.receiver());

    const std::string start_ok = broker_.welcome();

    EXPECT_NE(start_ok.find("connection.blocked"), std::string::npos);
    EXPECT_NE(start_ok.find("consumer_cancel_notify"), std::string::npos);
    EXPECT_NE(start_ok.find("ordersaga-publisher"), std::string::npos);
}

TEST_F(ScriptedBrokerTest, WhileBlockedNothingIsWrittenAndAfterwardsEverythingIs) {
    auto options = quick();
    options.deadline = 20s;
    Publisher publisher(address_, options, results_.receiver());
    broker_.welcome();

    broker_.block("low on memory");
    ASSERT_TRUE(eventually([&] { return publisher.health().blocked; }));
    EXPECT_EQ(publisher.health().blocked_reason, "low on memory");
    EXPECT_TRUE(publisher.health().connected);
    ASSERT_TRUE(publisher.try_publish(a_message(1)));
    EXPECT_FALSE(broker_.takes_publish(300));
    EXPECT_EQ(publisher.health().buffered, 1U);

    broker_.unblock();
    EXPECT_TRUE(broker_.takes_publish(5'000));
    broker_.confirm(1, false, true);
    ASSERT_TRUE(results_.wait_for(1));
    EXPECT_EQ(results_.only(1).status, PublishStatus::confirmed);
    EXPECT_FALSE(publisher.health().blocked);
}

TEST_F(ScriptedBrokerTest, WhileBlockedTheDeadlinesStillHold) {
    auto options = quick();
    options.deadline = 300ms;
    Publisher publisher(address_, options, results_.receiver());
    broker_.welcome();
    ASSERT_TRUE(publisher.try_publish(a_message(1)));
    ASSERT_TRUE(broker_.takes_publish(5'000));
    broker_.block("low on disk");
    ASSERT_TRUE(eventually([&] { return publisher.health().blocked; }));

    ASSERT_TRUE(publisher.try_publish(a_message(2)));

    ASSERT_TRUE(results_.wait_for(2));
    EXPECT_EQ(results_.only(1).status, PublishStatus::unknown) << "it was written: nobody knows";
    EXPECT_EQ(results_.only(2).status, PublishStatus::not_sent);
    EXPECT_TRUE(publisher.health().connected);
}

TEST_F(ScriptedBrokerTest, ConfirmsOutOfOrderMergedAndNegativeFindTheirMessages) {
    Publisher publisher(address_, quick(), results_.receiver());
    broker_.welcome();
    for (std::uint64_t tag = 1; tag <= 5; ++tag)
        publisher.try_publish(a_message(tag));
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(broker_.takes_publish(5'000));

    broker_.confirm(4, false, false);
    broker_.confirm(99, false, true);
    broker_.confirm(3, true, true);
    broker_.confirm(2, false, false);
    broker_.confirm(5, true, false);

    ASSERT_TRUE(results_.wait_for(5));
    for (const std::uint64_t tag : {1U, 2U, 3U})
        EXPECT_EQ(results_.only(tag).status, PublishStatus::confirmed) << tag;
    for (const std::uint64_t tag : {4U, 5U})
        EXPECT_EQ(results_.only(tag).status, PublishStatus::nacked) << tag;
}

TEST_F(ScriptedBrokerTest, WhenConfirmsStopTheConnectionIsReplaced) {
    auto options = quick();
    options.window = 2;
    options.deadline = 300ms;
    Publisher publisher(address_, options, results_.receiver());
    broker_.welcome();
    publisher.try_publish(a_message(1));
    publisher.try_publish(a_message(2));
    ASSERT_TRUE(results_.wait_for(2));

    publisher.try_publish(a_message(3));
    broker_.welcome();
    ASSERT_TRUE(publisher.wait_until_connected(patience));
    publisher.try_publish(a_message(4));
    while (broker_.takes_publish(200)) {
    }
    broker_.confirm(0, true, true);

    ASSERT_TRUE(results_.wait_for(4));
    EXPECT_EQ(results_.count(PublishStatus::unknown), 2U);
    EXPECT_EQ(results_.only(4).status, PublishStatus::confirmed);
}

// Each is a reason to connect anew, none to fall.
TEST_F(ScriptedBrokerTest, NonsenseFromTheBrokerEndsTheConnectionAndNotTheProcess) {
    const std::string nonsense[] = {
        std::string("HTTP/1.1 400 Bad Request\r\n\r\n"),
        std::string(64, '\0'),
        std::string(64, '\xff'),
        std::string("\1\0\1\x7f\xff\xff\xff", 7) + std::string(64, 'x'),  // a frame of 2 GiB
        std::string("\1\0\1\0\0\0\4\0\x3c\0\x50\xce", 12),                // an ack without its fields
        std::string("\1\0\1\0\0\0\4\xff\xff\xff\xff\xce", 12),            // no such method
        std::string("\1\0\1\0\0\0\4\0\x3c\0\x50\0", 12),                  // no frame end
        ScriptedBroker::method_frame(1, 20, 40, std::string("\1\x94\4gone\0\x3c\0\x28", 11)),  // channel.close
        ScriptedBroker::method_frame(0, 10, 50, std::string("\1\x40\3bye\0\0\0\0", 10)),       // connection.close
    };
    Publisher publisher(address_, quick(), results_.receiver());

    std::uint64_t connections = 0;
    for (const auto& bytes : nonsense) {
        broker_.welcome();
        ASSERT_TRUE(eventually([&] { return publisher.health().connections == connections + 1; }));
        ++connections;
        broker_.send_raw(bytes);
        broker_.hang_up();  // the library may be waiting for the rest of a frame
        ASSERT_TRUE(eventually([&] { return !publisher.health().connected; }));
    }
    EXPECT_FALSE(publisher.health().last_error.empty());
}

// The library reads the properties of another class as another type. What was taken for headers then was what lay behind it.
TEST_F(ScriptedBrokerTest, AHeaderOfAnotherClassEndsTheConnection) {
    Publisher publisher(address_, quick(), results_.receiver());
    broker_.welcome();
    ASSERT_TRUE(eventually([&] { return publisher.health().connected; }));

    const std::string returned = ScriptedBroker::u16(312) + ScriptedBroker::short_text("NO_ROUTE") +
                                 ScriptedBroker::short_text("commands") + ScriptedBroker::short_text("nobody");
    broker_.send_raw(ScriptedBroker::method_frame(1, 60, 50, returned));
    const std::string header =
        ScriptedBroker::u16(50) + ScriptedBroker::u16(0) + ScriptedBroker::u64(0) + ScriptedBroker::u16(0x2080);
    broker_.send_raw(ScriptedBroker::frame('\2', 1, header));

    ASSERT_TRUE(eventually([&] { return !publisher.health().connected; }));
    EXPECT_NE(publisher.health().last_error.find("no message"), std::string::npos) << publisher.health().last_error;
}

}  // namespace
}  // namespace ordersaga::broker
