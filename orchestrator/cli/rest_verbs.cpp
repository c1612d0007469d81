#include "orchestrator/cli/rest_verbs.hpp"

#include "orchestrator/cli/answers.hpp"
#include "orchestrator/cli/rest_client.hpp"
#include "orchestrator/cli/saga_account.hpp"
#include "orchestrator/cli/table.hpp"
#include "runtime/json.hpp"
#include "runtime/random.hpp"
#include "runtime/url.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <ostream>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

constexpr std::size_t most_items = 1000;  // of lists that have no limit of their own

// A whole id or an order, never a prefix: nothing can be hit by accident.
std::string saga_id_of(RestClient& client, const std::string& name) {
    if (runtime::is_uuid(name)) return name;
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos)
        throw CliError(ExitCode::usage, "'" + printable(name) + "' is neither a saga id nor STORE/ORDER-ID");
    const std::string path = "/orders/" + runtime::percent_encode(name.substr(0, slash)) + "/" +
                             runtime::percent_encode(name.substr(slash + 1));
    const json order = client.get(path);
    const json* saga_id = runtime::find_member(order, "saga_id");
    if (saga_id == nullptr) {
        throw CliError(
            ExitCode::not_found,
            "order " + printable(name) + " has no saga: " + cell_of(order.value("reason", json())));
    }
    return saga_id->get<std::string>();
}

std::string path_of(const std::string& saga_id) {
    return "/sagas/" + saga_id;
}

// The commands that an entry of the history gave, where the token may see them.
std::string given_by(const json& entry) {
    const json* details = runtime::find_member(entry, "details");
    if (details == nullptr) return {};
    if (runtime::find_member(*details, "ignored") != nullptr) return "(changed nothing)";
    std::string all;
    const json* commands = runtime::find_member(*details, "commands");
    for (const json& command : commands != nullptr && commands->is_array() ? *commands : json::array())
        all += (all.empty() ? "" : ", ") + cell_of(command.value("activity", json()));
    return all;
}

void print_section(
    Context& context,
    const std::string& title,
    const json& saga,
    const char* member,
    const std::vector<Column>& columns) {
    const json* rows = runtime::find_member(saga, member);
    if (rows == nullptr || rows->empty()) return;
    context.world.out << '\n' << title << '\n';
    print_table(context.world.out, columns, *rows, context.world.colours);
}

}  // namespace

std::string token_of_file(const std::string& path) {
    std::ifstream file(path);
    std::string token;
    if (!file || !std::getline(file, token))
        throw CliError(ExitCode::usage, "--token-file: cannot read a token from " + printable(path));
    if (token.ends_with('\r')) token.pop_back();
    return token;
}

ExitCode list_verb(Context& context, const ListArguments& arguments) {
    RestClient client(context.settings);
    const Query query{
        {"state", arguments.state},
        {"store", arguments.store},
        {"sku", arguments.sku},
        {"older_than", arguments.older_than},
        {"incident", arguments.incident ? "true" : ""},
    };
    const json sagas = client.get_items("/sagas", query, static_cast<std::size_t>(arguments.limit));
    const std::vector<Column> columns{
        {"SAGA", "saga_id"},          {"SUBJECT", "subject"},    {"STATE", "state"},
        {"VERSION", "version", true}, {"UPDATED", "updated_at"}, {"INCIDENT", "incident"},
    };
    return show_rows(context, columns, sagas, "no such sagas");
}

ExitCode show_verb(Context& context, const std::string& name) {
    RestClient client(context.settings);
    const json saga = client.get(path_of(saga_id_of(client, name)));
    if (context.json) return show_json(context, saga);
    std::vector<std::pair<std::string, std::string>> facts;
    facts.emplace_back("subject", cell_of(saga.value("subject", json())));
    for (auto& fact : account_of(saga))
        facts.push_back(std::move(fact));
    print_facts(context.world.out, facts, context.world.colours);
    facts.clear();
    for (const char* member : {"saga_id", "version", "incident", "created_at", "next_wake", "trace"})
        facts.emplace_back(member, cell_of(saga.value(member, json())));
    if (const json* order = runtime::find_member(saga, "order")) {
        facts.emplace_back(
            "order", cell_of(order->value("store", json())) + "/" + cell_of(order->value("order_id", json())));
    }
    context.world.out << '\n';
    print_facts(context.world.out, facts, context.world.colours);
    print_section(
        context, "Stock", saga, "reservations",
        {{"LINE", "line_id"},
         {"SKU", "sku"},
         {"WAREHOUSE", "warehouse"},
         {"WAITING", "waiting", true},
         {"HELD", "held", true},
         {"COMMITTED", "committed", true},
         {"SHIPPED", "shipped", true},
         {"RELEASED", "released", true}});
    print_section(
        context, "Commands", saga, "commands",
        {{"ACTIVITY", "activity"},
         {"STATE", "state"},
         {"ATTEMPT", "attempt", true},
         {"DUE", "due_at"},
         {"OUTCOME", "outcome"},
         {"LAST ERROR", "last_error"}});
    print_section(
        context, "Waits for", saga, "waits",
        {{"KIND", "kind"}, {"SKU", "sku"}, {"WAREHOUSE", "warehouse"}, {"VERSION", "version", true}});
    print_section(
        context, "Incidents", saga, "incidents",
        {{"CAUSE", "cause"}, {"TEXT", "text"}, {"OPENED", "opened_at"}, {"CLOSED", "closed_at"}});
    return ExitCode::ok;
}

