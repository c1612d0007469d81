// What must be true at the end of a run, from the peers' own records: nothing lost, nothing doubled, nothing oversold,
// every applied effect undone once where an order went back, and everything settled or waiting visibly for a person.
#pragma once

#include "tests/simulation/world.hpp"

#include <string>
#include <vector>

namespace ordersaga::simulation {

// One sentence for each violation, beginning with the law that is broken.
std::vector<std::string> judge(const World& world);

// Every saga is final or waits for a person, and no call, update or message that could change that is on its way.
bool nothing_under_way(const World& world);

}  // namespace ordersaga::simulation
