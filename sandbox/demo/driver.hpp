// Plays the customers and the weather: places the planned orders at their pace, changes minds at the right moment, lets
// mishaps happen, and listens to the sandbox's ledger all the while. Main thread only.
#pragma once

#include "runtime/random.hpp"
#include "sandbox/demo/fault_plan.hpp"
#include "sandbox/demo/generator.hpp"
#include "sandbox/demo/system.hpp"
#include "sandbox/demo/witness.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::demo {

class Progress;

class Driver {
public:
    Driver(System& system, const FaultProfile& profile, std::uint64_t seed, double orders_per_second);

    // Places all orders; returns when the last one is in and every mishap has happened.
    void place(std::vector<Moment> plan, Progress& progress);
    // The same in steps, for who has something else to do meanwhile: begin() once, then step() all the time, which places
    // what is due and says whether anything is left.
    void begin(std::vector<Moment> plan);
    bool step(Progress& progress);
    // Changes of mind that are due, and the ledger now and then. To be called all the time.
    void follow_up();
    void read_ledger();

    [[nodiscard]] const std::vector<PlacedOrder>& placed() const { return placed_; }
    [[nodiscard]] std::int64_t refused_by_stores() const { return refused_by_stores_; }
    [[nodiscard]] const std::vector<nlohmann::json>& effects() const { return effects_; }
    [[nodiscard]] const std::vector<Mishap>& mishaps_done() const { return mishaps_done_; }

private:
    using Time = std::chrono::steady_clock::time_point;

    void place_moment(const Moment& moment);
    void remember(PlannedOrder plan, const nlohmann::json& order);
    void cause(const Mishap& mishap);
    void change(const PlacedOrder& order);
    nlohmann::json wanted_lines(const PlacedOrder& order, std::int64_t difference) const;

    System& system_;
    const FaultProfile& profile_;
    runtime::SeededRandom random_;
    double orders_per_second_;
    std::vector<Moment> plan_;
    std::size_t orders_ = 0, next_moment_ = 0, next_mishap_ = 0;
    Time begin_{};
    std::vector<PlacedOrder> placed_;
    std::int64_t refused_by_stores_ = 0;
    std::multimap<Time, std::size_t> later_;             // index into placed_
    std::map<std::string, std::size_t> when_requested_;  // "<store>.<order>" → index
    std::vector<nlohmann::json> effects_;
    std::int64_t ledger_read_to_ = 0;
    Time ledger_read_at_{};
    std::vector<Mishap> mishaps_done_;
};

}  // namespace ordersaga::demo
