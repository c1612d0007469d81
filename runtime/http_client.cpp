#include "runtime/http_client.hpp"

#include "runtime/completion.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/url.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <vector>

namespace ordersaga::runtime {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr int interim_answers = 10;

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool is_field_value(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && byte != '\t') || byte == 0x7f;
    });
}

HttpOutcome not_sent(std::string error) {
    HttpOutcome outcome;
    outcome.kind = HttpOutcome::Kind::not_sent;
    outcome.error = std::move(error);
    return outcome;
}

HttpOutcome unknown(std::string error) {
    HttpOutcome outcome;
    outcome.kind = HttpOutcome::Kind::unknown;
    outcome.error = std::move(error);
    return outcome;
}

bool is_set_by_client(std::string_view name) {
    const HttpHeaders probe{{std::string(name), ""}};
    for (const char* own : {"Host", "Content-Length", "Transfer-Encoding", "Connection", "User-Agent", "Expect"}) {
        if (count_header(probe, own) > 0) return true;
    }
    return false;
}

// The bytes of the request; an error for a header that would break the framing.
Result<std::string> request_bytes(const HttpCall& call, const Url& url, const HttpClientOptions& options) {
    if (!is_token(call.method)) return invalid("the method is malformed");
    std::string bytes = call.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.authority();
    bytes += "\r\nUser-Agent: " + options.user_agent;
    for (const auto& [name, value] : call.headers) {
        if (!is_token(name) || !is_field_value(value)) return invalid("a header field is malformed");
        if (is_set_by_client(name)) return invalid("the header field " + name + " is set by the client itself");
        bytes += "\r\n" + name + ": " + value;
    }
    const bool carries_body = call.method == "POST" || call.method == "PUT" || call.method == "PATCH";
    if (carries_body || !call.body.empty()) bytes += "\r\nContent-Length: " + std::to_string(call.body.size());
    bytes += "\r\n\r\n";
    return bytes;
}

// One connection to a peer. Everything runs on the strand of its stream.
class Connection {
public:
    Connection(asio::any_io_executor strand, ssl::context& tls_context, bool tls) : stream_(strand) {
        if (tls) tls_.emplace(stream_, tls_context);
    }

    asio::any_io_executor executor() { return stream_.get_executor(); }
    bool tls() const { return tls_.has_value(); }
    void expires_at(SteadyTime deadline) { stream_.expires_at(deadline); }
    beast::tcp_stream& stream() { return stream_; }
    ssl::stream<beast::tcp_stream&>& secured() { return *tls_; }

    asio::awaitable<error_code> write(std::array<asio::const_buffer, 2> buffers) {
        error_code fault;
        if (tls_) {
            co_await asio::async_write(*tls_, buffers, asio::redirect_error(asio::use_awaitable, fault));
        } else {
            co_await asio::async_write(stream_, buffers, asio::redirect_error(asio::use_awaitable, fault));
        }
        co_return fault;
    }

    asio::awaitable<error_code> read_more(std::string& input) {
        error_code fault;
        std::size_t count = 0;
        if (tls_) {
            count =
                co_await tls_->async_read_some(asio::buffer(chunk_), asio::redirect_error(asio::use_awaitable, fault));
        } else {
            count = co_await stream_.async_read_some(
                asio::buffer(chunk_), asio::redirect_error(asio::use_awaitable, fault));
        }
        input.append(chunk_.data(), count);
        co_return fault;
    }

    // False when the peer has closed, or has sent something that nobody asked for.
    bool looks_alive() {
        char byte = 0;
        const ssize_t got = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }

private:
    beast::tcp_stream stream_;
    std::optional<ssl::stream<beast::tcp_stream&>> tls_;
    std::array<char, read_size> chunk_{};
};

struct Exchange {
    HttpOutcome outcome;
    bool reusable = false;
    bool answer_began = false;  // at least one byte of the answer arrived
};

}  // namespace

class HttpClient::State : public std::enable_shared_from_this<State> {
public:
    State(asio::any_io_executor executor, HttpClientOptions settings);

    asio::awaitable<HttpOutcome> send(HttpCall call);
    std::size_t idle_connections() const;
    void close_idle();

private:
    struct Idle {
        std::shared_ptr<Connection> connection;
        SteadyTime since;
    };

