// Randomness as a value that is passed in. Everything in the engine that jitters or makes ids takes a Random&,
// so that one seed repeats one run. Secrets never come from a Random: random_token asks the system.
#pragma once

#include "runtime/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace ordersaga::runtime {

class Random {
public:
    virtual ~Random() = default;
    virtual std::uint64_t next() = 0;

    // Uniform in [0, bound), without modulo bias. bound 0 gives 0.
    std::uint64_t below(std::uint64_t bound);
    // Uniform in [0, 1) with 53 random bits.
    double unit();
    // True with the given probability (0 never, 1 always).
    bool chance(double probability);
};

// From the operating system. Thread-safe.
class SystemRandom final : public Random {
public:
    std::uint64_t next() override;
};

// xoshiro256** seeded by splitmix64: the same seed gives the same sequence on every platform. Not thread-safe.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed);
    std::uint64_t next() override;

private:
    std::uint64_t state_[4];
};

// UUIDv7 (RFC 9562) as lower-case text. The time goes in with microseconds, so ids of later instants sort later.
std::string new_uuid(Instant now, Random& random);
std::string new_uuid_v4(Random& random);

// True for 36 characters of hexadecimal digits and dashes in the places of a UUID, in either case.
bool is_uuid(std::string_view text) noexcept;

// Hexadecimal text of `bytes` bytes from the operating system; for tokens and secrets. Throws std::system_error
// when the system has no randomness.
std::string random_token(std::size_t bytes = 32);

}  // namespace ordersaga::runtime
