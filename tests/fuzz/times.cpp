// Points in time and durations as peers, people and files write them.
#include "activities/retry_after.hpp"
#include "runtime/clock.hpp"
#include "tests/fuzz/target.hpp"

#include <string>

namespace ordersaga::fuzz {
namespace {

void check_instant(std::string_view text) {
    const auto instant = runtime::parse_rfc3339(text);
    if (!instant) {
        HOLDS(!instant.error().message.empty());
        return;
    }
    const std::string printed = runtime::format_rfc3339(*instant);
    HOLDS(printed.size() == 20 || printed.size() == 27);
    const auto again = runtime::parse_rfc3339(printed);
    HOLDS(again && *again == *instant);
}

void check_duration(std::string_view text) {
    const auto duration = runtime::parse_duration(text);
    if (!duration) {
        HOLDS(!duration.error().message.empty());
        return;
    }
    HOLDS(duration->count() >= 0);
    // Beyond 31 years microseconds have more digits than are read.
    if (duration->count() >= 1'000'000'000'000'000) return;
    const auto again = runtime::parse_duration(runtime::format_duration(*duration));
    HOLDS(again && *again == *duration);
}

}  // namespace

void one_input(std::string_view input) {
    check_instant(input);
    check_duration(input);
    const std::chrono::system_clock::time_point now{std::chrono::seconds(1'800'000'000)};
    if (const auto wait = activities::parse_retry_after(input, now))
        HOLDS(wait->count() >= 0 && *wait <= activities::longest_wait);
}

}  // namespace ordersaga::fuzz
