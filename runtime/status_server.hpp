// What a program without other pages tells about itself: /metrics for Prometheus, /healthz (it runs), /readyz (it works).
#pragma once

#include "runtime/http_server.hpp"
#include "runtime/metrics.hpp"

#include <functional>
#include <string>

namespace ordersaga::runtime {

struct StatusPages {
    std::string program;
    const Metrics& metrics;  // must outlive the server
    // Why it does not work; empty: it does. Asked on the server's strand, at each /readyz.
    std::function<std::string()> why_not_ready;
};

HttpHandler status_handler(StatusPages pages);

// Listens when it is constructed; throws as HttpServer does when the port is taken.
class StatusServer {
public:
    StatusServer(
        const boost::asio::any_io_executor& executor,
        const StatusPages& pages,
        const std::string& address,
        std::uint16_t port);
    void stop() { server_.stop(); }

private:
    HttpServer server_;
};

}  // namespace ordersaga::runtime
