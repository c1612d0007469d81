#include "broker/publisher.hpp"

#include "tests/integration/broker/broker_fixture.hpp"
#include "tests/support/network/fault_proxy.hpp"

#include <thread>

namespace ordersaga::broker {
namespace {

using PublisherTest = BrokerTest;

Address through(const network::FaultProxy& proxy, Address address) {
    address.host = "127.0.0.1";
    address.port = proxy.port();
    return address;
}

PublisherOptions quick() {
    PublisherOptions options;
    options.reconnect_first = 20ms;
    options.reconnect_cap = 200ms;
    return options;
}

TEST_F(PublisherTest, ConfirmsTenThousandMessagesAndEachIsThereOnce) {
    Results results;
    Publisher publisher(address_, {}, results.receiver());

    constexpr std::uint64_t count = 10'000;
    for (std::uint64_t tag = 1; tag <= count;) {
        if (publisher.try_publish(a_message(tag))) {
            ++tag;
        } else {
            // The buffer is full: wait for some result, as the outbox relay does.
            ASSERT_TRUE(results.wait_for(results.total() + 1));
        }
    }
    ASSERT_TRUE(results.wait_for(count));
    EXPECT_EQ(results.count(PublishStatus::confirmed), count);
    EXPECT_TRUE(results.exactly_one_each());
    publisher.stop();

    EXPECT_EQ(drain(shopify_queue()), count);
}

TEST_F(PublisherTest, AMessageThatNoQueueWantsIsReturnedAndItsNeighboursAreConfirmed) {
    Results results;
    Publisher publisher(address_, {}, results.receiver());

    for (std::uint64_t tag = 1; tag <= 30; ++tag) {
        publisher.try_publish(a_message(tag, tag % 3 == 0 ? "nobody.wants.this" : "shopify.flush"));
    }

    ASSERT_TRUE(results.wait_for(30));
    for (std::uint64_t tag = 1; tag <= 30; ++tag) {
        EXPECT_EQ(results.only(tag).status, tag % 3 == 0 ? PublishStatus::returned : PublishStatus::confirmed) << tag;
    }
    EXPECT_NE(results.only(3).reason.find("NO_ROUTE"), std::string::npos) << results.only(3).reason;
}

TEST_F(PublisherTest, APublicEventWithoutListenersIsConfirmed) {
    Results results;
    Publisher publisher(address_, {}, results.receiver());

    Message event = a_message(1, "inventory.low.store");
    event.exchange = names_.events_exchange();
    event.mandatory = false;
    publisher.try_publish(event);

    ASSERT_TRUE(results.wait_for(1));
    EXPECT_EQ(results.only(1).status, PublishStatus::confirmed);
}

TEST_F(PublisherTest, AFullQueueRefusesInsteadOfDropping) {
    options_.prefix = "test-" + runtime::random_token(6) + ".";
    options_.max_length = 5;
    ASSERT_TRUE(delete_topology(address_, topology_).ok());
    names_ = Names(options_.prefix);
    make(options_);
    Results results;
    Publisher publisher(address_, {}, results.receiver());

    // Quorum queues begin to refuse a little after the limit, never before.
    for (std::uint64_t tag = 1; tag <= 300; ++tag) {
        publisher.try_publish(a_message(tag));
        ASSERT_TRUE(results.wait_for(tag));
    }

    EXPECT_GT(results.count(PublishStatus::nacked), 0U);
    EXPECT_GE(results.count(PublishStatus::confirmed), 5U);
    EXPECT_EQ(drain(shopify_queue()), results.count(PublishStatus::confirmed));
}

TEST_F(PublisherTest, WhatCanNeverBeWrittenComesBackAndHarmsNobodyElse) {
    Results results;
    Publisher publisher(address_, {}, results.receiver());

    Message long_key = a_message(1);
    long_key.routing_key = std::string(256, 'k');
    Message large = a_message(2);
    large.body = std::string(256 * 1024 + 1, 'x');
    Message nameless = a_message(3);
    nameless.message_id.clear();
    Message largest = a_message(4);
    largest.body = std::string(256 * 1024, 'x');
    for (const auto& message : {long_key, large, nameless, largest})
        publisher.try_publish(message);

    ASSERT_TRUE(results.wait_for(4));
    for (std::uint64_t tag = 1; tag <= 3; ++tag)
        EXPECT_EQ(results.only(tag).status, PublishStatus::not_sent);
    EXPECT_EQ(results.only(4).status, PublishStatus::confirmed);
}

TEST_F(PublisherTest, WhenTheLinkBreaksWhatIsInFlightIsUnknownAndTheNextMessagesGoThrough) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    Results results;
    Publisher publisher(through(proxy, address_), quick(), results.receiver());
    ASSERT_TRUE(publisher.wait_until_connected(patience));

