#include "orchestrator/cli/connect_report.hpp"

#include "orchestrator/cli/answers.hpp"
#include "orchestrator/cli/table.hpp"

#include <ostream>

namespace ordersaga::cli {

using nlohmann::json;

ConnectReport::ConnectReport(const std::string& subject, bool dry_run)
    : document_{{"subject", subject},     {"dry_run", dry_run},         {"changes", json::array()},
                {"files", json::array()}, {"decisions", json::array()}, {"problems", json::array()}} {}

void ConnectReport::found(const std::string& part, json content, const std::string& line) {
    document_[part] = std::move(content);
    lines_.push_back(line);
}

void ConnectReport::changed(const std::string& what) {
    document_["changes"].push_back(what);
}

void ConnectReport::problem(const std::string& text) {
    document_["problems"].push_back(text);
}

void ConnectReport::decisions(const std::vector<ToDecide>& decisions) {
    for (const ToDecide& one : decisions)
        document_["decisions"].push_back(
            {{"sku", one.sku}, {"id", one.id}, {"title", one.title}, {"reason", one.reason}});
}

void ConnectReport::added(const GoodsFile& file, std::size_t rows) {
    document_["files"].push_back({{"file", file.path().string()}, {"rows", rows}});
}

ExitCode ConnectReport::show(Context& context) const {
    const json& problems = document_.at("problems");
    const ExitCode code = problems.empty() ? ExitCode::ok : ExitCode::refused;
    if (context.json) {
        show_json(context, document_);
        return code;
    }
    std::ostream& out = context.world.out;
    const bool dry_run = document_.at("dry_run");
    for (const std::string& line : lines_)
        out << printable(line) << '\n';
    for (const json& change : document_.at("changes"))
        out << (dry_run ? "would be changed: " : "changed: ") << cell_of(change) << '\n';
    for (const json& file : document_.at("files"))
        out << cell_of(file.at("file")) << ": " << cell_of(file.at("rows"))
            << (dry_run ? " rows would be written\n" : " rows written\n");
    if (const json& decisions = document_.at("decisions"); !decisions.empty()) {
        out << "to be decided by you:\n";
        print_table(
            out, {{"SKU", "sku"}, {"ID", "id"}, {"TITLE", "title"}, {"WHY", "reason"}}, decisions,
            context.world.colours);
    }
    for (const json& problem : problems)
        out << "to be mended: " << cell_of(problem) << '\n';
    if (problems.empty()) out << cell_of(document_.at("subject")) << " is connected\n";
    return code;
}

}  // namespace ordersaga::cli
