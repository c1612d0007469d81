// How long a peer asks us to stay away.
//
// Purpose: Retry-After comes as seconds, as seconds with a fraction, or as an HTTP date; garbage must not freeze a lane.
// Immutable functions; safe from any thread. No errors: nullopt when the text says nothing usable.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace ordersaga::activities {

inline constexpr std::chrono::milliseconds longest_wait = std::chrono::hours(1);

// now: the wall clock, for the date form. A date in the past is zero; more than an hour is an hour.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(
    std::string_view text,
    std::chrono::system_clock::time_point now);

}  // namespace ordersaga::activities
