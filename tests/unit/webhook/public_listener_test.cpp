// The public handler in front of a scripted engine, without a socket.
#include "orchestrator/webhook/public_listener.hpp"

#include "orchestrator/webhook/shopify_signature.hpp"
#include "runtime/metrics.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::webhook {
namespace {

using engine::InputResult;
using runtime::HttpRequest;
using runtime::HttpResponse;

class ScriptedQueue final : public IntakeQueue {
public:
    bool offer(engine::Input input) override {
        ++offered;
        if (full) return false;
        if (result) {
            input.done(*result);
        } else {
            silent.push_back(std::move(input));
        }
        return true;
    }
    bool has_room(const std::string& line) const override {
        asked.push_back(line);
        return room;
    }
    std::chrono::seconds return_in() override { return std::chrono::seconds(40 + ++told); }

    mutable std::vector<std::string> asked;
    bool room = true;
    int told = 0;
    bool full = false;
    std::optional<InputResult> result = InputResult{};
    int offered = 0;
    std::vector<engine::Input> silent;
};

class PublicListenerTest : public testing::Test {
protected:
    HttpResponse ask(HttpRequest request) {
        PublicListenerOptions options;
        options.commit_wait = std::chrono::milliseconds(50);
        options.authorization = authorization_;
        const runtime::HttpHandler handler = make_public_handler(*directory_, queue_, clock_, metrics_, options);
        boost::asio::io_context context;
        HttpResponse response;
        boost::asio::co_spawn(
            boost::asio::make_strand(context), handler(std::move(request)),
            [&](const std::exception_ptr& fault, HttpResponse answer) {
                ASSERT_FALSE(fault);
                response = std::move(answer);
            });
        context.run();
        return response;
    }

    static HttpRequest a_request(const std::string& method, const std::string& path) {
        HttpRequest request;
        request.method = method;
        request.path = request.target = path;
        return request;
    }

    static HttpRequest a_webhook() {
        HttpRequest request = a_request("POST", "/webhooks/shopify");
        request.body = R"({"id":1})";
        request.headers = {
            {"X-Shopify-Topic", "orders/delete"},
            {"X-Shopify-Shop-Domain", "eu.myshopify.com"},
            {"X-Shopify-Webhook-Id", "w-1"},
            {"X-Shopify-Hmac-Sha256", shopify_signature(request.body, "secret")},
        };
        return request;
    }

