// A target without libFuzzer: every file of its corpus, then a bounded number of mutations of them, always the same ones. What
// ends the process is left behind as .run/fuzz/<target>-input.
#include "runtime/log.hpp"
#include "tests/fuzz/target.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace ordersaga::fuzz {
namespace {

// The program is named after it: fuzz_<target>.
const std::string target = std::string(::program_invocation_short_name).substr(5);
const std::filesystem::path here = "tests/fuzz";
const std::string left_behind = ".run/fuzz/" + target + "-input";
constexpr std::size_t longest_input = 4096;

std::string_view current;

// Only calls that a signal handler may make.
void leave_input_behind(int signal) {
    const int file = ::open(left_behind.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file >= 0) {
        [[maybe_unused]] const ssize_t written = ::write(file, current.data(), current.size());
        ::close(file);
    }
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void run(const std::string& input) {
    current = input;
    try {
        one_input(input);
    } catch (const std::exception& fault) {
        std::fprintf(stderr, "%s: it threw: %s\n", target.c_str(), fault.what());
        std::abort();
    }
}

std::vector<std::string> corpus() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(here / "corpus" / target))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    std::vector<std::string> inputs;
    for (const std::filesystem::path& path : files) {
        std::ifstream file(path, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return inputs;
}

// The words of libFuzzer's dictionary: lines "word" with \xNN, \\ and \" in them.
std::vector<std::string> dictionary() {
    std::vector<std::string> words{"",     "\n====\n",          "\"", "0", "-1", "9223372036854775807",
                                   "\xff", std::string(1, '\0')};
    std::ifstream file(here / (target + ".dict"));
    for (std::string line; std::getline(file, line);) {
        if (line.size() < 2 || line.front() != '"') continue;
        std::string word;
        for (std::size_t i = 1; i + 1 < line.size(); ++i) {
            if (line[i] == '\\' && line[i + 1] == 'x' && i + 4 < line.size()) {
                word += static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16));
                i += 3;
            } else {
                if (line[i] == '\\') ++i;
                word += line[i];
            }
        }
        words.push_back(word);
    }
    return words;
}

class Mutator {
public:
    Mutator(std::vector<std::string> inputs, std::vector<std::string> words)
        : inputs_(std::move(inputs)), words_(std::move(words)) {}

    std::string next() {
        std::string input = inputs_[below(inputs_.size())];
        for (std::size_t change = 0; change <= below(4); ++change)
            bend(input);
        input.resize(std::min(input.size(), longest_input));
        return input;
    }

private:
    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

    void bend(std::string& input) {
        const std::size_t at = below(input.size() + 1);
        const std::size_t length = below(std::min<std::size_t>(input.size() - at, 16) + 1);
        switch (below(6)) {
            case 0: input.insert(at, words_[below(words_.size())]); break;
            case 1: input.replace(at, length, words_[below(words_.size())]); break;
            case 2: input.erase(at, length); break;
            case 3: input.insert(at, input.substr(at, length)); break;
            case 4:
                if (at < input.size()) input[at] = static_cast<char>(random_());
                break;
            default: {
                const std::string& other = inputs_[below(inputs_.size())];
                input = input.substr(0, at) + other.substr(below(other.size() + 1));
            }
        }
    }

    std::vector<std::string> inputs_, words_;
    std::mt19937 random_{20'260'701};
};

class FuzzTarget : public testing::Test {
protected:
    static void SetUpTestSuite() {
        runtime::configure_log({.level = runtime::LogLevel::off, .program = {}, .file = {}});
        std::filesystem::create_directories(".run/fuzz");
        for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
            std::signal(signal, leave_input_behind);
    }
};

TEST_F(FuzzTarget, HoldsForEveryInputOfItsCorpus) {
    const std::vector<std::string> inputs = corpus();
    ASSERT_FALSE(inputs.empty());
    run("");
    for (const std::string& input : inputs)
        run(input);
    RecordProperty("inputs", static_cast<int>(inputs.size()));
}

TEST_F(FuzzTarget, HoldsForMutationsOfIt) {
    Mutator mutator(corpus(), dictionary());
    const char* asked = std::getenv("ORDERSAGA_FUZZ_MUTATIONS");
    const int count = asked == nullptr ? 2'000 : std::stoi(asked);
    for (int i = 0; i < count; ++i)
        run(mutator.next());
    RecordProperty("mutations", count);
}

}  // namespace
}  // namespace ordersaga::fuzz
