// The schemas of the public events (docs/events/*.json), and whether an event fits. Knows the few keywords of JSON Schema
// that those files use; any other in them is told as a fault. Reads the files once, from the repository's root.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::test {

// Every schema, by the name of its file.
const std::vector<std::pair<std::string, nlohmann::json>>& event_schemas();

// Empty: exactly one schema is for this routing key, and the body fits it. Else what is wrong.
std::string fault_of_event(const std::string& routing_key, const nlohmann::json& body);

// Empty: the value fits the schema.
std::string fault_of_value(const nlohmann::json& schema, const nlohmann::json& value);

}  // namespace ordersaga::test
