#include "broker/publisher.hpp"

#include "broker/confirm_window.hpp"
#include "broker/connection.hpp"
#include "broker/declare.hpp"
#include "broker/envelope.hpp"
#include "broker/reconnect_delay.hpp"
#include "broker/wake_up.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace ordersaga::broker {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Time = SteadyClock::time_point;

constexpr ChannelNumber publish_channel = 1;
constexpr ChannelNumber declare_channel = 2;
constexpr std::size_t short_text_limit = 255;  // AMQP writes these lengths as one byte
constexpr std::size_t first_window = 32;
constexpr std::size_t burst = 64;
constexpr std::size_t read_limit = 1024;
// Unconfirmed bytes: kept below what the kernel buffers, so that a broker which stops reading (memory or disk alarm)
// is noticed by its message and not by a write that hangs.
constexpr std::size_t window_bytes_limit = 1024 * 1024;

struct Waiting {
    Message message;
    Time deadline;
};

// Why a message can never be written; empty when it can.
std::string fault_of(const Message& message) {
    if (message.exchange.size() > short_text_limit) return "the exchange's name is longer than 255 bytes";
    if (message.routing_key.size() > short_text_limit) return "the routing key is longer than 255 bytes";
    if (message.message_id.empty() || message.message_id.size() > short_text_limit) {
        return "the message id must have 1 to 255 bytes";
    }
    if (message.traceparent.size() > short_text_limit) return "the traceparent is longer than 255 bytes";
    if (message.body.size() > envelope_size_limit) return "the body is larger than 256 KiB";
    return {};
}

PublishResult not_sent(Message& message, std::string reason) {
    return {message.tag, std::move(message.message_id), PublishStatus::not_sent, std::move(reason)};
}

}  // namespace

// The thread owns everything below `thread side`; the mutex guards what is above.
class Publisher::Impl {
public:
    Impl(Address address, PublisherOptions options, OnResults on_results)
        : address_(std::move(address)),
          options_(std::move(options)),
          on_results_(std::move(on_results)),
          window_(options_.window),
          reconnect_(options_.reconnect_first, options_.reconnect_cap),
          thread_([this] { run(); }) {}

    ~Impl() { stop(std::chrono::milliseconds(0)); }

    bool try_publish(Message message) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_ || buffered_ >= options_.buffer) return false;
            incoming_.push_back({std::move(message), SteadyClock::now() + options_.deadline});
            ++buffered_;
        }
        wake_up_.wake();
        return true;
    }

    std::size_t try_publish(std::vector<Message>& messages) {
        std::size_t taken = 0;
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return 0;
            taken = std::min(messages.size(), options_.buffer - std::min(options_.buffer, buffered_));
            const Time deadline = SteadyClock::now() + options_.deadline;
            for (std::size_t i = 0; i < taken; ++i)
                incoming_.push_back({std::move(messages[i]), deadline});
            buffered_ += taken;
        }
        messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(taken));
        if (taken > 0) wake_up_.wake();
        return taken;
    }

    Health health() const {
        const std::lock_guard lock(mutex_);
        Health health = health_;
        health.buffered = buffered_;
        return health;
    }

    bool wait_until_connected(std::chrono::milliseconds patience) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [this] { return health_.connected; });
    }

    void stop(std::chrono::milliseconds drain) {
        const std::lock_guard one_at_a_time(stop_mutex_);
        if (!thread_.joinable()) return;
        {
            std::unique_lock lock(mutex_);
            stopping_ = true;
            drain_until_ = SteadyClock::now() + drain;
        }
        wake_up_.wake();
        {
            // A write that the broker does not take would hold the thread beyond the time to drain.
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, drain, [this] { return finished_; });
            if (connecting_ != nullptr) connecting_->interrupt();
            changed_.wait_for(lock, std::chrono::milliseconds(1500), [this] { return finished_; });
            if (connection_ != nullptr) connection_->interrupt();
        }
        thread_.join();
    }

