// Tells one target its notices, one after the other, on a thread of its own: a target that is slow or away holds up nobody
// else. A try is written down before and after it; one that ends without a word of ours (a crash, a database that stays
// away) is made again once its lease is over.
#pragma once

#include "db/notices.hpp"
#include "notifier/target.hpp"
#include "runtime/backoff.hpp"
#include "runtime/metrics.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace ordersaga::notifier {

struct SenderOptions {
    std::string target;  // "mail:ops"
    std::int64_t merchant = 0;
    runtime::BackoffPolicy retry;
    std::chrono::seconds give_up_after{86'400};
    std::chrono::seconds keep{7'776'000};
    std::chrono::seconds lease{180};  // longer than the longest try
};

class Sender {
public:
    // Starts the thread.
    Sender(SenderOptions options, std::unique_ptr<Target> target, db::Notices notices, runtime::Metrics& metrics);
    ~Sender();  // stop()
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

    // There may be something to tell. Any thread; does not wait.
    void wake();
    // No new try from now on. Any thread; does not wait.
    void ask_to_stop();
    // The same, and waits for the try under way. Any other thread.
    void stop();

private:
    void run();
    // True when there was something to tell.
    bool tell_one();
    void write_down(const db::DueNotice& notice, const TryResult& result);
    void store(const db::DueNotice& notice, const TryResult& result);
    void forget_old();
    void count(const char* result);
    // Until `limit`, a stop or, if `until_woken`, a wake-up. False when stopping.
    bool pause(std::chrono::milliseconds limit, bool until_woken);

    const SenderOptions options_;
    std::unique_ptr<Target> target_;  // of the thread alone, like the next four
    db::Notices notices_;
    int failures_in_a_row_ = 0;
    bool reading_fails_ = false;  // one line of the log per outage
    std::chrono::steady_clock::time_point forget_at_{};
    runtime::Metrics& metrics_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false;     // guarded by mutex_
    bool stopping_ = false;  // guarded by mutex_
    std::thread thread_;     // last, so that everything above exists when it starts
};

}  // namespace ordersaga::notifier
