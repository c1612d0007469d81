// Listings, flushes and quiet reads, by the protocol's second and third part, through the engine.
#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using sagas::OutcomeKind;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
namespace activity = sagas::activity;

json flush_outcome(const json& applied, const json& uncertain, const json& refused) {
    return {{"applied", applied}, {"uncertain", uncertain}, {"refused", refused}};
}

int duties_of(AMerchant& shop, const std::string& duty, StoreId store) {
    engine::DutyRow row;
    row.merchant = merchant;
    row.duty = duty;
    row.subject = "store:" + std::to_string(store.value);
    row.next_due = shop.clock.now();
    shop.store.add_duty(row);
    shop.due();
    return static_cast<int>(shop.open(activity::quiet_read).size());
}

json quiet_answer(
    const std::map<std::string, int>& first,
    const std::map<std::string, int>& second,
    Instant until,
    const json& orders = json::array()) {
    return {{"first", first}, {"second", second}, {"orders", orders}, {"polled_until", runtime::format_rfc3339(until)}};
}

// --- belief and difference ---------------------------------------------------------------------------------------------------

// S35: stores were shown units that orders held (Saleor #10877).
TEST(Channels, TheOriginStoreHasMovedItsOwnNumberAndTheOtherIsSentTheDifference) {
    AMerchant shop;
    shop.order("100", eu, hat, 3);
    EXPECT_EQ(shop.listing(eu, hat).believed, 7) << "the store's own sale";
    EXPECT_EQ(shop.listing(eu, hat).target, 7);
    EXPECT_EQ(shop.listing(eu, hat).in_flight, 0);
    EXPECT_THAT(shop.flush_of(eu), IsEmpty());
    EXPECT_EQ(shop.listing(us, hat).believed, 10);
    EXPECT_EQ(shop.listing(us, hat).in_flight, -3);
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(24, -3)));

    shop.flush_done(us);
    EXPECT_EQ(shop.listing(us, hat).believed, 7);
    EXPECT_EQ(shop.listing(us, hat).in_flight, 0);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Channels, TheSagaGoesOnWhenEveryStoreShowsIt) {
    AMerchant shop;
    shop.order("100", eu, mug, 1);
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_FALSE(shop.has_open(activity::request_fulfillment));
    // Nine mugs make four sets: both stores have a number to change.
    EXPECT_THAT(shop.flush_of(eu), ElementsAre(Pair(13, -1)))
        << "the set's number, which the store did not move itself";
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(23, -1), Pair(22, -1))) << "scarcest first";
    shop.flush_done(us);
    EXPECT_EQ(shop.state("100"), "Reserved") << "one store is missing";
    shop.flush_done(eu);
    EXPECT_EQ(shop.state("100"), "ChannelsSynced");
    EXPECT_EQ(shop.store.tables().waits.size(), 0U);
}

TEST(Channels, OneFlushPerStoreAtATimeAndItCarriesEverythingThatHappenedMeanwhile) {
    AMerchant shop;
    shop.order("100", eu, hat, 1);
    const engine::CommandRow first = shop.the_open(activity::flush_stock, "store:2");
    for (int number = 1; number <= 4; ++number)
        shop.order("20" + std::to_string(number), eu, hat, 1);
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(24, -1)));
    EXPECT_EQ(shop.the_open(activity::flush_stock, "store:2").command_id, first.command_id);

    shop.flush_done(us);
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(24, -4))) << "four orders, one call";
    const engine::CommandRow second = shop.the_open(activity::flush_stock, "store:2");
    EXPECT_NE(second.payload.at("key"), first.payload.at("key"));
    shop.flush_done(us);
    EXPECT_EQ(shop.listing(us, hat).believed, 5);
    EXPECT_THAT(shop.flush_of(us), IsEmpty());
    EXPECT_EQ(shop.laws(), "");
}

TEST(Channels, KeyAndBytesAreStoredBeforeTheFirstSendAndNeverChange) {
    AMerchant shop;
    shop.order("100", eu, hat, 1);
    const engine::CommandRow first = shop.the_open(activity::flush_stock, "store:2");
    EXPECT_THAT(
        first.payload.at("body").get<std::string>(), testing::HasSubstr(first.payload.at("key").get<std::string>()));
    shop.end(first, ended(OutcomeKind::unknown, "timeout"));
    shop.order("101", eu, hat, 1);
    shop.pass(60s);
    const engine::CommandRow again = shop.the_open(activity::flush_stock, "store:2");
    EXPECT_GE(again.attempt, 2);
    EXPECT_EQ(again.payload, first.payload) << "the same key, the same bytes";
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(24, -1)));
}

TEST(Channels, BothDirectionsInOneBatchCancelOut) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, hat, 2);
    order.cancelled_at = order.updated_at;
    sagas::Refund refund{"900", {{"1001", 2, "cancel", "4"}}};
    order.refunds = {refund};
    shop.deliver(eu, "orders/cancelled", order);
    shop.due();
    EXPECT_EQ(shop.listing(eu, hat).believed, 10) << "sold and put back by the store itself";
    EXPECT_THAT(shop.flush_of(eu), IsEmpty());
    EXPECT_THAT(shop.flush_of(us), IsEmpty());
    EXPECT_EQ(shop.state("100"), "Compensated");
}

