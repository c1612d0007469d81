#include "broker/consumer.hpp"

#include "broker/ack_window.hpp"
#include "broker/connection.hpp"
#include "broker/declare.hpp"
#include "broker/reconnect_delay.hpp"
#include "broker/wake_up.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/log.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace ordersaga::broker {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Time = SteadyClock::time_point;

constexpr ChannelNumber last_channel = 2000;
constexpr ChannelNumber declaring_channel = last_channel + 1;
constexpr ChannelNumber probe_channel = last_channel + 2;

struct Rejection {
    DeliveryHandle handle;
    bool requeue;
};

struct WantedChange {
    std::string queue;
    bool wanted;
};

// What other threads asked for since the last look.
struct Posted {
    std::vector<DeliveryHandle> acks;
    std::vector<Rejection> rejections;
    std::vector<WantedChange> changes;
};

// One channel's life. Its generation is in every handle that it gave out.
struct OpenChannel {
    std::uint64_t generation = 0;
    std::string queue;
    AckWindow unacked;
    bool consuming = false;
    Time drain_until = Time::max();
};

// What is wanted of one queue, and when to try next after a failure.
struct Subscription {
    bool wanted = true;
    ChannelNumber channel = 0;  // 0: none
    ReconnectDelay delay;
    Time next_attempt{};
};

}  // namespace

// The thread owns everything below `thread side`; the mutex guards what is above.
class Consumer::Impl {
public:
    Impl(Address address, ConsumerOptions options, OnDeliveries on_deliveries)
        : address_(std::move(address)),
          options_(std::move(options)),
          on_deliveries_(std::move(on_deliveries)),
          reconnect_(options_.reconnect_first, options_.reconnect_cap) {
        for (const auto& queue : options_.queues)
            posted_.changes.push_back({queue, true});
        changes_under_way_ = posted_.changes.size();
        thread_ = std::thread([this] { run(); });
    }

    ~Impl() { stop(std::chrono::milliseconds(0)); }

    void ack(std::vector<DeliveryHandle> handles) {
        if (handles.empty()) return;
        bool wakes = false;
        {
            const std::lock_guard lock(mutex_);
            std::vector<DeliveryHandle>& acks = posted_.acks;
            if (acks.empty()) acks_due_at_ = SteadyClock::now() + options_.gather_acks;
            // The first sets when to wake up, and enough of them do not wait for it.
            const bool enough = acks.size() >= enough_acks();
            wakes = acks.empty() || (!enough && acks.size() + handles.size() >= enough_acks());
            acks.insert(acks.end(), handles.begin(), handles.end());
        }
        if (wakes) wake_up_.wake();
    }

    void reject(DeliveryHandle handle, bool requeue) {
        post([&](Posted& posted) { posted.rejections.push_back({handle, requeue}); });
    }

    void want(std::string queue, bool wanted) {
        post([&](Posted& posted) {
            posted.changes.push_back({std::move(queue), wanted});
            ++changes_under_way_;
        });
    }

    Health health() const {
        const std::lock_guard lock(mutex_);
        return health_;
    }

    bool wait_until_consuming(std::chrono::milliseconds patience) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [this] {
            return health_.connected && changes_under_way_ == 0 && health_.queues_wanted > 0 &&
                   health_.queues_consuming == health_.queues_wanted;
        });
    }

    void stop(std::chrono::milliseconds drain) {
        const std::lock_guard one_at_a_time(stop_mutex_);
        if (!thread_.joinable()) return;
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            drain_until_ = SteadyClock::now() + drain;
        }
        wake_up_.wake();
        {
            // Nothing was delivered on a connection that is only being opened, and a stalled one must not hold us.
            std::unique_lock lock(mutex_);
            if (connecting_ != nullptr) connecting_->interrupt();
            changed_.wait_for(lock, drain, [this] { return finished_; });
            changed_.wait_for(lock, std::chrono::milliseconds(1500), [this] { return finished_; });
            if (connection_ != nullptr) connection_->interrupt();
        }
        thread_.join();
    }

