#include "db/parameters.hpp"

#include "db/errors.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ordersaga::db {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

TEST(Parameter, ScalarsTravelAsText) {
    EXPECT_EQ(Parameter(std::int64_t{-9'223'372'036'854'775'807}).text(), "-9223372036854775807");
    EXPECT_EQ(Parameter(true).text(), "t");
    EXPECT_EQ(Parameter("it's").text(), "it's");
    EXPECT_EQ(Parameter(nullptr).text(), std::nullopt);
    EXPECT_EQ(Parameter(std::optional<int>()).text(), std::nullopt);
    EXPECT_EQ(Parameter(std::optional<int>(7)).text(), "7");
}

TEST(Parameter, TextWithNulIsRefusedBeforeItIsBound) {
    EXPECT_THROW(Parameter("key\0rest"s), BadData);
    EXPECT_THROW(Parameter(std::vector<std::string>{"fine", "key\0rest"s}), BadData);
}

TEST(Parameter, BytesMayHoldAnything) {
    EXPECT_EQ(Parameter(Bytes{"\0\xff\x10"s}).text(), "\\x00ff10");
}

TEST(Parameter, ArrayElementsCannotEscapeTheirQuotes) {
    const std::vector<std::string> hostile{"plain", "with \"quotes\"", "back\\slash", "NULL", "", "{1,2}", "a,b"};
    EXPECT_EQ(Parameter(hostile).text(), R"({"plain","with \"quotes\"","back\\slash","NULL","","{1,2}","a,b"})");
}

TEST(Parameter, ArraysHoldNullsAndNumbers) {
    EXPECT_EQ(Parameter(std::vector<std::optional<std::int64_t>>{1, std::nullopt}).text(), R"({"1",NULL})");
    EXPECT_EQ(Parameter(std::vector<bool>{true, false}).text(), R"({"t","f"})");
    EXPECT_EQ(Parameter(std::vector<std::string>{}).text(), "{}");
}

TEST(Timestamp, ReadsBackWhatItWrites) {
    const Instant instant{1'782'900'000'123'456us};
    EXPECT_EQ(parse_timestamp(format_timestamp(instant)), instant);
    const Instant before_1970{-1us};
    EXPECT_EQ(format_timestamp(before_1970), "1969-12-31 23:59:59.999999+00");
    EXPECT_EQ(parse_timestamp("1969-12-31 23:59:59.999999+00"), before_1970);
}

TEST(Timestamp, ReadsOffsetsAndShortFractions) {
    const Instant noon = parse_timestamp("2026-07-01 12:00:00+00");
    EXPECT_EQ(parse_timestamp("2026-07-01 14:00:00+02"), noon);
    EXPECT_EQ(parse_timestamp("2026-07-01 06:30:00-05:30"), noon);
    EXPECT_EQ(parse_timestamp("2026-07-01 12:00:00.5+00"), noon + 500ms);
}

TEST(Timestamp, RefusesWhatIsNone) {
    for (const char* text :
         {"", "infinity", "2026-13-01 00:00:00+00", "2026-07-01", "2026-07-01 12:00:00", "x026-07-01 12:00:00+00"}) {
        EXPECT_THROW(parse_timestamp(text), std::invalid_argument) << text;
    }
}

}  // namespace
}  // namespace ordersaga::db
