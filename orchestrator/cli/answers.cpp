#include "orchestrator/cli/answers.hpp"

#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <ostream>

namespace ordersaga::cli {

using nlohmann::json;

ExitCode show_json(Context& context, const json& document) {
    context.world.out << runtime::dump_json(document) << '\n';
    return ExitCode::ok;
}

ExitCode show_rows(Context& context, const std::vector<Column>& columns, const json& rows, const std::string& none) {
    if (context.json) return show_json(context, rows);
    if (rows.empty()) {
        context.world.out << none << '\n';
    } else {
        print_table(context.world.out, columns, rows, context.world.colours);
    }
    return ExitCode::ok;
}

ExitCode show_result(Context& context, const json& answer) {
    if (context.json) return show_json(context, answer);
    std::vector<std::pair<std::string, std::string>> facts;
    for (const char* member : {"subject", "item_id", "result"}) {
        if (answer.contains(member)) facts.emplace_back(member, cell_of(answer.at(member)));
    }
    print_facts(context.world.out, facts, context.world.colours);
    return ExitCode::ok;
}

}  // namespace ordersaga::cli
