#include "db/restored.hpp"

#include "db/row_reader.hpp"

#include <stdexcept>

namespace ordersaga::db {

namespace {

// The timeline as of now; that of the last checkpoint may be older. A dump that was loaded has a new table, a new server or a
// standby that took over another timeline.
constexpr std::string_view kIdentity = R"sql(
    SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '/' ||
           (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || 'sagas'::regclass::oid
      FROM pg_control_system())sql";

// One at a time: who comes second finds the identity that the first has written.
constexpr std::string_view kLock = "LOCK TABLE database_seen IN SHARE ROW EXCLUSIVE MODE";
constexpr std::string_view kSeen = "SELECT identity FROM database_seen";
constexpr std::string_view kSee = R"sql(
    INSERT INTO database_seen (identity) VALUES ($1)
        ON CONFLICT (merchant_id) DO UPDATE SET identity = excluded.identity)sql";

// Every listing and every open command is touched at once, which may take longer than a statement of the engine may.
constexpr std::string_view kTakeTime = "SET LOCAL statement_timeout = '10min'";

constexpr std::string_view kAlive =
    "SELECT count(*) FROM members WHERE beat_at > clock_timestamp() - interval '10 seconds'";

// Orchestrators beat every second, so their last beat is the last moment that is remembered.
constexpr std::string_view kRemembersUntil = R"sql(
    SELECT least(now(), greatest((SELECT max(beat_at) FROM members), (SELECT max(updated_at) FROM sagas),
                                 (SELECT max(created_at) FROM commands), (SELECT max(at) FROM audit), '-infinity')))sql";

constexpr std::string_view kOpen = R"sql(
    INSERT INTO recoveries (merchant_id, noticed_at, remembers_until, stage, stage_since)
    SELECT merchant_id, now(), $1::timestamptz, 'settling', now() FROM merchants
        ON CONFLICT (merchant_id) DO UPDATE
       SET noticed_at = now(), stage = 'settling', stage_since = now(),
           remembers_until = least(recoveries.remembers_until, excluded.remembers_until))sql";

// A duty asks anew, from the watermark it remembers. What had come back of it and was lost is asked for again.
constexpr std::string_view kCloseDuties = R"sql(
    UPDATE commands SET state = 'closed', closed_at = now(), deadline = NULL, outcome = 'unknown',
                        last_error = 'the database was restored'
     WHERE saga_id IS NULL AND state <> 'closed')sql";
constexpr std::string_view kResetDuties = R"sql(
    UPDATE duties SET command_id = NULL, next_due = now(), memory = memory - '{after,goes_on,again,orders_since}'::text[])sql";
constexpr std::string_view kCloseFlushes =
    "UPDATE flushes SET closed_at = now(), outcome = 'unknown' WHERE closed_at IS NULL";
constexpr std::string_view kDoubtListings =
    "UPDATE listings SET in_flight = 0, wants_read = true, read_open = false, learned = learned + 1";

// Whatever an order waits for may have been done since. The token of the open attempt dies with this, so an outcome of it that
// still lies in a queue counts no more than the look that is taken instead.
constexpr std::string_view kDoubtCommands = R"sql(
    UPDATE commands
       SET state = 'waiting', due_at = CASE state WHEN 'sent' THEN now() ELSE due_at END, created_at = now(),
           deadline = NULL, published_at = NULL, attempt_token = '',
           lookup_first = lookup_first OR activity IN ('RequestFulfillment', 'CancelFulfillment', 'CreateStoreFulfillment', 'SettleStoreOrder'),
           perhaps_applied = true
     WHERE saga_id IS NOT NULL AND state <> 'closed')sql";

constexpr std::string_view kForgetMembers = "DELETE FROM members";
// Far beyond what a day of public events could have used.
constexpr std::string_view kSkipNumbers = R"sql(
    SELECT setval('announcements_announcement_id_seq', last_value + 10000000) FROM announcements_announcement_id_seq)sql";

