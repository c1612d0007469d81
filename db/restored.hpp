// A database that was put back to an earlier moment has forgotten what was sent since, while warehouses and stores have not.
// So nothing is written to them before they were asked:
//
//   1. Whoever notices (a program that starts, or `sagactl restored`) opens a recovery for every merchant. What was open then
//      is in doubt: updates of stores are closed as unknown and every level is to be read, other commands look first.
//   2. While a recovery is open, lanes admit reads only (engine/batch_run.cpp) and duties ask in stages: the warehouses for
//      all that changed since the last moment that is remembered, then their stock, then the stores for their orders.
//   3. continue_recoveries() moves from stage to stage as the duties' answers come in, and opens the way at the end.
//
// Transactions of the engine's login. Everything is safe to repeat and from several programs at once.
#pragma once

#include "db/session.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::db {

// How long a call that was let out before the restore may still be under way: after that, what the peers show is settled.
inline constexpr std::chrono::seconds lost_calls_end_within{30};

// Remembers which database this is. True: it is another one than the last time; then a recovery is open for every merchant.
// Called by who is about to send, before it does.
bool notice_restore(Transaction& transaction);

// Opens a recovery for every merchant, for who knows better than the marks above: a data directory or a snapshot of a disk that
// was put back looks the same as before. Answers the last moment that the database remembers.
// Throws std::invalid_argument while an orchestrator is alive: it would go on sending what it has in hand.
std::string declare_restored(Transaction& transaction, const std::string& actor, const std::string& reason);

struct RecoveryStage {
    std::string merchant;
    std::string stage;
    std::string waits_for;  // what has not answered yet, for people
};
std::vector<RecoveryStage> recoveries(Transaction& transaction);

// Moves every recovery on as far as it goes. Answers those that still hold something back; empty: everything is sent again.
std::vector<RecoveryStage> continue_recoveries(
    Transaction& transaction,
    std::chrono::seconds settling = lost_calls_end_within);

}  // namespace ordersaga::db
