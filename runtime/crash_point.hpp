// Named points at which a test may kill the process: CRASH_AT=CP05:3 dies with SIGKILL at the third pass of CP05
// ("CP05" alone means the first). Costs one relaxed load when the variable is unset. Thread-safe.
#pragma once

#include <string_view>

namespace ordersaga::runtime {

void crash_here(std::string_view point) noexcept;

// True when CRASH_AT is set at all; for places that must change their steps to offer a point between two of them.
bool crash_points_armed() noexcept;

}  // namespace ordersaga::runtime
