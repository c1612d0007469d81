// The sandbox over real sockets: it answers, it misbehaves when told, and its webhooks arrive signed and again.
#include "runtime/clock.hpp"
#include "runtime/crypto.hpp"
#include "runtime/http_client.hpp"
#include "sandbox/sandbox_server.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;
namespace asio = boost::asio;

struct SandboxHttp : testing::Test {
    SandboxHttp()
        : server(context, 0, 1, clock),
          client(context.get_executor()),
          sink(context, 0, [this](const PeerRequest& request) {
              arrived.push_back(request);
              PeerReply reply;
              reply.status = arrived.size() == 1 ? 500 : 200;
              return reply;
          }) {}

    static asio::awaitable<void> send(
        SandboxHttp* self,
        runtime::HttpCall call,
        runtime::HttpOutcome* outcome,
        bool* done) {
        *outcome = co_await self->client.send(std::move(call));
        *done = true;
    }

    // One call, driven to its end on this thread.
    runtime::HttpOutcome call(
        const std::string& method,
        const std::string& path,
        const json& body = nullptr,
        runtime::HttpHeaders headers = {}) {
        runtime::HttpCall wanted;
        wanted.method = method;
        wanted.url = server.url() + path;
        wanted.headers = std::move(headers);
        wanted.body = body.is_null() ? std::string() : body.dump();
        wanted.total_timeout = std::chrono::milliseconds{500};
        runtime::HttpOutcome outcome;
        bool done = false;
        asio::co_spawn(context, send(this, std::move(wanted), &outcome, &done), [](std::exception_ptr) {});
        run_until([&] { return done; });
        return outcome;
    }

    void run_until(const std::function<bool()>& reached) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        while (!reached() && std::chrono::steady_clock::now() < deadline) {
            context.run_one_for(std::chrono::milliseconds{50});
        }
        ASSERT_TRUE(reached());
    }

    std::string sink_url() const { return "http://127.0.0.1:" + std::to_string(sink.port()) + "/webhooks/shopify"; }

    asio::io_context context{1};
    runtime::SystemClock clock;
    SandboxServer server;
    runtime::HttpClient client;
    std::vector<PeerRequest> arrived;
    PeerServer sink;
};

TEST_F(SandboxHttp, TakesAnOrderAndDeliversItsWebhookAgainAfterAFailure) {
    ASSERT_EQ(
        call(
            "POST", "/control/stores",
            {{"domain", "blue.myshopify.com"},
             {"webhook_url", sink_url()},
             {"variants", json::array({{{"sku", "A"}, {"stock", 3}}})}})
            .status,
        201);
    ASSERT_EQ(call("PUT", "/control/faults", {{"redelivery", {{"first_ms", 20}}}}).status, 200);

    ASSERT_EQ(
        call(
            "POST", "/control/stores/blue.myshopify.com/orders",
            {{"lines", json::array({{{"sku", "A"}, {"quantity", 2}}})}})
            .status,
        201);
    run_until([&] { return arrived.size() >= 4; });

    for (const auto& request : arrived) {
        const std::string expected =
            runtime::base64_encode(runtime::hmac_sha256("secret-of-blue.myshopify.com", request.body));
        EXPECT_EQ(request.header("x-shopify-hmac-sha256"), expected);
    }
    const json summary = json::parse(call("GET", "/control/summary").body);
    EXPECT_EQ(summary["webhooks"]["shopify"]["redelivered"], 1);
    EXPECT_EQ(summary["stores"]["blue.myshopify.com"]["levels"][0]["available"], 1);
    const json log = json::parse(call("GET", "/control/deliveries?limit=2").body);
    EXPECT_EQ(log["next_after"], 2);
    EXPECT_GE(log["size"], 4);
    EXPECT_EQ(log["deliveries"][0]["sender"], "blue.myshopify.com");
    EXPECT_GT(log["deliveries"][0]["answered_us"], 0);
    EXPECT_TRUE(log["deliveries"][0]["status"] == 500 || log["deliveries"][1]["status"] == 500) << log.dump();
}

TEST_F(SandboxHttp, SpoilsCallsAsToldAndKeepsTheEffect) {
    ASSERT_EQ(
        call(
            "POST", "/control/warehouses",
            {{"name", "main"}, {"products", json::array({{{"sku", "A"}, {"on_hand", 3}}})}})
            .status,
        201);
    const auto fault = [&](const char* kind) {
        ASSERT_EQ(
            call("PUT", "/control/faults", {{"calls", {{"shipbob", {{kind, 1.0}, {"hold_for_ms", 5000}}}}}}).status,
            200);
    };
    const auto create = [&](const std::string& reference) {
        const json body{
            {"reference_id", reference},
            {"shipping_method", "Standard"},
            {"type", "DTC"},
            {"recipient", {{"name", "Ada"}, {"address", {{"address1", "1"}, {"city", "York"}, {"country", "US"}}}}},
            {"products", json::array({{{"reference_id", "A"}, {"name", "A"}, {"quantity", 1}}})}};
        return call(
            "POST", "/shipbob/main/2026-01/order", body,
            {{"Authorization", "Bearer pat-main"}, {"shipbob_channel_id", "128944"}});
    };
    const auto created = [&] {
        return json::parse(call("GET", "/control/summary").body)["effects"]["fulfillments_created"].get<int>();
    };
    using Kind = runtime::HttpOutcome::Kind;

    fault("throttled");
    EXPECT_EQ(create("b.1.1.1").status, 429);
    fault("turned_away");
    EXPECT_EQ(create("b.1.1.1").status, 503);
    fault("error_inside");
    EXPECT_EQ(create("b.1.1.1").status, 200);
    fault("reset_before");
    EXPECT_EQ(create("b.1.1.1").kind, Kind::unknown);
    EXPECT_EQ(created(), 0);
    fault("reset_after");
    EXPECT_EQ(create("b.1.1.1").kind, Kind::unknown);
    EXPECT_EQ(created(), 1);
    fault("timeout_after");
    EXPECT_EQ(create("b.2.1.1").kind, Kind::unknown);
    fault("error_after");
    EXPECT_GE(create("b.3.1.1").status, 500);
    EXPECT_EQ(created(), 3);
    fault("garbage");
    EXPECT_EQ(create("b.4.1.1").kind, Kind::unknown);
    EXPECT_EQ(json::parse(call("GET", "/control/summary").body)["faults"]["shipbob"]["timeout_after"], 1);
}

TEST_F(SandboxHttp, ListensAndTellsWhatItIs) {
    EXPECT_EQ(call("GET", "/healthz").status, 200);
    EXPECT_NE(call("GET", "/").body.find("/control/summary"), std::string::npos);
    EXPECT_EQ(call("GET", "/nothing").status, 404);
    EXPECT_EQ(
        call("POST", "/shopify/unknown.myshopify.com/admin/api/2026-07/graphql.json", json::object()).status, 404);
}

}  // namespace
}  // namespace ordersaga::sandbox
