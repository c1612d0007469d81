#include "broker/connection.hpp"

#include "tests/integration/broker/broker_fixture.hpp"
#include "tests/support/network/fault_proxy.hpp"

#include <thread>

namespace ordersaga::broker {
namespace {

using ConnectionTest = BrokerTest;

// The broker lives and sends heartbeats but takes no bytes, as under a memory alarm: the library alone would wait for
// as long as that lasts.
TEST_F(ConnectionTest, AWriteThatNobodyTakesBreaksTheConnection) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    Address address = address_;
    address.host = "127.0.0.1";
    address.port = proxy.port();
    ConnectionOptions options;
    options.heartbeat = 60s;
    options.write_timeout = 1s;
    Connection connection(address, options);
    ASSERT_TRUE(connection.open().ok());
    ASSERT_TRUE(connection.open_channel(1).ok());
    Message message = a_message(1);
    message.body = std::string(256 * 1024, 'x');

    proxy.set(network::Direction::to_server, {.held = true});
    const auto before = std::chrono::steady_clock::now();
    runtime::Result<void> published;
    for (int i = 0; i < 1'000 && published; ++i)
        published = connection.publish(1, message);

    EXPECT_FALSE(published.ok());
    EXPECT_FALSE(connection.alive());
    EXPECT_LT(std::chrono::steady_clock::now() - before, 15s);
}

TEST_F(ConnectionTest, AnInterruptFreesACallThatWaits) {
    network::FaultProxy proxy(static_cast<std::uint16_t>(address_.port));
    Address address = address_;
    address.host = "127.0.0.1";
    address.port = proxy.port();
    proxy.set(network::Direction::to_client, {.held = true});
    Connection connection(address, {});

    runtime::Result<void> opened;
    std::thread waiting([&] { opened = connection.open(); });
    EXPECT_TRUE(eventually([&] { return proxy.links() == 1; }));
    const auto before = std::chrono::steady_clock::now();
    connection.interrupt();
    waiting.join();

    EXPECT_FALSE(opened.ok());
    EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
}

}  // namespace
}  // namespace ordersaga::broker
