#include "runtime/url.hpp"

#include "runtime/text.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

namespace ordersaga::runtime {
namespace {

bool is_unreserved(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_host_name(std::string_view host) {
    if (host.empty() || host.size() > 253) return false;
    for (const char c : host) {
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        if (!allowed) return false;
    }
    return true;
}

bool is_ipv6(const std::string& host) {
    in6_addr address{};
    return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// In host byte order.
bool is_never_a_peer_v4(std::uint32_t address) {
    const bool nowhere = address >> 24 == 0;
    const bool link_local = address >> 16 == 0xa9fe;
    const bool multicast_or_reserved = address >> 28 >= 0xe;
    return nowhere || link_local || multicast_or_reserved;
}

bool is_never_a_peer_v6(const in6_addr& address) {
    if (IN6_IS_ADDR_UNSPECIFIED(&address) || IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MULTICAST(&address))
        return true;
    constexpr std::array<unsigned char, 12> translated{0, 0x64, 0xff, 0x9b};
    const bool wraps_v4 =
        IN6_IS_ADDR_V4MAPPED(&address) || std::equal(translated.begin(), translated.end(), std::begin(address.s6_addr));
    if (!wraps_v4) return false;
    in_addr inner{};
    std::copy_n(std::begin(address.s6_addr) + 12, 4, reinterpret_cast<unsigned char*>(&inner.s_addr));
    return is_never_a_peer_v4(ntohl(inner.s_addr));
}

// "2130706433", "0x7f.1": no name ends in a number, but the old readers of addresses take it for one.
bool ends_in_a_number(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    std::string_view last = host.substr(host.rfind('.') + 1);
    const bool prefixed = last.starts_with("0x");
    if (prefixed) last.remove_prefix(2);
    return (prefixed || !last.empty()) && std::all_of(last.begin(), last.end(), [&](char c) {
               return (c >= '0' && c <= '9') || (prefixed && c >= 'a' && c <= 'f');
           });
}

// Splits "host:port" or "[v6]:port" into the url; false when it is neither.
bool read_authority(std::string_view authority, Url& url) {
    std::string_view port_text;
    if (!authority.empty() && authority.front() == '[') {
        const std::size_t end = authority.find(']');
        if (end == std::string_view::npos) return false;
        url.host = lower(authority.substr(1, end - 1));
        if (!is_ipv6(url.host)) return false;
        port_text = authority.substr(end + 1);
        if (!port_text.empty() && port_text.front() != ':') return false;
        if (!port_text.empty()) port_text.remove_prefix(1);
        if (port_text.empty() && authority.back() == ':') return false;
    } else {
        const std::size_t colon = authority.find(':');
        url.host = lower(authority.substr(0, colon));
        if (!is_host_name(url.host)) return false;
        if (colon != std::string_view::npos) {
            port_text = authority.substr(colon + 1);
            if (port_text.empty()) return false;
        }
    }
    url.port = url.tls ? 443 : 80;
    if (port_text.empty()) return true;
    const char* end = port_text.data() + port_text.size();
    const auto [stop, fault] = std::from_chars(port_text.data(), end, url.port);
    return fault == std::errc{} && stop == end && url.port != 0;
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            result += static_cast<char>(high * 16 + low);
            i += 2;
        } else if (plus_is_space && text[i] == '+') {
            result += ' ';
        } else {
            result += text[i];
        }
    }
    return result;
}

}  // namespace

std::string Url::authority() const {
    std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
    return text;
}

std::string Url::origin() const {
    return (tls ? "https://" : "http://") + authority();
}

Result<Url> parse_url(std::string_view text) {
    if (text.size() > 8192) return invalid("the address is longer than 8192 bytes");
    for (const char c : text) {
        if (c <= 0x20 || c >= 0x7f) return invalid("the address holds a space or a byte that is not visible ASCII");
    }
    const std::string head = lower(text.substr(0, 8));
    Url url;
    std::string_view rest;
    if (head.starts_with("https://")) {
        url.tls = true;
        rest = text.substr(8);
    } else if (head.starts_with("http://")) {
        rest = text.substr(7);
    } else {
        return invalid("the address must begin with https:// or http://");
    }
    if (rest.find('#') != std::string_view::npos) return invalid("the address must not have a fragment");
    const std::size_t end = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, end);
    if (authority.find('@') != std::string_view::npos) return invalid("the address must not hold a user or password");
    if (!read_authority(authority, url)) return invalid("the address has no valid host and port");
    if (is_never_a_peer(url.host)) return invalid("the address names a host that no peer has: " + url.host);
    if (end != std::string_view::npos) {
        url.target = rest.substr(end);
        if (url.target.front() == '?') url.target.insert(0, 1, '/');
    }
    return url;
}

Result<std::string> parse_base_url(std::string_view text) {
    Result<Url> url = parse_url(text);
    if (!url) return url.error();
    if (url->target.find('?') != std::string::npos) return invalid("a base address must not have a query");
    std::string base = url->origin() + url->target;
    while (base.back() == '/')
        base.pop_back();
    return base;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_unreserved(byte)) {
            result += c;
        } else {
            result += '%';
            result += digits[byte >> 4];
            result += digits[byte & 15];
        }
    }
    return result;
}

std::optional<std::string> percent_decode(std::string_view text) {
    return decode(text, false);
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> pairs;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view part = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        std::optional<std::string> name = decode(part.substr(0, equals), true);
        std::optional<std::string> value =
            equals == std::string_view::npos ? std::string() : decode(part.substr(equals + 1), true);
        if (!name || !value) return std::nullopt;
        pairs.emplace_back(std::move(*name), std::move(*value));
    }
    return pairs;
}

bool is_loopback_host(std::string_view host) noexcept {
    if (host == "localhost") return true;
    std::array<char, 64> text{};
    if (host.size() >= text.size()) return false;
    host.copy(text.data(), host.size());
    in_addr v4{};
    if (inet_pton(AF_INET, text.data(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    if (inet_pton(AF_INET6, text.data(), &v6) != 1) return false;
    if (IN6_IS_ADDR_LOOPBACK(&v6)) return true;
    return IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
}

bool is_never_a_peer(std::string_view host) noexcept {
    std::array<char, 64> text{};
    if (host.size() >= text.size()) return ends_in_a_number(host);
    host.copy(text.data(), host.size());
    in_addr v4{};
    if (inet_pton(AF_INET, text.data(), &v4) == 1) return is_never_a_peer_v4(ntohl(v4.s_addr));
    in6_addr v6{};
    if (inet_pton(AF_INET6, text.data(), &v6) == 1) return is_never_a_peer_v6(v6);
    return ends_in_a_number(host);
}

}  // namespace ordersaga::runtime
