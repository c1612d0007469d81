// Stock for orders: grants, readings asked for first, the backorder queue, what operators change, what the world is told.
#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using sagas::OutcomeKind;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
namespace activity = sagas::activity;

constexpr const char* less_than_promised = "the warehouse has less than was promised";

json reading_of(SkuId sku, std::int64_t units) {
    return {
        {"items", json::array(
                      {{{"warehouse_item_id", "900" + std::to_string(sku.value)},
                        {"fulfillable", units},
                        {"on_hand", units}}})}};
}

std::vector<std::string> keys_of(const AMerchant& shop) {
    std::vector<std::string> keys;
    for (const engine::AnnouncementRow& row : shop.announced)
        keys.push_back(row.routing_key);
    return keys;
}

// Brings an order from Received to FulfillmentRequested, whatever it still waits for.
void bring_to_warehouse(AMerchant& shop, const std::string& order_id) {
    shop.pass(11s);
    ASSERT_EQ(shop.state(order_id), "ChannelsSynced");
    shop.accept(order_id);
    ASSERT_EQ(shop.state(order_id), "FulfillmentRequested");
}

// Of the five shirts of order 100 two are left.
void edit_to_two(AMerchant& shop) {
    sagas::OrderDocument changed = an_order("100", eu, shirt, 5);
    changed.updated_at += 30s;
    changed.lines[0].current_quantity = changed.lines[0].fulfillable_quantity = 2;
    shop.deliver(eu, "orders/updated", changed);
    shop.due();
}

// The same when the warehouse has accepted the five: it is asked to cancel.
void edit_at_warehouse(AMerchant& shop) {
    shop.order("100", eu, shirt, 5);
    bring_to_warehouse(shop, "100");
    edit_to_two(shop);
    ASSERT_EQ(shop.state("100"), "CancellingFulfillment");
}

// --- the plain way -------------------------------------------------------------------------------------------------------------

TEST(Reserve, TakesAnOrderAllTheWay) {
    AMerchant shop;
    shop.order("100", eu, shirt, 2);
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    bring_to_warehouse(shop, "100");
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    shop.ship("100");
    EXPECT_EQ(shop.state("100"), "Shipped");
    EXPECT_EQ(shop.stock(shirt).committed, 0);
    EXPECT_EQ(shop.stock(shirt).on_hand, 8);
    EXPECT_EQ(shop.stock(shirt).available, 8);
    shop.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    shop.pass(24h * 15);
    EXPECT_EQ(shop.state("100"), "Completed");
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reserve, GrantsInTheSequenceOfArrivalUntilThereIsNoMore) {
    AMerchant shop({10s, 0s, "hold_and_tell", 3, 0, false, true});
    shop.order("100", eu, shirt, 2);
    shop.order("101", us, shirt, 2);
    shop.order("102", eu, shirt, 1);
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.state("101"), "SettlingOrder") << "refused: two are not there";
    EXPECT_EQ(shop.state("102"), "Reserved") << "one is";
    EXPECT_EQ(shop.the_open(activity::settle_store_order).payload.at("policy"), "hold_and_tell");
    shop.end(activity::settle_store_order, done({{"settled", "held"}}));
    EXPECT_EQ(shop.state("101"), "OutOfStock");
    EXPECT_EQ(shop.stock(shirt).available, 0);
    EXPECT_EQ(shop.laws(), "");
}

// S01: two orders for the last unit in one batch (Medusa #16569).
TEST(Reserve, TwoOrdersForTheLastUnitInOneBatch) {
    AMerchant shop({10s, 0s, "hold_and_tell", 1, 0, false, true});
    std::vector<engine::Input> inputs;
    for (StoreId store : {eu, us}) {
        Delivery delivery = shop.delivery(store, "orders/create", "10" + std::to_string(store.value));
        delivery.order = an_order("10" + std::to_string(store.value), store, shirt, 1);
        engine::Arrival arrival{merchant, delivery, {}};
        inputs.push_back({std::move(arrival), [](const engine::InputResult&) {
                          }});
    }
    ASSERT_TRUE(shop.engine->run(inputs));
    EXPECT_EQ(shop.state("101"), "ChannelsSynced") << "the first one has it, and each store has sold what it showed";
    EXPECT_EQ(shop.state("102"), "SettlingOrder");
    EXPECT_EQ(shop.stock(shirt).reserved, 1);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reserve, AllLinesOrNone) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 2);
    order.lines.push_back(a_line("1002", eu, gift_set, 9));
    shop.deliver(eu, "orders/create", order);
    EXPECT_EQ(shop.state("100"), "SettlingOrder");
    EXPECT_EQ(shop.stock(shirt).reserved, 0);
    EXPECT_EQ(shop.stock(mug).reserved, 0);
}