ExitCode history_verb(Context& context, const std::string& name) {
    RestClient client(context.settings);
    json history = client.get_items(path_of(saga_id_of(client, name)) + "/history", {}, most_items);
    if (!context.json) {
        for (json& entry : history)
            if (entry.is_object()) entry["gave"] = given_by(entry);
    }
    const std::vector<Column> columns{
        {"VERSION", "version", true}, {"AT", "at"},       {"FROM", "from_state"}, {"EVENT", "event"},
        {"TO", "to_state"},           {"CAUSE", "cause"}, {"GAVE", "gave"},       {"NOTE", "note"},
    };
    return show_rows(context, columns, history, "no history");
}

ExitCode diagram_verb(Context& context, const std::string& name) {
    RestClient client(context.settings);
    const json diagram = client.get(path_of(saga_id_of(client, name)) + "/diagram");
    if (context.json) return show_json(context, diagram);
    context.world.out << diagram.at("mermaid").get<std::string>();
    return ExitCode::ok;
}

ExitCode summary_verb(Context& context) {
    RestClient client(context.settings);
    const json summary = client.get("/summary");
    if (context.json) return show_json(context, summary);
    std::vector<std::pair<std::string, std::string>> facts;
    for (const auto& [name, value] : summary.items()) {
        if (!value.is_object()) {
            facts.emplace_back(name, cell_of(value));
            continue;
        }
        for (const auto& [part, count] : value.items())
            facts.emplace_back(name + " " + part, cell_of(count));
    }
    print_facts(context.world.out, facts, context.world.colours);
    return ExitCode::ok;
}

ExitCode lanes_verb(Context& context) {
    RestClient client(context.settings);
    return show_rows(
        context,
        {{"LANE", "lane"},
         {"NAME", "name"},
         {"TOKENS", "tokens", true},
         {"CAPACITY", "capacity", true},
         {"PER SECOND", "per_second", true},
         {"IN FLIGHT", "in_flight", true},
         {"WAITING", "waiting", true},
         {"BREAKER", "breaker"},
         {"NOT BEFORE", "not_before"},
         {"REASON", "reason"}},
        client.get_items("/lanes", {}, most_items), "no lanes yet");
}

ExitCode audit_verb(Context& context) {
    RestClient client(context.settings);
    return show_rows(
        context, {{"AT", "at"}, {"ACTOR", "actor"}, {"ACTION", "action"}, {"SUBJECT", "subject"}, {"REASON", "reason"}},
        client.get_items("/audit", {}, most_items), "nothing yet");
}

namespace {

// "available -2, reserved +2", or "5 -> 7" of a listing: what one change does, without the members that name it.
std::string differences_of(const json& change) {
    if (change.contains("will_show"))
        return cell_of(change.value("shows", json())) + " -> " + cell_of(change.at("will_show"));
    std::string text;
    for (const auto& [name, value] : change.items()) {
        if (!value.is_number_integer()) continue;
        const std::int64_t difference = value.get<std::int64_t>();
        text +=
            (text.empty() ? "" : ", ") + printable(name) + (difference > 0 ? " +" : " ") + std::to_string(difference);
    }
    return text;
}

void print_preview(Context& context, const json& preview) {
    std::ostream& out = context.world.out;
    const bool colours = context.world.colours;
    print_facts(
        out,
        {{"saga", cell_of(preview.value("saga_id", json()))}, {"ends in", cell_of(preview.value("ends_in", json()))}},
        colours);
    out << "\nPath, if every call succeeds\n";
    print_table(
        out, {{"FROM", "from"}, {"EVENT", "event"}, {"TO", "to"}, {"NOTE", "note"}},
        preview.value("path", json::array()), colours);
    out << "\nCalls\n";
    print_table(
        out, {{"ACTIVITY", "activity"}, {"LANE", "lane"}, {"UNDER WAY", "already_under_way"}, {"PAYLOAD", "payload"}},
        preview.value("calls", json::array()), colours);
    json changes = preview.value("changes", json::array());
    for (json& change : changes) {
        if (change.is_object()) change["differences"] = differences_of(change);
    }
    out << "\nChanges\n";
    print_table(
        out,
        {{"KIND", "kind"},
         {"SKU", "sku"},
         {"STORE", "store"},
         {"MOVE", "move"},
         {"LINE", "line_id"},
         {"DIFFERENCE", "differences"}},
        changes, colours);
    out << "\nNothing was changed.\n";
}

}  // namespace

