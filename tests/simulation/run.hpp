// One run from options to verdict, and the search for the smallest options that still fail.
#pragma once

#include "tests/simulation/scenario.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::simulation {

struct Result {
    std::vector<std::string> violations;
    std::uint64_t trace_hash = 0;
    std::string drawn;  // what the scenario made of the seed
    int events = 0;
    std::size_t orders = 0, shops = 0, engines = 0, workers = 0;
    Duration virtual_time{};
    std::array<int, fault_count> faults{};
    std::vector<int> rows;  // how often each row of the saga's table was taken
    std::map<std::string, int> states, incidents, boundaries;
};

Result run(const Options& options, bool print = false, const World::MakeGround& make_ground = {});

// The trace of the same options once more. What `run` has looked at is not looked at again.
std::uint64_t trace_hash_of(const Options& options);

// Takes fault kinds and events away, many at once and then one by one, as long as what is left breaks the same law.
// `tell` hears of every success.
Options shrink(const Options& failing, const Result& result, const std::function<void(const Options&)>& tell);

// "L6" of "L6 one fulfilment: ...".
std::string law_of(const Result& result);

}  // namespace ordersaga::simulation
