// What `sagactl connect` compares a store or a warehouse with: what setup put into the database. With a login that sees all
// merchants (the engine's), in the caller's transaction.
#pragma once

#include "db/credentials.hpp"

#include <string>
#include <vector>

namespace ordersaga::db {

// A store or a warehouse, as we call it.
struct Peer {
    CredentialKey key;  // "store:eu"
    std::string merchant_name;
    std::string base_url, api_version;
    std::string token_ref;  // used while it has no credential
    bool has_credential = false;
    std::string webhook_url;  // where its webhooks should go; empty: setup has not said
    std::vector<std::string> webhook_secret_refs;
    std::string location_id;  // of a store
    std::string channel_id;   // of a warehouse; empty: not known yet
};
// All of this subject, one for each merchant that has such a one.
std::vector<Peer> peers_called(Transaction& transaction, const std::string& subject);

struct KnownSku {
    std::string sku;
    std::string warehouse_item_id;
    bool stocked = true;  // false: discontinued, or a bundle, of which a warehouse has the parts only
};
std::vector<KnownSku> known_skus(Transaction& transaction, sagas::MerchantId merchant);

struct KnownListing {
    std::string variant_id, sku;
};
std::vector<KnownListing> known_listings(Transaction& transaction, const CredentialKey& store);

// A shipping line of a store that ships from this warehouse.
struct KnownShipMethod {
    std::string store, title, method;
};
std::vector<KnownShipMethod> known_ship_methods(Transaction& transaction, const CredentialKey& warehouse);

// For the audit; `details` is a JSON object.
void note_connection(
    Transaction& transaction,
    const CredentialKey& key,
    const std::string& actor,
    const std::string& reason,
    const std::string& details);

// The subscriptions of all stores are looked at as soon as an orchestrator comes round to it.
void check_subscriptions_now(Transaction& transaction);

}  // namespace ordersaga::db
