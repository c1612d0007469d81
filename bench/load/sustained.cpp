// The highest rate that is held: stepped up until the backlog grows (down, where the first is too much), then kept. It claims
// orders a second that reach the warehouse, and what each of them costs.
#include "bench/load/scenarios.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace ordersaga::bench {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr double first_rate = 200, least_rate = 5, growth = 1.3, step_s = 8, step_down = 1.07;

struct Step {
    double requested_per_s = 0;
    bool holds = false;
};

// Held: what is under way at the end is less than what a second brings.
Step step_at(Stage& stage, double rate, double length) {
    stage.keep_rate(rate, 2);  // the queues take their shape
    const std::size_t requested = stage.requested();
    const auto begin = std::chrono::steady_clock::now();
    stage.keep_rate(rate, length);
    const double took = seconds_since(begin);
    Step step;
    const std::size_t after = stage.backlog();
    step.requested_per_s = static_cast<double>(stage.requested() - requested) / took;
    step.holds = static_cast<double>(after) < rate;
    say(fmt::format(
        "{:.0f} orders/s: {:.0f}/s reach the warehouse, {} under way{}", rate, step.requested_per_s, after,
        step.holds ? "" : " - too many"));
    return step;
}

// A rate kept for as long as it takes to claim it.
struct Trial {
    Reading before, after;
    std::size_t backlog_before = 0, backlog_after = 0;
    Latencies latencies;
    bool held = false;
};

Trial try_rate(Stage& stage, double rate, double length) {
    stage.drain(seconds(120));
    stage.keep_rate(rate, 3);
    Trial trial;
    trial.before = stage.read();
    trial.backlog_before = stage.backlog();
    const auto from = runtime::SystemClock().now();
    stage.keep_rate(rate, length);
    const auto until = runtime::SystemClock().now();
    trial.backlog_after = stage.backlog();
    trial.after = stage.read();
    trial.held = static_cast<double>(trial.backlog_after) < rate;
    stage.drain(seconds(300));
    trial.latencies = stage.latencies(from, until);
    return trial;
}

}  // namespace

double find_rate(Stage& stage) {
    double rate = first_rate, held = 0;
    for (; step_at(stage, rate, step_s).holds; rate *= growth)
        held = rate;
    stage.drain(seconds(120));
    while (held == 0) {
        rate /= growth;
        if (rate < least_rate) throw std::runtime_error(fmt::format("not even {:.0f} orders/s are held", least_rate));
        if (step_at(stage, rate, step_s).holds) held = rate;
        stage.drain(seconds(120));
    }
    // Between the last that held and the first that did not.
    for (const double between : {held * 1.15, held * 1.07}) {
        const bool holds = step_at(stage, between, step_s).holds;
        stage.drain(seconds(60));
        if (holds) return between;
    }
    return held;
}

Outcome run_sustained(const ScenarioOptions& options) {
    Stage stage(options.stage);
    prepare(stage, options.finished);
    double rate = options.rate > 0 ? options.rate : find_rate(stage);
    const double length = or_own(options.seconds, 60.0);
    Trial trial = try_rate(stage, rate, length);
    // What is held for seconds may be too much for a minute. A rate that was asked for is measured as it is.
    for (; !trial.held && options.rate == 0 && rate > least_rate; trial = try_rate(stage, rate, length)) {
        say(fmt::format("{:.0f} orders/s: {} under way after {:.0f} s - too many", rate, trial.backlog_after, length));
        rate /= step_down;
    }
    const double took = std::chrono::duration<double>(trial.after.at - trial.before.at).count();
    json figures = costs_between(trial.before, trial.after);
    figures["rate"] = rate;
    figures["orders_per_s"] = static_cast<double>(trial.after.requested - trial.before.requested) / took;
    figures["steps_per_s"] = (trial.after.steps - trial.before.steps) / took;
    figures["messages_per_s"] = (trial.after.messages - trial.before.messages) / took;
    figures["seconds"] = took;
    figures["backlog_before"] = trial.backlog_before;
    figures["backlog_after"] = trial.backlog_after;
    figures["held"] = trial.held;
    figures["answer_ms"] = spread_of(trial.latencies.answered_ms);
    figures["requested_ms"] = spread_of(trial.latencies.requested_ms);
    return judged(stage, std::move(figures));
}

}  // namespace ordersaga::bench
