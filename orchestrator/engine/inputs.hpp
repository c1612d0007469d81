// What the engine is fed: everything that can move a saga, as values. Each input may be given more than once; the second
// time is recognised inside the transaction and changes nothing.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "sagas/definition.hpp"

#include <any>
#include <functional>
#include <optional>
#include <string>
#include <variant>

namespace ordersaga::engine {

// Something from outside whose saga is not known yet; only the participant understands it.
struct Arrival {
    MerchantId merchant;
    std::any content;
    std::string trace;  // W3C traceparent; may be empty
    // It locks out of the usual sequence, because it is answered before sagas are locked: it has a batch to itself.
    bool alone = false;
    // Who sends it: what one sender sends waits in a line of its own. Empty: somebody waits for it, it goes first.
    std::string line = {};
    // It locks nothing that other inputs lock, and nobody is in a hurry for it: an engine of its own may take it.
    bool apart = false;
};

// The outcome of one attempt of a command.
struct OutcomeArrived {
    MerchantId merchant;
    SagaId saga_id;  // empty: a duty's command
    std::string command_id;
    std::string attempt_token;  // must be the open one, else the outcome is evidence only
    sagas::Outcome outcome;
    bool can_wait = false;  // nobody waits for it: it may go along with what comes next
};

// An event for a known saga, from an operator or a test.
struct SagaTold {
    SagaKey saga;
    sagas::Event event;
    std::optional<std::int64_t> expected_version;  // If-Match
    std::optional<AuditRow> audit;                 // written in the same transaction
};

// A person has looked after an incident of no saga, or of one that is over. While a saga goes on its incident keeps it on
// somebody's list, and only what the saga is told may close it: refused.
struct IncidentLookedAfter {
    MerchantId merchant;
    SagaId saga_id;  // empty: none
    std::string incident_key;
    AuditRow audit;
};

struct InputResult {
    enum class Kind {
        applied,      // committed
        duplicate,    // committed before; nothing changed now
        ignored,      // understood, nothing to do; recorded
        parked,       // could not be applied; kept where an operator sees it, with the reason
        refused,      // what it is about does not exist, moved on or does not permit it
        unavailable,  // nothing is known to be stored; give it again
    };
    Kind kind = Kind::applied;
    std::string reason;
    SagaId saga_id;
    std::string state;         // the saga's state afterwards, where one was touched
    std::int64_t version = 0;  // ... and its version
};

struct Input {
    std::variant<Arrival, OutcomeArrived, SagaTold, IncidentLookedAfter> content;
    // Required. Called once, on the engine's thread, after the commit (or with `unavailable`, by a caller that gives up).
    std::function<void(const InputResult&)> done;
};

}  // namespace ordersaga::engine
