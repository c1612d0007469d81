#include "broker/confirm_window.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace ordersaga::broker {
namespace {

using Time = ConfirmWindow::Time;

Time at(int seconds) {
    return Time(std::chrono::seconds(seconds));
}

// A window with `count` messages: tag i, id "i", sequence i, deadline i seconds.
ConfirmWindow a_window_with(int count, std::size_t limit = 100) {
    ConfirmWindow window(limit);
    for (int i = 1; i <= count; ++i) {
        EXPECT_EQ(window.add(static_cast<std::uint64_t>(i), std::to_string(i), at(i)), static_cast<std::uint64_t>(i));
    }
    return window;
}

std::map<std::uint64_t, PublishStatus> by_tag(const std::vector<PublishResult>& results) {
    std::map<std::uint64_t, PublishStatus> found;
    for (const auto& result : results) {
        EXPECT_EQ(result.message_id, std::to_string(result.tag));
        EXPECT_TRUE(found.emplace(result.tag, result.status).second) << "two results for " << result.tag;
    }
    return found;
}

using Statuses = std::map<std::uint64_t, PublishStatus>;

TEST(ConfirmWindow, TakesConfirmsInAnyOrder) {
    auto window = a_window_with(3);
    std::vector<PublishResult> results;

    window.settle(3, false, true, results);
    window.settle(1, false, true, results);
    EXPECT_EQ(window.size(), 1U);
    window.settle(2, false, true, results);

    EXPECT_EQ(
        by_tag(results),
        (Statuses{{1, PublishStatus::confirmed}, {2, PublishStatus::confirmed}, {3, PublishStatus::confirmed}}));
    EXPECT_EQ(window.size(), 0U);
}

TEST(ConfirmWindow, MultipleSettlesEverythingUpToIt) {
    auto window = a_window_with(5);
    std::vector<PublishResult> results;

    window.settle(2, false, false, results);
    window.settle(4, true, true, results);

    EXPECT_EQ(
        by_tag(results), (Statuses{
                             {1, PublishStatus::confirmed},
                             {2, PublishStatus::nacked},
                             {3, PublishStatus::confirmed},
                             {4, PublishStatus::confirmed},
                         }));
    EXPECT_EQ(window.size(), 1U);
}

TEST(ConfirmWindow, MultipleNackRefusesEverythingUpToIt) {
    auto window = a_window_with(3);
    std::vector<PublishResult> results;

    window.settle(2, true, false, results);

    EXPECT_EQ(by_tag(results), (Statuses{{1, PublishStatus::nacked}, {2, PublishStatus::nacked}}));
}

TEST(ConfirmWindow, ZeroWithMultipleMeansAll) {
    auto window = a_window_with(3);
    std::vector<PublishResult> results;

    window.settle(0, true, true, results);

    EXPECT_EQ(results.size(), 3U);
    EXPECT_EQ(window.size(), 0U);
}

TEST(ConfirmWindow, IgnoresWhatIsNotOpen) {
    auto window = a_window_with(2);
    std::vector<PublishResult> results;

    window.settle(0, false, true, results);
    window.settle(9, false, true, results);
    window.settle(1, false, true, results);
    window.settle(1, false, true, results);
    window.settle(1, true, false, results);
    window.returned("no such id", "312");

    EXPECT_EQ(by_tag(results), (Statuses{{1, PublishStatus::confirmed}}));
}

// The broker confirms an unroutable message right after returning it.
TEST(ConfirmWindow, AReturnedMessageIsReturnedAlthoughItIsConfirmed) {
    auto window = a_window_with(3);
    std::vector<PublishResult> results;

    window.returned("2", "312 NO_ROUTE");
    EXPECT_TRUE(results.empty());
    window.settle(3, true, true, results);

    EXPECT_EQ(
        by_tag(results),
        (Statuses{{1, PublishStatus::confirmed}, {2, PublishStatus::returned}, {3, PublishStatus::confirmed}}));
    EXPECT_EQ(results[1].reason, "312 NO_ROUTE");
}

TEST(ConfirmWindow, ReturnsOfTheSameIdMarkTheOldestFirst) {
    ConfirmWindow window(10);
    window.add(1, "same", at(1));
    window.add(2, "same", at(2));
    std::vector<PublishResult> results;

    window.returned("same", "312");
    window.settle(1, false, true, results);
    window.settle(2, false, true, results);

    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].status, PublishStatus::returned);
    EXPECT_EQ(results[1].status, PublishStatus::confirmed);
}

TEST(ConfirmWindow, AMessagePastItsDeadlineIsUnknownAndItsLateConfirmIsSwallowed) {
    auto window = a_window_with(3);
    std::vector<PublishResult> results;

    EXPECT_EQ(window.next_deadline(), at(1));
    window.expire(at(2), results);
    EXPECT_EQ(by_tag(results), (Statuses{{1, PublishStatus::unknown}, {2, PublishStatus::unknown}}));
    EXPECT_EQ(window.size(), 3U) << "the broker still holds them";
    EXPECT_EQ(window.next_deadline(), at(3));

    window.settle(3, true, true, results);
    EXPECT_EQ(results.size(), 3U);
    EXPECT_EQ(results[2].status, PublishStatus::confirmed);
    EXPECT_EQ(window.next_deadline(), Time::max());
}

TEST(ConfirmWindow, IsFullUntilSomethingIsSettled) {
    auto window = a_window_with(2, 2);
    std::vector<PublishResult> results;

    EXPECT_TRUE(window.full());
    EXPECT_FALSE(window.all_overdue());
    window.expire(at(5), results);
    EXPECT_TRUE(window.full());
    EXPECT_TRUE(window.all_overdue());
    window.settle(1, false, true, results);
    EXPECT_FALSE(window.full());
}

TEST(ConfirmWindow, ALostChannelMakesEverythingOpenUnknownAndCountsFromOneAgain) {
    auto window = a_window_with(4);
    std::vector<PublishResult> results;
    window.settle(2, false, true, results);
    window.expire(at(1), results);
    results.clear();

    window.reset("link lost", results);

    EXPECT_EQ(by_tag(results), (Statuses{{3, PublishStatus::unknown}, {4, PublishStatus::unknown}}));
    EXPECT_EQ(results[0].reason, "link lost");
    EXPECT_EQ(window.size(), 0U);
    EXPECT_EQ(window.add(9, "9", at(9)), 1U);
}

// Whatever the broker answers, every message gets one result.
TEST(ConfirmWindow, GivesExactlyOneResultPerMessageInRandomRuns) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        std::mt19937 random(seed);
        ConfirmWindow window(64);
        std::vector<PublishResult> results;
        std::uint64_t added = 0;
        std::uint64_t base = 0;
        for (int step = 0; step < 300; ++step) {
            switch (random() % 8) {
                case 0: window.settle(1 + random() % (added - base + 2), random() % 2 == 0, true, results); break;
                case 1: window.settle(1 + random() % (added - base + 2), random() % 2 == 0, false, results); break;
                case 2: window.returned(std::to_string(base + random() % 80), "312"); break;
                case 3: window.expire(at(static_cast<int>(random() % (added + 1))), results); break;
                case 4:
                    if (random() % 20 == 0) {
                        window.reset("lost", results);
                        base = added;
                    }
                    break;
                default:
                    if (!window.full()) {
                        ++added;
                        window.add(added, std::to_string(added), at(static_cast<int>(added)));
                    }
            }
            ASSERT_LE(window.size(), 64U);
        }
        window.reset("end", results);
        EXPECT_EQ(by_tag(results).size(), added) << "seed " << seed;
    }
}

}  // namespace
}  // namespace ordersaga::broker
