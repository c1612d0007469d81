#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

#include <set>

namespace ordersaga::db {

using engine::SagaKey;
using orders::OrderKey;
using orders::OrderRow;
using orders::ReferenceRow;
using sagas::MerchantId;
using sagas::StoreId;

namespace {

// What has no saga yet is in no list.
constexpr const char* kCreateMissing = R"sql(
    INSERT INTO orders (merchant_id, store_id, order_id)
    SELECT DISTINCT merchant_id, store_id, order_id
      FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS new (merchant_id, store_id, order_id)
     WHERE (SELECT set_config('ordersaga.lists_are_kept', 'yes', true)) IS NOT NULL
     ORDER BY merchant_id, store_id, order_id
        ON CONFLICT DO NOTHING)sql";

constexpr const char* kLock = R"sql(
    SELECT merchant_id, store_id, order_id, saga_id, name, document, deleted, reason, early_refunds, created_at
      FROM orders
     WHERE (merchant_id, store_id, order_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[]))
     ORDER BY merchant_id, store_id, order_id)sql";

constexpr const char* kPeekDocuments = R"sql(
    SELECT orders.document
      FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY AS wanted (merchant, store, id, place)
      LEFT JOIN orders
        ON orders.merchant_id = wanted.merchant AND orders.store_id = wanted.store AND orders.order_id = wanted.id
       AND NOT EXISTS (SELECT FROM found_fulfillments WHERE found_fulfillments.merchant_id = orders.merchant_id)
     ORDER BY place)sql";

constexpr const char* kPeekStamps = R"sql(
    SELECT coalesce(orders.stamp, '')
      FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY AS wanted (merchant, store, id, place)
      LEFT JOIN orders
        ON orders.merchant_id = wanted.merchant AND orders.store_id = wanted.store AND orders.order_id = wanted.id
       AND NOT EXISTS (SELECT FROM found_fulfillments WHERE found_fulfillments.merchant_id = orders.merchant_id)
     ORDER BY place)sql";

// $11: whether the lists are kept already (kept_lists.hpp).
constexpr const char* kWrite = R"sql(
    UPDATE orders
       SET saga_id = new.saga_id, name = new.name, document = new.document, deleted = new.deleted, reason = new.reason,
           early_refunds = new.early_refunds, stamp = new.stamp, updated_at = now()
      FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::uuid[], $5::text[], $6::jsonb[], $7::boolean[], $8::text[],
                  $9::jsonb[], $10::text[])
        AS new (merchant_id, store_id, order_id, saga_id, name, document, deleted, reason, early_refunds, stamp)
     WHERE orders.merchant_id = new.merchant_id AND orders.store_id = new.store_id AND orders.order_id = new.order_id
       AND (SELECT set_config('ordersaga.lists_are_kept', $11, true)) IS NOT NULL)sql";

constexpr const char* kSagasOfReferences = R"sql(
    SELECT reference, merchant_id, saga_id,
           EXISTS (SELECT FROM sagas
                    WHERE sagas.merchant_id = known.merchant_id AND sagas.saga_id = known.saga_id
                      AND state = 'FulfillmentRequested'
                      AND data -> 'fulfillments' @> jsonb_build_array(
                              jsonb_build_object('reference', known.reference, 'state', 'accepted')))
      FROM fulfillment_references known
     WHERE merchant_id = $1::bigint AND reference = ANY ($2::text[])
     ORDER BY reference)sql";

// A reference belongs to one saga for ever: a repeat by the same saga counts as written, another saga's does not.
constexpr const char* kWriteReferences = R"sql(
    INSERT INTO fulfillment_references AS known (merchant_id, reference, saga_id)
    SELECT DISTINCT merchant_id, reference, saga_id
      FROM unnest($1::bigint[], $2::text[], $3::uuid[]) AS new (merchant_id, reference, saga_id)
     ORDER BY merchant_id, reference
        ON CONFLICT (merchant_id, reference) DO UPDATE SET saga_id = excluded.saga_id
     WHERE known.saga_id = excluded.saga_id)sql";

// Documents are ours (sagas::to_json); one that does not read back is a damaged row.
sagas::OrderDocument read_document(const nlohmann::json& stored) {
    try {
        return sagas::order_document_from_json(stored);
    } catch (const std::invalid_argument& error) {
        throw engine::BadItem(std::string("a stored order cannot be read: ") + error.what());
    }
}

nlohmann::json refunds_to_json(const std::vector<sagas::Refund>& refunds) {
    nlohmann::json list = nlohmann::json::array();
    for (const sagas::Refund& refund : refunds) {
        nlohmann::json lines = nlohmann::json::array();
        for (const sagas::RefundLine& line : refund.lines) {
            lines.push_back(
                {{"line_id", line.line_id},
                 {"quantity", line.quantity},
                 {"restock_type", line.restock_type},
                 {"location_id", line.location_id}});
        }
        list.push_back({{"refund_id", refund.refund_id}, {"lines", lines}});
    }
    return list;
}

std::vector<sagas::Refund> refunds_from_json(const nlohmann::json& list) {
    try {
        std::vector<sagas::Refund> refunds;
        for (const nlohmann::json& stored : list) {
            sagas::Refund refund;
            refund.refund_id = stored.at("refund_id").get<std::string>();
            for (const nlohmann::json& line : stored.at("lines")) {
                refund.lines.push_back(
                    {line.at("line_id").get<std::string>(), line.at("quantity").get<std::int64_t>(),
                     line.at("restock_type").get<std::string>(), line.at("location_id").get<std::string>()});
            }
            refunds.push_back(std::move(refund));
        }
        return refunds;
    } catch (const nlohmann::json::exception& error) {
        throw engine::BadItem(std::string("stored refunds cannot be read: ") + error.what());
    }
}

