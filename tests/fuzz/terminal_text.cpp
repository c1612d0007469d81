// What the service and the warehouse answer to sagactl, shown to a person: nothing in it moves the cursor, changes the terminal
// or begins a line of its own.
#include "orchestrator/cli/saga_account.hpp"
#include "orchestrator/cli/table.hpp"
#include "orchestrator/cli/warehouse_answers.hpp"
#include "runtime/json.hpp"
#include "tests/fuzz/target.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>
#include <string>

namespace ordersaga::fuzz {
namespace {

using nlohmann::json;

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void check_shown(const std::string& text) {
    for (const char c : text)
        HOLDS(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    for (std::size_t at = 0; at + 1 < text.size(); ++at)
        HOLDS(text[at] != '\xc2' || static_cast<unsigned char>(text[at + 1]) >= 0xa0);
}

void check_table(const json& rows) {
    std::ostringstream out;
    cli::print_table(
        out, {{"STATE", "state"}, {"ORDER", "order.name"}, {"AGE", "age", true}, {"REASON", "reason"}}, rows, false);
    check_shown(out.str());
    HOLDS(lines_of(out.str()) <= rows.size() + 1);
}

void check_lists(const std::vector<json>& list) {
    const std::vector<cli::Channel> channels = cli::channels_of(list);
    const cli::Channel* channel = cli::writable_channel(channels, "77");
    HOLDS(channel == nullptr || (channel >= channels.data() && channel < channels.data() + channels.size()));
    HOLDS(cli::active_ship_methods(list).size() <= list.size());
    const auto plan = cli::compare_webhooks(list, "https://hooks.example/webhooks/shipbob/main");
    HOLDS(plan.remove.size() <= list.size());
    for (const cli::WarehouseItem& item : cli::items_of(list))
        HOLDS(!item.sku.empty());
}

}  // namespace

void one_input(std::string_view input) {
    check_shown(cli::printable(input));
    HOLDS(lines_of(cli::printable(input)) == 0);
    HOLDS(lines_of(cli::printable(cli::moment_of(std::string(input)))) == 0);
    const auto document = runtime::parse_json(input);
    if (!document) return;
    std::ostringstream out;
    const auto facts = cli::account_of(*document);
    cli::print_facts(out, facts, false);
    check_shown(out.str());
    HOLDS(lines_of(out.str()) <= facts.size());
    check_shown(cli::cell_of(*document));
    const json rows = document->is_array() ? *document : json::array({*document});
    check_table(rows);
    check_lists(std::vector<json>(rows.begin(), rows.end()));
}

}  // namespace ordersaga::fuzz