private:
    template <class Change>
    void post(Change change) {
        {
            const std::lock_guard lock(mutex_);
            change(posted_);
        }
        wake_up_.wake();
    }

    // Under the mutex. What the broker may still deliver is bounded by what is not acked: a quarter of it is enough.
    std::size_t enough_acks() const { return std::max<std::size_t>(1, options_.prefetch / 4); }
    bool acks_are_due() const {
        if (posted_.acks.empty()) return false;
        return stopping_ || posted_.acks.size() >= enough_acks() || SteadyClock::now() >= acks_due_at_;
    }

    void run();
    bool may_end();
    bool announce(Connection* connecting);
    runtime::Result<void> set_up(Connection& connection);
    void connect_if_due();
    void disconnect(const std::string& reason);
    void apply_posted();
    void change_wanted(const WantedChange& change);
    void tend_subscriptions();
    void start_consuming(const std::string& queue, Subscription& subscription);
    runtime::Result<void> open_and_consume(ChannelNumber channel, const std::string& queue);
    void stop_consuming(OpenChannel& channel, ChannelNumber number, Time drain_until);
    void lose_channel(ChannelNumber number, const std::string& reason);
    ChannelNumber free_channel();
    void send_acks(const std::vector<DeliveryHandle>& handles);
    void send_rejections(const std::vector<Rejection>& rejections);
    OpenChannel* channel_of(std::uint64_t generation, ChannelNumber& number);
    void probe_if_due();
    runtime::Result<void> probe(const std::string& queue);
    void read_and_hand_over();
    void take_delivery(DeliveryArrived& arrived, std::vector<Delivery>& batch);
    void hand_over(std::vector<Delivery> batch);
    void publish_health();
    void sleep();
    void end();
    void note_error(const std::string& reason);
    bool check(const runtime::Result<void>& result);

    const Address address_;
    const ConsumerOptions options_;
    const OnDeliveries on_deliveries_;
    WakeUp wake_up_;

    std::mutex stop_mutex_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    Posted posted_;
    Time acks_due_at_{};                 // where there are any
    std::size_t changes_under_way_ = 0;  // posted and not yet seen in health_
    bool stopping_ = false;
    bool finished_ = false;
    Time drain_until_{};
    Health health_;
    Connection* connecting_ = nullptr;        // only for interrupting it
    std::unique_ptr<Connection> connection_;  // replaced under the mutex, used by the thread without it

    // thread side
    std::map<std::string, Subscription> subscriptions_;
    std::map<ChannelNumber, OpenChannel> channels_;
    std::map<std::uint64_t, ChannelNumber> channel_by_generation_;
    std::uint64_t last_generation_ = 0;
    ChannelNumber last_used_channel_ = 0;
    std::size_t changes_applied_ = 0;
    bool declare_again_ = false;
    bool more_to_read_ = false;
    bool ending_ = false;
    std::vector<Arrival> arrivals_;
    ReconnectDelay reconnect_;
    Time next_connect_{};
    Time next_probe_{};
    std::string last_probed_;
    runtime::SystemRandom random_;
    std::string last_logged_;

    std::thread thread_;
};

void Consumer::Impl::run() {
    while (!may_end()) {
        connect_if_due();
        apply_posted();
        tend_subscriptions();
        probe_if_due();
        read_and_hand_over();
        publish_health();
        sleep();
    }
    end();
}

bool Consumer::Impl::may_end() {
    const std::lock_guard lock(mutex_);
    if (!stopping_) return false;
    if (!ending_) {
        ending_ = true;
        for (auto& [queue, subscription] : subscriptions_)
            subscription.wanted = false;
        posted_.changes.clear();
        changes_under_way_ = 0;
        return connection_ == nullptr;
    }
    // A channel leaves when its consumer is cancelled and everything it delivered is settled.
    return channels_.empty() || connection_ == nullptr || SteadyClock::now() >= drain_until_;
}

void Consumer::Impl::note_error(const std::string& reason) {
    {
        const std::lock_guard lock(mutex_);
        health_.last_error = reason;
    }
    if (reason == last_logged_) return;
    last_logged_ = reason;
    runtime::log_warn("consumer is disturbed", {{"connection", options_.connection_name}, {"reason", reason}});
}

