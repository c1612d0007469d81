// The whole engine in a world of faults, one run per seed, each run twice.
//
//   ORDERSAGA_SEEDS=A..B       which seeds (default 1..1000), after all of regressions.txt
//   ORDERSAGA_SEED=N           one seed only
//   ORDERSAGA_WITHOUT=a,e7     without these kinds of faults and these planned events
//   ORDERSAGA_TRACE=1          print everything that happens
//   ORDERSAGA_SHRINK=1         look for the smallest options with which a failing seed still fails
#include "tests/simulation/run.hpp"
#include "tests/simulation/tally.hpp"
#include "tests/support/sim/laws.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace ordersaga::simulation {
namespace {

bool is_set(const char* name) {
    return std::getenv(name) != nullptr;
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::vector<Options> chosen() {
    const std::set<std::string> without = names_in(variable("ORDERSAGA_WITHOUT"));
    if (is_set("ORDERSAGA_SEED")) return {{std::stoull(variable("ORDERSAGA_SEED")), without}};
    std::string range = variable("ORDERSAGA_SEEDS");
    if (range.empty()) range = "1..1000";
    const std::size_t dots = range.find("..");
    if (dots == std::string::npos) throw std::invalid_argument("ORDERSAGA_SEEDS must be like 1..200, not " + range);
    std::vector<Options> all = options_in_file("tests/simulation/regressions.txt");
    const std::uint64_t last = std::stoull(range.substr(dots + 2));
    std::set<std::string> known;
    for (const Options& options : all)
        known.insert(options.text());
    for (std::uint64_t seed = std::stoull(range.substr(0, dots)); seed <= last; ++seed) {
        Options options{seed, without};
        if (!known.contains(options.text())) all.push_back(std::move(options));
    }
    return all;
}

// Shows what broke and how to see it again; shrinks it when that is wanted.
void report(const Options& options, const Result& result) {
    ADD_FAILURE() << "./dev test simulation " << options.text() << " --trace shows:\n"
                  << sim::joined(result.violations) << "drawn: " << result.drawn;
    if (!is_set("ORDERSAGA_SHRINK")) return;
    const Options smallest = shrink(options, result, [](const Options& fewer) {
        std::printf("still fails without %zu parts\n", fewer.without.size());
        std::fflush(stdout);
    });
    std::printf("smallest:\n%s  # %s\n", smallest.text().c_str(), run(smallest).violations.front().c_str());
}

// Runs are worlds of their own, so two of them can go on side by side. Only sums are kept.
class Runs {
public:
    explicit Runs(std::vector<Options> all) : all_(std::move(all)) {}

    void all(Tally& tally, bool print) {
        const unsigned cores = print ? 1 : std::max(1U, std::thread::hardware_concurrency());
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < cores; ++i)
            threads.emplace_back([this, &tally, print] { work(tally, print); });
        for (std::thread& thread : threads)
            thread.join();
    }
    std::vector<std::pair<Options, Result>> failed;
    std::vector<Options> unsteady;

private:
    // Of so many failures nobody needs more.
    static constexpr std::size_t enough_failures = 10;

    void work(Tally& tally, bool print) {
        for (;;) {
            std::size_t next = 0;
            {
                const std::lock_guard lock(mutex_);
                if (next_ >= all_.size() || failed.size() >= enough_failures) return;
                next = next_++;
            }
            const Result first = run(all_[next], print);
            const bool repeats = trace_hash_of(all_[next]) == first.trace_hash;
            const std::lock_guard lock(mutex_);
            tally.add(first, repeats);
            if (!first.violations.empty()) failed.emplace_back(all_[next], first);
            if (!repeats) unsteady.push_back(all_[next]);
        }
    }

    std::vector<Options> all_;
    std::mutex mutex_;
    std::size_t next_ = 0;
};

// S30: accepted orders were left without their reservation (Saleor #5334): tests/support/sim/laws.cpp counts lines against
// rows.
// S54: orchestrators die at any commit; the laws hold.
TEST(Simulation, EverySeedKeepsTheLawsAndRepeatsItself) {
    const auto started = std::chrono::steady_clock::now();
    Tally tally;
    Runs runs(chosen());

    runs.all(tally, is_set("ORDERSAGA_TRACE"));

    tally.print(std::chrono::steady_clock::now() - started);
    for (const auto& [options, result] : runs.failed)
        report(options, result);
    for (const Options& options : runs.unsteady)
        ADD_FAILURE() << options.text() << " does not repeat itself";
    // A simulation that reaches nothing proves nothing.
    if (!is_set("ORDERSAGA_SEED") && !is_set("ORDERSAGA_WITHOUT")) {
        EXPECT_EQ(tally.shortcomings(), std::vector<std::string>{});
    }
}

}  // namespace
}  // namespace ordersaga::simulation
