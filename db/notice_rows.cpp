// What is told to others: announcements to the public, incidents and parked items to operators, the audit to whoever
// asks who did what.
#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

#include <algorithm>

namespace ordersaga::db {

using engine::AnnouncementRow;
using engine::AuditRow;
using engine::IncidentRow;
using sagas::MerchantId;

namespace {

constexpr const char* kClaimAnnouncements = R"sql(
    SELECT merchant_id, announcement_id, routing_key, body
      FROM announcements
     ORDER BY announcement_id
     LIMIT $1::bigint
       FOR UPDATE SKIP LOCKED)sql";

constexpr const char* kDeleteAnnouncements = R"sql(
    DELETE FROM announcements
     WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM announcements WHERE announcement_id = ANY ($1::bigint[]) FOR UPDATE SKIP LOCKED)))sql";

constexpr const char* kInsertAnnouncements = R"sql(
    INSERT INTO announcements (merchant_id, routing_key, body)
    SELECT merchant_id, routing_key, body
      FROM unnest($1::bigint[], $2::text[], $3::jsonb[]) WITH ORDINALITY AS new (merchant_id, routing_key, body, place)
     ORDER BY place
 RETURNING announcement_id)sql";

// Opening an open incident again brings its text up to date; the last one given counts. What says nothing new writes
// nothing: a batch need not know whether somebody was told already.
constexpr const char* kOpenIncidents = R"sql(
    INSERT INTO incidents (merchant_id, incident_key, saga_id, cause, text, opened_at, updated_at)
    SELECT DISTINCT ON (merchant_id, incident_key) merchant_id, incident_key, saga_id, cause, text, now(), now()
      FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[]) WITH ORDINALITY
        AS new (merchant_id, incident_key, saga_id, cause, text, place)
     ORDER BY merchant_id, incident_key, place DESC
        ON CONFLICT (merchant_id, incident_key) WHERE closed_at IS NULL DO UPDATE
       SET saga_id = excluded.saga_id, cause = excluded.cause, text = excluded.text, updated_at = excluded.updated_at
     WHERE (incidents.saga_id, incidents.cause, incidents.text)
           IS DISTINCT FROM (excluded.saga_id, excluded.cause, excluded.text))sql";

constexpr const char* kLockIncidents = R"sql(
    SELECT incident_key FROM incidents
     WHERE closed_at IS NULL AND (merchant_id, incident_key) IN (SELECT * FROM unnest($1::bigint[], $2::text[]))
     ORDER BY merchant_id, incident_key
       FOR NO KEY UPDATE)sql";

constexpr const char* kCloseIncidents = R"sql(
    UPDATE incidents SET closed_at = now(), updated_at = now()
     WHERE closed_at IS NULL AND (merchant_id, incident_key) IN (SELECT * FROM unnest($1::bigint[], $2::text[])))sql";

constexpr const char* kInsertAudit = R"sql(
    INSERT INTO audit (merchant_id, at, actor, action, subject, reason, details)
    SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[]))sql";

constexpr const char* kPark = R"sql(
    INSERT INTO parked_items (merchant_id, kind, subject, reason, input)
    VALUES ($1::bigint, $2, $3, $4, $5::json))sql";

// Parking is the last resort, so no text may make it fail: bad UTF-8 is replaced and a NUL becomes a blank.
std::string storable(const std::string& text) {
    std::string clean = nlohmann::json::parse(runtime::dump_json(text)).get<std::string>();
    for (char& character : clean) {
        if (character == '\0') {
            character = ' ';
        }
    }
    return clean;
}

}  // namespace

std::vector<AnnouncementRow> PgTransaction::claim_announcements(std::size_t limit) {
    return read_all(sql_.query(kClaimAnnouncements, {limit}), [](RowReader& row) {
        AnnouncementRow announcement;
        announcement.merchant = row.id<MerchantId>();
        announcement.announcement_id = row.int64();
        announcement.routing_key = row.text();
        announcement.body = row.json();
        return announcement;
    });
}

void PgTransaction::delete_announcements(const std::vector<std::int64_t>& ids) {
    if (!ids.empty()) {
        sql_.execute(kDeleteAnnouncements, {ids});
    }
}

void PgTransaction::add_announcements(std::vector<AnnouncementRow>& rows) {
    if (rows.empty()) {
        return;
    }
    const db::Rows inserted = sql_.query(
        kInsertAnnouncements, {column(rows, &AnnouncementRow::merchant), column(rows, &AnnouncementRow::routing_key),
                               column(rows, [](const AnnouncementRow& row) { return runtime::dump_json(row.body); })});
    // Given in the sequence of the rows.
    std::vector<std::int64_t> ids;
    for (std::size_t row = 0; row < inserted.size(); ++row) {
        ids.push_back(inserted.int64(row, 0));
    }
    std::sort(ids.begin(), ids.end());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        rows[row].announcement_id = ids.at(row);
    }
}

// One batch may open some and close others: all of them first, in one sequence.
void PgTransaction::lock_incidents(const engine::Changes& changes) {
    std::vector<std::pair<MerchantId, std::string>> keys = changes.closed_incidents;
    for (const IncidentRow& row : changes.opened_incidents) {
        keys.emplace_back(row.merchant, row.incident_key);
    }
    if (keys.size() < 2) {
        return;
    }
    using Key = std::pair<MerchantId, std::string>;
    sql_.query(kLockIncidents, {column(keys, &Key::first), column(keys, &Key::second)});
}

void PgTransaction::open_incidents(const std::vector<IncidentRow>& rows) {
    if (rows.empty()) {
        return;
    }
    sql_.execute(
        kOpenIncidents, {column(rows, &IncidentRow::merchant), column(rows, &IncidentRow::incident_key),
                         column(rows, [](const IncidentRow& row) { return null_if_empty(row.saga_id); }),
                         column(rows, [](const IncidentRow& row) { return storable(row.cause); }),
                         column(rows, [](const IncidentRow& row) { return storable(row.text); })});
}

void PgTransaction::close_incidents(const std::vector<std::pair<MerchantId, std::string>>& keys) {
    if (keys.empty()) {
        return;
    }
    using Key = std::pair<MerchantId, std::string>;
    sql_.execute(kCloseIncidents, {column(keys, &Key::first), column(keys, &Key::second)});
}

void PgTransaction::insert_audit(const std::vector<AuditRow>& rows) {
    if (rows.empty()) {
        return;
    }
    sql_.execute(
        kInsertAudit,
        {column(rows, &AuditRow::merchant), column(rows, &AuditRow::at), column(rows, &AuditRow::actor),
         column(rows, &AuditRow::action), column(rows, &AuditRow::subject), column(rows, &AuditRow::reason),
         column(rows, [](const AuditRow& row) { return runtime::dump_json(row.details); })});
}

void PgTransaction::park(
    MerchantId merchant,
    const std::string& kind,
    const std::string& subject,
    const std::string& reason,
    const nlohmann::json& input) {
    nlohmann::json kept = input;
    // Documents of orders name persons, and the next poll tells of them again.
    if (kind == "outcome" && kept.contains("payload") && kept["payload"].is_object()) {
        for (const char* member : {"order", "orders"})
            kept["payload"].erase(member);
    }
    sql_.execute(kPark, {merchant, storable(kind), storable(subject), storable(reason), runtime::dump_json(kept)});
}

}  // namespace ordersaga::db