TEST(Channels, ABundleShowsWhatItsScarcestPartAllows) {
    AMerchant shop;
    shop.order("100", eu, mug, 5);
    EXPECT_EQ(shop.listing(eu, gift_set).target, 2) << "five mugs make two sets";
    EXPECT_THAT(shop.flush_of(eu), ElementsAre(Pair(13, -3)));
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(23, -3), Pair(22, -5)));
    shop.flush_done(us);
    shop.flush_done(eu);

    shop.order("101", us, gift_set, 2);
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.stock(mug).reserved, 9);
    EXPECT_EQ(shop.listing(us, gift_set).believed, 0);
    EXPECT_EQ(shop.listing(us, gift_set).target, 0);
    EXPECT_EQ(shop.listing(us, mug).target, 1);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Channels, TheBufferStaysInTheWarehouse) {
    AMerchant shop({10s, 0s, "hold_and_tell", 10, 3, false, true});
    shop.order("100", eu, shirt, 6);
    EXPECT_EQ(shop.listing(us, shirt).target, 1);
    shop.flush_done(us);
    shop.order("101", us, shirt, 2);
    EXPECT_EQ(shop.listing(us, shirt).target, 0) << "never below zero";
    EXPECT_EQ(shop.stock(shirt).available, 2) << "the buffer may be sold, it is only not shown";
}

TEST(Channels, WhatWaitsForStockIsNotForSale) {
    AMerchant shop;
    shop.order("100", eu, mug, 15);
    EXPECT_EQ(shop.state("100"), "Backordered");
    EXPECT_EQ(shop.stock(mug).waiting, 15);
    EXPECT_EQ(shop.listing(us, mug).target, 0);
}

// S46: a figure of ours was set when the store had sold one meanwhile, and the sold unit was for sale again
// (ecommerce_integrations, inventory.py). A difference takes nothing back.
TEST(Channels, AUnitSoldWhileAnUpdateWasOnItsWayIsNotGivenBack) {
    AMerchant shop;
    shop.order("100", eu, hat, 3);
    std::int64_t shown = 10;  // in the other store, which ought to show 7
    ASSERT_THAT(shop.flush_of(us), ElementsAre(Pair(24, -3)));
    const json body =
        json::parse(shop.the_open(activity::flush_stock, "store:2").payload.at("body").get<std::string>());
    EXPECT_EQ(body.at("variables").at("input").at("changes")[0].at("delta"), -3);

    shown -= 1;  // a sale, before the update arrives
    shop.order("200", us, hat, 1);
    shown += -3;
    shop.flush_done(us);

    EXPECT_EQ(shown, 6);
    EXPECT_EQ(shop.listing(us, hat).believed, shown);
    EXPECT_EQ(shop.listing(us, hat).target, shown);
    EXPECT_THAT(shop.flush_of(us), IsEmpty());
    EXPECT_EQ(shop.laws(), "");
}

// What an acceptance moves in the ledger no store shows.
TEST(Channels, AreLeftAloneWhenOnlyTheVersionMoves) {
    AMerchant shop;
    shop.order("100", eu, shirt, 3);
    shop.flush_done(us);
    ASSERT_EQ(shop.state("100"), "ChannelsSynced");
    const std::int64_t version = shop.stock(shirt).version;
    ASSERT_EQ(shop.listing(us, shirt).components.front().confirmed_version, version);

    shop.accept("100");
    EXPECT_EQ(shop.stock(shirt).committed, 3);
    EXPECT_GT(shop.stock(shirt).version, version);
    EXPECT_EQ(shop.listing(us, shirt).components.front().confirmed_version, version) << "nobody waits for more";

    // Who comes next waits for a version that has both in it.
    shop.order("200", eu, shirt, 1);
    EXPECT_EQ(shop.state("200"), "Reserved");
    shop.flush_done(us);
    EXPECT_EQ(shop.state("200"), "ChannelsSynced");
    EXPECT_EQ(shop.listing(us, shirt).components.front().confirmed_version, shop.stock(shirt).version);
    EXPECT_EQ(shop.laws(), "");
}

Delivery a_level(AMerchant& shop, StoreId store, int item, int available) {
    Delivery hint = shop.delivery(store, "inventory_levels/update", "");
    hint.body = {{"inventory_item_id", item}, {"location_id", 4}, {"available", available}};
    return hint;
}
Delivery a_level_told_at(AMerchant& shop, Instant at, int available) {
    Delivery hint = a_level(shop, us, 2024, available);
    hint.receipt.headers = {{"triggered_at", runtime::format_rfc3339(at)}};
    return hint;
}

