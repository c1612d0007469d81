// When the engine's thread looks at what is due: at once when it is told to, a moment after each batch, and hardly ever while
// nothing happens. The store is the simulated one; it counts how often it is asked.
#include "orchestrator/engine_loop.hpp"

#include "runtime/metrics.hpp"
#include "tests/unit/engine/bench.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace ordersaga {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds patience{20};

// The store as the loop's thread meets it.
struct WatchedStore final : sim::SimFaults {
    AtCall at_call(const char* call) override {
        const std::string_view name(call);
        if (name == "begin") ++transactions;
        if (name == "mark_published") marked = true;
        if (name == "next_due") ++looks;
        if (name == "begin") pass();
        return away && name == "next_due" ? AtCall::serialization_failure : AtCall::fine;
    }

    // From now on a transaction begins only when it is let in.
    void close() {
        const std::lock_guard lock(mutex_);
        places_ = 0;
    }
    void let_in(int more) {
        {
            const std::lock_guard lock(mutex_);
            places_ += more;
        }
        changed_.notify_all();
    }
    void open() { let_in(many); }

    std::atomic<int> looks{0}, transactions{0};
    std::atomic<bool> marked{false}, away{false};

private:
    static constexpr int many = 1'000'000;

    void pass() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return places_ > 0; });
        --places_;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    int places_ = many;
};

class EngineLoopTest : public testing::Test {
protected:
    explicit EngineLoopTest(EngineLoopOptions options = rarely_at_rest()) : loop_(*bench_.engine, metrics_, options) {
        bench_.store.set_faults(&store_);
        loop_.start();
    }
    ~EngineLoopTest() override { loop_.stop(); }

    template <class Condition>
    static bool eventually(const Condition& holds, std::chrono::milliseconds within = patience) {
        const auto end = std::chrono::steady_clock::now() + within;
        while (!holds()) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }
    bool looked(int times, std::chrono::milliseconds within = patience) {
        return eventually([&] { return store_.looks >= times; }, within);
    }
    void run(engine::Input input) {
        const auto done = std::make_shared<std::promise<void>>();
        input.done = [done](const engine::InputResult&) {
            done->set_value();
        };
        ASSERT_TRUE(loop_.offer(std::move(input)));
        ASSERT_EQ(done->get_future().wait_for(patience), std::future_status::ready);
    }
    // At rest the next look is an hour away, so whatever is seen to happen has another reason.
    static EngineLoopOptions rarely_at_rest() {
        EngineLoopOptions options;
        options.look_every = 5ms;
        options.look_at_rest_every = std::chrono::hours(1);
        return options;
    }

    runtime::Metrics metrics_;
    WatchedStore store_;
    engine::Bench bench_;
    EngineLoop loop_;
};

class ForAnHour : public EngineLoopTest {
protected:
    explicit ForAnHour(std::chrono::milliseconds linger = std::chrono::hours(1)) : EngineLoopTest(lingering(linger)) {}
    static EngineLoopOptions lingering(std::chrono::milliseconds linger) {
        EngineLoopOptions options = rarely_at_rest();
        options.linger = linger;
        return options;
    }
    static engine::Input what_can_wait(std::promise<void>& done) {
        engine::OutcomeArrived arrived;
        arrived.merchant = {1};
        arrived.command_id = "00000000-0000-4000-8000-000000000009";
        arrived.attempt_token = "token";
        arrived.can_wait = true;
        return {std::move(arrived), [&done](const engine::InputResult&) {
                    done.set_value();
                }};
    }
};
class ForAMoment : public ForAnHour {
protected:
    ForAMoment() : ForAnHour(20ms) {}
};

TEST_F(EngineLoopTest, AtRestItAsksNothing) {
    ASSERT_TRUE(looked(1)) << "at the start";
    EXPECT_FALSE(looked(2, 200ms)) << "forty times what it waits while there is work";
    EXPECT_EQ(store_.transactions.load(), 1) << "one question is all that a look without work asks";
}

