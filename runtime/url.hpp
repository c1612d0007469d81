// Addresses of peers as they stand in the configuration. Pure functions, any thread.
#pragma once

#include "runtime/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ordersaga::runtime {

struct Url {
    bool tls = false;          // https
    std::string host;          // lower case; an IPv6 literal without brackets
    std::uint16_t port = 0;    // the scheme's default when the text has none
    std::string target = "/";  // path and query, always beginning with '/'

    // "https://host:port", the default port left out. Two equal origins may share a connection.
    std::string origin() const;
    // The value of a Host header.
    std::string authority() const;
};

// http or https only; no user information, no fragment, only visible ASCII; no host that is_never_a_peer(). The error never
// repeats a query.
Result<Url> parse_url(std::string_view text);

// A base address as parse_url accepts it, without query; a trailing slash is cut: "https://api.shipbob.com/2026-01".
Result<std::string> parse_base_url(std::string_view text);

// Percent-encodes all but unreserved characters; for one path segment or one query value.
std::string percent_encode(std::string_view text);
// nullopt for a broken escape. Does not turn '+' into a space.
std::optional<std::string> percent_decode(std::string_view text);
// "a=1&b=&c" as pairs, both decoded, '+' read as a space. nullopt for a broken escape.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

// 127.0.0.0/8, ::1, ::ffff:127.x and the name "localhost". Other names are not looked up: false.
bool is_loopback_host(std::string_view host) noexcept;

// Addresses behind which no store, warehouse or receiver is: unspecified, link-local (where clouds tell a machine its
// credentials), multicast and broadcast, also wrapped into IPv6; and numbers that only a lenient reader takes for an address
// ("2130706433", "0x7f.1"). Other names are not looked up: false.
bool is_never_a_peer(std::string_view host) noexcept;

}  // namespace ordersaga::runtime
