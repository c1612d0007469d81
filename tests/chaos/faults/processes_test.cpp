// Our own processes die and freeze; another takes over.
#include "tests/chaos/faults/each_fault.hpp"

#include <signal.h>

namespace ordersaga::chaos {
namespace {

class Processes : public EachFault {
protected:
    // Kills them while attempts are under way; how long until each of those has an outcome.
    double seconds_until_taken_over(const std::vector<std::string>& programs, milliseconds away) {
        Observer::Attempts attempts;
        EXPECT_TRUE(shop().wait_until(
            [&] {
                attempts = shop().observer.attempts_under_way();
                return !attempts.empty();
            },
            seconds(20)));
        for (const std::string& program : programs)
            shop().system.kill(program, away);
        const auto begin = std::chrono::steady_clock::now();
        attempts = shop().observer.attempts_under_way();  // those that were sent meanwhile, too
        EXPECT_TRUE(shop().wait_until([&] { return shop().observer.unanswered(attempts) == 0; }, seconds(30)));
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
};

TEST_F(Processes, AWorkerThatIsKilledIsReplacedByTheOther) {
    // Answers take a second, so that there is always something in its hands.
    shop().links.at("workers to shipbob").set(network::Direction::to_client, {.delay = milliseconds(1'000)});
    for (const std::string worker : {"activity-worker", "activity-worker-2"}) {
        const double took = seconds_until_taken_over({worker}, seconds(12));
        expect_well_again(worker, took);
        expect_green(worker, seconds(30));
        if (once_is_enough()) break;
    }
}

TEST_F(Processes, AnOrchestratorThatIsKilledIsReplacedByTheOther) {
    for (const std::string orchestrator : {"orchestrator", "orchestrator-2"}) {
        const double took = seconds_until_taken_over({orchestrator}, seconds(12));
        expect_well_again(orchestrator, took);
        expect_green(orchestrator, seconds(30));
        if (once_is_enough()) break;
    }
}

// T08: past the members' lease, past an attempt and past a call.
TEST_F(Processes, AnOrchestratorThatWasFrozenFindsItsWorkDoneByTheOther) {
    spoil("orchestrator frozen", seconds(15), [&] { expect_red("orchestrator", "", seconds(5)); });
    EXPECT_LE(seconds_until_outcome(seconds(20)), 5);
}

TEST_F(Processes, AWorkerThatWasFrozenInTheMiddleOfACallDoublesNothing) {
    shop().links.at("workers to shipbob").set(network::Direction::to_client, {.delay = milliseconds(500)});
    spoil("activity-worker frozen", seconds(15), [&] { expect_red("activity-worker", "", seconds(5)); });
}

// T09
TEST_F(Processes, AllKilledAtOnceLoseNothing) {
    for (const std::string& program : shop().system.programs())
        shop().system.kill(program);
    for (const std::string& program : shop().system.programs())
        expect_green(program, seconds(30));
}

// T06: killed again while it starts.
TEST_F(Processes, KilledAgainWhileItRecoversLosesNothing) {
    for (int turn = 0; turn < 5; ++turn) {
        shop().system.kill("orchestrator");
        shop().system.kill("activity-worker-2");
        shop().go_on_for(milliseconds(700));
    }
    for (const std::string& program : shop().system.programs())
        expect_green(program, seconds(30));
}

}  // namespace
}  // namespace ordersaga::chaos
