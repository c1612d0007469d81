// The worlds of tests/simulation with their rows in a real PostgreSQL: the same scenario, the same engine, the same judge.
//
//   ORDERSAGA_SEEDS_ON_POSTGRESQL=A..B   which seeds (default 1..1)
#include "tests/integration/simulation/postgresql_ground.hpp"
#include "tests/simulation/run.hpp"
#include "tests/support/sim/laws.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace ordersaga::simulation {
namespace {

TEST(SimulationOnPostgresql, EverySeedKeepsTheLaws) {
    const char* given = std::getenv("ORDERSAGA_SEEDS_ON_POSTGRESQL");
    const std::string range = given == nullptr ? "1..1" : given;
    const std::size_t dots = range.find("..");
    ASSERT_NE(dots, std::string::npos) << range;

    const std::uint64_t last = std::stoull(range.substr(dots + 2));
    for (std::uint64_t seed = std::stoull(range.substr(0, dots)); seed <= last; ++seed) {
        const Result result =
            run({seed, {}}, std::getenv("ORDERSAGA_TRACE") != nullptr,
                [](auto& clock, auto& weather) { return std::make_unique<PostgresqlGround>(clock, weather); });

        EXPECT_TRUE(result.violations.empty()) << "seed " << seed << ": " << sim::joined(result.violations);
        EXPECT_GT(result.orders, 0U);
        std::printf("seed %llu: %zu orders\n", static_cast<unsigned long long>(seed), result.orders);
    }
}

}  // namespace
}  // namespace ordersaga::simulation
