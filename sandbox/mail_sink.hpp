// A mail server that keeps what it gets: every mail is an effect in the ledger, decoded. Speaks as much SMTP as clients need
// for submission (EHLO, STARTTLS, AUTH PLAIN) and misbehaves as the faults of the peer kind "mail" say.
// One io_context, one thread; listens on 127.0.0.1.
#pragma once

#include "runtime/clock.hpp"
#include "sandbox/world.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

struct MailSinkOptions {
    std::uint16_t port = 0;        // 0: a free one
    std::string certificate_file;  // PEM; with it nothing is taken before STARTTLS
    std::string key_file;
    std::string user;  // with it nothing is taken before a login
    std::string password;
};

class MailSink {
public:
    // Listens at once. Throws when the port is taken or the certificate cannot be used. World and clock must outlive it.
    MailSink(boost::asio::io_context& context, World& world, runtime::Clock& clock, MailSinkOptions options);
    ~MailSink();
    MailSink(const MailSink&) = delete;
    MailSink& operator=(const MailSink&) = delete;

    [[nodiscard]] std::uint16_t port() const;

private:
    class State;
    std::shared_ptr<State> state_;
};

// A mail as its reader sees it. Header values are unfolded; `subject` and `text` are decoded.
struct ReceivedMail {
    std::vector<std::pair<std::string, std::string>> headers;
    std::string subject;
    std::string text;

    [[nodiscard]] std::string header(const std::string& name) const;  // the first of that name, or empty
};
[[nodiscard]] ReceivedMail read_mail(const std::string& bytes);

}  // namespace ordersaga::sandbox
