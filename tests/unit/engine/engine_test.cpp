// The engine itself, with a kind of saga it has never heard of: batches, repeats, bad inputs, lost words, dead stores.
#include "tests/support/sim/laws.hpp"
#include "tests/unit/engine/bench.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::engine {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using sagas::OutcomeKind;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = InputResult::Kind;

// --- the plain path ------------------------------------------------------------------------------------------------------

TEST(Engine, MovesASagaOfAnyKindToItsEnd) {
    Bench bench;
    InputResult result = bench.order(1);
    EXPECT_EQ(result.kind, Kind::applied);
    EXPECT_EQ(result.state, "Packing");
    EXPECT_EQ(result.version, 2);
    EXPECT_THAT(bench.boxes.settled, ElementsAre("TakeBox parcel 1"));
    ASSERT_EQ(bench.sink.sent.size(), 1U);
    EXPECT_EQ(bench.last_sent().activity, "Pack");
    EXPECT_EQ(bench.last_sent().payload.at("call_deadline_ms"), 10000);

    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    EXPECT_EQ(bench.saga(1).state, "Sending");
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    EXPECT_EQ(bench.saga(1).state, "Done");
    EXPECT_TRUE(bench.saga(1).final);
    EXPECT_FALSE(bench.saga(1).next_wake.has_value());
    EXPECT_THAT(bench.history(1), ElementsAre("ParcelOrdered", "BoxTaken", "Packed", "Sent"));
    EXPECT_EQ(sim::joined(sim::check_laws(bench.store)), "");

    bench.due();
    ASSERT_EQ(bench.sink.announced.size(), 1U);
    EXPECT_EQ(bench.sink.announced.front().routing_key, "parcels.done");
    EXPECT_EQ(bench.sink.announced.front().body.at("merchant_id"), std::to_string(merchant.value));
}

TEST(Engine, AnswersOfTheParticipantAreDecidedInTheSameBatch) {
    Bench bench;
    bench.boxes.empty = true;
    InputResult result = bench.order(1);
    EXPECT_EQ(result.state, "Refused");
    EXPECT_EQ(bench.store.counts().commits, 1U);
}

TEST(Engine, TakesAHundredInputsInOneTransaction) {
    Bench bench;
    std::vector<Input> inputs;
    for (int number = 1; number <= 100; ++number)
        inputs.push_back(bench.wanted(number));
    const std::uint64_t before = bench.store.counts().transactions;
    EXPECT_TRUE(bench.run(std::move(inputs)));
    EXPECT_EQ(bench.store.counts().transactions, before + 1);
    EXPECT_EQ(bench.engine->counts().batches, 1U);
    EXPECT_EQ(bench.engine->counts().inputs, 100U);
    EXPECT_EQ(bench.saga(100).state, "Packing");
}

TEST(Engine, FoldsSeveralInputsOfOneSagaInTheirSequence) {
    Bench bench;
    std::vector<Input> inputs;
    inputs.push_back(bench.wanted(1));
    inputs.push_back(bench.wanted(1));
    bench.run(std::move(inputs));
    EXPECT_EQ(bench.results[0].kind, Kind::applied);
    EXPECT_EQ(bench.results[1].kind, Kind::duplicate);

    inputs.clear();
    inputs.push_back(bench.told(1, "UndoRequested"));
    inputs.push_back(bench.outcome_of(bench.last_sent(), an_outcome(OutcomeKind::done)));
    bench.run(std::move(inputs));
    EXPECT_EQ(bench.saga(1).state, "Unpacking");
    EXPECT_THAT(bench.history(1), ElementsAre("ParcelOrdered", "BoxTaken", "UndoRequested", "Packed"));
}

TEST(Engine, KeepsWhatMeansNothingInTheHistoryAndLeavesNoLineForWhatIsSilent) {
    Bench bench;
    bench.order(1);
    bench.tell(1, "Sent");
    EXPECT_THAT(bench.history(1), Contains("Sent"));
    EXPECT_EQ(bench.saga(1).version, 3);
    bench.tell(1, "Whisper");
    EXPECT_EQ(bench.saga(1).version, 3);
    EXPECT_THAT(bench.history(1), Not(Contains("Whisper")));
}

TEST(Engine, ShardsAreStableAndWithinBounds) {
    for (int number = 0; number < 200; ++number) {
        const int shard = shard_of(parcel(number).saga_id, 8);
        EXPECT_GE(shard, 0);
        EXPECT_LT(shard, 8);
        EXPECT_EQ(shard, shard_of(parcel(number).saga_id, 8));
    }
    EXPECT_EQ(shard_of("anything", 1), 0);
    EXPECT_EQ(shard_of("anything", 0), 0);
}

// --- attempts ------------------------------------------------------------------------------------------------------------

TEST(EngineAttempts, RepeatARetryableOneUnderTheSameKeyWithANewToken) {
    Bench bench;
    bench.order(1);
    const CommandRow first = bench.last_sent();
    bench.end(first, an_outcome(OutcomeKind::retryable, "503"));
    EXPECT_EQ(bench.saga(1).state, "Packing") << "the saga hears nothing of it";
    EXPECT_EQ(bench.open_command(1)->last_error, "503");
    bench.pass(2s);
    ASSERT_EQ(bench.sink.sent.size(), 2U);
    const CommandRow second = bench.last_sent();
    EXPECT_EQ(second.command_id, first.command_id);
    EXPECT_EQ(second.idempotency_key, first.idempotency_key);
    EXPECT_NE(second.attempt_token, first.attempt_token);
    EXPECT_EQ(second.attempt, 2);
    EXPECT_FALSE(second.lookup_first);
}

