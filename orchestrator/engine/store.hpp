// The engine's memory, as narrow as it can be: rows of sagas, commands, signals, lanes and duties, read and written
// set-wise inside one transaction. The real one is PostgreSQL (db/pg_store.hpp), the simulated one lives in memory with
// the same transaction rules (tests/support/sim_store.hpp).
//
// Rows are locked in one sequence, everywhere; within a table in the sequence of their keys, all in one statement:
//
//   1 duty commands                            5 sagas
//   2 duties                                   6 their commands
//   3 the participant's receipts of arrivals   7 what else is the participant's
//   4 what these are about                     8 incidents
//                                              9 lanes, then the incidents of lanes
//
// What has to be locked later than its turn is taken with Turn::never: the lock
// is had at once, or the work begins again. Claims skip what another has locked, so they never wait either; what they
// took counts as locked in its turn. Nobody who holds a row ever waits for one before it, so two engines never wait for each
// other. The simulated store checks it on every statement.
//
// Thread: a Store and its transactions belong to one thread at a time.
#pragma once

#include "runtime/clock.hpp"
#include "sagas/ids.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace ordersaga::engine {

using runtime::Duration;
using runtime::Instant;
using sagas::MerchantId;
using sagas::SagaId;

// Nothing was changed; the same work may be tried again at once or later (lost link, serialization, lock timeout, ...).
class StoreUnavailable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The commit's outcome is not known. Safe answer: run the same inputs again; each is recognised if it was applied.
class StoreInDoubt : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Some row of this work is impossible (a CHECK, a type, a key): the item must stand alone and be parked.
class BadItem : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Whether a statement may wait for rows that another transaction has locked.
enum class Turn {
    in_turn,  // it comes in its place of the sequence above: it waits
    never,    // it comes late: StoreUnavailable when a row is taken
};

struct SagaKey {
    MerchantId merchant;
    SagaId saga_id;
    friend auto operator<=>(const SagaKey&, const SagaKey&) = default;
};

struct SagaRow {
    SagaKey key;
    std::string kind;
    int definition_version = 1;
    std::string state;
    std::int64_t version = 0;  // +1 per applied event; every update must hit exactly the version that was read
    nlohmann::json data;
    std::string subject;  // for people: "eu #1001"
    int shard = 0;
    std::optional<Instant> next_wake;  // absent only when final (a CHECK)
    bool final = false;
    std::optional<std::string> incident;  // the open incident's cause
    Instant created_at{};
    Instant updated_at{};
    std::string trace;  // W3C traceparent of the first input
};

struct HistoryRow {
    SagaKey key;
    std::int64_t version = 0;
    Instant at{};
    std::string from_state;
    std::string to_state;
    std::string event;
    std::string cause;
    std::string note;
    nlohmann::json details = nlohmann::json::object();  // event payload, its meaning, commands and effects of this step
};

enum class CommandState { waiting, sent, closed };

// The priority of what is looked up, which what has waited for long is given, too, and of what is polled
// (sagas::ActivityPolicy).
constexpr int asked_first = 1, polled = 3;

struct CommandRow {
    MerchantId merchant;
    std::string command_id;  // UUIDv7; also the AMQP message id together with the attempt
    SagaId saga_id;          // empty: a duty's command
    std::string duty;        // "<duty name>/<subject>" when saga_id is empty
    std::string activity;
    std::string lane;
    std::string origin;  // sagas::Command
    int priority = 2;
    double tokens = 1;
    CommandState state = CommandState::waiting;
    nlohmann::json payload;
    std::string idempotency_key;
    int attempt = 0;            // attempts sent so far
    int counted_attempts = 0;   // without those that were throttled or blocked
    std::string attempt_token;  // of the open attempt
    bool perhaps_applied = false;
    bool lookup_first = false;
    Instant created_at{};
    Instant due_at{};
    std::optional<Instant> sent_at;
    std::optional<Instant> send_before;
    std::optional<Instant> deadline;  // of the open attempt: no outcome by then = unknown (write) or retryable (read)
    std::optional<Instant> published_at;
    std::optional<Instant> closed_at;
    std::string outcome;     // kind, when closed
    std::string last_error;  // for people
    std::string trace;
};

