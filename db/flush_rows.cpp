#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

namespace ordersaga::db {

using orders::FlushRow;
using orders::FlushRowItem;
using sagas::FlushId;
using sagas::ListingId;
using sagas::MerchantId;
using sagas::SkuId;
using sagas::StoreId;

namespace {

// Two engines may want to open the first flush of a store at once, when there is no flush row to lock yet. The store's
// row stands for it; without this the slower one would trip over one_open_flush_per_store and its innocent input
// would be parked.
constexpr const char* kLockStores = R"sql(
    SELECT store_id FROM stores
     WHERE merchant_id = $1::bigint AND store_id = ANY ($2::bigint[])
     ORDER BY store_id
       FOR NO KEY UPDATE)sql";

constexpr const char* kOpen = R"sql(
    SELECT merchant_id, flush_id, store_id, key, command_id,
           CASE WHEN command_id = ANY ($3::uuid[]) THEN items ELSE '[]'::jsonb END, opened_at, closed_at, outcome
      FROM flushes
     WHERE merchant_id = $1::bigint AND store_id = ANY ($2::bigint[]) AND closed_at IS NULL
     ORDER BY flush_id)sql";

// Closing comes first, so that one batch may close a store's flush and open the next.
constexpr const char* kClose = R"sql(
    UPDATE flushes flush
       SET closed_at = new.closed_at, outcome = new.outcome
      FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[])
        AS new (merchant_id, flush_id, closed_at, outcome)
     WHERE flush.merchant_id = new.merchant_id AND flush.flush_id = new.flush_id)sql";

constexpr const char* kInsert = R"sql(
    INSERT INTO flushes (merchant_id, flush_id, store_id, key, command_id, items, opened_at)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::uuid[], $6::jsonb[],
                         $7::timestamptz[]))sql";

nlohmann::json items_to_json(const std::vector<FlushRowItem>& items) {
    nlohmann::json list = nlohmann::json::array();
    for (const FlushRowItem& item : items) {
        nlohmann::json versions = nlohmann::json::array();
        for (const auto& [sku, version] : item.versions) {
            versions.push_back({{"sku_id", sku.value}, {"version", version}});
        }
        list.push_back({{"listing_id", item.listing_id.value}, {"delta", item.delta}, {"versions", versions}});
    }
    return list;
}

std::vector<FlushRowItem> items_from_json(const nlohmann::json& list) {
    try {
        std::vector<FlushRowItem> items;
        for (const nlohmann::json& stored : list) {
            FlushRowItem item;
            item.listing_id = ListingId{stored.at("listing_id").get<std::int64_t>()};
            item.delta = stored.at("delta").get<std::int64_t>();
            for (const nlohmann::json& version : stored.at("versions")) {
                item.versions.emplace_back(
                    SkuId{version.at("sku_id").get<std::int64_t>()}, version.at("version").get<std::int64_t>());
            }
            items.push_back(std::move(item));
        }
        return items;
    } catch (const nlohmann::json::exception& error) {
        throw engine::BadItem(std::string("a stored flush cannot be read: ") + error.what());
    }
}

FlushRow read_flush(RowReader& row) {
    FlushRow flush;
    flush.merchant = row.id<MerchantId>();
    flush.flush_id = row.id<FlushId>();
    flush.store_id = row.id<StoreId>();
    flush.key = row.text();
    flush.command_id = row.text();
    flush.items = items_from_json(row.json());
    flush.opened_at = row.instant();
    flush.closed_at = row.optional_instant();
    flush.outcome = row.text();
    return flush;
}

}  // namespace

std::vector<FlushRow> PgTransaction::open_flushes(MerchantId merchant, const std::vector<StoreId>& stores) {
    if (stores.empty()) {
        return {};
    }
    sql_.query(kLockStores, {merchant, stores});
    const std::string lock = std::string(kOpen) + lock_for(engine::Turn::in_turn);
    return read_all(sql_.query(lock, {merchant, stores, std::vector<std::string>()}), read_flush);
}

std::vector<FlushRow> PgTransaction::read_open_flushes(
    MerchantId merchant,
    const std::vector<StoreId>& stores,
    const std::vector<std::string>& commands) {
    if (stores.empty()) {
        return {};
    }
    return read_all(sql_.query(kOpen, {merchant, stores, commands}), read_flush);
}

void PgTransaction::write_flushes(const std::vector<FlushRow>& rows) {
    std::vector<FlushRow> closed, opened;
    for (const FlushRow& row : rows)
        (row.closed_at ? closed : opened).push_back(row);
    if (!closed.empty()) {
        sql_.execute_later(
            kClose, list_of(
                        column(closed, &FlushRow::merchant), column(closed, &FlushRow::flush_id),
                        column(closed, &FlushRow::closed_at), column(closed, &FlushRow::outcome)));
    }
    if (opened.empty()) {
        return;
    }
    sql_.execute_later(
        kInsert,
        list_of(
            column(opened, &FlushRow::merchant), column(opened, &FlushRow::flush_id),
            column(opened, &FlushRow::store_id), column(opened, &FlushRow::key), column(opened, &FlushRow::command_id),
            column(opened, [](const FlushRow& row) { return runtime::dump_json(items_to_json(row.items)); }),
            column(opened, &FlushRow::opened_at)));
}

}  // namespace ordersaga::db
