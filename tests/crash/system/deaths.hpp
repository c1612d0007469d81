// Finds out which crash points a path passes, and lets the program die at one of them, come back and prove that nothing
// is amiss. Main thread only; throws std::runtime_error when the system itself fails.
#pragma once

#include "tests/crash/system/paths.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::crash {

struct Death {
    const Path* path = nullptr;
    std::string subject;  // orchestrator or worker
    std::string point;
    long pass = 1;
};

// Everything alive, nothing spoiled, and the path prepared.
void make_ready(World& world, const Path& path);

// One death for every point that `subject` passes on the path. `passed` gets every point seen at all. Faults of the walk
// itself, in which nobody dies, are thrown.
std::vector<Death> deaths_on(World& world, const Path& path, const std::string& subject);

struct Verdict {
    bool died = false;                // there, by SIGKILL; false: it did not come by again
    std::vector<std::string> faults;  // empty: it was started again, and every promise is kept
};
Verdict die(World& world, const Death& death);

// The same at the `call`-th call that touches a socket, counted by tests/crash/system/kill_at_call.cpp. `died` false: it had
// not made so many when all was over.
std::vector<std::string> die_at_call(World& world, const Path& path, const std::string& subject, long call, bool& died);
// How many of them the path takes, from the program's start to its rest.
long calls_on(World& world, const Path& path, const std::string& subject);
std::map<std::string, std::string> killed_at_call(long call);

// The names in crash_point("...") of every source below `root` that goes into a program.
std::vector<std::string> points_in_sources(const std::filesystem::path& root);

}  // namespace ordersaga::crash
