// A whole demo over a started system: orders and faults, then quiet, then the end, then the account.
#pragma once

#include "sandbox/demo/account.hpp"
#include "sandbox/demo/options.hpp"
#include "sandbox/demo/system.hpp"

namespace ordersaga::demo {

// Throws std::runtime_error when the account cannot be given at all, Interrupted on a signal.
Account rehearse(System& system, const Options& options, const FaultProfile& profile);

}  // namespace ordersaga::demo
