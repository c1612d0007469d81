// How soon all was well again: from a server's being back to the first saga that moved for it, and from a program's death until
// all that was under way then had its outcome by the others. Pure.
#pragma once

#include <string>
#include <vector>

namespace ordersaga::chaos {

struct Recovery {
    std::string what;  // "RabbitMQ", "PostgreSQL", "activity-worker-2"
    double seconds = 0;
    bool alone = true;  // nothing else was spoilt meanwhile: what is promised of it can be asked for
};

// What is promised of it, in seconds.
double longest_recovery(const std::string& what);

// A line for each of them that there was: how often, and how long it took at most, alone and in company.
std::string table_of(const std::vector<Recovery>& recoveries);

}  // namespace ordersaga::chaos
