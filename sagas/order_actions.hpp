// What the rows of the order saga's table do and ask: guards read, actions append to the decision. Nothing else.
#pragma once

#include "sagas/definition.hpp"
#include "sagas/order_data.hpp"
#include "sagas/order_saga.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::sagas {

// One decision in the making.
struct OrderStep {
    const SagaSnapshot& saga;
    const OrderSagaSettings& settings;
    Instant now;
    OrderData data;
    Decision decision;
};

// Runs one event through the table (order_saga.cpp). False: no row, or no guard let it pass.
bool run_through_table(OrderStep& step, const std::string& event, const nlohmann::json& payload);

// What the outcome of a command means to an order, and the plain success that is assumed where none can come.
Event event_of_outcome(std::string_view activity, const nlohmann::json& command_payload, const Outcome& outcome);
Outcome plain_success(std::string_view activity, const nlohmann::json& command_payload);

// The idempotency key of the command that tells the store of a shipment.
std::string tell_shipment_key(const Shipment& shipment);
// Requests that nobody can have got yet are taken back.
void withdraw_forward(OrderStep& step);
// FulfillmentCancelled, CancelTooLate or CancelFailed, of a fulfilment that was given up in doubt and turned up.
void hear_of_late_cancel(OrderStep& step, const std::string& name, const nlohmann::json& payload);

namespace order_guards {

using Payload = const nlohmann::json&;

bool nothing_to_ship(const OrderStep& step, Payload);
bool has_unmapped(const OrderStep& step, Payload);
bool can_reserve(const OrderStep& step, Payload);
bool holds(const OrderStep& step, Payload);
bool no_holds(const OrderStep& step, Payload);
bool may_wait(const OrderStep& step, Payload);  // StockShort: a backorder is allowed
bool must_refuse(const OrderStep& step, Payload);
bool unsent(const OrderStep& step, Payload);  // no forward command may have been applied
bool sent(const OrderStep& step, Payload);
bool stop_wanted(const OrderStep& step, Payload);  // cancel or edit remembered
bool go_on(const OrderStep& step, Payload);
bool conflict(const OrderStep& step, Payload);
bool plainly_refused(const OrderStep& step, Payload);
bool edit_wanted(const OrderStep& step, Payload);  // the cancelled fulfilment is to be replaced
bool end_wanted(const OrderStep& step, Payload);
bool sole_part(const OrderStep& step, Payload);  // the order has no part beside the one that is told of
bool one_of_several(const OrderStep& step, Payload);
bool sole_part_ends(const OrderStep& step, Payload);
bool sole_part_changes(const OrderStep& step, Payload);
bool one_of_several_ends(const OrderStep& step, Payload);
bool one_of_several_changes(const OrderStep& step, Payload);
bool cancels_there(const OrderStep& step, Payload);  // the warehouse has a part of it
bool cancels_here(const OrderStep& step, Payload);
bool change_recalls(const OrderStep& step, Payload);  // what is to change is at the warehouse
bool change_stays(const OrderStep& step, Payload);    // nothing has to be called back for it
bool part_unwanted(const OrderStep& step, Payload);
bool part_wanted(const OrderStep& step, Payload);
// What a person was asked about is there after all; or it is something else that was accepted meanwhile, or known before.
bool answers_incident(const OrderStep& step, Payload);
bool beside_incident(const OrderStep& step, Payload);
bool nothing_left(const OrderStep& step, Payload);  // the last part has ended
bool rest_shipped(const OrderStep& step, Payload);
bool rest_open(const OrderStep& step, Payload);
bool newest_partly_shipped(const OrderStep& step, Payload);
bool earlier_shipped(const OrderStep& step, Payload);
bool all_shipped(const OrderStep& step, Payload);
bool partly_shipped(const OrderStep& step, Payload);
bool must_settle(const OrderStep& step, Payload);
bool settled_as_cancelled(const OrderStep& step, Payload);  // ends in Compensated, nothing to settle
bool ends_out_of_stock(const OrderStep& step, Payload);
bool ends_compensated(const OrderStep& step, Payload);
bool all_done(const OrderStep& step, Payload);  // shipped, told to the store, delivered
bool not_all_done(const OrderStep& step, Payload);
bool last_hold_goes(const OrderStep& step, Payload);
bool holds_remain(const OrderStep& step, Payload);
bool resumes_received(const OrderStep& step, Payload);  // with the last hold gone, for OnHold
bool resumes_reserved(const OrderStep& step, Payload);
bool resumes_synced(const OrderStep& step, Payload);
bool retry_received(const OrderStep& step, Payload);  // for NeedsOperator
bool retry_reserved(const OrderStep& step, Payload);
bool retry_synced(const OrderStep& step, Payload);
bool retry_requested(const OrderStep& step, Payload);
bool retry_shipped(const OrderStep& step, Payload);
bool retry_cancelling(const OrderStep& step, Payload);
bool retry_settling(const OrderStep& step, Payload);
bool retry_empty(const OrderStep& step, Payload);  // nothing is left to ship
bool goods_left(const OrderStep& step, Payload);   // everything has been shipped
bool perhaps_at_warehouse(const OrderStep& step, Payload);
bool never_at_warehouse(const OrderStep& step, Payload);
bool awaits_request(const OrderStep& step, Payload);

}  // namespace order_guards

