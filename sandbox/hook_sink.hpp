// A merchant's own system that takes signed webhooks (Standard Webhooks): every one is an effect in the ledger. Pure.
#pragma once

#include "runtime/clock.hpp"
#include "sandbox/peer_answer.hpp"
#include "sandbox/peer_server.hpp"

#include <string>

namespace ordersaga::sandbox {

class World;

// POST /hooks/{name}. 404: no hook of that name; 400: the headers cannot be read; 401: the signature does not fit or is
// older than five minutes; else the hook's own status.
PeerAnswer take_hook(World& world, const std::string& name, const PeerRequest& request, runtime::Instant now);

}  // namespace ordersaga::sandbox
