// `ordersaga up` from an empty directory: its own servers, the programs on them, and what becomes of each when it is killed.
#include "runtime/child_process.hpp"
#include "runtime/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace ordersaga {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

class Up : public testing::Test {
protected:
    // PostgreSQL refuses root, so root lends it the user of Debian's package; who may not be able to look into the build.
    Up() {
        std::filesystem::create_directories(home_ / "bin");
        const char* build = std::getenv("ORDERSAGA_BIN");
        for (const char* name : {"ordersaga", "orchestrator", "activity-worker", "notifier", "sagactl"})
            std::filesystem::copy(std::filesystem::path(build == nullptr ? "" : build) / name, home_ / "bin" / name);
        if (::geteuid() == 0) {
            const auto end =
                runtime::run_command({"/usr/bin/chown", {"-R", "postgres:", home_}, {}, log("chown")}, seconds(20));
            EXPECT_EQ(end.status, 0) << end.output;
        }
    }
    ~Up() override {
        if (!HasFailure()) std::filesystem::remove_all(home_);
    }

    std::filesystem::path log(const std::string& name) const { return home_ / (name + ".log"); }
    std::filesystem::path data() const { return home_ / "data"; }

    runtime::ChildPlan plan(const std::string& log_name) const {
        std::vector<std::string> words = {home_ / "bin" / "ordersaga", "up", "--data", data()};
        if (::geteuid() == 0)
            words.insert(words.begin(), {"/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"});
        // Any free port; HOME of root is none of that user's business.
        return {
            words.front(),
            {words.begin() + 1, words.end()},
            {{"ORDERSAGA_PUBLIC_PORT", "0"}, {"ORDERSAGA_PRIVATE_PORT", "0"}, {"HOME", home_}},
            log(log_name)};
    }

    std::vector<std::string> lines(const std::string& log_name, const std::string& part, const std::string& also)
        const {
        std::vector<std::string> found;
        std::ifstream file(log(log_name));
        for (std::string line; std::getline(file, line);) {
            if (line.find(part) != std::string::npos && line.find(also) != std::string::npos) found.push_back(line);
        }
        return found;
    }

    // Whether such a line has come so many times.
    bool comes(
        runtime::Child& child,
        const std::string& log_name,
        const std::string& part,
        const std::string& also = {},
        std::size_t times = 1) const {
        const auto limit = steady_clock::now() + seconds(150);
        while (lines(log_name, part, also).size() < times) {
            if (child.wait_for(milliseconds(50)) || steady_clock::now() >= limit) return false;
        }
        return true;
    }

    pid_t process_of(const std::string& log_name, const std::string& service) const {
        const std::string line = lines(log_name, "\"started\"", "\"" + service + "\"").back();
        return std::stoi(line.substr(line.find("\"process\":") + 10));
    }

    const std::filesystem::path home_ =
        std::filesystem::temp_directory_path() / ("ordersaga-up-" + runtime::random_token(6));
};

TEST_F(Up, RunsEverythingRestartsWhatIsKilledAndStopsInOrder) {
    runtime::Child first(plan("first"));
    ASSERT_TRUE(comes(first, "first", "ordersaga is up")) << log("first");

    std::vector<pid_t> processes;
    for (const char* service : {"postgresql", "epmd", "rabbitmq", "orchestrator", "activity-worker", "notifier"}) {
        ::kill(process_of("first", service), SIGKILL);
        ASSERT_TRUE(comes(first, "first", "\"ready\"", std::string("\"") + service + "\"", 2))
            << service << log("first");
        processes.push_back(process_of("first", service));
    }
    first.signal(SIGTERM);
    ASSERT_TRUE(first.wait_for(seconds(120)));

    EXPECT_EQ(first.ended(), 0);
    const auto stopped = lines("first", "\"stopped\"", "");
    ASSERT_EQ(stopped.size(), 6U);
    EXPECT_THAT(stopped.front(), HasSubstr("notifier"));
    EXPECT_THAT(stopped.back(), HasSubstr("postgresql"));
    for (const pid_t process : processes)
        EXPECT_EQ(::kill(process, 0), -1) << process << " still runs";

    // The second run finds what the first has made.
    const auto size = std::filesystem::file_size(data() / "settings");
    runtime::Child second(plan("second"));
    ASSERT_TRUE(comes(second, "second", "ordersaga is up")) << log("second");
    EXPECT_EQ(lines("second", "database cluster made", "").size(), 0U);
    EXPECT_EQ(std::filesystem::file_size(data() / "settings"), size);

    // A third one at the same time is sent away.
    const runtime::CommandEnd third = runtime::run_command(plan("third"), seconds(20));
    EXPECT_EQ(third.status, 2);
    EXPECT_THAT(third.output, HasSubstr("is in use by another ordersaga"));
    second.signal(SIGINT);
    ASSERT_TRUE(second.wait_for(seconds(120)));
    EXPECT_EQ(second.ended(), 0);

    // Settings that are wrong end it, and say why.
    std::ofstream(data() / "ordersaga.toml") << "[publik]\nport = 1\n";
    runtime::Child wrong(plan("wrong"));
    ASSERT_TRUE(wrong.wait_for(seconds(150)));
    EXPECT_EQ(wrong.ended(), 2);
    EXPECT_EQ(lines("wrong", "publik", "is not known here").size(), 1U);

    std::ofstream(data() / "version") << "2\n";
    const runtime::CommandEnd newer = runtime::run_command(plan("newer"), seconds(20));
    EXPECT_EQ(newer.status, 2);
    EXPECT_THAT(newer.output, HasSubstr("was made by a newer ordersaga"));
}

}  // namespace
}  // namespace ordersaga
