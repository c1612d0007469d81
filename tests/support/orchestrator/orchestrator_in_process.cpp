#include "tests/support/orchestrator/orchestrator_in_process.hpp"

#include "db/api_queries.hpp"
#include "db/pg_store.hpp"
#include "orchestrator/apart_engine.hpp"
#include "orchestrator/api/private_listener.hpp"
#include "orchestrator/orchestrator_config.hpp"
#include "orchestrator/webhook/shopify_signature.hpp"
#include "runtime/http_server.hpp"
#include "runtime/random.hpp"
#include "tests/support/test_database.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <optional>
#include <thread>

namespace ordersaga::test {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::hours unhurried{24};

OrchestratorConfig config_of(const InProcessOptions& options) {
    OrchestratorConfig config;
    config.engine_dsn = options.engine_dsn;
    config.credential_keys = test_keys();
    config.orders = options.orders;
    config.loop = options.loop;
    return config;
}

}  // namespace

orders::OrderParticipantSettings unhurried_orders() {
    orders::OrderParticipantSettings settings;
    settings.poll_orders_every = settings.read_stock_every = settings.poll_fulfillments_every = unhurried;
    settings.quiet_reads_every = settings.hint_settles_after = settings.mirror_fresh_for = unhurried;
    return settings;
}

sagas::OrderSagaSettings unhurried_saga() {
    sagas::OrderSagaSettings settings;
    settings.policies = sagas::default_policies();
    for (auto& [activity, policy] : settings.policies)
        policy.start_to_close = policy.schedule_to_close = unhurried;
    return settings;
}

struct OrchestratorInProcess::Impl {
    explicit Impl(InProcessOptions given)
        : options(std::move(given)),
          saga(options.saga),
          store({options.engine_dsn, "test-engine"}, test_keys()),
          participant(random, options.orders),
          engine(store, participant, {&saga}, sink, random, {}),
          loop(engine, metrics, options.loop),
          intake(loop, config_of(options), {&saga}, random, metrics),
          directory(webhook::fixed_store_directory(options.stores, options.warehouses)),
          guard(asio::make_work_guard(context)),
          client(context.get_executor()) {
        sink.connect(loop);
        engine.set_onlooker([feed = live](const std::vector<engine::SagaChange>& changes) { feed->changed(changes); });
        runtime::HttpServerOptions open;
        open.name = "public";
        open.body_limit_for = webhook::public_body_limit();
        open.body_length_required_for_post = true;
        open.metrics = &metrics;
        public_server.emplace(
            context.get_executor(), open,
            webhook::make_public_handler(*directory, intake, clock, metrics, options.listener));
        if (!options.api_dsn.empty()) start_private();
        loop.start();
        intake.start();
        public_server->start();
        if (private_server) private_server->start();
        for (int i = 0; i < 2; ++i) {
            threads.emplace_back([this] { context.run(); });
        }
    }

    ~Impl() {
        public_server->stop_and_wait(std::chrono::seconds(2));
        live->stop();
        if (private_server) private_server->stop_and_wait(std::chrono::seconds(2));
        intake.stop();
        loop.stop();
        guard.reset();
        context.stop();
        for (std::thread& thread : threads)
            thread.join();
    }

    void start_private() {
        queries.emplace([this] { return db::make_api_queries(options.api_dsn, options.engine_dsn, test_keys()); });
        runtime::HttpServerOptions closed;
        closed.name = "private";
        closed.body_limit = api::api_body_limit;
        closed.metrics = &metrics;
        api::PrivateListenerOptions listener;
        listener.live = live;
        private_server.emplace(
            context.get_executor(), closed, api::make_private_handler(*queries, loop, clock, metrics, listener));
    }

    runtime::HttpOutcome call(
        std::uint16_t port,
        const std::string& method,
        const std::string& path,
        runtime::HttpHeaders headers,
        std::string body) {
        runtime::HttpCall call;
        call.method = method;
        call.url = "http://127.0.0.1:" + std::to_string(port) + path;
        call.headers = std::move(headers);
        call.body = std::move(body);
        return asio::co_spawn(context, client.send(std::move(call)), asio::use_future).get();
    }

