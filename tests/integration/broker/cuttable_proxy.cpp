#include "tests/integration/broker/cuttable_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <list>
#include <stdexcept>
#include <thread>
#include <vector>

namespace ordersaga::broker {
namespace {

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

// Blocking is fine: the other side of each link reads, or the test is over.
bool forward(int from, int to) {
    std::array<char, 65536> buffer;
    const auto got = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) return false;
    for (ssize_t sent = 0; sent < got;) {
        const auto now = ::send(to, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
        if (now <= 0) return false;
        sent += now;
    }
    return true;
}

void reset(int socket) {
    const linger hard{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(socket);
}

}  // namespace

class CuttableProxy::Impl {
public:
    Impl(const std::string& host, int port) : target_port_(port) {
        if (host != "127.0.0.1" && host != "localhost") throw std::runtime_error("the test broker must be on loopback");
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        auto address = loopback(0);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 || ::pipe(wake_.data()) != 0) {
            throw std::runtime_error("the proxy cannot listen");
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { run(); });
    }

    ~Impl() {
        stopping_ = true;
        wake();
        thread_.join();
        ::close(listener_);
        ::close(wake_[0]);
        ::close(wake_[1]);
    }

    void wake() {
        const char byte = 'w';
        [[maybe_unused]] const auto written = ::write(wake_[1], &byte, 1);
    }

    int port_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> cut_{false};
    std::atomic<bool> refused_{false};
    std::atomic<bool> held_from_client_{false};
    std::atomic<bool> held_from_broker_{false};
    std::atomic<std::uint64_t> links_{0};

private:
    struct Link {
        int client;
        int broker;
    };

    void run() {
        while (!stopping_) {
            std::vector<pollfd> descriptors = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
            for (const auto& link : open_) {
                descriptors.push_back({held_from_client_ ? -1 : link.client, POLLIN, 0});
                descriptors.push_back({held_from_broker_ ? -1 : link.broker, POLLIN, 0});
            }
            ::poll(descriptors.data(), descriptors.size(), -1);
            if (descriptors[0].revents != 0) {
                std::array<char, 64> buffer;
                [[maybe_unused]] const auto got = ::read(wake_[0], buffer.data(), buffer.size());
            }
            if (cut_.exchange(false)) {
                close_all();
                continue;
            }
            std::size_t index = 2;
            for (auto link = open_.begin(); link != open_.end(); index += 2) {
                const bool alive = (descriptors[index].revents == 0 || forward(link->client, link->broker)) &&
                                   (descriptors[index + 1].revents == 0 || forward(link->broker, link->client));
                if (alive) {
                    ++link;
                } else {
                    reset(link->client);
                    reset(link->broker);
                    link = open_.erase(link);
                }
            }
            if (descriptors[1].revents != 0) accept_one();
        }
        close_all();
    }

    void accept_one() {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) return;
        const int broker = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const auto address = loopback(target_port_);
        if (refused_ || ::connect(broker, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            reset(client);
            ::close(broker);
            return;
        }
        ++links_;
        open_.push_back({client, broker});
    }

    void close_all() {
        for (const auto& link : open_) {
            reset(link.client);
            reset(link.broker);
        }
        open_.clear();
    }

    int target_port_;
    int listener_ = -1;
    std::array<int, 2> wake_{};
    std::list<Link> open_;
    std::thread thread_;
};

CuttableProxy::CuttableProxy(std::string host, int port) : impl_(std::make_unique<Impl>(host, port)) {}
CuttableProxy::~CuttableProxy() = default;
int CuttableProxy::port() const {
    return impl_->port_;
}
void CuttableProxy::cut() {
    impl_->cut_ = true;
    impl_->wake();
}
void CuttableProxy::refuse(bool refused) {
    impl_->refused_ = refused;
}
void CuttableProxy::hold_from_client(bool held) {
    impl_->held_from_client_ = held;
    impl_->wake();
}
void CuttableProxy::hold_from_broker(bool held) {
    impl_->held_from_broker_ = held;
    impl_->wake();
}
std::uint64_t CuttableProxy::links() const {
    return impl_->links_;
}

}  // namespace ordersaga::broker
