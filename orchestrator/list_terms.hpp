// May commands leave, and outcomes come back, several in one message?
//
// Purpose: a message of several envelopes goes only to who has said that he reads it, so that programs of the release
// before may run beside ours. Outcomes: what we send asks for them on a shard that this very process serves. Commands: the
// workers of a family say with every outcome whether they read lists; one that does not is remembered for a minute.
// Thread: any. Errors: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga {

class ListTerms {
public:
    using Time = std::chrono::steady_clock::time_point;

    struct Options {
        bool wanted = false;
        // Until then another worker, who was given a command at the same time, has answered, too.
        std::chrono::milliseconds first_look{5'000};
        std::chrono::milliseconds remembered{60'000};
    };

    explicit ListTerms(Options options) : options_(options) {}

    void serves(std::vector<int> shards);
    // Where the outcomes of a batch are to go, several in one message; the shards take turns. None: each to its own.
    std::optional<int> reply_shard();

    // A worker of this family has answered.
    void answered(const std::string& family, bool reads_lists, Time now);
    bool workers_read_lists(const std::string& family, Time now) const;

private:
    struct Family {
        std::optional<Time> first_reader, last_other;
    };

    const Options options_;
    mutable std::mutex mutex_;  // guards what follows
    std::vector<int> shards_;
    std::size_t turn_ = 0;
    std::map<std::string, Family> families_;
};

}  // namespace ordersaga
