#include "orchestrator/webhook/store_directory.hpp"

#include "db/session.hpp"
#include "runtime/config.hpp"
#include "runtime/json.hpp"
#include "runtime/log.hpp"

#include <nlohmann/json.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

namespace ordersaga::webhook {

namespace {

// One immutable state of affairs; readers keep it alive through their entries.
struct Snapshot {
    std::map<std::string, std::shared_ptr<const StoreEntry>, std::less<>> stores;
    std::multimap<std::string, std::shared_ptr<const WarehouseEntry>, std::less<>> warehouses;

    std::shared_ptr<const StoreEntry> store(std::string_view shop_domain) const {
        const auto found = stores.find(shop_domain);
        return found == stores.end() ? nullptr : found->second;
    }

    std::vector<std::shared_ptr<const WarehouseEntry>> warehouses_of(std::string_view key) const {
        std::vector<std::shared_ptr<const WarehouseEntry>> entries;
        const auto [first, last] = warehouses.equal_range(key);
        for (auto entry = first; entry != last; ++entry)
            entries.push_back(entry->second);
        return entries;
    }
};

Snapshot snapshot_of(std::vector<StoreEntry> stores, std::vector<WarehouseEntry> warehouses) {
    Snapshot snapshot;
    for (StoreEntry& store : stores) {
        std::string domain = store.shop_domain;
        snapshot.stores.emplace(std::move(domain), std::make_shared<const StoreEntry>(std::move(store)));
    }
    for (WarehouseEntry& warehouse : warehouses) {
        std::string key = warehouse.key;
        snapshot.warehouses.emplace(std::move(key), std::make_shared<const WarehouseEntry>(std::move(warehouse)));
    }
    return snapshot;
}

class FixedStoreDirectory final : public StoreDirectory {
public:
    explicit FixedStoreDirectory(Snapshot snapshot) : snapshot_(std::move(snapshot)) {}
    bool loaded() const override { return true; }
    std::shared_ptr<const StoreEntry> store_by_domain(std::string_view domain) const override {
        return snapshot_.store(domain);
    }
    std::vector<std::shared_ptr<const WarehouseEntry>> warehouses_by_key(std::string_view key) const override {
        return snapshot_.warehouses_of(key);
    }

private:
    const Snapshot snapshot_;
};

// References go in as a JSON array, so that no array literal has to be taken apart here.
constexpr std::string_view select_all = R"(
    SELECT true, merchant_id, store_id, key, shop_domain, to_json(webhook_secret_refs)::text FROM stores
     UNION ALL
    SELECT false, merchant_id, warehouse_id, key, kind, to_json(webhook_secret_refs)::text FROM warehouses)";

}  // namespace

std::unique_ptr<StoreDirectory> fixed_store_directory(
    std::vector<StoreEntry> stores,
    std::vector<WarehouseEntry> warehouses) {
    return std::make_unique<FixedStoreDirectory>(snapshot_of(std::move(stores), std::move(warehouses)));
}

std::optional<std::string> resolve_secret(const std::string& reference) {
    // The configuration reader knows how references are read; a JSON text is a TOML text.
    const runtime::Environment system = runtime::system_environment();
    const runtime::Environment without_override = [&system](const std::string& name) -> std::optional<std::string> {
        if (name == "ORDERSAGA_REFERENCE") return std::nullopt;
        return system(name);
    };
    runtime::ConfigReader reader =
        runtime::ConfigReader::from_text("reference = " + runtime::dump_json(reference), without_override);
    return reader.root().optional_secret("reference");
}

struct DatabaseStoreDirectory::Impl {
    explicit Impl(Settings given) : settings(std::move(given)), session({settings.dsn, "ordersaga-directory"}) {}

