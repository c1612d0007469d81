#pragma once

// Bookkeeping of deliveries on one channel that are neither acked nor rejected, and the merging of acks: as many as
// possible in one basic.ack(multiple), and never one for a delivery that is still being worked on. Pure; used by the
// consumer's thread only. A double ack would close the channel (406), so settled and unknown ones are filtered here.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace ordersaga::broker {

struct AckCommand {
    std::uint64_t sequence = 0;
    bool multiple = false;
    friend bool operator==(const AckCommand&, const AckCommand&) = default;
};

class AckWindow {
public:
    std::size_t size() const { return open_; }

    /// A delivery has come. Sequences of one channel rise.
    void delivered(std::uint64_t sequence);

    /// What to send so that exactly these are acked.
    std::vector<AckCommand> ack(std::vector<std::uint64_t> sequences);

    /// True if it was open: then send one basic.reject.
    bool reject(std::uint64_t sequence);

private:
    struct Entry {
        std::uint64_t sequence;
        bool open;
    };

    Entry* find_open(std::uint64_t sequence);

    std::deque<Entry> entries_;
    std::size_t open_ = 0;
};

}  // namespace ordersaga::broker
