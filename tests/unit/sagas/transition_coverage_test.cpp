// The last file of this program: which rows of the table has no conversation reached?
#include "tests/unit/sagas/conversation.hpp"

#include <gtest/gtest.h>

#include <cstdio>

namespace ordersaga::sagas {
namespace {

TEST(TransitionCoverage, EveryRowIsReachedByAConversation) {
    if (::testing::GTEST_FLAG(filter) != "*") return;  // some conversations were not held
    std::size_t reached = 0;
    for (const TransitionRow& row : OrderSaga::table()) {
        if (reached_transitions().count({row.from, row.event, row.to}) > 0) {
            ++reached;
            continue;
        }
        ADD_FAILURE() << "no conversation reaches: " << row.from << "  " << row.event << "  "
                      << (row.to.empty() ? "(stays)" : row.to) << "  " << row.action
                      << (row.guard.empty() ? "" : "  [" + row.guard + "]");
    }
    std::printf("transitions reached: %zu of %zu\n", reached, OrderSaga::table().size());
}

}  // namespace
}  // namespace ordersaga::sagas
