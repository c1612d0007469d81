#include "tests/integration/db/a_merchant.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace ordersaga::db {
namespace {

using engine::Changes;
using engine::CommandRow;
using engine::CommandState;
using engine::LaneRow;
using std::chrono::hours;
using std::chrono::seconds;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> ids_of(const std::vector<CommandRow>& rows) {
    std::vector<std::string> ids;
    for (const CommandRow& row : rows) {
        ids.push_back(row.command_id);
    }
    return ids;
}

class EngineRows : public AMerchant {
protected:
    EngineRows() { add_sagas(1, 1); }

    static LaneRow a_lane(const std::string& name) {
        LaneRow row;
        row.merchant = merchant;
        row.lane = name;
        row.tokens = row.capacity = 10.1;
        return row;
    }

    // Locked, and created first where they do not exist.
    static std::vector<LaneRow> lanes_of(engine::Transaction& transaction, const std::vector<LaneRow>& lanes) {
        std::vector<std::pair<sagas::MerchantId, std::string>> names;
        for (const LaneRow& lane : lanes)
            names.emplace_back(lane.merchant, lane.lane);
        transaction.create_lanes(lanes);
        return transaction.lock_lanes(names);
    }
};

TEST_F(EngineRows, NamesTheLanesThatNobodyHasCreated) {
    using Names = std::vector<std::pair<sagas::MerchantId, std::string>>;
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        transaction.create_lanes({a_lane("store:1")});
        EXPECT_EQ(
            transaction.missing_lanes({{merchant, "store:1"}, {merchant, "store:2"}}), (Names{{merchant, "store:2"}}));
    });
}

TEST_F(EngineRows, SagasReadBackAsTheyWereWritten) {
    engine::SagaRow changed = a_saga(1);
    changed.version = 3;
    changed.state = "Elsewhere";
    changed.incident = "look";
    changed.trace = "";
    Changes changes;
    changes.updated_sagas.push_back(changed);
    changes.updated_from.push_back(0);
    for (int version = 1; version <= 3; ++version) {
        engine::HistoryRow history;
        history.key = saga(1);
        history.version = version;
        history.at = start;
        history.event = "Told";
        history.details = {{"of", version}};
        changes.history.push_back(history);
    }
    write(changes);

    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        const auto found = transaction.lock_sagas({saga(2), saga(1), saga(1)});
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].key, saga(1));
        EXPECT_EQ(found[0].state, "Elsewhere");
        EXPECT_EQ(found[0].version, 3);
        EXPECT_EQ(found[0].data, changed.data);
        EXPECT_EQ(found[0].subject, "eu #1001");
        EXPECT_EQ(found[0].next_wake, start + hours(1));
        EXPECT_EQ(found[0].incident, "look");
        EXPECT_EQ(found[0].created_at, start);
    });
    EXPECT_EQ(look("SELECT count(*) FROM saga_history"), "3");
}

// S39: a copy in memory was saved over a newer row (statamic-cargo #195).
TEST_F(EngineRows, ASagaThatMovedOnIsNotWritten) {
    Changes changes;
    changes.updated_sagas.push_back(a_saga(1));
    changes.updated_sagas.back().version = 6;
    changes.updated_from.push_back(5);
    EXPECT_THROW(write(changes), engine::StoreUnavailable);
    EXPECT_EQ(look("SELECT version FROM sagas"), "0");
}

TEST_F(EngineRows, ASagaWithoutANextLookIsABadItem) {
    Changes changes;
    changes.new_sagas.push_back(a_saga(2));
    changes.new_sagas.back().next_wake.reset();
    EXPECT_THROW(write(changes), engine::BadItem);
    changes.new_sagas.back().final = true;
    write(changes);
    EXPECT_EQ(look("SELECT count(*) FROM sagas"), "2");
}

TEST_F(EngineRows, AnOrderIsInNoStateThatDoesNotExist) {
    Changes changes;
    changes.new_sagas.push_back(a_saga(2));
    changes.new_sagas.back().kind = "order";
    EXPECT_THROW(write(changes), engine::BadItem);
}

TEST_F(EngineRows, APreviewLeavesNothing) {
    in_rows(
        [&](engine::Transaction& transaction, orders::Rows&) {
            Changes changes;
            changes.new_sagas.push_back(a_saga(2));
            transaction.write(changes);
            EXPECT_EQ(transaction.lock_sagas({saga(2)}).size(), 1U);
        },
        engine::Store::Ending::roll_back);
    EXPECT_EQ(look("SELECT count(*) FROM sagas"), "1");
}

