// One run: what buyers, staff, operators, the warehouse and bad luck do, drawn from the seed alone. Everything planned is a
// numbered event with random numbers of its own, so a run without some of them leaves the others as they were.
#pragma once

#include "tests/simulation/world.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace ordersaga::simulation {

class Scenario {
public:
    explicit Scenario(const Options& options, bool print = false, const World::MakeGround& make_ground = {});
    ~Scenario();

    // To its end: faults and events first, then the calm in which everything has to settle.
    void run();

    World& world();
    int events() const;
    // What was drawn from the seed, in one line.
    std::string text() const;

private:
    class Planner;
    std::unique_ptr<World> world_;
    std::unique_ptr<Planner> planner_;
};

}  // namespace ordersaga::simulation
