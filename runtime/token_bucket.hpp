// A rate limit as a pure value: time comes in, nothing waits. Time that jumps backwards adds no tokens.
#pragma once

#include "runtime/clock.hpp"

namespace ordersaga::runtime {

class TokenBucket {
public:
    // Starts full. capacity and refill_per_second must be positive.
    TokenBucket(double capacity, double refill_per_second, Instant now);

    // Takes `cost` tokens if they are there. A cost beyond the capacity is granted when the bucket is full.
    bool try_take(double cost, Instant now);
    // How long until try_take(cost) would succeed; zero when it would now.
    Duration wait_for(double cost, Instant now) const;
    // What a peer reported as its own figure; never raises ours above the capacity.
    void correct(double available, Instant now);
    // Puts back what was taken for a call that did not happen.
    void give_back(double cost, Instant now);
    double available(Instant now) const;

private:
    void refill(Instant now);

    double capacity_;
    double refill_per_second_;
    double tokens_;
    Instant last_;
};

}  // namespace ordersaga::runtime
