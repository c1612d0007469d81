// The stock ledger, row by row of the protocol's first table, and the wrong readings each with the order that convicts it.
#include "orchestrator/orders/ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using engine::SagaKey;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr MerchantId merchant{1};
constexpr WarehouseId house{1};
constexpr SkuId shirt{1}, mug{2};
constexpr Instant start{std::chrono::hours(24 * 365 * 56)};

StockKey ledger_of(SkuId sku) {
    return {merchant, sku, house};
}
SagaKey saga(int number) {
    return {merchant, "saga-" + std::to_string(number)};
}

// A ledger of shirts (never backordered) and mugs (backordered), with ten units each.
struct ALedger {
    Instant now = start;
    Ledger ledger{start};

    explicit ALedger(std::int64_t units = 10) {
        SkuRow deny;
        deny.merchant = merchant;
        deny.sku_id = shirt;
        deny.sku = "SHIRT";
        deny.policy = "deny";
        SkuRow backorder = deny;
        backorder.sku_id = mug;
        backorder.sku = "MUG";
        backorder.policy = "backorder";
        ledger.load_skus({deny, backorder});
        std::vector<StockRow> rows(2);
        rows[0].key = ledger_of(shirt);
        rows[1].key = ledger_of(mug);
        for (StockRow& row : rows)
            row.on_hand = row.available = units;
        ledger.load_stock(rows);
    }
    ~ALedger() {
        for (SkuId sku : {shirt, mug}) {
            const StockRow& row = ledger.at(ledger_of(sku));
            EXPECT_EQ(row.on_hand + row.short_by, row.available + row.reserved + row.committed + row.unavailable)
                << "L1";
            EXPECT_GE(row.available, 0) << "L3";
            EXPECT_TRUE(row.short_by == 0 || row.available == 0) << "L3";
            EXPECT_GE(row.on_hand, 0);
        }
        for (const MovementRow& move : ledger.movements()) {
            EXPECT_EQ(move.on_hand + move.short_by, move.available + move.reserved + move.committed + move.unavailable)
                << move.kind;
        }
    }
    StockRow& shirts() { return ledger.at(ledger_of(shirt)); }
    StockRow& mugs() { return ledger.at(ledger_of(mug)); }
    bool grant(int number, std::int64_t shirts_wanted, std::int64_t mugs_wanted = 0) {
        return ledger
            .grant(saga(number), house, demand(shirts_wanted, mugs_wanted), "grant:" + std::to_string(++causes))
            .empty();
    }
    bool read(Instant asked_at, std::int64_t fulfillable, std::int64_t not_counted = 0, std::int64_t returned = 0) {
        return ledger.apply_reading(
            ledger_of(shirt), asked_at, fulfillable, fulfillable, not_counted, returned,
            "reading:" + std::to_string(++causes));
    }
    static std::vector<Demand> demand(std::int64_t shirts_wanted, std::int64_t mugs_wanted = 0) {
        return {{"L1", shirt, shirts_wanted}, {"L2", mug, mugs_wanted}};
    }
    std::vector<ReservationRow> queue() { return ledger.dirty_reservations(); }
    int causes = 0;
};

// --- the rows of the table -------------------------------------------------------------------------------------------------

TEST(Ledger, AGrantMovesAvailableToReserved) {
    ALedger a;
    EXPECT_TRUE(a.grant(1, 3));
    EXPECT_EQ(a.shirts().available, 7);
    EXPECT_EQ(a.shirts().reserved, 3);
    EXPECT_EQ(a.shirts().on_hand, 10);
    EXPECT_EQ(a.shirts().version, 1);
    EXPECT_EQ(a.mugs().version, 0) << "nothing was wanted of it";
    ASSERT_EQ(a.ledger.movements().size(), 1U);
    EXPECT_STREQ(a.ledger.movements()[0].kind.c_str(), "grant");
    EXPECT_EQ(a.ledger.movements()[0].line_id, "L1");
}

