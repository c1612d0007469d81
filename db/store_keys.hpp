// The keys that personal data is sealed with: one per store, so that everything of a store can be made unreadable by
// throwing one row away. Each is sealed itself, under the first key of the ring from outside. They are read at most once
// a minute and never kept before they are committed.
//
// One thread at a time.
#pragma once

#include "db/connection.hpp"
#include "runtime/sealing.hpp"
#include "sagas/ids.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace ordersaga::db {

class StoreKeys {
public:
    explicit StoreKeys(runtime::KeyRing ring) : ring_(std::move(ring)) {}

    // A ring of the store's one key, made when there is none. Throws Misuse when the ring from outside lacks the key
    // that it is sealed under.
    runtime::KeyRing key_of(Transaction& transaction, sagas::MerchantId merchant, sagas::StoreId store);

    // After a key was found to be thrown away: all are read again.
    void forget() { known_.clear(); }

private:
    struct Known {
        runtime::KeyRing key;
        std::chrono::steady_clock::time_point read_at;
    };
    runtime::KeyRing ring_;
    std::map<std::pair<sagas::MerchantId, sagas::StoreId>, Known> known_;
};

// The store's key as a row of store_keys holds it.
runtime::Result<runtime::KeyRing> opened_store_key(
    const runtime::KeyRing& ring,
    std::int64_t merchant,
    std::int64_t store,
    const runtime::Sealed& sealed);

// What is sealed opens in its place only.
std::string place_of_store_key(std::int64_t merchant, std::int64_t store);
std::string place_of_person(std::int64_t merchant, const std::string& saga_id);
// How the body of a webhook's receipt is kept.
runtime::Sealed sealed_body(
    const runtime::KeyRing& key,
    std::int64_t merchant,
    std::int64_t store,
    const std::string& topic,
    const std::string& webhook_id,
    std::string_view body);

// The body of a webhook's receipt. One without a `data_key_id` is as it came. Not found: its key was thrown away.
struct KeptBody {
    std::int64_t merchant = 0, store = 0;
    std::string topic, webhook_id;
    std::optional<std::string> data_key_id;
    std::string bytes;
};
runtime::Result<std::string> opened_body(Transaction& transaction, const runtime::KeyRing& ring, const KeptBody& body);

// Seals the keys of all stores under the first key of the ring; answers how many were under another.
std::int64_t seal_store_keys_anew(Transaction& transaction, const runtime::KeyRing& ring);

}  // namespace ordersaga::db
