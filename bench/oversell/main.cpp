// bench_oversell: how many orders a second can be decided without selling a unit twice, by several ways to do so.
//
//   bench_oversell [--seconds N] [--rounds N] [--connections N] [--batch N] [--round-trip MS]
//
// For each demand and way: orders decided a second (the median of the rounds, which take turns, so that a busy minute of
// the machine hits all alike), its ratio to the row lock, and transactions done again per 100 orders. Then the race:
// 100 units, four times as many orders; what was promised beyond the units, and what was refused although there was some.
#include "bench/oversell/rules.hpp"
#include "bench/surroundings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <thread>

namespace ordersaga::bench {

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
    int seconds = 3;
    int rounds = 5;
    int connections = 16;
    int batch = 300;  // the engine's default batch_limit
    int round_trip = 50;
};

constexpr std::int64_t race_units = 100;
constexpr std::int64_t race_orders = 400;
constexpr const char* yardstick = "row lock (FOR UPDATE)";

struct Result {
    Tally tally;
    double per_second = 0;
};

using Connections = std::vector<std::unique_ptr<db::Connection>>;

// Orders by as many connections as the rule takes, until `enough` says so.
template <class Enough>
Result run(
    const Connections& connections,
    const NamedRule& rule,
    const Demand& demand,
    const Settings& settings,
    Warehouse& warehouse,
    const Enough& enough) {
    static std::atomic<std::int64_t> next_order{1};
    const int workers = rule.batches ? 1 : settings.connections;
    const std::size_t at_a_time = rule.batches ? static_cast<std::size_t>(settings.batch) : 1;
    std::vector<Tally> tallies(static_cast<std::size_t>(workers));
    std::vector<std::thread> threads;
    const Clock::time_point start = Clock::now();
    for (int worker = 0; worker < workers; ++worker) {
        threads.emplace_back([&, worker] {
            const auto place = static_cast<std::size_t>(worker);
            OrderSource source(demand, static_cast<std::uint32_t>(worker + 1), next_order);
            std::vector<Order> orders;
            while (!enough()) {
                orders.clear();
                while (orders.size() < at_a_time)
                    orders.push_back(source.next());
                rule.decide(*connections[place], orders, warehouse, tallies[place]);
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    Result result;
    for (const Tally& tally : tallies) {
        result.tally.decided += tally.decided;
        result.tally.granted += tally.granted;
        result.tally.repeated += tally.repeated;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    result.per_second = static_cast<double>(result.tally.decided) / seconds;
    return result;
}

Result rate_of(
    Shop& shop,
    const Connections& connections,
    const NamedRule& rule,
    const Demand& demand,
    const Settings& settings) {
    constexpr std::int64_t plenty = 1'000'000'000'000;
    shop.restock(demand.skus, plenty);
    Warehouse warehouse;
    warehouse.round_trip = std::chrono::milliseconds(settings.round_trip);
    warehouse.units = plenty;
    const Clock::time_point end = Clock::now() + std::chrono::seconds(settings.seconds);
    return run(connections, rule, demand, settings, warehouse, [end] { return Clock::now() >= end; });
}

// Promised units of a SKU of which there are a hundred.
std::int64_t race(Shop& shop, const Connections& connections, const NamedRule& rule, const Settings& settings) {
    const Demand demand{"race", 1, 1};
    shop.restock(1, race_units);
    Warehouse warehouse;
    warehouse.round_trip = std::chrono::milliseconds(settings.round_trip);
    warehouse.units = race_units;
    std::atomic<std::int64_t> begun{0};
    const std::int64_t step = rule.batches ? settings.batch : 1;
    run(connections, rule, demand, settings, warehouse, [&] { return begun.fetch_add(step) >= race_orders; });
    return shop.granted();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print_rates(Shop& shop, const Connections& connections, const Demand& demand, const Settings& settings) {
    std::map<std::string, std::vector<double>> rates;
    std::map<std::string, Tally> sums;
    for (int round = 0; round < settings.rounds; ++round) {
        for (const NamedRule& rule : rules()) {
            const Result result = rate_of(shop, connections, rule, demand, settings);
            rates[rule.name].push_back(result.per_second);
            sums[rule.name].decided += result.tally.decided;
            sums[rule.name].repeated += result.tally.repeated;
        }
    }
    std::printf("\n%s\n", demand.name.c_str());
    std::printf("  %-26s %12s %8s %22s\n", "way", "orders/s", "ratio", "repeats per 100 orders");
    const double base = std::max(1.0, median(rates[yardstick]));
    for (const NamedRule& rule : rules()) {
        const double rate = median(rates[rule.name]);
        const Tally& sum = sums[rule.name];
        std::printf(
            "  %-26s %12.0f %8.2f %22.1f\n", rule.name, rate, rate / base,
            100.0 * static_cast<double>(sum.repeated) / static_cast<double>(std::max<std::int64_t>(1, sum.decided)));
        std::fflush(stdout);
    }
}

// Exit code 1 when a way that must hold has oversold, or refused what it had.
int print_race(Shop& shop, const Connections& connections, const Settings& settings) {
    int broken = 0;
    std::printf(
        "\nthe race: %lld units, %lld orders\n", static_cast<long long>(race_units),
        static_cast<long long>(race_orders));
    std::printf("  %-26s %12s %18s\n", "way", "oversold", "refused in vain");
    for (const NamedRule& rule : rules()) {
        const std::int64_t granted = race(shop, connections, rule, settings);
        const std::int64_t oversold = std::max<std::int64_t>(0, granted - race_units);
        const std::int64_t in_vain = std::max<std::int64_t>(0, race_units - granted);
        std::printf(
            "  %-26s %12lld %18lld\n", rule.name, static_cast<long long>(oversold), static_cast<long long>(in_vain));
        if (!rule.may_oversell && (oversold > 0 || in_vain > 0)) broken = 1;
    }
    return broken;
}

bool read_settings(int argc, char** argv, Settings& settings) {
    const std::pair<const char*, int*> options[] = {
        {"--seconds", &settings.seconds},
        {"--rounds", &settings.rounds},
        {"--connections", &settings.connections},
        {"--batch", &settings.batch},
        {"--round-trip", &settings.round_trip}};
    for (int place = 1; place < argc; place += 2) {
        const std::string name = argv[place];
        const auto option = std::find_if(
            std::begin(options), std::end(options), [&](const auto& known) { return name == known.first; });
        if (option == std::end(options) || place + 1 == argc) return false;
        const std::string value = argv[place + 1];
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), *option->second);
        if (error != std::errc{} || end != value.data() + value.size() || *option->second < 1) return false;
    }
    return true;
}

int measure(const Settings& settings, const char* admin_dsn) {
    Shop shop(admin_dsn);
    const std::unique_ptr<db::Connection> asked = shop.connect();
    // Made once: on a busy machine connecting takes longer than a round.
    Connections connections;
    for (int worker = 0; worker < settings.connections; ++worker)
        connections.push_back(shop.connect());
    std::printf(
        "%s, %u processors, load %s\nPostgreSQL %s, fsync %s, synchronous_commit %s\n"
        "%d connections (batches: one, up to %d orders), %d rounds of %d s, round trip to the warehouse %d ms\n",
        processor().c_str(), std::thread::hardware_concurrency(), load_average().c_str(),
        setting_of(*asked, "server_version").c_str(), setting_of(*asked, "fsync").c_str(),
        setting_of(*asked, "synchronous_commit").c_str(), settings.connections, settings.batch, settings.rounds,
        settings.seconds, settings.round_trip);
    std::fflush(stdout);
    const std::array demands{
        Demand{"one hot SKU, one line", 1, 1}, Demand{"two lines out of 10 SKUs", 10, 2},
        Demand{"two lines out of 1000 SKUs", 1000, 2}};
    for (const Demand& demand : demands)
        print_rates(shop, connections, demand, settings);
    const int code = print_race(shop, connections, settings);
    std::printf("\nload at the end %s\n", load_average().c_str());
    return code;
}

}  // namespace

}  // namespace ordersaga::bench

int main(int argc, char** argv) {
    ordersaga::bench::Settings settings;
    if (!ordersaga::bench::read_settings(argc, argv, settings)) {
        std::cerr
            << "usage: bench_oversell [--seconds N] [--rounds N] [--connections N] [--batch N] [--round-trip MS]\n";
        return 2;
    }
    const char* admin_dsn = std::getenv("ORDERSAGA_ADMIN_DSN");
    if (admin_dsn == nullptr) {
        std::cerr << "ORDERSAGA_ADMIN_DSN is not set: run ./dev bench, which starts a server\n";
        return 2;
    }
    try {
        return ordersaga::bench::measure(settings, admin_dsn);
    } catch (const std::exception& error) {
        std::cerr << "bench_oversell: " << error.what() << '\n';
        return 1;
    }
}