TEST_F(EngineLoopTest, ItLooksAfterEachBatch) {
    ASSERT_TRUE(looked(1));
    run(bench_.wanted(1));
    EXPECT_TRUE(looked(2));
}

TEST_F(ForAnHour, WhatCanWaitGoesAlongWithWhatComesNext) {
    ASSERT_TRUE(looked(1));
    std::promise<void> first, second;
    std::future<void> told = first.get_future(), told_too = second.get_future();
    ASSERT_TRUE(loop_.offer(what_can_wait(first)));
    ASSERT_TRUE(loop_.offer(what_can_wait(second)));
    EXPECT_EQ(told.wait_for(200ms), std::future_status::timeout) << "nothing has come yet";
    EXPECT_EQ(store_.transactions.load(), 1);
    run(bench_.wanted(1));
    EXPECT_EQ(told.wait_for(0s), std::future_status::ready);
    EXPECT_EQ(told_too.wait_for(0s), std::future_status::ready);
    loop_.stop();
    EXPECT_EQ(bench_.engine->counts().batches, 1U);
}

TEST_F(ForAMoment, WhatCanWaitIsTakenWhenNothingComes) {
    ASSERT_TRUE(looked(1));
    std::promise<void> done;
    std::future<void> told = done.get_future();
    ASSERT_TRUE(loop_.offer(what_can_wait(done)));
    EXPECT_EQ(told.wait_for(patience), std::future_status::ready);
}

TEST_F(EngineLoopTest, ItLooksAtOnceWhenItIsToldTo) {
    ASSERT_TRUE(looked(1));
    loop_.look_soon();
    EXPECT_TRUE(looked(2));
}

TEST_F(EngineLoopTest, WhatTheBrokerHasConfirmedIsNotedWithoutABatch) {
    run(bench_.wanted(1));
    ASSERT_TRUE(looked(2));
    EXPECT_FALSE(store_.marked.load());
    loop_.published({{"00000000-0000-4000-8000-000000000001", "token"}});
    EXPECT_TRUE(eventually(
        [&] {
            bench_.clock.advance(10ms);  // an attempt that ends soon is not noted
            return store_.marked.load();
        },
        2s))
        << "before the relay would look for it";
}

TEST_F(EngineLoopTest, AStoreThatIsAwayIsAskedUntilItAnswers) {
    ASSERT_TRUE(looked(1));
    store_.away = true;
    loop_.look_soon();
    ASSERT_TRUE(eventually([&] { return !loop_.store_available(); }));
    const int asked = store_.looks;
    ASSERT_TRUE(looked(asked + 20)) << "though nothing waits for it";
    EXPECT_FALSE(loop_.store_available()) << "it has not answered";
    store_.away = false;
    EXPECT_TRUE(eventually([&] { return loop_.store_available(); }));
}

// A batch begins when it is full, and what comes due is looked at by nobody.
class FullBatches : public EngineLoopTest {
protected:
    FullBatches() : EngineLoopTest(of_three()) {}
    static EngineLoopOptions of_three() {
        EngineLoopOptions options;
        options.looks = false;
        options.gather = options.linger = std::chrono::hours(1);
        options.batch_limit = 3;
        return options;
    }
    // Ready when it is answered.
    std::future<void> offer(int number, bool apart) {
        const auto done = std::make_shared<std::promise<void>>();
        engine::Input input = bench_.wanted(number);
        std::get<engine::Arrival>(input.content).apart = apart;
        input.done = [done](const engine::InputResult&) {
            done->set_value();
        };
        EXPECT_TRUE(loop_.offer(std::move(input)));
        return done->get_future();
    }
    void expect_one_batch_of_three(bool apart) {
        std::future<void> first = offer(1, apart), second = offer(2, apart);
        EXPECT_EQ(first.wait_for(100ms), std::future_status::timeout) << "there may be more";
        std::future<void> third = offer(3, apart);
        for (std::future<void>* answer : {&first, &second, &third})
            ASSERT_EQ(answer->wait_for(patience), std::future_status::ready) << "the batch was full";
        EXPECT_EQ(store_.transactions.load(), 1);
    }
};

