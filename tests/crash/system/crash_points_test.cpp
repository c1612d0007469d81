// Every crash point on every path that passes it: the real program is killed there, started again, and has to keep every
// promise. ORDERSAGA_CRASH_PATHS: names of paths, separated by commas, or `all`; unset: each point once in each program, on the
// first path that passes it.
#include "db/address.hpp"
#include "runtime/child_process.hpp"
#include "runtime/random.hpp"
#include "tests/crash/system/deaths.hpp"
#include "tests/support/environment.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace ordersaga::crash {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

std::uint64_t seed() {
    const std::string text = test::variable("ORDERSAGA_SEED");
    return text.empty() ? 1 : std::stoull(text);
}

bool on_every_path() {
    return test::variable("ORDERSAGA_CRASH_PATHS") == "all";
}

bool each_point_once() {
    return test::variable("ORDERSAGA_CRASH_PATHS").empty();
}

bool is_wanted(const Path& path, const std::string& subject) {
    if (subject == "worker" && !path.concerns_worker) return false;
    if (on_every_path()) return true;
    if (each_point_once()) return std::find(path.adds.begin(), path.adds.end(), subject) != path.adds.end();
    return ("," + test::variable("ORDERSAGA_CRASH_PATHS") + ",").find("," + path.name + ",") != std::string::npos;
}

// ORDERSAGA_CRASH_DEATHS: no more than so many on each path, drawn by ORDERSAGA_SEED; unset: all.
void draw(std::vector<Death>& deaths) {
    const std::string most = test::variable("ORDERSAGA_CRASH_DEATHS");
    if (most.empty()) return;
    static runtime::SeededRandom random(seed());
    while (deaths.size() > std::stoull(most))
        deaths.erase(deaths.begin() + static_cast<std::ptrdiff_t>(random.below(deaths.size())));
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += "\n  " + line;
    return text;
}

struct CrashPoints : testing::Test {
    static World& world() {
        static World* one = nullptr;  // kept up over all tests of the program
        if (one == nullptr) {
            const std::filesystem::path folder = std::filesystem::absolute(".run/crash");
            std::filesystem::remove_all(folder);
            std::filesystem::create_directories(folder);
            one = new World(folder);
            std::atexit([] { delete one; });
        }
        return *one;
    }
    // Where somebody has died.
    static std::set<std::string>& tried() {
        static std::set<std::string> names;
        return names;
    }
};

// S54: killed at every place where something leaves or enters the process; the laws hold.
TEST_F(CrashPoints, LoseNothingAndDoubleNothingOnAnyPath) {
    std::size_t pairs = 0;
    std::set<std::pair<std::string, std::string>> died_at;
    for (const Path& path : paths()) {
        for (const char* subject : {"orchestrator", "worker"}) {
            if (!is_wanted(path, subject)) continue;
            const auto started = steady_clock::now();
            std::size_t died = 0;
            std::string by_chance;
            std::vector<Death> deaths;
            try {
                deaths = deaths_on(world(), path, subject);
                std::erase_if(deaths, [&](const Death& death) {
                    return each_point_once() && died_at.contains({subject, death.point});
                });
                draw(deaths);
                for (const Death& death : deaths) {
                    const auto [dead, faults] = die(world(), death);
                    EXPECT_TRUE(faults.empty()) << path.name << ": " << subject << " died at " << death.point << ":"
                                                << death.pass << joined(faults);
                    died += dead && faults.empty() ? 1 : 0;
                    // A slow confirm, a duty that was due just then.
                    if (!dead && faults.empty()) by_chance += ", by chance once " + death.point;
                    if (!dead) continue;
                    died_at.emplace(subject, death.point);
                    tried().insert(death.point);
                }
            } catch (const std::exception& fault) {
                ADD_FAILURE() << path.name << ", " << subject << ": " << fault.what();
            }
            pairs += died;
            const auto took = std::chrono::duration_cast<seconds>(steady_clock::now() - started).count();
            std::cout << fmt::format(
                             "{:44} {:12} {:3} of {:3} points, {:4} s{}", path.name, subject, died, deaths.size(), took,
                             by_chance)
                      << std::endl;
        }
    }
    std::cout << fmt::format("{} pairs of a crash point and a path, {} points", pairs, tried().size()) << std::endl;
    const std::vector<std::string> faults = world().account();
    EXPECT_TRUE(faults.empty()) << joined(faults);
    EXPECT_GT(pairs, 0U);
}

