#include "runtime/priority.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <thread>

namespace ordersaga::runtime {
namespace {

int nice_of_this_thread() {
    return getpriority(PRIO_PROCESS, 0);
}

TEST(Priority, IsOfTheThreadThatAsksAndOfThoseThatItStarts) {
    const int before = nice_of_this_thread();
    // Nobody forbids to let others go first, so this is what can be tried everywhere.
    std::thread([&] {
        EXPECT_TRUE(go_before_others(before + 1));
        EXPECT_EQ(nice_of_this_thread(), before + 1);
        std::thread([&] { EXPECT_EQ(nice_of_this_thread(), before + 1); }).join();
    }).join();
    EXPECT_EQ(nice_of_this_thread(), before);
}

}  // namespace
}  // namespace ordersaga::runtime