constexpr std::string_view kTell = R"sql(
    INSERT INTO incidents (merchant_id, incident_key, cause, text, opened_at, updated_at)
    SELECT merchant_id, 'restored', 'the database was restored',
           'it remembers nothing' ||
           coalesce(' since ' || to_char($1::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC', '') ||
           '. Warehouses and stores are asked what they have; nothing is sent to them before that is done',
           now(), now()
      FROM merchants
        ON CONFLICT (merchant_id, incident_key) WHERE closed_at IS NULL
        DO UPDATE SET text = excluded.text, updated_at = now())sql";
constexpr std::string_view kAudit = R"sql(
    INSERT INTO audit (merchant_id, at, actor, action, subject, reason)
    SELECT merchant_id, now(), $1, 'restored', 'database', $2 FROM merchants)sql";

// ---------------------------------------------------------------------------------------------------------------------

constexpr std::string_view kStages = R"sql(
    SELECT recovery.merchant_id, merchants.name, stage, stage_since, now() - stage_since >= $1::bigint * interval '1 second'
      FROM recoveries recovery JOIN merchants USING (merchant_id)
     ORDER BY recovery.merchant_id)sql";
constexpr std::string_view kStagesLocked = " FOR UPDATE OF recovery SKIP LOCKED";

// Whose duty of this name has not been answered by a question asked in this stage. A question that did not fit in one answer
// goes on in further ones; a reading of a few SKUs on demand is none of them.
constexpr std::string_view kUnanswered = R"sql(
    SELECT coalesce(string_agg(peer.key, ', ' ORDER BY peer.key), '')
      FROM duties duty
      JOIN (SELECT merchant_id, 'store:' || store_id AS subject, key, status FROM stores
            UNION ALL
            SELECT merchant_id, 'warehouse:' || warehouse_id, key, status FROM warehouses) peer
        ON peer.merchant_id = duty.merchant_id AND peer.subject = duty.subject
     WHERE duty.merchant_id = $1::bigint AND duty.duty = $2 AND peer.status = 'active'
       AND (duty.memory ? 'goes_on' OR duty.command_id IS NOT NULL
            OR NOT EXISTS (SELECT FROM commands command
                            WHERE command.merchant_id = duty.merchant_id AND command.duty = duty.duty || '/' || duty.subject
                              AND command.state = 'closed' AND command.outcome = 'done'
                              AND coalesce(command.payload -> 'items', '[]') = '[]'
                              AND command.created_at >= $3::timestamptz)))sql";

// What orders have come to ask for meanwhile: the warehouse may have it from the time that is forgotten.
constexpr std::string_view kLookFirst = R"sql(
    UPDATE commands SET lookup_first = true
     WHERE merchant_id = $1::bigint AND saga_id IS NOT NULL AND state <> 'closed' AND activity = 'RequestFulfillment')sql";

constexpr std::string_view kEnter =
    "UPDATE recoveries SET stage = $2, stage_since = now() WHERE merchant_id = $1::bigint";
constexpr std::string_view kWakeDuties =
    "UPDATE duties SET next_due = now() WHERE merchant_id = $1::bigint AND (duty = $2 OR $2 = '')";

// What no order has claimed by now: its saga asks a person, and what belongs to no order that any store tells of is told as it is.
constexpr std::string_view kHandOver = R"sql(
    WITH known AS (
        SELECT found.merchant_id, found.reference, orders.saga_id, found.view
          FROM found_fulfillments found
          JOIN stores ON stores.merchant_id = found.merchant_id AND stores.key = split_part(found.order_key, '.', 1)
          JOIN orders ON orders.merchant_id = stores.merchant_id AND orders.store_id = stores.store_id
                     AND orders.order_id = split_part(found.order_key, '.', 2)
         WHERE found.merchant_id = $1::bigint AND orders.saga_id IS NOT NULL
    ), told AS (
        INSERT INTO signals (merchant_id, saga_id, event, payload, cause)
        SELECT merchant_id, saga_id, 'FulfillmentsUnclear',
               jsonb_build_object('views', jsonb_agg(jsonb_build_object(
                   'reference', reference, 'state', view ->> 'state',
                   'warehouse_order_id', coalesce(view ->> 'warehouse_order_id', '')) ORDER BY reference)),
               'the database was restored'
          FROM known GROUP BY merchant_id, saga_id)
    DELETE FROM found_fulfillments found USING known
     WHERE found.merchant_id = known.merchant_id AND found.reference = known.reference)sql";
