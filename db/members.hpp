// The list of living orchestrators, kept by their heartbeats on database time. It only says who should serve which shard;
// correctness never depends on it. One thread.
#pragma once

#include "db/session.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace ordersaga::db {

class Members {
public:
    Members(ConnectionSettings settings, std::string member_id);

    // Renews our own entry and answers all members that beat within `ttl`, sorted; ours is among them. Forgets the long
    // dead. Throws DatabaseError.
    std::vector<std::string> beat(std::chrono::milliseconds ttl);
    // Takes our entry away; for a graceful end.
    void leave();

private:
    Session session_;
    std::string member_id_;
};

}  // namespace ordersaga::db
