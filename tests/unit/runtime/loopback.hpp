// Bare sockets on the loopback for the HTTP tests: a client that sends exact bytes, a peer that follows a script.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ordersaga::runtime::testing {

// A blocking socket with a deadline on every read; closes at the end of its life.
class RawSocket {
public:
    explicit RawSocket(int descriptor);
    ~RawSocket();
    RawSocket(RawSocket&& other) noexcept;
    RawSocket& operator=(RawSocket&&) = delete;

    static RawSocket connect_to(std::uint16_t port);

    bool send(const std::string& bytes);
    void half_close();
    // Makes the close a reset.
    void reset();
    void close();

    // Everything until the peer closes, or until the deadline.
    std::string read_to_end(std::chrono::milliseconds limit = std::chrono::seconds(5));
    // Until the text appears in what was read; all that was read so far.
    std::string read_until(const std::string& text, std::chrono::milliseconds limit = std::chrono::seconds(5));
    // A whole request with its Content-Length body; empty when the peer closes first.
    std::string read_request();
    int descriptor() const { return descriptor_; }
    // True once the peer has closed (read_to_end saw the end or a reset).
    bool peer_closed() const { return peer_closed_; }

private:
    bool read_some(std::string& into, std::chrono::steady_clock::time_point deadline);

    int descriptor_;
    bool peer_closed_ = false;
};

// Accepts on a free port and runs the script of each connection, in order of arrival; the last script serves all that
// follow. One thread.
class ScriptedPeer {
public:
    using Script = std::function<void(RawSocket&)>;
    explicit ScriptedPeer(std::vector<Script> scripts);
    ~ScriptedPeer();

    std::uint16_t port() const { return port_; }
    std::string url(const std::string& path = "/") const;
    int connections() const { return connections_.load(); }

private:
    void run();

    std::vector<Script> scripts_;
    std::uint16_t port_ = 0;  // before listener_, whose making fills it
    int listener_;
    std::atomic<bool> stopping_{false};
    std::atomic<int> connections_{0};
    std::thread thread_;
};

// A port on which nobody listens.
std::uint16_t closed_port();

// True when the condition holds before the limit; looks every few milliseconds.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = std::chrono::seconds(5));

}  // namespace ordersaga::runtime::testing