// The lanes open only when those sagas know: what they want to send would go out before.
constexpr std::string_view kUntold =
    "SELECT count(*) FROM signals WHERE merchant_id = $1::bigint AND event = 'FulfillmentsUnclear'";
constexpr std::string_view kLeft =
    "SELECT count(*), coalesce(string_agg(reference, ', ' ORDER BY reference), '') FROM found_fulfillments WHERE "
    "merchant_id = $1::bigint";
constexpr std::string_view kTellLeft = R"sql(
    INSERT INTO incidents (merchant_id, incident_key, cause, text, opened_at, updated_at)
    VALUES ($1::bigint, 'found', 'the warehouse has orders of ours that no store tells of', $2, now(), now())
        ON CONFLICT (merchant_id, incident_key) WHERE closed_at IS NULL
        DO UPDATE SET text = excluded.text, updated_at = now())sql";
constexpr std::string_view kCloseIncident =
    "UPDATE incidents SET closed_at = now(), updated_at = now() WHERE merchant_id = $1::bigint AND incident_key = $2 "
    "AND closed_at IS NULL";
constexpr std::string_view kEnd = "DELETE FROM recoveries WHERE merchant_id = $1::bigint";

constexpr std::size_t most_text = 1000;

std::string open_recoveries(Transaction& transaction, const std::string& actor, const std::string& reason) {
    transaction.execute(kTakeTime);
    const std::string remembers = transaction.query(kRemembersUntil).text(0, 0);
    transaction.execute(kOpen, {remembers});
    transaction.execute(kCloseDuties);
    transaction.execute(kResetDuties);
    transaction.execute(kCloseFlushes);
    transaction.execute(kDoubtListings);
    transaction.execute(kDoubtCommands);
    transaction.execute(kForgetMembers);
    transaction.query(kSkipNumbers);
    transaction.execute(kTell, {remembers});
    transaction.execute(kAudit, {actor, reason});
    return remembers;
}

struct OpenRecovery {
    sagas::MerchantId merchant;
    std::string name, stage;
    Instant since{};
    bool settled = false;
};

std::vector<OpenRecovery> stages_of(Transaction& transaction, std::chrono::seconds settling, bool lock) {
    const std::string statement = std::string(kStages) + (lock ? std::string(kStagesLocked) : "");
    return read_all(transaction.query(statement, {static_cast<std::int64_t>(settling.count())}), [](RowReader& row) {
        OpenRecovery recovery;
        recovery.merchant = row.id<sagas::MerchantId>();
        recovery.name = row.text();
        recovery.stage = row.text();
        recovery.since = row.instant();
        recovery.settled = row.boolean();
        return recovery;
    });
}

// Which duty a stage waits for.
const char* duty_of(const std::string& stage) {
    if (stage == "warehouse") return "PollFulfillments";
    if (stage == "stock") return "ReadWarehouseStock";
    return stage == "orders" ? "PollOrders" : nullptr;
}

std::string what_is_missing(Transaction& transaction, const OpenRecovery& recovery) {
    if (recovery.stage == "settling") return recovery.settled ? "" : "calls that were under way";
    const char* duty = duty_of(recovery.stage);
    if (duty == nullptr) return {};
    return transaction.query(kUnanswered, {recovery.merchant, duty, recovery.since}).text(0, 0);
}