TEST_F(EngineRows, ClaimsSagasThatAreDueSignalledOrSilentEarliestFirst) {
    add_sagas(2, 4);
    add_command(sent(a_command(10, 2, "k"), start));
    CommandRow ended = sent(a_command(11, 1, "k"), start);  // its deadline wakes nobody any more
    ended.state = CommandState::closed;
    ended.closed_at = start;
    add_command(ended);
    Changes changes;
    changes.new_signals.push_back({saga(3), 0, "Told", nlohmann::json::object(), "test"});
    write(changes);
    const auto claimed_at = [&](Instant now, std::size_t limit) {
        std::vector<std::string> claimed;
        in_rows([&](engine::Transaction& transaction, orders::Rows&) {
            for (const auto& row : transaction.claim_waking_sagas(now, limit)) {
                claimed.push_back(row.key.saga_id);
            }
        });
        return claimed;
    };
    EXPECT_EQ(claimed_at(start, 10), (std::vector<std::string>{uuid(3)}));
    EXPECT_EQ(claimed_at(start + seconds(20), 10), (std::vector<std::string>{uuid(3), uuid(2)}));
    EXPECT_EQ(claimed_at(start + hours(1), 3), (std::vector<std::string>{uuid(3), uuid(2), uuid(1)}));
}

TEST_F(EngineRows, TwoEnginesNeverClaimTheSameSaga) {
    add_sagas(2, 6);
    PgStore other{{database.dsns().engine, "test"}, test::test_keys()};
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        EXPECT_EQ(transaction.claim_waking_sagas(start + hours(1), 4).size(), 4U);
        other.transact(
            [&](engine::Transaction& second) { EXPECT_EQ(second.claim_waking_sagas(start + hours(1), 6).size(), 2U); });
    });
}

TEST_F(EngineRows, TakesSignalsOnceOldestFirst) {
    Changes changes;
    changes.new_signals.push_back({saga(1), 0, "First", nullptr, ""});
    changes.new_signals.push_back({saga(1), 0, "Second", {{"a", 1}}, "because"});
    write(changes);
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        const auto taken = transaction.take_signals({saga(1)});
        ASSERT_EQ(taken.size(), 2U);
        EXPECT_EQ(taken[0].event, "First");
        EXPECT_EQ(taken[1].payload, nlohmann::json({{"a", 1}}));
        EXPECT_TRUE(transaction.take_signals({saga(1)}).empty());
    });
}

TEST_F(EngineRows, ASignalForNoSagaIsABadItemAtTheCommit) {
    Changes changes;
    changes.new_signals.push_back({saga(99), 0, "Told", nlohmann::json::object(), ""});
    EXPECT_THROW(write(changes), engine::BadItem);
}

TEST_F(EngineRows, CommandsReadBackAsTheyWereWritten) {
    CommandRow row = sent(a_command(10, 1, "request"), start);
    row.tokens = 0.1;
    row.priority = 0;
    row.attempt = 2;
    row.counted_attempts = 1;
    row.perhaps_applied = row.lookup_first = true;
    row.send_before = start + seconds(5);
    row.last_error = "gate\0way";
    row.trace = "00-1";
    add_command(row);
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        const auto found = transaction.open_commands({saga(1)});
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].tokens, 0.1);
        EXPECT_EQ(found[0].priority, 0);
        EXPECT_EQ(found[0].state, CommandState::sent);
        EXPECT_EQ(found[0].payload, row.payload);
        EXPECT_EQ(found[0].attempt, 2);
        EXPECT_EQ(found[0].attempt_token, row.attempt_token);
        EXPECT_TRUE(found[0].lookup_first);
        EXPECT_EQ(found[0].sent_at, start);
        EXPECT_EQ(found[0].send_before, start + seconds(5));
        EXPECT_FALSE(found[0].published_at);
        EXPECT_EQ(found[0].trace, "00-1");
    });
}

// One change may end a call and begin the next of the same purpose.
TEST_F(EngineRows, HasOneOpenCommandPerPurpose) {
    add_command(a_command(10, 1, "request"));
    EXPECT_THROW(add_command(a_command(11, 1, "request")), engine::BadItem);
    Changes closing;
    closing.updated_commands.push_back(a_command(10, 1, "request"));
    closing.updated_commands.back().state = CommandState::closed;
    closing.updated_commands.back().closed_at = start;
    closing.updated_commands.back().outcome = "done";
    closing.new_commands.push_back(a_command(11, 1, "request"));
    write(closing);
    closing.new_commands.clear();
    // A closed command has had its outcome: whoever writes it again comes late.
    EXPECT_THROW(write(closing), engine::StoreUnavailable);
}

