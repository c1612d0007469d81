// A small HTTP/1.1 server that can misbehave on purpose: reset a connection, fall silent, or answer with garbage.
//
// The product's own strict server cannot do that, and the witness should not depend on it. One io_context, one thread:
// the handler runs there and returns at once; what takes time (slow, silent) is done here. Meant for loopback only.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

struct PeerRequest {
    std::string method;
    std::string path;  // percent-decoded, without the query
    std::vector<std::pair<std::string, std::string>> query;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;

    [[nodiscard]] std::string header(const std::string& name) const;  // compared without case; empty when absent
};

struct PeerReply {
    enum class Kind {
        answer,
        reset,    // the connection is torn down without a byte
        silence,  // nothing, until the caller hangs up or hold_for has passed
        garbage,  // `body` goes out as it is, then the connection is closed
    };

    Kind kind = Kind::answer;
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::chrono::milliseconds delay{0};  // before the answer
    std::chrono::milliseconds hold_for{30000};
};

using PeerHandler = std::function<PeerReply(const PeerRequest&)>;

class PeerServer {
public:
    // Binds 127.0.0.1:port (0: a free one) and listens. Throws when the address is taken.
    PeerServer(boost::asio::io_context& context, std::uint16_t port, PeerHandler handler);
    ~PeerServer();
    PeerServer(const PeerServer&) = delete;
    PeerServer& operator=(const PeerServer&) = delete;

    [[nodiscard]] std::uint16_t port() const;

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace ordersaga::sandbox
