// What a service manager wants to hear (systemd's protocol: datagrams to NOTIFY_SOCKET): that the program is ready, that
// it stops, and, while it does its work, that it is still doing it. Without NOTIFY_SOCKET every call does nothing.
#pragma once

#include "runtime/config.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

// Thread-safe; immutable after construction. Never throws: a manager that cannot be told is not our failure.
class ServiceNotice {
public:
    explicit ServiceNotice(const Environment& environment = system_environment());

    void ready() const { send("READY=1"); }
    void stopping() const { send("STOPPING=1"); }
    void alive() const { send("WATCHDOG=1"); }

    // How long the manager waits for alive() before it restarts us; nullopt when it does not watch this process.
    std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

private:
    void send(std::string_view text) const;

    std::string address_;
    std::optional<std::chrono::microseconds> watchdog_;
};

// While it lives, says alive() twice per watchdog interval, but only while `working` says so: a program that has stopped
// doing its work is restarted although its process lives. Asks on `executor`, which is thereby watched, too; what
// `working` refers to must outlive the executor's run.
class Watchdog {
public:
    Watchdog(boost::asio::any_io_executor executor, const ServiceNotice& notice, std::function<bool()> working);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace ordersaga::runtime
