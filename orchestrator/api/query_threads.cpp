#include "orchestrator/api/query_threads.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace ordersaga::api {

struct QueryThreads::Impl {
    Impl(QueriesFactory given, std::size_t longest) : factory(std::move(given)), longest_queue(longest) {}

    std::optional<Job> next() {
        std::unique_lock lock(mutex);
        wake.wait(lock, [this] { return stopping || !jobs.empty(); });
        if (stopping) return std::nullopt;
        Job job = std::move(jobs.front());
        jobs.pop_front();
        return job;
    }

    void run() {
        const std::unique_ptr<Queries> queries = factory();
        while (std::optional<Job> job = next())
            (*job)(queries.get());
    }

    const QueriesFactory factory;
    const std::size_t longest_queue;
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Job> jobs;   // guarded by mutex
    bool stopping = false;  // guarded by mutex
    std::vector<std::thread> threads;
};

QueryThreads::QueryThreads(QueriesFactory factory, std::size_t threads, std::size_t longest_queue)
    : impl_(std::make_unique<Impl>(std::move(factory), longest_queue)) {
    for (std::size_t count = 0; count < threads; ++count)
        impl_->threads.emplace_back([impl = impl_.get()] { impl->run(); });
}

QueryThreads::~QueryThreads() {
    std::deque<Job> unanswered;
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
        unanswered.swap(impl_->jobs);
    }
    impl_->wake.notify_all();
    for (std::thread& thread : impl_->threads)
        thread.join();
    for (const Job& job : unanswered)
        job(nullptr);
}

bool QueryThreads::post(Job job) {
    {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->stopping || impl_->jobs.size() >= impl_->longest_queue) return false;
        impl_->jobs.push_back(std::move(job));
    }
    impl_->wake.notify_one();
    return true;
}

}  // namespace ordersaga::api
