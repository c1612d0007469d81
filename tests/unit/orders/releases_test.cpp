// What is given back, how much of it, and how often: failures that other systems had (docs/scenarios.md).
#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using sagas::OutcomeKind;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = engine::InputResult::Kind;
namespace activity = sagas::activity;

AMerchant::Options with_units(std::int64_t units) {
    AMerchant::Options options;
    options.units = units;
    return options;
}

void bring_to_warehouse(AMerchant& shop, const std::string& order_id) {
    shop.pass(11s);
    ASSERT_EQ(shop.state(order_id), "ChannelsSynced");
    shop.accept(order_id);
    ASSERT_EQ(shop.state(order_id), "FulfillmentRequested");
}

// The store ends the order and puts all of it back on its own shelf.
void cancel_in_store(AMerchant& shop, sagas::OrderDocument order) {
    order.updated_at = *(order.cancelled_at = order.updated_at + 1min);
    sagas::Refund refund{order.order_id + "9", {}};
    for (sagas::OrderLine& line : order.lines) {
        refund.lines.push_back({line.line_id, line.quantity, "cancel", "4"});
        line.current_quantity = line.fulfillable_quantity = 0;
    }
    order.refunds.push_back(refund);
    shop.deliver(eu, "orders/cancelled", order);
    shop.due();
}

// So many units of each warehouse item have left.
void ship_some(
    AMerchant& shop,
    const std::string& order_id,
    const std::vector<std::pair<std::string, std::int64_t>>& items) {
    json lines = json::array();
    for (const auto& [item, quantity] : items)
        lines.push_back({{"warehouse_item_id", item}, {"quantity", quantity}});
    const json shipment = {{"id", "S1"}, {"state", "Shipped"}, {"tracking_number", "T1"}, {"lines", lines}};
    const json view = {
        {"reference", shop.data(order_id).fulfillments.back().reference},
        {"warehouse_order_id", order_id},
        {"state", "PartlyShipped"},
        {"shipments", json::array({shipment})}};
    shop.tell(order_id, "FulfillmentViewed", {{"view", view}});
}

json a_refund(const std::string& refund_id, std::int64_t line, const std::string& type, int quantity) {
    const json refunded = {{"line_item_id", line}, {"quantity", quantity}, {"restock_type", type}, {"location_id", 4}};
    return {{"id", std::stoll(refund_id)}, {"order_id", line / 10}, {"refund_line_items", json::array({refunded})}};
}

std::int64_t grants(const AMerchant& shop) {
    const auto& movements = shop.store.tables().movements;
    return std::count_if(
        movements.begin(), movements.end(), [](const auto& entry) { return entry.second.kind == "grant"; });
}

// --- what is held still

// The change was refused, so the order holds what it held, and its lines name something else.
TEST(WhatIsHeldStill, IsGivenBackThoughNoLineNamesItAnyMore) {
    AMerchant shop(with_units(10));
    sagas::OrderDocument order = an_order("100", eu, shirt, 2);
    shop.deliver(eu, "orders/create", order);
    order.lines = {a_line("1009", eu, hat, 50)};
    order.updated_at += 1min;
    shop.deliver(eu, "orders/updated", order);
    ASSERT_EQ(shop.state("100"), "NeedsOperator");
    ASSERT_EQ(shop.stock(shirt).reserved, 2);

    EXPECT_EQ(shop.tell("100", "CancelRequested", {{"by", "operator"}}).kind, Kind::applied);

    EXPECT_EQ(shop.stock(shirt).reserved, 0);
    EXPECT_EQ(shop.stock(shirt).available, 10);
    EXPECT_EQ(shop.laws(), "");
}

// --- what has left