TEST_F(EngineRows, ClaimsWaitingCommandsByPriorityThenDueThenId) {
    CommandRow urgent = a_command(13, 1, "a");
    urgent.priority = 0;
    CommandRow later = a_command(11, 1, "b");
    later.due_at = start + seconds(1);
    for (const CommandRow& row : {later, a_command(12, 1, "c"), a_command(10, 1, "d"), urgent}) {
        add_command(row);
    }
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        const auto claimed = [&](const std::string& lane, Instant now, std::size_t limit) {
            return ids_of(transaction.claim_waiting_commands(merchant, lane, now, limit));
        };
        EXPECT_THAT(claimed("store:1", start, 9), UnorderedElementsAre(uuid(10), uuid(12), uuid(13)));
        EXPECT_THAT(claimed("store:1", start + seconds(1), 2), UnorderedElementsAre(uuid(10), uuid(13)));
        EXPECT_THAT(claimed("store:2", start, 9), IsEmpty());
    });
}

// Three of store 1 and one each of 2 and 3, which came last.
TEST_F(EngineRows, ClaimsWaitingCommandsInTurnOfTheirOrigins) {
    const auto of_origin = [&](int number, const std::string& origin) {
        CommandRow row = a_command(number, 1, std::to_string(number));
        row.origin = origin;
        return row;
    };
    CommandRow urgent = of_origin(20, "1");
    urgent.priority = 0;
    for (const CommandRow& row :
         {of_origin(10, "1"), of_origin(11, "1"), of_origin(12, "1"), of_origin(13, "2"), of_origin(14, "3"), urgent}) {
        add_command(row);
    }
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        const auto claimed = [&](const std::string& served_last, std::size_t limit) {
            return ids_of(transaction.claim_waiting_commands(merchant, "store:1", start, limit, served_last));
        };
        EXPECT_THAT(claimed("", 1), UnorderedElementsAre(uuid(20)));
        EXPECT_THAT(claimed("", 2), UnorderedElementsAre(uuid(20), uuid(10)));
        EXPECT_THAT(claimed("1", 2), UnorderedElementsAre(uuid(20), uuid(13)));
        EXPECT_THAT(claimed("2", 3), UnorderedElementsAre(uuid(20), uuid(14), uuid(10)));
        EXPECT_THAT(claimed("3", 5), UnorderedElementsAre(uuid(20), uuid(10), uuid(13), uuid(14), uuid(11)));
        EXPECT_EQ(claimed("3", 9).size(), 6U);
    });
}

TEST_F(EngineRows, CountsWhatALaneHasInFlightAndSkipsPausedLanes) {
    add_command(sent(a_command(10, 1, "a"), start));
    add_command(a_command(11, 1, "b"));
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        EXPECT_EQ(transaction.lanes_with_work(start, 9).size(), 1U);
        EXPECT_TRUE(transaction.lanes_with_work(start - seconds(1), 9).empty());
        std::vector<LaneRow> lanes = lanes_of(transaction, {a_lane("store:1"), a_lane("store:2")});
        ASSERT_EQ(lanes.size(), 2U);
        EXPECT_EQ(lanes[0].in_flight, 1);
        EXPECT_EQ(lanes[0].tokens, 10.1);
        EXPECT_EQ(lanes[1].in_flight, 0);
        lanes[0].not_before = start + seconds(5);
        transaction.write_lanes(lanes);
        EXPECT_TRUE(transaction.lanes_with_work(start, 9).empty());
        EXPECT_EQ(transaction.lanes_with_work(start + seconds(5), 9).size(), 1U);
        LaneRow other = a_lane("store:1");
        other.capacity = 99;
        EXPECT_EQ(lanes_of(transaction, {other})[0].capacity, 10.1);
    });
}

TEST_F(EngineRows, WalksOverAllLanesWithWork) {
    add_sagas(2, 9);
    for (int number = 1; number <= 8; ++number) {
        CommandRow row = a_command(100 + number, number + 1, "k");
        row.lane = "store:" + std::to_string(number % 4);
        add_command(row);
    }
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        EXPECT_EQ(transaction.lanes_with_work(start, 9).size(), 4U);
        EXPECT_EQ(transaction.lanes_with_work(start, 3).size(), 3U);
    });
}

