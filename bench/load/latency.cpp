// How long an order takes at rates that leave the machine time: the webhook's answer, the way to the warehouse, and each step of
// it by the engine's own history.
#include "bench/load/scenarios.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace ordersaga::bench {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// By the state that a step leads to: the time since the step before it.
json steps_of(Stage& stage, runtime::Instant from, runtime::Instant until) {
    std::map<std::string, std::vector<double>> taken;
    stage.database().transact([&](db::Transaction& transaction) {
        const db::Rows rows = transaction.query(
            "SELECT to_state, (extract(epoch FROM at - before) * 1000)::double precision FROM ("
            "  SELECT step.from_state, step.to_state, step.at, "
            "         lag(step.at, 1, saga.created_at) OVER (PARTITION BY step.saga_id ORDER BY step.version) AS "
            "before "
            "    FROM saga_history step JOIN sagas saga USING (merchant_id, saga_id) "
            "   WHERE saga.created_at >= $1 AND saga.created_at < $2) walked WHERE from_state <> to_state",
            {from, until});
        for (std::size_t row = 0; row < rows.size(); ++row)
            taken[rows.text(row, 0)].push_back(rows.real(row, 1));
    });
    json steps = json::object();
    for (const auto& [state, milliseconds] : taken)
        steps[state] = spread_of(milliseconds);
    return steps;
}

}  // namespace

Outcome run_latency(const ScenarioOptions& options) {
    Stage stage(options.stage);
    prepare(stage, options.finished);
    json rows = json::array();
    const std::vector<double> rates = options.rate > 0 ? std::vector{options.rate} : std::vector<double>{50, 100, 200};
    for (const bool instant : {true, false}) {
        stage.pace_of_peers(instant ? 0 : options.stage.store_ms, instant ? 0 : options.stage.warehouse_ms);
        for (const double rate : rates) {
            stage.keep_rate(rate, 3);
            const auto from = runtime::SystemClock().now();
            stage.keep_rate(rate, or_own(options.seconds, 20.0));
            const auto until = runtime::SystemClock().now();
            stage.drain(seconds(60));
            const Latencies seen = stage.latencies(from, until);
            rows.push_back(
                {{"rate", rate},
                 {"peers",
                  instant ? "instant" : fmt::format("{:.0f}ms", options.stage.store_ms + options.stage.warehouse_ms)},
                 {"answer_ms", spread_of(seen.answered_ms)},
                 {"requested_ms", spread_of(seen.requested_ms)},
                 {"steps_ms", steps_of(stage, from, until)}});
            say(rows.back().dump());
        }
    }
    return judged(stage, std::move(rows));
}

}  // namespace ordersaga::bench