std::optional<sagas::OrderDocument> read_optional_document(RowReader& row) {
    const auto document = row.optional_text();
    if (!document) return std::nullopt;
    return read_document(nlohmann::json::parse(*document, nullptr, false));
}

OrderRow read_order(RowReader& row) {
    OrderRow order;
    order.key.merchant = row.id<MerchantId>();
    order.key.store_id = row.id<StoreId>();
    order.key.order_id = row.text();
    order.saga_id = row.text_or_empty();
    order.name = row.text();
    if (auto document = read_optional_document(row)) {
        order.document = std::move(*document);
        order.has_document = true;
    }
    order.deleted = row.boolean();
    order.reason = row.text();
    order.early_refunds = refunds_from_json(row.json());
    order.created_at = row.instant();
    return order;
}

std::string stamp_of_row(const OrderRow& row) {
    return row.has_document ? stamp_of(row.document) : std::string();
}

std::optional<std::string> document_of(const OrderRow& row) {
    return row.has_document ? std::optional(runtime::dump_json(to_json(row.document))) : std::nullopt;
}

}  // namespace

std::vector<OrderRow> PgTransaction::lock_orders(const std::vector<OrderKey>& keys, engine::Turn turn) {
    if (keys.empty()) {
        return {};
    }
    // A store's key that is missing is made in this turn, not as late as somebody is kept under it.
    std::set<std::pair<MerchantId, StoreId>> concerned;
    for (const OrderKey& key : keys) {
        concerned.emplace(key.merchant, key.store_id);
    }
    for (const auto& [merchant, store] : concerned) {
        keys_.key_of(sql_, merchant, store);
    }
    const std::vector<Parameter> parameters{
        column(keys, &OrderKey::merchant), column(keys, &OrderKey::store_id), column(keys, &OrderKey::order_id)};
    sql_.query(kCreateMissing, parameters);
    std::vector<OrderRow> orders = read_all(sql_.query(std::string(kLock) + lock_for(turn), parameters), read_order);
    for (const OrderRow& order : orders)
        lists_.read(order);
    return orders;
}

std::vector<std::optional<sagas::OrderDocument>> PgTransaction::peek_documents(const std::vector<OrderKey>& keys) {
    if (keys.empty()) {
        return {};
    }
    return read_all(
        sql_.query(
            kPeekDocuments,
            {column(keys, &OrderKey::merchant), column(keys, &OrderKey::store_id), column(keys, &OrderKey::order_id)}),
        read_optional_document);
}

std::vector<std::string> PgTransaction::peek_stamps(const std::vector<OrderKey>& keys) {
    if (keys.empty()) {
        return {};
    }
    return read_all(
        sql_.query(
            kPeekStamps,
            {column(keys, &OrderKey::merchant), column(keys, &OrderKey::store_id), column(keys, &OrderKey::order_id)}),
        [](RowReader& row) { return row.text(); });
}

void PgTransaction::write_orders(const std::vector<OrderRow>& orders) {
    if (orders.empty()) {
        return;
    }
    const std::string lists_are_kept = lists_.keep(sql_, orders);
    sql_.execute_later(
        kWrite,
        list_of(
            column(orders, [](const OrderRow& row) { return row.key.merchant; }),
            column(orders, [](const OrderRow& row) { return row.key.store_id; }),
            column(orders, [](const OrderRow& row) -> const std::string& { return row.key.order_id; }),
            column(orders, [](const OrderRow& row) { return null_if_empty(row.saga_id); }),
            column(orders, &OrderRow::name), column(orders, document_of), column(orders, &OrderRow::deleted),
            column(orders, &OrderRow::reason),
            column(orders, [](const OrderRow& row) { return runtime::dump_json(refunds_to_json(row.early_refunds)); }),
            column(orders, stamp_of_row), lists_are_kept),
        known_of(orders.size(), "updating orders"));
}

std::vector<ReferenceRow> PgTransaction::sagas_of_references(
    MerchantId merchant,
    const std::vector<std::string>& references) {
    if (references.empty()) {
        return {};
    }
    return read_all(sql_.query(kSagasOfReferences, {merchant, references}), [](RowReader& row) {
        ReferenceRow known;
        known.reference = row.text();
        known.saga.merchant = row.id<MerchantId>();
        known.saga.saga_id = row.text();
        known.accepted = row.boolean();
        return known;
    });
}

void PgTransaction::write_references(const std::vector<std::pair<std::string, SagaKey>>& references) {
    if (references.empty()) {
        return;
    }
    const std::set<std::pair<std::string, SagaKey>> distinct(references.begin(), references.end());
    using Reference = std::pair<std::string, SagaKey>;
    const std::int64_t written = sql_.execute(
        kWriteReferences,
        {column(references, [](const Reference& row) { return row.second.merchant; }),
         column(references, &Reference::first),
         column(references, [](const Reference& row) -> const std::string& { return row.second.saga_id; })});
    if (written != static_cast<std::int64_t>(distinct.size())) {
        throw engine::BadItem("a warehouse reference belongs to another saga already");
    }
}

}  // namespace ordersaga::db
