#include "sandbox/webhook_queue.hpp"

#include "tests/unit/sandbox/a_world.hpp"

#include <gtest/gtest.h>

namespace ordersaga::sandbox {
namespace {

Delivery delivery(const std::string& body) {
    Delivery made;
    made.sender = "blue";
    made.body = body;
    return made;
}

TEST(WebhookQueue, DeliversInOrderWhenNothingIsSpoiled) {
    WebhookQueue queue(1, {});
    for (const char* body : {"a", "b", "c"}) {
        queue.add(delivery(body), {}, {}, noon);
    }

    const auto due = queue.take_due(noon, 10);

    ASSERT_EQ(due.size(), 3U);
    EXPECT_EQ(due[0].body + due[1].body + due[2].body, "abc");
}

TEST(WebhookQueue, RedeliversTheOriginalBodyUntilItGivesUp) {
    RetrySchedule schedule;
    schedule.tries_max = 3;
    WebhookQueue queue(1, schedule);
    queue.add(delivery("a"), {}, {}, noon);
    runtime::Instant now = noon;
    int tries = 0;

    for (auto due = queue.next_due(); due; due = queue.next_due()) {
        now = *due;
        auto taken = queue.take_due(now, 10);
        ASSERT_EQ(taken.size(), 1U);
        EXPECT_EQ(taken[0].body, "a");
        queue.finished(std::move(taken[0]), false, now);
        ++tries;
    }

    EXPECT_EQ(tries, 3);
    EXPECT_EQ(now, at_ms(500 + 1000));
    EXPECT_EQ(queue.counts().at("blue").given_up, 1);
    EXPECT_EQ(queue.counts().at("blue").redelivered, 2);
}

TEST(WebhookQueue, DropsDoublesAndReordersAboutAsOftenAsTold) {
    WebhookQueue queue(5, {});
    DeliveryFaults faults;
    faults.duplicated = 0.2;
    faults.reordered = 0.1;
    faults.dropped = 0.05;
    for (int number = 0; number < 2000; ++number) {
        queue.add(delivery("x"), {}, faults, noon);
    }

    const DeliveryCounts counts = queue.counts().at("blue");
    EXPECT_EQ(counts.sent, 2000);
    EXPECT_NEAR(static_cast<double>(counts.dropped), 100, 40);
    EXPECT_NEAR(static_cast<double>(counts.duplicated), 380, 80);
    EXPECT_NEAR(static_cast<double>(counts.reordered), 190, 60);
    EXPECT_EQ(static_cast<std::int64_t>(queue.waiting()), counts.sent - counts.dropped + counts.duplicated);
}

}  // namespace
}  // namespace ordersaga::sandbox
