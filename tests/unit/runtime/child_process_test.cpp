// Programs that are started, watched and stopped.
#include "runtime/child_process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>

namespace ordersaga::runtime {
namespace {

struct ChildProcess : testing::Test {
    std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("ordersaga-demo-test-" + std::to_string(getpid()));
    ChildProcess() { std::filesystem::create_directories(folder); }
    ~ChildProcess() override { std::filesystem::remove_all(folder); }

    ChildPlan shell(const std::string& script) const {
        return {"/bin/sh", {"-c", script}, {{"GIVEN", "to it"}}, folder / "log"};
    }
};

TEST_F(ChildProcess, TellsWhatACommandPrintedAndHowItEnded) {
    const CommandEnd end = run_command(shell("echo $GIVEN; echo too >&2; exit 3"), std::chrono::seconds(20));
    EXPECT_EQ(end.status, 3);
    EXPECT_EQ(end.output, "to it\ntoo\n");
}

TEST_F(ChildProcess, TellsAKillAsAShellDoes) {
    Child child(shell("exec sleep 60"));
    EXPECT_FALSE(child.ended());
    child.signal(SIGKILL);
    ASSERT_TRUE(child.wait_for(std::chrono::seconds(20)));
    EXPECT_EQ(child.ended(), 137);
}

TEST_F(ChildProcess, KillsWhatDoesNotWantToStop) {
    Child child(shell("trap '' TERM; echo up; while :; do sleep 1; done"));
    const auto up = [&] {
        std::ifstream log(folder / "log");
        std::string line;
        return std::getline(log, line) && line == "up";
    };
    for (int look = 0; look < 2000 && !up(); ++look)
        child.wait_for(std::chrono::milliseconds(10));
    child.stop(std::chrono::milliseconds(100));
    EXPECT_EQ(child.ended(), 137);
}

// Else a connection that we close would stay open as long as some child lives.
TEST_F(ChildProcess, InheritsNoConnectionOfOurs) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(pipe(ends), 0);
    const std::string ours = "/proc/self/fd/" + std::to_string(ends[1]);
    EXPECT_EQ(run_command(shell("test -e " + ours + " || echo clean"), std::chrono::seconds(20)).output, "clean\n");
    close(ends[0]);
    close(ends[1]);
}

TEST_F(ChildProcess, EndsWith127WhenThereIsNoSuchProgram) {
    Child child({"/nowhere/at/all", {}, {}, folder / "log"});
    ASSERT_TRUE(child.wait_for(std::chrono::seconds(20)));
    EXPECT_EQ(child.ended(), 127);
}

TEST_F(ChildProcess, GivesUpOnACommandThatTakesTooLong) {
    EXPECT_THROW(run_command(shell("exec sleep 60"), std::chrono::milliseconds(50)), std::runtime_error);
}

}  // namespace
}  // namespace ordersaga::runtime
