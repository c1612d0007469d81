#include "sandbox/webhook_queue.hpp"

#include <algorithm>
#include <cmath>

namespace ordersaga::sandbox {

void WebhookQueue::add(
    Delivery delivery,
    const HeaderList& second_headers,
    const DeliveryFaults& faults,
    runtime::Instant now) {
    DeliveryCounts& counts = counts_[delivery.sender];
    ++counts.sent;
    // All three are drawn every time, so that one rate does not shift the sequence of another.
    const bool dropped = random_.chance(faults.dropped);
    const bool duplicated = random_.chance(faults.duplicated);
    const bool reordered = random_.chance(faults.reordered);
    const auto delay_bound = std::chrono::duration_cast<runtime::Duration>(faults.reorder_delay).count();
    const auto delay = runtime::Duration{
        1 +
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(std::max<std::int64_t>(delay_bound, 1))))};
    if (dropped) {
        ++counts.dropped;
        return;
    }
    delivery.number = ++last_number_;
    if (duplicated) {
        ++counts.duplicated;
        Delivery copy = delivery;
        copy.number = ++last_number_;
        if (!second_headers.empty()) {
            copy.headers = second_headers;
        }
        // Half of the copies come in the same instant, the others late.
        const auto due = (copy.number % 2 == 0) ? now : now + delay;
        waiting_.emplace(std::pair{due, copy.number}, std::move(copy));
    }
    counts.reordered += reordered ? 1 : 0;
    const auto due = reordered ? now + delay : now;
    waiting_.emplace(std::pair{due, delivery.number}, std::move(delivery));
}

std::vector<Delivery> WebhookQueue::take_due(runtime::Instant now, std::size_t limit) {
    std::vector<Delivery> due;
    while (!waiting_.empty() && due.size() < limit && waiting_.begin()->first.first <= now) {
        due.push_back(std::move(waiting_.begin()->second));
        waiting_.erase(waiting_.begin());
        ++in_flight_;
    }
    return due;
}

std::optional<runtime::Instant> WebhookQueue::next_due() const {
    if (waiting_.empty()) {
        return std::nullopt;
    }
    return waiting_.begin()->first.first;
}

void WebhookQueue::finished(Delivery delivery, bool success, runtime::Instant now) {
    in_flight_ -= in_flight_ > 0 ? 1 : 0;
    DeliveryCounts& counts = counts_[delivery.sender];
    ++delivery.tries;
    if (success) {
        ++counts.accepted;
        return;
    }
    if (delivery.tries >= schedule_.tries_max) {
        ++counts.given_up;
        return;
    }
    ++counts.redelivered;
    const double grown = static_cast<double>(schedule_.first.count()) * std::pow(schedule_.factor, delivery.tries - 1);
    const auto pause = std::chrono::milliseconds{
        static_cast<std::int64_t>(std::min(grown, static_cast<double>(schedule_.longest.count())))};
    waiting_.emplace(std::pair{now + pause, delivery.number}, std::move(delivery));
}

void WebhookQueue::clear() {
    waiting_.clear();
    counts_.clear();
}

}  // namespace ordersaga::sandbox
