// `sagactl privacy`: what customers ask through their stores, answered. Straight in the database, because only whoever has
// the keys may open what is kept. Each throws CliError.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::cli {

struct PrivacyArguments {
    bool done_too = false;
    std::int64_t request_id = 0;
    std::string out_file;
    std::string merchant, store, reason;
    std::vector<std::string> orders;
    bool whole_store = false;
};

ExitCode privacy_list_verb(Context& context, const PrivacyArguments& arguments);
// Writes everything that is known of the orders of a request to a file, mode 0600, and closes a data request.
ExitCode privacy_export_verb(Context& context, const PrivacyArguments& arguments);
// Asks for an erasure, as customers/redact and shop/redact do; the orchestrator performs it.
ExitCode privacy_erase_verb(Context& context, const PrivacyArguments& arguments);

}  // namespace ordersaga::cli
