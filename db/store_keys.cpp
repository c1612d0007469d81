#include "db/store_keys.hpp"

#include "runtime/compression.hpp"

namespace ordersaga::db {

namespace {

using runtime::KeyRing;
using runtime::Sealed;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::minutes good_for{1};

// A key of this very transaction may yet be rolled back; its time is the transaction's own.
constexpr const char* kRead = R"sql(
    SELECT key_id, sealed, made_at < now() AS lasting FROM store_keys
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint)sql";

constexpr const char* kMake = R"sql(
    INSERT INTO store_keys (merchant_id, store_id, data_key_id, key_id, sealed)
    VALUES ($1::bigint, $2::bigint, $3, $4, $5::bytea)
        ON CONFLICT DO NOTHING)sql";

constexpr const char* kSealedOtherwise = R"sql(
    SELECT merchant_id, store_id, key_id, sealed FROM store_keys
     WHERE key_id <> $1 ORDER BY merchant_id, store_id FOR NO KEY UPDATE)sql";

constexpr const char* kSealAnew = R"sql(
    UPDATE store_keys SET key_id = $3, sealed = $4::bytea
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint)sql";

// The form is part of the place, so nobody can take one for the other. Those of earlier releases are plain.
constexpr const char* compressed_body = "zstd body";
constexpr const char* plain_body = "body";
constexpr std::size_t body_limit = 64 << 20;  // more than any listener takes

std::string place_of_body(
    const char* form,
    std::int64_t merchant,
    std::int64_t store,
    const std::string& topic,
    const std::string& webhook_id) {
    return std::string(form) + "\n" + std::to_string(merchant) + "\n" + std::to_string(store) + "\n" + topic + "\n" +
           webhook_id;
}

}  // namespace

std::string place_of_store_key(std::int64_t merchant, std::int64_t store) {
    return "store key\n" + std::to_string(merchant) + "\n" + std::to_string(store);
}

std::string place_of_person(std::int64_t merchant, const std::string& saga_id) {
    return "person\n" + std::to_string(merchant) + "\n" + saga_id;
}

runtime::Sealed sealed_body(
    const KeyRing& key,
    std::int64_t merchant,
    std::int64_t store,
    const std::string& topic,
    const std::string& webhook_id,
    std::string_view body) {
    return key.seal(runtime::compressed(body), place_of_body(compressed_body, merchant, store, topic, webhook_id));
}

runtime::Result<KeyRing> opened_store_key(
    const KeyRing& ring,
    std::int64_t merchant,
    std::int64_t store,
    const Sealed& sealed) {
    const runtime::Result<std::string> line = ring.open(sealed, place_of_store_key(merchant, store));
    if (!line) return line.error();
    return KeyRing::parse(*line);
}

KeyRing StoreKeys::key_of(Transaction& transaction, sagas::MerchantId merchant, sagas::StoreId store) {
    const auto found = known_.find({merchant, store});
    if (found != known_.end() && Steady::now() - found->second.read_at < good_for) return found->second.key;
    Rows rows = transaction.query(kRead, {merchant, store});
    if (rows.empty()) {
        const std::string line = runtime::new_key_line();
        const Sealed sealed = ring_.seal(line, place_of_store_key(merchant.value, store.value));
        transaction.execute(
            kMake, {merchant, store, line.substr(0, line.find(':')), sealed.key_id, Bytes{sealed.bytes}});
        rows = transaction.query(kRead, {merchant, store});  // perhaps another's, who was faster
    }
    runtime::Result<KeyRing> key =
        opened_store_key(ring_, merchant.value, store.value, {rows.text(0, 0), rows.bytes(0, 1)});
    // No item is at fault, so none may be parked for it.
    if (!key) throw Misuse("the key of store " + std::to_string(store.value) + ": " + key.error().message, "", "");
    if (rows.boolean(0, 2)) known_.insert_or_assign({merchant, store}, Known{*key, Steady::now()});
    return std::move(*key);
}

runtime::Result<std::string> opened_body(Transaction& transaction, const KeyRing& ring, const KeptBody& body) {
    if (!body.data_key_id) return body.bytes;
    const Rows rows = transaction.query(kRead, {body.merchant, body.store});
    const runtime::Error gone{runtime::ErrorKind::not_found, "the key that it was sealed under was thrown away"};
    if (rows.empty()) return gone;
    const runtime::Result<KeyRing> key =
        opened_store_key(ring, body.merchant, body.store, {rows.text(0, 0), rows.bytes(0, 1)});
    if (!key) return key.error();
    if (key->sealing_key_id() != *body.data_key_id) return gone;
    const Sealed sealed{*body.data_key_id, body.bytes};
    const auto open_as = [&](const char* form) {
        return key->open(sealed, place_of_body(form, body.merchant, body.store, body.topic, body.webhook_id));
    };
    const runtime::Result<std::string> opened = open_as(compressed_body);
    if (opened) return runtime::decompressed(*opened, body_limit);
    return open_as(plain_body);
}

std::int64_t seal_store_keys_anew(Transaction& transaction, const KeyRing& ring) {
    const Rows rows = transaction.query(kSealedOtherwise, {ring.sealing_key_id()});
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const std::string place = place_of_store_key(rows.int64(row, 0), rows.int64(row, 1));
        const runtime::Result<std::string> line = ring.open({rows.text(row, 2), rows.bytes(row, 3)}, place);
        if (!line) throw runtime::ErrorException(line.error());
        const Sealed sealed = ring.seal(*line, place);
        transaction.execute(kSealAnew, {rows.int64(row, 0), rows.int64(row, 1), sealed.key_id, Bytes{sealed.bytes}});
    }
    return static_cast<std::int64_t>(rows.size());
}

}  // namespace ordersaga::db
