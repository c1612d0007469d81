#include "db/api_queries.hpp"

#include "db/migrate.hpp"
#include "db/people.hpp"
#include "db/saga_list.hpp"
#include "db/session.hpp"
#include "db/setup.hpp"
#include "db/store_keys.hpp"
#include "db/verify.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <tuple>

namespace ordersaga::db {

namespace {

using api::MerchantId;
using api::Page;
using nlohmann::json;

// Every list answers (object, cursor): one row more than a page tells whether there is a next one. Row security adds the
// merchant; ids are text in every answer. What is sorted by is named with its table: a name alone would be that of the answer's
// column, which is text: 10 before 9, and no index to read it from.

constexpr std::string_view select_schema_version = "SELECT coalesce(max(version), 0) FROM schema_migrations";

// What is shown of each saga of a page (saga_list.hpp).
constexpr std::string_view show_sagas = R"sql(
    SELECT json_build_object('saga_id', saga.saga_id, 'kind', saga.kind, 'subject', saga.subject, 'state', saga.state,
               'version', saga.version, 'final', saga.final, 'incident', saga.incident, 'created_at', saga.created_at,
               'updated_at', saga.updated_at, 'next_wake', saga.next_wake,
               'observed', coalesce((saga.data->>'observed')::boolean, false),
               'order', (SELECT json_build_object('store', store.key, 'order_id', orders.order_id, 'name', orders.name)
                           FROM orders JOIN stores store USING (merchant_id, store_id)
                          WHERE orders.merchant_id = saga.merchant_id AND orders.saga_id = saga.saga_id),
               -- What is under way; when nothing is, what was last.
               'command', (SELECT json_build_object('activity', activity, 'state', command.state, 'attempt', attempt,
                                      'due_at', due_at, 'deadline', deadline, 'outcome', outcome, 'last_error', last_error)
                             FROM commands command
                            WHERE command.merchant_id = saga.merchant_id AND command.saga_id = saga.saga_id
                            ORDER BY command.state = 'closed', command.created_at DESC, command.command_id DESC LIMIT 1))::text,
           saga.created_at::text || '_' || saga.saga_id
      FROM unnest($1::uuid[]) WITH ORDINALITY AS page (saga_id, place) JOIN sagas saga USING (saga_id)
     ORDER BY page.place)sql";

// Everything that tells why a saga stands where it stands; of its data only what holds nothing personal.
constexpr std::string_view select_saga = R"sql(
    SELECT json_build_object('asked_at', now(), 'saga_id', saga.saga_id, 'kind', saga.kind, 'definition_version', saga.definition_version,
        'subject', saga.subject, 'state', saga.state, 'version', saga.version, 'final', saga.final,
        'incident', saga.incident, 'created_at', saga.created_at, 'updated_at', saga.updated_at,
        'next_wake', saga.next_wake, 'trace', saga.trace,
        'in_state_since', coalesce((SELECT max(at) FROM saga_history step
                                     WHERE step.merchant_id = saga.merchant_id AND step.saga_id = saga.saga_id
                                       AND step.to_state = saga.state AND step.from_state <> step.to_state), saga.created_at),
        'last_event', (SELECT json_build_object('at', at, 'event', event, 'cause', cause, 'note', note) FROM saga_history step
                        WHERE step.merchant_id = saga.merchant_id AND step.saga_id = saga.saga_id
                        ORDER BY version DESC LIMIT 1),
        'remembers', (SELECT coalesce(json_object_agg(key, value), '{}') FROM jsonb_each(saga.data)
                       WHERE key IN ('observed', 'holds', 'cancel_by', 'cause', 'resume', 'wait_until', 'hold_until', 'deliver_by')),
        'order', (SELECT json_build_object('store', store.key, 'order_id', orders.order_id, 'name', orders.name)
                    FROM orders JOIN stores store USING (merchant_id, store_id)
                   WHERE orders.merchant_id = saga.merchant_id AND orders.saga_id = saga.saga_id),
        'reservations', (SELECT coalesce(json_agg(json_build_object('line_id', line_id, 'sku', sku.sku,
                             'warehouse', warehouse.key, 'waiting', waiting, 'held', held, 'committed', committed,
                             'shipped', shipped, 'released', released, 'accepted_at', accepted_at,
                             'queued_at', queued_at,
                             'ahead', (SELECT count(DISTINCT other.saga_id) FROM reservations other
                                        WHERE reservations.waiting > 0 AND other.waiting > 0
                                          AND other.merchant_id = reservations.merchant_id
                                          AND other.sku_id = reservations.sku_id
                                          AND other.warehouse_id = reservations.warehouse_id
                                          AND other.queued_at < reservations.queued_at)) ORDER BY line_id, sku.sku), '[]')
                           FROM reservations JOIN skus sku USING (merchant_id, sku_id)
                           JOIN warehouses warehouse USING (merchant_id, warehouse_id)
                          WHERE reservations.merchant_id = saga.merchant_id AND reservations.saga_id = saga.saga_id),
        'commands', (SELECT coalesce(json_agg(recent.command ORDER BY recent.created_at, recent.command_id), '[]')
                       FROM (SELECT created_at, command_id,
                                    json_build_object('command_id', command_id, 'activity', activity, 'lane', lane,
                                        'state', state, 'attempt', attempt, 'due_at', due_at, 'deadline', deadline,
                                        'outcome', outcome, 'last_error', last_error, 'perhaps_applied', perhaps_applied,
                                        'closed_at', closed_at, 'counted_attempts', counted_attempts,
                                        'peer', coalesce(
                                            (SELECT key FROM stores WHERE stores.merchant_id = commands.merchant_id
                                                AND 'store:' || store_id = commands.lane),
                                            (SELECT key FROM warehouses WHERE warehouses.merchant_id = commands.merchant_id
                                                AND 'warehouse:' || warehouse_id = commands.lane)),
                                        'lane_held', (SELECT json_build_object('not_before', not_before, 'breaker', breaker,
                                                                               'reason', reason)
                                                        FROM lanes
                                                       WHERE lanes.merchant_id = commands.merchant_id
                                                         AND lanes.lane = commands.lane AND commands.state = 'waiting'
                                                         AND (breaker <> 'closed' OR not_before > now()))) AS command
                               FROM commands
                              WHERE commands.merchant_id = saga.merchant_id AND commands.saga_id = saga.saga_id
                              ORDER BY created_at DESC, command_id DESC LIMIT 50) recent),
        'waits', (SELECT coalesce(json_agg(json_build_object('kind', waits.kind, 'sku', sku.sku,
                      'warehouse', warehouse.key, 'version', waits.version,
                      'stores', (SELECT coalesce(json_agg(DISTINCT store.key), '[]')
                                   FROM listing_components part JOIN listings listing USING (merchant_id, listing_id)
                                   JOIN stores store USING (merchant_id, store_id)
                                  WHERE waits.kind = 'channels' AND part.merchant_id = waits.merchant_id
                                    AND part.sku_id = waits.sku_id
                                    AND EXISTS (SELECT FROM generate_series(1, cardinality(composition), 4) AS at
                                                 WHERE composition[at] = waits.sku_id AND composition[at + 3] < waits.version)
                                    AND listing.parked = '' AND listing.believed IS NOT NULL
                                    AND store.status = 'active' AND store.mode = 'live'
                                    AND store.warehouse_id = waits.warehouse_id))
                      ORDER BY sku.sku), '[]')
                    FROM waits JOIN skus sku USING (merchant_id, sku_id)
                    JOIN warehouses warehouse USING (merchant_id, warehouse_id)
                   WHERE waits.merchant_id = saga.merchant_id AND waits.saga_id = saga.saga_id),
        'incidents', (SELECT coalesce(json_agg(json_build_object('incident_id', incident_id::text, 'cause', cause,
                          'text', text, 'opened_at', opened_at, 'closed_at', closed_at) ORDER BY incident_id DESC), '[]')
                        FROM incidents
                       WHERE incidents.merchant_id = saga.merchant_id AND incidents.saga_id = saga.saga_id),
        -- Of the saga's data only what names no person.
        'fulfillments', (SELECT coalesce(json_agg(json_build_object('part', fulfillment->'part',
                             'generation', fulfillment->'generation', 'reference', fulfillment->'reference',
                             'warehouse_order_id', fulfillment->'warehouse_order_id', 'state', fulfillment->'state',
                             'shipments', fulfillment->'shipments')), '[]')
                           FROM jsonb_array_elements(CASE WHEN saga.kind = 'order' THEN saga.data->'fulfillments' END)
                                AS fulfillment),
        'lines', (SELECT coalesce(json_agg(json_build_object('line_id', line->'line_id', 'sku', line->'sku',
                      'wanted', line->'wanted')), '[]')
                    FROM jsonb_array_elements(CASE WHEN saga.kind = 'order' THEN saga.data->'lines' END) AS line),
        'references', (SELECT coalesce(json_agg(reference ORDER BY reference), '[]') FROM fulfillment_references
                        WHERE fulfillment_references.merchant_id = saga.merchant_id
                          AND fulfillment_references.saga_id = saga.saga_id),
        'data', CASE WHEN $2::boolean THEN saga.data END)::text
      FROM sagas saga WHERE saga.saga_id = $1::uuid)sql";

