// Whoever the members are: each shard has one owner, and only what must move moves when one comes or goes.
#include "orchestrator/shard_owner.hpp"
#include "tests/property/generator.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace ordersaga {
namespace {

using property::Generator;

std::vector<std::string> some_members(Generator& any) {
    std::set<std::string> members;
    for (std::int64_t left = any.number(1, 8); left > 0; --left)
        members.insert("orchestrator-" + any.digits());
    return {members.begin(), members.end()};
}

// The owner of each shard; every member is asked, as every member asks itself.
std::map<int, std::string> owners(const std::vector<std::string>& members, int shards) {
    std::map<int, std::string> owners;
    for (const std::string& member : members) {
        for (int shard : shards_of(member, members, shards))
            EXPECT_TRUE(owners.emplace(shard, member).second) << "shard " << shard << " has two owners";
    }
    EXPECT_EQ(owners.size(), static_cast<std::size_t>(shards)) << "a shard has no owner";
    return owners;
}

TEST(ShardOwnerProperty, EveryShardHasOneOwnerWhateverTheSequenceOfMembers) {
    property::under_seeds(300, [](Generator& any) {
        std::vector<std::string> members = some_members(any);
        const int shards = static_cast<int>(any.number(1, 32));
        const std::map<int, std::string> before = owners(members, shards);
        std::rotate(
            members.begin(), members.begin() + any.number(0, static_cast<std::int64_t>(members.size()) - 1),
            members.end());
        EXPECT_EQ(owners(members, shards), before);
        EXPECT_TRUE(shards_of("a stranger", members, shards).empty());
    });
}

TEST(ShardOwnerProperty, ANewcomerOnlyTakesAndWhoLeavesOnlyGives) {
    property::under_seeds(300, [](Generator& any) {
        const std::vector<std::string> few = some_members(any);
        const int shards = static_cast<int>(any.number(1, 32));
        std::vector<std::string> more = few;
        more.push_back("newcomer");

        const std::map<int, std::string> without = owners(few, shards), with = owners(more, shards);

        // Read forwards it is the coming, read backwards the going.
        for (const auto& [shard, owner] : with) {
            if (owner == "newcomer") continue;
            EXPECT_EQ(without.at(shard), owner) << "shard " << shard << " moved for nothing";
        }
    });
}

// Not a law for every seed, so it is asked of many together: nobody is left idle or overwhelmed.
TEST(ShardOwnerProperty, ShardsAreSpreadEvenly) {
    std::map<std::string, int> count;
    constexpr int shards = 3000;
    const std::vector<std::string> members = {"orchestrator-1", "orchestrator-2", "orchestrator-3"};
    for (const auto& [shard, owner] : owners(members, shards))
        ++count[owner];
    for (const std::string& member : members)
        EXPECT_NEAR(count[member], shards / 3, shards / 20) << member;
}

}  // namespace
}  // namespace ordersaga
