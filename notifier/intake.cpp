#include "notifier/intake.hpp"

#include "notifier/event.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <utility>

namespace ordersaga::notifier {

Intake::Intake(
    db::Notices notices,
    std::vector<Subscription> subscriptions,
    IntakePorts ports,
    runtime::Metrics& metrics)
    : notices_(std::move(notices)),
      subscriptions_(std::move(subscriptions)),
      ports_(std::move(ports)),
      metrics_(metrics) {
    thread_ = std::thread([this] { run(); });
}

Intake::~Intake() {
    stop();
}

void Intake::on_deliveries(std::vector<broker::Delivery> deliveries) {
    const std::lock_guard lock(mutex_);
    std::move(deliveries.begin(), deliveries.end(), std::back_inserter(waiting_));
    changed_.notify_all();
}

void Intake::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

bool Intake::storing() const {
    const std::lock_guard lock(mutex_);
    return storing_;
}

void Intake::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (stopping_) return;
        std::vector<broker::Delivery> batch = std::exchange(waiting_, {});
        lock.unlock();
        process(std::move(batch));
        lock.lock();
    }
}

void Intake::process(std::vector<broker::Delivery> deliveries) {
    std::vector<Item> items;
    for (const broker::Delivery& delivery : deliveries) {
        const runtime::Result<Event> event = read_event(delivery);
        if (event)
            items.push_back({delivery.handle, notices_of(*event)});
        else
            reject(delivery.handle, event.error().message);
    }
    store(items);
}

std::vector<db::NewNotice> Intake::notices_of(const Event& event) const {
    std::vector<db::NewNotice> notices;
    for (const Subscription& subscription : subscriptions_) {
        const std::vector<std::string>& topics = subscription.topics;
        if (subscription.merchant != event.merchant) continue;
        if (std::find(topics.begin(), topics.end(), event.topic) == topics.end()) continue;
        notices.push_back({event.merchant, subscription.target, event.id, event.topic, event.body});
    }
    return notices;
}

// What the database calls impossible (a merchant it does not know) must not hold up the rest of the batch.
void Intake::store(const std::vector<Item>& items) {
    if (items.empty()) return;
    try {
        try_to_store(items);
    } catch (const db::BadData&) {
        for (const Item& item : items)
            store_alone(item);
    }
}

void Intake::store_alone(const Item& item) {
    try {
        try_to_store({item});
    } catch (const db::BadData& fault) {
        reject(item.handle, fault.what());
    }
}

// Until it is done: nothing else could be stored meanwhile either, and the broker keeps what is not acked. After an
// unknown commit, too: what is there stays as it is.
void Intake::try_to_store(const std::vector<Item>& items) {
    std::vector<db::NewNotice> all;
    for (const Item& item : items)
        all.insert(all.end(), item.notices.begin(), item.notices.end());
    for (;;) {
        try {
            if (!all.empty()) notices_.add(all);
            break;
        } catch (const db::BadData&) {
            throw;
        } catch (const std::exception& fault) {
            if (storing())
                runtime::log_warn("events cannot be stored", {{"events", items.size()}, {"reason", fault.what()}});
            if (!pause()) return;
        }
    }
    {
        const std::lock_guard lock(mutex_);
        storing_ = true;
    }
    for (const Item& item : items)
        ports_.ack(item.handle);
    std::set<std::string> targets;
    for (const db::NewNotice& notice : all)
        targets.insert(notice.target);
    for (const std::string& target : targets)
        ports_.wake(target);
}

void Intake::reject(broker::DeliveryHandle handle, const std::string& reason) {
    runtime::log_warn("event rejected", {{"reason", reason}});
    metrics_.counter("ordersaga_notifier_rejected_total", "Events sent to the dead letters").add();
    ports_.reject(handle);
}

bool Intake::pause() {
    std::unique_lock lock(mutex_);
    storing_ = false;
    changed_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; });
    return !stopping_;
}

}  // namespace ordersaga::notifier
