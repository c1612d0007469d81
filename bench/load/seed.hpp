// Many sagas that nobody has ordered: copies of orders that the engine has really moved, row by row, under other ids. Blocking.
#pragma once

#include "db/connection.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace ordersaga::bench {

// `count` copies of the orders that are in `state` now, spread over the `days` before now, with all rows that they have left in
// the tables of sagas, orders and stock; then VACUUM ANALYZE, as after a night. Every law that held holds afterwards: each copy
// brings the units that it takes.
//
// What differs from real ones: a copy's webhook has no body and its personal data cannot be opened; and the engine looks at
// open ones in six hours at the earliest, not in half an hour, for the warehouse has never heard of them. Foreign keys are not
// checked. Nothing else may be under way meanwhile. Throws std::runtime_error when no order is in that state.
void seed_sagas(
    db::Connection& database,
    const std::string& state,
    std::int64_t count,
    int days,
    const std::function<void(const std::string&)>& tell);

}  // namespace ordersaga::bench
