// What goes wrong, and when: one place draws all faults from the seed. Calm weather: nothing goes wrong any more.
#pragma once

#include "runtime/random.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/options.hpp"
#include "tests/support/sim/sim_store.hpp"

#include <map>
#include <string>
#include <vector>

namespace ordersaga::simulation {

enum class CallFate {
    fine,
    throttled,
    unreachable,      // surely not sent
    unknown_applied,  // a write whose answer is lost; a read that fails
    unknown_lost,
};

class Weather final : public sim::SimFaults {
public:
    // Draws how often each kind strikes in this run: some not at all, some more than usual.
    Weather(Agenda& agenda, const Options& options);

    void add_outage(const std::string& peer, Instant from, Instant until) { outages_[peer].emplace_back(from, until); }
    void calm_down() { calm_ = true; }
    bool calm() const { return calm_; }

    CallFate fate_of_call(const std::string& peer);
    // Draws whether a fault of this kind strikes now; never in calm weather. Counted.
    bool happens(Fault fault);
    // A planned one: strikes unless the options are without it. Counted.
    bool strikes(Fault fault);
    // Whether one of its kind may strike in this run at all.
    bool knows(Fault fault) const { return rates_[static_cast<std::size_t>(fault)] > 0; }
    // Until when `peer` (or "broker") answers nothing; `now` when it is there.
    Instant away_until(const std::string& peer);

    AtCall at_call(const char* call) override;
    AtCommit at_commit() override;

    Duration between(Duration least, Duration most);
    runtime::Random& random() { return random_; }
    const std::array<int, fault_count>& counts() const { return counts_; }
    // Where in a transaction a process died or lost its connection: by the store's call.
    const std::map<std::string, int>& boundaries() const { return boundaries_; }
    // The rates that differ from the usual ones.
    std::string text() const;

private:
    bool count(Fault fault) {
        ++counts_[static_cast<std::size_t>(fault)];
        return true;
    }

    Agenda& agenda_;
    runtime::SeededRandom random_;
    std::array<double, fault_count> rates_{};  // of planned ones: 1, or 0 when they are switched off
    double any_at_call_ = 0;                   // of all that can strike at a store's call
    bool calm_ = false;
    std::map<std::string, std::vector<std::pair<Instant, Instant>>> outages_;
    std::array<int, fault_count> counts_{};
    std::map<std::string, int> boundaries_;
};

}  // namespace ordersaga::simulation
