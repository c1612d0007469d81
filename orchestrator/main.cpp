// orchestrator: webhooks in, sagas moved, REST out.
//
//   orchestrator [--config FILE]
//
// Exit codes: 0 drained, 1 failed while running, 2 wrong arguments or configuration, 3 database or broker not usable.
#include "broker/topology.hpp"
#include "db/api_queries.hpp"
#include "db/connecting.hpp"
#include "db/pg_store.hpp"
#include "db/privacy.hpp"
#include "db/session.hpp"
#include "db/startup_checks.hpp"
#include "orchestrator/apart_engine.hpp"
#include "orchestrator/api/private_listener.hpp"
#include "orchestrator/broker_ports.hpp"
#include "orchestrator/credentials/renewal_duty.hpp"
#include "orchestrator/engine/open_sagas.hpp"
#include "orchestrator/engine_loop.hpp"
#include "orchestrator/orchestrator_config.hpp"
#include "orchestrator/recovery_duty.hpp"
#include "orchestrator/retention_duty.hpp"
#include "orchestrator/shard_owner.hpp"
#include "orchestrator/webhook/public_listener.hpp"
#include "runtime/core_dumps.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/http_server.hpp"
#include "runtime/log.hpp"
#include "runtime/metrics.hpp"
#include "runtime/random.hpp"
#include "runtime/service_notice.hpp"
#include "runtime/shutdown.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <thread>

