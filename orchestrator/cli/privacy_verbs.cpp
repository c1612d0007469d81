#include "orchestrator/cli/privacy_verbs.hpp"

#include "db/privacy.hpp"
#include "orchestrator/cli/engine_database.hpp"
#include "orchestrator/cli/table.hpp"
#include "runtime/clock.hpp"
#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <ostream>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

json row_of(const db::PrivacyRequestRow& request) {
    return {
        {"request_id", request.request_id},
        {"merchant", request.merchant_name},
        {"store", request.store},
        {"kind", request.kind},
        {"reference", request.reference},
        {"orders", request.orders},
        {"asked_at", runtime::format_rfc3339(request.asked_at)},
        {"done_at", request.done_at ? json(runtime::format_rfc3339(*request.done_at)) : json()}};
}

void say(Context& context, const json& document, const std::string& text) {
    context.world.out << (context.json ? runtime::dump_json(document) : text) << '\n';
}

}  // namespace

ExitCode privacy_list_verb(Context& context, const PrivacyArguments& arguments) {
    db::Session session = open_engine_database(context, "privacy");
    json rows = json::array();
    session.transact([&](db::Transaction& transaction) {
        rows = json::array();
        for (const db::PrivacyRequestRow& request : db::privacy_requests(transaction, arguments.done_too))
            rows.push_back(row_of(request));
    });
    if (context.json) {
        context.world.out << runtime::dump_json({{"requests", rows}}) << '\n';
    } else if (rows.empty()) {
        context.world.out << "nothing is asked for\n";
    } else {
        print_table(
            context.world.out,
            {{"REQUEST", "request_id", true},
             {"MERCHANT", "merchant"},
             {"STORE", "store"},
             {"KIND", "kind"},
             {"REFERENCE", "reference"},
             {"ASKED", "asked_at"},
             {"DONE", "done_at"}},
            rows, context.world.colours);
    }
    return ExitCode::ok;
}

ExitCode privacy_export_verb(Context& context, const PrivacyArguments& arguments) {
    const runtime::Result<runtime::KeyRing> keys =
        runtime::KeyRing::parse(required(context.settings.credentials_keys, "credentials_keys"));
    if (!keys) throw CliError(ExitCode::usage, "ORDERSAGA_CREDENTIALS_KEYS: " + keys.error().message);
    db::Session session = open_engine_database(context, "privacy");
    json answer;
    session.transact([&](db::Transaction& transaction) {
        answer = nullptr;
        for (const db::PrivacyRequestRow& request : db::privacy_requests(transaction, true)) {
            if (request.request_id != arguments.request_id) continue;
            answer = db::exported(transaction, *keys, request);
            // Who asks to be forgotten is not done with by a copy.
            if (request.kind == "data_request")
                db::note_exported(transaction, request, actor_of(context.world), arguments.reason);
            // Written before the commit: a request is never closed without its answer.
            write_private_file(arguments.out_file, answer.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
        }
    });
    if (answer.is_null())
        throw CliError(ExitCode::not_found, "there is no request " + std::to_string(arguments.request_id));
    const std::size_t orders = answer.at("orders").size();
    say(context, {{"file", arguments.out_file}, {"orders", orders}},
        std::to_string(orders) + " orders written to " + printable(arguments.out_file));
    return ExitCode::ok;
}

ExitCode privacy_erase_verb(Context& context, const PrivacyArguments& arguments) {
    if (arguments.orders.empty() != arguments.whole_store)
        throw CliError(ExitCode::usage, "name the orders by their numbers in the store, or say --whole-store");
    db::Session session = open_engine_database(context, "privacy");
    std::optional<std::int64_t> request;
    session.transact([&](db::Transaction& transaction) {
        request = db::ask_erasure(
            transaction, arguments.merchant, arguments.store, arguments.orders, actor_of(context.world),
            arguments.reason);
    });
    if (!request)
        throw CliError(
            ExitCode::not_found, printable(arguments.merchant) + " has no store " + printable(arguments.store));
    say(context, {{"request_id", *request}},
        "request " + std::to_string(*request) + ": the orchestrator erases within a minute what no open order needs");
    return ExitCode::ok;
}

}  // namespace ordersaga::cli
