// Where the engine's messages end in these tests: instead of a broker, a list. Every message counts as confirmed at once.
#pragma once

#include "orchestrator/engine/sinks.hpp"
#include "orchestrator/engine_loop.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::test {

class RecordingSink final : public engine::CommandSink {
public:
    // Confirmations go to `loop`; call it before anything is sent.
    void connect(EngineLoop& loop) { loop_ = &loop; }

    // On the engine's thread.
    void send(const std::vector<engine::CommandRow>& commands, int shards) override;
    void announce(const std::vector<engine::AnnouncementRow>& announcements) override;

    // Thread-safe. Attempts that were sent and not taken yet; waits up to `longest` for one.
    std::vector<engine::CommandRow> take(std::chrono::milliseconds longest);
    // Every attempt of this activity that was ever sent, in order.
    std::vector<engine::CommandRow> sent(std::string_view activity) const;
    std::vector<engine::AnnouncementRow> announced() const;

private:
    EngineLoop* loop_ = nullptr;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<engine::CommandRow> waiting_;  // guarded by mutex_, as what follows
    std::vector<engine::CommandRow> sent_;
    std::vector<engine::AnnouncementRow> announced_;
};

}  // namespace ordersaga::test