TEST(EngineAttempts, TellTheSagaWhenTheBudgetIsUsedUp) {
    Bench bench;
    bench.order(1);
    for (int attempt = 1; attempt <= 4; ++attempt) {
        ASSERT_EQ(bench.sink.sent.size(), static_cast<std::size_t>(attempt));
        bench.end(bench.last_sent(), an_outcome(OutcomeKind::retryable, "503"));
        bench.pass(4s);
    }
    EXPECT_EQ(bench.saga(1).state, "NeedsOperator");
    EXPECT_EQ(bench.saga(1).incident, "PackFailed: 503");
    EXPECT_THAT(bench.open_incidents(), ElementsAre("PackFailed: 503"));

    bench.tell(1, "OperatorRetried");
    EXPECT_EQ(bench.saga(1).state, "Packing");
    EXPECT_FALSE(bench.saga(1).incident.has_value());
    EXPECT_THAT(bench.open_incidents(), IsEmpty());
    EXPECT_EQ(bench.last_sent().attempt, 1) << "a new command with a new budget";
    EXPECT_NE(bench.last_sent().command_id, bench.sink.sent.front().command_id);
}

TEST(EngineAttempts, LookFirstAfterSilenceAndNotBeforeTheLostCallHasEnded) {
    Bench bench;
    bench.order(1);
    const CommandRow first = bench.last_sent();
    bench.engine->command_published(first.command_id, first.attempt_token);
    bench.pass(19s);
    EXPECT_EQ(bench.sink.sent.size(), 1U);
    bench.pass(1s);
    EXPECT_TRUE(bench.open_command(1)->lookup_first) << "no outcome by the deadline";
    bench.pass(3s);
    ASSERT_EQ(bench.sink.sent.size(), 2U);
    EXPECT_TRUE(bench.last_sent().lookup_first);
    EXPECT_GE(*bench.last_sent().sent_at, start + 17s);

    InputResult late = bench.end(first, an_outcome(OutcomeKind::done));
    EXPECT_EQ(late.kind, Kind::duplicate) << "the lost attempt's outcome is evidence only";
    EXPECT_EQ(bench.saga(1).state, "Packing");
}

TEST(EngineAttempts, EndAsUnknownWhenNobodyEverAnswers) {
    Bench bench;
    bench.order(1);
    for (int minute = 0; minute < 10; ++minute)
        bench.pass(20s);
    EXPECT_EQ(bench.saga(1).state, "NeedsOperator");
    EXPECT_THAT(*bench.saga(1).incident, HasSubstr("PackUnknown"));
}

// Surely nothing happened in the last attempt; what happened in the first nobody knows.
TEST(EngineAttempts, EndAsUnknownWhenAnyOfThemIsInDoubt) {
    Bench bench;
    bench.order(1);
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::unknown, "no answer"));
    for (int attempt = 2; attempt <= 4; ++attempt) {
        bench.pass(20s);
        ASSERT_EQ(bench.sink.sent.size(), static_cast<std::size_t>(attempt));
        bench.end(bench.last_sent(), an_outcome(OutcomeKind::retryable, "503"));
    }
    EXPECT_EQ(bench.saga(1).state, "NeedsOperator");
    EXPECT_EQ(bench.saga(1).incident, "PackUnknown: 503");
}

TEST(EngineAttempts, WithdrawACommandThatHasNotLeft) {
    Bench bench;
    bench.boxes.lane.window = 0;
    bench.order(1);
    EXPECT_TRUE(bench.sink.sent.empty());
    bench.tell(1, "UndoRequested");
    EXPECT_EQ(bench.saga(1).state, "Undone");
    EXPECT_FALSE(bench.open_command(1).has_value());
    EXPECT_THAT(bench.boxes.settled, ElementsAre("TakeBox parcel 1", "GiveBox parcel 1"));
    EXPECT_EQ(bench.store.tables().closed_commands.size(), 1U);
}

// --- repeats and bad inputs ------------------------------------------------------------------------------------------------

TEST(EngineRepeats, ChangeNothing) {
    Bench bench;
    bench.order(1);
    EXPECT_EQ(bench.order(1).kind, Kind::duplicate);
    const CommandRow pack = bench.last_sent();
    EXPECT_EQ(bench.end(pack, an_outcome(OutcomeKind::done)).kind, Kind::applied);
    const std::int64_t version = bench.saga(1).version;
    InputResult repeat = bench.end(pack, an_outcome(OutcomeKind::done));
    EXPECT_EQ(repeat.kind, Kind::duplicate);
    EXPECT_THAT(repeat.reason, HasSubstr("not open"));
    CommandRow forged = bench.last_sent();
    forged.attempt_token = "made up";
    EXPECT_EQ(bench.end(forged, an_outcome(OutcomeKind::done)).kind, Kind::duplicate);
    forged = bench.last_sent();
    forged.saga_id = parcel(99).saga_id;
    EXPECT_EQ(bench.end(forged, an_outcome(OutcomeKind::done)).kind, Kind::duplicate) << "another saga's command";
    EXPECT_EQ(bench.saga(1).version, version);
    EXPECT_EQ(bench.engine->counts().stale_outcomes, 4U);
}

