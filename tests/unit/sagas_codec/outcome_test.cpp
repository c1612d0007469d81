#include "sagas/outcome.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

std::string fault_of(const json& document) {
    try {
        outcome_from_json(document);
        return "accepted";
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

TEST(Outcome, EveryKindKeepsItsNameThereAndBack) {
    for (const OutcomeKind kind :
         {OutcomeKind::done, OutcomeKind::refused, OutcomeKind::retryable, OutcomeKind::throttled, OutcomeKind::unknown,
          OutcomeKind::too_late, OutcomeKind::blocked}) {
        EXPECT_EQ(outcome_kind_of(name_of(kind)), kind);
    }
    EXPECT_EQ(outcome_kind_of("finished"), std::nullopt);
}

TEST(Outcome, ComesBackFromJsonAsItWent) {
    Outcome outcome;
    outcome.kind = OutcomeKind::throttled;
    outcome.reason = "429";
    outcome.retry_after = std::chrono::milliseconds(1500);
    outcome.payload = {{"found", false}};
    outcome.tokens_left = 3.5;
    outcome.tokens_per_second = 100;
    outcome.tokens_capacity = 2000;

    const Outcome back = outcome_from_json(to_json(outcome));

    EXPECT_EQ(back.kind, outcome.kind);
    EXPECT_EQ(back.reason, outcome.reason);
    EXPECT_EQ(back.retry_after, outcome.retry_after);
    EXPECT_EQ(back.payload, outcome.payload);
    EXPECT_EQ(back.tokens_left, outcome.tokens_left);
    EXPECT_EQ(back.tokens_per_second, outcome.tokens_per_second);
    EXPECT_EQ(back.tokens_capacity, outcome.tokens_capacity);
}

TEST(Outcome, LeavesOutWhatWasNotTold) {
    const json document = to_json(Outcome{});

    EXPECT_EQ(document, (json{{"kind", "unknown"}, {"reason", ""}, {"payload", json::object()}}));
    EXPECT_EQ(outcome_from_json(json{{"kind", "done"}}).payload, json::object());
}

TEST(Outcome, NamesTheFieldThatIsWrong) {
    EXPECT_EQ(fault_of(json::array()), "outcome must be an object");
    EXPECT_NE(fault_of(json::object()).find("outcome.kind"), std::string::npos);
    EXPECT_NE(fault_of({{"kind", "fine"}}).find("outcome.kind is none of"), std::string::npos);
    EXPECT_NE(fault_of({{"kind", "done"}, {"payload", "x"}}).find("outcome.payload"), std::string::npos);
    EXPECT_NE(fault_of({{"kind", "done"}, {"reason", 7}}).find("outcome.reason"), std::string::npos);
    EXPECT_NE(
        fault_of({{"kind", "throttled"}, {"retry_after_ms", -1}}).find("outcome.retry_after_ms"), std::string::npos);
    EXPECT_NE(fault_of({{"kind", "done"}, {"tokens_left", "many"}}).find("outcome.tokens_left"), std::string::npos);
}

// A worker that tells a wait of years must not put a saga to sleep for years.
TEST(Outcome, CutsAnAbsurdWaitToAWeek) {
    const Outcome outcome = outcome_from_json({{"kind", "throttled"}, {"retry_after_ms", 9'000'000'000'000'000'000}});

    EXPECT_EQ(outcome.retry_after, std::chrono::milliseconds(std::chrono::hours(24 * 7)));
}

}  // namespace
}  // namespace ordersaga::sagas
