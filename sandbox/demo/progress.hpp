// The live line: how many orders are in which state. Rewritten in place on a terminal, now and then a new line elsewhere.
// Main thread only.
#pragma once

#include "sandbox/demo/system.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace ordersaga::demo {

class Progress {
public:
    explicit Progress(System& system);
    ~Progress();

    // Asks the orchestrator and writes, if it is time to; cheap otherwise.
    void show(std::size_t placed, std::size_t orders);
    // Leaves the line where it is; what is printed next begins below.
    void end_line();
    // A line of its own.
    void note(const std::string& text);
    [[nodiscard]] double seconds() const;

private:
    System& system_;
    std::chrono::steady_clock::time_point begin_;
    std::chrono::steady_clock::time_point next_{};
    bool terminal_;
    bool line_open_ = false;
};

}  // namespace ordersaga::demo
