#include "orchestrator/cli/engine_database.hpp"

#include "db/startup_checks.hpp"
#include "orchestrator/cli/exit_code.hpp"

namespace ordersaga::cli {

db::Session open_engine_database(const Context& context, const std::string& purpose) {
    db::Session session({required(context.settings.engine_dsn, "engine_dsn"), "sagactl-" + purpose});
    std::string fault;
    session.transact([&](db::Transaction& transaction) { fault = db::schema_fault(transaction); });
    if (!fault.empty()) throw CliError(ExitCode::conflict, fault + "; nothing was changed");
    return session;
}

}  // namespace ordersaga::cli