// Runs a command of sagactl as if typed, dying where it is told to; answers its status.
int operate(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment) {
    for (const auto& [name, value] : environment)
        setenv(name.c_str(), value.c_str(), 1);
    const runtime::CommandEnd end = CrashPoints::world().system().sagactl(arguments);
    for (const auto& [name, value] : environment)
        unsetenv(name.c_str());
    return end.status;
}

// A person's command is repeated with its key, because nobody knows what became of the first.
TEST_F(CrashPoints, LeaveAnOperatorsCommandDoneOnce) {
    const Path& path = *std::find_if(paths().begin(), paths().end(), [](const Path& one) {
        return one.name == "cancelled at the warehouse";  // for its warehouse, which waits
    });
    std::vector<std::string> points{"(none)"};
    for (std::size_t index = 0; index < points.size(); ++index) {
        make_ready(world(), path);
        World::Wish wish;
        wish.lines = {{"SHIRT-01", 1}};
        wish.goes_out = false;
        const Placed order = world().place({wish}).front();
        const auto limit = steady_clock::now() + seconds(30);
        while (world().state_of(order) != "FulfillmentRequested" && steady_clock::now() < limit)
            world().tick();
        const std::string name = "blue/" + order.order.order_id;
        const std::vector<std::string> compensate{"compensate", name, "--reason", "a test", "--idempotency-key", name};
        std::filesystem::remove(".run/crash/points.sagactl");
        if (index == 0) {
            EXPECT_EQ(operate(compensate, world().logged("sagactl")), 0);
            const std::vector<std::string> passed = world().points_passed("sagactl");
            for (const std::string& point : passed) {
                const auto passes = std::count(points.begin(), points.end(), point);
                if (passes == 0) points.push_back(point);
            }
        } else {
            EXPECT_EQ(operate(compensate, world().logged("sagactl", points[index])), 137) << points[index];
            EXPECT_EQ(operate(compensate, {}), 0) << points[index];
            tried().insert(points[index]);
        }
        const std::vector<std::string> faults = world().settle(false);
        EXPECT_TRUE(faults.empty()) << points[index] << joined(faults);
    }
    std::cout << fmt::format("sagactl died at {} points", points.size() - 1) << std::endl;
    EXPECT_GE(points.size(), 5U);
}

// pg_dump names the roles of a policy as they lie in their table, where they move whenever one gets a password.
std::string with_sorted_roles(const std::string& dump) {
    static const std::regex policy("^CREATE POLICY .* TO ([a-z_, ]+) (USING|WITH CHECK) .*$");
    std::string text;
    std::istringstream lines(dump);
    for (std::string line; std::getline(lines, line);) {
        std::smatch found;
        if (std::regex_match(line, found, policy)) {
            std::set<std::string> roles;
            std::istringstream named(found[1]);
            for (std::string role; named >> role;)
                roles.insert(role.ends_with(',') ? role.substr(0, role.size() - 1) : role);
            std::string sorted;
            for (const std::string& role : roles)
                sorted += (sorted.empty() ? "" : ", ") + role;
            line.replace(
                static_cast<std::size_t>(found.position(1)), static_cast<std::size_t>(found.length(1)), sorted);
        }
        text += line + "\n";
    }
    return text;
}

