// Holds each transaction to the sequence of locks that orchestrator/engine/store.hpp writes down: nobody who holds a row waits
// for one before it. The simulated store has no locks to wait for, but it sees every statement of every run.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace ordersaga::sim {

enum class Locked {
    duty_commands = 1,
    duties,
    orders,
    sagas,
    commands,
    stock,
    listings,
    flushes,
    receipts,
    hints,
    waits,
    incidents,
    lanes,
    lane_incidents
};

class LockSequence {
public:
    // Numbers in text sort as numbers do.
    using Key = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::string>;

    explicit LockSequence(std::vector<std::string>& violations) : violations_(violations) {}

    // Waits where another transaction has one of them.
    void wait(Locked table, std::vector<Key> keys, const char* statement) {
        std::sort(keys.begin(), keys.end());
        for (Key& key : keys) {
            std::pair<Locked, Key> row{table, std::move(key)};
            if (held_.count(row) > 0) continue;
            if (!held_.empty() && row < *held_.rbegin())
                violations_.push_back(
                    std::string("lock sequence: ") + statement + " waits for table " + number(table) + " and holds " +
                    number(held_.rbegin()->first));
            held_.insert(std::move(row));
        }
    }
    // Takes what can be had at once.
    void take(Locked table, const std::vector<Key>& keys) {
        for (const Key& key : keys)
            held_.insert({table, key});
    }

private:
    static std::string number(Locked table) { return std::to_string(static_cast<int>(table)); }

    std::vector<std::string>& violations_;
    std::set<std::pair<Locked, Key>> held_;
};

}  // namespace ordersaga::sim