// One credential's budget at a peer.
struct LaneRow {
    MerchantId merchant;
    std::string lane;
    double tokens = 0;
    double capacity = 0;
    double per_second = 0;
    Instant refilled_at{};
    Instant not_before{};
    int window = 8;                  // attempts in flight at most
    int in_flight = 0;               // as counted from rows in state `sent`
    bool has_waiting = true;         // some stored command of it waits, due or not
    std::string breaker = "closed";  // closed | open | probing
    int failures = 0;                // consecutive
    std::string served_last;         // the origin whose turn it was
    std::optional<Instant> opened_at;
    std::string reason;       // why it is not closed
    bool reads_only = false;  // the database was restored: its peers are asked, and nothing is written to them
};

// An event left for a saga by a transaction that must not lock it.
struct SignalRow {
    SagaKey key;
    std::int64_t signal_id = 0;
    std::string event;
    nlohmann::json payload;
    std::string cause;
};

// Something done again and again for a subject (poll a store, read a warehouse's stock).
struct DutyRow {
    MerchantId merchant;
    std::string duty;     // "PollPeer"
    std::string subject;  // "store:7"
    Instant next_due{};
    nlohmann::json memory = nlohmann::json::object();  // watermark and the like
    std::string command_id;                            // the open command; empty when none
};

// The broker has this attempt of the command, since `at`.
struct Confirmed {
    std::string command_id;
    std::string attempt_token;
    Instant at{};
};
struct AnnouncementRow {
    MerchantId merchant;
    std::int64_t announcement_id = 0;
    std::string routing_key;
    nlohmann::json body;
};

struct IncidentRow {
    MerchantId merchant;
    std::string incident_key;  // unique while open: opening it again updates the text, if that is new
    SagaId saga_id;            // may be empty
    std::string cause;
    std::string text;

    bool operator==(const IncidentRow&) const = default;
};

// When what is scheduled comes due, by the claim that will find it; absent: there is none.
struct NextDue {
    std::optional<Instant> sagas;              // claim_waking_sagas, without what has a deadline
    std::optional<Instant> deadlines;          // claim_waking_sagas and claim_expired_duty_commands
    std::optional<Instant> duties;             // claim_due_duties
    std::optional<Instant> sending;            // lanes_with_work and claim_announcements
    std::optional<Instant> unconfirmed_since;  // claim_unpublished_commands: how long it waits is the engine's affair
};

struct AuditRow {
    MerchantId merchant;
    Instant at{};
    std::string actor;
    std::string action;
    std::string subject;
    std::string reason;
    nlohmann::json details = nlohmann::json::object();
};

// Everything one batch writes of the engine's own rows, applied set-wise in this order.
struct Changes {
    std::vector<SagaRow> new_sagas;
    std::vector<SagaRow> updated_sagas;  // version = the new one; the stored one must be one of its predecessors:
    std::vector<std::int64_t>
        updated_from;  // ... exactly this, in parallel; else StoreUnavailable (someone was faster)
    std::vector<HistoryRow> history;
    std::vector<CommandRow> new_commands;
    std::vector<CommandRow> updated_commands;  // by command_id: all mutable columns
    std::vector<SignalRow> new_signals;
    std::vector<DutyRow> updated_duties;
    std::vector<IncidentRow> opened_incidents;
    std::vector<std::pair<MerchantId, std::string>> closed_incidents;  // by incident_key
    std::vector<AuditRow> audit;
};

class Transaction {
public:
    virtual ~Transaction() = default;

    // Database time at the start of this transaction.
    virtual Instant now() = 0;

    // In the order of their keys. Unknown keys are left out.
    virtual std::vector<SagaRow> lock_sagas(const std::vector<SagaKey>& keys) = 0;
    // Sagas whose next_wake has come, that have signals, or that own a sent command past its deadline. Skips locked ones.
    virtual std::vector<SagaRow> claim_waking_sagas(Instant now, std::size_t limit) = 0;
    // Takes (deletes) the signals of these sagas, oldest first.
    virtual std::vector<SignalRow> take_signals(const std::vector<SagaKey>& keys) = 0;
    // Commands of these sagas that are not closed, locked.
    virtual std::vector<CommandRow> open_commands(const std::vector<SagaKey>& keys) = 0;

