#include "db/pg_transaction.hpp"
#include "db/row_reader.hpp"

namespace ordersaga::db {

using engine::CommandRow;
using engine::CommandState;
using engine::SagaKey;
using sagas::MerchantId;

namespace {

constexpr const char* kColumns =
    "merchant_id, command_id, saga_id, duty, activity, lane, origin, priority, tokens, state, payload, "
    "idempotency_key, "
    "attempt, counted_attempts, attempt_token, perhaps_applied, lookup_first, created_at, due_at, sent_at, "
    "send_before, deadline, published_at, closed_at, outcome, last_error, trace";

constexpr std::size_t columns_of_command = 27;

// Saga by saga, whatever the planner thinks: planned while there were none, it would walk over all that are open for each saga.
// Whose saga is locked nobody else locks, so the sequence does not matter.
constexpr const char* kOpenCommands =
    R"sql( FROM (SELECT * FROM unnest($1::bigint[], $2::uuid[])) AS wanted (of_merchant, of_saga),
           LATERAL (SELECT * FROM commands
                     WHERE merchant_id = of_merchant AND saga_id = of_saga AND state <> 'closed'
                       FOR NO KEY UPDATE) command
     ORDER BY merchant_id, command_id)sql";

constexpr const char* kLockDutyCommands = R"sql( FROM commands
     WHERE saga_id IS NULL AND state <> 'closed'
       AND (merchant_id, command_id) IN (SELECT * FROM unnest($1::bigint[], $2::uuid[]))
     ORDER BY merchant_id, command_id
       FOR NO KEY UPDATE)sql";

constexpr const char* kClaimExpiredDutyCommands = R"sql( FROM commands
     WHERE saga_id IS NULL AND state = 'sent' AND deadline <= $1::timestamptz
     ORDER BY deadline
     LIMIT $2::bigint
       FOR NO KEY UPDATE SKIP LOCKED)sql";

// What another batch holds is not waited for: that batch is sending it.
constexpr const char* kHurryDutyCommand = R"sql(
    UPDATE commands SET priority = $3
     WHERE (merchant_id, command_id) IN (
            SELECT merchant_id, command_id
              FROM commands
             WHERE merchant_id = $1::bigint AND command_id = $2::uuid
               AND saga_id IS NULL AND state = 'waiting' AND priority > $3
               FOR NO KEY UPDATE SKIP LOCKED))sql";

// Walks from origin to origin over the index of waiting commands, so that a long queue of one of them costs nothing here.
constexpr const char* kClaimWaiting = R"sql( FROM commands
     WHERE merchant_id = $1::bigint AND state = 'waiting' AND command_id = ANY (ARRAY(
            WITH RECURSIVE line AS (
                (SELECT priority, origin FROM commands
                  WHERE merchant_id = $1::bigint AND lane = $2 AND state = 'waiting'
                  ORDER BY priority, origin LIMIT 1)
                UNION ALL
                SELECT next.priority, next.origin
                  FROM line, LATERAL (SELECT priority, origin FROM commands
                                       WHERE merchant_id = $1::bigint AND lane = $2 AND state = 'waiting'
                                         AND (priority, origin) > (line.priority, line.origin)
                                       ORDER BY priority, origin LIMIT 1) next)
            SELECT own.command_id
              FROM line, LATERAL (SELECT command_id, row_number() OVER (ORDER BY due_at, command_id) AS turn
                                    FROM commands
                                   WHERE merchant_id = $1::bigint AND lane = $2 AND state = 'waiting'
                                     AND priority = line.priority AND origin = line.origin AND due_at <= $3::timestamptz
                                     AND (NOT $6::boolean OR (saga_id IS NULL AND priority IN (1, 3)))
                                   ORDER BY due_at, command_id
                                   LIMIT $4::bigint) own
             ORDER BY line.priority, own.turn, line.origin <= $5, line.origin
             LIMIT $4::bigint))
       FOR NO KEY UPDATE SKIP LOCKED)sql";

constexpr const char* kClaimUnpublished = R"sql( FROM commands
     WHERE state = 'sent' AND published_at IS NULL AND sent_at <= $1::timestamptz
     ORDER BY sent_at
     LIMIT $2::bigint
       FOR NO KEY UPDATE SKIP LOCKED)sql";

