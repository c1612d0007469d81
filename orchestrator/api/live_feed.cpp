#include "orchestrator/api/live_feed.hpp"

#include <algorithm>

namespace ordersaga::api {

namespace {

constexpr std::chrono::seconds shortest_pause{1};
// Counting may take a tenth of the time at most: on a large database it is then told less often.
constexpr int pause_per_effort = 10;

}  // namespace

LiveFeed::Viewer::Viewer(std::shared_ptr<LiveFeed> feed, MerchantId merchant)
    : feed_(std::move(feed)), merchant_(merchant) {}

LiveFeed::Viewer::~Viewer() {
    const std::lock_guard lock(feed_->mutex_);
    std::erase(feed_->viewers_, this);
}

boost::asio::awaitable<LiveFeed::News> LiveFeed::Viewer::next(std::chrono::steady_clock::duration limit) {
    runtime::Completion<bool> doorbell;
    bool wait = false;
    {
        const std::lock_guard lock(feed_->mutex_);
        wait = waiting_.empty() && !missed_ && !feed_->stopped_;
        if (wait) doorbell_ = doorbell;
    }
    if (wait) co_await doorbell.wait_for(limit);
    co_return feed_->take(*this);
}

LiveFeed::News LiveFeed::take(Viewer& viewer) {
    const std::lock_guard lock(mutex_);
    News news;
    for (auto& [saga_id, change] : viewer.waiting_)
        news.orders.push_back(std::move(change));
    news.missed = viewer.missed_;
    news.ended = stopped_;
    viewer.waiting_.clear();
    viewer.missed_ = false;
    viewer.doorbell_.reset();
    return news;
}

void LiveFeed::ring(Viewer& viewer) {
    if (viewer.doorbell_) viewer.doorbell_->complete(true);
    viewer.doorbell_.reset();
}

void LiveFeed::changed(const std::vector<engine::SagaChange>& changes) {
    const std::lock_guard lock(mutex_);
    for (const engine::SagaChange& change : changes) {
        const auto counting = countings_.find(change.key.merchant);
        if (counting != countings_.end()) counting->second.outdated = true;
        for (Viewer* viewer : viewers_) {
            if (viewer->merchant_ != change.key.merchant) continue;
            const bool fits =
                viewer->waiting_.size() < options_.most_orders_waiting || viewer->waiting_.contains(change.key.saga_id);
            if (fits) viewer->waiting_.insert_or_assign(change.key.saga_id, change);
            viewer->missed_ = viewer->missed_ || !fits;
            ring(*viewer);
        }
    }
}

std::unique_ptr<LiveFeed::Viewer> LiveFeed::join(MerchantId merchant) {
    auto viewer = std::make_unique<Viewer>(shared_from_this(), merchant);
    const std::lock_guard lock(mutex_);
    if (stopped_ || viewers_.size() >= options_.most_viewers) return nullptr;
    viewers_.push_back(viewer.get());
    return viewer;
}

void LiveFeed::stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (Viewer* viewer : viewers_)
        ring(*viewer);
}

LiveFeed::Counts LiveFeed::counts(MerchantId merchant) {
    const std::lock_guard lock(mutex_);
    const Counting& counting = countings_[merchant];
    return {counting.text, counting.number};
}

bool LiveFeed::begin_counting(MerchantId merchant, Time now) {
    const std::lock_guard lock(mutex_);
    Counting& counting = countings_[merchant];
    const bool wanted = counting.outdated || now - counting.taken >= options_.counts_stay_good_for;
    if (!wanted || counting.under_way || now < counting.not_before) return false;
    counting.under_way = true;
    // What moves while the database is asked may or may not be counted: then it is outdated again.
    counting.outdated = false;
    return true;
}

void LiveFeed::counted(MerchantId merchant, std::string text, Time began, Time now) {
    const std::lock_guard lock(mutex_);
    Counting& counting = countings_[merchant];
    if (text != counting.text) {
        counting.text = std::move(text);
        ++counting.number;
    }
    counting.under_way = false;
    counting.taken = now;
    counting.not_before = now + std::max<Time::duration>(shortest_pause, pause_per_effort * (now - began));
}

void LiveFeed::not_counted(MerchantId merchant, Time now) {
    const std::lock_guard lock(mutex_);
    Counting& counting = countings_[merchant];
    counting.under_way = false;
    counting.outdated = true;
    counting.not_before = now + shortest_pause;
}

}  // namespace ordersaga::api
