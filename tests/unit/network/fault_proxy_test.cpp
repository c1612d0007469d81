#include "tests/support/network/fault_proxy.hpp"

#include "tests/unit/runtime/loopback.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

namespace ordersaga::network {
namespace {

using namespace std::chrono_literals;
using runtime::testing::closed_port;
using runtime::testing::eventually;
using runtime::testing::RawSocket;
using runtime::testing::ScriptedPeer;
using std::chrono::steady_clock;

// Says back whatever is said, until the other side has ended. One read may bring more than a line, and a part of the
// next: all of it goes back.
void echo(RawSocket& socket) {
    for (std::string said = socket.read_until("\n", 10s); !said.empty(); said = socket.read_until("\n", 10s))
        socket.send(said);
}

struct Proxied : ::testing::Test {
    ScriptedPeer peer{{echo}};
    FaultProxy proxy{peer.port()};

    RawSocket connect() const { return RawSocket::connect_to(proxy.port()); }
};

TEST_F(Proxied, SaysInBothDirectionsWhatWasSaid) {
    RawSocket client = connect();
    const std::string much = std::string(300'000, 'x') + "\n";
    client.send(much);
    EXPECT_EQ(client.read_until("\n").size(), much.size());
    EXPECT_EQ(proxy.links(), 1U);
}

TEST_F(Proxied, DelaysAndNeverReorders) {
    proxy.set(Direction::to_server, {.delay = 60ms, .jitter = 40ms, .slice = 1});
    RawSocket client = connect();
    const auto begin = steady_clock::now();
    std::string all;
    for (int line = 0; line < 10; ++line)
        all += std::to_string(line) + "\n";
    client.send(all);
    EXPECT_EQ(client.read_until("9\n"), all);
    EXPECT_GE(steady_clock::now() - begin, 60ms);
}

TEST_F(Proxied, IsAsNarrowAsTold) {
    proxy.set(Direction::to_server, {.bytes_per_second = 10'000});
    RawSocket client = connect();
    const auto begin = steady_clock::now();
    client.send(std::string(2'000, 'x') + "\n");
    client.read_until("\n");
    EXPECT_GE(steady_clock::now() - begin, 190ms);
}

TEST_F(Proxied, SwallowsOneDirectionAndNobodyNotices) {
    RawSocket client = connect();
    client.send("first\n");
    EXPECT_EQ(client.read_until("\n"), "first\n");

    proxy.set(Direction::to_client, {.swallowed = true});
    client.send("second\n");
    EXPECT_EQ(client.read_until("\n", 200ms), "");
    EXPECT_FALSE(client.peer_closed());

    // What a link forgot it cannot remember: it ends, and the next one is whole.
    proxy.heal();
    client.read_to_end();
    EXPECT_TRUE(client.peer_closed());
    RawSocket next = connect();
    next.send("third\n");
    EXPECT_EQ(next.read_until("\n"), "third\n");
}

TEST_F(Proxied, HoldsWhatIsSaidAndLosesNothing) {
    RawSocket client = connect();
    proxy.set(Direction::to_server, {.held = true});
    client.send("late\n");
    EXPECT_EQ(client.read_until("\n", 200ms), "");
    proxy.heal();
    EXPECT_EQ(client.read_until("\n"), "late\n");
}

TEST_F(Proxied, EndsOneDirectionAndCarriesTheOther) {
    RawSocket client = connect();
    client.send("before\n");
    EXPECT_EQ(client.read_until("\n"), "before\n");
    proxy.half_close(Direction::to_client);
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_TRUE(client.peer_closed());
    EXPECT_TRUE(client.send("after\n"));
}

TEST_F(Proxied, ResetsEveryLinkAndTakesNewOnes) {
    RawSocket client = connect();
    client.send("x\n");
    client.read_until("\n");
    proxy.cut();
    client.read_to_end();
    EXPECT_TRUE(client.peer_closed());
    EXPECT_TRUE(eventually([&] { return proxy.open_links() == 0; }));
    RawSocket next = connect();
    next.send("y\n");
    EXPECT_EQ(next.read_until("\n"), "y\n");
}

TEST_F(Proxied, CutsAfterSoManyBytes) {
    RawSocket client = connect();
    proxy.cut_after(Direction::to_client, 4);
    client.send("longer than four\n");
    EXPECT_EQ(client.read_to_end().substr(0, 4), "long");
    EXPECT_EQ(proxy.cuts(), 1U);
}

TEST_F(Proxied, RefusesAsLongAsItIsTold) {
    proxy.refuse(true);
    RawSocket client = connect();
    client.send("x\n");
    client.read_to_end();
    EXPECT_TRUE(client.peer_closed());
    proxy.refuse(false);
    RawSocket next = connect();
    next.send("y\n");
    EXPECT_EQ(next.read_until("\n"), "y\n");
}

// The request arrives, its answer does not: what the caller cannot tell from a request that was lost.
TEST(FaultProxyAtAMessage, CutsBeforeTheAnswer) {
    std::optional<std::string> heard;
    ScriptedPeer peer({[&](RawSocket& socket) {
        heard = socket.read_until("\r\n\r\n");
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }});
    FaultProxy proxy({peer.port()}, {.protocol = Protocol::http});
    proxy.cut_at({.direction = Direction::to_client, .message = "answer", .passes_first = false});
    RawSocket client = RawSocket::connect_to(proxy.port());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_TRUE(client.peer_closed());
    EXPECT_EQ(proxy.cuts(), 1U);
    EXPECT_TRUE(heard.has_value() && heard->starts_with("GET / HTTP/1.1"));
}

TEST(FaultProxyBeforeSeveral, GoesToTheNextThatTakesIt) {
    ScriptedPeer peer({echo});
    FaultProxy proxy({closed_port(), peer.port()}, {});
    for (int turn = 0; turn < 3; ++turn) {
        RawSocket client = RawSocket::connect_to(proxy.port());
        client.send("x\n");
        EXPECT_EQ(client.read_until("\n"), "x\n");
    }
}

}  // namespace
}  // namespace ordersaga::network
