// ordersaga: the whole system on one machine, for a merchant who has no servers of his own.
//
//   ordersaga up --data DIR [--config FILE]
//
// Starts a PostgreSQL and a RabbitMQ of its own, brings the database to this version, starts orchestrator,
// activity-worker and notifier, restarts what ends, and stops all of it in the opposite sequence on SIGTERM or SIGINT.
//
// Exit codes: 0 stopped, 1 failed while running, 2 something that a person must mend first.
#include "runtime/log.hpp"
#include "runtime/sealing.hpp"
#include "runtime/service_notice.hpp"
#include "supervisor/data_directory.hpp"
#include "supervisor/programs.hpp"
#include "supervisor/servers.hpp"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <filesystem>
#include <iostream>

namespace ordersaga::supervisor {
namespace {

// `keys`: the file with what seals credentials and personal data.
std::string first_settings(const std::filesystem::path& keys) {
    return "# Settings of orchestrator, activity-worker and notifier. All of them are explained in "
           "share/ordersaga/ordersaga.toml and\n"
           "# docs/install.md. Addresses and passwords of database and broker are set by `ordersaga up` itself.\n"
           "\n"
           "[public]                # webhooks; put an HTTPS proxy in front of it\n"
           "port = 8080\n"
           "\n"
           "[private]               # REST for people and programs on this machine\n"
           "port = 8081\n"
           "\n"
           "[credentials]           # what seals tokens and addresses; without this file they cannot be read: back it "
           "up\n"
           "keys = \"file:" +
           keys.string() +
           "\"\n"
           "\n"
           "#[[stores]]             # one for each store of `sagactl setup`\n"
           "#key = \"eu\"\n"
           "#base_url = \"https://eu-shirts.myshopify.com\"\n"
           "#token = \"credential:secret_store_eu\"\n"
           "\n"
           "#[[warehouses]]\n"
           "#key = \"main\"\n"
           "#base_url = \"https://api.shipbob.com\"\n"
           "#channel_id = \"100001\"\n"
           "#token = \"credential:secret_warehouse_main\"\n";
}

void run(const std::filesystem::path& folder, std::filesystem::path settings) {
    DataDirectory data(folder);
    if (settings.empty()) {
        settings = data.path() / "ordersaga.toml";
        const std::filesystem::path keys = data.path() / "credentials.keys";
        if (!std::filesystem::exists(keys)) write_private_file(keys, runtime::new_key_line() + "\n");
        if (!std::filesystem::exists(settings)) write_private_file(settings, first_settings(keys));
    }
    const std::filesystem::path programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const runtime::ServiceNotice notice;
    Supervised services;
    try {
        services.start(postgresql(data));
        services.start(port_mapper(data));
        services.start(rabbitmq(data));
        const ServerAddresses servers = addresses(data);
        const std::map<std::string, std::string> database = migrate(data, programs, servers);
        services.start(program("orchestrator", programs, settings, database, servers));
        services.start(program("activity-worker", programs, settings, database, servers));
        services.start(program("notifier", programs, settings, database, servers));
        runtime::log_info("ordersaga is up", {{"data", data.path().string()}, {"settings", settings.string()}});
        notice.ready();
        for (;;) {
            runtime::pause(std::chrono::milliseconds(200));
            services.watch();
        }
    } catch (const runtime::Interrupted&) {
        runtime::log_info("stopping", {});
        notice.stopping();
    }
    services.stop();
}

int start(int count, char** values) {
    CLI::App app{"Orders of several Shopify stores, one stock, one warehouse.", "ordersaga"};
    app.require_subcommand(1);
    std::string folder;
    std::string settings;
    CLI::App* up = app.add_subcommand("up", "run everything, with a PostgreSQL and a RabbitMQ of its own");
    up->add_option("--data", folder, "where everything is kept; made when it is not there")->required();
    up->add_option("--config,-c", settings, "TOML file with the settings (DIR/ordersaga.toml)");
    try {
        app.parse(count, values);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (::geteuid() == 0)
        throw NotUsable("PostgreSQL does not run as root: use another user, or the unit ordersaga.service");
    runtime::configure_log({.level = runtime::LogLevel::info, .program = "ordersaga", .file = {}});
    runtime::catch_signals();
    run(folder, settings);
    return 0;
}

}  // namespace
}  // namespace ordersaga::supervisor

int main(int count, char** values) {
    try {
        return ordersaga::supervisor::start(count, values);
    } catch (const ordersaga::supervisor::NotUsable& fault) {
        std::cerr << "ordersaga: " << fault.what() << '\n';
        return 2;
    } catch (const std::exception& fault) {
        std::cerr << "ordersaga: " << fault.what() << '\n';
        return 1;
    }
}
