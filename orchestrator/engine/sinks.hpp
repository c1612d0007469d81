// Where the engine's messages leave. Called after the commit only, on the engine's thread; must not block. What is lost
// here is found again by the relay, because the rows stay until they are confirmed.
#pragma once

#include "orchestrator/engine/store.hpp"

#include <vector>

namespace ordersaga::engine {

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
