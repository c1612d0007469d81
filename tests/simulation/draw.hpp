// Random numbers of one planned event; they may be drawn when it is planned and when it comes. An event that is left out
// takes its own numbers away, and no others.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/random.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ordersaga::simulation {

class Draw {
public:
    Draw(std::uint64_t seed, std::uint64_t number) : random_(seed * 0x9e3779b97f4a7c15ULL + number) {}

    bool chance(double probability) { return random_.chance(probability); }
    std::size_t below(std::size_t bound) { return random_.below(bound); }
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return least + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most - least + 1)));
    }
    runtime::Duration time_between(runtime::Duration least, runtime::Duration most) {
        return runtime::Duration(between(least.count(), most.count()));
    }
    template <class List>
    auto& one_of(List& list) {
        return list[random_.below(list.size())];
    }

private:
    runtime::SeededRandom random_;
};

using Drawn = std::shared_ptr<Draw>;

}  // namespace ordersaga::simulation
