// Hostile JSON in, checked values out. The limits hold DURING parsing, before any tree is built that a later
// copy or dump() could not survive. Pure functions, any thread, no exception leaves them.
#pragma once

#include "runtime/error.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

struct JsonLimits {
    std::size_t depth = 32;          // nested arrays and objects
    std::size_t elements = 200'000;  // values of any kind, keys not counted
    bool refuse_nul_in_text = true;  // \u0000 in a string or a key: PostgreSQL can store neither text nor jsonb with it
    // Members of these names are left out of the tree, wherever they are: they must be valid JSON and they count as the
    // others do, but what repeats a key in them is not noticed. Null: every member is built.
    bool (*unread)(std::string_view key) = nullptr;
};

// Refuses beyond the limits: duplicate keys of one object, integers beyond 64 bits, numbers that overflow a double,
// NaN and Infinity, comments, trailing bytes, invalid UTF-8, lone surrogates, a byte order mark.
// A fraction is parsed to a double: money must therefore be text in documents that we accept.
Result<nlohmann::json> parse_json(std::string_view text, const JsonLimits& limits = {});

// Compact text of a tree that we built ourselves or parsed with the limits above. Invalid UTF-8 is replaced, never thrown.
std::string dump_json(const nlohmann::json& document);

// Typed readers of one member of an object. `where` is the path of the object and only appears in the error's text:
// "order.line_items[2].quantity must be an integer". They fail when the object is no object, the member is missing or
// null, or the type or range is wrong: 3.9, true and "7" are no integers.
Result<std::int64_t> get_int64(const nlohmann::json& object, std::string_view key, std::string_view where = {});
Result<std::int64_t> get_int64_between(
    const nlohmann::json& object,
    std::string_view key,
    std::int64_t low,
    std::int64_t high,
    std::string_view where = {});
Result<std::string> get_text(const nlohmann::json& object, std::string_view key, std::string_view where = {});
Result<bool> get_bool(const nlohmann::json& object, std::string_view key, std::string_view where = {});
// An id that peers send as a number or as text; both come out as text. Fractions, negative numbers and "" are refused.
Result<std::string> get_id_text(const nlohmann::json& object, std::string_view key, std::string_view where = {});
// Pointers into `object`: valid as long as it lives unchanged.
Result<const nlohmann::json*> get_array(
    const nlohmann::json& object,
    std::string_view key,
    std::string_view where = {});
Result<const nlohmann::json*> get_object(
    const nlohmann::json& object,
    std::string_view key,
    std::string_view where = {});

// The same, but a missing or null member is a success without a value. A wrong type is still an error.
Result<std::optional<std::int64_t>> opt_int64(
    const nlohmann::json& object,
    std::string_view key,
    std::string_view where = {});
Result<std::optional<std::string>> opt_text(
    const nlohmann::json& object,
    std::string_view key,
    std::string_view where = {});
Result<std::optional<bool>> opt_bool(const nlohmann::json& object, std::string_view key, std::string_view where = {});
Result<std::optional<std::string>> opt_id_text(
    const nlohmann::json& object,
    std::string_view key,
    std::string_view where = {});
// nullptr when missing or null.
Result<const nlohmann::json*> opt_array(
    const nlohmann::json& object,
    std::string_view key,
    std::string_view where = {});
Result<const nlohmann::json*> opt_object(
    const nlohmann::json& object,
    std::string_view key,
    std::string_view where = {});

// The member, or nullptr when `object` is no object, has no such member, or the member is null.
const nlohmann::json* find_member(const nlohmann::json& object, std::string_view key) noexcept;

}  // namespace ordersaga::runtime
