#include "activities/shopify/answers.hpp"

#include "activities/call_scope.hpp"
#include "activities/lenient_json.hpp"
#include "activities/retry_after.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace ordersaga::activities::shopify {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 14> request_faults{
    "BAD_REQUEST",
    "INVALID_FIELD_ARGUMENTS",
    "INVALID_VARIABLE",
    "undefinedField",
    "argumentNotAccepted",
    "missingRequiredArguments",
    "argumentLiteralsIncompatible",
    "variableMismatch",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "MAX_COST_EXCEEDED",
    "parseError",
    "NOT_FOUND",
    "undefinedType"};
constexpr std::array<std::string_view, 4> shop_faults{"ACCESS_DENIED", "SHOP_INACTIVE", "UNAUTHORIZED", "FORBIDDEN"};

template <class List>
bool in(const List& list, std::string_view code) {
    return std::find(list.begin(), list.end(), code) != list.end();
}

Cost read_cost(const json& body) {
    const json& cost = member(member(body, "extensions"), "cost");
    const json& status = member(cost, "throttleStatus");
    return {
        number_of(cost, "requestedQueryCost"), number_of(cost, "actualQueryCost"),
        number_of(status, "maximumAvailable"), number_of(status, "currentlyAvailable"),
        number_of(status, "restoreRate")};
}

std::vector<UserError> read_user_errors(const json& root) {
    std::vector<UserError> errors;
    if (!root.is_object()) {
        return errors;
    }
    for (const auto& [key, value] : root.items()) {
        // "userErrors", "orderCancelUserErrors", "locationDeactivateUserErrors": one idea, many names.
        const bool is_errors = key == "userErrors" || (key.size() > 10 && key.ends_with("UserErrors"));
        if (!is_errors || !value.is_array()) {
            continue;
        }
        for (const json& entry : value) {
            UserError error;
            for (const json& part : List(member(entry, "field"))) {
                error.field.push_back(text_of(part));
            }
            error.message = activities::shown(text_of(entry, "message"));
            error.code = text_of(entry, "code");
            errors.push_back(std::move(error));
        }
    }
    return errors;
}

// The layer below GraphQL. nullopt: a 2xx, whose body decides.
std::optional<Verdict> verdict_of_transport(bool write, const PeerAnswer& answer) {
    switch (answer.kind) {
        case PeerAnswer::Kind::not_sent: return Verdict::retryable;
        case PeerAnswer::Kind::expired: return Verdict::expired;
        case PeerAnswer::Kind::no_token: return Verdict::blocked;
        case PeerAnswer::Kind::unknown: return write ? Verdict::unknown : Verdict::retryable;
        case PeerAnswer::Kind::response: break;
    }
    const int status = answer.status;
    if (status >= 200 && status < 300) return std::nullopt;
    if (status == 429) return Verdict::throttled;
    if (status == 408 || status == 425) return Verdict::retryable;
    if (status >= 500) return write ? Verdict::unknown : Verdict::retryable;
    // 402 frozen, 423 locked, 430 rejected by address, 404 no such shop or version; a redirect leads to a login page.
    if (status < 400 || (status >= 401 && status <= 404) || status == 423 || status == 430) return Verdict::blocked;
    return Verdict::refused;
}

std::string what_happened(const PeerAnswer& peer) {
    if (peer.kind == PeerAnswer::Kind::response) return "HTTP " + std::to_string(peer.status);
    const bool left = peer.kind == PeerAnswer::Kind::unknown;
    return (left ? "no answer: " : "not sent: ") + activities::shown(peer.error);
}

Verdict verdict_of_errors(bool write, const std::string& code) {
    if (code == "THROTTLED") return Verdict::throttled;
    if (in(shop_faults, code)) return Verdict::blocked;
    if (in(request_faults, code)) return Verdict::refused;
    return write ? Verdict::unknown : Verdict::retryable;
}

std::string told(const json& error) {
    return activities::shown(text_of(error, "message"));
}

}  // namespace

std::string_view name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::ok: return "ok";
        case Verdict::user_errors: return "user_errors";
        case Verdict::refused: return "refused";
        case Verdict::retryable: return "retryable";
        case Verdict::throttled: return "throttled";
        case Verdict::unknown: return "unknown";
        case Verdict::blocked: return "blocked";
        case Verdict::expired: return "expired";
    }
    return "unknown";
}

