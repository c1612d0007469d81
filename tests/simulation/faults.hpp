// Every kind of fault that the simulated world knows: its name in options and reports, and how often it strikes where it
// can. Faults with no rate are planned: they strike at moments that the scenario draws.
#pragma once

#include <array>
#include <cstddef>

namespace ordersaga::simulation {

enum class Fault {
    // Messages between engines and workers.
    message_lost,
    message_twice,
    message_late,
    message_very_late,
    message_returned,
    confirm_lost,
    broker_blocked,
    broker_connection_lost,
    // Webhooks.
    webhook_dropped,
    webhook_twice,
    webhook_renamed,
    webhook_late,
    // Calls to peers.
    throttled,
    unreachable,
    applied_then_unknown,
    lost_then_unknown,
    refused,
    conflict,
    request_unanswered,
    request_held_up,
    peer_away,
    peer_away_for_hours,
    key_forgotten,
    cancel_refused,
    cancel_fails_fifty_times,
    cancel_not_found,
    lookup_not_found,
    picked_early,
    delivery_not_told,
    delivery_told_late,
    warehouse_cancels,
    warehouse_in_trouble,
    // Workers.
    worker_dies_before_call,
    worker_dies_in_call,
    worker_dies_before_outcome,
    worker_killed,
    worker_frozen,
    // Orchestrators.
    engine_dies_in_transaction,
    engine_dies_before_commit,
    engine_dies_after_commit,
    engine_killed,
    all_killed,
    engine_frozen,
    engine_frozen_after_commit,
    clock_jump,
    // The database.
    no_connection,
    serialization_failure,
    connection_lost,
    commit_lost,
    in_doubt_applied,
    in_doubt_not_applied,
    count
};

struct FaultKind {
    const char* name;
    double rate = 0;  // 0: planned by the scenario
};

inline constexpr std::size_t fault_count = static_cast<std::size_t>(Fault::count);

inline constexpr std::array<FaultKind, fault_count> fault_kinds{{
    {"message-lost", 0.01},
    {"message-twice", 0.03},
    {"message-late", 0.05},
    {"message-very-late", 0.01},
    {"message-returned", 0.01},
    {"confirm-lost", 0.02},
    {"broker-blocked"},
    {"broker-connection-lost"},

    {"webhook-dropped", 0.05},
    {"webhook-twice", 0.05},
    {"webhook-renamed", 0.05},
    {"webhook-late", 0.1},

    {"throttled", 0.06},
    {"unreachable", 0.04},
    {"applied-then-unknown", 0.04},
    {"lost-then-unknown", 0.02},
    {"refused", 0.01},
    {"conflict", 0.005},
    {"request-unanswered", 0.03},
    {"request-held-up", 0.02},
    {"peer-away"},
    {"peer-away-for-hours"},
    {"key-forgotten"},
    {"cancel-refused", 0.05},
    {"cancel-fails-fifty-times", 0.05},
    {"cancel-not-found", 0.04},
    {"lookup-not-found", 0.02},
    {"picked-early", 0.2},
    {"delivery-not-told", 0.03},
    {"delivery-told-late", 0.05},
    {"warehouse-cancels"},
    {"warehouse-in-trouble"},

    {"worker-dies-before-call", 0.002},
    {"worker-dies-in-call", 0.004},
    {"worker-dies-before-outcome", 0.004},
    {"worker-killed"},
    {"worker-frozen", 0.004},

    {"engine-dies-in-transaction", 0.0001},
    {"engine-dies-before-commit", 0.0007},
    {"engine-dies-after-commit", 0.0007},
    {"engine-killed"},
    {"all-killed"},
    {"engine-frozen"},
    {"engine-frozen-after-commit", 0.002},
    {"clock-jump"},

    {"no-connection", 0.001},
    {"serialization-failure", 0.001},
    {"connection-lost", 0.0005},
    {"commit-lost", 0.003},
    {"in-doubt-applied", 0.003},
    {"in-doubt-not-applied", 0.003},
}};

inline const char* name_of(Fault fault) {
    return fault_kinds[static_cast<std::size_t>(fault)].name;
}

}  // namespace ordersaga::simulation
