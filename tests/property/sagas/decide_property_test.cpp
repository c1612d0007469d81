// Whatever is told to an order saga, in whatever sequence: it answers, it never forgets what may have happened, and what is
// final stays so. Conversation holds each decision to the rules of a single decision.
#include "tests/property/generator.hpp"
#include "tests/unit/sagas/conversation.hpp"

#include <algorithm>
#include <deque>

namespace ordersaga::sagas {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using property::Generator;

constexpr int steps = 60;

// Tells one saga what stores, operators, the warehouse and its own commands could tell it, as they could: an outcome only
// of an open command, stock's answers only to its effects. Besides, the books that only the effects can be read from.
class OrderWalk {
public:
    explicit OrderWalk(Generator& any) : any_(any), order_(first_data(any)) { order_.let_tell_in_vain(); }

    void go() {
        tell("OrderPlaced");
        for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
            SCOPED_TRACE("step " + std::to_string(step) + " in " + order_.state());
            const std::string before = order_.state();
            const bool was_final = order_.definition().is_final(before);
            act();
            if (was_final) {
                EXPECT_EQ(order_.state(), before) << "final is final";
            }
        }
    }

private:
    static OrderData first_data(Generator& any) {
        OrderData data = an_order();
        data.lines.clear();
        for (std::int64_t line = any.number(1, 2); line > 0; --line) {
            const std::string id = "L" + std::to_string(line);
            data.lines.push_back(any.coin() ? a_line(id, any.number(1, 3)) : a_gift_set(id, any.number(1, 3)));
        }
        data.paid = any.chance(0.8);
        if (!data.paid) data.holds = {"unpaid"};
        data.order_policy = any.one_of<std::string>({"hold_and_tell", "cancel_and_refund", "backorder"});
        return data;
    }

    void act() {
        const std::vector<std::string> open = order_.open();
        const std::int64_t choice = any_.number(0, open.empty() ? 5 : 9);
        if (choice >= 6) {
            end_one(any_.one_of(open));
        } else if (choice == 5) {
            order_.pass(std::chrono::seconds(any_.number(0, 3600)));
            tell("TimeReached");
        } else if (choice == 4) {
            order_.wait();
            settle();
        } else if (choice == 3 && !order_.data().fulfillments.empty()) {
            tell_twice("FulfillmentViewed", {{"view", some_view()}});
        } else {
            fact();
        }
    }

    // A fact from outside, which comes at least once: told again it changes nothing and asks for nothing.
    void fact() {
        switch (any_.number(0, 7)) {
            case 0: tell_twice("OrderPaid", {{"paid", true}}); break;
            case 1: tell_twice("CancelRequested", {{"by", "customer"}, {"reason", "changed my mind"}}); break;
            case 2: tell_twice("CancelRequested", {{"by", "operator"}, {"reason", "fraud"}}); break;
            case 3: tell_twice("OrderChanged", {{"lines", changed_lines()}}); break;
            case 4: tell_twice("HoldPlaced", {{"reason", "wait"}}); break;
            case 5: tell("HoldReleased"); break;
            case 6: tell("OperatorRetried"); break;
            case 7:
                if (waits_for_channels_) tell("ChannelsUpdated");
                break;
        }
    }

    json changed_lines() {
        // As a store tells it: each line once, whatever parts its units belong to.
        std::map<std::string, SagaLine> lines;
        for (const SagaLine& line : order_.data().lines)
            lines.emplace(line.line_id, line);
        if (any_.chance(0.3)) lines.emplace("L3", a_line("L3", 1));
        std::vector<SagaLine> changed;
        for (auto& [id, line] : lines) {
            line.wanted = any_.number(any_.chance(0.2) ? 0 : 1, 3);
            changed.push_back(line);
        }
        return lines_json(changed);
    }

