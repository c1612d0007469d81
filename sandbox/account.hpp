// The sandbox's own account of what happened, computed from its ledger and its own books, never from the product's.
// Pure.
#pragma once

#include "runtime/clock.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>

namespace ordersaga::sandbox {

class World;
struct Effect;

[[nodiscard]] nlohmann::json effect_document(const Effect& effect);
[[nodiscard]] nlohmann::json shop_account(World& world, const std::string& domain);
[[nodiscard]] nlohmann::json depot_account(World& world, const std::string& name);
// Everything: stores, warehouses, webhooks, calls, faults, and the effects summed up.
[[nodiscard]] nlohmann::json world_account(World& world);

}  // namespace ordersaga::sandbox
