#include "sandbox/faults.hpp"

#include "tests/unit/sandbox/a_world.hpp"

#include <gtest/gtest.h>

namespace ordersaga::sandbox {
namespace {

TEST(FaultDial, DrawsTheSameFromTheSameSeed) {
    FaultRates rates;
    rates.throttled = 0.3;
    rates.reset_after = 0.2;
    FaultDial left(9);
    FaultDial right(9);
    left.set_rates("shopify", rates);
    right.set_rates("shopify", rates);

    for (int call = 0; call < 200; ++call) {
        ASSERT_EQ(left.draw("shopify", noon), right.draw("shopify", noon));
    }
    EXPECT_GT(left.injected().at("shopify").at("throttled"), 30);
    EXPECT_GT(left.injected().at("shopify").at("reset_after"), 15);
}

TEST(FaultDial, FailsEveryCallDuringAnOutageAndNoneAfterIt) {
    FaultDial dial(1);
    dial.begin_outage("shipbob", at_ms(5000), true);

    EXPECT_EQ(dial.draw("shipbob", at_ms(4999)), FaultKind::outage);
    EXPECT_EQ(dial.draw("shopify", at_ms(4999)), FaultKind::none);
    EXPECT_EQ(dial.draw("shipbob", at_ms(5000)), FaultKind::none);
    EXPECT_EQ(dial.injected().at("shipbob").at("outage"), 1);
}

}  // namespace
}  // namespace ordersaga::sandbox
