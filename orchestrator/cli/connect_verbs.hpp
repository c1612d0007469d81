// `sagactl connect`: looks at a store or a warehouse as it is, puts right what calls can put right, and names what a person has
// to do. A repeat finds everything in place and changes nothing. Each throws CliError.
//
// Ends with `refused` while something is left that keeps the store or warehouse from working; SKUs to decide about do not.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <string>

namespace ordersaga::cli {

struct ConnectArguments {
    std::string key;       // of the store or warehouse, as setup names it
    std::string merchant;  // needed when several have such a one
    std::string folder;    // of skus.csv and listings.csv, to which proposals are added; empty: they are only told
    bool dry_run = false;
    std::string reason = "connect";
};

// Token and scopes, locations, webhook subscriptions, variants.
ExitCode connect_shopify_verb(Context& context, const ConnectArguments& arguments);
// Token and scopes, channel, locations, ship methods, webhooks, numbers of items.
ExitCode connect_shipbob_verb(Context& context, const ConnectArguments& arguments);

}  // namespace ordersaga::cli
