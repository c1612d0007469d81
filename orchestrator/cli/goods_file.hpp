// skus.csv or listings.csv, as setup reads it, to which rows are added. What stands in it stays: neither rows nor their
// sequence change, only the quoting may.
#pragma once

#include "orchestrator/cli/csv.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::cli {

class GoodsFile {
public:
    // A file that does not exist yet has no rows. Throws CliError (usage) for one that setup could not read either.
    GoodsFile(std::filesystem::path path, const CsvColumns& columns);

    const std::vector<CsvRow>& rows() const { return table_.rows; }
    // A column that the file does not have is added to it, empty in all other rows.
    void add(const std::map<std::string, std::string>& cells);
    void set(std::size_t row, const std::string& column, const std::string& value);

    bool changed() const { return changed_; }
    // Whole or not at all; nothing when nothing has changed. Throws CliError (usage).
    void write() const;
    const std::filesystem::path& path() const { return path_; }

private:
    void need_column(const std::string& name);

    const std::filesystem::path path_;
    CsvTable table_;
    bool changed_ = false;
};

}  // namespace ordersaga::cli
