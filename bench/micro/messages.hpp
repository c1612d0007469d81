// The two messages of one request to the warehouse, as orchestrator and worker make them. Pure.
#pragma once

#include "bench/micro/happy_path.hpp"
#include "broker/envelope.hpp"

namespace ordersaga::bench {

broker::Envelope command_envelope(const HappyPath& path);
broker::Envelope outcome_envelope(const HappyPath& path);

}  // namespace ordersaga::bench
