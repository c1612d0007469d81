// Rows on their way into statements: every value becomes text, every column one array of it. What a batch writes for its
// sagas, their history and their webhooks; `per_row` is the time of one. The other way, a stored document read anew, is
// order_data/parse.
#include "bench/micro/happy_path.hpp"
#include "bench/micro/must.hpp"
#include "bench/micro/order_body.hpp"
#include "db/parameters.hpp"
#include "runtime/json.hpp"

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

namespace ordersaga::bench {

namespace {

constexpr std::size_t kRows = 300;

void count_rows(benchmark::State& state) {
    state.counters["per_row"] = benchmark::Counter(
        static_cast<double>(kRows), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// A document as a column: dumped, escaped, joined.
void write_documents(benchmark::State& state, const nlohmann::json& document) {
    const std::vector<nlohmann::json> rows(kRows, document);
    const auto written = [&] {
        return db::column(rows, [](const nlohmann::json& row) { return runtime::dump_json(row); }).text()->size();
    };
    const std::size_t size = written();
    for (auto _ : state)
        must(written() == size, "the column's text");
    count_rows(state);
    state.counters["bytes_per_row"] = static_cast<double>(size / kRows);
}

void write_sagas(benchmark::State& state) {
    const HappyPath path = happy_path(sagas::OrderSaga(), 1);
    write_documents(state, path.step("FulfillmentAccepted").decision.data);
}

// What the history keeps of a step: the event, and the effects with their payloads.
void write_history(benchmark::State& state) {
    const HappyPath path = happy_path(sagas::OrderSaga(), 1);
    const PathStep& step = path.step("FulfillmentAccepted");
    nlohmann::json details = {{"event", step.event.payload}};
    for (const sagas::Effect& effect : step.decision.effects)
        details["effects"].push_back({{"name", effect.name}, {"payload", effect.payload}});
    write_documents(state, details);
}

void write_bodies(benchmark::State& state) {
    const std::string body = order_body(
        {5'100'000'000'180,
         1042,
         "eu-shirts.myshopify.com",
         "2026-06-01T10:00:05+02:00",
         {{5'100'000'000'181, 46'200'000'000'001, "SHIRT-1", 1}}});
    const std::vector<std::string> rows(kRows, body);
    const auto written = [&] {
        return db::column(rows, [](const std::string& row) { return db::Bytes{row}; }).text()->size();
    };
    const std::size_t size = written();
    must(size > 2 * kRows * body.size(), "two letters for a byte");
    for (auto _ : state)
        must(written() == size, "the column's text");
    count_rows(state);
    state.counters["bytes_per_row"] = static_cast<double>(size / kRows);
}

BENCHMARK(write_sagas)->Name("rows/saga_data");
BENCHMARK(write_history)->Name("rows/history_details");
BENCHMARK(write_bodies)->Name("rows/webhook_body");

}  // namespace

}  // namespace ordersaga::bench