    proxy.set(network::Direction::to_client, {.held = true});  // the broker takes them, its confirms do not arrive
    for (std::uint64_t tag = 1; tag <= 10; ++tag)
        publisher.try_publish(a_message(tag));
    ASSERT_TRUE(eventually([&] { return publisher.health().unconfirmed == 10; }));
    proxy.cut();
    proxy.set(network::Direction::to_client, {});

    ASSERT_TRUE(results.wait_for(10));
    EXPECT_EQ(results.count(PublishStatus::unknown), 10U);
    for (std::uint64_t tag = 11; tag <= 20; ++tag)
        publisher.try_publish(a_message(tag));
    ASSERT_TRUE(results.wait_for(20));
    EXPECT_EQ(results.count(PublishStatus::confirmed), 10U);
    EXPECT_TRUE(results.exactly_one_each());
    EXPECT_EQ(publisher.health().connections, 2U);
    publisher.stop();

    // Unknown was the truth: they may well be there.
    const std::size_t there = drain(shopify_queue());
    EXPECT_GE(there, 10U);
    EXPECT_LE(there, 20U);
}

TEST_F(PublisherTest, SurvivesManyCutsUnderLoadWithOneResultPerMessage) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    Results results;
    Publisher publisher(through(proxy, address_), quick(), results.receiver());

    constexpr std::uint64_t count = 4'000;
    for (std::uint64_t tag = 1; tag <= count;) {
        if (!publisher.try_publish(a_message(tag))) {
            ASSERT_TRUE(results.wait_for(results.total() + 1));
            continue;
        }
        if (++tag % 500 == 0) {
            ASSERT_TRUE(publisher.wait_until_connected(patience));
            proxy.cut();
        }
    }

    ASSERT_TRUE(results.wait_for(count));
    EXPECT_TRUE(results.exactly_one_each());
    EXPECT_EQ(results.count(PublishStatus::confirmed) + results.count(PublishStatus::unknown), count);
    EXPECT_GT(results.count(PublishStatus::confirmed), 0U);
    const std::size_t confirmed = results.count(PublishStatus::confirmed);
    publisher.stop();
    EXPECT_GE(drain(shopify_queue()), confirmed) << "a confirmed message is missing";
}

TEST_F(PublisherTest, WithoutABrokerMessagesWaitAndThenComeBackUnsent) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    proxy.refuse(true);
    auto options = quick();
    options.deadline = 300ms;
    options.buffer = 3;
    Results results;
    Publisher publisher(through(proxy, address_), options, results.receiver());

    for (std::uint64_t tag = 1; tag <= 3; ++tag)
        EXPECT_TRUE(publisher.try_publish(a_message(tag)));
    EXPECT_FALSE(publisher.try_publish(a_message(4))) << "the buffer is bounded";
    ASSERT_TRUE(results.wait_for(3));
    EXPECT_EQ(results.count(PublishStatus::not_sent), 3U);
    EXPECT_FALSE(publisher.health().connected);
    EXPECT_FALSE(publisher.health().last_error.empty());

    proxy.refuse(false);
    ASSERT_TRUE(publisher.wait_until_connected(patience));
    EXPECT_TRUE(publisher.try_publish(a_message(5)));
    ASSERT_TRUE(results.wait_for(4));
    EXPECT_EQ(results.only(5).status, PublishStatus::confirmed);
}

TEST_F(PublisherTest, PastItsDeadlineAMessageIsUnknownAndItsLateConfirmChangesNothing) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    auto options = quick();
    options.deadline = 300ms;
    Results results;
    Publisher publisher(through(proxy, address_), options, results.receiver());
    ASSERT_TRUE(publisher.wait_until_connected(patience));

    proxy.set(network::Direction::to_client, {.held = true});
    publisher.try_publish(a_message(1));
    ASSERT_TRUE(results.wait_for(1));
    EXPECT_EQ(results.only(1).status, PublishStatus::unknown);
    proxy.set(network::Direction::to_client, {});
    publisher.try_publish(a_message(2));
    ASSERT_TRUE(results.wait_for(2));

    EXPECT_EQ(results.only(2).status, PublishStatus::confirmed);
    EXPECT_TRUE(results.exactly_one_each());
    EXPECT_EQ(publisher.health().connections, 1U);
    publisher.stop();
    EXPECT_EQ(drain(shopify_queue()), 2U) << "the unknown one was delivered after all";
}

