// What the live views of one process are told: the orders that its engine's commits have moved, and the counts of
// GET /summary. One feed serves all viewers: a commit is told once, and a merchant's counts are asked of the database once,
// however many people watch. Thread-safe.
//
// The engines of other processes on the same database are not heard; what they move shows in the counts, which are taken
// anew every few seconds while somebody watches.
#pragma once

#include "orchestrator/engine/sinks.hpp"
#include "runtime/completion.hpp"
#include "sagas/ids.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::api {

using sagas::MerchantId;

struct LiveFeedOptions {
    std::size_t most_viewers = 200;
    std::size_t most_orders_waiting = 200;  // per viewer; beyond it the viewer hears that it has missed some
    std::chrono::steady_clock::duration counts_stay_good_for = std::chrono::seconds(5);
};

class LiveFeed : public std::enable_shared_from_this<LiveFeed> {
public:
    using Time = std::chrono::steady_clock::time_point;

    struct News {
        std::vector<engine::SagaChange> orders;  // each saga once, as it is now
        bool missed = false;                     // more moved than is told here
        bool ended = false;                      // the feed has stopped
    };

    // One stream. Belongs to one coroutine; leaving the feed is destroying it.
    class Viewer {
    public:
        Viewer(std::shared_ptr<LiveFeed> feed, MerchantId merchant);
        ~Viewer();
        Viewer(const Viewer&) = delete;
        Viewer& operator=(const Viewer&) = delete;

        // What has happened since the last call; waits up to `limit` when nothing has. Await it from a strand.
        boost::asio::awaitable<News> next(std::chrono::steady_clock::duration limit);

    private:
        friend class LiveFeed;
        const std::shared_ptr<LiveFeed> feed_;
        const MerchantId merchant_;
        std::map<std::string, engine::SagaChange> waiting_;  // by saga; guarded by the feed's mutex
        bool missed_ = false;                                // the same
        std::optional<runtime::Completion<bool>> doorbell_;  // the same
    };

    struct Counts {
        std::string text;          // JSON; empty: never counted
        std::uint64_t number = 0;  // rises whenever `text` changes
    };

    explicit LiveFeed(LiveFeedOptions options = {}) : options_(options) {}

    // The engine's onlooker.
    void changed(const std::vector<engine::SagaChange>& changes);
    // Null: too many watch already, or the feed has stopped.
    std::unique_ptr<Viewer> join(MerchantId merchant);
    // Ends every viewer. A repeat does nothing.
    void stop();

    Counts counts(MerchantId merchant);
    // True: the caller is to count, and to say counted() or not_counted(). One at a time is told so; not again within a
    // second, nor within ten times of what the last counting took; and only if something moved or the counts are old.
    bool begin_counting(MerchantId merchant, Time now);
    void counted(MerchantId merchant, std::string text, Time began, Time now);
    void not_counted(MerchantId merchant, Time now);

private:
    struct Counting {
        std::string text;
        std::uint64_t number = 0;
        bool outdated = true;
        bool under_way = false;
        Time taken{};
        Time not_before{};
    };

    News take(Viewer& viewer);
    void ring(Viewer& viewer);

    const LiveFeedOptions options_;
    std::mutex mutex_;
    std::vector<Viewer*> viewers_;              // guarded by mutex_
    std::map<MerchantId, Counting> countings_;  // guarded by mutex_
    bool stopped_ = false;                      // guarded by mutex_
};

}  // namespace ordersaga::api
