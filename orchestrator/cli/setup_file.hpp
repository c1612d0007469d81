// The file of `sagactl setup`: a TOML file with merchant, warehouses and stores, and CSV files beside it. Format and example:
// docs/setup.md. Reads everything before it complains.
#pragma once

#include "db/setup.hpp"
#include "orchestrator/cli/csv.hpp"
#include "runtime/config.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::cli {

struct SetupFile {
    db::SetupPlan plan;                        // to be used only when there are no faults
    std::vector<runtime::ConfigFault> faults;  // with file and line
};

// Of the files that setup reads.
const CsvColumns& columns_of_skus();
const CsvColumns& columns_of_listings();

// Never throws for what stands in the files. Paths of CSV files are relative to the TOML file.
SetupFile read_setup_file(const std::filesystem::path& file);

// The same from text. `content_of` gives what the CSV file of this path holds; nullopt: it cannot be read.
using FileContent = std::function<std::optional<std::string>(const std::string& path)>;
SetupFile read_setup_text(std::string_view toml, const FileContent& content_of);

}  // namespace ordersaga::cli