    std::unique_ptr<StoreDirectory> directory_ =
        fixed_store_directory({{{1}, {11}, "eu", "eu.myshopify.com", {"secret"}}}, {});
    std::function<void(runtime::HttpHeaders, std::function<void(std::string)>)> authorization_;
    ScriptedQueue queue_;
    runtime::ManualClock clock_;
    runtime::Metrics metrics_;
};

// S39: what was answered 200 was stored nowhere (statamic-cargo #190).
TEST_F(PublicListenerTest, AnswersOkOnlyForWhatIsStored) {
    for (const auto& [kind, status] : std::vector<std::pair<InputResult::Kind, int>>{
             {InputResult::Kind::applied, 200},
             {InputResult::Kind::duplicate, 200},
             {InputResult::Kind::ignored, 200},
             {InputResult::Kind::parked, 200},
             {InputResult::Kind::unavailable, 503},
         }) {
        queue_.result->kind = kind;
        EXPECT_EQ(ask(a_webhook()).status, status);
    }
}

TEST_F(PublicListenerTest, AsksEachToComeAgainAtAMomentOfHisOwnWhenTheQueueIsFull) {
    queue_.full = true;
    EXPECT_EQ(ask(a_webhook()).status, 503);
    const HttpResponse response = ask(a_webhook());
    EXPECT_EQ(response.status, 503);
    const std::string* returns_in = runtime::find_header(response.headers, "Retry-After");
    ASSERT_NE(returns_in, nullptr);
    EXPECT_EQ(*returns_in, "42");
}

// A flood must not cost what it would cost to take it. Its sender has proved who he is, so a stranger learns nothing by it.
TEST_F(PublicListenerTest, RefusesSignedOrdersBeforeTheyAreReadWhenTheirLineHasNoRoom) {
    queue_.room = false;
    const HttpResponse response = ask(a_webhook());
    EXPECT_EQ(response.status, 503);
    const std::string* returns_in = runtime::find_header(response.headers, "Retry-After");
    ASSERT_NE(returns_in, nullptr);
    EXPECT_EQ(*returns_in, "41");
    EXPECT_FALSE(response.close_connection) << "it will be back";
    EXPECT_EQ(queue_.offered, 0);
    EXPECT_EQ(queue_.asked, std::vector<std::string>{"store 11"});

    HttpRequest unsigned_one = a_webhook();
    unsigned_one.body += " ";
    EXPECT_EQ(ask(std::move(unsigned_one)).status, 401);
    EXPECT_EQ(queue_.asked.size(), 1U);

    // Levels wait in another engine.
    HttpRequest level = a_webhook();
    for (auto& [name, value] : level.headers) {
        if (value == "orders/delete") value = "inventory_levels/update";
    }
    EXPECT_EQ(ask(std::move(level)).status, 200);
    EXPECT_EQ(queue_.offered, 1);
}

TEST_F(PublicListenerTest, AsksToComeAgainWhenTheCommitIsLate) {
    queue_.result.reset();
    EXPECT_EQ(ask(a_webhook()).status, 503);
    ASSERT_EQ(queue_.silent.size(), 1U);
    queue_.silent[0].done(InputResult{});  // the late answer finds nobody and harms nobody
}

TEST_F(PublicListenerTest, OffersNothingThatIsNotSigned) {
    HttpRequest request = a_webhook();
    request.body += " ";
    EXPECT_EQ(ask(request).status, 401);
    EXPECT_EQ(queue_.offered, 0);
    EXPECT_NE(metrics_.exposition().find("unsigned"), std::string::npos);
}

TEST_F(PublicListenerTest, TellsWhatIsHereAndNothingElse) {
    EXPECT_EQ(ask(a_request("GET", "/")).status, 200);
    EXPECT_EQ(ask(a_request("GET", "/healthz")).status, 200);
    EXPECT_EQ(ask(a_request("POST", "/healthz")).status, 405);
    EXPECT_EQ(ask(a_request("GET", "/metrics")).status, 404);
    EXPECT_EQ(ask(a_request("GET", "/api/v1/sagas")).status, 404);
    EXPECT_EQ(ask(a_request("GET", "/webhooks/shopify")).status, 405);
    EXPECT_EQ(ask(a_request("POST", "/webhooks/shopify/")).status, 404);
    EXPECT_EQ(ask(a_request("POST", "/webhooks/shipbob/main")).status, 400);
}

TEST_F(PublicListenerTest, LimitsBodiesByPath) {
    const runtime::HttpBodyLimit limit = public_body_limit();
    EXPECT_EQ(limit("POST", "/webhooks/shopify"), 4U * 1024 * 1024);
    EXPECT_LT(limit("POST", "/"), 4096U);
}

// --- who connects a store ----------------------------------------------------------------------------------------------

TEST_F(PublicListenerTest, HandsOnWhatAStoresRedirectBrings) {
    std::string code;
    authorization_ = [&code](runtime::HttpHeaders query, auto done) {
        code = *runtime::find_header(query, "code");
        done("");
    };
    HttpRequest request = a_request("GET", "/oauth/shopify/callback");
    request.query = {{"code", "c-1"}, {"state", "s"}};

    const HttpResponse response = ask(request);

    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(code, "c-1");
    EXPECT_EQ(*runtime::find_header(response.headers, "Cache-Control"), "no-store");
    EXPECT_EQ(response.body.find("c-1"), std::string::npos);
}

TEST_F(PublicListenerTest, SaysWhyAStoreWasNotConnected) {
    authorization_ = [](runtime::HttpHeaders, auto done) {
        done("the signature is wrong");
    };
    const HttpResponse response = ask(a_request("GET", "/oauth/shopify/callback"));
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.body, "The store was not connected: the signature is wrong.\n");
}

TEST_F(PublicListenerTest, HasNoCallbackWithoutSomebodyBehindIt) {
    EXPECT_EQ(ask(a_request("GET", "/oauth/shopify/callback")).status, 404);
}

}  // namespace
}  // namespace ordersaga::webhook