std::chrono::milliseconds throttle_wait(const Cost& cost) {
    if (!cost.requested || !cost.currently_available || !cost.restore_rate || *cost.restore_rate <= 0) {
        return std::chrono::seconds(1);
    }
    const double seconds = std::max(0.0, *cost.requested - *cost.currently_available) / *cost.restore_rate;
    const double limit = std::chrono::duration<double>(longest_wait).count();
    const auto wait = std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(std::min(seconds, limit) * 1000)));
    return std::max(wait, std::chrono::milliseconds(50));
}

Answer read_answer(const Document& document, const PeerAnswer& peer) {
    Answer answer;
    if (const auto transport = verdict_of_transport(document.is_write, peer)) {
        answer.verdict = *transport;
        answer.reason = what_happened(peer);
        if (const auto body = parse_peer_json(peer.body)) {
            const json& errors = member(*body, "errors");
            if (errors.is_string()) answer.reason += ": " + activities::shown(text_of(errors));
            answer.cost = read_cost(*body);
        }
        const auto asked = parse_retry_after(peer.header("Retry-After"), std::chrono::system_clock::now());
        answer.wait = asked.value_or(throttle_wait(answer.cost));
        return answer;
    }
    std::optional<json> body = parse_peer_json(peer.body);
    if (!body || !body->is_object()) {
        answer.verdict = document.is_write ? Verdict::unknown : Verdict::retryable;
        answer.reason = "the answer is not GraphQL";
        return answer;
    }
    answer.cost = read_cost(*body);
    if (const auto data = body->find("data"); data != body->end() && data->is_object()) {
        if (const auto root = data->find(document.root); root != data->end()) {
            answer.root = std::move(*root);  // it can be a page of hundreds
        }
    }
    answer.user_errors = read_user_errors(answer.root);
    const List errors(member(*body, "errors"));
    for (const json& error : errors) {
        const std::string code = text_of(member(error, "extensions"), "code");
        if (answer.reason.empty() || code == "THROTTLED") {
            answer.code = code;
            answer.reason = code.empty() ? told(error) : activities::shown(code) + ": " + told(error);
        }
    }
    const bool root_may_be_null = !document.is_write && errors.empty() && member(*body, "data").is_object() &&
                                  member(*body, "data").contains(std::string(document.root));
    // A write with its root filled was applied, whatever else is missing. A read with errors is only part of the truth.
    const bool usable_root = !answer.root.is_null() && (document.is_write || errors.empty());
    if (usable_root || root_may_be_null) {
        answer.verdict = answer.user_errors.empty() ? Verdict::ok : Verdict::user_errors;
        if (!answer.user_errors.empty()) answer.reason = shown(answer.user_errors);
        return answer;
    }
    answer.verdict = verdict_of_errors(document.is_write, answer.code);
    if (answer.reason.empty()) answer.reason = "the answer holds neither data nor errors";
    answer.wait = throttle_wait(answer.cost);
    return answer;
}

void note_cost(const Answer& answer, LaneReport& lane) {
    lane.cost += answer.cost.actual.value_or(0);
    if (answer.cost.maximum_available) lane.maximum_available = answer.cost.maximum_available;
    if (answer.cost.currently_available) lane.currently_available = answer.cost.currently_available;
    if (answer.cost.restore_rate) lane.restore_rate = answer.cost.restore_rate;
}

std::string shown(const std::vector<UserError>& errors) {
    std::string text;
    for (const UserError& error : errors) {
        text += text.empty() ? "" : "; ";
        text += error.code.empty() ? error.message : error.code + ": " + error.message;
    }
    return text.empty() ? "refused without a reason" : activities::shown(text, 400);
}

// ----------------------------------------------------------------------------------------------------- stock flush

std::optional<std::vector<FlushRow>> rows_of_request(std::string_view body) {
    const std::optional<json> request = parse_peer_json(body);
    if (!request || text_of(*request, "query").find(adjust_stock.root) == std::string::npos) {
        return std::nullopt;
    }
    const json& changes = member(member(member(*request, "variables"), "input"), "changes");
    if (!changes.is_array()) {
        return std::nullopt;
    }
    std::vector<FlushRow> rows;
    for (const json& change : changes) {
        rows.push_back(
            {text_of(change, "inventoryItemId"), text_of(change, "locationId"),
             integer_of(change, "delta").value_or(0)});
    }
    return rows;
}