void enter(Transaction& transaction, sagas::MerchantId merchant, const char* stage, const char* duty) {
    transaction.execute(kEnter, {merchant, stage});
    transaction.execute(kWakeDuties, {merchant, duty});
}

void end_recovery(Transaction& transaction, sagas::MerchantId merchant) {
    // An answer may have been applied while the way was opened.
    transaction.execute(kHandOver, {merchant});
    const Rows left = transaction.query(kLeft, {merchant});
    if (left.int64(0, 0) > 0) return;
    transaction.execute(kCloseIncident, {merchant, "found"});
    transaction.execute(kEnd, {merchant});
}

void open_the_way(Transaction& transaction, sagas::MerchantId merchant) {
    transaction.execute(kLookFirst, {merchant});
    enter(transaction, merchant, "caught_up", "");
    transaction.execute(kCloseIncident, {merchant, "restored"});
    const Rows left = transaction.query(kLeft, {merchant});
    if (left.int64(0, 0) > 0) transaction.execute(kTellLeft, {merchant, left.text(0, 1).substr(0, most_text)});
}

std::string who_is_not_told(Transaction& transaction, sagas::MerchantId merchant) {
    transaction.execute(kHandOver, {merchant});
    const std::int64_t sagas = transaction.query(kUntold, {merchant}).int64(0, 0);
    return sagas == 0 ? std::string() : std::to_string(sagas) + " of our sagas";
}

}  // namespace

bool notice_restore(Transaction& transaction) {
    const std::string identity = transaction.query(kIdentity).text(0, 0);
    Rows seen = transaction.query(kSeen);
    if (!seen.empty() && seen.text(0, 0) == identity) return false;
    transaction.execute(kLock);
    seen = transaction.query(kSeen);
    const bool other = !seen.empty() && seen.text(0, 0) != identity;
    if (seen.empty() || other) transaction.execute(kSee, {identity});
    if (other) open_recoveries(transaction, "orchestrator", "the database is another one than at the last start");
    return other;
}

std::string declare_restored(Transaction& transaction, const std::string& actor, const std::string& reason) {
    if (transaction.query(kAlive).int64(0, 0) > 0)
        throw std::invalid_argument("an orchestrator is alive, or was ten seconds ago: stop all of them first");
    transaction.execute(kLock);
    transaction.execute(kSee, {transaction.query(kIdentity).text(0, 0)});
    return open_recoveries(transaction, actor, reason);
}

std::vector<RecoveryStage> recoveries(Transaction& transaction) {
    std::vector<RecoveryStage> all;
    for (const OpenRecovery& recovery : stages_of(transaction, lost_calls_end_within, false))
        all.push_back({recovery.name, recovery.stage, what_is_missing(transaction, recovery)});
    return all;
}

std::vector<RecoveryStage> continue_recoveries(Transaction& transaction, std::chrono::seconds settling) {
    std::vector<RecoveryStage> held;
    for (const OpenRecovery& recovery : stages_of(transaction, settling, true)) {
        if (recovery.stage == "caught_up") {
            end_recovery(transaction, recovery.merchant);
            continue;
        }
        std::string missing = what_is_missing(transaction, recovery);
        if (missing.empty() && recovery.stage == "orders") missing = who_is_not_told(transaction, recovery.merchant);
        held.push_back({recovery.name, recovery.stage, missing});
        if (!missing.empty()) continue;
        if (recovery.stage == "settling") enter(transaction, recovery.merchant, "warehouse", "PollFulfillments");
        if (recovery.stage == "warehouse") enter(transaction, recovery.merchant, "stock", "ReadWarehouseStock");
        if (recovery.stage == "stock") enter(transaction, recovery.merchant, "orders", "");
        if (recovery.stage == "orders") open_the_way(transaction, recovery.merchant);
    }
    return held;
}

}  // namespace ordersaga::db
