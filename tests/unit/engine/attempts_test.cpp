// What one outcome does to one command: the single owner of retries.
#include "orchestrator/engine/attempts.hpp"

#include "tests/unit/engine/bench.hpp"

#include <gtest/gtest.h>

namespace ordersaga::engine {
namespace {

using namespace std::chrono_literals;
using sagas::OutcomeKind;

struct AnAttempt {
    ParcelSaga definition;
    sagas::ActivityPolicy policy = definition.policy_of("Pack");
    runtime::SeededRandom random{1};
    CommandRow command;
    Instant now = start;

    AnAttempt() {
        command.created_at = start;
        begin();
    }
    void begin() { begin_attempt(command, policy, now, "token " + std::to_string(command.attempt + 1)); }
    AttemptEnd end(OutcomeKind kind) { return end_attempt(command, an_outcome(kind), policy, now, random); }
    AttemptEnd end(const sagas::Outcome& outcome) { return end_attempt(command, outcome, policy, now, random); }
};

TEST(Attempt, IsPerhapsAppliedFromTheMomentItLeaves) {
    AnAttempt attempt;
    EXPECT_EQ(attempt.command.state, CommandState::sent);
    EXPECT_TRUE(attempt.command.perhaps_applied);
    EXPECT_FALSE(attempt.command.lookup_first);
    EXPECT_EQ(attempt.command.send_before, start + 5s);
    EXPECT_EQ(attempt.command.deadline, start + 20s);
    EXPECT_EQ(attempt.command.attempt, 1);
}

TEST(Attempt, EndsForGoodWithAnAnswer) {
    for (OutcomeKind kind : {OutcomeKind::done, OutcomeKind::refused, OutcomeKind::too_late}) {
        AnAttempt attempt;
        EXPECT_EQ(attempt.end(kind), AttemptEnd::closed);
        EXPECT_EQ(attempt.command.state, CommandState::closed);
        EXPECT_EQ(attempt.command.outcome, name_of(kind));
        EXPECT_EQ(attempt.command.closed_at, start);
    }
}

TEST(Attempt, WaitsWithFullJitterUpToItsCap) {
    Duration longest{0};
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        AnAttempt attempt;
        attempt.random = runtime::SeededRandom(seed);
        attempt.policy.max_attempts = 100;
        for (int repeat = 1; repeat <= 10; ++repeat) {
            ASSERT_EQ(attempt.end(OutcomeKind::retryable), AttemptEnd::waits);
            EXPECT_EQ(attempt.command.state, CommandState::waiting);
            EXPECT_FALSE(attempt.command.perhaps_applied) << "it surely did nothing";
            Duration pause = attempt.command.due_at - attempt.now;
            Duration cap = std::min<Duration>(3s, 1s * (1 << (repeat - 1)));
            EXPECT_GE(pause, 0s);
            EXPECT_LE(pause, cap) << "repeat " << repeat;
            longest = std::max(longest, pause);
            attempt.now = attempt.command.due_at;
            attempt.begin();
        }
    }
    EXPECT_GT(longest, 2s) << "the jitter uses its whole width";
}

TEST(Attempt, EndsWhenItsBudgetIsUsedUp) {
    AnAttempt attempt;
    for (int repeat = 1; repeat < 4; ++repeat) {
        ASSERT_EQ(attempt.end(OutcomeKind::retryable), AttemptEnd::waits);
        attempt.begin();
    }
    EXPECT_EQ(attempt.end(OutcomeKind::retryable), AttemptEnd::exhausted);
    EXPECT_EQ(attempt.command.outcome, "exhausted");
    EXPECT_EQ(attempt.command.last_error, "because");

    AnAttempt old;
    old.now = start + 25h;
    EXPECT_EQ(old.end(OutcomeKind::retryable), AttemptEnd::exhausted) << "all attempts together have had their time";
}

TEST(Attempt, ThrottledOrBlockedDoesNotCount) {
    AnAttempt attempt;
    for (int repeat = 0; repeat < 20; ++repeat) {
        ASSERT_EQ(attempt.end(throttled_for(7s)), AttemptEnd::waits);
        EXPECT_EQ(attempt.command.due_at, attempt.now + 7s) << "as long as it was told";
        attempt.now = attempt.command.due_at;
        attempt.begin();
        ASSERT_EQ(attempt.end(OutcomeKind::blocked), AttemptEnd::waits);
        EXPECT_EQ(attempt.command.due_at, attempt.now + std::min(60s, 2s * (1 << std::min(2 * repeat, 6))));
        attempt.begin();
    }
    EXPECT_EQ(attempt.command.counted_attempts, 0);
    EXPECT_EQ(attempt.command.attempt, 41);
}

TEST(Attempt, ObeysNoAbsurdPause) {
    AnAttempt attempt;
    attempt.end(throttled_for(0s));
    EXPECT_GE(attempt.command.due_at, start + 50ms);
    attempt.begin();
    attempt.end(throttled_for(10000h));
    EXPECT_LE(attempt.command.due_at, start + 1h);
}

// S51: a create was repeated without a look (gorgojs #430).
TEST(Attempt, LooksFirstAfterAnUnknownOutcomeAndNotBeforeTheLostCallHasEnded) {
    AnAttempt attempt;
    attempt.now = start + 1s;
    ASSERT_EQ(attempt.end(OutcomeKind::unknown), AttemptEnd::waits);
    EXPECT_TRUE(attempt.command.lookup_first);
    EXPECT_TRUE(attempt.command.perhaps_applied);
    // send_before 5 s, the call 10 s, the lookup's delay 2 s.
    EXPECT_GE(attempt.command.due_at, start + 17s);

    attempt.now = attempt.command.due_at;
    attempt.begin();
    ASSERT_EQ(attempt.end(OutcomeKind::retryable), AttemptEnd::waits);
    EXPECT_TRUE(attempt.command.lookup_first) << "a look that failed has not removed the doubt";
    EXPECT_TRUE(attempt.command.perhaps_applied);
    attempt.begin();
    attempt.end(throttled_for(1s));
    EXPECT_TRUE(attempt.command.perhaps_applied);
}

TEST(Attempt, EndsAsUnknownWhenTheDoubtWasNeverRemoved) {
    AnAttempt attempt;
    attempt.policy.max_attempts = 2;
    attempt.end(OutcomeKind::unknown);
    attempt.begin();
    EXPECT_EQ(attempt.end(OutcomeKind::retryable), AttemptEnd::exhausted);
    EXPECT_EQ(attempt.command.outcome, "unknown");
}

TEST(Attempt, GivenUpInDoubtEndsOnlyWhenTheLostCallSurelyHas) {
    AnAttempt attempt;
    attempt.policy.max_attempts = 1;
    attempt.now = start + 1s;
    ASSERT_EQ(attempt.end(an_outcome(OutcomeKind::unknown, "timeout")), AttemptEnd::waits);
    EXPECT_TRUE(is_given_up(attempt.command));
    EXPECT_EQ(attempt.command.deadline, start + 17s);
    EXPECT_EQ(attempt.command.published_at, start + 1s) << "the relay would send it again";

    AnAttempt told_again = attempt;
    EXPECT_EQ(told_again.end(OutcomeKind::retryable), AttemptEnd::waits) << "it is still in doubt";
    EXPECT_EQ(told_again.end(throttled_for(1s)), AttemptEnd::waits);
    EXPECT_TRUE(is_given_up(told_again.command)) << "and is not sent again";

    AnAttempt answered = attempt;
    EXPECT_EQ(answered.end(OutcomeKind::done), AttemptEnd::closed) << "an answer that comes after all counts";

    attempt.now = *attempt.command.deadline;
    EXPECT_EQ(attempt.end(outcome_of_silence(attempt.command, attempt.policy)), AttemptEnd::exhausted);
    EXPECT_EQ(attempt.command.outcome, "unknown");
    EXPECT_EQ(attempt.command.last_error, "timeout");
    EXPECT_EQ(attempt.command.counted_attempts, 1);
}

TEST(Attempt, SilenceIsUnknownForAWriteAndRetryableForARead) {
    ParcelSaga definition;
    const CommandRow sent = AnAttempt().command;
    EXPECT_EQ(outcome_of_silence(sent, definition.policy_of("Pack")).kind, OutcomeKind::unknown);
    EXPECT_EQ(outcome_of_silence(sent, definition.policy_of("Look")).kind, OutcomeKind::retryable);
}

}  // namespace
}  // namespace ordersaga::engine
