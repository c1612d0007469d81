#pragma once

// What a publisher or consumer tells about itself for /readyz, metrics and the operator. A value.

#include <cstddef>
#include <cstdint>
#include <string>

namespace ordersaga::broker {

struct Health {
    bool connected = false;
    /// The broker refuses publishes because of a memory or disk alarm (connection.blocked).
    bool blocked = false;
    std::string blocked_reason;
    /// Publisher: waiting to be written / written and not yet confirmed.
    std::size_t buffered = 0;
    std::size_t unconfirmed = 0;
    /// Consumer: delivered and neither acked nor rejected; queues asked for / really consuming.
    std::size_t unacked = 0;
    std::size_t queues_wanted = 0;
    std::size_t queues_consuming = 0;
    /// Successful connections so far; above 1 means there was a loss.
    std::uint64_t connections = 0;
    /// Empty when nothing went wrong yet; kept after recovery.
    std::string last_error;
};

}  // namespace ordersaga::broker
