// One SKU wanted twice in one order, and steps beside a reservation that fails: failures that other systems had
// (docs/scenarios.md).
#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace activity = sagas::activity;

struct Wanted {
    SkuId sku;
    std::int64_t quantity;
};

sagas::OrderDocument an_order_of(const std::string& order_id, const std::vector<Wanted>& lines) {
    sagas::OrderDocument order = an_order(order_id, eu, lines.front().sku, lines.front().quantity);
    for (std::size_t i = 1; i < lines.size(); ++i)
        order.lines.push_back(a_line(order_id + std::to_string(i + 1), eu, lines[i].sku, lines[i].quantity));
    return order;
}

AMerchant::Options with_units(std::int64_t units) {
    AMerchant::Options options;
    options.units = units;
    return options;
}

// S03: each line was checked by itself, so two of three and three went through with five on the shelf (Medusa #16502).
TEST(SharedSku, TwoLinesOfItAreRefusedAsAWholeWhenTheirSumIsNotThere) {
    AMerchant shop(with_units(5));
    shop.deliver(eu, "orders/create", an_order_of("100", {{shirt, 3}, {shirt, 3}}));
    EXPECT_EQ(shop.state("100"), "SettlingOrder");
    EXPECT_EQ(shop.stock(shirt).reserved, 0);
    EXPECT_EQ(shop.stock(shirt).available, 5);
    EXPECT_EQ(shop.laws(), "");
}

// S03: the same through a bundle and its component (Medusa #16502).
TEST(SharedSku, ABundleAndALineOfItsPartAreSummed) {
    AMerchant shop;
    shop.deliver(eu, "orders/create", an_order_of("100", {{gift_set, 5}, {shirt, 6}}));
    EXPECT_EQ(shop.state("100"), "SettlingOrder") << "eleven shirts, of ten";
    EXPECT_EQ(shop.stock(shirt).reserved, 0);
    EXPECT_EQ(shop.stock(mug).reserved, 0);
    EXPECT_EQ(shop.laws(), "");
}

// S04: with enough of it, the order waited for the lock it held itself (Medusa PR #11403).
TEST(SharedSku, IsLockedOnceAndGrantedToAllItsLines) {
    AMerchant shop;
    shop.deliver(eu, "orders/create", an_order_of("100", {{shirt, 2}, {gift_set, 5}, {shirt, 3}}));
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.stock(shirt).reserved, 10);
    EXPECT_EQ(shop.stock(mug).reserved, 10);
    EXPECT_EQ(shop.stock(shirt).available, 0);
    EXPECT_EQ(shop.laws(), "");
}

// One shirt, one mug, and a set of both.
void make_it_a_set_of_one_each(AMerchant& shop) {
    SkuRow set = shop.store.tables().skus.at({merchant, gift_set});
    set.components = {{shirt, 1}, {mug, 1}};
    shop.store.add_sku(set);
    for (StoreId store : {eu, us}) {
        ListingRow listing = shop.listing(store, gift_set);
        listing.target = 1;
        listing.believed = 1;
        shop.store.add_listing(listing);
    }
}

// S34: parts of a bundle were counted twice, or not at all (ERPNext #49021, nopCommerce #5699).
TEST(ABundle, AndItsPartOrderedTogetherAreNotBothGranted) {
    for (const auto& [first, second] : {std::pair{gift_set, shirt}, std::pair{shirt, gift_set}}) {
        AMerchant shop(with_units(1));
        make_it_a_set_of_one_each(shop);
        std::vector<engine::Input> inputs;
        for (const auto& [order_id, sku] : {std::pair{"100", first}, std::pair{"101", second}}) {
            Delivery delivery = shop.delivery(eu, "orders/create", order_id);
            delivery.order = an_order(order_id, eu, sku, 1);
            inputs.push_back({engine::Arrival{merchant, delivery, {}}, [](const engine::InputResult&) {
                              }});
        }
        ASSERT_TRUE(shop.engine->run(inputs));
        EXPECT_NE(shop.state("100"), "SettlingOrder");
        EXPECT_EQ(shop.state("101"), "SettlingOrder");
        EXPECT_EQ(shop.stock(shirt).reserved, 1);
        EXPECT_EQ(shop.stock(mug).reserved, first == gift_set ? 1 : 0);
        EXPECT_EQ(shop.listing(us, gift_set).target, 0);
        EXPECT_EQ(shop.listing(us, shirt).target, 0);
        EXPECT_EQ(shop.laws(), "");
    }
}

// S05: a reservation failed when faster steps beside it were done, and what they had done stayed (Medusa #16825). Here
// only the stores' numbers move before the warehouse has confirmed the stock.
TEST(AReservationThatFailsLate, TakesBackWhatFasterStepsHaveDone) {
    AMerchant shop;
    shop.order("100", eu, hat, 3);
    ASSERT_EQ(shop.state("100"), "Received");
    shop.flush_done(us);
    ASSERT_EQ(shop.listing(us, hat).believed, 7) << "the other store was faster than the warehouse";

    shop.end(
        activity::read_warehouse_stock,
        done({{"items", json::array({{{"warehouse_item_id", "9004"}, {"fulfillable", 2}}})}}));

    EXPECT_EQ(shop.state("100"), "SettlingOrder");
    EXPECT_EQ(shop.stock(hat).reserved, 0);
    EXPECT_EQ(shop.stock(hat).available, 2);
    EXPECT_FALSE(shop.has_open(activity::request_fulfillment));
    for (int round = 0; round < 2; ++round) {
        for (StoreId store : {eu, us}) {
            if (!shop.flush_of(store).empty()) shop.flush_done(store);
        }
    }
    for (StoreId store : {eu, us})
        EXPECT_EQ(shop.listing(store, hat).believed, 2) << "two are left, also where the third was sold";
    shop.end(activity::settle_store_order, done({{"settled", "held"}}));
    EXPECT_EQ(shop.state("100"), "OutOfStock");
    EXPECT_EQ(shop.laws(), "");
    EXPECT_EQ(shop.quiet_laws(), "");
}

}  // namespace
}  // namespace ordersaga::orders