// A broker that is alive but takes no more bytes: its heartbeats still come, the socket fills up.
TEST_F(PublisherTest, AStalledWriteNeitherHangsTheCallersNorTheStop) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    auto options = quick();
    options.deadline = 1'000ms;
    options.connect_timeout = 500ms;
    Results results;
    Publisher publisher(through(proxy, address_), options, results.receiver());
    ASSERT_TRUE(publisher.wait_until_connected(patience));

    proxy.set(network::Direction::to_server, {.held = true});
    std::uint64_t accepted = 0;
    for (std::uint64_t tag = 1; tag <= 200; ++tag) {
        Message message = a_message(tag);
        message.body = std::string(100'000, 'x');
        if (publisher.try_publish(std::move(message))) ++accepted;
    }
    ASSERT_TRUE(results.wait_for(accepted));
    EXPECT_EQ(results.count(PublishStatus::unknown) + results.count(PublishStatus::not_sent), accepted);

    const auto before = std::chrono::steady_clock::now();
    publisher.stop(100ms);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
    EXPECT_TRUE(results.exactly_one_each());
}

TEST_F(PublisherTest, AnIdleConnectionLivesOnHeartbeats) {
    auto options = quick();
    options.heartbeat = 1s;
    Results results;
    Publisher publisher(address_, options, results.receiver());
    ASSERT_TRUE(publisher.wait_until_connected(patience));

    // More than twice what either side tolerates.
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, 5s, [] { return false; });
    publisher.try_publish(a_message(1));

    ASSERT_TRUE(results.wait_for(1));
    EXPECT_EQ(results.only(1).status, PublishStatus::confirmed);
    EXPECT_EQ(publisher.health().connections, 1U);
}

TEST_F(PublisherTest, ASilentBrokerIsNoticedByItsMissingHeartbeats) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    auto options = quick();
    options.heartbeat = 1s;
    Results results;
    Publisher publisher(through(proxy, address_), options, results.receiver());
    ASSERT_TRUE(publisher.wait_until_connected(patience));

    proxy.set(network::Direction::to_client, {.held = true});

    EXPECT_TRUE(eventually([&] { return !publisher.health().connected; }));
    proxy.cut();
    proxy.set(network::Direction::to_client, {});
    EXPECT_TRUE(publisher.wait_until_connected(patience));
}

TEST_F(PublisherTest, StopWaitsForWhatIsUnderWay) {
    Results results;
    Publisher publisher(address_, {}, results.receiver());
    for (std::uint64_t tag = 1; tag <= 1'000; ++tag)
        ASSERT_TRUE(publisher.try_publish(a_message(tag)));

    publisher.stop(10s);

    EXPECT_EQ(results.count(PublishStatus::confirmed), 1'000U);
    EXPECT_FALSE(publisher.try_publish(a_message(1'001)));
    publisher.stop();
}

TEST_F(PublisherTest, TakesMessagesFromManyThreads) {
    Results results;
    Publisher publisher(address_, {}, results.receiver());

    std::vector<std::thread> threads;
    for (std::uint64_t thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            std::vector<Message> messages;
            for (std::uint64_t i = 1; i <= 500; ++i)
                messages.push_back(a_message(thread * 1'000 + i));
            while (!messages.empty()) {
                if (publisher.try_publish(messages) == 0) std::this_thread::yield();
            }
        });
    }
    for (auto& thread : threads)
        thread.join();

    ASSERT_TRUE(results.wait_for(2'000));
    EXPECT_EQ(results.count(PublishStatus::confirmed), 2'000U);
    EXPECT_TRUE(results.exactly_one_each());
}

TEST_F(PublisherTest, DeclaresTheTopologyAgainWhenItReconnects) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    auto options = quick();
    options.topology = topology_;
    Results results;
    Publisher publisher(through(proxy, address_), options, results.receiver());
    ASSERT_TRUE(publisher.wait_until_connected(patience));

    ASSERT_TRUE(delete_topology(address_, topology_).ok());
    proxy.cut();
    ASSERT_TRUE(eventually([&] { return publisher.health().connections >= 2; }));
    publisher.try_publish(a_message(1));

    ASSERT_TRUE(results.wait_for(1));
    EXPECT_EQ(results.only(1).status, PublishStatus::confirmed) << results.only(1).reason;
}

}  // namespace
}  // namespace ordersaga::broker
