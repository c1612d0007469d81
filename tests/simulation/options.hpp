// One run in a line: `--seed 17` alone is the whole scenario as drawn, `--without` takes fault kinds (by name) and planned
// events (`e12`) away from it. What fails is shrunk by taking away more and more, and kept in regressions.txt in this form.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::simulation {

struct Options {
    std::uint64_t seed = 1;
    std::set<std::string> without;

    bool lacks(const std::string& part) const { return without.count(part) > 0; }
    // As the arguments of ./dev test simulation.
    std::string text() const;
};

// "A,B,C" as a set. "": nothing.
std::set<std::string> names_in(const std::string& list);
// Throws std::invalid_argument for what text() would not have written.
Options options_from(const std::string& text);
// One a line; '#' begins a comment. Throws std::runtime_error when the file is not there.
std::vector<Options> options_in_file(const std::string& path);

}  // namespace ordersaga::simulation
