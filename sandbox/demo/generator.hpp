// Which orders the demo's customers place, and what they think of later. Pure and seeded: the same sizes and seed
// give the same plan, so a run can be repeated.
#pragma once

#include "runtime/random.hpp"
#include "sandbox/demo/catalogue.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ordersaga::demo {

enum class Change {
    none,
    cancel_at_once,         // before anything was asked of the warehouse
    cancel_when_requested,  // as soon as the warehouse has it, before it is picked
    pay_later,
    edit_up,      // one more of the first line
    edit_down,    // one fewer
    refund_part,  // one unit of the first line, given back to stock
};
std::string name_of(Change change);

struct PlannedLine {
    std::string sku;
    std::int64_t quantity = 1;
};

struct PlannedOrder {
    std::size_t shop = 0;  // index in the catalogue
    std::vector<PlannedLine> lines;
    bool oversell = false;  // the store sells on below zero
    Change change = Change::none;
    std::int64_t change_after_ms = 0;
};

// Orders of one moment: the shops take them before anybody can tell them of each other.
using Moment = std::vector<PlannedOrder>;

// `orders` orders in all. Races for a scarce article are moments of one order per shop; what was planned for a scarce
// article that a shop does not show any more is asked again as ordinary_order().
std::vector<Moment> plan_orders(const Catalogue& catalogue, std::int64_t orders, std::uint64_t seed);

// One line of a plentiful article, nothing special.
PlannedOrder ordinary_order(const Catalogue& catalogue, std::size_t shop, runtime::Random& random);

}  // namespace ordersaga::demo
