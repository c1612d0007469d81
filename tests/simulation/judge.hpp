// The verdict over one run, from outside: what the shops and the warehouse really did, against what the engine's rows say.
#pragma once

#include "tests/simulation/world.hpp"

#include <string>
#include <vector>

namespace ordersaga::simulation {

// After the calm: laws over the rows, one fulfilment per order, nothing oversold, every order accounted for, shops and
// warehouse and ledgers in agreement. Empty: nothing to complain about.
std::vector<std::string> judge(World& world);

}  // namespace ordersaga::simulation
