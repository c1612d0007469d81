#include "sandbox/demo/witness.hpp"

#include "runtime/clock.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

namespace ordersaga::demo {
namespace {

using nlohmann::json;

struct Fulfilments {
    std::map<std::string, std::set<std::string>> live_parts;  // order → parts with an uncancelled warehouse order
    std::map<std::string, std::map<std::string, std::int64_t>> units;  // order → SKU → units of its live parts
    std::set<std::string> shipped;                                     // orders of which something has left
    std::int64_t parts = 0;
};

Fulfilments fulfilments_of(const Testimony& testimony) {
    Fulfilments all;
    for (const json& order : testimony.warehouse_orders) {
        if (order.at("status") == "Cancelled") continue;
        const std::string reference = order.at("reference");
        const bool fresh =
            all.live_parts[order_of_reference(reference)].insert(reference.substr(0, reference.rfind('.'))).second;
        all.parts += fresh ? 1 : 0;
        for (const json& line : order.value("lines", json::array()))
            all.units[order_of_reference(reference)][line.at("sku")] += line.at("quantity").get<std::int64_t>();
    }
    for (const json& effect : testimony.effects) {
        if (effect.at("kind") == "shipment_shipped") all.shipped.insert(order_of_reference(effect.at("reference")));
    }
    return all;
}

std::string scarce_sku(const Catalogue& catalogue, const PlannedOrder& order) {
    for (const PlannedLine& line : order.lines) {
        const Article* article = catalogue.find(line.sku);
        if (article != nullptr && article->kind == ArticleKind::scarce) return line.sku;
    }
    return {};
}

// How many units the store's order wants of each stocked SKU that the warehouse's orders for it do not have. More than it
// wants is no fault: what is taken off an order may come too late.
std::int64_t units_missing(
    const Catalogue& catalogue,
    const json& store_order,
    std::map<std::string, std::int64_t> has) {
    std::int64_t missing = 0;
    for (const json& line : store_order.value("lines", json::array())) {
        const Article* article = line.at("sku").is_string() ? catalogue.find(line.at("sku")) : nullptr;
        if (article == nullptr) continue;
        std::vector<std::pair<std::string, std::int64_t>> stocked = article->parts;
        if (stocked.empty()) stocked.emplace_back(article->sku, 1);
        for (const auto& [sku, per_unit] : stocked) {
            has[sku] -= line.at("current_quantity").get<std::int64_t>() * per_unit;
            missing += std::max<std::int64_t>(0, -has[sku]);
            has[sku] = std::max<std::int64_t>(0, has[sku]);
        }
    }
    return missing;
}

bool was_refused(const json& store_order) {
    return store_order.value("held", false);
}

void compare_listings(const Catalogue& catalogue, const Testimony& testimony, Judgement& judgement) {
    const auto should = shown_in_stores(catalogue, testimony.fulfillable);
    for (const Shop& shop : catalogue.shops) {
        const auto store = testimony.shown.find(shop.key);
        for (const auto& [sku, units] : should) {
            const bool known = store != testimony.shown.end() && store->second.contains(sku);
            const std::int64_t shows = known ? store->second.at(sku) : -1;
            if (known && shows == units) continue;
            judgement.unequal_listings.push_back(
                shop.key + " " + sku + " shows " + std::to_string(shows) + ", should show " + std::to_string(units));
        }
    }
}

}  // namespace

std::string order_of_reference(const std::string& reference) {
    const std::size_t first = reference.find('.');
    const std::size_t second = first == std::string::npos ? first : reference.find('.', first + 1);
    return reference.substr(0, second);
}

Judgement judge(const Catalogue& catalogue, const std::vector<PlacedOrder>& placed, const Testimony& testimony) {
    Judgement judgement;
    Fulfilments fulfilments = fulfilments_of(testimony);
    judgement.fulfillments_live = fulfilments.parts;
    std::map<std::string, std::int64_t> wanted;  // scarce SKU → orders
    std::map<std::string, std::int64_t> granted;
    for (const PlacedOrder& order : placed) {
        const std::string key = order.key(catalogue);
        const auto found = testimony.store_orders.find(key);
        const json store_order = found == testimony.store_orders.end() ? json::object() : found->second;
        const bool live = fulfilments.live_parts.contains(key);
        judgement.refused_after_sale += was_refused(store_order) ? 1 : 0;
        if (live && was_refused(store_order))
            judgement.mismatches.push_back(order.subject(catalogue) + ": refused in the store, yet in the warehouse");
        const bool left = fulfilments.shipped.contains(key);
        if (left && !store_order.value("cancelled", false) &&
            store_order.value("fulfillments", json::array()).empty()) {
            judgement.untold_stores.push_back(order.subject(catalogue));
        }
        const std::string scarce = scarce_sku(catalogue, order.plan);
        if (!scarce.empty()) {
            ++wanted[scarce];
            granted[scarce] += live ? 1 : 0;
            continue;
        }
        // A cancelled order is in the warehouse only if it had left before anybody could stop it.
        const bool expected = store_order.value("cancelled", false) ? left : true;
        // What was added too late for the first fulfilment goes out with one of its own.
        const auto parts = live ? static_cast<std::int64_t>(fulfilments.live_parts.at(key).size()) : 1;
        judgement.fulfillments_expected += expected ? parts : 0;
        if (expected && live && !store_order.value("cancelled", false)) {
            const std::int64_t missing = units_missing(catalogue, store_order, fulfilments.units[key]);
            if (missing > 0)
                judgement.mismatches.push_back(
                    order.subject(catalogue) + ": " + std::to_string(missing) +
                    " units of it never reached the warehouse");
        }
        if (expected != live) {
            judgement.mismatches.push_back(
                order.subject(catalogue) +
                (expected ? ": never reached the warehouse" : ": cancelled, yet alive in the warehouse"));
        }
    }
    for (const auto& [sku, orders] : wanted) {
        const std::int64_t can = std::min(orders, catalogue.find(sku)->stock);
        judgement.fulfillments_expected += can;
        if (granted[sku] != can) {
            judgement.mismatches.push_back(
                sku + ": " + std::to_string(granted[sku]) + " of " + std::to_string(orders) +
                " orders in the warehouse, stock for " + std::to_string(can));
        }
    }
    compare_listings(catalogue, testimony, judgement);
    return judgement;
}

std::vector<double> request_latencies(
    const Catalogue& catalogue,
    const std::vector<PlacedOrder>& placed,
    const std::vector<json>& effects) {
    std::set<std::string> counted;
    for (const PlacedOrder& order : placed) {
        const Article* article = catalogue.find(order.plan.lines.front().sku);
        const bool waits =
            order.plan.change == Change::pay_later || (article != nullptr && article->kind == ArticleKind::backorder);
        if (!waits) counted.insert(order.key(catalogue));
    }
    std::map<std::string, std::string> key_of_domain;
    for (const Shop& shop : catalogue.shops)
        key_of_domain["shopify:" + shop.domain] = shop.key;
    std::map<std::string, runtime::Instant> created;
    std::vector<double> latencies;
    for (const json& effect : effects) {
        const std::string kind = effect.at("kind");
        if (kind != "order_created" && kind != "warehouse_order_created") continue;
        const auto at = runtime::parse_rfc3339(effect.at("at").get<std::string>());
        if (!at) continue;
        const std::string reference = effect.at("reference");
        if (kind == "order_created") {
            created.emplace(key_of_domain[effect.at("peer").get<std::string>()] + "." + reference, *at);
            continue;
        }
        const std::string key = order_of_reference(reference);
        const auto begun = created.find(key);
        if (begun == created.end() || !counted.contains(key)) continue;
        latencies.push_back(std::chrono::duration<double, std::milli>(*at - begun->second).count());
        created.erase(begun);  // only the first generation
    }
    return latencies;
}

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const double rank = std::ceil(share * static_cast<double>(values.size()));
    return values[std::min(values.size(), static_cast<std::size_t>(std::max(rank, 1.0))) - 1];
}

}  // namespace ordersaga::demo
