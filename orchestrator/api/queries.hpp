// What the REST API asks of the database. The real one is db/api_queries.hpp. Reads see one merchant's rows only: the
// database itself hides the others (row security), so a foreign id and a missing one cannot be told apart.
//
// Synchronous; one object belongs to one thread. Everything may throw db::DatabaseError; BadData means that a parameter
// (a cursor, an id) is no such thing.
#pragma once

#include "orchestrator/api/principal.hpp"
#include "sagas/ids.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ordersaga::api {

using sagas::MerchantId;

// `after` is the `next` of the page before, empty for the first. Pages are {"items": [...], "next": text|null}.
struct Page {
    int limit = 50;
    std::string after;
};

struct SagaFilter {
    std::string state, store, sku;  // empty: any
    bool with_incident = false;
    std::optional<std::chrono::microseconds> older_than;  // not changed for so long
};

struct LedgerKey {
    std::int64_t sku_id = 0;
    std::int64_t warehouse_id = 0;
    std::int64_t version = 0;
};

// An accepted command, as the audit remembers it.
struct EarlierCommand {
    std::string fingerprint;  // of method, path and body
    std::string subject;
};

struct ParkedWebhook {
    std::int64_t sender_id = 0;  // the store's or the warehouse's
    std::string source, topic, webhook_id, body;
    std::string shop_domain;  // empty for a warehouse's
};

class Queries {
public:
    virtual ~Queries() = default;

    // By SHA-256; nullopt when unknown, expired or revoked.
    virtual std::optional<Principal> find_token(const std::string& sha256_hex) = 0;
    // Of the database; and of this build.
    virtual int stored_schema_version() = 0;
    virtual int wanted_schema_version() const = 0;

    virtual nlohmann::json sagas(MerchantId merchant, const SagaFilter& filter, const Page& page) = 0;
    // Null: no such saga. {"saga_id","kind","state","version",...,"order","reservations","commands","waits","incidents"}
    virtual nlohmann::json saga(MerchantId merchant, const std::string& saga_id, bool with_data) = 0;
    virtual nlohmann::json history(
        MerchantId merchant,
        const std::string& saga_id,
        bool with_details,
        const Page& page) = 0;
    // Null: no such order. Without personal data.
    virtual nlohmann::json order(MerchantId merchant, const std::string& store, const std::string& order_id) = 0;

    virtual nlohmann::json stock(
        MerchantId merchant,
        const std::string& sku,
        const std::string& warehouse,
        const Page& page) = 0;
    // Null: no such SKU.
    virtual nlohmann::json movements(MerchantId merchant, const std::string& sku, const Page& page) = 0;
    virtual std::optional<LedgerKey> ledger(
        MerchantId merchant,
        const std::string& sku,
        const std::string& warehouse) = 0;
    // The difference that the adjustment of this id made; nullopt: there was none.
    virtual std::optional<std::int64_t> adjusted_before(
        MerchantId merchant,
        const LedgerKey& ledger,
        const std::string& adjustment_id) = 0;
    virtual nlohmann::json listings(
        MerchantId merchant,
        const std::string& store,
        const std::string& sku,
        bool only_parked,
        const Page& page) = 0;
    // The store that shows it; nullopt: no such listing.
    virtual std::optional<sagas::StoreId> store_of_listing(MerchantId merchant, const std::string& listing_id) = 0;
    virtual std::optional<sagas::StoreId> find_store(MerchantId merchant, const std::string& key) = 0;
    virtual nlohmann::json stores(MerchantId merchant, const Page& page) = 0;
    virtual nlohmann::json lanes(MerchantId merchant, const Page& page) = 0;
    virtual nlohmann::json incidents(MerchantId merchant, bool closed_too, const Page& page) = 0;
    // Null: no such incident.
    virtual nlohmann::json incident(MerchantId merchant, const std::string& incident_id) = 0;
    virtual nlohmann::json parked(MerchantId merchant, const Page& page) = 0;
    // Null: no such open item. With `input`: what was parked, as text; it may hold addresses.
    virtual nlohmann::json parked_item(MerchantId merchant, const std::string& item_id, bool with_input) = 0;
    virtual nlohmann::json audit(MerchantId merchant, const Page& page) = 0;
    virtual nlohmann::json summary(MerchantId merchant) = 0;

    // {"all_hold","laws":[{"law","promise","holds","broken","findings":[{"row","text"}]}]}, over all merchants; the findings
    // only when there is one merchant.
    virtual nlohmann::json verify(bool at_rest) = 0;

    // The command of the last seven days that carried this key.
    virtual std::optional<EarlierCommand> find_command(MerchantId merchant, const std::string& idempotency_key) = 0;
    // A webhook that was stored and not understood; nullopt: no such open item.
    virtual std::optional<ParkedWebhook> parked_webhook(MerchantId merchant, const std::string& item_id) = 0;
    // Takes an item off the list, with an audit row; `how` is "dismiss" or "retry". False: no such open item, so also for a
    // repeat.
    virtual bool settle_parked(
        MerchantId merchant,
        const std::string& item_id,
        const std::string& how,
        const std::string& actor,
        const std::string& reason) = 0;
};

using QueriesFactory = std::function<std::unique_ptr<Queries>()>;

}  // namespace ordersaga::api
