// What the ways to decide an order are measured on: a database of its own with one row of stock per SKU and one row per
// granted line, and orders that want a unit of one or of several SKUs.
#pragma once

#include "bench/own_database.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace ordersaga::bench {

// Every line wants one unit. The SKUs are distinct and in the sequence in which the customer named them.
struct Order {
    std::int64_t order_id = 0;
    std::vector<std::int64_t> skus;
};

// The shape of the demand: orders of `lines` units out of `skus` SKUs, all alike.
struct Demand {
    std::string name;
    int skus = 1;
    int lines = 1;
};

class OrderSource {
public:
    OrderSource(const Demand& demand, std::uint32_t seed, std::atomic<std::int64_t>& next_order)
        : demand_(demand), random_(seed), next_order_(next_order) {}

    Order next();

private:
    const Demand& demand_;
    std::minstd_rand random_;
    std::atomic<std::int64_t>& next_order_;
};

// One thread.
class Shop {
public:
    explicit Shop(const std::string& admin_dsn);

    // As if nobody had bought anything yet.
    void restock(int skus, std::int64_t units);
    std::int64_t granted();
    std::unique_ptr<db::Connection> connect() const { return database_.connect(); }

private:
    OwnDatabase database_;
    std::unique_ptr<db::Connection> connection_;
};

}  // namespace ordersaga::bench
