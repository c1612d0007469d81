// The intake alone: webhooks are taken and decided, and the workers stand still, so that nothing else of an order is done. It
// claims so many a second, each committed before it was answered, and that all of them come to their end once the workers go on.
#include "bench/load/scenarios.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <utility>

namespace ordersaga::bench {

using nlohmann::json;

Outcome run_accept(const ScenarioOptions& options) {
    StageOptions stage_options = options.stage;
    stage_options.channel_wait = "1h";  // or the engine goes on with the first orders while the last ones are taken
    Stage stage(std::move(stage_options));
    prepare(stage);
    stage.signal_workers(SIGSTOP);
    const std::size_t orders = or_own<std::size_t>(options.orders, 60'000);
    const std::size_t at_once = or_own<std::size_t>(options.at_once, 64);
    const auto from = runtime::SystemClock().now();
    const auto begin = std::chrono::steady_clock::now();
    stage.burst(orders, at_once);
    const double took = seconds_since(begin);
    const auto until = runtime::SystemClock().now();
    stage.signal_workers(SIGCONT);
    const std::vector<double> answered = stage.latencies(from, until).answered_ms;
    say(fmt::format("{} webhooks taken in {:.1f} s; the workers go on", orders, took));
    stage.drain(std::chrono::seconds(600));
    return judged(
        stage, {{"per_s", static_cast<double>(orders) / took},
                {"p99_ms", percentile(answered, 0.99)},
                {"answer_ms", spread_of(answered)},
                {"at_once", at_once},
                {"orders", orders},
                {"refused_at_first", refused_at_first(stage.generator())}});
}

}  // namespace ordersaga::bench
