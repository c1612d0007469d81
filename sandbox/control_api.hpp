// What a tester turns: /control/… as described in docs/sandbox.md. It makes shops, warehouses and orders, moves stock,
// switches faults, and lets the ledger be read.
//
// Pure and single-threaded, over the World. Bad input is a 400 (or 404, 409) with {"error": text} and changes nothing.
#pragma once

#include "runtime/clock.hpp"
#include "sandbox/peer_answer.hpp"
#include "sandbox/world.hpp"

#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

struct ControlRequest {
    std::string method;
    std::vector<std::string> path;  // the segments behind /control
    std::vector<std::pair<std::string, std::string>> query;
    std::string body;
};

class ControlApi {
public:
    explicit ControlApi(World& world) : world_(world) {}

    PeerAnswer handle(const ControlRequest& request, runtime::Instant now);

private:
    World& world_;
};

}  // namespace ordersaga::sandbox