    // Duty commands by id, locked; unknown or closed ones are left out.
    virtual std::vector<CommandRow> lock_duty_commands(const std::vector<std::pair<MerchantId, std::string>>& ids) = 0;
    // Sent duty commands past their deadline. Skips locked ones.
    virtual std::vector<CommandRow> claim_expired_duty_commands(Instant now, std::size_t limit) = 0;
    // Lets a duty's command that still waits go before those of its lane that are not asked for first. Skips a locked one.
    virtual void hurry_duty_command(MerchantId merchant, const std::string& command_id) = 0;
    // Due now or within so long. Skips locked ones.
    virtual std::vector<DutyRow> claim_due_duties(Duration within, std::size_t limit) = 0;
    virtual std::vector<DutyRow> lock_duties(
        const std::vector<std::pair<MerchantId, std::string>>& duties) = 0;  // "<duty>/<subject>"
    // The same without a lock, for who only wants to know its memory.
    virtual std::vector<DutyRow> read_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) = 0;

    // Lanes that have a waiting command due by `now` and whose not_before has passed; no lock.
    virtual std::vector<std::pair<MerchantId, std::string>> lanes_with_work(Instant now, std::size_t limit) = 0;
    // Locked, by key; one that does not exist yet is left out. `in_flight` is counted, and `has_waiting` looked for, when all
    // are locked: who changes either holds the lane.
    virtual std::vector<LaneRow> lock_lanes(const std::vector<std::pair<MerchantId, std::string>>& lanes) = 0;
    // Those of them that nobody has created yet; no lock.
    virtual std::vector<std::pair<MerchantId, std::string>> missing_lanes(
        const std::vector<std::pair<MerchantId, std::string>>& lanes) = 0;
    // Before any lane is locked, by key; one that exists by now stays as it is. Who holds a lane that another one waits to
    // create has created it, so it waits for no earlier one: not a lock out of sequence.
    virtual void create_lanes(const std::vector<LaneRow>& lanes) = 0;
    virtual void write_lanes(const std::vector<LaneRow>& lanes) = 0;
    // Waiting commands of one lane due by `now`, those that leave first by in_turn() (lanes.hpp), in no sequence. Skips locked
    // ones. `asking`: only those of duties, of the priorities of lookups and polls.
    virtual std::vector<CommandRow> claim_waiting_commands(
        MerchantId merchant,
        const std::string& lane,
        Instant now,
        std::size_t limit,
        const std::string& served_last = {},
        bool asking = false) = 0;
    // Sent commands that nobody confirmed as published since before `sent_before`. Skips locked ones.
    virtual std::vector<CommandRow> claim_unpublished_commands(Instant sent_before, std::size_t limit) = 0;
    virtual void mark_published(const std::vector<Confirmed>& confirmed) = 0;
    virtual void add_announcements(std::vector<AnnouncementRow>& rows) = 0;           // and tells their ids
    virtual std::vector<AnnouncementRow> claim_announcements(std::size_t limit) = 0;  // not yet published; SKIP LOCKED
    virtual void delete_announcements(const std::vector<std::int64_t>& ids) = 0;

    // The earliest instants at which the claims above would find something; no lock, and one question for all of them.
    virtual NextDue next_due() = 0;

    virtual void write(const Changes& changes) = 0;
    // Keeps an input that cannot be applied where an operator sees it: kind, subject, reason, the input itself.
    virtual void park(
        MerchantId merchant,
        const std::string& kind,
        const std::string& subject,
        const std::string& reason,
        const nlohmann::json& input) = 0;
};

class Store {
public:
    virtual ~Store() = default;

    enum class Ending { commit, roll_back };

    // Runs `work` in one transaction. An exception from `work` rolls back and passes through. Throws StoreUnavailable,
    // StoreInDoubt (only from the commit) or BadItem. Never repeats anything by itself.
    virtual void transact(const std::function<void(Transaction&)>& work, Ending ending = Ending::commit) = 0;
};

}  // namespace ordersaga::engine