// The attempt has had its outcome, the next one has not begun: its token is still the newest.
TEST(EngineRepeats, OfAnAttemptThatHasEndedChangeNothingBeforeTheNext) {
    Bench bench;
    bench.order(1);
    const CommandRow first = bench.last_sent();
    bench.end(first, an_outcome(OutcomeKind::retryable, "503"));

    EXPECT_EQ(bench.end(first, an_outcome(OutcomeKind::throttled)).kind, Kind::duplicate);
    EXPECT_EQ(bench.end(first, an_outcome(OutcomeKind::unknown)).kind, Kind::duplicate);

    EXPECT_EQ(bench.saga(1).state, "Packing");
    EXPECT_EQ(bench.open_command(1)->state, CommandState::waiting);
    EXPECT_EQ(bench.open_command(1)->counted_attempts, 1);
}

// A command that is delivered twice runs twice. The one run found the peer closed, the other did what it was to do: who took
// the first for the whole truth would call back, as never sent, what is on its way.
TEST(EngineRepeats, OfAnAttemptThatRanTwiceTellWhatThePeerDid) {
    for (const bool at_once : {true, false}) {
        Bench bench;
        bench.order(1);
        const CommandRow first = bench.last_sent();
        if (at_once) {
            std::vector<Input> both;
            both.push_back(bench.outcome_of(first, an_outcome(OutcomeKind::throttled)));
            both.push_back(bench.outcome_of(first, an_outcome(OutcomeKind::done)));
            bench.run(std::move(both));
        } else {
            bench.end(first, an_outcome(OutcomeKind::throttled));
            EXPECT_EQ(bench.end(first, an_outcome(OutcomeKind::done)).kind, Kind::applied);
        }
        EXPECT_NE(bench.saga(1).state, "Packing") << at_once;
    }
}

TEST(EngineRepeats, BothInOneBatchAreAppliedOnce) {
    Bench bench;
    bench.order(1);
    const CommandRow pack = bench.last_sent();
    std::vector<Input> inputs;
    inputs.push_back(bench.outcome_of(pack, an_outcome(OutcomeKind::done)));
    inputs.push_back(bench.outcome_of(pack, an_outcome(OutcomeKind::done)));
    bench.run(std::move(inputs));
    EXPECT_EQ(bench.results[0].kind, Kind::applied);
    EXPECT_EQ(bench.results[1].kind, Kind::duplicate);
    EXPECT_THAT(bench.history(1), ElementsAre("ParcelOrdered", "BoxTaken", "Packed"));
}

Input audited_undo(Bench& bench, std::int64_t seen_version) {
    Input undo = bench.told(1, "UndoRequested", seen_version);
    std::get<SagaTold>(undo.content).audit =
        AuditRow{merchant, start, "anna", "cancel", "parcel 1", "wrong", json::object()};
    return undo;
}

TEST(EngineInputs, ARefusedIfMatchChangesNothing) {
    Bench bench;
    bench.order(1);
    InputResult result = bench.run_one(audited_undo(bench, 1));
    EXPECT_EQ(result.kind, Kind::refused);
    EXPECT_THAT(result.reason, HasSubstr("version 2"));
    EXPECT_EQ(result.version, 2);
    EXPECT_EQ(bench.store.tables().audit.size(), 0U);
    EXPECT_EQ(bench.run_one(bench.told(77, "UndoRequested")).kind, Kind::refused) << "no such saga";

    EXPECT_EQ(bench.run_one(audited_undo(bench, 2)).kind, Kind::applied);
    EXPECT_EQ(bench.store.tables().audit.size(), 1U);
}

TEST(EngineInputs, OfThoseWhoSawOneVersionTheFirstAloneIsHeard) {
    Bench bench;
    bench.order(1);
    std::vector<Input> inputs;
    for (int person = 0; person < 3; ++person)
        inputs.push_back(audited_undo(bench, 2));
    bench.run(std::move(inputs));
    EXPECT_EQ(bench.results[0].kind, Kind::applied);
    for (const std::size_t later : {1U, 2U}) {
        EXPECT_EQ(bench.results[later].kind, Kind::refused);
        EXPECT_THAT(bench.results[later].reason, HasSubstr("version"));
    }
    EXPECT_EQ(bench.store.tables().audit.size(), 1U);
    EXPECT_THAT(bench.history(1), testing::Contains("UndoRequested").Times(1));
}

TEST(EngineInputs, AnEventThatMeansNothingIsNotSaidToBeApplied) {
    Bench bench;
    bench.order(1);
    const InputResult nothing = bench.tell(1, "OperatorRetried");
    EXPECT_EQ(nothing.kind, Kind::ignored);
    EXPECT_EQ(nothing.reason, "OperatorRetried means nothing in Packing");
    EXPECT_EQ(nothing.state, "Packing");
    EXPECT_EQ(bench.history(1).back(), "OperatorRetried") << "somebody tried it";
    const InputResult remembered = bench.tell(1, "UndoRequested");
    EXPECT_EQ(remembered.kind, Kind::applied);
    EXPECT_EQ(remembered.reason, "remembered");
}

