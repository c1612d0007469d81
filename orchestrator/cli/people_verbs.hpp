// The verbs about who may come in: API tokens and operators. They work on the database, so that the first of them can be
// made before anybody may come in. Each throws CliError.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <string>

namespace ordersaga::cli {

struct TokenArguments {
    std::string name;  // or id, for revoke
    std::string role, merchant, reason, out_file;
    std::string expires_in = "90d";  // or never
};
ExitCode create_token_verb(Context& context, const TokenArguments& arguments);
ExitCode list_tokens_verb(Context& context);
ExitCode revoke_token_verb(Context& context, const TokenArguments& arguments);

struct OperatorArguments {
    std::string name, role, merchant, reason;
};
// The password comes from a prompt or standard input, never from the command line.
ExitCode create_operator_verb(Context& context, const OperatorArguments& arguments);
ExitCode list_operators_verb(Context& context);
ExitCode disable_operator_verb(Context& context, const OperatorArguments& arguments);
ExitCode set_operator_password_verb(Context& context, const OperatorArguments& arguments);

}  // namespace ordersaga::cli
