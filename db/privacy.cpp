#include "db/privacy.hpp"

#include "db/row_reader.hpp"
#include "db/store_keys.hpp"
#include "orchestrator/orders/rows.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/planted.hpp"
#include "sagas/order_data.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::db {

namespace {

using nlohmann::json;

constexpr const char* kRequests = R"sql(
    SELECT request.merchant_id, request.store_id, request.request_id, merchant.name, store.key, request.kind,
           request.reference, to_json(request.orders), request.asked_at, request.done_at
      FROM privacy_requests request
      JOIN merchants merchant USING (merchant_id)
      JOIN stores store USING (merchant_id, store_id)
     WHERE $1::boolean OR request.done_at IS NULL
     ORDER BY request.asked_at DESC, request.request_id DESC)sql";

constexpr const char* kAsk = R"sql(
    INSERT INTO privacy_requests (merchant_id, store_id, kind, orders)
    SELECT store.merchant_id, store.store_id, CASE WHEN cardinality($3::text[]) = 0 THEN 'shop' ELSE 'customer' END,
           $3::text[]
      FROM stores store JOIN merchants merchant USING (merchant_id)
     WHERE merchant.name = $1 AND store.key = $2
 RETURNING merchant_id, store_id, request_id, kind)sql";

constexpr const char* kAudit = R"sql(
    INSERT INTO audit (merchant_id, at, actor, action, subject, reason, details)
    VALUES ($1::bigint, now(), $2, $3, $4, $5, $6::jsonb))sql";

// Whoever asked may have named the person.
constexpr const char* kEraseReasonOfAsking = R"sql(
    UPDATE audit SET reason = 'erased', details = '{}'
     WHERE merchant_id = $1::bigint AND action = 'erasure asked for' AND details ->> 'request_id' = $2::bigint::text)sql";

constexpr const char* kDone = R"sql(
    UPDATE privacy_requests SET done_at = now()
     WHERE merchant_id = $1::bigint AND request_id = $2::bigint AND done_at IS NULL)sql";

constexpr const char* kCloseIncident = R"sql(
    UPDATE incidents SET closed_at = now(), updated_at = now()
     WHERE merchant_id = $1::bigint AND incident_key = $2 AND closed_at IS NULL)sql";

// --- export

constexpr const char* kOrdersAsked = R"sql(
    SELECT orders.order_id, orders.saga_id, orders.created_at, orders.document, saga.state, saga.data,
           person.data_key_id, person.sealed, key.key_id, key.sealed
      FROM orders
      LEFT JOIN sagas saga ON saga.merchant_id = orders.merchant_id AND saga.saga_id = orders.saga_id
      LEFT JOIN personal_data person
             ON person.merchant_id = orders.merchant_id AND person.store_id = orders.store_id
            AND person.order_id = orders.order_id
      LEFT JOIN store_keys key
             ON key.merchant_id = person.merchant_id AND key.store_id = person.store_id
            AND key.data_key_id = person.data_key_id
     WHERE orders.merchant_id = $1::bigint AND orders.store_id = $2::bigint
       AND ($3 = 'shop' OR orders.order_id = ANY ($4::text[]))
     ORDER BY orders.created_at, orders.order_id)sql";

constexpr const char* kHistoryOf = R"sql(
    SELECT coalesce(json_agg(json_build_object('at', at, 'from_state', from_state, 'to_state', to_state, 'event', event,
                                               'cause', cause, 'note', note) ORDER BY version), '[]')
      FROM saga_history WHERE merchant_id = $1::bigint AND saga_id = $2::uuid)sql";

constexpr const char* kBodiesOf = R"sql(
    SELECT topic, webhook_id, received_at, data_key_id, body
      FROM webhook_receipts
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND source = 'shopify' AND order_id = $3
     ORDER BY received_at)sql";

// --- erasure: $1 merchant, $2 store

constexpr const char* kOpenErasures = R"sql(
    SELECT merchant_id, store_id, request_id, kind, to_json(orders), asked_at
      FROM privacy_requests WHERE done_at IS NULL AND kind <> 'data_request'
     ORDER BY asked_at, request_id)sql";

// Bodies that name no order may be about anybody of the store. Of a whole store all go.
constexpr const char* kEraseBodies = R"sql(
    UPDATE webhook_receipts
       SET body = '', headers = '{}', data_key_id = NULL, reason = CASE reason WHEN '' THEN '' ELSE 'erased' END,
           status = CASE status WHEN 'parked' THEN 'ignored' ELSE status END
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND source = 'shopify' AND body <> ''
       AND received_at <= $3::timestamptz AND (order_id = '' OR $4 = 'shop'))sql";

