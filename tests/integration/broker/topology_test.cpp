#include "broker/topology.hpp"

#include "broker/inspect.hpp"
#include "tests/integration/broker/broker_fixture.hpp"

namespace ordersaga::broker {
namespace {

using TopologyTest = BrokerTest;

TEST_F(TopologyTest, DeclaringTwiceIsFine) {
    EXPECT_TRUE(declare_topology(address_, topology_).ok());
    EXPECT_TRUE(declare_topology(address_, topology_).ok());
}

TEST_F(TopologyTest, DeletingWhatIsNotThereIsFine) {
    EXPECT_TRUE(delete_topology(address_, topology_).ok());
    EXPECT_TRUE(delete_topology(address_, topology_).ok());
}

TEST_F(TopologyTest, OtherArgumentsAreAConflictThatNamesTheQueueAndTheWayOut) {
    auto options = options_;
    options.delivery_limit = 5;

    const auto declared = declare_topology(address_, make_topology(options));

    ASSERT_FALSE(declared.ok());
    EXPECT_EQ(declared.error().kind, runtime::ErrorKind::conflict);
    EXPECT_NE(declared.error().message.find(names_.command_queue("shopify")), std::string::npos);
    EXPECT_NE(declared.error().message.find("another prefix"), std::string::npos) << declared.error().message;
}

TEST_F(TopologyTest, IsLookedAtWithoutBeingChanged) {
    Topology more = topology_;
    more.queues.insert(more.queues.begin(), {options_.prefix + "missing", {}});
    const auto seen = look_at_queues(address_, more);
    ASSERT_TRUE(seen.ok()) << seen.error().message;
    ASSERT_EQ(seen->size(), more.queues.size());
    EXPECT_FALSE(seen->front().state) << "and it is not there afterwards either";
    for (std::size_t queue = 1; queue < seen->size(); ++queue) {
        ASSERT_TRUE((*seen)[queue].state) << (*seen)[queue].name;
        EXPECT_EQ((*seen)[queue].state->messages, 0);
        EXPECT_EQ((*seen)[queue].state->consumers, 0);
    }
    EXPECT_FALSE(look_at_queues(address_, more)->front().state);
}

TEST_F(TopologyTest, AWrongPasswordAMissingVhostAndAClosedPortAreToldApart) {
    Address wrong_password = address_;
    wrong_password.password = "sesame";
    const auto refused = declare_topology(wrong_password, topology_);
    Address no_vhost = address_;
    no_vhost.vhost = "no-such-vhost";
    const auto missing = declare_topology(no_vhost, topology_);
    Address closed = address_;
    closed.port = 1;
    const auto unreachable = declare_topology(closed, topology_);

    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, runtime::ErrorKind::refused) << refused.error().message;
    EXPECT_EQ(refused.error().message.find("sesame"), std::string::npos);
    ASSERT_FALSE(missing.ok());
    EXPECT_NE(missing.error().message.find("no-such-vhost"), std::string::npos) << missing.error().message;
    ASSERT_FALSE(unreachable.ok());
    EXPECT_EQ(unreachable.error().kind, runtime::ErrorKind::unavailable);
}

}  // namespace
}  // namespace ordersaga::broker
