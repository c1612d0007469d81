// The demo's shop under chaos: two orchestrators, two workers and a notifier as processes, a fault proxy on every link, orders coming in
// all the time, and somebody who looks into the database past it all. Main thread; `tick` has to be called all the time.
#pragma once

#include "sandbox/demo/rehearsal.hpp"
#include "tests/chaos/support/fault_catalogue.hpp"
#include "tests/chaos/support/observer.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ordersaga::chaos {

class AShop {
public:
    // Started when this returns. Servers and programs as the environment tells (ORDERSAGA_SERVERS_DIR, ORDERSAGA_BIN); throws
    // std::runtime_error.
    AShop(std::uint64_t seed, std::int64_t orders, double orders_per_second, const std::string& folder);

    // Places what is due, restarts what ended; false once all orders are placed.
    bool tick();
    // Ticks until it holds; false when it does not within `longest`. Conditions that ask the database may throw
    // db::DatabaseError, which counts as "does not hold".
    bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds longest);
    void go_on_for(std::chrono::milliseconds length);
    // What the system's own checker and the sandbox say against it now; empty: nothing. Lost and unsettled orders are told
    // by conclude() alone.
    std::vector<std::string> breaches();
    // Places no more, waits for the end, judges.
    demo::Account conclude();
    // Events of completed orders that the merchant's own system has heard of, each counted once; waits until it has heard of
    // as many as are wanted, or a minute.
    std::int64_t told_completed(std::int64_t wanted);

    demo::Options options;
    Links links;
    demo::System system;
    demo::FaultProfile profile;
    Victims victims;
    Observer observer;
    demo::Progress progress;
    demo::Driver driver;

private:
    static demo::Options make_options(std::uint64_t seed, std::int64_t orders, const std::string& folder);
    demo::System& started();
};

// "tests/chaos needs servers" and why; empty when everything is there.
std::string what_is_missing();

}  // namespace ordersaga::chaos