TEST(Ledger, AGrantIsAllOrNothing) {
    ALedger a;
    std::vector<Shortage> shortages = a.ledger.grant(saga(1), house, ALedger::demand(3, 11), "grant");
    ASSERT_EQ(shortages.size(), 1U);
    EXPECT_EQ(shortages[0].sku_id, mug);
    EXPECT_EQ(shortages[0].wanted, 11);
    EXPECT_EQ(shortages[0].available, 10);
    EXPECT_EQ(a.shirts().available, 10);
    EXPECT_THAT(a.ledger.movements(), IsEmpty());
}

TEST(Ledger, LinesOfOneSkuAreSummed) {
    ALedger a;
    std::vector<Demand> demand = {{"L1", shirt, 6}, {"L2", shirt, 5}};
    EXPECT_FALSE(a.ledger.grant(saga(1), house, demand, "grant").empty());
    demand[1].quantity = 4;
    EXPECT_TRUE(a.ledger.grant(saga(1), house, demand, "grant").empty());
    EXPECT_EQ(a.shirts().available, 0);
}

TEST(Ledger, AnAcceptanceMovesReservedToCommitted) {
    ALedger a;
    a.grant(1, 3, 2);
    a.ledger.commit(saga(1), "accept");
    EXPECT_EQ(a.shirts().reserved, 0);
    EXPECT_EQ(a.shirts().committed, 3);
    EXPECT_EQ(a.mugs().committed, 2);
    EXPECT_EQ(a.shirts().available, 7);
    a.ledger.commit(saga(1), "accept again");
    EXPECT_EQ(a.shirts().committed, 3) << "a repeat finds nothing held";
}

TEST(Ledger, AShipmentTakesCommittedAndOnHandAndLeavesAvailable) {
    ALedger a;
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    a.ledger.ship(saga(1), {{shirt, 2}}, "ship 1");
    EXPECT_EQ(a.shirts().committed, 1);
    EXPECT_EQ(a.shirts().on_hand, 8);
    EXPECT_EQ(a.shirts().available, 7);
    a.ledger.ship(saga(1), {{shirt, 5}}, "ship 2");
    EXPECT_EQ(a.shirts().committed, 0) << "never more than was committed";
    EXPECT_EQ(a.shirts().on_hand, 7);
}

TEST(Ledger, AReleaseOfWhatWasNeverAcceptedIsAvailableAtOnce) {
    ALedger a;
    a.grant(1, 3);
    EXPECT_FALSE(a.ledger.release(saga(1), "release")) << "no reading is needed";
    EXPECT_EQ(a.shirts().available, 10);
    EXPECT_EQ(a.shirts().reserved, 0);
    EXPECT_FALSE(a.ledger.release(saga(1), "again"));
    EXPECT_EQ(a.shirts().available, 10);
    EXPECT_EQ(a.ledger.movements().size(), 2U);
}

TEST(Ledger, AReleaseOfWhatWasCommittedWaitsForAReading) {
    ALedger a;
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    EXPECT_TRUE(a.ledger.release(saga(1), "release"));
    EXPECT_EQ(a.shirts().available, 7);
    EXPECT_EQ(a.shirts().committed, 0);
    EXPECT_EQ(a.shirts().unavailable, 3);
    EXPECT_EQ(a.shirts().returning, 3);

    a.read(start + 1s, 10);
    EXPECT_EQ(a.shirts().available, 10) << "only a reading gives the units back";
    EXPECT_EQ(a.shirts().returning, 0);
    EXPECT_EQ(a.shirts().unavailable, 0);
}

TEST(Ledger, ReleasesOnlyWhatWasNotShipped) {
    ALedger a;
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    a.ledger.ship(saga(1), {{shirt, 1}}, "ship");
    a.ledger.release(saga(1), "release");
    EXPECT_EQ(a.shirts().returning, 2);
    EXPECT_EQ(a.shirts().on_hand, 9);
    std::vector<ReservationRow> rows = a.ledger.dirty_reservations();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].shipped, 1);
    EXPECT_EQ(rows[0].released, 2);
}

