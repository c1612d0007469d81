#include "notifier/sender.hpp"

#include "runtime/log.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <utility>

namespace ordersaga::notifier {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Notices that another notifier has stored, and those whose pause is over, are found this late at most.
constexpr milliseconds longest_sleep = 1s;
// After a failure the next notice of the same target waits, too: what is away is not asked a thousand times.
const runtime::BackoffPolicy between_failures{1s, 2.0, 30s};

milliseconds drawn(int tries, const runtime::BackoffPolicy& policy) {
    runtime::SystemRandom random;
    return std::chrono::ceil<milliseconds>(runtime::next_delay(tries, policy, random));
}

}  // namespace

Sender::Sender(SenderOptions options, std::unique_ptr<Target> target, db::Notices notices, runtime::Metrics& metrics)
    : options_(std::move(options)), target_(std::move(target)), notices_(std::move(notices)), metrics_(metrics) {
    thread_ = std::thread([this] { run(); });
}

Sender::~Sender() {
    stop();
}

void Sender::wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
}

void Sender::ask_to_stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
}

void Sender::stop() {
    ask_to_stop();
    if (thread_.joinable()) thread_.join();
}

bool Sender::pause(milliseconds limit, bool until_woken) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [&] { return stopping_ || (until_woken && woken_); });
    if (until_woken) woken_ = false;
    return !stopping_;
}

void Sender::run() {
    bool more = false;
    while (pause(more ? 0ms : longest_sleep, true)) {
        try {
            more = tell_one();
            forget_old();
            reading_fails_ = false;
            if (failures_in_a_row_ > 0 && more && !pause(drawn(failures_in_a_row_, between_failures), false)) return;
        } catch (const std::exception& fault) {
            if (!std::exchange(reading_fails_, true))
                runtime::log_warn("notices cannot be read", {{"target", options_.target}, {"reason", fault.what()}});
            more = false;
        }
    }
}

bool Sender::tell_one() {
    const std::optional<db::DueNotice> notice = notices_.take(options_.merchant, options_.target, options_.lease);
    if (!notice) return false;
    TryResult result;
    try {
        result = target_->send(*notice);
    } catch (const std::exception& fault) {
        result = {TryResult::Kind::try_again, std::string("the notifier broke: ") + fault.what()};
    }
    failures_in_a_row_ = result.kind == TryResult::Kind::try_again ? failures_in_a_row_ + 1 : 0;
    write_down(*notice, result);
    return true;
}

// As often as it takes: what is not written down is told once more.
void Sender::write_down(const db::DueNotice& notice, const TryResult& result) {
    do {
        try {
            store(notice, result);
            return;
        } catch (const std::exception& fault) {
            runtime::log_warn(
                "a notice's end cannot be stored", {{"target", options_.target}, {"reason", fault.what()}});
        }
    } while (pause(longest_sleep, false));
}

void Sender::store(const db::DueNotice& notice, const TryResult& result) {
    const db::NoticeKey& key = notice.key;
    if (result.kind == TryResult::Kind::delivered) {
        notices_.delivered(key);
        runtime::log_info("told", {{"target", key.target}, {"event", key.event_id}, {"topic", notice.topic}});
        count("delivered");
        return;
    }
    const bool given_up = result.kind == TryResult::Kind::refused || notice.age >= options_.give_up_after;
    if (given_up) {
        notices_.give_up(key, result.error);
        count("given_up");
    } else {
        notices_.try_again(key, drawn(notice.tries, options_.retry), result.error);
        count("failed");
    }
    runtime::write_log(
        given_up ? runtime::LogLevel::error : runtime::LogLevel::warn, given_up ? "given up" : "not told yet",
        {{"target", key.target},
         {"event", key.event_id},
         {"topic", notice.topic},
         {"tries", notice.tries},
         {"reason", result.error}});
}

void Sender::forget_old() {
    const auto now = std::chrono::steady_clock::now();
    if (now < forget_at_) return;
    const std::int64_t forgotten = notices_.forget(options_.keep);
    forget_at_ = now + (forgotten > 0 ? std::chrono::minutes(1) : std::chrono::minutes(60));
    if (forgotten > 0) runtime::log_info("old notices forgotten", {{"count", forgotten}});
}

void Sender::count(const char* result) {
    metrics_
        .counter(
            "ordersaga_notifier_tries_total", "Tries to tell a target, by what came of it",
            {{"target", options_.target}, {"result", result}})
        .add();
}

}  // namespace ordersaga::notifier
