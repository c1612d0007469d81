#include "orchestrator/api/reference.hpp"

#include "orchestrator/api/private_listener.hpp"
#include "runtime/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <stdexcept>

namespace ordersaga::api {

namespace {

using json = nlohmann::ordered_json;  // members stay where the document has them

constexpr std::string_view begin_line = "<!-- written by ./dev docs from orchestrator/api/openapi.json: begin -->\n";
constexpr std::string_view end_line = "<!-- written by ./dev docs: end -->\n";

// What nearly every route has is told in the page's text, not in every row.
constexpr std::array told_once{"400", "401", "403", "404", "409", "415", "421", "422", "429", "503"};
constexpr std::array parameters_of_all{"merchant", "Idempotency-Key", "X-CSRF-Token"};

template <class Names>
bool is_among(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

const json& resolved(const json& document, const json& part) {
    if (!part.contains("$ref")) return part;
    return document.at(json::json_pointer(part.at("$ref").get<std::string>().substr(1)));
}

void append(std::string& list, const std::string& item) {
    list += (list.empty() ? "" : ", ") + item;
}

std::string code(const std::string& text) {
    return "`" + text + "`";
}

// A schema's name as a link to its part of the page; a page of them; one or the other; or the members' names.
std::string name_of_schema(const json& schema) {
    if (schema.contains("$ref")) {
        const std::string reference = schema.at("$ref");
        const std::string name = reference.substr(reference.rfind('/') + 1);
        return "[" + name + "](#" + runtime::lower(name) + ")";
    }
    if (schema.contains("oneOf"))
        return name_of_schema(schema.at("oneOf").at(0)) + " or " + name_of_schema(schema.at("oneOf").at(1));
    if (!schema.contains("properties")) return schema.at("type") == "string" ? "text" : "an object";
    if (schema.at("properties").contains("next"))
        return "page of " + name_of_schema(schema.at("properties").at("items").at("items"));
    std::string members;
    for (const auto& [name, member] : schema.at("properties").items())
        append(members, code(name));
    return members;
}

std::string content_of(const json& holder) {
    if (!holder.contains("content")) return "nothing";
    return name_of_schema(holder.at("content").begin()->at("schema"));
}

std::string parameters_of(const json& document, const json& operation) {
    std::string names;
    if (operation.contains("requestBody")) append(names, "body " + content_of(operation.at("requestBody")));
    for (const json& entry : operation.at("parameters")) {
        const json& parameter = resolved(document, entry);
        const std::string name = parameter.at("name");
        if (parameter.at("in") != "path" && !is_among(parameters_of_all, name)) append(names, code(name));
    }
    return names;
}

std::string answers_of(const json& operation) {
    std::string answers;
    for (const auto& [status, answer] : operation.at("responses").items()) {
        if (status.starts_with('2')) {
            answers = content_of(answer) + answers;
        } else if (!is_among(told_once, status)) {
            append(answers, status);
        }
    }
    return answers;
}

std::string routes_table(const json& document) {
    std::string table = "| request | role | does | takes | answers |\n|---|---|---|---|---|\n";
    for (const auto& [path, item] : document.at("paths").items()) {
        const json& servers = item.contains("servers") ? item.at("servers") : document.at("servers");
        const std::string base = servers.at(0).at("url");
        for (const auto& [method, operation] : item.items()) {
            if (method == "servers") continue;
            std::string verb = method;
            std::transform(verb.begin(), verb.end(), verb.begin(), [](unsigned char c) {
                return static_cast<char>(std::toupper(c));
            });
            table += "| " + code(verb + " " + (base == "/" ? "" : base) + path) + " | " +
                     operation.at("x-role").get<std::string>() + " | " + operation.at("summary").get<std::string>() +
                     " | " + parameters_of(document, operation) + " | " + answers_of(operation) + " |\n";
        }
    }
    return table;
}

// What the example does not show: values, members that may be absent, explanations.
std::string notes_on(const json& schema) {
    std::set<std::string> required;
    for (const json& name : schema.at("required"))
        required.insert(name.get<std::string>());
    std::string notes;
    for (const auto& [name, member] : schema.at("properties").items()) {
        std::string note;
        if (!required.contains(name)) append(note, "may be absent");
        if (member.contains("enum")) {
            std::string values;
            for (const json& value : member.at("enum"))
                append(values, code(value.get<std::string>()));
            append(note, "one of " + values);
        }
        if (member.contains("description")) append(note, member.at("description").get<std::string>());
        if (!note.empty()) notes += "- " + code(name) + ": " + note + "\n";
    }
    return notes.empty() ? "" : "\n" + notes;
}

std::string schemas_text(const json& document) {
    std::string text;
    for (const auto& [name, schema] : document.at("components").at("schemas").items()) {
        text += "\n#### " + name + "\n\n```json\n" + schema.at("examples").at(0).dump(2) + "\n```\n" + notes_on(schema);
    }
    return text;
}

}  // namespace

std::string with_reference(std::string_view page) {
    const std::size_t begin = page.find(begin_line), end = page.find(end_line);
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin)
        throw std::runtime_error("the page lacks the lines between which the reference stands");
    const json document = json::parse(openapi_document());
    return std::string(page.substr(0, begin + begin_line.size())) + "\n### Routes\n\n" + routes_table(document) +
           "\n### Bodies and answers\n" + schemas_text(document) + "\n" + std::string(page.substr(end));
}

}  // namespace ordersaga::api
