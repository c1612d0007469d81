// What every fuzz target has: bytes from nobody in, and claims that must hold for all of them. One target is one file; it runs
// under libFuzzer (entry.cpp, ./dev fuzz) and over its corpus and some mutations of it in every test run (replay_test.cpp).
// A claim that fails ends the process, whatever would catch an exception on the way. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace ordersaga::fuzz {

// The target: the same bytes must do the same again. What it throws is a finding.
void one_input(std::string_view input);

[[noreturn]] inline void broken(const char* claim, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, claim);
    std::fflush(stderr);
    std::abort();
}

// Inputs of several parts are texts with lines "====" between them, so that people can write and read them. Always `count`
// sections: the last takes the rest, missing ones are empty.
inline std::vector<std::string_view> sections(std::string_view input, std::size_t count) {
    constexpr std::string_view separator = "\n====\n";
    std::vector<std::string_view> parts;
    while (parts.size() + 1 < count) {
        const std::size_t at = input.find(separator);
        parts.push_back(input.substr(0, at));
        input = at == std::string_view::npos ? std::string_view() : input.substr(at + separator.size());
    }
    parts.push_back(input);
    return parts;
}

// The text up to the first line end, which is cut off `rest`.
inline std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return line;
}

inline bool has_control(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
    }
    return false;
}

}  // namespace ordersaga::fuzz

#define HOLDS(claim) ((claim) ? static_cast<void>(0) : ::ordersaga::fuzz::broken(#claim, __FILE__, __LINE__))
