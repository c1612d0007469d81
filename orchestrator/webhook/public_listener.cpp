#include "orchestrator/webhook/public_listener.hpp"

#include "orchestrator/webhook/shipbob_webhook.hpp"
#include "orchestrator/webhook/shopify_webhook.hpp"
#include "runtime/completion.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/json.hpp"
#include "runtime/log.hpp"
#include "runtime/metrics.hpp"
#include "runtime/planted.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::webhook {

namespace {

namespace asio = boost::asio;
using engine::InputResult;
using runtime::HttpRequest;
using runtime::HttpResponse;

constexpr std::string_view shopify_path = "/webhooks/shopify";
constexpr std::string_view authorization_path = "/oauth/shopify/callback";
constexpr std::chrono::seconds authorization_wait{4};  // the server's own answer_timeout would say less
constexpr std::string_view shipbob_prefix = "/webhooks/shipbob/";

HttpResponse json_answer(int status, const nlohmann::json& body) {
    HttpResponse response;
    response.status = status;
    response.body = runtime::dump_json(body);
    return response;
}

HttpResponse front_page() {
    return json_answer(
        200, {
                 {"service", "ordersaga, public listener"},
                 {"paths",
                  {
                      {"POST /webhooks/shopify", "signed Shopify webhooks of connected stores"},
                      {"POST /webhooks/shipbob/{warehouse}", "signed ShipBob webhooks of a connected warehouse"},
                      {"GET /oauth/shopify/callback", "where a store sends the person who connects it"},
                      {"GET /healthz", "200 while the process lives"},
                  }},
             });
}

std::string_view name_of(InputResult::Kind kind) {
    switch (kind) {
        case InputResult::Kind::applied: return "applied";
        case InputResult::Kind::duplicate: return "duplicate";
        case InputResult::Kind::ignored: return "ignored";
        case InputResult::Kind::parked: return "parked";
        case InputResult::Kind::refused: return "refused";
        case InputResult::Kind::unavailable: return "unavailable";
    }
    return "unavailable";
}

HttpResponse answer_of(const std::optional<InputResult>& result) {
    if (!result) return refuse_webhook(503, "not stored in time, deliver it again");
    if (result->kind == InputResult::Kind::unavailable || result->kind == InputResult::Kind::refused) {
        return refuse_webhook(503, "cannot be stored now, deliver it again");
    }
    return json_answer(200, {{"result", name_of(result->kind)}});
}

class PublicListener {
public:
    PublicListener(
        const StoreDirectory& directory,
        IntakeQueue& queue,
        runtime::Clock& clock,
        runtime::Metrics& metrics,
        PublicListenerOptions options)
        : directory_(directory), queue_(queue), clock_(clock), metrics_(metrics), options_(std::move(options)) {}

    asio::awaitable<HttpResponse> answer(HttpRequest request) {
        if (request.path.starts_with("/webhooks/")) runtime::crash_point("webhook.read");
        if (request.path == shopify_path) {
            WebhookDecision decision = decide_shopify_webhook(
                request, directory_, clock_.now(),
                [this](const std::string& line) -> std::optional<std::chrono::seconds> {
                    if (queue_.has_room(line)) return std::nullopt;
                    return queue_.return_in();
                });
            HttpResponse response = co_await finish(std::move(decision), "shopify");
            co_return response;
        }
        if (request.path.starts_with(shipbob_prefix)) {
            const std::string key = request.path.substr(shipbob_prefix.size());
            WebhookDecision decision = decide_shipbob_webhook(request, key, directory_, clock_.now());
            HttpResponse response = co_await finish(std::move(decision), "shipbob");
            co_return response;
        }
        if (request.path == authorization_path && request.method == "GET" && options_.authorization) {
            HttpResponse response = co_await finish_authorization(std::move(request.query));
            co_return response;
        }
        co_return answer_plain(request);
    }

private:
    static HttpResponse answer_plain(const HttpRequest& request) {
        const bool known = request.path == "/" || request.path == "/healthz";
        if (!known) return refuse_webhook(404, "nothing is served here");
        if (request.method != "GET" && request.method != "HEAD") {
            HttpResponse response = refuse_webhook(405, "only GET is served here");
            response.headers = {{"Allow", "GET"}};
            return response;
        }
        if (request.path == "/healthz") return json_answer(200, {{"status", "alive"}});
        return front_page();
    }

