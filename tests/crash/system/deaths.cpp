#include "tests/crash/system/deaths.hpp"

#include "runtime/child_process.hpp"
#include "tests/support/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <stdexcept>

namespace ordersaga::crash {
namespace {

using std::chrono::seconds;

constexpr int killed = 128 + 9;

long passes_of(const std::string& point, const std::vector<std::string>& passed, std::size_t first) {
    return std::count(passed.begin(), passed.begin() + static_cast<std::ptrdiff_t>(first), point);
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += "\n  " + line;
    return text;
}

// Its own steps first: one that was told to end has ended well.
void bring_back(World& world, const std::string& subject) {
    if (world.system().ended(subject)) world.start(subject);
}

}  // namespace

void make_ready(World& world, const Path& path) {
    for (const char* subject : {"orchestrator", "worker"})
        bring_back(world, subject);
    world.warehouse({{"ships_by_itself", true}, {"split_fraction", 0.0}});
    world.faults({{"shopify", json::object()}, {"shipbob", json::object()}});
    path.prepare(world);
}

std::vector<Death> deaths_on(World& world, const Path& path, const std::string& subject) {
    make_ready(world, path);
    for (const char* one : {"orchestrator", "worker"}) {
        if (subject != one) bring_back(world, one);
    }
    world.start(subject, world.logged(subject));
    const std::size_t at_start = path.when_started ? 0 : world.points_passed(subject).size();
    path.walk(world, subject);
    if (path.ends && world.await_end(subject, seconds(30)) != 0)
        throw std::runtime_error(subject + " does not end when told to");
    std::vector<std::string> passed;
    if (path.ends) {
        passed = world.points_passed(subject);
        bring_back(world, subject);
    }
    if (const auto faults = world.settle(path.asks_a_person); !faults.empty())
        throw std::runtime_error("the path '" + path.name + "' fails without a death:" + joined(faults));
    if (!path.ends) passed = world.points_passed(subject);
    std::vector<Death> deaths;
    for (std::size_t index = at_start; index < passed.size(); ++index) {
        const bool known =
            std::any_of(deaths.begin(), deaths.end(), [&](const Death& death) { return death.point == passed[index]; });
        if (!known) deaths.push_back({&path, subject, passed[index], passes_of(passed[index], passed, at_start) + 1});
    }
    return deaths;
}

Verdict die(World& world, const Death& death) {
    std::vector<std::string> faults;
    // What depends on who is faster may be missed once.
    for (long pass : {death.pass, 1L, 1L}) {
        make_ready(world, *death.path);
        for (const char* one : {"orchestrator", "worker"}) {
            if (death.subject != one) bring_back(world, one);
        }
        world.start(death.subject, world.logged(death.subject, fmt::format("{}:{}", death.point, pass)));
        death.path->walk(world, death.subject);
        const std::optional<int> status = world.await_end(death.subject, seconds(12));
        const std::vector<std::string> passed = world.points_passed(death.subject);
        // Another thread may have passed one more before the signal came.
        const bool told = std::find(passed.begin(), passed.end(), "killed " + death.point) != passed.end();
        const bool there = status == killed && told;
        if (status && !there && *status != 0)
            faults.push_back(fmt::format("ended with status {} instead of dying there", *status));
        // One that lives on must not die later.
        world.start(death.subject);
        const std::vector<std::string> wrong = world.settle(death.path->asks_a_person);
        faults.insert(faults.end(), wrong.begin(), wrong.end());
        if (there || !faults.empty()) return {there, std::move(faults)};
    }
    return {};
}

std::map<std::string, std::string> killed_at_call(long call) {
    const std::filesystem::path library = std::filesystem::path(test::variable("ORDERSAGA_BIN")) / "kill_at_call.so";
    if (!std::filesystem::exists(library)) throw std::runtime_error(library.string() + " is not built");
    return {{"LD_PRELOAD", library}, {"KILL_AT_CALL", std::to_string(call)}};
}

std::vector<std::string> die_at_call(
    World& world,
    const Path& path,
    const std::string& subject,
    long call,
    bool& died) {
    make_ready(world, path);
    world.start(subject, killed_at_call(call));
    path.walk(world, subject);
    const std::optional<int> status = world.await_end(subject, seconds(5));
    died = status == killed;
    std::vector<std::string> faults;
    if (status && !died) faults.push_back(fmt::format("ended with status {}", *status));
    // One that is not dead yet must not die later, in somebody else's test.
    world.start(subject);
    const std::vector<std::string> wrong = world.settle(path.asks_a_person);
    faults.insert(faults.end(), wrong.begin(), wrong.end());
    return faults;
}

long calls_on(World& world, const Path& path, const std::string& subject) {
    const std::filesystem::path file = std::filesystem::absolute(".run/crash") / ("calls." + subject);
    make_ready(world, path);
    std::filesystem::remove(file);
    std::map<std::string, std::string> environment = killed_at_call(0);
    environment["KILL_COUNT_FILE"] = file;
    world.start(subject, environment);
    path.walk(world, subject);
    if (const auto faults = world.settle(path.asks_a_person); !faults.empty())
        throw std::runtime_error("the path '" + path.name + "' fails without a death:" + joined(faults));
    long calls = 0;
    std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(&calls), sizeof calls);
    return calls;
}

std::vector<std::string> points_in_sources(const std::filesystem::path& root) {
    std::vector<std::string> names;
    const std::regex call(R"re(crash_point\("([a-z_.]+)"\))re");
    for (const char* folder : {"activities", "broker", "db", "notifier", "orchestrator", "runtime", "sagas"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
            if (entry.path().extension() != ".cpp") continue;
            std::ifstream file(entry.path());
            const std::string text{std::istreambuf_iterator<char>(file), {}};
            for (std::sregex_iterator found(text.begin(), text.end(), call), end; found != end; ++found)
                names.push_back((*found)[1]);
        }
    }
    return names;
}

}  // namespace ordersaga::crash
