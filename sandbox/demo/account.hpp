// The demo's account: the report as JSON, the verdict on it, and the page for people. Pure.
#pragma once

#include "sandbox/demo/fault_plan.hpp"
#include "sandbox/demo/witness.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::demo {

struct OpenIncident {
    std::string order;
    std::string reason;
};

struct Account {
    std::uint64_t seed = 0;
    std::int64_t stores = 0;
    std::string faults;
    std::int64_t submitted = 0;          // orders taken by stores
    std::int64_t refused_by_stores = 0;  // out of stock in the store itself: nothing was sold
    std::int64_t accepted = 0;           // of the submitted ones, those that have a saga
    std::map<std::string, std::int64_t> final_states;
    std::vector<std::string> unsettled;  // "blue #1001 in Shipped": neither final nor an incident
    std::vector<OpenIncident> incidents;
    std::int64_t parked_items = 0;  // inputs that could not be applied; nothing odd is sent here
    nlohmann::json faults_injected = nlohmann::json::object();
    std::map<std::string, bool> laws;
    std::vector<std::string> law_findings;
    nlohmann::json summary = nlohmann::json::object();  // GET /control/summary
    Judgement judgement;
    double accept_p50 = 0, accept_p99 = 0, requested_p50 = 0, requested_p99 = 0;
    double seconds = 0;
    std::vector<std::string> crashes;  // programs that ended without having been told
};

// Why the run is not a success; empty: it is. By the rules of docs/demo.md.
std::vector<std::string> failures_of(const Account& account, const FaultProfile& profile);

nlohmann::json report_of(const Account& account, const FaultProfile& profile);

// Several lines, the last one ends with a line end.
std::string text_of(const Account& account, const FaultProfile& profile);

// What `sagactl verify --json` printed, into `laws` and `law_findings`. False: not understood.
bool read_laws(const std::string& output, Account& account);

}  // namespace ordersaga::demo
