// Belief, targets, flushes and quiet reads: two stores that sell the same stock, cancel with and without restock, and tell of
// it late and in any sequence; flushes of which the answer, or the flush itself, gets lost until nobody asks any more. The
// warehouse takes no part: an order holds its units, is refused, or gives them back.
#include "tests/model/judged.hpp"

namespace ordersaga::model {
namespace {

Scope store_scope() {
    Scope scope;
    scope.requests_are_sent = false;
    scope.policies = {"deny", "backorder"};
    return scope;
}

Scope two_buyers() {
    Scope scope = store_scope();
    scope.orders = {{1, {{1, 1}}, -1}, {2, {{1, 1}}, -1}};
    scope.units = {1};
    scope.documents_reorder = false;
    scope.flushes_are_given_up = false;
    return scope;
}

Scope given_up() {
    Scope scope = two_buyers();
    scope.orders.pop_back();
    scope.documents_reorder = true;
    scope.flushes_are_given_up = true;
    return scope;
}

Scope opening() {
    Scope scope = given_up();
    scope.opening_read = {true, false};
    scope.flushes_are_given_up = false;
    return scope;
}

Scope dead_store() {
    Scope scope = two_buyers();
    scope.store_two_is_dead = true;
    return scope;
}

TEST(StoreModel, TwoBuyersOfTheLastUnit) {
    expect_no_violation("two stores, two orders, one unit", two_buyers());
}

TEST(StoreModel, FlushesOfWhichNobodyLearns) {
    expect_no_violation("two stores, one order, flushes given up", given_up());
}

TEST(StoreModel, AStoreThatWasNeverRead) {
    expect_no_violation("two stores, one order, an opening read", opening());
}

TEST(StoreModel, ADeadStoreHoldsNobodyUp) {
    expect_no_violation("two orders, one store dead", dead_store());
}

Scope partly() {
    Scope scope = store_scope();
    scope.orders = {{1, {{1, 1}, {2, 1}}, -1}};
    scope.units = {1, 1};
    scope.flushes_apply_partly = true;
    scope.flushes_are_given_up = false;
    scope.documents_reorder = false;
    scope.cancels_with_restock = false;
    return scope;
}

TEST(StoreModel, FlushesThatAreAppliedInPart) {
    expect_no_violation("two SKUs, flushes applied in part", partly());
}

Scope three_orders() {
    Scope scope = store_scope();
    scope.orders = {{1, {{1, 1}}, -1}, {2, {{1, 1}, {2, 1}}, -1}, {2, {{2, 1}}, -1}};
    scope.units = {1, 1};
    scope.documents_reorder = false;
    scope.flushes_are_given_up = false;
    scope.flushes_get_lost = false;
    return scope;
}

TEST(LargerStoreModel, ThreeOrdersForTwoSkusThatAreNotRestocked) {
    Scope scope = three_orders();
    scope.cancels_with_restock = false;
    expect_no_violation("two stores, three orders, two SKUs, no restock", scope, Sequence::depth_first);
}

TEST(LargerStoreModel, ThreeOrdersForTwoSkus) {
    expect_no_violation("two stores, three orders, two SKUs", three_orders(), Sequence::depth_first);
}

TEST(LargerStoreModel, ThreeOrdersForTwoSkusAndFlushesOfUnknownOutcome) {
    Scope scope = three_orders();
    scope.flushes_get_lost = true;
    scope.cancels_with_restock = false;
    expect_no_violation("two stores, three orders, two SKUs, no restock, flushes lost", scope, Sequence::depth_first);
}

TEST(LargerStoreModel, ThreeOrdersForTwoSkusAndFlushesOfUnknownOutcomeRestocked) {
    Scope scope = three_orders();
    scope.flushes_get_lost = true;
    expect_no_violation("two stores, three orders, two SKUs, flushes lost", scope, Sequence::depth_first);
}

// S46: the wrong rule "a flush sets the target" shows a unit that the store has sold (ecommerce_integrations).
TEST(StoreModel, ConvictsEveryWrongRuleOfFlushes) {
    for (const WrongRule& wrong : {
             WrongRule{"a flush sets the target", Rule::flush_is_absolute, "belief"},
             WrongRule{"an unknown flush is believed", Rule::unknown_flush_is_believed, "belief"},
             WrongRule{"an unknown flush is forgotten", Rule::unknown_flush_is_forgotten, "belief"},
             WrongRule{"an unknown flush gets a new key", Rule::unknown_flush_gets_a_new_key, "belief"},
             WrongRule{"a compensation tells the stores itself", Rule::saga_sends_its_own_difference, "belief"},
         })
        expect_conviction(
            wrong, wrong.rule == Rule::unknown_flush_is_believed || wrong.rule == Rule::unknown_flush_is_forgotten
                       ? given_up()
                       : two_buyers());
    expect_conviction(
        {"a flush applied in part is believed", Rule::partly_applied_flush_is_believed, "belief"}, partly());
    expect_conviction({"a dead store is waited for", Rule::a_dead_store_is_waited_for, "in the quiet"}, dead_store());
}

TEST(StoreModel, ConvictsEveryWrongRuleOfBelief) {
    for (const WrongRule& wrong : {
             WrongRule{"a cancel without restock moves it", Rule::no_restock_moves_belief, "belief"},
             WrongRule{"a refused order does not move it", Rule::refused_orders_move_no_belief, "belief"},
             WrongRule{"a move counts each time it is told", Rule::moves_count_each_time, "belief"},
             WrongRule{"a read polls no orders", Rule::read_without_the_orders, "belief"},
             WrongRule{"a read believes its second look", Rule::read_believes_its_second_look, "belief"},
             WrongRule{"a read ignores what was learned", Rule::read_ignores_what_was_learned, "belief"},
         })
        expect_conviction(wrong, wrong.rule == Rule::refused_orders_move_no_belief ? two_buyers() : opening());
}

}  // namespace
}  // namespace ordersaga::model