// S42: our own update came back as a webhook, whose handling wrote again, and so on (WooCommerce #62507).
TEST(Channels, TheEchoOfAnUpdateWritesNothing) {
    AMerchant shop;
    for (StoreId store : {eu, us})
        duties_of(shop, duty::quiet_reads, store);
    shop.order("100", eu, hat, 3);
    shop.deliver(a_level(shop, eu, 2014, 7));  // the store's own sale
    shop.deliver(a_level(shop, us, 2024, 7));  // overtakes the answer of the call that caused it
    shop.flush_done(us);
    shop.deliver(a_level(shop, us, 2024, 7));
    for (int minute = 0; minute < 5; ++minute)
        shop.pass(60s);
    EXPECT_EQ(shop.store.tables().flushes.size(), 1U) << "one change, one write";
    EXPECT_FALSE(shop.has_open(activity::quiet_read)) << "it says what is known";

    shop.deliver(a_level(shop, us, 2024, 10));  // an old one, late
    for (int minute = 0; minute < 2; ++minute)
        shop.pass(60s);
    ASSERT_TRUE(shop.has_open(activity::quiet_read)) << "looked into";
    shop.clock.advance(1s);
    shop.end(activity::quiet_read, done(quiet_answer({{"24", 7}}, {{"24", 7}}, shop.clock.now())));
    shop.pass(60s);
    EXPECT_EQ(shop.store.tables().flushes.size(), 1U) << "and a look writes nothing";
    EXPECT_EQ(shop.laws(), "");
}

// --- slow, dead and absent stores ---------------------------------------------------------------------------------------------

TEST(Channels, ASlowStoreKeepsTheDebtAndTheOrderGoesOn) {
    AMerchant shop;
    shop.order("100", eu, hat, 3);
    shop.end(
        activity::read_warehouse_stock,
        done({{"items", json::array({{{"warehouse_item_id", "9004"}, {"fulfillable", 10}}})}}));
    EXPECT_EQ(shop.state("100"), "Reserved");
    shop.pass(11s);
    EXPECT_EQ(shop.state("100"), "ChannelsSynced");
    EXPECT_EQ(shop.listing(us, hat).in_flight, -3) << "the listing still owes it";
    EXPECT_EQ(
        shop.last_step("100").details.at("debt"), json::array({{{"sku", "HAT"}, {"stores", json::array({"us"})}}}));
    EXPECT_EQ(shop.store.tables().waits.size(), 0U);
    shop.flush_done(us);
    EXPECT_EQ(shop.listing(us, hat).believed, 7);
}

TEST(Channels, OnlyTheStoresThatDidNotShowItInTimeAreNamed) {
    AMerchant shop;
    shop.order("100", eu, mug, 1);
    shop.flush_done(us);
    shop.pass(11s);
    ASSERT_EQ(shop.state("100"), "ChannelsSynced");
    EXPECT_EQ(
        shop.last_step("100").details.at("debt"), json::array({{{"sku", "MUG"}, {"stores", json::array({"eu"})}}}));
}

TEST(Channels, NobodyIsNamedWhenEveryStoreShowedItInTime) {
    AMerchant shop;
    shop.order("100", eu, mug, 1);
    shop.flush_done(us);
    shop.flush_done(eu);
    ASSERT_EQ(shop.state("100"), "ChannelsSynced");
    EXPECT_FALSE(shop.last_step("100").details.contains("debt"));
}

TEST(Channels, AStoreThatLeftIsNeitherToldNorWaitedFor) {
    AMerchant shop;
    shop.deliver(shop.delivery(us, "app/uninstalled", ""));
    EXPECT_THAT(shop.incidents(), Contains("the app was uninstalled"));
    shop.order("100", eu, mug, 1);
    EXPECT_THAT(shop.flush_of(us), IsEmpty());
    shop.flush_done(eu);
    EXPECT_EQ(shop.state("100"), "ChannelsSynced");
}

// --- stores that sell from different warehouses ---------------------------------------------------------------------------------

constexpr WarehouseId far_house{2};
constexpr StoreId jp{3}, kr{4};
constexpr StockKey far_hats{merchant, hat, far_house};

// Two more stores that show the hats of a second warehouse, five of them.
void open_far_warehouse(AMerchant& shop) {
    WarehouseRow warehouse = shop.store.tables().warehouses.at({merchant, house});
    warehouse.warehouse_id = far_house;
    warehouse.key = "far";
    shop.store.add_warehouse(warehouse);
    for (const auto& [id, key] : {std::pair{jp, "jp"}, std::pair{kr, "kr"}}) {
        StoreRow store = shop.store.tables().stores.at({merchant, eu});
        store.store_id = id;
        store.key = key;
        store.shop_domain = std::string(key) + ".myshopify.com";
        store.warehouse_id = far_house;
        shop.store.add_store(store);
        ListingRow listing = shop.listing(eu, hat);
        listing.listing_id = listing_of(id, hat);
        listing.store_id = id;
        listing.variant_id = variant_of(id, hat);
        listing.inventory_item_id = "20" + std::to_string(listing.listing_id.value);
        listing.target = 5;
        listing.believed = 5;
        shop.store.add_listing(listing);
    }
    shop.store.open_stock(far_hats, 5);
}

void answer_reading(AMerchant& shop, int units) {
    shop.clock.advance(1ms);
    shop.end(
        activity::read_warehouse_stock,
        done({{"items", json::array({{{"warehouse_item_id", "9004"}, {"fulfillable", units}}})}}));
}

