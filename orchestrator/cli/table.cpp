#include "orchestrator/cli/table.hpp"

#include "orchestrator/cli/saga_account.hpp"
#include "runtime/json.hpp"
#include "runtime/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ostream>

namespace ordersaga::cli {

namespace {

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view plain = "\x1b[0m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";

// Code points, which is near enough to columns for what stands in these tables.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string_view colour_of(const Column& column, std::string_view cell) {
    if (column.member == "incident" && cell != "-") return red;
    if (column.member == "verdict") return cell == "good" ? green : cell == "warning" ? yellow : red;
    if (column.member != "state" && column.member != "status" && column.member != "breaker") return {};
    if (cell == "Completed" || cell == "active" || cell == "closed") return green;
    if (cell == "NeedsOperator" || cell == "open" || cell == "suspended" || cell == "uninstalled") return red;
    if (cell == "OnHold" || cell == "Backordered" || cell == "OutOfStock") return yellow;
    return {};
}

const nlohmann::json& member_of(const nlohmann::json& row, std::string_view path) {
    static const nlohmann::json none;
    const nlohmann::json* at = &row;
    while (at != nullptr && !path.empty()) {
        const std::size_t dot = path.find('.');
        at = runtime::find_member(*at, path.substr(0, dot));
        path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    }
    return at == nullptr ? none : *at;
}

void print_cell(
    std::ostream& out,
    const Column& column,
    const std::string& cell,
    std::size_t width,
    bool last,
    std::string_view colour) {
    const std::string padding(width - width_of(cell), ' ');
    if (column.right) out << padding;
    out << colour << cell << (colour.empty() ? "" : plain);
    if (!column.right && !last) out << padding;
    out << (last ? "\n" : "  ");
}

}  // namespace

std::string printable(std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(runtime::utf8_length(text, 0), 1);
        const auto first = static_cast<unsigned char>(text.front()),
                   last = static_cast<unsigned char>(text[length - 1]);
        // U+0080 to U+009F are control characters too, C2 80 to C2 9F in UTF-8. A byte that belongs to no character may be one
        // to a terminal that knows no UTF-8.
        const bool control = length == 1 ? first < 0x20 || first >= 0x7f : first == 0xc2 && last < 0xa0;
        if (control) {
            result.append("\\x").push_back(digits[last >> 4]);
            result.push_back(digits[last & 15]);
        } else {
            result.append(text.substr(0, length));
        }
        text.remove_prefix(length);
    }
    return result;
}

std::string cell_of(const nlohmann::json& value) {
    if (value.is_null()) return "-";
    if (!value.is_string()) return printable(runtime::dump_json(value));
    const std::string text = printable(moment_of(value.get_ref<const std::string&>()));
    return text.empty() ? "-" : text;
}

void print_table(std::ostream& out, const std::vector<Column>& columns, const nlohmann::json& rows, bool colours) {
    std::vector<std::vector<std::string>> lines;
    std::vector<std::size_t> widths;
    for (const Column& column : columns)
        widths.push_back(width_of(column.title));
    for (const nlohmann::json& row : rows) {
        std::vector<std::string> line;
        for (std::size_t index = 0; index < columns.size(); ++index) {
            line.push_back(cell_of(member_of(row, columns[index].member)));
            widths[index] = std::max(widths[index], width_of(line.back()));
        }
        lines.push_back(std::move(line));
    }
    for (std::size_t index = 0; index < columns.size(); ++index) {
        print_cell(
            out, columns[index], columns[index].title, widths[index], index + 1 == columns.size(), colours ? bold : "");
    }
    for (const std::vector<std::string>& line : lines) {
        for (std::size_t index = 0; index < columns.size(); ++index) {
            const std::string_view colour = colours ? colour_of(columns[index], line[index]) : std::string_view();
            print_cell(out, columns[index], line[index], widths[index], index + 1 == columns.size(), colour);
        }
    }
}

void print_facts(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& facts, bool colours) {
    std::size_t width = 0;
    for (const auto& [name, value] : facts)
        width = std::max(width, width_of(name));
    for (const auto& [name, value] : facts) {
        out << (colours ? bold : "") << name << (colours ? plain : "") << std::string(width - width_of(name) + 2, ' ')
            << printable(value) << '\n';
    }
}

}  // namespace ordersaga::cli