private:
    void run();
    bool may_end();
    void connect_if_due();
    bool announce(Connection* connecting);
    runtime::Result<void> set_up(Connection& connection);
    void disconnect(const std::string& reason);
    void take_incoming();
    void write_some();
    bool may_write() const;
    void read_some();
    void expire();
    void report();
    void sleep();
    void end();
    void note_error(const std::string& reason);

    const Address address_;
    const PublisherOptions options_;
    const OnResults on_results_;
    WakeUp wake_up_;

    std::mutex stop_mutex_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<Waiting> incoming_;
    std::size_t buffered_ = 0;  // incoming_ and outgoing_ together
    bool stopping_ = false;
    bool finished_ = false;
    Time drain_until_{};
    Health health_;
    Connection* connecting_ = nullptr;        // only for interrupting it
    std::unique_ptr<Connection> connection_;  // replaced under the mutex, used by the thread without it

    // thread side
    std::deque<Waiting> outgoing_;
    ConfirmWindow window_;
    std::size_t window_bytes_ = 0;  // written since the window was last empty
    std::size_t allowed_ = first_window;
    bool blocked_ = false;
    Time taking_since_{};  // connected or unblocked
    bool more_to_read_ = false;
    std::vector<PublishResult> results_;
    std::vector<Arrival> arrivals_;
    ReconnectDelay reconnect_;
    Time next_connect_{};
    runtime::SystemRandom random_;
    std::string last_logged_;

    std::thread thread_;
};

void Publisher::Impl::run() {
    while (!may_end()) {
        connect_if_due();
        take_incoming();
        write_some();
        read_some();
        expire();
        report();
        sleep();
    }
    end();
}

bool Publisher::Impl::may_end() {
    const std::lock_guard lock(mutex_);
    if (!stopping_) return false;
    return (buffered_ == 0 && window_.next_deadline() == Time::max()) || SteadyClock::now() >= drain_until_;
}

void Publisher::Impl::note_error(const std::string& reason) {
    {
        const std::lock_guard lock(mutex_);
        health_.last_error = reason;
    }
    // An outage is one line, not one per attempt.
    if (reason == last_logged_) return;
    last_logged_ = reason;
    runtime::log_warn("publisher has no broker", {{"connection", options_.connection_name}, {"reason", reason}});
}

// Lets stop() reach a connection that is being opened. False when it is too late to open one.
bool Publisher::Impl::announce(Connection* connecting) {
    const std::lock_guard lock(mutex_);
    const bool too_late = stopping_ && SteadyClock::now() >= drain_until_;
    connecting_ = too_late ? nullptr : connecting;
    return !too_late;
}

runtime::Result<void> Publisher::Impl::set_up(Connection& connection) {
    if (auto opened = connection.open(); !opened) return opened;
    if (options_.topology) {
        if (auto declared = declare_over(connection, declare_channel, *options_.topology); !declared) return declared;
    }
    if (auto opened = connection.open_channel(publish_channel); !opened) return opened;
    return connection.enable_confirms(publish_channel);
}

void Publisher::Impl::connect_if_due() {
    if (connection_ != nullptr || SteadyClock::now() < next_connect_) return;
    ConnectionOptions options;
    options.name = options_.connection_name;
    options.heartbeat = options_.heartbeat;
    options.connect_timeout = options_.connect_timeout;
    options.write_timeout = options_.deadline;
    auto connection = std::make_unique<Connection>(address_, options);
    if (!announce(connection.get())) return;
    const auto ready = set_up(*connection);
    announce(nullptr);
    if (!ready) {
        next_connect_ = SteadyClock::now() + reconnect_.next(random_);
        note_error(ready.error().message);
        return;
    }
    reconnect_.succeeded();
    blocked_ = false;
    taking_since_ = SteadyClock::now();
    allowed_ = first_window;
    {
        const std::lock_guard lock(mutex_);
        connection_ = std::move(connection);
        health_.connected = true;
        health_.blocked = false;
        ++health_.connections;
    }
    changed_.notify_all();
    last_logged_.clear();
    runtime::log_info("publisher connected", {{"connection", options_.connection_name}, {"broker", address_.shown()}});
}

