#include "runtime/completion.hpp"
#include "runtime/log.hpp"
#include "runtime/metrics.hpp"
#include "tests/unit/runtime/loopback.hpp"
#include "tests/unit/runtime/running_server.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace ordersaga::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::eventually;
using testing::RawSocket;
using testing::RunningServer;

const std::string simple_get = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(HttpServer, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
    RunningServer server;
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(
        "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab" +
        std::string("GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    const std::string answers = client.read_to_end();

    const std::size_t first = answers.find("GET /1 0");
    const std::size_t second = answers.find("POST /2 2");
    const std::size_t third = answers.find("GET /3 0");
    EXPECT_LT(first, second);
    EXPECT_LT(second, third);
    EXPECT_NE(third, std::string::npos);
    EXPECT_TRUE(client.peer_closed());
}

TEST(HttpServer, GivesTheHandlerEverythingItNeeds) {
    RunningServer server;
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(
        "POST /web%2Fhooks?a=1&b=x+y HTTP/1.1\r\nHost: x\r\nX-Twice: 1\r\nx-twice: 2\r\nContent-Length: "
        "3\r\n\r\na\r\n");
    client.read_until("POST");

    const std::vector<HttpRequest> requests = server.requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].path, "/web/hooks");
    EXPECT_EQ(requests[0].target, "/web%2Fhooks?a=1&b=x+y");
    EXPECT_EQ(*requests[0].query_value("b"), "x y");
    EXPECT_EQ(requests[0].query_value("c"), nullptr);
    EXPECT_EQ(requests[0].header_count("X-TWICE"), 2U);
    EXPECT_EQ(*requests[0].header("X-Twice"), "1");
    EXPECT_EQ(requests[0].body, "a\r\n");
    EXPECT_EQ(requests[0].remote_address, "127.0.0.1");
}

TEST(HttpServer, TellsTheClientToContinueBeforeTheBody) {
    RunningServer server;
    RawSocket client = RawSocket::connect_to(server.port());

    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ab");

    EXPECT_NE(client.read_until("POST / 2").find("200 OK"), std::string::npos);
}

TEST(HttpServer, AnEscapedExceptionIsA500WithoutDetails) {
    const LogCapture log;
    RunningServer server({}, [](HttpRequest) -> asio::awaitable<HttpResponse> {
        throw std::runtime_error("password=hunter2");
        co_return HttpResponse{};
    });
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(simple_get);
    const std::string answer = client.read_to_end();

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_EQ(answer.find("hunter2"), std::string::npos);
    EXPECT_TRUE(log.contains("an HTTP handler failed"));
}

// Also when the handler is a plain function that throws before any coroutine exists.
TEST(HttpServer, AHandlerThatThrowsAtOnceIsA500) {
    const LogCapture log;
    RunningServer server({}, [](HttpRequest) -> asio::awaitable<HttpResponse> { throw 7; });
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(simple_get);

    EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 500 "));
}

asio::awaitable<HttpResponse> wait_for_release(Completion<int> release) {
    co_await release.wait_for(10s);
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = "released";
    co_return response;
}

TEST(HttpServer, ALateHandlerIsA503) {
    const LogCapture log;
    Completion<int> release;
    HttpServerOptions options;
    options.answer_timeout = 50ms;
    RunningServer server(options, [&](HttpRequest) { return wait_for_release(release); });
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(simple_get);
    const std::string answer = client.read_to_end();
    release.complete(1);

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
    EXPECT_NE(answer.find("Retry-After: 1"), std::string::npos);
}

TEST(HttpServer, ASlowHeaderIs408) {
    HttpServerOptions options;
    options.header_timeout = 50ms;
    RunningServer server(options);
    RawSocket client = RawSocket::connect_to(server.port());

    client.send("GET / HTTP/1.1\r\nHost: ");

    EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 408 "));
    EXPECT_TRUE(client.peer_closed());
}

// Bytes that keep coming must not extend the time: the deadline counts from the first one.
TEST(HttpServer, ABodyThatDripsIs408) {
    HttpServerOptions options;
    options.request_timeout = 100ms;
    RunningServer server(options);
    RawSocket client = RawSocket::connect_to(server.port());

    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    std::string answer;
    eventually([&] {
        client.send("x");
        answer += client.read_to_end(10ms);
        return !answer.empty();
    });

    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
    EXPECT_TRUE(server.requests().empty());
}

