// A batch of the engine: from its inputs to its commit, on the tests' store in memory. The store's own time is in it (it is
// made of ordered maps and checks every rule of the schema), and neither PostgreSQL's nor that of rows becoming text.
//
// Time is the processor's. One iteration is a batch of orders through its whole life; the counters are microseconds per order:
// `placed` to Reserved, `stores_told` when the stores have answered, `accepted` and `shipped` by the warehouse, `due` what
// run_due() does between these batches (ChannelsUpdated is decided there), `all` their sum.
#include "bench/micro/must.hpp"
#include "bench/micro/sim_shop.hpp"

#include <benchmark/benchmark.h>
#include <time.h>

#include <array>
#include <memory>
#include <numeric>

namespace ordersaga::bench {

namespace {

// Of this thread alone: nothing here waits, and what else the machine does is not in it.
double processor_seconds() {
    timespec time{};
    must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0, "the thread's clock");
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

enum Phase : std::size_t { placed, stores_told, accepted, shipped, due, phases };

// An engine's work does not depend on how many orders there were before; this store's does, a little.
constexpr std::size_t kMostOrders = 600;

using Spent = std::array<double, phases>;  // seconds

template <class Work>
void timed(Spent& spent, Phase phase, const Work& work) {
    const double start = processor_seconds();
    work();
    spent[phase] += processor_seconds() - start;
}

// So many orders through their plain life, a batch for each step.
Spent live_through(SimShop& shop, int orders) {
    Spent spent{};
    std::vector<engine::Input> inputs = shop.place(orders);
    timed(spent, placed, [&] { shop.run(std::move(inputs), "Reserved"); });
    timed(spent, due, [&] { shop.due(); });
    for (inputs = shop.flush(); !inputs.empty(); inputs = shop.flush()) {
        timed(spent, stores_told, [&] { shop.run(std::move(inputs), ""); });
        timed(spent, due, [&] { shop.due(); });
    }
    inputs = shop.accept();
    must(inputs.size() == static_cast<std::size_t>(orders), "a request for every order");
    timed(spent, accepted, [&] { shop.run(std::move(inputs), "FulfillmentRequested"); });
    timed(spent, due, [&] { shop.due(); });
    inputs = shop.ship();
    timed(spent, shipped, [&] { shop.run(std::move(inputs), "Shipped"); });
    timed(spent, due, [&] { shop.due(); });
    return spent;
}

constexpr std::array<const char*, phases> kNames{"placed", "stores_told", "accepted", "shipped", "due"};

void live(benchmark::State& state) {
    const int orders = static_cast<int>(state.range(0));
    std::unique_ptr<SimShop> shop;
    Spent total{};
    int lived = 0;
    for (auto _ : state) {
        if (!shop || shop->orders() + static_cast<std::size_t>(orders) > kMostOrders)
            shop = std::make_unique<SimShop>();
        const Spent spent = live_through(*shop, orders);
        state.SetIterationTime(std::accumulate(spent.begin(), spent.end(), 0.0));
        for (std::size_t phase = 0; phase < phases; ++phase)
            total[phase] += spent[phase];
        lived += orders;
        must(shop->in_state("Shipped") == shop->orders(), "orders that came to their end");
    }
    for (std::size_t phase = 0; phase < phases; ++phase)
        state.counters[kNames[phase]] = total[phase] * 1e6 / lived;
    state.counters["all"] = std::accumulate(total.begin(), total.end(), 0.0) * 1e6 / lived;
}

BENCHMARK(live)
    ->Name("engine/us_per_order")
    ->ArgName("batch")
    ->Arg(1)
    ->Arg(30)
    ->Arg(300)
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace

}  // namespace ordersaga::bench
