// What the demo was asked for. Immutable after reading.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::demo {

struct Options {
    std::int64_t orders = 200;
    std::int64_t stores = 3;
    std::int64_t orchestrators = 1;
    std::int64_t workers = 1;
    bool notifier = false;  // tells a system of the merchant's, which the sandbox plays
    std::uint64_t seed = 1;
    std::string faults = "default";  // none, default, harsh
    double rate = 0;                 // orders a second; 0: as the profile says
    bool exit = false;               // end after the account instead of staying up
    bool story = false;
    bool run = false;                // only start everything and stay
    bool real_limits = false;        // ShipBob 150 calls a minute, Shopify 100 points a second
    bool real_pace = false;          // duties as often as in production, not as in a demo's short life
    std::vector<std::string> kills;  // further SIGKILLs: orchestrator, worker, rabbitmq, pg; restore; upgrade
    std::map<std::string, std::string> settings;  // environment of the orchestrator, over what the demo gives it
    double patience_seconds = 420;                // for what is under way once the last order is in
    std::filesystem::path report;                 // empty: none
    std::filesystem::path env_file;               // of --run
    std::filesystem::path bin;
    std::filesystem::path earlier_bin;  // the programs of an earlier release, to begin with; empty: those of bin
    std::filesystem::path servers_env;
    std::filesystem::path directory;  // for logs, configuration and secrets; empty: beside the servers
};

enum class OptionsEnd { go_on, shown_help, wrong };

// `wrong`: the fault was printed on standard error.
OptionsEnd read_options(int count, char** words, Options& options);

}  // namespace ordersaga::demo
