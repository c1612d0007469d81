#include "tests/unit/sagas/conversation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace ordersaga::sagas {

using nlohmann::json;

SagaLine a_line(const std::string& line_id, std::int64_t wanted) {
    return {line_id, "SHIRT", wanted, {{11, "SHIRT", "9001", 1, 0}}, 0};
}

SagaLine a_gift_set(const std::string& line_id, std::int64_t wanted) {
    return {line_id, "SET", wanted, {{11, "SHIRT", "9001", 1, 0}, {12, "MUG", "9002", 2, 0}}, 0};
}

OrderData an_order() {
    OrderData data;
    data.store_id = 7;
    data.store = "eu";
    data.warehouse_id = 3;
    data.warehouse = "main";
    data.order_id = "450789469";
    data.name = "#1001";
    data.paid = true;
    data.ship_method = "Standard";
    data.lines = {a_line("L1", 2)};
    return data;
}

OrderData an_unpaid_order() {
    OrderData data = an_order();
    data.paid = false;
    data.holds = {"unpaid"};
    return data;
}

json lines_json(const std::vector<SagaLine>& lines) {
    json list = json::array();
    for (const SagaLine& line : lines)
        list.push_back(to_json(line));
    return list;
}

json a_view(const std::string& reference, const std::string& state, const std::vector<ShownShipment>& shipments) {
    json shown = json::array();
    for (const ShownShipment& shipment : shipments) {
        json lines = json::array();
        for (const auto& [item, units] : shipment.items) {
            lines.push_back({{"sku", ""}, {"warehouse_item_id", item}, {"quantity", units}});
        }
        shown.push_back(
            {{"id", shipment.id},
             {"state", shipment.state},
             {"carrier", "DHL"},
             {"tracking_number", "T-" + shipment.id},
             {"tracking_url", "https://track.example/" + shipment.id},
             {"lines", std::move(lines)}});
    }
    return {{"reference", reference},   {"warehouse_order_id", "55"},    {"state", state},
            {"cancellable", "unknown"}, {"shipments", std::move(shown)}, {"problems", json::array()}};
}

Outcome done(json payload) {
    return ended(OutcomeKind::done, "", std::move(payload));
}

Outcome ended(OutcomeKind kind, const std::string& reason, json payload) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.reason = reason;
    outcome.payload = std::move(payload);
    return outcome;
}

std::set<std::tuple<std::string, std::string, std::string>>& reached_transitions() {
    static std::set<std::tuple<std::string, std::string, std::string>> reached;
    return reached;
}

// ---------------------------------------------------------------------------------------------------------------------

Conversation::Conversation(const OrderData& data, OrderSagaSettings settings) : definition_(std::move(settings)) {
    saga_.saga_id = "01890000-0000-7000-8000-000000000001";
    saga_.definition_version = definition_.version();
    saga_.state = definition_.initial_state();
    saga_.data = to_json(data);
}

const Decision& Conversation::tell(const std::string& event, const json& payload) {
    last_ = definition_.decide(saga_, {event, payload, "test"}, now_);
    if (last_.handled) {
        reached_transitions().insert({saga_.state, last_.meaning, last_.state == saga_.state ? "" : last_.state});
    }
    check_rules(event);
    for (const std::string& id : last_.withdraw) {
        std::erase_if(saga_.open_commands, [&](const OpenCommand& open) { return open.command_id == id; });
    }
    for (const Command& command : last_.commands) {
        std::string id = "command-" + std::to_string(++last_command_);
        saga_.open_commands.push_back({id, command.activity, command.idempotency_key, false});
        payloads_[id] = command.payload;
    }
    saga_.state = last_.state;
    saga_.data = last_.data;
    saga_.version += 1;
    if (last_.incident)
        incident_ = true;
    else if (last_.closes_incident)
        incident_ = false;
    return last_;
}

