// activity-worker: takes commands from the broker, calls stores and warehouses, sends outcomes back.
//
//   activity-worker --config worker.toml
//
// Exit codes: 0 drained, 1 failed while running, 2 wrong arguments or configuration.
#include "activities/command_runner.hpp"
#include "activities/credentials.hpp"
#include "activities/recipients.hpp"
#include "activities/worker.hpp"
#include "activities/worker_config.hpp"
#include "broker/address.hpp"
#include "broker/topology.hpp"
#include "db/access_tokens.hpp"
#include "db/database_clock.hpp"
#include "db/recipients.hpp"
#include "runtime/core_dumps.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/http_client.hpp"
#include "runtime/log.hpp"
#include "runtime/random.hpp"
#include "runtime/service_notice.hpp"
#include "runtime/shutdown.hpp"
#include "runtime/status_server.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>
#include <memory>
#include <optional>
#include <thread>

namespace ordersaga::activities {
namespace {

class ClockOverDatabase final : public DatabaseClock {
public:
    explicit ClockOverDatabase(const std::string& dsn) : clock_(settings(dsn)) {}

    [[nodiscard]] std::optional<runtime::Instant> now() const override {
        const auto reading = clock_.read();
        if (!reading) {
            return std::nullopt;
        }
        // The later edge of what we know: a write is rather not sent than sent too late.
        return reading->now + reading->uncertainty;
    }
    [[nodiscard]] bool wait_until_known(std::chrono::milliseconds longest) const {
        return clock_.wait_until_known(longest);
    }

private:
    static db::DatabaseClock::Settings settings(const std::string& dsn) {
        db::DatabaseClock::Settings settings;
        settings.dsn = dsn;
        settings.application_name = "ordersaga-worker";
        return settings;
    }

    db::DatabaseClock clock_;
};

broker::Topology topology_of(const WorkerConfig& config) {
    broker::TopologyOptions options;
    options.prefix = config.amqp_prefix;
    options.outcome_queues = false;
    return broker::make_topology(options);
}

broker::ConsumerOptions consumer_options(const WorkerConfig& config) {
    broker::ConsumerOptions options;
    options.connection_name = "activity-worker consumer";
    options.topology = topology_of(config);
    options.prefetch = static_cast<std::uint16_t>(config.concurrency);
    const broker::Names names(config.amqp_prefix);
    for (const std::string& family : config.families) {
        options.queues.push_back(names.command_queue(family));
    }
    return options;
}

broker::PublisherOptions publisher_options(const WorkerConfig& config) {
    broker::PublisherOptions options;
    options.connection_name = "activity-worker publisher";
    options.topology = topology_of(config);
    return options;
}

int run(const WorkerConfig& config, const broker::Address& address) {
    boost::asio::io_context context(1);
    auto keep_running = boost::asio::make_work_guard(context);
    runtime::SystemRandom random;
    runtime::Metrics metrics;
    runtime::HttpClient http(context.get_executor());
    const ClockOverDatabase clock(config.database_dsn);
    db::AccessTokens tokens({config.database_dsn, *config.credential_keys, std::chrono::milliseconds(3000)});
    db::Recipients recipients({config.database_dsn, *config.credential_keys});
    CommandRunner runner(config, http, clock, random, kept_recipients(recipients), kept_credentials(tokens));
    const auto worker = std::make_shared<Worker>(
        context.get_executor(), runner, random, metrics, broker::Names(config.amqp_prefix).outcomes_exchange(),
        static_cast<std::size_t>(config.concurrency));

    broker::Publisher publisher(
        address, publisher_options(config),
        [worker](std::vector<broker::PublishResult> results) { worker->on_results(std::move(results)); });
    // The consumer starts to deliver at once, and the worker settles only on the context, which does not run yet.
    broker::Consumer consumer(address, consumer_options(config), [worker](std::vector<broker::Delivery> deliveries) {
        worker->on_deliveries(std::move(deliveries));
    });
    worker->connect(
        {[&consumer](broker::DeliveryHandle handle) { consumer.ack(handle); },
         [&consumer](broker::DeliveryHandle handle) { consumer.reject(handle, false); },
         [&publisher](broker::Message message) {
             return publisher.try_publish(std::move(message));
         }});

    const auto why_not_ready = [&]() -> std::string {
        if (std::string fault = broker::publishing_fault(publisher.health()); !fault.empty())
            return "broker, outcomes: " + fault;
        if (std::string fault = broker::consuming_fault(consumer.health(), std::chrono::steady_clock::now());
            !fault.empty())
            return "broker, commands: " + fault;
        return clock.now() ? "" : "database: its time is not known";
    };
    std::optional<runtime::StatusServer> status;
    if (config.metrics_port) {
        status.emplace(
            context.get_executor(), runtime::StatusPages{"activity-worker", metrics, why_not_ready},
            config.metrics_address, *config.metrics_port);
    }

    // One thread does everything, so its timer tells whether it still runs.
    const runtime::ServiceNotice notice;
    const runtime::Watchdog watchdog(context.get_executor(), notice, [] { return true; });

    // Draining waits, so it has a thread of its own while the context finishes the commands in work.
    std::thread drain;
    runtime::Shutdown shutdown(context.get_executor(), [&] {
        runtime::log_info("draining", {{"in_work", worker->in_work()}});
        notice.stopping();
        drain = std::thread([&] {
            runtime::crash_point("worker.draining");
            consumer.stop(config.drain);
            runtime::crash_point("worker.commands_ended");
            publisher.stop(std::chrono::seconds(2));
            if (status) status->stop();
            context.stop();
        });
    });
    runtime::log_info(
        "activity-worker started", {{"stores", config.stores.size()}, {"warehouses", config.warehouses.size()}});
    notice.ready();
    context.run();
    if (drain.joinable()) {
        drain.join();
    }
    runtime::log_info("activity-worker ended");
    return 0;
}

int start(int argc, char** argv) {
    CLI::App app{"Performs the commands of sagas at stores and warehouses.", "activity-worker"};
    std::string file;
    app.add_option("--config,-c", file, "TOML file with the settings")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? 0 : 2;
    }
    runtime::ConfigReader reader = runtime::ConfigReader::from_file(file, runtime::system_environment());
    const WorkerConfig config = read_worker_config(reader);
    const std::vector<runtime::ConfigFault> faults = reader.finish();
    if (!faults.empty()) {
        std::cerr << runtime::describe(faults);
        return 2;
    }
    broker::AddressOptions address_options;
    address_options.ca_file = config.amqp_ca_file;
    const runtime::Result<broker::Address> address = broker::parse_address(config.amqp_url, address_options);
    if (!address.ok()) {
        std::cerr << "broker.url: " << address.error().message << '\n';
        return 2;
    }
    runtime::LogOptions log;
    log.level = runtime::log_level_from(config.log_level);
    log.program = "activity-worker";
    runtime::configure_log(log);
    return run(config, *address);
}

}  // namespace
}  // namespace ordersaga::activities

int main(int argc, char** argv) {
    ordersaga::runtime::forbid_core_dumps();
    try {
        return ordersaga::activities::start(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "activity-worker: " << error.what() << '\n';
        return 1;
    }
}
