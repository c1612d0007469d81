#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"
#include "sagas/activities.hpp"

namespace ordersaga::db {

using orders::MovementRow;
using orders::StockKey;
using orders::StockRow;
using sagas::MerchantId;
using sagas::SkuId;
using sagas::WarehouseId;

namespace {

constexpr const char* kPeek = R"sql(
    SELECT merchant_id, sku_id, warehouse_id, on_hand, available, reserved, committed, unavailable, returning_units,
           short_by, waiting, version, read_asked_at, mirrored, demand_read_at, warehouse_on_hand,
           warehouse_fulfillable
      FROM stock
     WHERE (merchant_id, sku_id, warehouse_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]))
     ORDER BY merchant_id, sku_id, warehouse_id)sql";

constexpr const char* kCreateMissing = R"sql(
    INSERT INTO stock (merchant_id, sku_id, warehouse_id)
    SELECT DISTINCT merchant_id, sku_id, warehouse_id
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS new (merchant_id, sku_id, warehouse_id)
     ORDER BY merchant_id, sku_id, warehouse_id
        ON CONFLICT DO NOTHING)sql";

constexpr const char* kWrite = R"sql(
    UPDATE stock
       SET on_hand = new.on_hand, available = new.available, reserved = new.reserved, committed = new.committed,
           unavailable = new.unavailable, returning_units = new.returning_units, short_by = new.short_by,
           waiting = new.waiting, version = new.version, read_asked_at = new.read_asked_at, mirrored = new.mirrored,
           demand_read_at = new.demand_read_at, warehouse_on_hand = new.warehouse_on_hand,
           warehouse_fulfillable = new.warehouse_fulfillable
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                  $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[],
                  $14::boolean[], $15::timestamptz[], $16::bigint[], $17::bigint[], $18::bigint[])
        AS new (merchant_id, sku_id, warehouse_id, on_hand, available, reserved, committed, unavailable, returning_units,
                short_by, waiting, version, read_asked_at, mirrored, demand_read_at, warehouse_on_hand,
                warehouse_fulfillable, version_read)
     WHERE stock.merchant_id = new.merchant_id AND stock.sku_id = new.sku_id AND stock.warehouse_id = new.warehouse_id
       AND stock.version = new.version_read)sql";

constexpr const char* kInsertMovements = R"sql(
    INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, saga_id, line_id, on_hand, available,
                                 reserved, committed, unavailable, returning_units, short_by, version, at, note)
    SELECT merchant_id, sku_id, warehouse_id, kind, cause, saga_id, line_id, on_hand, available, reserved, committed,
           unavailable, returning_units, short_by, version, at, note
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::bigint[],
                  $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                  $16::timestamptz[], $17::text[]) WITH ORDINALITY
        AS new (merchant_id, sku_id, warehouse_id, kind, cause, saga_id, line_id, on_hand, available, reserved, committed,
                unavailable, returning_units, short_by, version, at, note, place)
     ORDER BY place)sql";

// A committed line is counted in a reading when accepted_at + lag <= asked_at, and in none while it is in doubt (null). Not
// counted are then: what is committed now, and what was committed at asked_at and has left since (shipped, or on its way
// back; what was in doubt is held again, and subtracted so).
constexpr const char* kNotCounted = R"sql(
    WITH wanted AS (
        SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS key (merchant_id, sku_id, warehouse_id)
    ), units AS (
        SELECT line.merchant_id, line.sku_id, line.warehouse_id, line.committed AS quantity
          FROM wanted
          JOIN reservations line USING (merchant_id, sku_id, warehouse_id)
         WHERE line.taken AND line.committed > 0
           AND (line.accepted_at IS NULL OR line.accepted_at + $5::bigint * interval '1 microsecond' > $4::timestamptz)
         UNION ALL
        SELECT left_since.merchant_id, left_since.sku_id, left_since.warehouse_id, -left_since.committed
          FROM wanted
          JOIN stock_movements left_since USING (merchant_id, sku_id, warehouse_id)
          JOIN reservations line
            ON line.merchant_id = left_since.merchant_id AND line.saga_id = left_since.saga_id
           AND line.line_id = left_since.line_id AND line.sku_id = left_since.sku_id
         WHERE left_since.at > $4::timestamptz AND left_since.committed < 0
           AND line.accepted_at + $5::bigint * interval '1 microsecond' > $4::timestamptz
    )
    SELECT merchant_id, sku_id, warehouse_id, coalesce(sum(quantity), 0)::bigint
      FROM wanted LEFT JOIN units USING (merchant_id, sku_id, warehouse_id)
     GROUP BY merchant_id, sku_id, warehouse_id
     ORDER BY merchant_id, sku_id, warehouse_id)sql";

