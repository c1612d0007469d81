// Who may send us webhooks: stores by shop domain and warehouses by key, each with its live secrets. Listeners read an
// immutable snapshot; a thread of its own refreshes it from the database, so that a store added or a secret replaced by
// `sagactl setup` takes effect within seconds and without a restart.
#pragma once

#include "sagas/ids.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::webhook {

struct StoreEntry {
    sagas::MerchantId merchant;
    sagas::StoreId store_id;
    std::string key;
    std::string shop_domain;
    std::vector<std::string> secrets;  // empty when no reference could be resolved: then nothing verifies
};

struct WarehouseEntry {
    sagas::MerchantId merchant;
    sagas::WarehouseId warehouse_id;
    std::string key;
    std::string kind;
    std::vector<std::string> secrets;
};

class StoreDirectory {
public:
    virtual ~StoreDirectory() = default;
    // All thread-safe and free of waiting.
    virtual bool loaded() const = 0;  // false: nothing is known yet, every webhook must be asked to come again
    virtual std::shared_ptr<const StoreEntry> store_by_domain(std::string_view shop_domain) const = 0;
    // Keys are unique per merchant only; the signature tells which one it is.
    virtual std::vector<std::shared_ptr<const WarehouseEntry>> warehouses_by_key(std::string_view key) const = 0;
};

// A directory that never changes; for tests and tools.
std::unique_ptr<StoreDirectory> fixed_store_directory(
    std::vector<StoreEntry> stores,
    std::vector<WarehouseEntry> warehouses);

// The secret behind "env:NAME", "file:/path" or "credential:NAME", as runtime/config.hpp reads them; nullopt when it cannot
// be had.
std::optional<std::string> resolve_secret(const std::string& reference);

// Reads tables `stores` and `warehouses` with a login that sees all merchants.
class DatabaseStoreDirectory final : public StoreDirectory {
public:
    struct Settings {
        std::string dsn;
        std::chrono::milliseconds interval{10'000};
    };

    // Starts the thread; does not wait for the database. While the database is away the last snapshot stays in force.
    explicit DatabaseStoreDirectory(Settings settings);
    ~DatabaseStoreDirectory() override;
    DatabaseStoreDirectory(const DatabaseStoreDirectory&) = delete;
    DatabaseStoreDirectory& operator=(const DatabaseStoreDirectory&) = delete;

    bool loaded() const override;
    std::shared_ptr<const StoreEntry> store_by_domain(std::string_view shop_domain) const override;
    std::vector<std::shared_ptr<const WarehouseEntry>> warehouses_by_key(std::string_view key) const override;

    // True once the first snapshot is there; false when the time is up.
    bool wait_until_loaded(std::chrono::milliseconds longest) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::webhook
