// One SKU in twenty stores, ten orders for each unit, the shops selling beyond what they show. It claims that exactly the units
// there are were granted: none oversold, none leaked (left over while somebody was refused). Tells how many orders are decided
// a second, and how many calls told the stores of it.
#include "bench/load/scenarios.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ordersaga::bench {
namespace {

using nlohmann::json;

struct Decided {
    std::int64_t granted = 0, refused = 0;
    double seconds = 0;
};

// By the history: the first decision of each order, whatever became of it.
Decided decisions(Stage& stage) {
    Decided decided;
    stage.database().transact([&](db::Transaction& transaction) {
        const db::Rows rows = transaction.query(
            "SELECT count(*) FILTER (WHERE event = 'StockReserved'), count(*) FILTER (WHERE event = 'StockShort'), "
            "coalesce(extract(epoch FROM max(at) - min(at)), 0)::double precision FROM saga_history "
            "WHERE event IN ('StockReserved', 'StockShort')");
        decided = {rows.int64(0, 0), rows.int64(0, 1), rows.real(0, 2)};
    });
    return decided;
}

}  // namespace

Outcome run_hot_sku(const ScenarioOptions& options) {
    StageOptions hot = options.stage;
    const std::size_t orders = or_own<std::size_t>(options.orders, 100'000);
    hot.demand.stores = 20;
    hot.demand.skus = 1;
    hot.demand.second_line = 0;
    hot.demand.cancelled = 0;  // what is given back is granted again, and nobody could say how many should have been
    hot.demand.oversell = true;
    hot.scarce = true;
    hot.units = static_cast<std::int64_t>(orders / 10);
    Stage stage(hot);
    stage.start(say);
    const std::size_t at_once = or_own<std::size_t>(options.at_once, 256);
    // The first of them are the warm-up: others would sell the units.
    stage.burst(orders / 20, at_once);
    stage.database().autocommit("ANALYZE");
    stage.burst(orders - orders / 20, at_once);
    say(fmt::format("{} webhooks taken", orders));
    stage.drain(std::chrono::seconds(1800));
    const Decided decided = decisions(stage);
    const Verdict verdict = stage.judge();
    const json effects = stage.system().control("/control/summary").at("effects");
    const auto store_calls = effects.at("store_calls").get<std::int64_t>();
    const double without = static_cast<double>(orders) * static_cast<double>(hot.demand.stores);
    return judged(
        stage,
        {{"orders", orders},
         {"units", hot.units},
         {"decisions_per_s", static_cast<double>(decided.granted + decided.refused) / std::max(decided.seconds, 0.001)},
         {"granted", decided.granted},
         {"refused", decided.refused},
         {"oversold", verdict.oversold + std::max<std::int64_t>(0, decided.granted - hot.units)},
         {"leaked", std::max<std::int64_t>(0, hot.units - decided.granted)},
         {"lost", verdict.lost},
         {"store_calls", store_calls},
         {"store_calls_saved_times", without / static_cast<double>(std::max<std::int64_t>(1, store_calls))}},
        verdict);
}

}  // namespace ordersaga::bench
