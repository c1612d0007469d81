// Addresses of peers, brokers and databases: what is accepted prints as an address that is accepted as the same, and no
// refusal repeats a password.
#include "broker/address.hpp"
#include "db/address.hpp"
#include "runtime/url.hpp"
#include "tests/fuzz/target.hpp"

#include <stdexcept>
#include <string>

namespace ordersaga::fuzz {
namespace {

void check_url(std::string_view text) {
    const auto url = runtime::parse_url(text);
    if (!url) {
        HOLDS(!url.error().message.empty() && !has_control(url.error().message));
        return;
    }
    HOLDS(url->port != 0 && url->target.starts_with('/') && !url->host.empty());
    HOLDS(!runtime::is_never_a_peer(url->host));
    const auto again = runtime::parse_url(url->origin() + url->target);
    HOLDS(again && again->host == url->host && again->port == url->port && again->tls == url->tls);
    HOLDS(again->target == url->target);
    const auto base = runtime::parse_base_url(text);
    if (!base) return;
    HOLDS(!base->ends_with('/'));
    const auto base_again = runtime::parse_base_url(*base);
    HOLDS(base_again && *base_again == *base);
}

void check_broker(std::string_view text) {
    for (const bool allow : {false, true}) {
        broker::AddressOptions options;
        options.allow_plain_off_loopback = allow;
        options.ca_file = allow ? "ca.pem" : "";
        const auto address = broker::parse_address(text, options);
        if (!address) {
            HOLDS(!address.error().message.empty() && address.error().message.size() < 2000);
            continue;
        }
        HOLDS(address->port > 0 && address->port <= 65535);
        HOLDS(!address->user.empty() && !has_control(address->user) && !has_control(address->password));
        HOLDS(allow || address->tls || broker::is_loopback(address->host));
        HOLDS(!has_control(address->shown()));
        HOLDS(address->shown().find('@') == std::string::npos || address->vhost.find('@') != std::string::npos);
        // The same parts, spelt by us, are the same address, unless that makes them too long.
        if (address->user.size() > 300 || address->password.size() > 300 || address->vhost.size() > 300) continue;
        const std::string host =
            address->host.find(':') == std::string::npos ? address->host : "[" + address->host + "]";
        const std::string spelt = std::string(address->tls ? "amqps://" : "amqp://") +
                                  runtime::percent_encode(address->user) + ":" +
                                  runtime::percent_encode(address->password) + "@" + host + ":" +
                                  std::to_string(address->port) + "/" + runtime::percent_encode(address->vhost);
        const auto again = broker::parse_address(spelt, options);
        HOLDS(again && again->user == address->user && again->password == address->password);
        HOLDS(again->host == address->host && again->port == address->port && again->vhost == address->vhost);
    }
}

void check_dsn(std::string_view text) {
    const std::string dsn(text);
    HOLDS(!has_control(db::address_fault(dsn)));
    try {
        const std::string other = db::dsn_with(dsn, {{"password", "canary 5a1e'\\"}});
        HOLDS(
            db::dsn_without_password(other).find("canary") == std::string::npos ||
            dsn.find("canary") != std::string::npos);
        // What we write ourselves can be read; only the sequence of its parts may be another once.
        const std::string again = db::dsn_with(other, {});
        HOLDS(again.size() == other.size() && db::dsn_with(again, {}) == again);
    } catch (const std::invalid_argument& fault) {
        HOLDS(std::string_view(fault.what()).size() > 0);
    }
}

void check_escapes(std::string_view text) {
    HOLDS(runtime::percent_decode(runtime::percent_encode(text)) == std::string(text));
    if (const auto decoded = runtime::percent_decode(text)) HOLDS(decoded->size() <= text.size());
    static_cast<void>(runtime::is_loopback_host(text));
    static_cast<void>(runtime::is_never_a_peer(text));
}

}  // namespace

void one_input(std::string_view input) {
    check_url(input);
    check_broker(input);
    check_dsn(input);
    check_escapes(input);
}

}  // namespace ordersaga::fuzz
