#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

#include <set>

namespace ordersaga::db {

using orders::SkuRow;
using orders::StoreRow;
using orders::WarehouseRow;
using sagas::MerchantId;
using sagas::SkuId;
using sagas::StoreId;
using sagas::WarehouseId;

namespace {

constexpr const char* kStores = R"sql(
    SELECT merchant_id, store_id, key, shop_domain, location_id, status, mode, go_live_at, observed_from, order_policy,
           channel_wait_ms, hold_expiry_ms, warehouse_id, ship_methods, points_per_second, api_version, webhook_url,
           coalesce((SELECT stage FROM recoveries WHERE recoveries.merchant_id = stores.merchant_id), '')
      FROM stores
     WHERE merchant_id = ANY ($1::bigint[])
     ORDER BY merchant_id, store_id)sql";

constexpr const char* kWarehouses = R"sql(
    SELECT merchant_id, warehouse_id, key, kind, reading_lag_ms, calls_per_minute, status, read_asked_at
      FROM warehouses
     WHERE merchant_id = ANY ($1::bigint[])
     ORDER BY merchant_id, warehouse_id)sql";

// One row per component; a SKU that is no bundle comes once, without one.
constexpr const char* kSkus = R"sql(
    SELECT sku.merchant_id, sku.sku_id, sku.sku, sku.warehouse_item_id, sku.policy, sku.reading, sku.buffer, sku.low_at,
           sku.discontinued, part.component_sku_id, part.quantity
      FROM skus sku
      LEFT JOIN sku_components part ON part.merchant_id = sku.merchant_id AND part.bundle_sku_id = sku.sku_id
     WHERE sku.merchant_id = $1::bigint)sql";
// Two statements: a condition that is sometimes none finds no index.
constexpr const char* kAll = " ORDER BY sku.sku_id, part.component_sku_id";
constexpr const char* kThese = " AND sku.sku_id = ANY ($2::bigint[]) ORDER BY sku.sku_id, part.component_sku_id";

constexpr const char* kVersion = "SELECT version FROM catalogue_versions WHERE merchant_id = $1::bigint";

constexpr const char* kStore = "SELECT store_id FROM stores WHERE merchant_id = $1::bigint AND store_id = $2::bigint";

constexpr const char* kSetStoreStatus = R"sql(
    UPDATE stores SET status = $3
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND status <> $3)sql";

constexpr const char* kSetStoreMode = R"sql(
    UPDATE stores SET mode = $3, go_live_at = $4::timestamptz, observed_from = $5::timestamptz, mode_since = $6::timestamptz
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint)sql";

constexpr const char* kOrdersBeingSent = R"sql(
    SELECT count(*)
      FROM sagas
     WHERE merchant_id = $1::bigint AND kind = 'order' AND NOT final
       AND (data->>'store_id')::bigint = $2::bigint AND NOT coalesce((data->>'observed')::boolean, false))sql";

std::string skus_where(const char* rest) {
    return std::string(kSkus) + rest;
}

StoreRow read_store(RowReader& row) {
    StoreRow store;
    store.merchant = row.id<MerchantId>();
    store.store_id = row.id<StoreId>();
    store.key = row.text();
    store.shop_domain = row.text();
    store.location_id = row.text();
    store.status = row.text();
    store.mode = row.text();
    store.go_live_at = row.instant();
    store.observed_from = row.optional_instant();
    store.order_policy = row.text();
    store.channel_wait = row.milliseconds();
    store.hold_expiry = row.milliseconds();
    store.warehouse_id = row.id<WarehouseId>();
    store.ship_methods = row.json();
    store.points_per_second = row.real();
    store.api_version = row.text();
    store.webhook_url = row.text();
    store.recovery = row.text();
    return store;
}

