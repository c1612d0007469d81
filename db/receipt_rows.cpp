#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

#include <map>
#include <tuple>

namespace ordersaga::db {

using orders::ReceiptRow;
using orders::ReceiptStatus;

namespace {

// Looked up one by one, each way by the index of its key.
constexpr const char* kKnow = R"sql(
    WITH given AS MATERIALIZED (
        SELECT *
          FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
               WITH ORDINALITY AS given (merchant_id, source, store_id, topic, webhook_id, event_id, name, place))
    SELECT given.place
      FROM given,
           LATERAL (SELECT FROM webhook_receipts
                     WHERE merchant_id = given.merchant_id AND source = given.source AND store_id = given.store_id
                       AND topic = given.topic AND webhook_id = given.webhook_id OFFSET 0) same_delivery
     UNION
    SELECT given.place
      FROM given,
           LATERAL (SELECT FROM webhook_receipts
                     WHERE merchant_id = given.merchant_id AND source = given.source AND store_id = given.store_id
                       AND topic = given.topic AND event_id = given.event_id AND name = given.name
                       AND event_id <> '' OFFSET 0) same_event)sql";

// Without a conflict target both unique keys count: the delivery's id, and the event's id with the subscription.
constexpr const char* kInsert = R"sql(
    INSERT INTO webhook_receipts (merchant_id, source, store_id, topic, webhook_id, event_id, name, received_at, body,
                                  headers, status, reason, order_id, saga_id, data_key_id)
    SELECT merchant_id, source, store_id, topic, webhook_id, event_id, name, received_at, body, headers, status, reason,
           order_id, saga_id, data_key_id
      FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
                  $8::timestamptz[], $9::bytea[], $10::jsonb[], $11::text[], $12::text[], $13::text[], $14::uuid[],
                  $15::text[])
           WITH ORDINALITY
        AS new (merchant_id, source, store_id, topic, webhook_id, event_id, name, received_at, body, headers, status,
                reason, order_id, saga_id, data_key_id, place)
     ORDER BY merchant_id, source, store_id, topic, webhook_id, place
        ON CONFLICT DO NOTHING
 RETURNING merchant_id, source, store_id, topic, webhook_id)sql";

constexpr const char* kUpdate = R"sql(
    UPDATE webhook_receipts receipt
       SET status = new.status, reason = new.reason, order_id = new.order_id, saga_id = new.saga_id
      FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                  $9::uuid[])
        AS new (merchant_id, source, store_id, topic, webhook_id, status, reason, order_id, saga_id)
     WHERE receipt.merchant_id = new.merchant_id AND receipt.source = new.source AND receipt.store_id = new.store_id
       AND receipt.topic = new.topic AND receipt.webhook_id = new.webhook_id)sql";

using Key = std::tuple<std::int64_t, std::string, std::int64_t, std::string, std::string>;

Key key_of(const ReceiptRow& row) {
    return {row.merchant.value, row.source, row.store_id.value, row.topic, row.webhook_id};
}

const char* status_of(const ReceiptRow& row) {
    switch (row.status) {
        case ReceiptStatus::applied: return "applied";
        case ReceiptStatus::ignored: return "ignored";
        case ReceiptStatus::parked: return "parked";
        case ReceiptStatus::duplicate: break;  // told by insert_receipts, never stored
    }
    throw std::logic_error("a duplicate has no receipt of its own");
}

auto saga_of = [](const ReceiptRow& row) {
    return null_if_empty(row.saga_id);
};