// True when the connection lives on.
bool Consumer::Impl::check(const runtime::Result<void>& result) {
    if (result) return true;
    disconnect(result.error().message);
    return false;
}

// Lets stop() reach a connection that is being opened. False when nothing is to be consumed any more.
bool Consumer::Impl::announce(Connection* connecting) {
    const std::lock_guard lock(mutex_);
    connecting_ = stopping_ ? nullptr : connecting;
    return !stopping_;
}

runtime::Result<void> Consumer::Impl::set_up(Connection& connection) {
    if (auto opened = connection.open(); !opened) return opened;
    if (!options_.topology) return {};
    return declare_over(connection, declaring_channel, *options_.topology);
}

void Consumer::Impl::connect_if_due() {
    if (connection_ != nullptr || ending_ || SteadyClock::now() < next_connect_) return;
    ConnectionOptions options;
    options.name = options_.connection_name;
    options.heartbeat = options_.heartbeat;
    options.connect_timeout = options_.connect_timeout;
    options.body_limit = options_.body_limit;
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
    declare_again_ = false;
    next_probe_ = SteadyClock::now();
    {
        const std::lock_guard lock(mutex_);
        connection_ = std::move(connection);
        health_.connected = true;
        ++health_.connections;
    }
    last_logged_.clear();
    runtime::log_info("consumer connected", {{"connection", options_.connection_name}, {"broker", address_.shown()}});
}

void Consumer::Impl::disconnect(const std::string& reason) {
    if (connection_ == nullptr) return;
    channels_.clear();
    channel_by_generation_.clear();
    last_used_channel_ = 0;
    more_to_read_ = false;
    for (auto& [queue, subscription] : subscriptions_) {
        subscription.channel = 0;
        subscription.next_attempt = Time{};
    }
    std::unique_ptr<Connection> gone;
    {
        const std::lock_guard lock(mutex_);
        gone = std::move(connection_);
        health_.connected = false;
        health_.probed_at.reset();
    }
    next_connect_ = SteadyClock::now() + reconnect_.next(random_);
    note_error(reason);
}

void Consumer::Impl::apply_posted() {
    Posted posted;
    {
        const std::lock_guard lock(mutex_);
        posted.rejections.swap(posted_.rejections);
        posted.changes.swap(posted_.changes);
        if (acks_are_due()) posted.acks.swap(posted_.acks);
    }
    for (const auto& change : posted.changes)
        change_wanted(change);
    changes_applied_ += posted.changes.size();
    send_rejections(posted.rejections);
    send_acks(posted.acks);
}

void Consumer::Impl::change_wanted(const WantedChange& change) {
    const auto found = subscriptions_.find(change.queue);
    if (found != subscriptions_.end()) {
        found->second.wanted = change.wanted && !ending_;
    } else if (change.wanted && !ending_) {
        subscriptions_.emplace(
            change.queue, Subscription{true, 0, ReconnectDelay(options_.reconnect_first, options_.reconnect_cap), {}});
    }
}

// Brings what is open in line with what is wanted.
void Consumer::Impl::tend_subscriptions() {
    const Time now = SteadyClock::now();
    for (auto entry = subscriptions_.begin(); entry != subscriptions_.end();) {
        auto& [queue, subscription] = *entry;
        const auto open = channels_.find(subscription.channel);
        if (open == channels_.end()) {
            if (!subscription.wanted) {
                entry = subscriptions_.erase(entry);
                continue;
            }
            if (connection_ != nullptr && now >= subscription.next_attempt) start_consuming(queue, subscription);
        } else if (!subscription.wanted && open->second.consuming) {
            stop_consuming(open->second, open->first, now + unsubscribe_drain);
            continue;  // nothing may be left to wait for
        } else if (!open->second.consuming && (open->second.unacked.size() == 0 || now >= open->second.drain_until)) {
            const ChannelNumber number = open->first;
            channel_by_generation_.erase(open->second.generation);
            channels_.erase(open);
            subscription.channel = 0;
            if (connection_ != nullptr) {
                connection_->close_channel(number);
                if (!connection_->alive()) disconnect("broker: lost while closing a channel");
            }
            continue;  // the same queue again: it may be wanted once more
        }
        ++entry;
    }
}

