#include "orchestrator/shard_owner.hpp"

#include "orchestrator/engine/engine.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/crypto.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <exception>

namespace ordersaga {
namespace {

// Who dies is noticed within 3 s, and its shards are served by others half a second later. Who is only slow loses shards
// for a moment, which does no harm: the broker lets one member at a time consume a queue.
constexpr std::chrono::milliseconds beat_every{500};
constexpr std::chrono::milliseconds alive_for{3'000};

}  // namespace

std::vector<int> shards_of(const std::string& member, const std::vector<std::string>& members, int shards) {
    std::vector<int> mine;
    for (int shard = 0; shard < shards; ++shard) {
        auto weight = [shard](const std::string& name) {
            return runtime::stable_hash(name + "#" + std::to_string(shard));
        };
        auto owner = std::max_element(members.begin(), members.end(), [&](const std::string& a, const std::string& b) {
            return std::make_pair(weight(a), a) < std::make_pair(weight(b), b);
        });
        if (owner != members.end() && *owner == member) mine.push_back(shard);
    }
    return mine;
}

ShardOwner::ShardOwner(db::ConnectionSettings database, std::string member_id, int shards, OutcomeSource& source)
    : members_(std::move(database), member_id), member_id_(std::move(member_id)), shards_(shards), source_(source) {
    thread_ = std::thread([this] { run(); });
}

ShardOwner::~ShardOwner() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void ShardOwner::run() {
    std::vector<int> served;
    bool failed = false;
    while (true) {
        try {
            std::vector<int> mine = shards_of(member_id_, members_.beat(alive_for), shards_);
            if (mine != served) {
                runtime::crash_point("shards.claimed");
                source_.serve(mine);
                runtime::log_info(
                    "serving outcome shards", {{"member", member_id_}, {"shards", mine.size()}, {"of", shards_}});
                served = mine;
            }
            failed = false;
        } catch (const std::exception& error) {
            // Without the database nothing can be committed either: keep what we serve and try again.
            if (!failed) runtime::log_warn("the list of members cannot be read", {{"error", error.what()}});
            failed = true;
        }
        std::unique_lock lock(mutex_);
        if (wake_.wait_for(lock, beat_every, [this] { return stopping_; })) break;
    }
    try {
        members_.leave();
    } catch (const std::exception& error) {
        runtime::log_warn("could not leave the list of members; the entry expires", {{"error", error.what()}});
    }
}

}  // namespace ordersaga