Input looked_after(const SagaId& saga_id, const std::string& key) {
    Input input;
    input.content = IncidentLookedAfter{
        merchant, saga_id, key, {merchant, start, "anna", "incident close", key, "was looked after", json::object()}};
    return input;
}

TEST(EngineInputs, APersonClosesTheIncidentOfASagaThatIsOver) {
    Bench bench;
    bench.order(1);
    const SagaKey key = parcel(1);
    bench.tell(1, "Complaint");
    const InputResult early = bench.run_one(looked_after(key.saga_id, "saga:" + key.saga_id));
    EXPECT_EQ(early.kind, Kind::refused);
    EXPECT_THAT(early.reason, HasSubstr("Packing"));
    EXPECT_EQ(bench.open_incidents().size(), 1U);
    EXPECT_EQ(bench.store.tables().audit.size(), 0U);

    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    bench.tell(1, "Complaint");
    const std::int64_t version = bench.saga(1).version;
    const InputResult closed = bench.run_one(looked_after(key.saga_id, "saga:" + key.saga_id));
    EXPECT_EQ(closed.kind, Kind::applied);
    EXPECT_EQ(bench.saga(1).incident, std::nullopt);
    EXPECT_EQ(bench.saga(1).version, version + 1);
    EXPECT_EQ(bench.history(1).back(), "IncidentClosed");
    EXPECT_TRUE(bench.open_incidents().empty());
    EXPECT_EQ(bench.store.tables().audit.size(), 1U);

    EXPECT_EQ(bench.run_one(looked_after(key.saga_id, "saga:" + key.saga_id)).kind, Kind::duplicate);
    EXPECT_EQ(bench.run_one(looked_after(parcel(9).saga_id, "saga:9")).kind, Kind::refused);
    EXPECT_EQ(bench.store.tables().audit.size(), 1U);
    EXPECT_EQ(sim::joined(sim::check_laws(bench.store)), "");
}

// The first of two events closes the incident and the second opens one: the saga must stay on somebody's list.
TEST(EngineInputs, AnIncidentThatOpensAgainInTheSameBatchStaysOpen) {
    Bench bench;
    bench.order(1);
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::refused));
    ASSERT_EQ(bench.saga(1).state, "NeedsOperator");
    std::vector<Input> inputs;
    inputs.push_back(bench.told(1, "OperatorRetried"));
    inputs.push_back(bench.told(1, "Complaint"));
    bench.run(std::move(inputs));
    EXPECT_EQ(bench.saga(1).incident, "somebody complained");
    EXPECT_THAT(bench.open_incidents(), ElementsAre("somebody complained"));
}

TEST(EngineInputs, APersonClosesAnIncidentOfNoSaga) {
    Bench bench;
    bench.order(1);
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::blocked));
    ASSERT_EQ(bench.open_incidents().size(), 1U);
    EXPECT_EQ(bench.run_one(looked_after("", "lane:bench:1")).kind, Kind::applied);
    EXPECT_TRUE(bench.open_incidents().empty());
    EXPECT_EQ(bench.store.tables().audit.size(), 1U);
}

TEST(EngineInputs, ABadOneIsParkedAloneAndTheOthersAreApplied) {
    Bench bench;
    // As many as the lane's window: all their commands have left, so each undo is remembered.
    for (int number = 1; number <= 8; ++number)
        bench.order(number);
    std::vector<Input> inputs;
    for (int number = 1; number <= 8; ++number)
        inputs.push_back(bench.told(number, number == 5 ? "Break" : "UndoRequested"));
    EXPECT_TRUE(bench.run(std::move(inputs)));
    for (int number = 1; number <= 8; ++number) {
        const InputResult& result = bench.results[static_cast<std::size_t>(number - 1)];
        EXPECT_EQ(result.kind, number == 5 ? Kind::parked : Kind::applied) << number;
        EXPECT_EQ(bench.saga(number).data.value("undo", false), number != 5) << number;
    }
    EXPECT_EQ(bench.results[4].reason, "this parcel breaks");
    EXPECT_EQ(bench.saga(5).version, 2) << "untouched";
    ASSERT_EQ(bench.store.tables().parked.size(), 1U);
    const sim::SimParkedItem& item = bench.store.tables().parked.begin()->second;
    EXPECT_EQ(item.kind, "event");
    EXPECT_EQ(item.subject, parcel(5).saga_id);
    EXPECT_EQ(item.input.at("event"), "Break");
    EXPECT_GT(bench.engine->counts().splits, 0U);
    EXPECT_EQ(bench.engine->counts().parked, 1U);
}

TEST(EngineInputs, AnArrivalThatCannotBeUnderstoodIsKeptByTheParticipant) {
    Bench bench;
    Arrival arrival;
    arrival.merchant = merchant;
    arrival.content = ParcelWanted{1, true, json::object()};
    EXPECT_EQ(bench.run_one({std::move(arrival), {}}).kind, Kind::parked);
    EXPECT_THAT(bench.boxes.parked, ElementsAre("nobody understands this parcel"));
}

