// The database as every verb but migrate and doctor meets it.
#pragma once

#include "db/session.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <string>

namespace ordersaga::cli {

// Connects to ORDERSAGA_ENGINE_DSN under the name `sagactl-PURPOSE`. Throws CliError (usage without an address, conflict when
// the schema is not this build's: what an older or newer one means by a column is not for this build to guess), and what the
// database throws.
db::Session open_engine_database(const Context& context, const std::string& purpose);

}  // namespace ordersaga::cli
