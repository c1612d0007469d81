// notifier: tells a merchant by mail and webhook what the public events say.
//
//   notifier --config ordersaga.toml                         runs until SIGTERM
//   notifier --config ordersaga.toml --try mail:ops          sends one notice of nothing, says what came of it
//   notifier --config ordersaga.toml --given-up              lists what could not be told
//   notifier --config ordersaga.toml --send-again mail:ops   makes those of one target due again
//
// Exit codes: 0 done or drained, 1 failed, 2 wrong arguments or configuration.
#include "broker/address.hpp"
#include "notifier/notifier.hpp"
#include "runtime/clock.hpp"
#include "runtime/core_dumps.hpp"
#include "runtime/http_client.hpp"
#include "runtime/log.hpp"
#include "runtime/random.hpp"
#include "runtime/service_notice.hpp"
#include "runtime/shutdown.hpp"
#include "runtime/status_server.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace ordersaga::notifier {
namespace {

struct Arguments {
    std::string file;
    std::string try_target;
    std::string again_target;
    bool list_given_up = false;
};

int run(const NotifierConfig& config, const broker::Address& address, const Templates& templates) {
    boost::asio::io_context context(1);
    auto keep_running = boost::asio::make_work_guard(context);
    runtime::Metrics metrics;
    runtime::HttpClient http(context.get_executor());
    Notifier notifier(config, address, templates, context.get_executor(), http, metrics);

    std::optional<runtime::StatusServer> status;
    if (config.metrics_port) {
        status.emplace(
            context.get_executor(),
            runtime::StatusPages{
                "notifier", metrics,
                [&] {
                    return notifier.why_not_ready();
                }},
            config.metrics_address, *config.metrics_port);
    }
    const runtime::ServiceNotice notice;
    const runtime::Watchdog watchdog(context.get_executor(), notice, [] { return true; });

    // Stopping waits, so it has a thread of its own while the context finishes the calls under way.
    std::thread drain;
    runtime::Shutdown shutdown(context.get_executor(), [&] {
        runtime::log_info("draining");
        notice.stopping();
        drain = std::thread([&] {
            notifier.stop();
            if (status) status->stop();
            context.stop();
        });
    });
    runtime::log_info("notifier started", {{"mail", config.mail.size()}, {"webhooks", config.webhooks.size()}});
    notice.ready();
    context.run();
    if (drain.joinable()) drain.join();
    runtime::log_info("notifier ended");
    return 0;
}

int try_once(const NotifierConfig& config, const Templates& templates, const std::string& name) {
    boost::asio::thread_pool calls(1);
    runtime::HttpClient http(calls.get_executor());
    const std::unique_ptr<Target> target = make_target(config, name, templates, calls.get_executor(), http);
    if (!target) throw std::invalid_argument("the settings have no target " + name);
    runtime::SystemClock clock;
    db::DueNotice notice;
    notice.key = {0, name, "test." + runtime::random_token(8)};
    notice.topic = "notifier.test";
    notice.body = R"({"schema": 1, "text": "The notifier was asked to try this target."})";
    notice.now = clock.now();
    const TryResult result = target->send(notice);
    const bool delivered = result.kind == TryResult::Kind::delivered;
    std::cout << name << (delivered ? ": delivered" : ": " + result.error) << '\n';
    return delivered ? 0 : 1;
}

int list_given_up(const NotifierConfig& config) {
    constexpr std::int64_t most_shown = 1000;
    db::Notices notices({config.dsn, "ordersaga-notifier"});
    for (const db::GivenUpNotice& notice : notices.given_up(most_shown)) {
        std::cout << runtime::format_rfc3339(notice.given_up_at) << ' ' << notice.key.target << ' '
                  << notice.key.event_id << ' ' << notice.topic << " after " << notice.tries
                  << " tries: " << notice.last_error << '\n';
    }
    return 0;
}

int send_again(const NotifierConfig& config, const std::string& target) {
    db::Notices notices({config.dsn, "ordersaga-notifier"});
    std::cout << notices.send_again(target) << " notices of " << target << " are due again\n";
    return 0;
}

int start(const Arguments& arguments) {
    runtime::ConfigReader reader = runtime::ConfigReader::from_file(arguments.file, runtime::system_environment());
    const NotifierConfig config = read_notifier_config(reader);
    const std::vector<runtime::ConfigFault> faults = reader.finish();
    if (!faults.empty()) {
        std::cerr << runtime::describe(faults);
        return 2;
    }
    const runtime::Result<Templates> templates = Templates::load(config.templates);
    if (!templates) {
        std::cerr << "notifier.templates: " << templates.error().message << '\n';
        return 2;
    }
    broker::AddressOptions address_options;
    address_options.ca_file = config.amqp_ca_file;
    const runtime::Result<broker::Address> address = broker::parse_address(config.amqp_url, address_options);
    if (!address) {
        std::cerr << "broker.url: " << address.error().message << '\n';
        return 2;
    }
    runtime::LogOptions log;
    log.level = runtime::log_level_from(config.log_level);
    log.program = "notifier";
    runtime::configure_log(log);
    if (!arguments.try_target.empty()) return try_once(config, *templates, arguments.try_target);
    if (!arguments.again_target.empty()) return send_again(config, arguments.again_target);
    if (arguments.list_given_up) return list_given_up(config);
    return run(config, *address, *templates);
}

}  // namespace
}  // namespace ordersaga::notifier

int main(int argc, char** argv) {
    ordersaga::runtime::forbid_core_dumps();
    CLI::App app{"Tells a merchant by mail and webhook what the public events say.", "notifier"};
    ordersaga::notifier::Arguments arguments;
    app.add_option("--config,-c", arguments.file, "TOML file with the settings")->required();
    CLI::Option* once = app.add_option("--try", arguments.try_target, "send one notice of nothing to this target");
    CLI::Option* again =
        app.add_option("--send-again", arguments.again_target, "make due again what this target was not told");
    app.add_flag("--given-up", arguments.list_given_up, "list what could not be told")->excludes(once)->excludes(again);
    once->excludes(again);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    try {
        return ordersaga::notifier::start(arguments);
    } catch (const std::exception& error) {
        std::cerr << "notifier: " << error.what() << '\n';
        return 1;
    }
}
