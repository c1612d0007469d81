// An HttpServer on a free loopback port with two threads, and a record of what its handler saw.
#pragma once

#include "runtime/http_server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ordersaga::runtime::testing {

class RunningServer {
public:
    // Without a handler every request is answered 200 with "METHOD path body-size".
    explicit RunningServer(HttpServerOptions options = {}, HttpHandler handler = {})
        : guard_(context_.get_executor()),
          server_(context_.get_executor(), std::move(options), recording(std::move(handler))) {
        server_.start();
        for (int i = 0; i < 2; ++i) {
            threads_.emplace_back([this] { context_.run(); });
        }
    }

    ~RunningServer() {
        server_.stop_and_wait(std::chrono::seconds(2));
        guard_.reset();
        context_.stop();
        for (std::thread& thread : threads_)
            thread.join();
    }

    HttpServer& server() { return server_; }
    std::uint16_t port() const { return server_.port(); }
    boost::asio::io_context& context() { return context_; }

    std::vector<HttpRequest> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

private:
    HttpHandler recording(HttpHandler handler) {
        return [this, handler = std::move(handler)](HttpRequest request) {
            {
                const std::lock_guard lock(mutex_);
                requests_.push_back(request);
            }
            return handler ? handler(std::move(request)) : echo(std::move(request));
        };
    }

    static boost::asio::awaitable<HttpResponse> echo(HttpRequest request) {
        HttpResponse response;
        response.content_type = "text/plain";
        response.body = request.method + " " + request.path + " " + std::to_string(request.body.size());
        co_return response;
    }

    boost::asio::io_context context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    mutable std::mutex mutex_;
    std::vector<HttpRequest> requests_;  // guarded by mutex_
    HttpServer server_;
    std::vector<std::thread> threads_;
};

}  // namespace ordersaga::runtime::testing
