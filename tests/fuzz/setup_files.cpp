// The files of `sagactl setup`: TOML, then skus, bundles, listings and opening stock as CSV. Every fault names its place, and a
// plan without faults keeps the rules that the database would else have to defend.
#include "orchestrator/cli/setup_file.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace ordersaga::fuzz {
namespace {

using cli::CsvRow;

void check_csv(std::string_view text, const cli::CsvColumns& columns) {
    const cli::CsvTable table = cli::parse_csv(text, columns, 100);
    HOLDS(table.rows.size() <= 100);
    for (const cli::CsvFault& fault : table.faults)
        HOLDS(fault.line >= 1 && !fault.message.empty());
    if (!table.faults.empty()) return;
    const std::string printed = cli::format_csv(table.columns, table.rows);
    const cli::CsvTable again = cli::parse_csv(printed, columns, 100);
    HOLDS(again.faults.empty() && again.columns == table.columns && again.rows.size() == table.rows.size());
    for (std::size_t i = 0; i < table.rows.size(); ++i)
        HOLDS(again.rows[i].cells == table.rows[i].cells);
    HOLDS(cli::format_csv(again.columns, again.rows) == printed);
}

void check_plan(const db::SetupPlan& plan) {
    std::set<std::string> warehouses, stores, skus;
    for (const auto& warehouse : plan.warehouses) {
        HOLDS(!warehouse.key.empty() && warehouse.key.size() <= 31 && warehouses.insert(warehouse.key).second);
        HOLDS(warehouse.base_url.starts_with("http") && warehouse.token_ref.find(':') != std::string::npos);
    }
    for (const auto& store : plan.stores) {
        HOLDS(!store.key.empty() && stores.insert(store.key).second && warehouses.contains(store.warehouse));
        HOLDS(store.shop_domain.ends_with(".myshopify.com"));
        HOLDS(!store.location_id.empty() && store.location_id.find_first_not_of("0123456789") == std::string::npos);
        HOLDS(!store.webhook_secret_refs.empty() && store.channel_wait_ms >= 0 && store.hold_expiry_ms > 0);
    }
    for (const auto& sku : plan.skus)
        HOLDS(!sku.sku.empty() && !has_control(sku.sku) && sku.buffer >= 0 && skus.insert(sku.sku).second);
    for (const auto& part : plan.bundles)
        HOLDS(skus.contains(part.bundle_sku) && skus.contains(part.component_sku) && part.quantity >= 1);
    for (const auto& listing : plan.listings)
        HOLDS(stores.contains(listing.store) && skus.contains(listing.sku) && !listing.location_id.empty());
    for (const auto& opening : plan.opening_stock)
        HOLDS(skus.contains(opening.sku) && warehouses.contains(opening.warehouse) && opening.quantity >= 0);
}

}  // namespace

void one_input(std::string_view input) {
    const auto parts = sections(input, 5);
    const cli::SetupFile setup = cli::read_setup_text(parts[0], [&](const std::string& path) {
        const std::string names[] = {"skus.csv", "bundles.csv", "listings.csv", "opening.csv"};
        const auto* const found = std::find(std::begin(names), std::end(names), path);
        return found == std::end(names) ? std::optional<std::string>()
                                        : std::string(parts[static_cast<std::size_t>(found - std::begin(names)) + 1]);
    });
    for (const runtime::ConfigFault& fault : setup.faults)
        HOLDS(!fault.where.empty() && !fault.message.empty());
    if (setup.faults.empty()) check_plan(setup.plan);
    check_csv(parts[1], cli::columns_of_skus());
    check_csv(parts[3], cli::columns_of_listings());
    check_csv(parts[4], {{"sku"}, {}});
}

}  // namespace ordersaga::fuzz
