#include "activities/worker_config.hpp"

#include "db/address.hpp"
#include "runtime/url.hpp"

#include <set>
#include <utility>

namespace ordersaga::activities {
namespace {

using runtime::ConfigSection;

std::string base_url(ConfigSection& section) {
    const std::string text = section.text("base_url");
    if (text.empty()) {
        return {};
    }
    const runtime::Result<std::string> base = runtime::parse_base_url(text);
    if (!base.ok()) {
        section.fault("base_url", base.error().message);
        return {};
    }
    const runtime::Result<runtime::Url> url = runtime::parse_url(*base);
    if (url.ok() && !url->tls && !runtime::is_loopback_host(url->host)) {
        section.fault("base_url", "must be https: plain http would show the token to the network");
    }
    return *base;
}

void check_key(ConfigSection& section, const std::string& key, std::set<std::string>& seen) {
    if (!key.empty() && !seen.insert(key).second) {
        section.fault("key", "is used twice");
    }
}

std::chrono::milliseconds milliseconds(
    ConfigSection& section,
    std::string_view key,
    std::chrono::milliseconds fallback,
    std::chrono::milliseconds low,
    std::chrono::milliseconds high) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(section.duration(key, fallback, low, high));
}

// A token of the worker's own settings goes before the one that is kept in the database.
std::string token_of(ConfigSection& section) {
    return section.has("token") ? section.secret("token") : std::string();
}

void read_credential_keys(runtime::ConfigReader& reader, WorkerConfig& config) {
    ConfigSection section = reader.section("credentials");
    const std::string text = section.secret("keys");
    if (text.empty()) return;  // told already
    const runtime::Result<runtime::KeyRing> ring = runtime::KeyRing::parse(text);
    if (!ring.ok()) {
        section.fault("keys", ring.error().message);
        return;
    }
    config.credential_keys = *ring;
}

void read_peers(runtime::ConfigReader& reader, WorkerConfig& config) {
    std::set<std::string> keys;
    for (ConfigSection& section : reader.tables("stores")) {
        StoreConfig store;
        store.key = section.text("key");
        check_key(section, store.key, keys);
        store.base_url = base_url(section);
        store.api_version = section.text("api_version", "2026-07");
        store.token = token_of(section);
        config.stores.push_back(std::move(store));
    }
    keys.clear();
    for (ConfigSection& section : reader.tables("warehouses")) {
        WarehouseConfig warehouse;
        warehouse.key = section.text("key");
        check_key(section, warehouse.key, keys);
        warehouse.kind = section.choice("kind", "shipbob", {"shipbob"});
        warehouse.base_url = base_url(section);
        warehouse.api_version = section.text("api_version", "2026-01");
        warehouse.channel_id = section.text("channel_id");
        warehouse.token = token_of(section);
        config.warehouses.push_back(std::move(warehouse));
    }
}

}  // namespace

WorkerConfig read_worker_config(runtime::ConfigReader& reader) {
    using namespace std::chrono_literals;
    WorkerConfig config;
    ConfigSection broker = reader.section("broker");
    config.amqp_url = broker.secret("url");
    config.amqp_prefix = broker.text("prefix", "");
    config.amqp_ca_file = broker.text("ca_file", "");
    ConfigSection database = reader.section("database");
    config.database_dsn = database.secret("dsn");
    if (const std::string fault = db::address_fault(config.database_dsn); !fault.empty()) database.fault("dsn", fault);
    ConfigSection worker = reader.section("worker");
    config.families = worker.texts("families", {"shopify", "warehouse"});
    config.concurrency = static_cast<int>(worker.integer("concurrency", 64, 1, 2000));
    config.call_timeout = milliseconds(worker, "call_timeout", 10s, 100ms, 120s);
    config.drain = milliseconds(worker, "drain", 15s, 0ms, 300s);
    config.log_level = worker.choice("log_level", "info", {"debug", "info", "warn", "error", "off"});
    ConfigSection metrics = reader.section("metrics");
    config.metrics_address = metrics.text("address", "127.0.0.1");
    if (metrics.has("port")) {
        config.metrics_port = static_cast<std::uint16_t>(metrics.integer("port", 0, 0, 65535));
    }
    read_credential_keys(reader, config);
    read_peers(reader, config);
    // One file serves both programs.
    reader.leave_to_others(
        {"public", "private", "engine", "api", "amqp", "log", "duties", "calls", "saga", "retention", "notifier"});
    return config;
}

}  // namespace ordersaga::activities
