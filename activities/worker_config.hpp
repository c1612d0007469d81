// The settings of the program activity-worker, as one struct.
//
// Purpose: one TOML file with environment overrides; all faults are told at once. Secrets come by reference only.
// Immutable after loading.
#pragma once

#include "runtime/config.hpp"
#include "runtime/sealing.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::activities {

struct StoreConfig {
    std::string key;
    std::string base_url;  // https://shop.myshopify.com; plain http on loopback only
    std::string api_version;
    std::string token;  // empty: from the database
};

struct WarehouseConfig {
    std::string key;
    std::string kind;  // shipbob
    std::string base_url;
    std::string api_version;
    std::string channel_id;
    std::string token;  // empty: from the database
};

struct WorkerConfig {
    std::string amqp_url;
    std::string amqp_prefix;
    std::string amqp_ca_file;
    std::string database_dsn;
    std::vector<std::string> families;  // command queues to serve
    int concurrency = 64;               // commands in work per queue
    std::chrono::milliseconds call_timeout{10'000};
    std::chrono::milliseconds drain{15'000};
    std::string log_level;
    std::string metrics_address;
    std::optional<std::uint16_t> metrics_port;  // absent: no listener
    std::optional<runtime::KeyRing>
        credential_keys;  // opens tokens and addresses in the database; there, when there is no fault
    std::vector<StoreConfig> stores;
    std::vector<WarehouseConfig> warehouses;
};

// Check reader.finish() afterwards: the struct is usable only when that is empty.
[[nodiscard]] WorkerConfig read_worker_config(runtime::ConfigReader& reader);

}  // namespace ordersaga::activities
