#pragma once

// What became of one published message. A value.

#include <cstdint>
#include <string>
#include <string_view>

namespace ordersaga::broker {

enum class PublishStatus {
    confirmed,  // the broker has it in a durable queue (or, without `mandatory`, there was no queue to take it)
    returned,   // no queue is bound for this exchange and key: it is nowhere
    nacked,     // the broker refused it (queue full): it is nowhere
    unknown,    // written, but no confirm in time or the link broke: it may be delivered now, later or never
    not_sent,   // its deadline passed, or the publisher stopped, before the first byte was written: surely nowhere
};

std::string_view to_text(PublishStatus status);

struct PublishResult {
    std::uint64_t tag = 0;  // Message::tag
    std::string message_id;
    PublishStatus status = PublishStatus::unknown;
    std::string reason;  // empty when confirmed
};

}  // namespace ordersaga::broker
