#include "orchestrator/cli/lenient_json.hpp"

#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::cli {

using nlohmann::json;

const json& member(const json& object, std::string_view name) {
    static const json nothing;
    const json* found = runtime::find_member(object, name);
    return found == nullptr ? nothing : *found;
}

std::string text_of(const json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::string id_of(const json& value) {
    return value.is_number_integer() ? value.dump() : text_of(value);
}

}  // namespace ordersaga::cli