// Bodies name people: each is sealed under its store's key. An empty one needs no key.
std::vector<runtime::Sealed> sealed_bodies(
    Transaction& transaction,
    StoreKeys& keys,
    const std::vector<ReceiptRow>& receipts) {
    std::map<std::pair<sagas::MerchantId, sagas::StoreId>, std::optional<runtime::KeyRing>> of_store;
    for (const ReceiptRow& row : receipts) {
        if (!row.body.empty()) of_store.try_emplace({row.merchant, row.store_id});
    }
    // In the sequence of the stores, because a key that is missing is made.
    for (auto& [store, key] : of_store)
        key = keys.key_of(transaction, store.first, store.second);
    std::vector<runtime::Sealed> bodies;
    bodies.reserve(receipts.size());
    for (const ReceiptRow& row : receipts) {
        if (row.body.empty()) {
            bodies.emplace_back();
            continue;
        }
        bodies.push_back(sealed_body(
            *of_store.at({row.merchant, row.store_id}), row.merchant.value, row.store_id.value, row.topic,
            row.webhook_id, row.body));
    }
    return bodies;
}

}  // namespace

std::vector<bool> PgTransaction::know_receipts(const std::vector<ReceiptRow>& receipts) {
    std::vector<bool> known(receipts.size(), false);
    if (receipts.empty()) {
        return known;
    }
    const db::Rows places = sql_.query(
        kKnow, {column(receipts, &ReceiptRow::merchant), column(receipts, &ReceiptRow::source),
                column(receipts, &ReceiptRow::store_id), column(receipts, &ReceiptRow::topic),
                column(receipts, &ReceiptRow::webhook_id), column(receipts, &ReceiptRow::event_id),
                column(receipts, &ReceiptRow::name)});
    for (std::size_t row = 0; row < places.size(); ++row) {
        known.at(static_cast<std::size_t>(places.int64(row, 0) - 1)) = true;
    }
    return known;
}

std::vector<bool> PgTransaction::insert_receipts(const std::vector<ReceiptRow>& receipts) {
    if (receipts.empty()) {
        return {};
    }
    const std::vector<runtime::Sealed> bodies = sealed_bodies(sql_, keys_, receipts);
    const db::Rows inserted = sql_.query(
        kInsert, {column(receipts, &ReceiptRow::merchant), column(receipts, &ReceiptRow::source),
                  column(receipts, &ReceiptRow::store_id), column(receipts, &ReceiptRow::topic),
                  column(receipts, &ReceiptRow::webhook_id), column(receipts, &ReceiptRow::event_id),
                  column(receipts, &ReceiptRow::name), column(receipts, &ReceiptRow::received_at),
                  column(bodies, [](const runtime::Sealed& body) { return Bytes{body.bytes}; }),
                  column(receipts, [](const ReceiptRow& row) { return runtime::dump_json(row.headers); }),
                  column(receipts, status_of), column(receipts, &ReceiptRow::reason),
                  column(receipts, &ReceiptRow::order_id), column(receipts, saga_of),
                  column(bodies, [](const runtime::Sealed& body) { return null_if_empty(body.key_id); })});
    // Of several equal ones in this batch the first is the new one.
    std::map<Key, std::size_t> first_of;
    for (std::size_t index = 0; index < receipts.size(); ++index) {
        first_of.emplace(key_of(receipts[index]), index);
    }
    std::vector<bool> is_new(receipts.size(), false);
    for (std::size_t row = 0; row < inserted.size(); ++row) {
        const Key key{
            inserted.int64(row, 0), inserted.text(row, 1), inserted.int64(row, 2), inserted.text(row, 3),
            inserted.text(row, 4)};
        is_new[first_of.at(key)] = true;
    }
    return is_new;
}

void PgTransaction::update_receipts(const std::vector<ReceiptRow>& receipts) {
    if (receipts.empty()) {
        return;
    }
    sql_.execute(
        kUpdate,
        {column(receipts, &ReceiptRow::merchant), column(receipts, &ReceiptRow::source),
         column(receipts, &ReceiptRow::store_id), column(receipts, &ReceiptRow::topic),
         column(receipts, &ReceiptRow::webhook_id), column(receipts, status_of), column(receipts, &ReceiptRow::reason),
         column(receipts, &ReceiptRow::order_id), column(receipts, saga_of)});
}

}  // namespace ordersaga::db
