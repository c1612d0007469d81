// Things that happen just when they are least convenient: whoever meddles waits for an order to come into a certain state and
// acts within moments. So every event meets every state, which chance alone would take years for.
#pragma once

#include "tests/simulation/people.hpp"

#include <string>
#include <vector>

namespace ordersaga::simulation {

class Meddling {
public:
    Meddling(World& world, People& people);

    // Does `deed` to orders that come into this state, now and then.
    struct Habit {
        std::string state;
        Deed deed = Deed::adds;
        Drawn draw;
        int times = 3;
    };
    void add(Habit habit) { habits_.push_back(std::move(habit)); }
    // An operator who holds and lets go again what waits for the stores, just as one of them is up to date: `times` times.
    void hold_at_levels(const Drawn& draw, int times) {
        levels_ = draw;
        levels_left_ = times;
    }

    // One after the other, each when the order has come so far: into a state ("NeedsOperator"), or with its newest part, which
    // is not its first ("wanted"; empty: when there is one).
    struct Act {
        std::string stage;
        Deed deed = Deed::adds;
    };
    struct Story {
        Shop* shop = nullptr;
        std::string order;
        std::vector<Act> acts;  // the next one at the back
        Drawn draw;
    };
    void add(Story story) { stories_.push_back(std::move(story)); }

private:
    void see(const engine::SagaChange& change);
    void see_level();
    void go_on(Story& story, const engine::SagaChange& change);
    void soon(Deed deed, Shop& shop, const std::string& order, const Drawn& draw);

    World& world_;
    People& people_;
    std::vector<Habit> habits_;
    std::vector<Story> stories_;
    Drawn levels_;
    int levels_left_ = 0;
};

}  // namespace ordersaga::simulation
