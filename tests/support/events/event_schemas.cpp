#include "tests/support/events/event_schemas.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <regex>
#include <set>
#include <stdexcept>

namespace ordersaga::test {

namespace {

using nlohmann::json;

// Simulations hold events against them side by side, and compiling fills tables that a locale shares with all threads.
bool fits_pattern(const std::string& pattern, const std::string& text) {
    static std::mutex mutex;
    static std::map<std::string, std::regex> compiled;  // guarded by mutex; what is in it stays where it is
    const std::regex* found = nullptr;
    {
        const std::lock_guard lock(mutex);
        found = &compiled.try_emplace(pattern, pattern).first->second;
    }
    return std::regex_search(text, *found);
}

bool is_of_type(const std::string& type, const json& value) {
    if (type == "object") return value.is_object();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    throw std::runtime_error("type " + type + " is not known here");
}

std::string fault_of_members(const json& schema, const json& value) {
    const json required = schema.value("required", json::array());
    for (const json& name : required) {
        if (!value.contains(name)) return name.get<std::string>() + " is missing";
    }
    const json properties = schema.value("properties", json::object());
    for (const auto& [name, member_schema] : properties.items()) {
        if (!value.contains(name)) continue;
        const std::string fault = fault_of_value(member_schema, value.at(name));
        if (!fault.empty()) return name + ": " + fault;
    }
    return {};
}

}  // namespace

std::string fault_of_value(const json& schema, const json& value) {
    static const std::set<std::string> told = {"$schema",       "$id",        "title",    "description",
                                               "x-routing-key", "properties", "required", "additionalProperties",
                                               "examples"};
    for (const auto& [keyword, wanted] : schema.items()) {
        bool fits = true;
        if (keyword == "type") {
            fits = is_of_type(wanted, value);
        } else if (keyword == "const") {
            fits = value == wanted;
        } else if (keyword == "enum") {
            fits = std::find(wanted.begin(), wanted.end(), value) != wanted.end();
        } else if (keyword == "pattern") {
            fits = value.is_string() && fits_pattern(wanted, value);
        } else if (keyword == "minLength") {
            fits = value.is_string() && value.get<std::string>().size() >= wanted.get<std::size_t>();
        } else if (keyword == "minimum") {
            fits = value.is_number() && value >= wanted;
        } else if (!told.contains(keyword)) {
            return "the schema says " + keyword + ", which is not known here";
        }
        if (!fits) return value.dump() + " does not fit " + keyword + " " + wanted.dump();
    }
    return value.is_object() ? fault_of_members(schema, value) : std::string();
}

const std::vector<std::pair<std::string, json>>& event_schemas() {
    static const auto all = [] {
        std::vector<std::pair<std::string, json>> schemas;
        for (const auto& entry : std::filesystem::directory_iterator("docs/events")) {
            std::ifstream file(entry.path());
            schemas.emplace_back(entry.path().filename().string(), json::parse(file));
        }
        return schemas;
    }();
    return all;
}

std::string fault_of_event(const std::string& routing_key, const json& body) {
    std::string fault = "no schema is for the routing key " + routing_key;
    int found = 0;
    for (const auto& [name, schema] : event_schemas()) {
        if (!fits_pattern(schema.at("x-routing-key"), routing_key)) continue;
        if (++found > 1) return "two schemas are for the routing key " + routing_key;
        fault = fault_of_value(schema, body);
        if (!fault.empty()) fault = name + ": " + fault + " in " + body.dump();
    }
    return fault;
}

}  // namespace ordersaga::test
