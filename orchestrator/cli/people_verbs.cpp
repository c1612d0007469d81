#include "orchestrator/cli/people_verbs.hpp"

#include "db/people.hpp"
#include "db/setup.hpp"
#include "orchestrator/cli/engine_database.hpp"
#include "orchestrator/cli/table.hpp"
#include "runtime/crypto.hpp"
#include "runtime/json.hpp"
#include "runtime/password.hpp"
#include "runtime/random.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ostream>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

constexpr std::size_t shortest_password = 12;
constexpr std::size_t longest_password = 200;
constexpr const char* default_reason = "no reason given";

std::string only_merchant(db::Session& session) {
    const std::vector<std::string> names = db::merchant_names(session);
    if (names.size() == 1) return names[0];
    if (names.empty()) throw CliError(ExitCode::not_found, "there is no merchant yet: run sagactl setup FILE first");
    throw CliError(ExitCode::usage, "there are several merchants: name one with --merchant, or all");
}

CliError no_such_merchant(const std::string& name) {
    return CliError(ExitCode::not_found, "there is no merchant '" + printable(name) + "'");
}

std::string reason_or_default(const std::string& reason) {
    return reason.empty() ? default_reason : reason;
}

std::optional<db::Instant> expiry_of(const std::string& text) {
    if (text == "never") return std::nullopt;
    const runtime::Result<runtime::Duration> lifetime = runtime::parse_duration(text);
    if (!lifetime) throw CliError(ExitCode::usage, "--expires: " + lifetime.error().message + "; or never");
    return runtime::SystemClock().now() + *lifetime;
}

json optional_time(const std::optional<db::Instant>& instant) {
    return instant ? json(runtime::format_rfc3339(*instant)) : json();
}

ExitCode show(Context& context, const std::vector<Column>& columns, const json& rows, const char* nothing) {
    if (context.json) {
        context.world.out << runtime::dump_json(rows) << '\n';
    } else if (rows.empty()) {
        context.world.out << nothing << '\n';
    } else {
        print_table(context.world.out, columns, rows, context.world.colours);
    }
    return ExitCode::ok;
}

ExitCode tell(Context& context, const json& document, const std::string& text) {
    context.world.out << (context.json ? runtime::dump_json(document) : text) << '\n';
    return ExitCode::ok;
}

std::string new_password(Context& context) {
    if (!context.world.secret) throw CliError(ExitCode::usage, "there is nowhere to read a password from");
    const std::string password = context.world.secret("Password: ");
    const bool has_control = std::any_of(
        password.begin(), password.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
    if (password.size() < shortest_password || password.size() > longest_password || has_control)
        throw CliError(ExitCode::usage, "a password has 12 to 200 bytes and no control characters");
    if (context.world.asks_a_person && context.world.secret("The same again: ") != password)
        throw CliError(ExitCode::usage, "the two were not the same; nothing was changed");
    return runtime::hash_password(password);
}

}  // namespace

ExitCode create_token_verb(Context& context, const TokenArguments& arguments) {
    db::NewToken token;
    token.expires_at = expiry_of(arguments.expires_in);
    db::Session session = open_engine_database(context, "people");
    token.merchant = arguments.merchant.empty() ? only_merchant(session) : arguments.merchant;
    token.name = arguments.name;
    token.role = arguments.role;
    // The prefix lets scanners for leaked secrets recognise it.
    const std::string secret = "ordersaga_" + runtime::random_token(32);
    token.token_sha256_hex = runtime::sha256_hex(secret);
    // First the file: a token that is stored nowhere else would be lost.
    if (!arguments.out_file.empty()) write_private_file(arguments.out_file, secret + "\n");
    if (!db::create_token(session, token, actor_of(context.world), reason_or_default(arguments.reason)))
        throw no_such_merchant(token.merchant);
    json document = {
        {"name", token.name},
        {"role", token.role},
        {"merchant", token.merchant},
        {"expires_at", optional_time(token.expires_at)}};
    if (!arguments.out_file.empty())
        return tell(context, document, "token written to " + printable(arguments.out_file));
    document["token"] = secret;
    if (!context.json) context.world.err << "This is the only time the token is shown.\n";
    return tell(context, document, secret);
}

