// bench_micro: what single steps of an order cost in processor time, without any server.
//
//   bench_micro [--filter RE] [--json FILE] [--seconds N] [--list] [--benchmark_..]
//
// --filter: the benchmarks whose name matches; --json: Google Benchmark's own report; --seconds: at least so long for each.
// Options of Google Benchmark itself are passed on. Exit 1 when a benchmark did not do what its name says, 2 on wrong
// arguments or when nothing matches.
#include <benchmark/benchmark.h>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr const char* kUsage =
    "usage: bench_micro [--filter RE] [--json FILE] [--seconds N] [--list] [--benchmark_..]\n";

// Google Benchmark's own words for ours; false when something is none of either.
bool translate(int argc, char** argv, std::vector<std::string>& words) {
    words.emplace_back(argv[0]);
    for (int place = 1; place < argc; ++place) {
        const std::string option = argv[place];
        const char* value = place + 1 < argc ? argv[place + 1] : nullptr;
        if (option.starts_with("--benchmark_")) {
            words.push_back(option);
        } else if (option == "--list") {
            words.emplace_back("--benchmark_list_tests=true");
        } else if (value == nullptr) {
            return false;
        } else if (option == "--filter") {
            words.push_back(std::string("--benchmark_filter=") + value);
            ++place;
        } else if (option == "--json") {
            words.push_back(std::string("--benchmark_out=") + value);
            words.emplace_back("--benchmark_out_format=json");
            ++place;
        } else if (option == "--seconds") {
            words.push_back(std::string("--benchmark_min_time=") + value);
            ++place;
        } else {
            return false;
        }
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> words;
    if (!translate(argc, argv, words)) {
        std::cerr << kUsage;
        return 2;
    }
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    int count = static_cast<int>(pointers.size());
    try {
        benchmark::Initialize(&count, pointers.data());
        if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 2;
        const std::size_t ran = benchmark::RunSpecifiedBenchmarks();
        benchmark::Shutdown();
        return ran == 0 ? 2 : 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_micro: " << error.what() << '\n';
        return 1;
    }
}
