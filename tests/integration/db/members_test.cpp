// Who is alive: each tells it in one statement, which also answers who else is.
#include "db/members.hpp"

#include "db/connection.hpp"
#include "tests/support/test_database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::db {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

class MembersTest : public testing::Test {
protected:
    std::string look(const std::string& question) {
        return Connection({database.dsns().engine, "test"}).autocommit(question).text(0, 0);
    }
    void run(const std::string& statement) { Connection({database.dsns().engine, "test"}).autocommit(statement); }
    Members member(const std::string& name) { return Members({database.dsns().engine, "test"}, name); }

    test::TestDatabase database;
};

TEST_F(MembersTest, EachFindsAllThatBeatAMomentAgo) {
    Members one = member("one"), two = member("two");
    EXPECT_THAT(one.beat(1min), ElementsAre("one"));
    EXPECT_THAT(two.beat(1min), ElementsAre("one", "two"));
    EXPECT_THAT(one.beat(1min), ElementsAre("one", "two"));
}

TEST_F(MembersTest, ABeatRenewsTheEntry) {
    Members one = member("one");
    one.beat(1min);
    run("UPDATE members SET beat_at = now() - interval '1 minute'");
    EXPECT_THAT(one.beat(1s), ElementsAre("one"));
    EXPECT_EQ(look("SELECT count(*) FROM members WHERE beat_at > now() - interval '30 seconds'"), "1");
}

TEST_F(MembersTest, WhoIsSilentIsNotAliveAndWhoIsLongSilentIsForgotten) {
    Members one = member("one"), two = member("two"), three = member("three");
    for (Members* each : {&one, &two, &three})
        each->beat(1min);
    run("UPDATE members SET beat_at = now() - interval '1 minute' WHERE member_id = 'two'");
    run("UPDATE members SET beat_at = now() - interval '61 minutes' WHERE member_id <> 'two'");
    EXPECT_THAT(one.beat(30s), ElementsAre("one"));
    EXPECT_EQ(look("SELECT string_agg(member_id, ',' ORDER BY member_id) FROM members"), "one,two");
}

TEST_F(MembersTest, WhoLeavesIsGoneAtOnceAndMayComeBack) {
    Members one = member("one"), two = member("two");
    one.beat(1min);
    two.beat(1min);
    two.leave();
    EXPECT_THAT(one.beat(1min), ElementsAre("one"));
    EXPECT_THAT(two.beat(1min), ElementsAre("one", "two"));
}

}  // namespace
}  // namespace ordersaga::db
