// What happens when, in simulated time: a queue of actions. Equal instants run in the sequence they were put in, so one
// seed is one run. The clock stands still inside an action and jumps between them.
#pragma once

#include "runtime/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace ordersaga::simulation {

using runtime::Duration;
using runtime::Instant;

class Agenda {
public:
    explicit Agenda(runtime::ManualClock& clock) : clock_(clock) {}

    Instant now() { return clock_.now(); }
    void at(Instant when, std::function<void()> action) {
        actions_.emplace(std::make_pair(when < now() ? now() : when, ++number_), std::move(action));
    }
    void after(Duration delay, std::function<void()> action) { at(now() + delay, std::move(action)); }

    // Runs the next action unless it lies beyond `end`; then the clock is set to `end`.
    bool step(Instant end) {
        if (actions_.empty() || actions_.begin()->first.first > end) {
            clock_.set(end);
            return false;
        }
        auto node = actions_.extract(actions_.begin());
        clock_.set(node.key().first);
        node.mapped()();
        return true;
    }

private:
    runtime::ManualClock& clock_;
    std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> actions_;
    std::uint64_t number_ = 0;
};

// Everything that happened, as one number (and, when asked for, as text): two runs of one seed must agree.
class Trace {
public:
    Trace(Agenda& agenda, bool print) : agenda_(agenda), print_(print) {}
    void line(const std::string& text);
    std::uint64_t hash() const { return hash_; }

private:
    void hash(const char* bytes, std::size_t size);

    Agenda& agenda_;
    bool print_;
    std::uint64_t hash_ = 1469598103934665603ULL;
};

}  // namespace ordersaga::simulation
