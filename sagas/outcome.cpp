#include "sagas/outcome.hpp"

#include "sagas/json_reader.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

namespace ordersaga::sagas {

namespace {

constexpr std::array<std::pair<OutcomeKind, std::string_view>, 7> kind_names = {{
    {OutcomeKind::done, "done"},
    {OutcomeKind::refused, "refused"},
    {OutcomeKind::retryable, "retryable"},
    {OutcomeKind::throttled, "throttled"},
    {OutcomeKind::unknown, "unknown"},
    {OutcomeKind::too_late, "too_late"},
    {OutcomeKind::blocked, "blocked"},
}};

// A peer that asks for more patience than this is asked again after it.
constexpr std::int64_t longest_retry_after_ms = 7LL * 24 * 3600 * 1000;

std::optional<double> budget_figure(const JsonReader& reader, std::string_view key) {
    const nlohmann::json* member = runtime::find_member(reader.object(), key);
    if (member == nullptr) return std::nullopt;
    if (!member->is_number()) reader.fail(key, "must be a number");
    const double value = member->get<double>();
    if (!std::isfinite(value)) reader.fail(key, "must be finite");
    return value;
}

std::optional<std::chrono::milliseconds> retry_after(const JsonReader& reader) {
    if (!reader.has("retry_after_ms")) return std::nullopt;
    const std::int64_t asked = reader.between("retry_after_ms", 0, std::numeric_limits<std::int64_t>::max());
    return std::chrono::milliseconds(std::min(asked, longest_retry_after_ms));
}

}  // namespace

std::string_view name_of(OutcomeKind kind) {
    for (const auto& [candidate, name] : kind_names) {
        if (candidate == kind) return name;
    }
    throw std::invalid_argument("no such outcome kind: " + std::to_string(static_cast<int>(kind)));
}

std::optional<OutcomeKind> outcome_kind_of(std::string_view name) {
    for (const auto& [kind, candidate] : kind_names) {
        if (candidate == name) return kind;
    }
    return std::nullopt;
}

nlohmann::json to_json(const Outcome& outcome) {
    nlohmann::json document = {
        {"kind", name_of(outcome.kind)},
        {"reason", outcome.reason},
        {"payload", outcome.payload},
    };
    if (outcome.retry_after) document["retry_after_ms"] = outcome.retry_after->count();
    if (outcome.tokens_left) document["tokens_left"] = *outcome.tokens_left;
    if (outcome.tokens_per_second) document["tokens_per_second"] = *outcome.tokens_per_second;
    if (outcome.tokens_capacity) document["tokens_capacity"] = *outcome.tokens_capacity;
    return document;
}

Outcome outcome_from_json(const nlohmann::json& document) {
    const JsonReader reader(document, "outcome");
    const std::string kind_text = reader.text("kind");
    const std::optional<OutcomeKind> kind = outcome_kind_of(kind_text);
    if (!kind) reader.fail("kind", "is none of done refused retryable throttled unknown too_late blocked");

    Outcome outcome;
    outcome.kind = *kind;
    outcome.reason = reader.text_or("reason", "");
    outcome.retry_after = retry_after(reader);
    if (const nlohmann::json* payload = reader.optional_object("payload")) outcome.payload = *payload;
    outcome.tokens_left = budget_figure(reader, "tokens_left");
    outcome.tokens_per_second = budget_figure(reader, "tokens_per_second");
    outcome.tokens_capacity = budget_figure(reader, "tokens_capacity");
    return outcome;
}

}  // namespace ordersaga::sagas