void Publisher::Impl::disconnect(const std::string& reason) {
    window_.reset(reason, results_);
    window_bytes_ = 0;
    blocked_ = false;
    more_to_read_ = false;
    std::unique_ptr<Connection> gone;
    {
        const std::lock_guard lock(mutex_);
        gone = std::move(connection_);
        health_.connected = false;
        health_.blocked = false;
        health_.blocked_reason.clear();
        health_.unconfirmed = 0;
    }
    next_connect_ = SteadyClock::now() + reconnect_.next(random_);
    note_error(reason);
}

void Publisher::Impl::take_incoming() {
    std::vector<Waiting> taken;
    {
        const std::lock_guard lock(mutex_);
        taken.swap(incoming_);
    }
    for (auto& waiting : taken) {
        std::string fault = fault_of(waiting.message);
        if (fault.empty()) {
            outgoing_.push_back(std::move(waiting));
        } else {
            results_.push_back(not_sent(waiting.message, std::move(fault)));
            const std::lock_guard lock(mutex_);
            --buffered_;
        }
    }
}

bool Publisher::Impl::may_write() const {
    return connection_ != nullptr && !blocked_ && !window_.full() && window_.size() < allowed_ &&
           (window_.size() == 0 || window_bytes_ < window_bytes_limit);
}

// A burst at a time, so that confirms are read in between and the window keeps moving.
void Publisher::Impl::write_some() {
    std::size_t written = 0;
    while (written < burst && !outgoing_.empty() && may_write()) {
        Waiting waiting = std::move(outgoing_.front());
        outgoing_.pop_front();
        ++written;
        // In the window before the first byte: from here on only the broker can say what became of it.
        if (window_.size() == 0) window_bytes_ = 0;
        window_bytes_ += waiting.message.body.size();
        window_.add(waiting.message.tag, waiting.message.message_id, waiting.deadline);
        runtime::crash_point("publish.before_send");
        if (auto published = connection_->publish(publish_channel, waiting.message); !published) {
            disconnect(published.error().message);
        }
        runtime::crash_point("publish.sent");
    }
    const std::lock_guard lock(mutex_);
    buffered_ -= written;
}

void Publisher::Impl::read_some() {
    if (connection_ == nullptr) return;
    arrivals_.clear();
    const auto read = connection_->read(arrivals_, read_limit);
    std::string lost = read ? std::string() : read.error().message;
    more_to_read_ = read && !read->drained;
    const std::size_t before = window_.size();
    for (auto& arrival : arrivals_) {
        if (const auto* confirm = std::get_if<ConfirmArrived>(&arrival)) {
            window_.settle(confirm->sequence, confirm->multiple, confirm->positive, results_);
            runtime::crash_point("publish.confirmed");
        } else if (auto* returned = std::get_if<ReturnArrived>(&arrival)) {
            window_.returned(returned->message_id, std::move(returned->reason));
        } else if (auto* closed = std::get_if<ChannelClosed>(&arrival)) {
            // An exchange is missing, most likely: a new connection declares it again.
            lost = "broker: publishing channel closed: " + closed->reason;
        } else if (auto* blocked = std::get_if<PublishingBlocked>(&arrival)) {
            blocked_ = true;
            runtime::log_warn("broker blocks publishing", {{"reason", blocked->reason}});
            const std::lock_guard lock(mutex_);
            health_.blocked = true;
            health_.blocked_reason = std::move(blocked->reason);
        } else if (std::holds_alternative<PublishingUnblocked>(arrival)) {
            blocked_ = false;
            taking_since_ = SteadyClock::now();
            runtime::log_info("broker takes messages again");
            const std::lock_guard lock(mutex_);
            health_.blocked = false;
            health_.blocked_reason.clear();
        }
    }
    const std::size_t confirmed = before - window_.size();
    if (confirmed > 0) {
        allowed_ = std::min(options_.window, allowed_ + confirmed);
        // Bytes are not kept per message; the average is good enough for a bound.
        window_bytes_ -= std::min(window_bytes_, window_bytes_ * confirmed / before);
    }
    if (!lost.empty()) disconnect(lost);
}