TEST_F(FullBatches, WhatComesWithinALittleGoesTogether) {
    expect_one_batch_of_three(false);
}

// A loop beside the one that looks: it lets inputs gather, and what comes due is none of its business.
TEST_F(FullBatches, ApartRunWhatHasGatheredAndLookAtNothing) {
    expect_one_batch_of_three(true);
    loop_.look_soon();
    const std::future<void> fourth = offer(4, true);
    loop_.stop();
    EXPECT_EQ(fourth.wait_for(0s), std::future_status::ready) << "told that it was not taken";
    EXPECT_EQ(store_.looks.load(), 0);
}

// How much may wait before one who comes: what is done while he waits, by how fast batches went of late.
class EngineLoopPace : public testing::Test {
protected:
    static constexpr int full = 4;

    EngineLoopPace() {
        bench_.store.set_faults(&store_);
        loop_.start();
    }
    ~EngineLoopPace() override {
        store_.open();
        loop_.stop();
    }

    bool offer() {
        engine::Input input = bench_.wanted(++numbers_);
        input.done = [this](const engine::InputResult&) {
            ++answered_;
        };
        const bool taken = loop_.offer(std::move(input));
        taken_ += taken ? 1 : 0;
        return taken;
    }
    std::string line() { return std::get<engine::Arrival>(bench_.wanted(++numbers_).content).line; }
    template <class Condition>
    static void wait_until(const Condition& holds) {
        const auto end = std::chrono::steady_clock::now() + patience;
        while (!holds() && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        ASSERT_TRUE(holds());
    }
    // Of so many as fill a batch, which come while one is under way: how many are taken. They wait behind it.
    int taken_behind_another() {
        const int begun = store_.transactions;
        store_.close();
        EXPECT_TRUE(offer());
        wait_until([&] { return store_.transactions > begun; });
        int taken = 0;
        for (int i = 0; i < full; ++i)
            taken += offer() ? 1 : 0;
        return taken;
    }
    void finish() {
        store_.open();
        wait_until([this] { return answered_ == taken_; });
    }
    // Twenty a second at most: of what comes then, two are done in time.
    void run_slow_full_batch() {
        ASSERT_EQ(taken_behind_another(), full) << "nothing is known of the pace yet";
        const int begun = store_.transactions;
        store_.let_in(1);
        wait_until([&] { return store_.transactions > begun; });
        const auto since = std::chrono::steady_clock::now();
        wait_until([&] { return std::chrono::steady_clock::now() - since > 200ms; });
        finish();
    }
    static EngineLoopOptions options() {
        EngineLoopOptions options;
        options.batch_limit = full;
        options.longest_wait = 100ms;
        options.looks = false;
        return options;
    }

    runtime::Metrics metrics_;
    WatchedStore store_;
    engine::Bench bench_;
    int numbers_ = 0, taken_ = 0;
    std::atomic<int> answered_{0};
    EngineLoop loop_{*bench_.engine, metrics_, options()};
};

TEST_F(EngineLoopPace, WhatWouldBeAnsweredTooLateIsNotTaken) {
    run_slow_full_batch();
    EXPECT_TRUE(loop_.has_room(line())) << "nothing is before it";
    EXPECT_LE(taken_behind_another(), 2);
    EXPECT_FALSE(loop_.has_room(line()));
}

// So little is taken at a slow pace that no batch is full any more: smaller ones must be able to tell that it is over.
TEST_F(EngineLoopPace, SmallBatchesThatGoFasterShowThatMoreCanBeTaken) {
    run_slow_full_batch();
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(offer()) << "nothing is before it";
        finish();
    }
    EXPECT_EQ(taken_behind_another(), full);
}

}  // namespace
}  // namespace ordersaga
