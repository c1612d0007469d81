// Requests that two readers could understand differently, and requests too large: refused before anything is stored, and
// nothing behind them on the same connection is ever served.
#include "orchestrator/webhook/shopify_signature.hpp"
#include "tests/integration/hostile/hostile_world.hpp"
#include "tests/unit/runtime/loopback.hpp"

namespace ordersaga::test {
namespace {

using runtime::testing::RawSocket;

class HostileFraming : public HostileWorld {
protected:
    static std::string head(const std::string& body, const std::string& more) {
        return "POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nX-Shopify-Topic: "
               "orders/create\r\nX-Shopify-Shop-Domain: " +
               std::string(shop) +
               "\r\nX-Shopify-Webhook-Id: raw\r\nX-Shopify-Hmac-Sha256: " + webhook::shopify_signature(body, secret) +
               "\r\n" + more + "\r\n";
    }
    static std::string length(const std::string& body) {
        return "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }

    // The status of the first answer, after the peer has closed; 0 when there was none.
    int status_of(const std::string& bytes, std::uint16_t port) {
        RawSocket socket = RawSocket::connect_to(port);
        socket.send(bytes);
        const std::string answer = socket.read_to_end();
        EXPECT_TRUE(socket.peer_closed()) << "the connection stays open after: " << bytes.substr(0, 120);
        answers_ = 0;
        for (std::size_t at = answer.find("HTTP/1.1 "); at != std::string::npos; at = answer.find("HTTP/1.1 ", at + 1))
            ++answers_;
        return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
    }

    int answers_ = 0;
};

TEST_F(HostileFraming, ThatIsAmbiguousIsRefusedAndNothingBehindItIsServed) {
    const std::string body = an_order(1).dump();
    const std::string behind = head(body, length(body)) + body;
    const std::string chunk = "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
    const std::vector<std::string> requests{
        head(body, length(body) + "Transfer-Encoding: chunked\r\n") + body,
        head(body, "Transfer-Encoding: chunked\r\n" + length(body)) + chunk,
        head(body, length(body) + "Content-Length: 0\r\n") + body,
        head(body, "Content-Length: 5, 6\r\n") + body,
        head(body, "Content-Length: +5\r\n") + body,
        head(body, "Content-Length: 0x10\r\n") + body,
        head(body, "Content-Length: 99999999999999999999\r\n") + body,
        head(body, "Transfer-Encoding: gzip, chunked\r\n") + chunk,
        head(body, "Transfer-Encoding: xchunked\r\n") + chunk,
        head(body, "Transfer-Encoding : chunked\r\n") + chunk,
        head(body, "Transfer-Encoding: chunked\r\n") + "zz\r\nbody\r\n0\r\n\r\n",
        head(body, "Transfer-Encoding: chunked\r\n") + "fffffffffffffffff\r\nbody\r\n0\r\n\r\n",
        head(body, length(body) + "X-Folded: a\r\n b\r\n") + body,
        head(body, length(body) + "X-Nul: a" + std::string(1, '\0') + "b\r\n") + body,
        head(body, length(body) + "Host: y\r\n") + body,
        head(body, length(body) + "No colon here\r\n") + body,
    };
    for (const std::string& request : requests) {
        const int status = status_of(request + behind, orchestrator_->public_port());
        EXPECT_TRUE(status == 400 || status == 501 || status == 413) << status << " for " << request.substr(0, 400);
        EXPECT_LE(answers_, 1) << request.substr(0, 400);
    }
    EXPECT_EQ(count("webhook_receipts"), 0);
    expect_that_it_lives();
}

TEST_F(HostileFraming, IsJudgedAlikeByThePrivateListener) {
    const std::string behind = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string start = "POST /api/v1/sagas/0190a000-0000-7000-8000-000000000001/cancel HTTP/1.1\r\nHost: x\r\n";
    for (const std::string& headers :
         {std::string("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
          std::string("Content-Length: 2\r\nContent-Length: 3\r\n")}) {
        EXPECT_EQ(status_of(start + headers + "\r\n{}" + behind, orchestrator_->private_port()), 400);
        EXPECT_EQ(answers_, 1);
    }
}

TEST_F(HostileFraming, WithoutALengthIsAskedForOne) {
    EXPECT_EQ(status_of(head("", "Connection: close\r\n"), orchestrator_->public_port()), 411);
}

TEST_F(HostileFraming, ThatIsTooLargeIsRefusedUnread) {
    const std::string declared =
        head("", "Content-Length: " + std::to_string(webhook::webhook_body_limit + 1) + "\r\n");
    EXPECT_EQ(status_of(declared, orchestrator_->public_port()), 413);
    // In chunks nobody declares a size.
    std::string chunked = head("", "Transfer-Encoding: chunked\r\n");
    const std::string megabyte = "100000\r\n" + std::string(0x100000, ' ') + "\r\n";
    for (int chunk = 0; chunk < 5; ++chunk)
        chunked += megabyte;
    const int status = status_of(chunked, orchestrator_->public_port());
    EXPECT_TRUE(status == 413 || status == 0) << status << ": the peer may be reset while it still sends";
    EXPECT_EQ(
        status_of(
            head("", "X-Large: " + std::string(20'000, 'a') + "\r\n" + "Content-Length: 0\r\n"),
            orchestrator_->public_port()),
        431);
    EXPECT_EQ(count("webhook_receipts"), 0);
    expect_that_it_lives();
}

// The largest body that is allowed goes through, however it is cut.
TEST_F(HostileFraming, UpToTheLimitIsServed) {
    std::string body = an_order(1).dump();
    body += std::string(webhook::webhook_body_limit - body.size(), ' ');
    EXPECT_EQ(send("orders/create", "w1", body).status, 200);
    EXPECT_EQ(look("SELECT status FROM webhook_receipts"), "applied");
}

}  // namespace
}  // namespace ordersaga::test
