#include "tests/unit/runtime/loopback.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace ordersaga::runtime::testing {
namespace {

using Steady = std::chrono::steady_clock;

sockaddr_in loopback_address(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

int bound_socket(std::uint16_t& port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback_address(0);
    socklen_t size = sizeof address;
    if (::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("bind");
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    return descriptor;
}

bool readable_before(int descriptor, Steady::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
        if (left <= 0) return false;
        pollfd entry{descriptor, POLLIN, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

}  // namespace

RawSocket::RawSocket(int descriptor) : descriptor_(descriptor) {}

RawSocket::RawSocket(RawSocket&& other) noexcept : descriptor_(other.descriptor_), peer_closed_(other.peer_closed_) {
    other.descriptor_ = -1;
}

RawSocket::~RawSocket() {
    close();
}

RawSocket RawSocket::connect_to(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback_address(port);
    if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        ::close(descriptor);
        throw std::runtime_error("connect");
    }
    return RawSocket(descriptor);
}

bool RawSocket::send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t count = ::send(descriptor_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return false;
        sent += static_cast<std::size_t>(count);
    }
    return true;
}

void RawSocket::half_close() {
    ::shutdown(descriptor_, SHUT_WR);
}

void RawSocket::reset() {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

void RawSocket::close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

bool RawSocket::read_some(std::string& into, Steady::time_point deadline) {
    if (!readable_before(descriptor_, deadline)) return false;
    char buffer[16384];
    const ssize_t count = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (count <= 0) {
        peer_closed_ = true;
        return false;
    }
    into.append(buffer, static_cast<std::size_t>(count));
    return true;
}

std::string RawSocket::read_to_end(std::chrono::milliseconds limit) {
    std::string all;
    const auto deadline = Steady::now() + limit;
    while (read_some(all, deadline)) {
    }
    return all;
}

std::string RawSocket::read_until(const std::string& text, std::chrono::milliseconds limit) {
    std::string all;
    const auto deadline = Steady::now() + limit;
    while (all.find(text) == std::string::npos && read_some(all, deadline)) {
    }
    return all;
}

std::string RawSocket::read_request() {
    std::string all;
    const auto deadline = Steady::now() + std::chrono::seconds(5);
    for (;;) {
        const std::size_t end = all.find("\r\n\r\n");
        if (end != std::string::npos) {
            const std::size_t field = all.find("Content-Length: ");
            const std::size_t length = field < end ? static_cast<std::size_t>(std::atoll(all.c_str() + field + 16)) : 0;
            if (all.size() >= end + 4 + length) return all;
        }
        if (!read_some(all, deadline)) return {};
    }
}

ScriptedPeer::ScriptedPeer(std::vector<Script> scripts) : scripts_(std::move(scripts)), listener_(bound_socket(port_)) {
    ::listen(listener_, 64);
    thread_ = std::thread([this] { run(); });
}

ScriptedPeer::~ScriptedPeer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
}

std::string ScriptedPeer::url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void ScriptedPeer::run() {
    while (!stopping_) {
        const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor < 0) return;
        RawSocket socket(descriptor);
        const auto index = static_cast<std::size_t>(connections_.fetch_add(1));
        const Script& script = index < scripts_.size() ? scripts_[index] : scripts_.back();
        script(socket);
    }
}

std::uint16_t closed_port() {
    std::uint16_t port = 0;
    ::close(bound_socket(port));
    return port;
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
    const auto deadline = Steady::now() + limit;
    while (!condition()) {
        if (Steady::now() > deadline) return false;
        ::poll(nullptr, 0, 2);
    }
    return true;
}

}  // namespace ordersaga::runtime::testing
