// One shirt, two stores, two buyers in the same second; then a cancel that gives it back. Told by the sandbox's ledger
// and the sagas' histories, in the order of their instants.
#pragma once

#include "sandbox/demo/system.hpp"

namespace ordersaga::demo {

// Over a started system with story_catalogue(). True when it went as it should.
bool tell_story(System& system);

}  // namespace ordersaga::demo
