#include "orchestrator/orchestrator_config.hpp"

#include "db/address.hpp"
#include "runtime/url.hpp"

namespace ordersaga {
namespace {

using namespace std::chrono_literals;
using runtime::ConfigSection;
using runtime::Duration;

void read_listeners(runtime::ConfigReader& reader, OrchestratorConfig& config) {
    ConfigSection open = reader.section("public");
    config.public_address = open.text("address", "127.0.0.1");
    config.public_port = static_cast<std::uint16_t>(open.integer("port", 8080, 0, 65535));
    ConfigSection closed = reader.section("private");
    config.private_address = closed.text("address", "127.0.0.1");
    config.private_port = static_cast<std::uint16_t>(closed.integer("port", 8081, 0, 65535));
    config.gate.requests_per_second = closed.number("requests_per_second", config.gate.requests_per_second, 1, 10'000);
    config.gate.hosts = closed.texts("hosts");
    const std::string base_url = closed.text("base_url", "");
    if (base_url.empty()) return;
    const runtime::Result<runtime::Url> url = runtime::parse_url(base_url);
    if (!url) {
        closed.fault("base_url", url.error().message);
        return;
    }
    config.gate.hosts.push_back(url->authority());
    config.secure_cookie = url->tls;
}

std::string read_dsn(ConfigSection section) {
    std::string dsn = section.secret("dsn");
    if (const std::string fault = db::address_fault(dsn); !fault.empty()) section.fault("dsn", fault);
    return dsn;
}

void read_engine(runtime::ConfigReader& reader, OrchestratorConfig& config) {
    ConfigSection section = reader.section("engine");
    config.engine_dsn = read_dsn(section);
    config.member_id = section.text("member", "");
    config.prepared_statements = section.boolean("prepared_statements", config.prepared_statements);
    config.engine.shards = static_cast<int>(section.integer("shards", config.engine.shards, 1, 256));
    config.engine.relay_after = section.duration("relay_after", config.engine.relay_after, 100ms, 1min);
    config.engine.breaker_cooldown = section.duration("breaker_cooldown", config.engine.breaker_cooldown, 10ms, 10min);
    config.engine.breaker_cooldown_cap =
        section.duration("breaker_cooldown_cap", config.engine.breaker_cooldown_cap, 10ms, 1h);
    config.engine.breaker_failures =
        static_cast<int>(section.integer("breaker_failures", config.engine.breaker_failures, 1, 1000));
    config.loop.batch_limit = static_cast<std::size_t>(section.integer("batch_limit", 200, 1, 1000));
    config.loop.nice = static_cast<int>(section.integer("nice", config.loop.nice, -20, 0));
    config.loop.queue_limit = static_cast<std::size_t>(section.integer("queue_limit", 2'000, 1, 100'000));
}

void read_duties(runtime::ConfigReader& reader, OrchestratorConfig& config) {
    ConfigSection section = reader.section("duties");
    orders::OrderParticipantSettings& orders = config.orders;
    orders.poll_orders_every = section.duration("poll_orders_every", orders.poll_orders_every, 1s, 1h);
    orders.poll_orders_overlap = section.duration("poll_orders_overlap", orders.poll_orders_overlap, 1s, 24h);
    orders.read_stock_every = section.duration("read_stock_every", orders.read_stock_every, 1s, 1h);
    orders.mirror_fresh_for = section.duration("mirror_fresh_for", orders.mirror_fresh_for, 1s, 1h);
    orders.demand_read_every = section.duration("demand_read_every", orders.demand_read_every, 1s, 1h);
    orders.demand_read_wait = section.duration("demand_read_wait", orders.demand_read_wait, 100ms, 1min);
    orders.poll_fulfillments_every =
        section.duration("poll_fulfillments_every", orders.poll_fulfillments_every, 1s, 1h);
    orders.poll_fulfillments_overlap =
        section.duration("poll_fulfillments_overlap", orders.poll_fulfillments_overlap, 1s, 24h);
    orders.quiet_reads_every = section.duration("quiet_reads_every", orders.quiet_reads_every, 200ms, 1h);
    orders.hint_settles_after = section.duration("hint_settles_after", orders.hint_settles_after, 1s, 1h);
    orders.check_subscriptions_every =
        section.duration("check_subscriptions_every", orders.check_subscriptions_every, 1s, 24h);
    orders.store_window = static_cast<int>(section.integer("store_window", orders.store_window, 1, 2000));
    orders.warehouse_window = static_cast<int>(section.integer("warehouse_window", orders.warehouse_window, 1, 2000));
}

// One timing for all calls: what differs between activities (priority, attempts, budget) is not a matter of taste.
void read_calls(runtime::ConfigReader& reader, OrchestratorConfig& config) {
    ConfigSection section = reader.section("calls");
    sagas::ActivityPolicy defaults;
    Duration call = section.duration("call_deadline", defaults.call_deadline, 100ms, 5min);
    Duration send = section.duration("send_within", defaults.send_within, 100ms, 5min);
    Duration whole = section.duration("start_to_close", defaults.start_to_close, 200ms, 10min);
    Duration lookup = section.duration("lookup_delay", defaults.lookup_delay, 0s, 5min);
    Duration first = section.duration("initial_interval", defaults.initial_interval, 10ms, 1min);
    Duration longest = section.duration("max_interval", defaults.max_interval, 100ms, 1h);
    int attempts = static_cast<int>(section.integer("max_attempts", defaults.max_attempts, 1, 1000));
    if (whole < send + call) section.fault("start_to_close", "must hold send_within and call_deadline");
    config.saga.policies = sagas::default_policies();
    for (auto& [activity, policy] : config.saga.policies) {
        policy.call_deadline = call;
        policy.send_within = send;
        policy.start_to_close = whole;
        if (policy.lookup_delay > 0s) policy.lookup_delay = lookup;
        policy.initial_interval = first;
        policy.max_interval = std::min(policy.max_interval, longest);
        if (policy.write && policy.max_attempts < attempts) policy.max_attempts = attempts;
    }
}

void read_saga(runtime::ConfigReader& reader, OrchestratorConfig& config) {
    ConfigSection section = reader.section("saga");
    config.saga.stock_read_wait = section.duration("stock_read_wait", config.saga.stock_read_wait, 100ms, 1min);
    config.saga.watch_interval = section.duration("watch_interval", config.saga.watch_interval, 1s, 24h);
    config.saga.delivery_assumed = section.duration("delivery_assumed", config.saga.delivery_assumed, 1s, 24h * 365);
    config.saga.notify_customer = section.boolean("notify_customer", false);
}

void read_retention(runtime::ConfigReader& reader, OrchestratorConfig& config) {
    ConfigSection section = reader.section("retention");
    // A week: a store repeats a webhook for two days, and whatever comes later must still be known as a repeat.
    Duration keep = section.duration("keep", config.retention.keep, 24h * 7, 24h * 3650);
    config.retention.keep = std::chrono::duration_cast<std::chrono::hours>(keep);
    config.retention.history_months = static_cast<int>(section.integer("history_months", 0, 0, 1200));
    if (config.retention.history_months == 1 || config.retention.history_months == 2)
        section.fault("history_months", "must be 0 (for ever) or at least 3");
}

void read_credential_keys(runtime::ConfigReader& reader, OrchestratorConfig& config) {
    ConfigSection section = reader.section("credentials");
    const std::string text = section.secret("keys");
    if (text.empty()) return;  // told already
    runtime::Result<runtime::KeyRing> ring = runtime::KeyRing::parse(text);
    if (ring)
        config.credential_keys = std::move(*ring);
    else
        section.fault("keys", ring.error().message);
}

}  // namespace

OrchestratorConfig read_orchestrator_config(runtime::ConfigReader& reader) {
    OrchestratorConfig config;
    read_listeners(reader, config);
    read_engine(reader, config);
    config.api_dsn = read_dsn(reader.section("api"));
    ConfigSection amqp = reader.section("amqp");
    config.amqp_url = amqp.secret("url");
    config.amqp_prefix = amqp.text("prefix", "");
    config.amqp_ca_file = amqp.text("ca_file", "");
    config.amqp_lists = amqp.boolean("lists", true);
    config.log_level = reader.section("log").text("level", "info");
    read_duties(reader, config);
    read_calls(reader, config);
    read_saga(reader, config);
    read_retention(reader, config);
    read_credential_keys(reader, config);
    // One file serves both programs.
    reader.leave_to_others({"broker", "database", "worker", "metrics", "stores", "warehouses", "notifier"});
    return config;
}

}  // namespace ordersaga
