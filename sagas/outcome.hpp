// What came back from one attempt of a command. Written by a worker, read by the engine; the kinds are the whole
// vocabulary in which a peer's answer can change the life of a saga.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::sagas {

enum class OutcomeKind {
    done,       // the effect is in place (now or already); payload says what
    refused,    // the peer said no, for good: a business answer or a permanent fault; nothing was applied
    retryable,  // surely nothing happened (or it was a read): back off and repeat
    throttled,  // nothing happened; not before `retry_after`; does not count as an attempt
    unknown,    // a write may have happened: never repeat blindly, look first
    too_late,   // the command's object has moved past the point where this could be done (cancel after picking)
    blocked,    // credentials, scopes, a frozen account: the whole lane stops, no attempt is burnt
};

std::string_view name_of(OutcomeKind kind);
std::optional<OutcomeKind> outcome_kind_of(std::string_view name);

struct Outcome {
    OutcomeKind kind = OutcomeKind::unknown;
    std::string reason;                                    // for people: one line, already free of secrets
    std::optional<std::chrono::milliseconds> retry_after;  // throttled only
    nlohmann::json payload = nlohmann::json::object();     // shape per activity: sagas/activities.hpp

    // What the answer told about the peer's budget; the engine's lane obeys it. Absent: not told.
    std::optional<double> tokens_left;
    std::optional<double> tokens_per_second;
    std::optional<double> tokens_capacity;
};

// {"kind","reason","retry_after_ms"?,"payload","tokens_left"?,"tokens_per_second"?,"tokens_capacity"?}
nlohmann::json to_json(const Outcome& outcome);
// Throws std::invalid_argument naming the field when the document is not an outcome.
Outcome outcome_from_json(const nlohmann::json& document);

}  // namespace ordersaga::sagas
