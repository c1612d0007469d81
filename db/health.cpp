#include "db/health.hpp"

#include "db/row_reader.hpp"

#include <algorithm>
#include <map>

namespace ordersaga::db {

namespace {

constexpr std::string_view kSystem = R"sql(
    SELECT clock_timestamp(),
           (SELECT count(*) FROM members WHERE beat_at > now() - interval '10 seconds'),
           (SELECT min(next_due)
              FROM duties
              LEFT JOIN stores ON stores.merchant_id = duties.merchant_id AND 'store:' || store_id = subject
              LEFT JOIN warehouses ON warehouses.merchant_id = duties.merchant_id AND 'warehouse:' || warehouses.warehouse_id = subject
             WHERE coalesce(stores.status, warehouses.status) = 'active' AND command_id IS NULL
               AND duty IN ('PollOrders', 'QuietReads', 'ReadWarehouseStock', 'PollFulfillments')),
           (SELECT count(*) FROM incidents WHERE closed_at IS NULL),
           (SELECT cause FROM incidents WHERE closed_at IS NULL ORDER BY opened_at LIMIT 1),
           (SELECT min(opened_at) FROM incidents WHERE closed_at IS NULL),
           (SELECT count(*) FROM parked_items WHERE resolved_at IS NULL))sql";

constexpr std::string_view kStores = R"sql(
    SELECT merchants.name, key, status, mode,
           (SELECT max(received_at) FROM webhook_receipts receipt
             WHERE receipt.merchant_id = stores.merchant_id AND receipt.store_id = stores.store_id
               AND source = 'shopify' AND received_at > now() - interval '7 days'),
           EXISTS (SELECT FROM duties
                    WHERE duties.merchant_id = stores.merchant_id AND duty = 'CheckSubscriptions'
                      AND subject = 'store:' || store_id),
           coalesce((SELECT text FROM incidents
                      WHERE incidents.merchant_id = stores.merchant_id AND closed_at IS NULL
                        AND incident_key = 'subscriptions:store:' || store_id), '')
      FROM stores JOIN merchants USING (merchant_id)
     ORDER BY merchants.name, key)sql";

// The key of a lane and of the incident about what its peer refuses hold the number; a credential is named by the key.
constexpr std::string_view kCredentialIncidents = R"sql(
    SELECT peer.merchant_id, peer.subject,
           coalesce((SELECT text FROM incidents
                      WHERE incidents.merchant_id = peer.merchant_id AND closed_at IS NULL
                        AND incident_key = 'lane:' || peer.lane), ''),
           coalesce((SELECT text FROM incidents
                      WHERE incidents.merchant_id = peer.merchant_id AND closed_at IS NULL
                        AND incident_key = 'scopes:' || peer.subject), '')
      FROM (SELECT merchant_id, 'store:' || key AS subject, 'store:' || store_id AS lane FROM stores
            UNION ALL
            SELECT merchant_id, 'warehouse:' || key, 'warehouse:' || warehouse_id FROM warehouses) peer)sql";

constexpr std::string_view kWarehouses = R"sql(
    SELECT warehouse.merchant_id, 'warehouse:' || key, merchants.name, warehouse_id, base_url, api_version, token_ref,
           EXISTS (SELECT FROM credentials
                    WHERE credentials.merchant_id = warehouse.merchant_id AND warehouse_key = warehouse.key)
      FROM warehouses warehouse JOIN merchants USING (merchant_id)
     WHERE status = 'active' AND kind = 'shipbob'
     ORDER BY merchants.name, key)sql";

