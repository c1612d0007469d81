#include "broker/health.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace ordersaga::broker {
namespace {

using namespace std::chrono_literals;

const auto now = std::chrono::steady_clock::now();

Health a_consumer() {
    Health health;
    health.connected = true;
    health.queues_wanted = health.queues_consuming = 2;
    health.probed_at = now - 1s;
    return health;
}

TEST(ConsumerHealth, IsGoodOnlyAfterAProbeCameRound) {
    Health health = a_consumer();
    EXPECT_EQ(consuming_fault(health, now), "");
    health.probed_at.reset();
    EXPECT_EQ(consuming_fault(health, now), "no probe came round yet");
    health.probed_at = now - 30s;
    EXPECT_EQ(consuming_fault(health, now), "no probe came round for 30 s");
}

TEST(ConsumerHealth, IsBadWhileAQueueIsNotConsumed) {
    Health health = a_consumer();
    health.queues_consuming = 1;
    health.last_error = "the broker cancelled the consumer";
    EXPECT_EQ(consuming_fault(health, now), "consumes 1 of 2 queues: the broker cancelled the consumer");
}

TEST(ConsumerHealth, IsBadWithoutAConnection) {
    Health health = a_consumer();
    health.connected = false;
    EXPECT_NE(consuming_fault(health, now), "");
}

TEST(PublisherHealth, IsBadWhileTheBrokerTakesNothing) {
    Health health;
    health.connected = true;
    EXPECT_EQ(publishing_fault(health), "");
    health.blocked = true;
    health.blocked_reason = "low on disk";
    EXPECT_EQ(publishing_fault(health), "blocked: low on disk");
}

}  // namespace
}  // namespace ordersaga::broker
