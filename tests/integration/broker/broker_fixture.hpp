#pragma once

// A topology of its own per test (random prefix, deleted at the end) at the broker named by ORDERSAGA_AMQP_URL, and
// collectors that wait for what arrives with a deadline.

#include "broker/address.hpp"
#include "broker/consumer.hpp"
#include "broker/publisher.hpp"
#include "broker/topology.hpp"
#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace ordersaga::broker {

using namespace std::chrono_literals;

inline constexpr std::chrono::seconds patience{30};

// Gathers publish results by tag.
class Results {
public:
    Publisher::OnResults receiver() {
        return [this](std::vector<PublishResult> results) {
            const std::lock_guard lock(mutex_);
            for (auto& result : results) {
                ++total_;
                ++by_status_[result.status];
                by_tag_[result.tag].push_back(result);
            }
            changed_.notify_all();
        };
    }

    bool wait_for(std::size_t total) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return total_ >= total; });
    }

    std::size_t total() const {
        const std::lock_guard lock(mutex_);
        return total_;
    }

    std::size_t count(PublishStatus status) const {
        const std::lock_guard lock(mutex_);
        const auto found = by_status_.find(status);
        return found == by_status_.end() ? 0 : found->second;
    }

    PublishResult only(std::uint64_t tag) const {
        const std::lock_guard lock(mutex_);
        const auto found = by_tag_.find(tag);
        if (found == by_tag_.end() || found->second.size() != 1) {
            ADD_FAILURE() << "not exactly one result for tag " << tag;
            return {};
        }
        return found->second.front();
    }

    bool exactly_one_each() const {
        const std::lock_guard lock(mutex_);
        return total_ == by_tag_.size();
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t total_ = 0;
    std::map<PublishStatus, std::size_t> by_status_;
    std::map<std::uint64_t, std::vector<PublishResult>> by_tag_;
};

// Gathers deliveries in order of arrival.
class Deliveries {
public:
    Consumer::OnDeliveries receiver() {
        return [this](std::vector<Delivery> batch) {
            const std::lock_guard lock(mutex_);
            for (auto& delivery : batch)
                all_.push_back(std::move(delivery));
            changed_.notify_all();
        };
    }

    bool wait_for(std::size_t total) {
        return wait_until([&](const std::vector<Delivery>& all) { return all.size() >= total; });
    }

    bool wait_until(const std::function<bool(const std::vector<Delivery>&)>& condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return condition(all_); });
    }

    // Nothing more than `total` comes for `quiet`.
    bool stays_at(std::size_t total, std::chrono::milliseconds quiet) {
        std::unique_lock lock(mutex_);
        return !changed_.wait_for(lock, quiet, [&] { return all_.size() > total; });
    }

    std::vector<Delivery> all() const {
        const std::lock_guard lock(mutex_);
        return all_;
    }

    std::vector<DeliveryHandle> handles(std::size_t from = 0) const {
        const std::lock_guard lock(mutex_);
        std::vector<DeliveryHandle> handles;
        for (std::size_t i = from; i < all_.size(); ++i)
            handles.push_back(all_[i].handle);
        return handles;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Delivery> all_;
};

// Looks at a condition that nobody signals, until it holds or time is up.
inline bool eventually(const std::function<bool()>& condition) {
    std::mutex mutex;
    std::condition_variable tick;
    const auto until = std::chrono::steady_clock::now() + patience;
    std::unique_lock lock(mutex);
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= until) return false;
        tick.wait_for(lock, 5ms);
    }
    return true;
}

class BrokerTest : public ::testing::Test {
protected:
    void SetUp() override {
        const char* url = std::getenv("ORDERSAGA_AMQP_URL");
        if (url == nullptr) GTEST_SKIP() << "ORDERSAGA_AMQP_URL is not set: no broker to test against";
        auto parsed = parse_address(url);
        ASSERT_TRUE(parsed.ok()) << parsed.error().message;
        address_ = *parsed;
        options_.prefix = "test-" + runtime::random_token(6) + ".";
        options_.outcome_shards = 2;
        names_ = Names(options_.prefix);
        make(options_);
    }

    void TearDown() override {
        if (address_.host.empty()) return;
        const auto deleted = delete_topology(address_, topology_);
        EXPECT_TRUE(deleted.ok()) << deleted.error().message;
    }

    void make(const TopologyOptions& options) {
        topology_ = make_topology(options);
        const auto declared = declare_topology(address_, topology_);
        ASSERT_TRUE(declared.ok()) << declared.error().message;
    }

    Message a_message(std::uint64_t tag, std::string routing_key = "shopify.flush") const {
        Message message;
        message.exchange = names_.commands_exchange();
        message.routing_key = std::move(routing_key);
        message.message_id = "m" + std::to_string(tag);
        message.body = "{\"n\":" + std::to_string(tag) + "}";
        message.tag = tag;
        return message;
    }

    ConsumerOptions from(std::vector<std::string> queues) const {
        ConsumerOptions options;
        options.queues = std::move(queues);
        return options;
    }

    std::string shopify_queue() const { return names_.command_queue("shopify"); }

    // Publishes and waits until the broker has everything.
    void publish(std::uint64_t count, const std::string& routing_key = "shopify.flush") {
        Results results;
        Publisher publisher(address_, {}, results.receiver());
        for (std::uint64_t tag = 1; tag <= count; ++tag)
            ASSERT_TRUE(publisher.try_publish(a_message(tag, routing_key)));
        ASSERT_TRUE(results.wait_for(count));
        ASSERT_EQ(results.count(PublishStatus::confirmed), count);
    }

    // What is left in a queue, by taking it: the broker's own statistics lag.
    std::size_t drain(const std::string& queue) {
        Deliveries left;
        Consumer consumer(address_, from({queue}), left.receiver());
        EXPECT_TRUE(consumer.wait_until_consuming(patience));
        std::size_t acked = 0;
        while (!left.stays_at(acked, 400ms)) {
            const auto handles = left.handles(acked);
            consumer.ack(handles);
            acked += handles.size();
        }
        consumer.stop();
        return acked;
    }

    Address address_;
    TopologyOptions options_;
    Names names_;
    Topology topology_;
};

}  // namespace ordersaga::broker
