#include "sandbox/graphql_projection.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

constexpr std::int64_t page_size_max = 250;

struct Context {
    const GraphqlDocument& document;
    const json& variables;
};

bool wanted(const GraphqlSelection& selection, const Context& context) {
    for (const auto& directive : selection.directives) {
        const json arguments = resolve_arguments(directive.arguments, context.variables);
        const bool condition = arguments.value("if", true);
        if ((directive.name == "skip" && condition) || (directive.name == "include" && !condition)) {
            return false;
        }
    }
    return true;
}

bool type_fits(const json& value, const std::string& condition) {
    if (condition.empty() || !value.is_object() || !value.contains("__typename")) {
        return true;
    }
    return value.at("__typename") == condition || condition == "Node";
}

bool asks_for_connection(const std::vector<GraphqlSelection>& selections, const Context& context) {
    return std::any_of(selections.begin(), selections.end(), [&](const GraphqlSelection& selection) {
        if (selection.kind == GraphqlSelection::Kind::field) {
            return selection.name == "nodes" || selection.name == "edges" || selection.name == "pageInfo";
        }
        if (selection.kind == GraphqlSelection::Kind::inline_fragment) {
            return asks_for_connection(selection.selection, context);
        }
        const auto fragment = context.document.fragments.find(selection.name);
        return fragment != context.document.fragments.end() && asks_for_connection(fragment->second.selection, context);
    });
}

// An element of a page may bring its own cursor (orders are paged by value); the others use their position.
std::string cursor_of(const json& element, std::size_t index) {
    if (element.is_object() && element.contains("@cursor")) {
        return element.at("@cursor").get<std::string>();
    }
    return "p" + std::to_string(index);
}

std::int64_t page_size(const json& arguments) {
    if (!arguments.contains("first") || arguments.at("first").is_null()) {
        return page_size_max;
    }
    if (!arguments.at("first").is_number_integer() || arguments.at("first").get<std::int64_t>() < 0) {
        throw GraphqlRefusal("argumentLiteralsIncompatible", "Argument 'first' must be a non-negative Int");
    }
    const auto first = arguments.at("first").get<std::int64_t>();
    if (first > page_size_max) {
        throw GraphqlRefusal("BAD_REQUEST", "Exceeded the pagination limit of 250");
    }
    return first;
}

struct Page {
    std::size_t begin = 0;
    std::size_t end = 0;
};

Page page_of(const json& list, const json& arguments) {
    Page page;
    if (arguments.contains("after") && arguments.at("after").is_string()) {
        const std::string after = arguments.at("after").get<std::string>();
        bool found = false;
        for (std::size_t index = 0; index < list.size() && !found; ++index) {
            found = cursor_of(list[index], index) == after;
            page.begin = index + 1;
        }
        if (!found && !list.empty() && !list[0].contains("@cursor")) {
            throw GraphqlRefusal("BAD_REQUEST", "Invalid cursor for current pagination sort.");
        }
        if (!found) {
            page.begin = 0;  // A root that pages by value has already skipped what came before.
        }
    }
    page.end = std::min(list.size(), page.begin + static_cast<std::size_t>(page_size(arguments)));
    return page;
}

json project_value(const json& value, const GraphqlSelection& field, const Context& context);

void project_selections(
    const json& value,
    const std::vector<GraphqlSelection>& selections,
    const Context& context,
    json& into) {
    for (const auto& selection : selections) {
        if (!wanted(selection, context)) {
            continue;
        }
        if (selection.kind == GraphqlSelection::Kind::inline_fragment) {
            if (type_fits(value, selection.type_condition)) {
                project_selections(value, selection.selection, context, into);
            }
            continue;
        }
        if (selection.kind == GraphqlSelection::Kind::fragment_spread) {
            const auto fragment = context.document.fragments.find(selection.name);
            if (fragment == context.document.fragments.end()) {
                throw GraphqlRefusal(
                    "useAndDefineFragment", "Fragment " + selection.name + " was used, but not defined");
            }
            if (type_fits(value, fragment->second.type_condition)) {
                project_selections(value, fragment->second.selection, context, into);
            }
            continue;
        }
        const auto member = value.find(selection.name);
        if (member == value.end()) {
            const std::string type = value.value("__typename", std::string("this type"));
            throw GraphqlRefusal(
                "undefinedField", "Field '" + selection.name + "' doesn't exist on type '" + type + "'");
        }
        into[selection.response_key] = project_value(*member, selection, context);
    }
}

// Whether the query asks a connection for this member, directly or through a fragment.
bool asks_for(const std::vector<GraphqlSelection>& selections, const char* member, const Context& context) {
    return std::any_of(selections.begin(), selections.end(), [&](const GraphqlSelection& selection) {
        if (selection.kind == GraphqlSelection::Kind::field) {
            return selection.name == member;
        }
        const auto fragment = context.document.fragments.find(selection.name);
        return asks_for(selection.selection, member, context) ||
               (fragment != context.document.fragments.end() && asks_for(fragment->second.selection, member, context));
    });
}

