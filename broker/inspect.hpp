#pragma once

// What stands in the queues of a topology, without touching it: for people who look after the system.

#include "broker/address.hpp"
#include "broker/topology.hpp"
#include "runtime/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::broker {

struct QueueState {
    std::int64_t messages = 0;  // ready to be delivered
    std::int64_t consumers = 0;
};

struct SeenQueue {
    std::string name;
    std::optional<QueueState> state;  // absent: there is no such queue
};

/// Each queue of the list, in its order, over a connection of its own; declares nothing. Blocks up to about 10 s.
runtime::Result<std::vector<SeenQueue>> look_at_queues(const Address& address, const Topology& topology);

}  // namespace ordersaga::broker
