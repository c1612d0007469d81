#include "orchestrator/cli/credential_verbs.hpp"

#include "db/credentials.hpp"
#include "db/session.hpp"
#include "orchestrator/cli/engine_database.hpp"
#include "orchestrator/cli/table.hpp"
#include "orchestrator/credentials/store_tokens.hpp"
#include "runtime/clock.hpp"
#include "runtime/crypto.hpp"
#include "runtime/json.hpp"
#include "runtime/random.hpp"
#include "runtime/sealing.hpp"
#include "runtime/url.hpp"

#include <nlohmann/json.hpp>

#include <ostream>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

runtime::KeyRing keys_of(const Context& context) {
    runtime::Result<runtime::KeyRing> ring =
        runtime::KeyRing::parse(required(context.settings.credentials_keys, "credentials_keys"));
    if (!ring) throw CliError(ExitCode::usage, "ORDERSAGA_CREDENTIALS_KEYS: " + ring.error().message);
    return std::move(*ring);
}

// The one store or warehouse that is meant.
db::CredentialKey holder_of(db::Transaction& transaction, const CredentialArguments& arguments) {
    std::optional<db::CredentialKey> found;
    for (const db::CredentialHolder& holder : db::credential_holders(transaction)) {
        if (holder.key.subject != arguments.subject) continue;
        if (!arguments.merchant.empty() && holder.merchant_name != arguments.merchant) continue;
        if (found)
            throw CliError(
                ExitCode::usage,
                "several merchants have " + printable(arguments.subject) + ": name one with --merchant");
        found = holder.key;
    }
    if (!found)
        throw CliError(
            ExitCode::not_found, "there is no " + printable(arguments.subject) +
                                     "; write store:KEY or warehouse:KEY, as sagactl setup made them");
    return *found;
}

json instant_or_null(const std::optional<runtime::Instant>& instant) {
    return instant ? json(runtime::format_rfc3339(*instant)) : json();
}

void say(Context& context, const json& document, const std::string& text) {
    if (context.json)
        context.world.out << runtime::dump_json(document) << '\n';
    else
        context.world.out << text << '\n';
}

db::NewCredential credential_of(const Surroundings& world, const CredentialArguments& arguments) {
    db::NewCredential credential;
    if (!arguments.token_file.empty()) {
        credential.way = "static";
        credential.access_token = secret_behind(world, "file:" + arguments.token_file, "--token-file");
        return credential;
    }
    if (!arguments.subject.starts_with("store:"))
        throw CliError(ExitCode::usage, "a warehouse has a token for ever: name its file with --token-file");
    if (arguments.client_id.empty() || arguments.client_secret_file.empty())
        throw CliError(ExitCode::usage, "either --token-file FILE, or --client-id ID with --client-secret-file FILE");
    credential.way = arguments.by_authorization ? "authorization_code" : "client_credentials";
    credential.client_id = arguments.client_id;
    credential.client_secret = secret_behind(world, "file:" + arguments.client_secret_file, "--client-secret-file");
    return credential;
}

}  // namespace

ExitCode credential_list_verb(Context& context) {
    db::Session session = open_engine_database(context, "credential");
    json rows = json::array();
    session.transact([&](db::Transaction& transaction) {
        rows = json::array();
        for (const db::CredentialRow& row : db::credentials(transaction)) {
            rows.push_back(
                {{"merchant", row.merchant_name},
                 {"subject", row.key.subject},
                 {"way", row.way},
                 {"client_id", row.client_id},
                 {"version", row.version},
                 {"obtained_at", instant_or_null(row.obtained_at)},
                 {"expires_at", instant_or_null(row.expires_at)},
                 {"renew_at", instant_or_null(row.renew_at)},
                 {"failures", row.failures},
                 {"last_error", row.last_error},
                 {"scopes", row.scopes},
                 {"key_ids", row.key_ids}});
        }
    });
    if (context.json) {
        context.world.out << runtime::dump_json({{"credentials", rows}}) << '\n';
    } else if (rows.empty()) {
        context.world.out << "the database keeps no credential\n";
    } else {
        print_table(
            context.world.out,
            {{"MERCHANT", "merchant"},
             {"SUBJECT", "subject"},
             {"WAY", "way"},
             {"VERSION", "version", true},
             {"EXPIRES", "expires_at"},
             {"RENEWED FROM", "renew_at"},
             {"FAILURES", "failures", true},
             {"LAST ERROR", "last_error"}},
            rows, context.world.colours);
    }
    return ExitCode::ok;
}

