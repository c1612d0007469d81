#include "bench/load/scenarios.hpp"

#include "bench/load/seed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

namespace ordersaga::bench {

using nlohmann::json;

void say(const std::string& text) {
    static const auto begin = std::chrono::steady_clock::now();
    std::cerr << fmt::format("[{:6.1f} s] {}", seconds_since(begin), text) << std::endl;
}

namespace {

double rounded(double value, double steps) {
    return std::round(value * steps) / steps;
}

std::string laws_of(const Verdict& verdict) {
    if (verdict.broken.empty()) return "hold";
    std::string text;
    for (std::size_t n = 0; n < std::min<std::size_t>(verdict.broken.size(), 5); ++n)
        text += (text.empty() ? "" : "; ") + verdict.broken[n];
    return "BROKEN: " + text;
}

// Warehouse and stores have done with every order there is.
void finish_orders(Stage& stage) {
    for (const char* deed : {"pick", "ship", "deliver"})
        stage.system().control("POST", "/control/warehouses/main/" + std::string(deed), json::object());
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    for (std::int64_t open = 1; open > 0;) {
        if (std::chrono::steady_clock::now() >= limit)
            throw std::runtime_error(fmt::format("{} orders are not completed", open));
        stage.pass(std::chrono::milliseconds(200));
        stage.database().transact([&](db::Transaction& transaction) {
            open = transaction.query("SELECT count(*) FROM sagas WHERE NOT final").int64(0, 0);
        });
    }
}

}  // namespace

void prepare(Stage& stage, std::int64_t finished) {
    stage.start(say);
    stage.warm_up();
    if (finished == 0) return;
    finish_orders(stage);
    seed_sagas(stage.database(), "Completed", finished, 60, say);
    stage.keep_rate(20, 3);
    stage.drain(std::chrono::seconds(60));
}

Outcome judged(Stage& stage, json figures) {
    return judged(stage, std::move(figures), stage.judge());
}

Outcome judged(Stage& stage, json figures, const Verdict& verdict) {
    if (figures.is_array()) {
        for (json& row : figures)
            row["laws"] = laws_of(verdict);
    } else {
        figures["laws"] = laws_of(verdict);
    }
    return {std::move(figures), stage.servers(), stage.load()};
}

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
        {"steps_per_order", rounded((after.steps - before.steps) / orders, 100)},
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

std::size_t refused_at_first(const Generator& generator) {
    return static_cast<std::size_t>(std::count_if(
        generator.sent().begin(), generator.sent().end(),
        [](const Sent& sent) { return sent.what == Sent::What::order && sent.status / 100 != 2; }));
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all{
        {"sustained", "the highest rate that is held without a growing backlog", 3, run_sustained},
        {"latency", "50, 100 and 200 orders a second, with instant peers and with 25 ms of them", 3, run_latency},
        {"accept", "the intake alone: webhooks into a system whose workers stand still", 3, run_accept},
        {"burst", "webhooks as fast as they are taken", 1, run_burst},
        {"hot-sku", "20 stores sell one SKU, ten orders for each unit", 1, run_hot_sku},
        {"multi-line", "orders of two to five lines over 10 SKUs, from 16 senders", 3, run_multi_line},
        {"outage", "the warehouse is away, and allows only so many calls a minute when it is back", 1, run_outage},
        {"idle", "nothing is ordered, and many sagas are open", 1, run_idle},
        {"list", "lists, filters and counters over many finished and open sagas", 1, run_list},
        {"overload", "three times the rate that is held, then half of it", 1, run_overload},
        {"fairness", "one store floods: what the others feel of it", 3, run_fairness},
    };
    return all;
}

}  // namespace ordersaga::bench
