#include "sandbox/mail_sink.hpp"

#include "runtime/crypto.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using nlohmann::json;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t mail_bytes_max = 1024 * 1024;
const std::string peer_kind = "mail";

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return text;
}

// What stands between < and >.
std::string address_in(const std::string& line) {
    const std::size_t open = line.find('<');
    const std::size_t close = line.find('>', open == std::string::npos ? 0 : open);
    return close == std::string::npos ? std::string() : line.substr(open + 1, close - open - 1);
}

// A line of the mail that begins with a dot travels with one more.
std::string without_stuffing(const std::string& data) {
    std::string result;
    bool at_begin = true;
    for (const char c : data) {
        if (at_begin && c == '.') {
            at_begin = false;
            continue;
        }
        at_begin = c == '\n';
        result += c;
    }
    return result;
}

std::string without_line_ends(std::string text) {
    std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
    return text;
}

// Encoded words (RFC 2047) of UTF-8 in base64; blanks between two of them mean nothing.
std::string decoded_words(std::string_view text) {
    constexpr std::string_view begin = "=?UTF-8?B?";
    std::string result;
    while (!text.empty()) {
        const std::size_t at = text.find(begin);
        const std::size_t end = at == std::string_view::npos ? at : text.find("?=", at + begin.size());
        if (end == std::string_view::npos) return result + std::string(text);
        const std::string_view between = text.substr(0, at);
        if (result.empty() || between.find_first_not_of(' ') != std::string_view::npos) result += between;
        result += runtime::base64_decode(text.substr(at + begin.size(), end - at - begin.size())).value_or("?");
        text.remove_prefix(end + 2);
    }
    return result;
}

struct MailConnection {
    MailConnection(tcp::socket accepted, asio::ssl::context& tls) : socket(std::move(accepted)), secure(socket, tls) {}

    tcp::socket socket;
    asio::ssl::stream<tcp::socket&> secure;
    bool encrypted = false;
    std::string buffer;

    // Up to and without `end`; nullopt when the client has gone or says too much.
    awaitable<std::optional<std::string>> read_until(std::string end) {
        auto into = asio::dynamic_buffer(buffer, mail_bytes_max);
        std::size_t length = 0;
        boost::system::error_code error;
        if (encrypted) {
            auto [failed, count] = co_await asio::async_read_until(secure, into, end, as_result);
            error = failed;
            length = count;
        } else {
            auto [failed, count] = co_await asio::async_read_until(socket, into, end, as_result);
            error = failed;
            length = count;
        }
        if (error) co_return std::nullopt;
        std::string text = buffer.substr(0, length - end.size());
        buffer.erase(0, length);
        co_return text;
    }

    awaitable<bool> write(std::string text) {
        boost::system::error_code error;
        if (encrypted) {
            auto [failed, count] = co_await asio::async_write(secure, asio::buffer(text), as_result);
            error = failed;
        } else {
            auto [failed, count] = co_await asio::async_write(socket, asio::buffer(text), as_result);
            error = failed;
        }
        co_return !error;
    }

    // Without a goodbye: the client sees a connection that was lost.
    void reset() {
        boost::system::error_code ignored;
        socket.set_option(asio::socket_base::linger(true, 0), ignored);
        socket.close(ignored);
    }
};

}  // namespace

std::string ReceivedMail::header(const std::string& name) const {
    const auto found =
        std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
    return found == headers.end() ? std::string() : found->second;
}

ReceivedMail read_mail(const std::string& bytes) {
    ReceivedMail mail;
    std::string_view rest(bytes);
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find("\r\n"), rest.size());
        const std::string line(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 2, rest.size()));
        if (line.empty()) break;
        const std::size_t colon = line.find(": ");
        if (line.front() == ' ' && !mail.headers.empty()) {
            mail.headers.back().second += line;
        } else if (colon == std::string::npos) {
            mail.headers.emplace_back(line, "");
        } else {
            mail.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
        }
    }
    mail.subject = decoded_words(mail.header("Subject"));
    mail.text = std::string(rest);
    if (mail.header("Content-Transfer-Encoding") == "base64")
        mail.text = runtime::base64_decode(without_line_ends(mail.text)).value_or("?");
    return mail;
}

