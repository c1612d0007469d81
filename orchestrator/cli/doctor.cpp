#include "orchestrator/cli/doctor.hpp"

#include <algorithm>
#include <chrono>

namespace ordersaga::cli {
namespace {

using namespace std::chrono_literals;
using runtime::Duration;
using runtime::Instant;

// Five minutes of orders at full speed are far less; a queue this deep is not being worked off.
constexpr std::int64_t deep_queue = 10'000;
constexpr Duration clock_tolerated = 2s;
constexpr Duration clock_harmful = 30s;  // deadlines of calls are shorter
constexpr Duration duties_late = 5min;
constexpr Duration scopes_fresh = 48h;  // they are looked at once a day
constexpr std::int64_t gibibyte = 1024LL * 1024 * 1024;

std::string age_of(Duration age) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 7200) return std::to_string(seconds / 60) + " min";
    if (seconds < 172'800) return std::to_string(seconds / 3600) + " h";
    return std::to_string(seconds / 86'400) + " days";
}

std::string counted(std::int64_t count, const std::string& one, const std::string& many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

// Two merchants may name their stores alike.
std::string called(const std::string& name, const std::string& merchant, bool several) {
    return several ? name + " of " + merchant : name;
}

bool several_merchants(const db::SystemHealth& health) {
    return std::any_of(health.credentials.begin(), health.credentials.end(), [&](const db::CredentialHealth& other) {
        return other.holder.merchant_name != health.credentials.front().holder.merchant_name;
    });
}

Check judge_credential(const db::CredentialHealth& credential, const std::string& name, Instant now) {
    const std::string set = "sagactl credential set " + credential.holder.key.subject + " ...";
    const db::CredentialRow& row = credential.row;
    if (!credential.refusal.empty()) return {name, Verdict::bad, "the peer refuses it: " + credential.refusal, set};
    if (!credential.holder.has_credential)
        return {
            name, Verdict::warning,
            "not in the database: the workers' own settings must hold it, and nobody sees it end",
            "sagactl credential import, or " + set};
    if (row.version == 0)
        return {
            name, Verdict::bad, "no token yet" + (row.last_error.empty() ? "" : ": " + row.last_error),
            row.way == "authorization_code" ? "sagactl credential authorize " + credential.holder.key.subject + " ..."
                                            : set};
    if (row.expires_at && *row.expires_at <= now)
        return {name, Verdict::bad, "ended " + age_of(now - *row.expires_at) + " ago: " + row.last_error, set};
    if (row.failures > 0)
        return {
            name, row.failures < 3 ? Verdict::warning : Verdict::bad,
            "could not be renewed " + counted(row.failures, "time", "times") + ": " + row.last_error,
            "the runbook: a credential cannot be renewed"};
    return {name, Verdict::good, row.expires_at ? "good for " + age_of(*row.expires_at - now) : "without an end", ""};
}

Check judge_subscription(const db::StoreHealth& store, const std::string& name, Instant now) {
    const std::string heard =
        store.last_webhook ? "last webhook " + age_of(now - *store.last_webhook) + " ago" : "no webhook in 7 days";
    const std::string connect = "sagactl connect shopify " + store.key;
    if (store.status != "active")
        return {name, Verdict::warning, "the store is " + store.status, "sagactl store activate " + store.key};
    if (!store.subscription_incident.empty()) return {name, Verdict::bad, store.subscription_incident, connect};
    if (!store.subscriptions_watched)
        return {name, Verdict::warning, "nobody has ever looked at them; " + heard, connect};
    return {name, store.last_webhook ? Verdict::good : Verdict::warning, heard, store.last_webhook ? "" : connect};
}

}  // namespace

Verdict worst_of(const Checks& checks) {
    Verdict worst = Verdict::good;
    for (const Check& check : checks)
        worst = std::max(worst, check.verdict);
    return worst;
}

Checks judge_settings(const std::vector<std::string>& startup_faults) {
    if (startup_faults.empty()) return {{"database", Verdict::good, "durable, its schema is this build's", ""}};
    Checks checks;
    for (const std::string& fault : startup_faults) {
        // Each says what mends it after its last colon, as programs tell it when they refuse to start.
        const std::size_t colon = fault.rfind(": ");
        checks.push_back(
            {"database", Verdict::bad, fault.substr(0, colon),
             colon == std::string::npos ? "" : fault.substr(colon + 2)});
    }
    return checks;
}

Check judge_clock(Instant before, Instant database, Instant after) {
    // Within the time that the question took, any difference may be none.
    const Duration ahead = database - after;
    const Duration behind = before - database;
    const Duration off = std::max({ahead, behind, Duration{0}});
    const std::string name = "clock";
    if (off < clock_tolerated) return {name, Verdict::good, "this machine and the database agree", ""};
    const std::string seen =
        "this machine is " + age_of(off) + (ahead > behind ? " behind" : " ahead of") + " the database";
    return {name, off < clock_harmful ? Verdict::warning : Verdict::bad, seen, "timedatectl set-ntp true, on both"};
}

Check judge_orchestrators(const db::SystemHealth& health) {
    const std::string name = "orchestrators";
    const std::string start = "systemctl status ordersaga-orchestrator";
    if (health.orchestrators == 0) return {name, Verdict::bad, "none is alive", start};
    const std::string alive = counted(health.orchestrators, "is", "are") + " alive";
    const Duration late = health.oldest_due ? health.database_time - *health.oldest_due : Duration{0};
    if (late > duties_late) return {name, Verdict::bad, alive + ", but a duty is late by " + age_of(late), start};
    return {name, Verdict::good, alive, ""};
}

Check judge_incidents(const db::SystemHealth& health) {
    const db::OpenIncidents& open = health.incidents;
    const std::string name = "incidents";
    if (open.count == 0 && health.parked == 0) return {name, Verdict::good, "none is open", ""};
    std::string seen;
    if (open.count > 0)
        seen = counted(open.count, "is", "are") + " open, the oldest for " +
               age_of(health.database_time - open.oldest_at.value_or(health.database_time)) + ": " + open.oldest_cause;
    if (health.parked > 0)
        seen += (seen.empty() ? "" : "; ") + counted(health.parked, "input is", "inputs are") + " parked";
    return {name, Verdict::warning, seen, open.count > 0 ? "sagactl incidents" : "sagactl parked list"};
}

Checks judge_credentials(const db::SystemHealth& health) {
    Checks checks;
    for (const db::CredentialHealth& credential : health.credentials) {
        const std::string name = called(
            "credential " + credential.holder.key.subject, credential.holder.merchant_name, several_merchants(health));
        checks.push_back(judge_credential(credential, name, health.database_time));
    }
    if (checks.empty())
        checks.push_back({"credentials", Verdict::warning, "no store is connected", "sagactl setup FILE"});
    return checks;
}

Checks judge_scopes(const db::SystemHealth& health) {
    Checks checks;
    for (const db::CredentialHealth& credential : health.credentials) {
        const std::string& subject = credential.holder.key.subject;
        if (!subject.starts_with("store:") || !credential.holder.has_credential) continue;
        const std::string name =
            called("scopes " + subject, credential.holder.merchant_name, several_merchants(health));
        const std::string approve = "add them to the app and let the store approve them";
        const std::optional<Instant> at = credential.row.scopes_checked_at;
        if (!credential.scopes_incident.empty())
            checks.push_back({name, Verdict::bad, credential.scopes_incident, approve});
        else if (!at || health.database_time - *at > scopes_fresh)
            checks.push_back(
                {name, Verdict::warning,
                 at ? "last looked at " + age_of(health.database_time - *at) + " ago" : "never looked at",
                 "restart an orchestrator that has the credentials' keys"});
        else
            checks.push_back(
                {name, Verdict::good,
                 counted(static_cast<std::int64_t>(credential.row.scopes.size()), "is", "are") +
                     " granted, none is missing",
                 ""});
    }
    return checks;
}

Checks judge_subscriptions(const db::SystemHealth& health) {
    Checks checks;
    for (const db::StoreHealth& store : health.stores) {
        const std::string name =
            called("subscriptions store:" + store.key, store.merchant_name, several_merchants(health));
        checks.push_back(judge_subscription(store, name, health.database_time));
    }
    return checks;
}

Checks judge_laws(const std::vector<db::LawResult>& laws) {
    Checks checks;
    for (const db::LawResult& law : laws) {
        if (law.holds()) continue;
        const db::Finding& first = law.findings.front();
        checks.push_back(
            {"law " + law.law, Verdict::bad,
             std::string(law.promise) + ": broken by " + counted(law.broken, "row", "rows") + ", first " + first.row +
                 ": " + first.text,
             "sagactl verify; then the runbook: a law is broken"});
    }
    if (checks.empty()) checks.push_back({"laws", Verdict::good, "all " + std::to_string(laws.size()) + " hold", ""});
    return checks;
}

Checks judge_queues(const std::vector<broker::SeenQueue>& queues, const std::string& dead) {
    Checks checks;
    for (const broker::SeenQueue& queue : queues) {
        const std::string name = "queue " + queue.name;
        if (!queue.state) {
            checks.push_back(
                {name, Verdict::bad, "does not exist", "start an orchestrator and a worker: they declare it"});
        } else if (queue.name == dead) {
            if (queue.state->messages > 0)
                checks.push_back(
                    {name, Verdict::warning,
                     counted(queue.state->messages, "message", "messages") + " nobody could take",
                     "read the workers' log, then empty it"});
        } else if (queue.state->consumers == 0) {
            checks.push_back(
                {name, Verdict::bad,
                 "nobody consumes, " + counted(queue.state->messages, "message waits", "messages wait"),
                 queue.name.find("outcomes") != std::string::npos ? "systemctl status ordersaga-orchestrator"
                                                                  : "systemctl status ordersaga-worker"});
        } else if (queue.state->messages >= deep_queue) {
            checks.push_back(
                {name, Verdict::warning, std::to_string(queue.state->messages) + " messages wait",
                 "sagactl lanes; start more workers"});
        }
    }
    if (checks.empty())
        checks.push_back(
            {"queues", Verdict::good, "all " + std::to_string(queues.size()) + " are there and consumed", ""});
    return checks;
}

Check judge_disk(const std::string& path, std::int64_t bytes, std::int64_t free_bytes) {
    const std::string name = "disk " + path;
    const std::string seen =
        std::to_string(free_bytes / gibibyte) + " of " + std::to_string(bytes / gibibyte) + " GiB free";
    // A small disk may be nearly empty with little room, a large one nearly full with much.
    const bool nearly_full = free_bytes < bytes / 20 || free_bytes < gibibyte;
    const bool filling = free_bytes < bytes / 5 && free_bytes < 20 * gibibyte;
    const std::string mend = nearly_full || filling ? "make room, or shorten retention.keep" : "";
    return {name, nearly_full ? Verdict::bad : filling ? Verdict::warning : Verdict::good, seen, mend};
}

Check judge_other_channels(const WarehouseLook& look) {
    const std::string name = "other channels " + look.warehouse;
    if (!look.unread.empty())
        return {
            name, Verdict::warning, "not looked at: " + look.unread, "sagactl doctor needs the warehouse's credential"};
    const auto named = [](const db::ForeignOrder& order) {
        return order.store + " " + order.name + " (" +
               (order.standing.channel.empty() ? "channel unknown" : order.standing.channel) + ")";
    };
    std::int64_t expected = 0;
    const db::ForeignOrder* worst = nullptr;
    std::int64_t ours = 0;
    for (const db::ForeignOrder& order : look.foreign) {
        expected += order.sent_by_us ? 0 : 1;
        if (!order.sent_by_us) continue;
        ++ours;
        if (worst == nullptr || (order.same_id && !worst->same_id)) worst = &order;
    }
    const std::string all = counted(look.looked_at, "order", "orders") + " of the last 7 days" +
                            (look.all ? "" : " (there are more)") + " looked at";
    if (worst == nullptr)
        return {
            name, look.all ? Verdict::good : Verdict::warning,
            expected == 0
                ? all + ", none is a store's of ours by another channel"
                : all + ", " + counted(expected, "is", "are") + " sent by another system for us, as it should be",
            look.all ? "" : "look for them in the warehouse's own pages, too"};
    return {
        name, worst->same_id ? Verdict::bad : Verdict::warning,
        counted(ours, "order", "orders") + " to be sent from here " + (ours == 1 ? "stands" : "stand") +
            " there by another channel, as " + named(*worst) +
            (worst->same_id ? "" : "; only the name is the same, so look first whether it is the same order"),
        "switch the other channel off; cancel one of the two at the warehouse"};
}

}  // namespace ordersaga::cli