ExitCode credential_set_verb(Context& context, const CredentialArguments& arguments) {
    const runtime::KeyRing keys = keys_of(context);
    db::NewCredential credential = credential_of(context.world, arguments);
    db::Session session = open_engine_database(context, "credential");
    session.transact([&](db::Transaction& transaction) {
        credential.key = holder_of(transaction, arguments);
        db::keep_credential(transaction, keys, credential, actor_of(context.world), arguments.reason);
    });
    say(context, {{"subject", credential.key.subject}, {"way", credential.way}},
        credential.key.subject + " has a new credential (" + credential.way + ")");
    return ExitCode::ok;
}

ExitCode credential_remove_verb(Context& context, const CredentialArguments& arguments) {
    db::Session session = open_engine_database(context, "credential");
    bool removed = false;
    session.transact([&](db::Transaction& transaction) {
        const db::CredentialKey key = holder_of(transaction, arguments);
        removed = db::forget_credential(transaction, key, actor_of(context.world), arguments.reason);
    });
    if (!removed) throw CliError(ExitCode::not_found, printable(arguments.subject) + " has no credential");
    say(context, {{"subject", arguments.subject}, {"removed", true}},
        printable(arguments.subject) + " has none any more");
    return ExitCode::ok;
}

ExitCode credential_import_verb(Context& context, const CredentialArguments& arguments) {
    const runtime::KeyRing keys = keys_of(context);
    db::Session session = open_engine_database(context, "credential");
    json taken = json::array();
    session.transact([&](db::Transaction& transaction) {
        taken = json::array();
        for (const db::CredentialHolder& holder : db::credential_holders(transaction)) {
            if (holder.has_credential || holder.token_ref.empty()) continue;
            if (!arguments.merchant.empty() && holder.merchant_name != arguments.merchant) continue;
            db::NewCredential credential;
            credential.key = holder.key;
            credential.way = "static";
            credential.access_token =
                secret_behind(context.world, holder.token_ref, "the token of " + holder.key.subject);
            db::keep_credential(transaction, keys, credential, actor_of(context.world), arguments.reason);
            taken.push_back({{"merchant", holder.merchant_name}, {"subject", holder.key.subject}});
        }
    });
    say(context, {{"taken_over", taken}},
        taken.empty() ? "everyone has a credential already" : std::to_string(taken.size()) + " taken over");
    return ExitCode::ok;
}

ExitCode credential_reseal_verb(Context& context) {
    const runtime::KeyRing keys = keys_of(context);
    db::Session session = open_engine_database(context, "credential");
    std::int64_t changed = 0;
    session.transact([&](db::Transaction& transaction) { changed = db::seal_anew(transaction, keys); });
    say(context, {{"key_id", keys.sealing_key_id()}, {"resealed", changed}},
        std::to_string(changed) + " sealed anew; all are under the key " + keys.sealing_key_id());
    return ExitCode::ok;
}

ExitCode credential_authorize_verb(Context& context, const CredentialArguments& arguments) {
    const runtime::Result<std::string> callback = runtime::parse_base_url(arguments.callback);
    if (!callback) throw CliError(ExitCode::usage, "--callback: " + callback.error().message);
    const std::string state = runtime::random_token(32);
    db::Session session = open_engine_database(context, "credential");
    std::string url;
    session.transact([&](db::Transaction& transaction) {
        const db::CredentialKey key = holder_of(transaction, arguments);
        if (!db::begin_authorization(transaction, key, runtime::sha256_hex(state)))
            throw CliError(ExitCode::conflict, key.subject + " has no credential that was set with --by-authorization");
        for (const db::CredentialRow& row : db::credentials(transaction)) {
            if (row.key.merchant == key.merchant && row.key.subject == key.subject)
                url = credentials::authorization_url(row, *callback, state);
        }
    });
    say(context, {{"url", url}}, "Open this within ten minutes, as someone who may install apps in the store:\n" + url);
    return ExitCode::ok;
}

ExitCode credential_new_key_verb(Context& context, const CredentialArguments& arguments) {
    const std::string line = runtime::new_key_line();
    const std::string id = line.substr(0, line.find(':'));
    if (arguments.out_file.empty()) {
        say(context, {{"key_id", id}, {"key", line}}, line);
        return ExitCode::ok;
    }
    write_private_file(arguments.out_file, line + "\n");
    say(context, {{"key_id", id}, {"file", arguments.out_file}},
        "key " + id + " written to " + printable(arguments.out_file));
    return ExitCode::ok;
}

}  // namespace ordersaga::cli