TEST(Ledger, AnOperatorsAdjustmentMovesAvailableAndOnHand) {
    ALedger a;
    EXPECT_TRUE(a.ledger.adjust(ledger_of(shirt), 5, "count", "found behind the shelf"));
    EXPECT_EQ(a.shirts().available, 15);
    EXPECT_EQ(a.shirts().on_hand, 15);
    EXPECT_TRUE(a.ledger.adjust(ledger_of(shirt), -15, "damage", "water"));
    EXPECT_FALSE(a.ledger.adjust(ledger_of(shirt), -1, "more damage", ""));
    EXPECT_EQ(a.shirts().available, 0);
    EXPECT_EQ(a.ledger.movements().back().note, "water");
}

TEST(Ledger, HoldsUnitsAgainForTheNextGeneration) {
    ALedger a;
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    a.ledger.retake(saga(1), "retake");
    EXPECT_EQ(a.shirts().committed, 0);
    EXPECT_EQ(a.shirts().reserved, 3);
    bool kept = true;
    EXPECT_TRUE(a.ledger.exchange(saga(1), house, ALedger::demand(1), "exchange", kept).empty());
    EXPECT_FALSE(kept);
    EXPECT_EQ(a.shirts().reserved, 1);
    EXPECT_EQ(a.shirts().available, 9);
}

TEST(Ledger, MovesOnePartAndLeavesTheOthers) {
    ALedger a;
    a.grant(1, 2);
    a.ledger.commit(saga(1), "accept", 1);
    EXPECT_TRUE(a.ledger.grant(saga(1), house, {{"L1/2", shirt, 3}}, "grant:added").empty());
    EXPECT_TRUE(a.ledger.holds_units(saga(1), 2));
    EXPECT_FALSE(a.ledger.holds_units(saga(1), 1));
    a.ledger.commit(saga(1), "accept:1", 1);
    EXPECT_EQ(a.shirts().reserved, 3) << "part 2 was not accepted";
    bool kept = true;
    EXPECT_TRUE(a.ledger.exchange(saga(1), house, {{"L1/2", shirt, 4}}, "exchange", kept, 2).empty());
    EXPECT_EQ(a.shirts().reserved, 4);
    a.ledger.commit(saga(1), "accept:2", 2);
    EXPECT_EQ(a.shirts().committed, 6);
    a.ledger.ship(saga(1), {{shirt, 4}}, "ship", 2);
    EXPECT_EQ(a.shirts().committed, 2);
    EXPECT_FALSE(a.ledger.release(saga(1), "release:2", 2)) << "all of it has left";
    a.ledger.retake(saga(1), "retake:2", 2);
    EXPECT_EQ(a.shirts().committed, 2) << "the first part's";
    EXPECT_TRUE(a.ledger.release(saga(1), "release"));
    EXPECT_EQ(a.shirts().committed, 0);
}

TEST(Ledger, AnExchangeThatCannotBeGrantedKeepsTheOld) {
    ALedger a;
    a.grant(1, 8);
    a.grant(2, 1);
    const StockRow before = a.shirts();
    const std::size_t moves = a.ledger.movements().size();
    bool kept = false;
    EXPECT_FALSE(a.ledger.exchange(saga(1), house, ALedger::demand(10), "exchange", kept).empty());
    EXPECT_TRUE(kept);
    EXPECT_EQ(a.shirts().reserved, before.reserved);
    EXPECT_EQ(a.shirts().version, before.version);
    EXPECT_EQ(a.ledger.movements().size(), moves);

    bool kept_nothing = true;
    EXPECT_FALSE(a.ledger.exchange(saga(3), house, ALedger::demand(10), "exchange", kept_nothing).empty());
    EXPECT_FALSE(kept_nothing) << "it held nothing to keep";
}

// --- backorders ------------------------------------------------------------------------------------------------------------

TEST(LedgerQueue, ANewcomerNeverOvertakesWhoWaits) {
    ALedger a(1);
    a.ledger.enqueue(saga(1), house, ALedger::demand(0, 2));
    EXPECT_EQ(a.mugs().waiting, 2);
    EXPECT_FALSE(a.grant(2, 0, 1)) << "one mug is there, but somebody older waits for two";
    EXPECT_TRUE(a.ledger.is_waiting(saga(1)));
    EXPECT_FALSE(a.ledger.is_waiting(saga(2)));
}

