// Rules over the whole table: every state answers every event, and the table says what it does.
#include "tests/unit/sagas/conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

std::set<std::string> all_events() {
    std::set<std::string> events = {"TimeReached", "FulfillmentViewed"};
    for (const TransitionRow& row : OrderSaga::table())
        events.insert(row.event);
    return events;
}

// A saga as it may be found in a state: with everything the state could need.
OrderData rich_data(const std::string& state) {
    OrderData data = an_order();
    data.resume = state == "OnHold" ? "Reserved" : "ChannelsSynced";
    data.holds = state == "OnHold" ? std::vector<std::string>{"operator"} : std::vector<std::string>{};
    Fulfillment fulfillment;
    fulfillment.reference = "eu.450789469.1.1";
    fulfillment.state = state == "ChannelsSynced" ? "wanted" : "accepted";
    fulfillment.warehouse_order_id = "55";
    data.fulfillments = {fulfillment};
    return data;
}

std::vector<json> payloads() {
    const json view = a_view("eu.450789469.1.1", "Shipped", {{"S1", "Shipped", {{"9001", 2}}}});
    return {
        {{"lines", lines_json({a_line("L1", 1)})},
         {"by", "customer"},
         {"view", view},
         {"backorder", true},
         {"paid", true}},
        {{"lines", lines_json({a_line("L1", 0)})},
         {"by", "operator"},
         {"view", a_view("eu.450789469.1.1", "Cancelled")},
         {"shipment_id", "S1"},
         {"fulfillment_id", "880"},
         {"conflict", true},
         {"found", false}},
    };
}

// A worker of another version may send anything. Whoever decides on it parks the item; the process goes on.
TEST(OrderSagaTable, ABrokenPayloadIsThrownAndEndsNothingElse) {
    OrderSaga definition;
    SagaSnapshot saga;
    saga.state = "OnHold";
    saga.data = to_json(rich_data("OnHold"));
    const Event broken{"HoldReleased", nullptr, ""};

    EXPECT_THROW(definition.decide(saga, broken, Instant{}), std::exception);
}

TEST(OrderSagaTable, EveryStateAnswersEveryEvent) {
    OrderSaga definition;
    const std::vector<std::vector<OpenCommand>> commands = {
        {},
        {{"c1", "RequestFulfillment", "request:eu.450789469.1.1", false}},
        {{"c1", "RequestFulfillment", "request:eu.450789469.1.1", true},
         {"c2", "CancelFulfillment", "cancel:eu.450789469.1.1", true}},
    };
    int decisions = 0;
    for (const std::string& state : OrderSaga::states()) {
        for (const std::string& event : all_events()) {
            for (const json& payload : payloads()) {
                for (const auto& open : commands) {
                    SCOPED_TRACE(state + " " + event);
                    SagaSnapshot saga{
                        "01890000-0000-7000-8000-000000000001", 1, state, 4, to_json(rich_data(state)), open};
                    Decision decision;
                    ASSERT_NO_THROW(decision = definition.decide(saga, {event, payload, "test"}, start));
                    ++decisions;
                    EXPECT_TRUE(definition.knows(decision.state));
                    EXPECT_EQ(decision.next_wake.has_value(), !definition.is_final(decision.state));
                    if (decision.next_wake) {
                        EXPECT_GE(*decision.next_wake, start);
                    }
                    EXPECT_TRUE(decision.handled || !decision.note.empty())
                        << "no transition is a decision with a reason";
                    if (definition.is_final(state)) {
                        EXPECT_EQ(decision.state, state) << "final is final";
                        EXPECT_TRUE(decision.effects.empty() || decision.effects.front().name == "StopWaiting");
                    }
                    EXPECT_NO_THROW((void)order_data_from_json(decision.data));
                }
            }
        }
    }
    EXPECT_GT(decisions, 3000);
}

TEST(OrderSagaTable, KnowsNoEventByAnotherName) {
    OrderSaga definition;
    SagaSnapshot saga{"s", 1, "Reserved", 1, to_json(an_order()), {}};
    EXPECT_THROW((void)definition.decide(saga, {"MakeCoffee", json::object(), ""}, start), std::invalid_argument);
    saga.state = "Kitchen";
    EXPECT_THROW((void)definition.decide(saga, {"ChannelsUpdated", json::object(), ""}, start), std::invalid_argument);
}

