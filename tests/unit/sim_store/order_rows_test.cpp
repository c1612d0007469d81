#include "tests/unit/sim_store/a_store.hpp"

#include <gtest/gtest.h>

namespace ordersaga::sim {
namespace {

using engine::Transaction;
using orders::ListingRow;
using orders::MovementRow;
using orders::ReceiptRow;
using orders::ReservationRow;
using orders::Rows;
using orders::StockRow;
using std::chrono::minutes;
using std::chrono::seconds;

ReceiptRow a_receipt(const std::string& webhook, const std::string& event = "") {
    ReceiptRow row;
    row.merchant = merchant;
    row.store_id = eu;
    row.source = "shopify";
    row.topic = "orders/create";
    row.webhook_id = webhook;
    row.event_id = event;
    return row;
}

ReservationRow a_reservation(int saga_number, SkuId sku) {
    ReservationRow row;
    row.key = ledger(sku);
    row.saga_id = uuid(saga_number);
    row.line_id = "1";
    return row;
}

MovementRow a_movement(SkuId sku, const std::string& kind, const std::string& cause) {
    MovementRow row;
    row.key = ledger(sku);
    row.kind = kind;
    row.cause = cause;
    return row;
}

class OrderRows : public testing::Test {
protected:
    AStore world;
    void SetUp() override {
        for (const int number : {1, 2, 3})
            world.add_saga(number);
    }
    void in_rows(const std::function<void(Rows&)>& work) {
        world.transact([&](Transaction&, Rows& rows) { work(rows); });
    }
    const ListingRow& listing(int number) { return world.store.tables().listings.at({merchant, ListingId{number}}); }
};

TEST_F(OrderRows, KnowsAReceiptByItsWebhookIdAndByItsEvent) {
    in_rows([](Rows& rows) {
        EXPECT_EQ(
            rows.insert_receipts(
                {a_receipt("w1", "e1"), a_receipt("w1"), a_receipt("w2", "e1"), a_receipt("w3", "e2")}),
            (std::vector<bool>{true, false, false, true}));
        EXPECT_EQ(
            rows.know_receipts({a_receipt("w1"), a_receipt("w4"), a_receipt("w5", "e2"), a_receipt("w6", "e3")}),
            (std::vector<bool>{true, false, true, false}));
    });
    EXPECT_EQ(world.store.tables().receipts.size(), 2U);
}

TEST_F(OrderRows, CreatesOrdersEmptyAndGivesASagaToOneOnly) {
    in_rows([](Rows& rows) {
        auto found = rows.lock_orders({{merchant, eu, "2"}, {merchant, eu, "1"}});
        ASSERT_EQ(found.size(), 2U);
        EXPECT_EQ(found[0].key.order_id, "1");
        EXPECT_FALSE(found[0].has_document);
        found[0].saga_id = uuid(1);
        rows.write_orders({found[0]});
        found[1].saga_id = uuid(1);
        EXPECT_THROW(rows.write_orders({found[1]}), engine::BadItem);
    });
    EXPECT_THROW(in_rows([](Rows& rows) { rows.lock_orders({{merchant, eu, "12a"}}); }), engine::BadItem);
}

TEST_F(OrderRows, RefusesALedgerThatDoesNotAddUp) {
    const auto write = [&](const std::function<void(StockRow&)>& change) {
        in_rows([&](Rows& rows) {
            StockRow row = rows.lock_stock({ledger(shirt)}).front();
            change(row);
            rows.write_stock({row}, {});
        });
    };
    EXPECT_THROW(write([](StockRow& row) { row.available -= 1; }), engine::BadItem);
    EXPECT_THROW(write([](StockRow& row) { row.available = -1, row.reserved = 11; }), engine::BadItem);
    EXPECT_THROW(write([](StockRow& row) { row.short_by = 1, row.reserved = 1; }), engine::BadItem);
    EXPECT_NO_THROW(write([](StockRow& row) { row.available -= 1, row.reserved += 1; }));
}

TEST_F(OrderRows, ALedgerThatMovedOnIsNotWritten) {
    StockRow stale;
    in_rows([&](Rows& rows) { stale = rows.peek_stock({ledger(shirt)}).front(); });
    in_rows([&](Rows& rows) {
        StockRow row = rows.lock_stock({ledger(shirt)}).front();
        row.version += 1;
        rows.write_stock({row}, {});
    });
    EXPECT_THROW(in_rows([&](Rows& rows) { rows.write_stock({stale}, {}); }), engine::StoreUnavailable);
}

TEST_F(OrderRows, RefusesASecondMovementOfOneCause) {
    in_rows([](Rows& rows) {
        rows.write_stock({}, {a_movement(shirt, "grant", "saga 1")});
        rows.write_stock({}, {a_movement(mug, "grant", "saga 1")});
        EXPECT_THROW(rows.write_stock({}, {a_movement(shirt, "grant", "saga 1")}), engine::BadItem);
    });
}

TEST_F(OrderRows, QueuesWaitingSagasOldestFirstWithAllTheirRows) {
    ReservationRow early = a_reservation(2, shirt);
    early.waiting = 1;
    early.queued_at = start;
    ReservationRow late = a_reservation(1, shirt);
    late.waiting = 1;
    late.queued_at = start + seconds(1);
    ReservationRow other_line = a_reservation(1, mug);
    other_line.waiting = 2;
    other_line.queued_at = start + seconds(1);
    ReservationRow elsewhere = a_reservation(3, mug);
    elsewhere.waiting = 1;
    elsewhere.queued_at = start;
    in_rows([&](Rows& rows) {
        rows.write_reservations({early, late, other_line, elsewhere});
        std::vector<std::string> queue;
        for (const ReservationRow& row : rows.waiting_for({ledger(shirt)})) {
            queue.push_back(row.saga_id + " " + std::to_string(row.key.sku_id.value));
        }
        EXPECT_EQ(queue, (std::vector<std::string>{uuid(2) + " 1", uuid(1) + " 1", uuid(1) + " 2"}));
        EXPECT_EQ(rows.reservations_of({saga(1)}).size(), 2U);
    });
    ReservationRow broken = a_reservation(1, shirt);
    broken.waiting = 1;
    EXPECT_THROW(in_rows([&](Rows& rows) { rows.write_reservations({broken}); }), engine::BadItem);
}

// A reading counts a line that was accepted at least `lag` before it was asked for.
TEST_F(OrderRows, SumsUnitsThatAReadingMayNotHaveCounted) {
    const Instant asked = start + minutes(10);
    ReservationRow old_line = a_reservation(1, shirt);
    old_line.committed = 1;
    old_line.accepted_at = start + minutes(5);
    ReservationRow fresh = a_reservation(2, shirt);
    fresh.committed = 2;
    fresh.accepted_at = start + minutes(6);
    ReservationRow shipped_since = a_reservation(3, shirt);
    shipped_since.shipped = 3;
    shipped_since.accepted_at = start + minutes(9);
    MovementRow shipped = a_movement(shirt, "ship", "shipment");
    shipped.saga_id = uuid(3);
    shipped.line_id = "1";
    shipped.committed = shipped.on_hand = -3;
    shipped.at = start + minutes(11);
    MovementRow returned = a_movement(shirt, "return", "cancelled");
    returned.committed = -4;
    returned.unavailable = returned.returning = 4;
    returned.at = start + minutes(12);

    in_rows([&](Rows& rows) {
        rows.write_reservations({old_line, fresh, shipped_since});
        rows.write_stock({}, {shipped, returned});
        const auto units = rows.not_counted({ledger(shirt), ledger(mug)}, asked, minutes(5));
        EXPECT_EQ(units, (std::vector<std::pair<StockKey, std::int64_t>>{{ledger(shirt), 5}, {ledger(mug), 0}}));
        EXPECT_EQ(rows.returned_since({ledger(shirt)}, asked).front().second, 4);
        EXPECT_EQ(rows.returned_since({ledger(shirt)}, start + minutes(12)).front().second, 0);
    });
}

TEST_F(OrderRows, SumsHeldUnitsThatTheWarehouseWasAskedFor) {
    std::vector<ReservationRow> held;
    for (const auto& [saga_number, units] : {std::pair{1, 2}, std::pair{2, 4}, std::pair{3, 8}}) {
        held.push_back(a_reservation(saga_number, shirt));
        held.back().held = units;
    }
    in_rows([&](Rows& rows) { rows.write_reservations(held); });
    int number = 10;
    const auto command = [&](int saga_number, engine::CommandState state, bool perhaps, const char* activity) {
        ++number;
        engine::CommandRow row = world.a_command(number, saga_number, "key-" + std::to_string(number));
        row.activity = activity;
        row.state = state;
        row.perhaps_applied = perhaps;
        if (state == engine::CommandState::sent) {
            row.attempt_token = "token";
            row.sent_at = row.deadline = start;
        }
        world.add_command(row);
    };
    command(1, engine::CommandState::sent, false, "RequestFulfillment");
    command(1, engine::CommandState::sent, false, "RequestFulfillment");  // two parts of one order: counted once
    command(2, engine::CommandState::waiting, false, "RequestFulfillment");
    command(2, engine::CommandState::sent, false, "CancelFulfillment");
    command(3, engine::CommandState::waiting, true, "RequestFulfillment");
    in_rows([](Rows& rows) {
        EXPECT_EQ(
            rows.requested({ledger(shirt), ledger(mug)}),
            (std::vector<std::pair<StockKey, std::int64_t>>{{ledger(shirt), 10}}));
        EXPECT_TRUE(rows.requested({}).empty());
    });
}

TEST_F(OrderRows, ComposesListingsAndFindsThemByComponent) {
    EXPECT_EQ(listing(1).components.size(), 1U);
    EXPECT_EQ(listing(3).components.size(), 2U);
    EXPECT_EQ(listing(3).components[1].quantity, 2);
    in_rows([](Rows& rows) {
        std::vector<std::int64_t> found;
        for (const ListingRow& row : rows.lock_listings(merchant, {mug}, {ListingId{1}}, {}, 0))
            found.push_back(row.listing_id.value);
        EXPECT_EQ(found, (std::vector<std::int64_t>{1, 2, 3, 5, 6}));
    });
}

TEST_F(OrderRows, FlushesTheScarcestFirstAndOnlyWhatMayBeSent) {
    const auto set = [&](int number, std::int64_t target, const std::function<void(ListingRow&)>& change) {
        in_rows([&](Rows& rows) {
            ListingRow row = listing(number);
            row.wants_read = false;
            row.believed = 5;
            row.target = target;
            change(row);
            rows.write_listings({row});
        });
    };
    const auto nothing = [](ListingRow&) {
    };
    const auto to_flush = [&](std::size_t limit) {
        std::vector<std::int64_t> found;
        in_rows([&](Rows& rows) {
            for (const ListingRow& row : rows.lock_listings(merchant, {}, {}, {eu}, limit))
                found.push_back(row.listing_id.value);
        });
        return found;
    };
    set(1, 4, nothing);
    set(2, 2, nothing);
    set(3, 1, nothing);
    EXPECT_EQ(to_flush(2), (std::vector<std::int64_t>{2, 3}));

    set(3, 1, [](ListingRow& row) { row.parked = "poison"; });
    set(2, 2, [](ListingRow& row) { row.in_flight = -3; });
    EXPECT_EQ(to_flush(9), (std::vector<std::int64_t>{1}));
    set(1, 4, [](ListingRow& row) { row.wants_read = true; });
    EXPECT_TRUE(to_flush(9).empty());
}

TEST_F(OrderRows, HasOneOpenFlushPerStore) {
    orders::FlushRow flush;
    flush.merchant = merchant;
    flush.flush_id = sagas::FlushId{1};
    flush.store_id = eu;
    flush.key = "k1";
    flush.command_id = uuid(9);
    orders::FlushRow second = flush;
    second.flush_id = sagas::FlushId{2};
    second.key = "k2";
    in_rows([&](Rows& rows) {
        rows.write_flushes({flush});
        EXPECT_THROW(rows.write_flushes({second}), engine::BadItem);
        flush.closed_at = start;
        rows.write_flushes({flush});
        rows.write_flushes({second});
        EXPECT_EQ(rows.open_flushes(merchant, {eu, us}).size(), 1U);
    });
}

TEST_F(OrderRows, RemembersTheLevelThatAStoreToldLast) {
    const auto hint = [](const char* item, std::int64_t available, Instant told_at) {
        return orders::LevelHint{merchant, eu, item, "4", available, told_at, start};
    };
    const auto remembered = [&] {
        const orders::LevelHint* found = world.store.tables().hints.find({merchant, ListingId{2}});
        return found == nullptr ? -1 : found->available.value_or(-2);
    };
    in_rows([&](Rows& rows) { rows.keep_hints({hint("202", 4, start), hint("999", 1, start)}); });
    EXPECT_EQ(remembered(), 4);
    in_rows([&](Rows& rows) { rows.keep_hints({hint("202", 7, start - seconds(1))}); });
    EXPECT_EQ(remembered(), 4) << "told before";
    in_rows([&](Rows& rows) { rows.keep_hints({hint("202", 6, start), hint("202", 5, start)}); });
    EXPECT_EQ(remembered(), 5) << "told at the same time, heard later";
    EXPECT_EQ(world.store.tables().hints.size(), 1U) << "no listing has the other level";
}

TEST_F(OrderRows, ReadsListingsInDoubtOrHintedOtherwise) {
    const auto to_read = [&](Instant hinted_before, std::int64_t after = 0) {
        std::vector<std::int64_t> found;
        in_rows([&](Rows& rows) {
            for (const ListingRow& row : rows.claim_listings_to_read(merchant, {{eu, {after}}}, hinted_before, 9)) {
                found.push_back(row.listing_id.value);
            }
        });
        return found;
    };
    in_rows([&](Rows& rows) {
        ListingRow doubted = listing(1), hinted = listing(2), busy = listing(3);
        doubted.wants_read = true;
        hinted.believed = 5;
        busy.wants_read = true;
        busy.in_flight = 1;
        rows.write_listings({doubted, hinted, busy});
        rows.keep_hints(
            {{merchant, eu, hinted.inventory_item_id, hinted.location_id, 4, start - std::chrono::hours(1), start}});
    });

    EXPECT_EQ(to_read(start), (std::vector<std::int64_t>{1}));
    EXPECT_EQ(to_read(start + seconds(1), 2), (std::vector<std::int64_t>{})) << "behind both";
    EXPECT_EQ(to_read(start + seconds(1)), (std::vector<std::int64_t>{1, 2}));
    in_rows([&](Rows& rows) { rows.drop_hints(merchant, {{1}, {2}, {3}}); });
    EXPECT_EQ(to_read(start + seconds(1)), (std::vector<std::int64_t>{1})) << "the hint is answered";
}

TEST_F(OrderRows, TellsEachListingMoveOnce) {
    const orders::ListingMove sale{merchant, sagas::ListingId{1}, "sale", "line 1", -1};
    in_rows([&](Rows& rows) {
        EXPECT_EQ(rows.insert_listing_moves({sale, sale}), (std::vector<bool>{true, false}));
        EXPECT_EQ(rows.insert_listing_moves({sale}), (std::vector<bool>{false}));
    });
}

TEST_F(OrderRows, TakesNoMoveTwiceThatNobodyCanKnow) {
    const orders::ListingMove flush{merchant, sagas::ListingId{1}, "flush", "7", -1};
    in_rows([&](Rows& rows) { rows.add_listing_moves({flush}); });
    EXPECT_THROW(in_rows([&](Rows& rows) { rows.add_listing_moves({flush}); }), engine::BadItem);
}

TEST_F(OrderRows, AnswersAllWaitsOfTheSagasThatWaitForAVersionReached) {
    in_rows([](Rows& rows) {
        rows.add_waits(
            {{saga(1), "channels", ledger(shirt), 2},
             {saga(1), "channels", ledger(mug), 3},
             {saga(2), "channels", ledger(mug), 4},
             {saga(1), "reading", ledger(shirt), 0}});
        rows.add_waits({{saga(1), "channels", ledger(shirt), 5}});
        EXPECT_TRUE(rows.waits_for("channels", {{ledger(shirt), 4}}).empty()) << "it waits for a later one";
        const auto waits = rows.waits_for("channels", {{ledger(shirt), 5}, {ledger(mug), 3}});
        ASSERT_EQ(waits.size(), 2U);
        EXPECT_EQ(waits[0].version, 5);
        EXPECT_EQ(waits[1].version, 3);
        EXPECT_EQ(rows.waits_for("channels", {{ledger(mug), 4}}).size(), 3U) << "both, and what else one waits for";
        EXPECT_TRUE(rows.waits_for("channels", {{{merchant, shirt, sagas::WarehouseId{77}}, 9}}).empty());
        EXPECT_EQ(rows.waits_of(saga(1), "channels").size(), 2U);
        EXPECT_EQ(rows.waits_of(saga(1), "reading").size(), 1U);
        rows.drop_waits({saga(1)}, "channels");
        EXPECT_TRUE(rows.waits_for("channels", {{ledger(shirt), 9}}).empty());
        EXPECT_EQ(rows.waits_of(saga(2), "channels").size(), 1U);
        EXPECT_EQ(rows.waits_for("reading", {{ledger(shirt), 0}}).size(), 1U);
    });
}

}  // namespace
}  // namespace ordersaga::sim
