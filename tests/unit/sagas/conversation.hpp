// An order saga as a conversation: tell it something, look at what it decided, let its commands end. Each decision is
// held to the rules that no decision may break, and is remembered for the coverage of the table.
#pragma once

#include "sagas/activities.hpp"
#include "sagas/order_data.hpp"
#include "sagas/order_saga.hpp"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace ordersaga::sagas {

inline constexpr Instant start{std::chrono::hours(24 * 365 * 56)};

// A paid order of two shirts, everything known. Change what the test is about.
OrderData an_order();
OrderData an_unpaid_order();
SagaLine a_line(const std::string& line_id, std::int64_t wanted);      // of shirts
SagaLine a_gift_set(const std::string& line_id, std::int64_t wanted);  // each a shirt and two mugs
nlohmann::json lines_json(const std::vector<SagaLine>& lines);

struct ShownShipment {
    std::string id;
    std::string state = "Shipped";
    std::vector<std::pair<std::string, std::int64_t>> items;  // warehouse item, units
};
// What the warehouse shows of a fulfilment.
nlohmann::json a_view(
    const std::string& reference,
    const std::string& state,
    const std::vector<ShownShipment>& shipments = {});

Outcome done(nlohmann::json payload = nlohmann::json::object());
Outcome ended(
    OutcomeKind kind,
    const std::string& reason = "because",
    nlohmann::json payload = nlohmann::json::object());

// (from, event, to) of every transition that a test of this program has seen.
std::set<std::tuple<std::string, std::string, std::string>>& reached_transitions();

class Conversation {
public:
    explicit Conversation(const OrderData& data = an_order(), OrderSagaSettings settings = {});

    const Decision& tell(const std::string& event, const nlohmann::json& payload = nlohmann::json::object());
    // The clock moves to the next look and it is told.
    const Decision& wait();
    void pass(Duration time) { now_ += time; }
    // An attempt of this activity's open command leaves: from now on it may have been applied.
    void send(std::string_view activity);
    // The open command ends (it is sent first, if it was not), and the saga hears of it.
    const Decision& end(std::string_view activity, const Outcome& outcome, bool exhausted = false);
    // From now on it may be told what no row of the table takes.
    void let_tell_in_vain() { in_vain_ = true; }
    const Decision& show(const nlohmann::json& view) { return tell("FulfillmentViewed", {{"view", view}}); }

    const std::string& state() const { return saga_.state; }
    OrderData data() const { return order_data_from_json(saga_.data); }
    const Decision& last() const { return last_; }
    Instant now() const { return now_; }
    const SagaSnapshot& snapshot() const { return saga_; }
    const OrderSaga& definition() const { return definition_; }
    std::vector<std::string> effects() const;                 // of the last decision, by name
    std::vector<std::string> commands() const;                // of the last decision, by activity
    const Command& command(std::string_view activity) const;  // of the last decision
    std::vector<std::string> open() const;                    // activities of the open commands
    nlohmann::json payload_of_open(std::string_view activity) const;
    bool incident_open() const { return incident_; }
    std::string reference() const { return data().fulfillments.back().reference; }

private:
    void check_rules(const std::string& event) const;
    OpenCommand& find_open(std::string_view activity);

    OrderSaga definition_;
    SagaSnapshot saga_;
    std::map<std::string, nlohmann::json> payloads_;  // of open commands, by id
    Decision last_;
    Instant now_ = start;
    int last_command_ = 0;
    bool incident_ = false;
    bool in_vain_ = false;
};

// Conversations that have come so far along the plain path.
Conversation reserved(const OrderData& data = an_order());
Conversation requesting(const OrderData& data = an_order());  // ChannelsSynced, the request still waits
Conversation requested(const OrderData& data = an_order());   // FulfillmentRequested
Conversation shipped(const OrderData& data = an_order());     // Shipped, nobody has told the store yet
Conversation on_hold();                                       // unpaid, with its stock
Conversation backordered(const OrderData& data = an_order());
Conversation in_doubt();  // NeedsOperator: nobody knows whether the warehouse has it

}  // namespace ordersaga::sagas
