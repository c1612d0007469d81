// Events over a real broker and a real database to a mail server and a webhook receiver that testify what they got.
#include "notifier/notifier.hpp"

#include "db/notices.hpp"
#include "notifier/event.hpp"
#include "tests/integration/broker/broker_fixture.hpp"
#include "tests/integration/notifier/a_sandbox.hpp"
#include "tests/support/events/event_schemas.hpp"
#include "tests/support/test_database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace ordersaga::notifier {
namespace {

using namespace std::chrono_literals;
using broker::eventually;
using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* hook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

// Every topic's own example, as its schema gives it.
json example_of(std::string_view topic) {
    for (const auto& [name, schema] : test::event_schemas()) {
        const std::string key = std::string(topic) + ".7";
        if (test::fault_of_value({{"pattern", schema.at("x-routing-key")}}, key).empty())
            return schema.at("examples").at(0);
    }
    throw std::runtime_error("no schema for " + std::string(topic));
}

class NotifierOverBroker : public testing::Test {
protected:
    void SetUp() override {
        const char* url = std::getenv("ORDERSAGA_AMQP_URL");
        if (url == nullptr) GTEST_SKIP() << "ORDERSAGA_AMQP_URL is not set: no broker to test against";
        address_ = broker::parse_address(url).value();
        db::Connection admin({database_.admin_dsn(), "test"});
        admin.transact([](db::Transaction& transaction) {
            transaction.query("INSERT INTO merchants (merchant_id, name) VALUES (1, 'Shirts'), (2, 'Other')");
        });
        config_.amqp_prefix = "test-" + runtime::random_token(6) + ".";
        config_.dsn = database_.dsns().notifier;
        config_.first_retry = 20ms;
        config_.longest_retry = 200ms;
        config_.smtp.host = "127.0.0.1";
        config_.smtp.port = sandbox_.mail_port();
        config_.smtp.security = SmtpSecurity::none;
        config_.smtp.from = "us@example.com";
        config_.smtp.timeout = 5s;
        std::vector<std::string> everything;
        for (const Topic& topic : topics())
            everything.emplace_back(topic.name);
        config_.mail = {{"ops", 1, "ops@example.com", everything}};
        const json hook = sandbox_.control("PUT", "hooks/erp", {{"secret", hook_secret}});
        config_.webhooks = {{"erp", 1, hook.at("url").get<std::string>(), {hook_secret}, everything, 5s}};
        publisher_ = std::make_unique<broker::Publisher>(address_, broker::PublisherOptions{}, results_.receiver());
        start();
    }

    void TearDown() override {
        if (address_.host.empty()) return;
        notifier_.reset();
        publisher_->stop();
        EXPECT_TRUE(broker::delete_topology(address_, topology_of(config_)).ok());
    }

    void start() {
        notifier_ =
            std::make_unique<Notifier>(config_, address_, templates_, sandbox_.executor(), sandbox_.http(), metrics_);
        ASSERT_TRUE(eventually([&] { return notifier_->why_not_ready().empty(); }));
    }

    void publish(const std::string& id, const std::string& routing_key, const std::string& body) {
        broker::Message message;
        message.exchange = broker::Names(config_.amqp_prefix).events_exchange();
        message.routing_key = routing_key;
        message.message_id = id;
        message.body = body;
        message.tag = ++published_;
        ASSERT_TRUE(publisher_->try_publish(message));
        ASSERT_TRUE(results_.wait_for(published_));
        ASSERT_EQ(results_.count(broker::PublishStatus::confirmed), published_) << "a queue is bound for it";
    }

    std::size_t received(const std::string& kind) { return sandbox_.effects(kind).size(); }
    bool eventually_received(const std::string& kind, std::size_t count) {
        return eventually([&] { return received(kind) >= count; });
    }