    InProcessOptions options;
    runtime::SystemClock clock;
    runtime::SystemRandom random;
    runtime::Metrics metrics;
    sagas::OrderSaga saga;
    db::PgStore store;
    orders::OrderParticipant participant;
    RecordingSink sink;
    std::shared_ptr<api::LiveFeed> live = std::make_shared<api::LiveFeed>();
    engine::Engine engine;
    EngineLoop loop;
    ApartEngine intake;
    std::unique_ptr<webhook::StoreDirectory> directory;
    std::optional<api::QueryThreads> queries;
    asio::io_context context;
    asio::executor_work_guard<asio::io_context::executor_type> guard;
    runtime::HttpClient client;
    std::optional<runtime::HttpServer> public_server, private_server;
    std::vector<std::thread> threads;
    std::vector<engine::CommandRow> held_back;
};

OrchestratorInProcess::OrchestratorInProcess(InProcessOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
OrchestratorInProcess::~OrchestratorInProcess() = default;

std::uint16_t OrchestratorInProcess::public_port() const {
    return impl_->public_server->port();
}
std::uint16_t OrchestratorInProcess::private_port() const {
    return impl_->private_server->port();
}
EngineLoop& OrchestratorInProcess::loop() {
    return impl_->loop;
}
RecordingSink& OrchestratorInProcess::sink() {
    return impl_->sink;
}
runtime::Metrics& OrchestratorInProcess::metrics() {
    return impl_->metrics;
}

runtime::HttpOutcome OrchestratorInProcess::call_public(
    const std::string& method,
    const std::string& path,
    runtime::HttpHeaders headers,
    std::string body) {
    return impl_->call(public_port(), method, path, std::move(headers), std::move(body));
}

runtime::HttpOutcome OrchestratorInProcess::call_private(
    const std::string& method,
    const std::string& path,
    runtime::HttpHeaders headers,
    std::string body) {
    return impl_->call(private_port(), method, path, std::move(headers), std::move(body));
}

runtime::HttpOutcome OrchestratorInProcess::send_webhook(
    const std::string& shop_domain,
    const std::string& secret,
    const std::string& topic,
    const std::string& webhook_id,
    const std::string& body) {
    return call_public(
        "POST", "/webhooks/shopify",
        {{"Content-Type", "application/json"},
         {"X-Shopify-Topic", topic},
         {"X-Shopify-Shop-Domain", shop_domain},
         {"X-Shopify-Webhook-Id", webhook_id},
         {"X-Shopify-API-Version", "2026-07"},
         {"X-Shopify-Hmac-Sha256", webhook::shopify_signature(body, secret)}},
        body);
}

engine::InputResult OrchestratorInProcess::tell_outcome(
    const engine::CommandRow& command,
    const sagas::Outcome& outcome) {
    engine::OutcomeArrived arrived{
        command.merchant, command.saga_id, command.command_id, command.attempt_token, outcome};
    auto answered = std::make_shared<std::promise<engine::InputResult>>();
    engine::Input input;
    input.content = std::move(arrived);
    input.done = [answered](const engine::InputResult& result) {
        answered->set_value(result);
    };
    if (!impl_->loop.offer(std::move(input))) throw std::runtime_error("the loop takes nothing any more");
    return answered->get_future().get();
}

bool OrchestratorInProcess::work_until(
    const PlainWorker& worker,
    const std::function<bool()>& done,
    const std::set<std::string>& held,
    std::chrono::seconds longest) {
    const auto deadline = std::chrono::steady_clock::now() + longest;
    std::vector<engine::CommandRow> commands = std::exchange(impl_->held_back, {});
    while (std::chrono::steady_clock::now() < deadline) {
        for (engine::CommandRow& command : commands) {
            if (held.count(command.activity) > 0) {
                impl_->held_back.push_back(std::move(command));
                continue;
            }
            engine::Input input;
            input.content = engine::OutcomeArrived{
                command.merchant, command.saga_id, command.command_id, command.attempt_token, worker.answer(command)};
            input.done = [](const engine::InputResult&) {
            };
            if (!impl_->loop.offer(std::move(input))) return false;
        }
        // Who holds something back has looked at all there is.
        if (done()) return true;
        commands = impl_->sink.take(std::chrono::milliseconds(20));
    }
    return false;
}

}  // namespace ordersaga::test