// --- release -------------------------------------------------------------------------------------------------------------------

TEST(Reserve, ACancelBeforeTheWarehouseGivesBackAtOnce) {
    AMerchant shop;
    shop.order("100", eu, shirt, 2);
    shop.tell("100", "CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(shop.state("100"), "RevertingChannels");
    EXPECT_EQ(shop.stock(shirt).available, 10);
    shop.pass(11s);
    EXPECT_EQ(shop.state("100"), "Compensated");
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reserve, ACancelAtTheWarehouseGivesBackOnlyThroughAReading) {
    AMerchant shop;
    shop.order("100", eu, shirt, 2);
    bring_to_warehouse(shop, "100");
    shop.tell("100", "CancelRequested", {{"by", "customer"}});
    shop.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(shop.stock(shirt).available, 8);
    EXPECT_EQ(shop.stock(shirt).returning, 2);
    ASSERT_TRUE(shop.has_open(activity::read_warehouse_stock)) << "a reading is asked for";
    shop.read_warehouse({{shirt, 10}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 10);
    EXPECT_EQ(shop.stock(shirt).returning, 0);
    EXPECT_EQ(shop.laws(), "");
}

// S31: an edit after the payment moved no reservation (Vendure #1210).
TEST(Reserve, AnEditBeforeTheWarehouseReleasesTheDifference) {
    AMerchant shop;
    shop.order("100", eu, shirt, 5);
    edit_to_two(shop);
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.stock(shirt).available, 8);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 8) << "the store put back what the edit removed";
    EXPECT_EQ(shop.laws(), "");
}

// S31: an edit that could not be served was silently ignored (Vendure #1210).
TEST(Reserve, AnEditThatCannotBeGrantedKeepsWhatItHasAndAsksAPerson) {
    AMerchant shop;
    shop.order("100", eu, shirt, 5);
    sagas::OrderDocument changed = an_order("100", eu, shirt, 50);
    changed.updated_at += 30s;
    shop.deliver(eu, "orders/updated", changed);
    shop.due();
    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    EXPECT_EQ(shop.stock(shirt).reserved, 5);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reserve, AnEditAtTheWarehouseIsCancelledAndRequestedAnew) {
    AMerchant shop;
    edit_at_warehouse(shop);
    shop.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.stock(shirt).committed, 0);
    shop.pass(11s);
    EXPECT_EQ(shop.the_open(activity::request_fulfillment).payload.at("reference"), "eu.100.1.2");
    EXPECT_EQ(shop.laws(), "");
}

