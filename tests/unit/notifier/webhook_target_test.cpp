#include "notifier/webhook_target.hpp"

#include "runtime/standard_webhooks.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <utility>
#include <vector>

namespace ordersaga::notifier {
namespace {

using Kind = TryResult::Kind;

const std::string old_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string new_secret = "whsec_bmV3IHNlY3JldCBvZiB0aGUgdGVzdCwgMzI=";

db::DueNotice a_notice() {
    db::DueNotice notice;
    notice.key = {1, "webhook:erp", "announcement.7"};
    notice.topic = "orders.shipped";
    notice.body = R"({"schema": 1, "order_id": "5405103194367", "at": "2026-07-01T09:30:00.000000Z"})";
    notice.now = runtime::parse_rfc3339("2026-07-01T10:00:00Z").value();
    return notice;
}

WebhookConfig a_hook() {
    WebhookConfig config;
    config.url = "http://127.0.0.1:1/hook";
    config.secrets = {new_secret, old_secret};
    return config;
}

runtime::StandardWebhookVerdict judged(const runtime::HttpCall& call, const std::string& secret, runtime::Instant at) {
    const std::vector<std::string> secrets{secret};
    return runtime::judge_standard_webhook(
        {*runtime::find_header(call.headers, "webhook-id"), *runtime::find_header(call.headers, "webhook-timestamp"),
         *runtime::find_header(call.headers, "webhook-signature")},
        call.body, secrets, at);
}

TEST(WebhookCall, TellsWhatHappenedWhenAndToWhom) {
    const nlohmann::json body = nlohmann::json::parse(webhook_call(a_hook(), a_notice()).body);

    EXPECT_EQ(body.at("type"), "orders.shipped");
    EXPECT_EQ(body.at("timestamp"), "2026-07-01T09:30:00.000000Z");
    EXPECT_EQ(body.at("data").at("order_id"), "5405103194367");
}

// While a secret is replaced the receiver may know the old one, the new one or both.
TEST(WebhookCall, FitsEachOfItsSecretsAndNoOther) {
    const db::DueNotice notice = a_notice();
    const runtime::HttpCall call = webhook_call(a_hook(), notice);

    EXPECT_EQ(judged(call, old_secret, notice.now), runtime::StandardWebhookVerdict::verified);
    EXPECT_EQ(judged(call, new_secret, notice.now), runtime::StandardWebhookVerdict::verified);
    EXPECT_EQ(judged(call, "whsec_YW5vdGhlciBvbmU=", notice.now), runtime::StandardWebhookVerdict::mismatched);
}

TEST(WebhookCall, ARepeatHasTheSameIdAndBodyAndATimeOfItsOwn) {
    db::DueNotice notice = a_notice();
    const runtime::HttpCall first = webhook_call(a_hook(), notice);
    notice.now += std::chrono::hours(1);
    notice.tries = 2;
    const runtime::HttpCall second = webhook_call(a_hook(), notice);

    EXPECT_EQ(*runtime::find_header(first.headers, "webhook-id"), "announcement.7");
    EXPECT_EQ(*runtime::find_header(second.headers, "webhook-id"), "announcement.7");
    EXPECT_EQ(first.body, second.body);
    EXPECT_EQ(judged(second, new_secret, notice.now), runtime::StandardWebhookVerdict::verified);
}

class OneAnswer final : public runtime::HttpTransport {
public:
    boost::asio::awaitable<runtime::HttpOutcome> send(runtime::HttpCall) override { co_return outcome; }
    runtime::HttpOutcome outcome;
};

TEST(WebhookTarget, TakesOnlyATwoHundredForAYesAndOnlyGoneForANo) {
    boost::asio::thread_pool threads(1);
    OneAnswer http;
    WebhookTarget target(a_hook(), threads.get_executor(), http);
    const std::pair<int, Kind> cases[] = {{200, Kind::delivered}, {204, Kind::delivered}, {301, Kind::try_again},
                                          {400, Kind::try_again}, {401, Kind::try_again}, {429, Kind::try_again},
                                          {500, Kind::try_again}, {410, Kind::refused}};
    http.outcome.kind = runtime::HttpOutcome::Kind::response;
    for (const auto& [status, kind] : cases) {
        http.outcome.status = status;
        EXPECT_EQ(target.send(a_notice()).kind, kind) << status;
    }
}

TEST(WebhookTarget, SaysWhenItMayHaveArrivedAllTheSame) {
    boost::asio::thread_pool threads(1);
    OneAnswer http;
    WebhookTarget target(a_hook(), threads.get_executor(), http);

    http.outcome.kind = runtime::HttpOutcome::Kind::unknown;
    http.outcome.error = "connection reset";
    EXPECT_EQ(target.send(a_notice()).error, "connection reset; it may have arrived all the same");

    http.outcome.kind = runtime::HttpOutcome::Kind::not_sent;
    EXPECT_EQ(target.send(a_notice()).error, "connection reset");
    EXPECT_EQ(target.send(a_notice()).kind, Kind::try_again);
}

}  // namespace
}  // namespace ordersaga::notifier
