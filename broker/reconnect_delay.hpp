#pragma once

// How long to wait before the next attempt to connect: full jitter below a bound that doubles up to a cap, so that a
// restarted broker is not met by everybody at once. One thread.

#include "runtime/random.hpp"

#include <algorithm>
#include <chrono>

namespace ordersaga::broker {

class ReconnectDelay {
public:
    ReconnectDelay(std::chrono::milliseconds first, std::chrono::milliseconds cap) : first_(first), cap_(cap) {}

    std::chrono::milliseconds next(runtime::Random& random) {
        bound_ = bound_.count() == 0 ? first_ : std::min(bound_ * 2, cap_);
        const auto jittered = static_cast<std::int64_t>(static_cast<double>(bound_.count()) * random.unit());
        return std::chrono::milliseconds(std::max<std::int64_t>(jittered, 10));
    }

    void succeeded() { bound_ = std::chrono::milliseconds(0); }

private:
    std::chrono::milliseconds first_;
    std::chrono::milliseconds cap_;
    std::chrono::milliseconds bound_{0};
};

}  // namespace ordersaga::broker
