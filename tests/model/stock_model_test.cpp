// Stock and readings of the warehouse: orders that compete for units, cancels, answers that get lost, shipments, and readings
// at any moment: asked, answered and applied with anything in between. The stores are not told, so nobody waits for them.
#include "tests/model/judged.hpp"

namespace ordersaga::model {
namespace {

Scope stock_scope() {
    Scope scope;
    scope.stores_are_told = false;
    scope.cancels_without_restock = false;  // the ledger does not ask what the store does with its own number
    scope.policies = {"deny", "backorder"};
    scope.readings = 1;
    return scope;
}

Scope two_orders(std::int64_t units) {
    Scope scope = stock_scope();
    scope.orders = {{1, {{1, 1}}, -1}, {1, {{1, 1}}, 0}};
    scope.units = {units};
    return scope;
}

Scope one_order_two_readings() {
    Scope scope = stock_scope();
    scope.orders = {{1, {{1, 1}}, -1}};
    scope.units = {1};
    scope.readings = 2;
    return scope;
}

Scope a_unit_breaks() {
    Scope scope = stock_scope();
    scope.orders = {{1, {{1, 1}}, -1}, {1, {{1, 1}}, 0}};
    scope.units = {2};
    scope.readings = 2;
    scope.breaks = true;
    scope.requests_are_sent = false;
    return scope;
}

TEST(StockModel, TwoOrdersForTheLastUnitAndReadingsAtAnyMoment) {
    expect_no_violation("two orders, one unit, a reading", two_orders(1));
}

// The warehouse answers in the end.
Scope two_units() {
    Scope scope = two_orders(2);
    scope.answers_get_lost = false;
    return scope;
}

TEST(StockModel, TwoOrdersForTwoUnitsAndReadingsAtAnyMoment) {
    expect_no_violation("two orders, two units, a reading", two_units());
}

TEST(LargerStockModel, TwoOrdersForTwoUnitsWhereAnswersGetLost) {
    expect_no_violation("two orders, two units, all faults", two_orders(2), Sequence::depth_first);
}

TEST(StockModel, AnOrderAndTwoReadingsThatOvertakeEachOther) {
    expect_no_violation("one order, one unit, two readings", one_order_two_readings());
}

TEST(StockModel, UnitsThatBreak) {
    expect_no_violation("two orders, a unit breaks, two readings", a_unit_breaks());
}

TEST(StockModel, ThreeOrdersForTwoSkus) {
    Scope scope = stock_scope();
    scope.orders = {{1, {{1, 1}}, -1}, {1, {{2, 1}}, -1}, {1, {{1, 1}, {2, 1}}, -1}};
    scope.units = {1, 1};
    scope.answers_get_lost = false;
    scope.ships = false;
    scope.readings = 0;
    expect_no_violation("three orders, two SKUs", scope);
}

Scope three_orders() {
    Scope scope = stock_scope();
    scope.orders = {{1, {{1, 1}}, -1}, {1, {{2, 1}}, -1}, {1, {{1, 1}, {2, 1}}, -1}};
    scope.units = {1, 1};
    return scope;
}

TEST(LargerStockModel, ThreeOrdersForTwoSkusWhereAnswersGetLost) {
    Scope scope = three_orders();
    scope.readings = 0;
    expect_no_violation("three orders, two SKUs, answers lost", scope, Sequence::depth_first);
}

TEST(LargerStockModel, ThreeOrdersForTwoSkusAndReadingsAtAnyMoment) {
    Scope scope = three_orders();
    scope.answers_get_lost = false;
    expect_no_violation("three orders, two SKUs, a reading", scope, Sequence::depth_first);
}

TEST(LargerStockModel, ThreeOrdersForTwoSkusWithEveryFault) {
    expect_no_violation("three orders, two SKUs, all faults", three_orders(), Sequence::depth_first);
}

TEST(StockModel, ConvictsEveryWrongRuleOfReadings) {
    for (const WrongRule& wrong : {
             WrongRule{"what a reading says is for sale", Rule::reading_is_for_sale, "promised twice"},
             WrongRule{"departures are forgotten", Rule::reading_forgets_departures, "promised twice"},
             WrongRule{"an acceptance is counted at once", Rule::reading_without_lag, "promised twice"},
             WrongRule{"a reading is dated at its answer", Rule::reading_dated_at_its_answer, "promised twice"},
             WrongRule{"a cancel credits at once", Rule::cancel_credits_at_once, "promised twice"},
             WrongRule{
                 "all committed units are subtracted", Rule::reading_minus_all_committed,
                 "after a reading in the quiet"},
         })
        expect_conviction(wrong, two_units());
    expect_conviction({"an older reading applies", Rule::older_reading_applies, "promised twice"}, a_unit_breaks());
}

}  // namespace
}  // namespace ordersaga::model
