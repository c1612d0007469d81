#include "sandbox/peer_server.hpp"

#include "runtime/http_server.hpp"
#include "runtime/text.hpp"
#include "runtime/url.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace ordersaga::sandbox {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;

constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t header_bytes_max = 64 * 1024;
constexpr std::size_t body_bytes_max = 16 * 1024 * 1024;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
        text.remove_suffix(1);
    }
    return text;
}

// The header's text, without the empty line, into a request; nullopt when it is none.
std::optional<PeerRequest> read_head(std::string_view text) {
    PeerRequest request;
    const std::size_t line_end = text.find("\r\n");
    const std::string_view first = text.substr(0, line_end);
    const std::size_t space = first.find(' ');
    const std::size_t second = first.find(' ', space + 1);
    if (space == std::string_view::npos || second == std::string_view::npos ||
        !first.substr(second + 1).starts_with("HTTP/1.")) {
        return std::nullopt;
    }
    request.method = first.substr(0, space);
    const std::string_view target = first.substr(space + 1, second - space - 1);
    const std::size_t question = target.find('?');
    const auto path = runtime::percent_decode(target.substr(0, question));
    const auto query =
        runtime::parse_query(question == std::string_view::npos ? std::string_view() : target.substr(question + 1));
    if (!path || !query || path->empty() || path->front() != '/') {
        return std::nullopt;
    }
    request.path = *path;
    request.query = *query;
    std::size_t begin = line_end == std::string_view::npos ? text.size() : line_end + 2;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find("\r\n", begin), text.size());
        const std::string_view line = text.substr(begin, end - begin);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            return std::nullopt;
        }
        request.headers.emplace_back(std::string(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1))));
        begin = end + 2;
    }
    return request;
}

std::string answer_bytes(const PeerReply& reply, bool keep_alive) {
    std::string bytes =
        "HTTP/1.1 " + std::to_string(reply.status) + " " + std::string(runtime::http_reason(reply.status)) + "\r\n";
    if (!reply.body.empty()) {
        bytes += "Content-Type: " + reply.content_type + "\r\n";
    }
    for (const auto& [name, value] : reply.headers) {
        bytes += name + ": " + value + "\r\n";
    }
    if (reply.status != 204) {
        bytes += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
    }
    bytes += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    if (reply.status != 204) {
        bytes += reply.body;
    }
    return bytes;
}

class Connection {
public:
    Connection(tcp::socket socket, const PeerHandler& handler) : socket_(std::move(socket)), handler_(handler) {}

    awaitable<void> serve() {
        bool open = true;
        while (open) {
            auto request = co_await read_request();
            if (!request) {
                break;
            }
            const bool keep_alive = !runtime::equal_without_case(request->header("Connection"), "close");
            const PeerReply reply = handler_(*request);
            open = co_await send(reply, keep_alive);
            open = open && keep_alive;
        }
        boost::system::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_both, ignored);
    }

