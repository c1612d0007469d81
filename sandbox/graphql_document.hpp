// A GraphQL document as a tree, read just far enough to answer the Admin API calls that the product makes.
//
// Pure and single-threaded. A malformed document throws GraphqlRefusal, which the Admin API turns into a top-level
// error, as Shopify does. Nothing here validates against a schema: the projection finds unknown fields later.
#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::sandbox {

// A request that GraphQL itself refuses: becomes `errors[0]` with this code, and no data.
class GraphqlRefusal : public std::runtime_error {
public:
    GraphqlRefusal(std::string code, const std::string& message)
        : std::runtime_error(message), code_(std::move(code)) {}

    [[nodiscard]] const std::string& code() const noexcept { return code_; }

private:
    std::string code_;
};

struct GraphqlDirective {
    std::string name;
    nlohmann::json arguments = nlohmann::json::object();
};

// One entry of a selection set: a field, a spread of a named fragment, or an inline fragment.
struct GraphqlSelection {
    enum class Kind { field, fragment_spread, inline_fragment };

    Kind kind = Kind::field;
    std::string name;            // the field's or the fragment's name
    std::string response_key;    // the alias, or the name
    std::string type_condition;  // of an inline fragment; empty means any
    nlohmann::json arguments = nlohmann::json::object();
    std::vector<GraphqlDirective> directives;
    std::vector<GraphqlSelection> selection;
};

struct GraphqlFragment {
    std::string type_condition;
    std::vector<GraphqlSelection> selection;
};

struct GraphqlDocument {
    bool is_mutation = false;
    std::string operation_name;
    nlohmann::json default_variables = nlohmann::json::object();
    std::vector<GraphqlSelection> roots;
    std::map<std::string, GraphqlFragment> fragments;
};

// Reads a document with exactly one operation. Throws GraphqlRefusal when it cannot be read.
[[nodiscard]] GraphqlDocument read_graphql_document(std::string_view text);

// Puts the variables' values into an argument. A variable that was not given makes its key disappear, because
// "absent" and "null" mean different things to Shopify (changeFromQuantity).
[[nodiscard]] nlohmann::json resolve_arguments(const nlohmann::json& arguments, const nlohmann::json& variables);

}  // namespace ordersaga::sandbox
