// What processes and the database have cost between two looks. Reads /proc and PostgreSQL's own counters; blocking.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::bench {

// Name → the process at the root of its tree: what it has started, and what of that has ended, counts with it.
using Roots = std::map<std::string, pid_t>;

struct Cost {
    std::map<std::string, double> cpu_s;         // user and system, since the process began
    std::map<std::string, double> rss_mib;       // resident now
    std::map<std::string, double> peak_rss_mib;  // the most of the largest process of the tree, since it began
};

Cost look_at(const Roots& roots);

// a - b, by name.
std::map<std::string, double> difference(
    const std::map<std::string, double>& a,
    const std::map<std::string, double>& b);

// The children of this process that run a program of that name.
std::vector<pid_t> children_called(const std::string& program);

}  // namespace ordersaga::bench
