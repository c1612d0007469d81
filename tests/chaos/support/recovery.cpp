#include "tests/chaos/support/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace ordersaga::chaos {
namespace {

struct Times {
    int count = 0;
    double longest = 0;

    void add(double seconds) {
        ++count;
        longest = std::max(longest, seconds);
    }
};

// What is promised is promised of each of its kind.
std::string kind_of(const std::string& what) {
    if (what.starts_with("activity-worker")) return "a worker killed";
    if (what.starts_with("orchestrator")) return "an orchestrator killed";
    return what + " back";
}

}  // namespace

double longest_recovery(const std::string& what) {
    if (what.starts_with("activity-worker")) return 10;
    return what == "PostgreSQL" ? 3 : 5;
}

std::string table_of(const std::vector<Recovery>& recoveries) {
    std::map<std::string, Times> alone, in_company;
    std::map<std::string, double> promised;
    for (const Recovery& one : recoveries) {
        const std::string kind = kind_of(one.what);
        promised[kind] = longest_recovery(one.what);
        (one.alone ? alone : in_company)[kind].add(one.seconds);
    }
    std::string text;
    for (const auto& [kind, most] : promised) {
        text += fmt::format(
            "  {:24} {:3} times, at most {:5.2f} s of {:2.0f}", kind, alone[kind].count, alone[kind].longest, most);
        if (const Times& others = in_company[kind]; others.count > 0)
            text += fmt::format("; {} times with other faults, at most {:.2f} s", others.count, others.longest);
        text += "\n";
    }
    return text;
}

}  // namespace ordersaga::chaos
