#include "runtime/clock.hpp"

#include <gtest/gtest.h>

namespace ordersaga::runtime {
namespace {

using namespace std::chrono_literals;

Instant at(std::int64_t micros) {
    return Instant{Duration{micros}};
}

TEST(Rfc3339, ReadsEveryOffsetToTheSameInstant) {
    const Instant expected = at(1'782'901'230'000'000);

    EXPECT_EQ(*parse_rfc3339("2026-07-01T10:20:30Z"), expected);
    EXPECT_EQ(*parse_rfc3339("2026-07-01T12:20:30+02:00"), expected);
    EXPECT_EQ(*parse_rfc3339("2026-07-01t04:50:30-05:30"), expected);
    EXPECT_EQ(*parse_rfc3339("2026-07-01 10:20:30z"), expected);
}

TEST(Rfc3339, CutsTheFractionToMicroseconds) {
    EXPECT_EQ(*parse_rfc3339("1970-01-01T00:00:00.1Z"), at(100'000));
    EXPECT_EQ(*parse_rfc3339("1970-01-01T00:00:00.123456789Z"), at(123'456));
    EXPECT_EQ(*parse_rfc3339("1969-12-31T23:59:59.999999Z"), at(-1));
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
    for (const char* text :
         {"", "2026-07-01", "2026-07-01T10:20:30", "2026-07-01T10:20:30.Z", "2026-02-29T00:00:00Z",
          "2026-13-01T00:00:00Z", "2026-07-00T00:00:00Z", "2026-07-01T24:00:00Z", "2026-07-01T10:60:00Z",
          "2026-07-01T10:20:61Z", "2026-07-01T10:20:30+24:00", "2026-07-01T10:20:30+0200", "2026-07-01T10:20:30Z ",
          "+026-07-01T10:20:30Z", "2026-7-01T10:20:30Z",
          // Years that a database or a text does not have, also by way of the offset.
          "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"}) {
        EXPECT_FALSE(parse_rfc3339(text).ok()) << text;
    }
}

TEST(Rfc3339, ReadsALeapSecondAsTheNextSecond) {
    EXPECT_EQ(*parse_rfc3339("2016-12-31T23:59:60Z"), *parse_rfc3339("2017-01-01T00:00:00Z"));
}

TEST(Rfc3339, WritesWhatItReads) {
    for (const char* text :
         {"2026-07-01T10:20:30Z", "2024-02-29T23:59:59.000001Z", "1969-12-31T23:59:59.500000Z",
          "0001-01-01T00:00:00Z"}) {
        EXPECT_EQ(format_rfc3339(*parse_rfc3339(text)), text);
    }
    EXPECT_EQ(format_rfc3339(at(INT64_MAX)), "9999-12-31T23:59:59.999999Z");
    EXPECT_EQ(format_rfc3339(at(INT64_MIN)), "0001-01-01T00:00:00Z");
}

TEST(DurationText, ReadsUnitsAndRefusesTheRest) {
    EXPECT_EQ(*parse_duration("250ms"), 250ms);
    EXPECT_EQ(*parse_duration("4.5s"), 4500ms);
    EXPECT_EQ(*parse_duration("15m"), 15min);
    EXPECT_EQ(*parse_duration("2h"), 2h);
    EXPECT_EQ(*parse_duration("7d"), 168h);
    EXPECT_EQ(*parse_duration("0s"), 0s);
    for (const char* text :
         {"", "5", "-5s", "s", "1.s", ".5s", "5 s", "5sec", "9999999999999999999s", "999999999999999d"}) {
        EXPECT_FALSE(parse_duration(text).ok()) << text;
    }
}

TEST(DurationText, WritesTheShortestForm) {
    EXPECT_EQ(format_duration(250ms), "250ms");
    EXPECT_EQ(format_duration(4500ms), "4.5s");
    EXPECT_EQ(format_duration(90s), "90s");
    EXPECT_EQ(format_duration(15min), "15m");
    EXPECT_EQ(format_duration(48h), "2d");
    EXPECT_EQ(format_duration(1us), "1us");
    EXPECT_EQ(format_duration(0us), "0s");
}

TEST(ManualClock, MovesOnlyWhenTold) {
    ManualClock clock(at(5));

    clock.advance(10us);

    EXPECT_EQ(clock.now(), at(15));
    EXPECT_EQ(clock.now(), at(15));
}

}  // namespace
}  // namespace ordersaga::runtime
