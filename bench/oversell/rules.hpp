// The ways to decide whether an order gets its units. Each decides a list of orders in as many transactions as its nature
// asks for, and writes the same rows: the stock it took and one grant per line.
#pragma once

#include "bench/oversell/shop.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace ordersaga::bench {

// What one worker has seen. Orders are decided whether they were granted or refused.
struct Tally {
    std::int64_t decided = 0;
    std::int64_t granted = 0;
    std::int64_t repeated = 0;  // transactions done again: a conflict, a deadlock, a version that had moved
};

// Whom a rule asks that has no stock of its own: it answers after a while, and counts what was ordered from it.
struct Warehouse {
    std::chrono::milliseconds round_trip{50};
    std::atomic<std::int64_t> units{0};
};

using Rule = void (*)(db::Connection&, const std::vector<Order>&, Warehouse&, Tally&);

struct NamedRule {
    const char* name;
    Rule decide;
    bool batches;       // one connection that takes many orders at a time, instead of many that take one
    bool may_oversell;  // shown, not recommended
};

const std::vector<NamedRule>& rules();

}  // namespace ordersaga::bench
