#include "db/connecting.hpp"

#include "db/row_reader.hpp"

namespace ordersaga::db {

namespace {

constexpr const char* kPeers = R"sql(
    SELECT peer.merchant_id, merchant.name, peer.base_url, peer.api_version, peer.token_ref,
           EXISTS (SELECT FROM credentials c WHERE c.merchant_id = peer.merchant_id AND c.subject = $1),
           peer.webhook_url, to_json(peer.webhook_secret_refs)::text, peer.location_id, peer.channel_id
      FROM (SELECT merchant_id, 'store:' || key AS subject, base_url, api_version, token_ref, webhook_url,
                   webhook_secret_refs, location_id, '' AS channel_id
              FROM stores
            UNION ALL
            SELECT merchant_id, 'warehouse:' || key, base_url, api_version, token_ref, webhook_url, webhook_secret_refs,
                   '', channel_id
              FROM warehouses) peer
      JOIN merchants merchant USING (merchant_id)
     WHERE peer.subject = $1
     ORDER BY merchant.name)sql";

constexpr const char* kSkus = R"sql(
    SELECT sku, warehouse_item_id,
           NOT discontinued
           AND NOT EXISTS (SELECT FROM sku_components part
                            WHERE part.merchant_id = skus.merchant_id AND part.bundle_sku_id = skus.sku_id)
      FROM skus
     WHERE merchant_id = $1::bigint
     ORDER BY sku)sql";

constexpr const char* kListings = R"sql(
    SELECT listing.variant_id, sku.sku
      FROM listings listing
      JOIN stores store ON store.merchant_id = listing.merchant_id AND store.store_id = listing.store_id
      JOIN skus sku ON sku.merchant_id = listing.merchant_id AND sku.sku_id = listing.sku_id
     WHERE listing.merchant_id = $1::bigint AND 'store:' || store.key = $2
     ORDER BY listing.variant_id)sql";

constexpr const char* kShipMethods = R"sql(
    SELECT store.key, method.key, method.value
      FROM stores store
      JOIN warehouses warehouse ON warehouse.merchant_id = store.merchant_id AND warehouse.warehouse_id = store.warehouse_id
     CROSS JOIN jsonb_each_text(store.ship_methods) method
     WHERE store.merchant_id = $1::bigint AND 'warehouse:' || warehouse.key = $2
     ORDER BY store.key, method.key)sql";

constexpr const char* kNote = R"sql(
    INSERT INTO audit (merchant_id, at, actor, action, subject, reason, details)
    VALUES ($1::bigint, now(), $2, 'connected', $3, $4, $5::jsonb))sql";

constexpr const char* kCheckNow = R"sql(
    UPDATE duties SET next_due = now() WHERE duty = 'CheckSubscriptions' AND next_due > now())sql";

}  // namespace

std::vector<Peer> peers_called(Transaction& transaction, const std::string& subject) {
    return read_all(transaction.query(kPeers, {subject}), [&subject](RowReader& row) {
        Peer peer;
        peer.key = {row.id<sagas::MerchantId>(), subject};
        peer.merchant_name = row.text();
        peer.base_url = row.text();
        peer.api_version = row.text();
        peer.token_ref = row.text();
        peer.has_credential = row.boolean();
        peer.webhook_url = row.text();
        peer.webhook_secret_refs = row.json().get<std::vector<std::string>>();
        peer.location_id = row.text();
        peer.channel_id = row.text();
        return peer;
    });
}

std::vector<KnownSku> known_skus(Transaction& transaction, sagas::MerchantId merchant) {
    return read_all(transaction.query(kSkus, {merchant}), [](RowReader& row) {
        KnownSku known;
        known.sku = row.text();
        known.warehouse_item_id = row.text();
        known.stocked = row.boolean();
        return known;
    });
}

std::vector<KnownListing> known_listings(Transaction& transaction, const CredentialKey& store) {
    return read_all(transaction.query(kListings, {store.merchant, store.subject}), [](RowReader& row) {
        KnownListing known;
        known.variant_id = row.text();
        known.sku = row.text();
        return known;
    });
}

std::vector<KnownShipMethod> known_ship_methods(Transaction& transaction, const CredentialKey& warehouse) {
    return read_all(transaction.query(kShipMethods, {warehouse.merchant, warehouse.subject}), [](RowReader& row) {
        KnownShipMethod known;
        known.store = row.text();
        known.title = row.text();
        known.method = row.text();
        return known;
    });
}

void note_connection(
    Transaction& transaction,
    const CredentialKey& key,
    const std::string& actor,
    const std::string& reason,
    const std::string& details) {
    transaction.execute(kNote, {key.merchant, actor, key.subject, reason, details});
}

void check_subscriptions_now(Transaction& transaction) {
    transaction.execute(kCheckNow);
}

}  // namespace ordersaga::db
