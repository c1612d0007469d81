// What goes wrong, and when: one place draws all faults from the seed. Calm weather: nothing goes wrong any more.
#pragma once

#include "runtime/random.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/support/sim/sim_store.hpp"

#include <map>
#include <string>
#include <vector>

namespace ordersaga::simulation {

struct FaultRates {
    // Calls to peers.
    double throttled = 0.06, unreachable = 0.04, unknown = 0.06, refused = 0.01;
    double applied_when_unknown = 0.6;
    // Messages between engines and workers.
    double message_lost = 0.01, message_twice = 0.05, message_late = 0.05, confirm_lost = 0.02;
    // Webhooks.
    double webhook_dropped = 0.05, webhook_twice = 0.2, webhook_late = 0.1;
    // The database and the processes on it.
    double serialization_failure = 0.001, commit_lost = 0.003, commit_in_doubt = 0.006, killed = 0.001;
};

enum class CallFate {
    fine,
    throttled,
    unreachable,      // surely not sent
    unknown_applied,  // a write whose answer is lost; a read that fails
    unknown_lost,
    refused,  // a business no, for creates at the warehouse only
};

class Weather final : public sim::SimFaults {
public:
    Weather(Agenda& agenda, std::uint64_t seed, FaultRates rates) : agenda_(agenda), random_(seed), rates_(rates) {}

    void add_outage(const std::string& peer, Instant from, Instant until) { outages_[peer].emplace_back(from, until); }
    void calm_down() { calm_ = true; }
    bool calm() const { return calm_; }

    CallFate fate_of_call(const std::string& peer);
    // False while a fault phase's rate says so; always false in calm weather.
    bool happens(double FaultRates::*rate) { return !calm_ && random_.chance(rates_.*rate); }
    // Until when `peer` (or "broker") answers nothing; `now` when it is there.
    Instant away_until(const std::string& peer);

    AtCall at_call(const std::string& call) override;
    AtCommit at_commit() override;

    Duration between(Duration least, Duration most);
    runtime::Random& random() { return random_; }
    const std::map<std::string, int>& counts() const { return counts_; }

private:
    CallFate count(const char* name, CallFate fate) {
        ++counts_[name];
        return fate;
    }

    Agenda& agenda_;
    runtime::SeededRandom random_;
    FaultRates rates_;
    bool calm_ = false;
    std::map<std::string, std::vector<std::pair<Instant, Instant>>> outages_;
    std::map<std::string, int> counts_;
};

}  // namespace ordersaga::simulation