// Connections that dawdle in every way there is take up their places and nothing else.
TEST(HttpServer, SlowPeersHoldUpNobodyElse) {
    HttpServerOptions options;
    options.header_timeout = 3s;
    options.request_timeout = 3s;
    options.idle_timeout = 3s;
    RunningServer server(options);
    const std::vector<std::string> beginnings{
        "", "G", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"};
    std::vector<RawSocket> slow;
    for (std::size_t i = 0; i < 200; ++i) {
        slow.push_back(RawSocket::connect_to(server.port()));
        slow.back().send(beginnings[i % beginnings.size()]);
    }
    ASSERT_TRUE(eventually([&] { return server.server().connections() == slow.size(); }));

    for (int request = 0; request < 50; ++request) {
        RawSocket quick = RawSocket::connect_to(server.port());
        quick.send("GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        EXPECT_TRUE(quick.read_to_end().ends_with("GET /quick 0"));
    }

    EXPECT_TRUE(eventually([&] { return server.server().connections() == 0; }, 15s)) << "the slow ones are cut in time";
    EXPECT_EQ(server.requests().size(), 50U);
}

// Whoever asks for much and takes nothing must not keep it in our memory for ever.
TEST(HttpServer, APeerThatDoesNotReadItsAnswerIsCut) {
    HttpServerOptions options;
    options.write_timeout = 100ms;
    RunningServer server(options, [](HttpRequest) -> asio::awaitable<HttpResponse> {
        HttpResponse response;
        response.body = std::string(16 * 1024 * 1024, 'x');
        co_return response;
    });
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(simple_get);

    ASSERT_TRUE(eventually([&] { return server.requests().size() == 1; }));
    EXPECT_TRUE(eventually([&] { return server.server().connections() == 0; }));
}

TEST(HttpServer, AnIdleConnectionIsClosedWithoutAWord) {
    HttpServerOptions options;
    options.idle_timeout = 50ms;
    RunningServer server(options);
    RawSocket client = RawSocket::connect_to(server.port());

    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_TRUE(client.peer_closed());
}

TEST(HttpServer, TheBodyLimitBelongsToTheRoute) {
    HttpServerOptions options;
    options.body_limit_for = [](std::string_view, std::string_view path) -> std::size_t {
        return path == "/large" ? 100 : 10;
    };
    RunningServer server(options);
    const std::string tail =
        " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 50\r\n\r\n" + std::string(50, 'x');
    RawSocket large = RawSocket::connect_to(server.port());
    RawSocket small = RawSocket::connect_to(server.port());

    large.send("POST /large" + tail);
    small.send("POST /small" + tail);

    EXPECT_TRUE(large.read_to_end().starts_with("HTTP/1.1 200 "));
    EXPECT_TRUE(small.read_to_end().starts_with("HTTP/1.1 413 "));
}

TEST(HttpServer, BoundsItsConnections) {
    HttpServerOptions options;
    options.max_connections = 2;
    RunningServer server(options);
    RawSocket first = RawSocket::connect_to(server.port());
    RawSocket second = RawSocket::connect_to(server.port());
    ASSERT_TRUE(eventually([&] { return server.server().connections() == 2; }));
    RawSocket third = RawSocket::connect_to(server.port());

    EXPECT_TRUE(third.read_to_end().starts_with("HTTP/1.1 503 "));
    first.close();
    ASSERT_TRUE(eventually([&] { return server.server().connections() == 1; }));
    RawSocket fourth = RawSocket::connect_to(server.port());
    fourth.send(simple_get);
    EXPECT_TRUE(fourth.read_until("GET").starts_with("HTTP/1.1 200 "));
}

TEST(HttpServer, BoundsTheConnectionsOfOneAddress) {
    HttpServerOptions options;
    options.max_connections_per_address = 1;
    RunningServer server(options);
    RawSocket first = RawSocket::connect_to(server.port());
    ASSERT_TRUE(eventually([&] { return server.server().connections() == 1; }));
    RawSocket second = RawSocket::connect_to(server.port());

    EXPECT_TRUE(second.read_to_end().starts_with("HTTP/1.1 503 "));
}

TEST(HttpServer, StoppingLetsARequestInFlightFinish) {
    Completion<int> release;
    RunningServer server({}, [&](HttpRequest) { return wait_for_release(release); });
    RawSocket busy = RawSocket::connect_to(server.port());
    RawSocket idle = RawSocket::connect_to(server.port());
    busy.send(simple_get);
    ASSERT_TRUE(eventually([&] { return server.requests().size() == 1 && server.server().connections() == 2; }));

    server.server().stop();
    EXPECT_EQ(idle.read_to_end(), "");
    release.complete(1);

    EXPECT_TRUE(busy.read_to_end().ends_with("released"));
    EXPECT_TRUE(server.server().stop_and_wait(2s));
    EXPECT_THROW(RawSocket::connect_to(server.port()), std::runtime_error);
}

TEST(HttpServer, StoppingCutsWhatDoesNotEnd) {
    HttpServerOptions options;
    options.answer_timeout = 60s;
    Completion<int> release;
    RunningServer server(options, [&](HttpRequest) { return wait_for_release(release); });
    RawSocket busy = RawSocket::connect_to(server.port());
    busy.send(simple_get);
    ASSERT_TRUE(eventually([&] { return server.requests().size() == 1; }));

    EXPECT_FALSE(server.server().stop_and_wait(50ms));

    EXPECT_EQ(busy.read_to_end(), "");
    EXPECT_TRUE(busy.peer_closed());
    release.complete(1);
}

TEST(HttpServer, HeadHasTheLengthButNoBody) {
    RunningServer server;
    RawSocket client = RawSocket::connect_to(server.port());

    client.send("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string answer = client.read_to_end();

    EXPECT_NE(answer.find("Content-Length: 9\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

asio::awaitable<HttpResponse> hostile_headers(HttpRequest) {
    HttpResponse response;
    response.status = 204;
    response.headers = {{"X-Good", "1"}, {"X-Bad", "a\r\nSet-Cookie: x"}, {"X-\nBad", "b"}};
    co_return response;
}

TEST(HttpServer, DropsAHeaderThatWouldSplitTheAnswer) {
    RunningServer server({}, hostile_headers);
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(simple_get);
    const std::string answer = client.read_until("\r\n\r\n");

    EXPECT_NE(answer.find("X-Good: 1"), std::string::npos);
    EXPECT_EQ(answer.find("Set-Cookie"), std::string::npos);
    EXPECT_EQ(answer.find("Bad"), std::string::npos);
    EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
}

asio::awaitable<void> three_events(HttpStream& stream) {
    for (int i = 0; i < 3; ++i) {
        const bool written = co_await stream.write("data: " + std::to_string(i) + "\n\n");
        if (!written) co_return;
    }
}

asio::awaitable<HttpResponse> finite_stream(HttpRequest) {
    HttpResponse response;
    response.content_type = "text/event-stream";
    response.stream = three_events;
    co_return response;
}

TEST(HttpServer, StreamsAnAnswerInChunks) {
    RunningServer server({}, finite_stream);
    RawSocket client = RawSocket::connect_to(server.port());

    client.send(simple_get);
    const std::string answer = client.read_to_end();

    EXPECT_NE(answer.find("Content-Type: text/event-stream\r\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"))
        << answer;
}

asio::awaitable<void> endless_events(HttpStream& stream) {
    for (;;) {
        const bool written = co_await stream.write(": alive\n\n");
        if (!written) co_return;
        const bool goes_on = co_await stream.wait(1min);
        if (!goes_on) co_return;
    }
}

asio::awaitable<HttpResponse> endless_stream(HttpRequest) {
    HttpResponse response;
    response.stream = endless_events;
    co_return response;
}

TEST(HttpServer, StoppingEndsAStreamThatWaits) {
    RunningServer server({}, endless_stream);
    RawSocket client = RawSocket::connect_to(server.port());
    client.send(simple_get);
    client.read_until(": alive");

    EXPECT_TRUE(server.server().stop_and_wait(5s));

    EXPECT_TRUE(client.read_to_end().ends_with("0\r\n\r\n"));
}

TEST(HttpServer, CountsWhatItAnswersAndRefuses) {
    Metrics metrics;
    HttpServerOptions options;
    options.name = "public";
    options.metrics = &metrics;
    RunningServer server(options);
    RawSocket good = RawSocket::connect_to(server.port());
    RawSocket bad = RawSocket::connect_to(server.port());

    good.send(simple_get);
    good.read_until("GET");
    bad.send("nonsense\r\n\r\n");
    bad.read_to_end();

    const std::string text = metrics.exposition();
    EXPECT_NE(text.find("ordersaga_http_requests_total{listener=\"public\",status=\"200\"} 1"), std::string::npos)
        << text;
    EXPECT_NE(text.find("ordersaga_http_requests_total{listener=\"public\",status=\"400\"} 1"), std::string::npos);
    EXPECT_NE(text.find("ordersaga_http_refused_total{listener=\"public\",reason="), std::string::npos);
}

TEST(HttpServer, AnAddressInUseIsAnErrorAtTheStart) {
    RunningServer server;
    HttpServerOptions options;
    options.port = server.port();
    HttpServer second(server.context().get_executor(), options, hostile_headers);

    EXPECT_THROW(second.start(), std::exception);
}

}  // namespace
}  // namespace ordersaga::runtime
