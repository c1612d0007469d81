#include "orchestrator/cli/repair_verbs.hpp"

#include "orchestrator/cli/answers.hpp"
#include "orchestrator/cli/rest_client.hpp"
#include "runtime/json.hpp"
#include "runtime/random.hpp"
#include "runtime/url.hpp"

#include <nlohmann/json.hpp>

#include <ostream>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

constexpr std::size_t most_items = 1000;        // of lists that have no limit of their own
constexpr std::size_t most_listings = 100'000;  // one row per SKU and store

std::string text_of(const json& object, const char* member) {
    return cell_of(object.value(member, json()));
}

ExitCode change(Context& context, RestClient& client, const std::string& path, const RepairArguments& arguments) {
    runtime::SystemRandom random;
    const std::string key =
        arguments.idempotency_key.empty() ? runtime::new_uuid_v4(random) : arguments.idempotency_key;
    json body = {{"reason", arguments.reason}};
    if (!arguments.mode.empty()) body["mode"] = arguments.mode;
    return show_result(context, client.post(path, body, {{"Idempotency-Key", key}}));
}

std::string path_to(const std::string& collection, const std::string& subject, const std::string& verb = {}) {
    return "/" + collection + "/" + runtime::percent_encode(subject) + (verb.empty() ? "" : "/" + verb);
}

// The command that ends the incident, as far as we can tell; the runbook says what to do before.
std::string next_step_of(const json& incident) {
    if (!incident.value("closed_at", json()).is_null()) return "nothing: it is closed";
    const std::string key = incident.value("incident_key", "");
    const std::string subject = text_of(incident, "subject");
    if (!incident.value("saga_id", json()).is_null() && incident.value("saga_final", json()) != true)
        return "sagactl retry, cancel or compensate " + text_of(incident, "saga_id");
    if (key.starts_with("listing:")) return "mend it in the store, then: sagactl listing unpark " + subject;
    if (key.starts_with("store:")) return "mend it in the store, then: sagactl store activate " + subject;
    if (key.starts_with("lane:"))
        return "mend the credentials of " + subject + "; it closes with the first good answer";
    return "look after it, then: sagactl incident close " + text_of(incident, "incident_id");
}

// STORE/SKU, or STORE/VARIANT-ID where a store shows one SKU several times. Never a prefix.
std::string listing_id_of(RestClient& client, const std::string& name) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == name.size())
        throw CliError(ExitCode::usage, "'" + printable(name) + "' is not STORE/SKU, as in eu/TSHIRT-M");
    const std::string store = name.substr(0, slash), item = name.substr(slash + 1);
    json found = client.get_items("/listings", {{"store", store}, {"sku", item}}, most_items);
    if (found.empty()) {
        for (json& listing : client.get_items("/listings", {{"store", store}}, most_listings)) {
            if (listing.at("variant_id") == item || listing.at("inventory_item_id") == item)
                found.push_back(std::move(listing));
        }
    }
    if (found.empty())
        throw CliError(
            ExitCode::not_found, "store " + printable(store) + " has no listing '" + printable(item) +
                                     "'; see: sagactl listing list --store " + printable(store));
    if (found.size() > 1)
        throw CliError(ExitCode::usage, "the store shows this SKU several times: name it as STORE/VARIANT-ID");
    return found.at(0).at("listing_id").get<std::string>();
}

}  // namespace

ExitCode incident_list_verb(Context& context, const RepairArguments& arguments) {
    RestClient client(context.settings);
    std::vector<Column> columns{
        {"INCIDENT", "incident_id", true},
        {"OPENED", "opened_at"},
        {"SUBJECT", "subject"},
        {"SAGA", "saga_id"},
        {"CAUSE", "cause"},
        {"TEXT", "text"}};
    if (arguments.closed) columns.insert(columns.begin() + 2, {"CLOSED", "closed_at"});
    return show_rows(
        context, columns, client.get_items("/incidents", {{"closed", arguments.closed ? "true" : ""}}, most_items),
        arguments.closed ? "no incidents" : "no open incidents");
}

ExitCode incident_show_verb(Context& context, const RepairArguments& arguments) {
    RestClient client(context.settings);
    const json incident = client.get(path_to("incidents", arguments.subject));
    if (context.json) return show_json(context, incident);
    std::vector<std::pair<std::string, std::string>> facts;
    for (const char* member :
         {"incident_id", "subject", "cause", "text", "opened_at", "updated_at", "closed_at", "saga_id", "saga_state"}) {
        const std::string value = text_of(incident, member);
        if (value != "-") facts.emplace_back(member, value);
    }
    facts.emplace_back("next", next_step_of(incident));
    print_facts(context.world.out, facts, context.world.colours);
    return ExitCode::ok;
}

