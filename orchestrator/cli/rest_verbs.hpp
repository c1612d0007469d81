// The verbs that ask the orchestrator over REST. Each throws CliError.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace ordersaga::cli {

struct ListArguments {
    std::string state, store, sku, older_than;
    bool incident = false;
    int limit = 50;
};
ExitCode list_verb(Context& context, const ListArguments& arguments);

// `saga` is an id or STORE/ORDER-ID.
ExitCode show_verb(Context& context, const std::string& saga);
ExitCode history_verb(Context& context, const std::string& saga);
ExitCode diagram_verb(Context& context, const std::string& saga);

ExitCode summary_verb(Context& context);
ExitCode lanes_verb(Context& context);
ExitCode audit_verb(Context& context);

struct CommandArguments {
    std::string saga, reason, idempotency_key;
    std::optional<std::int64_t> if_version;
    bool dry_run = false;  // compensate only
};
// `name` is retry, compensate, cancel, hold or release.
ExitCode saga_command_verb(Context& context, const std::string& name, const CommandArguments& arguments);

struct StockArguments {
    std::string sku, warehouse, reason, idempotency_key;
    std::int64_t by = 0;
    std::optional<std::int64_t> expected_version;
    int limit = 50;
};
ExitCode stock_list_verb(Context& context, const StockArguments& arguments);
ExitCode stock_movements_verb(Context& context, const StockArguments& arguments);
ExitCode stock_adjust_verb(Context& context, const StockArguments& arguments);

// The first line of the file. Throws CliError (usage).
std::string token_of_file(const std::string& path);

}  // namespace ordersaga::cli