// The rows themselves are impossible: the store's own checks are the last judge.
TEST(EngineInputs, WhatTheStoreRefusesIsParkedToo) {
    Bench bench;
    bench.order(1);
    bench.order(2);
    std::vector<Input> inputs;
    inputs.push_back(bench.told(1, "Impossible"));
    inputs.push_back(bench.told(2, "UndoRequested"));
    bench.run(std::move(inputs));
    EXPECT_EQ(bench.results[0].kind, Kind::parked);
    EXPECT_EQ(bench.results[1].kind, Kind::applied);
    EXPECT_EQ(bench.saga(1).state, "Packing");
}

TEST(EngineInputs, ASagaThatNeverComesToRestIsParked) {
    Bench bench;
    bench.order(1);
    InputResult result = bench.tell(1, "Spin");
    EXPECT_EQ(result.kind, Kind::parked);
    EXPECT_THAT(result.reason, HasSubstr("does not come to rest"));
    EXPECT_EQ(bench.saga(1).version, 2);
}

TEST(EngineInputs, ASagaThatWouldNeverWakeIsParked) {
    Bench bench;
    InputResult result = bench.order(1, {{"forgets_to_wake", true}});
    EXPECT_EQ(result.kind, Kind::parked);
    EXPECT_THAT(result.reason, HasSubstr("without a next look"));
}

TEST(EngineInputs, AnUnknownKindIsParked) {
    Bench bench;
    EXPECT_EQ(bench.order(1, {{"kind", "elephant"}}).kind, Kind::parked);
}

TEST(EngineInputs, AnOutcomeThatCannotBeDecidedIsParkedWithItsContent) {
    Bench bench;
    bench.order(1);
    bench.definition = ParcelSaga(3, {3});
    InputResult result = bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    EXPECT_EQ(result.kind, Kind::parked);
    EXPECT_EQ(bench.store.tables().parked.begin()->second.kind, "outcome");
}

// --- what comes due --------------------------------------------------------------------------------------------------------

TEST(EngineDue, WakesWhoWantedToBeWoken) {
    Bench bench;
    bench.order(1);
    bench.pass(59min);
    EXPECT_THAT(bench.history(1), Not(Contains("TimeReached")));
    bench.pass(1min);
    EXPECT_THAT(bench.history(1), Contains("TimeReached"));
    EXPECT_EQ(bench.saga(1).next_wake, bench.clock.now() + 1h);
}

TEST(EngineDue, SetsAsideASagaThatCannotBeDecidedAndGoesOnWithTheOthers) {
    Bench bench;
    for (int number = 1; number <= 30; ++number)
        bench.order(number, {{"breaks", number == 7}});
    bench.pass(1h);
    for (int number = 1; number <= 30; ++number) {
        if (number == 7) continue;
        EXPECT_THAT(bench.history(number), Contains("TimeReached")) << number;
    }
    EXPECT_EQ(bench.saga(7).incident, "the engine cannot decide");
    EXPECT_THAT(bench.open_incidents(), Contains("the engine cannot decide"));
    EXPECT_THAT(bench.history(7), Contains("Quarantined"));
    EXPECT_EQ(bench.saga(7).next_wake, bench.clock.now() + 5min);
    EXPECT_EQ(sim::joined(sim::check_laws(bench.store)), "");

    const std::size_t lines = bench.history(7).size();
    bench.pass(1min);
    EXPECT_EQ(bench.history(7).size(), lines) << "not again and again";
    bench.pass(5min);
    EXPECT_GT(bench.history(7).size(), lines) << "but tried again";
}

TEST(EngineDue, DecidesSignalsOfOtherSagasInALaterBatch) {
    Bench bench;
    bench.boxes.lane.window = 0;
    bench.order(1);
    bench.order(2);
    SagaTold told;
    told.saga = parcel(1);
    told.event = {"Poke", {{"whom", 2}}, "test"};
    bench.run_one({told, {}});
    EXPECT_EQ(bench.saga(2).state, "Packing");
    EXPECT_TRUE(bench.engine->more_due()) << "somebody has to look at once";
    bench.due();
    EXPECT_EQ(bench.saga(2).state, "Undone");
    EXPECT_EQ(bench.store.tables().signals.size(), 0U);
}

TEST(EngineDue, PerformsDutiesAndHearsHowTheyEnded) {
    Bench bench;
    DutyRow duty;
    duty.merchant = merchant;
    duty.duty = "Count";
    duty.subject = "bench:1";
    duty.next_due = start;
    bench.store.add_duty(duty);
    bench.due();
    ASSERT_EQ(bench.sink.sent.size(), 1U);
    EXPECT_EQ(bench.last_sent().duty, "Count/bench:1");
    EXPECT_TRUE(bench.last_sent().saga_id.empty());
    const CommandRow first = bench.last_sent();

    bench.pass(20s);
    EXPECT_THAT(bench.boxes.ended, IsEmpty()) << "a silent read is repeated";
    bench.pass(3s);
    ASSERT_EQ(bench.sink.sent.size(), 2U);
    EXPECT_EQ(bench.end(first, an_outcome(OutcomeKind::done)).kind, Kind::duplicate);
    EXPECT_EQ(bench.end(bench.last_sent(), an_outcome(OutcomeKind::done)).kind, Kind::applied);
    EXPECT_THAT(bench.boxes.ended, ElementsAre("Count/bench:1 done"));
    EXPECT_EQ(bench.end(bench.last_sent(), an_outcome(OutcomeKind::done)).kind, Kind::duplicate);
}

