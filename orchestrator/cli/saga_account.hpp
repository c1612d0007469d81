// Why an order stands where it stands, in words: since when, what it waits for, what went wrong last, what comes next. Made
// of the service's answer about one saga alone. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <utility>
#include <vector>

namespace ordersaga::cli {

// ("state", "OnHold since 2026-07-01 09:30:00Z, 3 h"), ("waits for", "payment"), ... What the answer does not tell is left out.
std::vector<std::pair<std::string, std::string>> account_of(const nlohmann::json& saga);

// "2026-07-01 09:30:00Z" of the service's RFC 3339; anything else as it is.
std::string moment_of(const std::string& text);

}  // namespace ordersaga::cli
