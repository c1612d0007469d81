#include "bench/load/scenarios.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ordersaga::bench {

using nlohmann::json;
using std::chrono::seconds;

json run_latency(const ScenarioOptions& options) {
    Stage stage(options.stage);
    stage.start(say);
    stage.warm_up();
    json rows = json::array();
    const std::vector<double> rates = options.rate > 0 ? std::vector{options.rate} : std::vector<double>{50, 100, 200};
    for (const bool instant : {true, false}) {
        stage.pace_of_peers(instant ? 0 : options.stage.store_ms, instant ? 0 : options.stage.warehouse_ms);
        for (const double rate : rates) {
            stage.keep_rate(rate, 3);
            const auto from = runtime::SystemClock().now();
            stage.keep_rate(rate, options.seconds / 3);
            const auto until = runtime::SystemClock().now();
            stage.drain(seconds(30));
            const Latencies seen = stage.latencies(from, until);
            rows.push_back(
                {{"rate", rate},
                 {"peers",
                  instant ? "instant" : fmt::format("{:.0f}ms", options.stage.store_ms + options.stage.warehouse_ms)},
                 {"answer_ms", spread_of(seen.answered_ms)},
                 {"requested_ms", spread_of(seen.requested_ms)}});
            say(rows.back().dump());
        }
    }
    const std::string laws = laws_of(stage.judge());
    for (json& row : rows)
        row["laws"] = laws;
    return rows;
}

}  // namespace ordersaga::bench
