// Calls to peers, with an answer to the one question that matters for effects: may the request have arrived?
// Keep-alive connections are pooled by origin. TLS 1.2 or newer with the host verified; plain http reaches loopback
// addresses only, and nothing an address that is_never_a_peer(); redirects are not followed. Thread-safe: each connection
// runs on a strand of its own.
#pragma once

#include "runtime/http_server.hpp"  // HttpHeaders, find_header

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace ordersaga::runtime {

struct HttpCall {
    std::string method = "GET";
    std::string url;      // absolute
    HttpHeaders headers;  // Host, Content-Length, Connection and User-Agent are set by the client
    std::string body;
    std::chrono::milliseconds connect_timeout{3'000};  // name, connection and TLS together
    std::chrono::milliseconds total_timeout{30'000};   // the whole call
    // Asked right before the first byte is written; false ends the call as not_sent. Must not block. Once per call, and
    // once more before the repeat of a GET or HEAD (see HttpClient::send).
    std::function<bool()> before_first_byte;
};

struct HttpOutcome {
    enum class Kind {
        response,  // a complete answer was read; `status`, `headers` and `body` are its
        not_sent,  // surely no byte of the request left: refused address, name, connection, TLS, before_first_byte
        unknown,   // at least the write began: lost connection, timeout, garbage or oversized answer
    };
    Kind kind = Kind::not_sent;
    int status = 0;
    HttpHeaders headers;
    std::string body;
    std::string error;  // one line when kind is not response; holds no header, no body and no query

    bool is_response() const noexcept { return kind == Kind::response; }
    const std::string* header(std::string_view name) const noexcept { return find_header(headers, name); }
};

struct HttpClientOptions {
    std::string user_agent = "ordersaga/0.1";
    std::string ca_file;  // empty: the system's certificates
    std::size_t response_body_limit = 8 * 1024 * 1024;
    std::size_t response_header_limit = 32 * 1024;
    std::size_t idle_connections_per_origin = 16;
    std::chrono::milliseconds idle_expiry{20'000};
};

// What workers depend on; tests put a recording or a faulty one in its place.
class HttpTransport {
public:
    virtual ~HttpTransport() = default;
    // Never throws into the caller for anything the peer or the network did.
    virtual boost::asio::awaitable<HttpOutcome> send(HttpCall call) = 0;
};

class HttpClient final : public HttpTransport {
public:
    // Throws std::runtime_error when the certificates cannot be loaded.
    explicit HttpClient(boost::asio::any_io_executor executor, HttpClientOptions options = {});
    ~HttpClient() override;
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // A kept connection that the peer closed before any byte of the answer gives `unknown`, except for GET and HEAD,
    // which are sent once more on a fresh connection. Nothing else is ever sent twice.
    boost::asio::awaitable<HttpOutcome> send(HttpCall call) override;

    std::size_t idle_connections() const;
    // Closes the idle connections; calls in flight go on.
    void close_idle();

    class State;  // of the .cpp alone

private:
    std::shared_ptr<State> state_;
};

}  // namespace ordersaga::runtime
