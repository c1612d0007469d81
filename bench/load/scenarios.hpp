// The scenarios of ./dev bench. Each starts a system of its own, loads it, judges it, and gives its figures as JSON; a
// figure counts only where "laws" is "hold".
#pragma once

#include "bench/load/stage.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::bench {

// What is 0 is as the scenario has it.
struct ScenarioOptions {
    StageOptions stage;
    double rate = 0;         // orders a second
    double seconds = 0;      // of the window that is measured
    std::size_t orders = 0;  // where a number of them is sent, not a rate
    std::size_t at_once = 0;
    std::int64_t open = 100'000, finished = 0;  // sagas that lie there before anything is measured
    std::int64_t calls_per_minute = 0;
};

template <class Value>
Value or_own(Value given, Value own) {
    return given > 0 ? given : own;
}

struct Outcome {
    nlohmann::json figures;  // an object, or a list of them, each with its "laws"
    nlohmann::json servers, load;
};

struct Scenario {
    const char* name;
    const char* what;
    int runs;  // where nobody says how many
    Outcome (*run)(const ScenarioOptions& options);
};

const std::vector<Scenario>& scenarios();

Outcome run_sustained(const ScenarioOptions& options);
Outcome run_latency(const ScenarioOptions& options);
Outcome run_accept(const ScenarioOptions& options);
Outcome run_burst(const ScenarioOptions& options);
Outcome run_hot_sku(const ScenarioOptions& options);
Outcome run_multi_line(const ScenarioOptions& options);
Outcome run_outage(const ScenarioOptions& options);
Outcome run_idle(const ScenarioOptions& options);
Outcome run_list(const ScenarioOptions& options);
Outcome run_overload(const ScenarioOptions& options);
Outcome run_fairness(const ScenarioOptions& options);

// --- what they share -------------------------------------------------------------------------------------------------

// A line of its own on standard error, with the time since the start.
void say(const std::string& text);

// The end of every scenario: judges, and adds the verdict to the figures (to each row of a list), as "laws", "hold" or what is
// broken.
Outcome judged(Stage& stage, nlohmann::json figures);
// The same with a verdict that was asked for before.
Outcome judged(Stage& stage, nlohmann::json figures, const Verdict& verdict);

// Starts and warms up. With `finished`, it completes what was ordered and adds that many copies of it, spread over two months, for
// a database that has lived; then nobody may cancel (demand.cancelled): a cancel that comes after everything was shipped is a law
// broken.
void prepare(Stage& stage, std::int64_t finished = 0);

// The highest rate that is held without a growing backlog.
double find_rate(Stage& stage);

// Per 1,000 orders and per order, from one reading to a later one.
nlohmann::json costs_between(const Reading& before, const Reading& after);

nlohmann::json spread_of(const std::vector<double>& milliseconds);  // p50, p99, max

// Of the webhooks of orders: how many were not taken at the first try.
std::size_t refused_at_first(const Generator& generator);

double seconds_since(std::chrono::steady_clock::time_point begin);

}  // namespace ordersaga::bench
