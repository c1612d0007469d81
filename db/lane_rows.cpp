#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

namespace ordersaga::db {

using engine::LaneRow;
using sagas::MerchantId;

namespace {

// Walks from lane to lane over the index of waiting commands, so that a long queue in one lane costs nothing here.
constexpr const char* kLanesWithWork = R"sql(
    WITH RECURSIVE lane AS (
        (SELECT merchant_id, lane AS name FROM commands WHERE state = 'waiting' ORDER BY merchant_id, lane LIMIT 1)
        UNION ALL
        SELECT next.merchant_id, next.name
          FROM lane, LATERAL (SELECT merchant_id, commands.lane AS name FROM commands
                               WHERE state = 'waiting' AND (merchant_id, commands.lane) > (lane.merchant_id, lane.name)
                               ORDER BY merchant_id, commands.lane LIMIT 1) next)
    SELECT lane.merchant_id, lane.name
      FROM lane
      LEFT JOIN lanes known ON known.merchant_id = lane.merchant_id AND known.lane = lane.name
     WHERE (known.not_before IS NULL OR known.not_before <= $1::timestamptz)
       AND EXISTS (SELECT FROM commands
                    WHERE commands.merchant_id = lane.merchant_id AND commands.lane = lane.name
                      AND state = 'waiting' AND due_at <= $1::timestamptz)
     ORDER BY lane.merchant_id, lane.name
     LIMIT $2::bigint)sql";

constexpr const char* kMissing = R"sql(
    SELECT merchant_id, lane
      FROM unnest($1::bigint[], $2::text[]) AS wanted (merchant_id, lane)
     WHERE NOT EXISTS (SELECT FROM lanes known WHERE (known.merchant_id, known.lane) = (wanted.merchant_id, wanted.lane))
     ORDER BY merchant_id, lane)sql";

constexpr const char* kCreateMissing = R"sql(
    INSERT INTO lanes (merchant_id, lane, tokens, capacity, per_second, refilled_at, not_before, "window", breaker,
                       failures, opened_at, reason, served_last)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::double precision[], $4::double precision[],
                         $5::double precision[], $6::timestamptz[], $7::timestamptz[], $8::integer[], $9::text[],
                         $10::integer[], $11::timestamptz[], $12::text[], $13::text[]) AS new (merchant_id, lane)
     ORDER BY merchant_id, lane
        ON CONFLICT DO NOTHING)sql";

constexpr const char* kLock = R"sql(
    SELECT merchant_id, lane, tokens, capacity, per_second, refilled_at, not_before, "window", breaker, failures,
           opened_at, reason, served_last,
           EXISTS (SELECT FROM recoveries
                    WHERE recoveries.merchant_id = lanes.merchant_id AND stage <> 'caught_up')
      FROM lanes
     WHERE (merchant_id, lane) IN (SELECT * FROM unnest($1::bigint[], $2::text[]))
     ORDER BY merchant_id, lane
       FOR NO KEY UPDATE)sql";

// Asked after the lock is held, so that what another batch has just stored or sent is counted.
constexpr const char* kInFlight = R"sql(
    SELECT wanted.merchant_id, wanted.lane,
           (SELECT count(*) FROM commands
             WHERE commands.merchant_id = wanted.merchant_id AND commands.lane = wanted.lane AND state = 'sent'),
           EXISTS (SELECT FROM commands
                    WHERE commands.merchant_id = wanted.merchant_id AND commands.lane = wanted.lane AND state = 'waiting')
      FROM unnest($1::bigint[], $2::text[]) AS wanted (merchant_id, lane))sql";

