#include "supervisor/supervised.hpp"

#include "runtime/log.hpp"
#include "runtime/random.hpp"
#include "supervisor/data_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <string>
#include <vector>

namespace ordersaga::supervisor {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

struct SupervisedTest : testing::Test {
    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("ordersaga-" + runtime::random_token(6));
    SupervisedTest() { std::filesystem::create_directory(folder); }
    ~SupervisedTest() override { std::filesystem::remove_all(folder); }

    // Ready when the script has made the file NAME.up.
    Service shell(const std::string& name, const std::string& script) const {
        const std::filesystem::path up = folder / (name + ".up");
        Service service;
        service.name = name;
        service.plan = {"/bin/sh", {"-c", script}, {{"UP", up.string()}}, folder / (name + ".log")};
        service.ready = [up] {
            return std::filesystem::exists(up);
        };
        service.ready_within = seconds(20);
        return service;
    }
    std::string complaint_of_start(Supervised& services, Service service) const {
        try {
            services.start(std::move(service));
        } catch (const std::exception& fault) {
            return fault.what();
        }
        return "none";
    }

    const runtime::LogCapture log;
};

std::vector<std::string> stopped(const runtime::LogCapture& log) {
    std::vector<std::string> names;
    for (const std::string& line : log.lines()) {
        for (const char* name : {"first", "second", "third"}) {
            if (line.find("\"stopped\"") != std::string::npos && line.find(name) != std::string::npos)
                names.emplace_back(name);
        }
    }
    return names;
}

TEST_F(SupervisedTest, StopsInTheOppositeSequence) {
    Supervised services;
    for (const char* name : {"first", "second", "third"})
        services.start(shell(name, "touch $UP; exec sleep 60"));

    services.stop();

    EXPECT_THAT(stopped(log), testing::ElementsAre("third", "second", "first"));
}

// The first life ends at once, the second one lasts.
TEST_F(SupervisedTest, StartsAgainWhatEnds) {
    Supervised services;

    services.start(shell("first", "test -e $UP.tried && touch $UP && exec sleep 60; touch $UP.tried; exit 3"));

    EXPECT_TRUE(log.contains("ended by itself, is started again"));
    EXPECT_TRUE(log.contains("\"status\":3"));
}

TEST_F(SupervisedTest, AlsoLaterOn) {
    Supervised services;
    services.start(shell("first", "echo life >>$UP.lives; touch $UP; exec sleep 60"));
    services.start(shell("second", "touch $UP; exec sleep 60"));
    const auto lives = [this] {
        std::ifstream file(folder / "first.up.lives");
        int count = 0;
        for (std::string line; std::getline(file, line);)
            ++count;
        return count;
    };
    ASSERT_EQ(lives(), 1);
    for (const std::string& line : log.lines()) {
        if (line.find("\"ready\"") == std::string::npos || line.find("first") == std::string::npos) continue;
        ::kill(std::stoi(line.substr(line.find("\"process\":") + 10)), SIGKILL);
    }

    const auto limit = steady_clock::now() + seconds(20);
    while (lives() < 2 && steady_clock::now() < limit) {
        services.watch();
        runtime::pause(std::chrono::milliseconds(10));
    }

    EXPECT_EQ(lives(), 2);
    EXPECT_TRUE(log.contains("\"status\":137"));
}

TEST_F(SupervisedTest, DoesNotRepeatWhatIsHopeless) {
    Supervised services;
    Service service = shell("first", "exit 2");
    service.hopeless_status = 2;

    EXPECT_THAT(
        complaint_of_start(services, std::move(service)), HasSubstr("first ended with status 2 and would again"));
    EXPECT_FALSE(log.contains("is started again"));
}

TEST_F(SupervisedTest, DoesNotWaitForEver) {
    Supervised services;
    Service service = shell("first", "exec sleep 60");
    service.ready_within = seconds(0);

    EXPECT_THAT(complaint_of_start(services, std::move(service)), HasSubstr("first is not ready after 0 s"));
}

TEST_F(SupervisedTest, KillsWhatDoesNotStop) {
    Supervised services;
    Service service = shell("first", "trap '' TERM; touch $UP; while :; do sleep 1; done");
    service.stop_within = seconds(0);
    services.start(std::move(service));

    services.stop();

    EXPECT_TRUE(log.contains("does not stop, is killed"));
}

TEST(PauseBeforeRestart, DoublesUpToAMinute) {
    EXPECT_EQ(pause_before_restart(1), seconds(1));
    EXPECT_EQ(pause_before_restart(2), seconds(2));
    EXPECT_EQ(pause_before_restart(6), seconds(32));
    EXPECT_EQ(pause_before_restart(7), seconds(60));
    EXPECT_EQ(pause_before_restart(1000), seconds(60));
}

}  // namespace
}  // namespace ordersaga::supervisor
