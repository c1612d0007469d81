// What one command may do to a peer, and what it has used.
//
// Purpose: send_before and the deadline are judged by database time at the last possible moment; the calls made and the
// budget the peer reported travel back with the outcome, because the engine owns the lanes.
// Thread: one command, one coroutine; not shared.
// Errors: none; an unknown database time forbids writes.
#pragma once

#include "activities/database_clock.hpp"
#include "runtime/clock.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace ordersaga::activities {

// What the peer said about its budget, so that the lane of this credential can obey.
struct LaneReport {
    int calls = 0;
    double cost = 0;  // points spent by all calls of this command (Shopify)
    std::optional<double> maximum_available, currently_available, restore_rate;
    std::optional<std::int64_t> remaining_calls;  // ShipBob
};

class CallScope {
public:
    struct Limits {
        std::optional<runtime::Instant> send_before;  // no write after it
        std::optional<runtime::Instant> deadline;     // no call at all after it
        std::chrono::milliseconds call_timeout{15000};
        std::string traceparent;
        std::string merchant;  // whose token is used
    };

    CallScope(const DatabaseClock& clock, Limits limits);

    // Asked right before the first byte of a write. Once false, stays the reason of the outcome.
    [[nodiscard]] bool may_write();
    // Asked before any call. False after the deadline.
    [[nodiscard]] bool may_call() const;
    // The longest one call may take: the configured time, cut by the deadline.
    [[nodiscard]] std::chrono::milliseconds time_for_call() const;
    [[nodiscard]] const std::string& traceparent() const { return limits_.traceparent; }
    [[nodiscard]] const std::string& merchant() const { return limits_.merchant; }
    [[nodiscard]] const std::string& refusal() const { return refusal_; }

    // True when a write may have left: set by the transport as it lets the first byte go.
    [[nodiscard]] bool wrote() const { return wrote_; }

    LaneReport lane;
    std::string last_request_id;  // the peer's own id of the last call, for the logs

private:
    const DatabaseClock& clock_;
    Limits limits_;
    std::string refusal_;
    bool wrote_ = false;
};

}  // namespace ordersaga::activities