constexpr const char* kWrite = R"sql(
    UPDATE lanes lane
       SET tokens = new.tokens, capacity = new.capacity, per_second = new.per_second, refilled_at = new.refilled_at,
           not_before = new.not_before, "window" = new."window", breaker = new.breaker, failures = new.failures,
           opened_at = new.opened_at, reason = new.reason, served_last = new.served_last
      FROM unnest($1::bigint[], $2::text[], $3::double precision[], $4::double precision[], $5::double precision[],
                  $6::timestamptz[], $7::timestamptz[], $8::integer[], $9::text[], $10::integer[], $11::timestamptz[],
                  $12::text[], $13::text[])
        AS new (merchant_id, lane, tokens, capacity, per_second, refilled_at, not_before, "window", breaker, failures,
                opened_at, reason, served_last)
     WHERE lane.merchant_id = new.merchant_id AND lane.lane = new.lane)sql";

std::pair<MerchantId, std::string> read_name(RowReader& row) {
    const auto merchant = row.id<MerchantId>();
    return {merchant, row.text()};
}

LaneRow read_lane(RowReader& row) {
    LaneRow lane;
    lane.merchant = row.id<MerchantId>();
    lane.lane = row.text();
    lane.tokens = row.real();
    lane.capacity = row.real();
    lane.per_second = row.real();
    lane.refilled_at = row.instant();
    lane.not_before = row.instant();
    lane.window = row.int32();
    lane.breaker = row.text();
    lane.failures = row.int32();
    lane.opened_at = row.optional_instant();
    lane.reason = row.text();
    lane.served_last = row.text();
    lane.reads_only = row.boolean();
    return lane;
}

std::vector<Parameter> columns_of(const std::vector<LaneRow>& lanes) {
    return {
        column(lanes, &LaneRow::merchant),   column(lanes, &LaneRow::lane),       column(lanes, &LaneRow::tokens),
        column(lanes, &LaneRow::capacity),   column(lanes, &LaneRow::per_second), column(lanes, &LaneRow::refilled_at),
        column(lanes, &LaneRow::not_before), column(lanes, &LaneRow::window),     column(lanes, &LaneRow::breaker),
        column(lanes, &LaneRow::failures),   column(lanes, &LaneRow::opened_at),  column(lanes, &LaneRow::reason),
        column(lanes, &LaneRow::served_last)};
}

}  // namespace

std::vector<std::pair<MerchantId, std::string>> PgTransaction::lanes_with_work(Instant now, std::size_t limit) {
    return read_all(sql_.query(kLanesWithWork, {now, limit}), read_name);
}

std::vector<LaneRow> PgTransaction::lock_lanes(const std::vector<std::pair<MerchantId, std::string>>& wanted) {
    if (wanted.empty()) {
        return {};
    }
    using Name = std::pair<MerchantId, std::string>;
    const Parameter merchants = column(wanted, &Name::first);
    const Parameter names = column(wanted, &Name::second);
    std::vector<LaneRow> lanes = read_all(sql_.query(kLock, {merchants, names}), read_lane);
    const db::Rows counts = sql_.query(kInFlight, {merchants, names});
    for (std::size_t row = 0; row < counts.size(); ++row) {
        for (LaneRow& lane : lanes) {
            if (lane.merchant.value == counts.int64(row, 0) && lane.lane == counts.view(row, 1)) {
                lane.in_flight = counts.int32(row, 2);
                lane.has_waiting = counts.boolean(row, 3);
            }
        }
    }
    return lanes;
}

std::vector<std::pair<MerchantId, std::string>> PgTransaction::missing_lanes(
    const std::vector<std::pair<MerchantId, std::string>>& wanted) {
    using Name = std::pair<MerchantId, std::string>;
    const Parameter merchants = column(wanted, &Name::first);
    return read_all(sql_.query(kMissing, {merchants, column(wanted, &Name::second)}), read_name);
}

void PgTransaction::create_lanes(const std::vector<LaneRow>& lanes) {
    if (!lanes.empty()) {
        sql_.query(kCreateMissing, columns_of(lanes));
    }
}

void PgTransaction::write_lanes(const std::vector<LaneRow>& lanes) {
    if (lanes.empty()) {
        return;
    }
    sql_.execute_later(kWrite, columns_of(lanes), known_of(lanes.size(), "updating lanes"));
}

}  // namespace ordersaga::db
