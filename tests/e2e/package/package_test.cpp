// The Debian package of this build, looked at by tools/check_package.
#include "runtime/child_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace ordersaga {
namespace {

TEST(Package, HoldsWhatItShouldAndStartsNothing) {
    const char* programs = std::getenv("ORDERSAGA_BIN");
    ASSERT_NE(programs, nullptr) << "run ./dev test e2e, which builds the programs";
    const std::filesystem::path tree = std::filesystem::path(programs).parent_path();

    std::filesystem::create_directories(".run/e2e");
    const runtime::CommandEnd end = runtime::run_command(
        {"tools/check_package", {tree.string()}, {}, ".run/e2e/package.output"}, std::chrono::seconds(280));

    EXPECT_EQ(end.status, 0) << end.output;
    EXPECT_THAT(end.output, testing::HasSubstr("is in order"));
}

}  // namespace
}  // namespace ordersaga
