#include "db/verify.hpp"

namespace ordersaga::db {

namespace {

// Each law answers (subject, text), one line per broken row. $1: at rest.

// Names for people; the rows they name may themselves be damaged, hence the left joins.
constexpr const char* kNames = R"sql(
    WITH asked AS (SELECT $1::boolean AS at_rest), ledger AS (
        SELECT stock.*, format('stock %s/%s/%s', stock.merchant_id, coalesce(skus.sku, stock.sku_id::text),
                               coalesce(warehouses.key, stock.warehouse_id::text)) AS subject
          FROM stock
          LEFT JOIN skus USING (merchant_id, sku_id)
          LEFT JOIN warehouses USING (merchant_id, warehouse_id)
    ), listing AS (
        SELECT listings.*, stores.status, stores.mode, stores.warehouse_id, skus.buffer, skus.discontinued,
               format('listing %s/%s/%s', listings.merchant_id, coalesce(stores.key, listings.store_id::text),
                      coalesce(skus.sku, listings.sku_id::text)) AS subject
          FROM listings
          LEFT JOIN stores USING (merchant_id, store_id)
          LEFT JOIN skus USING (merchant_id, sku_id)
    ), found AS ()sql";

constexpr const char* kConservation = R"sql(
    SELECT subject, format('on_hand %s + short %s is not available %s + reserved %s + committed %s + unavailable %s',
                       on_hand, short_by, available, reserved, committed, unavailable) AS text
      FROM ledger
     WHERE on_hand + short_by <> available + reserved + committed + unavailable
)sql";

constexpr const char* kProjection = R"sql(
    SELECT subject, format('reserved, committed, waiting are %s, %s, %s; its reservations sum to %s, %s, %s', reserved, committed,
                       waiting, held_sum, committed_sum, waiting_sum) AS text
      FROM ledger
      LEFT JOIN LATERAL (SELECT coalesce(sum(line.held), 0) AS held_sum, coalesce(sum(line.committed), 0) AS committed_sum,
                                coalesce(sum(line.waiting), 0) AS waiting_sum
                           FROM reservations line
                          WHERE line.merchant_id = ledger.merchant_id AND line.sku_id = ledger.sku_id
                            AND line.warehouse_id = ledger.warehouse_id) sums ON true
     WHERE (reserved, committed, waiting) IS DISTINCT FROM (held_sum, committed_sum, waiting_sum)
     UNION ALL
    SELECT subject, format('in_flight is %s, its open flushes sum to %s', in_flight, coalesce(open_sum, 0))
      FROM listing
      LEFT JOIN (SELECT merchant_id, (item ->> 'listing_id')::bigint AS listing_id, sum((item ->> 'delta')::bigint) AS open_sum
                   FROM flushes, jsonb_array_elements(items) item
                  WHERE closed_at IS NULL
                  GROUP BY 1, 2) open USING (merchant_id, listing_id)
     WHERE in_flight <> coalesce(open_sum, 0)
     UNION ALL
    SELECT subject, format('is made of %s, its components are %s', composition, made_of)
      FROM listing
     CROSS JOIN LATERAL (SELECT coalesce(string_agg(sku_id || ' x ' || quantity, ', ' ORDER BY sku_id), '') AS made_of
                           FROM listing_components part
                          WHERE part.merchant_id = listing.merchant_id AND part.listing_id = listing.listing_id) parts
     CROSS JOIN LATERAL (SELECT coalesce(string_agg(composition[at] || ' x ' || composition[at + 1], ', ' ORDER BY at), '') AS kept
                           FROM generate_series(1, cardinality(composition), 4) AS at) known
     WHERE kept <> made_of
     UNION ALL
    SELECT format('merchant %s', merchant_id), format('%s sagas are counted that have ended as %s, there are %s', kept, state, ended)
      FROM (SELECT merchant_id, state, coalesce(counted.sagas, 0) AS kept, coalesce(stored.sagas, 0) AS ended
              FROM (SELECT merchant_id, state, sum(sagas) AS sagas FROM ended_sagas GROUP BY merchant_id, state) counted
              FULL JOIN (SELECT merchant_id, state, count(*) AS sagas FROM sagas WHERE final GROUP BY merchant_id, state) stored
              USING (merchant_id, state)) compared
     WHERE kept <> ended
     UNION ALL
    SELECT format('saga %s', saga_id), CASE WHEN known.word IS NULL THEN format('is not found by %s', word)
                                            ELSE format('is found by %s, which its order does not have', word) END
      FROM order_words known
      FULL JOIN (SELECT DISTINCT merchant_id, saga_id, word FROM orders, words_of(name, document) AS word
                  WHERE saga_id IS NOT NULL) had USING (merchant_id, saga_id, word)
     WHERE known.word IS NULL OR had.word IS NULL
)sql";