// Two joins by equality, for a list of thousands against all orders; what is known by both counts by its id.
constexpr std::string_view kForeign = R"sql(
    WITH standing AS (
        SELECT reference, number, place
          FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS given(reference, number, place)
         WHERE NOT EXISTS (SELECT FROM fulfillment_references ours
                            WHERE ours.merchant_id = $1::bigint AND ours.reference = given.reference)
    ), called AS (
        SELECT place, reference AS word FROM standing UNION SELECT place, number FROM standing
    ), known AS (
        SELECT place, orders.store_id, orders.order_id, orders.name, orders.saga_id, true AS same_id
          FROM called JOIN orders ON orders.merchant_id = $1::bigint AND orders.order_id = called.word
         UNION ALL
        SELECT place, orders.store_id, orders.order_id, orders.name, orders.saga_id, false
          FROM called JOIN orders ON orders.merchant_id = $1::bigint AND orders.name = called.word AND orders.name <> ''
    )
    SELECT DISTINCT ON (known.place) known.place, store.key, coalesce(nullif(known.name, ''), known.order_id),
           saga.saga_id IS NOT NULL AND NOT coalesce((saga.data ->> 'observed')::boolean, false), known.same_id
      FROM known
      JOIN stores store ON store.merchant_id = $1::bigint AND store.store_id = known.store_id
                       AND store.warehouse_id = $2::bigint
      LEFT JOIN sagas saga ON saga.merchant_id = $1::bigint AND saga.saga_id = known.saga_id
     ORDER BY known.place, known.same_id DESC, known.store_id)sql";

StoreHealth read_store(RowReader& row) {
    StoreHealth store;
    store.merchant_name = row.text();
    store.key = row.text();
    store.status = row.text();
    store.mode = row.text();
    store.last_webhook = row.optional_instant();
    store.subscriptions_watched = row.boolean();
    store.subscription_incident = row.text();
    return store;
}

CalledWarehouse read_warehouse(RowReader& row) {
    CalledWarehouse warehouse;
    warehouse.key.merchant = row.id<sagas::MerchantId>();
    warehouse.key.subject = row.text();
    warehouse.merchant_name = row.text();
    warehouse.warehouse_id = row.id<sagas::WarehouseId>();
    warehouse.base_url = row.text();
    warehouse.api_version = row.text();
    warehouse.token_ref = row.text();
    warehouse.has_credential = row.boolean();
    return warehouse;
}

std::vector<CredentialHealth> read_credentials(Transaction& transaction) {
    std::map<std::pair<std::int64_t, std::string>, CredentialHealth> found;
    for (CredentialHolder& holder : credential_holders(transaction)) {
        const std::pair<std::int64_t, std::string> place{holder.key.merchant.value, holder.key.subject};
        found[place].holder = std::move(holder);
    }
    for (CredentialRow& row : credentials(transaction)) {
        const std::pair<std::int64_t, std::string> place{row.key.merchant.value, row.key.subject};
        found[place].row = std::move(row);
    }
    const Rows incidents = transaction.query(kCredentialIncidents);
    for (std::size_t row = 0; row < incidents.size(); ++row) {
        const auto place = found.find({incidents.int64(row, 0), incidents.text(row, 1)});
        if (place == found.end()) continue;
        place->second.refusal = incidents.text(row, 2);
        place->second.scopes_incident = incidents.text(row, 3);
    }
    std::vector<CredentialHealth> all;
    for (auto& [place, health] : found)
        all.push_back(std::move(health));
    return all;
}

}  // namespace

SystemHealth read_health(Transaction& transaction) {
    SystemHealth health;
    const Rows system = transaction.query(kSystem);
    RowReader row(system, 0);
    health.database_time = row.instant();
    health.orchestrators = row.int64();
    health.oldest_due = row.optional_instant();
    health.incidents.count = row.int64();
    health.incidents.oldest_cause = row.optional_text().value_or("");
    health.incidents.oldest_at = row.optional_instant();
    health.parked = row.int64();
    health.stores = read_all(transaction.query(kStores), read_store);
    health.credentials = read_credentials(transaction);
    return health;
}

std::vector<CalledWarehouse> called_warehouses(Transaction& transaction) {
    return read_all(transaction.query(kWarehouses), read_warehouse);
}

std::vector<ForeignOrder> foreign_orders(
    Transaction& transaction,
    sagas::MerchantId merchant,
    sagas::WarehouseId warehouse,
    const std::vector<StandingOrder>& standing) {
    const Rows rows = transaction.query(
        kForeign,
        {merchant, warehouse, column(standing, &StandingOrder::reference), column(standing, &StandingOrder::number)});
    std::vector<ForeignOrder> foreign;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto place = static_cast<std::size_t>(rows.int64(row, 0));
        foreign.push_back(
            {standing.at(place - 1), rows.text(row, 1), rows.text(row, 2), rows.boolean(row, 3), rows.boolean(row, 4)});
    }
    return foreign;
}

}  // namespace ordersaga::db
