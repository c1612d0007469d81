#pragma once

// Declares a topology over a connection that exists. Internal to broker/; others use declare_topology.

#include "broker/connection.hpp"
#include "broker/topology.hpp"
#include "runtime/error.hpp"

namespace ordersaga::broker {

/// Uses the given channel number, which must be free, and frees it again. Safe to repeat.
runtime::Result<void> declare_over(Connection& connection, ChannelNumber channel, const Topology& topology);

}  // namespace ordersaga::broker