private:
    awaitable<std::optional<PeerRequest>> read_request() {
        auto [error, size] = co_await asio::async_read_until(
            socket_, asio::dynamic_buffer(buffer_, header_bytes_max), std::string_view("\r\n\r\n"), token);
        if (error) {
            co_return std::nullopt;
        }
        auto request = read_head(std::string_view(buffer_).substr(0, size - 4));
        buffer_.erase(0, size);
        if (!request) {
            co_return std::nullopt;
        }
        if (runtime::equal_without_case(request->header("Expect"), "100-continue")) {
            static const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            co_await asio::async_write(socket_, asio::buffer(go_on), token);
        }
        bool whole = false;
        if (runtime::equal_without_case(request->header("Transfer-Encoding"), "chunked")) {
            whole = co_await read_chunks(request->body);
        } else {
            std::size_t length = 0;
            const std::string text = request->header("Content-Length");
            std::from_chars(text.data(), text.data() + text.size(), length);
            whole = co_await read_bytes(length, request->body);
        }
        if (!whole) {
            co_return std::nullopt;
        }
        co_return request;
    }

    // Appends exactly `length` bytes to `into`.
    awaitable<bool> read_bytes(std::size_t length, std::string& into) {
        if (length > body_bytes_max || into.size() + length > body_bytes_max) {
            co_return false;
        }
        if (buffer_.size() < length) {
            auto [error, size] = co_await asio::async_read(
                socket_, asio::dynamic_buffer(buffer_), asio::transfer_at_least(length - buffer_.size()), token);
            if (error) {
                co_return false;
            }
        }
        into.append(buffer_, 0, length);
        buffer_.erase(0, length);
        co_return true;
    }

    awaitable<bool> read_chunks(std::string& into) {
        while (true) {
            auto [error, size] = co_await asio::async_read_until(
                socket_, asio::dynamic_buffer(buffer_, body_bytes_max), std::string_view("\r\n"), token);
            if (error) {
                co_return false;
            }
            std::size_t length = 0;
            const auto parsed = std::from_chars(buffer_.data(), buffer_.data() + size, length, 16);
            if (parsed.ec != std::errc{}) {
                co_return false;
            }
            buffer_.erase(0, size);
            std::string line_end;
            const bool chunk = co_await read_bytes(length, into);
            if (!chunk) {
                co_return false;
            }
            const bool ended = co_await read_bytes(2, line_end);
            if (!ended) {
                co_return false;
            }
            if (length == 0) {
                co_return true;
            }
        }
    }

    void reset() {
        boost::system::error_code ignored;
        socket_.set_option(asio::socket_base::linger(true, 0), ignored);
        socket_.close(ignored);
    }

    awaitable<bool> send(const PeerReply& reply, bool keep_alive) {
        if (reply.delay.count() > 0) {
            asio::steady_timer timer(socket_.get_executor(), reply.delay);
            co_await timer.async_wait(token);
        }
        if (reply.kind == PeerReply::Kind::reset) {
            reset();
            co_return false;
        }
        if (reply.kind == PeerReply::Kind::silence) {
            using namespace asio::experimental::awaitable_operators;
            asio::steady_timer timer(socket_.get_executor(), reply.hold_for);
            // Readable means here that the caller hung up: it may not send a second request before an answer.
            auto gone = socket_.async_wait(tcp::socket::wait_read, token);
            auto passed = timer.async_wait(token);
            auto either = std::move(gone) || std::move(passed);
            co_await std::move(either);
            reset();
            co_return false;
        }
        const bool garbage = reply.kind == PeerReply::Kind::garbage;
        const std::string bytes = garbage ? reply.body : answer_bytes(reply, keep_alive);
        auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), token);
        co_return !error && !garbage;
    }

    tcp::socket socket_;
    const PeerHandler& handler_;
    std::string buffer_;
};

awaitable<void> serve_connection(tcp::socket socket, std::shared_ptr<const PeerHandler> handler) {
    Connection connection(std::move(socket), *handler);
    co_await connection.serve();
}

}  // namespace

std::string PeerRequest::header(const std::string& name) const {
    for (const auto& [key, value] : headers) {
        if (runtime::equal_without_case(key, name)) {
            return value;
        }
    }
    return {};
}

class PeerServer::State : public std::enable_shared_from_this<PeerServer::State> {
public:
    State(asio::io_context& context, std::uint16_t port, PeerHandler handler)
        : acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), port)),
          handler_(std::make_shared<const PeerHandler>(std::move(handler))) {}

    awaitable<void> accept() {
        const auto keep_me = shared_from_this();
        while (acceptor_.is_open()) {
            auto [error, socket] = co_await acceptor_.async_accept(token);
            if (error) {
                asio::steady_timer pause(acceptor_.get_executor(), std::chrono::milliseconds{20});
                co_await pause.async_wait(token);  // out of descriptors, say: no spinning
                continue;
            }
            socket.set_option(tcp::no_delay(true), error);
            // One spoiled connection must not end the others; what escapes ends with its coroutine.
            asio::co_spawn(acceptor_.get_executor(), serve_connection(std::move(socket), handler_), asio::detached);
        }
    }

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void close() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
    }

private:
    tcp::acceptor acceptor_;
    std::shared_ptr<const PeerHandler> handler_;
};

PeerServer::PeerServer(asio::io_context& context, std::uint16_t port, PeerHandler handler)
    : state_(std::make_shared<State>(context, port, std::move(handler))) {
    asio::co_spawn(context, state_->accept(), asio::detached);
}

PeerServer::~PeerServer() {
    state_->close();
}

std::uint16_t PeerServer::port() const {
    return state_->port();
}

}  // namespace ordersaga::sandbox
