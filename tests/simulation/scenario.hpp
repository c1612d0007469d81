// What buyers, staff, the warehouse and bad luck do in one run; drawn from the seed alone.
#pragma once

#include "tests/simulation/world.hpp"

#include <cstdint>
#include <memory>

namespace ordersaga::simulation {

class Scenario {
public:
    // Fills the world and plans everything on its agenda; must live as long as the run.
    Scenario(World& world, std::uint64_t seed);
    ~Scenario();

    Instant calm_at() const;  // nothing goes wrong from here on
    Instant end() const;

private:
    class Planner;
    std::unique_ptr<Planner> planner_;
};

}  // namespace ordersaga::simulation
