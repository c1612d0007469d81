#include "runtime/config.hpp"

#include "runtime/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace ordersaga::runtime {
namespace {

constexpr std::size_t largest_file = 4 * 1024 * 1024;
constexpr std::size_t largest_secret = 64 * 1024;

// The file itself lets others in, and so does every folder on the way to it.
bool is_open_to_all(const std::filesystem::path& file) {
    using std::filesystem::perms;
    std::error_code fault;
    const std::filesystem::path whole = std::filesystem::canonical(file, fault);
    if (fault || !std::filesystem::is_regular_file(whole, fault)) return false;
    const auto lets_others = [&fault](const std::filesystem::path& path, perms rights) {
        return (std::filesystem::status(path, fault).permissions() & rights) != perms::none;
    };
    if (!lets_others(whole, perms::others_read | perms::others_write)) return false;
    for (std::filesystem::path folder = whole.parent_path(); folder != whole.root_path();
         folder = folder.parent_path()) {
        if (!lets_others(folder, perms::others_exec)) return false;
    }
    return true;
}

// Empty when the file cannot be read or is too large; the reason goes to `fault`.
std::string read_file(const std::filesystem::path& file, std::size_t limit, std::string& fault) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) {
        fault = "is a directory";
        return {};
    }
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        fault = "cannot be opened";
        return {};
    }
    std::string content(limit + 1, '\0');
    stream.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(stream.gcount()));
    if (stream.bad()) fault = "cannot be read";
    if (content.size() > limit) fault = "is larger than " + std::to_string(limit) + " bytes";
    if (!fault.empty()) content.clear();
    return content;
}

std::string variable_name(std::string_view path) {
    std::string name = "ORDERSAGA_";
    for (const char c : path) {
        if (c == ']') continue;
        if (c >= 'a' && c <= 'z') {
            name += static_cast<char>(c - 'a' + 'A');
        } else if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
            name += c;
        } else {
            name += '_';
        }
    }
    return name;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = text.find(separator);
        std::string_view part = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ')
            part.remove_suffix(1);
        if (!part.empty()) parts.emplace_back(part);
    }
    return parts;
}

template <class Number>
std::optional<Number> whole_text_as(std::string_view text) {
    Number value{};
    const char* end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, value);
    if (fault != std::errc{} || stop != end) return std::nullopt;
    return value;
}

}  // namespace

struct ConfigReader::Content {
    std::string name;
    Environment environment;
    toml::table root;
    std::vector<ConfigFault> faults;
    std::set<std::string> asked;    // paths of values and tables that the program read
    std::set<std::string> missing;  // those of them that were nowhere given
    std::set<std::string> changed;  // those of them that were given another value than their default
    std::set<std::string> foreign;  // tables of other programs
};

struct ConfigSection::Node {
    std::shared_ptr<ConfigReader::Content> content;
    std::string path;
    const toml::table* table = nullptr;  // null when the file has no such table

    // A value from the environment (text) or from the file (node); neither when missing.
    struct Found {
        std::optional<std::string> text;
        const toml::node* node = nullptr;
        bool missing() const { return !text && node == nullptr; }
    };

    std::string path_of(std::string_view key) const {
        return path.empty() ? std::string(key) : path + "." + std::string(key);
    }

    Found find(std::string_view key) const {
        const std::string full = path_of(key);
        content->asked.insert(full);
        Found found;
        found.text = content->environment(variable_name(full));
        if (!found.text && table != nullptr) found.node = table->get(key);
        if (found.missing()) content->missing.insert(full);
        return found;
    }

    void fault(std::string_view key, std::string message) const {
        const std::string full = path_of(key);
        std::string where = full;
        if (content->environment(variable_name(full))) {
            where += " (" + variable_name(full) + ")";
        } else if (const toml::node* node = table == nullptr ? nullptr : table->get(key)) {
            where += " (" + content->name + ":" + std::to_string(node->source().begin.line) + ")";
        }
        content->faults.push_back({std::move(where), std::move(message)});
    }

    void missing(std::string_view key) const {
        fault(key, "is missing; set it in " + content->name + " or as " + variable_name(path_of(key)));
    }

    template <class Value>
    Value noted(std::string_view key, Value value, const Value& fallback) const {
        if (value != fallback) content->changed.insert(path_of(key));
        return value;
    }

