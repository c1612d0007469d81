// One real fault at a time, over a shop that all tests of this program share: orders come in all the while. After each fault
// every program must be ready again, everything that was under way must settle, and no law may be broken.
#pragma once

#include "tests/chaos/support/a_shop.hpp"
#include "tests/chaos/support/recovery.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::chaos {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What was said to settle within a minute after the last fault.
inline constexpr seconds settling{60};

// What an orchestrator says when that part is not ready.
inline constexpr const char* engine_is_red = R"("engine":{"ready":false)";
inline constexpr const char* broker_is_red = R"("broker":{"ready":false)";

class EachFault : public ::testing::Test {
protected:
    void SetUp() override;
    // What every test must leave behind.
    void TearDown() override;

    static AShop& shop();

    // Causes the fault of the catalogue, goes on for so long, ends it; `meanwhile` is called once in the middle.
    void spoil(
        const std::string& fault,
        milliseconds length,
        const std::function<void()>& meanwhile = [] {});
    // The same fault on every link whose name ends so.
    void spoil_links(const std::string& what, const std::string& end, milliseconds length);
    // /readyz of that program says so within the time. Without a part no answer is red as well.
    void expect_red(const std::string& program, const std::string& part, milliseconds within);
    void expect_green(const std::string& program, milliseconds within);
    // Until a saga has moved by an outcome, or by anything; how long that took from now on.
    double seconds_until_outcome(milliseconds longest);
    double seconds_until_step(milliseconds longest);
    // No longer than is promised of it. Told, and kept for the account.
    static void expect_well_again(const std::string& what, double took);
    void wait_for_servers();
    // Of what is repeated, or done to several alike: all of it, or (ORDERSAGA_CHAOS_ONCE) the first alone.
    static bool once_is_enough();

    runtime::SeededRandom random_{1};
    std::vector<Fault> faults_;
};

}  // namespace ordersaga::chaos
