#include "runtime/core_dumps.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdlib>

namespace ordersaga::runtime {
namespace {

// In a child, because it cannot be undone.
TEST(CoreDumps, AreForbiddenForGood) {
    EXPECT_EXIT(
        {
            forbid_core_dumps();
            rlimit limit{};
            getrlimit(RLIMIT_CORE, &limit);
            const bool forbidden = limit.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
            std::_Exit(forbidden ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ordersaga::runtime
