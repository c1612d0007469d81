#include "orchestrator/cli/goods_file.hpp"

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/table.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace ordersaga::cli {

GoodsFile::GoodsFile(std::filesystem::path path, const CsvColumns& columns) : path_(std::move(path)) {
    std::ifstream file(path_, std::ios::binary);
    if (!file) {
        if (std::filesystem::exists(path_)) throw CliError(ExitCode::usage, "cannot read " + printable(path_.string()));
        table_.columns = columns.required;
        return;
    }
    const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    table_ = parse_csv(content, columns);
    std::string faults;
    for (const CsvFault& fault : table_.faults)
        faults += printable(path_.string()) + ":" + std::to_string(fault.line) + ": " + printable(fault.message) + "\n";
    if (!faults.empty()) throw CliError(ExitCode::usage, faults + "nothing was changed");
}

void GoodsFile::need_column(const std::string& name) {
    if (std::find(table_.columns.begin(), table_.columns.end(), name) == table_.columns.end())
        table_.columns.push_back(name);
}

void GoodsFile::add(const std::map<std::string, std::string>& cells) {
    CsvRow row;
    for (const auto& [name, value] : cells) {
        if (!value.empty()) need_column(name);
        row.cells.emplace(name, value);
    }
    table_.rows.push_back(std::move(row));
    changed_ = true;
}

void GoodsFile::set(std::size_t row, const std::string& column, const std::string& value) {
    need_column(column);
    table_.rows.at(row).cells[column] = value;
    changed_ = true;
}

void GoodsFile::write() const {
    if (!changed_) return;
    std::filesystem::path draft = path_;
    draft += ".new";
    std::ofstream file(draft, std::ios::binary | std::ios::trunc);
    file << format_csv(table_.columns, table_.rows);
    file.close();
    std::error_code fault;
    if (file) std::filesystem::rename(draft, path_, fault);
    if (!file || fault) {
        const std::string reason = fault ? fault.message() : std::strerror(errno);
        std::filesystem::remove(draft, fault);
        throw CliError(ExitCode::usage, "cannot write " + printable(path_.string()) + ": " + reason);
    }
}

}  // namespace ordersaga::cli