// A command that another batch holds is not waited for: that batch is ending it. (Waiting here, without the saga's
// lock, would also be out of the lock order.)
constexpr const char* kMarkPublished = R"sql(
    WITH confirmed AS (
        SELECT command.command_id, confirmed.at
          FROM commands command
          JOIN unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS confirmed (command_id, attempt_token, at)
               USING (command_id)
         WHERE command.state = 'sent' AND command.attempt_token = confirmed.attempt_token
           FOR NO KEY UPDATE OF command SKIP LOCKED)
    UPDATE commands SET published_at = confirmed.at FROM confirmed WHERE commands.command_id = confirmed.command_id)sql";

constexpr const char* kInsert = R"sql(
    INSERT INTO commands (merchant_id, command_id, saga_id, duty, activity, lane, origin, priority, tokens, state, payload,
                          idempotency_key, attempt, counted_attempts, attempt_token, perhaps_applied, lookup_first,
                          created_at, due_at, sent_at, send_before, deadline, published_at, closed_at, outcome,
                          last_error, trace)
    SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                         $8::smallint[], $9::double precision[], $10::text[], $11::jsonb[], $12::text[], $13::integer[],
                         $14::integer[], $15::text[], $16::boolean[], $17::boolean[], $18::timestamptz[],
                         $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[],
                         $23::timestamptz[], $24::timestamptz[], $25::text[], $26::text[], $27::text[]))sql";

// What a command is for never changes; only how it fares does.
constexpr const char* kUpdate = R"sql(
    UPDATE commands command
       SET priority = new.priority, state = new.state, attempt = new.attempt, counted_attempts = new.counted_attempts,
           attempt_token = new.attempt_token, perhaps_applied = new.perhaps_applied, lookup_first = new.lookup_first,
           due_at = new.due_at, sent_at = new.sent_at, send_before = new.send_before, deadline = new.deadline,
           published_at = new.published_at, closed_at = new.closed_at, outcome = new.outcome,
           last_error = new.last_error
      FROM unnest($1::bigint[], $2::uuid[], $3::smallint[], $4::text[], $5::integer[], $6::integer[], $7::text[],
                  $8::boolean[], $9::boolean[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[],
                  $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::text[], $17::text[])
        AS new (merchant_id, command_id, priority, state, attempt, counted_attempts, attempt_token, perhaps_applied,
                lookup_first, due_at, sent_at, send_before, deadline, published_at, closed_at, outcome, last_error)
     WHERE command.merchant_id = new.merchant_id AND command.command_id = new.command_id
       AND command.state <> 'closed')sql";

std::string select(const char* rest) {
    return std::string("SELECT ") + kColumns + rest;
}

const char* name_of_state(const CommandRow& row) {
    switch (row.state) {
        case CommandState::waiting: return "waiting";
        case CommandState::sent: return "sent";
        case CommandState::closed: return "closed";
    }
    throw std::logic_error("a command is in no known state");
}

CommandState state_of(const std::string& name) {
    if (name == "waiting") {
        return CommandState::waiting;
    }
    return name == "sent" ? CommandState::sent : CommandState::closed;
}

CommandRow read_command(RowReader& row) {
    CommandRow command;
    command.merchant = row.id<MerchantId>();
    command.command_id = row.text();
    command.saga_id = row.text_or_empty();
    command.duty = row.text();
    command.activity = row.text();
    command.lane = row.text();
    command.origin = row.text();
    command.priority = row.int32();
    command.tokens = row.real();
    command.state = state_of(row.text());
    command.payload = row.json();
    command.idempotency_key = row.text();
    command.attempt = row.int32();
    command.counted_attempts = row.int32();
    command.attempt_token = row.text();
    command.perhaps_applied = row.boolean();
    command.lookup_first = row.boolean();
    command.created_at = row.instant();
    command.due_at = row.instant();
    command.sent_at = row.optional_instant();
    command.send_before = row.optional_instant();
    command.deadline = row.optional_instant();
    command.published_at = row.optional_instant();
    command.closed_at = row.optional_instant();
    command.outcome = row.text();
    command.last_error = row.text();
    command.trace = row.text();
    return command;
}

// Peers' words end up here; a NUL in one must not park the command.
std::string without_nul(std::string text) {
    for (char& character : text) {
        if (character == '\0') {
            character = ' ';
        }
    }
    return text;
}

}  // namespace

std::vector<CommandRow> PgTransaction::open_commands(const std::vector<SagaKey>& keys) {
    if (keys.empty()) {
        return {};
    }
    return read_all(
        sql_.query(select(kOpenCommands), {column(keys, &SagaKey::merchant), column(keys, &SagaKey::saga_id)}),
        read_command);
}