constexpr std::string_view list_history = R"sql(
    SELECT json_build_object('version', version, 'at', at, 'from_state', from_state,
               'to_state', to_state, 'event', event, 'cause', cause, 'note', note,
               'details', CASE WHEN $4::boolean THEN details END)::text,
           version::text
      FROM saga_history
     WHERE saga_id = $3::uuid AND ($2::bigint IS NULL OR version > $2::bigint)
     ORDER BY saga_history.version LIMIT $1::int)sql";

constexpr std::string_view select_order = R"sql(
    SELECT json_build_object('store', store.key, 'order_id', orders.order_id, 'name', orders.name,
               'saga_id', orders.saga_id, 'state', saga.state, 'deleted', orders.deleted, 'reason', orders.reason,
               'created_at', orders.created_at, 'updated_at', orders.updated_at,
               'document', orders.document - 'email' - 'shipping_address')::text
      FROM orders JOIN stores store USING (merchant_id, store_id)
      LEFT JOIN sagas saga ON saga.merchant_id = orders.merchant_id AND saga.saga_id = orders.saga_id
     WHERE store.key = $1 AND orders.order_id = $2)sql";

constexpr std::string_view list_stock = R"sql(
    SELECT json_build_object('sku', sku.sku, 'title', sku.title, 'warehouse', warehouse.key, 'on_hand', stock.on_hand,
               'available', stock.available, 'reserved', stock.reserved, 'committed', stock.committed,
               'unavailable', stock.unavailable, 'short', stock.short_by, 'waiting', stock.waiting,
               'version', stock.version, 'policy', sku.policy, 'reading', sku.reading, 'buffer', sku.buffer,
               'discontinued', sku.discontinued, 'read_asked_at',
               CASE WHEN mirrored THEN greatest(stock.read_asked_at, warehouse.read_asked_at) ELSE stock.read_asked_at END,
               'warehouse_on_hand', stock.warehouse_on_hand,
               'warehouse_fulfillable', stock.warehouse_fulfillable,
               'shown', (SELECT coalesce(json_agg(json_build_object('listing_id', listing.listing_id::text, 'store', store.key,
                                    'believed', listing.believed, 'target', listing.target, 'in_flight', listing.in_flight,
                                    'parked', listing.parked) ORDER BY store.key, listing.listing_id), '[]')
                           FROM listings listing JOIN stores store USING (merchant_id, store_id)
                          WHERE listing.merchant_id = stock.merchant_id AND listing.sku_id = stock.sku_id
                            AND store.warehouse_id = stock.warehouse_id))::text,
           stock.sku_id || '_' || stock.warehouse_id
      FROM stock JOIN skus sku USING (merchant_id, sku_id) JOIN warehouses warehouse USING (merchant_id, warehouse_id)
     WHERE ($2::bigint IS NULL OR (stock.sku_id, stock.warehouse_id) > ($2::bigint, $3::bigint))
       AND ($4::text IS NULL OR sku.sku = $4) AND ($5::text IS NULL OR warehouse.key = $5)
     ORDER BY stock.sku_id, stock.warehouse_id LIMIT $1::int)sql";

