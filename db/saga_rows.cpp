#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

namespace ordersaga::db {

using engine::Changes;
using engine::HistoryRow;
using engine::SagaKey;
using engine::SagaRow;
using engine::SignalRow;

namespace {

constexpr const char* kColumns =
    "saga.merchant_id, saga.saga_id, saga.kind, saga.definition_version, saga.state, saga.version, saga.data, "
    "saga.subject, saga.shard, saga.next_wake, saga.final, saga.incident, saga.created_at, saga.updated_at, saga.trace";

constexpr const char* kNow = "SELECT now()";

constexpr const char* kLockSagas = R"sql( FROM sagas saga
     WHERE (saga.merchant_id, saga.saga_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
     ORDER BY saga.merchant_id, saga.saga_id
       FOR NO KEY UPDATE)sql";

// Earliest first. The conditions stand twice: inside to find candidates by index, outside to be checked again on the
// locked row, which another engine may have served since.
constexpr const char* kClaimWaking = R"sql( FROM sagas saga
      JOIN (SELECT merchant_id, saga_id, min(at) AS at
              FROM ((SELECT merchant_id, saga_id, next_wake AS at FROM sagas
                      WHERE next_wake <= $1::timestamptz ORDER BY next_wake LIMIT $2::bigint)
                    UNION ALL
                    (SELECT merchant_id, saga_id, '-infinity' FROM signals ORDER BY signal_id LIMIT $2::bigint)
                    UNION ALL
                    (SELECT merchant_id, saga_id, deadline FROM commands
                      WHERE state = 'sent' AND deadline <= $1::timestamptz AND saga_id IS NOT NULL
                      ORDER BY deadline LIMIT $2::bigint)) candidates
             GROUP BY merchant_id, saga_id) due USING (merchant_id, saga_id)
     WHERE (saga.next_wake <= $1::timestamptz
            OR EXISTS (SELECT FROM signals signal
                        WHERE signal.merchant_id = saga.merchant_id AND signal.saga_id = saga.saga_id)
            OR EXISTS (SELECT FROM commands command
                        WHERE command.merchant_id = saga.merchant_id AND command.saga_id = saga.saga_id
                          AND command.state = 'sent' AND command.deadline <= $1::timestamptz))
     ORDER BY due.at, saga.merchant_id, saga.saga_id
     LIMIT $2::bigint
       FOR NO KEY UPDATE OF saga SKIP LOCKED)sql";

constexpr const char* kTakeSignals = R"sql(
    WITH taken AS (
        DELETE FROM signals
         WHERE (merchant_id, saga_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
     RETURNING merchant_id, saga_id, signal_id, event, payload, cause)
    SELECT * FROM taken ORDER BY signal_id)sql";

// Everything that may come due, in one statement that takes no lock: it is all that is asked while nothing is to be done.
// Lanes are walked as in kLanesWithWork, so a lane that nobody has created yet counts as well. `state || ''`: so that the index of
// what is due serves here, and nowhere else (migration 21).
constexpr const char* kNextDue = R"sql(
    WITH RECURSIVE lane AS (
        (SELECT merchant_id, lane AS name FROM commands WHERE state = 'waiting' ORDER BY merchant_id, lane LIMIT 1)
        UNION ALL
        SELECT next.merchant_id, next.name
          FROM lane, LATERAL (SELECT merchant_id, commands.lane AS name FROM commands
                               WHERE state = 'waiting' AND (merchant_id, commands.lane) > (lane.merchant_id, lane.name)
                               ORDER BY merchant_id, commands.lane LIMIT 1) next)
    SELECT now(),
           least((SELECT min(next_wake) FROM sagas WHERE next_wake IS NOT NULL),
                 (SELECT now() FROM signals LIMIT 1)),
           (SELECT min(deadline) FROM commands WHERE state = 'sent'),
           (SELECT min(next_due) FROM duties),
           least((SELECT now() FROM announcements LIMIT 1),
                 (SELECT min(due_at) FROM commands WHERE state || '' = 'waiting' AND due_at > now()),
                 (SELECT min(greatest(known.not_before, now()))
                    FROM lane
                    LEFT JOIN lanes known ON known.merchant_id = lane.merchant_id AND known.lane = lane.name
                   WHERE EXISTS (SELECT FROM commands
                                  WHERE commands.merchant_id = lane.merchant_id AND commands.lane = lane.name
                                    AND state = 'waiting' AND due_at <= now()))),
           (SELECT min(sent_at) FROM commands WHERE state = 'sent' AND published_at IS NULL))sql";

