// A flash sale's first minute: webhooks as fast as they are taken, with the whole system at work. It claims that none is lost
// and tells how many were not taken at the first try, and how long it takes from the first webhook until every order has come
// to where it rests.
#include "bench/load/scenarios.hpp"

#include <fmt/format.h>

#include <utility>

namespace ordersaga::bench {

Outcome run_burst(const ScenarioOptions& options) {
    Stage stage(options.stage);
    prepare(stage, options.finished);
    const std::size_t orders = or_own<std::size_t>(options.orders, 100'000);
    const Reading before = stage.read();
    const auto from = runtime::SystemClock().now();
    const auto begin = std::chrono::steady_clock::now();
    stage.burst(orders, or_own<std::size_t>(options.at_once, 256));
    const double sent = seconds_since(begin);
    const auto until = runtime::SystemClock().now();
    const std::size_t backlog = stage.backlog();
    say(fmt::format("{} webhooks taken in {:.1f} s, {} orders under way", orders, sent, backlog));
    const bool drained = stage.drain(std::chrono::seconds(1800));
    const double drain_s = seconds_since(begin);
    nlohmann::json figures = costs_between(before, stage.read());
    const Latencies latencies = stage.latencies(from, until);
    const Verdict verdict = stage.judge();
    figures["orders"] = orders;
    figures["lost"] = verdict.lost;
    figures["refused_at_first"] = refused_at_first(stage.generator());
    figures["taken_s"] = sent;
    figures["backlog_when_taken"] = backlog;
    figures["drained"] = drained;
    figures["drain_s"] = drain_s;
    figures["answer_ms"] = spread_of(latencies.answered_ms);
    figures["requested_ms"] = spread_of(latencies.requested_ms);
    return judged(stage, std::move(figures), verdict);
}

}  // namespace ordersaga::bench
