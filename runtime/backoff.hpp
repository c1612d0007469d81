// When to try again: full jitter, random(0, min(cap, base * coefficient^(attempt-1))). Pure.
#pragma once

#include "runtime/clock.hpp"

namespace ordersaga::runtime {

class Random;

struct BackoffPolicy {
    Duration base = std::chrono::seconds(1);
    double coefficient = 2.0;
    Duration cap = std::chrono::minutes(15);
};

// The upper bound for this attempt; attempt 1 is the first retry. Never overflows, never beyond cap.
Duration longest_delay(int attempt, const BackoffPolicy& policy);
// Uniform in [0, longest_delay].
Duration next_delay(int attempt, const BackoffPolicy& policy, Random& random);

}  // namespace ordersaga::runtime