TEST(TwoWarehouses, AStoreShowsOnlyWhatLiesInItsOwn) {
    AMerchant shop;
    open_far_warehouse(shop);
    shop.order("100", eu, hat, 3);
    EXPECT_EQ(shop.listing(us, hat).target, 7);
    EXPECT_EQ(shop.listing(jp, hat).target, 5);
    EXPECT_THAT(shop.flush_of(jp), IsEmpty());

    shop.order("300", jp, hat, 1);
    EXPECT_EQ(shop.listing(kr, hat).target, 4);
    EXPECT_THAT(shop.flush_of(kr), ElementsAre(Pair(44, -1)));
    EXPECT_EQ(shop.listing(us, hat).target, 7);
    EXPECT_EQ(shop.stock(hat).reserved, 3);
    EXPECT_EQ(shop.store.tables().stock.at(far_hats).reserved, 1);
    EXPECT_EQ(shop.laws(), "");
}

// S09: the place that had it sold out before the order was confirmed, and the other one's units made it an error
// (Solidus #3020).
TEST(TwoWarehouses, AnOrderIsRefusedWhenItsOwnHasSoldOutMeanwhile) {
    AMerchant shop;
    open_far_warehouse(shop);
    shop.order("300", jp, hat, 5);
    shop.order("301", kr, hat, 1);
    EXPECT_EQ(shop.state("301"), "Received") << "the warehouse is asked first";
    answer_reading(shop, 5);
    EXPECT_EQ(shop.state("301"), "SettlingOrder");
    EXPECT_EQ(shop.last_step("301").event, "StockShort");
    EXPECT_EQ(shop.last_step("301").details.at("event").at("short")[0].at("available"), 0);
    EXPECT_EQ(shop.stock(hat).available, 10) << "there are ten in the other one";
    EXPECT_EQ(shop.store.tables().parked.size(), 0U);
    EXPECT_EQ(shop.laws(), "");
}

TEST(TwoWarehouses, AnOrderWaitsForTheStoresOfItsOwnAndForNoOther) {
    AMerchant shop;
    open_far_warehouse(shop);
    shop.order("100", eu, hat, 3);
    answer_reading(shop, 10);
    shop.order("300", jp, hat, 1);
    answer_reading(shop, 5);
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.state("300"), "Reserved") << "the far stores do not show it yet";

    shop.flush_done(kr);
    EXPECT_EQ(shop.state("300"), "ChannelsSynced");
    EXPECT_EQ(shop.state("100"), "Reserved") << "what the far stores show is not its concern";
    shop.flush_done(us);
    EXPECT_EQ(shop.state("100"), "ChannelsSynced");
    EXPECT_EQ(shop.laws(), "");
}

// Both ledgers come to the same version in one batch: each has listings of its own to bring up to date.
TEST(TwoWarehouses, ChangedInOneBatchAreBothShown) {
    AMerchant shop;
    open_far_warehouse(shop);
    std::vector<engine::Input> inputs;
    for (StoreId store : {eu, jp}) {
        const std::string id = std::to_string(store.value) + "00";
        Delivery delivery = shop.delivery(store, "orders/create", id);
        delivery.order = an_order(id, store, hat, 1);
        inputs.push_back({engine::Arrival{merchant, delivery, {}}, [](const engine::InputResult&) {
                          }});
    }
    ASSERT_TRUE(shop.engine->run(inputs));
    ASSERT_EQ(shop.stock(hat).version, shop.store.tables().stock.at(far_hats).version);
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(24, -1)));
    EXPECT_THAT(shop.flush_of(kr), ElementsAre(Pair(44, -1)));
}

TEST(TwoWarehouses, OnlyTheStoresOfItsOwnAreNamedAsSlow) {
    AMerchant shop;
    open_far_warehouse(shop);
    shop.order("100", eu, hat, 1);
    answer_reading(shop, 10);
    shop.order("300", jp, hat, 1);
    answer_reading(shop, 5);
    shop.pass(11s);
    EXPECT_EQ(
        shop.last_step("100").details.at("debt"), json::array({{{"sku", "HAT"}, {"stores", json::array({"us"})}}}));
    EXPECT_EQ(
        shop.last_step("300").details.at("debt"), json::array({{{"sku", "HAT"}, {"stores", json::array({"kr"})}}}));
}

// --- how a flush can end --------------------------------------------------------------------------------------------------------

TEST(Flush, NeverLearnedIsSettledByAQuietReadAndNothingIsSentBefore) {
    AMerchant shop;
    shop.order("100", eu, hat, 3);
    shop.clock.advance(61min);
    shop.end(activity::flush_stock, ended(OutcomeKind::unknown, "timeout"), "store:2");
    EXPECT_TRUE(shop.listing(us, hat).wants_read);
    EXPECT_EQ(shop.listing(us, hat).in_flight, 0);
    EXPECT_THAT(shop.flush_of(us), IsEmpty()) << "never again under that key, never blindly under another";
    EXPECT_THAT(shop.incidents(), Contains("a stock update failed"));
    shop.order("101", eu, hat, 1);
    EXPECT_THAT(shop.flush_of(us), IsEmpty()) << "the belief is in doubt";

    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
    const json listings = shop.the_open(activity::quiet_read).payload.at("listings");
    ASSERT_EQ(listings.size(), 1U);
    EXPECT_EQ(listings[0].at("listing_id"), "24");
    shop.clock.advance(1s);
    // The lost call had been applied after all.
    shop.end(activity::quiet_read, done(quiet_answer({{"24", 7}}, {{"24", 7}}, shop.clock.now())));
    EXPECT_EQ(shop.listing(us, hat).believed, 7);
    EXPECT_FALSE(shop.listing(us, hat).wants_read);
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(24, -1))) << "only what is missing";
    EXPECT_EQ(shop.laws(), "");
}

