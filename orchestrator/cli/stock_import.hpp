// `sagactl stock import`: a count of the shelves, brought to the ledgers as one adjustment for each that differs.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <string>

namespace ordersaga::cli {

struct StockImportArguments {
    std::string file, reason;
    bool dry_run = false;       // only print the moves
    bool skip_unknown = false;  // import the others; else nothing is changed when there are any
};
// The file's columns: sku, on_hand, and warehouse, which may be left out when there is one. Each adjustment names the version
// of the ledger whose level it was computed from, so a ledger that moves meanwhile is told and left alone: importing the
// same file again is safe. Throws CliError: usage with all faults of the file, not_found with all rows that fit no ledger.
// Answers conflict when some ledgers had moved.
ExitCode stock_import_verb(Context& context, const StockImportArguments& arguments);

}  // namespace ordersaga::cli
