// A thread that does what it is given, one after the other, while its owner prepares the next.
//
// One owner at a time. Its faults are the owner's: the first one is thrown by the next wait(), and what was given after it is
// dropped undone.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace ordersaga::db {

class Follower {
public:
    Follower() : thread_([this] { run(); }) {}
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    void give(std::function<void()> work);
    // Returns when everything is done. Throws what the first work that failed threw.
    void wait();
    // Drops what was not begun and waits for the rest; its fault is forgotten.
    void drop() noexcept;

private:
    void run();
    bool idle() const { return works_.empty() && !busy_; }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> works_;
    std::exception_ptr fault_;
    bool busy_ = false;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses all the others
};

}  // namespace ordersaga::db