void Conversation::check_rules(const std::string& event) const {
    SCOPED_TRACE(saga_.state + " was told " + event);
    EXPECT_TRUE(definition_.knows(last_.state));
    EXPECT_EQ(definition_.is_final(last_.state), !last_.next_wake.has_value())
        << "a saga that is not final looks again";
    if (!last_.handled) {
        EXPECT_FALSE(last_.note.empty()) << "what changes nothing says why";
        EXPECT_TRUE(in_vain_ || last_.silent || last_.meaning.empty()) << "no row of the table takes it";
        EXPECT_EQ(last_.state, saga_.state);
        EXPECT_EQ(last_.data, saga_.data);
        EXPECT_TRUE(last_.commands.empty() && last_.effects.empty() && last_.withdraw.empty());
    }
    OrderData after = order_data_from_json(last_.data);
    EXPECT_EQ(to_json(after), last_.data) << "the data is stored and read without loss";

    std::set<std::string> keys;
    for (const OpenCommand& open : saga_.open_commands) {
        if (std::count(last_.withdraw.begin(), last_.withdraw.end(), open.command_id) == 0)
            keys.insert(open.idempotency_key);
    }
    for (const Command& command : last_.commands) {
        EXPECT_TRUE(keys.insert(command.idempotency_key).second) << command.idempotency_key << " would be open twice";
        EXPECT_NO_THROW((void)definition_.policy_of(command.activity));
        if (command.activity != activity::request_fulfillment) continue;
        // The undo is registered before the do: what must be cancelled is known before the command can leave.
        ASSERT_FALSE(after.fulfillments.empty());
        EXPECT_EQ(command.payload.at("reference"), after.fulfillments.back().reference);
        EXPECT_EQ(after.fulfillments.back().state, "wanted");
        bool owned = std::any_of(last_.effects.begin(), last_.effects.end(), [&](const Effect& effect) {
            return effect.name == "UseReference" && effect.payload.at("reference") == command.payload.at("reference");
        });
        EXPECT_TRUE(owned) << "the reference is claimed in the same transaction";
        EXPECT_FALSE(command.payload.at("lines").empty()) << "nothing is ever requested of nothing";
    }
    for (const std::string& id : last_.withdraw) {
        auto open = std::find_if(saga_.open_commands.begin(), saga_.open_commands.end(), [&](const OpenCommand& other) {
            return other.command_id == id;
        });
        ASSERT_NE(open, saga_.open_commands.end());
        EXPECT_FALSE(open->perhaps_applied) << "what may have been applied cannot be withdrawn";
    }
}

const Decision& Conversation::wait() {
    Instant next = last_.next_wake.value_or(now_);
    now_ = std::max(now_, next);
    return tell("TimeReached");
}

OpenCommand& Conversation::find_open(std::string_view activity) {
    for (OpenCommand& open : saga_.open_commands) {
        if (open.activity == activity) return open;
    }
    throw std::logic_error("no open command " + std::string(activity) + " in " + saga_.state);
}

void Conversation::send(std::string_view activity) {
    find_open(activity).perhaps_applied = true;
}

const Decision& Conversation::end(std::string_view activity, const Outcome& outcome, bool exhausted) {
    std::string id = find_open(activity).command_id;
    json payload = payloads_.at(id);
    std::erase_if(saga_.open_commands, [&](const OpenCommand& open) { return open.command_id == id; });
    Event event = definition_.event_of(activity, payload, outcome, exhausted);
    return tell(event.name, event.payload);
}

std::vector<std::string> Conversation::effects() const {
    std::vector<std::string> names;
    for (const Effect& effect : last_.effects)
        names.push_back(effect.name);
    return names;
}

std::vector<std::string> Conversation::commands() const {
    std::vector<std::string> activities;
    for (const Command& command : last_.commands)
        activities.push_back(command.activity);
    return activities;
}

const Command& Conversation::command(std::string_view activity) const {
    for (const Command& command : last_.commands) {
        if (command.activity == activity) return command;
    }
    throw std::logic_error("the last decision gave no command " + std::string(activity));
}

std::vector<std::string> Conversation::open() const {
    std::vector<std::string> activities;
    for (const OpenCommand& open : saga_.open_commands)
        activities.push_back(open.activity);
    return activities;
}

json Conversation::payload_of_open(std::string_view activity) const {
    for (const OpenCommand& open : saga_.open_commands) {
        if (open.activity == activity) return payloads_.at(open.command_id);
    }
    throw std::logic_error("no open command " + std::string(activity));
}

// ---------------------------------------------------------------------------------------------------------------------

Conversation reserved(const OrderData& data) {
    Conversation order(data);
    order.tell("OrderPlaced");
    order.tell("StockReserved");
    return order;
}

Conversation requesting(const OrderData& data) {
    Conversation order = reserved(data);
    order.tell("ChannelsUpdated");
    return order;
}

Conversation requested(const OrderData& data) {
    Conversation order = requesting(data);
    order.end(activity::request_fulfillment, done({{"view", a_view(order.reference(), "Accepted")}}));
    return order;
}

Conversation shipped(const OrderData& data) {
    Conversation order = requested(data);
    std::map<std::string, std::int64_t> units;
    for (const SagaLine& line : data.lines) {
        for (const LinePart& part : line.parts)
            units[part.warehouse_item_id] += line.wanted * part.per_unit;
    }
    order.show(a_view(order.reference(), "Shipped", {{"S1", "Shipped", {units.begin(), units.end()}}}));
    return order;
}

Conversation on_hold() {
    return reserved(an_unpaid_order());
}

Conversation backordered(const OrderData& data) {
    Conversation order(data);
    order.tell("OrderPlaced");
    order.tell("StockShort", {{"short", json::array({{{"sku", "SHIRT"}}})}, {"backorder", true}});
    return order;
}

Conversation in_doubt() {
    Conversation order = requesting();
    order.send(activity::request_fulfillment);
    order.end(activity::request_fulfillment, ended(OutcomeKind::unknown, "no answer"), true);
    return order;
}

}  // namespace ordersaga::sagas
