// The fault profiles: what the sandbox is told to spoil, and when peers go away and programs are killed. Pure.
#pragma once

#include "sandbox/demo/catalogue.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::demo {

struct Mishap {
    enum class Kind { outage, kill };
    double at = 0;  // fraction of the time in which orders are placed
    Kind kind = Kind::outage;
    std::string subject;  // shopify, shipbob; orchestrator, worker, rabbitmq, pg, backup, restore, upgrade, earlier
    double seconds = 0;   // of an outage
};

struct FaultProfile {
    std::string name;
    double orders_per_second = 20;
    double shortest_seconds = 0;          // placing orders takes at least so long, whatever the rate
    double faults_outlast_orders_by = 0;  // seconds: what piled up meanwhile meets them too
    double incident_share_allowed = 0;    // of the orders
    WorldSettings world;
    std::vector<Mishap> mishaps;          // by time
    std::vector<std::string> must_occur;  // names in faults_injected that may not be 0
};

// `name`: none, default, harsh. `kills`: further ones, spread evenly.
FaultProfile fault_profile(const std::string& name, const std::vector<std::string>& kills);

// Bodies of PUT /control/faults.
nlohmann::json faults_on(const std::string& profile);
nlohmann::json faults_off();

// The report's `faults_injected`: the sandbox's summary by kind over all peers, and what we did ourselves.
nlohmann::json count_faults(const nlohmann::json& summary, const std::vector<Mishap>& done);

}  // namespace ordersaga::demo
