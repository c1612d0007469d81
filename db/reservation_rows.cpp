// What sagas hold of the stock, and what they wait for.
#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

namespace ordersaga::db {

using engine::SagaKey;
using orders::ReservationRow;
using orders::StockKey;
using sagas::MerchantId;
using sagas::SkuId;
using sagas::WarehouseId;

namespace {

constexpr const char* kOfSagas = R"sql(
    SELECT merchant_id, saga_id, line_id, sku_id, warehouse_id, waiting, held, committed, shipped, released, accepted_at,
           queued_at
      FROM reservations
     WHERE (merchant_id, saga_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
     ORDER BY merchant_id, saga_id, line_id, sku_id)sql";

constexpr const char* kWaitingFor = R"sql(
    WITH queue AS (
        SELECT merchant_id, saga_id, min(queued_at) AS since
          FROM reservations
         WHERE waiting > 0
           AND (merchant_id, sku_id, warehouse_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]))
         GROUP BY merchant_id, saga_id)
    SELECT merchant_id, saga_id, line_id, sku_id, warehouse_id, waiting, held, committed, shipped, released, accepted_at,
           queued_at
      FROM queue JOIN reservations USING (merchant_id, saga_id)
     ORDER BY queue.since, merchant_id, saga_id, line_id, sku_id)sql";

// The youngest order loses its units first, then the next, until all that are missing are found.
constexpr const char* kAtRisk = R"sql(
    WITH promised AS (
        SELECT merchant_id, sku_id, warehouse_id, stock.short_by, saga.subject, saga.created_at, saga_id,
               sum(line.held + line.committed) AS units
          FROM stock
          JOIN reservations line USING (merchant_id, sku_id, warehouse_id)
          JOIN sagas saga USING (merchant_id, saga_id)
         WHERE (merchant_id, sku_id, warehouse_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]))
           AND stock.short_by > 0 AND line.taken
         GROUP BY merchant_id, sku_id, warehouse_id, stock.short_by, saga.subject, saga.created_at, saga_id
    ), ranked AS (
        SELECT *, row_number() OVER youngest_first AS place, sum(units) OVER youngest_first - units AS found_before
          FROM promised
        WINDOW youngest_first AS (PARTITION BY merchant_id, sku_id, warehouse_id ORDER BY created_at DESC, saga_id DESC)
    ), at_risk AS (
        SELECT *, count(*) OVER (PARTITION BY merchant_id, sku_id, warehouse_id) AS orders
          FROM ranked
         WHERE found_before < short_by
    )
    SELECT merchant_id, sku_id, warehouse_id, subject, orders
      FROM at_risk
     WHERE place <= $4
     ORDER BY merchant_id, sku_id, warehouse_id, place)sql";

constexpr const char* kWrite = R"sql(
    INSERT INTO reservations (merchant_id, saga_id, line_id, sku_id, warehouse_id, waiting, held, committed, shipped,
                              released, accepted_at, queued_at)
    SELECT DISTINCT ON (merchant_id, saga_id, line_id, sku_id)
           merchant_id, saga_id, line_id, sku_id, warehouse_id, waiting, held, committed, shipped, released, accepted_at,
           queued_at
      FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                  $8::bigint[], $9::bigint[], $10::bigint[], $11::timestamptz[], $12::timestamptz[]) WITH ORDINALITY
        AS new (merchant_id, saga_id, line_id, sku_id, warehouse_id, waiting, held, committed, shipped, released,
                accepted_at, queued_at, place)
     ORDER BY merchant_id, saga_id, line_id, sku_id, place DESC
        ON CONFLICT (merchant_id, saga_id, line_id, sku_id) DO UPDATE
       SET warehouse_id = excluded.warehouse_id, waiting = excluded.waiting, held = excluded.held,
           committed = excluded.committed, shipped = excluded.shipped, released = excluded.released,
           accepted_at = excluded.accepted_at, queued_at = excluded.queued_at)sql";

