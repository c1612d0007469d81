// One end of a loopback connection that never waits, and a listening end. Of the fuzz targets only.
#pragma once

#include "tests/fuzz/target.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

namespace ordersaga::fuzz {

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

class LoopbackLink {
public:
    // Complete as soon as somebody listens; nobody need accept it yet.
    explicit LoopbackLink(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const sockaddr_in address = loopback(port);
        const auto* peer = reinterpret_cast<const sockaddr*>(&address);
        int status = ::connect(socket_, peer, sizeof address);
        // The fuzzer's own timer interrupts it, and it goes on.
        while (status != 0 && (errno == EINTR || errno == EALREADY))
            status = ::connect(socket_, peer, sizeof address);
        HOLDS(status == 0 || errno == EISCONN);
        reset_at_close();
    }
    // Of a connection that was accepted.
    struct Accepted {
        int socket;
    };
    explicit LoopbackLink(Accepted accepted) : socket_(accepted.socket) { reset_at_close(); }
    ~LoopbackLink() { ::close(socket_); }
    LoopbackLink(const LoopbackLink&) = delete;
    LoopbackLink& operator=(const LoopbackLink&) = delete;

    // Fits into the buffers of the system. The other end may be gone.
    void send(std::string_view bytes) {
        [[maybe_unused]] const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    void finish() { ::shutdown(socket_, SHUT_WR); }

    // Takes what is there; true once the other end has finished.
    bool receive(std::string& bytes) {
        std::array<char, 16 * 1024> chunk;
        for (;;) {
            const ssize_t got = ::recv(socket_, chunk.data(), chunk.size(), MSG_DONTWAIT);
            if (got == 0 || (got < 0 && errno == ECONNRESET)) return true;
            if (got < 0) return false;
            bytes.append(chunk.data(), static_cast<std::size_t>(got));
        }
    }

private:
    // Else a million connections would wait out their time.
    void reset_at_close() const {
        const linger at_once{1, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }

    const int socket_;
};

class LoopbackListener {
public:
    LoopbackListener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        HOLDS(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(socket_, 64) == 0);
        HOLDS(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
    }
    ~LoopbackListener() { ::close(socket_); }
    LoopbackListener(const LoopbackListener&) = delete;
    LoopbackListener& operator=(const LoopbackListener&) = delete;

    std::uint16_t port() const { return port_; }
    int socket() const { return socket_; }

private:
    const int socket_;
    std::uint16_t port_ = 0;
};

}  // namespace ordersaga::fuzz
