// The verbs for what an operator repairs besides sagas: incidents, parked inputs, listings and stores. Each throws CliError.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <string>

namespace ordersaga::cli {

struct RepairArguments {
    std::string subject;  // an incident, item or store; a listing as STORE/SKU or STORE/VARIANT-ID
    std::string reason, idempotency_key;
    std::string mode;        // of a store: observe or live
    std::string store, sku;  // filters of listings
    bool parked = false;     // only parked listings
    bool closed = false;     // closed incidents too
    bool data = false;       // what was parked, too
};

ExitCode incident_list_verb(Context& context, const RepairArguments& arguments);
ExitCode incident_show_verb(Context& context, const RepairArguments& arguments);
ExitCode incident_close_verb(Context& context, const RepairArguments& arguments);

ExitCode parked_list_verb(Context& context, const RepairArguments& arguments);
ExitCode parked_show_verb(Context& context, const RepairArguments& arguments);
ExitCode parked_retry_verb(Context& context, const RepairArguments& arguments);
ExitCode parked_dismiss_verb(Context& context, const RepairArguments& arguments);

ExitCode listing_list_verb(Context& context, const RepairArguments& arguments);
ExitCode listing_unpark_verb(Context& context, const RepairArguments& arguments);

ExitCode store_list_verb(Context& context, const RepairArguments& arguments);
ExitCode store_activate_verb(Context& context, const RepairArguments& arguments);
ExitCode store_deactivate_verb(Context& context, const RepairArguments& arguments);
ExitCode store_mode_verb(Context& context, const RepairArguments& arguments);

}  // namespace ordersaga::cli