constexpr const char* kAddWaits = R"sql(
    INSERT INTO waits (merchant_id, saga_id, kind, sku_id, warehouse_id, version)
    SELECT DISTINCT ON (merchant_id, saga_id, kind, sku_id, warehouse_id)
           merchant_id, saga_id, kind, sku_id, warehouse_id, version
      FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) WITH ORDINALITY
        AS new (merchant_id, saga_id, kind, sku_id, warehouse_id, version, place)
     ORDER BY merchant_id, saga_id, kind, sku_id, warehouse_id, place DESC
        ON CONFLICT (merchant_id, saga_id, kind, sku_id, warehouse_id) DO UPDATE SET version = excluded.version)sql";

// The table of waits is empty and full by turns, and a plan that was made for the one is slow for the other. So its rows are
// looked up one by one (OFFSET 0 keeps it so), each way by conditions that fit one index only; what else is asked of a row
// stands outside, where no index is chosen for it.

// Several batches may drop the same waits: one that wakes the sagas, and theirs.
constexpr const char* kDropWaits = R"sql(
    DELETE FROM waits
     WHERE ctid = ANY (ARRAY(
            SELECT wait.ctid
              FROM unnest($1::bigint[], $2::uuid[]) AS saga (merchant_id, saga_id),
                   LATERAL (SELECT ctid FROM waits
                             WHERE merchant_id = saga.merchant_id AND saga_id = saga.saga_id AND kind = $3
                             ORDER BY sku_id, warehouse_id
                               FOR UPDATE) wait)))sql";

constexpr const char* kWaitsFor = R"sql(
    SELECT waiting.*
      FROM (SELECT DISTINCT met.merchant_id, met.saga_id
              FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                    AS reached (merchant_id, sku_id, warehouse_id, version),
                   LATERAL (SELECT merchant_id, saga_id, kind, warehouse_id FROM waits
                             WHERE -sku_id = -reached.sku_id AND version <= reached.version OFFSET 0) met
             WHERE met.merchant_id = reached.merchant_id AND met.warehouse_id = reached.warehouse_id AND met.kind = $1) saga,
           LATERAL (SELECT merchant_id, saga_id, kind, sku_id, warehouse_id, version FROM waits
                     WHERE merchant_id = saga.merchant_id AND saga_id = saga.saga_id AND kind = $1 OFFSET 0) waiting
     ORDER BY merchant_id, saga_id, sku_id, warehouse_id)sql";

constexpr const char* kWaitsOf = R"sql(
    SELECT merchant_id, saga_id, kind, sku_id, warehouse_id, version
      FROM waits
     WHERE merchant_id = $1::bigint AND saga_id = $2::uuid AND kind = $3
     ORDER BY sku_id, warehouse_id)sql";

ReservationRow read_reservation(RowReader& row) {
    ReservationRow line;
    line.key.merchant = row.id<MerchantId>();
    line.saga_id = row.text();
    line.line_id = row.text();
    line.key.sku_id = row.id<SkuId>();
    line.key.warehouse_id = row.id<WarehouseId>();
    line.waiting = row.int64();
    line.held = row.int64();
    line.committed = row.int64();
    line.shipped = row.int64();
    line.released = row.int64();
    line.accepted_at = row.optional_instant();
    line.queued_at = row.optional_instant();
    return line;
}

orders::Rows::Wait read_wait(RowReader& row) {
    orders::Rows::Wait wait;
    wait.saga.merchant = row.id<MerchantId>();
    wait.saga.saga_id = row.text();
    wait.kind = row.text();
    wait.stock.merchant = wait.saga.merchant;
    wait.stock.sku_id = row.id<SkuId>();
    wait.stock.warehouse_id = row.id<WarehouseId>();
    wait.version = row.int64();
    return wait;
}

}  // namespace

std::vector<ReservationRow> PgTransaction::reservations_of(const std::vector<SagaKey>& sagas) {
    if (sagas.empty()) {
        return {};
    }
    return read_all(
        sql_.query(kOfSagas, {column(sagas, &SagaKey::merchant), column(sagas, &SagaKey::saga_id)}), read_reservation);
}

