#include "broker/ack_window.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace ordersaga::broker {
namespace {

using Commands = std::vector<AckCommand>;

AckWindow a_window_with(std::uint64_t count) {
    AckWindow window;
    for (std::uint64_t i = 1; i <= count; ++i)
        window.delivered(i);
    return window;
}

TEST(AckWindow, MergesAcksThatLeaveNothingOpenBefore) {
    auto window = a_window_with(5);

    EXPECT_EQ(window.ack({3, 1, 2}), (Commands{{3, true}}));
    EXPECT_EQ(window.ack({4}), (Commands{{4, false}}));
    EXPECT_EQ(window.size(), 1U);
}

TEST(AckWindow, NeverAcksADeliveryThatIsStillBeingWorkedOn) {
    auto window = a_window_with(5);

    EXPECT_EQ(window.ack({2, 3}), (Commands{{2, false}, {3, false}}));
    EXPECT_EQ(window.ack({1, 5}), (Commands{{1, false}, {5, false}}));
    EXPECT_EQ(window.ack({4}), (Commands{{4, false}}));
}

TEST(AckWindow, IgnoresDoubleAndUnknownAcks) {
    auto window = a_window_with(2);

    EXPECT_EQ(window.ack({1, 1, 7}), (Commands{{1, false}}));
    EXPECT_EQ(window.ack({1, 7, 0}), Commands{});
    EXPECT_FALSE(window.reject(1));
    EXPECT_FALSE(window.reject(9));
}

TEST(AckWindow, ARejectedDeliveryIsNotAcked) {
    auto window = a_window_with(3);

    EXPECT_TRUE(window.reject(1));
    EXPECT_FALSE(window.reject(1));
    EXPECT_EQ(window.ack({1, 2, 3}), (Commands{{3, true}}));
    EXPECT_EQ(window.size(), 0U);
}

// Plays the broker: a command must name something open, and what gets settled must be exactly what was asked for.
TEST(AckWindow, SettlesExactlyWhatWasAskedForInRandomRuns) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        std::mt19937 random(seed);
        AckWindow window;
        std::set<std::uint64_t> at_broker;
        std::set<std::uint64_t> expected_open;
        std::uint64_t last = 0;
        for (int step = 0; step < 200; ++step) {
            for (auto i = random() % 5; i > 0; --i) {
                window.delivered(++last);
                at_broker.insert(last);
                expected_open.insert(last);
            }
            if (random() % 8 == 0) {
                const std::uint64_t victim = 1 + random() % (last + 1);
                if (window.reject(victim)) {
                    ASSERT_EQ(at_broker.erase(victim), 1U) << "seed " << seed;
                }
                expected_open.erase(victim);
            }
            std::vector<std::uint64_t> asked;
            for (auto i = random() % 6; i > 0; --i)
                asked.push_back(1 + random() % (last + 1));
            for (const auto& command : window.ack(asked)) {
                ASSERT_TRUE(at_broker.contains(command.sequence)) << "406 in seed " << seed;
                if (command.multiple) {
                    at_broker.erase(at_broker.begin(), at_broker.upper_bound(command.sequence));
                } else {
                    at_broker.erase(command.sequence);
                }
            }
            for (const auto sequence : asked)
                expected_open.erase(sequence);
            ASSERT_EQ(at_broker, expected_open) << "seed " << seed;
            ASSERT_EQ(window.size(), expected_open.size());
        }
    }
}

}  // namespace
}  // namespace ordersaga::broker