constexpr const char* kOrdersLeft = R"sql(
    SELECT order_id FROM orders
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND erased_at IS NULL
       AND (($3 = 'shop' AND created_at <= $4::timestamptz) OR order_id = ANY ($5::text[]))
     ORDER BY order_id)sql";

constexpr const char* kEraseBodiesOfOrder = R"sql(
    UPDATE webhook_receipts
       SET body = '', headers = '{}', data_key_id = NULL, reason = CASE reason WHEN '' THEN '' ELSE 'erased' END,
           status = CASE status WHEN 'parked' THEN 'ignored' ELSE status END
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND source = 'shopify' AND order_id = $3
       AND (body <> '' OR headers <> '{}'))sql";

constexpr const char* kLockOrder = R"sql(
    SELECT saga_id, document FROM orders
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND order_id = $3 AND erased_at IS NULL
       FOR NO KEY UPDATE)sql";

// Whether the warehouse has all that it was asked for: then nobody needs the address here. (An addition that comes later
// and asks again is given up for want of it.)
constexpr const char* kLockSaga = R"sql(
    SELECT kind, final, data,
           state IN ('FulfillmentRequested', 'Shipped')
           AND NOT EXISTS (SELECT FROM commands
                            WHERE commands.merchant_id = sagas.merchant_id AND commands.saga_id = sagas.saga_id
                              AND activity = 'RequestFulfillment' AND commands.state <> 'closed')
      FROM sagas WHERE merchant_id = $1::bigint AND saga_id = $2::uuid
       FOR NO KEY UPDATE)sql";

constexpr const char* kErasePerson = R"sql(
    DELETE FROM personal_data WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND order_id = $3)sql";

constexpr const char* kEraseOrder = R"sql(
    UPDATE orders SET erased_at = now(), name = order_id, document = $4::jsonb
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND order_id = $3)sql";

// --- of a saga that is final: $1 merchant, $2 saga

constexpr const char* kEraseSaga = R"sql(
    UPDATE sagas SET data = $3::jsonb, subject = $4, incident = CASE WHEN incident IS NOT NULL THEN 'erased' END
     WHERE merchant_id = $1::bigint AND saga_id = $2::uuid)sql";

constexpr const char* kEraseOfSaga[] = {
    R"sql(
    UPDATE commands SET payload = '{}', last_error = ''
     WHERE merchant_id = $1::bigint AND saga_id = $2::uuid AND state = 'closed')sql",
    // A refusal for want of stock is judged by what was short (law L10).
    R"sql(
    UPDATE saga_history
       SET cause = 'erased', note = 'erased',
           details = CASE WHEN details #> '{event,short}' IS NULL THEN '{}'
                          ELSE jsonb_build_object('event', jsonb_build_object('short', details #> '{event,short}')) END
     WHERE merchant_id = $1::bigint AND saga_id = $2::uuid)sql",
    R"sql(
    UPDATE incidents SET cause = 'erased', text = 'erased' WHERE merchant_id = $1::bigint AND saga_id = $2::uuid)sql",
    R"sql(
    UPDATE audit SET reason = 'erased', details = '{}'
     WHERE merchant_id = $1::bigint AND subject = $2::uuid::text)sql",
    R"sql(
    UPDATE parked_items SET input = 'null', reason = 'erased'
     WHERE merchant_id = $1::bigint
       AND (subject = $2::uuid::text
            OR subject IN (SELECT command_id::text FROM commands
                            WHERE merchant_id = $1::bigint AND saga_id = $2::uuid)))sql",
    R"sql(
    DELETE FROM api_idempotency
     WHERE merchant_id = $1::bigint AND position($2::uuid::text IN body) > 0)sql",
};

constexpr const char* kEraseParkedOrder = R"sql(
    UPDATE parked_items SET input = 'null', reason = 'erased'
     WHERE merchant_id = $1::bigint AND subject = 'store:' || $2::bigint || ' order ' || $3)sql";

// Nothing is left that could be opened with it, or it would have to stay.
constexpr const char* kThrowKeyAway = R"sql(
    DELETE FROM store_keys key
     WHERE merchant_id = $1::bigint AND store_id = $2::bigint AND made_at <= $3::timestamptz
       AND NOT EXISTS (SELECT FROM personal_data person
                        WHERE person.merchant_id = key.merchant_id AND person.store_id = key.store_id))sql";