namespace order_actions {

using Payload = const nlohmann::json&;

void reserve(OrderStep& step, Payload);
void reserve_with_what_we_know(OrderStep& step, Payload);
void exchange(OrderStep& step, Payload);
void await_reading(OrderStep& step, Payload);
void hold(OrderStep& step, Payload);
void hold_unmapped(OrderStep& step, Payload);
void hold_for_operator(OrderStep& step, Payload);
void hold_unsent(OrderStep& step, Payload);
void note_hold_too_late(OrderStep& step, Payload);
void remove_hold(OrderStep& step, Payload);
void expire_hold(OrderStep& step, Payload);
void release_hold_early(OrderStep& step, Payload);
void join_queue(OrderStep& step, Payload);
void rejoin_queue(OrderStep& step, Payload);
void refuse(OrderStep& step, Payload);
void await_channels(OrderStep& step, Payload);
void request_fulfillment(OrderStep& step, Payload);
void request_with_debt(OrderStep& step, Payload);
void resume_reserving(OrderStep& step, Payload);
void resume_waiting(OrderStep& step, Payload);
void resume_requesting(OrderStep& step, Payload);
void commit_stock(OrderStep& step, Payload);
void commit_and_cancel(OrderStep& step, Payload);
void release(OrderStep& step, Payload);
void release_unsent(OrderStep& step, Payload);
void release_refused(OrderStep& step, Payload);
void release_cancelled_by_warehouse(OrderStep& step, Payload);
void release_after_cancel(OrderStep& step, Payload);
void replace_fulfillment(OrderStep& step, Payload);
void remember_cancel(OrderStep& step, Payload);
void remember_edit(OrderStep& step, Payload);
void cancel_fulfillment(OrderStep& step, Payload);
void cancel_for_edit(OrderStep& step, Payload);
void go_forward_too_late(OrderStep& step, Payload);
void ship(OrderStep& step, Payload);
// Its goods have left already, though nobody knew that it was asked for: the incident stays.
void ship_unasked(OrderStep& step, Payload);
void note_delivery(OrderStep& step, Payload);
void note_store_fulfilled(OrderStep& step, Payload);
void assume_delivery(OrderStep& step, Payload);
void watch(OrderStep& step, Payload);
void resume_watching(OrderStep& step, Payload);
void await_channels_back(OrderStep& step, Payload);
void settle_store_order(OrderStep& step, Payload);
void finish_back(OrderStep& step, Payload);
void finish(OrderStep& step, Payload);
void finish_empty(OrderStep& step, Payload);
void ask_operator(OrderStep& step, Payload);
void ask_operator_unsent(OrderStep& step, Payload);
void retry_store_fulfillments(OrderStep& step, Payload);
void retry_cancel(OrderStep& step, Payload);
void cancel_late_found(OrderStep& step, Payload);
void add_part(OrderStep& step, Payload);
void change_part(OrderStep& step, Payload);
void await_part(OrderStep& step, Payload);
void queue_part(OrderStep& step, Payload);
void refuse_part(OrderStep& step, Payload);
void queue_or_refuse_part(OrderStep& step, Payload);
void request_part(OrderStep& step, Payload);
void request_part_with_debt(OrderStep& step, Payload);
void commit_part(OrderStep& step, Payload);
void drop_refused_part(OrderStep& step, Payload);
void drop_lost_part(OrderStep& step, Payload);
void cancel_next_part(OrderStep& step, Payload);
void change_cancelled_part(OrderStep& step, Payload);
void note_part_dropped(OrderStep& step, Payload);
void note_too_late(OrderStep& step, Payload);
void note_late(OrderStep& step, Payload);
void note_cancelled_there(OrderStep& step, Payload payload);
void note_request_in_doubt(OrderStep& step, Payload payload);
void note_request_refused(OrderStep& step, Payload payload);
void commit_beside_incident(OrderStep& step, Payload payload);
void tell_of_addition(OrderStep& step, Payload);
void note_paid(OrderStep& step, Payload);

}  // namespace order_actions
}  // namespace ordersaga::sagas
