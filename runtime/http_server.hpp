// A strict HTTP/1.1 server on Asio coroutines. Framing that two readers could understand differently is refused with
// 400 and the connection is closed, so no second request can be smuggled behind the first. One HttpServer is one
// listener. Each connection runs on a strand of its own over the given executor: handlers of different connections run
// in parallel when several threads run the context.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ordersaga::runtime {

class Metrics;

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The first value of the field, compared without case; nullptr when absent.
const std::string* find_header(const HttpHeaders& headers, std::string_view name) noexcept;
std::size_t count_header(const HttpHeaders& headers, std::string_view name) noexcept;

struct HttpRequest {
    std::string method;                                      // upper case as sent
    std::string target;                                      // as sent
    std::string path;                                        // decoded, without the query; always begins with '/'
    std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
    HttpHeaders headers;                                     // in order
    std::string body;                                        // raw bytes, chunks joined
    std::string remote_address;                              // without port; of the direct peer

    const std::string* header(std::string_view name) const noexcept { return find_header(headers, name); }
    std::size_t header_count(std::string_view name) const noexcept { return count_header(headers, name); }
    const std::string* query_value(std::string_view name) const noexcept;
};

// Where a streaming answer (server-sent events) writes. Used only inside its own coroutine.
class HttpStream {
public:
    virtual ~HttpStream() = default;
    // Sends the bytes now, as one chunk. False: the peer is gone or the server is stopping; return from the stream then.
    virtual boost::asio::awaitable<bool> write(std::string bytes) = 0;
    // Waits up to `pause`; false as above. Lets a quiet stream notice that it should end.
    virtual boost::asio::awaitable<bool> wait(std::chrono::milliseconds pause) = 0;
};
using HttpStreamBody = std::function<boost::asio::awaitable<void>(HttpStream&)>;

struct HttpResponse {
    int status = 200;
    std::string content_type = "application/json";  // left out when the body is empty
    std::string body;
    HttpHeaders headers;  // further fields; a field with a line end in it is dropped
    bool close_connection = false;
    HttpStreamBody stream;  // when set, `body` is ignored and the answer is sent in chunks
};

// Runs on the connection's strand; must not block. What it throws becomes a 500 without details, and is logged.
using HttpHandler = std::function<boost::asio::awaitable<HttpResponse>(HttpRequest)>;

// What the body of this request may measure at most; asked once the header is complete.
using HttpBodyLimit = std::function<std::size_t(std::string_view method, std::string_view path)>;

struct HttpServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;     // 0: a free one, see HttpServer::port()
    std::string name = "http";  // label in logs and metrics
    std::size_t body_limit = 1024 * 1024;
    HttpBodyLimit body_limit_for;  // overrides body_limit when set
    std::size_t header_limit = 8 * 1024;
    std::size_t header_fields = 100;
    std::chrono::milliseconds header_timeout{5'000};    // from the first byte of a request to the end of its header
    std::chrono::milliseconds request_timeout{10'000};  // from the first byte to the end of the body → 408
    std::chrono::milliseconds answer_timeout{4'500};    // for the handler → 503; what it does goes on unheard
    std::chrono::milliseconds idle_timeout{30'000};     // between two requests of a connection
    std::chrono::milliseconds write_timeout{10'000};
    std::size_t max_connections = 4'000;  // more than webhooks may wait, so that a flood leaves some to others
    std::size_t max_connections_per_address = 3'000;  // a proxy is one
    std::size_t max_requests_per_connection = 10'000;
    bool body_length_required_for_post = false;  // POST, PUT and PATCH without a length → 411
    Metrics* metrics = nullptr;                  // may be null; must outlive the server
};

class HttpServer {
public:
    HttpServer(boost::asio::any_io_executor executor, HttpServerOptions options, HttpHandler handler);
    ~HttpServer();  // stops accepting and cuts what is open
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // Binds, listens, accepts. Throws boost::system::system_error when the address cannot be bound.
    void start();
    // The bound port; valid after start().
    std::uint16_t port() const;
    // Stops accepting, closes idle connections, lets requests in flight finish. Returns at once; thread-safe; a repeat is
    // harmless. `connections()` reaches 0 when all are done.
    void stop();
    // Like stop(), but waits on the calling thread (never one of the context's) until all connections are done or `limit`
    // has passed; then the rest is cut. True when nothing had to be cut.
    bool stop_and_wait(std::chrono::milliseconds limit);
    std::size_t connections() const;

    class State;  // of the .cpp alone

private:
    std::shared_ptr<State> state_;
};

// The standard reason phrase, "Unknown" for a strange status.
std::string_view http_reason(int status) noexcept;

}  // namespace ordersaga::runtime