constexpr std::string_view select_sku_id = "SELECT sku_id FROM skus WHERE sku = $1";

constexpr std::string_view list_movements = R"sql(
    SELECT json_build_object('movement_id', movement_id::text, 'at', at, 'warehouse', warehouse.key,
               'kind', movement.kind, 'cause', cause, 'saga_id', saga_id, 'line_id', line_id, 'on_hand', on_hand,
               'available', available, 'reserved', reserved, 'committed', committed, 'unavailable', unavailable,
               'short', short_by, 'version', version, 'note', note)::text,
           movement_id::text
      FROM stock_movements movement JOIN warehouses warehouse USING (merchant_id, warehouse_id)
     WHERE sku_id = $3::bigint AND ($2::bigint IS NULL OR movement_id < $2::bigint)
     ORDER BY movement.movement_id DESC LIMIT $1::int)sql";

constexpr std::string_view select_ledger = R"sql(
    SELECT stock.sku_id, stock.warehouse_id, stock.version
      FROM stock JOIN skus sku USING (merchant_id, sku_id) JOIN warehouses warehouse USING (merchant_id, warehouse_id)
     WHERE sku.sku = $1 AND warehouse.key = $2)sql";

constexpr std::string_view select_adjustment = R"sql(
    SELECT on_hand FROM stock_movements
     WHERE sku_id = $1::bigint AND warehouse_id = $2::bigint AND cause = 'adjust:' || $3)sql";

constexpr std::string_view list_listings = R"sql(
    SELECT json_build_object('listing_id', listing_id::text, 'store', store.key, 'sku', sku.sku,
               'variant_id', variant_id, 'inventory_item_id', inventory_item_id, 'location_id', listing.location_id,
               'believed', believed, 'target', target, 'in_flight', in_flight, 'wants_read', wants_read,
               'read_open', read_open, 'parked', parked)::text,
           listing_id::text
      FROM listings listing JOIN stores store USING (merchant_id, store_id) JOIN skus sku USING (merchant_id, sku_id)
     WHERE ($2::bigint IS NULL OR listing_id > $2::bigint)
       AND ($3::text IS NULL OR store.key = $3) AND ($4::text IS NULL OR sku.sku = $4)
       AND (NOT $5::boolean OR parked <> '')
     ORDER BY listing.listing_id LIMIT $1::int)sql";

constexpr std::string_view list_stores = R"sql(
    SELECT json_build_object('store_id', store_id::text, 'key', store.key, 'shop_domain', shop_domain,
               'status', store.status, 'api_version', store.api_version, 'location_id', location_id,
               'warehouse', warehouse.key, 'mode', mode, 'go_live_at', go_live_at, 'observed_from', observed_from,
               'order_policy', order_policy,
               'channel_wait_ms', channel_wait_ms, 'hold_expiry_ms', hold_expiry_ms,
               'points_per_second', points_per_second)::text,
           store_id::text
      FROM stores store JOIN warehouses warehouse USING (merchant_id, warehouse_id)
     WHERE ($2::bigint IS NULL OR store_id > $2::bigint)
     ORDER BY store.store_id LIMIT $1::int)sql";

