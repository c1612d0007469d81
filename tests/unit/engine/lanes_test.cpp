// A lane: who may call a peer when. First the pure rules, then the engine that obeys them.
#include "orchestrator/engine/lanes.hpp"

#include "tests/unit/engine/bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::engine {
namespace {

using namespace std::chrono_literals;
using sagas::OutcomeKind;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

LaneRow a_lane(double capacity = 10, double per_second = 1) {
    LaneRow lane;
    lane.capacity = capacity;
    lane.tokens = capacity;
    lane.per_second = per_second;
    lane.refilled_at = start;
    lane.not_before = start;
    return lane;
}

CommandRow of_priority(int priority, double tokens = 1) {
    CommandRow command;
    command.priority = priority;
    command.tokens = tokens;
    return command;
}

TEST(Lane, LeavesAFifthFreeForCancelsAndLookups) {
    LaneRow lane = a_lane();
    int creates = 0;
    while (admit(lane, of_priority(2), {}))
        ++creates;
    EXPECT_EQ(creates, 8);
    EXPECT_FALSE(admit(lane, of_priority(3), {})) << "polls are no better";
    EXPECT_TRUE(admit(lane, of_priority(1), {}));
    EXPECT_TRUE(admit(lane, of_priority(0), {}));
    EXPECT_FALSE(admit(lane, of_priority(0), {})) << "the bucket is empty";
}

TEST(Lane, RefillsWithTimeUpToItsCapacity) {
    LaneRow lane = a_lane();
    while (admit(lane, of_priority(0), {})) {
    }
    refill(lane, start + 3s);
    EXPECT_DOUBLE_EQ(lane.tokens, 3);
    refill(lane, start + 1s);
    EXPECT_DOUBLE_EQ(lane.tokens, 3) << "a clock that goes back gives nothing and takes nothing";
    refill(lane, start + 1000s);
    EXPECT_DOUBLE_EQ(lane.tokens, 10);
}

std::vector<std::string> ids_in_turn(std::vector<CommandRow> commands, const std::string& served_last) {
    std::vector<CommandRow*> queue;
    for (CommandRow& command : commands)
        queue.push_back(&command);
    std::vector<std::string> ids;
    for (const CommandRow* command : in_turn(queue, served_last))
        ids.push_back(command->command_id);
    return ids;
}

CommandRow of_origin(const std::string& id, const std::string& origin, int priority = 2) {
    CommandRow command = of_priority(priority);
    command.command_id = id;
    command.origin = origin;
    command.due_at = start;
    return command;
}

TEST(Lane, ServesThoseWhoWaitInTurn) {
    const std::vector<CommandRow> waiting = {of_origin("a", "1"),   of_origin("b", "1"), of_origin("c", "1"),
                                             of_origin("d", "2"),   of_origin("e", "3"), of_origin("f", "3"),
                                             of_origin("x", "1", 0)};
    EXPECT_THAT(ids_in_turn(waiting, ""), ElementsAre("x", "a", "d", "e", "b", "f", "c"));
    EXPECT_THAT(ids_in_turn(waiting, "1"), ElementsAre("x", "d", "e", "a", "f", "b", "c"));
    EXPECT_THAT(ids_in_turn(waiting, "2"), ElementsAre("x", "e", "a", "d", "f", "b", "c"));
    EXPECT_THAT(ids_in_turn(waiting, "9"), ElementsAre("x", "a", "d", "e", "b", "f", "c"));
}

TEST(Lane, ServesOfOneOriginWhatWasDueFirst) {
    std::vector<CommandRow> waiting = {of_origin("b", "1"), of_origin("a", "1"), of_origin("c", "1")};
    waiting[0].due_at = start - 1s;
    EXPECT_THAT(ids_in_turn(waiting, "1"), ElementsAre("b", "a", "c"));
    EXPECT_TRUE(ids_in_turn({}, "1").empty());
}

TEST(Lane, KnowsWhenItWillAdmit) {
    LaneRow lane = a_lane();
    while (admit(lane, of_priority(2), {})) {
    }
    EXPECT_EQ(admits_at(lane, of_priority(2), {}, start), start + 1s);
    EXPECT_EQ(admits_at(lane, of_priority(0), {}, start), start);
    EXPECT_EQ(admits_at(lane, of_priority(2, 500), {}, start), start + 1min) << "it looks again at least every minute";
}

TEST(Lane, AdmitsOneDayWhatCostsMoreThanTheRest) {
    LaneRow lane = a_lane(10, 1);
    EXPECT_TRUE(admit(lane, of_priority(2, 9.5), {})) << "from a full bucket";
}

TEST(Lane, BelievesWhatThePeerSaysOfItsBudget) {
    LaneRow lane = a_lane(100, 10);
    sagas::Outcome outcome = an_outcome(OutcomeKind::done);
    outcome.tokens_capacity = 2000;
    outcome.tokens_per_second = 100;
    outcome.tokens_left = 40;
    learn(lane, outcome, {}, start);
    EXPECT_DOUBLE_EQ(lane.capacity, 2000);
    EXPECT_DOUBLE_EQ(lane.per_second, 100);
    EXPECT_DOUBLE_EQ(lane.tokens, 40);

    outcome.tokens_left = 1900;
    learn(lane, outcome, {}, start);
    EXPECT_DOUBLE_EQ(lane.tokens, 40) << "what has been taken for calls under way is not given back";

    for (double absurd : {-5.0, 0.0}) {
        outcome.tokens_capacity = absurd;
        outcome.tokens_per_second = absurd;
        outcome.tokens_left = absurd;
        learn(lane, outcome, {}, start);
        EXPECT_GT(lane.capacity, 0);
        EXPECT_GT(lane.per_second, 0);
        EXPECT_GE(lane.tokens, 0);
    }
}

TEST(LaneBreaker, OpensAfterFiveFailuresInARowProbesAndCloses) {
    LaneRow lane = a_lane();
    for (int failure = 1; failure <= 4; ++failure)
        learn(lane, an_outcome(OutcomeKind::retryable), {}, start);
    EXPECT_EQ(lane.breaker, "closed");
    learn(lane, an_outcome(OutcomeKind::done), {}, start);
    for (int failure = 1; failure <= 4; ++failure)
        learn(lane, an_outcome(OutcomeKind::unknown), {}, start);
    EXPECT_EQ(lane.breaker, "closed") << "not in a row";
    learn(lane, an_outcome(OutcomeKind::unknown, "connection reset"), {}, start);
    EXPECT_EQ(lane.breaker, "open");
    EXPECT_EQ(lane.reason, "connection reset");
    EXPECT_EQ(lane.not_before, start + 1s);

    EXPECT_EQ(free_slots(lane, start), 0);
    EXPECT_EQ(free_slots(lane, start + 1s), 1) << "one probe";
    EXPECT_EQ(lane.breaker, "probing");
    lane.in_flight = 1;
    EXPECT_EQ(free_slots(lane, start + 1s), 0) << "one";

    learn(lane, an_outcome(OutcomeKind::retryable), {}, start + 2s);
    EXPECT_EQ(lane.breaker, "open");
    EXPECT_EQ(lane.not_before, start + 4s) << "twice as long";
    lane.in_flight = 0;
    EXPECT_EQ(free_slots(lane, start + 4s), 1);
    learn(lane, an_outcome(OutcomeKind::refused), {}, start + 5s);
    EXPECT_EQ(lane.breaker, "closed") << "a peer that answers is alive";
    EXPECT_EQ(lane.failures, 0);
    EXPECT_EQ(free_slots(lane, start + 5s), 8);
}

TEST(LaneBreaker, NeverPausesLongerThanItsCap) {
    LaneRow lane = a_lane();
    for (int failure = 0; failure < 1000; ++failure)
        learn(lane, an_outcome(OutcomeKind::retryable), {}, start);
    EXPECT_EQ(lane.not_before, start + 30s);
}

TEST(LaneBreaker, LooksAgainSoonWhenTheCredentialsAreRefusedAndThenOnceAMinute) {
    LaneRow lane = a_lane();
    Instant now = start;
    for (const auto pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        // Several were on their way.
        for (int outcome = 0; outcome < 8; ++outcome)
            learn(lane, an_outcome(OutcomeKind::blocked, "token revoked"), {}, now);
        EXPECT_EQ(lane.breaker, "open");
        EXPECT_EQ(free_slots(lane, now + pause - 1ms), 0);
        EXPECT_EQ(free_slots(lane, now + pause), 1) << "one alone";
        now += pause;
    }
    learn(lane, an_outcome(OutcomeKind::done), {}, now);
    learn(lane, an_outcome(OutcomeKind::blocked, "token revoked"), {}, now);
    EXPECT_EQ(lane.not_before, now + 1s);
}

TEST(LaneBreaker, IsNotMovedByThrottling) {
    LaneRow lane = a_lane();
    for (int failure = 0; failure < 10; ++failure)
        learn(lane, throttled_for(2s), {}, start);
    EXPECT_EQ(lane.breaker, "closed");
    EXPECT_EQ(lane.not_before, start + 2s);
    EXPECT_EQ(free_slots(lane, start + 1s), 0);
}

// --- in the engine -------------------------------------------------------------------------------------------------------

std::vector<Input> orders(Bench& bench, int first, int last) {
    std::vector<Input> inputs;
    for (int number = first; number <= last; ++number)
        inputs.push_back(bench.wanted(number));
    return inputs;
}

TEST(EngineLanes, SendOnlyWhatTheBudgetAdmitsAndTheRestWhenItIsRefilled) {
    Bench bench;
    bench.boxes.lane.capacity = 10;
    bench.boxes.lane.per_second = 1;
    bench.boxes.lane.window = 100;
    bench.run(orders(bench, 1, 12));
    EXPECT_EQ(bench.sink.sent.size(), 8U);
    bench.due();
    EXPECT_EQ(bench.sink.sent.size(), 8U);
    EXPECT_EQ(bench.engine->due_in(), Duration(1s)) << "it knows when the next token comes";
    bench.pass(1s);
    EXPECT_EQ(bench.sink.sent.size(), 9U);
    bench.pass(10s);
    EXPECT_EQ(bench.sink.sent.size(), 12U);
}

TEST(EngineLanes, LetACancelPassWhatWaits) {
    Bench bench;
    bench.boxes.lane.capacity = 10;
    bench.boxes.lane.per_second = 0.001;
    bench.boxes.lane.window = 100;
    bench.run(orders(bench, 1, 12));
    ASSERT_EQ(bench.sink.sent.size(), 8U);
    const CommandRow first = bench.sink.sent.front();
    const int number = bench.number_of(first);
    bench.tell(number, "UndoRequested");
    bench.end(first, an_outcome(OutcomeKind::done));
    EXPECT_EQ(bench.saga(number).state, "Unpacking");
    EXPECT_EQ(bench.last_sent().activity, "Unpack") << "from the fifth that creates leave free";
}

TEST(EngineLanes, KeepAWindowOfAttemptsInFlight) {
    Bench bench;
    bench.boxes.lane.window = 2;
    bench.run(orders(bench, 1, 4));
    EXPECT_EQ(bench.sink.sent.size(), 2U);
    bench.pass(2s);
    EXPECT_EQ(bench.sink.sent.size(), 2U) << "nobody has answered";
    bench.end(bench.sink.sent[0], an_outcome(OutcomeKind::done));
    EXPECT_EQ(bench.sink.sent.size(), 3U) << "the slot is filled in the same batch";
}

// Who comes later with one order does not wait for the thousand of somebody else.
TEST(EngineLanes, ServeThoseWhoWaitInTurn) {
    Bench bench;
    bench.boxes.lane.window = 1;
    for (int number = 1; number <= 4; ++number)
        bench.order(number, {{"origin", "loud"}});
    bench.order(5, {{"origin", "calm"}});
    bench.order(6, {{"origin", "quiet"}});
    ASSERT_EQ(bench.sink.sent.size(), 1U);
    std::vector<std::string> served;
    for (int round = 0; round < 5; ++round) {
        bench.end(bench.last_sent(), an_outcome(OutcomeKind::refused));
        served.push_back(bench.last_sent().origin);
    }
    EXPECT_THAT(served, ElementsAre("quiet", "calm", "loud", "loud", "loud"));
}

TEST(EngineLanes, DoNotDisturbEachOther) {
    Bench bench;
    bench.boxes.lane.window = 1;
    bench.order(1, {{"lane", "bench:slow"}});
    bench.order(2, {{"lane", "bench:slow"}});
    bench.order(3, {{"lane", "bench:fast"}});
    ASSERT_EQ(bench.sink.sent.size(), 2U);
    EXPECT_EQ(bench.last_sent().lane, "bench:fast");
}

TEST(EngineLanes, BurnNoAttemptsWhileTheBreakerIsOpen) {
    Bench bench;
    bench.definition.policy("Pack").max_attempts = 100;
    bench.boxes.lane.window = 100;
    bench.run(orders(bench, 1, 10));
    ASSERT_EQ(bench.sink.sent.size(), 10U);
    const std::vector<CommandRow> first = bench.sink.sent;
    for (const CommandRow& attempt : first)
        bench.end(attempt, an_outcome(OutcomeKind::retryable, "connection refused"));
    EXPECT_EQ(bench.lane().breaker, "open");
    bench.sink.sent.clear();

    // Ten failures in a row: the pause is at its cap by now, and every retry is long due.
    bench.pass(5s);
    EXPECT_EQ(bench.sink.sent.size(), 0U);
    bench.pass(26s);
    ASSERT_EQ(bench.sink.sent.size(), 1U) << "one probe";
    EXPECT_EQ(bench.lane().breaker, "probing");
    bench.pass(1s);
    ASSERT_EQ(bench.sink.sent.size(), 1U);
    for (int number = 1; number <= 10; ++number)
        EXPECT_LE(bench.open_command(number)->attempt, 2);

    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    EXPECT_EQ(bench.lane().breaker, "closed");
    bench.due();
    EXPECT_EQ(bench.sink.sent.size(), 11U) << "nine others, and the next step of the one that went through";
}

TEST(EngineLanes, TellAPersonWhenTheCredentialsAreRefusedAndForgetItWhenTheyWork) {
    Bench bench;
    bench.order(1);
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::blocked, "token revoked"));
    EXPECT_THAT(bench.open_incidents(), Contains("peer refuses our credentials"));
    EXPECT_EQ(bench.open_command(1)->counted_attempts, 0);
    bench.sink.sent.clear();
    bench.pass(900ms);
    EXPECT_TRUE(bench.sink.sent.empty());
    bench.pass(200ms);
    ASSERT_EQ(bench.sink.sent.size(), 1U);
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    EXPECT_THAT(bench.open_incidents(), Not(Contains("peer refuses our credentials")));
    EXPECT_EQ(bench.saga(1).state, "Sending");
}

TEST(EngineLanes, WaitAsAWholeWhenThePeerThrottles) {
    Bench bench;
    bench.boxes.lane.window = 1;
    bench.run(orders(bench, 1, 2));
    ASSERT_EQ(bench.sink.sent.size(), 1U);
    bench.end(bench.last_sent(), throttled_for(7s));
    EXPECT_EQ(bench.sink.sent.size(), 1U) << "the other command of the lane waits too";
    bench.pass(6s);
    EXPECT_EQ(bench.sink.sent.size(), 1U);
    bench.pass(1s);
    EXPECT_EQ(bench.sink.sent.size(), 2U);
}

}  // namespace
}  // namespace ordersaga::engine