// At every instant, not only now: the ledger's own movements in their order never take available below zero.
constexpr const char* kNoOversell = R"sql(
    SELECT subject, format('available is %s, short is %s', available, short_by) AS text
      FROM ledger
     WHERE available < 0 OR short_by < 0 OR (short_by > 0 AND available > 0)
     UNION ALL
    SELECT subject, format('available was %s after movement %s (%s)', running, movement_id, cause)
      FROM (SELECT movement.*, sum(available) OVER (PARTITION BY merchant_id, sku_id, warehouse_id ORDER BY movement_id) AS running
              FROM stock_movements movement) walked
      JOIN (SELECT merchant_id, sku_id, warehouse_id, subject FROM ledger) named USING (merchant_id, sku_id, warehouse_id)
     WHERE running < 0
)sql";

constexpr const char* kLedger = R"sql(
    SELECT subject, format('(on_hand, available, reserved, committed, unavailable, returning, short) is %s, its movements sum to %s',
                       is_now, should_be) AS text
      FROM (SELECT subject, (ledger.on_hand, ledger.available, ledger.reserved, ledger.committed, ledger.unavailable,
                         ledger.returning_units, ledger.short_by)::text AS is_now,
                   (coalesce(sum(movement.on_hand), 0), coalesce(sum(movement.available), 0),
                    coalesce(sum(movement.reserved), 0), coalesce(sum(movement.committed), 0),
                    coalesce(sum(movement.unavailable), 0), coalesce(sum(movement.returning_units), 0),
                    coalesce(sum(movement.short_by), 0))::text AS should_be
              FROM ledger
              LEFT JOIN stock_movements movement USING (merchant_id, sku_id, warehouse_id)
             GROUP BY subject, ledger.on_hand, ledger.available, ledger.reserved, ledger.committed, ledger.unavailable,
                      ledger.returning_units, ledger.short_by) compared
     WHERE is_now <> should_be
     UNION ALL
    SELECT format('movement %s', movement_id),
           format('%s: the change of on_hand %s + short %s is not the change of its parts', cause, on_hand, short_by)
      FROM stock_movements
     WHERE on_hand + short_by <> available + reserved + committed + unavailable
     UNION ALL
    SELECT format('movement %s', max(movement_id)), format('the cause %s moved the ledger %s times', cause, count(*))
      FROM stock_movements
     GROUP BY merchant_id, sku_id, warehouse_id, cause
    HAVING count(*) > 1
     UNION ALL
    SELECT format('reservation %s/%s/%s', saga_id, line_id, sku_id),
           format('held, committed are %s, %s; its movements sum to %s, %s', held, committed, held_sum, committed_sum)
      FROM (SELECT saga_id, line_id, sku_id, coalesce(line.held, 0) AS held, coalesce(line.committed, 0) AS committed,
                   coalesce(moved.held_sum, 0) AS held_sum, coalesce(moved.committed_sum, 0) AS committed_sum
              FROM reservations line
              FULL JOIN (SELECT merchant_id, saga_id, line_id, sku_id, sum(reserved) AS held_sum, sum(committed) AS committed_sum
                           FROM stock_movements WHERE saga_id IS NOT NULL
                          GROUP BY merchant_id, saga_id, line_id, sku_id) moved
             USING (merchant_id, saga_id, line_id, sku_id)) compared
     WHERE (held, committed) IS DISTINCT FROM (held_sum, committed_sum)
     UNION ALL
    SELECT what, 'is of a ledger that does not exist'
      FROM (SELECT format('movement %s', movement_id) AS what, merchant_id, sku_id, warehouse_id FROM stock_movements
             UNION ALL
            SELECT format('reservation %s/%s/%s', saga_id, line_id, sku_id), merchant_id, sku_id, warehouse_id
              FROM reservations) rows
     WHERE NOT EXISTS (SELECT FROM stock
                        WHERE stock.merchant_id = rows.merchant_id AND stock.sku_id = rows.sku_id
                          AND stock.warehouse_id = rows.warehouse_id)
)sql";

