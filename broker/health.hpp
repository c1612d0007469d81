#pragma once

// What a publisher or consumer tells about itself for /readyz, metrics and the operator. A value.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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
    /// Consumer: when the broker last answered on this connection that the queue asked about is there and is consumed; the
    /// queues take turns. Empty while not connected.
    std::optional<std::chrono::steady_clock::time_point> probed_at;
    /// Successful connections so far; above 1 means there was a loss.
    std::uint64_t connections = 0;
    /// Empty when nothing went wrong yet; kept after recovery.
    std::string last_error;
};

/// A consumer's probe that did not come round for so long has failed.
inline constexpr std::chrono::seconds probe_patience{6};

/// Why a consumer gets nothing, or may get nothing: a connection that stands proves little, what counts is that a probe came
/// round. Empty: it consumes.
std::string consuming_fault(const Health& health, std::chrono::steady_clock::time_point now);

/// Why a publisher sends nothing. Empty: it does.
std::string publishing_fault(const Health& health);

}  // namespace ordersaga::broker
