// The thread that owns the engine: takes whatever is waiting, runs it as one batch, does what has come due, sleeps until
// something arrives or comes due. At low load a batch is what came within two milliseconds, at high load it is hundreds.
#pragma once

#include "orchestrator/api/engine_port.hpp"
#include "orchestrator/engine/engine.hpp"
#include "orchestrator/fair_queue.hpp"
#include "orchestrator/return_times.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ordersaga::runtime {
class Metrics;
}

namespace ordersaga {

struct EngineLoopOptions {
    std::size_t queue_limit = 2'000;  // arrivals and commands of people; beyond it, or their share of it, 503
    std::chrono::milliseconds longest_wait{4'000};   // 503 as well for what would be answered later than this
    std::size_t batch_limit = 200;                   // more, and what stores answer waits long for its turn
    std::chrono::milliseconds give_up_after{4'000};  // for who waits for an answer, while the database is away
    std::chrono::milliseconds look_every{1'000};     // at what has come due, at the latest, while there is work
    // While there is none: what this program has stored it looks at when it is due, so this is for what others store.
    std::chrono::milliseconds look_at_rest_every{5'000};
    bool looks = true;  // false: another loop does what comes due
    // For what else comes. A batch of a few takes hardly longer than a batch of one, here and in the database.
    std::chrono::milliseconds gather{2};
    // The same, of what can wait: polls of one period are answered together, levels are written together.
    std::chrono::milliseconds linger{500};
    // Of the loop's thread, where it is allowed (runtime/priority.hpp): everything waits for its batches, so on a machine with
    // too few processors nothing should go before it. 0: as all others.
    int nice = -5;
};

class EngineLoop final : public api::EnginePort {
public:
    // All references must outlive the loop.
    EngineLoop(engine::Engine& engine, runtime::Metrics& metrics, EngineLoopOptions options = {});
    ~EngineLoop() override;  // stop()

    void start();
    // Takes nothing new, finishes the batch under way, answers what waits with `unavailable`. A repeat does nothing.
    void stop();

    // Thread-safe. False: there is too much before it; how much is too much is measured by how fast batches go.
    // Outcomes are always taken: the consumer's prefetch bounds them, and only their commit acks them.
    bool offer(engine::Input input) override;
    bool has_room(const std::string& line) const override;
    std::chrono::seconds return_in() override;
    bool offer_preview(api::PreviewRequest request) override;
    void published(std::vector<std::pair<std::string, std::string>> commands_and_tokens);
    void announced(std::vector<std::int64_t> announcement_ids);
    // Something has happened outside of this loop that may have left work: it is looked for at once. Thread-safe.
    void look_soon();

    // Time since the loop last finished a round; for readiness.
    std::chrono::milliseconds silence() const;
    bool store_available() const { return available_; }

private:
    using Clock = std::chrono::steady_clock;
    struct Waiting {
        engine::Input input;
        Clock::time_point since;
        bool patient = false;  // an outcome: never given up
    };

    void run();
    void round();
    bool is_too_much_before(const std::string& line) const;
    void measure(std::size_t inputs, Clock::duration took);
    void look_no_later_than(Clock::time_point at);
    std::vector<Waiting> take();
    void give_up(bool all);
    void report(const engine::EngineCounts& before);

    engine::Engine& engine_;
    runtime::Metrics& metrics_;
    EngineLoopOptions options_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    FairQueue<Waiting> queue_;
    Clock::time_point batch_at_ = Clock::time_point::max();  // when what waits is taken, at the latest
    double inputs_per_s_ = 0;  // of full batches of late, and of faster ones; 0: none was full yet
    ReturnTimes return_times_;
    std::vector<api::PreviewRequest> previews_;
    std::vector<std::pair<std::string, std::string>> published_;
    std::vector<std::int64_t> announced_;
    bool stopping_ = false;
    Clock::time_point next_look_{};  // all of these guarded by mutex_

    int failures_ = 0;
    std::atomic<std::int64_t> last_round_{0};
    std::atomic<bool> available_{true};
    std::thread thread_;
};

}  // namespace ordersaga