    json some_view() {
        const OrderData data = order_.data();
        const std::string reference = any_.one_of(data.fulfillments).reference;
        const std::string state = any_.one_of<std::string>({"Accepted", "Shipped", "Cancelled"});
        if (state != "Shipped" || any_.chance(0.2)) return a_view(reference, state);
        std::map<std::string, std::int64_t> units;
        for (const SagaLine& line : data.lines) {
            for (const LinePart& part : line.parts)
                units[part.warehouse_item_id] += any_.number(0, line.wanted * part.per_unit);
        }
        return a_view(
            reference, state,
            {{"S" + std::to_string(any_.number(1, 3)),
              any_.coin() ? "Shipped" : "Delivered",
              {units.begin(), units.end()}}});
    }

    void end_one(const std::string& activity) {
        if (any_.chance(0.3)) {
            order_.send(activity);
            return;
        }
        json payload = {
            {"fulfillment_id", "880"}, {"found", any_.coin()}, {"settled", "held"}, {"conflict", any_.coin()}};
        if (!order_.data().fulfillments.empty()) payload["view"] = some_view();
        const OutcomeKind kind = any_.one_of<OutcomeKind>(
            {OutcomeKind::done, OutcomeKind::done, OutcomeKind::done, OutcomeKind::refused, OutcomeKind::unknown,
             OutcomeKind::too_late, OutcomeKind::retryable});
        order_.end(activity, ended(kind, "because", payload), true);
        settle();
    }

    void tell(const std::string& event, const json& payload = json::object()) {
        order_.tell(event, payload);
        settle();
    }

    void tell_twice(const std::string& event, const json& payload) {
        tell(event, payload);
        const std::string state = order_.state();
        const Decision& again = order_.tell(event, payload);
        SCOPED_TRACE(event + " again in " + state);
        EXPECT_EQ(again.state, state);
        EXPECT_TRUE(again.commands.empty()) << again.commands.front().activity;
        EXPECT_TRUE(again.withdraw.empty());
        for (const Effect& effect : again.effects)
            EXPECT_EQ(effect.name, "StopWaiting") << "the one effect that may be settled any number of times";
        EXPECT_TRUE(again.announcements.empty()) << again.announcements.front().routing_key;
    }

    // The stock's side: it books the effects of the last decision and answers some of them, which is decided at once.
    void settle() {
        std::deque<std::pair<std::string, json>> answers;
        for (int round = 0; round < 20; ++round) {
            const Decision decision = order_.last();
            check_undo(decision);
            for (const Effect& effect : decision.effects) {
                book(effect);
                if (effect.name == "Release") answers.emplace_back("StockReleased", json::object());
                if (effect.name == "Reserve" || effect.name == "Exchange") answers.push_back(answer_of_stock(effect));
            }
            while (!answers.empty() && answers.front().first.empty())
                answers.pop_front();
            if (answers.empty()) break;
            ASSERT_LT(round, 19) << "stock and saga answer each other for ever in " << order_.state();
            const auto [answer, payload] = answers.front();
            answers.pop_front();
            order_.tell(answer, payload);
        }
        if (order_.state() != "FulfillmentRequested" && order_.state() != "Shipped") return;
        const OrderData data = order_.data();
        EXPECT_TRUE(data.added.empty()) << "what was asked of the stock was answered";
        for (const SagaLine& line : data.lines) {
            const Fulfillment* fulfillment = data.of_part(line.of_part);
            ASSERT_NE(fulfillment, nullptr) << "part " << line.of_part << " in " << order_.state();
            EXPECT_EQ(fulfillment->state == "accepted", committed_.count(line.of_part) > 0)
                << "part " << line.of_part << " is " << fulfillment->state << " in " << order_.state();
        }
    }

    std::pair<std::string, json> answer_of_stock(const Effect& effect) {
        const bool for_part = effect.payload.contains("part");
        if (any_.chance(0.1)) {
            json payload = {{"short", json::array({{{"sku", "SHIRT"}}})}, {"backorder", any_.coin()}};
            return {for_part && effect.name == "Exchange" && any_.coin() ? "ExchangeRefused" : "StockShort", payload};
        }
        // The warehouse is asked first: StockStale, told when the timer ends.
        if (!for_part && any_.chance(0.1)) return {};
        return {"StockReserved", json::object()};
    }