// Every unit that a line was ever granted is still held, still committed, or was shipped or released, once.
constexpr const char* kRelease = R"sql(
    SELECT format('reservation %s/%s/%s', line.saga_id, line.line_id, line.sku_id) AS subject,
           format('the saga is %s and still has held %s, committed %s, waiting %s', coalesce(saga.state, 'missing'), line.held,
                  line.committed, line.waiting) AS text
      FROM reservations line
      LEFT JOIN sagas saga USING (merchant_id, saga_id)
     WHERE saga.saga_id IS NULL OR (saga.final AND line.held + line.committed + line.waiting > 0)
     UNION ALL
    SELECT format('reservation %s/%s/%s', line.saga_id, line.line_id, line.sku_id),
           format('shipped is %s, its movements say %s; released is %s, its movements say %s', line.shipped,
                  moved.shipped, line.released, moved.released)
      FROM reservations line
      JOIN (SELECT merchant_id, saga_id, line_id, sku_id,
                   sum(-committed) FILTER (WHERE kind = 'ship') AS shipped,
                   sum(CASE kind WHEN 'release' THEN -reserved WHEN 'return' THEN -committed END) AS released
              FROM stock_movements WHERE saga_id IS NOT NULL
             GROUP BY merchant_id, saga_id, line_id, sku_id) moved
     USING (merchant_id, saga_id, line_id, sku_id)
     WHERE (line.shipped, line.released) IS DISTINCT FROM (coalesce(moved.shipped, 0), coalesce(moved.released, 0))
)sql";

// As far as we know it ourselves; whether the warehouse agrees is for its own records to say.
constexpr const char* kOneFulfillment = R"sql(
    SELECT format('saga %s', saga_id) AS subject,
           format('part %s of the order is with the warehouse %s times: %s', part, count(*),
                  string_agg(reference, ', ' ORDER BY reference)) AS text
      FROM (SELECT merchant_id, saga_id, item ->> 'part' AS part, item ->> 'reference' AS reference
              FROM sagas, jsonb_array_elements(data -> 'fulfillments') item
             WHERE kind = 'order' AND item ->> 'state' = 'accepted') accepted
     GROUP BY merchant_id, saga_id, part
    HAVING count(*) > 1
     UNION ALL
    SELECT format('saga %s', saga.saga_id),
           format('its reference %s belongs to %s', item ->> 'reference', coalesce('saga ' || known.saga_id::text, 'nobody'))
      FROM sagas saga
     CROSS JOIN jsonb_array_elements(saga.data -> 'fulfillments') item
      LEFT JOIN fulfillment_references known
             ON known.merchant_id = saga.merchant_id AND known.reference = item ->> 'reference'
     WHERE saga.kind = 'order' AND item ->> 'reference' <> '' AND known.saga_id IS DISTINCT FROM saga.saga_id
     UNION ALL
    SELECT format('saga %s', saga_id), format('%s commands %s are open for %s', count(*), activity, lane)
      FROM commands
     WHERE saga_id IS NOT NULL AND state <> 'closed' AND activity IN ('RequestFulfillment', 'CancelFulfillment')
     GROUP BY merchant_id, saga_id, activity, lane
    HAVING count(*) > 1
)sql";

