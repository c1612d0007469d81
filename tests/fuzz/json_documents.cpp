// JSON from anybody: the limits hold while it is read, what was read prints and reads back as the same, and the typed readers
// never take one kind for another.
#include "runtime/json.hpp"
#include "tests/fuzz/target.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace ordersaga::fuzz {
namespace {

using nlohmann::json;

constexpr runtime::JsonLimits small{.depth = 5, .elements = 40, .refuse_nul_in_text = true};

std::size_t depth_of(const json& value) {
    std::size_t deepest = 0;
    for (const json& inner : value)
        deepest = std::max(deepest, inner.is_structured() ? depth_of(inner) : 0);
    return value.is_structured() ? deepest + 1 : 0;
}

std::size_t count_of(const json& value) {
    std::size_t count = 1;
    if (!value.is_structured()) return count;
    for (const json& inner : value)
        count += count_of(inner);
    return count;
}

void check_readers(const json& object, const std::string& key) {
    const json& member = object.at(key);
    const auto number = runtime::get_int64(object, key, "x");
    HOLDS(!number || (member.is_number_integer() && member.dump() == std::to_string(*number)));
    const auto narrow = runtime::get_int64_between(object, key, -5, 5);
    HOLDS(!narrow || (*narrow >= -5 && *narrow <= 5));
    const auto text = runtime::get_text(object, key);
    HOLDS(text.ok() == member.is_string());
    HOLDS(!text || text->find('\0') == std::string::npos);
    const auto flag = runtime::get_bool(object, key);
    HOLDS(flag.ok() == member.is_boolean());
    // An id stays the digits that were sent.
    const auto id = runtime::get_id_text(object, key);
    HOLDS(!id || (member.is_string() ? *id == member.get<std::string>() : *id == member.dump()));
    HOLDS(id || !id.error().message.empty());
    const auto optional = runtime::opt_text(object, key);
    HOLDS(optional.ok() == (member.is_string() || member.is_null()));
    HOLDS(number || number.error().message.starts_with(key.empty() ? "x " : "x." + key));
}

}  // namespace

void one_input(std::string_view input) {
    const auto parsed = runtime::parse_json(input);
    const auto tight = runtime::parse_json(input, small);
    if (!parsed) {
        HOLDS(!tight);
        HOLDS(!parsed.error().message.empty() && !has_control(parsed.error().message));
        return;
    }
    HOLDS(depth_of(*parsed) <= 32);
    const bool fits = depth_of(*parsed) <= small.depth && count_of(*parsed) <= small.elements;
    HOLDS(tight.ok() == fits);
    const std::string text = runtime::dump_json(*parsed);
    const auto again = runtime::parse_json(text);
    HOLDS(again && runtime::dump_json(*again) == text && *again == *parsed);
    if (!parsed->is_object()) return;
    for (const auto& [key, value] : parsed->items())
        check_readers(*parsed, key);
}

}  // namespace ordersaga::fuzz
