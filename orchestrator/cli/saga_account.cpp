#include "orchestrator/cli/saga_account.hpp"

#include "orchestrator/cli/table.hpp"
#include "runtime/clock.hpp"
#include "runtime/json.hpp"
#include "runtime/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <optional>

namespace ordersaga::cli {

namespace {

using nlohmann::json;
using runtime::Instant;
using Facts = std::vector<std::pair<std::string, std::string>>;

const json& part(const json& object, const char* member) {
    static const json none;
    const json* found = runtime::find_member(object, member);
    return found == nullptr ? none : *found;
}

std::string text(const json& object, const char* member) {
    const json& value = part(object, member);
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::int64_t number(const json& object, const char* member) {
    const json& value = part(object, member);
    return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

// The rows of a list; whatever else stands there counts as none.
std::vector<json> rows(const json& object, const char* member) {
    std::vector<json> found;
    const json& list = part(object, member);
    if (!list.is_array()) return found;
    std::copy_if(list.begin(), list.end(), std::back_inserter(found), [](const json& row) { return row.is_object(); });
    return found;
}

std::optional<Instant> instant(const json& object, const char* member) {
    const auto parsed = runtime::parse_rfc3339(text(object, member));
    return parsed ? std::optional<Instant>(*parsed) : std::nullopt;
}

std::string span_of(runtime::Duration span) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 2 * 3600) return std::to_string(seconds / 60) + " min";
    if (seconds < 2 * 86400) return std::to_string(seconds / 3600) + " h";
    return std::to_string(seconds / 86400) + " days";
}

// "2026-07-01 09:30:00Z (in 12 s)"; empty when the member is no time.
std::string when(const json& object, const char* member, const std::optional<Instant>& now) {
    const std::optional<Instant> at = instant(object, member);
    if (!at) return {};
    std::string said = moment_of(text(object, member));
    if (now) said += *at > *now ? " (in " + span_of(*at - *now) + ")" : " (" + span_of(*now - *at) + " ago)";
    return said;
}

// "RequestFulfillment at main"
std::string call_of(const json& command) {
    const std::string peer = text(command, "peer");
    return text(command, "activity") + " at " + (peer.empty() ? text(command, "lane") : peer);
}

std::string attempt_of(const json& command, std::int64_t count) {
    const std::int64_t most = number(command, "most_attempts");
    return "attempt " + std::to_string(count) + (most > 0 ? " of " + std::to_string(most) : "");
}

// An open command: under way, waiting for its turn, or held back with its lane.
std::string wait_for_command(const json& command, const std::optional<Instant>& now) {
    const std::int64_t counted = number(command, "counted_attempts");
    if (text(command, "state") == "sent") {
        return call_of(command) + ": " + attempt_of(command, counted + 1) + " is under way, its answer is due by " +
               when(command, "deadline", now);
    }
    const json& held = part(command, "lane_held");
    std::string said = call_of(command) + ": " + attempt_of(command, counted + 1);
    if (!held.is_object()) return said + " at " + when(command, "due_at", now);
    said += " when calls to " + text(command, "peer") + " are let through again";
    if (text(held, "breaker") != "closed") said += ", its breaker is " + text(held, "breaker");
    if (!text(held, "reason").empty()) said += " (" + text(held, "reason") + ")";
    const std::string not_before = when(held, "not_before", now);
    return not_before.empty() ? said : said + ", not before " + not_before;
}

std::string hold_in_words(const std::string& hold) {
    static const std::map<std::string, std::string> words{
        {"unpaid", "payment"},
        {"unmapped", "a listing of the SKU: add it with sagactl setup, then sagactl release"},
        {"no_address", "an address: the store's next update of the order brings it"},
        {"ship_method", "a ship method: name it in the store's ship_methods; sagactl setup then releases it"},
        {"operator", "an operator: sagactl release"}};
    const auto found = words.find(hold);
    return found == words.end() ? hold : found->second;
}

std::vector<std::string> waits_for_holds(const json& saga) {
    std::vector<std::string> found;
    const json& holds = part(part(saga, "remembers"), "holds");
    for (const json& hold : holds.is_array() ? holds : json::array())
        if (hold.is_string()) found.push_back(hold_in_words(hold.get<std::string>()));
    return found;
}

std::vector<std::string> waits_for_stock(const json& saga) {
    std::vector<std::string> found;
    for (const json& line : rows(saga, "reservations")) {
        if (number(line, "waiting") == 0) continue;
        found.push_back(
            std::to_string(number(line, "waiting")) + " of " + text(line, "sku") + " (" +
            std::to_string(number(line, "ahead")) + " orders are before it)");
    }
    return found;
}

std::vector<std::string> waits_for_versions(const json& saga) {
    std::vector<std::string> found;
    for (const json& wait : rows(saga, "waits")) {
        if (text(wait, "kind") == "reading") {
            found.push_back("a fresh reading of " + text(wait, "sku") + " at " + text(wait, "warehouse"));
            continue;
        }
        std::vector<std::string> stores;
        const json& lagging = part(wait, "stores");
        for (const json& store : lagging.is_array() ? lagging : json::array())
            if (store.is_string()) stores.push_back(store.get<std::string>());
        found.push_back(
            (stores.empty() ? std::string("the stores") : runtime::joined(stores)) + " to show the new stock of " +
            text(wait, "sku"));
    }
    return found;
}

bool is_observed(const json& saga) {
    return part(part(saga, "remembers"), "observed") == true;
}

std::vector<std::string> waits_of(const json& saga, const std::optional<Instant>& now) {
    const std::string state = text(saga, "state");
    std::vector<std::string> found;
    if (state == "OnHold") found = waits_for_holds(saga);
    if (state == "Backordered") found = waits_for_stock(saga);
    if (state == "NeedsOperator") found.push_back("a person: " + text(saga, "incident"));
    for (std::string& wait : waits_for_versions(saga))
        found.push_back(std::move(wait));
    for (const json& command : rows(saga, "commands")) {
        if (text(command, "state") != "closed") found.push_back(wait_for_command(command, now));
    }
    if (!found.empty()) return found;
    if (state == "FulfillmentRequested" && is_observed(saga))
        found.push_back("its store's word that the other system has sent it");
    else if (state == "FulfillmentRequested")
        found.push_back("the warehouse to ship; it is asked again by " + when(saga, "next_wake", now));
    if (state == "Shipped")
        found.push_back("the delivery, which is assumed at " + when(part(saga, "remembers"), "deliver_by", now));
    return found;
}

// The newest failure that still matters: of what is open, else of what was closed without success.
std::string last_error_of(const json& saga) {
    std::string last;
    for (const json& command : rows(saga, "commands")) {
        const std::string error = text(command, "last_error");
        const bool ended_well = text(command, "state") == "closed" && text(command, "outcome") == "done";
        if (!error.empty() && !ended_well) last = call_of(command) + ": " + error;
    }
    return last;
}

std::string next_of(const json& saga, const std::optional<Instant>& now) {
    const std::string state = text(saga, "state");
    const json& remembers = part(saga, "remembers");
    static const std::map<std::string, std::string> words{
        {"Received", "reserve the stock, or wait for it, or refuse, by policy"},
        {"ChannelsSynced", "the warehouse takes the order; from then on only it can grant a cancel"},
        {"FulfillmentRequested", "tell the store of each shipment"},
        {"Shipped", "Completed"},
        {"Backordered", "it is reserved as soon as stock rises and it is first in the queue"},
        {"CancellingFulfillment", "release the stock; or go forward, if it is too late"},
        {"ReleasingStock", "show the released stock in the stores"},
        {"SettlingOrder", "the order is settled in its store, then it is over"},
        {"Completed", "nothing, it is over"},
        {"Compensated", "nothing, it is over"},
        {"OutOfStock", "nothing, it is over"}};
    if (state == "OnHold") {
        const std::string until = when(remembers, "hold_until", now);
        return "goes on when that is there" + (until.empty() ? "" : "; given up at " + until);
    }
    if (state == "Reserved" || state == "RevertingChannels") {
        const std::string until = when(remembers, "wait_until", now);
        return std::string(state == "Reserved" ? "ask the warehouse" : "settle the order in its store") +
               (until.empty() ? "" : ", at the latest at " + until + ", shown or not");
    }
    if (state == "NeedsOperator") {
        const std::string resume = text(remembers, "resume");
        return "sagactl retry goes on" + (resume.empty() ? "" : " from " + resume) +
               ", sagactl compensate --dry-run tells the way back";
    }
    const auto found = words.find(state);
    return found == words.end() ? std::string() : found->second;
}

}  // namespace

std::string moment_of(const std::string& text) {
    const bool utc = text.ends_with('Z') || text.ends_with("+00:00");
    if (text.size() < 20 || text[10] != 'T' || !utc || !runtime::parse_rfc3339(text)) return text;
    return text.substr(0, 10) + " " + text.substr(11, 8) + "Z";
}

std::vector<std::pair<std::string, std::string>> account_of(const json& saga) {
    const std::optional<Instant> now = instant(saga, "asked_at");
    Facts facts;
    const auto add = [&facts](const std::string& name, std::string value) {
        if (!value.empty()) facts.emplace_back(name, std::move(value));
    };
    const std::string since = when(saga, "in_state_since", now);
    add("state", text(saga, "state") + (since.empty() ? "" : " since " + since));
    if (is_observed(saga)) add("observed", "another system sends it, nothing leaves for it from here");
    add("because", text(part(saga, "remembers"), "cause"));
    for (std::string& wait : waits_of(saga, now))
        add("waits for", std::move(wait));
    add("last error", last_error_of(saga));
    add("next", next_of(saga, now));
    const json& last = part(saga, "last_event");
    if (last.is_object()) {
        const std::string note = text(last, "note");
        add("last event", text(last, "event") + ", " + text(last, "cause") + (note.empty() ? "" : ": " + note) + ", " +
                              when(last, "at", now));
    }
    return facts;
}

}  // namespace ordersaga::cli
