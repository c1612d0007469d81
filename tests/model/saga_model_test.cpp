// One order and all that can become of it at the warehouse: a request or a cancel that is lost, answered too late, given up
// while it is still on its way, refused; a cancel at every moment, and an operator when attempts have run out.
#include "tests/model/judged.hpp"

namespace ordersaga::model {
namespace {

Scope saga_scope() {
    Scope scope;
    scope.stores_are_told = false;
    scope.cancels_without_restock = false;
    scope.policies = {"deny"};
    scope.orders = {{1, {{1, 1}}, -1}};
    scope.units = {1};
    scope.calls_linger = true;
    scope.attempts_run_out = true;
    scope.refuses = true;
    return scope;
}

TEST(SagaModel, AnOrderWhoseCallsGetLostAndComeToLifeAgain) {
    expect_no_violation("one order, calls linger, attempts run out", saga_scope());
}

TEST(SagaModel, TwoOrdersWhoseAnswersGetLost) {
    Scope scope = saga_scope();
    scope.orders = {{1, {{1, 1}}, -1}, {1, {{1, 1}}, 0}};
    scope.calls_linger = false;
    scope.attempts_run_out = false;
    scope.refuses = true;
    expect_no_violation("two orders, one unit, the warehouse refuses", scope);
}

TEST(SagaModel, ConvictsEveryWrongRuleOfUnknownOutcomes) {
    for (const WrongRule& wrong : {
             WrongRule{"a reference names the attempt", Rule::reference_names_the_attempt, "the warehouse has"},
             WrongRule{"nobody looks later", Rule::no_late_checks, "in the quiet"},
             WrongRule{"the late look comes too early", Rule::late_checks_too_early, "in the quiet"},
             WrongRule{"an unknown request is refused", Rule::unknown_request_is_refused, "in the quiet"},
             WrongRule{"a cancel is taken for done", Rule::undo_without_asking_the_warehouse, "in the quiet"},
         })
        expect_conviction(wrong, saga_scope());
}

}  // namespace
}  // namespace ordersaga::model
