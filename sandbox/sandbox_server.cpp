#include "sandbox/sandbox_server.hpp"

#include "sandbox/hook_sink.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::chrono::milliseconds tick_length{10};
constexpr std::size_t deliveries_in_flight_max = 512;

std::vector<std::string> segments(const std::string& path) {
    std::vector<std::string> parts;
    std::size_t begin = 1;
    while (begin < path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        if (end > begin) {
            parts.push_back(path.substr(begin, end - begin));
        }
        begin = end + 1;
    }
    return parts;
}

PeerReply reply_of(PeerAnswer answer) {
    PeerReply reply;
    reply.status = answer.status;
    reply.body = std::move(answer.body);
    reply.headers = std::move(answer.headers);
    return reply;
}

PeerReply plain(int status, const std::string& text) {
    PeerReply reply;
    reply.status = status;
    reply.content_type = "text/plain; charset=utf-8";
    reply.body = text;
    return reply;
}

PeerReply not_found() {
    PeerReply reply;
    reply.status = 404;
    reply.body = R"({"errors":"Not Found"})";
    return reply;
}

DeliveryTry try_of(
    const Delivery& delivery,
    const runtime::HttpOutcome& outcome,
    std::chrono::steady_clock::time_point begun,
    runtime::Instant now) {
    const std::string* id = runtime::find_header(delivery.headers, "X-Shopify-Webhook-Id");
    if (id == nullptr) {
        id = runtime::find_header(delivery.headers, "webhook-id");
    }
    const auto took = std::chrono::steady_clock::now() - begun;
    return {
        now,
        delivery.sender,
        delivery.topic,
        id == nullptr ? std::string() : *id,
        delivery.tries + 1,
        outcome.is_response() ? outcome.status : 0,
        std::chrono::duration_cast<std::chrono::microseconds>(took).count()};
}

runtime::HttpClientOptions client_options() {
    runtime::HttpClientOptions options;
    options.user_agent = "Shopify-Captain-Hook";
    return options;
}

const char* const page =
    "sandbox: stand-in Shopify stores and ShipBob warehouses with a ledger of every effect.\n"
    "  /shopify/{shop-domain}/admin/api/{version}/graphql.json   Admin GraphQL API\n"
    "  /shopify/{shop-domain}/admin/oauth/access_token           tokens for a client, /authorize a code\n"
    "  /shipbob/{warehouse}/2026-01/...                          ShipBob API\n"
    "  /hooks/{name}                                             a merchant's own system, for signed webhooks\n"
    "  /control/...                                              see docs/sandbox.md\n"
    "  /control/summary  /control/ledger  /healthz\n";

}  // namespace

SandboxServer::SandboxServer(asio::io_context& context, std::uint16_t port, std::uint64_t seed, runtime::Clock& clock)
    : context_(context),
      clock_(clock),
      world_(seed),
      control_(world_),
      client_(context.get_executor(), client_options()),
      timer_(context),
      server_(
          std::make_unique<PeerServer>(context, port, [this](const PeerRequest& request) { return answer(request); })),
      shapes_(seed + 1) {
    world_.set_base_url(url());
    tick();
}

SandboxServer::~SandboxServer() = default;

std::string SandboxServer::url() const {
    return "http://127.0.0.1:" + std::to_string(server_->port());
}

std::string SandboxServer::set_up(const std::string& json_text) {
    const PeerAnswer made = control_.handle({"POST", {"setup"}, {}, json_text}, clock_.now());
    return made.status < 300 ? std::string() : made.body;
}

std::uint16_t SandboxServer::listen_for_mail(MailSinkOptions options) {
    mail_ = std::make_unique<MailSink>(context_, world_, clock_, std::move(options));
    return mail_->port();
}

void SandboxServer::stop() {
    stopping_ = true;
    timer_.cancel();
    context_.stop();
}

// --- calls -----------------------------------------------------------------------------------------------------------

PeerReply SandboxServer::answer(const PeerRequest& request) {
    PeerReply reply;
    if (request.path.starts_with("/shopify/")) {
        reply = answer_shopify(request);
    } else if (request.path.starts_with("/shipbob/")) {
        reply = answer_shipbob(request);
    } else if (request.path.starts_with("/hooks/")) {
        reply = answer_hook(request);
    } else if (request.path.starts_with("/control/")) {
        reply = answer_control(request);
    } else if (request.path == "/healthz") {
        reply = plain(200, "ok\n");
    } else if (request.path == "/") {
        reply = plain(200, page);
    } else {
        reply = not_found();
    }
    world_.advance(clock_.now());
    send_due();
    return reply;
}