// --- of an earlier build

constexpr const char* kOlderAddresses = R"sql(
    SELECT orders.merchant_id, orders.store_id, orders.order_id, saga.saga_id, saga.data ->> 'recipient'
      FROM sagas saga JOIN orders USING (merchant_id, saga_id)
     WHERE saga.next_wake IS NOT NULL AND saga.data ? 'recipient'
     LIMIT 500
       FOR NO KEY UPDATE OF saga)sql";

constexpr const char* kSealOlder = R"sql(
    INSERT INTO personal_data (merchant_id, store_id, order_id, saga_id, data_key_id, sealed)
    VALUES ($1::bigint, $2::bigint, $3, $4::uuid, $5, $6::bytea)
        ON CONFLICT DO NOTHING)sql";

constexpr const char* kTakeOutOfSaga = R"sql(
    UPDATE sagas SET data = data - 'recipient' WHERE merchant_id = $1::bigint AND saga_id = $2::uuid)sql";

constexpr const char* kTakeOutOfCommands = R"sql(
    UPDATE commands SET payload = payload - 'recipient'
     WHERE merchant_id = $1::bigint AND saga_id = $2::uuid AND payload ? 'recipient')sql";

struct Erasure {
    sagas::MerchantId merchant;
    sagas::StoreId store;
    std::int64_t request_id = 0;
    std::string kind;
    std::vector<std::string> orders;
    Instant asked_at{};
};

std::vector<Erasure> open_erasures(Transaction& transaction) {
    return read_all(transaction.query(kOpenErasures), [](RowReader& row) {
        Erasure erasure;
        erasure.merchant = row.id<sagas::MerchantId>();
        erasure.store = row.id<sagas::StoreId>();
        erasure.request_id = row.int64();
        erasure.kind = row.text();
        erasure.orders = row.json().get<std::vector<std::string>>();
        erasure.asked_at = row.instant();
        return erasure;
    });
}

std::vector<std::string> orders_left(Transaction& transaction, const Erasure& erasure) {
    return read_all(
        transaction.query(
            kOrdersLeft, {erasure.merchant, erasure.store, erasure.kind, erasure.asked_at, erasure.orders}),
        [](RowReader& row) { return row.text(); });
}

// Ids, quantities and states stay; every text that people or peers wrote goes.
std::optional<std::string> without_texts(const std::optional<std::string>& document) {
    if (!document) return std::nullopt;
    sagas::OrderDocument order = sagas::order_document_from_json(json::parse(*document));
    order.name = order.order_id;
    order.email.clear();
    order.shipping_address.reset();
    order.cancel_reason.clear();
    if (!runtime::planted("redaction_leaves_a_text")) order.source_name.clear();
    order.ship_method.clear();
    for (sagas::StoreFulfillment& fulfillment : order.fulfillments)
        fulfillment.tracking_numbers.clear();
    return runtime::dump_json(to_json(order));
}

void erase_saga(Transaction& transaction, sagas::MerchantId merchant, const std::string& saga_id, const json& stored) {
    sagas::OrderData data = sagas::order_data_from_json(stored);
    data.name = data.order_id;
    data.ship_method.clear();
    data.cancel_reason.clear();
    data.unserved.clear();
    for (sagas::Fulfillment& fulfillment : data.fulfillments) {
        for (sagas::Shipment& shipment : fulfillment.shipments) {
            shipment.carrier.clear();
            shipment.tracking_number.clear();
            shipment.tracking_url.clear();
        }
    }
    transaction.execute(
        kEraseSaga, {merchant, saga_id, runtime::dump_json(to_json(data)), data.store + " " + data.order_id});
    for (const char* statement : kEraseOfSaga)
        transaction.execute(statement, {merchant, saga_id});
}

// In the sequence in which everybody locks rows: receipts, order, saga, what hangs on it. True: nothing is left of it.
bool erase_order(Transaction& transaction, const Erasure& erasure, const std::string& order_id, Erased& erased) {
    erased.bodies += transaction.execute(kEraseBodiesOfOrder, {erasure.merchant, erasure.store, order_id});
    const Rows order = transaction.query(kLockOrder, {erasure.merchant, erasure.store, order_id});
    if (order.empty()) return true;  // another program was faster
    const std::string saga_id = order.optional_text(0, 0).value_or("");
    const std::optional<std::string> document = without_texts(order.optional_text(0, 1));
    bool final = true;
    if (!saga_id.empty()) {
        const Rows saga = transaction.query(kLockSaga, {erasure.merchant, saga_id});
        final = saga.empty() || saga.boolean(0, 1);
        if (!final && !saga.boolean(0, 3)) return false;
        if (final && !saga.empty() && saga.view(0, 0) == "order")
            erase_saga(transaction, erasure.merchant, saga_id, json::parse(saga.view(0, 2)));
    }
    if (!runtime::planted("redaction_leaves_the_address"))
        transaction.execute(kErasePerson, {erasure.merchant, erasure.store, order_id});
    if (!final) return false;
    transaction.execute(kEraseParkedOrder, {erasure.merchant, erasure.store, order_id});
    transaction.execute(kEraseOrder, {erasure.merchant, erasure.store, order_id, document});
    return true;
}