namespace ordersaga {
namespace {

constexpr std::chrono::seconds patience_at_start{10};
constexpr std::chrono::seconds drain_limit{8};
constexpr std::chrono::seconds engine_is_silent_after{10};
constexpr std::chrono::seconds engine_is_stuck_after{60};

class NotUsable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

std::string own_member_id(const OrchestratorConfig& config) {
    if (!config.member_id.empty()) return config.member_id;
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    return std::string(host) + "." + std::to_string(getpid()) + "." + runtime::random_token(4);
}

void require_sound_database(const OrchestratorConfig& config) {
    db::Connection connection({config.engine_dsn, "ordersaga-orchestrator start"});
    std::string faults;
    for (const std::string& fault : db::startup_faults(connection))
        faults += "\n  - " + fault;
    if (!faults.empty()) throw NotUsable("the database is not fit for use:" + faults);
}

// A release that has lost a state or a version would set every saga that holds it aside, one by one.
void require_known_sagas(
    const OrchestratorConfig& config,
    const std::vector<const sagas::SagaDefinition*>& definitions) {
    db::Session session({config.engine_dsn, "ordersaga-orchestrator start"});
    std::vector<engine::OpenSagas> open;
    session.transact([&](db::Transaction& transaction) { open = db::open_sagas(transaction); });
    std::string faults;
    for (const std::string& fault : engine::unknown_sagas(definitions, open))
        faults += "\n  - " + fault;
    if (!faults.empty()) throw NotUsable("this build cannot move sagas that are open:" + faults);
}

void seal_what_lies_open(const OrchestratorConfig& config) {
    db::Session session({config.engine_dsn, "ordersaga-orchestrator start"});
    const std::int64_t sealed = db::seal_older_addresses(session, *config.credential_keys);
    if (sealed > 0) runtime::log_info("addresses of open orders sealed", {{"orders", sealed}});
}

std::vector<std::pair<std::string, api::ReadinessProbe>> probes(
    const EngineLoop& loop,
    const BrokerSink& sink,
    const OutcomeSource& source) {
    return {
        {"engine",
         [&loop] {
             bool moving = loop.silence() < engine_is_silent_after;
             if (!moving)
                 return api::ReadinessPart{false, "no round for " + std::to_string(loop.silence().count()) + " ms"};
             if (!loop.store_available()) return api::ReadinessPart{false, "waits for the database"};
             return api::ReadinessPart{true, "moving"};
         }},
        {"broker",
         [&sink, &source] {
             if (std::string fault = broker::publishing_fault(sink.health()); !fault.empty())
                 return api::ReadinessPart{false, "commands: " + fault};
             if (std::string fault = broker::consuming_fault(source.health(), std::chrono::steady_clock::now());
                 !fault.empty())
                 return api::ReadinessPart{false, "outcomes: " + fault};
             return api::ReadinessPart{true, "consuming"};
         }},
    };
}

int run(const OrchestratorConfig& config, const broker::Address& address) {
    require_sound_database(config);
    seal_what_lies_open(config);

    runtime::SystemClock clock;
    runtime::SystemRandom random;
    runtime::Metrics metrics;
    sagas::OrderSaga order_saga(config.saga);
    std::vector<const sagas::SagaDefinition*> definitions{&order_saga};
    require_known_sagas(config, definitions);
    broker::TopologyOptions topology;
    topology.prefix = config.amqp_prefix;
    topology.outcome_shards = config.engine.shards;

    db::PgStore store({config.engine_dsn, "ordersaga-engine"}, *config.credential_keys, config.prepared_statements);
    orders::OrderParticipant participant(random, config.orders);
    BrokerSink sink(address, topology, definitions, metrics, {.wanted = config.amqp_lists});
    engine::Engine engine(store, participant, definitions, sink, random, config.engine);
    EngineLoop loop(engine, metrics, config.loop);
    sink.connect(loop);
    ApartEngine intake(loop, config, definitions, random, metrics);
    OutcomeSource source(address, topology, loop, metrics, *config.credential_keys, &sink);

    webhook::DatabaseStoreDirectory directory({config.engine_dsn});
    api::QueryThreads queries(
        [&config] { return db::make_api_queries(config.api_dsn, config.engine_dsn, *config.credential_keys); });

    boost::asio::io_context context;
    auto keep_running = boost::asio::make_work_guard(context);
    runtime::HttpServerOptions open;
    open.address = config.public_address;
    open.port = config.public_port;
    open.name = "public";
    open.body_limit_for = webhook::public_body_limit();
    open.body_length_required_for_post = true;
    open.metrics = &metrics;
    credentials::RenewalDuty renewal(
        credentials::RenewalDuty::Settings{{config.engine_dsn, "ordersaga-credentials"}, *config.credential_keys},
        metrics);
    webhook::PublicListenerOptions public_options;
    public_options.authorization = [&renewal](auto query, auto done) {
        renewal.finish_authorization(std::move(query), std::move(done));
    };
    runtime::HttpServer public_server(
        context.get_executor(), open,
        webhook::make_public_handler(directory, intake, clock, metrics, std::move(public_options)));
    api::PrivateListenerOptions listener;
    listener.probes = probes(loop, sink, source);
    listener.most_attempts = [&order_saga](const std::string& activity) {
        try {
            return order_saga.policy_of(activity).max_attempts;
        } catch (const std::out_of_range&) {
            return 0;  // of an older release
        }
    };
    listener.gate = config.gate;
    listener.secure_cookie = config.secure_cookie;
    engine.set_onlooker(
        [live = listener.live](const std::vector<engine::SagaChange>& changes) { live->changed(changes); });
    runtime::HttpServerOptions closed;
    closed.address = config.private_address;
    closed.port = config.private_port;
    closed.name = "private";
    closed.body_limit = api::api_body_limit;
    closed.answer_timeout = std::chrono::milliseconds(8'000);
    closed.metrics = &metrics;
    runtime::HttpServer private_server(
        context.get_executor(), closed, api::make_private_handler(queries, loop, clock, metrics, listener));

    db::Session({config.engine_dsn, "ordersaga-start"}).transact(db::check_subscriptions_now);
    RetentionDuty retention({config.engine_dsn, "ordersaga-retention"}, config.retention);
    RecoveryDuty recovery({config.engine_dsn, "ordersaga-recovery"}, [&loop] { loop.look_soon(); });
    loop.start();
    intake.start();
    auto owner = std::make_unique<ShardOwner>(
        db::ConnectionSettings{config.engine_dsn, "ordersaga-members"}, own_member_id(config), config.engine.shards,
        source, [&loop] { loop.look_soon(); });
    public_server.start();
    private_server.start();
    const runtime::ServiceNotice notice;
    const runtime::Watchdog watchdog(
        context.get_executor(), notice, [&loop] { return loop.silence() < engine_is_stuck_after; });

    // Draining waits, so it has a thread of its own: no new webhooks, answer what is under way, commit, publish, leave.
    std::thread drain;
    runtime::Shutdown shutdown(context.get_executor(), [&] {
        runtime::log_info("draining", {});
        notice.stopping();
        drain = std::thread([&] {
            runtime::crash_point("drain.begun");
            public_server.stop_and_wait(drain_limit);
            runtime::crash_point("drain.listener_closed");
            listener.live->stop();
            private_server.stop_and_wait(std::chrono::seconds(1));
            owner.reset();
            source.stop();
            runtime::crash_point("drain.outcomes_stopped");
            intake.stop();
            loop.stop();
            runtime::crash_point("drain.engine_stopped");
            sink.stop();
            context.stop();
        });
    });
    directory.wait_until_loaded(patience_at_start);
    std::cout << "orchestrator ready public=http://" << config.public_address << ":" << public_server.port()
              << " private=http://" << config.private_address << ":" << private_server.port() << std::endl;
    runtime::log_info(
        "orchestrator started", {{"public_port", public_server.port()}, {"private_port", private_server.port()}});

    notice.ready();

    std::thread second([&context] { context.run(); });
    context.run();
    second.join();
    if (drain.joinable()) drain.join();
    runtime::log_info("orchestrator ended", {});
    return 0;
}

int start(int argc, char** argv) {
    CLI::App app{"Takes webhooks in, moves sagas, serves REST.", "orchestrator"};
    std::string file;
    app.add_option("--config,-c", file, "TOML file with the settings; without it the environment alone is read");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    runtime::ConfigReader reader = file.empty() ? runtime::ConfigReader::from_text("", runtime::system_environment())
                                                : runtime::ConfigReader::from_file(file, runtime::system_environment());
    OrchestratorConfig config = read_orchestrator_config(reader);
    if (auto faults = reader.finish(); !faults.empty()) {
        std::cerr << runtime::describe(faults);
        return 2;
    }
    broker::AddressOptions address_options;
    address_options.ca_file = config.amqp_ca_file;
    runtime::Result<broker::Address> address = broker::parse_address(config.amqp_url, address_options);
    if (!address) {
        std::cerr << "amqp.url: " << address.error().message << '\n';
        return 2;
    }
    runtime::LogOptions log;
    log.level = runtime::log_level_from(config.log_level);
    log.program = "orchestrator";
    runtime::configure_log(log);
    try {
        return run(config, *address);
    } catch (const NotUsable& fault) {
        std::cerr << fault.what() << '\n';
    } catch (const db::DatabaseError& fault) {
        std::cerr << "the database cannot be used: " << fault.what() << '\n';
    }
    return 3;
}

}  // namespace
}  // namespace ordersaga

int main(int argc, char** argv) {
    ordersaga::runtime::forbid_core_dumps();
    try {
        return ordersaga::start(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "orchestrator: " << error.what() << '\n';
        return 1;
    }
}
