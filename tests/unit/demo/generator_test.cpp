// The plan of orders: repeatable, of the right size, and with everything in it that a demo must show.
#include "sandbox/demo/generator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace ordersaga::demo {
namespace {

std::vector<PlannedOrder> flat(const std::vector<Moment>& plan) {
    std::vector<PlannedOrder> orders;
    for (const Moment& moment : plan)
        orders.insert(orders.end(), moment.begin(), moment.end());
    return orders;
}

std::string fingerprint(const std::vector<Moment>& plan) {
    std::string text;
    for (const Moment& moment : plan) {
        for (const PlannedOrder& order : moment) {
            text += std::to_string(order.shop);
            for (const PlannedLine& line : order.lines)
                text += " " + line.sku + "*" + std::to_string(line.quantity);
            text += " " + name_of(order.change) + " " + std::to_string(order.change_after_ms) + ";";
        }
        text += "\n";
    }
    return text;
}

TEST(Generator, PlansExactlyAsManyOrdersAsAsked) {
    for (const std::int64_t orders : {1, 2, 7, 40, 200, 1000}) {
        for (const std::int64_t stores : {1, 2, 3, 8}) {
            const Catalogue catalogue = make_catalogue(orders, stores, 1);
            EXPECT_EQ(flat(plan_orders(catalogue, orders, 1)).size(), static_cast<std::size_t>(orders))
                << stores << " stores";
        }
    }
}

TEST(Generator, RepeatsItselfForTheSameSeedOnly) {
    const Catalogue catalogue = make_catalogue(200, 3, 7);

    EXPECT_EQ(fingerprint(plan_orders(catalogue, 200, 7)), fingerprint(plan_orders(catalogue, 200, 7)));
    EXPECT_NE(fingerprint(plan_orders(catalogue, 200, 7)), fingerprint(plan_orders(catalogue, 200, 8)));
}

TEST(Generator, HasEverythingADemoMustShowForEverySeed) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Catalogue catalogue = make_catalogue(200, 3, seed);
        const std::vector<Moment> plan = plan_orders(catalogue, 200, seed);
        const std::vector<PlannedOrder> orders = flat(plan);
        std::set<Change> changes;
        std::map<ArticleKind, int> kinds;
        bool two_lines = false;
        for (const PlannedOrder& order : orders) {
            changes.insert(order.change);
            two_lines = two_lines || order.lines.size() == 2;
            for (const PlannedLine& line : order.lines)
                ++kinds[catalogue.find(line.sku)->kind];
        }
        EXPECT_TRUE(changes.contains(Change::cancel_at_once)) << seed;
        EXPECT_TRUE(changes.contains(Change::cancel_when_requested)) << seed;
        EXPECT_TRUE(changes.contains(Change::pay_later)) << seed;
        EXPECT_TRUE(two_lines) << seed;
        EXPECT_EQ(kinds.size(), 4U) << seed;
        EXPECT_TRUE(std::any_of(plan.begin(), plan.end(), [](const Moment& moment) { return moment.size() == 3; }))
            << seed;
    }
}

TEST(Generator, AsksForMoreOfScarceArticlesThanThereIs) {
    const Catalogue catalogue = make_catalogue(400, 3, 3);
    std::map<std::string, std::int64_t> wanted;
    for (const PlannedOrder& order : flat(plan_orders(catalogue, 400, 3))) {
        for (const PlannedLine& line : order.lines)
            wanted[line.sku] += line.quantity;
    }

    bool beyond = false;
    for (const std::string& sku : catalogue.skus_of(ArticleKind::scarce))
        beyond = beyond || wanted[sku] > catalogue.find(sku)->stock;
    EXPECT_TRUE(beyond);
    for (const std::string& sku : catalogue.skus_of(ArticleKind::plentiful))
        EXPECT_LT(wanted[sku], catalogue.find(sku)->stock);
}

// What a scarce order may expect must follow from the stock alone.
TEST(Generator, NeverChangesItsMindAboutScarceThings) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Catalogue catalogue = make_catalogue(300, 3, seed);
        for (const PlannedOrder& order : flat(plan_orders(catalogue, 300, seed))) {
            for (const PlannedLine& line : order.lines) {
                if (catalogue.find(line.sku)->kind != ArticleKind::scarce) continue;
                EXPECT_EQ(order.change, Change::none);
                EXPECT_EQ(line.quantity, 1);
            }
        }
    }
}

}  // namespace
}  // namespace ordersaga::demo
