// Tables for people. Text from orders, stores and peers is hostile: nothing in a cell can move the cursor, change the
// terminal or begin a second line. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::cli {

// Control characters, and bytes that are no UTF-8, as \x1b and the like; one line.
std::string printable(std::string_view text);

// A JSON value as a cell: text bare, null and "" as "-", the rest compact.
std::string cell_of(const nlohmann::json& value);

struct Column {
    std::string title;
    std::string member;  // of each row's object; "a.b" reaches into objects
    bool right = false;
};

void print_table(std::ostream& out, const std::vector<Column>& columns, const nlohmann::json& rows, bool colours);

// "name   value" lines.
void print_facts(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& facts, bool colours);

}  // namespace ordersaga::cli
