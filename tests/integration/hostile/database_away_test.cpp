// While the database is away a webhook is never answered 200: the shop is asked to come again, and the process lives.
#include "tests/integration/hostile/hostile_world.hpp"
#include "tests/support/network/fault_proxy.hpp"

namespace ordersaga::test {
namespace {

class DatabaseAway : public HostileWorld {
protected:
    InProcessOptions options() override {
        proxy_ = std::make_unique<network::FaultProxy>(
            static_cast<std::uint16_t>(std::stoi(look("SELECT inet_server_port()"))));
        InProcessOptions options = HostileWorld::options();
        options.engine_dsn =
            db::dsn_with(options.engine_dsn, {{"host", "127.0.0.1"}, {"port", std::to_string(proxy_->port())}});
        options.api_dsn =
            db::dsn_with(options.api_dsn, {{"host", "127.0.0.1"}, {"port", std::to_string(proxy_->port())}});
        options.loop.give_up_after = std::chrono::milliseconds(700);
        return options;
    }
    void TearDown() override {
        orchestrator_.reset();  // before the proxy it talks through
        HostileWorld::TearDown();
    }
    void take_database_away() {
        proxy_->refuse(true);
        proxy_->cut();
    }
    void bring_database_back() { proxy_->refuse(false); }

    std::unique_ptr<network::FaultProxy> proxy_;
};

TEST_F(DatabaseAway, IsTold503AndTheSameWebhookIsAppliedLater) {
    const std::string body = an_order(1).dump();
    ASSERT_EQ(send("orders/create", "before", an_order(2).dump()).status, 200);

    take_database_away();
    for (int i = 0; i < 3; ++i) {
        const runtime::HttpOutcome refused = send("orders/create", "w1", body);
        EXPECT_EQ(refused.status, 503) << refused.body << refused.error;
        EXPECT_NE(refused.header("retry-after"), nullptr);
    }
    EXPECT_EQ(orchestrator_->call_public("GET", "/healthz").status, 200);
    EXPECT_EQ(orchestrator_->call_private("GET", "/readyz").status, 503) << "ready must not be said without a database";
    EXPECT_EQ(ask("GET", "/api/v1/sagas").status, 503);
    EXPECT_EQ(send("orders/create", "bad", "no JSON").status, 503) << "what cannot be stored is not accepted either";
    EXPECT_EQ(count("webhook_receipts"), 1);

    bring_database_back();
    ASSERT_TRUE(work_until([&] { return send("orders/create", "w1", body).status == 200; }));
    EXPECT_EQ(look("SELECT count(*) FROM webhook_receipts WHERE webhook_id = 'w1'"), "1");
    EXPECT_EQ(count("sagas"), 2);
    expect_that_it_lives();
}

// Cut in mid-commit the answer may be 503 though the row is there; the repeat is then a duplicate, never a second saga.
TEST_F(DatabaseAway, ForAnInstantNeverMakesTwoOfOneOrder) {
    for (int i = 0; i < 20; ++i) {
        const std::string body = an_order(100 + i).dump();
        const std::string id = "w" + std::to_string(i);
        if (i % 2 == 0) proxy_->cut();
        const bool stored = work_until([&] { return send("orders/create", id, body).status == 200; });
        ASSERT_TRUE(stored) << i;
    }
    EXPECT_EQ(count("sagas"), 20);
    EXPECT_EQ(count("webhook_receipts"), 20);
}

}  // namespace
}  // namespace ordersaga::test
