#include "orchestrator/api/request_reader.hpp"

#include "orchestrator/api/cursor.hpp"
#include "orchestrator/api/problem.hpp"
#include "runtime/clock.hpp"
#include "runtime/json.hpp"
#include "runtime/url.hpp"

#include <algorithm>
#include <charconv>

namespace ordersaga::api {

namespace {

constexpr std::string_view prefix = "/api/v1";

bool is_control(char letter) {
    return static_cast<unsigned char>(letter) < 0x20 || letter == '\x7f';
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), is_control);
}

bool is_parameter(std::string_view part) {
    return part.starts_with('{');
}

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const std::size_t end = std::min(path.find('/'), path.size());
        parts.push_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return parts;
}

// What stood at the parameters; nullopt when the path is another one.
std::optional<std::vector<std::string>> match(std::string_view pattern, const std::vector<std::string>& segments) {
    const std::vector<std::string_view> parts = split(pattern);
    if (parts.size() != segments.size()) return std::nullopt;
    std::vector<std::string> parameters;
    for (std::size_t index = 0; index < parts.size(); ++index) {
        if (is_parameter(parts[index])) {
            if (segments[index].empty()) return std::nullopt;
            parameters.push_back(segments[index]);
        } else if (parts[index] != segments[index]) {
            return std::nullopt;
        }
    }
    return parameters;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string named(std::string_view name, std::string_view rest) {
    return std::string(name) + " " + std::string(rest);
}

const std::string* single_header(const runtime::HttpRequest& request, std::string_view name) {
    if (request.header_count(name) > 1) throw Problem(400, named(name, "is given twice"));
    return request.header(name);
}

template <class Value>
Value value_of(runtime::Result<Value> result) {
    if (!result) throw Problem(400, result.error().message);
    return std::move(*result);
}

}  // namespace

std::optional<std::vector<std::string>> segments_of(std::string_view target) {
    const std::string_view path = target.substr(0, target.find('?'));
    if (!path.starts_with('/')) return std::nullopt;
    std::vector<std::string> segments;
    for (const std::string_view part : split(path)) {
        std::optional<std::string> decoded = runtime::percent_decode(part);
        if (!decoded || has_control(*decoded)) return std::nullopt;
        segments.push_back(std::move(*decoded));
    }
    return segments;
}

Match find_route(std::string_view method, std::string_view target) {
    Match found;
    if (!target.starts_with(prefix)) return found;
    const std::optional<std::vector<std::string>> segments = segments_of(target.substr(prefix.size()));
    if (!segments) return found;
    for (const Route& route : routes) {
        std::optional<std::vector<std::string>> parameters = match(route.path, *segments);
        if (!parameters) continue;
        if (route.method == method) return {&route, std::move(*parameters), {}};
        found.allowed = route.method;
    }
    return found;
}

std::string QueryReader::text(std::string_view name) {
    asked_.emplace(name);
    const std::string* value = request_.query_value(name);
    if (value == nullptr) return {};
    if (value->size() > 300 || has_control(*value))
        throw Problem(400, named(name, "is too long or holds control characters"));
    return *value;
}

bool QueryReader::flag(std::string_view name) {
    const std::string value = text(name);
    if (value.empty() || value == "false") return false;
    if (value != "true") throw Problem(400, named(name, "must be true or false"));
    return true;
}

Page QueryReader::page(std::string_view list) {
    Page page;
    const std::string after = text("after");
    if (!after.empty()) page.after = open_cursor(list, after);
    const std::string limit = text("limit");
    if (limit.empty()) return page;
    const std::optional<std::int64_t> value = whole_number(limit);
    if (!value || *value < 1 || *value > 200) throw Problem(400, "limit must be a number from 1 to 200");
    page.limit = static_cast<int>(*value);
    return page;
}

std::optional<std::chrono::microseconds> QueryReader::duration(std::string_view name) {
    const std::string value = text(name);
    if (value.empty()) return std::nullopt;
    const runtime::Result<runtime::Duration> parsed = runtime::parse_duration(value);
    // A century is beyond every question and within the database's arithmetic.
    if (!parsed || *parsed > std::chrono::hours(24 * 36525))
        throw Problem(400, named(name, "must be a duration like 15m, 4h or 2d"));
    return *parsed;
}

void QueryReader::finish() const {
    std::set<std::string_view> seen;
    for (const auto& [name, value] : request_.query) {
        if (!asked_.contains(name)) throw Problem(400, "a query parameter is not known here");
        if (!seen.insert(name).second) throw Problem(400, named(name, "is given twice"));
    }
}

nlohmann::json body_of(const runtime::HttpRequest& request, const std::vector<std::string_view>& known) {
    const std::string* type = single_header(request, "content-type");
    if (type != nullptr && !type->starts_with("application/json"))
        throw Problem(415, "the body must be application/json");
    runtime::Result<nlohmann::json> parsed = runtime::parse_json(request.body, {.depth = 4, .elements = 100});
    if (!parsed) throw Problem(400, "the body is no acceptable JSON: " + parsed.error().message);
    if (!parsed->is_object()) throw Problem(400, "the body must be an object");
    for (const auto& [name, value] : parsed->items()) {
        if (std::find(known.begin(), known.end(), name) == known.end())
            throw Problem(400, "the body has a member that is not known here");
    }
    return std::move(*parsed);
}

std::string text_of(const nlohmann::json& body, std::string_view member, std::size_t longest) {
    std::string text = value_of(runtime::get_text(body, member));
    if (text.empty() || text.size() > longest || has_control(text)) {
        throw Problem(
            400,
            named(member, "must be text of 1 to " + std::to_string(longest) + " bytes without control characters"));
    }
    return text;
}

std::string reason_of(const nlohmann::json& body) {
    std::string reason = text_of(body, "reason", 500);
    if (reason.find_first_not_of(' ') == std::string::npos) throw Problem(400, "reason must say something");
    return reason;
}

bool flag_of(const nlohmann::json& body, std::string_view member) {
    return value_of(runtime::opt_bool(body, member)).value_or(false);
}

std::int64_t whole_number_of(const nlohmann::json& body, std::string_view member, std::int64_t low, std::int64_t high) {
    return value_of(runtime::get_int64_between(body, member, low, high));
}

std::optional<std::int64_t> optional_whole_number_of(
    const nlohmann::json& body,
    std::string_view member,
    std::int64_t low,
    std::int64_t high) {
    if (!body.contains(member)) return std::nullopt;
    return whole_number_of(body, member, low, high);
}

std::optional<std::int64_t> expected_version_of(const runtime::HttpRequest& request) {
    const std::string* header = single_header(request, "if-match");
    if (header == nullptr || *header == "*") return std::nullopt;
    std::string_view text = *header;
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    const std::optional<std::int64_t> version = whole_number(text);
    if (!version || *version < 0) throw Problem(400, "If-Match must be the version in quotes");
    return version;
}

std::string idempotency_key_of(const runtime::HttpRequest& request) {
    const std::string* header = single_header(request, "idempotency-key");
    if (header == nullptr) return {};
    const bool visible = std::all_of(header->begin(), header->end(), [](char c) { return c > ' ' && c <= '~'; });
    if (header->empty() || header->size() > 200 || !visible)
        throw Problem(400, "Idempotency-Key must be 1 to 200 visible characters");
    return *header;
}

}  // namespace ordersaga::api
