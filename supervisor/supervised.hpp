// Programs that are to run until they are told to stop. What ends by itself is started again after a pause that doubles.
//
// Every event is one line in the log. One thread: that of the child processes.
#pragma once

#include "runtime/child_process.hpp"

#include <chrono>
#include <functional>
#include <list>
#include <optional>
#include <string>

namespace ordersaga::supervisor {

struct Service {
    std::string name;
    runtime::ChildPlan plan;
    std::function<bool()> ready;  // whether it does its work; asked again and again, must not block for long
    std::chrono::seconds ready_within{60};
    int stop_signal = 15;
    std::chrono::seconds stop_within{30};
    std::optional<int> hopeless_status;  // ended so, it would end so again
};

// The pause before the restart after so many short lives in a row.
std::chrono::seconds pause_before_restart(int short_lives);

class Supervised {
public:
    Supervised() = default;
    ~Supervised();  // stop()
    Supervised(const Supervised&) = delete;
    Supervised& operator=(const Supervised&) = delete;

    // Returns when it is ready. Throws NotUsable when it is hopeless, std::runtime_error when it is not ready in time.
    void start(Service service);
    // Looks once at each: starts again what has ended and whose pause is over. Throws NotUsable when one is hopeless.
    void watch();
    // The last started first; each has its time, then it is killed.
    void stop();

private:
    using Clock = std::chrono::steady_clock;
    struct Entry {
        Service service;
        std::optional<runtime::Child> child;
        Clock::time_point started;
        Clock::time_point start_again;
        bool ready = false;
        int short_lives = 0;
    };

    void launch(Entry& entry);
    void look_after(Entry& entry);
    void stop(Entry& entry);

    std::list<Entry> entries_;  // in the sequence of their start
};

}  // namespace ordersaga::supervisor