// What pg_dump says of a database after `migrate` was killed at each point and run again is what it says of one that
// came up in peace.
TEST_F(CrashPoints, LeaveAMigrationToBeRunAgain) {
    const std::map<std::string, std::string> addresses = world().system().addresses();
    const auto database = [&](const std::string& sql) {
        runtime::ChildPlan psql;
        psql.program = "/usr/bin/psql";
        psql.arguments = {"--no-psqlrc", "--quiet", "-c", sql, addresses.at("ORDERSAGA_ADMIN_DSN")};
        psql.log = ".run/crash/scratch.psql.log";
        const runtime::CommandEnd end = runtime::run_command(psql, seconds(30));
        ASSERT_EQ(end.status, 0) << end.output;
    };
    const auto schema = [&] {
        runtime::ChildPlan dump;
        dump.program = "/usr/bin/pg_dump";
        dump.arguments = {
            "--schema-only", db::dsn_with(addresses.at("ORDERSAGA_ADMIN_DSN"), {{"dbname", "ordersaga_crash"}})};
        dump.log = ".run/crash/scratch.dump";
        const runtime::CommandEnd end = runtime::run_command(dump, seconds(30));
        EXPECT_EQ(end.status, 0) << end.output.substr(0, 300);
        // Newer releases fence the text with a word that is drawn anew each time.
        return with_sorted_roles(std::regex_replace(end.output, std::regex("\\\\(un)?restrict [^\n]*\n"), ""));
    };
    const std::vector<std::string> migrate{
        "migrate", "--bootstrap", "ordersaga_crash", "--write-env",
        std::filesystem::absolute(".run/crash/scratch.env")};
    const auto afresh = [&] {
        database("DROP DATABASE IF EXISTS ordersaga_crash WITH (FORCE)");
        std::filesystem::remove(".run/crash/points.sagactl");
    };
    afresh();
    ASSERT_EQ(operate(migrate, world().logged("sagactl")), 0);
    const std::string wanted = schema();
    ASSERT_NE(wanted.find("CREATE TABLE public.sagas"), std::string::npos);
    const std::vector<std::string> passed = world().points_passed("sagactl");
    std::map<std::string, long> passes;
    for (const std::string& point : passed)
        ++passes[point];
    long died = 0;
    for (const auto& [point, count] : passes) {
        for (long pass = 1; pass <= count; ++pass) {
            // Every migration has the same points: the first and one in the middle stand for all of them.
            if (!on_every_path() && pass != 1 && pass != (count + 1) / 2) continue;
            afresh();
            const std::string where = fmt::format("{}:{}", point, pass);
            EXPECT_EQ(operate(migrate, world().logged("sagactl", where)), 137) << where;
            EXPECT_EQ(operate(migrate, {}), 0) << where;
            EXPECT_EQ(schema(), wanted) << where;
            tried().insert(point);
            ++died;
        }
    }
    afresh();
    std::cout << fmt::format("a migration died at {} of {} moments", died, passed.size()) << std::endl;
    EXPECT_TRUE(passes.contains("migrate.half_applied"));
}

// The control that needs no marks in the code: seeded calls to sockets, on paths that differ as much as paths can.
// S54: killed at random calls; the laws hold.
TEST_F(CrashPoints, AreNotTheOnlyPlacesWhereItMayDie) {
    const std::string count_text = test::variable("ORDERSAGA_CRASH_CALLS");
    const long wanted = count_text.empty() ? 40 : std::stol(count_text);
    runtime::SeededRandom random(seed());
    std::vector<const Path*> walked;
    for (const Path& path : paths()) {
        const bool by_itself = path.ends || path.when_started || path.asks_a_person;
        if (!by_itself) walked.push_back(&path);
    }
    const Path& usual = *walked.front();
    const std::map<std::string, long> calls{
        {"orchestrator", calls_on(world(), usual, "orchestrator")}, {"worker", calls_on(world(), usual, "worker")}};
    long died = 0, tries = 0, missed = 0;
    for (; died < wanted && tries < 2 * wanted + 10; ++tries) {
        const Path& path = *walked[static_cast<std::size_t>(random.below(walked.size()))];
        const std::string subject = random.chance(0.6) ? "orchestrator" : "worker";
        const long call = 1 + static_cast<long>(random.below(static_cast<std::uint64_t>(calls.at(subject))));
        bool dead = false;
        const std::vector<std::string> faults = die_at_call(world(), path, subject, call, dead);
        EXPECT_TRUE(faults.empty()) << "seed " << seed() << ", try " << tries << ": " << path.name << ", " << subject
                                    << " at call " << call << joined(faults);
        died += dead ? 1 : 0;
        missed += dead ? 0 : 1;
    }
    std::cout
        << fmt::format(
               "seed {}: killed at {} of the calls to sockets ({} of an orchestrator and {} of a worker to choose "
               "from), {} more came too late",
               seed(), died, calls.at("orchestrator"), calls.at("worker"), missed)
        << std::endl;
    EXPECT_EQ(died, wanted);
}