PeerReply SandboxServer::answer_control(const PeerRequest& request) {
    std::vector<std::string> path = segments(request.path);
    path.erase(path.begin());
    return reply_of(control_.handle({request.method, std::move(path), request.query, request.body}, clock_.now()));
}

// Waits that are a date, over already, no number, or none.
PeerReply SandboxServer::turn_away(runtime::Instant now) {
    PeerReply reply = plain(503, "Service Unavailable\n");
    const std::time_t soon = std::chrono::system_clock::to_time_t(
        std::chrono::time_point_cast<std::chrono::system_clock::duration>(now + std::chrono::seconds(1)));
    char date[64] = {};
    std::tm parts{};
    std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&soon, &parts));
    const std::array<std::string, 6> waits{date, "Sun, 06 Nov 1994 08:49:37 GMT", "0.2", "-3", "soon", ""};
    const std::string& wait = waits[shapes_.below(waits.size())];
    reply.headers.emplace_back("Retry-After", wait);
    reply.headers.emplace_back("x-retry-after", wait);
    return reply;
}

PeerReply SandboxServer::hide_an_error() {
    const std::array<std::pair<const char*, const char*>, 5> bodies{{
        {"application/json",
         R"({"errors":[{"message":"Internal error","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]})"},
        {"application/json", R"({"data":null})"},
        {"application/json", "null"},
        {"application/json", "{}"},
        {"text/html", "<html><body><form action=\"/login\">Log in</form></body></html>"},
    }};
    const auto& [type, body] = bodies[shapes_.below(bodies.size())];
    PeerReply reply = plain(200, body);
    reply.content_type = type;
    return reply;
}

// Serves a call as the fault drawn for it says. What is "applied" is in the ledger, whatever the caller gets to see.
template <class Serve, class Throttle>
PeerReply SandboxServer::spoil(const std::string& peer_kind, const std::string& peer, Serve serve, Throttle throttle) {
    const runtime::Instant now = clock_.now();
    const FaultKind fault = world_.faults().draw(peer_kind, now);
    const FaultRates rates = world_.faults().rates(peer_kind);
    PeerReply spoiled;
    switch (fault) {
        case FaultKind::outage:
            spoiled = plain(503, "Service Unavailable\n");
            spoiled.kind =
                world_.faults().outage_answers_503(peer_kind) ? PeerReply::Kind::answer : PeerReply::Kind::reset;
            return spoiled;
        case FaultKind::throttled: return reply_of(throttle());
        case FaultKind::error_before:
            spoiled = plain(shapes_.chance(0.5) ? 500 : 502, "<html><body><h1>Bad Gateway</h1></body></html>");
            spoiled.content_type = "text/html";
            return spoiled;
        case FaultKind::reset_before: spoiled.kind = PeerReply::Kind::reset; return spoiled;
        case FaultKind::turned_away: return turn_away(now);
        case FaultKind::error_inside: return hide_an_error();
        default: break;
    }
    PeerAnswer served = serve();
    world_.ledger().count_call(peer, served.operation, served.is_write, served.refused);
    PeerReply reply = reply_of(std::move(served));
    switch (fault) {
        case FaultKind::error_after: return plain(shapes_.chance(0.5) ? 500 : 504, "Gateway Timeout\n");
        case FaultKind::reset_after: reply.kind = PeerReply::Kind::reset; return reply;
        case FaultKind::timeout_after:
            reply.kind = PeerReply::Kind::silence;
            reply.hold_for = rates.hold_for;
            return reply;
        case FaultKind::slow: reply.delay = rates.slow_for; return reply;
        case FaultKind::garbage:
            reply.body =
                shapes_.chance(0.5)
                    ? "\x16\x03\x01 this is no HTTP\r\n\r\n"
                    : "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{\"data\":";
            reply.kind = PeerReply::Kind::garbage;
            return reply;
        default: return reply;
    }
}

