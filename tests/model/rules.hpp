// The rules of the protocol that a model keeps, and the tempting wrong ones, each planted where the model meets the production
// code: in what a peer does with a command, in what a row says, in what an outcome tells. Production code knows none of them.
#pragma once

namespace ordersaga::model {

enum class Rule {
    right,
    // --- readings of the warehouse
    reading_is_for_sale,          // available := fulfillable
    reading_minus_all_committed,  // ... minus held and everything that is committed
    reading_forgets_departures,   // units shipped after it was asked are not subtracted
    reading_without_lag,          // an acceptance is counted from its first moment
    reading_dated_at_its_answer,  // asked_at is the moment of the answer
    older_reading_applies,        // the sequence of readings is not looked at
    cancel_credits_at_once,       // a committed unit is for sale when its cancel is confirmed
    // --- stores
    flush_is_absolute,                 // the target is set, whatever the store has sold meanwhile
    unknown_flush_is_believed,         // its difference is added to the belief
    unknown_flush_is_forgotten,        // the belief stays and nothing is read
    unknown_flush_gets_a_new_key,      // sent again as if it were another one
    partly_applied_flush_is_believed,  // also the rows that the store does not list
    read_believes_its_second_look,     // whatever the first one has shown
    read_without_the_orders,           // nothing is polled between the two looks
    read_ignores_what_was_learned,
    no_restock_moves_belief,
    refused_orders_move_no_belief,
    moves_count_each_time,          // the same sale from webhook and poll moves the belief twice
    saga_sends_its_own_difference,  // a compensation tells the stores itself
    // --- sagas
    reference_names_the_attempt,
    no_late_checks,
    late_checks_too_early,  // while the call that is looked for may still be on its way
    undo_without_asking_the_warehouse,
    unknown_request_is_refused,  // as if nothing could have been applied
    a_dead_store_is_waited_for,
};

}  // namespace ordersaga::model
