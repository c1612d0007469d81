#include "sandbox/demo/fault_plan.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::demo {
namespace {

using nlohmann::json;

json off() {
    json calls = json::object();
    json webhooks = json::object();
    for (const char* peer : {"shopify", "shipbob"}) {
        calls[peer] = json::object();
        webhooks[peer] = json::object();
    }
    return {{"calls", std::move(calls)}, {"webhooks", std::move(webhooks)}};
}

// 5xx half before and half after the effect: the caller cannot tell.
json spoiled_calls(double throttled, double server_errors, double timeouts, double others) {
    return {
        {"throttled", throttled},
        {"error_before", server_errors / 2},
        {"error_after", server_errors / 2},
        {"timeout_after", timeouts},
        {"reset_before", others},
        {"reset_after", others},
        {"slow", others},
        {"garbage", others},
        {"hold_for_ms", 15'000}};
}

const std::vector<std::string> webhook_kinds{"webhooks_duplicated", "webhooks_reordered", "webhooks_dropped"};
const std::vector<std::string> call_kinds{"calls_throttled", "calls_5xx", "calls_applied_then_timeout"};

void add_harsh_mishaps(FaultProfile& profile) {
    using Kind = Mishap::Kind;
    profile.mishaps = {
        {0.08, Kind::outage, "shipbob", 5}, {0.22, Kind::kill, "worker", 0},    {0.32, Kind::outage, "shopify", 5},
        {0.46, Kind::kill, "rabbitmq", 0},  {0.62, Kind::outage, "shipbob", 5}, {0.74, Kind::kill, "orchestrator", 0},
        {0.88, Kind::outage, "shopify", 5},
    };
}

std::int64_t sum_over_peers(const json& faults, const std::vector<std::string>& kinds) {
    std::int64_t sum = 0;
    for (const auto& [peer, counts] : faults.items()) {
        for (const std::string& kind : kinds)
            sum += counts.value(kind, std::int64_t{0});
    }
    return sum;
}

}  // namespace

FaultProfile fault_profile(const std::string& name, const std::vector<std::string>& kills) {
    FaultProfile profile;
    profile.name = name;
    profile.world.pick_after_ms = 4'000;
    profile.world.split_fraction = 0.1;
    if (name == "default") {
        profile.world.pick_after_ms = 6'000;
        profile.must_occur = {"webhooks_duplicated", "webhooks_reordered"};
    } else if (name == "harsh") {
        profile.orders_per_second = 20;
        profile.shortest_seconds = 45;
        profile.faults_outlast_orders_by = 20;
        profile.incident_share_allowed = 0.01;
        profile.world.pick_after_ms = 10'000;
        profile.world.token_lifetime_s = 60;
        add_harsh_mishaps(profile);
        profile.must_occur = webhook_kinds;
        profile.must_occur.insert(profile.must_occur.end(), call_kinds.begin(), call_kinds.end());
        for (const char* kind :
             {"outages_shopify", "outages_shipbob", "kills_orchestrator", "kills_worker", "kills_rabbitmq"}) {
            profile.must_occur.emplace_back(kind);
        }
    }
    for (std::size_t index = 0; index < kills.size(); ++index) {
        const double at = static_cast<double>(index + 1) / static_cast<double>(kills.size() + 1);
        profile.mishaps.push_back({at, Mishap::Kind::kill, kills[index], 0});
        if (kills[index] == "restore") {
            profile.mishaps.push_back({at / 2, Mishap::Kind::kill, "backup", 0});
            // Between the two somebody may change an order that the warehouse had: that is for a person to look at.
            profile.incident_share_allowed = std::max(profile.incident_share_allowed, 0.1);
        }
        if (kills[index] == "upgrade") {
            // Both releases side by side for the last orders; what was placed until then is open still.
            profile.mishaps.back().at = 0.9;
            profile.mishaps.push_back({0.99, Mishap::Kind::kill, "earlier", 0});
            profile.world.pick_after_ms = 60'000;
        }
        profile.must_occur.push_back("kills_" + kills[index]);
        profile.shortest_seconds = std::max(profile.shortest_seconds, 10.0);
    }
    std::stable_sort(profile.mishaps.begin(), profile.mishaps.end(), [](const Mishap& left, const Mishap& right) {
        return left.at < right.at;
    });
    return profile;
}

json faults_on(const std::string& profile) {
    json faults = off();
    if (profile == "default") {
        for (const char* peer : {"shopify", "shipbob"}) {
            faults["calls"][peer] = spoiled_calls(0.03, 0.02, 0.01, 0.0025);
            faults["webhooks"][peer] = {{"duplicated", 0.1}, {"reordered", 0.05}, {"dropped", 0.01}};
        }
    } else if (profile == "harsh") {
        for (const char* peer : {"shopify", "shipbob"}) {
            faults["calls"][peer] = spoiled_calls(0.10, 0.05, 0.03, 0.01);
            faults["webhooks"][peer] = {{"duplicated", 0.2}, {"reordered", 0.1}, {"dropped", 0.05}};
        }
    }
    return faults;
}

json faults_off() {
    return off();
}

json count_faults(const json& summary, const std::vector<Mishap>& done) {
    const json faults = summary.value("faults", json::object());
    json counted = {
        {"calls_throttled", sum_over_peers(faults, {"throttled"})},
        {"calls_5xx", sum_over_peers(faults, {"error_before", "error_after"})},
        {"calls_applied_then_timeout", sum_over_peers(faults, {"timeout_after"})},
        {"calls_reset", sum_over_peers(faults, {"reset_before", "reset_after"})},
        {"calls_slow", sum_over_peers(faults, {"slow"})},
        {"calls_garbage", sum_over_peers(faults, {"garbage"})},
        {"calls_in_outage", sum_over_peers(faults, {"outage"})},
    };
    for (const char* kind : {"duplicated", "reordered", "dropped"}) {
        std::int64_t sum = 0;
        for (const char* peer : {"shopify", "shipbob"})
            sum += summary.at("webhooks").at(peer).value(kind, std::int64_t{0});
        counted[std::string("webhooks_") + kind] = sum;
    }
    for (const Mishap& mishap : done) {
        const std::string kind = (mishap.kind == Mishap::Kind::outage ? "outages_" : "kills_") + mishap.subject;
        counted[kind] = counted.value(kind, std::int64_t{0}) + 1;
    }
    return counted;
}

}  // namespace ordersaga::demo
