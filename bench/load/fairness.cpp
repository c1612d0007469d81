// One store floods while the others go on as before. It tells how much longer the others' orders take; it should be less than
// twice as long.
#include "bench/load/scenarios.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ordersaga::bench {
namespace {

using nlohmann::json;

// Of the orders of the first store or of all others.
Latencies those(Stage& stage, bool first, runtime::Instant from, runtime::Instant until) {
    return stage.latencies(from, until, [first](std::size_t shop) { return (shop == 0) == first; });
}

json told(const Latencies& latencies) {
    return {{"answer_ms", spread_of(latencies.answered_ms)}, {"requested_ms", spread_of(latencies.requested_ms)}};
}

json times(const std::vector<double>& during, const std::vector<double>& before) {
    const auto ratio = [&](double share) {
        return percentile(during, share) / std::max(percentile(before, share), 0.01);
    };
    return {{"p50", ratio(0.5)}, {"p99", ratio(0.99)}};
}

}  // namespace

Outcome run_fairness(const ScenarioOptions& options) {
    Stage stage(options.stage);
    prepare(stage);
    const double flood = or_own(options.rate, 1'000.0), length = or_own(options.seconds, 30.0);
    const double others = flood / 20;
    const auto from = runtime::SystemClock().now();
    stage.generator().buyers().prefer_first_store(0);
    stage.keep_rate(others, length);
    const auto begun = runtime::SystemClock().now();
    say(fmt::format("the others at {:.0f}/s alone; now the first floods with {:.0f}/s", others, flood));
    stage.generator().buyers().prefer_first_store(flood / (flood + others));
    stage.keep_rate(flood + others, length);
    const auto over = runtime::SystemClock().now();
    stage.drain(std::chrono::seconds(1200));
    const Latencies before = those(stage, false, from, begun), during = those(stage, false, begun, over);
    return judged(
        stage, {{"others_per_s", others},
                {"flood_per_s", flood},
                {"others_before", told(before)},
                {"others_during", told(during)},
                {"first_during", told(those(stage, true, begun, over))},
                {"answer_times", times(during.answered_ms, before.answered_ms)},
                {"requested_times", times(during.requested_ms, before.requested_ms)}});
}

}  // namespace ordersaga::bench