constexpr const char* kReturnedSince = R"sql(
    SELECT wanted.merchant_id, wanted.sku_id, wanted.warehouse_id, coalesce(sum(movement.returning_units), 0)::bigint
      FROM (SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
              AS key (merchant_id, sku_id, warehouse_id)) wanted
      LEFT JOIN stock_movements movement
        ON movement.merchant_id = wanted.merchant_id AND movement.sku_id = wanted.sku_id
       AND movement.warehouse_id = wanted.warehouse_id AND movement.at > $4::timestamptz
       AND movement.committed < 0 AND movement.returning_units > 0
     GROUP BY wanted.merchant_id, wanted.sku_id, wanted.warehouse_id
     ORDER BY wanted.merchant_id, wanted.sku_id, wanted.warehouse_id)sql";

constexpr const char* kMirror =
    "SELECT read_asked_at FROM warehouses WHERE merchant_id = $1::bigint AND warehouse_id = $2::bigint";

constexpr const char* kMirroredBesides = R"sql(
    SELECT merchant_id, sku_id, warehouse_id
      FROM stock
     WHERE merchant_id = $1::bigint AND warehouse_id = $2::bigint AND mirrored AND sku_id <> ALL ($3::bigint[])
     ORDER BY sku_id)sql";

constexpr const char* kWriteMirror = R"sql(
    UPDATE warehouses SET read_asked_at = $3::timestamptz
     WHERE merchant_id = $1::bigint AND warehouse_id = $2::bigint)sql";

constexpr const char* kRequested = R"sql(
    SELECT line.merchant_id, line.sku_id, line.warehouse_id, sum(line.held)::bigint
      FROM reservations line
     WHERE (line.merchant_id, line.sku_id, line.warehouse_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]))
       AND line.taken AND line.held > 0
       AND EXISTS (SELECT FROM commands command
                    WHERE command.merchant_id = line.merchant_id AND command.saga_id = line.saga_id
                      AND command.activity = $4 AND command.state <> 'closed'
                      AND (command.state = 'sent' OR command.perhaps_applied))
     GROUP BY line.merchant_id, line.sku_id, line.warehouse_id
     ORDER BY line.merchant_id, line.sku_id, line.warehouse_id)sql";

StockKey read_key(RowReader& row) {
    StockKey key;
    key.merchant = row.id<MerchantId>();
    key.sku_id = row.id<SkuId>();
    key.warehouse_id = row.id<WarehouseId>();
    return key;
}

StockRow read_stock(RowReader& row) {
    StockRow stock;
    stock.key = read_key(row);
    stock.on_hand = row.int64();
    stock.available = row.int64();
    stock.reserved = row.int64();
    stock.committed = row.int64();
    stock.unavailable = row.int64();
    stock.returning = row.int64();
    stock.short_by = row.int64();
    stock.waiting = row.int64();
    stock.version = stock.version_read = row.int64();
    stock.read_asked_at = row.optional_instant();
    stock.mirrored = row.boolean();
    stock.demand_read_at = row.optional_instant();
    stock.warehouse_on_hand = row.int64();
    stock.warehouse_fulfillable = row.int64();
    return stock;
}

std::pair<StockKey, std::int64_t> read_units(RowReader& row) {
    StockKey key = read_key(row);
    return {key, row.int64()};
}

template <class Row>
Parameter merchants(const std::vector<Row>& rows) {
    return column(rows, [](const Row& row) { return row.key.merchant; });
}

template <class Row>
Parameter skus_of(const std::vector<Row>& rows) {
    return column(rows, [](const Row& row) { return row.key.sku_id; });
}

template <class Row>
Parameter warehouses_of(const std::vector<Row>& rows) {
    return column(rows, [](const Row& row) { return row.key.warehouse_id; });
}

}  // namespace

std::vector<StockRow> PgTransaction::lock_stock(const std::vector<StockKey>& keys, engine::Turn turn) {
    if (keys.empty()) {
        return {};
    }
    const std::vector<Parameter> parameters{
        column(keys, &StockKey::merchant), column(keys, &StockKey::sku_id), column(keys, &StockKey::warehouse_id)};
    const std::string lock = std::string(kPeek) + lock_for(turn);
    db::Rows locked = sql_.query(lock, parameters);
    if (locked.size() < keys.size()) {
        sql_.query(kCreateMissing, parameters);
        locked = sql_.query(lock, parameters);
    }
    return read_all(locked, read_stock);
}

