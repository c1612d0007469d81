// Values for property tests, all from one seed, and the loop over seeds.
//
//   ORDERSAGA_SEED=N   one seed only
#pragma once

#include "runtime/clock.hpp"
#include "runtime/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace ordersaga::property {

class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    std::int64_t number(std::int64_t from, std::int64_t to) {
        return from + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(to - from) + 1));
    }
    bool coin() { return random_.chance(0.5); }
    bool chance(double probability) { return random_.chance(probability); }
    template <class T>
    const T& one_of(const std::vector<T>& values) {
        return values.at(static_cast<std::size_t>(number(0, static_cast<std::int64_t>(values.size()) - 1)));
    }

    // Valid UTF-8 without U+0000: what quoting, escaping and counting of bytes may stumble over.
    std::string text(std::size_t longest = 12) {
        static const std::array<const char*, 14> pieces = {
            "a", "Z", "7", " ", "\"", "\\", "/", "\n", "\x01", "<b>", "\xC3\xA9", "\xE6\xBC\xA2", "\xF0\x9F\x91\x95",
            "'"};
        std::string text;
        for (std::int64_t left = number(0, static_cast<std::int64_t>(longest)); left > 0; --left)
            text += pieces[static_cast<std::size_t>(number(0, pieces.size() - 1))];
        return text;
    }
    std::string digits() { return std::to_string(number(1, 9'000'000'000'000'000'000)); }
    // To the microsecond, within some decades.
    runtime::Instant instant() { return runtime::Instant{runtime::Duration{number(0, 4'000'000'000'000'000)}}; }

private:
    runtime::SeededRandom random_;
};

// Stops at the first seed that fails, and names it.
template <class Check>
void under_seeds(std::uint64_t count, Check check) {
    std::uint64_t first = 1, last = count;
    if (const char* one = std::getenv("ORDERSAGA_SEED")) first = last = std::stoull(one);
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        SCOPED_TRACE("ORDERSAGA_SEED=" + std::to_string(seed));
        Generator generator(seed);
        check(generator);
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace ordersaga::property
