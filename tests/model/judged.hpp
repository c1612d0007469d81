// How the models' tests ask: a right model visits everything and breaks nothing, a wrong rule is convicted.
#pragma once

#include "tests/model/world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace ordersaga::model {

struct WrongRule {
    const char* name;
    Rule rule;
    const char* fault;  // what its conviction says
};

inline std::uint64_t limit_of_states() {
    const char* limit = std::getenv("ORDERSAGA_MODEL_STATES");
    return limit == nullptr ? 400'000'000 : std::stoull(limit);
}

inline Exploration look_at(const std::string& name, const Scope& scope, Sequence sequence = Sequence::breadth_first) {
    const auto began = std::chrono::steady_clock::now();
    Exploration seen = explored(scope, limit_of_states(), sequence);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf(
        "%-44s %9llu states %9llu transitions  depth %3d  %5.1f s\n", name.c_str(),
        static_cast<unsigned long long>(seen.states), static_cast<unsigned long long>(seen.transitions), seen.depth,
        took.count());
    std::fflush(stdout);
    return seen;
}

inline void expect_no_violation(
    const std::string& name,
    const Scope& scope,
    Sequence sequence = Sequence::breadth_first) {
    const Exploration seen = look_at(name, scope, sequence);
    EXPECT_TRUE(seen.complete && seen.fault.empty()) << name << ": " << seen.told();
}

// The same scope with the right rule breaks nothing, so it is the rule that is convicted.
inline void expect_conviction(const WrongRule& wrong, Scope scope) {
    scope.rule = wrong.rule;
    const Exploration seen = look_at(std::string("wrong: ") + wrong.name, scope);
    EXPECT_EQ(seen.fault.find(wrong.fault), 0U)
        << wrong.name << " should be convicted by '" << wrong.fault << "': " << seen.told();
    std::printf("  %s\n", seen.told().c_str());
    std::fflush(stdout);
}

}  // namespace ordersaga::model
