// Which shards of outcomes this orchestrator serves: rendezvous hashing over the living members. A shard moves only when
// its owner comes or goes; two members that disagree for a moment do no harm (single active consumer, row locks).
#pragma once

#include "db/members.hpp"
#include "orchestrator/broker_ports.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ordersaga {

// Pure. `members` must not be empty.
std::vector<int> shards_of(const std::string& member, const std::vector<std::string>& members, int shards);

class ShardOwner {
public:
    // Starts a thread that beats, looks around and tells `source` which shards to serve. `others_changed` is called on it
    // when a member came or went, for what that one may have left, and when the database is found to be away.
    ShardOwner(
        db::ConnectionSettings database,
        std::string member_id,
        int shards,
        OutcomeSource& source,
        std::function<void()> others_changed = [] {});
    ~ShardOwner();

private:
    void run();

    db::Members members_;
    std::string member_id_;
    int shards_;
    OutcomeSource& source_;
    std::function<void()> others_changed_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace ordersaga
