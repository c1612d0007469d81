// How verbs show what the service answered: one JSON document with --json, tables and lines without.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"
#include "orchestrator/cli/table.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace ordersaga::cli {

ExitCode show_json(Context& context, const nlohmann::json& document);
// A table, or the line `none` when there are no rows.
ExitCode show_rows(
    Context& context,
    const std::vector<Column>& columns,
    const nlohmann::json& rows,
    const std::string& none);
// What became of a change: its result and subject.
ExitCode show_result(Context& context, const nlohmann::json& answer);

}  // namespace ordersaga::cli
