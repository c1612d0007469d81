// The orders that stand at a warehouse, whoever put them there: read by sagactl itself, page by page, without changing anything.
#pragma once

#include "db/health.hpp"
#include "runtime/clock.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::cli {

// One page of the warehouse's list of orders; nullopt when it is none. Pure.
std::optional<std::vector<db::StandingOrder>> read_standing_orders(std::string_view body);

struct StandingOrders {
    std::vector<db::StandingOrder> orders;
    bool all = true;     // false: there are more than we ask for
    std::string unread;  // why they could not be read; empty: they were
};
// Of all channels, changed since then; at most twenty pages of 250.
StandingOrders fetch_standing_orders(
    const db::CalledWarehouse& warehouse,
    const std::string& token,
    runtime::Instant since);

}  // namespace ordersaga::cli