constexpr const char* kNothingLost = R"sql(
    SELECT format('receipt %s/%s/%s', source, topic, webhook_id) AS subject,
           CASE status WHEN 'parked' THEN 'is parked without a reason' ELSE 'left neither an order nor a reason' END AS text
      FROM webhook_receipts receipt
     WHERE reason = ''
       AND (status = 'parked'
            OR (source = 'shopify' AND topic LIKE 'orders/%'
                AND NOT EXISTS (SELECT FROM orders
                                 WHERE orders.merchant_id = receipt.merchant_id AND orders.store_id = receipt.store_id
                                   AND orders.order_id = receipt.order_id)))
     UNION ALL
    SELECT format('order %s/%s/%s', orders.merchant_id, orders.store_id, orders.order_id),
           CASE WHEN orders.saga_id IS NULL THEN 'has neither a saga nor a reason'
                ELSE format('names saga %s, which does not exist', orders.saga_id) END
      FROM orders
      LEFT JOIN sagas saga USING (merchant_id, saga_id)
     WHERE (orders.saga_id IS NULL AND orders.document IS NOT NULL AND orders.reason = '')
        OR (orders.saga_id IS NOT NULL AND saga.saga_id IS NULL)
     UNION ALL
    SELECT format('saga %s', saga_id), format('is %s, not final, and nobody will ever look at it', state)
      FROM sagas
     WHERE NOT final AND next_wake IS NULL
     UNION ALL
    SELECT format('saga %s', saga_id), format('has the incident "%s", which is on nobody''s list', incident)
      FROM sagas saga
     WHERE incident IS NOT NULL
       AND NOT EXISTS (SELECT FROM incidents
                        WHERE incidents.merchant_id = saga.merchant_id AND incidents.saga_id = saga.saga_id
                          AND incidents.closed_at IS NULL)
     UNION ALL
    SELECT format('duty %s/%s', duty.duty, duty.subject), format('waits for command %s, which is closed or missing', duty.command_id)
      FROM duties duty
      LEFT JOIN commands command ON command.merchant_id = duty.merchant_id AND command.command_id = duty.command_id
     WHERE duty.command_id IS NOT NULL AND (command.state IS NULL OR command.state = 'closed')
     UNION ALL
    SELECT format('flush %s', flush.key), format('waits for command %s, which is closed or missing', flush.command_id)
      FROM flushes flush
      LEFT JOIN commands command USING (merchant_id, command_id)
     WHERE flush.closed_at IS NULL AND (command.state IS NULL OR command.state = 'closed')
     UNION ALL
    SELECT format('saga %s', saga_id), format('rests in %s, which is no place to rest', state)
      FROM sagas
     WHERE $1::boolean AND kind = 'order' AND NOT final AND incident IS NULL
       AND state NOT IN ('FulfillmentRequested', 'Shipped', 'Backordered', 'OnHold')
     UNION ALL
    SELECT format('saga %s', saga_id), format('was never told %s', event)
      FROM signals
     WHERE $1::boolean
)sql";

