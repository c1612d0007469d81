// The commands of the documents, run as they stand there by tools/check_documents, on the built programs and real servers.
#include "runtime/child_process.hpp"
#include "tests/support/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ordersaga::demo {
namespace {

TEST(Documents, SayWhatCanBeRun) {
    ASSERT_FALSE(test::variable("ORDERSAGA_BIN").empty())
        << "run ./dev test e2e, which builds the programs and starts servers";

    const runtime::CommandEnd end = runtime::run_command(
        {"tools/check_documents", {"--run", "--bin", test::variable("ORDERSAGA_BIN")}, {}, ".run/e2e/documents.output"},
        std::chrono::seconds(570));

    EXPECT_EQ(end.status, 0) << end.output;
    EXPECT_THAT(end.output, testing::HasSubstr(" blocks ran")) << "nothing was run";
}

}  // namespace
}  // namespace ordersaga::demo
