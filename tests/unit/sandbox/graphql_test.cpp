#include "sandbox/graphql_document.hpp"
#include "sandbox/graphql_projection.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

json ask(const std::string& query, const json& whole, const json& variables = json::object()) {
    const GraphqlDocument document = read_graphql_document(query);
    return project_graphql(whole, document.roots.front(), document, variables);
}

TEST(GraphqlDocument, ReadsNameVariablesDirectivesAndAliases) {
    const auto document = read_graphql_document(
        "# comment\nmutation M($i: In!, $k: String! = \"d\", $n: [Int!]) { a: adjust(input: $i, n: -3, e: ENUM) "
        "@idempotent(key: $k) { ... on T { x } ...F y } } fragment F on T { z }");

    ASSERT_TRUE(document.is_mutation);
    ASSERT_EQ(document.roots.size(), 1U);
    EXPECT_EQ(document.roots[0].name, "adjust");
    EXPECT_EQ(document.roots[0].response_key, "a");
    EXPECT_EQ(document.roots[0].directives.at(0).name, "idempotent");
    EXPECT_EQ(document.default_variables, json({{"k", "d"}}));
    EXPECT_EQ(document.fragments.count("F"), 1U);
    EXPECT_EQ(
        resolve_arguments(document.roots[0].arguments, {{"i", {{"q", 1}}}}),
        json({{"input", {{"q", 1}}}, {"n", -3}, {"e", "ENUM"}}));
}

// Absent and null are different things to a shop.
TEST(GraphqlDocument, DropsAnAbsentVariableAndKeepsANullOne) {
    const auto document = read_graphql_document("{ f(a: $x, b: $y) }");

    EXPECT_EQ(resolve_arguments(document.roots[0].arguments, {{"y", nullptr}}), json({{"b", nullptr}}));
}

TEST(GraphqlDocument, RefusesWhatItCannotRead) {
    for (const char* broken :
         {"", "{ a", "{ a( }", "query { a } query { b }", "subscription { a }", "{ a(x: \"open) }", "{ a(x: 1e) }"}) {
        EXPECT_THROW(read_graphql_document(broken), GraphqlRefusal) << broken;
    }
    std::string deep;
    for (int level = 0; level < 1000; ++level) {
        deep += "{a";
    }
    EXPECT_THROW(read_graphql_document(deep), GraphqlRefusal);
}

TEST(GraphqlProjection, GivesOnlyWhatWasAskedAndRefusesUnknownFields) {
    const json whole{
        {"__typename", "Order"}, {"id", "1"}, {"name", "#1"}, {"lines", json::array({{{"sku", "A"}}, {{"sku", "B"}}})}};

    EXPECT_EQ(ask("{ order { n: name } }", whole), json({{"n", "#1"}}));
    EXPECT_EQ(ask("{ order { lines { sku } } }", whole)["lines"].size(), 2U);
    EXPECT_EQ(ask("{ order { ... on Product { id } ... on Order { name } } }", whole), json({{"name", "#1"}}));
    EXPECT_THROW(ask("{ order { nam } }", whole), GraphqlRefusal);
}

TEST(GraphqlProjection, PagesAListAsAConnection) {
    json whole{{"items", json::array()}};
    for (int number = 0; number < 5; ++number) {
        whole["items"].push_back({{"n", number}});
    }

    const json first =
        ask("{ r { items(first: 2) { nodes { n } pageInfo { hasNextPage endCursor } } } }", whole)["items"];
    const json second =
        ask("query($c: String) { r { items(first: 3, after: $c) { edges { node { n } } pageInfo { hasNextPage } } } }",
            whole, {{"c", first["pageInfo"]["endCursor"]}})["items"];

    EXPECT_EQ(first["nodes"], json::array({{{"n", 0}}, {{"n", 1}}}));
    EXPECT_EQ(first["pageInfo"]["hasNextPage"], true);
    EXPECT_EQ(second["edges"].size(), 3U);
    EXPECT_EQ(second["edges"][0]["node"]["n"], 2);
    EXPECT_EQ(second["pageInfo"]["hasNextPage"], false);
    EXPECT_THROW(ask("{ r { items(first: 251) { nodes { n } } } }", whole), GraphqlRefusal);
}

TEST(GraphqlProjection, CostsMoreForBiggerPages) {
    const auto cost = [](const char* query) {
        return requested_query_cost(read_graphql_document(query), json::object());
    };

    EXPECT_LT(cost("{ a { id } }"), cost("{ a(first: 10) { nodes { id b { c } } } }"));
    EXPECT_LT(cost("{ a(first: 10) { nodes { id b { c } } } }"), cost("{ a(first: 250) { nodes { id b { c } } } }"));
}

}  // namespace
}  // namespace ordersaga::sandbox