ChannelNumber Consumer::Impl::free_channel() {
    // Numbers are not used again soon: deliveries of a channel's earlier life may still wait to be read.
    do {
        last_used_channel_ =
            last_used_channel_ >= last_channel ? ChannelNumber{1} : static_cast<ChannelNumber>(last_used_channel_ + 1);
    } while (channels_.contains(last_used_channel_));
    return last_used_channel_;
}

runtime::Result<void> Consumer::Impl::open_and_consume(ChannelNumber channel, const std::string& queue) {
    if (declare_again_ && options_.topology) {
        if (auto declared = declare_over(*connection_, declaring_channel, *options_.topology); !declared)
            return declared;
        declare_again_ = false;
    }
    if (auto opened = connection_->open_channel(channel); !opened) return opened;
    if (auto set = connection_->set_prefetch(channel, options_.prefetch); !set) return set;
    return connection_->consume(channel, queue);
}

void Consumer::Impl::start_consuming(const std::string& queue, Subscription& subscription) {
    const ChannelNumber number = free_channel();
    const auto started = open_and_consume(number, queue);
    if (!started) {
        declare_again_ = true;
        subscription.next_attempt = SteadyClock::now() + subscription.delay.next(random_);
        if (connection_->alive()) {
            note_error(started.error().message);
        } else {
            disconnect(started.error().message);
        }
        return;
    }
    subscription.delay.succeeded();
    subscription.channel = number;
    OpenChannel channel;
    channel.generation = ++last_generation_;
    channel.queue = queue;
    channel.consuming = true;
    channel_by_generation_[channel.generation] = number;
    channels_[number] = std::move(channel);
}

void Consumer::Impl::stop_consuming(OpenChannel& channel, ChannelNumber number, Time drain_until) {
    channel.consuming = false;
    channel.drain_until = drain_until;
    if (connection_ == nullptr) return;
    const auto cancelled = connection_->cancel(number);
    if (cancelled) return;
    if (connection_->alive()) {
        lose_channel(number, cancelled.error().message);
    } else {
        disconnect(cancelled.error().message);
    }
}

// The broker closed it: everything unacked comes again, under another generation.
void Consumer::Impl::lose_channel(ChannelNumber number, const std::string& reason) {
    const auto found = channels_.find(number);
    if (found == channels_.end()) return;
    const auto subscription = subscriptions_.find(found->second.queue);
    if (subscription != subscriptions_.end()) {
        subscription->second.channel = 0;
        subscription->second.next_attempt = SteadyClock::now() + subscription->second.delay.next(random_);
    }
    const std::string queue = found->second.queue;
    channel_by_generation_.erase(found->second.generation);
    channels_.erase(found);
    declare_again_ = true;
    // Who sees the error sees that the queue is not consumed.
    publish_health();
    note_error("broker: channel of " + queue + " lost: " + reason);
}

OpenChannel* Consumer::Impl::channel_of(std::uint64_t generation, ChannelNumber& number) {
    const auto found = channel_by_generation_.find(generation);
    if (found == channel_by_generation_.end()) return nullptr;
    number = found->second;
    return &channels_.at(number);
}

void Consumer::Impl::send_acks(const std::vector<DeliveryHandle>& handles) {
    std::map<std::uint64_t, std::vector<std::uint64_t>> by_generation;
    for (const auto& handle : handles)
        by_generation[handle.generation].push_back(handle.sequence);
    for (auto& [generation, sequences] : by_generation) {
        ChannelNumber number = 0;
        OpenChannel* channel = channel_of(generation, number);
        if (channel == nullptr) continue;
        for (const auto& command : channel->unacked.ack(std::move(sequences))) {
            runtime::crash_point("consume.before_ack");
            if (!check(connection_->ack(number, command.sequence, command.multiple))) return;
            runtime::crash_point("consume.acked");
        }
    }
}

