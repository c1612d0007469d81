#include "runtime/crash_point.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace ordersaga::runtime {
namespace {

// The variable is read once in a process, so each case runs in a child of its own.
[[noreturn]] void pass_points(const char* crash_at, int passes) {
    if (crash_at == nullptr) {
        ::unsetenv("ORDERSAGA_CRASH_AT");
    } else {
        ::setenv("ORDERSAGA_CRASH_AT", crash_at, 1);
    }
    for (int i = 0; i < passes; ++i) {
        crash_point("CP04");
        crash_point("CP05");
    }
    std::_Exit(crash_points_armed() ? 1 : 0);
}

class CrashPoint : public ::testing::Test {
protected:
    // Children of a process that runs threads must begin afresh.
    void SetUp() override { ::testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(CrashPoint, KillsAtTheNthPassOfTheNamedPoint) {
    EXPECT_EXIT(pass_points("CP05:3", 3), ::testing::KilledBySignal(SIGKILL), "");
    EXPECT_EXIT(pass_points("CP05", 1), ::testing::KilledBySignal(SIGKILL), "");
}

TEST_F(CrashPoint, LetsEverythingElsePass) {
    EXPECT_EXIT(pass_points("CP05:3", 2), ::testing::ExitedWithCode(1), "");
    EXPECT_EXIT(pass_points("CP99:1", 5), ::testing::ExitedWithCode(1), "");
    EXPECT_EXIT(pass_points(nullptr, 5), ::testing::ExitedWithCode(0), "");
}

// The last words tell a death at the point from any other.
TEST_F(CrashPoint, WritesDownWhatItPassesAndWhereItDies) {
    const std::string file = ::testing::TempDir() + "crash_points.log";
    std::filesystem::remove(file);
    const auto die = [&file] {
        ::setenv("ORDERSAGA_CRASH_LOG", file.c_str(), 1);
        pass_points("CP05:2", 2);
    };

    EXPECT_EXIT(die(), ::testing::KilledBySignal(SIGKILL), "kills itself at CP05");

    std::ifstream written(file);
    const std::string text{std::istreambuf_iterator<char>(written), {}};
    EXPECT_EQ(text, "CP04\nCP05\nCP04\nCP05\nkilled CP05\n");
}

}  // namespace
}  // namespace ordersaga::runtime
