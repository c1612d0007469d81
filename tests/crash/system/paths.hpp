// The ways an order, or what keeps the books in order, can go: each is walked again and again while programs die on it.
#pragma once

#include "tests/crash/system/world.hpp"

#include <functional>
#include <string>
#include <vector>

namespace ordersaga::crash {

struct Path {
    std::string name;
    // With everything alive. May walk a part of the way to where the dying begins.
    std::function<void(World&)> prepare;
    // The rest, of which `subject` may die at any moment. Only begins things: see World::later.
    std::function<void(World&, const std::string& subject)> walk;
    bool when_started = false;  // what a program does of itself when it starts belongs to the path
    bool asks_a_person = false;
    bool ends = false;  // the program is told to end on it
    // Those programs that pass a point on it which none of the paths before has: these walks together pass every point.
    std::vector<std::string> adds{};
    bool concerns_worker = true;
};

// The first is the way most orders go.
const std::vector<Path>& paths();

}  // namespace ordersaga::crash