    asio::awaitable<Exchange> exchange(
        std::shared_ptr<Connection> connection,
        bool fresh,
        const Url& url,
        const HttpCall& call,
        SteadyTime began);
    asio::awaitable<std::string> connect(Connection& connection, const Url& url, SteadyTime deadline);
    asio::awaitable<std::string> secure(Connection& connection, const Url& url);
    asio::awaitable<Exchange> read_answer(Connection& connection, const std::string& method);
    std::shared_ptr<Connection> take_idle(const std::string& origin);
    void keep(const std::string& origin, std::shared_ptr<Connection> connection);
    static void drop(std::shared_ptr<Connection> connection);

    const HttpClientOptions options_;
    asio::any_io_executor executor_;
    ssl::context tls_context_;
    mutable std::mutex mutex_;
    std::map<std::string, std::deque<Idle>> idle_;  // guarded by mutex_; newest at the back
};

HttpClient::State::State(asio::any_io_executor executor, HttpClientOptions settings)
    : options_(std::move(settings)), executor_(std::move(executor)), tls_context_(ssl::context::tls_client) {
    tls_context_.set_verify_mode(ssl::verify_peer);
    if (SSL_CTX_set_min_proto_version(tls_context_.native_handle(), TLS1_2_VERSION) != 1) {
        throw std::runtime_error("TLS 1.2 is not available");
    }
    error_code fault;
    if (options_.ca_file.empty()) {
        tls_context_.set_default_verify_paths(fault);
    } else {
        tls_context_.load_verify_file(options_.ca_file, fault);
    }
    if (fault) {
        const std::string source = options_.ca_file.empty() ? "the system" : options_.ca_file;
        throw std::runtime_error("cannot load the certificates of " + source + ": " + fault.message());
    }
}

std::shared_ptr<Connection> HttpClient::State::take_idle(const std::string& origin) {
    const SteadyTime now = std::chrono::steady_clock::now();
    std::vector<std::shared_ptr<Connection>> expired;
    std::shared_ptr<Connection> taken;
    {
        const std::lock_guard lock(mutex_);
        const auto found = idle_.find(origin);
        if (found != idle_.end()) {
            std::deque<Idle>& kept = found->second;
            while (!kept.empty() && now - kept.front().since > options_.idle_expiry) {
                expired.push_back(std::move(kept.front().connection));
                kept.pop_front();
            }
            // The newest has had the least time to be closed by the peer.
            while (!kept.empty() && !taken) {
                std::shared_ptr<Connection> candidate = std::move(kept.back().connection);
                kept.pop_back();
                if (candidate->looks_alive()) {
                    taken = std::move(candidate);
                } else {
                    expired.push_back(std::move(candidate));
                }
            }
            if (kept.empty()) idle_.erase(found);
        }
    }
    for (auto& connection : expired)
        drop(std::move(connection));
    return taken;
}

void HttpClient::State::keep(const std::string& origin, std::shared_ptr<Connection> connection) {
    std::shared_ptr<Connection> surplus;
    {
        const std::lock_guard lock(mutex_);
        std::deque<Idle>& kept = idle_[origin];
        kept.push_back({std::move(connection), std::chrono::steady_clock::now()});
        if (kept.size() > options_.idle_connections_per_origin) {
            surplus = std::move(kept.front().connection);
            kept.pop_front();
        }
    }
    if (surplus) drop(std::move(surplus));
}

void HttpClient::State::drop(std::shared_ptr<Connection> connection) {
    // The socket may only be touched on its own strand.
    asio::any_io_executor executor = connection->executor();
    asio::post(executor, [connection = std::move(connection)] {
        error_code ignored;
        connection->stream().socket().close(ignored);
    });
}

std::size_t HttpClient::State::idle_connections() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& [origin, kept] : idle_)
        count += kept.size();
    return count;
}

void HttpClient::State::close_idle() {
    std::map<std::string, std::deque<Idle>> closing;
    {
        const std::lock_guard lock(mutex_);
        closing.swap(idle_);
    }
    for (auto& [origin, kept] : closing) {
        for (Idle& idle : kept)
            drop(std::move(idle.connection));
    }
}

