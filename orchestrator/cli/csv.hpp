// CSV as spreadsheets write it (RFC 4180): a header line, commas, optional quotes. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::cli {

struct CsvFault {
    std::size_t line = 0;
    std::string message;
};

struct CsvRow {
    std::size_t line = 0;
    std::map<std::string, std::string, std::less<>> cells;  // by column name, trimmed; "" when empty

    const std::string& at(std::string_view column) const;  // "" for a column the file does not have
};

struct CsvColumns {
    std::vector<std::string> required;
    std::vector<std::string> optional;
};

struct CsvTable {
    std::vector<std::string> columns;  // as the first line names them
    std::vector<CsvRow> rows;
    std::vector<CsvFault> faults;  // all of them; rows with a fault are left out
};

// Faults: not UTF-8, a NUL, unknown, missing or repeated columns, a row with another number of cells, an open quote, more
// than `most_rows` rows. Empty lines are passed over; a byte order mark is accepted.
CsvTable parse_csv(std::string_view text, const CsvColumns& columns, std::size_t most_rows = 1'000'000);

// What parse_csv reads back: a header and the rows, quoted where they must be.
std::string format_csv(const std::vector<std::string>& columns, const std::vector<CsvRow>& rows);

}  // namespace ordersaga::cli