constexpr std::string_view list_lanes = R"sql(
    SELECT json_build_object('lane', lane.lane,
               'name', coalesce((SELECT key FROM stores WHERE 'store:' || store_id = lane.lane),
                                (SELECT key FROM warehouses WHERE 'warehouse:' || warehouse_id = lane.lane)),
               'tokens', round(tokens::numeric, 1), 'capacity', capacity, 'per_second', per_second,
               'not_before', not_before, 'window', "window", 'breaker', breaker, 'failures', failures,
               'opened_at', opened_at, 'reason', reason,
               'in_flight', (SELECT count(*) FROM commands
                              WHERE commands.merchant_id = lane.merchant_id AND commands.lane = lane.lane AND state = 'sent'),
               'waiting', (SELECT count(*) FROM commands
                            WHERE commands.merchant_id = lane.merchant_id AND commands.lane = lane.lane AND state = 'waiting'))::text,
           lane.lane
      FROM lanes lane WHERE ($2::text IS NULL OR lane.lane > $2) ORDER BY lane.lane LIMIT $1::int)sql";

// The subject in words that verbs take: an order of a store, a listing as STORE/SKU, a store or a warehouse by its key.
constexpr std::string_view incident_columns = R"sql(
    SELECT json_build_object('incident_id', incident_id::text, 'incident_key', incident_key, 'saga_id', incident.saga_id,
               'saga_state', saga.state, 'saga_final', saga.final,
               'subject', coalesce(saga.subject,
                   (SELECT store.key || '/' || sku.sku FROM listings listing
                      JOIN stores store USING (merchant_id, store_id) JOIN skus sku USING (merchant_id, sku_id)
                     WHERE 'listing:' || listing.listing_id = incident_key),
                   (SELECT key FROM stores
                     WHERE incident_key ~ '(^|[:/])store:[0-9]+$' AND store_id::text = substring(incident_key FROM '[0-9]+$')),
                   (SELECT key FROM warehouses
                     WHERE incident_key ~ '(^|[:/])warehouse:[0-9]+$'
                       AND warehouse_id::text = substring(incident_key FROM '[0-9]+$'))),
               'cause', cause, 'text', text, 'opened_at', opened_at, 'updated_at', incident.updated_at,
               'closed_at', closed_at)::text,
           incident_id::text
      FROM incidents incident
      LEFT JOIN sagas saga ON saga.merchant_id = incident.merchant_id AND saga.saga_id = incident.saga_id)sql";

constexpr std::string_view list_incidents = R"sql(
     WHERE ($2::bigint IS NULL OR incident_id < $2::bigint) AND ($3::boolean OR closed_at IS NULL)
     ORDER BY incident.incident_id DESC LIMIT $1::int)sql";

constexpr std::string_view select_incident = " WHERE incident_id::text = $1";

constexpr std::string_view select_store_of_listing = "SELECT store_id FROM listings WHERE listing_id::text = $1";
constexpr std::string_view select_store_id = "SELECT store_id FROM stores WHERE key = $1";

// One item of either table; what it holds only for who may see it. A body that is no text is shown byte by byte.
constexpr std::string_view select_parked_item = R"sql(
    SELECT json_build_object('item_id', 'item-' || item_id, 'kind', kind, 'subject', subject, 'reason', reason, 'at', at,
               'can_retry', false)::text,
           CASE WHEN $3::boolean THEN convert_to(input::text, 'UTF8') END, 0, '', '', NULL
      FROM parked_items WHERE merchant_id = $1::bigint AND resolved_at IS NULL AND 'item-' || item_id = $2
     UNION ALL
    SELECT json_build_object('item_id', $2, 'kind', source || ' webhook', 'subject', topic || ' of '
               || CASE source WHEN 'shopify' THEN 'store:' ELSE 'warehouse:' END || store_id, 'reason', reason,
               'at', received_at, 'can_retry', octet_length(body) > 0, 'topic', topic, 'webhook_id', webhook_id, 'order_id', order_id,
               'bytes', octet_length(body))::text,
           CASE WHEN $3::boolean THEN body END, store_id, topic, webhook_id, data_key_id
      FROM webhook_receipts
     WHERE merchant_id = $1::bigint AND status = 'parked'
       AND 'webhook-' || md5(source || '/' || store_id || '/' || topic || '/' || webhook_id) = $2)sql";

// Items of two tables in one list: webhooks wait where their raw body is. A webhook's key is long and not ours, so a
// digest stands for it.
constexpr std::string_view list_parked = R"sql(
    SELECT json_build_object('item_id', item.id, 'kind', item.kind, 'subject', item.subject, 'reason', item.reason, 'at', item.at)::text,
           item.at::text || '_' || item.id
      FROM (SELECT 'item-' || item_id AS id, kind, subject, reason, at
              FROM parked_items WHERE resolved_at IS NULL
            UNION ALL
            SELECT 'webhook-' || md5(source || '/' || store_id || '/' || topic || '/' || webhook_id), source || ' webhook',
                   topic || ' of ' || CASE source WHEN 'shopify' THEN 'store:' ELSE 'warehouse:' END || store_id, reason, received_at
              FROM webhook_receipts WHERE status = 'parked') item
     WHERE ($2::timestamptz IS NULL OR (item.at, item.id) < ($2::timestamptz, $3::text))
     ORDER BY item.at DESC, item.id DESC LIMIT $1::int)sql";

