#include "sandbox/demo/account.hpp"

#include "runtime/json.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ordersaga::demo {
namespace {

using nlohmann::json;

constexpr const char* law_names[] = {"L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "L10", "L11"};
constexpr std::size_t most_named = 10;

std::int64_t effect(const Account& account, const char* name) {
    const json* effects = runtime::find_member(account.summary, "effects");
    return effects == nullptr ? 0 : effects->value(name, std::int64_t{0});
}

std::int64_t webhook_count(const Account& account, const char* name) {
    const json* webhooks = runtime::find_member(account.summary, "webhooks");
    const json* shops = webhooks == nullptr ? nullptr : runtime::find_member(*webhooks, "shopify");
    return shops == nullptr ? 0 : shops->value(name, std::int64_t{0});
}

// Over all stores: "granted", "calls_after_expiry".
std::int64_t token_count(const Account& account, const char* name) {
    std::int64_t sum = 0;
    const json* stores = runtime::find_member(account.summary, "stores");
    if (stores == nullptr) return 0;
    for (const auto& [domain, store] : stores->items()) {
        if (const json* tokens = runtime::find_member(store, "tokens")) sum += tokens->value(name, std::int64_t{0});
    }
    return sum;
}

void complain_of_each(
    std::vector<std::string>& failures,
    const std::string& what,
    const std::vector<std::string>& items) {
    if (items.empty()) return;
    std::string text = fmt::format("{} ({})", what, items.size());
    for (std::size_t index = 0; index < std::min(items.size(), most_named); ++index)
        text += "\n      " + items[index];
    if (items.size() > most_named) text += fmt::format("\n      ... and {} more", items.size() - most_named);
    failures.push_back(std::move(text));
}

double rounded(double milliseconds) {
    return static_cast<double>(static_cast<std::int64_t>(milliseconds * 100 + 0.5)) / 100;
}

json incidents_document(const Account& account) {
    json list = json::array();
    for (const OpenIncident& incident : account.incidents)
        list.push_back({{"order", incident.order}, {"reason", incident.reason}});
    return list;
}

void check_incidents(const Account& account, const FaultProfile& profile, std::vector<std::string>& failures) {
    const auto allowed =
        static_cast<std::size_t>(profile.incident_share_allowed * static_cast<double>(account.submitted));
    if (account.incidents.size() <= allowed) return;
    std::vector<std::string> items;
    for (const OpenIncident& incident : account.incidents)
        items.push_back(incident.order + ": " + incident.reason);
    complain_of_each(failures, fmt::format("incidents, {} allowed", allowed), items);
}

void check_effects(const Account& account, std::vector<std::string>& failures) {
    const Judgement& judgement = account.judgement;
    const auto none = [&](const char* name, const char* what) {
        if (effect(account, name) != 0) failures.push_back(fmt::format("{} {}", effect(account, name), what));
    };
    none("duplicate_fulfillments", "order parts were fulfilled twice in the warehouse");
    none("duplicate_store_fulfillments", "fulfilments were created twice in a store");
    none("oversold_units", "units were asked of the warehouse beyond its stock");
    // What a person still has to decide may lack its fulfilment; nothing else may differ.
    if (judgement.mismatches.size() > account.incidents.size()) {
        complain_of_each(failures, "orders whose fulfilment is not what it should be", judgement.mismatches);
    }
    if (judgement.untold_stores.size() > account.incidents.size()) {
        complain_of_each(failures, "shipped, and the store was not told", judgement.untold_stores);
    }
    complain_of_each(failures, "listings that do not show what can be sold", judgement.unequal_listings);
}

}  // namespace

std::vector<std::string> failures_of(const Account& account, const FaultProfile& profile) {
    std::vector<std::string> failures;
    if (account.submitted == 0) failures.emplace_back("no order was placed");
    if (account.accepted != account.submitted) {
        failures.push_back(fmt::format("{} of {} orders were accepted", account.accepted, account.submitted));
    }
    complain_of_each(failures, "orders neither final nor an incident", account.unsettled);
    check_incidents(account, profile, failures);
    if (account.parked_items != 0) failures.push_back(fmt::format("{} inputs were parked", account.parked_items));
    for (const char* law : law_names) {
        const auto found = account.laws.find(law);
        if (found == account.laws.end()) failures.push_back(fmt::format("{} was not checked", law));
        if (found != account.laws.end() && !found->second) failures.push_back(fmt::format("{} is broken", law));
    }
    complain_of_each(failures, "rows that break a law", account.law_findings);
    check_effects(account, failures);
    for (const std::string& kind : profile.must_occur) {
        if (account.faults_injected.value(kind, std::int64_t{0}) == 0)
            failures.push_back(kind + " was never injected: the run shows nothing about it");
    }
    complain_of_each(failures, "programs ended by themselves", account.crashes);
    // One that was under way when its token ended is nobody's fault; a worker that goes on with it would make hundreds.
    if (const std::int64_t late = token_count(account, "calls_after_expiry"); late > token_count(account, "granted"))
        failures.push_back(fmt::format("{} calls came with a token that had ended", late));
    return failures;
}

json report_of(const Account& account, const FaultProfile& profile) {
    const std::vector<std::string> failures = failures_of(account, profile);
    json laws = json::object();
    for (const auto& [law, holds] : account.laws)
        laws[law] = holds;
    return {
        {"orders",
         {{"submitted", account.submitted},
          {"accepted", account.accepted},
          {"webhooks_sent", webhook_count(account, "sent")},
          {"duplicates_sent", webhook_count(account, "duplicated")},
          {"refused_by_stores", account.refused_by_stores}}},
        {"final_states", account.final_states},
        {"incidents", incidents_document(account)},
        {"parked_items", account.parked_items},
        {"faults_injected", account.faults_injected},
        {"laws", std::move(laws)},
        {"effects",
         {{"fulfillments_created", account.judgement.fulfillments_live},
          {"fulfillments_expected", account.judgement.fulfillments_expected},
          {"fulfillments_ever_created", effect(account, "fulfillments_created")},
          {"fulfillments_cancelled", effect(account, "fulfillments_cancelled")},
          {"duplicate_fulfillments", effect(account, "duplicate_fulfillments")},
          {"oversold_units", effect(account, "oversold_units")},
          {"refused_after_sale", account.judgement.refused_after_sale},
          {"store_calls", effect(account, "store_calls")},
          {"store_changes", effect(account, "store_changes")},
          {"store_fulfillments", effect(account, "store_fulfillments")},
          {"duplicate_store_fulfillments", effect(account, "duplicate_store_fulfillments")}}},
        {"latency_ms",
         {{"accept_p50", rounded(account.accept_p50)},
          {"accept_p99", rounded(account.accept_p99)},
          {"requested_p50", rounded(account.requested_p50)},
          {"requested_p99", rounded(account.requested_p99)}}},
        {"tokens",
         {{"granted", token_count(account, "granted")},
          {"calls_after_expiry", token_count(account, "calls_after_expiry")}}},
        {"seconds", rounded(account.seconds)},
        {"stores_converged", account.judgement.unequal_listings.empty()},
        {"seed", account.seed},
        {"stores", account.stores},
        {"faults", account.faults},
        {"failures", failures},
        {"passed", failures.empty()},
    };
}

std::string text_of(const Account& account, const FaultProfile& profile) {
    std::string text = "\nThe account\n";
    text += fmt::format(
        "  orders       {} placed in {} stores, {} accepted; {} more were refused by a store itself\n",
        account.submitted, account.stores, account.accepted, account.refused_by_stores);
    text += fmt::format(
        "  webhooks     {} sent, {} of them twice, {} dropped, {} out of order\n", webhook_count(account, "sent"),
        webhook_count(account, "duplicated"), webhook_count(account, "dropped"), webhook_count(account, "reordered"));
    text += "  final states";
    for (const auto& [state, count] : account.final_states)
        text += fmt::format(" {} {} ", state, count);
    text += fmt::format(
        "\n  warehouse    {} fulfilments, {} expected; {} twice, {} units oversold; {} cancelled on the way\n",
        account.judgement.fulfillments_live, account.judgement.fulfillments_expected,
        effect(account, "duplicate_fulfillments"), effect(account, "oversold_units"),
        effect(account, "fulfillments_cancelled"));
    text += fmt::format(
        "  stores       {} stock calls changed {} listings; {} sales refused for want of stock; {}\n",
        effect(account, "store_calls"), effect(account, "store_changes"), account.judgement.refused_after_sale,
        account.judgement.unequal_listings.empty() ? "all show what can be sold" : "NOT all show what can be sold");
    std::string broken;
    for (const char* law : law_names) {
        const auto found = account.laws.find(law);
        if (found == account.laws.end() || !found->second) broken += std::string(" ") + law;
    }
    text += broken.empty() ? "  laws         L1 to L11 hold\n" : "  laws         NOT shown:" + broken + "\n";
    text += fmt::format("  incidents    {}\n", account.incidents.size());
    for (std::size_t index = 0; index < std::min(account.incidents.size(), most_named); ++index) {
        text += "      " + account.incidents[index].order + ": " + account.incidents[index].reason + "\n";
    }
    if (const std::int64_t granted = token_count(account, "granted"); granted > 0) {
        text += fmt::format(
            "  tokens       {} granted one after another; {} calls came after a token's end\n", granted,
            token_count(account, "calls_after_expiry"));
    }
    std::string faults;
    for (const auto& [kind, count] : account.faults_injected.items()) {
        if (count != 0) faults += fmt::format("{}{} {}", faults.empty() ? "" : ", ", kind, count.get<std::int64_t>());
    }
    text += "  faults       " + (faults.empty() ? std::string("none") : faults) + "\n";
    text += fmt::format(
        "  latency      webhook answered p50 {:.1f} ms, p99 {:.1f} ms; in the warehouse p50 {:.0f} ms, p99 {:.0f} ms\n",
        account.accept_p50, account.accept_p99, account.requested_p50, account.requested_p99);
    text += fmt::format("  took         {:.1f} s\n", account.seconds);
    const std::vector<std::string> failures = failures_of(account, profile);
    if (failures.empty()) return text + "\nEvery promise was kept.\n";
    text += "\nFAILED:\n";
    for (const std::string& failure : failures)
        text += "  - " + failure + "\n";
    return text;
}

bool read_laws(const std::string& output, Account& account) {
    const runtime::Result<json> document = runtime::parse_json(output);
    if (!document) return false;
    const json* laws = runtime::find_member(*document, "laws");
    if (laws == nullptr) return false;
    for (const auto& [key, entry] : laws->items()) {
        std::string law = key;
        bool holds = false;
        if (entry.is_boolean()) {
            holds = entry.get<bool>();
        } else if (entry.is_object()) {
            law = laws->is_array() ? entry.value("law", key) : key;
            holds = entry.contains("holds") ? entry.value("holds", false) : entry.value("broken", std::int64_t{1}) == 0;
            for (const json& finding : entry.value("findings", json::array())) {
                account.law_findings.push_back(law + " " + finding.value("row", "") + ": " + finding.value("text", ""));
            }
        }
        account.laws[law] = holds;
    }
    return !account.laws.empty();
}

}  // namespace ordersaga::demo
