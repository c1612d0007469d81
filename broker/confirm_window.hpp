#pragma once

// Bookkeeping of published messages that wait for their confirm on one channel. Pure: no socket, no clock, no lock;
// used by the publisher's thread only. Exactly one result comes out for every message put in.

#include "broker/publish_result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::broker {

class ConfirmWindow {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit ConfirmWindow(std::size_t limit);

    /// Messages at the broker without a confirm, including those whose result was already given as unknown: they still
    /// occupy the broker, so they count against the limit.
    std::size_t size() const { return open_; }
    bool full() const { return open_ >= limit_; }
    /// Everything at the broker is past its deadline: confirms have stopped although the link lives.
    bool all_overdue() const { return open_ > 0 && waiting_ == 0; }

    /// The next message written to the channel. Returns its delivery tag at the broker: 1, 2, 3 ... since reset.
    std::uint64_t add(std::uint64_t tag, std::string message_id, Time deadline);

    /// basic.ack / basic.nack in any order; `multiple` settles everything up to and including `sequence`. Sequences
    /// that are not open (settled before, never sent) are ignored.
    void settle(std::uint64_t sequence, bool multiple, bool positive, std::vector<PublishResult>& results);

    /// basic.return: the broker had no queue for it and will ALSO confirm it. Only marks the oldest open message of this
    /// id; the result (returned) comes with the confirm.
    void returned(std::string_view message_id, std::string reason);

    /// Everything past its deadline gets the result unknown; a confirm that comes later is swallowed.
    void expire(Time now, std::vector<PublishResult>& results);

    /// Deadline of the oldest message that still has no result; Time::max() if there is none.
    Time next_deadline() const;

    /// The channel is gone: whatever has no result is unknown. Counting starts again at 1.
    void reset(std::string_view reason, std::vector<PublishResult>& results);

private:
    struct Entry {
        std::uint64_t tag;
        std::string message_id;
        std::string return_reason;
        Time deadline;
        bool was_returned = false;
        bool has_result = false;
        bool settled = false;
    };

    void settle_one(Entry& entry, bool positive, std::vector<PublishResult>& results);
    void forget_settled_front();

    std::size_t limit_;
    std::size_t open_ = 0;
    std::size_t waiting_ = 0;
    std::uint64_t first_sequence_ = 1;
    std::deque<Entry> entries_;
};

}  // namespace ordersaga::broker
