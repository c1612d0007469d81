// Orders that want several of the same few SKUs, from sixteen senders at once: whoever locks them in another sequence than his
// neighbour waits for him for ever. It claims that nobody does (no deadlock, by PostgreSQL's own count) and tells how many are
// decided and requested a second.
#include "bench/load/scenarios.hpp"

#include <fmt/format.h>

#include <utility>

namespace ordersaga::bench {
namespace {

std::int64_t deadlocks(Stage& stage) {
    std::int64_t count = 0;
    stage.database().transact([&](db::Transaction& transaction) {
        count =
            transaction.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").int64(0, 0);
    });
    return count;
}

}  // namespace

Outcome run_multi_line(const ScenarioOptions& options) {
    StageOptions mixed = options.stage;
    mixed.demand.skus = 10;
    mixed.demand.zipf = 0;
    mixed.demand.lines_min = 2;
    mixed.demand.lines_max = 5;
    Stage stage(mixed);
    prepare(stage);
    const std::size_t orders = or_own<std::size_t>(options.orders, 20'000);
    const Reading before = stage.read();
    const auto from = runtime::SystemClock().now();
    const auto begin = std::chrono::steady_clock::now();
    stage.burst(orders, or_own<std::size_t>(options.at_once, 16));
    const double sent = seconds_since(begin);
    const auto until = runtime::SystemClock().now();
    say(fmt::format("{} webhooks taken in {:.1f} s", orders, sent));
    stage.drain(std::chrono::seconds(600));
    const double drained = seconds_since(begin);
    nlohmann::json figures = costs_between(before, stage.read());
    const Latencies latencies = stage.latencies(from, until);
    figures["orders"] = orders;
    figures["taken_per_s"] = static_cast<double>(orders) / sent;
    figures["orders_per_s"] = static_cast<double>(orders) / drained;
    figures["deadlocks"] = deadlocks(stage);
    figures["answer_ms"] = spread_of(latencies.answered_ms);
    figures["requested_ms"] = spread_of(latencies.requested_ms);
    return judged(stage, std::move(figures));
}

}  // namespace ordersaga::bench
