// The logins that docs/install.md gives worker and notifier: what they need they may, and what they could forge or take
// away they cannot reach.
#include "broker/connection.hpp"
#include "tests/integration/broker/broker_fixture.hpp"

#include <fstream>
#include <sstream>

namespace ordersaga::broker {
namespace {

class Login : public BrokerTest {
protected:
    explicit Login(std::string name) : name_(std::move(name)) {}

    void SetUp() override {
        BrokerTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        login_ = address_;
        login_.user = options_.prefix + name_;
        login_.password = runtime::random_token(16);
        const std::string user = binary(login_.user);
        std::string permissions;
        for (const std::string& expression : documented_permissions())
            permissions += binary(expression) + ",";
        ASSERT_TRUE(eval(
            "rabbit_auth_backend_internal:add_user(" + user + "," + binary(login_.password) + "," + user +
            "), rabbit_auth_backend_internal:set_permissions(" + user + "," + binary(address_.vhost) + "," +
            permissions + user + ")."))
            << "ORDERSAGA_SERVERS and ORDERSAGA_SERVERS_DIR lead to no broker of ours: run ./dev test integration";
    }

    void TearDown() override {
        const std::string user = binary(login_.user);
        if (!login_.user.empty()) eval("rabbit_auth_backend_internal:delete_user(" + user + "," + user + ").");
        BrokerTest::TearDown();
    }

    // To configure, to write, to read, for names with the test's prefix.
    std::vector<std::string> documented_permissions() const {
        std::ifstream file("docs/install.md");
        std::stringstream page;
        page << file.rdbuf();
        const std::string text = page.str();
        std::vector<std::string> expressions;
        std::size_t at = text.find("set_permissions -p ordersaga " + name_);
        while (at != std::string::npos && expressions.size() < 3) {
            const std::size_t begin = text.find("'^ordersaga", at);
            if (begin == std::string::npos) break;
            const std::size_t end = text.find('\'', begin + 1);
            expressions.push_back("^" + options_.prefix + text.substr(begin + 2, end - begin - 2));
            at = end + 1;
        }
        EXPECT_EQ(expressions.size(), 3U) << "docs/install.md names no permissions";
        return expressions;
    }

    // A literal of Erlang.
    static std::string binary(const std::string& text) {
        std::string literal = "<<\"";
        for (const char letter : text)
            literal += letter == '\\' ? std::string("\\\\") : std::string(1, letter);
        return literal + "\">>";
    }

    static bool eval(const std::string& expression) {
        const char* servers = std::getenv("ORDERSAGA_SERVERS");
        const char* folder = std::getenv("ORDERSAGA_SERVERS_DIR");
        if (servers == nullptr || folder == nullptr) return false;
        const std::string line =
            std::string("'") + servers + "' eval --dir '" + folder + "' '" + expression + "' >/dev/null";
        return std::system(line.c_str()) == 0;
    }

    // Whether each of these, tried on a connection of its own, leaves the queues of commands and outcomes as they were.
    void expect_no_trace_of(const std::vector<std::function<void(Connection&)>>& attempts) {
        for (const auto& attempt : attempts) {
            Connection connection(login_, ConnectionOptions{});
            ASSERT_TRUE(connection.open().ok());
            ASSERT_TRUE(connection.open_channel(1).ok());
            attempt(connection);
            connection.close();
        }
        EXPECT_EQ(drain(shopify_queue()), 0U);
        EXPECT_EQ(drain(names_.outcome_queue(0)), 0U);
        publish(1);
        EXPECT_EQ(drain(shopify_queue()), 1U) << "who may send a command does";
    }

    std::string name_;
    Address login_;
};

class WorkersLogin : public Login {
protected:
    WorkersLogin() : Login("ordersaga-worker") {}