std::vector<StockRow> PgTransaction::peek_stock(const std::vector<StockKey>& keys) {
    if (keys.empty()) {
        return {};
    }
    return read_all(
        sql_.query(
            kPeek, {column(keys, &StockKey::merchant), column(keys, &StockKey::sku_id),
                    column(keys, &StockKey::warehouse_id)}),
        read_stock);
}

void PgTransaction::write_stock(const std::vector<StockRow>& rows, const std::vector<MovementRow>& movements) {
    if (!rows.empty()) {
        const std::int64_t changed = sql_.execute(
            kWrite,
            {merchants(rows), skus_of(rows), warehouses_of(rows), column(rows, &StockRow::on_hand),
             column(rows, &StockRow::available), column(rows, &StockRow::reserved), column(rows, &StockRow::committed),
             column(rows, &StockRow::unavailable), column(rows, &StockRow::returning),
             column(rows, &StockRow::short_by), column(rows, &StockRow::waiting), column(rows, &StockRow::version),
             column(rows, &StockRow::read_asked_at), column(rows, &StockRow::mirrored),
             column(rows, &StockRow::demand_read_at), column(rows, &StockRow::warehouse_on_hand),
             column(rows, &StockRow::warehouse_fulfillable), column(rows, &StockRow::version_read)});
        if (changed != static_cast<std::int64_t>(rows.size())) {
            // A ledger that does not exist is the item's fault; one that has moved on is nobody's.
            const db::Rows known = sql_.query(kPeek, {merchants(rows), skus_of(rows), warehouses_of(rows)});
            require_known(static_cast<std::int64_t>(known.size()), rows.size(), "updating stock");
            require_all(changed, rows.size(), "updating stock");
        }
    }
    if (!movements.empty()) {
        sql_.execute_later(
            kInsertMovements,
            list_of(
                merchants(movements), skus_of(movements), warehouses_of(movements),
                column(movements, &MovementRow::kind), column(movements, &MovementRow::cause),
                column(movements, [](const MovementRow& row) { return null_if_empty(row.saga_id); }),
                column(movements, &MovementRow::line_id), column(movements, &MovementRow::on_hand),
                column(movements, &MovementRow::available), column(movements, &MovementRow::reserved),
                column(movements, &MovementRow::committed), column(movements, &MovementRow::unavailable),
                column(movements, &MovementRow::returning), column(movements, &MovementRow::short_by),
                column(movements, &MovementRow::version), column(movements, &MovementRow::at),
                column(movements, &MovementRow::note)));
    }
}

std::optional<Instant> PgTransaction::lock_mirror(MerchantId merchant, WarehouseId warehouse) {
    const db::Rows rows = sql_.query(std::string(kMirror) + lock_for(engine::Turn::never), {merchant, warehouse});
    return rows.empty() ? std::nullopt : rows.optional_instant(0, 0);
}

std::vector<StockKey> PgTransaction::mirrored_besides(
    MerchantId merchant,
    WarehouseId warehouse,
    const std::vector<SkuId>& skus) {
    return read_all(sql_.query(kMirroredBesides, {merchant, warehouse, skus}), read_key);
}

void PgTransaction::write_mirror(MerchantId merchant, WarehouseId warehouse, Instant asked_at) {
    sql_.execute(kWriteMirror, {merchant, warehouse, asked_at});
}

std::vector<std::pair<StockKey, std::int64_t>> PgTransaction::not_counted(
    const std::vector<StockKey>& keys,
    Instant asked_at,
    Duration lag) {
    if (keys.empty()) {
        return {};
    }
    return read_all(
        sql_.query(
            kNotCounted, {column(keys, &StockKey::merchant), column(keys, &StockKey::sku_id),
                          column(keys, &StockKey::warehouse_id), asked_at, lag.count()}),
        read_units);
}

std::vector<std::pair<StockKey, std::int64_t>> PgTransaction::returned_since(
    const std::vector<StockKey>& keys,
    Instant asked_at) {
    if (keys.empty()) {
        return {};
    }
    return read_all(
        sql_.query(
            kReturnedSince, {column(keys, &StockKey::merchant), column(keys, &StockKey::sku_id),
                             column(keys, &StockKey::warehouse_id), asked_at}),
        read_units);
}

std::vector<std::pair<StockKey, std::int64_t>> PgTransaction::requested(const std::vector<StockKey>& keys) {
    if (keys.empty()) {
        return {};
    }
    return read_all(
        sql_.query(
            kRequested, {column(keys, &StockKey::merchant), column(keys, &StockKey::sku_id),
                         column(keys, &StockKey::warehouse_id), std::string(sagas::activity::request_fulfillment)}),
        read_units);
}

}  // namespace ordersaga::db
