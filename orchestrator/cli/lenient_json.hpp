// A peer's JSON, read without trusting its types: what is missing or of another kind is null, or empty. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace ordersaga::cli {

// The member, or a null value that lives for ever.
const nlohmann::json& member(const nlohmann::json& object, std::string_view name);
std::string text_of(const nlohmann::json& value);
// An id: text as it is, a whole number as decimal text.
std::string id_of(const nlohmann::json& value);

}  // namespace ordersaga::cli
