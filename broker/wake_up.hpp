#pragma once

// Lets other threads wake a thread that sleeps in poll() on its socket: an eventfd plus a flag, so that a thousand
// calls before the sleeper looks cost one system call.

#include <atomic>
#include <chrono>

namespace ordersaga::broker {

class WakeUp {
public:
    WakeUp();  // throws std::system_error when the process has no descriptor left
    ~WakeUp();
    WakeUp(const WakeUp&) = delete;
    WakeUp& operator=(const WakeUp&) = delete;

    /// Any thread.
    void wake() noexcept;

    /// The sleeper only: returns when woken, when `socket` (-1: none) has something to read or failed, or after
    /// `patience`. Clears the wake-up. Look at the shared state after it, not before.
    void sleep(int socket, std::chrono::milliseconds patience) noexcept;

private:
    int descriptor_;
    std::atomic<bool> woken_{false};
};

}  // namespace ordersaga::broker
