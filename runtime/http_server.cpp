#include "runtime/http_server.hpp"

#include "runtime/completion.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/http_framing.hpp"
#include "runtime/json.hpp"
#include "runtime/log.hpp"
#include "runtime/metrics.hpp"
#include "runtime/text.hpp"
#include "runtime/url.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <map>
#include <mutex>

namespace ordersaga::runtime {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

namespace {

constexpr std::size_t read_size = 16 * 1024;
// After a refusal we read and drop this much, so that the peer sees our answer before the connection is cut.
constexpr std::size_t linger_bytes = 256 * 1024;
constexpr std::chrono::milliseconds linger_time{1'000};
constexpr std::chrono::milliseconds accept_pause{100};
constexpr std::string_view too_many_connections =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";

SteadyTime after(std::chrono::milliseconds pause) {
    return std::chrono::steady_clock::now() + pause;
}

std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 40> buffer{};
    const std::size_t length = std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {buffer.data(), length};
}

bool is_safe_field(const std::string& name, const std::string& value) {
    constexpr std::string_view line_breakers("\r\n\0", 3);
    return !name.empty() && name.find_first_of(line_breakers) == std::string::npos &&
           value.find_first_of(line_breakers) == std::string::npos;
}

std::string head_of(const HttpResponse& response, bool keep_alive, bool chunked) {
    const bool bodiless = response.status == 204 || response.status == 304;
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
    head += http_reason(response.status);
    head += "\r\nDate: " + http_date();
    if (!response.content_type.empty() && (chunked || !response.body.empty()) &&
        is_safe_field("-", response.content_type)) {
        head += "\r\nContent-Type: " + response.content_type;
    }
    for (const auto& [name, value] : response.headers) {
        if (is_safe_field(name, value)) head += "\r\n" + name + ": " + value;
    }
    if (chunked) {
        head += "\r\nTransfer-Encoding: chunked";
    } else if (!bodiless) {
        head += "\r\nContent-Length: " + std::to_string(response.body.size());
    }
    if (!keep_alive) head += "\r\nConnection: close";
    head += "\r\n\r\n";
    return head;
}

// A refusal that no handler made, as an RFC 9457 problem document.
HttpResponse problem_answer(int status, std::string_view text) {
    HttpResponse response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body =
        dump_json({{"type", "about:blank"}, {"title", http_reason(status)}, {"status", status}, {"detail", text}});
    response.close_connection = true;
    return response;
}

std::string address_text(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    }
    return address.to_string();
}

bool lists_token(const HttpHeaders& headers, std::string_view token) {
    const std::string* connection = find_header(headers, "Connection");
    return connection != nullptr && lower(*connection).find(token) != std::string::npos;
}

FramingFault fault_from(error_code parser_fault) {
    namespace http = beast::http;
    if (parser_fault == http::error::body_limit) return {413, "the body is too large"};
    if (parser_fault == http::error::header_limit) return {431, "the header is too large"};
    return {400, "malformed body"};
}

// How one step of reading ended.
struct Step {
    enum class Kind { complete, closed, refused } kind = Kind::complete;
    FramingFault fault;

    static Step closed() { return {Kind::closed, {}}; }
    static Step refused(FramingFault fault) { return {Kind::refused, fault}; }
};

class Session;

}  // namespace

class HttpServer::State : public std::enable_shared_from_this<State> {
public:
    State(asio::any_io_executor executor, HttpServerOptions options, HttpHandler handler);

    void start();
    void stop();
    void cut();
    bool wait_until_idle(std::chrono::milliseconds limit);
    std::uint16_t port() const { return port_; }
    std::size_t connections() const;
    bool stopping() const { return stopping_.load(); }

    void enter(const std::shared_ptr<Session>& session);
    void leave(const Session* session, const std::string& address);
    void handler_began();
    void handler_ended();
    void count_answer(int status, SteadyTime began);
    void count_refusal(std::string_view reason);

    const HttpServerOptions options;
    const HttpHandler handler;

private:
    asio::awaitable<void> accept_loop();
    void admit(tcp::socket socket);
    std::vector<std::shared_ptr<Session>> open_sessions() const;

