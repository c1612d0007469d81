// The verbs that work on the database itself: before there is a service to ask, or to judge it from outside.
// Each throws CliError; database faults are turned into one by `with_database_faults`.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <functional>
#include <optional>
#include <string>

namespace ordersaga::cli {

struct MigrateArguments {
    std::string bootstrap;  // database to create, with its roles; empty: it is there
    std::string env_file;   // where the logins' addresses go, readable by the owner only
};
ExitCode migrate_verb(Context& context, const MigrateArguments& arguments);

struct SetupArguments {
    std::string file;
    std::string reason;
    bool dry_run = false;
};
ExitCode setup_verb(Context& context, const SetupArguments& arguments);

struct VerifyArguments {
    bool at_rest = false;
};
// Exit code 1 when a law is broken, naming law and row.
ExitCode verify_verb(Context& context, const VerifyArguments& arguments);

struct RestoredArguments {
    std::string reason;
};
// The database was put back to an earlier moment: nothing is sent before the peers were asked.
ExitCode restored_verb(Context& context, const RestoredArguments& arguments);
// How far that has come.
ExitCode recovery_verb(Context& context);

// Runs `work`; what the database throws becomes a CliError with the fitting exit code and no row's values.
ExitCode with_database_faults(const std::function<ExitCode()>& work);

}  // namespace ordersaga::cli
