#include "orchestrator/cli/stock_import.hpp"

#include "orchestrator/cli/answers.hpp"
#include "orchestrator/cli/csv.hpp"
#include "orchestrator/cli/rest_client.hpp"
#include "orchestrator/cli/table.hpp"
#include "runtime/json.hpp"
#include "runtime/url.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <ostream>
#include <set>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

constexpr std::int64_t most_on_hand = 1'000'000'000;

struct Count {
    std::size_t line = 0;
    std::string sku, warehouse;
    std::int64_t on_hand = 0;
};

using LedgerName = std::pair<std::string, std::string>;  // SKU, warehouse's key

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file.good() && !file.eof()) throw CliError(ExitCode::usage, "cannot read " + printable(path));
    return content;
}

std::string told(const std::string& path, const std::vector<CsvFault>& faults) {
    std::string text;
    for (const CsvFault& fault : faults)
        text += (text.empty() ? "" : "\n") + printable(path) + ":" + std::to_string(fault.line) + ": " +
                printable(fault.message);
    return text;
}

std::vector<Count> read_counts(const std::string& path, const std::set<std::string>& warehouses) {
    CsvTable table = parse_csv(content_of(path), {{"sku", "on_hand"}, {"warehouse"}});
    std::vector<Count> counts;
    std::set<LedgerName> seen;
    const auto fault = [&table](const CsvRow& row, std::string message) {
        table.faults.push_back({row.line, std::move(message)});
    };
    for (const CsvRow& row : table.rows) {
        Count count{row.line, row.at("sku"), row.at("warehouse"), 0};
        const std::string& number = row.at("on_hand");
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), count.on_hand);
        if (error != std::errc{} || end != number.data() + number.size() || count.on_hand < 0 ||
            count.on_hand > most_on_hand)
            fault(row, "on_hand must be a whole number from 0 to " + std::to_string(most_on_hand));
        if (count.sku.empty()) fault(row, "sku is empty");
        if (count.warehouse.empty() && warehouses.size() == 1) count.warehouse = *warehouses.begin();
        if (count.warehouse.empty()) fault(row, "there are several warehouses: name one in the column warehouse");
        if (!seen.emplace(count.sku, count.warehouse).second) fault(row, "this SKU is there twice");
        counts.push_back(std::move(count));
    }
    if (table.faults.empty() && counts.empty()) table.faults.push_back({1, "there is no count in it"});
    if (!table.faults.empty()) throw CliError(ExitCode::usage, told(path, table.faults) + "\nnothing was changed");
    return counts;
}

// What differs, in the file's order; what fits no ledger goes to `unknown`.
json moves_of(const std::vector<Count>& counts, const std::map<LedgerName, json>& ledgers, json& unknown) {
    json moves = json::array();
    for (const Count& count : counts) {
        const auto ledger = ledgers.find({count.sku, count.warehouse});
        if (ledger == ledgers.end()) {
            unknown.push_back({{"line", count.line}, {"sku", count.sku}, {"warehouse", count.warehouse}});
            continue;
        }
        const std::int64_t on_hand = ledger->second.at("on_hand");
        if (on_hand == count.on_hand) continue;
        moves.push_back(
            {{"sku", count.sku},
             {"warehouse", count.warehouse},
             {"on_hand", on_hand},
             {"counted", count.on_hand},
             {"difference", count.on_hand - on_hand},
             {"version", ledger->second.at("version")},
             {"result", "not done"}});
    }
    return moves;
}

std::string list_of(const json& unknown) {
    std::string text;
    for (const json& row : unknown)
        text += "\n  line " + row.at("line").dump() + ": " + printable(row.at("sku").get<std::string>()) + " in '" +
                printable(row.at("warehouse").get<std::string>()) + "'";
    return text;
}

// False: the ledger has moved, or has less available than is to be taken.
bool make_move(RestClient& client, json& move, const std::string& reason) {
    try {
        const json answer = client.post(
            "/stock/" + runtime::percent_encode(move.at("sku").get<std::string>()) + "/adjust",
            {{"warehouse", move.at("warehouse")},
             {"difference", move.at("difference")},
             {"expected_version", move.at("version")},
             {"reason", reason}});
        move["result"] = answer.value("result", json());
        return true;
    } catch (const CliError& refusal) {
        if (refusal.code() != ExitCode::conflict) throw;
        move["result"] = std::string("refused: ") + refusal.what();
        return false;
    }
}

void show_moves(Context& context, const json& moves, const json& unknown) {
    if (context.json) {
        show_json(context, {{"moves", moves}, {"unknown", unknown}});
        return;
    }
    show_rows(
        context,
        {{"SKU", "sku"},
         {"WAREHOUSE", "warehouse"},
         {"ON HAND", "on_hand", true},
         {"COUNTED", "counted", true},
         {"BY", "difference", true},
         {"RESULT", "result"}},
        moves, "the ledgers agree with the file");
    if (!unknown.empty())
        context.world.err << unknown.size() << " rows fit no ledger and were passed over:" << list_of(unknown) << '\n';
}

}  // namespace

ExitCode stock_import_verb(Context& context, const StockImportArguments& arguments) {
    RestClient client(context.settings);
    std::map<LedgerName, json> ledgers;
    std::set<std::string> warehouses;
    for (json& ledger : client.get_items("/stock", {}, std::numeric_limits<std::size_t>::max())) {
        const std::string sku = ledger.at("sku"), warehouse = ledger.at("warehouse");
        warehouses.insert(warehouse);
        ledgers.emplace(LedgerName{sku, warehouse}, std::move(ledger));
    }
    json unknown = json::array();
    json moves = moves_of(read_counts(arguments.file, warehouses), ledgers, unknown);
    if (!unknown.empty() && !arguments.skip_unknown && !arguments.dry_run)
        throw CliError(
            ExitCode::not_found,
            std::to_string(unknown.size()) +
                " rows fit no ledger; nothing was changed (--skip-unknown imports the others):" + list_of(unknown));
    bool all_made = true;
    try {
        for (json& move : moves) {
            if (!arguments.dry_run && !make_move(client, move, arguments.reason)) all_made = false;
        }
    } catch (const CliError&) {
        show_moves(context, moves, unknown);  // what was done before the service failed
        throw;
    }
    show_moves(context, moves, unknown);
    return all_made ? ExitCode::ok : ExitCode::conflict;
}

}  // namespace ordersaga::cli