    asio::any_io_executor executor_;
    asio::any_io_executor accept_strand_;
    tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<const Session*, std::weak_ptr<Session>> sessions_;  // guarded by mutex_
    std::map<std::string, std::size_t> by_address_;              // guarded by mutex_
    std::size_t handlers_running_ = 0;                           // guarded by mutex_
};

namespace {

// One connection. Everything runs on its strand.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(std::shared_ptr<HttpServer::State> server, tcp::socket socket, std::string address)
        : server_(std::move(server)),
          socket_(std::move(socket)),
          watchdog_(socket_.get_executor()),
          pause_(socket_.get_executor()),
          address_(std::move(address)) {}

    ~Session() { server_->leave(this, address_); }

    asio::any_io_executor executor() { return socket_.get_executor(); }
    const std::string& address() const { return address_; }

    // Thread-safe: the server stops. An idle connection closes, a busy one after its answer.
    void wind_up() {
        asio::post(socket_.get_executor(), [self = shared_from_this()] {
            self->pause_.cancel();
            if (self->idle_) self->close();
        });
    }

    // Thread-safe: close now, whatever goes on.
    void cut() {
        asio::post(socket_.get_executor(), [self = shared_from_this()] {
            self->cut_ = true;
            self->pause_.cancel();
            self->close();
        });
    }

    asio::awaitable<void> run();

private:
    friend class ChunkedStream;

    asio::awaitable<bool> serve_one();
    asio::awaitable<Step> read_head(RequestHead& head);
    asio::awaitable<Step> read_body(
        const RequestHead& head,
        std::size_t head_size,
        std::string path,
        std::string& body);
    asio::awaitable<bool> read_more(SteadyTime deadline);
    asio::awaitable<HttpResponse> ask_handler(HttpRequest request);
    asio::awaitable<bool> write(std::string bytes);
    asio::awaitable<bool> send(HttpResponse response, bool keep_alive, bool head_only);
    asio::awaitable<void> refuse(FramingFault fault);
    asio::awaitable<void> stream_body(HttpStreamBody body);
    void begin_operation(SteadyTime deadline);
    void end_operation() { operating_ = false; }
    void watch();
    // A peer that half-closed in the middle of a request may still listen.
    Step cut_short() const {
        if (read_fault_ == asio::error::eof) return Step::refused({400, "the request was cut short"});
        return Step::closed();
    }
    void close() {
        error_code ignored;
        socket_.close(ignored);
    }

    std::shared_ptr<HttpServer::State> server_;
    tcp::socket socket_;
    asio::steady_timer watchdog_;
    SteadyTime deadline_{};       // of the operation in flight
    SteadyTime watched_until_{};  // when the watchdog looks next
    bool watching_ = false;       // the watchdog runs
    bool operating_ = false;      // an operation is in flight
    bool expired_ = false;        // the last operation was cancelled at its deadline
    asio::steady_timer pause_;    // of a streaming answer
    std::string address_;
    std::string input_;  // received and not yet consumed
    std::array<char, read_size> chunk_{};
    error_code read_fault_;
    SteadyTime began_{};  // first byte of the current request
    bool idle_ = false;   // waits for the first byte of a request
    bool cut_ = false;
};

// Where a streaming answer writes its chunks.
class ChunkedStream final : public HttpStream {
public:
    explicit ChunkedStream(Session& session) : session_(session) {}

    asio::awaitable<bool> write(std::string bytes) override {
        if (gone()) co_return false;
        if (bytes.empty()) co_return true;
        std::array<char, 24> size{};
        const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
        bytes.insert(0, size.data(), static_cast<std::size_t>(length));
        bytes += "\r\n";
        const bool written = co_await session_.write(std::move(bytes));
        if (!written) failed_ = true;
        co_return written;
    }

    asio::awaitable<bool> wait(std::chrono::milliseconds pause) override {
        if (gone()) co_return false;
        error_code ignored;
        session_.pause_.expires_after(pause);
        co_await session_.pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        co_return !gone();
    }

    bool failed() const { return failed_; }

private:
    bool gone() const { return failed_ || session_.cut_ || session_.server_->stopping(); }

    Session& session_;
    bool failed_ = false;
};

