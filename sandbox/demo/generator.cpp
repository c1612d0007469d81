#include "sandbox/demo/generator.hpp"

#include <algorithm>
#include <utility>

namespace ordersaga::demo {
namespace {

using runtime::Random;

std::size_t pick(Random& random, std::size_t count) {
    return static_cast<std::size_t>(random.below(count));
}

std::int64_t small_quantity(Random& random) {
    return 1 + static_cast<std::int64_t>(random.below(3));
}

PlannedOrder with_two_lines(const Catalogue& catalogue, std::size_t shop, Random& random) {
    const std::vector<std::string> plenty = catalogue.skus_of(ArticleKind::plentiful);
    const std::size_t first = pick(random, plenty.size());
    const std::size_t second = (first + 1 + pick(random, plenty.size() - 1)) % plenty.size();
    PlannedOrder order;
    order.shop = shop;
    order.lines = {{plenty[first], small_quantity(random)}, {plenty[second], small_quantity(random)}};
    return order;
}

PlannedOrder of_one(std::size_t shop, const std::string& sku, bool oversell) {
    PlannedOrder order;
    order.shop = shop;
    order.lines = {{sku, 1}};
    order.oversell = oversell;
    return order;
}

// Only orders whose goods are plentiful change their mind, so that what the others may expect stays simple to tell.
void maybe_change(PlannedOrder& order, Random& random) {
    const double chance = random.unit();
    order.change_after_ms = 200 + static_cast<std::int64_t>(random.below(1'500));
    if (chance < 0.04) {
        order.change = Change::cancel_at_once;
        order.change_after_ms = 0;
    } else if (chance < 0.08) {
        order.change = Change::cancel_when_requested;
        order.change_after_ms = 0;
    } else if (chance < 0.12) {
        order.change = Change::pay_later;
    } else if (chance < 0.135) {
        order.change = Change::edit_up;
    } else if (chance < 0.15 && order.lines.front().quantity > 1) {
        order.change = Change::edit_down;
    } else if (chance < 0.17 && order.lines.front().quantity > 1) {
        order.change = Change::refund_part;
    }
}

PlannedOrder anyone(const Catalogue& catalogue, std::size_t shop, Random& random) {
    const std::vector<std::string> soon = catalogue.skus_of(ArticleKind::backorder);
    const std::vector<std::string> bundles = catalogue.skus_of(ArticleKind::bundle);
    const double chance = random.unit();
    if (chance < 0.06 && !soon.empty()) return of_one(shop, soon[pick(random, soon.size())], true);
    PlannedOrder order;
    if (chance < 0.16 && !bundles.empty()) {
        order = of_one(shop, bundles[pick(random, bundles.size())], false);
    } else if (chance < 0.32) {
        order = with_two_lines(catalogue, shop, random);
    } else {
        order = ordinary_order(catalogue, shop, random);
    }
    maybe_change(order, random);
    return order;
}

// Everybody wants the same scarce thing in the same second: as often as it takes to sell it out and once more.
std::vector<Moment> races(const Catalogue& catalogue, Random& random) {
    std::vector<Moment> all;
    const auto shops = static_cast<std::int64_t>(catalogue.shops.size());
    for (const std::string& sku : catalogue.skus_of(ArticleKind::scarce)) {
        for (std::int64_t round = 0; round <= catalogue.find(sku)->stock / shops + 1; ++round) {
            Moment moment;
            for (std::size_t shop = 0; shop < catalogue.shops.size(); ++shop)
                moment.push_back(of_one(shop, sku, false));
            // Now and then with something that is there for sure: granted whole or not at all.
            if (random.chance(0.25))
                moment.front().lines.push_back({catalogue.skus_of(ArticleKind::plentiful).front(), 1});
            all.push_back(std::move(moment));
        }
    }
    return all;
}

}  // namespace

std::string name_of(Change change) {
    switch (change) {
        case Change::none: return "none";
        case Change::cancel_at_once: return "cancelled at once";
        case Change::cancel_when_requested: return "cancelled once requested";
        case Change::pay_later: return "paid later";
        case Change::edit_up: return "edited up";
        case Change::edit_down: return "edited down";
        case Change::refund_part: return "partly refunded";
    }
    return "none";
}

PlannedOrder ordinary_order(const Catalogue& catalogue, std::size_t shop, Random& random) {
    const std::vector<std::string> plenty = catalogue.skus_of(ArticleKind::plentiful);
    PlannedOrder order;
    order.shop = shop;
    order.lines = {{plenty[pick(random, plenty.size())], small_quantity(random)}};
    return order;
}

std::vector<Moment> plan_orders(const Catalogue& catalogue, std::int64_t orders, std::uint64_t seed) {
    runtime::SeededRandom random(seed ^ 0x6f72646572ULL);
    std::vector<Moment> fights = races(catalogue, random);
    // Races take at most a quarter of all orders.
    std::int64_t left = orders;
    std::vector<Moment> plan;
    std::int64_t fought = 0;
    for (Moment& moment : fights) {
        const auto size = static_cast<std::int64_t>(moment.size());
        if (fought + size > std::max<std::int64_t>(orders / 4, 1) && fought > 0) break;
        if (size > left) break;
        fought += size;
        left -= size;
        plan.push_back(std::move(moment));
    }
    for (; left > 0; --left)
        plan.push_back({anyone(catalogue, pick(random, catalogue.shops.size()), random)});
    // Fisher and Yates, with our own numbers: std::shuffle differs between libraries.
    for (std::size_t last = plan.size(); last > 1; --last)
        std::swap(plan[last - 1], plan[pick(random, last)]);
    return plan;
}

}  // namespace ordersaga::demo