    // The text of a value that must be one; nullopt after a fault or when missing.
    std::optional<std::string> text(std::string_view key) const {
        const Found found = find(key);
        if (found.text) return found.text;
        if (found.node == nullptr) return std::nullopt;
        if (std::optional<std::string> value = found.node->value_exact<std::string>()) {
            if (value->find('\0') == std::string::npos) return value;
            fault(key, "holds a NUL character");
            return std::nullopt;
        }
        fault(key, "must be a text");
        return std::nullopt;
    }

    std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high) const {
        const Found found = find(key);
        if (found.missing()) return std::nullopt;
        const std::optional<std::int64_t> value =
            found.text ? whole_text_as<std::int64_t>(*found.text) : found.node->value_exact<std::int64_t>();
        if (value && *value >= low && *value <= high) return value;
        fault(key, "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
        return std::nullopt;
    }

    // What a reference points to; `key` names the value in faults, which never repeat the value itself.
    std::string resolve(std::string_view key, const std::string& reference, bool from_environment) const {
        if (reference.starts_with("env:")) {
            const std::string name = reference.substr(4);
            std::optional<std::string> value = content->environment(name);
            if (value && !value->empty()) return *value;
            fault(key, "names the environment variable " + name + ", which is not set or empty");
            return {};
        }
        if (reference.starts_with("file:")) return private_file(key, reference.substr(5));
        if (reference.starts_with("credential:")) return credential(key, reference.substr(11));
        if (from_environment && !reference.empty()) return reference;
        fault(key, "must be a reference, env:NAME, file:/path or credential:NAME; secrets do not belong into the file");
        return {};
    }

    std::string credential(std::string_view key, const std::string& name) const {
        const std::optional<std::string> directory = content->environment("CREDENTIALS_DIRECTORY");
        if (!directory || directory->empty()) {
            fault(key, "names the credential " + name + ", but the service manager gave none (CREDENTIALS_DIRECTORY)");
            return {};
        }
        if (name.find('/') != std::string::npos) {
            fault(key, "names the credential " + name + ", which cannot be a name");
            return {};
        }
        return secret_file(key, *directory + "/" + name);
    }

    // What a service manager gives stands in a folder of its own; a file that a person has made does not.
    std::string private_file(std::string_view key, const std::string& file) const {
        if (is_open_to_all(file)) {
            fault(key, "names the file " + file + ", which everybody on this machine may read or change: chmod o= it");
            return {};
        }
        return secret_file(key, file);
    }

    std::string secret_file(std::string_view key, const std::string& file) const {
        std::string reason;
        std::string value = read_file(file, largest_secret, reason);
        if (value.ends_with('\n')) value.pop_back();
        if (value.ends_with('\r')) value.pop_back();
        if (reason.empty() && value.empty()) reason = "is empty";
        if (!reason.empty()) fault(key, "names the file " + file + ", which " + reason);
        return value;
    }
};

Environment system_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return value;
    };
}

Environment fixed_environment(std::map<std::string, std::string> values) {
    return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
        const auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
}

ConfigSection::ConfigSection(std::shared_ptr<Node> node) : node_(std::move(node)) {}

std::string ConfigSection::text(std::string_view key) {
    const std::size_t faults = node_->content->faults.size();
    std::optional<std::string> value = node_->text(key);
    if (value && !value->empty()) return *value;
    if (node_->content->faults.size() == faults) node_->missing(key);
    return {};
}

std::string ConfigSection::text(std::string_view key, std::string_view fallback) {
    return node_->noted(key, node_->text(key).value_or(std::string(fallback)), std::string(fallback));
}

std::optional<std::string> ConfigSection::optional_text(std::string_view key) {
    return node_->text(key);
}

std::string ConfigSection::choice(
    std::string_view key,
    std::string_view fallback,
    const std::vector<std::string>& choices) {
    const std::optional<std::string> value = node_->text(key);
    if (!value) return std::string(fallback);
    if (std::find(choices.begin(), choices.end(), *value) != choices.end())
        return node_->noted(key, *value, std::string(fallback));
    node_->fault(key, "must be one of: " + joined(choices));
    return std::string(fallback);
}

std::int64_t ConfigSection::integer(std::string_view key, std::int64_t low, std::int64_t high) {
    const std::size_t faults = node_->content->faults.size();
    const std::optional<std::int64_t> value = node_->integer(key, low, high);
    if (!value && node_->content->faults.size() == faults) node_->missing(key);
    return value.value_or(low);
}

std::int64_t ConfigSection::integer(std::string_view key, std::int64_t fallback, std::int64_t low, std::int64_t high) {
    return node_->noted(key, node_->integer(key, low, high).value_or(fallback), fallback);
}

