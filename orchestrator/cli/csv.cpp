#include "orchestrator/cli/csv.hpp"

#include "runtime/text.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace ordersaga::cli {

namespace {

struct Record {
    std::size_t line = 0;
    std::vector<std::string> cells;
};

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

// Cuts the text into records, one at a time.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    // nullopt at the end, or after a fault in the quoting, which makes all that follows meaningless.
    std::optional<Record> next(std::vector<CsvFault>& faults) {
        while (at_ < text_.size()) {
            Record record{line_, {}};
            if (!read_record(record)) {
                faults.push_back({record.line, "a quote is not closed, or text follows a closed one"});
                return std::nullopt;
            }
            if (record.cells.size() > 1 || !record.cells[0].empty()) return record;
        }
        return std::nullopt;
    }

private:
    bool read_record(Record& record) {
        while (true) {
            if (!read_cell(record)) return false;
            if (at_ >= text_.size()) return true;
            const char separator = text_[at_++];
            if (separator == ',') continue;
            if (separator == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
            ++line_;
            return true;
        }
    }

    bool read_cell(Record& record) {
        if (at_ < text_.size() && text_[at_] == '"') {
            record.cells.emplace_back();
            return read_quoted(record.cells.back());
        }
        const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
        record.cells.push_back(trimmed(text_.substr(at_, end - at_)));
        at_ = end;
        return true;
    }

    bool read_quoted(std::string& cell) {
        for (++at_; at_ < text_.size(); ++at_) {
            const char letter = text_[at_];
            if (letter == '\n') ++line_;
            if (letter != '"') {
                cell.push_back(letter);
            } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
                cell.push_back('"');
                ++at_;
            } else {
                ++at_;
                return at_ >= text_.size() || text_[at_] == ',' || text_[at_] == '\r' || text_[at_] == '\n';
            }
        }
        return false;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
};

void check_columns(const Record& header, const CsvColumns& columns, std::vector<CsvFault>& faults) {
    std::set<std::string> seen;
    for (const std::string& name : header.cells) {
        if (!seen.insert(name).second) faults.push_back({header.line, "column '" + name + "' is there twice"});
        const bool known = std::count(columns.required.begin(), columns.required.end(), name) +
                               std::count(columns.optional.begin(), columns.optional.end(), name) >
                           0;
        if (!known) faults.push_back({header.line, "column '" + name + "' is not known"});
    }
    for (const std::string& name : columns.required) {
        if (!seen.contains(name)) faults.push_back({header.line, "column '" + name + "' is missing"});
    }
}

}  // namespace

const std::string& CsvRow::at(std::string_view column) const {
    static const std::string empty;
    const auto found = cells.find(column);
    return found == cells.end() ? empty : found->second;
}

CsvTable parse_csv(std::string_view text, const CsvColumns& columns, std::size_t most_rows) {
    CsvTable table;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (text.find('\0') != std::string_view::npos || !runtime::is_utf8(text)) {
        table.faults.push_back({1, "the file is not UTF-8 text"});
        return table;
    }
    Reader reader(text);
    const std::optional<Record> header = reader.next(table.faults);
    if (!header) {
        if (table.faults.empty())
            table.faults.push_back({1, "the file is empty: its first line must name the columns"});
        return table;
    }
    table.columns = header->cells;
    check_columns(*header, columns, table.faults);
    if (!table.faults.empty()) return table;

    while (std::optional<Record> record = reader.next(table.faults)) {
        if (table.rows.size() >= most_rows) {
            table.faults.push_back({record->line, "more than " + std::to_string(most_rows) + " rows"});
            break;
        }
        if (record->cells.size() != header->cells.size()) {
            table.faults.push_back(
                {record->line, "has " + std::to_string(record->cells.size()) + " cells, the header has " +
                                   std::to_string(header->cells.size())});
            continue;
        }
        CsvRow row{record->line, {}};
        for (std::size_t column = 0; column < header->cells.size(); ++column) {
            row.cells.emplace(header->cells[column], std::move(record->cells[column]));
        }
        table.rows.push_back(std::move(row));
    }
    return table;
}

namespace {

std::string quoted_if_needed(const std::string& cell) {
    const bool plain = cell.find_first_of(",\"\r\n") == std::string::npos && trimmed(cell) == cell;
    if (plain) return cell;
    std::string quoted = "\"";
    for (const char letter : cell)
        quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
    return quoted + "\"";
}

std::string line_of(const std::vector<std::string>& cells) {
    std::string line;
    for (const std::string& cell : cells)
        line += (&cell == &cells.front() ? "" : ",") + quoted_if_needed(cell);
    return line + "\n";
}

}  // namespace

std::string format_csv(const std::vector<std::string>& columns, const std::vector<CsvRow>& rows) {
    std::string text = line_of(columns);
    for (const CsvRow& row : rows) {
        std::vector<std::string> cells;
        for (const std::string& column : columns)
            cells.push_back(row.at(column));
        text += line_of(cells);
    }
    return text;
}

}  // namespace ordersaga::cli
