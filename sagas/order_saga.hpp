// The saga of one order: Received → Reserved → ChannelsSynced → FulfillmentRequested → Shipped → Completed, with its ways
// aside (OnHold, Backordered, OutOfStock, NeedsOperator) and back (CancellingFulfillment → ReleasingStock →
// RevertingChannels → SettlingOrder → Compensated). The transition table is in order_saga.cpp; diagrams/ is drawn from it.
//
// Events, by who tells them
//   intake       OrderPlaced {}   OrderPaid {}   OrderChanged {lines}   FulfilledElsewhere {fulfillment_id, tracking_numbers,
//                everything: bool}
//                CancelRequested {by: customer|operator|deleted|refunded, reason}
//   operator     HoldPlaced {reason}   HoldReleased {reason?}   OperatorRetried {}   CancelRequested {by: operator}
//   stock        StockReserved {}   StockShort {short[], backorder: bool}   StockStale {}   StockRead {}   StockGranted {}
//                ExchangeRefused {short[]}   StockReleased {}
//   channels     ChannelsUpdated {flushes?}
//   warehouse    FulfillmentAccepted {view}   FulfillmentRefused {messages, conflict}   FulfillmentUnknown {}
//                FulfillmentCancelled {found}   CancelTooLate {view}   CancelFailed {}   FulfillmentViewed {view, found?}
//                FulfillmentMissing {}
//   store        StoreFulfilled {shipment_id, fulfillment_id}   StoreFulfillmentFailed {shipment_id}
//                OrderSettled {how}   OrderSettleFailed {}
//   engine       TimeReached {}
// Effects (settled by the participant, orchestrator/orders): Reserve Exchange Commit Doubt Trust Retake Ship Release WaitForChannels
// StopWaiting UseReference; each payload is {warehouse_id, lines[{line_id, sku_id, quantity}], ...}. Assume {event, payload,
// cause}: of an observed order, instead of a command; answered with that event.
#pragma once

#include "sagas/definition.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::sagas {

struct OrderSagaSettings {
    Duration stock_read_wait = std::chrono::seconds(5);       // for a fresh warehouse figure; then the ledger decides
    Duration watch_interval = std::chrono::minutes(30);       // a look at the warehouse, besides webhooks and the poll
    Duration delivery_assumed = std::chrono::hours(24 * 14);  // after the last shipment, when nobody reports delivery
    std::vector<Duration> late_checks = {std::chrono::minutes(10), std::chrono::hours(1), std::chrono::hours(24)};
    bool notify_customer = false;
    // Activity name → policy; what is not named keeps its default (default_policies).
    std::map<std::string, ActivityPolicy, std::less<>> policies;
};

// Of every activity, also those that only duties use.
std::map<std::string, ActivityPolicy, std::less<>> default_policies();

// One row of the table, for diagrams and coverage.
struct TransitionRow {
    std::string from, event, to, action, guard;  // `to` empty: stays, without leaving the state
};

class OrderSaga final : public SagaDefinition {
public:
    explicit OrderSaga(OrderSagaSettings settings = {});

    std::string_view kind() const override { return "order"; }
    int version() const override { return 1; }
    bool can_load(int definition_version) const override { return definition_version == 1; }
    std::string_view initial_state() const override { return "Received"; }
    bool is_final(std::string_view state) const override;
    bool knows(std::string_view state) const override;
    Decision decide(const SagaSnapshot& saga, const Event& event, Instant now) const override;
    Event event_of(
        std::string_view activity,
        const nlohmann::json& command_payload,
        const Outcome& outcome,
        bool exhausted) const override;
    const ActivityPolicy& policy_of(std::string_view activity) const override;
    Outcome assumed_outcome(std::string_view activity, const nlohmann::json& command_payload) const override;
    std::optional<Event> assumed_event(std::string_view state) const override;

    static const std::vector<std::string>& states();
    static const std::vector<TransitionRow>& table();

private:
    OrderSagaSettings settings_;
};

}  // namespace ordersaga::sagas