constexpr std::string_view select_parked_webhook = R"sql(
    SELECT store_id, source, topic, webhook_id, body, data_key_id,
           CASE WHEN source = 'shopify' THEN (SELECT shop_domain FROM stores
                WHERE stores.merchant_id = webhook_receipts.merchant_id AND stores.store_id = webhook_receipts.store_id) END
      FROM webhook_receipts
     WHERE merchant_id = $1::bigint AND status = 'parked'
       AND 'webhook-' || md5(source || '/' || store_id || '/' || topic || '/' || webhook_id) = $2)sql";

constexpr std::string_view list_audit = R"sql(
    SELECT json_build_object('audit_id', audit_id::text, 'at', at, 'actor', actor, 'action', action, 'subject', subject,
               'reason', reason)::text,
           audit_id::text
      FROM audit WHERE ($2::bigint IS NULL OR audit_id < $2::bigint) ORDER BY audit.audit_id DESC LIMIT $1::int)sql";

const std::string select_summary = R"sql(
    SELECT json_build_object(
        -- Those that have ended are counted as they end; of the others there are few. (A state is one that ends, or is not.)
        'sagas', (SELECT coalesce(json_object_agg(state, number), '{}')
                    FROM (SELECT state, sum(sagas)::bigint AS number FROM ended_sagas GROUP BY state HAVING sum(sagas) > 0
                           UNION ALL
                          SELECT state, (SELECT count(*) FROM sagas WHERE sagas.state = open.state)
                            FROM ()sql" +
                                   std::string(open_states) + R"sql() open) counted),
        'open_incidents', (SELECT count(*) FROM incidents WHERE closed_at IS NULL),
        'parked_items', (SELECT count(*) FROM parked_items WHERE resolved_at IS NULL)
                        + (SELECT count(*) FROM webhook_receipts WHERE status = 'parked'),
        'commands', json_build_object(
            'waiting', (SELECT count(*) FROM commands WHERE state = 'waiting'),
            'in_flight', (SELECT count(*) FROM commands WHERE state = 'sent'),
            'oldest_due_seconds', (SELECT coalesce(greatest(0, round(extract(epoch FROM now() - min(due_at)), 1)), 0)
                                     FROM commands WHERE state || '' = 'waiting' AND due_at <= now()),
            'oldest_unconfirmed_seconds', (SELECT coalesce(greatest(0, round(extract(epoch FROM now() - min(sent_at)), 1)), 0)
                                             FROM commands WHERE state = 'sent' AND published_at IS NULL)),
        'announcements_unpublished', (SELECT count(*) FROM announcements),
        'listings', json_build_object(
            'total', (SELECT count(*) FROM listings),
            'differing', (SELECT count(*) FROM listings WHERE believed IS DISTINCT FROM target),
            'parked', (SELECT count(*) FROM listings WHERE parked <> '')))::text)sql";

constexpr std::string_view select_earlier_command = R"sql(
    SELECT details->>'fingerprint', subject FROM audit
     WHERE at > now() - interval '24 hours' AND details->>'idempotency_key' = $1 AND details->>'principal' = $2
     ORDER BY at LIMIT 1)sql";

// A few at a time, so that no command pays for all the others.
constexpr std::string_view forget_old_answers = R"sql(
    DELETE FROM api_idempotency WHERE (merchant_id, principal, idempotency_key) IN (
        SELECT merchant_id, principal, idempotency_key FROM api_idempotency
         WHERE claimed_at < now() - interval '24 hours' ORDER BY claimed_at LIMIT 20 FOR UPDATE SKIP LOCKED))sql";

// A claim without an answer lapses: who made it is gone, or will find its command done when it is repeated.
constexpr std::string_view claim_answer = R"sql(
    INSERT INTO api_idempotency AS old (merchant_id, principal, idempotency_key, fingerprint)
    VALUES ($1::bigint, $2, $3, $4)
    ON CONFLICT (merchant_id, principal, idempotency_key) DO UPDATE
       SET fingerprint = excluded.fingerprint, claimed_at = now(), status = NULL, etag = '', body = ''
     WHERE old.claimed_at < now() - interval '24 hours'
        OR (old.status IS NULL AND old.fingerprint = excluded.fingerprint AND old.claimed_at < now() - interval '30 seconds'))sql";

constexpr std::string_view select_answer = R"sql(
    SELECT fingerprint, status, etag, body FROM api_idempotency
     WHERE merchant_id = $1::bigint AND principal = $2 AND idempotency_key = $3)sql";

constexpr std::string_view store_answer = R"sql(
    UPDATE api_idempotency SET status = $4::int, etag = $5, body = $6
     WHERE merchant_id = $1::bigint AND principal = $2 AND idempotency_key = $3)sql";

constexpr std::string_view give_back = R"sql(
    DELETE FROM api_idempotency
     WHERE merchant_id = $1::bigint AND principal = $2 AND idempotency_key = $3 AND status IS NULL)sql";