// S15: a cancel after the shipment was compensated a second time (Magento #1849, #1878).
TEST(WhatHasLeft, IsNotGivenBackByACancel) {
    AMerchant shop(with_units(100));
    shop.order("100", eu, shirt, 5);
    bring_to_warehouse(shop, "100");
    shop.ship("100");

    cancel_in_store(shop, an_order("100", eu, shirt, 5));
    shop.tell("100", "CancelRequested", {{"by", "operator"}});
    shop.pass(11s);

    EXPECT_EQ(shop.stock(shirt).on_hand, 95);
    EXPECT_EQ(shop.stock(shirt).available, 95);
    EXPECT_EQ(shop.stock(shirt).unavailable, 0);
    EXPECT_FALSE(shop.has_open(activity::cancel_fulfillment));
    shop.read_warehouse({{shirt, 95}, {mug, 100}});
    EXPECT_EQ(shop.stock(shirt).available, 95);
    EXPECT_EQ(shop.laws(), "");
}

// S16: a cancel of the rest gave back all ten, or nothing (Magento #1881).
TEST(WhatHasLeft, StaysOutWhenTheRestIsCancelled) {
    AMerchant shop(with_units(20));
    shop.order("100", eu, shirt, 10);
    bring_to_warehouse(shop, "100");
    ship_some(shop, "100", {{"9001", 7}});

    shop.tell("100", "CancelRequested", {{"by", "customer"}});
    shop.end(activity::cancel_fulfillment, done({{"found", true}}));

    EXPECT_EQ(shop.stock(shirt).returning, 3);
    EXPECT_EQ(shop.stock(shirt).committed, 0);
    EXPECT_EQ(shop.stock(shirt).on_hand, 13);
    shop.read_warehouse({{shirt, 13}, {mug, 20}});
    EXPECT_EQ(shop.stock(shirt).available, 13);
    EXPECT_EQ(shop.laws(), "");
}

// S16: of a bundle the parts were given back without their number (Magento #1887).
TEST(WhatHasLeft, OfABundleIsCountedByItsParts) {
    AMerchant shop(with_units(20));
    shop.order("100", eu, gift_set, 10);
    bring_to_warehouse(shop, "100");
    ship_some(shop, "100", {{"9001", 7}, {"9002", 14}});

    shop.tell("100", "CancelRequested", {{"by", "customer"}});
    shop.end(activity::cancel_fulfillment, done({{"found", true}}));

    EXPECT_EQ(shop.stock(shirt).returning, 3);
    EXPECT_EQ(shop.stock(mug).returning, 6) << "two in each of three sets";
    shop.read_warehouse({{shirt, 13}, {mug, 6}});
    EXPECT_EQ(shop.stock(shirt).available, 13);
    EXPECT_EQ(shop.stock(mug).available, 6);
    EXPECT_EQ(shop.laws(), "");
}

// S19: a refund "do not restock" made units for sale, or left the reservation behind (Magento #2859, PrestaShop #16869,
// Reaction #3678).
TEST(WhatHasLeft, IsNotForSaleAgainByARefundWithoutRestock) {
    AMerchant shop;
    shop.order("100", eu, shirt, 3);
    bring_to_warehouse(shop, "100");
    shop.ship("100");
    const std::int64_t version = shop.stock(shirt).version;

    for (const char* refund_id : {"900", "900", "901"})
        shop.refund(eu, "100", a_refund(refund_id, 1001, "no_restock", 1));
    shop.pass(11s);

    EXPECT_EQ(shop.stock(shirt).version, version) << "nothing moved";
    EXPECT_EQ(shop.stock(shirt).available, 7);
    EXPECT_EQ(shop.stock(shirt).reserved, 0);
    EXPECT_EQ(shop.stock(shirt).committed, 0);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 7);
    EXPECT_EQ(shop.laws(), "");
}

// S19: what has not left lies in our warehouse whatever the store says of its own shelf: given back once, here.
TEST(WhatHasNotLeft, IsGivenBackOnceByARefundWithoutRestock) {
    AMerchant shop;
    shop.order("100", eu, shirt, 3);
    for (const char* refund_id : {"900", "900"})
        shop.refund(eu, "100", a_refund(refund_id, 1001, "no_restock", 1));
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.stock(shirt).available, 8);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 7) << "the store did not put it back";
    EXPECT_EQ(shop.listing(eu, shirt).target, 8) << "and is told to";
    EXPECT_EQ(shop.laws(), "");
}

// --- what was never taken

