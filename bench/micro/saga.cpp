// The order saga's decisions on the plain path. A decision takes and gives the saga's data as a JSON tree; `order_data` tells
// what of it is that translation, and `decide_stored` adds the text on both ends, as a row has it.
#include "bench/micro/happy_path.hpp"
#include "bench/micro/must.hpp"
#include "runtime/json.hpp"
#include "sagas/order_data.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace ordersaga::bench {

namespace {

const sagas::OrderSaga& definition() {
    static const sagas::OrderSaga saga;
    return saga;
}

const HappyPath& path() {
    static const HappyPath of_one_line = happy_path(definition(), 1);
    return of_one_line;
}

void decide(benchmark::State& state, const char* meaning) {
    const PathStep& step = path().step(meaning);
    for (auto _ : state) {
        const sagas::Decision decision = definition().decide(step.before, step.event, path_begins);
        must(decision.handled && decision.state == step.decision.state, meaning);
    }
}

void decide_stored(benchmark::State& state, const char* meaning) {
    const PathStep& step = path().step(meaning);
    const std::string stored = runtime::dump_json(step.before.data);
    const std::size_t size = runtime::dump_json(step.decision.data).size();
    sagas::SagaSnapshot snapshot = step.before;
    for (auto _ : state) {
        snapshot.data = nlohmann::json::parse(stored, nullptr, false);
        const sagas::Decision decision = definition().decide(snapshot, step.event, path_begins);
        must(decision.handled && runtime::dump_json(decision.data).size() == size, meaning);
    }
    state.counters["data_bytes"] = static_cast<double>(size);
}

// The data of an order that the warehouse has.
const nlohmann::json& kept_data() {
    return path().step("ShipmentReported").before.data;
}

void parse_data(benchmark::State& state) {
    const std::string stored = runtime::dump_json(kept_data());
    for (auto _ : state)
        must(nlohmann::json::parse(stored, nullptr, false).size() == kept_data().size(), "the stored data");
}

void dump_data(benchmark::State& state) {
    const std::size_t size = runtime::dump_json(kept_data()).size();
    for (auto _ : state)
        must(runtime::dump_json(kept_data()).size() == size, "the stored text");
}

void read_data(benchmark::State& state) {
    for (auto _ : state)
        must(sagas::order_data_from_json(kept_data()).fulfillments.size() == 1, "the order's data");
}

void write_data(benchmark::State& state) {
    const sagas::OrderData data = sagas::order_data_from_json(kept_data());
    must(sagas::to_json(data) == kept_data(), "the same data");
    for (auto _ : state)
        must(sagas::to_json(data).size() == kept_data().size(), "the order's data");
}

// What a worker's outcome means to the saga.
void tell_outcome(benchmark::State& state) {
    for (auto _ : state) {
        const sagas::Event event =
            definition().event_of(path().request.activity, path().request.payload, path().accepted, false);
        must(event.name == "FulfillmentAccepted", "the outcome's event");
    }
}

const int registered = [] {
    for (const char* meaning :
         {"OrderPlaced", "StockReserved", "ChannelsUpdated", "FulfillmentAccepted", "ShipmentReported"}) {
        benchmark::RegisterBenchmark((std::string("decide/") + meaning).c_str(), decide, meaning);
        benchmark::RegisterBenchmark((std::string("decide_stored/") + meaning).c_str(), decide_stored, meaning);
    }
    return 0;
}();

BENCHMARK(read_data)->Name("order_data/from_json");
BENCHMARK(write_data)->Name("order_data/to_json");
BENCHMARK(parse_data)->Name("order_data/parse");
BENCHMARK(dump_data)->Name("order_data/dump");
BENCHMARK(tell_outcome)->Name("outcome/event_of");

}  // namespace

}  // namespace ordersaga::bench