void finish(Transaction& transaction, const Erasure& erasure, Erased& erased) {
    if (transaction.execute(kDone, {erasure.merchant, erasure.request_id}) == 0) return;
    const bool shop = erasure.kind == "shop";
    if (shop) erased.keys += transaction.execute(kThrowKeyAway, {erasure.merchant, erasure.store, erasure.asked_at});
    transaction.execute(kEraseReasonOfAsking, {erasure.merchant, erasure.request_id});
    const json details{{"request_id", erasure.request_id}, {"orders", erasure.orders}};
    transaction.execute(
        kAudit, {erasure.merchant, "ordersaga", "personal data erased", "store:" + std::to_string(erasure.store.value),
                 shop ? "asked for the whole store" : "asked for a customer", runtime::dump_json(details)});
    erased.requests += 1;
}

void add(Erased& all, const Erased& more) {
    all.orders += more.orders;
    all.bodies += more.bodies;
    all.requests += more.requests;
    all.keys += more.keys;
}

json person_of(const runtime::KeyRing& ring, const PrivacyRequestRow& request, const Rows& rows, std::size_t row) {
    if (rows.is_null(row, 7) || rows.is_null(row, 9)) return nullptr;
    const runtime::KeyRing key =
        opened_store_key(ring, request.merchant.value, request.store_id.value, {rows.text(row, 8), rows.bytes(row, 9)})
            .value();
    const std::string person =
        key.open({rows.text(row, 6), rows.bytes(row, 7)}, place_of_person(request.merchant.value, rows.text(row, 1)))
            .value();
    return json::parse(person);
}

json bodies_of(
    Transaction& transaction,
    const runtime::KeyRing& ring,
    const PrivacyRequestRow& request,
    const std::string& order_id) {
    json bodies = json::array();
    const Rows rows = transaction.query(kBodiesOf, {request.merchant, request.store_id, order_id});
    for (std::size_t row = 0; row < rows.size(); ++row) {
        KeptBody kept{request.merchant.value, request.store_id.value,     rows.text(row, 0),
                      rows.text(row, 1),      rows.optional_text(row, 3), rows.bytes(row, 4)};
        const runtime::Result<std::string> body = opened_body(transaction, ring, kept);
        bodies.push_back(
            {{"topic", rows.text(row, 0)},
             {"received_at", runtime::format_rfc3339(rows.instant(row, 2))},
             {"body", body ? *body : "cannot be opened: " + body.error().message}});
    }
    return bodies;
}

}  // namespace

std::vector<PrivacyRequestRow> privacy_requests(Transaction& transaction, bool done_too) {
    return read_all(transaction.query(kRequests, {done_too}), [](RowReader& row) {
        PrivacyRequestRow request;
        request.merchant = row.id<sagas::MerchantId>();
        request.store_id = row.id<sagas::StoreId>();
        request.request_id = row.int64();
        request.merchant_name = row.text();
        request.store = row.text();
        request.kind = row.text();
        request.reference = row.text();
        request.orders = row.json().get<std::vector<std::string>>();
        request.asked_at = row.instant();
        request.done_at = row.optional_instant();
        return request;
    });
}

std::optional<std::int64_t> ask_erasure(
    Transaction& transaction,
    const std::string& merchant_name,
    const std::string& store,
    const std::vector<std::string>& orders,
    const std::string& actor,
    const std::string& reason) {
    const Rows asked = transaction.query(kAsk, {merchant_name, store, orders});
    if (asked.empty()) return std::nullopt;
    const json details{{"request_id", asked.int64(0, 2)}, {"kind", asked.text(0, 3)}, {"orders", orders}};
    transaction.execute(
        kAudit, {asked.int64(0, 0), actor, "erasure asked for", "store:" + asked.text(0, 1), reason,
                 runtime::dump_json(details)});
    return asked.int64(0, 2);
}