// S20: a cancel before the reservation released what was never reserved, down to negative counters (Vendure #1557).
TEST(WhatWasNeverTaken, IsNotReleased) {
    AMerchant shop(with_units(0));
    sagas::OrderDocument unmapped = an_order("100", eu, shirt, 3);
    unmapped.lines[0].variant_id = "9999";
    shop.deliver(eu, "orders/create", unmapped);
    shop.order("101", eu, mug, 2);
    ASSERT_EQ(shop.state("100"), "OnHold");
    ASSERT_EQ(shop.state("101"), "Backordered");
    const std::size_t movements = shop.store.tables().movements.size();

    for (const char* order_id : {"100", "101"})
        shop.tell(order_id, "CancelRequested", {{"by", "customer"}});
    shop.pass(11s);

    for (const char* order_id : {"100", "101"})
        EXPECT_EQ(shop.state(order_id), "Compensated");
    EXPECT_EQ(shop.store.tables().movements.size(), movements);
    for (SkuId sku : {shirt, mug}) {
        EXPECT_EQ(shop.stock(sku).reserved, 0);
        EXPECT_EQ(shop.stock(sku).available, 0);
        EXPECT_EQ(shop.stock(sku).waiting, 0);
    }
    EXPECT_EQ(shop.laws(), "");
}

// S22: cancelling wrote another allocation (Vendure #2874).
TEST(ACancel, ReservesNothing) {
    for (int stage = 0; stage < 4; ++stage) {
        AMerchant shop;
        shop.order("100", eu, stage == 0 ? hat : shirt, 2);  // a hat still waits for the warehouse's figure
        if (stage == 2) shop.pass(11s);
        if (stage == 3) bring_to_warehouse(shop, "100");
        const std::int64_t before = grants(shop);
        ASSERT_EQ(before, 1);

        shop.tell("100", "CancelRequested", {{"by", "customer"}});
        if (stage == 2) shop.accept("100");  // on its way when the cancel came
        if (stage >= 2) shop.end(activity::cancel_fulfillment, done({{"found", true}}));
        shop.pass(11s);

        EXPECT_EQ(shop.state("100"), "Compensated") << "stage " << stage;
        EXPECT_EQ(grants(shop), before) << "stage " << stage;
        EXPECT_EQ(shop.laws(), "");
    }
}

// --- once

// S23: the same transition delivered again reserved again, minutes or a day later (Vendure #1571).
TEST(TheSameNews, ReservesNothingMinutesOrADayLater) {
    AMerchant shop;
    Delivery told = shop.delivery(eu, "orders/create", "100");
    told.order = an_order("100", eu, shirt, 2);
    shop.deliver(told);
    shop.pass(11s);
    const engine::CommandRow request = shop.the_open(activity::request_fulfillment);
    shop.accept("100");
    const StockRow committed = shop.stock(shirt);
    for (Duration later : {Duration(5min), Duration(25h)}) {
        shop.pass(later);
        EXPECT_EQ(shop.deliver(told).kind, Kind::duplicate);
        shop.deliver(eu, "orders/create", *told.order);  // under another delivery id
        shop.deliver(eu, "orders/paid", *told.order);
        EXPECT_EQ(shop.end(request, done()).kind, Kind::duplicate);
        EXPECT_EQ(shop.stock(shirt).version, committed.version);
        EXPECT_EQ(grants(shop), 1);
    }
    shop.ship("100");
    shop.pass(25h);
    shop.deliver(eu, "orders/create", *told.order);
    EXPECT_EQ(shop.stock(shirt).reserved + shop.stock(shirt).committed, 0);
    EXPECT_EQ(grants(shop), 1);
    EXPECT_EQ(shop.laws(), "");
}