// Beast's own stream closes the socket at a deadline, and then no 408 can be told; so we only cancel. One timer serves all
// operations: a later deadline is noted and looked at when the timer fires, which costs nothing for each operation.
void Session::begin_operation(SteadyTime deadline) {
    deadline_ = deadline;
    operating_ = true;
    expired_ = false;
    if (!watching_ || deadline < watched_until_) watch();
}

void Session::watch() {
    watching_ = true;
    watched_until_ = deadline_;
    watchdog_.expires_at(deadline_);
    watchdog_.async_wait([self = shared_from_this()](error_code fault) {
        if (fault) return;  // a nearer deadline has taken over, or the connection has ended
        self->watching_ = false;
        if (!self->operating_) return;
        if (self->deadline_ > std::chrono::steady_clock::now()) {
            self->watch();
            return;
        }
        self->expired_ = true;
        error_code ignored;
        self->socket_.cancel(ignored);
    });
}

asio::awaitable<bool> Session::read_more(SteadyTime deadline) {
    begin_operation(deadline);
    const std::size_t count =
        co_await socket_.async_read_some(asio::buffer(chunk_), asio::redirect_error(asio::use_awaitable, read_fault_));
    end_operation();
    input_.append(chunk_.data(), count);
    co_return !read_fault_;
}

asio::awaitable<Step> Session::read_head(RequestHead& head) {
    const HttpServerOptions& options = server_->options;
    if (input_.empty()) {
        idle_ = true;
        if (server_->stopping()) co_return Step::closed();
        const bool arrived = co_await read_more(after(options.idle_timeout));
        idle_ = false;
        if (!arrived) co_return Step::closed();
    }
    began_ = std::chrono::steady_clock::now();
    std::size_t looked = 0;
    for (;;) {
        if (auto fault = judge_partial_head(input_, looked)) co_return Step::refused(*fault);
        const std::size_t end = end_of_head(input_, looked);
        if (std::min(end, input_.size()) > options.header_limit) {
            co_return Step::refused({431, "the header is too large"});
        }
        if (end != std::string::npos) {
            const std::string_view block = std::string_view(input_).substr(0, end);
            if (auto fault = judge_head(block, options.header_fields, head)) co_return Step::refused(*fault);
            co_return Step{};
        }
        looked = input_.size();
        const bool arrived = co_await read_more(began_ + options.header_timeout);
        if (!arrived && expired_) {
            co_return Step::refused({408, "the header did not arrive in time"});
        }
        if (!arrived) co_return cut_short();
    }
}

// Beast's parser reads the same bytes a second time: it decodes the body, and a disagreement with our own reading of the
// header is one more reason to refuse.
asio::awaitable<Step> Session::read_body(
    const RequestHead& head,
    std::size_t head_size,
    std::string path,
    std::string& body) {
    namespace http = beast::http;
    const HttpServerOptions& options = server_->options;
    const std::size_t limit = options.body_limit_for ? options.body_limit_for(head.method, path) : options.body_limit;
    if (head.content_length.value_or(0) > limit) co_return Step::refused({413, "the body is too large"});

    http::request_parser<http::string_body> parser;
    parser.eager(true);
    parser.header_limit(static_cast<std::uint32_t>(options.header_limit + 1024));
    parser.body_limit(limit);
    bool extended = false;
    auto judge_chunk = [&extended](std::uint64_t, beast::string_view extensions, error_code& fault) {
        if (extensions.empty()) return;
        extended = true;
        fault = http::error::bad_chunk_extension;
    };
    parser.on_chunk_header(judge_chunk);

    const bool has_body = head.chunked || head.content_length.value_or(0) > 0;
    bool continue_due = head.expects_continue && has_body && input_.size() <= head_size;
    while (!parser.is_done()) {
        error_code fault;
        const std::size_t used = parser.put(asio::buffer(input_), fault);
        input_.erase(0, used);
        if (extended) co_return Step::refused({400, "a chunk extension"});
        if (fault && fault != http::error::need_more) co_return Step::refused(fault_from(fault));
        if (parser.is_done()) break;
        if (continue_due) {
            continue_due = false;
            const bool told = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
            if (!told) co_return Step::closed();
        }
        // An endless chunk-size line or trailer never becomes data; nothing may grow without bound.
        if (input_.size() > options.header_limit + read_size) co_return Step::refused({400, "malformed body"});
        const bool arrived = co_await read_more(began_ + options.request_timeout);
        if (!arrived && expired_) {
            co_return Step::refused({408, "the body did not arrive in time"});
        }
        if (!arrived) co_return cut_short();
    }
    if (parser.chunked() != head.chunked) co_return Step::refused({400, "ambiguous framing"});
    body = std::move(parser.get().body());
    co_return Step{};
}

