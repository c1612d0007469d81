// bench_load: the scenarios of ./dev bench; see --help.
//
// Exit 0: every law held in every scenario; 1: one did not, or the system failed; 2: wrong arguments.
#include "bench/limits/limits.hpp"
#include "bench/load/report.hpp"
#include "bench/load/scenarios.hpp"
#include "runtime/child_process.hpp"
#include "runtime/log.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

namespace ordersaga::bench {
namespace {

using nlohmann::json;

struct Options {
    ScenarioOptions scenario;
    std::vector<std::string> names;
    int runs = 0;  // 0: as each scenario has it
    double limits_for = 5;
    std::string commit = "unknown", report, compare, with;
    bool dry_run = false;
};

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

// How much of what each bare server does the whole system makes of it.
void put_beside(const json& limits, json& sustained) {
    sustained["ratio_to_postgres_limit"] =
        sustained.at("steps_per_s").get<double>() / limits.at("postgres_steps_per_s").get<double>();
    sustained["ratio_to_rabbitmq_limit"] =
        sustained.at("messages_per_s").get<double>() / limits.at("rabbitmq_publish_per_s").get<double>();
}

// "hot-sku" is hot_sku in a report.
std::string key_of(std::string name) {
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

// Several runs, each with a system of its own, into the report.
void measure(const Scenario& scenario, const Options& options, json& report) {
    const int runs = options.runs > 0 ? options.runs : scenario.runs;
    const std::string key = key_of(scenario.name);
    std::vector<json> figures;
    for (int run = 1; run <= runs; ++run) {
        say(fmt::format("{}, run {} of {}: {}", scenario.name, run, runs, scenario.what));
        Outcome outcome = scenario.run(options.scenario);
        if (report.contains("limits") && outcome.figures.contains("steps_per_s"))
            put_beside(report.at("limits"), outcome.figures);
        figures.push_back(std::move(outcome.figures));
        report["versions"]["postgresql"] = outcome.servers.at("postgresql").at("server_version");
        report["versions"]["rabbitmq"] = outcome.servers.at("rabbitmq").at("server_version");
        report["versions"]["erlang"] = outcome.servers.at("rabbitmq").at("erlang");
        report["settings"]["postgresql"] = std::move(outcome.servers.at("postgresql"));
        report["settings"]["rabbitmq"] = std::move(outcome.servers.at("rabbitmq"));
        report["settings"]["load"][key] = std::move(outcome.load);
    }
    report["scenarios"][key] = median_of(figures);
    report["runs"][key] = std::move(figures);
    std::cout << json{{key, report["scenarios"][key]}}.dump(2) << std::endl;
}

int run(const Options& options) {
    json report{{"machine", machine()}, {"versions", versions(options.commit)}, {"scenarios", json::object()}};
    if (options.limits_for > 0) {
        report["limits"] = limits_of(options.scenario.stage.servers_env, options.limits_for);
        std::cout << json{{"limits", report["limits"]}}.dump(2) << std::endl;
    }
    for (const Scenario& scenario : scenarios()) {
        const bool wanted = options.names.empty() ||
                            std::find(options.names.begin(), options.names.end(), scenario.name) != options.names.end();
        if (!wanted) continue;
        measure(scenario, options, report);
        if (!options.report.empty()) write_report(options.report, report);
    }
    if (!options.compare.empty()) std::cout << compared(read_report(options.compare), report) << std::flush;
    return laws_hold(report.at("scenarios")) ? 0 : 1;
}

// What is wrong with the arguments; empty: nothing.
std::string fault_in(const Options& options) {
    for (const std::string& name : options.names) {
        const bool known = std::any_of(
            scenarios().begin(), scenarios().end(), [&](const Scenario& scenario) { return scenario.name == name; });
        if (!known) return "there is no scenario " + name + "; see --help";
    }
    if (!options.with.empty() && options.compare.empty()) return "--with needs --compare";
    if (!options.with.empty() && !options.names.empty()) return "--with compares two reports and runs no scenario";
    if (!options.compare.empty()) read_report(options.compare);
    const bool runs = options.with.empty() && !options.dry_run;
    if (runs && (options.scenario.stage.bin.empty() || options.scenario.stage.servers_env.empty()))
        return "--bin and --servers-env are needed; ./dev bench gives them";
    return {};
}

void declare(CLI::App& app, Options& options) {
    const CLI::Range positive(1e-3, 1e9);
    ScenarioOptions& scenario = options.scenario;
    app.add_option("scenario", options.names, "none named = all");
    app.add_option("--report", options.report, "write all figures there as JSON")->type_name("FILE");
    app.add_option("--compare", options.compare, "an earlier report: print the ratio of every figure to it")
        ->type_name("FILE");
    app.add_option("--with", options.with, "with --compare: run nothing, compare these two")->type_name("FILE");
    app.add_option("--runs", options.runs, "of each scenario; their medians count (as each scenario has it)")
        ->check(CLI::Range(1, 100));
    app.add_option("--limits", options.limits_for, "seconds for each of the bare servers' limits; 0: not measured")
        ->check(CLI::Range(0.0, 600.0))
        ->capture_default_str();
    app.add_option("--rate", scenario.rate, "orders a second, instead of what the scenario finds or has")
        ->check(positive);
    app.add_option("--seconds", scenario.seconds, "of the window that is measured")->check(positive);
    app.add_option("--orders", scenario.orders, "where a number of them is sent")->check(CLI::Range(20, 10'000'000));
    app.add_option("--at-once", scenario.at_once, "webhooks under way, where a number is sent")
        ->check(CLI::Range(1, 10'000));
    app.add_option("--sagas", scenario.open, "that are open in idle and list")
        ->check(CLI::Range(50, 10'000'000))
        ->capture_default_str();
    app.add_option("--finished", scenario.finished, "sagas in list (1000000), sustained, latency and burst (0)")
        ->check(CLI::Range(50, 100'000'000));
    app.add_option("--calls-per-minute", scenario.calls_per_minute, "of the warehouse, in outage")
        ->check(CLI::Range(60, 1'000'000));
    app.add_option("--warm-up", scenario.stage.warm_up_s, "seconds")->check(positive)->capture_default_str();
    app.add_option("--seed", scenario.stage.seed, "decides who buys what")->capture_default_str();
    app.add_option("--orchestrators", scenario.stage.orchestrators)->check(CLI::Range(1, 16))->capture_default_str();
    app.add_option("--workers", scenario.stage.workers)->check(CLI::Range(1, 16))->capture_default_str();
    app.add_option("--store-ms", scenario.stage.store_ms, "that a store takes for a call")->capture_default_str();
    app.add_option("--warehouse-ms", scenario.stage.warehouse_ms, "that the warehouse takes")->capture_default_str();
    app.add_option("--set", scenario.stage.settings, "NAME VALUE of the orchestrator's environment (ORDERSAGA_...)");
    app.add_option("--commit", options.commit, "of these programs");
    app.add_option("--bin", scenario.stage.bin, "folder of the programs")->type_name("DIR");
    app.add_option("--servers-env", scenario.stage.servers_env, "what tools/servers wrote")->type_name("FILE");
    app.add_flag("--dry-run", options.dry_run, "only look at the arguments");
}

int act(Options& options) {
    if (const std::string fault = fault_in(options); !fault.empty()) {
        std::cerr << "bench_load: " << fault << std::endl;
        return 2;
    }
    if (options.dry_run) return 0;
    if (options.scenario.finished > 0) options.scenario.stage.demand.cancelled = 0;  // prepare() wants it so
    if (!options.with.empty()) {
        std::cout << compared(read_report(options.compare), read_report(options.with)) << std::flush;
        return 0;
    }
    return run(options);
}

}  // namespace
}  // namespace ordersaga::bench

int main(int count, char** words) {
    using namespace ordersaga;
    std::string described = "bench_load - the whole system under load, on real servers\n";
    for (const bench::Scenario& scenario : bench::scenarios())
        described += fmt::format("  {:<11} {}\n", scenario.name, scenario.what);
    CLI::App app(described, "bench_load");
    bench::Options options;
    bench::declare(app, options);
    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    runtime::catch_signals();
    // The bare limits connect anew in each round; nobody wants to read of it between the figures.
    runtime::LogOptions log;
    log.level = runtime::LogLevel::warn;
    runtime::configure_log(log);
    try {
        return bench::act(options);
    } catch (const runtime::Interrupted&) {
        return 130;
    } catch (const std::exception& error) {
        std::cerr << "bench_load: " << error.what() << std::endl;
        return 1;
    }
}
