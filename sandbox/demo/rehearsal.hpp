// A whole demo over a started system: orders and faults, then quiet, then the end, then the account.
#pragma once

#include "sandbox/demo/account.hpp"
#include "sandbox/demo/driver.hpp"
#include "sandbox/demo/options.hpp"
#include "sandbox/demo/progress.hpp"
#include "sandbox/demo/system.hpp"
#include "sandbox/demo/witness.hpp"

#include <nlohmann/json_fwd.hpp>

#include <vector>

namespace ordersaga::demo {

// Throws std::runtime_error when the account cannot be given at all, Interrupted on a signal.
Account rehearse(System& system, const Options& options, const FaultProfile& profile);

// What the stand-in world says now, with the effects that were read before.
Testimony hear_sandbox(System& system, const std::vector<nlohmann::json>& effects);

// The second half, once all orders are placed and nothing spoils them any more: waits for the end, then judges. Throws
// as above.
Account conclude(System& system, Driver& driver, Progress& progress, const Options& options);

}  // namespace ordersaga::demo
