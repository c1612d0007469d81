// What many runs came to: figures for people, and whether they reached enough to mean something.
#pragma once

#include "tests/simulation/run.hpp"

#include <chrono>
#include <string>
#include <unordered_set>
#include <vector>

namespace ordersaga::simulation {

class Tally {
public:
    Tally();

    void add(const Result& run, bool repeats);
    std::size_t seeds() const { return seeds_; }
    // The last page of a run.
    void print(std::chrono::duration<double> took) const;
    // What was reached too seldom, when so many seeds were run (1,000) that it says something.
    std::vector<std::string> shortcomings() const;

private:
    double mean(std::size_t sum) const {
        return seeds_ == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(seeds_);
    }
    // A hundred times in 10,000 seeds. What is just as frequent comes much less often in some run of 1,000: a fifth must do.
    std::size_t enough() const { return seeds_ < 10'000 ? seeds_ / 500 : seeds_ / 100; }
    bool rare(int count) const { return static_cast<std::size_t>(count) < enough(); }

    std::size_t seeds_ = 0, broken_ = 0, unsteady_ = 0, orders_ = 0, shops_ = 0, engines_ = 0, workers_ = 0,
                strikes_ = 0;
    Duration virtual_time_{};
    std::unordered_set<std::uint64_t> traces_;
    std::array<int, fault_count> faults_{};
    std::vector<int> rows_;
    std::map<std::string, int> states_, incidents_, boundaries_;
};

}  // namespace ordersaga::simulation