asio::awaitable<void> run_handler(
    std::shared_ptr<HttpServer::State> server,
    HttpRequest request,
    Completion<HttpResponse> completion) {
    HttpResponse response;
    try {
        response = co_await server->handler(std::move(request));
    } catch (const std::exception& fault) {
        log_error("an HTTP handler failed", {{"listener", server->options.name}, {"error", fault.what()}});
        response = problem_answer(500, "internal error");
    } catch (...) {
        log_error("an HTTP handler failed", {{"listener", server->options.name}});
        response = problem_answer(500, "internal error");
    }
    completion.complete(std::move(response));
    server->handler_ended();
}

asio::awaitable<HttpResponse> Session::ask_handler(HttpRequest request) {
    Completion<HttpResponse> completion;
    server_->handler_began();
    asio::co_spawn(socket_.get_executor(), run_handler(server_, std::move(request), completion), asio::detached);
    std::optional<HttpResponse> response = co_await completion.wait_for(server_->options.answer_timeout);
    if (response) co_return std::move(*response);
    log_warn("an HTTP handler did not answer in time", {{"listener", server_->options.name}});
    HttpResponse late = problem_answer(503, "no answer in time");
    late.headers.emplace_back("Retry-After", "1");
    co_return late;
}

asio::awaitable<bool> Session::write(std::string bytes) {
    error_code fault;
    begin_operation(after(server_->options.write_timeout));
    co_await asio::async_write(socket_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, fault));
    end_operation();
    co_return !fault;
}

asio::awaitable<bool> Session::send(HttpResponse response, bool keep_alive, bool head_only) {
    const bool bodiless = head_only || response.status == 204 || response.status == 304;
    std::string bytes = head_of(response, keep_alive, false);
    if (!bodiless) bytes += response.body;
    if (crash_points_armed()) {
        const std::size_t half = bytes.size() / 2;
        const bool begun = co_await write(bytes.substr(0, half));
        if (!begun) co_return false;
        crash_point("http.answer_half_sent");
        bytes.erase(0, half);
    }
    const bool written = co_await write(std::move(bytes));
    crash_point("http.answer_sent");
    co_return written;
}

asio::awaitable<void> Session::stream_body(HttpStreamBody body) {
    ChunkedStream stream(*this);
    bool whole = true;
    try {
        co_await body(stream);
    } catch (const std::exception& fault) {
        whole = false;
        log_error("a streaming answer failed", {{"listener", server_->options.name}, {"error", fault.what()}});
    }
    // Without the last chunk the peer can tell that the answer was broken off.
    if (!whole || stream.failed() || cut_) co_return;
    co_await write("0\r\n\r\n");
}

asio::awaitable<void> Session::refuse(FramingFault fault) {
    server_->count_refusal(fault.reason);
    server_->count_answer(fault.status, began_);
    log_debug(
        "request refused",
        {{"listener", server_->options.name}, {"status", fault.status}, {"reason", fault.reason}, {"peer", address_}});
    const bool sent = co_await send(problem_answer(fault.status, fault.reason), false, false);
    if (!sent) co_return;
    // Closing with unread bytes would reset the connection and could destroy the answer on its way.
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    const SteadyTime deadline = after(linger_time);
    std::size_t dropped = 0;
    while (dropped < linger_bytes) {
        input_.clear();
        const bool arrived = co_await read_more(deadline);
        dropped += input_.size();
        if (!arrived) break;
    }
}

