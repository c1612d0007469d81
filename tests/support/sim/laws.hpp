// The laws of stock and sagas, checked over all rows of a simulated store. Written from the protocol, not from the
// engine: nothing here may share code with what it judges. (L6 and L10 need the peers' side: tests/simulation.)
#pragma once

#include "tests/support/sim/sim_store.hpp"

#include <string>
#include <vector>

namespace ordersaga::sim {

// L1, L2, L3, L4, L5, L7: hold after every commit. Each broken one as "L2 ...: which row, what it says, what it should say".
std::vector<std::string> check_laws(const SimTables& tables);
// ... and of its locks.
std::vector<std::string> check_laws(const SimStore& store);

// L8 and what else must be true once nothing comes in any more and nothing is under way: each live listing shows its
// target, each target follows from the stock, nothing is in flight, no saga waits for anything but a dated outside fact.
std::vector<std::string> check_quiet_laws(const SimTables& tables);
std::vector<std::string> check_quiet_laws(const SimStore& store);

// One text per line, for a failure message.
std::string joined(const std::vector<std::string>& violations);

}  // namespace ordersaga::sim