double ConfigSection::number(std::string_view key, double fallback, double low, double high) {
    const Node::Found found = node_->find(key);
    if (found.missing()) return fallback;
    const std::optional<double> value = found.text ? whole_text_as<double>(*found.text) : found.node->value<double>();
    const bool numeric = found.text || found.node->is_number();
    if (numeric && value && *value >= low && *value <= high) return node_->noted(key, *value, fallback);
    std::ostringstream message;
    message << "must be a number from " << low << " to " << high;
    node_->fault(key, message.str());
    return fallback;
}

bool ConfigSection::boolean(std::string_view key, bool fallback) {
    const Node::Found found = node_->find(key);
    if (found.missing()) return fallback;
    if (found.text && (*found.text == "true" || *found.text == "1")) return node_->noted(key, true, fallback);
    if (found.text && (*found.text == "false" || *found.text == "0")) return node_->noted(key, false, fallback);
    if (found.node != nullptr) {
        if (const std::optional<bool> value = found.node->value_exact<bool>())
            return node_->noted(key, *value, fallback);
    }
    node_->fault(key, "must be true or false");
    return fallback;
}

Duration ConfigSection::duration(std::string_view key, Duration fallback, Duration low, Duration high) {
    const std::optional<std::string> text = node_->text(key);
    if (!text) return fallback;
    const Result<Duration> value = parse_duration(*text);
    if (value && *value >= low && *value <= high) return node_->noted(key, *value, fallback);
    node_->fault(
        key, "must be a duration such as 250ms or 15m, from " + format_duration(low) + " to " + format_duration(high));
    return fallback;
}

std::optional<Instant> ConfigSection::optional_instant(std::string_view key) {
    const Node::Found found = node_->find(key);
    if (found.missing()) return std::nullopt;
    std::string text;
    if (found.text) {
        text = *found.text;
    } else if (const std::optional<std::string> value = found.node->value_exact<std::string>()) {
        text = *value;
    } else if (found.node->is_date_time()) {
        std::ostringstream written;
        written << **found.node->as_date_time();
        text = written.str();
    }
    const Result<Instant> instant = parse_rfc3339(text);
    if (instant) return *instant;
    node_->fault(key, "must be a time with offset such as 2026-07-01T00:00:00Z");
    return std::nullopt;
}

std::vector<std::string> ConfigSection::texts(std::string_view key, const std::vector<std::string>& fallback) {
    const Node::Found found = node_->find(key);
    if (found.missing()) return fallback;
    if (found.text) return node_->noted(key, split(*found.text, ','), fallback);
    const toml::array* array = found.node->as_array();
    std::vector<std::string> values;
    bool good = array != nullptr;
    if (good) {
        for (const toml::node& element : *array) {
            const std::optional<std::string> value = element.value_exact<std::string>();
            good = good && value.has_value();
            if (value) values.push_back(*value);
        }
    }
    if (good) return node_->noted(key, std::move(values), fallback);
    node_->fault(key, "must be an array of texts");
    return fallback;
}

std::string ConfigSection::secret(std::string_view key) {
    const std::size_t faults = node_->content->faults.size();
    std::optional<std::string> value = optional_secret(key);
    if (!value && node_->content->faults.size() == faults) node_->missing(key);
    return value.value_or(std::string());
}

std::optional<std::string> ConfigSection::optional_secret(std::string_view key) {
    const std::optional<std::string> reference = node_->text(key);
    if (!reference) return std::nullopt;
    const bool from_environment = node_->find(key).text.has_value();
    std::string value = node_->resolve(key, *reference, from_environment);
    if (value.empty()) return std::nullopt;
    return value;
}

std::vector<std::string> ConfigSection::secrets(std::string_view key) {
    const bool from_environment = node_->find(key).text.has_value();
    std::vector<std::string> values;
    for (const std::string& reference : texts(key)) {
        std::string value = node_->resolve(key, reference, from_environment);
        if (!value.empty()) values.push_back(std::move(value));
    }
    return values;
}

ConfigSection ConfigSection::section(std::string_view name) {
    auto child = std::make_shared<Node>();
    child->content = node_->content;
    child->path = node_->path_of(name);
    node_->content->asked.insert(child->path);
    if (const toml::node* found = node_->table == nullptr ? nullptr : node_->table->get(name)) {
        child->table = found->as_table();
        if (child->table == nullptr) node_->fault(name, "must be a table");
    }
    return ConfigSection(std::move(child));
}

