#include "runtime/status_server.hpp"

#include "tests/unit/runtime/loopback.hpp"
#include "tests/unit/runtime/running_server.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace ordersaga::runtime {
namespace {

using testing::RawSocket;
using testing::RunningServer;

std::string answer_of(const RunningServer& server, const std::string& path) {
    RawSocket client = RawSocket::connect_to(server.port());
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client.read_to_end();
}

TEST(StatusServer, TellsWhetherTheProgramWorksAndWhatItCounted) {
    Metrics metrics;
    metrics.counter("ordersaga_parcels_total", "parcels").add(3);
    std::atomic<bool> ready{false};
    RunningServer server({}, status_handler({"packer", metrics, [&] {
                                                 return std::string(ready ? "" : "no parcels come");
                                             }}));

    const std::string answer = answer_of(server, "/readyz");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << "it does not work yet";
    EXPECT_NE(answer.find("not ready: no parcels come"), std::string::npos) << answer;
    EXPECT_TRUE(answer_of(server, "/healthz").starts_with("HTTP/1.1 200")) << "but it runs";
    ready = true;
    EXPECT_TRUE(answer_of(server, "/readyz").starts_with("HTTP/1.1 200"));
    EXPECT_NE(answer_of(server, "/metrics").find("ordersaga_parcels_total 3"), std::string::npos);
    EXPECT_NE(answer_of(server, "/").find("packer: /metrics"), std::string::npos);
    EXPECT_TRUE(answer_of(server, "/orders").starts_with("HTTP/1.1 404"));
}

}  // namespace
}  // namespace ordersaga::runtime
