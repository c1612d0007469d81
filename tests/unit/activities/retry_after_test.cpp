#include "activities/retry_after.hpp"

#include <gtest/gtest.h>

namespace ordersaga::activities {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Sun, 06 Nov 1994 08:49:37 GMT
const std::chrono::system_clock::time_point now{seconds(784111777)};

TEST(RetryAfter, ReadsSecondsWithAndWithoutFraction) {
    EXPECT_EQ(parse_retry_after("25", now), seconds(25));
    EXPECT_EQ(parse_retry_after(" 2.5 ", now), milliseconds(2500));
    EXPECT_EQ(parse_retry_after("0", now), milliseconds(0));
}

TEST(RetryAfter, ReadsADateAndNeverGoesBack) {
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now), seconds(60));
    EXPECT_EQ(parse_retry_after("Sat, 05 Nov 1994 08:50:37 GMT", now), milliseconds(0));
}

TEST(RetryAfter, IsAtMostAnHour) {
    EXPECT_EQ(parse_retry_after("1000000000", now), longest_wait);
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2094 08:49:37 GMT", now), longest_wait);
    // Beyond what the clock can count in nanoseconds.
    EXPECT_EQ(parse_retry_after("Sat, 01 Jan 2390 00:00:00 GMT", now), longest_wait);
    EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now), longest_wait);
}

TEST(RetryAfter, SaysNothingWhenItIsGarbage) {
    for (const char* text :
         {"", " ", "-1", "soon", "1e9", "12 seconds", "Sun, 99 Foo 1994 08:49:37 GMT", "1.2.3", "0x10", "nan",
          "99999999999999999999999"}) {
        EXPECT_FALSE(parse_retry_after(text, now).has_value()) << text;
    }
}

}  // namespace
}  // namespace ordersaga::activities