    // The names of one series are fixed, so whatever a stranger writes cannot make new ones.
    void count(std::string_view source, std::string_view topic, std::string_view outcome) {
        metrics_
            .counter(
                "ordersaga_webhooks_total", "Webhook requests by source, topic and what became of them",
                {{"source", std::string(source)}, {"topic", std::string(topic)}, {"outcome", std::string(outcome)}})
            .add();
    }

    // Read by the person whose browser the store has sent here.
    asio::awaitable<HttpResponse> finish_authorization(runtime::HttpHeaders query) {
        const runtime::Completion<std::string> traded;
        options_.authorization(std::move(query), [traded](std::string fault) { traded.complete(std::move(fault)); });
        const std::optional<std::string> fault = co_await traded.wait_for(authorization_wait);
        HttpResponse response;
        response.content_type = "text/plain; charset=utf-8";
        response.headers = {{"Cache-Control", "no-store"}, {"Referrer-Policy", "no-referrer"}};
        response.status = !fault ? 504 : fault->empty() ? 200 : 400;
        response.body = !fault ? "The store has not answered in time; sagactl credential list tells what came of it.\n"
                        : fault->empty() ? "The store is connected. This window can be closed.\n"
                                         : "The store was not connected: " + *fault + ".\n";
        co_return response;
    }

    asio::awaitable<HttpResponse> finish(WebhookDecision decision, std::string_view source) {
        if (decision.answer) {
            count(source, decision.topic, decision.label);
            co_return std::move(*decision.answer);
        }
        const auto started = std::chrono::steady_clock::now();
        const runtime::Completion<InputResult> stored;
        engine::Input input;
        input.content = std::move(*decision.arrival);
        input.done = [stored](const InputResult& result) {
            stored.complete(result);
        };
        if (!queue_.offer(std::move(input))) {
            count(source, decision.topic, "queue_full");
            co_return turn_webhook_away(queue_.return_in());
        }
        if (runtime::planted("webhook_answered_before_commit")) co_return json_answer(200, {{"result", "applied"}});
        const std::optional<InputResult> result = co_await stored.wait_until(started + options_.commit_wait);
        runtime::crash_point("webhook.stored");
        count(source, decision.topic, result ? name_of(result->kind) : std::string_view("late"));
        const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - started;
        metrics_
            .histogram(
                "ordersaga_webhook_commit_seconds", "From a verified webhook to its commit", runtime::latency_buckets())
            .observe(waited.count());
        co_return answer_of(result);
    }

    const StoreDirectory& directory_;
    IntakeQueue& queue_;
    runtime::Clock& clock_;
    runtime::Metrics& metrics_;
    const PublicListenerOptions options_;
};

}  // namespace

runtime::HttpBodyLimit public_body_limit() {
    return [](std::string_view, std::string_view path) -> std::size_t {
        if (runtime::planted("body_limit_off")) return webhook_body_limit * 1000;
        return path.starts_with("/webhooks/") ? webhook_body_limit : 1024;
    };
}

runtime::HttpHandler make_public_handler(
    const StoreDirectory& directory,
    IntakeQueue& queue,
    runtime::Clock& clock,
    runtime::Metrics& metrics,
    PublicListenerOptions options) {
    auto listener = std::make_shared<PublicListener>(directory, queue, clock, metrics, std::move(options));
    // No coroutine of its own: the listener's lives in the frame it returns, and the listener outlives it here.
    return [listener](HttpRequest request) {
        return listener->answer(std::move(request));
    };
}

}  // namespace ordersaga::webhook
