#include "bench/load/seed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace ordersaga::bench {
namespace {

constexpr std::int64_t batch = 20'000;

constexpr const char* prepare = R"sql(
    DROP TABLE IF EXISTS pg_temp.template, pg_temp.seed CASCADE;
    CREATE TEMP TABLE template AS
        SELECT row_number() OVER (ORDER BY saga_id) - 1 AS place, merchant_id, saga_id, store_id, order_id, orders.name,
               saga.created_at
          FROM sagas saga JOIN orders USING (merchant_id, saga_id)
         WHERE saga.state = current_setting('bench.state');
    CREATE TEMP TABLE seed (merchant_id bigint, old_saga uuid, saga_id uuid, store_id bigint, old_order text, order_id text,
                            old_name text, name text, age interval);
    CREATE OR REPLACE FUNCTION pg_temp.renamed(words text, of seed) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT replace(replace(replace(words, (of).old_saga::text, (of).saga_id::text), (of).old_order, (of).order_id),
                       (of).old_name, (of).name)
    $$;)sql";

// $1, $2: of these numbers; $3: of so many in all; $4: days. Ids grow with time, as the engine's do.
constexpr const char* name_them = R"sql(
    INSERT INTO seed
    SELECT template.merchant_id, template.saga_id, (substr(moment, 1, 8) || '-' || substr(moment, 9, 4) || '-7' ||
               lpad(to_hex(number % 4096), 3, '0') || '-8' || lpad(to_hex(number / 4096 % 4096), 3, '0') || '-' ||
               lpad(to_hex(number), 12, '0'))::uuid,
           template.store_id, template.order_id, (8000000000000 + number)::text, template.name, '#S' || number, age
      FROM generate_series($1::bigint, $2::bigint) number
      JOIN template ON template.place = number % (SELECT count(*) FROM template)
     CROSS JOIN LATERAL (SELECT interval '1 day' * ($4::double precision * (1 - (number - $5::bigint)::double precision / $3::bigint)) AS age) aged
     CROSS JOIN LATERAL (SELECT lpad(to_hex((extract(epoch FROM template.created_at - age) * 1000)::bigint), 12, '0') AS moment) dated)sql";

struct Copy {
    const char* table;
    const char* changed;  // what is another one's in the copy
};

constexpr Copy copies[] = {
    {"sagas",
     "'saga_id', seed.saga_id, 'subject', pg_temp.renamed(old.subject, seed), 'data', pg_temp.renamed(old.data::text, "
     "seed)::jsonb, "
     "'next_wake', CASE WHEN NOT old.final THEN now() + interval '6 hours' + seed.age / 100 END, "
     "'created_at', old.created_at - seed.age, 'updated_at', old.updated_at - seed.age"},
    {"saga_history",
     "'saga_id', seed.saga_id, 'at', old.at - seed.age, 'details', pg_temp.renamed(old.details::text, seed)::jsonb"},
    {"orders",
     "'saga_id', seed.saga_id, 'order_id', seed.order_id, 'name', seed.name, "
     "'document', pg_temp.renamed(old.document::text, seed)::jsonb, "
     "'created_at', old.created_at - seed.age, 'updated_at', old.updated_at - seed.age"},
    {"personal_data", "'saga_id', seed.saga_id, 'order_id', seed.order_id"},
    {"fulfillment_references", "'saga_id', seed.saga_id, 'reference', pg_temp.renamed(old.reference, seed)"},
    {"reservations", "'saga_id', seed.saga_id, 'accepted_at', old.accepted_at - seed.age"},
    {"stock_movements",
     "'movement_id', nextval(pg_get_serial_sequence('stock_movements', 'movement_id')), 'saga_id', seed.saga_id, "
     "'cause', pg_temp.renamed(old.cause, seed), 'at', old.at - seed.age"},
    {"commands",
     "'command_id', gen_random_uuid(), 'saga_id', seed.saga_id, 'payload', pg_temp.renamed(old.payload::text, "
     "seed)::jsonb, "
     "'idempotency_key', pg_temp.renamed(old.idempotency_key, seed), 'created_at', old.created_at - seed.age, "
     "'due_at', old.due_at - seed.age, 'sent_at', old.sent_at - seed.age, 'published_at', old.published_at - seed.age, "
     "'closed_at', old.closed_at - seed.age"},
    {"webhook_receipts",
     "'webhook_id', gen_random_uuid(), 'event_id', gen_random_uuid(), 'saga_id', seed.saga_id, 'order_id', "
     "seed.order_id, "
     "'received_at', old.received_at - seed.age, 'body', '', 'data_key_id', NULL"},
};