    void book(const Effect& effect) {
        if (effect.name == "WaitForChannels") waits_for_channels_ = true;
        if (effect.name == "StopWaiting" || effect.name == "Release") waits_for_channels_ = false;
        if (effect.name == "UseReference") used_.insert(effect.payload.at("reference"));
        if (effect.name == "Commit") {
            EXPECT_FALSE(used_.empty()) << "accepted by nobody we asked";
            committed_.insert(effect.payload.at("part").get<int>());
        }
        if (effect.name == "Retake") {
            EXPECT_FALSE(committed_.empty()) << "taken back without having been given";
        }
        if (effect.name != "Retake" && effect.name != "Release") return;
        if (effect.payload.contains("part")) {
            committed_.erase(effect.payload.at("part").get<int>());
        } else {
            committed_.clear();
        }
    }

    // What is undone at the warehouse was registered before it was done there.
    void check_undo(const Decision& decision) const {
        for (const Command& command : decision.commands) {
            if (command.activity != activity::cancel_fulfillment) continue;
            const std::string reference = command.payload.at("reference");
            EXPECT_EQ(used_.count(reference), 1U) << reference << " was never registered";
        }
        if (!order_.definition().is_final(order_.state())) return;
        for (const Effect& effect : decision.effects)
            EXPECT_NE(effect.name, "Reserve") << "nothing begins in a final state";
    }

    Generator& any_;
    Conversation order_;
    std::set<std::string> used_;  // references, as registered
    std::set<int> committed_;     // parts of the order
    bool waits_for_channels_ = false;
};

TEST(DecideProperty, EveryStoryKeepsTheRules) {
    property::under_seeds(400, [](Generator& any) { OrderWalk(any).go(); });
}

// Events without any sense, to sagas in any state: a decision each time, and never a way out of a final state.
TEST(DecideProperty, WhateverIsToldIsAnswered) {
    std::set<std::string> names = {"TimeReached", "FulfillmentViewed"};
    for (const TransitionRow& row : OrderSaga::table())
        names.insert(row.event);
    const std::vector<std::string> events(names.begin(), names.end());
    const OrderSaga definition;
    property::under_seeds(300, [&](Generator& any) {
        SagaSnapshot saga{"01890000-0000-7000-8000-000000000001", 1, "Received", 1, to_json(an_order()), {}};
        for (int step = 0; step < steps; ++step) {
            const std::string event = any.one_of(events);
            SCOPED_TRACE(saga.state + " was told " + event);
            const json payload = {
                {"lines", lines_json({a_line("L1", any.number(0, 3))})},
                {"by", any.one_of<std::string>({"customer", "operator", "deleted"})},
                {"view",
                 a_view("eu.450789469.1.1", any.one_of<std::string>({"Accepted", "Shipped", "Cancelled", "?"}))},
                {"shipment_id", "S1"},
                {"backorder", any.coin()},
                {"conflict", any.coin()},
                {"found", any.coin()}};
            Decision decision;
            ASSERT_NO_THROW(decision = definition.decide(saga, {event, payload, "test"}, start));
            EXPECT_EQ(decision.next_wake.has_value(), !definition.is_final(decision.state));
            if (definition.is_final(saga.state)) {
                EXPECT_EQ(decision.state, saga.state);
            }
            // The same question has the same answer: nothing but the snapshot, the event and the time goes in.
            const Decision again = definition.decide(saga, {event, payload, "test"}, start);
            EXPECT_EQ(again.state, decision.state);
            EXPECT_EQ(again.data, decision.data);
            EXPECT_EQ(again.commands.size(), decision.commands.size());
            saga.state = decision.state;
            saga.data = decision.data;
            saga.version += 1;
        }
    });
}

}  // namespace
}  // namespace ordersaga::sagas
