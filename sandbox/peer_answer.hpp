// What a stand-in peer answers to one call, before any fault spoils it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

struct PeerAnswer {
    int status = 200;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string operation;  // what was called, for the ledger's count
    bool is_write = false;
    bool refused = false;  // the peer's own rules said no
};

}  // namespace ordersaga::sandbox
