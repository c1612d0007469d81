#include "broker/reconnect_delay.hpp"

#include <gtest/gtest.h>

namespace ordersaga::broker {
namespace {

using std::chrono::milliseconds;

TEST(ReconnectDelay, StaysBelowABoundThatDoublesUpToTheCap) {
    runtime::SeededRandom random(7);
    for (int run = 0; run < 100; ++run) {
        ReconnectDelay delay(milliseconds(100), milliseconds(1000));
        for (const int bound : {100, 200, 400, 800, 1000, 1000, 1000}) {
            const auto next = delay.next(random);
            EXPECT_GE(next, milliseconds(10));
            EXPECT_LE(next, milliseconds(bound));
        }
        delay.succeeded();
        EXPECT_LE(delay.next(random), milliseconds(100));
    }
}

}  // namespace
}  // namespace ordersaga::broker