ExitCode incident_close_verb(Context& context, const RepairArguments& arguments) {
    RestClient client(context.settings);
    return change(context, client, path_to("incidents", arguments.subject, "close"), arguments);
}

ExitCode parked_list_verb(Context& context, const RepairArguments&) {
    RestClient client(context.settings);
    return show_rows(
        context, {{"ITEM", "item_id"}, {"AT", "at"}, {"KIND", "kind"}, {"SUBJECT", "subject"}, {"REASON", "reason"}},
        client.get_items("/parked", {}, most_items), "nothing is parked");
}

ExitCode parked_show_verb(Context& context, const RepairArguments& arguments) {
    RestClient client(context.settings);
    const json item = client.get(path_to("parked", arguments.subject), {{"data", arguments.data ? "true" : ""}});
    if (context.json) return show_json(context, item);
    std::vector<std::pair<std::string, std::string>> facts;
    for (const char* member : {"item_id", "at", "kind", "subject", "reason", "order_id", "webhook_id", "bytes"}) {
        const std::string value = text_of(item, member);
        if (value != "-") facts.emplace_back(member, value);
    }
    const std::string id = text_of(item, "item_id");
    facts.emplace_back(
        "next", item.value("can_retry", false)
                    ? "mend what the reason names, then: sagactl parked retry " + id
                    : "its saga or the next poll looks again by itself: sagactl parked dismiss " + id);
    print_facts(context.world.out, facts, context.world.colours);
    if (arguments.data) context.world.out << '\n' << text_of(item, "input") << '\n';
    return ExitCode::ok;
}

namespace {

// Without a key: a repeat finds no open item.
ExitCode settle_parked(Context& context, const RepairArguments& arguments, const std::string& how) {
    RestClient client(context.settings);
    return show_result(context, client.post(path_to("parked", arguments.subject, how), {{"reason", arguments.reason}}));
}

}  // namespace

ExitCode parked_retry_verb(Context& context, const RepairArguments& arguments) {
    return settle_parked(context, arguments, "retry");
}

ExitCode parked_dismiss_verb(Context& context, const RepairArguments& arguments) {
    return settle_parked(context, arguments, "dismiss");
}

ExitCode listing_list_verb(Context& context, const RepairArguments& arguments) {
    RestClient client(context.settings);
    const Query query{{"store", arguments.store}, {"sku", arguments.sku}, {"parked", arguments.parked ? "true" : ""}};
    return show_rows(
        context,
        {{"STORE", "store"},
         {"SKU", "sku"},
         {"VARIANT", "variant_id"},
         {"BELIEVED", "believed", true},
         {"IN FLIGHT", "in_flight", true},
         {"TARGET", "target", true},
         {"IN DOUBT", "wants_read"},
         {"PARKED", "parked"}},
        client.get_items("/listings", query, most_listings), arguments.parked ? "no parked listings" : "no listings");
}

ExitCode listing_unpark_verb(Context& context, const RepairArguments& arguments) {
    RestClient client(context.settings);
    const std::string id = listing_id_of(client, arguments.subject);
    return change(context, client, path_to("listings", id, "unpark"), arguments);
}

ExitCode store_list_verb(Context& context, const RepairArguments&) {
    RestClient client(context.settings);
    return show_rows(
        context,
        {{"STORE", "key"},
         {"SHOP", "shop_domain"},
         {"STATUS", "status"},
         {"MODE", "mode"},
         {"WAREHOUSE", "warehouse"},
         {"POLICY", "order_policy"},
         {"GO LIVE", "go_live_at"}},
        client.get_items("/stores", {}, most_items), "no stores; connect one with: sagactl setup FILE");
}

ExitCode store_activate_verb(Context& context, const RepairArguments& arguments) {
    RestClient client(context.settings);
    return change(context, client, path_to("stores", arguments.subject, "activate"), arguments);
}

ExitCode store_deactivate_verb(Context& context, const RepairArguments& arguments) {
    RestClient client(context.settings);
    return change(context, client, path_to("stores", arguments.subject, "deactivate"), arguments);
}

ExitCode store_mode_verb(Context& context, const RepairArguments& arguments) {
    RestClient client(context.settings);
    return change(context, client, path_to("stores", arguments.subject, "mode"), arguments);
}

}  // namespace ordersaga::cli
