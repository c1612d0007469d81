// Puts a merchant's stores, warehouses, SKUs, listings and opening stock into the database, as `sagactl setup` read
// them from its file. Everything in one transaction; a repeat changes nothing, a difference is updated, what the plan does
// not mention stays. Needs a login that may write for all merchants (the engine's).
#pragma once

#include "db/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::db {

// The plan is checked before it comes here (keys, references, duplicates); the table's CHECKs are the second line.
struct SetupPlan {
    struct Warehouse {
        std::string key, kind, base_url, api_version, channel_id, token_ref;
        std::vector<std::string> webhook_secret_refs;
        std::int64_t reading_lag_ms = 300'000;
        double calls_per_minute = 150;
        std::string webhook_url{};  // where its webhooks should go; empty: they are not looked after
    };
    struct Store {
        std::string key, shop_domain, base_url, api_version, location_id, token_ref;
        std::vector<std::string> webhook_secret_refs;
        std::string mode = "live";  // of a new store; afterwards `sagactl store mode` decides
        Instant go_live_at{};       // never moved back
        std::string order_policy;
        std::int64_t channel_wait_ms = 10'000;
        std::int64_t hold_expiry_ms = 259'200'000;
        std::string warehouse;                                          // key
        std::vector<std::pair<std::string, std::string>> ship_methods;  // shipping line title → warehouse's method
        double points_per_second = 100;
        std::string webhook_url{};
    };
    struct Sku {
        std::string sku, title, warehouse_item_id, policy, reading;
        std::int64_t buffer = 0, low_at = 0;
        bool discontinued = false;
    };
    struct BundlePart {
        std::string bundle_sku, component_sku;
        std::int64_t quantity = 1;
    };
    struct Listing {
        std::string store, sku, variant_id, inventory_item_id, location_id;
    };
    struct OpeningStock {
        std::string sku, warehouse;
        std::int64_t quantity = 0;
    };

    std::string merchant;
    std::vector<Warehouse> warehouses;
    std::vector<Store> stores;
    std::vector<Sku> skus;
    std::vector<BundlePart> bundles;  // a bundle named here gets exactly these parts
    std::vector<Listing> listings;
    std::vector<OpeningStock> opening_stock;
};

struct SetupChange {
    std::string kind;    // "store", "sku", ...
    std::string name;    // "eu"
    std::string action;  // "created", "changed", "removed", "kept", "released"
    std::string note;    // why something was kept
};

struct SetupReport {
    std::int64_t merchant_id = 0;
    std::vector<SetupChange> changes;  // empty: everything was in place
};

// `dry_run`: the same transaction, rolled back. `actor` and `reason` go to the audit when something changed. Opening stock
// is applied once per SKU and warehouse; a later difference is reported as "kept" (adjust it instead).
// Throws DatabaseError; nothing is changed then.
SetupReport apply_setup(
    Session& session,
    const SetupPlan& plan,
    const std::string& actor,
    const std::string& reason,
    bool dry_run);

// Names of all merchants, by name.
std::vector<std::string> merchant_names(Session& session);

}  // namespace ordersaga::db
