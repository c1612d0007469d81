#include "orchestrator/shard_owner.hpp"

#include "orchestrator/engine/engine.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/crypto.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <exception>

namespace ordersaga {
namespace {

// Who dies is noticed within 2.5 s, and its shards are served by others a second later at most. Who is only slow loses
// shards for a moment, which does no harm: the broker lets one member at a time consume a queue.
constexpr std::chrono::milliseconds beat_every{1'000};
constexpr std::chrono::milliseconds alive_for{2'500};
// Nobody waits for the death of one who is alone. A newcomer may find it silent for a moment, and wait at the broker.
constexpr std::chrono::milliseconds beat_alone_every{4'000};

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

ShardOwner::ShardOwner(
    db::ConnectionSettings database,
    std::string member_id,
    int shards,
    OutcomeSource& source,
    std::function<void()> others_changed)
    : members_(std::move(database), member_id),
      member_id_(std::move(member_id)),
      shards_(shards),
      source_(source),
      others_changed_(std::move(others_changed)) {
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
    std::vector<std::string> known;
    std::vector<int> served;
    bool failed = false;
    while (true) {
        try {
            std::vector<std::string> alive = members_.beat(alive_for);
            if (alive != known) others_changed_();
            known = std::move(alive);
            std::vector<int> mine = shards_of(member_id_, known, shards_);
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
            if (!failed) {
                runtime::log_warn("the list of members cannot be read", {{"error", error.what()}});
                others_changed_();
            }
            failed = true;
        }
        std::unique_lock lock(mutex_);
        const auto pause = known.size() == 1 && !failed ? beat_alone_every : beat_every;
        if (wake_.wait_for(lock, pause, [this] { return stopping_; })) break;
    }
    try {
        members_.leave();
    } catch (const std::exception& error) {
        runtime::log_warn("could not leave the list of members; the entry expires", {{"error", error.what()}});
    }
}

}  // namespace ordersaga