void Publisher::Impl::expire() {
    const Time now = SteadyClock::now();
    window_.expire(now, results_);
    std::size_t expired = 0;
    while (!outgoing_.empty() && outgoing_.front().deadline <= now) {
        results_.push_back(not_sent(outgoing_.front().message, "no broker took it before the deadline"));
        outgoing_.pop_front();
        ++expired;
    }
    // After an alarm the broker first works through what it had not read: it gets one deadline for that.
    const bool confirms_stopped = connection_ != nullptr && !blocked_ && window_.all_overdue() && !outgoing_.empty() &&
                                  !may_write() && now >= taking_since_ + options_.deadline;
    {
        const std::lock_guard lock(mutex_);
        buffered_ -= expired;
        health_.unconfirmed = window_.size();
    }
    if (confirms_stopped) disconnect("broker: confirms have stopped");
}

void Publisher::Impl::report() {
    if (results_.empty()) return;
    std::vector<PublishResult> results;
    results.swap(results_);
    try {
        on_results_(std::move(results));
    } catch (const std::exception& fault) {
        runtime::log_error("a receiver of publish results threw", {{"reason", fault.what()}});
    }
}

void Publisher::Impl::sleep() {
    if (more_to_read_ || (!outgoing_.empty() && may_write())) return;
    Time until = window_.next_deadline();
    if (!outgoing_.empty()) until = std::min(until, outgoing_.front().deadline);
    const Time now = SteadyClock::now();
    if (connection_ == nullptr) {
        until = std::min(until, next_connect_);
    } else {
        until = std::min(until, now + connection_->heartbeat_pause());
    }
    {
        const std::lock_guard lock(mutex_);
        if (!incoming_.empty()) return;
        if (stopping_) {
            if (buffered_ == 0 && window_.next_deadline() == Time::max()) return;
            until = std::min(until, drain_until_);
        }
    }
    const auto patience =
        until <= now ? std::chrono::milliseconds(0) : std::chrono::ceil<std::chrono::milliseconds>(until - now);
    wake_up_.sleep(connection_ == nullptr ? -1 : connection_->socket(), patience);
}

void Publisher::Impl::end() {
    // A blocked broker would not hear a goodbye.
    if (connection_ != nullptr && !blocked_) connection_->close();
    window_.reset("the publisher stopped before the confirm", results_);
    {
        const std::lock_guard lock(mutex_);
        for (auto& waiting : incoming_)
            outgoing_.push_back(std::move(waiting));
        incoming_.clear();
        buffered_ = 0;
    }
    for (auto& waiting : outgoing_)
        results_.push_back(not_sent(waiting.message, "the publisher stopped"));
    outgoing_.clear();
    report();
    {
        const std::lock_guard lock(mutex_);
        connection_.reset();
        health_.connected = false;
        health_.unconfirmed = 0;
        finished_ = true;
    }
    changed_.notify_all();
}

Publisher::Publisher(Address address, PublisherOptions options, OnResults on_results)
    : impl_(std::make_unique<Impl>(std::move(address), std::move(options), std::move(on_results))) {}
Publisher::~Publisher() = default;

bool Publisher::try_publish(Message message) {
    return impl_->try_publish(std::move(message));
}
std::size_t Publisher::try_publish(std::vector<Message>& messages) {
    return impl_->try_publish(messages);
}
Health Publisher::health() const {
    return impl_->health();
}
bool Publisher::wait_until_connected(std::chrono::milliseconds patience) const {
    return impl_->wait_until_connected(patience);
}
void Publisher::stop(std::chrono::milliseconds drain) {
    impl_->stop(drain);
}

}  // namespace ordersaga::broker
