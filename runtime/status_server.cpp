#include "runtime/status_server.hpp"

#include "runtime/log.hpp"

#include <utility>

namespace ordersaga::runtime {
namespace {

HttpServerOptions options_of(const StatusPages& pages, const std::string& address, std::uint16_t port) {
    HttpServerOptions options;
    options.address = address;
    options.port = port;
    options.name = pages.program;
    return options;
}

HttpResponse answer(const StatusPages& pages, const HttpRequest& request) {
    HttpResponse response;
    response.content_type = "text/plain; charset=utf-8";
    if (request.path == "/metrics") {
        response.body = pages.metrics.exposition();
    } else if (request.path == "/healthz") {
        response.body = "alive\n";
    } else if (request.path == "/readyz") {
        const std::string why_not = pages.why_not_ready();
        response.status = why_not.empty() ? 200 : 503;
        response.body = why_not.empty() ? "ready\n" : "not ready: " + why_not + "\n";
    } else {
        response.status = request.path == "/" ? 200 : 404;
        response.body = pages.program + ": /metrics /healthz /readyz\n";
    }
    return response;
}

}  // namespace

HttpHandler status_handler(StatusPages pages) {
    return [pages = std::move(pages)](HttpRequest request) -> boost::asio::awaitable<HttpResponse> {
        co_return answer(pages, request);
    };
}

StatusServer::StatusServer(
    const boost::asio::any_io_executor& executor,
    const StatusPages& pages,
    const std::string& address,
    std::uint16_t port)
    : server_(executor, options_of(pages, address, port), status_handler(pages)) {
    server_.start();
    log_info("listening", {{"address", address}, {"port", server_.port()}});
}

}  // namespace ordersaga::runtime
