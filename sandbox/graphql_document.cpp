#include "sandbox/graphql_document.hpp"

#include <cctype>
#include <optional>
#include <utility>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

// A variable inside an argument is kept as {"$": "name"} until the variables are known. GraphQL names cannot contain
// a dollar sign, so no input object of a client can look like this.
constexpr const char* variable_mark = "$";
constexpr int depth_max = 40;

[[noreturn]] void refuse(const std::string& what) {
    throw GraphqlRefusal("GRAPHQL_PARSE_FAILED", "Parse error on " + what);
}

bool starts_name(char letter) {
    return std::isalpha(static_cast<unsigned char>(letter)) != 0 || letter == '_';
}

bool continues_name(char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
}

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) { skip_ignored(); }

    [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[position_]; }

    bool take(char symbol) {
        if (peek() != symbol) {
            return false;
        }
        ++position_;
        skip_ignored();
        return true;
    }

    void expect(char symbol) {
        if (!take(symbol)) {
            refuse(std::string("unexpected character, wanted '") + symbol + "' at " + std::to_string(position_));
        }
    }

    bool take_spread() {
        if (text_.substr(position_, 3) != "...") {
            return false;
        }
        position_ += 3;
        skip_ignored();
        return true;
    }

    std::string name() {
        if (!starts_name(peek())) {
            refuse("unexpected character where a name should be, at " + std::to_string(position_));
        }
        const std::size_t begin = position_;
        while (!at_end() && continues_name(text_[position_])) {
            ++position_;
        }
        std::string found(text_.substr(begin, position_ - begin));
        skip_ignored();
        return found;
    }

    json value(int depth) {
        if (depth > depth_max) {
            refuse("a value nested too deeply");
        }
        if (take('$')) {
            return json{{variable_mark, name()}};
        }
        if (peek() == '"') {
            return string();
        }
        if (take('[')) {
            json list = json::array();
            while (!take(']')) {
                list.push_back(value(depth + 1));
            }
            return list;
        }
        if (take('{')) {
            json object = json::object();
            while (!take('}')) {
                std::string key = name();
                expect(':');
                object[key] = value(depth + 1);
            }
            return object;
        }
        if (peek() == '-' || std::isdigit(static_cast<unsigned char>(peek())) != 0) {
            return number();
        }
        std::string word = name();
        if (word == "true" || word == "false") {
            return word == "true";
        }
        return word == "null" ? json(nullptr) : json(word);
    }

private:
    void skip_ignored() {
        while (!at_end()) {
            const char letter = text_[position_];
            if (letter == '#') {
                while (!at_end() && text_[position_] != '\n') {
                    ++position_;
                }
            } else if (letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n' || letter == ',') {
                ++position_;
            } else {
                return;
            }
        }
    }

    json number() {
        const std::size_t begin = position_;
        while (!at_end() && (std::isalnum(static_cast<unsigned char>(text_[position_])) != 0 ||
                             text_[position_] == '-' || text_[position_] == '+' || text_[position_] == '.')) {
            ++position_;
        }
        json parsed = json::parse(text_.substr(begin, position_ - begin), nullptr, false);
        if (!parsed.is_number()) {
            refuse("a malformed number");
        }
        skip_ignored();
        return parsed;
    }

    json string() {
        const std::size_t begin = position_;
        if (text_.substr(position_, 3) == "\"\"\"") {
            const std::size_t end = text_.find("\"\"\"", position_ + 3);
            if (end == std::string_view::npos) {
                refuse("an unterminated block string");
            }
            position_ = end + 3;
            json block = std::string(text_.substr(begin + 3, end - begin - 3));
            skip_ignored();
            return block;
        }
        ++position_;
        while (!at_end() && text_[position_] != '"' && text_[position_] != '\n') {
            position_ += text_[position_] == '\\' ? 2U : 1U;
        }
        if (at_end() || text_[position_] != '"') {
            refuse("an unterminated string");
        }
        ++position_;
        // GraphQL's escapes are JSON's, so the JSON parser reads the literal.
        json parsed = json::parse(text_.substr(begin, position_ - begin), nullptr, false);
        if (!parsed.is_string()) {
            refuse("a malformed string");
        }
        skip_ignored();
        return parsed;
    }

    std::string_view text_;
    std::size_t position_ = 0;
};

json read_arguments(Reader& reader) {
    json arguments = json::object();
    if (!reader.take('(')) {
        return arguments;
    }
    while (!reader.take(')')) {
        std::string key = reader.name();
        reader.expect(':');
        arguments[key] = reader.value(0);
    }
    return arguments;
}

