#include "db/follower.hpp"

#include <utility>

namespace ordersaga::db {

Follower::~Follower() {
    drop();
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Follower::give(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (fault_) return;
        works_.push_back(std::move(work));
    }
    changed_.notify_all();
}

void Follower::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return idle(); });
    if (fault_) std::rethrow_exception(std::exchange(fault_, nullptr));
}

void Follower::drop() noexcept {
    std::unique_lock lock(mutex_);
    works_.clear();
    changed_.wait(lock, [this] { return idle(); });
    fault_ = nullptr;
}

void Follower::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !works_.empty(); });
        if (works_.empty()) return;
        std::function<void()> work = std::move(works_.front());
        works_.pop_front();
        busy_ = true;
        lock.unlock();
        std::exception_ptr fault;
        try {
            work();
        } catch (...) {
            fault = std::current_exception();
        }
        work = nullptr;  // what it holds is freed here, not under the lock
        lock.lock();
        busy_ = false;
        if (fault) {
            fault_ = fault;
            works_.clear();
        }
        if (works_.empty()) changed_.notify_all();
    }
}

}  // namespace ordersaga::db
