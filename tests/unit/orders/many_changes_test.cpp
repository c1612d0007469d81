// Far more changes than stores can be told one by one, in simulated time.
#include "runtime/random.hpp"
#include "tests/unit/orders/a_merchant.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace activity = sagas::activity;

constexpr std::int64_t stores = 20, skus = 300, opening = 50;
constexpr Duration round_trip = 500ms;  // and one update at a time: two calls a second

// A store as it really is: what it shows, and what it is being told.
struct Shelf {
    std::map<std::int64_t, std::int64_t> shown;  // by listing
    std::string command;                         // being told
    std::optional<Instant> answers_at;
    std::size_t calls = 0, rows = 0;
};

class ManyStores {
public:
    ManyStores() {
        for (std::int64_t id = 3; id <= stores; ++id) {
            StoreRow row = shop.store.tables().stores.at({merchant, eu});
            row.store_id = StoreId{id};
            row.key = "s" + std::to_string(id);
            row.shop_domain = row.key + ".myshopify.com";
            shop.store.add_store(row);
        }
        const SkuRow pattern = shop.store.tables().skus.at({merchant, shirt});
        for (std::int64_t number = 0; number < skus; ++number) {
            SkuRow sku = pattern;
            sku.sku_id = SkuId{1000 + number};
            sku.sku = "SKU-" + std::to_string(number);
            sku.warehouse_item_id = "W" + std::to_string(number);
            shop.store.add_sku(sku);
            shop.store.open_stock(ledger_of(sku.sku_id), opening);
            for (std::int64_t id = 1; id <= stores; ++id) {
                ListingRow row = shop.listing(eu, shirt);
                row.listing_id = {id * 100'000 + number};
                row.store_id = StoreId{id};
                row.sku_id = sku.sku_id;
                row.variant_id = "V" + std::to_string(row.listing_id.value);
                row.inventory_item_id = std::to_string(row.listing_id.value);
                row.target = opening;
                row.believed = opening;
                shop.store.add_listing(row);
                shelves[id].shown[row.listing_id.value] = opening;
            }
        }
    }

    // Each of these SKUs gets another figure, in one batch.
    void change(const std::set<std::int64_t>& numbers, runtime::Random& random) {
        std::vector<engine::Input> inputs;
        for (std::int64_t number : numbers) {
            StockAdjustment change;
            change.key = ledger_of(SkuId{1000 + number});
            const StockRow& row = shop.store.tables().stock.at(change.key);
            change.expected_version = row.version;
            // Most of them sell out now and then, and get some back.
            change.difference = row.available == 0 ? 20 : -1 - static_cast<std::int64_t>(random.below(3));
            change.difference = std::max(change.difference, -row.available);
            change.adjustment_id = "change-" + std::to_string(++changes);
            change.reason = "counted";
            change.actor = "anna";
            inputs.push_back({engine::Arrival{merchant, change, {}}, [](const engine::InputResult& result) {
                                  EXPECT_EQ(result.kind, engine::InputResult::Kind::applied) << result.reason;
                              }});
        }
        ASSERT_TRUE(shop.engine->run(inputs));
    }

    // What stores have been told until now takes effect; what is on its way is looked at.
    void look() {
        std::vector<engine::Input> answers;
        for (auto& [id, shelf] : shelves) {
            if (shelf.answers_at && *shelf.answers_at <= shop.clock.now()) answers.push_back(answer(id, shelf));
        }
        if (!answers.empty()) shop.engine->run(answers);
        std::map<std::string, const engine::CommandRow*> under_way;
        for (const auto& [id, row] : shop.store.tables().open_commands) {
            if (row.activity == activity::flush_stock) under_way[row.lane] = &row;
        }
        for (auto& [id, shelf] : shelves) {
            const auto found = under_way.find("store:" + std::to_string(id));
            if (!shelf.answers_at && found != under_way.end()) begin(id, shelf, *found->second);
        }
    }

    bool all_told() const {
        return std::all_of(shelves.begin(), shelves.end(), [&](const auto& entry) {
            return std::all_of(entry.second.shown.begin(), entry.second.shown.end(), [&](const auto& shown) {
                return shop.store.tables().listings.at({merchant, ListingId{shown.first}}).target == shown.second;
            });
        });
    }

    AMerchant shop;
    std::map<std::int64_t, Shelf> shelves;
    std::size_t changes = 0;

private:
    // One at a time. Composed in the batch that was just run: its values must be those of this very moment, the scarcest first.
    void begin(std::int64_t id, Shelf& shelf, const engine::CommandRow& command) {
        std::int64_t last = 0;
        std::set<std::int64_t> told;
        for (const auto& [listing, delta] : shop.flush_of(StoreId{id})) {
            const ListingRow& row = shop.store.tables().listings.at({merchant, ListingId{listing}});
            EXPECT_EQ(shelf.shown.at(listing) + delta, row.target) << "an old figure is on its way";
            EXPECT_GE(row.target, last) << "a scarcer one stands behind";
            EXPECT_TRUE(told.insert(listing).second);
            last = row.target;
        }
        // Who was left out for want of room has more on the shelf than anybody in it.
        for (const auto& [listing, shown] : shelf.shown) {
            const ListingRow& row = shop.store.tables().listings.at({merchant, ListingId{listing}});
            if (row.target != shown && told.count(listing) == 0) {
                EXPECT_GE(row.target, last) << "a scarcer one was left out";
            }
        }
        shelf.command = command.command_id;
        shelf.answers_at = shop.clock.now() + round_trip;
        ++shelf.calls;
        shelf.rows += told.size();
    }

    engine::Input answer(std::int64_t id, Shelf& shelf) {
        json applied = json::array();
        for (const auto& [listing, delta] : shop.flush_of(StoreId{id})) {
            shelf.shown.at(listing) += delta;
            applied.push_back(applied.size());
        }
        const engine::CommandRow& command = shop.store.tables().open_commands.at({merchant, shelf.command});
        shelf.answers_at.reset();
        return {
            engine::OutcomeArrived{
                command.merchant, "", command.command_id, command.attempt_token,
                done({{"applied", applied}, {"uncertain", json::array()}, {"refused", json::array()}})},
            [](const engine::InputResult& result) {
                EXPECT_EQ(result.kind, engine::InputResult::Kind::applied);
            }};
    }
};

// S47: each change was a call, the queue grew for half an hour, and stores were told figures that were over (php-shopify
// #253, ShopifySharp #1200).
TEST(ManyChanges, ReachEveryStoreAsTheNewestFigureScarcestFirst) {
    ManyStores world;
    runtime::SeededRandom random(47);
    const Instant begin = world.shop.clock.now();
    while (world.changes < 10'000) {  // half of them of thirty articles
        std::set<std::int64_t> numbers;
        while (numbers.size() < 50)
            numbers.insert(static_cast<std::int64_t>(random.below(random.chance(0.5) ? 30 : skus)));
        world.change(numbers, random);
        if (testing::Test::HasFailure()) return;
        world.look();
        world.shop.clock.advance(300ms);
    }
    const Instant last_change = world.shop.clock.now();
    EXPECT_LE(last_change - begin, 60s);
    while (!world.all_told() && world.shop.clock.now() - last_change < 60s) {
        world.look();
        world.shop.pass(100ms);
    }

    EXPECT_TRUE(world.all_told());
    const Duration took = world.shop.clock.now() - last_change;
    EXPECT_LE(took, 3 * round_trip) << "what is on its way, and all that is left in one or two calls";
    std::size_t most_calls = 0, rows = 0;
    for (const auto& [id, shelf] : world.shelves) {
        most_calls = std::max(most_calls, shelf.calls);
        rows += shelf.rows;
    }
    const auto seconds = std::chrono::duration<double>(world.shop.clock.now() - begin).count();
    EXPECT_LE(static_cast<double>(most_calls), 2 * seconds + 1);
    std::printf(
        "%zu changes on %d stores: at most %zu calls to a store, %zu of %zu figures sent, all told %.1f s after the "
        "last\n",
        world.changes, static_cast<int>(stores), most_calls, rows, world.changes * static_cast<std::size_t>(stores),
        std::chrono::duration<double>(took).count());
    EXPECT_EQ(world.shop.laws(), "");
}

}  // namespace
}  // namespace ordersaga::orders
