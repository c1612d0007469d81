#include "runtime/shutdown.hpp"

#include "runtime/log.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace ordersaga::runtime {
namespace {

namespace asio = boost::asio;

TEST(Shutdown, ASignalAsksOnce) {
    const LogCapture log;
    asio::io_context context;
    int asked = 0;
    Shutdown shutdown(context.get_executor(), [&] {
        ++asked;
        context.stop();
    });
    EXPECT_FALSE(shutdown.requested());

    ::raise(SIGTERM);
    context.run();

    EXPECT_TRUE(shutdown.requested());
    EXPECT_EQ(asked, 1);
}

TEST(Shutdown, TheProgramMayAskItself) {
    asio::io_context context;
    auto work = asio::make_work_guard(context);
    int asked = 0;
    Shutdown shutdown(context.get_executor(), [&] {
        ++asked;
        work.reset();
        context.stop();
    });

    std::thread other([&] {
        shutdown.request();
        shutdown.request();
    });
    context.run();
    other.join();

    EXPECT_EQ(asked, 1);
}

// In a child: the second signal ends it at once, whatever the drain does.
TEST(Shutdown, ASecondSignalEndsTheProcess) {
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_EXIT(
        {
            asio::io_context context;
            Shutdown shutdown(context.get_executor(), [] { ::raise(SIGINT); });
            ::raise(SIGTERM);
            context.run();
        },
        ::testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace ordersaga::runtime
