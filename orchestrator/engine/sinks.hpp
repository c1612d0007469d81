// Where the engine's messages leave. Called after the commit only, on the engine's thread; must not block. What is lost
// here is found again by the relay, because the rows stay until they are confirmed.
#pragma once

#include "orchestrator/engine/store.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ordersaga::engine {

// A saga as a commit has left it.
struct SagaChange {
    SagaKey key;
    std::string kind, subject, state;
    std::int64_t version = 0;
    Instant at{};
};

// Who looks on: told after each commit which sagas it has changed, on the engine's thread; must not block. A process that
// dies right after the commit tells nobody, so this may paint a screen and must not decide anything.
using Onlooker = std::function<void(const std::vector<SagaChange>&)>;

class CommandSink {
public:
    virtual ~CommandSink() = default;
    // Each row is a command in state `sent` with the attempt to publish. The confirmation comes back through
    // Engine::command_published, an outcome through Engine::run.
    virtual void send(const std::vector<CommandRow>& commands, int shards) = 0;
    // Public events. The confirmation comes back through Engine::announcement_published.
    virtual void announce(const std::vector<AnnouncementRow>& announcements) = 0;
};

}  // namespace ordersaga::engine
