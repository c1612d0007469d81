// The REST API's questions in SQL. Reads go through the login `ordersaga_api`, which sees the one merchant that its
// transaction names; tokens and the list of parked items, which that login may not read or write, through the engine's.
#pragma once

#include "orchestrator/api/queries.hpp"
#include "runtime/sealing.hpp"

#include <memory>
#include <string>

namespace ordersaga::db {

// Connects when first asked, and again after a lost link. One per thread.
// `ring` opens what was parked, of which persons are masked before it is shown.
std::unique_ptr<api::Queries> make_api_queries(
    const std::string& api_dsn,
    const std::string& engine_dsn,
    const runtime::KeyRing& ring);

}  // namespace ordersaga::db
