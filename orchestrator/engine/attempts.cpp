#include "orchestrator/engine/attempts.hpp"

#include "runtime/backoff.hpp"
#include "runtime/planted.hpp"

#include <algorithm>

namespace ordersaga::engine {
namespace {

void close(CommandRow& command, std::string_view outcome, Instant now) {
    command.state = CommandState::closed;
    command.outcome = outcome;
    command.closed_at = now;
    command.deadline.reset();
}

void wait_until(CommandRow& command, Instant due) {
    command.state = CommandState::waiting;
    command.due_at = due;
    command.deadline.reset();
    command.published_at.reset();
}

bool may_try_again(const CommandRow& command, const sagas::ActivityPolicy& policy, Instant now) {
    if (runtime::planted("retries_without_end")) return true;
    return command.counted_attempts < policy.max_attempts && now - command.created_at < policy.schedule_to_close;
}

// Nothing is sent any more: neither this attempt again by the relay, nor another one.
void give_up_in_doubt(CommandRow& command, Instant surely_ended, Instant now) {
    command.send_before.reset();
    command.published_at = command.published_at.value_or(now);
    command.deadline = surely_ended;
}

Duration backoff(const CommandRow& command, const sagas::ActivityPolicy& policy, runtime::Random& random) {
    runtime::BackoffPolicy shape{policy.initial_interval, policy.coefficient, policy.max_interval};
    return runtime::next_delay(std::max(1, command.counted_attempts), shape, random);
}

}  // namespace

Duration blocked_pause(int times) {
    constexpr std::chrono::seconds cap{60};
    return std::min(cap, std::chrono::seconds(1 << std::clamp(times - 1, 0, 6)));
}

bool perhaps_runs_twice(const CommandRow& command, Duration relay_after, Instant now) {
    return command.sent_at && command.published_at.value_or(now) - *command.sent_at >= relay_after;
}

std::optional<Instant> may_run_until(const CommandRow& command, const sagas::ActivityPolicy& policy) {
    const bool known_harmless = command.state == CommandState::waiting && !command.perhaps_applied;
    if (!known_harmless || !command.send_before || runtime::planted("second_run_forgotten")) return std::nullopt;
    return *command.send_before + policy.call_deadline;
}

bool is_perhaps_applied(const CommandRow& command, const sagas::ActivityPolicy& policy, Instant at) {
    return command.perhaps_applied || may_run_until(command, policy).value_or(at) > at;
}

bool settles(sagas::OutcomeKind kind) {
    return kind == sagas::OutcomeKind::done || kind == sagas::OutcomeKind::refused ||
           kind == sagas::OutcomeKind::too_late;
}

bool is_awaited(const CommandRow& command, const std::string& attempt_token, sagas::OutcomeKind kind) {
    if (command.attempt_token != attempt_token && !runtime::planted("attempt_fence_skipped")) return false;
    if (command.state == CommandState::sent || runtime::planted("late_outcome_taken")) return true;
    return command.state == CommandState::waiting && !attempt_token.empty() && settles(kind);
}

bool is_harmless(const sagas::Outcome& outcome) {
    using sagas::OutcomeKind;
    return outcome.kind == OutcomeKind::retryable || outcome.kind == OutcomeKind::throttled ||
           outcome.kind == OutcomeKind::blocked;
}

bool is_given_up(const CommandRow& command) {
    return command.state == CommandState::sent && !command.send_before;
}

sagas::Outcome outcome_of_silence(const CommandRow& command, const sagas::ActivityPolicy& policy) {
    sagas::Outcome outcome;
    outcome.kind = policy.write ? sagas::OutcomeKind::unknown : sagas::OutcomeKind::retryable;
    outcome.reason = is_given_up(command) ? command.last_error : "no outcome by the deadline";
    return outcome;
}

AttemptEnd end_attempt(
    CommandRow& command,
    const sagas::Outcome& outcome,
    const sagas::ActivityPolicy& policy,
    Instant now,
    runtime::Random& random) {
    using sagas::OutcomeKind;
    if (outcome.kind != OutcomeKind::done) command.last_error = outcome.reason;
    if (is_given_up(command) && !settles(outcome.kind)) {
        if (now < command.deadline.value_or(now)) return AttemptEnd::waits;
        close(command, "unknown", now);
        return AttemptEnd::exhausted;
    }
    // Until an attempt proved otherwise, a command is "perhaps applied" from the moment it leaves; an outcome that says
    // "surely nothing happened" takes that back, unless an earlier attempt is still in doubt.
    switch (outcome.kind) {
        case OutcomeKind::done:
        case OutcomeKind::refused:
        case OutcomeKind::too_late: close(command, name_of(outcome.kind), now); return AttemptEnd::closed;

        case OutcomeKind::throttled: {
            command.perhaps_applied = command.lookup_first;
            const bool told = outcome.retry_after && !runtime::planted("retry_after_ignored");
            Duration pause = told ? Duration(*outcome.retry_after) : throttled_pause;
            wait_until(command, now + std::clamp(pause, Duration(std::chrono::milliseconds(50)), throttled_cap));
            return AttemptEnd::waits;
        }
        case OutcomeKind::blocked:
            command.perhaps_applied = command.lookup_first;
            wait_until(command, now + blocked_pause(command.attempt - command.counted_attempts));
            return AttemptEnd::waits;

        case OutcomeKind::retryable:
            command.counted_attempts += 1;
            command.perhaps_applied = command.lookup_first;
            if (!may_try_again(command, policy, now)) break;
            wait_until(command, now + backoff(command, policy, random));
            return AttemptEnd::waits;

        case OutcomeKind::unknown: {
            command.counted_attempts += 1;
            command.perhaps_applied = true;
            const bool blindly = runtime::planted("unknown_retried_blindly");
            command.lookup_first = !blindly;
            const Instant surely_ended =
                blindly ? now : command.send_before.value_or(now) + policy.call_deadline + policy.lookup_delay;
            if (!may_try_again(command, policy, now)) {
                if (now >= surely_ended) break;
                give_up_in_doubt(command, surely_ended, now);
                return AttemptEnd::waits;
            }
            wait_until(command, std::max(surely_ended, now + backoff(command, policy, random)));
            return AttemptEnd::waits;
        }
    }
    close(command, command.perhaps_applied ? "unknown" : "exhausted", now);
    return AttemptEnd::exhausted;
}

void begin_attempt(CommandRow& command, const sagas::ActivityPolicy& policy, Instant now, std::string attempt_token) {
    command.state = CommandState::sent;
    command.attempt += 1;
    if (runtime::planted("key_changes_per_attempt") && command.payload.contains("key"))
        command.payload["key"] = command.idempotency_key + "." + std::to_string(command.attempt);
    command.attempt_token = std::move(attempt_token);
    command.perhaps_applied = true;
    command.sent_at = now;
    command.send_before = now + policy.send_within;
    command.deadline = now + policy.start_to_close;
    command.published_at.reset();
}

}  // namespace ordersaga::engine
