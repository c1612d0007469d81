#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

namespace ordersaga::db {

using engine::DutyRow;
using sagas::MerchantId;

namespace {

constexpr const char* kClaimDue = R"sql(
    SELECT merchant_id, duty, subject, next_due, memory, command_id, now()
      FROM duties
     WHERE next_due <= now() + $1::bigint * interval '1 microsecond'
     ORDER BY next_due
     LIMIT $2::bigint
       FOR NO KEY UPDATE SKIP LOCKED)sql";

constexpr const char* kRead = R"sql(
    SELECT merchant_id, duty, subject, next_due, memory, command_id
      FROM duties
     WHERE (merchant_id, duty || '/' || subject) IN (SELECT * FROM unnest($1::bigint[], $2::text[]))
     ORDER BY merchant_id, duty, subject)sql";

// The last row given for a duty is the one that counts.
constexpr const char* kUpsert = R"sql(
    INSERT INTO duties (merchant_id, duty, subject, next_due, memory, command_id)
    SELECT DISTINCT ON (merchant_id, duty, subject) merchant_id, duty, subject, next_due, memory, command_id
      FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::uuid[]) WITH ORDINALITY
        AS new (merchant_id, duty, subject, next_due, memory, command_id, place)
     ORDER BY merchant_id, duty, subject, place DESC
        ON CONFLICT (merchant_id, duty, subject) DO UPDATE
       SET next_due = excluded.next_due, memory = excluded.memory, command_id = excluded.command_id)sql";

DutyRow read_duty(RowReader& row) {
    DutyRow duty;
    duty.merchant = row.id<MerchantId>();
    duty.duty = row.text();
    duty.subject = row.text();
    duty.next_due = row.instant();
    duty.memory = row.json();
    duty.command_id = row.text_or_empty();
    return duty;
}

}  // namespace

std::vector<DutyRow> PgTransaction::claim_due_duties(runtime::Duration within, std::size_t limit) {
    const db::Rows due = sql_.query(kClaimDue, {within.count(), limit});
    if (!due.empty()) now_ = due.instant(0, 6);
    return read_all(due, read_duty);
}

std::vector<DutyRow> PgTransaction::lock_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) {
    if (duties.empty()) {
        return {};
    }
    using Key = std::pair<MerchantId, std::string>;
    const std::string lock = std::string(kRead) + lock_for(engine::Turn::in_turn);
    return read_all(sql_.query(lock, {column(duties, &Key::first), column(duties, &Key::second)}), read_duty);
}

std::vector<DutyRow> PgTransaction::read_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) {
    if (duties.empty()) {
        return {};
    }
    using Key = std::pair<MerchantId, std::string>;
    return read_all(sql_.query(kRead, {column(duties, &Key::first), column(duties, &Key::second)}), read_duty);
}

void PgTransaction::upsert_duties(const std::vector<DutyRow>& rows) {
    if (rows.empty()) {
        return;
    }
    sql_.execute_later(
        kUpsert, list_of(
                     column(rows, &DutyRow::merchant), column(rows, &DutyRow::duty), column(rows, &DutyRow::subject),
                     column(rows, &DutyRow::next_due),
                     column(rows, [](const DutyRow& row) { return runtime::dump_json(row.memory); }),
                     column(rows, [](const DutyRow& row) { return null_if_empty(row.command_id); })));
}

}  // namespace ordersaga::db