json project_connection(
    const json& list,
    const GraphqlSelection& field,
    const json& arguments,
    const Context& context) {
    json reversed;
    if (arguments.value("reverse", false)) {
        reversed = list;
        std::reverse(reversed.begin(), reversed.end());
    }
    const json& ordered = reversed.is_null() ? list : reversed;
    const Page page = page_of(ordered, arguments);
    const bool any = page.begin < page.end;
    json whole{
        {"__typename", "Connection"},
        {"nodes", json::array()},
        {"edges", json::array()},
        {"pageInfo",
         {{"__typename", "PageInfo"},
          {"hasNextPage", page.end < ordered.size()},
          {"hasPreviousPage", page.begin > 0},
          {"startCursor", any ? json(cursor_of(ordered[page.begin], page.begin)) : json(nullptr)},
          {"endCursor", any ? json(cursor_of(ordered[page.end - 1], page.end - 1)) : json(nullptr)}}}};
    // Elements are big (an order with all it holds): copied only for the member that is asked for.
    const bool nodes = asks_for(field.selection, "nodes", context);
    const bool edges = asks_for(field.selection, "edges", context);
    for (std::size_t index = page.begin; index < page.end; ++index) {
        if (nodes) {
            whole["nodes"].push_back(ordered[index]);
        }
        if (edges) {
            whole["edges"].push_back({{"cursor", cursor_of(ordered[index], index)}, {"node", ordered[index]}});
        }
    }
    json into = json::object();
    // The page is cut already: `nodes` and `edges` are plain lists from here on.
    project_selections(whole, field.selection, context, into);
    return into;
}

json filtered_by_names(const json& list, const json& arguments) {
    if (!arguments.contains("names") || !arguments.at("names").is_array()) {
        return list;
    }
    json kept = json::array();
    for (const auto& name : arguments.at("names")) {
        for (const auto& element : list) {
            if (element.is_object() && name == element.value("name", std::string())) {
                kept.push_back(element);
            }
        }
    }
    return kept;
}

json project_with(const json& value, const GraphqlSelection& field, const json& arguments, const Context& context) {
    if (value.is_object() && value.contains("@by")) {
        const std::string argument = value.at("@by").get<std::string>();
        const std::string key = arguments.value(argument, std::string());
        const auto& values = value.at("@values");
        return values.contains(key) ? project_value(values.at(key), field, context) : json(nullptr);
    }
    if (value.is_array()) {
        json filtered;
        if (arguments.contains("names")) {
            filtered = filtered_by_names(value, arguments);
        }
        const json& list = filtered.is_null() ? value : filtered;
        if (asks_for_connection(field.selection, context)) {
            return project_connection(list, field, arguments, context);
        }
        json result = json::array();
        const auto limit = static_cast<std::size_t>(page_size(arguments));
        const json none = json::object();  // they were the list's, not its elements'
        for (std::size_t index = 0; index < list.size() && index < limit; ++index) {
            result.push_back(project_with(list[index], field, none, context));
        }
        return result;
    }
    if (!value.is_object()) {
        return value;
    }
    if (field.selection.empty()) {
        throw GraphqlRefusal("selectionMismatch", "Field '" + field.name + "' must have selections");
    }
    json into = json::object();
    project_selections(value, field.selection, context, into);
    return into;
}

json project_value(const json& value, const GraphqlSelection& field, const Context& context) {
    return project_with(value, field, resolve_arguments(field.arguments, context.variables), context);
}

double selection_cost(const std::vector<GraphqlSelection>& selections, const Context& context, int depth) {
    double cost = 0;
    if (depth > 40) {
        return cost;
    }
    for (const auto& selection : selections) {
        if (selection.kind == GraphqlSelection::Kind::fragment_spread) {
            const auto fragment = context.document.fragments.find(selection.name);
            if (fragment != context.document.fragments.end()) {
                cost += selection_cost(fragment->second.selection, context, depth + 1);
            }
            continue;
        }
        const double inner = selection_cost(selection.selection, context, depth + 1);
        if (selection.kind == GraphqlSelection::Kind::inline_fragment || selection.selection.empty()) {
            cost += inner;
            continue;
        }
        const json arguments = resolve_arguments(selection.arguments, context.variables);
        const bool paged = arguments.contains("first") && arguments.at("first").is_number_integer();
        const double first = paged ? static_cast<double>(page_size(arguments)) : 0.0;
        const bool wrapper = selection.name == "nodes" || selection.name == "edges" || selection.name == "node" ||
                             selection.name == "pageInfo" || selection.name == "userErrors";
        cost += (wrapper ? 0.0 : 1.0) + (paged ? std::max(1.0, std::log2(first + 1.0)) * inner : inner);
    }
    return cost;
}

void collect_names(
    const std::vector<GraphqlSelection>& selections,
    const GraphqlDocument& document,
    std::set<std::string>& names) {
    for (const auto& selection : selections) {
        if (selection.kind == GraphqlSelection::Kind::fragment_spread) {
            const auto fragment = document.fragments.find(selection.name);
            if (fragment != document.fragments.end()) {
                collect_names(fragment->second.selection, document, names);
            }
            continue;
        }
        if (selection.kind == GraphqlSelection::Kind::field) {
            names.insert(selection.name);
        }
        collect_names(selection.selection, document, names);
    }
}

}  // namespace

std::set<std::string> names_asked_for(const GraphqlSelection& field, const GraphqlDocument& document) {
    std::set<std::string> names;
    collect_names(field.selection, document, names);
    return names;
}

nlohmann::json keyed_by_argument(const std::string& argument, nlohmann::json values) {
    return {{"@by", argument}, {"@values", std::move(values)}};
}

nlohmann::json project_graphql(
    const nlohmann::json& value,
    const GraphqlSelection& field,
    const GraphqlDocument& document,
    const nlohmann::json& variables) {
    return project_value(value, field, Context{document, variables});
}

double requested_query_cost(const GraphqlDocument& document, const nlohmann::json& variables) {
    return std::ceil(1.0 + selection_cost(document.roots, Context{document, variables}, 0));
}

}  // namespace ordersaga::sandbox