// While things move, a store may lag; what may never be is a debt that nothing stands for. At rest nothing may lag.
constexpr const char* kConvergence = R"sql(
    SELECT subject, format('has %s in flight and no flush is open', in_flight) AS text
      FROM listing
     WHERE in_flight <> 0
       AND NOT EXISTS (SELECT FROM flushes
                        WHERE flushes.merchant_id = listing.merchant_id AND flushes.store_id = listing.store_id
                          AND flushes.closed_at IS NULL)
     UNION ALL
    SELECT subject, CASE WHEN believed IS NULL THEN 'was never read'
                     WHEN wants_read OR read_open THEN 'still waits for a quiet read'
                     WHEN believed <> target OR in_flight <> 0
                     THEN format('shows %s with %s in flight, should show %s', believed, in_flight, target)
                     ELSE format('should show %s by the stock, its target is %s', by_stock, target) END
      FROM (SELECT listing.*,
                   CASE WHEN discontinued THEN 0 ELSE greatest(0, coalesce((
                       SELECT min(greatest(0, coalesce(stock.available - stock.waiting, 0)) / part.quantity)
                         FROM listing_components part
                         LEFT JOIN stock ON stock.merchant_id = part.merchant_id AND stock.sku_id = part.sku_id
                                        AND stock.warehouse_id = listing.warehouse_id
                        WHERE part.merchant_id = listing.merchant_id AND part.listing_id = listing.listing_id), 0) - buffer)
                   END AS by_stock
              FROM listing) judged
     WHERE $1::boolean AND status = 'active' AND mode = 'live' AND parked = ''
       AND (believed IS NULL OR wants_read OR read_open OR in_flight <> 0 OR believed <> target OR target <> by_stock)
     UNION ALL
    SELECT format('saga %s', saga_id), format('still waits for %s', kind)
      FROM waits
     WHERE $1::boolean
)sql";

// A belief is its opening read and every move since; a state is the end of its history, which misses no step. (What the
// retention has dropped is not missed.) What is written with every order has no foreign keys: that it refers to something is
// asked here.
constexpr const char* kExplained = R"sql(
    SELECT subject, format('believed is %s, its moves since the opening read sum to %s', believed, coalesce(explained, 0)) AS text
      FROM listing
      LEFT JOIN LATERAL (
            SELECT opening.quantity + coalesce((SELECT sum(later.quantity) FROM listing_moves later
                                                 WHERE later.merchant_id = listing.merchant_id
                                                   AND later.listing_id = listing.listing_id AND later.at > opening.at), 0) AS explained
              FROM listing_moves opening
             WHERE opening.merchant_id = listing.merchant_id AND opening.listing_id = listing.listing_id AND opening.kind = 'read'
             ORDER BY opening.at, opening.source_id
             LIMIT 1) sums ON true
     WHERE believed IS DISTINCT FROM explained
     UNION ALL
    SELECT format('saga %s', saga_id),
           CASE WHEN steps IS NULL THEN format('is at version %s and has no history', version)
                WHEN last_version <> version THEN format('is at version %s, its history ends at %s', version, last_version)
                WHEN steps <> last_version - first_version + 1 OR first_version > 1
                THEN format('has %s steps of history from version %s to %s', steps, first_version, last_version)
                ELSE format('is %s, its history ends in %s', state, last_state) END
      FROM sagas saga
      LEFT JOIN (SELECT merchant_id, saga_id, count(*) AS steps, min(version) AS first_version, max(version) AS last_version,
                        (array_agg(to_state ORDER BY version DESC))[1] AS last_state
                   FROM saga_history
                  GROUP BY merchant_id, saga_id) history USING (merchant_id, saga_id)
     WHERE version > 0
       AND (steps IS NULL OR last_version <> version OR steps <> last_version - first_version + 1 OR first_version > 1
            OR last_state <> state)
       AND created_at >= coalesce((SELECT min(at) FROM saga_history), '-infinity')
     UNION ALL
    SELECT format('saga %s', saga_id), format('goes on from %s at version %s, but was %s', from_state, version, previous)
      FROM (SELECT saga_id, version, from_state,
                   lag(to_state) OVER (PARTITION BY merchant_id, saga_id ORDER BY version) AS previous
              FROM saga_history) walked
     WHERE previous <> from_state
     UNION ALL
    SELECT what, format('is of saga %s, which does not exist', saga_id)
      FROM (SELECT format('command %s', command_id) AS what, merchant_id, saga_id FROM commands WHERE saga_id IS NOT NULL
             UNION ALL
            SELECT format('wait for %s', kind), merchant_id, saga_id FROM waits
             UNION ALL
            SELECT format('reference %s', reference), merchant_id, saga_id FROM fulfillment_references) rows
     WHERE NOT EXISTS (SELECT FROM sagas WHERE sagas.merchant_id = rows.merchant_id AND sagas.saga_id = rows.saga_id)
     UNION ALL
    SELECT format('move %s/%s', kind, source_id), format('is of listing %s, which does not exist', listing_id)
      FROM listing_moves
     WHERE NOT EXISTS (SELECT FROM listings
                        WHERE listings.merchant_id = listing_moves.merchant_id
                          AND listings.listing_id = listing_moves.listing_id)
     UNION ALL
    SELECT format('order %s/%s/%s', merchant_id, store_id, order_id), 'is of a store that does not exist'
      FROM orders
     WHERE NOT EXISTS (SELECT FROM stores WHERE stores.merchant_id = orders.merchant_id AND stores.store_id = orders.store_id)
     UNION ALL
    SELECT what, format('is of merchant %s, who does not exist', merchant_id)
      FROM (SELECT format('saga %s', saga_id) AS what, merchant_id FROM sagas
             UNION ALL
            SELECT format('command %s', command_id), merchant_id FROM commands
             UNION ALL
            SELECT format('announcement %s', announcement_id), merchant_id FROM announcements
             UNION ALL
            SELECT format('receipt %s/%s/%s', source, topic, webhook_id), merchant_id FROM webhook_receipts) rows
     WHERE NOT EXISTS (SELECT FROM merchants WHERE merchants.merchant_id = rows.merchant_id)
)sql";

