// One HTTP exchange with a peer under the limits of a command.
//
// Purpose: the adapters say what to send; whether anything may have reached the peer is the transport's knowledge, so
// it is part of the answer. send_before is judged right before the first byte of a write.
// Thread: send is a coroutine on the caller's executor.
// Errors: never thrown; an answer always comes back.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ordersaga::runtime {
class HttpTransport;
}

namespace ordersaga::activities {

class CallScope;
struct Access;

using Headers = std::vector<std::pair<std::string, std::string>>;

struct PeerCall {
    std::string method;
    std::string url;
    Headers headers;
    std::string body;
    // A write is not sent once the scope forbids it, asked right before the first byte.
    bool is_write = false;
};

struct PeerAnswer {
    enum class Kind {
        response,  // a whole HTTP response was read
        not_sent,  // surely nothing reached the peer
        expired,   // not sent because the scope forbade it
        no_token,  // not sent because nobody has a token for this peer
        unknown    // anything that broke after the first byte
    };
    Kind kind = Kind::unknown;
    int status = 0;
    Headers headers;
    std::string body;
    std::string error;

    // Empty when absent; names compare without case.
    [[nodiscard]] std::string_view header(std::string_view name) const;
    [[nodiscard]] bool is_success() const { return kind == Kind::response && status >= 200 && status < 300; }
};

// Sends one call within the scope's limits and counts it in the scope's lane report. Thread: the caller's executor.
boost::asio::awaitable<PeerAnswer> exchange(runtime::HttpTransport& transport, PeerCall call, CallScope& scope);

// The same with the token of the moment in a header. After a 401, which says that nothing was done, it is sent once more if
// there is a newer token.
struct TokenHeader {
    std::string name;
    std::string before_token;  // "Bearer "
};
boost::asio::awaitable<PeerAnswer> exchange(
    runtime::HttpTransport& transport,
    PeerCall call,
    TokenHeader header,
    const Access& access,
    CallScope& scope);

}  // namespace ordersaga::activities
