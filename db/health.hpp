// What the database tells of the system's health, for `sagactl doctor`: read only, with a login that sees all merchants (the
// engine's), in the caller's transaction.
#pragma once

#include "db/credentials.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::db {

struct StoreHealth {
    std::string merchant_name, key;
    std::string status;  // active | suspended | uninstalled
    std::string mode;    // observe | live
    std::optional<Instant> last_webhook;
    bool subscriptions_watched = false;
    std::string subscription_incident;  // empty: none is open
};

struct CredentialHealth {
    CredentialHolder holder;
    CredentialRow row;            // when the holder has one
    std::string refusal;          // what the peer says to it, while the incident is open
    std::string scopes_incident;  // which scopes are missing, while the incident is open
};

struct OpenIncidents {
    std::int64_t count = 0;
    std::string oldest_cause;
    std::optional<Instant> oldest_at;
};

struct SystemHealth {
    Instant database_time{};            // of this very moment
    std::int64_t orchestrators = 0;     // that beat within the last ten seconds
    std::optional<Instant> oldest_due;  // of the duties of active stores and warehouses
    std::vector<StoreHealth> stores;
    std::vector<CredentialHealth> credentials;
    OpenIncidents incidents;
    std::int64_t parked = 0;
};
SystemHealth read_health(Transaction& transaction);

// A warehouse, as it is called.
struct CalledWarehouse {
    CredentialKey key;
    std::string merchant_name;
    sagas::WarehouseId warehouse_id;
    std::string base_url, api_version;
    std::string token_ref;
    bool has_credential = false;
};
std::vector<CalledWarehouse> called_warehouses(Transaction& transaction);

// An order that stands at a warehouse, in the words of whoever put it there.
struct StandingOrder {
    std::string reference, number;
    std::string channel;
};
// Those of them that we did not put there and that go by the id or the name of an order of a store of ours.
struct ForeignOrder {
    StandingOrder standing;
    std::string store, name;
    bool sent_by_us = false;  // it is ours to send: neither observed nor only recorded
    bool same_id = false;     // by the store's id, which is unique; a name (#1001) is not
};
std::vector<ForeignOrder> foreign_orders(
    Transaction& transaction,
    sagas::MerchantId merchant,
    sagas::WarehouseId warehouse,
    const std::vector<StandingOrder>& standing);

}  // namespace ordersaga::db