TEST(EngineDue, RepeatsACommandWhosePublishingNobodyConfirmed) {
    Bench bench;
    bench.confirms = false;
    bench.order(1);
    bench.order(2);
    ASSERT_EQ(bench.sink.sent.size(), 2U);
    const CommandRow confirmed = bench.sink.sent[0], lost = bench.sink.sent[1];
    bench.engine->command_published(confirmed.command_id, confirmed.attempt_token);
    bench.pass(2s);
    EXPECT_EQ(bench.sink.sent.size(), 2U);
    bench.pass(1s);
    ASSERT_EQ(bench.sink.sent.size(), 3U);
    EXPECT_EQ(bench.last_sent().command_id, lost.command_id);
    EXPECT_EQ(bench.last_sent().attempt_token, lost.attempt_token) << "the same attempt, not a new one";
    bench.pass(1s);
    EXPECT_EQ(bench.sink.sent.size(), 3U) << "patiently";
    bench.pass(3s);
    EXPECT_EQ(bench.sink.sent.size(), 4U);
    bench.engine->command_published(lost.command_id, lost.attempt_token);
    bench.pass(3s);
    EXPECT_EQ(bench.sink.sent.size(), 4U);
    EXPECT_EQ(bench.engine->counts().commands_repeated, 2U);
}

// What ends soon costs no note that the broker had it.
TEST(EngineDue, NotesWhatTheBrokerHasOnlyOfAttemptsThatLast) {
    Bench bench;
    bench.order(1);
    const auto published_at = [&] {
        return bench.store.tables().open_commands.begin()->second.published_at;
    };
    bench.due();
    EXPECT_FALSE(published_at());
    const runtime::Instant first_heard = bench.clock.now();
    bench.pass(1s);
    EXPECT_EQ(published_at(), first_heard);

    Bench quick;
    std::size_t marked = 0;
    struct Count final : sim::SimFaults {
        explicit Count(std::size_t& marked) : marked_(marked) {}
        AtCall at_call(const char* call) override {
            if (std::string_view(call) == "mark_published") marked_ += 1;
            return AtCall::fine;
        }
        std::size_t& marked_;
    } count(marked);
    quick.store.set_faults(&count);
    quick.order(1);
    quick.confirms = false;  // or what has ended is confirmed again with every batch
    quick.end(quick.last_sent(), an_outcome(OutcomeKind::done));
    quick.end(quick.last_sent(), an_outcome(OutcomeKind::done));
    quick.pass(10s);
    EXPECT_EQ(marked, 0U);
}

// Two workers have the same attempt. What one of them says of itself does not hold for the other.
TEST(EngineDue, DoubtsThatNothingHappenedWhenAnAttemptMayRunTwice) {
    for (const bool repeated : {true, false}) {
        Bench bench;
        bench.confirms = !repeated;
        bench.order(1);
        bench.confirms = false;
        bench.pass(1s);
        bench.pass(3s);
        ASSERT_EQ(bench.sink.sent.size(), repeated ? 2U : 1U);
        bench.end(bench.last_sent(), an_outcome(OutcomeKind::throttled));
        const CommandRow& command = bench.store.tables().open_commands.begin()->second;
        EXPECT_EQ(command.perhaps_applied, repeated);
        EXPECT_EQ(command.lookup_first, repeated);
    }
}

// A crash between commit and publishing: a new engine finds what the old one left behind.
TEST(EngineDue, AnotherEngineSendsWhatADeadOneLeftBehind) {
    Bench bench;
    bench.confirms = false;
    bench.order(1);
    const CommandRow lost = bench.last_sent();
    bench.end(lost, an_outcome(OutcomeKind::done));
    Sink sink;
    runtime::SeededRandom random(8);
    Engine other(bench.store, bench.boxes, {&bench.definition}, sink, random);
    bench.clock.advance(4s);
    EXPECT_TRUE(other.run_due());
    ASSERT_EQ(sink.sent.size(), 1U);
    EXPECT_EQ(sink.sent.front().activity, "Send");
}

TEST(EngineDue, RepeatsAnAnnouncementUntilItIsConfirmed) {
    Bench bench;
    bench.confirms = false;
    bench.order(1);
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    bench.due();
    ASSERT_EQ(bench.sink.announced.size(), 1U);
    bench.pass(1s);
    EXPECT_EQ(bench.sink.announced.size(), 1U);
    bench.pass(3s);
    EXPECT_EQ(bench.sink.announced.size(), 2U);
    bench.engine->announcement_published(bench.sink.announced.front().announcement_id);
    bench.due();
    bench.pass(4s);
    EXPECT_EQ(bench.sink.announced.size(), 2U);
    EXPECT_EQ(bench.store.tables().announcements.size(), 0U);
}

// --- who looks on ------------------------------------------------------------------------------------------------------------

