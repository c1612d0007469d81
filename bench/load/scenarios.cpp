#include "bench/load/scenarios.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>

namespace ordersaga::bench {

using nlohmann::json;

void say(const std::string& text) {
    static const auto begin = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::cerr << fmt::format("[{:6.1f} s] {}", seconds, text) << std::endl;
}

std::string laws_of(const Verdict& verdict) {
    if (verdict.broken.empty()) return "hold";
    std::string text;
    for (std::size_t n = 0; n < std::min<std::size_t>(verdict.broken.size(), 5); ++n)
        text += (text.empty() ? "" : "; ") + verdict.broken[n];
    return "BROKEN: " + text;
}

namespace {

double rounded(double value, double steps) {
    return std::round(value * steps) / steps;
}

}  // namespace

json costs_between(const Reading& before, const Reading& after) {
    const auto orders = static_cast<double>(std::max<std::size_t>(1, after.requested - before.requested));
    json cpu = json::object(), rss = json::object();
    double total = 0;
    for (const auto& [name, seconds] : difference(after.cost.cpu_s, before.cost.cpu_s)) {
        cpu[name] = rounded(seconds * 1000 / orders, 1000);
        if (name != "sandbox" && name != "generator") total += seconds * 1000 / orders;
    }
    for (const auto& [name, mebibytes] : after.cost.peak_rss_mib)
        rss[name] = rounded(mebibytes, 10);
    return {
        {"cpu_s_per_1000", std::move(cpu)},
        {"cpu_s_per_1000_without_sandbox_and_generator", rounded(total, 1000)},
        {"wal_bytes_per_order", std::round((after.wal_bytes - before.wal_bytes) / orders)},
        {"rows_per_order", rounded((after.rows - before.rows) / orders, 100)},
        {"transactions_per_order", rounded((after.transactions - before.transactions) / orders, 1000)},
        {"messages_per_order", rounded((after.messages - before.messages) / orders, 100)},
        {"rss_mib", std::move(rss)}};
}

json spread_of(const std::vector<double>& milliseconds) {
    return {
        {"p50", rounded(percentile(milliseconds, 0.5), 100)},
        {"p99", rounded(percentile(milliseconds, 0.99), 100)},
        {"max", rounded(percentile(milliseconds, 1), 100)},
        {"count", milliseconds.size()}};
}

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all{
        {"sustained", "the highest rate that is held without a growing backlog", run_sustained},
        {"latency", "50, 100 and 200 orders a second, with instant peers and with 25 ms of them", run_latency},
    };
    return all;
}

}  // namespace ordersaga::bench
