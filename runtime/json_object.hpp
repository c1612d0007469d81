// A JSON object from its members, for what is written often: the braces of nlohmann's own constructor make an array of
// arrays first and look then whether it could be an object. Any thread.
#pragma once

#include <nlohmann/json.hpp>

#include <initializer_list>
#include <string>
#include <utility>

namespace ordersaga::runtime {

struct JsonMember {
    template <class Value>
    JsonMember(const char* name, Value&& content) : key(name), value(std::forward<Value>(content)) {}

    const char* key;
    mutable nlohmann::json value;  // moved out of the list, whose elements are const
};

// {{"id", 1}, {"name", "shirt"}}. Of two members of one name the first counts.
inline nlohmann::json json_object(std::initializer_list<JsonMember> members) {
    nlohmann::json::object_t object;
    for (const JsonMember& member : members)
        object.emplace(member.key, std::move(member.value));
    return object;
}

}  // namespace ordersaga::runtime