constexpr std::string_view resolve_parked = R"sql(
    WITH resolved AS (
        UPDATE parked_items SET resolved_at = now()
         WHERE merchant_id = $1::bigint AND 'item-' || item_id = $2 AND resolved_at IS NULL
        RETURNING reason
    ), settled AS (
        UPDATE webhook_receipts SET status = 'ignored', reason = $5 || ' by ' || $3 || '; was parked: ' || reason
         WHERE merchant_id = $1::bigint AND status = 'parked'
           AND 'webhook-' || md5(source || '/' || store_id || '/' || topic || '/' || webhook_id) = $2
        RETURNING reason
    )
    INSERT INTO audit (merchant_id, at, actor, action, subject, reason, details)
    SELECT $1::bigint, now(), $3, 'parked ' || $5, $2, $4, jsonb_build_object('parked', item.reason)
      FROM (SELECT reason FROM resolved UNION ALL SELECT reason FROM settled) item)sql";

std::optional<std::string> filter(const std::string& text) {
    if (text.empty()) return std::nullopt;
    return text;
}

// A cursor that is a number. The database is not asked: newer ones read more as a number than digits ("1_2_3").
std::optional<std::string> number_in(std::optional<std::string> cursor) {
    if (cursor && (cursor->empty() || cursor->find_first_not_of("0123456789") != std::string::npos))
        throw BadData("a cursor that is no number", "", "");
    return cursor;
}

// A cursor of two parts; one whose parts are no time or no id fails in the database as bad data.
std::pair<std::optional<std::string>, std::optional<std::string>> cursor_parts(const std::string& cursor) {
    if (cursor.empty()) return {};
    const std::size_t middle = cursor.rfind('_');
    if (middle == std::string::npos) throw BadData("a cursor without its second part", "", "");
    return {cursor.substr(0, middle), cursor.substr(middle + 1)};
}

// Texts that tell what happened and never whom to. Every other text of what was parked is masked.
constexpr std::array<std::string_view, 20> plain_members{
    "id",          "admin_graphql_api_id", "order_id",     "reference",        "sku",
    "created_at",  "updated_at",           "cancelled_at", "financial_status", "status",
    "source_name", "cancel_reason",        "event",        "activity",         "fulfillment_status",
    "currency",    "restock_type",         "kind",         "api_version",      "saga_id"};

// Members, ids and whole numbers stay, so that a person sees where it is wrong.
void mask(json& value, std::string_view member) {
    if (value.is_structured()) {
        const bool object = value.is_object();
        for (auto entry = value.begin(); entry != value.end(); ++entry)
            mask(*entry, object ? std::string_view(entry.key()) : member);
    } else if (value.is_number_float()) {
        value = "***";  // a place on the map
    } else if (
        value.is_string() && std::find(plain_members.begin(), plain_members.end(), member) == plain_members.end()) {
        value = "***";
    }
}

std::string masked_text(const std::string& text) {
    json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) return std::to_string(text.size()) + " bytes that are no JSON; they are not shown";
    mask(document, "");
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

json page_of(const Rows& rows, const Page& page) {
    const auto limit = static_cast<std::size_t>(page.limit);
    json items = json::array();
    for (std::size_t row = 0; row < rows.size() && row < limit; ++row)
        items.push_back(json::parse(rows.view(row, 0)));
    json next;
    if (rows.size() > limit) next = rows.text(limit - 1, 1);
    return {{"items", std::move(items)}, {"next", std::move(next)}};
}

class ApiQueries final : public api::Queries {
public:
    ApiQueries(const std::string& api_dsn, const std::string& engine_dsn, runtime::KeyRing ring)
        : reads_({api_dsn, "ordersaga-api"}), engine_({engine_dsn, "ordersaga-api-tokens"}), ring_(std::move(ring)) {}

    std::optional<api::Principal> find_token(const std::string& sha256_hex) override {
        return db::find_token(engine_, sha256_hex);
    }
    std::optional<api::Principal> find_session(const std::string& sha256_hex) override {
        return db::find_session(engine_, sha256_hex);
    }
    api::SignInAttempt begin_sign_in(const std::string& name) override { return db::begin_sign_in(engine_, name); }
    bool open_session(const api::SignInAttempt& attempt, const std::string& name, const std::string& sha256_hex)
        override {
        return db::open_session(engine_, attempt, name, sha256_hex);
    }
    void end_session(const std::string& sha256_hex) override { db::end_session(engine_, sha256_hex); }

    api::KeyClaim claim_key(const api::KeptUnder& under, const std::string& fingerprint) override {
        api::KeyClaim claim;
        engine_.transact([&](Transaction& transaction) {
            claim = {};
            transaction.execute(forget_old_answers);
            if (transaction.execute(claim_answer, {under.merchant, under.principal, under.key, fingerprint}) == 1)
                return;
            const Rows rows = transaction.query(select_answer, {under.merchant, under.principal, under.key});
            claim.kind = api::KeyClaim::Kind::under_way;
            if (rows.empty()) return;  // given back just now
            if (rows.view(0, 0) != fingerprint)
                claim.kind = api::KeyClaim::Kind::another_command;
            else if (!rows.is_null(0, 1)) {
                claim.kind = api::KeyClaim::Kind::answered;
                claim.answer = {rows.int32(0, 1), rows.text(0, 2), rows.text(0, 3)};
            }
        });
        return claim;
    }

