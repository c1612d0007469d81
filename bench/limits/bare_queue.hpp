// A command queue of the product under names of its own, filled with confirms and emptied with acks, round by round, over the
// product's own publisher and consumer. One thread.
#pragma once

#include "broker/address.hpp"
#include "broker/topology.hpp"

#include <cstddef>
#include <string>

namespace ordersaga::bench {

// Declares the queue, empty; deletes it at the end.
class BareQueue {
public:
    explicit BareQueue(const std::string& amqp_url);
    ~BareQueue();
    BareQueue(const BareQueue&) = delete;
    BareQueue& operator=(const BareQueue&) = delete;

    // Publishes for so long, or until the queue has as many as a round may hold; answers confirmed publishes a second.
    double fill_for(double seconds);
    // Consumes and acks what is there; answers acked deliveries a second. The queue is empty then.
    double empty();

    static constexpr std::size_t body_bytes = 1024;

private:
    broker::Address address_;
    broker::TopologyOptions options_;
    broker::Topology topology_;
    broker::Names names_;
    std::size_t messages_ = 0;  // in the queue
};

}  // namespace ordersaga::bench
