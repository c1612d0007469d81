// bench_load: the scenarios of ./dev bench; see --help.
#include "bench/limits/limits.hpp"
#include "bench/load/scenarios.hpp"
#include "runtime/child_process.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <thread>

namespace ordersaga::bench {
namespace {

using nlohmann::json;

json machine() {
    utsname names{};
    uname(&names);
    std::ifstream cpus("/proc/cpuinfo");
    std::string model;
    for (std::string line; std::getline(cpus, line) && model.empty();) {
        if (line.starts_with("model name")) model = line.substr(line.find(':') + 2);
    }
    return {{"cpu", model}, {"cores", std::thread::hardware_concurrency()}, {"kernel", std::string(names.release)}};
}

// Of the bare servers, in the same run: figures of other machines and hours say little.
json limits_of(const std::filesystem::path& servers_env, double seconds) {
    const std::map<std::string, std::string> servers = demo::read_env_file(servers_env);
    say("the bare servers' limits");
    const Limits limits = measure_limits(servers.at("ORDERSAGA_ADMIN_DSN"), servers.at("ORDERSAGA_AMQP_URL"), seconds);
    return {
        {"postgres_steps_per_s", std::round(limits.postgres_steps_per_s)},
        {"rabbitmq_publish_per_s", std::round(limits.rabbitmq_publish_per_s)},
        {"rabbitmq_consume_per_s", std::round(limits.rabbitmq_consume_per_s)}};
}

std::vector<std::string> unknown_among(const std::vector<std::string>& names) {
    std::vector<std::string> unknown;
    for (const std::string& name : names) {
        const bool known = std::any_of(
            scenarios().begin(), scenarios().end(), [&](const Scenario& scenario) { return scenario.name == name; });
        if (!known) unknown.push_back(name);
    }
    return unknown;
}

int run(
    const ScenarioOptions& options,
    const std::vector<std::string>& names,
    double limits_for,
    const std::string& file) {
    json report{{"machine", machine()}, {"scenarios", json::object()}};
    if (limits_for > 0) {
        report["limits"] = limits_of(options.stage.servers_env, limits_for);
        std::cout << report["limits"].dump(2) << std::endl;
    }
    bool good = true;
    for (const Scenario& scenario : scenarios()) {
        const bool wanted = names.empty() || std::find(names.begin(), names.end(), scenario.name) != names.end();
        if (!wanted) continue;
        say(fmt::format("{}: {}", scenario.name, scenario.what));
        report["scenarios"][scenario.name] = scenario.run(options);
        good = good && report["scenarios"][scenario.name].dump().find("BROKEN") == std::string::npos;
        std::cout << report["scenarios"][scenario.name].dump(2) << std::endl;
    }
    if (!file.empty()) {
        std::ofstream stream(file, std::ios::trunc);
        stream << report.dump(2) << '\n';
        stream.close();
        if (!stream) throw std::runtime_error("cannot write " + file);
    }
    return good ? 0 : 1;
}

}  // namespace
}  // namespace ordersaga::bench

int main(int count, char** words) {
    using namespace ordersaga;
    bench::ScenarioOptions options;
    std::vector<std::string> names;
    std::string report;
    double limits_for = 5;
    std::string described = "bench_load - the whole system under load, on real servers\n";
    for (const bench::Scenario& scenario : bench::scenarios())
        described += std::string("  ") + scenario.name + "  " + scenario.what + "\n";
    CLI::App app(described, "bench_load");
    app.add_option("scenario", names, "none named = all");
    app.add_option("--limits", limits_for, "seconds for each of the bare servers' limits; 0: not measured")
        ->check(CLI::Range(0.0, 600.0))
        ->capture_default_str();
    app.add_option("--report", report, "write all figures there as JSON")->type_name("FILE");
    app.add_option("--rate", options.rate, "orders a second, instead of what the scenario finds or has");
    app.add_option("--seconds", options.seconds, "of the window that is measured")->capture_default_str();
    app.add_option("--seed", options.stage.seed, "decides who buys what")->capture_default_str();
    app.add_option("--orchestrators", options.stage.orchestrators)->capture_default_str();
    app.add_option("--workers", options.stage.workers)->capture_default_str();
    app.add_option("--store-ms", options.stage.store_ms, "that a store takes for a call")->capture_default_str();
    app.add_option("--warehouse-ms", options.stage.warehouse_ms, "that the warehouse takes")->capture_default_str();
    app.add_option("--bin", options.stage.bin, "folder of the programs")->required()->type_name("DIR");
    app.add_option("--servers-env", options.stage.servers_env, "what tools/servers wrote")
        ->required()
        ->type_name("FILE");
    CLI11_PARSE(app, count, words);
    if (const std::vector<std::string> unknown = bench::unknown_among(names); !unknown.empty()) {
        std::cerr << "bench_load: there is no scenario " << unknown.front() << std::endl;
        return 2;
    }
    runtime::catch_signals();
    try {
        return bench::run(options, names, limits_for, report);
    } catch (const runtime::Interrupted&) {
        return 130;
    } catch (const std::exception& error) {
        std::cerr << "bench_load: " << error.what() << std::endl;
        return 1;
    }
}