std::vector<ConfigSection> ConfigSection::tables(std::string_view name) {
    std::vector<ConfigSection> sections;
    const std::string full = node_->path_of(name);
    node_->content->asked.insert(full);
    const toml::node* found = node_->table == nullptr ? nullptr : node_->table->get(name);
    if (found == nullptr) return sections;
    const toml::array* array = found->as_array();
    if (array == nullptr) {
        node_->fault(name, "must be an array of tables, [[" + full + "]]");
        return sections;
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
        auto child = std::make_shared<Node>();
        child->content = node_->content;
        child->path = full + "[" + std::to_string(i) + "]";
        child->table = array->get(i)->as_table();
        node_->content->asked.insert(child->path);
        if (child->table == nullptr) node_->fault(name, "must hold tables only, [[" + full + "]]");
        sections.push_back(ConfigSection(std::move(child)));
    }
    return sections;
}

bool ConfigSection::has(std::string_view key) const {
    return node_->content->environment(variable_name(node_->path_of(key))).has_value() ||
           (node_->table != nullptr && node_->table->contains(key));
}

bool ConfigSection::present() const {
    return node_->table != nullptr;
}

std::string ConfigSection::path() const {
    return node_->path;
}

void ConfigSection::fault(std::string_view key, std::string message) {
    node_->fault(key, std::move(message));
}

ConfigReader::ConfigReader(std::shared_ptr<Content> content) : content_(std::move(content)) {}

ConfigReader ConfigReader::from_file(const std::filesystem::path& file, Environment environment) {
    std::string reason;
    const std::string text = read_file(file, largest_file, reason);
    ConfigReader reader = from_text(text, std::move(environment), file.string());
    if (!reason.empty()) reader.content_->faults.push_back({file.string(), "the file " + reason});
    return reader;
}

ConfigReader ConfigReader::from_text(std::string_view toml, Environment environment, std::string name) {
    auto content = std::make_shared<Content>();
    content->name = std::move(name);
    content->environment = std::move(environment);
    try {
        content->root = toml::parse(toml, content->name);
    } catch (const toml::parse_error& fault) {
        const std::string where = content->name + ":" + std::to_string(fault.source().begin.line);
        content->faults.push_back({where, std::string(fault.description())});
    }
    return ConfigReader(std::move(content));
}

ConfigSection ConfigReader::root() {
    auto node = std::make_shared<ConfigSection::Node>();
    node->content = content_;
    node->table = &content_->root;
    return ConfigSection(std::move(node));
}

namespace {

void report_unknown(
    const toml::table& table,
    const std::string& path,
    const std::string& file,
    const std::set<std::string>& asked,
    const std::set<std::string>& foreign,
    std::vector<ConfigFault>& faults) {
    for (const auto& [key, node] : table) {
        const std::string full = path.empty() ? std::string(key.str()) : path + "." + std::string(key.str());
        if (foreign.contains(full)) continue;
        if (!asked.contains(full)) {
            const std::string line = std::to_string(node.source().begin.line);
            faults.push_back({full + " (" + file + ":" + line + ")", "is not known here"});
            continue;
        }
        if (const toml::table* child = node.as_table()) report_unknown(*child, full, file, asked, foreign, faults);
        if (const toml::array* array = node.as_array()) {
            for (std::size_t i = 0; i < array->size(); ++i) {
                const toml::table* element = array->get(i)->as_table();
                const std::string place = full + "[" + std::to_string(i) + "]";
                if (element != nullptr && asked.contains(place))
                    report_unknown(*element, place, file, asked, foreign, faults);
            }
        }
    }
}

}  // namespace

void ConfigReader::leave_to_others(const std::vector<std::string>& names) {
    content_->foreign.insert(names.begin(), names.end());
}

std::vector<std::string> ConfigReader::left_to_defaults() const {
    return {content_->missing.begin(), content_->missing.end()};
}

std::vector<std::string> ConfigReader::changed_from_defaults() const {
    return {content_->changed.begin(), content_->changed.end()};
}

std::vector<ConfigFault> ConfigReader::finish() {
    std::vector<ConfigFault> faults = content_->faults;
    report_unknown(content_->root, {}, content_->name, content_->asked, content_->foreign, faults);
    return faults;
}

std::string describe(const std::vector<ConfigFault>& faults) {
    std::string text;
    for (const ConfigFault& fault : faults)
        text += fault.where + ": " + fault.message + "\n";
    return text;
}

}  // namespace ordersaga::runtime
