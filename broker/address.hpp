#pragma once

// Where the broker is and how to talk to it: one AMQP URL plus the TLS settings that do not belong into a URL.
// A value type, immutable after it was parsed; safe to share between threads.

#include "runtime/error.hpp"

#include <string>
#include <string_view>

namespace ordersaga::broker {

/// What the configuration may add to the URL.
struct AddressOptions {
    /// PEM file with the authorities that may sign the broker's certificate. Required for amqps://.
    std::string ca_file = {};
    /// Client certificate and key (PEM), both or none.
    std::string certificate_file = {};
    std::string key_file = {};
    /// Plain amqp:// sends the password in clear text, so it is accepted for loopback only unless this is set.
    bool allow_plain_off_loopback = false;
};

struct Address {
    std::string host;
    int port = 5672;
    std::string user;
    std::string password;
    std::string vhost = "/";
    bool tls = false;
    AddressOptions options;

    /// host:port/vhost without credentials, for logs and errors.
    std::string shown() const;
};

/// Parses amqp://user:password@host:port/vhost or amqps://... (percent-encoded parts, [::1] for IPv6). Refuses unknown
/// schemes, queries, missing credentials, control characters, and plain text off loopback; the error never repeats the
/// password. Never throws anything but std::bad_alloc.
runtime::Result<Address> parse_address(std::string_view url, AddressOptions options = {});

/// True for localhost, 127.0.0.0/8 and ::1, judged by the text alone: no name is looked up.
bool is_loopback(std::string_view host);

}  // namespace ordersaga::broker
