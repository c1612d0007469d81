#include "broker/address.hpp"

#include <charconv>
#include <optional>

namespace ordersaga::broker {
namespace {

constexpr std::size_t part_limit = 1024;

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Nothing for a broken escape, a control character or an over-long part.
std::optional<std::string> percent_decode(std::string_view text) {
    if (text.size() > part_limit) return std::nullopt;
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
        decoded.push_back(c);
    }
    return decoded;
}

runtime::Error bad_url(std::string_view what) {
    return runtime::invalid("broker address: " + std::string(what) + " (want amqp[s]://user:password@host:port/vhost)");
}

bool take_host_and_port(std::string_view text, Address& address) {
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return false;
        address.host = std::string(text.substr(1, end - 1));
        text.remove_prefix(end + 1);
        if (!text.empty() && !text.starts_with(':')) return false;
        port = text.empty() ? text : text.substr(1);
        if (!text.empty() && port.empty()) return false;
    } else {
        const auto colon = text.find(':');
        address.host = std::string(text.substr(0, colon));
        if (colon != std::string_view::npos) {
            port = text.substr(colon + 1);
            if (port.empty()) return false;
        }
    }
    const auto in_host = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
               c == ':' || c == '_';
    };
    if (address.host.empty() || address.host.size() > 255) return false;
    for (const char c : address.host) {
        if (!in_host(c)) return false;
    }
    if (port.empty()) return true;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    return error == std::errc{} && end == port.data() + port.size() && address.port > 0 && address.port <= 65535;
}

runtime::Result<void> check_transport(const Address& address) {
    if (address.user == "guest" && !is_loopback(address.host)) {
        return bad_url("guest is the login that everybody knows; give the broker one of your own");
    }
    if (!address.tls) {
        if (is_loopback(address.host) || address.options.allow_plain_off_loopback) return {};
        return bad_url(
            "plain amqp:// to " + address.host +
            " would send the password in clear text; use amqps:// or allow it explicitly");
    }
    if (address.options.ca_file.empty()) {
        return bad_url("amqps:// needs a file of certificate authorities to check the broker against");
    }
    if (address.options.certificate_file.empty() != address.options.key_file.empty()) {
        return bad_url("a client certificate needs its key, and a key its certificate");
    }
    return {};
}

}  // namespace

std::string Address::shown() const {
    const bool ipv6 = host.find(':') != std::string::npos;
    return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + (vhost == "/" ? "/" : "/" + vhost);
}

runtime::Result<Address> parse_address(std::string_view url, AddressOptions options) {
    Address address;
    address.options = std::move(options);
    if (url.starts_with("amqps://")) {
        address.tls = true;
        address.port = 5671;
        url.remove_prefix(8);
    } else if (url.starts_with("amqp://")) {
        url.remove_prefix(7);
    } else {
        return bad_url("it must begin with amqp:// or amqps://");
    }
    if (url.find_first_of("?#") != std::string_view::npos) return bad_url("a query or fragment has no meaning here");

    const auto slash = url.find('/');
    if (slash != std::string_view::npos) {
        const auto vhost = percent_decode(url.substr(slash + 1));
        if (!vhost || url.find('/', slash + 1) != std::string_view::npos) return bad_url("the vhost is malformed");
        if (!vhost->empty()) address.vhost = *vhost;
        url = url.substr(0, slash);
    }

    const auto at = url.rfind('@');
    if (at == std::string_view::npos) return bad_url("user and password are missing");
    const auto credentials = url.substr(0, at);
    const auto colon = credentials.find(':');
    if (colon == std::string_view::npos) return bad_url("the password is missing");
    const auto user = percent_decode(credentials.substr(0, colon));
    const auto password = percent_decode(credentials.substr(colon + 1));
    if (!user || user->empty() || !password || password->empty()) return bad_url("user or password is malformed");
    address.user = *user;
    address.password = *password;

    if (!take_host_and_port(url.substr(at + 1), address)) return bad_url("host or port is malformed");
    if (auto transport = check_transport(address); !transport) return transport.error();
    return address;
}

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "::1") return true;
    if (!host.starts_with("127.")) return false;
    int dots = 0;
    for (const char c : host) {
        if (c == '.') {
            ++dots;
        } else if (c < '0' || c > '9') {
            return false;  // 127.0.0.1.example.com is a name
        }
    }
    return dots == 3;
}

}  // namespace ordersaga::broker