std::vector<CommandRow> PgTransaction::lock_duty_commands(const std::vector<std::pair<MerchantId, std::string>>& ids) {
    if (ids.empty()) {
        return {};
    }
    using Id = std::pair<MerchantId, std::string>;
    const db::Rows locked = sql_.query(
        std::string("SELECT ") + kColumns + ", now()" + kLockDutyCommands,
        {column(ids, &Id::first), column(ids, &Id::second)});
    if (!locked.empty()) now_ = locked.instant(0, columns_of_command);
    return read_all(locked, read_command);
}

std::vector<CommandRow> PgTransaction::claim_expired_duty_commands(Instant now, std::size_t limit) {
    return read_all(sql_.query(select(kClaimExpiredDutyCommands), {now, limit}), read_command);
}

void PgTransaction::hurry_duty_command(MerchantId merchant, const std::string& command_id) {
    sql_.execute(kHurryDutyCommand, {merchant, command_id, engine::asked_first});
}

std::vector<CommandRow> PgTransaction::claim_waiting_commands(
    MerchantId merchant,
    const std::string& lane,
    Instant now,
    std::size_t limit,
    const std::string& served_last,
    bool asking) {
    return read_all(sql_.query(select(kClaimWaiting), {merchant, lane, now, limit, served_last, asking}), read_command);
}

std::vector<CommandRow> PgTransaction::claim_unpublished_commands(Instant sent_before, std::size_t limit) {
    return read_all(sql_.query(select(kClaimUnpublished), {sent_before, limit}), read_command);
}

void PgTransaction::mark_published(const std::vector<engine::Confirmed>& confirmed) {
    if (confirmed.empty()) {
        return;
    }
    using engine::Confirmed;
    sql_.execute(
        kMarkPublished, {column(confirmed, &Confirmed::command_id), column(confirmed, &Confirmed::attempt_token),
                         column(confirmed, &Confirmed::at)});
}

void PgTransaction::insert_commands(const std::vector<CommandRow>& rows) {
    if (rows.empty()) {
        return;
    }
    sql_.execute_later(
        kInsert,
        list_of(
            column(rows, &CommandRow::merchant), column(rows, &CommandRow::command_id),
            column(rows, [](const CommandRow& row) { return null_if_empty(row.saga_id); }),
            column(rows, &CommandRow::duty), column(rows, &CommandRow::activity), column(rows, &CommandRow::lane),
            column(rows, &CommandRow::origin), column(rows, &CommandRow::priority), column(rows, &CommandRow::tokens),
            column(rows, name_of_state),
            column(rows, [](const CommandRow& row) { return runtime::dump_json(row.payload); }),
            column(rows, &CommandRow::idempotency_key), column(rows, &CommandRow::attempt),
            column(rows, &CommandRow::counted_attempts), column(rows, &CommandRow::attempt_token),
            column(rows, &CommandRow::perhaps_applied), column(rows, &CommandRow::lookup_first),
            column(rows, &CommandRow::created_at), column(rows, &CommandRow::due_at),
            column(rows, &CommandRow::sent_at), column(rows, &CommandRow::send_before),
            column(rows, &CommandRow::deadline), column(rows, &CommandRow::published_at),
            column(rows, &CommandRow::closed_at), column(rows, &CommandRow::outcome),
            column(rows, [](const CommandRow& row) { return without_nul(row.last_error); }),
            column(rows, &CommandRow::trace)));
}

void PgTransaction::update_commands(const std::vector<CommandRow>& rows) {
    if (rows.empty()) {
        return;
    }
    sql_.execute_later(
        kUpdate,
        list_of(
            column(rows, &CommandRow::merchant), column(rows, &CommandRow::command_id),
            column(rows, &CommandRow::priority), column(rows, name_of_state), column(rows, &CommandRow::attempt),
            column(rows, &CommandRow::counted_attempts), column(rows, &CommandRow::attempt_token),
            column(rows, &CommandRow::perhaps_applied), column(rows, &CommandRow::lookup_first),
            column(rows, &CommandRow::due_at), column(rows, &CommandRow::sent_at),
            column(rows, &CommandRow::send_before), column(rows, &CommandRow::deadline),
            column(rows, &CommandRow::published_at), column(rows, &CommandRow::closed_at),
            column(rows, &CommandRow::outcome),
            column(rows, [](const CommandRow& row) { return without_nul(row.last_error); })),
        all_of(rows.size(), "updating commands"));
}

}  // namespace ordersaga::db
