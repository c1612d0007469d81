// The live stream as a browser reads it: over a real connection, fed by the engine's real commits.
#include "tests/integration/hostile/hostile_world.hpp"
#include "tests/unit/runtime/loopback.hpp"

namespace ordersaga::test {
namespace {

using runtime::testing::RawSocket;

class LiveViews : public HostileWorld {
protected:
    RawSocket watch(const std::string& token) {
        RawSocket socket = RawSocket::connect_to(orchestrator_->private_port());
        socket.send("GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token + "\r\n\r\n");
        return socket;
    }
    runtime::HttpOutcome send_to_other(const std::string& body) {
        return orchestrator_->send_webhook(other_shop, other_secret, "orders/create", "of-the-other", body);
    }
};

TEST_F(LiveViews, TellTheCountsAndThenAnOrderAsSoonAsItIsCommitted) {
    RawSocket view = watch(operator_token);
    const std::string start = view.read_until("event: counts");
    EXPECT_TRUE(start.starts_with("HTTP/1.1 200")) << start;
    EXPECT_NE(start.find("text/event-stream"), std::string::npos) << start;

    ASSERT_EQ(send_to_other(an_order(2).dump()).status, 200);
    ASSERT_EQ(send("orders/create", "mine", an_order(1).dump()).status, 200);
    const std::string news = view.read_until("\"version\":");
    EXPECT_NE(news.find("\"order\":\"#1\""), std::string::npos) << news;
    EXPECT_NE(
        news.find(look("SELECT saga_id FROM sagas WHERE merchant_id = " + std::to_string(merchant_))),
        std::string::npos)
        << news;
    EXPECT_EQ(news.find("\"order\":\"#2\""), std::string::npos) << "another merchant's order: " << news;
}

TEST_F(LiveViews, AreForKnownTokensOnly) {
    EXPECT_TRUE(watch("a-token-that-nobody-made-0123456789").read_until("\r\n\r\n").starts_with("HTTP/1.1 401"));
}

TEST_F(LiveViews, DoNotKeepTheServerFromStopping) {
    RawSocket view = watch(operator_token);
    view.read_until("event: counts");
    orchestrator_.reset();
    view.read_to_end();
    EXPECT_TRUE(view.peer_closed());
}

}  // namespace
}  // namespace ordersaga::test
