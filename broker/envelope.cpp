#include "broker/envelope.hpp"

#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace ordersaga::broker {
namespace {

using nlohmann::json;
using runtime::Error;
using runtime::Result;

constexpr std::size_t text_limit = 255;  // what AMQP itself allows for keys and ids
constexpr std::int64_t attempt_limit = 1'000'000;
constexpr runtime::JsonLimits limits{.depth = 32, .elements = 50'000, .refuse_nul_in_text = true};

Error bad(std::string_view field, std::string_view what) {
    return runtime::invalid("envelope: " + std::string(field) + " " + std::string(what));
}

std::optional<EnvelopeKind> kind_from(std::string_view text) {
    for (const auto kind : {EnvelopeKind::command, EnvelopeKind::outcome, EnvelopeKind::event}) {
        if (to_text(kind) == text) return kind;
    }
    return std::nullopt;
}

bool is_outcome_key(std::string_view text) {
    constexpr std::string_view start = "outcome.";
    if (!text.starts_with(start)) return false;
    const auto shard = text.substr(start.size());
    return !shard.empty() && shard.size() <= 6 &&
           std::all_of(shard.begin(), shard.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct TextField {
    std::string_view name;
    std::string Envelope::*member;
    bool always;                  // required in every kind
    bool in_command_and_outcome;  // required in these two
};

constexpr TextField text_fields[] = {
    {"message_id", &Envelope::message_id, true, true},
    {"merchant_id", &Envelope::merchant_id, true, true},
    {"saga_id", &Envelope::saga_id, false, false},
    {"step", &Envelope::step, false, false},
    {"activity", &Envelope::activity, true, true},
    {"attempt_token", &Envelope::attempt_token, false, true},
    {"idempotency_key", &Envelope::idempotency_key, false, false},
    {"reply_to", &Envelope::reply_to, false, false},
    {"traceparent", &Envelope::traceparent, false, false},
};

// The rules both directions share, so that nothing is sent which the reader would refuse.
Result<void> check(const Envelope& envelope) {
    for (const auto& field : text_fields) {
        const std::string& text = envelope.*field.member;
        const bool required = field.always || (field.in_command_and_outcome && envelope.kind != EnvelopeKind::event);
        if (required && text.empty()) return bad(field.name, "is missing");
        if (text.size() > text_limit) return bad(field.name, "is longer than 255 bytes");
        const bool control = std::any_of(
            text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
        if (control) return bad(field.name, "holds a control character");
    }
    if (!envelope.reply_to.empty() && !is_outcome_key(envelope.reply_to)) {
        return bad("reply_to", "is not outcome.<shard>");
    }
    if (envelope.attempt < 1 || envelope.attempt > attempt_limit) return bad("attempt", "is out of range");
    return {};
}

// Deepest nesting of brackets outside of strings, for JSON that is known to be well-formed.
std::size_t nesting(std::string_view text) {
    std::size_t depth = 0;
    std::size_t deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            deepest = std::max(deepest, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return deepest;
}

Result<void> check_payload(std::string_view payload) {
    const auto first = payload.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || payload[first] != '{' || !json::accept(payload)) {
        return bad("payload", "is not a JSON object");
    }
    if (nesting(payload) + 1 > limits.depth) return bad("payload", "is nested too deeply");
    return {};
}

Result<std::optional<runtime::Instant>> read_instant(const json& object, std::string_view name) {
    auto text = runtime::opt_text(object, name, "envelope");
    if (!text) return text.error();
    if (!text->has_value()) return std::optional<runtime::Instant>{};
    auto instant = runtime::parse_rfc3339(**text);
    if (!instant) return bad(name, "is not a point in time");
    return std::optional<runtime::Instant>{*instant};
}

Result<EnvelopeKind> read_head(const json& object) {
    const auto schema = runtime::get_int64(object, "schema", "envelope");
    if (!schema) return schema.error();
    if (*schema != envelope_schema) {
        return bad("schema", std::to_string(*schema) + " is not known here (only 1 is)");
    }
    const auto kind_text = runtime::get_text(object, "kind", "envelope");
    if (!kind_text) return kind_text.error();
    const auto kind = kind_from(*kind_text);
    if (!kind) return bad("kind", "is none of command, outcome, event");
    return *kind;
}

}  // namespace

std::string_view to_text(EnvelopeKind kind) {
    switch (kind) {
        case EnvelopeKind::command: return "command";
        case EnvelopeKind::outcome: return "outcome";
        case EnvelopeKind::event: return "event";
    }
    return "event";
}

Result<std::string> encode(const Envelope& envelope) {
    if (auto checked = check(envelope); !checked) return checked.error();
    if (auto checked = check_payload(envelope.payload); !checked) return checked.error();

    json head = {{"schema", envelope_schema}, {"kind", std::string(to_text(envelope.kind))}};
    for (const auto& field : text_fields) {
        const std::string& text = envelope.*field.member;
        if (!text.empty()) head[std::string(field.name)] = text;
    }
    head["attempt"] = envelope.attempt;
    if (envelope.send_before) head["send_before"] = runtime::format_rfc3339(*envelope.send_before);
    if (envelope.deadline) head["deadline"] = runtime::format_rfc3339(*envelope.deadline);
    if (envelope.lists) head["lists"] = true;

    std::string body;
    try {
        body = head.dump();
    } catch (const json::exception&) {
        return bad("text", "is not UTF-8");
    }
    // The payload is spliced in as it is: parsing it into a tree only to print it again would cost more than the rest.
    body.pop_back();
    body += ",\"payload\":" + envelope.payload + "}";
    if (body.size() > envelope_size_limit) {
        return bad("body", "would be " + std::to_string(body.size()) + " bytes, more than 262144");
    }
    return body;
}

Result<Envelope> decode(std::string_view body) {
    if (body.size() > envelope_size_limit) {
        return bad("body", "has " + std::to_string(body.size()) + " bytes, more than 262144");
    }
    auto parsed = runtime::parse_json(body, limits);
    if (!parsed) return runtime::invalid("envelope: " + parsed.error().message);
    const json& object = *parsed;
    if (!object.is_object()) return bad("body", "is not a JSON object");

    Envelope envelope;
    const auto kind = read_head(object);
    if (!kind) return kind.error();
    envelope.kind = *kind;
    for (const auto& field : text_fields) {
        auto text = runtime::opt_text(object, field.name, "envelope");
        if (!text) return text.error();
        if (text->has_value()) envelope.*field.member = std::move(**text);
    }
    const auto attempt = runtime::opt_int64(object, "attempt", "envelope");
    if (!attempt) return attempt.error();
    const std::int64_t number = attempt->value_or(1);
    if (number < 1 || number > attempt_limit) return bad("attempt", "is out of range");
    envelope.attempt = static_cast<int>(number);

    const auto send_before = read_instant(object, "send_before");
    if (!send_before) return send_before.error();
    envelope.send_before = *send_before;
    const auto deadline = read_instant(object, "deadline");
    if (!deadline) return deadline.error();
    envelope.deadline = *deadline;
    const auto lists = runtime::opt_bool(object, "lists", "envelope");
    if (!lists) return lists.error();
    envelope.lists = lists->value_or(false);

    const auto payload = runtime::get_object(object, "payload", "envelope");
    if (!payload) return payload.error();
    envelope.payload = runtime::dump_json(**payload);

    if (auto checked = check(envelope); !checked) return checked.error();
    return envelope;
}

}  // namespace ordersaga::broker