// An empty text on success.
asio::awaitable<std::string> HttpClient::State::connect(Connection& connection, const Url& url, SteadyTime deadline) {
    using Endpoints = std::vector<tcp::endpoint>;
    Endpoints endpoints;
    error_code fault;
    const asio::ip::address literal = asio::ip::make_address(url.host, fault);
    if (!fault) {
        endpoints.emplace_back(literal, url.port);
    } else {
        // The system's look-up cannot be interrupted, so it completes into a slot that we stop watching at the deadline.
        struct Found {
            error_code fault;
            Endpoints endpoints;
        };
        Completion<Found> completion;
        auto resolver = std::make_shared<tcp::resolver>(connection.executor());
        resolver->async_resolve(
            url.host, std::to_string(url.port), tcp::resolver::numeric_service,
            [resolver, completion](error_code problem, tcp::resolver::results_type results) {
                Found found{problem, {}};
                for (const auto& entry : results)
                    found.endpoints.push_back(entry.endpoint());
                completion.complete(std::move(found));
            });
        std::optional<Found> found = co_await completion.wait_until(deadline);
        if (!found) co_return "the name " + url.host + " was not resolved in time";
        if (found->fault) co_return "cannot resolve " + url.host + ": " + found->fault.message();
        endpoints = std::move(found->endpoints);
    }
    // A name may resolve to anything; what counts is where the bytes would go.
    for (const tcp::endpoint& endpoint : endpoints) {
        if (!url.tls && !endpoint.address().is_loopback()) {
            co_return "plain http is allowed to loopback addresses only, and " + url.host + " is none";
        }
        const std::string address = endpoint.address().to_string();
        if (is_never_a_peer(std::string_view(address).substr(0, address.find('%')))) {
            co_return "the name " + url.host + " leads to " + address + ", an address that no peer has";
        }
    }
    connection.expires_at(deadline);
    co_await connection.stream().async_connect(endpoints, asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return "cannot connect to " + url.origin() + ": " + fault.message();
    connection.stream().socket().set_option(tcp::no_delay(true), fault);
    co_return "";
}

asio::awaitable<std::string> HttpClient::State::secure(Connection& connection, const Url& url) {
    ssl::stream<beast::tcp_stream&>& stream = connection.secured();
    error_code not_an_address;
    asio::ip::make_address(url.host, not_an_address);
    if (not_an_address && SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str()) != 1) {
        co_return "cannot name the host in the TLS greeting";
    }
    stream.set_verify_callback(ssl::host_name_verification(url.host));
    error_code fault;
    co_await stream.async_handshake(ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, fault));
    if (fault) co_return "TLS with " + url.origin() + " failed: " + fault.message();
    co_return "";
}

asio::awaitable<Exchange> HttpClient::State::read_answer(Connection& connection, const std::string& method) {
    Exchange result;
    std::string input;
    for (int interim = 0; interim <= interim_answers; ++interim) {
        http::response_parser<http::string_body> parser;
        parser.eager(true);
        parser.header_limit(static_cast<std::uint32_t>(options_.response_header_limit));
        parser.body_limit(options_.response_body_limit);
        parser.skip(method == "HEAD");
        bool ended = false;
        while (!parser.is_done() && !ended) {
            error_code fault;
            if (!input.empty()) {
                const std::size_t used = parser.put(asio::buffer(input), fault);
                input.erase(0, used);
                if (fault && fault != http::error::need_more) {
                    result.outcome = unknown("the answer is malformed: " + fault.message());
                    co_return result;
                }
                if (parser.is_done()) break;
                // What the parser leaves is a line that is not complete yet; it must not grow for ever.
                if (input.size() > options_.response_header_limit + read_size) {
                    result.outcome = unknown("the answer is malformed: an endless line");
                    co_return result;
                }
            }
            const std::size_t before = input.size();
            fault = co_await connection.read_more(input);
            result.answer_began = result.answer_began || input.size() > before;
            if (fault == asio::error::eof && parser.is_header_done() && parser.need_eof()) {
                error_code incomplete;
                parser.put_eof(incomplete);
                ended = true;
                if (!incomplete) break;
                fault = incomplete;
            }
            if (fault) {
                const bool late = fault == beast::error::timeout;
                result.outcome =
                    unknown(late ? "no complete answer in time" : "the connection was lost: " + fault.message());
                co_return result;
            }
        }
        const int status = static_cast<int>(parser.get().result_int());
        if (status >= 100 && status < 200) continue;
        // Three digits that are no status (RFC 9110, 15) say nothing of what became of the request.
        if (status < 100) {
            result.outcome = unknown("the answer is malformed: a status of " + std::to_string(status));
            co_return result;
        }
        auto message = parser.release();
        result.outcome.kind = HttpOutcome::Kind::response;
        result.outcome.status = status;
        for (const auto& field : message) {
            result.outcome.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
        }
        result.outcome.body = std::move(message.body());
        result.reusable = message.keep_alive() && !ended && input.empty();
        co_return result;
    }
    result.outcome = unknown("the answer is malformed: too many interim answers");
    co_return result;
}

