#include "bench/oversell/rules.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <thread>

namespace ordersaga::bench {

namespace {

using db::Connection;
using db::Parameter;
using db::Rows;
using db::Transaction;

// Leaves a transaction without a commit: refused, or to be done again.
struct Refused {};
struct Moved {};

std::vector<std::int64_t> sorted(std::vector<std::int64_t> skus) {
    std::sort(skus.begin(), skus.end());
    return skus;
}

void write_grants(
    Transaction& transaction,
    const std::vector<std::int64_t>& orders,
    const std::vector<std::int64_t>& skus) {
    transaction.query(
        "INSERT INTO grants (order_id, sku_id, quantity) SELECT o, s, 1 FROM unnest($1::bigint[], $2::bigint[]) g (o, "
        "s)",
        {orders, skus});
}

void write_grants(Transaction& transaction, const Order& order) {
    write_grants(transaction, std::vector<std::int64_t>(order.skus.size(), order.order_id), order.skus);
}

// Work that the database or the rule may ask to do again, until it is decided.
template <class Work>
void decide_one(Connection& connection, Tally& tally, const Work& work) {
    thread_local std::minstd_rand random{std::random_device{}()};
    for (int attempt = 1;; ++attempt) {
        try {
            connection.transact(work);
            tally.granted += 1;
            break;
        } catch (const Refused&) {
            break;
        } catch (const Moved&) {
            tally.repeated += 1;
        } catch (const db::Retryable&) {
            tally.repeated += 1;
        }
        // Without a pause of random length the same ones collide again.
        std::uniform_int_distribution<int> microseconds(0, 200 << std::min(attempt, 7));
        std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
    }
    tally.decided += 1;
}

// --- ways that oversell --------------------------------------------------------------------------------

// Decides by a copy of the warehouse's figure that is refreshed now and then, and writes no stock of its own.
void by_mirror(Connection& connection, const std::vector<Order>& orders, Warehouse&, Tally& tally) {
    for (const Order& order : orders) {
        decide_one(connection, tally, [&](Transaction& transaction) {
            const Rows enough = transaction.query(
                "SELECT bool_and(shown >= 1) FROM stock WHERE sku_id = ANY ($1::bigint[])", {order.skus});
            if (!enough.boolean(0, 0)) throw Refused{};
            write_grants(transaction, order);
        });
    }
}

// Asks the warehouse for its figure before each promise, and orders there after it. What others do in between is unseen.
void by_asking(Connection& connection, const std::vector<Order>& orders, Warehouse& warehouse, Tally& tally) {
    for (const Order& order : orders) {
        std::this_thread::sleep_for(warehouse.round_trip);
        const bool enough = warehouse.units.load() >= static_cast<std::int64_t>(order.skus.size());
        decide_one(connection, tally, [&](Transaction& transaction) {
            if (!enough) throw Refused{};
            write_grants(transaction, order);
        });
        if (!enough) continue;
        std::this_thread::sleep_for(warehouse.round_trip);
        warehouse.units.fetch_sub(static_cast<std::int64_t>(order.skus.size()));
    }
}

// --- ways that hold, one order per transaction ---------------------------------------------------------

void take_locked(Transaction& transaction, const Order& order) {
    const Rows locked = transaction.query(
        "SELECT available FROM stock WHERE sku_id = ANY ($1::bigint[]) ORDER BY sku_id FOR NO KEY UPDATE",
        {order.skus});
    for (std::size_t row = 0; row < locked.size(); ++row) {
        if (locked.int64(row, 0) < 1) throw Refused{};
    }
    transaction.query(
        "UPDATE stock SET available = available - 1, version = version + 1 WHERE sku_id = ANY ($1::bigint[])",
        {order.skus});
    write_grants(transaction, order);
}

void by_row_lock(Connection& connection, const std::vector<Order>& orders, Warehouse&, Tally& tally) {
    for (const Order& order : orders) {
        decide_one(connection, tally, [&](Transaction& transaction) { take_locked(transaction, order); });
    }
}

void by_serializable(Connection& connection, const std::vector<Order>& orders, Warehouse&, Tally& tally) {
    for (const Order& order : orders) {
        decide_one(connection, tally, [&](Transaction& transaction) {
            transaction.query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
            take_locked(transaction, order);
        });
    }
}

// Reads without a lock; the update counts only if nobody has written since.
void by_version(Connection& connection, const std::vector<Order>& orders, Warehouse&, Tally& tally) {
    for (const Order& order : orders) {
        const std::vector<std::int64_t> skus = sorted(order.skus);
        decide_one(connection, tally, [&](Transaction& transaction) {
            const Rows read = transaction.query(
                "SELECT available, version FROM stock WHERE sku_id = ANY ($1::bigint[]) ORDER BY sku_id", {skus});
            for (std::size_t row = 0; row < read.size(); ++row) {
                if (read.int64(row, 0) < 1) throw Refused{};
            }
            for (std::size_t row = 0; row < read.size(); ++row) {
                const std::int64_t changed = transaction.execute(
                    "UPDATE stock SET available = available - 1, version = version + 1 "
                    "WHERE sku_id = $1::bigint AND version = $2::bigint",
                    {skus[row], read.int64(row, 1)});
                if (changed != 1) throw Moved{};
            }
            write_grants(transaction, order);
        });
    }
}

void take_guarded(Transaction& transaction, const Order& order, const std::vector<std::int64_t>& skus) {
    for (const std::int64_t sku : skus) {
        const std::int64_t changed = transaction.execute(
            "UPDATE stock SET available = available - 1, version = version + 1 "
            "WHERE sku_id = $1::bigint AND available >= 1",
            {sku});
        if (changed != 1) throw Refused{};
    }
    write_grants(transaction, order);
}

void by_guard(Connection& connection, const std::vector<Order>& orders, Warehouse&, Tally& tally) {
    for (const Order& order : orders) {
        decide_one(
            connection, tally, [&](Transaction& transaction) { take_guarded(transaction, order, sorted(order.skus)); });
    }
}

// The same in the customer's sequence: correct, and two orders that cross wait for the deadlock detector.
void by_guard_unsorted(Connection& connection, const std::vector<Order>& orders, Warehouse&, Tally& tally) {
    for (const Order& order : orders) {
        decide_one(connection, tally, [&](Transaction& transaction) { take_guarded(transaction, order, order.skus); });
    }
}

// --- the product's way ---------------------------------------------------------------------------------

// All rows locked at once and sorted, decided in memory in the sequence of arrival, written set-wise.
void by_batch(Connection& connection, const std::vector<Order>& orders, Warehouse&, Tally& tally) {
    std::set<std::int64_t> wanted;
    for (const Order& order : orders)
        wanted.insert(order.skus.begin(), order.skus.end());
    const std::vector<std::int64_t> skus(wanted.begin(), wanted.end());
    std::int64_t granted = 0;
    connection.transact([&](Transaction& transaction) {
        std::map<std::int64_t, std::int64_t> available;
        const Rows locked = transaction.query(
            "SELECT sku_id, available FROM stock WHERE sku_id = ANY ($1::bigint[]) ORDER BY sku_id FOR NO KEY UPDATE",
            {skus});
        for (std::size_t row = 0; row < locked.size(); ++row)
            available[locked.int64(row, 0)] = locked.int64(row, 1);
        std::vector<std::int64_t> grant_orders, grant_skus, moved, left;
        for (const Order& order : orders) {
            const bool enough = std::all_of(
                order.skus.begin(), order.skus.end(), [&](std::int64_t sku) { return available[sku] >= 1; });
            if (!enough) continue;
            granted += 1;
            for (const std::int64_t sku : order.skus) {
                available[sku] -= 1;
                grant_orders.push_back(order.order_id);
                grant_skus.push_back(sku);
            }
        }
        for (const auto& [sku, units] : available) {
            moved.push_back(sku);
            left.push_back(units);
        }
        transaction.query(
            "UPDATE stock SET available = new.available, version = version + 1 "
            "FROM unnest($1::bigint[], $2::bigint[]) new (sku_id, available) WHERE stock.sku_id = new.sku_id",
            {moved, left});
        write_grants(transaction, grant_orders, grant_skus);
    });
    tally.granted += granted;
    tally.decided += static_cast<std::int64_t>(orders.size());
}

}  // namespace

const std::vector<NamedRule>& rules() {
    static const std::vector<NamedRule> all{
        {"mirror of the warehouse", by_mirror, false, true},
        {"synchronous check", by_asking, false, true},
        {"row lock (FOR UPDATE)", by_row_lock, false, false},
        {"SERIALIZABLE, FOR UPDATE", by_serializable, false, false},
        {"version column", by_version, false, false},
        {"guarded update", by_guard, false, false},
        {"guarded update, unsorted", by_guard_unsorted, false, false},
        {"batches", by_batch, true, false},
    };
    return all;
}

}  // namespace ordersaga::bench