std::vector<ReservationRow> PgTransaction::waiting_for(const std::vector<StockKey>& keys) {
    if (keys.empty()) {
        return {};
    }
    return read_all(
        sql_.query(
            kWaitingFor, {column(keys, &StockKey::merchant), column(keys, &StockKey::sku_id),
                          column(keys, &StockKey::warehouse_id)}),
        read_reservation);
}

std::vector<orders::Rows::AtRisk> PgTransaction::at_risk(const std::vector<StockKey>& keys, std::size_t named) {
    std::vector<AtRisk> found;
    if (keys.empty()) {
        return found;
    }
    const db::Rows rows = sql_.query(
        kAtRisk, {column(keys, &StockKey::merchant), column(keys, &StockKey::sku_id),
                  column(keys, &StockKey::warehouse_id), static_cast<std::int64_t>(named)});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        RowReader row(rows, i);
        StockKey key;
        key.merchant = row.id<MerchantId>();
        key.sku_id = row.id<SkuId>();
        key.warehouse_id = row.id<WarehouseId>();
        if (found.empty() || found.back().stock != key) {
            found.push_back({key, {}, 0});
        }
        found.back().youngest.push_back(row.text());
        found.back().orders = row.int64();
    }
    return found;
}

void PgTransaction::write_reservations(const std::vector<ReservationRow>& rows) {
    if (rows.empty()) {
        return;
    }
    sql_.execute_later(
        kWrite, list_of(
                    column(rows, [](const ReservationRow& row) { return row.key.merchant; }),
                    column(rows, &ReservationRow::saga_id), column(rows, &ReservationRow::line_id),
                    column(rows, [](const ReservationRow& row) { return row.key.sku_id; }),
                    column(rows, [](const ReservationRow& row) { return row.key.warehouse_id; }),
                    column(rows, &ReservationRow::waiting), column(rows, &ReservationRow::held),
                    column(rows, &ReservationRow::committed), column(rows, &ReservationRow::shipped),
                    column(rows, &ReservationRow::released), column(rows, &ReservationRow::accepted_at),
                    column(rows, &ReservationRow::queued_at)));
}

void PgTransaction::add_waits(const std::vector<Wait>& waits) {
    if (waits.empty()) {
        return;
    }
    sql_.execute_later(
        kAddWaits,
        list_of(
            column(waits, [](const Wait& wait) { return wait.saga.merchant; }),
            column(waits, [](const Wait& wait) -> const std::string& { return wait.saga.saga_id; }),
            column(waits, &Wait::kind), column(waits, [](const Wait& wait) { return wait.stock.sku_id; }),
            column(waits, [](const Wait& wait) { return wait.stock.warehouse_id; }), column(waits, &Wait::version)));
}

void PgTransaction::drop_waits(const std::vector<SagaKey>& sagas, const std::string& kind) {
    if (!sagas.empty()) {
        sql_.execute_later(
            kDropWaits, list_of(column(sagas, &SagaKey::merchant), column(sagas, &SagaKey::saga_id), kind));
    }
}

std::vector<orders::Rows::Wait> PgTransaction::waits_for(const std::string& kind, const std::vector<Reached>& reached) {
    if (reached.empty()) {
        return {};
    }
    return read_all(
        sql_.query(
            kWaitsFor, {kind, column(reached, [](const Reached& row) { return row.first.merchant; }),
                        column(reached, [](const Reached& row) { return row.first.sku_id; }),
                        column(reached, [](const Reached& row) { return row.first.warehouse_id; }),
                        column(reached, &Reached::second)}),
        read_wait);
}

std::vector<orders::Rows::Wait> PgTransaction::waits_of(const SagaKey& saga, const std::string& kind) {
    return read_all(sql_.query(kWaitsOf, {saga.merchant, saga.saga_id, kind}), read_wait);
}

}  // namespace ordersaga::db
