#include "bench/load/buyers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ordersaga::bench {

std::string sku_number(std::size_t n) {
    return fmt::format("ART-{:04}", n + 1);
}

Buyers::Buyers(Demand demand, std::uint64_t seed) : demand_(demand), random_(seed) {
    double sum = 0;
    for (std::size_t n = 0; n < demand_.skus; ++n)
        reach_.push_back(sum += 1 / std::pow(static_cast<double>(n + 1), demand_.zipf));
    for (double& reach : reach_)
        reach /= sum;
}

double Buyers::draw_share() {
    constexpr std::uint64_t steps = 1ULL << 53;
    return static_cast<double>(random_.below(steps)) / static_cast<double>(steps);
}

std::size_t Buyers::draw_article() {
    const double at = draw_share();
    const auto found = std::lower_bound(reach_.begin(), reach_.end(), at);
    return std::min(static_cast<std::size_t>(found - reach_.begin()), reach_.size() - 1);
}

Purchase Buyers::next() {
    Purchase purchase;
    if (demand_.of_first_store < 0) {
        purchase.store = random_.below(demand_.stores);
    } else if (!random_.chance(demand_.of_first_store) && demand_.stores > 1) {
        purchase.store = 1 + random_.below(demand_.stores - 1);
    }
    std::size_t lines = demand_.lines_min;
    if (demand_.lines_max > demand_.lines_min + 1) {
        lines += random_.below(demand_.lines_max - demand_.lines_min + 1);
    } else if (demand_.lines_max > demand_.lines_min && random_.chance(demand_.second_line)) {
        ++lines;
    }
    while (purchase.lines.size() < std::min(lines, demand_.skus)) {
        const std::string sku = sku_number(draw_article());
        const bool has = std::any_of(
            purchase.lines.begin(), purchase.lines.end(), [&](const auto& line) { return line.first == sku; });
        if (!has) purchase.lines.emplace_back(sku, 1);
    }
    purchase.twice = random_.chance(demand_.twice);
    purchase.cancelled = random_.chance(demand_.cancelled);
    purchase.later_s = 0.05 + 3 * draw_share();
    return purchase;
}

}  // namespace ordersaga::bench
