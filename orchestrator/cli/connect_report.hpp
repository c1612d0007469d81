// What one run of `sagactl connect` found, did and leaves to a person; shown as tables, or as one document with --json.
#pragma once

#include "orchestrator/cli/exit_code.hpp"
#include "orchestrator/cli/goods_file.hpp"
#include "orchestrator/cli/sku_proposals.hpp"
#include "orchestrator/cli/surroundings.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace ordersaga::cli {

class ConnectReport {
public:
    ConnectReport(const std::string& subject, bool dry_run);

    // A part of the document, and one line that says the same.
    void found(const std::string& part, nlohmann::json content, const std::string& line);
    // Was changed at the peer, or would be in a dry run.
    void changed(const std::string& what);
    // Keeps it from working until a person has mended it.
    void problem(const std::string& text);
    void decisions(const std::vector<ToDecide>& decisions);
    // Rows that were added to a file, or would be.
    void added(const GoodsFile& file, std::size_t rows);

    bool has_changes() const { return !document_.at("changes").empty(); }
    const nlohmann::json& changes() const { return document_.at("changes"); }
    ExitCode show(Context& context) const;

private:
    nlohmann::json document_;
    std::vector<std::string> lines_;
};

}  // namespace ordersaga::cli