TEST_F(EngineRows, FindsWhatNobodyConfirmed) {
    add_command(sent(a_command(10, 1, "a"), start));
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        EXPECT_TRUE(transaction.claim_unpublished_commands(start - seconds(1), 9).empty());
        EXPECT_EQ(transaction.claim_unpublished_commands(start, 9).size(), 1U);
        transaction.mark_published({{uuid(10), "token of another attempt", start}});
        EXPECT_EQ(transaction.claim_unpublished_commands(start, 9).size(), 1U);
        transaction.mark_published({{uuid(10), "token of " + uuid(10), start}});
        EXPECT_TRUE(transaction.claim_unpublished_commands(start, 9).empty());
    });
}

// Times of an earlier state may still stand in a row; they are nobody's turn.
TEST_F(EngineRows, ACommandIsTakenInItsOwnStateOnly) {
    const auto closed = [&](CommandRow row) {
        row.state = CommandState::closed;
        row.closed_at = start;
        return row;
    };
    const auto waiting = [&](CommandRow row) {
        row = sent(row, start);
        row.state = CommandState::waiting;
        row.lane = "store:2";
        return row;
    };
    const auto of_duty = [](CommandRow row) {
        row.saga_id.clear();
        row.duty = "Poll/store:1";
        return row;
    };
    add_command(closed(sent(a_command(10, 1, "a"), start)));
    add_command(of_duty(closed(sent(a_command(11, 1, "b"), start))));
    add_command(waiting(a_command(12, 1, "c")));
    add_command(of_duty(waiting(a_command(13, 1, "d"))));
    const Instant late = start + hours(1);
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        EXPECT_EQ(ids_of(transaction.open_commands({saga(1)})), std::vector<std::string>{uuid(12)});
        EXPECT_EQ(
            ids_of(transaction.lock_duty_commands({{merchant, uuid(11)}, {merchant, uuid(13)}})),
            std::vector<std::string>{uuid(13)});
        EXPECT_TRUE(transaction.claim_expired_duty_commands(late, 9).empty());
        EXPECT_TRUE(transaction.claim_unpublished_commands(late, 9).empty());
        EXPECT_TRUE(transaction.claim_waiting_commands(merchant, "store:1", late, 9).empty());
        EXPECT_EQ(transaction.claim_waiting_commands(merchant, "store:2", late, 9).size(), 2U);
        ASSERT_EQ(transaction.lanes_with_work(late, 9).size(), 1U);
        EXPECT_EQ(transaction.lanes_with_work(late, 9).front().second, "store:2");
    });
}

TEST_F(EngineRows, DutiesAndTheirCommands) {
    CommandRow row = sent(a_command(10, 1, "a"), start);
    row.saga_id.clear();
    row.duty = "Poll/store:1";
    engine::DutyRow duty;
    duty.merchant = merchant;
    duty.duty = "Poll";
    duty.subject = "store:1";
    duty.next_due = start;
    duty.memory = {{"watermark", "x"}};
    duty.command_id = row.command_id;
    Changes changes;
    changes.new_commands.push_back(row);
    changes.updated_duties = {duty, duty};
    write(changes);
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        EXPECT_EQ(
            ids_of(transaction.lock_duty_commands({{merchant, uuid(10)}, {merchant, uuid(11)}})),
            std::vector<std::string>{uuid(10)});
        EXPECT_TRUE(transaction.claim_expired_duty_commands(start + seconds(19), 9).empty());
        EXPECT_EQ(transaction.claim_expired_duty_commands(start + seconds(20), 9).size(), 1U);
        const Duration until_start = start - transaction.now();
        EXPECT_TRUE(transaction.claim_due_duties(until_start - seconds(1), 9).empty());
        const auto due = transaction.claim_due_duties(until_start, 9);
        ASSERT_EQ(due.size(), 1U);
        EXPECT_EQ(due[0].memory, duty.memory);
        EXPECT_EQ(due[0].command_id, uuid(10));
        EXPECT_EQ(transaction.lock_duties({{merchant, "Poll/store:1"}, {merchant, "Poll/store:2"}}).size(), 1U);
    });
}

