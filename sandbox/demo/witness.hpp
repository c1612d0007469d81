// The account's independent half: what must have happened, from the orders that the demo placed and from what the
// sandbox saw. Nothing here was ever told by the system under test. Pure.
#pragma once

#include "sandbox/demo/catalogue.hpp"
#include "sandbox/demo/generator.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::demo {

// An order that a shop has taken.
struct PlacedOrder {
    PlannedOrder plan;
    std::string order_id;  // in its store
    std::string name;      // "#1001"

    [[nodiscard]] std::string subject(const Catalogue& catalogue) const {
        return catalogue.shops.at(plan.shop).key + " " + name;
    }
    [[nodiscard]] std::string key(const Catalogue& catalogue) const {
        return catalogue.shops.at(plan.shop).key + "." + order_id;
    }
};

// What the sandbox says, read once everything is over.
struct Testimony {
    // "<store key>.<order id>" → the order as GET /control/stores/{domain}/orders tells it.
    std::map<std::string, nlohmann::json> store_orders;
    // Of GET /control/warehouses/{name}/orders.
    std::vector<nlohmann::json> warehouse_orders;
    // Of GET /control/ledger.
    std::vector<nlohmann::json> effects;
    // SKU → what can still be sold, and store key → SKU → what the store shows.
    std::map<std::string, std::int64_t> fulfillable;
    std::map<std::string, std::map<std::string, std::int64_t>> shown;
};

struct Judgement {
    std::int64_t fulfillments_expected = 0;
    std::int64_t fulfillments_live = 0;         // order parts with an uncancelled order in the warehouse
    std::int64_t refused_after_sale = 0;        // taken by a store, refused by the ledger: held there for want of stock
    std::vector<std::string> mismatches;        // orders that have a fulfilment and should not, or the other way round
    std::vector<std::string> unequal_listings;  // "blue LIMITED-01 shows 1, should show 0"
    std::vector<std::string> untold_stores;     // shipped, and the store does not say so
};

// "blue.1234.1.2" → "blue.1234".
std::string order_of_reference(const std::string& reference);

// How many orders of a scarce article can be granted follows from its stock, whoever of them it is.
Judgement judge(const Catalogue& catalogue, const std::vector<PlacedOrder>& placed, const Testimony& testimony);

// Milliseconds from an order's creation in the store to its first creation in the warehouse, both by the sandbox's
// clock; without orders that waited for money or for a restock.
std::vector<double> request_latencies(
    const Catalogue& catalogue,
    const std::vector<PlacedOrder>& placed,
    const std::vector<nlohmann::json>& effects);

// The value below which `share` of all lie (nearest rank); 0 of none.
double percentile(std::vector<double> values, double share);

}  // namespace ordersaga::demo