// The last parameter of both: whether the lists are kept already (kept_lists.hpp).
constexpr const char* kInsertSagas = R"sql(
    INSERT INTO sagas (merchant_id, saga_id, kind, definition_version, state, version, data, subject, shard, next_wake,
                       final, incident, created_at, updated_at, trace)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::jsonb[],
                         $8::text[], $9::integer[], $10::timestamptz[], $11::boolean[], $12::text[], $13::timestamptz[],
                         $14::timestamptz[], $15::text[])
     WHERE (SELECT set_config('ordersaga.lists_are_kept', $16, true)) IS NOT NULL)sql";

constexpr const char* kUpdateSagas = R"sql(
    UPDATE sagas saga
       SET definition_version = new.definition_version, state = new.state, version = new.version, data = new.data,
           subject = new.subject, shard = new.shard, next_wake = new.next_wake, final = new.final,
           incident = new.incident, updated_at = new.updated_at
      FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::integer[], $5::text[], $6::bigint[], $7::jsonb[],
                  $8::text[], $9::integer[], $10::timestamptz[], $11::boolean[], $12::text[], $13::timestamptz[])
        AS new (merchant_id, saga_id, from_version, definition_version, state, version, data, subject, shard, next_wake,
                final, incident, updated_at)
     WHERE saga.merchant_id = new.merchant_id AND saga.saga_id = new.saga_id AND saga.version = new.from_version
       AND (SELECT set_config('ordersaga.lists_are_kept', $14, true)) IS NOT NULL)sql";

constexpr const char* kInsertHistory = R"sql(
    INSERT INTO saga_history (merchant_id, saga_id, version, at, from_state, to_state, event, cause, note, details)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
                         $8::text[], $9::text[], $10::jsonb[]))sql";

constexpr const char* kInsertSignals = R"sql(
    INSERT INTO signals (merchant_id, saga_id, event, payload, cause)
    SELECT merchant_id, saga_id, event, payload, cause
      FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::jsonb[], $5::text[]) WITH ORDINALITY
        AS new (merchant_id, saga_id, event, payload, cause, place)
     ORDER BY place)sql";

std::string select(const char* rest) {
    return std::string("SELECT ") + kColumns + rest;
}

SagaRow read_saga(RowReader& row) {
    SagaRow saga;
    saga.key.merchant = row.id<sagas::MerchantId>();
    saga.key.saga_id = row.text();
    saga.kind = row.text();
    saga.definition_version = row.int32();
    saga.state = row.text();
    saga.version = row.int64();
    saga.data = row.json();
    saga.subject = row.text();
    saga.shard = row.int32();
    saga.next_wake = row.optional_instant();
    saga.final = row.boolean();
    saga.incident = row.optional_text();
    saga.created_at = row.instant();
    saga.updated_at = row.instant();
    saga.trace = row.text();
    return saga;
}

auto merchant_of_saga = [](const SagaRow& row) {
    return row.key.merchant;
};
auto id_of_saga = [](const SagaRow& row) -> const std::string& {
    return row.key.saga_id;
};
auto data_of_saga = [](const SagaRow& row) {
    return runtime::dump_json(row.data);
};

}  // namespace

Instant PgTransaction::now() {
    if (!now_) {
        now_ = sql_.query(kNow).instant(0, 0);
    }
    return *now_;
}

std::vector<SagaRow> PgTransaction::remembered(std::vector<SagaRow> sagas) {
    for (const SagaRow& saga : sagas)
        lists_.read(saga);
    return sagas;
}

std::vector<SagaRow> PgTransaction::lock_sagas(const std::vector<SagaKey>& keys) {
    if (keys.empty()) {
        return {};
    }
    return remembered(read_all(
        sql_.query(select(kLockSagas), {column(keys, &SagaKey::merchant), column(keys, &SagaKey::saga_id)}),
        read_saga));
}

std::vector<SagaRow> PgTransaction::claim_waking_sagas(Instant now, std::size_t limit) {
    return remembered(read_all(sql_.query(select(kClaimWaking), {now, limit}), read_saga));
}

std::vector<SignalRow> PgTransaction::take_signals(const std::vector<SagaKey>& keys) {
    if (keys.empty()) {
        return {};
    }
    const db::Rows rows = sql_.query(kTakeSignals, {column(keys, &SagaKey::merchant), column(keys, &SagaKey::saga_id)});
    return read_all(rows, [](RowReader& row) {
        SignalRow signal;
        signal.key.merchant = row.id<sagas::MerchantId>();
        signal.key.saga_id = row.text();
        signal.signal_id = row.int64();
        signal.event = row.text();
        signal.payload = row.json();
        signal.cause = row.text();
        return signal;
    });
}