void Consumer::Impl::send_rejections(const std::vector<Rejection>& rejections) {
    for (const auto& rejection : rejections) {
        ChannelNumber number = 0;
        OpenChannel* channel = channel_of(rejection.handle.generation, number);
        if (channel == nullptr || !channel->unacked.reject(rejection.handle.sequence)) continue;
        if (!check(connection_->reject(number, rejection.handle.sequence, rejection.requeue))) return;
    }
}

// A connection may stand while nothing comes any more: the network forgot it, the broker forgot the subscription, or it
// hangs itself. Only its answer tells; waiting for one bounds how long a dead link goes unnoticed, too.
void Consumer::Impl::probe_if_due() {
    if (connection_ == nullptr || ending_ || SteadyClock::now() < next_probe_) return;
    next_probe_ = SteadyClock::now() + options_.probe_every;
    auto next = channels_.end();  // the one whose turn it is: the next queue by name
    for (auto channel = channels_.begin(); channel != channels_.end(); ++channel) {
        if (!channel->second.consuming) continue;
        const auto rank = [this](const std::string& queue) {
            return std::pair(queue <= last_probed_, queue);
        };
        if (next == channels_.end() || rank(channel->second.queue) < rank(next->second.queue)) next = channel;
    }
    last_probed_ = next == channels_.end() ? std::string() : next->second.queue;
    const auto answered = probe(last_probed_);
    more_to_read_ = true;  // the calls may have taken in more than their answers
    if (answered) {
        const std::lock_guard lock(mutex_);
        health_.probed_at = SteadyClock::now();
    } else if (!connection_->alive()) {
        disconnect(answered.error().message);
    } else if (next != channels_.end()) {
        const ChannelNumber number = next->first;
        connection_->close_channel(number);
        lose_channel(number, answered.error().message);
    }
}

// Without a queue it asks only whether anybody is there.
runtime::Result<void> Consumer::Impl::probe(const std::string& queue) {
    if (auto opened = connection_->open_channel(probe_channel); !opened) return opened;
    if (!queue.empty()) {
        const auto state = connection_->look_at_queue(probe_channel, queue);
        if (!state) return state.error();
        if (state->consumers == 0) {
            connection_->close_channel(probe_channel);
            return runtime::Error{runtime::ErrorKind::unavailable, "the broker knows of no consumer of it"};
        }
    }
    connection_->close_channel(probe_channel);
    return {};
}

void Consumer::Impl::read_and_hand_over() {
    if (connection_ == nullptr) return;
    arrivals_.clear();
    const auto read = connection_->read(arrivals_, options_.batch_limit);
    const std::string lost = read ? std::string() : read.error().message;
    more_to_read_ = read && !read->drained;

    std::vector<Delivery> batch;
    for (auto& arrival : arrivals_) {
        if (auto* delivery = std::get_if<DeliveryArrived>(&arrival)) {
            take_delivery(*delivery, batch);
        } else if (const auto* closed = std::get_if<ChannelClosed>(&arrival)) {
            lose_channel(closed->channel, closed->reason);
        } else if (const auto* cancelled = std::get_if<ConsumerCancelled>(&arrival)) {
            // The queue was deleted or moved. A fresh channel shows which; what was delivered is not ours any more.
            if (connection_ != nullptr && channels_.contains(cancelled->channel)) {
                connection_->close_channel(cancelled->channel);
                more_to_read_ = true;  // the call may have taken in more than its answer
                lose_channel(cancelled->channel, "the broker cancelled the consumer");
            }
        }
    }
    if (!lost.empty()) disconnect(lost);
    hand_over(std::move(batch));
}

void Consumer::Impl::take_delivery(DeliveryArrived& arrived, std::vector<Delivery>& batch) {
    const auto found = channels_.find(arrived.channel);
    if (found == channels_.end() || connection_ == nullptr) return;
    OpenChannel& channel = found->second;
    if (arrived.oversize) {
        runtime::log_warn(
            "message is too large, sent to the dead letters",
            {{"queue", channel.queue}, {"message_id", arrived.delivery.message_id}});
        check(connection_->reject(arrived.channel, arrived.delivery.handle.sequence, false));
        return;
    }
    if (!channel.consuming) {
        // It was under way when the queue was given up: let the next owner have it at once.
        check(connection_->reject(arrived.channel, arrived.delivery.handle.sequence, true));
        return;
    }
    runtime::crash_point("consume.delivered");
    channel.unacked.delivered(arrived.delivery.handle.sequence);
    arrived.delivery.handle.generation = channel.generation;
    arrived.delivery.queue = channel.queue;
    batch.push_back(std::move(arrived.delivery));
}