// Twice and more often: whoever comes back dies again in the middle of making good what the last death left.
TEST_F(CrashPoints, MayFollowEachOtherFiveTimesWithinTheRecovery) {
    runtime::SeededRandom random(6);
    for (const char* subject : {"orchestrator", "worker"}) {
        make_ready(world(), paths().front());
        world().start(subject, world().logged(subject, "publish.confirmed"));
        paths().front().walk(world(), subject);
        ASSERT_EQ(world().await_end(subject, seconds(20)), 137) << subject;
        for (int again = 0; again < 5; ++again) {
            world().start(subject, killed_at_call(5 + static_cast<long>(random.below(120))));
            EXPECT_EQ(world().await_end(subject, seconds(20)), 137) << subject << ", death " << again;
        }
        world().start(subject);
        const std::vector<std::string> faults = world().settle(false);
        EXPECT_TRUE(faults.empty()) << subject << joined(faults);
    }
}

// Programs and servers together, as when the power fails; then in whatever sequence they come back.
TEST_F(CrashPoints, AreSurvivedWhenEverythingDiesAtOnce) {
    for (const auto& [first, second] : {std::pair("orchestrator", "worker"), std::pair("worker", "orchestrator")}) {
        if (first == std::string("worker") && !on_every_path()) continue;
        make_ready(world(), paths().front());
        paths().front().walk(world(), first);
        for (int moment = 0; moment < 5; ++moment)
            world().tick();
        for (const char* subject : {"orchestrator", "worker"})
            world().system().signal(subject, SIGKILL);
        for (const char* server : {"rabbitmq", "pg"})
            world().system().kill(server);
        world().system().wait_for_servers();
        world().start(first);
        world().start(second);
        const std::vector<std::string> faults = world().settle(false);
        EXPECT_TRUE(faults.empty()) << first << " first" << joined(faults);
    }
}

// Told to end, and killed before it has: at once, in the middle of it, and after all the time it gets.
TEST_F(CrashPoints, MayCutADrainShort) {
    const Path& path = paths().front();
    for (const char* subject : {"orchestrator", "worker"}) {
        for (const int delay_ms : {0, 5, 50, 300, 1000}) {
            if (each_point_once() && delay_ms != 5 && delay_ms != 300) continue;
            make_ready(world(), path);
            path.walk(world(), subject);
            for (int moment = 0; moment < 3; ++moment)
                world().tick();
            world().system().signal(subject, SIGTERM);
            world().await_end(subject, std::chrono::milliseconds(delay_ms));
            world().start(subject);  // which kills what is left of it
            const std::vector<std::string> faults = world().settle(false);
            EXPECT_TRUE(faults.empty()) << subject << " killed " << delay_ms << " ms after it was told to end"
                                        << joined(faults);
        }
    }
}

// The list is the code's own: a point that no path reaches, or only by chance, is one that nobody has tried.
TEST_F(CrashPoints, AreEachReached) {
    const std::vector<std::string> points = points_in_sources(test::variable("ORDERSAGA_SOURCE"));
    EXPECT_GT(points.size(), 40U);
    for (const std::string& point : points)
        EXPECT_TRUE(tried().contains(point)) << point << " is on no path";
}

}  // namespace
}  // namespace ordersaga::crash
