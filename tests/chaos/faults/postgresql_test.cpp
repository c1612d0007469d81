// The database goes away, comes back, is slow, full, read-only, or has committed and cannot say so.
#include "tests/chaos/faults/each_fault.hpp"

#include <string>

namespace ordersaga::chaos {
namespace {

using PostgreSql = EachFault;

// T13: no checkpoint, so it comes back through recovery.
TEST_F(PostgreSql, StoppedAtOnceAndRecoveringLosesNothing) {
    for (int cycle = 0; cycle < 3; ++cycle) {
        spoil("PostgreSQL stopped at once", milliseconds(1'000));
        wait_for_servers();
        expect_well_again("PostgreSQL", seconds_until_step(seconds(30)));
    }
}

TEST_F(PostgreSql, KilledLosesNothing) {
    spoil("PostgreSQL killed", milliseconds(2'000));
    wait_for_servers();
    expect_well_again("PostgreSQL", seconds_until_step(seconds(30)));
}

// T14
TEST_F(PostgreSql, EndingSessionsInStatementsAndBeforeCommitsRepeatsTheTransactions) {
    for (int turn = 0; turn < 5; ++turn)
        spoil("PostgreSQL ends every connection", milliseconds(400));
    spoil_links("cut before sending COMMIT", " to postgresql", seconds(2));
    expect_well_again("PostgreSQL", seconds_until_step(seconds(30)));
}

// T15: committed, and nobody heard it. Nothing may happen twice.
TEST_F(PostgreSql, CommittingWithoutAnAnswerDoublesNothing) {
    for (int turn = 0; turn < 3; ++turn) {
        const std::string link = "orchestrator to postgresql";
        const std::uint64_t cuts = shop().links.at(link).cuts();
        spoil_links("cut before receiving COMMIT done", " to postgresql", seconds(2));
        EXPECT_GT(shop().links.at(link).cuts(), cuts) << "no answer was lost";
    }
}

// T17: nothing is answered 2xx that is not stored; the account at the end counts every order.
TEST_F(PostgreSql, WithAFullDiskTakesNothingAndGoesOnWhenThereIsRoom) {
    if (shop().victims.ballast.empty())
        GTEST_SKIP() << "no disk of its own: only root may give PostgreSQL one (tools/servers start --disk)";
    const Ending free = fill_disk(shop().victims);
    expect_red("orchestrator", engine_is_red, seconds(20));
    shop().go_on_for(seconds(3));
    free();
    wait_for_servers();
    expect_well_again("PostgreSQL", seconds_until_step(seconds(30)));
}

// T18
TEST_F(PostgreSql, FrozenTurnsHealthRedAndIsPickedUpWhereItStopped) {
    spoil("PostgreSQL frozen", seconds(14), [&] { expect_red("orchestrator", "", seconds(6)); });
    expect_well_again("PostgreSQL", seconds_until_step(seconds(30)));
}

// T19: nobody is let in any more (53300), and nobody may write (25006).
TEST_F(PostgreSql, WithoutRoomForClientsIsWaitedFor) {
    const auto let_in = [&](const char* most) {
        db::Connection administrator({shop().victims.admin_dsn, "chaos-nemesis"});
        administrator.autocommit(std::string("ALTER DATABASE ordersaga_demo CONNECTION LIMIT ") + most);
    };
    let_in("0");
    spoil("PostgreSQL ends every connection", milliseconds(0));
    expect_red("orchestrator", engine_is_red, seconds(5));
    shop().go_on_for(seconds(3));
    let_in("-1");
    expect_well_again("PostgreSQL", seconds_until_step(seconds(30)));
}

TEST_F(PostgreSql, ThatTakesNoWritesIsWaitedForAndParksNothing) {
    spoil("PostgreSQL takes no writes", seconds(6), [&] { expect_red("orchestrator", engine_is_red, seconds(5)); });
    expect_well_again("PostgreSQL", seconds_until_step(seconds(30)));
    EXPECT_EQ(shop().observer.count("SELECT count(*) FROM parked_items"), 0);
}

// T46, T47 of this link
TEST_F(PostgreSql, OverABadNetworkDoublesNothing) {
    spoil_links("half-open", " to postgresql", seconds(4));
    spoil_links("half-closed", " to postgresql", seconds(2));
    spoil_links("slow and sliced", " to postgresql", seconds(4));
    spoil_links("cut among its bytes", " to postgresql", seconds(2));
}

}  // namespace
}  // namespace ordersaga::chaos