TEST(Flush, APoisonRowIsParkedAndTheOthersGoUnderANewKey) {
    AMerchant shop;
    shop.order("100", eu, mug, 1);
    ASSERT_THAT(shop.flush_of(us), ElementsAre(Pair(23, -1), Pair(22, -1)));
    const engine::CommandRow first = shop.the_open(activity::flush_stock, "store:2");
    shop.clock.advance(1ms);
    json refused = json::array({{{"index", 0}, {"code", "INVALID_INVENTORY_ITEM"}, {"message", "deleted"}}});
    shop.end(first, done(flush_outcome(json::array(), json::array(), refused)));
    EXPECT_EQ(shop.listing(us, gift_set).parked, "INVALID_INVENTORY_ITEM deleted");
    EXPECT_THAT(shop.incidents(), Contains("a store refuses a listing"));
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(22, -1)));
    EXPECT_NE(shop.the_open(activity::flush_stock, "store:2").payload.at("key"), first.payload.at("key"));
    shop.flush_done(us);
    shop.flush_done(eu);
    EXPECT_EQ(shop.state("100"), "ChannelsSynced") << "a poisoned listing is not waited for";
    EXPECT_EQ(shop.laws(), "");
}

TEST(Flush, OnlyTheRowsThatTheStoreListsCountTheOthersAreRead) {
    AMerchant shop;
    shop.order("100", eu, mug, 1);
    shop.clock.advance(1ms);
    shop.end(activity::flush_stock, done(flush_outcome({1}, {0}, json::array())), "store:2");
    EXPECT_EQ(shop.listing(us, mug).believed, 9);
    EXPECT_TRUE(shop.listing(us, gift_set).wants_read);
    EXPECT_EQ(shop.listing(us, gift_set).believed, 5) << "not moved by an answer that says nothing of it";
}

TEST(Flush, ARepeatedOutcomeCountsOnce) {
    AMerchant shop;
    shop.order("100", eu, hat, 3);
    const engine::CommandRow flush = shop.the_open(activity::flush_stock, "store:2");
    shop.clock.advance(1ms);
    shop.end(flush, done(flush_outcome({0}, json::array(), json::array())));
    EXPECT_EQ(
        shop.end(flush, done(flush_outcome({0}, json::array(), json::array()))).kind,
        engine::InputResult::Kind::duplicate);
    EXPECT_EQ(shop.listing(us, hat).believed, 7);
}

TEST(Flush, NonsenseInAnOutcomeIsParkedAndNothingIsBelieved) {
    AMerchant shop;
    shop.order("100", eu, hat, 3);
    const engine::CommandRow flush = shop.the_open(activity::flush_stock, "store:2");
    EXPECT_EQ(shop.end(flush, done({{"applied", "all of them"}})).kind, engine::InputResult::Kind::parked);
    EXPECT_EQ(shop.listing(us, hat).believed, 10);
    EXPECT_TRUE(shop.has_open(activity::flush_stock, "store:2")) << "its deadline will settle it";
    EXPECT_EQ(
        shop.end(flush, done(flush_outcome({99}, json::array(), json::array()))).kind,
        engine::InputResult::Kind::applied);
    EXPECT_EQ(shop.listing(us, hat).believed, 10) << "a row that was never sent";
}

// --- quiet reads ------------------------------------------------------------------------------------------------------------------

TEST(QuietRead, GivesTheOpeningBeliefAndTheFlushRepairsTheRest) {
    AMerchant shop({10s, 0s, "hold_and_tell", 10, 0, false, false});
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
    EXPECT_EQ(shop.the_open(activity::quiet_read).payload.at("listings").size(), 4U);
    EXPECT_THAT(shop.flush_of(us), IsEmpty());
    shop.clock.advance(1s);
    std::map<std::string, int> shown = {{"21", 12}, {"22", 10}, {"23", 5}, {"24", 0}};
    shop.end(activity::quiet_read, done(quiet_answer(shown, shown, shop.clock.now())));
    EXPECT_EQ(shop.listing(us, shirt).believed, 12);
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(21, -2), Pair(24, 10)));
    EXPECT_EQ(shop.laws(), "");
}

// A catalogue of thousands is not read at the pace of a hundred in every quarter of a minute, and what cannot be read for now
// keeps nobody from his turn.
TEST(QuietRead, GoesOnWithTheNextPageAtOnce) {
    for (const bool failed : {true, false}) {
        AMerchant shop({10s, 0s, "hold_and_tell", 10, 0, false, false, "live", 3});
        ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
        EXPECT_THAT(shop.the_open(activity::quiet_read).payload.at("learned").size(), 3U);
        const std::map<std::string, int> shown = {{"21", 10}, {"22", 10}, {"23", 5}};
        shop.clock.advance(1s);
        shop.end(
            activity::quiet_read,
            failed ? ended(OutcomeKind::refused) : done(quiet_answer(shown, shown, shop.clock.now())));
        EXPECT_EQ(shop.listing(us, shirt).wants_read, failed);

        shop.due();
        EXPECT_EQ(shop.the_open(activity::quiet_read).payload.at("learned").items().begin().key(), "24");
        shop.end(activity::quiet_read, done(quiet_answer({{"24", 10}}, {{"24", 10}}, shop.clock.now())));
        EXPECT_EQ(shop.listing(us, hat).believed, 10);
        shop.due();
        EXPECT_FALSE(shop.has_open(activity::quiet_read)) << "from the first one only when it is due";
        shop.pass(16s);
        EXPECT_EQ(shop.has_open(activity::quiet_read), failed);
    }
}

