// Who buys what: the fixed load of the benchmarks. Pure and seeded: the same seed gives the same orders in the same sequence.
#pragma once

#include "runtime/random.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::bench {

struct Demand {
    std::size_t stores = 4;
    std::size_t skus = 1000;
    double zipf = 1.0;         // exponent of the articles' popularity; 0: all alike
    double second_line = 0.3;  // share of orders with one line more than lines_min
    std::size_t lines_min = 1;
    std::size_t lines_max = 2;   // with more than lines_min + 1, the number of lines is drawn evenly between both
    double twice = 0.02;         // share of webhooks that come a second time
    double cancelled = 0.01;     // share of orders that the buyer cancels some seconds later
    double of_first_store = -1;  // share of the first store; negative: all alike
    bool oversell = false;       // the shops sell beyond what they show
};

struct Purchase {
    std::size_t store = 0;
    std::vector<std::pair<std::string, std::int64_t>> lines;  // SKU, units
    bool twice = false;
    bool cancelled = false;
    double later_s = 0;  // after which the second webhook or the cancel comes
};

// The n-th article, from 0.
std::string sku_number(std::size_t n);

class Buyers {
public:
    Buyers(Demand demand, std::uint64_t seed);

    Purchase next();
    [[nodiscard]] const Demand& demand() const { return demand_; }
    // From the next purchase on; negative: all alike.
    void prefer_first_store(double share) { demand_.of_first_store = share; }

private:
    double draw_share();  // from 0 to 1, without 1
    std::size_t draw_article();

    Demand demand_;
    runtime::SeededRandom random_;
    std::vector<double> reach_;  // of each article: the share of it and all more popular ones
};

}  // namespace ordersaga::bench