// S23: after a month allocations were left on shipped and on cancelled orders (Vendure #1571).
TEST(AfterAMonth, NoOrderThatIsOverHoldsAnything) {
    AMerchant shop(with_units(1000));
    for (int day = 0; day < 30; ++day) {
        std::vector<std::string> ids;
        for (int number = 0; number < 4; ++number) {
            ids.push_back(std::to_string(1000 + 10 * day + number));
            shop.order(ids.back(), number % 2 == 0 ? eu : us, number == 3 ? gift_set : shirt, 1 + number);
            // The mirror of the first day is old by now: the ledger decides after five seconds.
            shop.pass(6s);
            if (number == 0) shop.tell(ids[0], "CancelRequested", {{"by", "customer"}});
        }
        shop.pass(11s);
        for (int number = 1; number < 4; ++number) {
            ASSERT_EQ(shop.state(ids[static_cast<std::size_t>(number)]), "ChannelsSynced")
                << ids[static_cast<std::size_t>(number)];
            shop.accept(ids[static_cast<std::size_t>(number)]);
        }
        shop.tell(ids[1], "CancelRequested", {{"by", "customer"}});
        shop.end(activity::cancel_fulfillment, done({{"found", true}}));
        for (int number = 2; number < 4; ++number) {
            shop.ship(ids[static_cast<std::size_t>(number)]);
            for (const engine::CommandRow& row : shop.open(activity::create_store_fulfillment))
                shop.end(row, done({{"fulfillment_id", "8" + ids[static_cast<std::size_t>(number)]}}));
        }
        // A read that nobody answers, and the stores' updates: a day is long enough for all of them.
        shop.pass(24h);
    }
    shop.pass(24h * 15);

    std::int64_t left = 0;
    for (const auto& [key, row] : shop.store.tables().reservations)
        left += row.held + row.committed + row.waiting;
    EXPECT_EQ(left, 0);
    for (const auto& [key, saga] : shop.store.tables().sagas)
        EXPECT_TRUE(saga.final) << saga.subject << " is " << saga.state;
    for (SkuId sku : {shirt, mug})
        EXPECT_EQ(shop.stock(sku).reserved + shop.stock(sku).committed, 0);
    EXPECT_EQ(shop.laws(), "");
}

// --- always

// S26: a cancel failed because the warehouse had put the stock to 0 or below meanwhile (Sylius #9435, #7144, Medusa #12796).
TEST(ACancel, NeverFailsForWantOfStock) {
    for (std::int64_t left : {0, -3}) {
        for (bool at_warehouse : {false, true}) {
            SCOPED_TRACE(std::to_string(left) + (at_warehouse ? " at the warehouse" : " held"));
            AMerchant shop;
            shop.order("100", eu, shirt, 6);
            if (at_warehouse) bring_to_warehouse(shop, "100");
            shop.read_warehouse({{shirt, left}, {mug, 10}});
            ASSERT_EQ(shop.stock(shirt).available, 0);

            shop.tell("100", "CancelRequested", {{"by", "customer"}});
            if (at_warehouse) shop.end(activity::cancel_fulfillment, done({{"found", true}}));
            shop.pass(11s);

            EXPECT_EQ(shop.state("100"), "Compensated");
            EXPECT_EQ(shop.stock(shirt).reserved + shop.stock(shirt).committed, 0);
            EXPECT_EQ(shop.stock(shirt).available, 0) << "what is not there is not for sale";
            EXPECT_EQ(shop.laws(), "");
            shop.pass(31s);
            shop.read_warehouse({{shirt, 4}, {mug, 10}});
            EXPECT_EQ(shop.stock(shirt).available, 4);
            EXPECT_EQ(shop.laws(), "");
        }
    }
}

// A row that nobody can read any more, whoever has written it.
void spoil(AMerchant& shop, const std::string& order_id) {
    shop.store.transact([&](engine::Transaction& transaction) {
        engine::Changes changes;
        changes.updated_sagas = transaction.lock_sagas({shop.saga(order_id).key});
        engine::SagaRow& row = changes.updated_sagas.front();
        changes.updated_from.push_back(row.version);
        row.version += 1;
        row.data["lines"] = "nonsense";
        engine::HistoryRow history;
        history.key = row.key;
        history.version = row.version;
        history.at = transaction.now();
        history.from_state = history.to_state = row.state;
        history.event = "Spoilt";
        changes.history.push_back(history);
        transaction.write(changes);
    });
}