class MailSink::State : public std::enable_shared_from_this<MailSink::State> {
public:
    State(asio::io_context& context, World& world, runtime::Clock& clock, MailSinkOptions options)
        : world_(world),
          clock_(clock),
          options_(std::move(options)),
          tls_(asio::ssl::context::tls_server),
          acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), options_.port)) {
        if (options_.certificate_file.empty()) return;
        tls_.use_certificate_chain_file(options_.certificate_file);
        tls_.use_private_key_file(options_.key_file, asio::ssl::context::pem);
    }

    void start() { asio::co_spawn(acceptor_.get_executor(), accept(shared_from_this()), asio::detached); }
    void stop() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    struct Mail {
        std::string from;
        std::vector<std::string> to;
        FaultKind fault = FaultKind::none;
    };

    static awaitable<void> accept(std::shared_ptr<State> self) {
        for (;;) {
            auto [error, socket] = co_await self->acceptor_.async_accept(as_result);
            if (error) co_return;
            asio::co_spawn(self->acceptor_.get_executor(), talk(self, std::move(socket)), asio::detached);
        }
    }

    static awaitable<void> talk(std::shared_ptr<State> self, tcp::socket socket) {
        MailConnection client(std::move(socket), self->tls_);
        FaultDial& faults = self->world_.faults();
        if (faults.is_out(peer_kind, self->clock_.now())) {
            faults.draw(peer_kind, self->clock_.now());
            if (faults.outage_answers_503(peer_kind)) co_await client.write("421 the sandbox is away\r\n");
            client.reset();
            co_return;
        }
        bool going_on = co_await client.write("220 sandbox ESMTP\r\n");
        bool known = self->options_.user.empty();
        Mail mail;
        while (going_on) {
            const std::optional<std::string> line = co_await client.read_until("\r\n");
            if (!line) co_return;
            going_on = co_await self->obey(client, *line, mail, known);
        }
    }

    // False: the conversation is over.
    awaitable<bool> obey(MailConnection& client, const std::string& line, Mail& mail, bool& known) {
        const std::string verb = upper(line.substr(0, line.find(' ')));
        const bool closed = !options_.certificate_file.empty() && !client.encrypted;
        std::string answer;
        if (verb == "EHLO" || verb == "HELO") {
            answer = closed                  ? "250-sandbox\r\n250 STARTTLS\r\n"
                     : options_.user.empty() ? "250 sandbox\r\n"
                                             : "250-sandbox\r\n250 AUTH PLAIN\r\n";
        } else if (verb == "STARTTLS" && closed) {
            const bool secured = co_await secure(client);
            co_return secured;
        } else if (verb == "QUIT") {
            co_await client.write("221 bye\r\n");
            co_return false;
        } else if (closed) {
            answer = "530 5.7.0 STARTTLS comes first\r\n";
        } else if (verb == "AUTH") {
            const bool answered = co_await log_in(client, line, known);
            co_return answered;
        } else if (!known) {
            answer = "530 5.7.0 a login comes first\r\n";
        } else if (verb == "MAIL") {
            mail = {address_in(line), {}, world_.faults().draw(peer_kind, clock_.now())};
            if (mail.fault == FaultKind::reset_before || mail.fault == FaultKind::outage) {
                client.reset();
                co_return false;
            }
            answer = mail.fault == FaultKind::throttled ? "451 4.7.1 too much at once\r\n" : "250 ok\r\n";
        } else if (verb == "RCPT") {
            mail.to.push_back(address_in(line));
            answer = mail.fault == FaultKind::error_before ? "550 5.1.1 nobody of that name\r\n" : "250 ok\r\n";
        } else if (verb == "DATA") {
            const bool answered = co_await take(client, mail);
            co_return answered;
        } else {
            answer = verb == "RSET" || verb == "NOOP" ? "250 ok\r\n" : "502 not known\r\n";
        }
        const bool written = co_await client.write(answer);
        co_return written;
    }

    awaitable<bool> secure(MailConnection& client) {
        const bool written = co_await client.write("220 go ahead\r\n");
        if (!written) co_return false;
        auto [error] = co_await client.secure.async_handshake(asio::ssl::stream_base::server, as_result);
        client.encrypted = true;
        co_return !error;
    }

    awaitable<bool> log_in(MailConnection& client, const std::string& line, bool& known) {
        std::string words = line.size() > 11 ? line.substr(11) : std::string();  // behind "AUTH PLAIN "
        if (words.empty()) {
            co_await client.write("334 \r\n");
            const std::optional<std::string> more = co_await client.read_until("\r\n");
            words = more.value_or("");
        }
        const std::string wanted = std::string(1, '\0') + options_.user + std::string(1, '\0') + options_.password;
        known = runtime::base64_decode(words).value_or("") == wanted;
        std::string answer = known ? "235 welcome\r\n" : "535 5.7.8 not with that password\r\n";
        const bool written = co_await client.write(std::move(answer));
        co_return written;
    }

    awaitable<bool> take(MailConnection& client, const Mail& mail) {
        co_await client.write("354 end with a dot\r\n");
        const std::optional<std::string> data = co_await client.read_until("\r\n.\r\n");
        if (!data) co_return false;
        record(mail, without_stuffing(*data + "\r\n"), client.encrypted);
        const FaultRates rates = world_.faults().rates(peer_kind);
        std::string answer = "250 taken\r\n";
        asio::steady_timer pause(client.socket.get_executor());
        switch (mail.fault) {
            case FaultKind::reset_after: client.reset(); co_return false;
            case FaultKind::error_after: answer = "451 4.3.0 something broke\r\n"; break;
            case FaultKind::garbage: answer = "\x16\x03\x01 this is no SMTP\r\n"; break;
            case FaultKind::slow: pause.expires_after(rates.slow_for); break;
            case FaultKind::timeout_after: pause.expires_after(rates.hold_for); break;
            default: break;
        }
        co_await pause.async_wait(as_result);
        const bool written = co_await client.write(answer);
        co_return written;
    }

    void record(const Mail& mail, const std::string& bytes, bool encrypted) {
        const ReceivedMail read = read_mail(bytes);
        json headers = json::array();
        for (const auto& [name, value] : read.headers)
            headers.push_back({name, value});
        for (const std::string& to : mail.to) {
            Effect effect;
            effect.at = clock_.now();
            effect.peer = "mail:" + to;
            effect.kind = "mail_received";
            effect.key = read.header("Message-ID");
            effect.reference = to;
            effect.detail = json{
                {"from", mail.from},
                {"subject", read.subject},
                {"text", read.text},
                {"headers", headers},
                {"encrypted",
                 encrypted}}.dump(-1, ' ', false, json::error_handler_t::replace);
            effect.replay = !world_.first_time(effect.peer, effect.key);
            world_.ledger().record(std::move(effect));
        }
    }

    World& world_;
    runtime::Clock& clock_;
    const MailSinkOptions options_;
    asio::ssl::context tls_;
    tcp::acceptor acceptor_;
};

MailSink::MailSink(asio::io_context& context, World& world, runtime::Clock& clock, MailSinkOptions options)
    : state_(std::make_shared<State>(context, world, clock, std::move(options))) {
    state_->start();
}

MailSink::~MailSink() {
    state_->stop();
}

std::uint16_t MailSink::port() const {
    return state_->port();
}

}  // namespace ordersaga::sandbox