TEST(QuietRead, ThatWasNotQuietIsReadAgain) {
    AMerchant shop({10s, 0s, "hold_and_tell", 10, 0, false, false});
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
    shop.clock.advance(1s);
    // The hat was sold between the two reads; the mug's sale arrived as a webhook meanwhile.
    sagas::OrderDocument sale = an_order("300", us, mug, 1);
    shop.deliver(us, "orders/create", sale);
    std::map<std::string, int> first = {{"21", 10}, {"22", 9}, {"23", 5}, {"24", 10}};
    std::map<std::string, int> second = {{"21", 10}, {"22", 9}, {"23", 5}, {"24", 9}};
    shop.end(activity::quiet_read, done(quiet_answer(first, second, shop.clock.now())));
    EXPECT_EQ(shop.listing(us, shirt).believed, 10);
    EXPECT_FALSE(shop.listing(us, hat).believed.has_value()) << "two different answers";
    EXPECT_FALSE(shop.listing(us, mug).believed.has_value()) << "something was learned in between";
    EXPECT_TRUE(shop.listing(us, mug).wants_read);

    shop.pass(16s);
    EXPECT_EQ(shop.the_open(activity::quiet_read).payload.at("listings").size(), 2U);
}

// An order that only the read's own poll has brought in: it is learned in between, so the read was not quiet.
TEST(QuietRead, AppliesTheOrdersItFindsBeforeItBelieves) {
    AMerchant shop({10s, 0s, "hold_and_tell", 10, 0, false, false});
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
    shop.clock.advance(1s);
    std::map<std::string, int> shown = {{"21", 10}, {"22", 10}, {"23", 5}, {"24", 8}};
    json orders = json::array({to_json(an_order("300", us, hat, 2))});
    shop.end(activity::quiet_read, done(quiet_answer(shown, shown, shop.clock.now(), orders)));
    EXPECT_EQ(shop.stock(hat).reserved, 2) << "the order itself goes its way";
    EXPECT_FALSE(shop.listing(us, hat).believed.has_value());
    EXPECT_EQ(shop.listing(us, shirt).believed, 10);
}

json quiet_list(const std::map<std::string, int>& shown, Instant until, const json& seen) {
    return {{"first", shown}, {"second", shown}, {"seen", seen}, {"polled_until", runtime::format_rfc3339(until)}};
}

// A list tells only which orders there are. What is news of it is read before anything is believed.
TEST(QuietRead, ReadsTheDocumentsOfTheOrdersThatItDoesNotKnow) {
    for (const bool readable : {true, false}) {
        AMerchant shop({10s, 0s, "hold_and_tell", 10, 0, false, false});
        const sagas::OrderDocument known = an_order("300", us, mug, 1), news = an_order("301", us, hat, 2);
        shop.deliver(us, "orders/create", known);
        ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
        shop.clock.advance(1s);
        const std::map<std::string, int> shown = {{"21", 10}, {"22", 9}, {"23", 5}, {"24", 8}};
        shop.end(
            activity::quiet_read,
            done(quiet_list(shown, shop.clock.now(), {{"300", stamp_of(known)}, {"301", stamp_of(news)}})));
        EXPECT_FALSE(shop.listing(us, shirt).believed.has_value()) << "the read has not ended";
        EXPECT_TRUE(shop.listing(us, shirt).read_open);

        const json asked = shop.the_open(activity::poll_orders).payload;
        EXPECT_EQ(asked.at("order_ids"), json::array({"301"}));
        json answer = asked.at("list");
        EXPECT_FALSE(answer.contains("seen"));
        answer["orders"] = readable ? json::array({to_json(news)}) : json::array();
        if (!readable) answer["unreadable"] = {{{"order_id", "301"}, {"reason", "it never ends"}}};
        shop.end(activity::poll_orders, done(answer));
        EXPECT_EQ(shop.stock(hat).reserved, readable ? 2 : 0) << "the order itself goes its way";
        EXPECT_FALSE(shop.listing(us, hat).believed.has_value()) << "something was learned of it";
        EXPECT_EQ(shop.listing(us, shirt).believed, readable ? std::optional<std::int64_t>(10) : std::nullopt);
        EXPECT_FALSE(shop.listing(us, shirt).read_open);
    }
}