// S27: one corrupt reservation kept all the others from expiring (Sylius PR #12812).
TEST(ExpiredHolds, ReleaseAllButTheOneThatCannotBeRead) {
    constexpr int orders = 100;
    AMerchant shop(with_units(orders));
    for (int number = 0; number < orders; ++number) {
        sagas::OrderDocument order = an_order(std::to_string(1000 + number), eu, shirt, 1);
        order.financial_status = "pending";
        shop.deliver(eu, "orders/create", order);
        ASSERT_EQ(shop.state(order.order_id), "OnHold");
    }
    spoil(shop, "1042");

    shop.pass(73h);

    for (int number = 0; number < orders; ++number) {
        const std::string order_id = std::to_string(1000 + number);
        EXPECT_EQ(shop.state(order_id), number == 42 ? "OnHold" : "RevertingChannels") << order_id;
    }
    EXPECT_EQ(shop.stock(shirt).available, orders - 1);
    EXPECT_THAT(shop.incidents(), Contains("the engine cannot decide").Times(1));
    EXPECT_EQ(shop.saga("1042").incident, "the engine cannot decide");
    EXPECT_EQ(shop.laws(), "");
}

// --- a cancel and the picker's hand

// S53: a cancel that races with picking (ShipBob): stock moves on the answer only, and both ends are written down.
TEST(ACancelAgainstThePicking, MovesStockOnTheAnswerOnly) {
    for (bool too_late : {false, true}) {
        AMerchant shop;
        shop.order("100", eu, shirt, 2);
        bring_to_warehouse(shop, "100");
        const StockRow before = shop.stock(shirt);
        shop.tell("100", "CancelRequested", {{"by", "customer"}});
        shop.pass(1s);
        EXPECT_EQ(shop.state("100"), "CancellingFulfillment");
        EXPECT_EQ(shop.stock(shirt).version, before.version) << "no answer yet";

        if (!too_late) {
            shop.end(activity::cancel_fulfillment, done({{"found", true}}));
            EXPECT_EQ(shop.last_step("100").event, "StockReleased");
            EXPECT_EQ(shop.stock(shirt).returning, 2);
            continue;
        }
        shop.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late, "picked"));
        EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
        EXPECT_EQ(shop.stock(shirt).version, before.version);
        std::vector<std::string> events, keys;
        for (const auto& [number, row] : shop.store.tables().history)
            events.push_back(row.event);
        for (const engine::AnnouncementRow& row : shop.announced)
            keys.push_back(row.routing_key);
        EXPECT_THAT(events, testing::IsSupersetOf({"CancelRequested", "CancelTooLate"}));
        EXPECT_THAT(keys, Contains("orders.cancel_too_late.eu"));
        shop.ship("100");
        EXPECT_EQ(shop.state("100"), "Shipped");
        EXPECT_EQ(shop.stock(shirt).on_hand, 8);
        EXPECT_EQ(shop.stock(shirt).committed, 0);
        EXPECT_EQ(shop.laws(), "");
    }
}

// --- names change

// S18: a SKU was renamed between sale and refund, and the refund found another ledger, or none (Magento #2773).
TEST(ARenamedSku, IsBalancedByItsIdAndNotByItsName) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.lines[0].sku = "SHIRT";
    shop.deliver(eu, "orders/create", order);
    SkuRow renamed = shop.store.tables().skus.at({merchant, shirt});
    renamed.sku = "SHIRT-2027";
    shop.store.add_sku(renamed);
    SkuRow heir = shop.store.tables().skus.at({merchant, hat});
    heir.sku = "SHIRT";
    shop.store.add_sku(heir);
    const std::int64_t version = shop.stock(hat).version;

    shop.refund(eu, "100", a_refund("900", 1001, "cancel", 1));
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.stock(shirt).available, 8);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 8);

    bring_to_warehouse(shop, "100");
    shop.ship("100");
    EXPECT_EQ(shop.stock(shirt).committed, 0);
    EXPECT_EQ(shop.stock(shirt).on_hand, 8);
    EXPECT_EQ(shop.stock(hat).version, version) << "who bears the old name now has nothing to do with it";
    EXPECT_EQ(shop.laws(), "");
}

}  // namespace
}  // namespace ordersaga::orders