// A refusal must stand before its evidence: some line could not be had, and the ledger said so at that version. And nobody
// waits who could be served: first in every queue, enough of everything.
// What the ledger said is summed once along its versions, a refusal behind the movement of its own version: a sum for each of a
// sold-out article's refusals takes minutes.
constexpr const char* kNoFalseRefusal = R"sql(
    WITH short AS MATERIALIZED (
        SELECT merchant_id, (line ->> 'sku_id')::bigint AS sku_id, (saga.data ->> 'warehouse_id')::bigint AS warehouse_id,
               (line ->> 'version')::bigint AS version, 0 AS moved, saga_id, refused.version AS refused_at,
               line ->> 'sku' AS sku, (line ->> 'available')::bigint AS told
          FROM saga_history refused
          JOIN sagas saga USING (merchant_id, saga_id)
         CROSS JOIN jsonb_array_elements(refused.details -> 'event' -> 'short') line
         WHERE refused.event = 'StockShort'
    )
    SELECT format('saga %s', refused.saga_id) AS subject,
           format('was refused at version %s although everything could be had', refused.version) AS text
      FROM saga_history refused
     WHERE event = 'StockShort'
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(details -> 'event' -> 'short') line
                        WHERE (line ->> 'available')::bigint < (line ->> 'wanted')::bigint OR (line ->> 'waiting')::bigint > 0)
     UNION ALL
    SELECT format('saga %s', saga_id),
           format('was refused at version %s for %s available %s, the ledger had %s then', refused_at, sku, told, ledger_said)
      FROM (SELECT saga_id, refused_at, sku, told,
                   sum(moved) OVER (PARTITION BY merchant_id, sku_id, warehouse_id ORDER BY version, told IS NOT NULL
                                    ROWS UNBOUNDED PRECEDING) AS ledger_said
              FROM (SELECT * FROM short
                     UNION ALL
                    SELECT merchant_id, sku_id, warehouse_id, version, available, NULL, NULL, NULL, NULL
                      FROM stock_movements
                     WHERE (merchant_id, sku_id, warehouse_id) IN (SELECT merchant_id, sku_id, warehouse_id FROM short)) happened) said
     WHERE ledger_said <> told
     UNION ALL
    SELECT format('saga %s', saga_id), 'waits although it is first in its queues and everything can be had'
      FROM (SELECT line.merchant_id, line.saga_id,
                   bool_and(ledger.available >= line.wanted
                            AND NOT EXISTS (SELECT FROM reservations older
                                             WHERE older.merchant_id = line.merchant_id AND older.sku_id = line.sku_id
                                               AND older.warehouse_id = line.warehouse_id AND older.waiting > 0
                                               AND older.saga_id <> line.saga_id
                                               AND (older.queued_at, older.saga_id) < (line.queued_at, line.saga_id))) AS servable
              FROM (SELECT merchant_id, saga_id, sku_id, warehouse_id, sum(waiting) AS wanted, min(queued_at) AS queued_at
                      FROM reservations
                     WHERE waiting > 0
                     GROUP BY merchant_id, saga_id, sku_id, warehouse_id) line
              JOIN ledger USING (merchant_id, sku_id, warehouse_id)
             GROUP BY line.merchant_id, line.saga_id) waiting
     WHERE servable
)sql";

