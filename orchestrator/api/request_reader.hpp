// Reading a request strictly: what is not known is refused, so that a misspelt filter never means "all". Pure; every
// function throws Problem.
#pragma once

#include "orchestrator/api/queries.hpp"
#include "orchestrator/api/routes.hpp"
#include "runtime/http_server.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::api {

// The decoded segments of a target's path: an encoded slash stays inside its segment. nullopt: not decodable, or a
// control character in it.
std::optional<std::vector<std::string>> segments_of(std::string_view target);

struct Match {
    const Route* route = nullptr;         // null: no such path, or another method
    std::vector<std::string> parameters;  // what stood at the {names}, in order
    std::string allowed;                  // methods of the path, when the method does not fit
};
// `target` with its /api/v1.
Match find_route(std::string_view method, std::string_view target);

// The query's parameters; finish() refuses any that was not asked for, and a name that is there twice.
class QueryReader {
public:
    explicit QueryReader(const runtime::HttpRequest& request) : request_(request) {}
    std::string text(std::string_view name);  // "" when absent; at most 300 bytes
    bool flag(std::string_view name);         // true or false
    Page page(std::string_view list);         // limit 1..200 (default 50), after: a cursor of this list
    std::optional<std::chrono::microseconds> duration(std::string_view name);
    void finish() const;

private:
    const runtime::HttpRequest& request_;
    std::set<std::string, std::less<>> asked_{"merchant"};  // that one is the gate's
};

// The body as an object whose members are all among `known`.
nlohmann::json body_of(const runtime::HttpRequest& request, const std::vector<std::string_view>& known);
// Required: 1 to 500 bytes, not blank, no control characters.
std::string reason_of(const nlohmann::json& body);
bool flag_of(const nlohmann::json& body, std::string_view member);
std::string text_of(const nlohmann::json& body, std::string_view member, std::size_t longest);
std::int64_t whole_number_of(const nlohmann::json& body, std::string_view member, std::int64_t low, std::int64_t high);

// The whole number of the member; nullopt when it is absent.
std::optional<std::int64_t> optional_whole_number_of(
    const nlohmann::json& body,
    std::string_view member,
    std::int64_t low,
    std::int64_t high);

// If-Match: "7", 7 or * ; nullopt when absent or *.
std::optional<std::int64_t> expected_version_of(const runtime::HttpRequest& request);
// Idempotency-Key: 1 to 200 visible ASCII characters; "" when absent.
std::string idempotency_key_of(const runtime::HttpRequest& request);

}  // namespace ordersaga::api
