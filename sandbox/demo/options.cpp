#include "sandbox/demo/options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>

namespace ordersaga::demo {
namespace {

constexpr const char* description =
    R"(ordersaga-demo - the whole system on real servers, with orders going through it

Starts a stand-in world (sandbox), connects stores and a warehouse, starts orchestrator and
activity-worker, sends orders through signed webhooks, spoils what the fault profile says, waits
until every order is final, and gives an account by what the stand-in world saw.
Called by ./dev demo and ./dev run, which start PostgreSQL and RabbitMQ first.)";

constexpr const char* footer =
    "Exit codes: 0 every promise was kept, 1 one was not (or the system failed), 2 wrong arguments.";

std::string contradiction(const Options& options) {
    if (options.story && options.run) return "--story and --run exclude each other";
    const bool upgrades = std::find(options.kills.begin(), options.kills.end(), "upgrade") != options.kills.end();
    if (upgrades == options.earlier_bin.empty()) return "--earlier DIR and --kill upgrade go together";
    if (options.run && options.env_file.empty()) return "--run needs --env FILE";
    if (!options.run && !options.env_file.empty()) return "--env belongs to --run";
    return {};
}

}  // namespace

OptionsEnd read_options(int count, char** words, Options& options) {
    CLI::App app(description, "ordersaga-demo");
    app.footer(footer);
    app.add_option("--orders", options.orders, "how many orders")->check(CLI::Range(1, 100'000))->capture_default_str();
    app.add_option("--stores", options.stores, "how many stores")->check(CLI::Range(1, 50))->capture_default_str();
    app.add_option("--orchestrators", options.orchestrators, "how many, side by side")
        ->check(CLI::Range(1, 5))
        ->capture_default_str();
    app.add_option("--workers", options.workers, "how many")->check(CLI::Range(1, 5))->capture_default_str();
    app.add_flag("--notifier", options.notifier, "a notifier as well, which calls a system of the merchant's");
    app.add_option("--seed", options.seed, "decides what is random")->capture_default_str();
    app.add_option("--faults", options.faults, "none, default or harsh")
        ->check(CLI::IsMember({"none", "default", "harsh"}))
        ->capture_default_str();
    app.add_option("--rate", options.rate, "orders a second (0: as the profile says)")->check(CLI::Range(0.0, 1000.0));
    app.add_option(
           "--kill", options.kills,
           "SIGKILL this once on the way; restore: put the database back to an earlier dump; upgrade: to the programs "
           "of --bin; may be repeated")
        ->check(CLI::IsMember({"orchestrator", "worker", "rabbitmq", "pg", "restore", "upgrade"}));
    app.add_flag("--exit", options.exit, "end after the account instead of staying up");
    app.add_option("--report", options.report, "write the account there as JSON")->type_name("FILE");
    app.add_flag("--story", options.story, "one shirt, two stores, two buyers in the same second");
    app.add_flag("--run", options.run, "only start everything and stay up");
    app.add_option("--env", options.env_file, "with --run: where to write the addresses")->type_name("FILE");
    app.add_flag(
        "--real-limits", options.real_limits, "peers with their real limits (ShipBob 150/min, Shopify 100 points/s)");
    app.add_option("--patience", options.patience_seconds, "seconds to wait for what is under way after the last order")
        ->check(CLI::Range(1.0, 86'400.0))
        ->capture_default_str();
    app.add_option("--earlier", options.earlier_bin, "with --kill upgrade: folder of the programs to begin with")
        ->type_name("DIR");
    app.add_option("--bin", options.bin, "folder of the programs")->required()->type_name("DIR");
    app.add_option("--servers-env", options.servers_env, "what tools/servers wrote")->required()->type_name("FILE");
    app.add_option("--dir", options.directory, "logs and configuration (default: beside the servers)")
        ->type_name("DIR");
    try {
        app.parse(count, words);
    } catch (const CLI::ParseError& end) {
        return app.exit(end) == 0 ? OptionsEnd::shown_help : OptionsEnd::wrong;
    }
    if (const std::string fault = contradiction(options); !fault.empty()) {
        std::cerr << "ordersaga-demo: " << fault << '\n';
        return OptionsEnd::wrong;
    }
    return OptionsEnd::go_on;
}

}  // namespace ordersaga::demo
