// The warehouse is away for two minutes while orders go on coming, and then allows so many calls a minute. It claims that every
// order was taken meanwhile and reached the warehouse once afterwards, within its limit, and tells how long that took.
#include "bench/load/scenarios.hpp"

#include <fmt/format.h>

#include <utility>

namespace ordersaga::bench {

using nlohmann::json;

Outcome run_outage(const ScenarioOptions& options) {
    const double rate = or_own(options.rate, 100.0);
    const double away = or_own(options.seconds, 120.0);
    StageOptions limited = options.stage;
    // Twice what comes in: what has waited is drained at the other half.
    limited.warehouse_calls_per_minute =
        or_own(options.calls_per_minute, static_cast<std::int64_t>(std::max(rate, 1.0) * 2 * 60));
    Stage stage(limited);
    prepare(stage);
    const std::size_t requested = stage.requested();
    const auto from = runtime::SystemClock().now();
    stage.system().control(
        "POST", "/control/outages",
        {{"peer", "shipbob"}, {"seconds", static_cast<std::int64_t>(away)}, {"mode", "503"}});
    stage.keep_rate(rate, away);
    const auto back = std::chrono::steady_clock::now();
    const std::size_t meanwhile = stage.requested() - requested;
    const std::size_t backlog = stage.backlog();
    say(fmt::format("the warehouse is back, {} orders wait for it", backlog));
    const bool drained = stage.drain(std::chrono::seconds(3600));
    const double drain_s = seconds_since(back);
    const Latencies latencies = stage.latencies(from, runtime::SystemClock().now());
    const Verdict verdict = stage.judge();
    const json summary = stage.system().control("/control/summary");
    return judged(
        stage,
        {{"rate", rate},
         {"away_s", away},
         {"calls_per_minute", limited.warehouse_calls_per_minute},
         {"requested_meanwhile", meanwhile},
         {"backlog_when_back", backlog},
         {"drained", drained},
         {"drain_s", drain_s},
         {"refused_at_first", refused_at_first(stage.generator())},
         {"lost", verdict.lost},
         {"sent_twice", verdict.doubled},
         {"answer_ms", spread_of(latencies.answered_ms)}},
        verdict);
}

}  // namespace ordersaga::bench