std::vector<GraphqlDirective> read_directives(Reader& reader) {
    std::vector<GraphqlDirective> directives;
    while (reader.take('@')) {
        GraphqlDirective directive;
        directive.name = reader.name();
        directive.arguments = read_arguments(reader);
        directives.push_back(std::move(directive));
    }
    return directives;
}

std::vector<GraphqlSelection> read_selection_set(Reader& reader, int depth);

GraphqlSelection read_selection(Reader& reader, int depth) {
    GraphqlSelection selection;
    if (reader.take_spread()) {
        selection.kind = GraphqlSelection::Kind::inline_fragment;
        if (starts_name(reader.peek())) {
            std::string word = reader.name();
            if (word != "on") {
                selection.kind = GraphqlSelection::Kind::fragment_spread;
                selection.name = std::move(word);
                selection.directives = read_directives(reader);
                return selection;
            }
            selection.type_condition = reader.name();
        }
        selection.directives = read_directives(reader);
        selection.selection = read_selection_set(reader, depth + 1);
        return selection;
    }
    selection.response_key = reader.name();
    selection.name = selection.response_key;
    if (reader.take(':')) {
        selection.name = reader.name();
    }
    selection.arguments = read_arguments(reader);
    selection.directives = read_directives(reader);
    if (reader.peek() == '{') {
        selection.selection = read_selection_set(reader, depth + 1);
    }
    return selection;
}

std::vector<GraphqlSelection> read_selection_set(Reader& reader, int depth) {
    if (depth > depth_max) {
        refuse("a selection nested too deeply");
    }
    reader.expect('{');
    std::vector<GraphqlSelection> selections;
    while (!reader.take('}')) {
        selections.push_back(read_selection(reader, depth));
    }
    return selections;
}

void read_type(Reader& reader) {
    if (reader.take('[')) {
        read_type(reader);
        reader.expect(']');
    } else {
        reader.name();
    }
    reader.take('!');
}

json read_variable_definitions(Reader& reader) {
    json defaults = json::object();
    if (!reader.take('(')) {
        return defaults;
    }
    while (!reader.take(')')) {
        reader.expect('$');
        std::string name = reader.name();
        reader.expect(':');
        read_type(reader);
        if (reader.take('=')) {
            defaults[name] = reader.value(0);
        }
        read_directives(reader);
    }
    return defaults;
}

std::optional<json> resolve(const json& value, const json& variables) {
    if (value.is_object() && value.size() == 1 && value.contains(variable_mark)) {
        const auto found = variables.find(value.at(variable_mark).get<std::string>());
        if (found == variables.end()) {
            return std::nullopt;
        }
        return *found;
    }
    if (value.is_object()) {
        json object = json::object();
        for (const auto& [key, member] : value.items()) {
            if (auto resolved = resolve(member, variables)) {
                object[key] = std::move(*resolved);
            }
        }
        return object;
    }
    if (value.is_array()) {
        json list = json::array();
        for (const auto& member : value) {
            auto resolved = resolve(member, variables);
            list.push_back(resolved ? std::move(*resolved) : json(nullptr));
        }
        return list;
    }
    return value;
}

}  // namespace

GraphqlDocument read_graphql_document(std::string_view text) {
    Reader reader(text);
    GraphqlDocument document;
    bool has_operation = false;
    while (!reader.at_end()) {
        if (reader.peek() != '{') {
            std::string word = reader.name();
            if (word == "fragment") {
                std::string name = reader.name();
                GraphqlFragment fragment;
                if (reader.name() != "on") {
                    refuse("a fragment without a type");
                }
                fragment.type_condition = reader.name();
                read_directives(reader);
                fragment.selection = read_selection_set(reader, 0);
                document.fragments[name] = std::move(fragment);
                continue;
            }
            if (word != "query" && word != "mutation") {
                refuse("an unknown operation \"" + word + "\"");
            }
            document.is_mutation = word == "mutation";
            if (starts_name(reader.peek())) {
                document.operation_name = reader.name();
            }
            document.default_variables = read_variable_definitions(reader);
            read_directives(reader);
        }
        if (has_operation) {
            refuse("more than one operation in a document");
        }
        document.roots = read_selection_set(reader, 0);
        has_operation = true;
    }
    if (!has_operation) {
        refuse("a document without an operation");
    }
    return document;
}

nlohmann::json resolve_arguments(const nlohmann::json& arguments, const nlohmann::json& variables) {
    auto resolved = resolve(arguments, variables);
    return resolved ? std::move(*resolved) : json::object();
}

}  // namespace ordersaga::sandbox
