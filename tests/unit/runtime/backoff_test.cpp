#include "runtime/backoff.hpp"

#include "runtime/random.hpp"
#include "runtime/token_bucket.hpp"

#include <gtest/gtest.h>

namespace ordersaga::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheCap) {
    const BackoffPolicy policy{1s, 2.0, 15min};

    EXPECT_EQ(longest_delay(1, policy), 1s);
    EXPECT_EQ(longest_delay(2, policy), 2s);
    EXPECT_EQ(longest_delay(5, policy), 16s);
    EXPECT_EQ(longest_delay(11, policy), 15min);
    EXPECT_EQ(longest_delay(1'000'000, policy), 15min);
    EXPECT_EQ(longest_delay(-3, policy), 1s);
}

TEST(Backoff, JitterUsesTheWholeRange) {
    SeededRandom random(3);
    const BackoffPolicy policy{1s, 2.0, 15min};
    Duration least = 15min;
    Duration most{0};

    for (int i = 0; i < 2000; ++i) {
        const Duration delay = next_delay(4, policy, random);
        ASSERT_GE(delay, 0s);
        ASSERT_LE(delay, 8s);
        least = std::min(least, delay);
        most = std::max(most, delay);
    }

    EXPECT_LT(least, 100ms);
    EXPECT_GT(most, 7900ms);
}

TEST(Backoff, NoBaseMeansNoDelay) {
    SeededRandom random(3);
    EXPECT_EQ(next_delay(5, BackoffPolicy{0s, 2.0, 1s}, random), 0s);
}

const Instant start{Duration{1'000'000'000}};

TEST(TokenBucket, GivesWhatItHoldsAndRefillsWithTime) {
    TokenBucket bucket(10, 2, start);

    EXPECT_TRUE(bucket.try_take(10, start));
    EXPECT_FALSE(bucket.try_take(1, start));
    EXPECT_EQ(bucket.wait_for(1, start), 500ms);
    EXPECT_TRUE(bucket.try_take(1, start + 500ms));
    EXPECT_FALSE(bucket.try_take(1, start + 500ms));
    EXPECT_DOUBLE_EQ(bucket.available(start + 100s), 10);
}

TEST(TokenBucket, WaitingAsToldIsAlwaysEnough) {
    SeededRandom random(9);
    TokenBucket bucket(100, 7.3, start);
    Instant now = start;

    for (int i = 0; i < 10'000; ++i) {
        const double cost = 1 + random.unit() * 30;
        now += bucket.wait_for(cost, now);
        ASSERT_TRUE(bucket.try_take(cost, now));
    }

    EXPECT_GT(now, start + 10'000s);
}

TEST(TokenBucket, ACostBeyondTheCapacityIsGrantedWhenFull) {
    TokenBucket bucket(10, 1, start);

    EXPECT_TRUE(bucket.try_take(25, start));
    EXPECT_FALSE(bucket.try_take(1, start + 15s));
    EXPECT_TRUE(bucket.try_take(1, start + 16s));
}

TEST(TokenBucket, TimeThatJumpsBackAddsNothing) {
    TokenBucket bucket(10, 1, start);
    EXPECT_TRUE(bucket.try_take(10, start));

    EXPECT_FALSE(bucket.try_take(1, start - 1h));
    EXPECT_FALSE(bucket.try_take(1, start - 1h + 500ms));
    EXPECT_TRUE(bucket.try_take(1, start - 1h + 1s));
}

TEST(TokenBucket, TakesThePeersFigureAndWhatIsGivenBack) {
    TokenBucket bucket(10, 1, start);

    bucket.correct(3, start);
    EXPECT_DOUBLE_EQ(bucket.available(start), 3);
    bucket.correct(500, start);
    EXPECT_DOUBLE_EQ(bucket.available(start), 10);
    EXPECT_TRUE(bucket.try_take(4, start));
    bucket.give_back(4, start);
    EXPECT_DOUBLE_EQ(bucket.available(start), 10);
}

}  // namespace
}  // namespace ordersaga::runtime