// The warehouse has cancelled and a reading shows it, before the answer to the cancel is heard.
TEST(Reserve, AnEditWhoseCancelAReadingHasShownGivesNoUnitTwice) {
    AMerchant shop;
    edit_at_warehouse(shop);
    shop.read_warehouse({{shirt, 10}, {mug, 10}});
    shop.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_LE(shop.stock(shirt).available, 8) << "ten are there, two of them held";
    shop.pass(31s);
    shop.read_warehouse({{shirt, 10}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 8);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reserve, AnEditThatCameTooLateIsCountedByReadingsAgain) {
    AMerchant shop;
    edit_at_warehouse(shop);
    shop.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    ASSERT_NE(shop.state("100"), "CancellingFulfillment");
    shop.pass(24h);
    shop.read_warehouse({{shirt, 5}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 5) << "the warehouse has counted what it will ship";
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reserve, APreviewNamesTheMovesAndCallsOfTheRealRun) {
    AMerchant shop;
    shop.order("100", eu, shirt, 2);
    bring_to_warehouse(shop, "100");
    const StockRow before = shop.stock(shirt);
    const json preview = shop.engine->preview(shop.saga("100").key, {"CancelRequested", {{"by", "operator"}}, "anna"});
    EXPECT_EQ(preview.at("ends_in"), "Compensated");
    EXPECT_EQ(shop.stock(shirt).version, before.version);
    ASSERT_EQ(preview.at("calls").size(), 2U);
    EXPECT_EQ(preview.at("calls")[0].at("activity"), "CancelFulfillment");
    EXPECT_EQ(preview.at("calls")[1].at("activity"), "SettleStoreOrder");
    json moved = json::array();
    for (const json& change : preview.at("changes")) {
        if (change.at("kind") == "stock") moved.push_back(change);
    }
    ASSERT_EQ(moved.size(), 1U);
    EXPECT_EQ(moved[0].at("move"), "return");
    EXPECT_EQ(moved[0].at("committed"), -2);

    shop.tell("100", "CancelRequested", {{"by", "operator"}});
    const engine::CommandRow cancel = shop.the_open(activity::cancel_fulfillment);
    EXPECT_EQ(cancel.payload, preview.at("calls")[0].at("payload"));
    shop.end(cancel, done({{"found", true}}));
    shop.pass(11s);
    EXPECT_EQ(shop.the_open(activity::settle_store_order).payload, preview.at("calls")[1].at("payload"));
    EXPECT_EQ(shop.stock(shirt).committed, before.committed - 2);
}

// --- asking the warehouse first ----------------------------------------------------------------------------------------------------

// S35: the same for units whose promise still waits for the warehouse (Saleor #10877).
TEST(AskWarehouseFirst, PromisesNothingBeforeTheFigureIsThere) {
    AMerchant shop;
    shop.order("100", eu, hat, 2);
    EXPECT_EQ(shop.state("100"), "Received");
    EXPECT_EQ(shop.stock(hat).reserved, 2) << "taken, so that no store shows it meanwhile";
    const engine::CommandRow read = shop.the_open(activity::read_warehouse_stock);
    EXPECT_EQ(read.payload.at("items")[0].at("warehouse_item_id"), "9004");
    shop.end(read, done(reading_of(hat, 10)));
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.stock(hat).available, 8);
    EXPECT_EQ(shop.laws(), "");
}

// The mirror says ten, the warehouse has two: exactly two are accepted, whatever arrives in whatever sequence.
TEST(AskWarehouseFirst, AcceptsNothingBeyondWhatTheWarehouseReallyHas) {
    AMerchant shop;
    for (int number = 0; number < 4; ++number)
        shop.order("10" + std::to_string(number), number % 2 == 0 ? eu : us, hat, 1);
    ASSERT_EQ(shop.open(activity::read_warehouse_stock).size(), 1U) << "one read serves them all";
    shop.end(activity::read_warehouse_stock, done(reading_of(hat, 2)));
    int taken = 0, refused = 0;
    for (int number = 0; number < 4; ++number) {
        const std::string state = shop.state("10" + std::to_string(number));
        taken += state == "Reserved" ? 1 : 0;
        refused += state == "SettlingOrder" ? 1 : 0;
    }
    EXPECT_EQ(taken, 2);
    EXPECT_EQ(refused, 2);
    EXPECT_EQ(shop.stock(hat).reserved, 2);
    EXPECT_EQ(shop.stock(hat).available, 0);
    EXPECT_EQ(shop.stock(hat).short_by, 0);
    EXPECT_TRUE(shop.store.tables().incidents.rows().empty())
        << "who gave way was promised nothing: no alarm, not even a short one";
    shop.pass(31s);
    shop.order("200", eu, hat, 1);
    if (shop.has_open(activity::read_warehouse_stock))
        shop.end(activity::read_warehouse_stock, done(reading_of(hat, 2)));
    EXPECT_EQ(shop.state("200"), "SettlingOrder");
    EXPECT_EQ(shop.laws(), "");
}

TEST(AskWarehouseFirst, WaitsFiveSecondsAndThenDecidesWithTheLedger) {
    AMerchant shop;
    shop.order("100", eu, hat, 2);
    shop.pass(4s);
    EXPECT_EQ(shop.state("100"), "Received");
    shop.pass(1s);
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.stock(hat).reserved, 2) << "once, not twice";
    EXPECT_EQ(shop.laws(), "");
}

