// What the engine knows of a kind of saga. A definition is pure: no clock, socket, transaction, logger or random number
// inside; time comes in as a value. Everything a transition wants from the world leaves as data in a Decision.
//
// Thread: a definition is immutable after construction and may be used from any thread.
#pragma once

#include "runtime/clock.hpp"
#include "sagas/outcome.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::sagas {

using runtime::Duration;
using runtime::Instant;

// A fact in the past tense. `cause` is a short text for the history ("webhook orders/cancelled", "operator anna: ...").
struct Event {
    std::string name;
    nlohmann::json payload = nlohmann::json::object();
    std::string cause;
};

// A command of this saga that is not closed yet, as decide sees it.
struct OpenCommand {
    std::string command_id;
    std::string activity;
    std::string idempotency_key;
    bool perhaps_applied = false;  // an attempt has left: withdrawing is no longer an option, only its outcome tells
    std::optional<Instant> perhaps_until{};  // ... but from then on it is; absent: nobody knows yet
};

struct SagaSnapshot {
    std::string saga_id;
    int definition_version = 1;
    std::string state;
    std::int64_t version = 0;
    nlohmann::json data;
    std::vector<OpenCommand> open_commands;
};

// An order to a worker. The engine stores it, waits for its lane, sends it, retries it by the activity's policy.
struct Command {
    std::string activity;         // names the policy and, with its family, the queue
    std::string lane;             // "store:<id>" or "warehouse:<id>": one credential's budget
    std::string idempotency_key;  // unique per saga; the same on every attempt
    nlohmann::json payload = nlohmann::json::object();
    Duration delay{0};  // earliest send, from now
    // On whose behalf: what waits in one lane leaves in turn of origins, so that a thousand orders of one store do not stand
    // before the one of another. May be empty.
    std::string origin = {};
};

// A change to rows the engine does not know (stock, for one), settled by the participant in the same transaction.
// Settling may answer with events, which are decided in the same batch.
struct Effect {
    std::string name;
    nlohmann::json payload = nlohmann::json::object();
};

// A message for others on the public events exchange.
struct Announcement {
    std::string routing_key;
    nlohmann::json body = nlohmann::json::object();
};

struct Decision {
    bool handled = false;  // false: no transition; `note` says why, the event is kept in the history as ignored
    bool silent = false;   // not handled and not worth a line: a repeat that tells nothing new
    std::string meaning;   // the event as it was understood (TimeReached as HoldExpired); empty: as nothing
    std::string state;     // by name, never by number
    nlohmann::json data;   // the saga's new data
    std::vector<Command> commands;
    std::vector<std::string> withdraw;  // command ids to close unsent; legal only while not perhaps_applied
    std::vector<Effect> effects;
    std::vector<Announcement> announcements;
    std::optional<Instant> next_wake;     // required unless the new state is final
    std::optional<std::string> incident;  // a cause for a person; opens (or replaces) the saga's incident
    bool closes_incident = false;
    std::string note;  // one line for the history
};

// How often and how long one activity is tried.
struct ActivityPolicy {
    std::string family;  // "shopify" or "warehouse": the queue
    bool write = true;   // an unanswered write is unknown, an unanswered read is retryable
    int priority = 2;    // 0 first (cancel), 1 lookup, 2 create, 3 poll
    double tokens = 1;   // what one call takes from its lane's budget
    Duration initial_interval = std::chrono::seconds(1);
    double coefficient = 2;
    Duration max_interval = std::chrono::minutes(15);
    int max_attempts = 12;                                // counted attempts; throttling does not count
    Duration start_to_close = std::chrono::seconds(20);   // one attempt, from sending to its outcome
    Duration call_deadline = std::chrono::seconds(10);    // the worker's HTTP call, within start_to_close
    Duration send_within = std::chrono::seconds(5);       // send_before = sent + this
    Duration lookup_delay = std::chrono::seconds(2);      // after an unknown write, before a lookup may say "none"
    Duration schedule_to_close = std::chrono::hours(24);  // all attempts together
};

class SagaDefinition {
public:
    virtual ~SagaDefinition() = default;

    virtual std::string_view kind() const = 0;
    virtual int version() const = 0;
    // Older versions whose stored sagas this definition can still decide.
    virtual bool can_load(int definition_version) const = 0;
    virtual std::string_view initial_state() const = 0;
    virtual bool is_final(std::string_view state) const = 0;
    virtual bool knows(std::string_view state) const = 0;

    // Total: every (state, event) gives a decision. Throws only for a broken snapshot or payload (the item is parked).
    virtual Decision decide(const SagaSnapshot& saga, const Event& event, Instant now) const = 0;

    // The event that tells the saga how a command ended. `exhausted`: a retryable outcome that will not be retried.
    virtual Event event_of(
        std::string_view activity,
        const nlohmann::json& command_payload,
        const Outcome& outcome,
        bool exhausted) const = 0;

    // Policy of an activity this definition or its duties use; throws std::out_of_range for an unknown name.
    virtual const ActivityPolicy& policy_of(std::string_view activity) const = 0;

    // The outcome a preview assumes for a command: the plain success.
    virtual Outcome assumed_outcome(std::string_view activity, const nlohmann::json& command_payload) const = 0;
    // The event a preview assumes in a state that waits for something else than a command; absent: none.
    virtual std::optional<Event> assumed_event(std::string_view state) const = 0;
};

}  // namespace ordersaga::sagas
