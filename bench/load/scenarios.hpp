// The scenarios of ./dev bench. Each starts a system of its own, loads it, judges it, and gives its figures as JSON; a
// figure counts only where "laws" is "hold".
#pragma once

#include "bench/load/stage.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace ordersaga::bench {

struct ScenarioOptions {
    StageOptions stage;
    double rate = 0;      // orders a second; 0: as the scenario finds or has it
    double seconds = 60;  // of the window that is measured
};

struct Scenario {
    const char* name;
    const char* what;
    nlohmann::json (*run)(const ScenarioOptions& options);
};

const std::vector<Scenario>& scenarios();

nlohmann::json run_sustained(const ScenarioOptions& options);
nlohmann::json run_latency(const ScenarioOptions& options);

// A line of its own on standard error, with the time since the start.
void say(const std::string& text);

// "hold", or what is broken.
std::string laws_of(const Verdict& verdict);

// Per 1,000 orders and per order, from one reading to a later one.
nlohmann::json costs_between(const Reading& before, const Reading& after);

nlohmann::json spread_of(const std::vector<double>& milliseconds);  // p50, p99, max

}  // namespace ordersaga::bench
