// bench_limits: what the bare servers do here, to be put beside what the system makes of them.
//
//   bench_limits [--seconds N] [--json FILE]
//
// The servers are those of ORDERSAGA_ADMIN_DSN and ORDERSAGA_AMQP_URL. Exit 1 when they fail or are not durable, 2 on wrong
// arguments.
#include "bench/limits/bare_database.hpp"
#include "bench/limits/bare_queue.hpp"
#include "bench/limits/limits.hpp"
#include "bench/surroundings.hpp"
#include "db/connection.hpp"
#include "runtime/log.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

namespace ordersaga::bench {

namespace {

struct Settings {
    int seconds = 10;
    std::string json_file;
};

bool read_settings(int argc, char** argv, Settings& settings) {
    for (int place = 1; place < argc; place += 2) {
        const std::string name = argv[place];
        if (place + 1 == argc) return false;
        const std::string value = argv[place + 1];
        if (name == "--json") {
            settings.json_file = value;
            continue;
        }
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), settings.seconds);
        if (name != "--seconds" || error != std::errc{} || end != value.data() + value.size() || settings.seconds < 1)
            return false;
    }
    return true;
}

int measure(const Settings& settings, const char* admin_dsn, const char* amqp_url) {
    db::Connection connection({admin_dsn, "bench"});
    nlohmann::json report;
    for (const char* name :
         {"server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size"})
        report["settings"][name] = setting_of(connection, name);
    report["settings"]["queue_type"] = "quorum";
    report["machine"] = {{"processors", std::thread::hardware_concurrency()}, {"load_before", load_average()}};
    std::printf(
        "%u processors, load %s\nPostgreSQL %s, fsync %s, synchronous_commit %s; batches of %d\n"
        "RabbitMQ, quorum queue, persistent messages of %zu bytes, confirmed and acked\n\n",
        std::thread::hardware_concurrency(), load_average().c_str(), setting_of(connection, "server_version").c_str(),
        setting_of(connection, "fsync").c_str(), setting_of(connection, "synchronous_commit").c_str(),
        BareDatabase::batch, BareQueue::body_bytes);
    std::fflush(stdout);
    const Limits limits = measure_limits(admin_dsn, amqp_url, settings.seconds);
    std::printf("  %-34s %10.0f /s\n", "saga steps, one connection", limits.postgres_steps_per_s);
    std::printf("  %-34s %10.0f /s\n", "confirmed publishes", limits.rabbitmq_publish_per_s);
    std::printf("  %-34s %10.0f /s\n", "acked deliveries", limits.rabbitmq_consume_per_s);
    report["limits"] = {
        {"postgres_steps_per_s", limits.postgres_steps_per_s},
        {"rabbitmq_publish_per_s", limits.rabbitmq_publish_per_s},
        {"rabbitmq_consume_per_s", limits.rabbitmq_consume_per_s}};
    if (settings.json_file.empty()) return 0;
    std::ofstream file(settings.json_file);
    file << report.dump(2) << '\n';
    file.flush();
    if (!file) throw std::runtime_error("cannot write " + settings.json_file);
    return 0;
}

}  // namespace

}  // namespace ordersaga::bench

int main(int argc, char** argv) {
    ordersaga::bench::Settings settings;
    if (!ordersaga::bench::read_settings(argc, argv, settings)) {
        std::cerr << "usage: bench_limits [--seconds N] [--json FILE]\n";
        return 2;
    }
    const char* admin_dsn = std::getenv("ORDERSAGA_ADMIN_DSN");
    const char* amqp_url = std::getenv("ORDERSAGA_AMQP_URL");
    if (admin_dsn == nullptr || amqp_url == nullptr) {
        std::cerr << "ORDERSAGA_ADMIN_DSN or ORDERSAGA_AMQP_URL is not set: run ./dev bench, which starts servers\n";
        return 2;
    }
    try {
        // Each round connects anew; nobody wants to read of it between the figures.
        ordersaga::runtime::LogOptions log;
        log.level = ordersaga::runtime::LogLevel::warn;
        ordersaga::runtime::configure_log(log);
        return ordersaga::bench::measure(settings, admin_dsn, amqp_url);
    } catch (const std::exception& error) {
        std::cerr << "bench_limits: " << error.what() << '\n';
        return 1;
    }
}
