// Time as a value that is passed in, so that a simulation can drive it. Wall clock only: deadlines of sockets
// use the steady clock inside the http classes, and due times of sagas use the database's time.
#pragma once

#include "runtime/error.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

using Duration = std::chrono::microseconds;
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

class Clock {
public:
    virtual ~Clock() = default;
    // May be called from any thread. May jump backwards: never assume that it is monotonic.
    virtual Instant now() = 0;
};

class SystemClock final : public Clock {
public:
    Instant now() override;
};

// A clock that stands still until it is told otherwise; for tests and simulations. Thread-safe.
class ManualClock final : public Clock {
public:
    explicit ManualClock(Instant start = Instant{}) : now_(start.time_since_epoch().count()) {}
    Instant now() override { return Instant{Duration{now_.load()}}; }
    void advance(Duration step) { now_.fetch_add(step.count()); }
    void set(Instant instant) { now_.store(instant.time_since_epoch().count()); }

private:
    std::atomic<Duration::rep> now_;
};

// "2026-07-01T10:20:30Z", with ".123456" (always six digits) only when the fraction is not zero.
// Years outside 0001..9999 are clamped to that range.
std::string format_rfc3339(Instant instant);

// Accepts what RFC 3339 allows: any offset, 'T' or 't' or a space, a fraction of any length (cut to microseconds),
// leap second 60 (read as the next second). Refuses impossible dates, trailing bytes, and what is outside the years
// 0001..9999 in UTC.
Result<Instant> parse_rfc3339(std::string_view text);

// Shortest plain text of a duration for people and logs: "250ms", "4.5s", "15m", "2h".
std::string format_duration(Duration duration);

// "250ms", "4.5s", "15m", "2h", "7d", "100us". A unit is required; negative values are refused.
Result<Duration> parse_duration(std::string_view text);

}  // namespace ordersaga::runtime