TEST(Engine, TellsWhoLooksOnWhatEachCommitHasChanged) {
    Bench bench;
    std::vector<std::string> seen;
    bench.engine->set_onlooker([&](const std::vector<SagaChange>& changes) {
        for (const SagaChange& change : changes)
            seen.push_back(change.key.saga_id + " " + change.state + " " + std::to_string(change.version));
    });
    bench.order(1);
    const std::string saga = parcel(1).saga_id;
    EXPECT_THAT(seen, ElementsAre(saga + " Packing 2"));
    bench.engine->preview(parcel(1), {"UndoRequested", json::object(), "anna"});
    bench.order(1);
    EXPECT_EQ(seen.size(), 1U) << "neither a preview nor a repeat changes anything";

    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    EXPECT_THAT(seen, ElementsAre(saga + " Packing 2", saga + " Sending " + std::to_string(bench.saga(1).version)));
}

// --- preview -----------------------------------------------------------------------------------------------------------------

TEST(EnginePreview, TellsExactlyWhatTheRealRunWillDo) {
    Bench bench;
    bench.order(1);
    for (int attempt = 1; attempt <= 4; ++attempt) {
        bench.end(bench.last_sent(), an_outcome(OutcomeKind::retryable));
        bench.pass(4s);
    }
    ASSERT_EQ(bench.saga(1).state, "NeedsOperator");
    bench.sink.sent.clear();
    bench.boxes.settled.clear();
    const SagaRow before = bench.saga(1);

    const json preview = bench.engine->preview(parcel(1), {"UndoRequested", json::object(), "anna"});
    EXPECT_EQ(preview.at("ends_in"), "Undone");
    EXPECT_EQ(bench.saga(1).version, before.version) << "nothing was changed";
    EXPECT_TRUE(bench.sink.sent.empty()) << "nothing left";
    EXPECT_TRUE(bench.boxes.settled.empty());

    const std::size_t lines = bench.history(1).size();
    bench.tell(1, "UndoRequested");
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    ASSERT_EQ(bench.saga(1).state, "Undone");
    ASSERT_EQ(preview.at("calls").size(), bench.sink.sent.size());
    for (std::size_t i = 0; i < bench.sink.sent.size(); ++i) {
        EXPECT_EQ(preview.at("calls")[i].at("activity"), bench.sink.sent[i].activity);
        EXPECT_EQ(preview.at("calls")[i].at("key"), bench.sink.sent[i].idempotency_key);
        EXPECT_EQ(preview.at("calls")[i].at("payload"), bench.sink.sent[i].payload);
        EXPECT_FALSE(preview.at("calls")[i].at("already_under_way").get<bool>());
    }
    std::vector<std::string> path;
    for (const json& step : preview.at("path"))
        path.push_back(step.at("event"));
    const std::vector<std::string> history = bench.history(1);
    EXPECT_EQ(path, std::vector<std::string>(history.begin() + static_cast<std::ptrdiff_t>(lines), history.end()));
    ASSERT_EQ(preview.at("changes").size(), bench.boxes.settled.size());
    EXPECT_EQ(preview.at("changes")[0].at("effect"), "GiveBox");
}

TEST(EnginePreview, CountsACommandThatIsUnderWayOrWaitsForItsNextAttempt) {
    for (OutcomeKind kind : {OutcomeKind::done, OutcomeKind::unknown}) {
        Bench bench;
        bench.order(1);
        if (kind == OutcomeKind::unknown) bench.end(bench.last_sent(), an_outcome(kind));
        const json preview = bench.engine->preview(parcel(1), {"UndoRequested", json::object(), "anna"});
        EXPECT_EQ(preview.at("ends_in"), "Undone");
        ASSERT_EQ(preview.at("calls").size(), 2U);
        EXPECT_TRUE(preview.at("calls")[0].at("already_under_way").get<bool>());
        EXPECT_EQ(preview.at("calls")[1].at("activity"), "Unpack");
    }
}

TEST(EnginePreview, KnowsNoSagaThatDoesNotExist) {
    Bench bench;
    EXPECT_THROW(
        (void)bench.engine->preview(parcel(1), {"UndoRequested", json::object(), "anna"}), std::invalid_argument);
}

// --- versions ----------------------------------------------------------------------------------------------------------------

TEST(EngineVersions, AnOlderOneStaysLoadable) {
    Bench bench;
    bench.definition = ParcelSaga(1, {1});
    bench.order(1);
    EXPECT_EQ(bench.saga(1).definition_version, 1);
    bench.definition = ParcelSaga(2, {1, 2});
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    EXPECT_EQ(bench.saga(1).state, "Sending");
    EXPECT_EQ(bench.saga(1).definition_version, 1);
    bench.order(2);
    EXPECT_EQ(bench.saga(2).definition_version, 2);
}

TEST(EngineVersions, AnUnknownOneIsLeftAloneAndVisible) {
    Bench bench;
    bench.order(1);
    bench.definition = ParcelSaga(9, {9});
    InputResult result = bench.tell(1, "UndoRequested");
    EXPECT_EQ(result.kind, Kind::parked);
    EXPECT_THAT(result.reason, HasSubstr("definition version 2"));
    bench.pass(2h);
    EXPECT_EQ(bench.saga(1).incident, "the engine cannot decide");
    EXPECT_EQ(bench.saga(1).state, "Packing");
}

// --- the store's own trouble ---------------------------------------------------------------------------------------------------

struct Trouble final : sim::SimFaults {
    std::vector<AtCommit> commits;  // one per commit, then fine
    int failing_calls = 0;
    AtCall at_call(const char* call) override {
        if (std::string_view(call) != "write" || failing_calls == 0) return AtCall::fine;
        --failing_calls;
        return AtCall::serialization_failure;
    }
    AtCommit at_commit() override {
        if (commits.empty()) return AtCommit::fine;
        AtCommit next = commits.front();
        commits.erase(commits.begin());
        return next;
    }
};