ExitCode saga_command_verb(Context& context, const std::string& name, const CommandArguments& arguments) {
    RestClient client(context.settings);
    const std::string saga_id = saga_id_of(client, arguments.saga);
    runtime::SystemRandom random;
    std::vector<std::pair<std::string, std::string>> headers{
        {"Idempotency-Key",
         arguments.idempotency_key.empty() ? runtime::new_uuid_v4(random) : arguments.idempotency_key},
    };
    if (arguments.if_version) headers.emplace_back("If-Match", "\"" + std::to_string(*arguments.if_version) + "\"");
    json body = {{"reason", arguments.reason}};
    if (arguments.dry_run) body["dry_run"] = true;
    const json answer = client.post(path_of(saga_id) + "/" + name, body, headers);
    if (context.json) return show_json(context, answer);
    if (arguments.dry_run) {
        print_preview(context, answer);
        return ExitCode::ok;
    }
    print_facts(
        context.world.out,
        {{"saga", saga_id},
         {"result", cell_of(answer.value("result", json()))},
         {"state", cell_of(answer.value("state", json()))},
         {"version", cell_of(answer.value("version", json()))},
         {"note", cell_of(answer.value("reason", json()))}},
        context.world.colours);
    return ExitCode::ok;
}

ExitCode stock_list_verb(Context& context, const StockArguments& arguments) {
    RestClient client(context.settings);
    const json rows = client.get_items("/stock", {{"sku", arguments.sku}}, most_items * 100);
    return show_rows(
        context,
        {{"SKU", "sku"},
         {"WAREHOUSE", "warehouse"},
         {"ON HAND", "on_hand", true},
         {"AVAILABLE", "available", true},
         {"RESERVED", "reserved", true},
         {"COMMITTED", "committed", true},
         {"UNAVAILABLE", "unavailable", true},
         {"SHORT", "short", true},
         {"WAITING", "waiting", true},
         {"VERSION", "version", true}},
        rows, "no stock");
}

ExitCode stock_movements_verb(Context& context, const StockArguments& arguments) {
    RestClient client(context.settings);
    const json rows = client.get_items(
        "/stock/" + runtime::percent_encode(arguments.sku) + "/movements", {},
        static_cast<std::size_t>(arguments.limit));
    return show_rows(
        context,
        {{"AT", "at"},
         {"WAREHOUSE", "warehouse"},
         {"KIND", "kind"},
         {"ON HAND", "on_hand", true},
         {"AVAILABLE", "available", true},
         {"RESERVED", "reserved", true},
         {"COMMITTED", "committed", true},
         {"CAUSE", "cause"},
         {"NOTE", "note"}},
        rows, "no movements");
}

ExitCode stock_adjust_verb(Context& context, const StockArguments& arguments) {
    RestClient client(context.settings);
    const json ledgers = client.get_items("/stock", {{"sku", arguments.sku}, {"warehouse", arguments.warehouse}}, 100);
    if (ledgers.empty()) throw CliError(ExitCode::not_found, "there is no stock of '" + printable(arguments.sku) + "'");
    if (ledgers.size() > 1) throw CliError(ExitCode::usage, "several warehouses stock it: name one with --warehouse");
    const json& ledger = ledgers[0];
    runtime::SystemRandom random;
    const json body = {
        {"warehouse", ledger.at("warehouse")},
        {"difference", arguments.by},
        {"expected_version", arguments.expected_version ? json(*arguments.expected_version) : ledger.at("version")},
        {"reason", arguments.reason},
    };
    const std::string key =
        arguments.idempotency_key.empty() ? runtime::new_uuid_v4(random) : arguments.idempotency_key;
    const json answer =
        client.post("/stock/" + runtime::percent_encode(arguments.sku) + "/adjust", body, {{"Idempotency-Key", key}});
    if (context.json) return show_json(context, answer);
    print_facts(
        context.world.out, {{"sku", arguments.sku}, {"result", cell_of(answer.value("result", json()))}},
        context.world.colours);
    return ExitCode::ok;
}

}  // namespace ordersaga::cli
