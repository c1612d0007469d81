#include "notifier/templates.hpp"

#include "notifier/event.hpp"
#include "runtime/json.hpp"
#include "runtime/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace ordersaga::notifier {

namespace {

constexpr std::string_view subject_mark = "Subject: ";
constexpr std::size_t longest_file = 64 * 1024;

// Calls `plain` with every stretch of text and `member` with every name between {{ and }}.
template <class Plain, class Member>
void walk(std::string_view text, Plain plain, Member member) {
    while (!text.empty()) {
        const std::size_t open = text.find("{{");
        const std::size_t close = open == std::string_view::npos ? open : text.find("}}", open);
        if (close == std::string_view::npos) {
            plain(text);
            return;
        }
        plain(text.substr(0, open));
        member(text.substr(open + 2, close - open - 2));
        text.remove_prefix(close + 2);
    }
}

std::string shown(const nlohmann::json& body, std::string_view member) {
    const nlohmann::json* value = runtime::find_member(body, member);
    if (value == nullptr) return {};
    std::string text = value->is_string() ? value->get<std::string>() : runtime::dump_json(*value);
    // A name with line ends in it must not look like more of our letter.
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return text;
}

std::string filled(std::string_view text, const nlohmann::json& body) {
    std::string result;
    walk(
        text, [&](std::string_view plain) { result += plain; },
        [&](std::string_view member) { result += shown(body, member); });
    return result;
}

std::string unknown_member(std::string_view text, const Topic& topic) {
    std::string unknown;
    walk(
        text, [](std::string_view) {},
        [&](std::string_view member) {
            if (std::find(topic.members.begin(), topic.members.end(), member) == topic.members.end()) unknown = member;
        });
    return unknown;
}

}  // namespace

Templates::Templates() {
    for (const Topic& topic : topics())
        replace(topic.name, topic.letter).value();
}

runtime::Result<void> Templates::replace(std::string_view name, std::string_view content) {
    const Topic* topic = find_topic(name);
    if (topic == nullptr) return runtime::invalid("there is no topic " + std::string(name));
    if (content.size() > longest_file || !runtime::is_utf8(content))
        return runtime::invalid("it must be UTF-8 text of at most 64 KiB");
    const std::size_t line_end = content.find('\n');
    if (!content.starts_with(subject_mark) || line_end == std::string_view::npos ||
        !content.substr(line_end).starts_with("\n\n"))
        return runtime::invalid("it must begin with a line \"Subject: ...\" and an empty line");
    Letter letter;
    letter.subject = content.substr(subject_mark.size(), line_end - subject_mark.size());
    letter.text = content.substr(line_end + 2);
    const std::string unknown = unknown_member(content, *topic);
    if (!unknown.empty()) return runtime::invalid("the event has no member \"" + unknown + "\"");
    letters_.insert_or_assign(std::string(name), std::move(letter));
    return {};
}

runtime::Result<Templates> Templates::load(const std::string& folder) {
    Templates templates;
    if (folder.empty()) return templates;
    std::error_code fault;
    for (const auto& entry : std::filesystem::directory_iterator(folder, fault)) {
        const std::filesystem::path& path = entry.path();
        if (path.extension() != ".txt") return runtime::invalid(path.string() + ": a template is named <topic>.txt");
        std::ifstream file(path, std::ios::binary);
        std::stringstream content;
        content << file.rdbuf();
        if (!file) return runtime::invalid(path.string() + ": cannot be read");
        const runtime::Result<void> taken = templates.replace(path.stem().string(), content.str());
        if (!taken) return runtime::invalid(path.string() + ": " + taken.error().message);
    }
    if (fault) return runtime::invalid(folder + ": " + fault.message());
    return templates;
}

Letter Templates::render(std::string_view topic, std::string_view body) const {
    const auto found = letters_.find(topic);
    if (found == letters_.end()) return {std::string(topic), std::string(body) + "\n"};
    const runtime::Result<nlohmann::json> members = runtime::parse_json(body);
    const nlohmann::json values = members ? *members : nlohmann::json::object();
    return {filled(found->second.subject, values), filled(found->second.text, values)};
}

}  // namespace ordersaga::notifier
