// What must be true of a server before we promise durability on it. Programs call this once at start and refuse to
// run when anything is listed.
#pragma once

#include "db/connection.hpp"
#include "orchestrator/engine/open_sagas.hpp"

#include <string>
#include <vector>

namespace ordersaga::db {

// Every fault found, one clear sentence each with the command or setting that mends it; empty means go. Checks
// fsync, full_page_writes, synchronous_commit, server version (15 or later), the role's timeouts, that the role is
// no superuser and cannot bypass row security, that we talk to a primary, and the schema's version. Throws Broken
// when the server cannot be asked.
std::vector<std::string> startup_faults(Connection& connection);

// Why this build cannot work with the schema it finds, and what to do; empty when it can.
std::string schema_fault(Transaction& transaction);

// The sagas that are not final, by how they stand; for engine::unknown_sagas.
std::vector<engine::OpenSagas> open_sagas(Transaction& transaction);

}  // namespace ordersaga::db