    void keep_answer(const api::KeptUnder& under, const api::KeptAnswer& answer) override {
        engine_.transact([&](Transaction& transaction) {
            transaction.execute(
                store_answer, {under.merchant, under.principal, under.key, answer.status, answer.etag, answer.body});
        });
    }

    void give_key_back(const api::KeptUnder& under) override {
        engine_.transact([&](Transaction& transaction) {
            transaction.execute(give_back, {under.merchant, under.principal, under.key});
        });
    }

    int stored_schema_version() override {
        int version = 0;
        engine_.transact(
            [&](Transaction& transaction) { version = transaction.query(select_schema_version).int32(0, 0); });
        return version;
    }
    int wanted_schema_version() const override { return schema_version(); }

    json sagas(MerchantId merchant, const api::SagaFilter& wanted, const Page& page) override {
        SagaList list;
        list.filter = wanted;
        list.most = page.limit + 1;
        std::tie(list.before, list.before_id) = cursor_parts(page.after);
        json answer;
        read(merchant, [&](Transaction& transaction) {
            answer = page_of(transaction.query(show_sagas, {sagas_of_page(transaction, list)}), page);
        });
        return answer;
    }

    json saga(MerchantId merchant, const std::string& saga_id, bool with_data) override {
        json saga = one(merchant, select_saga, {saga_id, with_data});
        if (!saga.is_null() && !with_data) saga.erase("data");
        return saga;
    }

    json history(MerchantId merchant, const std::string& saga_id, bool with_details, const Page& page) override {
        return list(merchant, list_history, page, {number_in(filter(page.after)), saga_id, with_details});
    }

    json order(MerchantId merchant, const std::string& store, const std::string& order_id) override {
        return one(merchant, select_order, {store, order_id});
    }

    json stock(MerchantId merchant, const std::string& sku, const std::string& warehouse, const Page& page) override {
        const auto [sku_id, warehouse_id] = cursor_parts(page.after);
        return list(
            merchant, list_stock, page, {number_in(sku_id), number_in(warehouse_id), filter(sku), filter(warehouse)});
    }

    json movements(MerchantId merchant, const std::string& sku, const Page& page) override {
        json answer;
        read(merchant, [&](Transaction& transaction) {
            answer = nullptr;
            const Rows known = transaction.query(select_sku_id, {sku});
            if (known.empty()) return;
            answer = page_of(
                transaction.query(list_movements, {page.limit + 1, number_in(filter(page.after)), known.int64(0, 0)}),
                page);
        });
        return answer;
    }

    std::optional<api::LedgerKey> ledger(MerchantId merchant, const std::string& sku, const std::string& warehouse)
        override {
        std::optional<api::LedgerKey> key;
        read(merchant, [&](Transaction& transaction) {
            const Rows rows = transaction.query(select_ledger, {sku, warehouse});
            key.reset();
            if (!rows.empty()) key = api::LedgerKey{rows.int64(0, 0), rows.int64(0, 1), rows.int64(0, 2)};
        });
        return key;
    }

    std::optional<std::int64_t> adjusted_before(
        MerchantId merchant,
        const api::LedgerKey& ledger,
        const std::string& adjustment_id) override {
        std::optional<std::int64_t> difference;
        read(merchant, [&](Transaction& transaction) {
            const Rows rows = transaction.query(select_adjustment, {ledger.sku_id, ledger.warehouse_id, adjustment_id});
            difference.reset();
            if (!rows.empty()) difference = rows.int64(0, 0);
        });
        return difference;
    }

    json listings(
        MerchantId merchant,
        const std::string& store,
        const std::string& sku,
        bool only_parked,
        const Page& page) override {
        return list(
            merchant, list_listings, page, {number_in(filter(page.after)), filter(store), filter(sku), only_parked});
    }
    std::optional<sagas::StoreId> store_of_listing(MerchantId merchant, const std::string& listing_id) override {
        return store_id(merchant, select_store_of_listing, listing_id);
    }
    std::optional<sagas::StoreId> find_store(MerchantId merchant, const std::string& key) override {
        return store_id(merchant, select_store_id, key);
    }
    json stores(MerchantId merchant, const Page& page) override {
        return list(merchant, list_stores, page, {number_in(filter(page.after))});
    }
    json lanes(MerchantId merchant, const Page& page) override {
        return list(merchant, list_lanes, page, {filter(page.after)});
    }
    json incidents(MerchantId merchant, bool closed_too, const Page& page) override {
        return list(
            merchant, std::string(incident_columns) + std::string(list_incidents), page,
            {number_in(filter(page.after)), closed_too});
    }
    json incident(MerchantId merchant, const std::string& incident_id) override {
        return one(merchant, std::string(incident_columns) + std::string(select_incident), {incident_id});
    }
    // By the engine's role: bodies of webhooks are hidden from the other.
    json parked_item(MerchantId merchant, const std::string& item_id, bool with_input) override {
        json item;
        engine_.transact([&](Transaction& transaction) {
            const Rows rows = transaction.query(select_parked_item, {merchant.value, item_id, with_input});
            item = nullptr;
            if (rows.empty()) return;
            item = json::parse(rows.view(0, 0));
            if (with_input) item["input"] = masked_text(body_in(transaction, merchant, rows));
        });
        return item;
    }
    json parked(MerchantId merchant, const Page& page) override {
        const auto [at, id] = cursor_parts(page.after);
        return list(merchant, list_parked, page, {at, id});
    }
    json audit(MerchantId merchant, const Page& page) override {
        return list(merchant, list_audit, page, {number_in(filter(page.after))});
    }
    json summary(MerchantId merchant) override { return one(merchant, select_summary, {}); }