TEST_F(EngineRows, HurriesADutysCommandThatWaits) {
    const auto of_duty = [](CommandRow row) {
        row.saga_id.clear();
        row.duty = "Poll/store:1";
        row.priority = 3;
        return row;
    };
    CommandRow of_saga = a_command(10, 1, "a");
    of_saga.priority = 3;
    CommandRow urgent = of_duty(a_command(12, 1, "c"));
    urgent.priority = 0;
    for (const CommandRow& row :
         {of_saga, of_duty(sent(a_command(11, 1, "b"), start)), urgent, of_duty(a_command(13, 1, "d")),
          of_duty(a_command(14, 1, "e"))})
        add_command(row);
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        for (const int number : {10, 11, 12, 13})
            transaction.hurry_duty_command(merchant, uuid(number));
    });
    EXPECT_EQ(
        look("SELECT string_agg(priority::text, ' ' ORDER BY command_id) FROM commands"),
        "3 3 0 " + std::to_string(engine::asked_first) + " 3");
}

TEST_F(EngineRows, KeepsOneIncidentPerKeyWhileItIsOpen) {
    const auto open = [&](const std::string& text) {
        Changes changes;
        changes.opened_incidents.push_back({merchant, "lane:x", "", "cause", "passed over"});
        changes.opened_incidents.push_back({merchant, "lane:x", "", "cause", text});
        write(changes);
    };
    open("first");
    open("second");
    EXPECT_EQ(look("SELECT count(*) FROM incidents"), "1");
    EXPECT_EQ(look("SELECT text FROM incidents"), "second");
    const std::string updated = look("SELECT updated_at FROM incidents");
    const std::string written = look("SELECT xmin FROM incidents");
    open("second");
    EXPECT_EQ(look("SELECT updated_at FROM incidents"), updated) << "nothing new was said";
    EXPECT_EQ(look("SELECT xmin FROM incidents"), written) << "nothing was written";
    Changes closing;
    closing.closed_incidents.emplace_back(merchant, "lane:x");
    write(closing);
    const std::string first_end = look("SELECT closed_at FROM incidents");
    open("third");
    EXPECT_EQ(look("SELECT count(*) FROM incidents"), "2");
    EXPECT_EQ(look("SELECT text FROM incidents WHERE closed_at IS NULL"), "third");
    write(closing);
    EXPECT_EQ(look("SELECT min(closed_at) FROM incidents"), first_end) << "it has one end";
}

TEST_F(EngineRows, AnnouncementsLeaveInTheirOrder) {
    std::vector<engine::AnnouncementRow> told{
        {merchant, 0, "orders.created", {{"n", 1}}}, {merchant, 0, "orders.created", {{"n", 2}}}};
    in_rows([&](engine::Transaction& transaction, orders::Rows&) { transaction.add_announcements(told); });
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        const auto claimed = transaction.claim_announcements(9);
        ASSERT_EQ(claimed.size(), 2U);
        EXPECT_EQ(claimed[0].body["n"], 1);
        EXPECT_EQ(claimed[0].announcement_id, told[0].announcement_id);
        EXPECT_EQ(claimed[1].announcement_id, told[1].announcement_id);
        transaction.delete_announcements({claimed[0].announcement_id});
        EXPECT_EQ(transaction.claim_announcements(9).size(), 1U);
    });
}

TEST_F(EngineRows, ParksWhatNothingElseCanHold) {
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        transaction.park(
            sagas::MerchantId{0}, "webhook", std::string("a\0b\xff", 4), "bad", {{"key", std::string("\0\xff", 2)}});
    });
    EXPECT_EQ(look("SELECT count(*) FROM parked_items WHERE merchant_id = 0 AND reason = 'bad'"), "1");
}

TEST_F(EngineRows, TextTheDatabaseCannotHoldIsABadItem) {
    Changes changes;
    changes.new_sagas.push_back(a_saga(2));
    changes.new_sagas.back().subject = std::string("a\0b", 3);
    EXPECT_THROW(write(changes), engine::BadItem);
    changes.new_sagas.back().subject = "\xff";
    EXPECT_THROW(write(changes), engine::BadItem);
    changes.new_sagas.back().subject = "fine";
    changes.new_sagas.back().data = {{"text", std::string("\0", 1)}};
    EXPECT_THROW(write(changes), engine::BadItem);
}

