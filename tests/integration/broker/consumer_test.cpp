#include "broker/consumer.hpp"

#include "tests/integration/broker/broker_fixture.hpp"
#include "tests/support/network/fault_proxy.hpp"

#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

namespace ordersaga::broker {
namespace {

using ConsumerTest = BrokerTest;

Address through(const network::FaultProxy& proxy, Address address) {
    address.host = "127.0.0.1";
    address.port = proxy.port();
    return address;
}

std::set<std::string> ids_of(const std::vector<Delivery>& deliveries) {
    std::set<std::string> ids;
    for (const auto& delivery : deliveries)
        ids.insert(delivery.message_id);
    return ids;
}

TEST_F(ConsumerTest, DeliversWhatWasPublishedAndAnAckEndsIt) {
    Results results;
    Publisher publisher(address_, {}, results.receiver());
    Message message = a_message(1, "shopify.flush.store-a");
    message.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    publisher.try_publish(message);
    Deliveries deliveries;
    Consumer consumer(address_, from({shopify_queue()}), deliveries.receiver());

    ASSERT_TRUE(deliveries.wait_for(1));
    const Delivery delivery = deliveries.all().front();
    EXPECT_EQ(delivery.body, message.body);
    EXPECT_EQ(delivery.message_id, "m1");
    EXPECT_EQ(delivery.routing_key, "shopify.flush.store-a");
    EXPECT_EQ(delivery.exchange, names_.commands_exchange());
    EXPECT_EQ(delivery.queue, shopify_queue());
    EXPECT_EQ(delivery.traceparent, message.traceparent);
    EXPECT_FALSE(delivery.redelivered);
    consumer.ack(delivery.handle);
    consumer.stop();

    EXPECT_EQ(drain(shopify_queue()), 0U);
}

TEST_F(ConsumerTest, NeverHoldsMoreThanThePrefetchAndGoesOnAsAcksCome) {
    publish(1'000);
    auto options = from({shopify_queue()});
    options.prefetch = 10;
    Deliveries deliveries;
    Consumer consumer(address_, options, deliveries.receiver());

    ASSERT_TRUE(deliveries.wait_for(10));
    EXPECT_TRUE(deliveries.stays_at(10, 200ms));
    for (std::size_t acked = 0; acked < 1'000;) {
        ASSERT_TRUE(deliveries.wait_for(acked + 1));
        const auto handles = deliveries.handles(acked);
        EXPECT_LE(handles.size(), 10U);
        acked += handles.size();
        consumer.ack(handles);
    }

    EXPECT_EQ(ids_of(deliveries.all()).size(), 1'000U);
    consumer.stop();
    EXPECT_EQ(drain(shopify_queue()), 0U);
}

TEST_F(ConsumerTest, AcksWaitForOthersButNeverHoldUpWhatIsDelivered) {
    publish(20);
    auto options = from({shopify_queue()});
    options.prefetch = 8;
    options.gather_acks = 1h;
    Deliveries deliveries;
    Consumer consumer(address_, options, deliveries.receiver());
    ASSERT_TRUE(deliveries.wait_for(8));
    const auto handles = deliveries.handles();

    consumer.ack(handles[0]);
    EXPECT_TRUE(deliveries.stays_at(8, 100ms)) << "it waits for another";
    consumer.ack(handles[1]);
    ASSERT_TRUE(deliveries.wait_for(10)) << "two are a quarter of what may be under way";
    consumer.ack(handles[2]);
    consumer.stop(0ms);

    EXPECT_EQ(drain(shopify_queue()), 17U) << "who stops sends what waited";
}

TEST_F(ConsumerTest, OutOfOrderAndDoubleAcksSettleExactlyTheirDeliveries) {
    publish(6);
    Deliveries deliveries;
    Consumer consumer(address_, from({shopify_queue()}), deliveries.receiver());
    ASSERT_TRUE(deliveries.wait_for(6));
    const auto handles = deliveries.handles();

    consumer.ack({handles[5], handles[1]});
    consumer.ack({handles[1], handles[5], {handles[0].generation, 999}, {0, 1}});
    consumer.ack(handles[3]);
    ASSERT_TRUE(eventually([&] { return consumer.health().unacked == 3; }));
    EXPECT_EQ(consumer.health().connections, 1U) << "a double ack must not reach the broker";
    consumer.stop(0ms);

    EXPECT_EQ(drain(shopify_queue()), 3U);
}

TEST_F(ConsumerTest, AfterALostConnectionTheUnackedComeAgainAndOldHandlesDoNothing) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    publish(5);
    auto options = from({shopify_queue()});
    options.reconnect_first = 20ms;
    Deliveries deliveries;
    Consumer consumer(through(proxy, address_), options, deliveries.receiver());
    ASSERT_TRUE(deliveries.wait_for(5));
    const auto old_handles = deliveries.handles();

    proxy.cut();
    ASSERT_TRUE(deliveries.wait_for(10));
    consumer.ack(old_handles);
    const auto all = deliveries.all();
    for (std::size_t i = 5; i < 10; ++i) {
        EXPECT_TRUE(all[i].redelivered);
        EXPECT_NE(all[i].handle.generation, old_handles[0].generation);
    }
    consumer.ack(all[5].handle);
    ASSERT_TRUE(eventually([&] { return consumer.health().unacked == 4; }));
    consumer.stop(0ms);

    EXPECT_EQ(drain(shopify_queue()), 4U) << "old handles must not ack new deliveries";
}

// The link stands, nothing comes over it any more: only a probe can tell, and only a probe tells that it is over.
TEST_F(ConsumerTest, IsHealthyOnlyWhileProbesComeRound) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    auto options = from({shopify_queue()});
    options.probe_every = 50ms;
    options.reconnect_first = 20ms;
    Deliveries deliveries;
    Consumer consumer(through(proxy, address_), options, deliveries.receiver());
    ASSERT_TRUE(
        eventually([&] { return consuming_fault(consumer.health(), std::chrono::steady_clock::now()).empty(); }));
    const auto last = consumer.health().probed_at;
    ASSERT_TRUE(eventually([&] { return consumer.health().probed_at > last; })) << "it asks again and again";

    proxy.set(network::Direction::to_client, {.swallowed = true});
    ASSERT_TRUE(eventually([&] {
        const Health health = consumer.health();
        return !consuming_fault(health, std::chrono::steady_clock::now()).empty();
    }));
    // Long before the heartbeats would have missed anything the dead link is left for a new one.
    proxy.heal();
    publish(1);
    ASSERT_TRUE(deliveries.wait_for(1));
    EXPECT_TRUE(
        eventually([&] { return consuming_fault(consumer.health(), std::chrono::steady_clock::now()).empty(); }));
    EXPECT_GT(consumer.health().connections, 1U);
    consumer.stop(0ms);
}

TEST_F(ConsumerTest, ARejectedMessageGoesToTheDeadLettersWithItsReason) {
    publish(2);
    Deliveries deliveries;
    Consumer consumer(address_, from({shopify_queue()}), deliveries.receiver());
    ASSERT_TRUE(deliveries.wait_for(2));

    consumer.reject(deliveries.all()[0].handle, false);
    consumer.ack(deliveries.all()[1].handle);

    Deliveries dead;
    Consumer undertaker(address_, from({names_.dead_queue()}), dead.receiver());
    ASSERT_TRUE(dead.wait_for(1));
    const Delivery letter = dead.all().front();
    EXPECT_EQ(letter.message_id, "m1");
    EXPECT_EQ(letter.routing_key, "shopify.flush");
    EXPECT_EQ(letter.death_reason, "rejected");
    EXPECT_EQ(letter.death_queue, shopify_queue());
    undertaker.ack(letter.handle);
    undertaker.stop();
}

TEST_F(ConsumerTest, APoisonMessageEndsInTheDeadLettersAfterTheDeliveryLimit) {
    publish(1);
    Deliveries deliveries;
    Consumer* rejecting = nullptr;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    Consumer consumer(address_, from({shopify_queue()}), [&](std::vector<Delivery> batch) {
        { const std::lock_guard wait_for_the_pointer(mutex); }
        for (const auto& delivery : batch)
            rejecting->reject(delivery.handle, true);
        deliveries.receiver()(std::move(batch));
    });
    rejecting = &consumer;
    lock.unlock();

    Deliveries dead;
    Consumer undertaker(address_, from({names_.dead_queue()}), dead.receiver());
    ASSERT_TRUE(dead.wait_for(1));
    EXPECT_EQ(dead.all().front().death_reason, "delivery_limit");
    undertaker.ack(dead.all().front().handle);
    undertaker.stop();

    // The first delivery and twenty repeats.
    EXPECT_EQ(deliveries.all().size(), 21U);
    EXPECT_EQ(deliveries.all().back().delivery_count, 20);
}

TEST_F(ConsumerTest, AMessageLargerThanTheLimitGoesToTheDeadLettersUnseen) {
    Results results;
    Publisher publisher(address_, {}, results.receiver());
    Message large = a_message(1);
    large.body = std::string(200'000, 'x');
    publisher.try_publish(large);
    publisher.try_publish(a_message(2));
    ASSERT_TRUE(results.wait_for(2));

    auto options = from({shopify_queue()});
    options.body_limit = 100'000;
    Deliveries deliveries;
    Consumer consumer(address_, options, deliveries.receiver());
    Deliveries dead;
    Consumer undertaker(address_, from({names_.dead_queue()}), dead.receiver());

    ASSERT_TRUE(dead.wait_for(1));
    EXPECT_EQ(dead.all().front().body.size(), 200'000U);
    ASSERT_TRUE(deliveries.wait_for(1));
    EXPECT_EQ(ids_of(deliveries.all()), (std::set<std::string>{"m2"}));
    undertaker.ack(dead.handles());
    consumer.ack(deliveries.handles());
}

TEST_F(ConsumerTest, TwoConsumersShareAQueueAndEachMessageGoesToOne) {
    auto options = from({shopify_queue()});
    options.prefetch = 20;
    Deliveries first_deliveries;
    Deliveries second_deliveries;
    Consumer first(address_, options, first_deliveries.receiver());
    Consumer second(address_, options, second_deliveries.receiver());
    ASSERT_TRUE(first.wait_until_consuming(patience));
    ASSERT_TRUE(second.wait_until_consuming(patience));

    publish(40);

    ASSERT_TRUE(first_deliveries.wait_for(20));
    ASSERT_TRUE(second_deliveries.wait_for(20));
    auto ids = ids_of(first_deliveries.all());
    ids.merge(ids_of(second_deliveries.all()));
    EXPECT_EQ(ids.size(), 40U);
    first.ack(first_deliveries.handles());
    second.ack(second_deliveries.handles());
}

// The order inside a shard survives the change of its owner only if one at a time consumes it.
TEST_F(ConsumerTest, AShardHasOneActiveConsumerAndTheNextOneTakesOver) {
    const std::string shard = names_.outcome_queue(1);
    Deliveries first_deliveries;
    Deliveries second_deliveries;
    auto first = std::make_unique<Consumer>(address_, from({shard}), first_deliveries.receiver());
    ASSERT_TRUE(first->wait_until_consuming(patience));
    Consumer second(address_, from({shard}), second_deliveries.receiver());
    ASSERT_TRUE(second.wait_until_consuming(patience));
    Results results;
    Publisher publisher(address_, {}, results.receiver());
    const auto send = [&](std::uint64_t tag) {
        Message message = a_message(tag, outcome_routing_key(1));
        message.exchange = names_.outcomes_exchange();
        ASSERT_TRUE(publisher.try_publish(message));
    };

    for (std::uint64_t tag = 1; tag <= 50; ++tag)
        send(tag);
    ASSERT_TRUE(first_deliveries.wait_for(50));
    EXPECT_EQ(second_deliveries.all().size(), 0U);
    first->ack(first_deliveries.handles());
    first->stop();
    for (std::uint64_t tag = 51; tag <= 60; ++tag)
        send(tag);

    ASSERT_TRUE(second_deliveries.wait_for(10));
    EXPECT_EQ(second_deliveries.all().front().message_id, "m51");
    second.ack(second_deliveries.handles());
}

TEST_F(ConsumerTest, QueuesCanBeTakenAndGivenUpWhileRunning) {
    Deliveries deliveries;
    Consumer consumer(address_, from({}), deliveries.receiver());
    consumer.subscribe(shopify_queue());
    consumer.subscribe(names_.command_queue("warehouse"));
    consumer.subscribe(shopify_queue());
    ASSERT_TRUE(consumer.wait_until_consuming(patience));
    EXPECT_EQ(consumer.health().queues_consuming, 2U);

    publish(2);
    ASSERT_TRUE(deliveries.wait_for(2));
    consumer.unsubscribe(shopify_queue());
    ASSERT_TRUE(eventually([&] { return consumer.health().queues_consuming == 1; }));
    publish(3);
    EXPECT_TRUE(deliveries.stays_at(2, 200ms)) << "nothing new after unsubscribe";

    // What was delivered before can still be acked; then the other queue goes on as ever.
    consumer.ack(deliveries.handles());
    ASSERT_TRUE(eventually([&] { return consumer.health().unacked == 0; }));
    publish(1, "warehouse.cancel");
    ASSERT_TRUE(deliveries.wait_for(3));
    consumer.ack(deliveries.handles());
    consumer.subscribe(shopify_queue());
    ASSERT_TRUE(deliveries.wait_for(6));
    consumer.ack(deliveries.handles());
    consumer.stop();
    EXPECT_EQ(drain(shopify_queue()), 0U);
}

TEST_F(ConsumerTest, ADeletedQueueIsDeclaredAgainAndConsumed) {
    auto options = from({shopify_queue(), names_.command_queue("warehouse")});
    options.topology = topology_;
    options.reconnect_first = 20ms;
    Deliveries deliveries;
    Consumer consumer(address_, options, deliveries.receiver());
    ASSERT_TRUE(consumer.wait_until_consuming(patience));

    Topology one_queue;
    one_queue.queues.push_back(topology_.queues.at(1));
    ASSERT_EQ(one_queue.queues[0].name, shopify_queue());
    ASSERT_TRUE(delete_topology(address_, one_queue).ok());
    ASSERT_TRUE(eventually([&] { return !consumer.health().last_error.empty(); }));
    ASSERT_TRUE(consumer.wait_until_consuming(patience));

    publish(1);
    ASSERT_TRUE(deliveries.wait_for(1));
    EXPECT_EQ(consumer.health().connections, 1U) << "the other queue was not disturbed";
    consumer.ack(deliveries.handles());
}

TEST_F(ConsumerTest, AMissingQueueIsToldAndTriedAgain) {
    auto options = from({options_.prefix + "nobody-made-this", shopify_queue()});
    options.reconnect_first = 20ms;
    options.reconnect_cap = 50ms;
    publish(1);
    Deliveries deliveries;
    Consumer consumer(address_, options, deliveries.receiver());

    ASSERT_TRUE(deliveries.wait_for(1)) << "the healthy queue works all the same";
    ASSERT_TRUE(eventually([&] { return !consumer.health().last_error.empty(); }));
    EXPECT_NE(consumer.health().last_error.find("404"), std::string::npos) << consumer.health().last_error;
    EXPECT_TRUE(eventually([&] { return consumer.health().queues_consuming == 1; }))
        << "the figures are published once a turn of the loop, which the first delivery may precede";
    EXPECT_EQ(consumer.health().connections, 1U);
    consumer.ack(deliveries.handles());
}

TEST_F(ConsumerTest, AHandlerThatThrowsGetsTheMessagesAgain) {
    publish(1);
    Deliveries deliveries;
    auto options = from({shopify_queue()});
    options.reconnect_first = 20ms;
    bool thrown = false;
    Consumer consumer(address_, options, [&](std::vector<Delivery> batch) {
        if (!std::exchange(thrown, true)) throw std::runtime_error("bug");
        deliveries.receiver()(std::move(batch));
    });

    ASSERT_TRUE(deliveries.wait_for(1));
    EXPECT_TRUE(deliveries.all()[0].redelivered);
    consumer.ack(deliveries.handles());
}

TEST_F(ConsumerTest, StopWaitsForTheAcksOfWhatItDelivered) {
    publish(10);
    Deliveries deliveries;
    Consumer consumer(address_, from({shopify_queue()}), deliveries.receiver());
    ASSERT_TRUE(deliveries.wait_for(10));

    std::thread worker([&] { consumer.ack(deliveries.handles()); });
    consumer.stop(10s);
    worker.join();

    EXPECT_EQ(drain(shopify_queue()), 0U);
}

}  // namespace
}  // namespace ordersaga::broker
