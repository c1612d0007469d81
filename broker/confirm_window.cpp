#include "broker/confirm_window.hpp"

#include "runtime/planted.hpp"

#include <algorithm>
#include <utility>

namespace ordersaga::broker {

ConfirmWindow::ConfirmWindow(std::size_t limit) : limit_(std::max<std::size_t>(limit, 1)) {}

std::uint64_t ConfirmWindow::add(std::uint64_t tag, std::string message_id, Time deadline) {
    entries_.push_back(Entry{tag, std::move(message_id), {}, deadline});
    ++open_;
    ++waiting_;
    return first_sequence_ + entries_.size() - 1;
}

void ConfirmWindow::settle_one(Entry& entry, bool positive, std::vector<PublishResult>& results) {
    if (entry.settled) return;
    entry.settled = true;
    --open_;
    if (entry.has_result) return;
    entry.has_result = true;
    --waiting_;
    PublishResult result{entry.tag, std::move(entry.message_id), PublishStatus::confirmed, {}};
    if (!positive && !runtime::planted("nack_taken_as_confirm")) {
        result.status = PublishStatus::nacked;
        result.reason = "the broker refused it (a queue is full or failing)";
    } else if (entry.was_returned && !runtime::planted("returned_taken_as_sent")) {
        result.status = PublishStatus::returned;
        result.reason = std::move(entry.return_reason);
    }
    results.push_back(std::move(result));
}

void ConfirmWindow::forget_settled_front() {
    while (!entries_.empty() && entries_.front().settled) {
        entries_.pop_front();
        ++first_sequence_;
    }
}

void ConfirmWindow::settle(std::uint64_t sequence, bool multiple, bool positive, std::vector<PublishResult>& results) {
    const std::uint64_t last = first_sequence_ + entries_.size() - 1;
    // Zero with multiple means "everything so far" in AMQP.
    if (sequence == 0 && multiple) sequence = last;
    if (multiple) {
        for (std::uint64_t s = first_sequence_; s <= std::min(sequence, last); ++s) {
            settle_one(entries_[s - first_sequence_], positive, results);
        }
    } else if (sequence >= first_sequence_ && sequence <= last) {
        settle_one(entries_[sequence - first_sequence_], positive, results);
    }
    forget_settled_front();
}

void ConfirmWindow::returned(std::string_view message_id, std::string reason) {
    const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
        return !e.settled && !e.was_returned && e.message_id == message_id;
    });
    if (entry == entries_.end()) return;
    entry->was_returned = true;
    entry->return_reason = std::move(reason);
}

void ConfirmWindow::expire(Time now, std::vector<PublishResult>& results) {
    // Deadlines rise with the order of adding: one publisher has one patience.
    for (auto& entry : entries_) {
        if (entry.deadline > now) break;
        if (entry.has_result) continue;
        entry.has_result = true;
        --waiting_;
        results.push_back({entry.tag, entry.message_id, PublishStatus::unknown, "no confirm before the deadline"});
    }
}

ConfirmWindow::Time ConfirmWindow::next_deadline() const {
    for (const auto& entry : entries_) {
        if (!entry.has_result) return entry.deadline;
    }
    return Time::max();
}

void ConfirmWindow::reset(std::string_view reason, std::vector<PublishResult>& results) {
    for (auto& entry : entries_) {
        if (entry.has_result) continue;
        results.push_back({entry.tag, std::move(entry.message_id), PublishStatus::unknown, std::string(reason)});
    }
    entries_.clear();
    first_sequence_ = 1;
    open_ = 0;
    waiting_ = 0;
}

}  // namespace ordersaga::broker