TEST(EngineStore, RepeatsABatchThatTheStoreRolledBack) {
    Bench bench;
    Trouble trouble;
    bench.store.set_faults(&trouble);
    trouble.failing_calls = 3;
    EXPECT_EQ(bench.order(1).kind, Kind::applied);
    EXPECT_EQ(bench.engine->counts().store_retries, 3U);
    EXPECT_THAT(bench.boxes.settled, Contains("TakeBox parcel 1"));
    EXPECT_EQ(bench.sink.sent.size(), 1U) << "sent once, after the commit";
    bench.store.set_faults(nullptr);
}

TEST(EngineStore, TellsWhoLooksOnNothingThatWasRolledBack) {
    using AtCommit = sim::SimFaults::AtCommit;
    Bench bench;
    Trouble trouble;
    bench.store.set_faults(&trouble);
    trouble.commits = {AtCommit::lost, AtCommit::lost};
    int told = 0;
    bench.engine->set_onlooker(
        [&](const std::vector<SagaChange>& changes) { told += static_cast<int>(changes.size()); });
    bench.order(1);
    EXPECT_EQ(bench.store.counts().lost, 2U);
    EXPECT_EQ(told, 1) << "of the third attempt alone";
    bench.store.set_faults(nullptr);
}

TEST(EngineStore, RecognisesWhatADoubtfulCommitHasApplied) {
    using AtCommit = sim::SimFaults::AtCommit;
    for (AtCommit fate : {AtCommit::in_doubt_applied, AtCommit::in_doubt_not_applied}) {
        Bench bench;
        bench.confirms = false;
        Trouble trouble;
        bench.store.set_faults(&trouble);
        trouble.commits = {fate};
        InputResult result = bench.order(1);
        EXPECT_EQ(result.kind, fate == AtCommit::in_doubt_applied ? Kind::duplicate : Kind::applied);
        EXPECT_THAT(bench.history(1), ElementsAre("ParcelOrdered", "BoxTaken")) << "once";
        bench.pass(4s);
        EXPECT_EQ(bench.sink.sent.size(), 1U + (fate == AtCommit::in_doubt_applied ? 0U : 1U))
            << "what was committed unseen is found by the relay, what was seen is repeated by it";
        EXPECT_EQ(sim::joined(sim::check_laws(bench.store)), "");
        bench.store.set_faults(nullptr);
    }
}

TEST(EngineStore, GivesTheInputsBackWhenItStaysAway) {
    Bench bench;
    Trouble trouble;
    bench.store.set_faults(&trouble);
    trouble.failing_calls = 1000;
    std::vector<Input> inputs;
    int answered = 0;
    for (int number = 1; number <= 3; ++number) {
        inputs.push_back(bench.wanted(number));
        inputs.back().done = [&](const InputResult&) {
            ++answered;
        };
    }
    EXPECT_FALSE(bench.engine->run(inputs));
    EXPECT_EQ(inputs.size(), 3U);
    EXPECT_EQ(answered, 0);

    trouble.failing_calls = 0;
    EXPECT_TRUE(bench.engine->run(inputs));
    EXPECT_TRUE(inputs.empty());
    EXPECT_EQ(answered, 3);
    bench.store.set_faults(nullptr);
}

// A repetition that the store rolled back must not be taken for done.
TEST(EngineStore, RepeatsTheRelayWhenItsTransactionFailed) {
    Bench bench;
    bench.confirms = false;
    bench.order(1);
    bench.order(2);
    bench.end(bench.sink.sent[0], an_outcome(OutcomeKind::done));
    bench.end(bench.last_sent(), an_outcome(OutcomeKind::done));
    bench.sink.sent.clear();
    bench.sink.announced.clear();
    Trouble trouble;
    bench.store.set_faults(&trouble);
    bench.clock.advance(4s);
    // Waking and duties commit first; the third commit is the relay's.
    using AtCommit = sim::SimFaults::AtCommit;
    trouble.commits = {AtCommit::fine, AtCommit::fine, AtCommit::lost};
    bench.due();
    EXPECT_EQ(bench.sink.announced.size(), 1U);
    EXPECT_EQ(bench.sink.sent.size(), 1U);
    bench.store.set_faults(nullptr);
}

// Two engines on one store: the saga's version decides, nothing is applied twice.
TEST(EngineStore, ServesTwoEngines) {
    Bench bench;
    bench.order(1);
    Sink sink;
    runtime::SeededRandom random(8);
    Engine other(bench.store, bench.boxes, {&bench.definition}, sink, random);
    std::vector<Input> inputs;
    inputs.push_back(bench.outcome_of(bench.last_sent(), an_outcome(OutcomeKind::done)));
    EXPECT_TRUE(other.run(inputs));
    EXPECT_EQ(bench.end(bench.sink.sent.front(), an_outcome(OutcomeKind::done)).kind, Kind::duplicate);
    EXPECT_THAT(bench.history(1), ElementsAre("ParcelOrdered", "BoxTaken", "Packed"));
}

}  // namespace
}  // namespace ordersaga::engine