json exported(Transaction& transaction, const runtime::KeyRing& ring, const PrivacyRequestRow& request) {
    json orders = json::array();
    const Rows rows =
        transaction.query(kOrdersAsked, {request.merchant, request.store_id, request.kind, request.orders});
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const std::string order_id = rows.text(row, 0);
        json order{
            {"order_id", order_id},
            {"created_at", runtime::format_rfc3339(rows.instant(row, 2))},
            {"person", person_of(ring, request, rows, row)},
            {"document", rows.is_null(row, 3) ? json() : json::parse(rows.view(row, 3))},
            {"state", rows.is_null(row, 4) ? json() : json(rows.text(row, 4))},
            {"saga", rows.is_null(row, 5) ? json() : json::parse(rows.view(row, 5))},
            {"history", json::array()},
            {"webhooks", bodies_of(transaction, ring, request, order_id)}};
        if (!rows.is_null(row, 1))
            order["history"] =
                json::parse(transaction.query(kHistoryOf, {request.merchant, rows.text(row, 1)}).view(0, 0));
        orders.push_back(std::move(order));
    }
    return {
        {"store", request.store},
        {"request_id", request.request_id},
        {"reference", request.reference},
        {"asked_at", runtime::format_rfc3339(request.asked_at)},
        {"orders", std::move(orders)}};
}

void note_exported(
    Transaction& transaction,
    const PrivacyRequestRow& request,
    const std::string& actor,
    const std::string& reason) {
    transaction.execute(kDone, {request.merchant, request.request_id});
    transaction.execute(
        kCloseIncident, {request.merchant, orders::incident_of_data_request(request.store_id, request.reference)});
    const json details{{"request_id", request.request_id}, {"orders", request.orders}};
    transaction.execute(
        kAudit, {request.merchant, actor, "personal data exported", "store:" + std::to_string(request.store_id.value),
                 reason, runtime::dump_json(details)});
}

std::int64_t seal_older_addresses(Session& session, const runtime::KeyRing& ring) {
    StoreKeys keys(ring);
    std::int64_t total = 0;
    std::size_t found = 1;
    while (found > 0) {
        session.transact([&](Transaction& transaction) {
            const Rows rows = transaction.query(kOlderAddresses);
            found = rows.size();
            for (std::size_t row = 0; row < found; ++row) {
                const sagas::MerchantId merchant{rows.int64(row, 0)};
                const sagas::StoreId store{rows.int64(row, 1)};
                const std::string saga_id = rows.text(row, 3);
                if (const auto recipient = rows.optional_text(row, 4)) {
                    const runtime::Sealed sealed = keys.key_of(transaction, merchant, store)
                                                       .seal(*recipient, place_of_person(merchant.value, saga_id));
                    transaction.execute(
                        kSealOlder, {merchant, store, rows.text(row, 2), saga_id, sealed.key_id, Bytes{sealed.bytes}});
                }
                transaction.execute(kTakeOutOfSaga, {merchant, saga_id});
                transaction.execute(kTakeOutOfCommands, {merchant, saga_id});
            }
        });
        total += static_cast<std::int64_t>(found);
    }
    return total;
}

Erased erase_asked(Session& session, const std::function<bool()>& go_on) {
    std::vector<Erasure> erasures;
    session.transact([&](Transaction& transaction) { erasures = open_erasures(transaction); });
    Erased all;
    for (const Erasure& erasure : erasures) {
        std::vector<std::string> orders;
        Erased once;
        session.transact([&](Transaction& transaction) {
            once = {};
            once.bodies =
                transaction.execute(kEraseBodies, {erasure.merchant, erasure.store, erasure.asked_at, erasure.kind});
            orders = orders_left(transaction, erasure);
        });
        add(all, once);
        runtime::crash_point("erasure.bodies_erased");
        bool nothing_left = true;
        for (const std::string& order_id : orders) {
            if (!go_on()) return all;
            session.transact([&](Transaction& transaction) {
                once = {};
                once.orders = erase_order(transaction, erasure, order_id, once) ? 1 : 0;
                runtime::crash_point("erasure.order_half_erased");
            });
            runtime::crash_point("erasure.order_erased");
            nothing_left = nothing_left && once.orders == 1;
            add(all, once);
        }
        if (!nothing_left) continue;
        session.transact([&](Transaction& transaction) {
            once = {};
            finish(transaction, erasure, once);
            runtime::crash_point("erasure.finished");
        });
        add(all, once);
    }
    return all;
}

}  // namespace ordersaga::db
