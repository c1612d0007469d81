#include "activities/lenient_json.hpp"

#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace ordersaga::activities {

using nlohmann::json;

namespace {

const json null_value;

}  // namespace

std::optional<json> parse_peer_json(std::string_view text) {
    runtime::JsonLimits limits;
    limits.refuse_nul_in_text = true;
    runtime::Result<json> parsed = runtime::parse_json(text, limits);
    if (!parsed.ok()) {
        return std::nullopt;
    }
    return std::move(parsed).value();
}

const json& member(const json& object, std::string_view key) {
    if (!object.is_object()) {
        return null_value;
    }
    const auto found = object.find(key);
    return found == object.end() ? null_value : *found;
}

std::string text_of(const json& value) {
    if (value.is_string()) {
        return value.get<std::string>();
    }
    if (value.is_number_unsigned()) {
        return std::to_string(value.get<std::uint64_t>());
    }
    if (value.is_number_integer()) {
        return std::to_string(value.get<std::int64_t>());
    }
    return {};
}

std::string text_of(const json& object, std::string_view key) {
    return text_of(member(object, key));
}

std::optional<std::int64_t> integer_of(const json& value) {
    const std::string text = text_of(value);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

std::optional<std::int64_t> integer_of(const json& object, std::string_view key) {
    return integer_of(member(object, key));
}

std::optional<double> number_of(const json& object, std::string_view key) {
    const json& value = member(object, key);
    if (!value.is_number()) {
        return std::nullopt;
    }
    return value.get<double>();
}

bool flag_of(const json& object, std::string_view key, bool fallback) {
    const json& value = member(object, key);
    return value.is_boolean() ? value.get<bool>() : fallback;
}

List::List(const json& value) {
    if (value.is_array()) {
        there_ = &value;
        return;
    }
    for (const std::string_view key : {"nodes", "items"}) {
        if (const json& inner = member(value, key); inner.is_array()) {
            there_ = &inner;
            return;
        }
    }
    if (const json& edges = member(value, "edges"); edges.is_array()) {
        for (const json& edge : edges) {
            made_.push_back(member(edge, "node"));
        }
    }
}

std::string shown(std::string_view text, std::size_t limit) {
    std::string line;
    line.reserve(std::min(text.size(), limit));
    for (const char character : text.substr(0, limit)) {
        const auto byte = static_cast<unsigned char>(character);
        line.push_back(byte < 0x20 || byte == 0x7f ? ' ' : character);
    }
    // A cut in the middle of a character leaves broken UTF-8, which the envelope would refuse.
    json as_text = line;
    const std::string escaped = as_text.dump(-1, ' ', false, json::error_handler_t::ignore);
    return json::parse(escaped, nullptr, false).get<std::string>();
}

}  // namespace ordersaga::activities
