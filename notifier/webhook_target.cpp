#include "notifier/webhook_target.hpp"

#include "runtime/json.hpp"
#include "runtime/standard_webhooks.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <future>
#include <utility>

namespace ordersaga::notifier {

namespace {

// {"type": topic, "timestamp": when it happened, "data": the event's body}
std::string body_of(const db::DueNotice& notice) {
    const nlohmann::json data = runtime::parse_json(notice.body).value();
    nlohmann::ordered_json body;
    body["type"] = notice.topic;
    body["timestamp"] = runtime::get_text(data, "at").value_or("");
    body["data"] = data;
    return body.dump();
}

}  // namespace

runtime::HttpCall webhook_call(const WebhookConfig& config, const db::DueNotice& notice) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(notice.now.time_since_epoch());
    const std::string timestamp = std::to_string(seconds.count());
    runtime::HttpCall call;
    call.method = "POST";
    call.url = config.url;
    call.total_timeout = config.timeout;
    call.body = body_of(notice);
    std::string signatures;
    for (const std::string& secret : config.secrets) {
        if (!signatures.empty()) signatures += ' ';
        signatures += runtime::standard_webhook_signature(notice.key.event_id, timestamp, call.body, secret).value();
    }
    call.headers = {
        {"Content-Type", "application/json"},
        {"webhook-id", notice.key.event_id},
        {"webhook-timestamp", timestamp},
        {"webhook-signature", signatures}};
    return call;
}

WebhookTarget::WebhookTarget(WebhookConfig config, boost::asio::any_io_executor executor, runtime::HttpTransport& http)
    : config_(std::move(config)), executor_(std::move(executor)), http_(http) {}

TryResult WebhookTarget::send(const db::DueNotice& notice) {
    std::future<runtime::HttpOutcome> sent =
        boost::asio::co_spawn(executor_, http_.send(webhook_call(config_, notice)), boost::asio::use_future);
    const runtime::HttpOutcome outcome = sent.get();
    switch (outcome.kind) {
        case runtime::HttpOutcome::Kind::not_sent: return {TryResult::Kind::try_again, outcome.error};
        case runtime::HttpOutcome::Kind::unknown:
            return {TryResult::Kind::try_again, outcome.error + "; it may have arrived all the same"};
        case runtime::HttpOutcome::Kind::response: break;
    }
    if (outcome.status >= 200 && outcome.status < 300) return {TryResult::Kind::delivered, {}};
    const std::string error = "answered with status " + std::to_string(outcome.status);
    return {outcome.status == 410 ? TryResult::Kind::refused : TryResult::Kind::try_again, error};
}

}  // namespace ordersaga::notifier
