// `sagactl credential`: the tokens of stores and warehouses, kept sealed in the database. Secrets come from files and
// references, never from the command line, and are never shown. Each throws CliError.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <string>

namespace ordersaga::cli {

struct CredentialArguments {
    std::string subject;  // store:KEY or warehouse:KEY
    std::string merchant, reason;
    std::string token_file;                     // a token for ever
    std::string client_id, client_secret_file;  // tokens that are asked for
    bool by_authorization = false;              // after a person said yes in the store
    std::string callback;                       // of the public listener, as the store's browser reaches it
    std::string out_file;                       // of new-key
};

// Who has which, until when, and what went wrong last; no secret.
ExitCode credential_list_verb(Context& context);
ExitCode credential_set_verb(Context& context, const CredentialArguments& arguments);
ExitCode credential_remove_verb(Context& context, const CredentialArguments& arguments);
// Takes over the tokens that the setup file refers to, for all who have no credential yet.
ExitCode credential_import_verb(Context& context, const CredentialArguments& arguments);
// Seals everything anew with the first key of the ring, so that the older ones can be thrown away.
ExitCode credential_reseal_verb(Context& context);
// Begins an authorization and tells the address where a person says yes to it.
ExitCode credential_authorize_verb(Context& context, const CredentialArguments& arguments);
// A line for ORDERSAGA_CREDENTIALS_KEYS.
ExitCode credential_new_key_verb(Context& context, const CredentialArguments& arguments);

}  // namespace ordersaga::cli
