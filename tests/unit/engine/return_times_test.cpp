#include "orchestrator/return_times.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>

namespace ordersaga {
namespace {

using namespace std::chrono_literals;

class ReturnTimesTest : public testing::Test {
protected:
    void take(int per_s, int seconds) {
        for (int i = 0; i < per_s * seconds; ++i)
            times_.taken(now_ += ReturnTimes::Clock::duration(1s) / per_s);
    }
    // How many are told each second, counted from now.
    std::map<std::int64_t, int> told(int many) {
        std::map<std::int64_t, int> by_second;
        for (int i = 0; i < many; ++i)
            ++by_second[times_.next(now_).count()];
        return by_second;
    }

    ReturnTimes times_;
    ReturnTimes::Clock::time_point now_{1h};
};

TEST_F(ReturnTimesTest, ASecondIsGivenToAnEighthOfWhatIsTakenInOne) {
    take(200, 30);
    const auto by_second = told(1'000);
    EXPECT_EQ(by_second.begin()->first, 3);
    EXPECT_NEAR(static_cast<double>(by_second.rbegin()->first), 42, 1);
    for (const auto& [second, many] : by_second) {
        if (second < 41) {
            EXPECT_NEAR(many, 25, 2) << second;
        }
    }
}

TEST_F(ReturnTimesTest, ThePaceIsThatOfLate) {
    take(200, 30);
    take(40, 20);
    EXPECT_NEAR(told(100)[5], 5, 1);
}

TEST_F(ReturnTimesTest, TheNextOneComesBehindThoseWhoWereToldBefore) {
    take(200, 30);
    told(240);
    now_ += 4s;
    EXPECT_NEAR(static_cast<double>(times_.next(now_).count()), 8.5, 1)
        << "ten seconds are given away, four of them are over";
    now_ += 1h;
    EXPECT_EQ(times_.next(now_).count(), 3);
}

TEST_F(ReturnTimesTest, NobodyWaitsForever) {
    EXPECT_EQ(told(1).begin()->first, 3) << "the pace is not known yet";
    take(200, 30);
    for (const auto& [second, many] : told(120'000)) {
        EXPECT_LE(second, 3'600);
        EXPECT_LE(many, 25 * 6) << second;
    }
}

}  // namespace
}  // namespace ordersaga
