#include "tests/unit/sim_store/a_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::sim {
namespace {

using engine::Changes;
using engine::CommandRow;
using engine::CommandState;
using engine::LaneRow;
using engine::Transaction;
using std::chrono::seconds;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> ids_of(const std::vector<CommandRow>& rows) {
    std::vector<std::string> ids;
    for (const CommandRow& row : rows)
        ids.push_back(row.command_id);
    return ids;
}

CommandRow sent(CommandRow row, Instant at) {
    row.state = CommandState::sent;
    row.attempt_token = "token of " + row.command_id;
    row.sent_at = at;
    row.deadline = at + seconds(20);
    return row;
}

LaneRow a_lane(const std::string& name) {
    LaneRow row;
    row.merchant = merchant;
    row.lane = name;
    row.tokens = row.capacity = 10;
    return row;
}

// Locked, and created first where they do not exist.
std::vector<LaneRow> lanes_of(Transaction& transaction, const std::vector<LaneRow>& lanes) {
    std::vector<std::pair<MerchantId, std::string>> names;
    for (const LaneRow& lane : lanes)
        names.emplace_back(lane.merchant, lane.lane);
    transaction.create_lanes(lanes);
    return transaction.lock_lanes(names);
}

class EngineRows : public testing::Test {
protected:
    AStore world;
    void SetUp() override { world.add_saga(1); }
};

TEST_F(EngineRows, ClaimsSagasThatAreDueSignalledOrSilentEarliestFirst) {
    for (const int number : {2, 3, 4})
        world.add_saga(number);
    world.add_command(sent(world.a_command(10, 2, "k"), start));
    world.transact([&](Transaction& transaction, orders::Rows&) {
        Changes changes;
        changes.new_signals.push_back({saga(3), 0, "Told", nlohmann::json::object(), "test"});
        transaction.write(changes);
    });
    const auto claimed_at = [&](Instant now, std::size_t limit) {
        std::vector<std::string> claimed;
        world.transact([&](Transaction& transaction, orders::Rows&) {
            for (const auto& row : transaction.claim_waking_sagas(now, limit))
                claimed.push_back(row.key.saga_id);
        });
        return claimed;
    };

    EXPECT_EQ(claimed_at(start, 10), (std::vector<std::string>{uuid(3)}));
    EXPECT_EQ(claimed_at(start + seconds(20), 10), (std::vector<std::string>{uuid(3), uuid(2)}));
    EXPECT_EQ(claimed_at(start + std::chrono::hours(1), 3), (std::vector<std::string>{uuid(3), uuid(2), uuid(1)}));
}

TEST_F(EngineRows, TakesSignalsOnceOldestFirst) {
    world.transact([&](Transaction& transaction, orders::Rows&) {
        Changes changes;
        changes.new_signals.push_back({saga(1), 0, "First", nullptr, ""});
        changes.new_signals.push_back({saga(1), 0, "Second", nullptr, ""});
        transaction.write(changes);
    });

    world.transact([&](Transaction& transaction, orders::Rows&) {
        const auto taken = transaction.take_signals({saga(1)});
        ASSERT_EQ(taken.size(), 2U);
        EXPECT_EQ(taken[0].event, "First");
        EXPECT_TRUE(transaction.take_signals({saga(1)}).empty());
    });
    EXPECT_EQ(world.store.tables().signals.size(), 0U);
}

// One change may end a call and begin the next of the same purpose.
TEST_F(EngineRows, HasOneOpenCommandPerPurpose) {
    world.add_command(world.a_command(10, 1, "request"));
    EXPECT_THROW(world.add_command(world.a_command(11, 1, "request")), engine::BadItem);

    world.transact([&](Transaction& transaction, orders::Rows&) {
        Changes changes;
        changes.updated_commands.push_back(world.a_command(10, 1, "request"));
        changes.updated_commands.back().state = CommandState::closed;
        changes.updated_commands.back().closed_at = start;
        changes.new_commands.push_back(world.a_command(11, 1, "request"));
        transaction.write(changes);
        EXPECT_EQ(ids_of(transaction.open_commands({saga(1)})), std::vector<std::string>{uuid(11)});
    });
}

TEST_F(EngineRows, HurriesADutysCommandThatWaits) {
    const auto of_duty = [&](int number) {
        CommandRow row = world.a_command(number, 1, std::to_string(number));
        row.saga_id.clear();
        row.duty = "Poll/store:1";
        row.priority = 3;
        return row;
    };
    CommandRow of_saga = world.a_command(10, 1, "a");
    of_saga.priority = 3;
    CommandRow sent = of_duty(11);
    sent.state = CommandState::sent;
    sent.sent_at = sent.send_before = start;
    sent.deadline = start + seconds(20);
    sent.attempt_token = "t";
    CommandRow urgent = of_duty(12);
    urgent.priority = 0;
    for (const CommandRow& row : {of_saga, sent, urgent, of_duty(13), of_duty(14)})
        world.add_command(row);

    world.transact([&](Transaction& transaction, orders::Rows&) {
        for (const int number : {10, 11, 12, 13})
            transaction.hurry_duty_command(merchant, uuid(number));
    });

    const auto priority_of = [&](int number) {
        return world.store.tables().open_commands.at({merchant, uuid(number)}).priority;
    };
    EXPECT_EQ(priority_of(10), 3) << "not a duty's";
    EXPECT_EQ(priority_of(11), 3) << "it has left";
    EXPECT_EQ(priority_of(12), 0);
    EXPECT_EQ(priority_of(13), engine::asked_first);
    EXPECT_EQ(priority_of(14), 3);
}

TEST_F(EngineRows, ClaimsWaitingCommandsByPriorityThenDueThenId) {
    CommandRow urgent = world.a_command(13, 1, "a");
    urgent.priority = 0;
    CommandRow later = world.a_command(11, 1, "b");
    later.due_at = start + seconds(1);
    for (const CommandRow& row : {later, world.a_command(12, 1, "c"), world.a_command(10, 1, "d"), urgent})
        world.add_command(row);
    world.transact([&](Transaction& transaction, orders::Rows&) {
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
        CommandRow row = world.a_command(number, 1, std::to_string(number));
        row.origin = origin;
        return row;
    };
    CommandRow urgent = of_origin(20, "1");
    urgent.priority = 0;
    for (const CommandRow& row :
         {of_origin(10, "1"), of_origin(11, "1"), of_origin(12, "1"), of_origin(13, "2"), of_origin(14, "3"), urgent})
        world.add_command(row);
    world.transact([&](Transaction& transaction, orders::Rows&) {
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
    world.add_command(sent(world.a_command(10, 1, "a"), start));
    world.add_command(world.a_command(11, 1, "b"));

    world.transact([&](Transaction& transaction, orders::Rows&) {
        EXPECT_EQ(transaction.lanes_with_work(start, 9).size(), 1U);
        std::vector<LaneRow> lanes = lanes_of(transaction, {a_lane("store:1")});
        ASSERT_EQ(lanes.size(), 1U);
        EXPECT_EQ(lanes[0].in_flight, 1);
        lanes[0].not_before = start + seconds(5);
        transaction.write_lanes(lanes);
        EXPECT_TRUE(transaction.lanes_with_work(start, 9).empty());
        EXPECT_EQ(transaction.lanes_with_work(start + seconds(5), 9).size(), 1U);
        // A lane that exists keeps its figures.
        LaneRow other = a_lane("store:1");
        other.capacity = 99;
        EXPECT_EQ(lanes_of(transaction, {other})[0].capacity, 10);
    });
}

TEST_F(EngineRows, FindsWhatNobodyConfirmed) {
    world.add_command(sent(world.a_command(10, 1, "a"), start));

    world.transact([&](Transaction& transaction, orders::Rows&) {
        EXPECT_TRUE(transaction.claim_unpublished_commands(start - seconds(1), 9).empty());
        EXPECT_EQ(transaction.claim_unpublished_commands(start, 9).size(), 1U);
        transaction.mark_published({{uuid(10), "token of another attempt", start}});
        EXPECT_EQ(transaction.claim_unpublished_commands(start, 9).size(), 1U);
        transaction.mark_published({{uuid(10), "token of " + uuid(10), start}});
        EXPECT_TRUE(transaction.claim_unpublished_commands(start, 9).empty());
    });
}

TEST_F(EngineRows, KeepsOneIncidentPerKeyWhileItIsOpen) {
    const auto open = [&](const std::string& text) {
        Changes changes;
        changes.opened_incidents.push_back({merchant, "lane:x", "", "cause", text});
        return changes;
    };
    world.transact([&](Transaction& transaction, orders::Rows&) {
        transaction.write(open("first"));
        transaction.write(open("second"));
        Changes closing;
        closing.closed_incidents.emplace_back(merchant, "lane:x");
        transaction.write(closing);
        transaction.write(open("third"));
    });

    const auto& incidents = world.store.tables().incidents;
    ASSERT_EQ(incidents.size(), 2U);
    EXPECT_EQ(incidents.begin()->second.row.text, "second");
    EXPECT_TRUE(incidents.begin()->second.closed_at.has_value());
    EXPECT_FALSE(incidents.rows().rbegin()->second.closed_at.has_value());
}

TEST_F(EngineRows, TellsWhenSomethingComesDueNext) {
    const auto next = [&] {
        engine::NextDue due;
        world.transact([&](Transaction& transaction, orders::Rows&) { due = transaction.next_due(); });
        return due;
    };
    EXPECT_EQ(next().sagas, start + std::chrono::hours(1));
    EXPECT_EQ(next().duties, std::nullopt);
    EXPECT_EQ(next().sending, std::nullopt);
    EXPECT_EQ(next().deadlines, std::nullopt);
    EXPECT_EQ(next().unconfirmed_since, std::nullopt);

    engine::DutyRow duty;
    duty.merchant = merchant;
    duty.duty = "Poll";
    duty.subject = "store:1";
    duty.next_due = start + seconds(90);
    world.store.add_duty(duty);
    EXPECT_EQ(next().duties, start + seconds(90));

    CommandRow waiting = world.a_command(10, 1, "a");
    waiting.due_at = start + seconds(30);
    world.add_command(waiting);
    EXPECT_EQ(next().sending, start + seconds(30));
    world.clock.advance(seconds(30));
    EXPECT_EQ(next().sending, start + seconds(30)) << "a lane that nobody has created yet";

    world.transact([&](Transaction& transaction, orders::Rows&) {
        std::vector<LaneRow> lanes = lanes_of(transaction, {a_lane("store:1")});
        lanes[0].not_before = start + seconds(40);
        transaction.write_lanes(lanes);
    });
    EXPECT_EQ(next().sending, start + seconds(40));

    world.add_command(sent(world.a_command(11, 1, "b"), start + seconds(5)));
    EXPECT_EQ(next().deadlines, start + seconds(25));
    EXPECT_EQ(next().unconfirmed_since, start + seconds(5));

    world.transact([&](Transaction& transaction, orders::Rows&) {
        Changes changes;
        changes.new_signals.push_back({saga(1), 0, "Told", nlohmann::json::object(), "test"});
        transaction.write(changes);
    });
    EXPECT_EQ(next().sagas, start + seconds(30));
}

}  // namespace
}  // namespace ordersaga::sim
