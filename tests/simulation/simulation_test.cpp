// The whole engine in a world of faults, one run per seed, each run twice.
//
//   ORDERSAGA_SEEDS=A..B   which seeds (default 1..200)
//   ORDERSAGA_SEED=N       one seed only
//   ORDERSAGA_TRACE=1      print everything that happens
#include "tests/simulation/judge.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/support/sim/laws.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace ordersaga::simulation {
namespace {

struct Seeds {
    std::uint64_t first = 1, last = 200;
};

Seeds chosen_seeds() {
    if (const char* one = std::getenv("ORDERSAGA_SEED")) return {std::stoull(one), std::stoull(one)};
    const char* range = std::getenv("ORDERSAGA_SEEDS");
    if (range == nullptr) return {};
    const std::string text = range;
    const std::size_t dots = text.find("..");
    if (dots == std::string::npos) throw std::invalid_argument("ORDERSAGA_SEEDS must be like 1..200, not " + text);
    return {std::stoull(text.substr(0, dots)), std::stoull(text.substr(dots + 2))};
}

struct Result {
    std::vector<std::string> violations;
    std::uint64_t trace_hash = 0;
    std::map<std::string, int> states, incidents, faults;
    std::size_t orders = 0;
};

Result run(std::uint64_t seed, bool print) {
    World world(seed, print);
    const Scenario scenario(world, seed);
    world.run_until(scenario.end());
    Result result;
    result.violations = judge(world);
    result.trace_hash = world.trace().hash();
    for (const auto& [key, saga] : world.store().tables().sagas) {
        ++result.states[saga.state];
        if (saga.incident) ++result.incidents[*saga.incident];
    }
    for (const auto& shop : world.shops())
        result.orders += shop->orders().size();
    result.faults = world.weather().counts();
    for (const auto& [number, step] : world.store().tables().history) {
        world.trace().line(
            runtime::format_rfc3339(step.at) + " " + world.store().tables().sagas.at(step.key).subject + " " +
            step.from_state + " -" + step.event + "-> " + step.to_state + " (" + step.cause + ") " + step.note);
    }
    for (const std::string& violation : result.violations)
        world.trace().line("VIOLATION " + violation);
    return result;
}

class Totals {
public:
    void add(const Result& run) {
        orders_ += run.orders;
        for (const auto& [state, count] : run.states)
            states_[state] += count;
        for (const auto& [cause, count] : run.incidents)
            incidents_[cause] += count;
        for (const auto& [fault, count] : run.faults)
            faults_[fault] += count;
    }
    void print() const {
        std::printf("orders: %zu\n", orders_);
        for (const auto& [state, count] : states_)
            std::printf("  %-24s %d\n", state.c_str(), count);
        for (const auto& [cause, count] : incidents_)
            std::printf("  incident: %s: %d\n", cause.c_str(), count);
        for (const auto& [fault, count] : faults_)
            std::printf("  fault: %s: %d\n", fault.c_str(), count);
    }
    const std::map<std::string, int>& states() const { return states_; }

private:
    std::size_t orders_ = 0;
    std::map<std::string, int> states_, incidents_, faults_;
};

struct Verdict {
    Result first;
    bool repeats = false;
};

// Runs are worlds of their own, so two of them can go on side by side.
std::vector<Verdict> run_all(const Seeds& seeds, bool print) {
    std::vector<Verdict> verdicts(seeds.last - seeds.first + 1);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < verdicts.size(); i = next++) {
            verdicts[i].first = run(seeds.first + i, print);
            verdicts[i].repeats = run(seeds.first + i, false).trace_hash == verdicts[i].first.trace_hash;
        }
    };
    std::vector<std::thread> threads;
    const unsigned cores = print ? 1 : std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < cores; ++i)
        threads.emplace_back(work);
    for (std::thread& thread : threads)
        thread.join();
    return verdicts;
}

// S30: accepted orders were left without their reservation (Saleor #5334): tests/support/sim/laws.cpp counts lines against
// rows.
// S54: orchestrators die at any commit; the laws hold.
TEST(Simulation, EverySeedKeepsTheLawsAndRepeatsItself) {
    const Seeds seeds = chosen_seeds();
    Totals totals;
    std::uint64_t seed = seeds.first;
    for (const Verdict& verdict : run_all(seeds, std::getenv("ORDERSAGA_TRACE") != nullptr)) {
        EXPECT_TRUE(verdict.first.violations.empty()) << "ORDERSAGA_SEED=" << seed << " ORDERSAGA_TRACE=1 shows:\n"
                                                      << sim::joined(verdict.first.violations);
        EXPECT_TRUE(verdict.repeats) << "seed " << seed << " does not repeat itself";
        totals.add(verdict.first);
        ++seed;
    }
    totals.print();
    if (seeds.last - seeds.first < 50) return;
    // A simulation that reaches nothing proves nothing.
    for (const char* state : {"Completed", "Compensated", "OutOfStock"})
        EXPECT_GT(totals.states().count(state), 0U) << state;
}

}  // namespace
}  // namespace ordersaga::simulation
