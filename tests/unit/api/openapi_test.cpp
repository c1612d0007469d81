#include "orchestrator/api/private_listener.hpp"
#include "orchestrator/api/routes.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace ordersaga::api {
namespace {

using nlohmann::json;

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return result;
}

TEST(OpenApi, DescribesExactlyTheRoutesThatAreServed) {
    const json document = json::parse(openapi_document());
    std::set<std::string> described, served;
    for (const auto& [path, methods] : document.at("paths").items()) {
        for (const auto& [method, operation] : methods.items())
            described.insert(method + " " + path);
    }
    for (const Route& route : routes)
        served.insert(lower(route.method) + " " + std::string(route.path));
    EXPECT_EQ(described, served);
}

TEST(OpenApi, NamesTheRoleAndEveryPathParameter) {
    const json document = json::parse(openapi_document());
    const std::map<Role, std::string> names{
        {Role::read, "read"}, {Role::operator_, "operator"}, {Role::admin, "admin"}};
    for (const Route& route : routes) {
        const json& operation = document.at("paths").at(std::string(route.path)).at(lower(route.method));
        EXPECT_EQ(operation.at("x-role"), names.at(route.role)) << route.path;
        std::set<std::string> in_path, declared;
        for (std::size_t at = route.path.find('{'); at != std::string_view::npos; at = route.path.find('{', at + 1)) {
            in_path.emplace(route.path.substr(at + 1, route.path.find('}', at) - at - 1));
        }
        for (const json& parameter : operation.at("parameters")) {
            if (parameter.value("in", "") == "path") declared.insert(parameter.at("name"));
        }
        EXPECT_EQ(declared, in_path) << route.path;
    }
}

// Every reference of the document leads somewhere.
void check_references(const json& document, const json& part) {
    if (part.is_object() && part.contains("$ref")) {
        const std::string reference = part.at("$ref");
        EXPECT_TRUE(reference.starts_with("#/"));
        EXPECT_TRUE(document.contains(json::json_pointer(reference.substr(1)))) << reference;
    }
    if (part.is_structured()) {
        for (const json& child : part)
            check_references(document, child);
    }
}

TEST(OpenApi, HasNoDanglingReference) {
    const json document = json::parse(openapi_document());
    check_references(document, document);
}

}  // namespace
}  // namespace ordersaga::api
