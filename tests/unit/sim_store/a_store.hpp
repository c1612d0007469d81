// A small merchant: two stores, one warehouse, two SKUs and a bundle of them, ten units each.
#pragma once

#include "tests/support/sim/laws.hpp"
#include "tests/support/sim/sim_store.hpp"

#include <string>

namespace ordersaga::sim {

inline constexpr MerchantId merchant{1};
inline constexpr WarehouseId warehouse{1};
inline constexpr StoreId eu{1}, us{2};
inline constexpr SkuId shirt{1}, mug{2}, gift_set{3};
inline constexpr Instant start{std::chrono::hours(24 * 365 * 50)};

inline StockKey ledger(SkuId sku) {
    return {merchant, sku, warehouse};
}
inline SagaKey saga(int number) {
    const std::string digits = std::to_string(number);
    return {merchant, "00000000-0000-7000-8000-" + std::string(12 - digits.size(), '0') + digits};
}
inline std::string uuid(int number) {
    return saga(number).saga_id;
}

struct AStore {
    runtime::ManualClock clock{start};
    SimStore store{clock};

    AStore() {
        store.add_merchant(merchant);
        orders::WarehouseRow house;
        house.merchant = merchant;
        house.warehouse_id = warehouse;
        house.key = "main";
        house.kind = "shipbob";
        house.status = "active";
        store.add_warehouse(house);
        add_shop(eu, "eu");
        add_shop(us, "us");
        add_sku(shirt, "SHIRT", {});
        add_sku(mug, "MUG", {});
        add_sku(gift_set, "SET", {{shirt, 1}, {mug, 2}});
        int listing = 0;
        for (const StoreId shop : {eu, us}) {
            for (const SkuId sku : {shirt, mug, gift_set})
                add_listing(++listing, shop, sku);
        }
        store.open_stock(ledger(shirt), 10);
        store.open_stock(ledger(mug), 10);
    }

    void transact(
        const std::function<void(engine::Transaction&, orders::Rows&)>& work,
        engine::Store::Ending ending = engine::Store::Ending::commit) {
        store.transact(
            [&](engine::Transaction& transaction) { work(transaction, dynamic_cast<orders::Rows&>(transaction)); },
            ending);
    }

    engine::SagaRow a_saga(int number) const {
        engine::SagaRow row;
        row.key = saga(number);
        row.kind = "test";
        row.state = "Waiting";
        row.data = nlohmann::json::object();
        row.next_wake = start + std::chrono::hours(1);
        return row;
    }
    engine::CommandRow a_command(int number, int saga_number, const std::string& key) const {
        engine::CommandRow row;
        row.merchant = merchant;
        row.command_id = uuid(number);
        row.saga_id = uuid(saga_number);
        row.activity = "Do";
        row.lane = "store:1";
        row.idempotency_key = key;
        row.created_at = start;
        row.due_at = start;
        return row;
    }
    void add_saga(int number) {
        transact([&](engine::Transaction& transaction, orders::Rows&) {
            engine::Changes changes;
            changes.new_sagas.push_back(a_saga(number));
            transaction.write(changes);
        });
    }
    void add_command(const engine::CommandRow& row) {
        transact([&](engine::Transaction& transaction, orders::Rows&) {
            engine::Changes changes;
            changes.new_commands.push_back(row);
            transaction.write(changes);
        });
    }

private:
    void add_shop(StoreId id, const std::string& key) {
        orders::StoreRow row;
        row.merchant = merchant;
        row.store_id = id;
        row.key = key;
        row.shop_domain = key + ".myshopify.com";
        row.location_id = "4";
        row.status = "active";
        row.order_policy = "hold_and_tell";
        row.hold_expiry = std::chrono::hours(72);
        row.warehouse_id = warehouse;
        store.add_store(row);
    }
    void add_sku(SkuId id, const std::string& name, std::vector<std::pair<SkuId, std::int64_t>> components) {
        orders::SkuRow row;
        row.merchant = merchant;
        row.sku_id = id;
        row.sku = name;
        row.policy = "deny";
        row.reading = "trust-mirror";
        row.components = std::move(components);
        store.add_sku(row);
    }
    void add_listing(int number, StoreId shop, SkuId sku) {
        orders::ListingRow row;
        row.merchant = merchant;
        row.listing_id = ListingId{number};
        row.store_id = shop;
        row.sku_id = sku;
        row.variant_id = std::to_string(100 + number);
        row.inventory_item_id = std::to_string(200 + number);
        row.location_id = "4";
        store.add_listing(row);
    }
};

}  // namespace ordersaga::sim
