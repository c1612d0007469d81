#include "sandbox/demo/caller.hpp"

#include "runtime/http_client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace ordersaga::demo {
namespace {

runtime::HttpClientOptions client_options() {
    runtime::HttpClientOptions options;
    options.user_agent = "ordersaga-demo";
    options.response_body_limit = 256UL * 1024 * 1024;
    return options;
}

boost::asio::awaitable<void> send(
    runtime::HttpClient& client,
    runtime::HttpCall call,
    runtime::HttpOutcome& outcome,
    bool& done) {
    outcome = co_await client.send(std::move(call));
    done = true;
}

}  // namespace

struct Caller::Impl {
    boost::asio::io_context context{1};
    runtime::HttpClient client{context.get_executor(), client_options()};
};

Caller::Caller() : impl_(std::make_unique<Impl>()) {}
Caller::~Caller() = default;

Caller::Reply Caller::call(
    const std::string& method,
    const std::string& url,
    const std::string& body,
    const std::string& token,
    std::chrono::milliseconds longest) {
    runtime::HttpCall call;
    call.method = method;
    call.url = url;
    call.body = body;
    if (!body.empty()) call.headers.emplace_back("Content-Type", "application/json");
    if (!token.empty()) call.headers.emplace_back("Authorization", "Bearer " + token);
    call.connect_timeout = std::min(longest, std::chrono::milliseconds(1'000));
    call.total_timeout = longest;
    runtime::HttpOutcome outcome;
    bool done = false;
    boost::asio::co_spawn(impl_->context, send(impl_->client, std::move(call), outcome, done), boost::asio::detached);
    impl_->context.restart();
    while (!done && impl_->context.run_one() > 0) {
    }
    if (!outcome.is_response()) return {0, outcome.error};
    return {outcome.status, std::move(outcome.body)};
}

}  // namespace ordersaga::demo