WarehouseRow read_warehouse(RowReader& row) {
    WarehouseRow warehouse;
    warehouse.merchant = row.id<MerchantId>();
    warehouse.warehouse_id = row.id<WarehouseId>();
    warehouse.key = row.text();
    warehouse.kind = row.text();
    warehouse.reading_lag = row.milliseconds();
    warehouse.calls_per_minute = row.real();
    warehouse.status = row.text();
    warehouse.read_asked_at = row.optional_instant();
    return warehouse;
}

SkuRow read_sku(RowReader& row) {
    SkuRow sku;
    sku.merchant = row.id<MerchantId>();
    sku.sku_id = row.id<SkuId>();
    sku.sku = row.text();
    sku.warehouse_item_id = row.text();
    sku.policy = row.text();
    sku.reading = row.text();
    sku.buffer = row.int64();
    sku.low_at = row.int64();
    sku.discontinued = row.boolean();
    if (const auto component = row.optional_int64()) {
        sku.components.emplace_back(SkuId{*component}, row.int64());
    }
    return sku;
}

// The parts of a bundle follow each other.
std::vector<SkuRow> joined(std::vector<SkuRow> parts) {
    std::vector<SkuRow> skus;
    for (SkuRow& row : parts) {
        if (!skus.empty() && skus.back().sku_id == row.sku_id) {
            skus.back().components.push_back(row.components.front());
        } else {
            skus.push_back(std::move(row));
        }
    }
    return skus;
}

}  // namespace

std::vector<StoreRow> PgTransaction::stores(const std::vector<MerchantId>& merchants) {
    return read_all(sql_.query(kStores, {merchants}), read_store);
}

std::vector<WarehouseRow> PgTransaction::warehouses(const std::vector<MerchantId>& merchants) {
    return read_all(sql_.query(kWarehouses, {merchants}), read_warehouse);
}

Catalogue::OfMerchant& PgTransaction::catalogue_of(MerchantId merchant) {
    const auto [version, is_new] = catalogue_versions_.try_emplace(merchant);
    if (is_new) {
        const db::Rows rows = sql_.query(kVersion, {merchant});
        version->second = rows.empty() ? 0 : rows.int64(0, 0);
    }
    return catalogue_.of(merchant, version->second);
}

std::vector<SkuRow> PgTransaction::skus(MerchantId merchant, const std::vector<SkuId>& ids) {
    if (ids.empty()) return joined(read_all(sql_.query(skus_where(kAll), {merchant}), read_sku));
    Catalogue::OfMerchant& known = catalogue_of(merchant);
    std::vector<SkuId> missing;
    for (const SkuId id : ids) {
        if (known.skus.count(id) == 0) missing.push_back(id);
    }
    if (!missing.empty()) {
        for (SkuRow& row : joined(read_all(sql_.query(skus_where(kThese), {merchant, missing}), read_sku))) {
            const SkuId id = row.sku_id;
            known.names += known.skus.emplace(id, std::move(row)).second;
        }
    }
    std::vector<SkuRow> found;
    for (const SkuId id : std::set<SkuId>(ids.begin(), ids.end())) {
        if (const auto row = known.skus.find(id); row != known.skus.end()) found.push_back(row->second);
    }
    return found;
}

void PgTransaction::set_store_status(MerchantId merchant, StoreId store, const std::string& status, engine::Turn turn) {
    sql_.query(std::string(kStore) + lock_for(turn), {merchant, store});
    sql_.execute(kSetStoreStatus, {merchant, store, status});
}

void PgTransaction::set_store_mode(const StoreRow& store, Instant since) {
    sql_.query(std::string(kStore) + lock_for(engine::Turn::in_turn), {store.merchant, store.store_id});
    sql_.execute(
        kSetStoreMode, {store.merchant, store.store_id, store.mode, store.go_live_at, store.observed_from, since});
}

std::int64_t PgTransaction::count_orders_being_sent(MerchantId merchant, StoreId store) {
    return sql_.query(kOrdersBeingSent, {merchant, store}).int64(0, 0);
}

}  // namespace ordersaga::db