    std::vector<std::string> secrets_behind(const std::string& references, const std::string& owner) {
        std::vector<std::string> secrets;
        for (const nlohmann::json& reference : nlohmann::json::parse(references)) {
            const std::string text = reference.get<std::string>();
            std::optional<std::string> secret = resolve_secret(text);
            if (secret) {
                secrets.push_back(std::move(*secret));
                complained.erase(owner + text);
            } else if (complained.insert(owner + text).second) {
                runtime::log_error("webhook secret cannot be read", {{"owner", owner}, {"reference", text}});
            }
        }
        return secrets;
    }

    Snapshot read() {
        std::vector<StoreEntry> stores;
        std::vector<WarehouseEntry> warehouses;
        session.transact([&](db::Transaction& transaction) {
            stores.clear();
            warehouses.clear();
            const db::Rows rows = transaction.query(select_all);
            for (std::size_t row = 0; row < rows.size(); ++row) {
                const sagas::MerchantId merchant{rows.int64(row, 1)};
                const std::string key = rows.text(row, 3), domain_or_kind = rows.text(row, 4);
                const bool is_store = rows.boolean(row, 0);
                std::vector<std::string> secrets = secrets_behind(rows.text(row, 5), is_store ? domain_or_kind : key);
                if (is_store) {
                    stores.push_back({merchant, {rows.int64(row, 2)}, key, domain_or_kind, std::move(secrets)});
                } else {
                    warehouses.push_back({merchant, {rows.int64(row, 2)}, key, domain_or_kind, std::move(secrets)});
                }
            }
        });
        return snapshot_of(std::move(stores), std::move(warehouses));
    }

    void refresh() {
        try {
            auto fresh = std::make_shared<const Snapshot>(read());
            const std::lock_guard lock(mutex);
            snapshot = std::move(fresh);
            failing = false;
            first_load.notify_all();
        } catch (const std::exception& fault) {
            const bool first = !std::exchange(failing, true);
            if (first) runtime::log_warn("store directory cannot be refreshed", {{"reason", fault.what()}});
        }
    }

    void run(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            refresh();
            std::unique_lock lock(mutex);
            wake.wait_for(lock, stop, settings.interval, [] { return false; });
        }
    }

    std::shared_ptr<const Snapshot> current() const {
        const std::lock_guard lock(mutex);
        return snapshot;
    }

    const Settings settings;
    db::Session session;               // of the thread alone
    std::set<std::string> complained;  // of the thread alone: one line per unreadable reference, not one per refresh
    bool failing = false;              // of the thread alone
    mutable std::mutex mutex;
    mutable std::condition_variable_any wake;
    mutable std::condition_variable first_load;
    std::shared_ptr<const Snapshot> snapshot;  // guarded by mutex
    std::jthread thread;                       // last: stops before the rest goes
};

DatabaseStoreDirectory::DatabaseStoreDirectory(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {
    impl_->thread = std::jthread([impl = impl_.get()](const std::stop_token& stop) { impl->run(stop); });
}

DatabaseStoreDirectory::~DatabaseStoreDirectory() = default;

bool DatabaseStoreDirectory::loaded() const {
    return impl_->current() != nullptr;
}

std::shared_ptr<const StoreEntry> DatabaseStoreDirectory::store_by_domain(std::string_view shop_domain) const {
    const std::shared_ptr<const Snapshot> snapshot = impl_->current();
    return snapshot ? snapshot->store(shop_domain) : nullptr;
}

std::vector<std::shared_ptr<const WarehouseEntry>> DatabaseStoreDirectory::warehouses_by_key(
    std::string_view key) const {
    const std::shared_ptr<const Snapshot> snapshot = impl_->current();
    if (!snapshot) return {};
    return snapshot->warehouses_of(key);
}

bool DatabaseStoreDirectory::wait_until_loaded(std::chrono::milliseconds longest) const {
    std::unique_lock lock(impl_->mutex);
    return impl_->first_load.wait_for(lock, longest, [this] { return impl_->snapshot != nullptr; });
}

}  // namespace ordersaga::webhook
