#include "runtime/completion.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace ordersaga::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> wait_into(
    Completion<std::string> completion,
    std::chrono::milliseconds limit,
    std::optional<std::string>& result) {
    result = co_await completion.wait_for(limit);
}

TEST(Completion, WakesTheCoroutineFromAnotherThread) {
    asio::io_context context;
    Completion<std::string> completion;
    std::optional<std::string> result;
    asio::co_spawn(context, wait_into(completion, 10s, result), asio::detached);

    std::thread other([completion] { completion.complete("done"); });
    context.run();
    other.join();

    EXPECT_EQ(result, "done");
}

TEST(Completion, TakesAValueThatWasThereFirst) {
    asio::io_context context;
    Completion<std::string> completion;
    std::optional<std::string> result;
    EXPECT_TRUE(completion.complete("first"));
    EXPECT_FALSE(completion.complete("second"));

    asio::co_spawn(context, wait_into(completion, 10s, result), asio::detached);
    context.run();

    EXPECT_EQ(result, "first");
}

TEST(Completion, GivesNothingAtTheDeadline) {
    asio::io_context context;
    Completion<std::string> completion;
    std::optional<std::string> result = "unchanged";

    asio::co_spawn(context, wait_into(completion, 5ms, result), asio::detached);
    context.run();

    EXPECT_EQ(result, std::nullopt);
    EXPECT_TRUE(completion.complete("late"));
}

// For the sanitizers: whoever completes must be through with the waiter's context before the waiter goes on.
TEST(Completion, LeavesTheWaitersContextAloneOnceItWent) {
    for (int round = 0; round < 500; ++round) {
        Completion<std::string> completion;
        std::optional<std::string> result;
        std::thread other;
        {
            asio::io_context context;
            asio::co_spawn(asio::make_strand(context), wait_into(completion, 10s, result), asio::detached);
            other = std::thread([completion] { completion.complete("done"); });
            context.run();
        }
        other.join();
        ASSERT_EQ(result, "done");
    }
}

TEST(Completion, LosesNoWakeUpUnderContention) {
    asio::io_context context;
    constexpr std::size_t count = 2000;
    std::vector<Completion<std::string>> completions(count);
    std::vector<std::optional<std::string>> results(count);
    for (std::size_t i = 0; i < count; ++i) {
        asio::co_spawn(asio::make_strand(context), wait_into(completions[i], 20s, results[i]), asio::detached);
    }

    std::thread completer([&] {
        for (const auto& completion : completions)
            completion.complete("x");
    });
    std::thread second([&] { context.run(); });
    context.run();
    completer.join();
    second.join();

    for (const auto& result : results)
        EXPECT_EQ(result, "x");
}

}  // namespace
}  // namespace ordersaga::runtime