PeerReply SandboxServer::answer_shopify(const PeerRequest& request) {
    // shopify / {domain} / admin / api / {version} / graphql.json, or admin / oauth / ...
    const std::vector<std::string> path = segments(request.path);
    Shop* shop = path.size() > 1 ? world_.shop(path[1]) : nullptr;
    if (shop != nullptr && path.size() == 5 && path[2] == "admin" && path[3] == "oauth") {
        return answer_oauth(*shop, request, path[4]);
    }
    const bool known = path.size() == 6 && path[2] == "admin" && path[3] == "api" && path[5] == "graphql.json";
    if (shop == nullptr || !known) {
        return not_found();
    }
    if (request.method != "POST") {
        return plain(405, "Method Not Allowed\n");
    }
    const auto serve = [&] {
        return shop->admin.handle(path[4], request.header("X-Shopify-Access-Token"), request.body, clock_.now());
    };
    const auto throttle = [&] {
        return shop->admin.throttled(shapes_.chance(0.5), clock_.now());
    };
    return spoil("shopify", shop->store.peer(), serve, throttle);
}

PeerReply SandboxServer::answer_oauth(Shop& shop, const PeerRequest& request, const std::string& endpoint) {
    ShopTokens& tokens = shop.admin.tokens();
    if (endpoint == "authorize" && request.method == "GET") {
        return reply_of(tokens.authorize(request.query, clock_.now()));
    }
    if (endpoint != "access_token" || request.method != "POST") {
        return not_found();
    }
    const auto serve = [&] {
        return tokens.grant(request.body, clock_.now());
    };
    const auto throttle = [] {
        PeerAnswer busy;
        busy.status = 429;
        return busy;
    };
    return spoil("shopify", shop.store.peer(), serve, throttle);
}

PeerReply SandboxServer::answer_shipbob(const PeerRequest& request) {
    const std::vector<std::string> path = segments(request.path);
    Depot* depot = path.size() > 1 ? world_.depot(path[1]) : nullptr;
    if (depot == nullptr) {
        return not_found();
    }
    ShipbobRequest call;
    call.method = request.method;
    call.path = request.path.substr(std::string("/shipbob/").size() + path[1].size());
    call.query = request.query;
    call.authorization = request.header("Authorization");
    call.channel = request.header("shipbob_channel_id");
    call.body = request.body;
    const auto serve = [&] {
        return depot->api.handle(call, clock_.now());
    };
    const auto throttle = [&] {
        return depot->api.throttled(1 + static_cast<std::int64_t>(shapes_.below(2)));
    };
    return spoil("shipbob", depot->warehouse.peer(), serve, throttle);
}

PeerReply SandboxServer::answer_hook(const PeerRequest& request) {
    const std::string name = request.path.substr(std::string("/hooks/").size());
    const auto serve = [&] {
        return take_hook(world_, name, request, clock_.now());
    };
    const auto throttle = [] {
        PeerAnswer busy;
        busy.status = 429;
        return busy;
    };
    return spoil("hook", "hook:" + name, serve, throttle);
}

// --- time and deliveries ---------------------------------------------------------------------------------------------

void SandboxServer::tick() {
    if (stopping_) {
        return;
    }
    world_.advance(clock_.now());
    send_due();
    timer_.expires_after(tick_length);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            tick();
        }
    });
}

void SandboxServer::send_due() {
    WebhookQueue& queue = world_.webhooks();
    if (queue.in_flight() >= deliveries_in_flight_max) {
        return;
    }
    for (Delivery& due : queue.take_due(clock_.now(), deliveries_in_flight_max - queue.in_flight())) {
        const auto deliver = [](SandboxServer* self, Delivery delivery, WebhookQueue* from) -> asio::awaitable<void> {
            runtime::HttpCall call;
            call.method = "POST";
            call.url = delivery.url;
            call.headers = delivery.headers;
            call.body = delivery.body;
            call.connect_timeout = std::chrono::seconds{1};
            call.total_timeout = std::chrono::seconds{5};
            const auto begun = std::chrono::steady_clock::now();
            const runtime::HttpOutcome outcome = co_await self->client_.send(std::move(call));
            const bool success = outcome.is_response() && outcome.status >= 200 && outcome.status < 300;
            // A reset in the meantime made another queue: what was under way for the old world is forgotten.
            if (from == &self->world_.webhooks()) {
                self->world_.record_try(try_of(delivery, outcome, begun, self->clock_.now()));
                from->finished(std::move(delivery), success, self->clock_.now());
                self->send_due();
            }
        };
        asio::co_spawn(context_, deliver(this, std::move(due), &queue), asio::detached);
    }
}

}  // namespace ordersaga::sandbox
