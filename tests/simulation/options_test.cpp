#include "sagas/order_saga.hpp"
#include "tests/simulation/run.hpp"
#include "tests/simulation/table_rows.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace ordersaga::simulation {
namespace {

TEST(Options, ReadWhatTheyWrite) {
    const Options options{17, {"e3", "throttled"}};
    EXPECT_EQ(options.text(), "--seed 17 --without e3,throttled");
    EXPECT_EQ(options_from(options.text()).text(), options.text());
    EXPECT_EQ(options_from("--seed 9").text(), "--seed 9");
}

TEST(Options, RefuseWhatTheyWouldNotWrite) {
    EXPECT_THROW(options_from("--without e3"), std::invalid_argument);
    EXPECT_THROW(options_from("--seed"), std::invalid_argument);
    EXPECT_THROW(options_from("--seeds 1..2"), std::invalid_argument);
}

TEST(Faults, HaveNamesOfTheirOwn) {
    std::set<std::string> names;
    for (const FaultKind& kind : fault_kinds)
        EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
}

// Else the history could not tell which of them was taken.
TEST(TableRows, DifferInWhatTheHistoryTells) {
    for (std::size_t i = 0; i < sagas::OrderSaga::table().size(); ++i) {
        const sagas::TransitionRow& row = sagas::OrderSaga::table()[i];
        engine::HistoryRow step;
        step.from_state = row.from;
        step.event = row.event;
        step.to_state = row.to.empty() ? row.from : row.to;
        EXPECT_EQ(row_of(step), i) << text_of_row(i);
    }
}

// An event that is taken away is gone, and all others come as before.
TEST(Scenario, LosesOneEventAndKeepsTheOthers) {
    const Result whole = run({5, {}});
    const Result part = run({5, {"e1"}});
    EXPECT_EQ(whole.events, part.events);
    EXPECT_NE(whole.trace_hash, part.trace_hash);
}

TEST(Scenario, HasNoFaultThatItIsWithout) {
    Options options{5, {}};
    for (const FaultKind& kind : fault_kinds)
        options.without.insert(kind.name);
    const Result result = run(options);
    for (std::size_t i = 0; i < fault_count; ++i)
        EXPECT_EQ(result.faults[i], 0) << fault_kinds[i].name;
}

}  // namespace
}  // namespace ordersaga::simulation
