// The database's time without a round trip: a thread of its own asks the server every few seconds and keeps the
// offset to the steady clock, so that jumps of the wall clock do not matter. It reconnects by itself.
#pragma once

#include "db/parameters.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace ordersaga::db {

class DatabaseClock {
public:
    struct Settings {
        std::string dsn;
        std::string application_name = "ordersaga-clock";
        std::chrono::milliseconds interval{5000};
        std::chrono::milliseconds retry{1000};  // after no answer: who has been silent for long waits for the first one
        // After this long without an answer there is no time to give: better no call than a late one.
        std::chrono::milliseconds longest_silence{30000};
    };

    struct Reading {
        Instant now;                            // best estimate
        std::chrono::microseconds uncertainty;  // half of the round trip plus drift since it was measured
    };

    // Starts the thread; does not wait for the server.
    explicit DatabaseClock(Settings settings);
    ~DatabaseClock();
    DatabaseClock(const DatabaseClock&) = delete;
    DatabaseClock& operator=(const DatabaseClock&) = delete;

    // From any thread, never blocks on the network. Empty before the first answer and after a long silence.
    std::optional<Reading> read() const;

    // Waits until read() gives something. False when the time is up.
    bool wait_until_known(std::chrono::milliseconds longest) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::db
