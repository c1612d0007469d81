// What has passed and serves nobody any more is dropped: receipts of webhooks, closed commands, closed flushes, settled
// parked items and the addresses of orders that are over, all older than `keep`; and whole months of saga history. Never what a saga that is not over still has, and
// never what waits for a person. Orders, sagas, stock movements and the audit stay. (Public events need no retention: their rows
// go when the broker has confirmed them.)
//
// Safe to repeat and from several programs at once.
#pragma once

#include "db/session.hpp"

#include <chrono>
#include <cstdint>
#include <functional>

namespace ordersaga::db {

struct Retention {
    std::chrono::hours keep{24 * 90};
    int history_months = 0;  // 0: for ever; else at least 3
};

struct Dropped {
    std::int64_t receipts = 0, commands = 0, flushes = 0, parked = 0, addresses = 0, history_months = 0;
    bool any() const { return receipts + commands + flushes + parked + addresses + history_months > 0; }
};

// In steps of at most `step` rows, each in a transaction of its own, so that nobody waits for long; ends early when
// `go_on` says no.
Dropped drop_old(
    Session& session,
    const Retention& retention,
    const std::function<bool()>& go_on,
    std::int64_t step = 1'000);

}  // namespace ordersaga::db
