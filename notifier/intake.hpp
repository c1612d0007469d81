// From the queues into the table: an event is acked once every notice it gives is stored, and not before. What can never
// be told goes to the dead letters with its reason in the log. One thread of its own.
#pragma once

#include "broker/consumer.hpp"
#include "db/notices.hpp"
#include "runtime/metrics.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ordersaga::notifier {

struct Event;

// Which events a target hears of.
struct Subscription {
    std::string target;
    std::int64_t merchant = 0;
    std::vector<std::string> topics;
};

struct IntakePorts {
    std::function<void(broker::DeliveryHandle)> ack;
    std::function<void(broker::DeliveryHandle)> reject;   // to the dead letters
    std::function<void(const std::string& target)> wake;  // it has something to tell
};

class Intake {
public:
    // Starts the thread. The ports are called on it.
    Intake(db::Notices notices, std::vector<Subscription> subscriptions, IntakePorts ports, runtime::Metrics& metrics);
    ~Intake();  // stop()
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;

    // Any thread; only enqueues.
    void on_deliveries(std::vector<broker::Delivery> deliveries);
    // What is not stored by then stays unacked and comes again. Any other thread.
    void stop();
    // False while the database does not take events.
    bool storing() const;

private:
    struct Item {
        broker::DeliveryHandle handle;
        std::vector<db::NewNotice> notices;
    };

    void run();
    void process(std::vector<broker::Delivery> deliveries);
    // The notices of one event; rejects it when there can be none.
    std::vector<db::NewNotice> notices_of(const Event& event) const;
    void store(const std::vector<Item>& items);
    void store_alone(const Item& item);
    void try_to_store(const std::vector<Item>& items);
    void reject(broker::DeliveryHandle handle, const std::string& reason);
    bool pause();

    db::Notices notices_;  // of the thread alone
    const std::vector<Subscription> subscriptions_;
    const IntakePorts ports_;
    runtime::Metrics& metrics_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<broker::Delivery> waiting_;  // guarded by mutex_; bounded by the consumer's prefetch
    bool storing_ = true;                    // guarded by mutex_
    bool stopping_ = false;                  // guarded by mutex_
    std::thread thread_;                     // last, so that everything above exists when it starts
};

}  // namespace ordersaga::notifier