asio::awaitable<Exchange> HttpClient::State::exchange(
    std::shared_ptr<Connection> connection,
    bool fresh,
    const Url& url,
    const HttpCall& call,
    SteadyTime began) {
    Exchange result;
    const SteadyTime deadline = began + call.total_timeout;
    const Result<std::string> head = request_bytes(call, url, options_);
    if (!head) {
        result.outcome = not_sent(head.error().message);
        co_return result;
    }
    if (fresh) {
        const SteadyTime connect_deadline = std::min(deadline, std::chrono::steady_clock::now() + call.connect_timeout);
        std::string problem = co_await connect(*connection, url, connect_deadline);
        if (problem.empty() && connection->tls()) problem = co_await secure(*connection, url);
        if (!problem.empty()) {
            result.outcome = not_sent(std::move(problem));
            co_return result;
        }
    }
    if (std::chrono::steady_clock::now() >= deadline) {
        result.outcome = not_sent("the time for the call was over before it was sent");
        co_return result;
    }
    if (call.before_first_byte && !call.before_first_byte()) {
        result.outcome = not_sent("held back right before sending");
        result.reusable = true;
        co_return result;
    }
    crash_point("call.before_send");
    connection->expires_at(deadline);
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(*head), asio::buffer(call.body)};
    const error_code fault = co_await connection->write(buffers);
    if (fault) {
        result.outcome = unknown("the connection was lost while sending: " + fault.message());
        co_return result;
    }
    crash_point("call.sent");
    result = co_await read_answer(*connection, call.method);
    crash_point("call.answered");
    co_return result;
}

asio::awaitable<HttpOutcome> HttpClient::State::send(HttpCall call) {
    const SteadyTime began = std::chrono::steady_clock::now();
    const Result<Url> url = parse_url(call.url);
    if (!url) co_return not_sent(url.error().message);
    const std::string origin = url->origin();
    const bool repeatable = call.method == "GET" || call.method == "HEAD";
    std::shared_ptr<Connection> connection = take_idle(origin);
    for (;;) {
        const bool fresh = connection == nullptr;
        if (fresh) connection = std::make_shared<Connection>(asio::make_strand(executor_), tls_context_, url->tls);
        asio::any_io_executor strand = connection->executor();
        Exchange result;
        std::string failure;
        try {
            result =
                co_await asio::co_spawn(strand, exchange(connection, fresh, *url, call, began), asio::use_awaitable);
        } catch (const std::exception& fault) {
            failure = fault.what();
        }
        // Nobody knows how far a call came that ended in an exception of a library.
        if (!failure.empty()) result.outcome = unknown("the call failed: " + failure);
        if (result.reusable) {
            keep(origin, std::move(connection));
        } else {
            drop(std::move(connection));
        }
        connection.reset();
        const bool stale = !fresh && !result.answer_began && result.outcome.kind == HttpOutcome::Kind::unknown;
        const bool time_left = std::chrono::steady_clock::now() < began + call.total_timeout;
        if (!(stale && repeatable && time_left)) co_return std::move(result.outcome);
    }
}

HttpClient::HttpClient(asio::any_io_executor executor, HttpClientOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}

HttpClient::~HttpClient() {
    state_->close_idle();
}

asio::awaitable<HttpOutcome> HttpClient::send(HttpCall call) {
    // The state outlives a client that is destroyed while its calls are in flight.
    std::shared_ptr<State> state = state_;
    HttpOutcome outcome = co_await state->send(std::move(call));
    co_return outcome;
}

std::size_t HttpClient::idle_connections() const {
    return state_->idle_connections();
}

void HttpClient::close_idle() {
    state_->close_idle();
}

}  // namespace ordersaga::runtime
