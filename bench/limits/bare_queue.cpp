#include "bench/limits/bare_queue.hpp"

#include "broker/consumer.hpp"
#include "broker/inspect.hpp"
#include "broker/publisher.hpp"

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace ordersaga::bench {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr const char* kFamily = "load";
constexpr std::size_t kMostMessages = 150'000;  // the product's queues refuse what goes beyond 200,000
constexpr auto kPatience = 60s;

broker::TopologyOptions options_of_bench() {
    broker::TopologyOptions options;
    options.prefix = "bench-limits.";
    options.outcome_shards = 0;
    options.command_families = {kFamily};
    return options;
}

double seconds_between(Clock::time_point start, Clock::time_point end) {
    return std::chrono::duration<double>(end - start).count();
}

// What the publisher's thread tells the one that counts.
class Confirms {
public:
    broker::Publisher::OnResults receiver() {
        return [this](const std::vector<broker::PublishResult>& results) {
            const std::lock_guard lock(mutex_);
            for (const broker::PublishResult& result : results) {
                ++settled_;
                if (result.status != broker::PublishStatus::confirmed && fault_.empty())
                    fault_ = std::string(broker::to_text(result.status)) + " " + result.reason;
            }
            last_ = Clock::now();
            changed_.notify_one();
        };
    }

    // Until all but so many of `given` have their result; when the last of them came.
    Clock::time_point wait(std::size_t given, std::size_t open) {
        std::unique_lock lock(mutex_);
        const bool came = changed_.wait_for(lock, kPatience, [&] { return given - settled_ <= open; });
        if (!came) throw std::runtime_error("RabbitMQ does not confirm");
        if (!fault_.empty()) throw std::runtime_error("a publish was not confirmed: " + fault_);
        return last_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t settled_ = 0;
    Clock::time_point last_{};
    std::string fault_;
};

// What the consumer's thread tells.
class Arrivals {
public:
    void take(std::size_t messages) {
        const std::lock_guard lock(mutex_);
        if (taken_ == 0) {
            first_ = Clock::now();
            in_first_ = messages;
        }
        taken_ += messages;
        changed_.notify_one();
    }

    void wait(std::size_t messages) {
        std::unique_lock lock(mutex_);
        const bool came = changed_.wait_for(lock, kPatience, [&] { return taken_ >= messages; });
        if (!came) throw std::runtime_error("RabbitMQ does not deliver");
        if (taken_ != messages) throw std::runtime_error("RabbitMQ has delivered a message twice");
    }

    // Of all but the first lot, whose coming is when the clock starts, until `end`.
    double rate_until(Clock::time_point end) {
        const std::lock_guard lock(mutex_);
        return static_cast<double>(taken_ - in_first_) / seconds_between(first_, end);
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t taken_ = 0, in_first_ = 0;
    Clock::time_point first_{};
};

}  // namespace

BareQueue::BareQueue(const std::string& amqp_url)
    : address_(broker::parse_address(amqp_url).value()),
      options_(options_of_bench()),
      topology_(broker::make_topology(options_)),
      names_(options_.prefix) {
    broker::delete_topology(address_, topology_).value();
    broker::declare_topology(address_, topology_).value();
}

BareQueue::~BareQueue() {
    const runtime::Result<void> deleted = broker::delete_topology(address_, topology_);
    if (!deleted) std::cerr << "queues were left behind: " << deleted.error().message << '\n';
}

double BareQueue::fill_for(double seconds) {
    Confirms confirms;
    broker::PublisherOptions options;
    options.connection_name = "bench publisher";
    broker::Publisher publisher(address_, options, confirms.receiver());
    if (!publisher.wait_until_connected(kPatience)) throw std::runtime_error("RabbitMQ cannot be reached");
    broker::Message message;
    message.exchange = names_.commands_exchange();
    message.routing_key = std::string(kFamily) + ".RequestFulfillment";
    message.body.assign(body_bytes, 'x');
    message.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    std::size_t published = 0;
    const Clock::time_point start = Clock::now();
    while (seconds_between(start, Clock::now()) < seconds && messages_ + published < kMostMessages) {
        message.message_id = "0197a1b2-c3d4-7e5f-8a9b-" + std::to_string(100'000'000'000 + published);
        if (publisher.try_publish(message)) {
            ++published;
        } else {
            confirms.wait(published, options.buffer / 2);
        }
    }
    const Clock::time_point end = confirms.wait(published, 0);
    publisher.stop();
    messages_ += published;
    return static_cast<double>(published) / seconds_between(start, end);
}

double BareQueue::empty() {
    Arrivals arrivals;
    broker::ConsumerOptions options;
    options.connection_name = "bench consumer";
    broker::Consumer* acking = nullptr;
    std::mutex ready;
    std::unique_lock begin(ready);
    broker::Consumer consumer(address_, options, [&](std::vector<broker::Delivery> deliveries) {
        const std::lock_guard wait_for_the_consumer(ready);
        std::vector<broker::DeliveryHandle> handles;
        for (const broker::Delivery& delivery : deliveries)
            handles.push_back(delivery.handle);
        acking->ack(std::move(handles));
        arrivals.take(deliveries.size());
    });
    acking = &consumer;
    begin.unlock();
    consumer.subscribe(names_.command_queue(kFamily));
    arrivals.wait(messages_);
    // The broker has taken every ack before it says goodbye.
    consumer.stop();
    const double rate = arrivals.rate_until(Clock::now());
    messages_ = 0;
    const std::vector<broker::SeenQueue> queues = broker::look_at_queues(address_, topology_).value();
    for (const broker::SeenQueue& queue : queues) {
        if (!queue.state || queue.state->messages != 0) throw std::runtime_error(queue.name + " is not empty");
    }
    return rate;
}

}  // namespace ordersaga::bench
