// Orders and cancels of many shops at once, whose webhooks the caller delivers himself.
//
// For load generators: a shop of ours delivers its own webhooks at its own pace, a generator decides when each one goes
// out. What the shops did is in the ledger as always. Single-threaded.
#pragma once

#include "runtime/clock.hpp"
#include "sandbox/peer_answer.hpp"
#include "sandbox/world.hpp"

#include <nlohmann/json_fwd.hpp>

namespace ordersaga::sandbox {

// `wish`: {"orders":[{"store":domain,"lines":[[sku,quantity],...]}],"cancels":[{"store":domain,"order_id":text}]}.
// The answer has, for each in that sequence, one line of JSON {"status":201 or the refusal's,"store","order_id","topic",
// "bytes":N}, then the N bytes of the webhook's body (orders/create or orders/cancelled) and a line end. Levels are
// delivered by the shops, events of other topics are dropped. Throws nlohmann::json::exception when `wish` has another shape; then nothing was done.
PeerAnswer hand_over(World& world, const nlohmann::json& wish, runtime::Instant now);

}  // namespace ordersaga::sandbox
