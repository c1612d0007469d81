#include "tests/simulation/scenario.hpp"

#include <algorithm>

namespace ordersaga::simulation {

using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr Duration faults_last = minutes(6);
constexpr Duration buyers_last = minutes(4);
constexpr Duration calm_lasts = minutes(40);

}  // namespace

class Scenario::Planner {
public:
    Planner(World& world, std::uint64_t seed) : world_(world), random_(seed ^ 0x5eed5eed5eedULL) {
        fill_catalogue();
        plan_buyers();
        plan_races();
        plan_warehouse();
        plan_bad_luck();
        plan_calm();
    }

    const Instant calm_at = World::start + faults_last;
    const Instant end = calm_at + calm_lasts;

private:
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return least + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most - least + 1)));
    }
    Duration time_between(Duration least, Duration most) { return Duration(between(least.count(), most.count())); }

    void fill_catalogue() {
        world_.add_sku({sagas::SkuId{1}, "SHIRT", "deny", "trust-mirror", 0, between(2, 8), {}});
        world_.add_sku({sagas::SkuId{2}, "MUG", "deny", "trust-mirror", between(0, 1), between(3, 10), {}});
        world_.add_sku({sagas::SkuId{3}, "CAP", "backorder", "trust-mirror", 0, between(0, 4), {}});
        world_.add_sku({sagas::SkuId{4}, "PRINT", "deny", "ask-warehouse-first", 0, between(1, 5), {}});
        world_.add_sku(
            {sagas::SkuId{5}, "SET", "deny", "trust-mirror", 0, 0, {{sagas::SkuId{1}, 1}, {sagas::SkuId{2}, 2}}});
        const std::vector<std::string> keys = {"eu", "us", "uk"};
        const std::size_t shops = 2 + random_.below(2);
        for (std::size_t i = 0; i < shops; ++i) {
            world_.add_shop(keys[i], random_.chance(0.5) ? "hold_and_tell" : "cancel_and_refund");
        }
        // Most shops begin with the right figure, some with a stale one.
        world_.list_all([this](const Shop&, const StockedSku& sku) {
            std::int64_t units = sku.opening;
            if (!sku.components.empty()) units = std::min(world_.skus()[0].opening, world_.skus()[1].opening / 2);
            return std::max<std::int64_t>(0, units + (random_.chance(0.2) ? between(-2, 2) : 0));
        });
        world_.start_hosts(static_cast<int>(2 + random_.below(2)));
    }

    std::vector<std::pair<std::string, std::int64_t>> basket(const Shop& shop) {
        std::vector<std::string> variants;
        for (const auto& [id, item] : shop.items())
            variants.push_back(item.variant_id);
        std::vector<std::pair<std::string, std::int64_t>> lines;
        const std::size_t count = random_.chance(0.3) ? 2 : 1;
        for (std::size_t i = 0; i < count; ++i) {
            lines.emplace_back(variants[random_.below(variants.size())], random_.chance(0.2) ? 2 : 1);
        }
        return lines;
    }

    void buy(Shop& shop, const std::vector<std::pair<std::string, std::int64_t>>& lines) {
        const bool paid = !random_.chance(0.1);
        const std::string order = shop.place(lines, paid);
        world_.trace().line(shop.key() + (order.empty() ? " turns a buyer away" : " takes order " + order));
        if (order.empty()) return;
        Shop* place = &shop;
        if (!paid && random_.chance(0.7)) {
            world_.agenda().after(time_between(seconds(3), minutes(2)), [place, order] { place->pay(order); });
        }
        if (random_.chance(0.2)) {
            const Duration most = random_.chance(0.4)   ? Duration(seconds(3))
                                  : random_.chance(0.5) ? Duration(seconds(60))
                                                        : Duration(minutes(4));
            const bool restock = random_.chance(0.5);
            world_.agenda().after(
                time_between(Duration{0}, most), [place, order, restock] { place->cancel(order, restock); });
        }
        if (random_.chance(0.1)) {
            const bool restock = random_.chance(0.5);
            world_.agenda().after(
                time_between(seconds(1), minutes(3)), [place, order, restock] { place->refund(order, 0, 1, restock); });
        }
        plan_additions(shop, order);
    }

    // Staff add to orders at any time, most of all when it is too late to change what was asked for.
    void plan_additions(Shop& shop, const std::string& order) {
        if (!random_.chance(0.15)) return;
        const std::string variant = basket(shop).front().first;
        Shop* place = &shop;
        world_.agenda().after(time_between(seconds(1), minutes(4)), [this, place, order, variant] {
            if (place->add(order, variant, 1)) world_.trace().line(place->key() + " adds to order " + order);
        });
    }

    void plan_buyers() {
        for (std::int64_t i = between(12, 40); i > 0; --i) {
            const Instant when = World::start + time_between(seconds(2), buyers_last);
            const std::size_t shop = random_.below(world_.shops().size());
            world_.agenda().at(when, [this, shop] { buy(*world_.shops()[shop], basket(*world_.shops()[shop])); });
        }
    }

    // The same product, every shop, the same moment.
    void plan_races() {
        for (int race = 0; race < 2; ++race) {
            const Instant when = World::start + time_between(seconds(20), buyers_last);
            const std::string sku = world_.skus()[random_.below(world_.skus().size())].name;
            for (std::size_t i = 0; i < world_.shops().size(); ++i) {
                world_.agenda().at(when, [this, i, sku] {
                    Shop& shop = *world_.shops()[i];
                    for (const auto& [id, item] : shop.items()) {
                        if (item.sku == sku) return buy(shop, {{item.variant_id, 1}});
                    }
                });
            }
        }
    }

    void plan_warehouse() {
        for (const StockedSku& sku : world_.skus()) {
            if (!sku.components.empty() || !random_.chance(0.5)) continue;
            const std::int64_t units = between(1, 6);
            world_.agenda().at(
                World::start + time_between(seconds(30), faults_last), [this, item = sku.item_id(), units] {
                    world_.trace().line("the warehouse receives " + std::to_string(units) + " of " + item);
                    world_.warehouse().receive(item, units);
                });
        }
    }

    void plan_bad_luck() {
        std::vector<std::string> peers = {Warehouse::key, "broker"};
        for (const auto& shop : world_.shops())
            peers.push_back(shop->key());
        for (const std::string& peer : peers) {
            for (std::uint64_t i = random_.below(3); i > 0; --i) {
                const Instant from = World::start + time_between(seconds(5), faults_last);
                world_.weather().add_outage(peer, from, from + time_between(seconds(3), seconds(40)));
            }
        }
        for (std::uint64_t i = random_.below(4); i > 0; --i) {
            const std::size_t host = random_.below(world_.hosts().size());
            world_.agenda().at(
                World::start + time_between(seconds(5), faults_last), [this, host] { world_.hosts()[host]->kill(); });
        }
    }

    void plan_calm() {
        world_.agenda().at(calm_at, [this] {
            world_.trace().line("calm");
            world_.weather().calm_down();
        });
        // What backorders wait for arrives, of every SKU: an order is granted whole, and who is first in the queue keeps the
        // others behind it until all that it wants is there.
        world_.agenda().at(calm_at + minutes(5), [this] {
            for (const auto& sku : world_.skus()) {
                if (sku.components.empty()) world_.warehouse().receive(sku.item_id(), 200);
            }
        });
    }

    World& world_;
    runtime::SeededRandom random_;
};

Scenario::Scenario(World& world, std::uint64_t seed) : planner_(std::make_unique<Planner>(world, seed)) {}

Scenario::~Scenario() = default;

Instant Scenario::calm_at() const {
    return planner_->calm_at;
}

Instant Scenario::end() const {
    return planner_->end;
}

}  // namespace ordersaga::simulation