void Consumer::Impl::hand_over(std::vector<Delivery> batch) {
    if (batch.empty()) return;
    try {
        on_deliveries_(std::move(batch));
    } catch (const std::exception& fault) {
        // Nobody will ack these on this connection: give them to the next one.
        runtime::log_error("a receiver of deliveries threw", {{"reason", fault.what()}});
        disconnect("a receiver of deliveries threw");
    }
}

void Consumer::Impl::publish_health() {
    std::size_t unacked = 0;
    std::size_t consuming = 0;
    std::size_t wanted = 0;
    for (const auto& [number, channel] : channels_) {
        unacked += channel.unacked.size();
        if (channel.consuming) ++consuming;
    }
    for (const auto& [queue, subscription] : subscriptions_) {
        if (subscription.wanted) ++wanted;
    }
    bool differs = false;
    {
        const std::lock_guard lock(mutex_);
        differs = health_.queues_consuming != consuming || health_.queues_wanted != wanted;
        differs = differs || changes_applied_ > 0;
        changes_under_way_ -= std::min(changes_under_way_, std::exchange(changes_applied_, 0));
        health_.unacked = unacked;
        health_.queues_consuming = consuming;
        health_.queues_wanted = wanted;
    }
    if (differs) changed_.notify_all();
}

void Consumer::Impl::sleep() {
    if (more_to_read_) return;
    const Time now = SteadyClock::now();
    Time until = connection_ == nullptr ? next_connect_ : std::min(next_probe_, now + connection_->heartbeat_pause());
    for (const auto& [queue, subscription] : subscriptions_) {
        if (connection_ != nullptr && subscription.wanted && subscription.channel == 0) {
            until = std::min(until, subscription.next_attempt);
        }
    }
    {
        const std::lock_guard lock(mutex_);
        if (acks_are_due() || !posted_.rejections.empty() || !posted_.changes.empty()) return;
        if (!posted_.acks.empty()) until = std::min(until, acks_due_at_);
        if (stopping_) {
            if (!ending_ || channels_.empty()) return;
            until = std::min(until, drain_until_);
        }
    }
    const auto patience =
        until <= now ? std::chrono::milliseconds(0) : std::chrono::ceil<std::chrono::milliseconds>(until - now);
    wake_up_.sleep(connection_ == nullptr ? -1 : connection_->socket(), patience);
}

void Consumer::Impl::end() {
    apply_posted();  // the last acks
    if (connection_ != nullptr) connection_->close();
    {
        const std::lock_guard lock(mutex_);
        connection_.reset();
        health_.connected = false;
        health_.probed_at.reset();
        health_.queues_consuming = 0;
        health_.unacked = 0;
        finished_ = true;
    }
    changed_.notify_all();
}

Consumer::Consumer(Address address, ConsumerOptions options, OnDeliveries on_deliveries)
    : impl_(std::make_unique<Impl>(std::move(address), std::move(options), std::move(on_deliveries))) {}
Consumer::~Consumer() = default;

void Consumer::ack(DeliveryHandle handle) {
    impl_->ack({handle});
}
void Consumer::ack(std::vector<DeliveryHandle> handles) {
    impl_->ack(std::move(handles));
}
void Consumer::reject(DeliveryHandle handle, bool requeue) {
    impl_->reject(handle, requeue);
}
void Consumer::subscribe(std::string queue) {
    impl_->want(std::move(queue), true);
}
void Consumer::unsubscribe(std::string queue) {
    impl_->want(std::move(queue), false);
}
Health Consumer::health() const {
    return impl_->health();
}
bool Consumer::wait_until_consuming(std::chrono::milliseconds patience) const {
    return impl_->wait_until_consuming(patience);
}
void Consumer::stop(std::chrono::milliseconds drain) {
    impl_->stop(drain);
}

}  // namespace ordersaga::broker