    broker::Address address_;
    test::TestDatabase database_;
    ASandbox sandbox_;
    NotifierConfig config_;
    Templates templates_;
    runtime::Metrics metrics_;
    broker::Results results_;
    std::unique_ptr<broker::Publisher> publisher_;
    std::unique_ptr<Notifier> notifier_;
    std::size_t published_ = 0;
};

TEST_F(NotifierOverBroker, TellsEachKindOnceHoweverOftenItIsDelivered) {
    for (int repeat = 0; repeat < 2; ++repeat) {
        for (const Topic& topic : topics())
            publish("event " + std::string(topic.name), std::string(topic.name) + ".7", example_of(topic.name).dump());
    }
    // A last one in each queue: when it was told, all before it have been taken.
    publish("last order", "orders.shipped.eu", example_of("orders.shipped").dump());
    publish("last level", "inventory.back.7", example_of("inventory.back").dump());

    const std::size_t expected = topics().size() + 2;
    ASSERT_TRUE(eventually_received("mail_received", expected));
    ASSERT_TRUE(eventually_received("webhook_received", expected));
    notifier_->stop();
    EXPECT_EQ(received("mail_received"), expected);
    EXPECT_EQ(received("webhook_received"), expected);
    for (const json& mail : sandbox_.effects("mail_received")) {
        EXPECT_EQ(mail.at("replay"), false);
        EXPECT_EQ(mail.at("reference"), "ops@example.com");
        EXPECT_THAT(mail.at("detail").at("text").get<std::string>(), HasSubstr("2026-07-01T09:30:00.000000Z"));
    }
}

TEST_F(NotifierOverBroker, TellsNobodyOfAnotherMerchantsEvents) {
    json body = example_of("orders.shipped");
    body["merchant_id"] = "2";
    publish("foreign", "orders.shipped.eu", body.dump());
    publish("ours", "orders.shipped.eu", example_of("orders.shipped").dump());

    ASSERT_TRUE(eventually_received("webhook_received", 1));
    notifier_->stop();
    EXPECT_EQ(received("webhook_received"), 1U);
    EXPECT_EQ(sandbox_.effects("webhook_received")[0].at("key"), "ours");
}

TEST_F(NotifierOverBroker, AServerThatIsAwayIsToldWhenItIsBack) {
    sandbox_.control("POST", "outages", {{"peer", "mail"}, {"seconds", 3600}});
    sandbox_.control("POST", "outages", {{"peer", "hook"}, {"seconds", 3600}, {"mode", "503"}});
    publish("1", "inventory.low.7", example_of("inventory.low").dump());
    const auto failed = [&](const char* target) {
        return metrics_
            .counter(
                "ordersaga_notifier_tries_total", "Tries to tell a target, by what came of it",
                {{"target", target}, {"result", "failed"}})
            .value();
    };
    ASSERT_TRUE(eventually([&] { return failed("mail:ops") >= 2 && failed("webhook:erp") >= 2; }));
    EXPECT_EQ(received("mail_received"), 0U);

    sandbox_.control("POST", "outages", {{"peer", "mail"}, {"seconds", 0}});
    sandbox_.control("POST", "outages", {{"peer", "hook"}, {"seconds", 0}});

    EXPECT_TRUE(eventually_received("mail_received", 1));
    EXPECT_TRUE(eventually_received("webhook_received", 1));
}

// What was told is known after a restart; what was not is told then.
TEST_F(NotifierOverBroker, ARestartForgetsNothing) {
    publish("1", "inventory.low.7", example_of("inventory.low").dump());
    ASSERT_TRUE(eventually_received("mail_received", 1));
    ASSERT_TRUE(eventually_received("webhook_received", 1));
    notifier_.reset();

    publish("1", "inventory.low.7", example_of("inventory.low").dump());
    publish("2", "inventory.out.7", example_of("inventory.out").dump());
    start();

    ASSERT_TRUE(eventually_received("mail_received", 2));
    notifier_->stop();
    EXPECT_EQ(received("mail_received"), 2U);
    EXPECT_EQ(sandbox_.effects("mail_received")[1].at("replay"), false);
}

// The honest limit: a server that takes a mail and never says so gets it a second time, under the same Message-ID.
TEST_F(NotifierOverBroker, AMailThatMayHaveArrivedIsRepeatedUnderTheSameName) {
    sandbox_.spoil("mail", {{"reset_after", 1.0}});
    publish("1", "inventory.low.7", example_of("inventory.low").dump());
    ASSERT_TRUE(eventually_received("mail_received", 1));
    sandbox_.spoil("mail", json::object());

    ASSERT_TRUE(eventually([&] {
        const auto mails = sandbox_.effects("mail_received");
        return mails.size() >= 2 && mails.back().at("replay") == true && mails.back().at("key") == mails[0].at("key");
    }));
}

TEST_F(NotifierOverBroker, EventsThatCanNeverBeToldGoToTheDeadLettersAndHoldUpNothing) {
    json of_nobody = example_of("orders.shipped");
    of_nobody["merchant_id"] = "77";
    notifier_.reset();
    config_.mail.push_back({"nobody", 77, "nobody@example.com", {"orders.shipped"}});
    start();

    publish("no json", "orders.shipped.eu", "no json");
    publish("schema 2", "inventory.low.7", R"({"schema": 2, "merchant_id": "1"})");
    publish("no merchant", "orders.shipped.eu", of_nobody.dump());
    publish("good", "orders.shipped.eu", example_of("orders.shipped").dump());

    EXPECT_TRUE(eventually_received("webhook_received", 1));
    broker::Deliveries dead;
    broker::ConsumerOptions options;
    options.queues = {broker::Names(config_.amqp_prefix).dead_queue()};
    broker::Consumer consumer(address_, options, dead.receiver());
    ASSERT_TRUE(dead.wait_for(3));
    for (const broker::Delivery& delivery : dead.all())
        EXPECT_THAT(delivery.death_queue, HasSubstr("ordersaga.notifier."));
    EXPECT_TRUE(dead.stays_at(3, 200ms));
}

TEST_F(NotifierOverBroker, ARecipientThatDoesNotExistIsGivenUpAndCanBeToldLater) {
    sandbox_.spoil("mail", {{"error_before", 1.0}});
    publish("1", "inventory.low.7", example_of("inventory.low").dump());
    db::Notices notices({config_.dsn, "test"});
    ASSERT_TRUE(eventually([&] { return notices.given_up(10).size() == 1; }));
    EXPECT_THAT(notices.given_up(10)[0].last_error, HasSubstr("550"));
    EXPECT_EQ(notices.given_up(10)[0].tries, 1);
    EXPECT_EQ(received("mail_received"), 0U);

    sandbox_.spoil("mail", json::object());
    EXPECT_EQ(notices.send_again("mail:ops"), 1);

    EXPECT_TRUE(eventually_received("mail_received", 1));
}

TEST_F(NotifierOverBroker, WhatCannotBeToldInTimeIsGivenUp) {
    notifier_.reset();
    config_.give_up_after = 0s;
    start();
    sandbox_.spoil("hook", {{"error_before", 1.0}});
    publish("1", "inventory.low.7", example_of("inventory.low").dump());

    db::Notices notices({config_.dsn, "test"});
    ASSERT_TRUE(eventually([&] { return !notices.given_up(10).empty(); }));
    EXPECT_EQ(notices.given_up(10)[0].key.target, "webhook:erp");
    EXPECT_THAT(notices.given_up(10)[0].last_error, HasSubstr("status 50"));
}

TEST_F(NotifierOverBroker, ASlowTargetHoldsUpNobodyElse) {
    // Slower than anybody waits here, and still within the time that a mail may take.
    config_.smtp.timeout = 60s;
    notifier_.reset();
    start();
    sandbox_.spoil("mail", {{"slow", 1.0}, {"slow_for_ms", 35'000}});
    publish("1", "inventory.low.7", example_of("inventory.low").dump());
    ASSERT_TRUE(eventually_received("mail_received", 1));
    publish("2", "inventory.low.7", example_of("inventory.low").dump());

    EXPECT_TRUE(eventually_received("webhook_received", 2));
}

}  // namespace
}  // namespace ordersaga::notifier