// All of them known as the store has them: nothing more is asked.
TEST(QuietRead, IsJudgedAtOnceWhenItTellsNoNews) {
    AMerchant shop({10s, 0s, "hold_and_tell", 10, 0, false, false});
    const sagas::OrderDocument known = an_order("300", us, mug, 1);
    shop.deliver(us, "orders/create", known);
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
    shop.clock.advance(1s);
    const std::map<std::string, int> shown = {{"21", 10}, {"22", 9}, {"23", 5}, {"24", 10}};
    shop.end(activity::quiet_read, done(quiet_list(shown, shop.clock.now(), {{"300", stamp_of(known)}})));
    EXPECT_FALSE(shop.has_open(activity::poll_orders));
    EXPECT_EQ(shop.listing(us, hat).believed, 10);
}

// More documents than one message holds, then more orders than one list holds, then the end with the levels of the beginning.
TEST(QuietRead, GoesOnUntilItHasEveryDocumentOfEveryPage) {
    AMerchant shop({10s, 0s, "hold_and_tell", 10, 0, false, false});
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
    shop.clock.advance(1s);
    const std::map<std::string, int> shown = {{"21", 10}, {"22", 10}, {"23", 5}, {"24", 10}};
    shop.end(
        activity::quiet_read,
        done({{"first", shown}, {"after", "c1"}, {"seen", {{"301", "a stamp"}, {"302", "a stamp"}}}}));

    json part = shop.the_open(activity::poll_orders).payload.at("list");
    part["orders"] = {to_json(an_order("301", us, mug, 1))};
    part["unread"] = {"302"};
    shop.end(activity::poll_orders, done(part));
    const json rest = shop.the_open(activity::poll_orders).payload;
    EXPECT_EQ(rest.at("order_ids"), json::array({"302"}));
    part = rest.at("list");
    EXPECT_FALSE(part.contains("orders") || part.contains("unread"));
    shop.pass(2500ms);  // its rest between pages
    part["orders"] = {to_json(an_order("302", us, mug, 1))};
    shop.end(activity::poll_orders, done(part));

    const json next = shop.the_open(activity::quiet_read).payload;
    EXPECT_EQ(next.at("after"), "c1");
    EXPECT_EQ(next.at("first"), json(shown));
    EXPECT_FALSE(next.contains("order_ids") || next.contains("list"));
    shop.end(activity::quiet_read, done(quiet_list(shown, shop.clock.now(), json::object())));
    EXPECT_EQ(shop.listing(us, hat).believed, 10);
    EXPECT_EQ(shop.stock(mug).reserved, 2);
    EXPECT_EQ(shop.laws(), "");
}

// The others of the list would not make it known what the unreadable one has done to the levels.
TEST(QuietRead, EndsWhenADocumentCannotBeReadThoughOthersAreLeft) {
    AMerchant shop({10s, 0s, "hold_and_tell", 10, 0, false, false});
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
    shop.clock.advance(1s);
    const std::map<std::string, int> shown = {{"21", 10}, {"22", 10}, {"23", 5}, {"24", 10}};
    shop.end(activity::quiet_read, done(quiet_list(shown, shop.clock.now(), {{"301", "a stamp"}, {"302", "a stamp"}})));
    json part = shop.the_open(activity::poll_orders).payload.at("list");
    part["orders"] = json::array();
    part["unreadable"] = {{{"order_id", "301"}, {"reason", "it never ends"}}};
    part["unread"] = {"302"};
    shop.end(activity::poll_orders, done(part));
    EXPECT_FALSE(shop.has_open(activity::poll_orders));
    EXPECT_FALSE(shop.listing(us, hat).believed.has_value());
    EXPECT_TRUE(shop.listing(us, hat).wants_read);
    EXPECT_FALSE(shop.listing(us, hat).read_open);
}

TEST(QuietRead, ThatFailedIsTriedAgain) {
    AMerchant shop({10s, 0s, "hold_and_tell", 10, 0, false, false});
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
    shop.end(activity::quiet_read, ended(OutcomeKind::refused, "no permission"));
    EXPECT_TRUE(shop.listing(us, hat).wants_read);
    EXPECT_FALSE(shop.listing(us, hat).read_open);
    shop.pass(16s);
    EXPECT_TRUE(shop.has_open(activity::quiet_read));
}

TEST(QuietRead, NoListingIsReadWhileSomethingIsInFlight) {
    AMerchant shop;
    shop.order("100", eu, hat, 3);
    ASSERT_EQ(shop.listing(us, hat).in_flight, -3);
    EXPECT_EQ(duties_of(shop, duty::quiet_reads, us), 0);
}

TEST(QuietRead, AHintThatStillDisagreesAfterAMinuteIsLookedInto) {
    AMerchant shop;
    Delivery hint = shop.delivery(us, "inventory_levels/update", "");
    hint.body = {{"inventory_item_id", 2024}, {"location_id", 4}, {"available", 3}};
    shop.deliver(std::move(hint));
    EXPECT_EQ(shop.listing(us, hat).believed, 10) << "a hint is never believed";
    EXPECT_EQ(shop.hinted(us, hat), 3);
    EXPECT_EQ(duties_of(shop, duty::quiet_reads, us), 0);
    shop.pass(76s);
    EXPECT_TRUE(shop.has_open(activity::quiet_read));
    shop.clock.advance(1s);
    shop.end(activity::quiet_read, done(quiet_answer({{"24", 3}}, {{"24", 3}}, shop.clock.now())));
    EXPECT_EQ(shop.listing(us, hat).believed, 3);
    EXPECT_THAT(shop.flush_of(us), ElementsAre(Pair(24, 7)));
}