ExitCode list_tokens_verb(Context& context) {
    db::Session session = open_engine_database(context, "people");
    json rows = json::array();
    for (const db::TokenRow& token : db::list_tokens(session)) {
        rows.push_back(
            {{"id", token.id},
             {"name", token.name},
             {"role", token.role},
             {"merchant", token.merchant},
             {"state", token.live         ? "live"
                       : token.revoked_at ? "revoked"
                                          : "expired"},
             {"created_at", runtime::format_rfc3339(token.created_at)},
             {"expires_at", optional_time(token.expires_at)},
             {"revoked_at", optional_time(token.revoked_at)}});
    }
    return show(
        context,
        {{"ID", "id"},
         {"NAME", "name"},
         {"ROLE", "role"},
         {"MERCHANT", "merchant"},
         {"STATE", "state"},
         {"CREATED", "created_at"},
         {"EXPIRES", "expires_at"}},
        rows, "no tokens");
}

ExitCode revoke_token_verb(Context& context, const TokenArguments& arguments) {
    db::Session session = open_engine_database(context, "people");
    const std::size_t found =
        db::revoke_token(session, arguments.name, actor_of(context.world), reason_or_default(arguments.reason));
    if (found == 0) throw CliError(ExitCode::not_found, "there is no live token '" + printable(arguments.name) + "'");
    if (found > 1)
        throw CliError(
            ExitCode::conflict,
            "several live tokens are named so: revoke them by id, see sagactl token list; nothing was changed");
    return tell(context, {{"revoked", arguments.name}}, "revoked");
}

ExitCode create_operator_verb(Context& context, const OperatorArguments& arguments) {
    db::Session session = open_engine_database(context, "people");
    db::NewOperator person;
    person.merchant = arguments.merchant.empty() ? only_merchant(session) : arguments.merchant;
    person.name = arguments.name;
    person.role = arguments.role;
    person.password = new_password(context);
    if (!db::create_operator(session, person, actor_of(context.world), reason_or_default(arguments.reason)))
        throw no_such_merchant(person.merchant);
    return tell(
        context, {{"operator", person.name}, {"role", person.role}, {"merchant", person.merchant}},
        person.name + " may sign in");
}

ExitCode list_operators_verb(Context& context) {
    db::Session session = open_engine_database(context, "people");
    json rows = json::array();
    for (const db::OperatorRow& person : db::list_operators(session)) {
        rows.push_back(
            {{"operator", person.name},
             {"role", person.role},
             {"merchant", person.merchant},
             {"state", person.disabled_at ? "disabled" : "active"},
             {"created_at", runtime::format_rfc3339(person.created_at)},
             {"last_seen_at", optional_time(person.last_seen_at)}});
    }
    return show(
        context,
        {{"OPERATOR", "operator"},
         {"ROLE", "role"},
         {"MERCHANT", "merchant"},
         {"STATE", "state"},
         {"CREATED", "created_at"},
         {"LAST SEEN", "last_seen_at"}},
        rows, "no operators");
}

ExitCode disable_operator_verb(Context& context, const OperatorArguments& arguments) {
    db::Session session = open_engine_database(context, "people");
    if (!db::disable_operator(session, arguments.name, actor_of(context.world), reason_or_default(arguments.reason)))
        throw CliError(ExitCode::not_found, "there is no active operator '" + printable(arguments.name) + "'");
    return tell(context, {{"disabled", arguments.name}}, "disabled; all sessions have ended");
}

ExitCode set_operator_password_verb(Context& context, const OperatorArguments& arguments) {
    db::Session session = open_engine_database(context, "people");
    if (!db::set_operator_password(
            session, arguments.name, new_password(context), actor_of(context.world),
            reason_or_default(arguments.reason)))
        throw CliError(ExitCode::not_found, "there is no active operator '" + printable(arguments.name) + "'");
    return tell(context, {{"operator", arguments.name}}, "changed; all sessions have ended");
}

}  // namespace ordersaga::cli