    Topology own_topology() const {
        TopologyOptions own = options_;
        own.outcome_queues = false;
        return make_topology(own);
    }
};

TEST_F(WorkersLogin, TakesCommandsAndAnswersThem) {
    const auto declared = declare_topology(login_, own_topology());
    ASSERT_TRUE(declared.ok()) << declared.error().message;
    Deliveries taken;
    Consumer consumer(login_, from({shopify_queue()}), taken.receiver());
    publish(1);
    EXPECT_TRUE(taken.wait_for(1));
    Results results;
    Publisher publisher(login_, {}, results.receiver());
    Message outcome = a_message(2, outcome_routing_key(0));
    outcome.exchange = names_.outcomes_exchange();

    ASSERT_TRUE(publisher.try_publish(std::move(outcome)));

    ASSERT_TRUE(results.wait_for(1));
    EXPECT_EQ(results.count(PublishStatus::confirmed), 1U);
    consumer.ack(taken.handles());
    consumer.stop();
    EXPECT_EQ(drain(names_.outcome_queue(0)), 1U);
}

TEST_F(WorkersLogin, SendsNoCommandAndTakesNoOutcome) {
    expect_no_trace_of({
        [&](Connection& connection) {
            EXPECT_TRUE(connection.publish(1, a_message(1)).ok()) << "its refusal comes later";
        },
        [&](Connection& connection) {
            Message command = a_message(2, shopify_queue());
            command.exchange = "";  // the default exchange leads to every queue by its name
            EXPECT_TRUE(connection.publish(1, command).ok());
        },
        [&](Connection& connection) { EXPECT_FALSE(connection.consume(1, names_.outcome_queue(0)).ok()); },
        [&](Connection& connection) {
            EXPECT_FALSE(connection.bind(1, {shopify_queue(), names_.outcomes_exchange(), "#"}).ok());
        },
        [&](Connection& connection) { EXPECT_FALSE(connection.delete_queue(1, names_.outcome_queue(0)).ok()); },
    });
}

class NotifiersLogin : public Login {
protected:
    NotifiersLogin() : Login("ordersaga-notifier") {}

    Topology own_topology() const {
        TopologyOptions own;
        own.prefix = options_.prefix;
        own.outcome_shards = 0;
        own.command_families = {};
        own.event_queues = {{"notifier.orders", {"orders.#"}}};
        return make_topology(own);
    }
};

TEST_F(NotifiersLogin, ReachesTheEventsAndItsOwnQueues) {
    const Topology own = own_topology();
    const auto declared = declare_topology(login_, own);
    ASSERT_TRUE(declared.ok()) << declared.error().message;
    Deliveries heard;
    Consumer consumer(login_, from({names_.event_queue("notifier.orders")}), heard.receiver());
    Results results;
    Publisher publisher(address_, {}, results.receiver());
    Message event = a_message(1, "orders.outofstock.eu");
    event.exchange = names_.events_exchange();

    ASSERT_TRUE(publisher.try_publish(std::move(event)));

    EXPECT_TRUE(heard.wait_for(1));
    consumer.ack(heard.handles());
    consumer.stop();
    EXPECT_TRUE(delete_topology(address_, own).ok());
}

TEST_F(NotifiersLogin, ReachesNoCommandAndNoOutcome) {
    const auto declared = declare_topology(login_, topology_);
    ASSERT_FALSE(declared.ok());
    EXPECT_EQ(declared.error().kind, runtime::ErrorKind::refused) << declared.error().message;

    expect_no_trace_of({
        [&](Connection& connection) {
            EXPECT_TRUE(connection.publish(1, a_message(1)).ok()) << "its refusal comes later";
        },
        [&](Connection& connection) {
            Message outcome = a_message(2, outcome_routing_key(0));
            outcome.exchange = names_.outcomes_exchange();
            EXPECT_TRUE(connection.publish(1, outcome).ok());
        },
        [&](Connection& connection) {
            EXPECT_FALSE(connection.bind(1, {shopify_queue(), names_.events_exchange(), "#"}).ok());
        },
        [&](Connection& connection) { EXPECT_FALSE(connection.consume(1, shopify_queue()).ok()); },
        [&](Connection& connection) { EXPECT_FALSE(connection.delete_queue(1, shopify_queue()).ok()); },
    });
}

}  // namespace
}  // namespace ordersaga::broker