TEST_F(EngineRows, TellsWhenSomethingComesDueNext) {
    const auto next = [&] {
        engine::NextDue due;
        in_rows([&](engine::Transaction& transaction, orders::Rows&) { due = transaction.next_due(); });
        return due;
    };
    EXPECT_EQ(next().sagas, start + hours(1));
    EXPECT_EQ(next().deadlines, std::nullopt);
    EXPECT_EQ(next().sending, std::nullopt);
    EXPECT_EQ(next().unconfirmed_since, std::nullopt);
    const Instant now = database_time();
    run_as_engine("UPDATE sagas SET next_wake = now() + interval '1 day'");
    CommandRow waiting = a_command(10, 1, "a");
    waiting.due_at = now + seconds(300);
    add_command(waiting);
    // Of what has ended nobody asks, or each look would find something.
    CommandRow ended = sent(a_command(12, 1, "c"), start);
    ended.state = CommandState::closed;
    ended.closed_at = start;
    add_command(ended);
    CommandRow ended_early = a_command(13, 1, "d");
    ended_early.state = CommandState::closed;
    ended_early.closed_at = start;
    ended_early.due_at = now + seconds(100);
    add_command(ended_early);
    EXPECT_EQ(next().sending, now + seconds(300));
    EXPECT_EQ(next().deadlines, std::nullopt);
    EXPECT_EQ(next().unconfirmed_since, std::nullopt);
    run_as_engine("UPDATE commands SET due_at = now() - interval '1 second'");
    EXPECT_GE(next().sending, now) << "a lane that nobody has created yet";
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        std::vector<LaneRow> lanes = lanes_of(transaction, {a_lane("store:1")});
        lanes[0].not_before = now + seconds(200);
        transaction.write_lanes(lanes);
    });
    EXPECT_EQ(next().sending, now + seconds(200));

    CommandRow under_way = a_command(11, 1, "b");
    under_way.state = CommandState::sent;
    under_way.attempt_token = "token";
    under_way.sent_at = now;
    under_way.deadline = now + seconds(20);
    add_command(under_way);
    EXPECT_EQ(next().deadlines, now + seconds(20));
    EXPECT_EQ(next().unconfirmed_since, now);
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        transaction.mark_published({{under_way.command_id, "token", now}});
    });
    EXPECT_EQ(next().unconfirmed_since, std::nullopt);

    Changes changes;
    changes.new_signals.push_back({saga(1), 0, "Told", nlohmann::json::object(), "test"});
    write(changes);
    const engine::NextDue due = next();
    EXPECT_GE(due.sagas, now);
    EXPECT_LT(due.sagas, now + seconds(60));
}

TEST_F(EngineRows, ALookAtWhatIsDueLocksNothing) {
    const auto lockers = [&] {
        return look(
            "SELECT string_agg(xmax::text, ',') FROM (SELECT xmax FROM sagas UNION ALL SELECT xmax FROM commands) "
            "rows");
    };
    add_command(a_command(10, 1, "a"));
    const std::string before = lockers();
    in_rows([&](engine::Transaction& transaction, orders::Rows&) { EXPECT_TRUE(transaction.next_due().sending); });
    EXPECT_EQ(lockers(), before);
    in_rows([&](engine::Transaction& transaction, orders::Rows&) { transaction.open_commands({saga(1)}); });
    EXPECT_NE(lockers(), before) << "it can be seen";
}

TEST_F(EngineRows, AuditAndHistoryCannotBeRewritten) {
    Changes changes;
    changes.audit.push_back({merchant, start, "anna", "cancel", "saga", "asked", {{"a", 1}}});
    write(changes);
    changes = {};
    changes.history.push_back({saga(1), 1, start, "A", "B", "Event", "anna: asked", "a note", {{"event", {{"a", 1}}}}});
    write(changes);
    for (const char* rewrite :
         {"UPDATE audit SET actor = 'nobody'", "UPDATE audit SET reason = 'never asked'",
          "UPDATE audit SET reason = 'erased'", "UPDATE saga_history SET to_state = 'C'",
          "UPDATE saga_history SET cause = 'erased', note = 'erased'",
          "UPDATE saga_history SET note = 'another note', details = '{}'", "DELETE FROM audit",
          "DELETE FROM saga_history", "UPDATE stock_movements SET on_hand = 0", "DELETE FROM listing_moves"}) {
        EXPECT_THROW(run_as_engine(rewrite), Misuse) << rewrite;
    }
    // The one change there may be: their free texts are erased (db/privacy.hpp).
    run_as_engine("UPDATE audit SET reason = 'erased', details = '{}'");
    run_as_engine("UPDATE saga_history SET cause = 'erased', note = 'erased', details = '{}'");
}

TEST_F(EngineRows, ALostConnectionIsUnavailableAndThenReplaced) {
    EXPECT_THROW(
        in_rows([&](engine::Transaction& transaction, orders::Rows&) {
            transaction.now();
            database.cut_connections();
            transaction.next_due();
        }),
        engine::StoreUnavailable);
    EXPECT_GT(database_time(), start);
}

}  // namespace
}  // namespace ordersaga::db