// True when the connection may carry another request.
asio::awaitable<bool> Session::serve_one() {
    RequestHead head;
    Step step = co_await read_head(head);
    if (step.kind == Step::Kind::closed) co_return false;
    HttpRequest request;
    if (step.kind == Step::Kind::complete) {
        const std::string_view target = head.target;
        const std::size_t question = target.find('?');
        std::optional<std::string> path = percent_decode(target.substr(0, question));
        if (!path) {
            step = Step::refused({400, "broken escape in the target"});
        } else {
            request.path = std::move(*path);
        }
        auto query = parse_query(question == std::string_view::npos ? std::string_view{} : target.substr(question + 1));
        if (!query) {
            step = Step::refused({400, "broken escape in the target"});
        } else {
            request.query = std::move(*query);
        }
    }
    const bool wants_body = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
    const bool has_length = head.chunked || head.content_length.has_value();
    if (step.kind == Step::Kind::complete && wants_body && !has_length &&
        server_->options.body_length_required_for_post) {
        step = Step::refused({411, "a length is required"});
    }
    if (step.kind == Step::Kind::complete) {
        const std::size_t head_size = end_of_head(input_, 0);
        step = co_await read_body(head, head_size, request.path, request.body);
    }
    if (step.kind == Step::Kind::closed) co_return false;
    if (step.kind == Step::Kind::refused) {
        co_await refuse(step.fault);
        co_return false;
    }

    const bool head_only = head.method == "HEAD";
    const bool peer_keeps = head.version_1_0 ? false : !lists_token(head.headers, "close");
    request.method = std::move(head.method);
    request.target = std::move(head.target);
    request.headers = std::move(head.headers);
    request.remote_address = address_;
    HttpResponse response = co_await ask_handler(std::move(request));
    server_->count_answer(response.status, began_);
    const bool keep_alive = peer_keeps && !response.close_connection && !server_->stopping() && !cut_;
    if (response.stream && !head_only && !head.version_1_0) {
        const bool begun = co_await write(head_of(response, false, true));
        if (begun) co_await stream_body(std::move(response.stream));
        co_return false;
    }
    const bool sent = co_await send(std::move(response), keep_alive, head_only);
    co_return sent&& keep_alive;
}

asio::awaitable<void> Session::run() {
    try {
        for (std::size_t served = 0; served < server_->options.max_requests_per_connection; ++served) {
            const bool again = co_await serve_one();
            if (!again) break;
        }
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_both, ignored);
    } catch (const std::exception& fault) {
        log_error("an HTTP connection failed", {{"listener", server_->options.name}, {"error", fault.what()}});
    }
    watchdog_.cancel();
    close();
}

asio::awaitable<void> run_session(std::shared_ptr<Session> session) {
    co_await session->run();
}

}  // namespace

HttpServer::State::State(asio::any_io_executor executor, HttpServerOptions settings, HttpHandler answer)
    : options(std::move(settings)),
      handler(std::move(answer)),
      executor_(executor),
      accept_strand_(asio::make_strand(executor)),
      acceptor_(accept_strand_) {}

void HttpServer::State::start() {
    const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen(1024);
    port_ = acceptor_.local_endpoint().port();
    // The loop owns the state for as long as it runs.
    auto self = shared_from_this();
    auto loop = [](std::shared_ptr<State> state) -> asio::awaitable<void> {
        co_await state->accept_loop();
    };
    asio::co_spawn(accept_strand_, loop(self), asio::detached);
}