// What was sold before is in the reading already: a later word of the same order must not take it off once more.
TEST(QuietRead, CountsWhatWasSoldBeforeItsListingWasMapped) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", us, hat, 3);
    order.lines[0].variant_id = "9999";
    shop.deliver(us, "orders/create", order);
    ListingRow listing = shop.listing(us, hat);
    listing.listing_id = {99};
    listing.variant_id = "9999";
    listing.inventory_item_id = "8888";
    listing.believed.reset();
    listing.wants_read = true;
    shop.store.add_listing(listing);
    const auto believed = [&] {
        return shop.store.tables().listings.at({merchant, ListingId{99}}).believed;
    };

    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 1);
    shop.clock.advance(1s);
    shop.end(
        activity::quiet_read,
        done(quiet_answer({{"99", 7}}, {{"99", 7}}, shop.clock.now(), json::array({to_json(order)}))));
    EXPECT_EQ(believed(), 7);

    order.updated_at += 1s;
    order.cancel_reason = "other";
    shop.deliver(us, "orders/updated", order);
    EXPECT_EQ(believed(), 7);
}

TEST(QuietRead, AHintIsKeptUntilTheReadThatAnswersIt) {
    AMerchant shop;
    shop.deliver(a_level_told_at(shop, start, 3));
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 0);
    EXPECT_EQ(shop.hinted(us, hat), 3);
    shop.pass(76s);
    ASSERT_TRUE(shop.has_open(activity::quiet_read));
    EXPECT_FALSE(shop.hinted(us, hat));
}

// Each order makes one in every store, and it says again what the next one will say: the listing's row remembers enough.
TEST(QuietRead, AHintLeavesNoReceipt) {
    AMerchant shop;
    for (int turn = 0; turn < 2; ++turn)
        shop.deliver(a_level_told_at(shop, start - 1s, 3));
    EXPECT_EQ(shop.hinted(us, hat), 3);
    EXPECT_EQ(shop.store.tables().receipts.size(), 0U);

    Delivery strange = a_level(shop, us, 2024, 3);
    strange.fault = "no level";
    shop.deliver(std::move(strange));
    EXPECT_EQ(shop.store.tables().receipts.size(), 1U) << "what is not understood is kept for a person";
}

// A write that came after the store had forgotten its key: nothing but a level tells of it.
TEST(QuietRead, AnOlderHintThatComesLaterDoesNotHideTheNewest) {
    AMerchant shop;
    shop.deliver(a_level_told_at(shop, start - 1s, 3));
    shop.deliver(a_level_told_at(shop, start - 1s - 1ms, 10));
    EXPECT_EQ(shop.hinted(us, hat), 3);
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 0);
    shop.pass(76s);
    EXPECT_TRUE(shop.has_open(activity::quiet_read));
}

// Webhooks of a busy hour are minutes late: what tells of an old level is followed by what tells of the next one.
TEST(QuietRead, AHintThatComesLateHasToStandAsLongAsOthers) {
    AMerchant shop;
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 0);
    shop.deliver(a_level_told_at(shop, start - 10min, 3));
    shop.pass(50s);
    EXPECT_FALSE(shop.has_open(activity::quiet_read));
    shop.deliver(a_level_told_at(shop, start - 9min, 10));
    shop.pass(120s);
    EXPECT_FALSE(shop.has_open(activity::quiet_read)) << "as it is believed";
}

// The level may have moved after it was read; what was heard before the read began is answered by it.
TEST(QuietRead, AHintThatCameDuringAReadIsLookedInto) {
    AMerchant shop;
    shop.deliver(a_level_told_at(shop, start, 3));
    ASSERT_EQ(duties_of(shop, duty::quiet_reads, us), 0);
    shop.pass(76s);
    ASSERT_TRUE(shop.has_open(activity::quiet_read));
    shop.clock.advance(1s);
    const Instant read_at = shop.clock.now();
    shop.clock.advance(1s);
    shop.deliver(a_level_told_at(shop, shop.clock.now(), 6));
    shop.end(activity::quiet_read, done(quiet_answer({{"24", 10}}, {{"24", 10}}, read_at)));
    EXPECT_EQ(shop.listing(us, hat).believed, 10);

    shop.pass(76s);
    ASSERT_TRUE(shop.has_open(activity::quiet_read));
    shop.clock.advance(1s);
    shop.end(activity::quiet_read, done(quiet_answer({{"24", 10}}, {{"24", 10}}, shop.clock.now())));
    for (int minute = 0; minute < 3; ++minute)
        shop.pass(60s);
    EXPECT_FALSE(shop.has_open(activity::quiet_read)) << "both hints are answered";
}

TEST(QuietRead, AHintFromTheFutureDoesNotHideTheNextOne) {
    AMerchant shop;
    shop.deliver(a_level_told_at(shop, start + 24h, 10));
    shop.clock.advance(1s);
    shop.deliver(a_level_told_at(shop, shop.clock.now(), 3));
    EXPECT_EQ(shop.hinted(us, hat), 3);
}

}  // namespace
}  // namespace ordersaga::orders