namespace {

// ["input","changes","3","inventoryItemId"] -> 3
std::optional<std::size_t> row_named_by(const UserError& error, std::size_t rows) {
    for (std::size_t i = 0; i + 1 < error.field.size(); ++i) {
        if (error.field[i] != "changes") {
            continue;
        }
        const auto index = integer_of(json(error.field[i + 1]));
        if (index && *index >= 0 && static_cast<std::size_t>(*index) < rows) {
            return static_cast<std::size_t>(*index);
        }
    }
    return std::nullopt;
}

std::set<std::pair<std::string, std::string>> changed_levels(const json& group) {
    std::set<std::pair<std::string, std::string>> levels;
    for (const json& change : List(member(group, "changes"))) {
        if (text_of(change, "name") == "available") {
            levels.emplace(text_of(member(change, "item"), "id"), text_of(member(change, "location"), "id"));
        }
    }
    return levels;
}

bool any_code(const std::vector<UserError>& errors, std::string_view code) {
    return std::any_of(errors.begin(), errors.end(), [&](const UserError& error) { return error.code == code; });
}

std::vector<std::size_t> all_rows(std::size_t count) {
    std::vector<std::size_t> rows(count);
    for (std::size_t i = 0; i < count; ++i)
        rows[i] = i;
    return rows;
}

// The rows that errors name, each once: one row may earn several errors, and the first names the cause.
std::map<std::size_t, RefusedRow> named_rows(const std::vector<FlushRow>& rows, const Answer& answer) {
    std::map<std::size_t, RefusedRow> named;
    for (const UserError& error : answer.user_errors) {
        if (const auto row = row_named_by(error, rows.size())) {
            named.try_emplace(*row, RefusedRow{*row, error.code, error.message});
        }
    }
    return named;
}

}  // namespace

FlushResult settle_flush(const std::vector<FlushRow>& rows, const Answer& answer) {
    FlushResult result;
    result.reason = answer.reason;
    const std::vector<UserError>& errors = answer.user_errors;
    const json& group = member(answer.root, "inventoryAdjustmentGroup");
    if (any_code(errors, "IDEMPOTENCY_CONCURRENT_REQUEST")) {
        result.kind = FlushResult::Kind::in_flight;
        return result;
    }
    if (any_code(errors, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH") ||
        any_code(errors, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")) {
        const bool mismatch = any_code(errors, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH");
        result.kind = mismatch ? FlushResult::Kind::broken : FlushResult::Kind::settled;
        result.uncertain = all_rows(rows.size());  // what the first use of the key did, only a read can tell
        return result;
    }
    const std::set<std::pair<std::string, std::string>> changed = changed_levels(group);
    const auto is_changed = [&](const FlushRow& row) {
        return changed.contains({row.item_gid, row.location_gid});
    };
    if (errors.empty() || !group.is_null()) {
        const std::map<std::size_t, RefusedRow> named = named_rows(rows, answer);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            // A row without a difference changes nothing and is left out of `changes`.
            const bool applied = is_changed(rows[i]) || (rows[i].delta == 0 && errors.empty());
            const auto refused = named.find(i);
            // Each row ends one way only: as uncertain too, a refused row would be sent, refused and read for ever.
            if (applied) {
                result.applied.push_back(i);
            } else if (refused != named.end()) {
                result.refused.push_back(refused->second);
            } else {
                result.uncertain.push_back(i);
            }
        }
        return result;
    }
    for (const std::string_view code : {"SERVICE_UNAVAILABLE", "ADJUST_QUANTITIES_FAILED"}) {
        if (any_code(errors, code)) {
            result.kind = FlushResult::Kind::failed;
            return result;
        }
    }
    for (const auto& [index, row] : named_rows(rows, answer))
        result.refused.push_back(row);
    if (result.refused.empty()) {
        result.kind = FlushResult::Kind::broken;
    }
    return result;
}

// ------------------------------------------------------------------------------------------------------------- ids

std::string gid(std::string_view type, std::string_view id) {
    if (id.substr(0, 6) == "gid://") {
        return std::string(id);
    }
    return "gid://shopify/" + std::string(type) + "/" + std::string(id);
}

std::string number_of_gid(std::string_view id) {
    const std::string_view without_query = id.substr(0, id.find('?'));
    const auto slash = without_query.rfind('/');
    return std::string(slash == std::string_view::npos ? without_query : without_query.substr(slash + 1));
}

}  // namespace ordersaga::activities::shopify
