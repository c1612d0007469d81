#include "orchestrator/api/private_listener.hpp"
#include "orchestrator/api/reference.hpp"
#include "orchestrator/api/routes.hpp"
#include "runtime/text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

namespace ordersaga::api {
namespace {

using nlohmann::json;
using runtime::lower;

TEST(OpenApi, DescribesExactlyTheRoutesThatAreServed) {
    const json document = json::parse(openapi_document());
    std::set<std::string> described, served;
    for (const auto& [path, methods] : document.at("paths").items()) {
        const json& servers = methods.contains("servers") ? methods.at("servers") : document.at("servers");
        const std::string base = servers.at(0).at("url");
        for (const auto& [method, operation] : methods.items()) {
            if (method != "servers") described.insert(method + " " + (base == "/" ? "" : base) + path);
        }
    }
    for (const Route& route : routes)
        served.insert(lower(route.method) + " /api/v1" + std::string(route.path));
    for (const OpenRoute& route : open_routes)
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

TEST(OpenApi, TellsWhatEveryCommandHonours) {
    const json document = json::parse(openapi_document());
    for (const Route& route : routes) {
        const json& operation = document.at("paths").at(std::string(route.path)).at(lower(route.method));
        std::set<std::string> parameters;
        for (const json& parameter : operation.at("parameters"))
            parameters.insert(parameter.value("$ref", ""));
        std::set<std::string> missing{"#/components/parameters/merchant"};
        std::set<std::string> statuses{"400", "401", "403", "404", "421", "429", "503"};
        if (route.method != "GET") {
            missing.insert({"#/components/parameters/idempotencyKey", "#/components/parameters/csrfToken"});
            statuses.insert({"409", "415", "422"});
        }
        for (const std::string& parameter : parameters)
            missing.erase(parameter);
        EXPECT_TRUE(missing.empty()) << route.path << " lacks " << *missing.begin();
        for (const std::string& status : statuses)
            EXPECT_TRUE(operation.at("responses").contains(status)) << route.path << " " << status;
    }
}

TEST(OpenApi, ShowsAnExampleOfEverySchemaWithItsMembersAndNoOthers) {
    const json document = json::parse(openapi_document());
    for (const auto& [name, schema] : document.at("components").at("schemas").items()) {
        const json& example = schema.at("examples").at(0);
        for (const json& member : schema.at("required"))
            EXPECT_TRUE(example.contains(member.get<std::string>())) << name << " lacks " << member;
        for (const auto& [member, value] : example.items()) {
            ASSERT_TRUE(schema.at("properties").contains(member)) << name << "." << member;
            const json& of_schema = schema.at("properties").at(member);
            if (!of_schema.contains("enum")) continue;
            const json& values = of_schema.at("enum");
            EXPECT_NE(std::find(values.begin(), values.end(), value), values.end()) << name << "." << member;
        }
    }
}

// The tests run in the repository's root.
TEST(OpenApi, IsWhatThePageOfTheApiShows) {
    std::ifstream file("docs/api.md", std::ios::binary);
    const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    EXPECT_EQ(page, with_reference(page)) << "run ./dev docs";
    EXPECT_THROW(with_reference("another page"), std::runtime_error);
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