TEST(LedgerQueue, GrantsTheOldestFirstAndWhole) {
    ALedger a(0);
    for (int number : {1, 2, 3}) {
        a.ledger.enqueue(saga(number), house, ALedger::demand(0, number == 1 ? 3 : 1));
    }
    std::vector<ReservationRow> queue = a.queue();
    for (ReservationRow& row : queue)
        row.queued_at = start + std::chrono::seconds(row.saga_id.back() - '0');
    ALedger b(0);
    b.mugs().waiting = 5;
    b.ledger.load_reservations(queue);

    b.ledger.adjust(ledger_of(mug), 2, "count 1", "");
    EXPECT_THAT(b.ledger.grant_waiting(queue), IsEmpty()) << "the oldest wants three; the others stand behind it";
    b.ledger.adjust(ledger_of(mug), 2, "count 2", "");
    EXPECT_THAT(b.ledger.grant_waiting(queue), ElementsAre(saga(1), saga(2)));
    EXPECT_EQ(b.mugs().available, 0);
    EXPECT_EQ(b.mugs().reserved, 4);
    EXPECT_EQ(b.mugs().waiting, 1);
}

TEST(LedgerQueue, GrantsASagaOnlyWhenAllItsSkusAreThere) {
    ALedger a(0);
    a.ledger.enqueue(saga(1), house, ALedger::demand(1, 1));
    a.ledger.adjust(ledger_of(mug), 1, "count mugs", "");
    EXPECT_THAT(a.ledger.grant_waiting(a.queue()), IsEmpty());
    EXPECT_EQ(a.mugs().available, 1) << "it holds nothing while it waits";
    a.ledger.adjust(ledger_of(shirt), 1, "count shirts", "");
    EXPECT_THAT(a.ledger.grant_waiting(a.queue()), ElementsAre(saga(1)));
}

TEST(LedgerQueue, IsLeftByARelease) {
    ALedger a(0);
    a.ledger.enqueue(saga(1), house, ALedger::demand(0, 2));
    a.ledger.release(saga(1), "release");
    EXPECT_EQ(a.mugs().waiting, 0);
    a.ledger.adjust(ledger_of(mug), 2, "count", "");
    EXPECT_THAT(a.ledger.grant_waiting(a.queue()), IsEmpty());
}

// --- readings, and what the wrong rules would do ---------------------------------------------------------------------------------

// S35: the same after the warehouse was read, which knows of no held units (Saleor #10877).
TEST(LedgerReading, SubtractsWhatIsHeld) {
    // Wrong rule: available := fulfillable. The three held shirts would be sold again.
    ALedger a;
    a.grant(1, 3);
    a.read(start, 10);
    EXPECT_EQ(a.shirts().available, 7);
}

TEST(LedgerReading, DoesNotSubtractWhatTheWarehouseHasCounted) {
    // Wrong rule: minus all committed. The units would never be regained.
    ALedger a;
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    a.read(start + 1h, 7);
    EXPECT_EQ(a.shirts().available, 7);
    a.ledger.ship(saga(1), {{shirt, 3}}, "ship");
    a.read(start + 2h, 7);
    EXPECT_EQ(a.shirts().available, 7);
    EXPECT_EQ(a.shirts().on_hand, 7);
}

TEST(LedgerReading, SubtractsWhatItMayNotHaveCountedYet) {
    // Wrong rule: the acceptance is in every later figure. The warehouse still says ten.
    ALedger a;
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    a.read(start + 1s, 10, 3);
    EXPECT_EQ(a.shirts().available, 7);
}

TEST(LedgerReading, TakenBeforeAShipmentAndAppliedAfterItInventsNothing) {
    // Wrong rule: only what is committed now. Asked before the acceptance was counted, applied after the parcel left.
    ALedger a;
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    a.ledger.ship(saga(1), {{shirt, 3}}, "ship");
    a.read(start + 1s, 10, 3);
    EXPECT_EQ(a.shirts().available, 7);
    EXPECT_EQ(a.shirts().on_hand, 7);
}