    json verify(bool at_rest) override {
        VerifyOptions options;
        options.at_rest = at_rest;
        // The laws look at all rows; a token belongs to one merchant, which must not see another's.
        const bool alone = merchant_names(engine_).size() == 1;
        json laws = json::array();
        bool all_hold = true;
        for (const LawResult& law : db::verify(engine_, options)) {
            all_hold = all_hold && law.holds();
            json findings = json::array();
            if (alone) {
                for (const Finding& finding : law.findings)
                    findings.push_back({{"row", finding.row}, {"text", finding.text}});
            }
            laws.push_back(
                {{"law", law.law},
                 {"promise", law.promise},
                 {"holds", law.holds()},
                 {"broken", law.broken},
                 {"findings", std::move(findings)}});
        }
        return {{"all_hold", all_hold}, {"laws", std::move(laws)}};
    }

    std::optional<api::EarlierCommand> find_command(const api::KeptUnder& under) override {
        std::optional<api::EarlierCommand> earlier;
        read(under.merchant, [&](Transaction& transaction) {
            const Rows rows = transaction.query(select_earlier_command, {under.key, under.principal});
            earlier.reset();
            if (!rows.empty()) earlier = api::EarlierCommand{rows.optional_text(0, 0).value_or(""), rows.text(0, 1)};
        });
        return earlier;
    }

    std::optional<api::ParkedWebhook> parked_webhook(MerchantId merchant, const std::string& item_id) override {
        std::optional<api::ParkedWebhook> found;
        engine_.transact([&](Transaction& transaction) {
            const Rows rows = transaction.query(select_parked_webhook, {merchant.value, item_id});
            found.reset();
            if (rows.empty()) return;
            const KeptBody kept{merchant.value,  rows.int64(0, 0),         rows.text(0, 2),
                                rows.text(0, 3), rows.optional_text(0, 5), rows.bytes(0, 4)};
            found = api::ParkedWebhook{
                kept.store,
                rows.text(0, 1),
                kept.topic,
                kept.webhook_id,
                opened_body(transaction, ring_, kept).value_or(""),
                rows.optional_text(0, 6).value_or("")};
        });
        return found;
    }

    bool settle_parked(
        MerchantId merchant,
        const std::string& item_id,
        const std::string& how,
        const std::string& actor,
        const std::string& reason) override {
        bool settled = false;
        engine_.transact([&](Transaction& transaction) {
            settled = transaction.execute(resolve_parked, {merchant.value, item_id, actor, reason, how}) == 1;
        });
        return settled;
    }

private:
    void read(MerchantId merchant, const std::function<void(Transaction&)>& work) {
        reads_.transact([&](Transaction& transaction) {
            transaction.see_only_merchant(std::to_string(merchant.value));
            work(transaction);
        });
    }

    json list(MerchantId merchant, std::string_view statement, const Page& page, std::vector<Parameter> parameters) {
        parameters.insert(parameters.begin(), Parameter(page.limit + 1));
        json answer;
        read(merchant, [&](Transaction& transaction) {
            answer = page_of(transaction.query(statement, parameters), page);
        });
        return answer;
    }

    std::optional<sagas::StoreId> store_id(MerchantId merchant, std::string_view statement, const std::string& named) {
        std::optional<sagas::StoreId> found;
        read(merchant, [&](Transaction& transaction) {
            const Rows rows = transaction.query(statement, {named});
            found.reset();
            if (!rows.empty()) found = sagas::StoreId{rows.int64(0, 0)};
        });
        return found;
    }

    // The one row's document; null when there is none.
    json one(MerchantId merchant, std::string_view statement, const std::vector<Parameter>& parameters) {
        json answer;
        read(merchant, [&](Transaction& transaction) {
            const Rows rows = transaction.query(statement, parameters);
            answer = rows.empty() ? json() : json::parse(rows.view(0, 0));
        });
        return answer;
    }

    // What the row of a parked item holds, opened. Why it cannot be, as a JSON text.
    std::string body_in(Transaction& transaction, MerchantId merchant, const Rows& rows) {
        const KeptBody kept{merchant.value,  rows.int64(0, 2),         rows.text(0, 3),
                            rows.text(0, 4), rows.optional_text(0, 5), rows.bytes(0, 1)};
        const runtime::Result<std::string> body = opened_body(transaction, ring_, kept);
        return body ? *body : json{{"kind", body.error().message}}.dump();
    }

    Session reads_;
    Session engine_;
    const runtime::KeyRing ring_;
};

}  // namespace

std::unique_ptr<api::Queries> make_api_queries(
    const std::string& api_dsn,
    const std::string& engine_dsn,
    const runtime::KeyRing& ring) {
    return std::make_unique<ApiQueries>(api_dsn, engine_dsn, ring);
}

}  // namespace ordersaga::db