// Each ledger gets what the copies have taken, and is again the sum of its movements.
constexpr const char* bring_goods = R"sql(
    INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, on_hand, available, version, at, note)
    SELECT merchant_id, sku_id, warehouse_id, 'adjust', 'adjust:seed:' || $1, -taken.units, -taken.units, stock.version, now(),
           'goods of the copies'
      FROM (SELECT merchant_id, sku_id, warehouse_id, sum(available) AS units
              FROM stock_movements
             WHERE saga_id IN (SELECT saga_id FROM sagas WHERE state = $1 AND subject LIKE '%#S%')
             GROUP BY merchant_id, sku_id, warehouse_id) taken
      JOIN stock USING (merchant_id, sku_id, warehouse_id))sql";

constexpr const char* sum_up = R"sql(
    UPDATE stock SET on_hand = sums.on_hand, available = sums.available, reserved = sums.reserved,
           committed = sums.committed, unavailable = sums.unavailable
      FROM (SELECT merchant_id, sku_id, warehouse_id, sum(on_hand) AS on_hand, sum(available) AS available,
                   sum(reserved) AS reserved, sum(committed) AS committed, sum(unavailable) AS unavailable
              FROM stock_movements GROUP BY merchant_id, sku_id, warehouse_id) sums
     WHERE (stock.merchant_id, stock.sku_id, stock.warehouse_id) = (sums.merchant_id, sums.sku_id, sums.warehouse_id)
       AND (stock.on_hand, stock.committed) <> (sums.on_hand, sums.committed))sql";

// Triggers keep both, and do not run for copies.
constexpr const char* find_by_words = R"sql(
    INSERT INTO order_words (merchant_id, word, saga_id)
    SELECT seed.merchant_id, word, seed.saga_id
      FROM seed JOIN orders USING (merchant_id, store_id, order_id), words_of(orders.name, orders.document) AS word
     ORDER BY word, seed.saga_id
    ON CONFLICT DO NOTHING)sql";
constexpr const char* count_ended = R"sql(
    INSERT INTO ended_sagas (merchant_id, state, sagas)
    SELECT merchant_id, saga.state, count(*) FROM seed JOIN sagas saga USING (merchant_id, saga_id)
     WHERE saga.final GROUP BY merchant_id, saga.state)sql";

// All but what the server computes by itself.
constexpr const char* columns_of = R"sql(
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum), string_agg('fresh.' || quote_ident(attname), ', ' ORDER BY attnum)
      FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '')sql";

void copy(db::Transaction& transaction, const Copy& one) {
    const db::Rows columns = transaction.query(columns_of, {one.table});
    transaction.query(fmt::format(
        "INSERT INTO {0} ({2}) OVERRIDING SYSTEM VALUE SELECT {3} FROM seed JOIN {0} old ON old.merchant_id = "
        "seed.merchant_id "
        "AND old.saga_id = seed.old_saga CROSS JOIN LATERAL jsonb_populate_record(old, jsonb_build_object({1})) fresh",
        one.table, one.changed, columns.text(0, 0), columns.text(0, 1)));
}

}  // namespace

void seed_sagas(
    db::Connection& database,
    const std::string& state,
    std::int64_t count,
    int days,
    const std::function<void(const std::string&)>& tell) {
    std::int64_t templates = 0, first = 0;
    database.transact([&](db::Transaction& transaction) {
        transaction.query("SELECT set_config('bench.state', $1, true)", {state});
        transaction.run_script(prepare);
        templates = transaction.query("SELECT count(*) FROM template").int64(0, 0);
        first = transaction.query("SELECT count(*) FROM orders WHERE name LIKE '#S%'").int64(0, 0);
    });
    if (templates == 0) throw std::runtime_error("there is no order in " + state + " to be copied");
    for (std::int64_t done = 0; done < count; done += batch) {
        const std::int64_t many = std::min(batch, count - done);
        database.transact([&](db::Transaction& transaction) {
            // Foreign keys of a million rows are looked up one by one.
            transaction.query("SET LOCAL session_replication_role = replica");
            transaction.query("TRUNCATE seed");
            transaction.query(name_them, {first + done, first + done + many - 1, count, days, first});
            transaction.query("ANALYZE seed");
            for (const Copy& one : copies)
                copy(transaction, one);
            transaction.query(find_by_words);
            transaction.query(count_ended);
        });
        if (done / batch % 5 == 4) tell(fmt::format("{} of {} sagas in {}", done + many, count, state));
    }
    database.autocommit("VACUUM ANALYZE");
    database.transact([&](db::Transaction& transaction) {
        transaction.query("LOCK TABLE stock IN EXCLUSIVE MODE");
        transaction.query(bring_goods, {state});
        transaction.query(sum_up);
    });
    database.autocommit("VACUUM ANALYZE stock");
    tell(fmt::format("{} sagas in {}, copied of {} orders", count, state, templates));
}

}  // namespace ordersaga::bench