TEST(LedgerReading, GivesACancelledUnitBackOnce) {
    // Wrong rule: credit a cancel at its outcome. A reading that showed it already would give one unit twice.
    ALedger a;
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    a.read(start + 1h, 10);
    EXPECT_EQ(a.shirts().available, 10) << "the warehouse has cancelled; we have not heard of it yet";
    a.ledger.release(saga(1), "release");
    EXPECT_EQ(a.shirts().available, 10) << "not credited again";
    EXPECT_EQ(a.shirts().returning, 3);
    a.read(start + 2h, 10);
    EXPECT_EQ(a.shirts().available, 10);
    EXPECT_EQ(a.shirts().returning, 0);
}

TEST(LedgerReading, KeepsWhatCameBackAfterItWasAsked) {
    ALedger a;
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    a.ledger.release(saga(1), "release");
    a.read(start + 1s, 7, 0, 3);
    EXPECT_EQ(a.shirts().returning, 3) << "asked before the cancel: the next one gives it back";
    EXPECT_EQ(a.shirts().available, 7);
}

TEST(LedgerReading, ThatIsOlderThanTheLastIsDropped) {
    ALedger a;
    EXPECT_TRUE(a.read(start + 2s, 8));
    EXPECT_FALSE(a.read(start + 1s, 99));
    EXPECT_FALSE(a.read(start + 2s, 99));
    EXPECT_EQ(a.shirts().available, 8);
}

TEST(LedgerReading, ThatChangesNothingLeavesNoMovementAndNoNewVersion) {
    ALedger a;
    a.read(start + 1s, 10);
    EXPECT_THAT(a.ledger.movements(), IsEmpty());
    EXPECT_EQ(a.shirts().version, 0);
    EXPECT_EQ(a.shirts().read_asked_at, start + 1s);
    EXPECT_EQ(a.ledger.dirty_rows().size(), 1U) << "that it was read is remembered";
}

TEST(LedgerReading, BelowWhatIsHeldIsShort) {
    ALedger a;
    a.grant(1, 4);
    a.read(start + 1s, 1);
    EXPECT_EQ(a.shirts().available, 0);
    EXPECT_EQ(a.shirts().short_by, 3);
    EXPECT_EQ(a.shirts().on_hand, 1);
    EXPECT_TRUE(a.ledger.is_short(saga(1)));
    EXPECT_FALSE(a.ledger.is_short(saga(2)));

    a.ledger.release(saga(1), "release");
    EXPECT_EQ(a.shirts().short_by, 0);
    EXPECT_EQ(a.shirts().available, 1) << "what the warehouse is short of is not for sale again";
}

TEST(LedgerReading, NeverMakesUnitsShortThatHaveLeftAlready) {
    // The figure had counted the acceptance although the lag says it need not; the parcel has left since.
    ALedger a(3);
    a.grant(1, 3);
    a.ledger.commit(saga(1), "accept");
    a.ledger.ship(saga(1), {{shirt, 3}}, "ship");
    a.read(start + 1s, 0, 3);
    EXPECT_EQ(a.shirts().available, 0);
    EXPECT_EQ(a.shirts().short_by, 0) << "nobody is waiting for a unit";
    EXPECT_EQ(a.shirts().on_hand, 0);
}

TEST(LedgerAdjustment, FillsWhatIsShortFirst) {
    ALedger a;
    a.grant(1, 4);
    a.read(start + 1s, 1);
    a.ledger.adjust(ledger_of(shirt), 5, "count", "");
    EXPECT_EQ(a.shirts().short_by, 0);
    EXPECT_EQ(a.shirts().available, 2);
}

TEST(Ledger, RefusesWhatIsNotLockedOrNotKnown) {
    ALedger a;
    EXPECT_THROW((void)a.ledger.at({merchant, SkuId{99}, house}), std::logic_error);
    EXPECT_THROW((void)a.ledger.sku(merchant, SkuId{99}), engine::BadItem);
}

}  // namespace
}  // namespace ordersaga::orders
