// What one outcome does to its command and to its lane: the single owner of retries. Pure.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "runtime/random.hpp"
#include "sagas/definition.hpp"

#include <string>

namespace ordersaga::engine {

// After a refusal that names no time of its own: for the command, and for its lane. Short at first, since a token that was
// refused is mostly renewed within the second.
Duration blocked_pause(int times);
inline constexpr Duration throttled_pause = std::chrono::seconds(1);
inline constexpr Duration throttled_cap = std::chrono::hours(1);

enum class AttemptEnd {
    closed,     // tell the saga (or the duty) how it ended
    exhausted,  // the same, but it ended because nobody will try again
    waits,      // another attempt will be made at command.due_at; or none, and the one given up is over at its deadline
};

// Applies the outcome of the open attempt to the command. Never repeats a write blindly: after an unknown outcome the
// next attempt looks first, and not before the lost one has surely ended. When that was the last one nobody is told before
// then either, since what is asked or read earlier may not hold; an answer that comes meanwhile counts.
AttemptEnd end_attempt(
    CommandRow& command,
    const sagas::Outcome& outcome,
    const sagas::ActivityPolicy& policy,
    Instant now,
    runtime::Random& random);

// The publishing of the open attempt may have been repeated, for nobody confirmed it within `relay_after`: it may run twice, side
// by side. Of a write, "surely nothing happened" then speaks for one of the two only.
bool perhaps_runs_twice(const CommandRow& command, Duration relay_after, Instant now);
bool is_harmless(const sagas::Outcome& outcome);

// What the peer itself has decided.
bool settles(sagas::OutcomeKind kind);

// A worker that lost its connection had its command delivered to another one, which runs it until then: what the first has said
// of itself, "surely nothing happened", does not hold for the second. Absent: no attempt has left, or one is in doubt anyhow.
std::optional<Instant> may_run_until(const CommandRow& command, const sagas::ActivityPolicy& policy);
// Nobody may take it for unsent at that moment.
bool is_perhaps_applied(const CommandRow& command, const sagas::ActivityPolicy& policy, Instant at);

// It speaks for the newest attempt, which is under way; or which has had an outcome, but runs twice, since its command was
// delivered twice: then what the peer has decided about the one counts more than what the other did not come to.
bool is_awaited(const CommandRow& command, const std::string& attempt_token, sagas::OutcomeKind kind);

// Its last attempt ended in doubt, and may still be under way.
bool is_given_up(const CommandRow& command);

// What an attempt without an outcome by its deadline counts as.
sagas::Outcome outcome_of_silence(const CommandRow& command, const sagas::ActivityPolicy& policy);

// Opens the next attempt.
void begin_attempt(CommandRow& command, const sagas::ActivityPolicy& policy, Instant now, std::string attempt_token);

}  // namespace ordersaga::engine