TEST(AskWarehouseFirst, AsksAtMostOnceInHalfAMinute) {
    AMerchant shop;
    shop.order("100", eu, hat, 1);
    shop.end(activity::read_warehouse_stock, ended(OutcomeKind::refused, "no permission"));
    shop.pass(5s);
    EXPECT_EQ(shop.state("100"), "Reserved");
    shop.order("101", eu, hat, 1);
    EXPECT_FALSE(shop.has_open(activity::read_warehouse_stock));
    EXPECT_EQ(shop.state("101"), "Reserved") << "who cannot ask decides with the ledger";
    shop.pass(31s);
    shop.order("102", eu, hat, 1);
    EXPECT_TRUE(shop.has_open(activity::read_warehouse_stock));
}

TEST(AskWarehouseFirst, ACancelMeanwhileGivesTheUnitsBack) {
    AMerchant shop;
    shop.order("100", eu, hat, 2);
    shop.tell("100", "CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(shop.stock(hat).available, 10);
    shop.end(activity::read_warehouse_stock, done(reading_of(hat, 10)));
    shop.pass(11s);
    EXPECT_EQ(shop.state("100"), "Compensated");
    EXPECT_EQ(shop.stock(hat).available, 10);
    EXPECT_EQ(shop.laws(), "");
}

TEST(TrustMirror, AsksOnlyWhenTheMirrorIsOlderThanAMinute) {
    AMerchant shop;
    shop.pass(59s);
    shop.order("100", eu, shirt, 1);
    EXPECT_EQ(shop.state("100"), "Reserved");
    shop.pass(2s);
    shop.order("101", eu, shirt, 1);
    EXPECT_EQ(shop.state("101"), "Received");
    EXPECT_TRUE(shop.has_open(activity::read_warehouse_stock));
}

// --- readings ------------------------------------------------------------------------------------------------------------------------

TEST(Reading, BelowWhatWasPromisedIsAnIncidentUntilItIsMadeGood) {
    AMerchant shop;
    shop.order("100", eu, shirt, 6);
    shop.read_warehouse({{shirt, 4}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).short_by, 2);
    EXPECT_THAT(shop.incidents(), Contains(less_than_promised));
    shop.pass(31s);
    shop.read_warehouse({{shirt, 6}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).short_by, 0);
    EXPECT_THAT(shop.incidents(), Not(Contains(less_than_promised)));
    EXPECT_EQ(shop.laws(), "");
}

// Six are promised, and one more waits for the figure: it is three. Who waited gives way, and three are still missing.
TEST(Reading, ThatLeavesItShortAfterWhoWaitedHasGivenWayIsTold) {
    AMerchant shop;
    shop.order("100", eu, hat, 6);
    shop.end(activity::read_warehouse_stock, done(reading_of(hat, 10)));
    shop.pass(31s);
    shop.order("101", us, hat, 1);
    shop.end(activity::read_warehouse_stock, done(reading_of(hat, 3)));
    EXPECT_EQ(shop.state("101"), "SettlingOrder");
    EXPECT_EQ(shop.stock(hat).short_by, 3);
    EXPECT_THAT(shop.incidents(), Contains(less_than_promised));
}

// Who waited holds nothing, so his decision changes no ledger; that it is short must be told all the same.
TEST(Reading, ThatLeavesItShortIsToldThoughWhoWaitedHeldNothing) {
    AMerchant shop;
    shop.order("100", eu, hat, 6);
    shop.end(activity::read_warehouse_stock, done(reading_of(hat, 10)));
    shop.pass(31s);
    shop.order("101", us, hat, 20);
    ASSERT_EQ(shop.state("101"), "Received");
    shop.end(activity::read_warehouse_stock, done(reading_of(hat, 3)));
    EXPECT_EQ(shop.state("101"), "SettlingOrder");
    EXPECT_EQ(shop.stock(hat).short_by, 3);
    EXPECT_THAT(shop.incidents(), Contains(less_than_promised));
}

// The time of a reading of everything is the warehouse's: what it confirms is not written again, and is fresh all the same.
TEST(ReadingOfAll, WritesNoLedgerThatItConfirms) {
    AMerchant shop;
    shop.read_warehouse({{shirt, 10}, {mug, 10}, {hat, 10}});
    ASSERT_TRUE(shop.stock(shirt).mirrored);
    const Instant written = *shop.stock(shirt).read_asked_at;
    shop.pass(59s);
    shop.read_warehouse({{shirt, 10}, {mug, 10}, {hat, 10}});
    shop.pass(59s);
    shop.read_warehouse({{shirt, 10}, {mug, 9}, {hat, 10}});
    EXPECT_EQ(shop.stock(shirt).read_asked_at, written);
    EXPECT_GT(shop.stock(mug).read_asked_at, written) << "a ledger that is written has its time, too";
    shop.pass(59s);
    shop.order("100", eu, shirt, 1);
    EXPECT_EQ(shop.state("100"), "Reserved") << "read less than a minute ago";
    shop.pass(59s);
    shop.order("101", eu, shirt, 1);
    EXPECT_EQ(shop.state("101"), "Received") << "read two minutes ago";
    EXPECT_EQ(shop.laws(), "");
}

TEST(ReadingOfAll, SaysNothingOfAnArticleThatIsNotInIt) {
    AMerchant shop;
    shop.read_warehouse({{shirt, 10}, {mug, 10}});
    shop.pass(50s);
    const Instant before = shop.clock.now();
    shop.read_warehouse({{mug, 10}});
    EXPECT_FALSE(shop.stock(shirt).mirrored);
    EXPECT_LT(*shop.stock(shirt).read_asked_at, before) << "it was read when it was told of";
    shop.pass(11s);
    shop.order("100", eu, mug, 1);
    EXPECT_EQ(shop.state("100"), "Reserved");
    shop.order("101", eu, shirt, 1);
    EXPECT_EQ(shop.state("101"), "Received") << "nobody has read it for a minute";
    shop.read_warehouse({{shirt, 10}, {mug, 10}});
    EXPECT_TRUE(shop.stock(shirt).mirrored);
}

TEST(ReadingOfAll, ThatWasAskedBeforeAnotherIsDropped) {
    AMerchant shop;
    shop.read_warehouse({{shirt, 10}, {mug, 10}, {hat, 10}});
    shop.order("100", eu, hat, 1);
    const engine::CommandRow older = shop.the_open(activity::read_warehouse_stock);
    shop.read_warehouse({{shirt, 10}, {mug, 10}, {hat, 9}});
    EXPECT_EQ(shop.stock(hat).available, 8) << "nine, of which one is promised";
    shop.end(older, done(reading_of(hat, 10)));
    EXPECT_EQ(shop.stock(hat).available, 8) << "the newest reading was of everything; no ledger has its time";
}

TEST(ReadingOfAll, DoesNotReplaceWhatAnArticleToldLater) {
    AMerchant shop;
    shop.read_warehouse({{shirt, 10}, {mug, 10}, {hat, 10}});
    shop.pass(31s);
    const engine::CommandRow whole = shop.the_open(activity::read_warehouse_stock);
    ASSERT_TRUE(whole.payload.at("items").empty());
    shop.clock.advance(1ms);
    shop.order("100", eu, hat, 1);
    for (const engine::CommandRow& row : shop.open(activity::read_warehouse_stock)) {
        if (row.command_id != whole.command_id) shop.end(row, done(reading_of(hat, 5)));
    }
    EXPECT_EQ(shop.stock(hat).available, 4);
    shop.end(whole, done(reading_of(hat, 10)));
    EXPECT_EQ(shop.stock(hat).available, 4);
    EXPECT_EQ(shop.laws(), "");
}

// What requests under way explain is left as it was, and with it its time.
TEST(ReadingOfAll, ThatALedgerIsLeftOutOfIsNotItsOwn) {
    AMerchant shop;
    shop.read_warehouse({{shirt, 10}, {mug, 10}, {hat, 10}});
    shop.order("100", eu, shirt, 2);
    shop.pass(11s);
    ASSERT_TRUE(shop.has_open(activity::request_fulfillment));
    const Instant before = shop.clock.now();
    shop.read_warehouse({{shirt, 8}, {mug, 10}, {hat, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 8) << "the warehouse has the order, and we have not heard of it";
    EXPECT_FALSE(shop.stock(shirt).mirrored);
    EXPECT_LT(*shop.stock(shirt).read_asked_at, before);
    EXPECT_TRUE(shop.stock(mug).mirrored);
}

// Every batch that has the ledger at hand finds it short: one incident, opened once, with the figure of today.
TEST(Reading, ThatStaysShortIsOneIncident) {
    AMerchant shop;
    shop.order("100", eu, shirt, 6);
    shop.read_warehouse({{shirt, 4}, {mug, 10}});
    const auto told = shop.store.tables().incidents.rows();
    shop.pass(1s);
    shop.order("101", eu, shirt, 1);
    shop.tell("100", "HoldRequested", {{"reason", "wait"}});
    ASSERT_EQ(shop.store.tables().incidents.size(), 1U);
    EXPECT_EQ(shop.store.tables().incidents.begin()->second.updated_at, told.begin()->second.updated_at);
    EXPECT_THAT(shop.store.tables().incidents.begin()->second.row.text, HasSubstr("SHIRT in main: 2 units short"));

    shop.pass(31s);
    shop.read_warehouse({{shirt, 5}, {mug, 10}});
    ASSERT_EQ(shop.store.tables().incidents.size(), 1U);
    EXPECT_THAT(shop.store.tables().incidents.begin()->second.row.text, HasSubstr("SHIRT in main: 1 units short"));
}

std::string text_of_shortage(const AMerchant& shop) {
    for (const auto& [id, incident] : shop.store.tables().incidents) {
        if (!incident.closed_at && incident.row.cause == less_than_promised) return incident.row.text;
    }
    return "";
}

// Ten shirts in orders of two, the first ones at the warehouse already. Three are missing: two orders have to give.
TEST(Reading, BelowWhatWasPromisedNamesTheYoungestOrdersThatHoldTheMissingUnits) {
    AMerchant shop;
    for (int number = 0; number < 5; ++number) {
        shop.order("10" + std::to_string(number), eu, shirt, 2);
        if (number < 2) bring_to_warehouse(shop, "10" + std::to_string(number));
        shop.clock.advance(1s);
    }
    shop.read_warehouse({{shirt, 3}, {mug, 10}});
    ASSERT_EQ(shop.stock(shirt).short_by, 3);
    EXPECT_EQ(text_of_shortage(shop), "SHIRT in main: 3 units short; orders at risk, youngest first: eu #104, eu #103");

    shop.tell("104", "CancelRequested", {{"by", "operator"}});
    ASSERT_EQ(shop.stock(shirt).short_by, 1) << "two of the missing are not promised any more";
    EXPECT_EQ(text_of_shortage(shop), "SHIRT in main: 1 units short; orders at risk, youngest first: eu #103")
        << "who gave way in this very batch holds nothing";
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reading, FarBelowWhatWasPromisedNamesFiveAndCountsTheOthers) {
    AMerchant shop;
    for (int number = 0; number < 8; ++number) {
        shop.order("10" + std::to_string(number), eu, shirt, 1);
        shop.clock.advance(1s);
    }
    shop.read_warehouse({{shirt, 1}, {mug, 10}});
    EXPECT_THAT(text_of_shortage(shop), testing::EndsWith("eu #107, eu #106, eu #105, eu #104, eu #103 and 2 more"));
}

TEST(Reading, DoesNotCountAnAcceptanceYoungerThanTheLag) {
    AMerchant shop({10s, 5min, "hold_and_tell", 10, 0, false, true});
    shop.order("100", eu, shirt, 2);
    bring_to_warehouse(shop, "100");
    shop.read_warehouse({{shirt, 10}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 8) << "the warehouse has not counted the order yet";
    shop.pass(6min);
    shop.read_warehouse({{shirt, 8}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 8);
    EXPECT_EQ(shop.laws(), "");
}

// The warehouse has taken the two already, but has not answered yet.
// Of ten shirts two are requested at the warehouse, which has not answered yet.
bool has_two_shirts_on_their_way(AMerchant& shop) {
    shop.read_warehouse({{shirt, 10}, {mug, 10}});
    shop.order("100", eu, shirt, 2);
    shop.pass(11s);
    return shop.has_open(activity::request_fulfillment);
}

TEST(Reading, ThatUnitsOnTheirWayExplainRefusesNobody) {
    AMerchant shop;
    ASSERT_TRUE(has_two_shirts_on_their_way(shop));
    shop.read_warehouse({{shirt, 8}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 8);
    shop.read_warehouse({{shirt, 7}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 5) << "one less than the way explains: the safe side at once";
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reading, ThatUnitsOnTheirWayExplainIsTakenWhenTheMirrorIsOld) {
    AMerchant shop;
    ASSERT_TRUE(has_two_shirts_on_their_way(shop));
    shop.clock.advance(61s);
    shop.read_warehouse({{shirt, 8}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 6);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reading, ThatIsLowerThoughNothingIsOnItsWayIsTakenAtOnce) {
    AMerchant shop;
    shop.read_warehouse({{shirt, 10}, {mug, 10}});
    shop.order("100", eu, shirt, 2);
    ASSERT_FALSE(shop.has_open(activity::request_fulfillment));
    shop.read_warehouse({{shirt, 8}, {mug, 10}});
    EXPECT_EQ(shop.stock(shirt).available, 6);
    EXPECT_EQ(shop.laws(), "");
}

// An article that is asked for first is known by its reading alone.
TEST(Reading, OfAnArticleThatIsAskedForFirstIsNeverLeftAside) {
    AMerchant shop;
    shop.order("100", eu, hat, 2);
    shop.end(activity::read_warehouse_stock, done(reading_of(hat, 10)));
    shop.pass(11s);
    ASSERT_TRUE(shop.has_open(activity::request_fulfillment));
    shop.pass(31s);
    shop.order("101", us, hat, 1);
    shop.end(activity::read_warehouse_stock, done(reading_of(hat, 8)));
    EXPECT_EQ(shop.stock(hat).available + shop.stock(hat).reserved, 8);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Reading, MissingOrMalformedIsNotZero) {
    AMerchant shop;
    shop.read_warehouse({});
    EXPECT_EQ(shop.stock(shirt).available, 10);
    shop.pass(31s);
    json items = json::array(
        {{{"warehouse_item_id", "9001"}},
         {{"warehouse_item_id", "9002"}, {"fulfillable", "7"}},
         {{"warehouse_item_id", "nobody's"}, {"fulfillable", 1}}});
    for (const engine::CommandRow& row : shop.open(activity::read_warehouse_stock))
        shop.end(row, done({{"items", items}}));
    EXPECT_EQ(shop.stock(shirt).available, 10);
    EXPECT_EQ(shop.stock(mug).available, 10);
}

// --- backorders ------------------------------------------------------------------------------------------------------------------------

TEST(Backorder, WaitsWithoutHoldingAnythingAndIsGrantedInItsTurn) {
    AMerchant shop({10s, 0s, "hold_and_tell", 1, 0, false, true});
    shop.order("100", eu, mug, 3);
    shop.pass(1s);
    shop.order("101", eu, mug, 1);
    EXPECT_EQ(shop.state("100"), "Backordered");
    EXPECT_EQ(shop.state("101"), "Backordered") << "one is there, but somebody older waits";
    EXPECT_EQ(shop.stock(mug).reserved, 0);
    EXPECT_EQ(shop.stock(mug).waiting, 4);

    shop.read_warehouse({{mug, 3}, {shirt, 1}});
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.state("101"), "Backordered");
    EXPECT_EQ(shop.stock(mug).available, 0);
    shop.pass(31s);
    shop.read_warehouse({{mug, 4}, {shirt, 1}});
    EXPECT_EQ(shop.state("101"), "Reserved");
    EXPECT_EQ(shop.stock(mug).waiting, 0);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Backorder, IsGrantedByWhatAnotherGivesBack) {
    AMerchant shop({10s, 0s, "hold_and_tell", 2, 0, false, true});
    shop.order("100", eu, mug, 2);
    shop.order("101", us, mug, 2);
    ASSERT_EQ(shop.state("101"), "Backordered");
    shop.tell("100", "CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(shop.state("101"), "Reserved");
    EXPECT_EQ(shop.laws(), "");
}

TEST(Backorder, OfADeniedSkuWhenTheStoresPolicySaysSo) {
    AMerchant shop({10s, 0s, "backorder", 1, 0, false, true});
    shop.order("100", eu, shirt, 3);
    EXPECT_EQ(shop.state("100"), "Backordered");
    shop.read_warehouse({{shirt, 3}, {mug, 1}});
    EXPECT_EQ(shop.state("100"), "Reserved");
}

TEST(Backorder, LeavesTheQueueWhenItIsCancelled) {
    AMerchant shop({10s, 0s, "hold_and_tell", 1, 0, false, true});
    shop.order("100", eu, mug, 3);
    shop.tell("100", "CancelRequested", {{"by", "customer"}});
    EXPECT_EQ(shop.stock(mug).waiting, 0);
    shop.pass(11s);
    EXPECT_EQ(shop.state("100"), "Compensated");
    shop.order("101", eu, mug, 1);
    EXPECT_NE(shop.state("101"), "Backordered");
    EXPECT_EQ(shop.laws(), "");
}

// --- operators ---------------------------------------------------------------------------------------------------------------------------

TEST(StockAdjustment, IsCheckedAgainstTheVersionTheOperatorSaw) {
    AMerchant shop;
    StockAdjustment change;
    change.key = ledger_of(shirt);
    change.expected_version = shop.stock(shirt).version;
    change.difference = 5;
    change.adjustment_id = "count-1";
    change.reason = "counted";
    change.actor = "anna";
    EXPECT_EQ(shop.take_in(change).kind, engine::InputResult::Kind::applied);
    EXPECT_EQ(shop.stock(shirt).available, 15);
    EXPECT_EQ(shop.stock(shirt).on_hand, 15);

    change.adjustment_id = "count-2";
    engine::InputResult stale = shop.take_in(change);
    EXPECT_EQ(stale.kind, engine::InputResult::Kind::refused);
    EXPECT_THAT(stale.reason, HasSubstr("version"));

    change.expected_version = shop.stock(shirt).version;
    change.difference = -16;
    EXPECT_EQ(shop.take_in(change).kind, engine::InputResult::Kind::refused);
    EXPECT_EQ(shop.stock(shirt).available, 15);
    EXPECT_EQ(shop.listing(us, shirt).target, 15) << "and the stores are told";
    EXPECT_EQ(shop.laws(), "");
}

TEST(StockAdjustment, GrantsWhoWaits) {
    AMerchant shop({10s, 0s, "hold_and_tell", 0, 0, false, true});
    shop.order("100", eu, mug, 2);
    StockAdjustment change;
    change.key = ledger_of(mug);
    change.expected_version = shop.stock(mug).version;
    change.difference = 2;
    change.adjustment_id = "found";
    change.reason = "two were behind the shelf";
    change.actor = "anna";
    ASSERT_EQ(shop.take_in(change).kind, engine::InputResult::Kind::applied);
    shop.due();
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.laws(), "");
}

// --- announcements -----------------------------------------------------------------------------------------------------------------------

TEST(StockAnnouncements, TellWhenStockIsLowOutAndBack) {
    AMerchant shop;
    shop.order("100", eu, shirt, 7);
    EXPECT_THAT(keys_of(shop), Not(Contains(HasSubstr("inventory."))));
    shop.order("101", eu, shirt, 1);
    EXPECT_THAT(keys_of(shop), Contains(HasSubstr("inventory.low.")));
    shop.order("102", eu, shirt, 2);
    EXPECT_THAT(keys_of(shop), Contains(HasSubstr("inventory.out.")));
    shop.tell("102", "CancelRequested", {{"by", "customer"}});
    EXPECT_THAT(keys_of(shop), Contains(HasSubstr("inventory.back.")));
}

}  // namespace
}  // namespace ordersaga::orders