constexpr const char* kOnlyObserved = R"sql(
    SELECT format('saga %s', saga_id) AS subject, format('is only observed, and command %s (%s) was made for it', command_id, activity) AS text
      FROM commands
      JOIN sagas saga USING (merchant_id, saga_id)
     WHERE (saga.data ->> 'observed')::boolean
     UNION ALL
    SELECT format('store %s/%s', store.merchant_id, store.key),
           format('is only observed, and stock update %s was made for it', flush_id)
      FROM stores store
      JOIN flushes USING (merchant_id, store_id)
     WHERE store.mode = 'observe' AND (opened_at > store.mode_since OR store.mode_since IS NULL)
)sql";

constexpr const char* kCountAndFirst = R"sql()
    SELECT (SELECT count(*) FROM found), subject, text FROM found ORDER BY subject, text LIMIT $2::integer)sql";

struct Law {
    const char* name;
    std::string_view promise;
    const char* statement;
};

constexpr Law kLaws[] = {
    {"L1", "conservation: what is on hand is available, reserved, committed or unavailable", kConservation},
    {"L2", "projection: every counter is the sum of the rows behind it", kProjection},
    {"L3", "no oversell: available is never negative, at no instant", kNoOversell},
    {"L4", "ledger: the movements explain the stock, each with one cause", kLedger},
    {"L5", "release: a saga in a final state holds nothing; units are shipped or released once", kRelease},
    {"L6", "one fulfilment per part of an order, one open cancel", kOneFulfillment},
    {"L7", "nothing lost: what came in is a saga, or on a list with a reason", kNothingLost},
    {"L8", "convergence: stores show what they should", kConvergence},
    {"L9", "explained: beliefs and states follow from stored rows", kExplained},
    {"L10", "no false refusal: who was refused or waits could not be served", kNoFalseRefusal},
    {"L11", "observed stores and orders are sent nothing", kOnlyObserved},
};

LawResult check(Transaction& transaction, const Law& law, const VerifyOptions& options) {
    const std::string statement = std::string(kNames) + law.statement + kCountAndFirst;
    const Rows rows = transaction.query(statement, {options.at_rest, options.findings_per_law});
    LawResult result{law.name, law.promise, 0, {}};
    for (std::size_t row = 0; row < rows.size(); ++row) {
        result.broken = rows.int64(row, 0);
        result.findings.push_back({law.name, rows.text(row, 1), rows.text(row, 2)});
    }
    return result;
}

}  // namespace

std::vector<LawResult> verify(Session& session, const VerifyOptions& options) {
    std::vector<LawResult> results;
    for (const Law& law : kLaws) {
        LawResult result;
        session.transact([&](Transaction& transaction) {
            // A year of orders takes longer than any statement of the hot path may.
            transaction.query("SET LOCAL statement_timeout = '10min'");
            result = check(transaction, law, options);
        });
        results.push_back(std::move(result));
    }
    return results;
}

}  // namespace ordersaga::db