asio::awaitable<void> HttpServer::State::accept_loop() {
    asio::steady_timer pause(accept_strand_);
    while (!stopping()) {
        error_code fault;
        asio::any_io_executor strand = asio::make_strand(executor_);
        tcp::socket socket = co_await acceptor_.async_accept(strand, asio::redirect_error(asio::use_awaitable, fault));
        if (stopping() || fault == asio::error::operation_aborted) break;
        if (!fault) {
            try {
                admit(std::move(socket));
            } catch (const std::exception& problem) {
                log_error("a connection was dropped", {{"listener", options.name}, {"error", problem.what()}});
            }
            continue;
        }
        // Out of descriptors or memory: trying again at once would only burn the processor.
        log_warn("cannot accept a connection", {{"listener", options.name}, {"error", fault.message()}});
        pause.expires_after(accept_pause);
        error_code ignored;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    error_code ignored;
    acceptor_.close(ignored);
}

void HttpServer::State::admit(tcp::socket socket) {
    error_code fault;
    const tcp::endpoint peer = socket.remote_endpoint(fault);
    if (fault) return;
    socket.set_option(tcp::no_delay(true), fault);
    asio::any_io_executor strand = socket.get_executor();
    std::string address = address_text(peer.address());
    {
        const std::lock_guard lock(mutex_);
        const auto known = by_address_.find(address);
        const std::size_t same = known == by_address_.end() ? 0 : known->second;
        if (sessions_.size() >= options.max_connections || same >= options.max_connections_per_address) {
            socket.non_blocking(true, fault);
            socket.write_some(asio::buffer(too_many_connections), fault);
            socket.shutdown(tcp::socket::shutdown_send, fault);
            count_refusal("too many connections");
            return;
        }
        ++by_address_[address];
    }
    auto session = std::make_shared<Session>(shared_from_this(), std::move(socket), std::move(address));
    enter(session);
    asio::co_spawn(strand, run_session(session), asio::detached);
}

void HttpServer::State::enter(const std::shared_ptr<Session>& session) {
    const std::lock_guard lock(mutex_);
    sessions_.emplace(session.get(), session);
}

void HttpServer::State::leave(const Session* session, const std::string& address) {
    const std::lock_guard lock(mutex_);
    sessions_.erase(session);
    const auto known = by_address_.find(address);
    if (known != by_address_.end() && --known->second == 0) by_address_.erase(known);
    changed_.notify_all();
}

void HttpServer::State::handler_began() {
    const std::lock_guard lock(mutex_);
    ++handlers_running_;
}

void HttpServer::State::handler_ended() {
    const std::lock_guard lock(mutex_);
    --handlers_running_;
    changed_.notify_all();
}

void HttpServer::State::count_answer(int status, SteadyTime began) {
    if (options.metrics == nullptr) return;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const MetricLabels by_status{{"listener", options.name}, {"status", std::to_string(status)}};
    options.metrics->counter("ordersaga_http_requests_total", "Answers given, by status.", by_status).add();
    options.metrics
        ->histogram(
            "ordersaga_http_request_seconds", "From the first byte of a request to its answer.", latency_buckets(),
            {{"listener", options.name}})
        .observe(seconds);
}

void HttpServer::State::count_refusal(std::string_view reason) {
    if (options.metrics == nullptr) return;
    options.metrics
        ->counter(
            "ordersaga_http_refused_total", "Requests and connections refused before any handler saw them.",
            {{"listener", options.name}, {"reason", std::string(reason)}})
        .add();
}

std::size_t HttpServer::State::connections() const {
    const std::lock_guard lock(mutex_);
    return sessions_.size();
}

std::vector<std::shared_ptr<Session>> HttpServer::State::open_sessions() const {
    std::vector<std::shared_ptr<Session>> open;
    const std::lock_guard lock(mutex_);
    for (const auto& [key, weak] : sessions_) {
        if (auto session = weak.lock()) open.push_back(std::move(session));
    }
    return open;
}

void HttpServer::State::stop() {
    if (stopping_.exchange(true)) return;
    asio::post(accept_strand_, [self = shared_from_this()] {
        error_code ignored;
        self->acceptor_.close(ignored);
    });
    for (const auto& session : open_sessions())
        session->wind_up();
}

void HttpServer::State::cut() {
    for (const auto& session : open_sessions())
        session->cut();
}

bool HttpServer::State::wait_until_idle(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] { return sessions_.empty() && handlers_running_ == 0; });
}

HttpServer::HttpServer(asio::any_io_executor executor, HttpServerOptions options, HttpHandler handler)
    : state_(std::make_shared<State>(std::move(executor), std::move(options), std::move(handler))) {}

HttpServer::~HttpServer() {
    state_->stop();
    state_->cut();
}

void HttpServer::start() {
    state_->start();
}

std::uint16_t HttpServer::port() const {
    return state_->port();
}

void HttpServer::stop() {
    state_->stop();
}

bool HttpServer::stop_and_wait(std::chrono::milliseconds limit) {
    state_->stop();
    if (state_->wait_until_idle(limit)) return true;
    state_->cut();
    state_->wait_until_idle(std::chrono::milliseconds(1'000));
    return false;
}

std::size_t HttpServer::connections() const {
    return state_->connections();
}

}  // namespace ordersaga::runtime
