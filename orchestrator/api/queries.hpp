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

// Written by naming what is asked for; what is left out asks for nothing.
struct SagaFilter {
    std::string state{}, store{}, sku{};
    std::string text{};      // the beginning of the order's name or the saga's id, or the order's number
    bool only_open = false;  // not in a final state
    bool with_incident = false;
    std::optional<std::chrono::microseconds> older_than{};  // not changed for so long
};

struct LedgerKey {
    std::int64_t sku_id = 0;
    std::int64_t warehouse_id = 0;
    std::int64_t version = 0;
};

// What became of an attempt to sign in before any password was looked at.
struct SignInAttempt {
    std::optional<std::chrono::seconds> locked_for;  // too many attempts: nobody of this name may come in
    std::int64_t merchant_id = 0;                    // 0: all of them
    std::int64_t operator_id = 0;                    // 0: nobody has this name, or he was disabled
    std::string password;                            // as it is stored
};

// Whose answers are kept under which key.
struct KeptUnder {
    MerchantId merchant;
    std::string principal;  // Principal::id
    std::string key;        // Idempotency-Key
};

struct KeptAnswer {
    int status = 0;
    std::string etag, body;
};

struct KeyClaim {
    enum class Kind { granted, under_way, answered, another_command } kind = Kind::granted;
    KeptAnswer answer;  // when answered
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
    // By the SHA-256 of a session's id; nullopt when unknown, idle for 30 minutes, 12 hours old, or its operator disabled.
    // Notes that the session was used.
    virtual std::optional<Principal> find_session(const std::string& sha256_hex) = 0;
    // Counts the attempt, whether somebody has this name or not. After five without success: locked for 15 minutes.
    virtual SignInAttempt begin_sign_in(const std::string& name) = 0;
    // Forgets the attempts and opens the session, with an audit row. False: the operator was changed meanwhile.
    virtual bool open_session(const SignInAttempt& attempt, const std::string& name, const std::string& sha256_hex) = 0;
    virtual void end_session(const std::string& sha256_hex) = 0;

    // Commands that carry an Idempotency-Key: answers are kept for 24 hours. A claim that nobody answered within 30 seconds
    // may be claimed again.
    virtual KeyClaim claim_key(const KeptUnder& under, const std::string& fingerprint) = 0;
    virtual void keep_answer(const KeptUnder& under, const KeptAnswer& answer) = 0;
    virtual void give_key_back(const KeptUnder& under) = 0;

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
    // Null: no such open item. With `input`: what was parked, as text; names and addresses are masked.
    virtual nlohmann::json parked_item(MerchantId merchant, const std::string& item_id, bool with_input) = 0;
    virtual nlohmann::json audit(MerchantId merchant, const Page& page) = 0;
    virtual nlohmann::json summary(MerchantId merchant) = 0;

    // {"all_hold","laws":[{"law","promise","holds","broken","findings":[{"row","text"}]}]}, over all merchants; the findings
    // only when there is one merchant.
    virtual nlohmann::json verify(bool at_rest) = 0;

    // The command of the last 24 hours that carried this key, as the transaction that applied it wrote it down.
    virtual std::optional<EarlierCommand> find_command(const KeptUnder& under) = 0;
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
