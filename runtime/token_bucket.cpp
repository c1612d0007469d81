#include "runtime/token_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace ordersaga::runtime {
namespace {

// Sums of small refills end a hair below the exact figure; without this a caller that waited exactly as long as it was
// told would be refused once more.
constexpr double rounding = 1e-6;

double seconds_between(Instant from, Instant to) {
    return to > from ? std::chrono::duration<double>(to - from).count() : 0.0;
}

}  // namespace

TokenBucket::TokenBucket(double capacity, double refill_per_second, Instant now)
    : capacity_(capacity), refill_per_second_(refill_per_second), tokens_(capacity), last_(now) {}

void TokenBucket::refill(Instant now) {
    tokens_ = available(now);
    last_ = now;
}

double TokenBucket::available(Instant now) const {
    return std::min(capacity_, tokens_ + seconds_between(last_, now) * refill_per_second_);
}

bool TokenBucket::try_take(double cost, Instant now) {
    refill(now);
    if (tokens_ + rounding < std::min(cost, capacity_)) return false;
    tokens_ -= cost;
    return true;
}

Duration TokenBucket::wait_for(double cost, Instant now) const {
    const double missing = std::min(cost, capacity_) - available(now);
    if (missing <= rounding) return Duration{0};
    return Duration(static_cast<Duration::rep>(std::ceil(missing / refill_per_second_ * 1e6)));
}

void TokenBucket::correct(double available, Instant now) {
    tokens_ = std::min(available, capacity_);
    last_ = now;
}

void TokenBucket::give_back(double cost, Instant now) {
    refill(now);
    tokens_ = std::min(capacity_, tokens_ + cost);
}

}  // namespace ordersaga::runtime
