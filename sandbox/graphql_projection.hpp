// Cuts a complete object down to what a query asked for, with aliases, fragments, lists and connections.
//
// The Admin API builds each object whole, as plain JSON. An array becomes a connection when the query asks it for
// `nodes`, `edges` or `pageInfo`, and a list otherwise. A field that the object lacks is refused as Shopify refuses
// it, so that a misspelt query cannot pass here and fail in life. Pure; throws GraphqlRefusal.
#pragma once

#include "sandbox/graphql_document.hpp"

#include <nlohmann/json_fwd.hpp>

#include <set>
#include <string>
#include <vector>

namespace ordersaga::sandbox {

// Marks an object whose member depends on an argument: {"@by": "locationId", "@values": {"gid…": {…}}}.
[[nodiscard]] nlohmann::json keyed_by_argument(const std::string& argument, nlohmann::json values);

[[nodiscard]] nlohmann::json project_graphql(
    const nlohmann::json& value,
    const GraphqlSelection& field,
    const GraphqlDocument& document,
    const nlohmann::json& variables);

// Every field name in it, at any depth: what an object need not hold, because nobody asks for it, need not be made.
[[nodiscard]] std::set<std::string> names_asked_for(const GraphqlSelection& field, const GraphqlDocument& document);

// The points a query asks for before it runs: one per object, a logarithmic factor per connection. Shopify's exact
// formula is not public; this one grows with depth and page size and stays below the bucket for sensible queries.
[[nodiscard]] double requested_query_cost(const GraphqlDocument& document, const nlohmann::json& variables);

}  // namespace ordersaga::sandbox