engine::NextDue PgTransaction::next_due() {
    const db::Rows rows = sql_.query(kNextDue);
    now_ = rows.instant(0, 0);
    engine::NextDue due;
    due.sagas = rows.optional_instant(0, 1);
    due.deadlines = rows.optional_instant(0, 2);
    due.duties = rows.optional_instant(0, 3);
    due.sending = rows.optional_instant(0, 4);
    due.unconfirmed_since = rows.optional_instant(0, 5);
    return due;
}

void PgTransaction::write(const Changes& changes) {
    insert_sagas(changes.new_sagas);
    update_sagas(changes.updated_sagas, changes.updated_from);
    insert_history(changes.history);
    // What ends makes room for its successor under the same key.
    update_commands(changes.updated_commands);
    insert_commands(changes.new_commands);
    insert_signals(changes.new_signals);
    upsert_duties(changes.updated_duties);
    lock_incidents(changes);
    open_incidents(changes.opened_incidents);
    close_incidents(changes.closed_incidents);
    insert_audit(changes.audit);
}

void PgTransaction::insert_sagas(const std::vector<SagaRow>& rows) {
    if (rows.empty()) {
        return;
    }
    const std::string lists_are_kept = lists_.keep(sql_, rows);
    sql_.execute_later(
        kInsertSagas,
        list_of(
            column(rows, merchant_of_saga), column(rows, id_of_saga), column(rows, &SagaRow::kind),
            column(rows, &SagaRow::definition_version), column(rows, &SagaRow::state), column(rows, &SagaRow::version),
            column(rows, data_of_saga), column(rows, &SagaRow::subject), column(rows, &SagaRow::shard),
            column(rows, &SagaRow::next_wake), column(rows, &SagaRow::final), column(rows, &SagaRow::incident),
            column(rows, &SagaRow::created_at), column(rows, &SagaRow::updated_at), column(rows, &SagaRow::trace),
            lists_are_kept));
}

void PgTransaction::update_sagas(const std::vector<SagaRow>& rows, const std::vector<std::int64_t>& from) {
    if (rows.empty()) {
        return;
    }
    if (rows.size() != from.size()) {
        throw std::logic_error("each updated saga needs the version it was read at");
    }
    const std::string lists_are_kept = lists_.keep_changed(sql_, rows);
    sql_.execute_later(
        kUpdateSagas,
        list_of(
            column(rows, merchant_of_saga), column(rows, id_of_saga), Parameter(from),
            column(rows, &SagaRow::definition_version), column(rows, &SagaRow::state), column(rows, &SagaRow::version),
            column(rows, data_of_saga), column(rows, &SagaRow::subject), column(rows, &SagaRow::shard),
            column(rows, &SagaRow::next_wake), column(rows, &SagaRow::final), column(rows, &SagaRow::incident),
            column(rows, &SagaRow::updated_at), lists_are_kept),
        all_of(rows.size(), "updating sagas"));
}

void PgTransaction::insert_history(const std::vector<HistoryRow>& rows) {
    if (rows.empty()) {
        return;
    }
    sql_.execute_later(
        kInsertHistory,
        list_of(
            column(rows, [](const HistoryRow& row) { return row.key.merchant; }),
            column(rows, [](const HistoryRow& row) -> const std::string& { return row.key.saga_id; }),
            column(rows, &HistoryRow::version), column(rows, &HistoryRow::at), column(rows, &HistoryRow::from_state),
            column(rows, &HistoryRow::to_state), column(rows, &HistoryRow::event), column(rows, &HistoryRow::cause),
            column(rows, &HistoryRow::note),
            column(rows, [](const HistoryRow& row) { return runtime::dump_json(row.details); })));
}

void PgTransaction::insert_signals(const std::vector<SignalRow>& rows) {
    if (rows.empty()) {
        return;
    }
    sql_.execute_later(
        kInsertSignals, list_of(
                            column(rows, [](const SignalRow& row) { return row.key.merchant; }),
                            column(rows, [](const SignalRow& row) -> const std::string& { return row.key.saga_id; }),
                            column(rows, &SignalRow::event),
                            column(rows, [](const SignalRow& row) { return runtime::dump_json(row.payload); }),
                            column(rows, &SignalRow::cause)));
}

}  // namespace ordersaga::db