TEST(OrderSagaTable, HasNoRowTwice) {
    std::set<std::tuple<std::string, std::string, std::string>> rows;
    for (const TransitionRow& row : OrderSaga::table()) {
        EXPECT_TRUE(rows.insert({row.from, row.event, row.to}).second) << row.from << " " << row.event << " " << row.to;
    }
}

// A row without a guard beside others of its state and event would make their sequence matter.
TEST(OrderSagaTable, GuardsEveryRowThatSharesItsEvent) {
    const std::vector<TransitionRow>& rows = OrderSaga::table();
    for (const TransitionRow& row : rows) {
        const auto same = std::count_if(rows.begin(), rows.end(), [&](const TransitionRow& other) {
            return other.from == row.from && other.event == row.event;
        });
        EXPECT_TRUE(same == 1 || !row.guard.empty()) << row.from << " " << row.event;
    }
}

TEST(OrderSagaTable, LeavesNoFinalState) {
    OrderSaga definition;
    std::set<std::string> reachable = {std::string(definition.initial_state())};
    for (std::size_t before = 0; before != reachable.size();) {
        before = reachable.size();
        for (const TransitionRow& row : OrderSaga::table()) {
            if (definition.is_final(row.from)) {
                EXPECT_TRUE(row.to.empty()) << row.from << " " << row.event;
            }
            if (reachable.count(row.from) > 0 && !row.to.empty()) reachable.insert(row.to);
        }
    }
    for (const std::string& state : OrderSaga::states())
        EXPECT_EQ(reachable.count(state), 1U) << state;
}

// From everywhere an order can end, and from everywhere short of the pivot a cancel is heard.
TEST(OrderSagaTable, HearsACancelEverywhere) {
    OrderSaga definition;
    for (const std::string& state : OrderSaga::states()) {
        if (state == "ReleasingStock") continue;  // left in the transaction that enters it
        const auto& rows = OrderSaga::table();
        EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const TransitionRow& row) {
            return row.from == state && row.event == "CancelRequested";
        })) << state;
    }
}

TEST(OrderSagaActivities, HaveAPolicyAndAnEventForEveryOutcome) {
    OrderSaga definition;
    const std::set<std::string> events = all_events();
    for (std::string_view name :
         {activity::request_fulfillment, activity::cancel_fulfillment, activity::find_fulfillment,
          activity::create_store_fulfillment, activity::settle_store_order}) {
        for (OutcomeKind kind :
             {OutcomeKind::done, OutcomeKind::refused, OutcomeKind::retryable, OutcomeKind::throttled,
              OutcomeKind::unknown, OutcomeKind::too_late, OutcomeKind::blocked}) {
            const Event event = definition.event_of(name, json::object(), ended(kind), true);
            EXPECT_EQ(events.count(event.name), 1U) << name << " " << event.name;
        }
    }
    EXPECT_THROW((void)definition.event_of("MakeCoffee", json::object(), done(), false), std::invalid_argument);
    EXPECT_THROW((void)definition.policy_of("MakeCoffee"), std::out_of_range);
    // Order in a warehouse lane: cancel, lookup, create, poll.
    EXPECT_LT(definition.policy_of("CancelFulfillment").priority, definition.policy_of("FindFulfillment").priority);
    EXPECT_LT(definition.policy_of("FindFulfillment").priority, definition.policy_of("RequestFulfillment").priority);
    EXPECT_LT(definition.policy_of("RequestFulfillment").priority, definition.policy_of("PollFulfillments").priority);
    for (const auto& [name, policy] : default_policies()) {
        EXPECT_GE(policy.start_to_close, policy.send_within + policy.call_deadline) << name;
    }
}

TEST(OrderSagaSettings, ReplaceAPolicyByName) {
    OrderSagaSettings settings;
    settings.policies["RequestFulfillment"].max_attempts = 3;
    OrderSaga definition(settings);
    EXPECT_EQ(definition.policy_of("RequestFulfillment").max_attempts, 3);
    EXPECT_EQ(definition.policy_of("CancelFulfillment").max_attempts, 12);
    EXPECT_TRUE(definition.can_load(1));
    EXPECT_FALSE(definition.can_load(2));
}

}  // namespace
}  // namespace ordersaga::sagas
