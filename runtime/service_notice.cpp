#include "runtime/service_notice.hpp"

#include "runtime/log.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace ordersaga::runtime {
namespace {

std::optional<std::int64_t> natural(const std::optional<std::string>& text) {
    std::int64_t value = 0;
    if (!text) return std::nullopt;
    const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (fault != std::errc{} || end != text->data() + text->size() || value <= 0) return std::nullopt;
    return value;
}

}  // namespace

ServiceNotice::ServiceNotice(const Environment& environment) {
    const std::optional<std::string> address = environment("NOTIFY_SOCKET");
    // A path, or "@" and a name in the abstract namespace.
    const bool usable = address && address->size() > 1 && (address->front() == '/' || address->front() == '@') &&
                        address->size() < sizeof(sockaddr_un::sun_path);
    if (!usable) return;
    address_ = *address;
    const std::optional<std::int64_t> process = natural(environment("WATCHDOG_PID"));
    if (process && *process != ::getpid()) return;
    if (const auto interval = natural(environment("WATCHDOG_USEC"))) watchdog_ = std::chrono::microseconds(*interval);
}

void ServiceNotice::send(std::string_view text) const {
    if (address_.empty()) return;
    sockaddr_un target{};
    target.sun_family = AF_UNIX;
    std::memcpy(target.sun_path, address_.data(), address_.size());
    if (target.sun_path[0] == '@') target.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return;
    // Not waited for: a manager whose socket is full must not hold up the work.
    if (::sendto(
            descriptor, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
            reinterpret_cast<const sockaddr*>(&target), length) < 0) {
        log_warn("the service manager was not told", {{"notice", text}, {"error", std::strerror(errno)}});
    }
    ::close(descriptor);
}

class Watchdog::State : public std::enable_shared_from_this<State> {
public:
    State(boost::asio::any_io_executor executor, const ServiceNotice& notice, std::function<bool()> working)
        : strand_(boost::asio::make_strand(std::move(executor))),
          timer_(strand_),
          notice_(notice),
          working_(std::move(working)) {}

    void start() {
        boost::asio::post(strand_, [self = shared_from_this()] { self->look(); });
    }
    void stop() {
        boost::asio::post(strand_, [self = shared_from_this()] {
            self->stopped_ = true;
            self->timer_.cancel();
        });
    }

private:
    void look() {
        if (stopped_) return;
        if (working_()) notice_.alive();
        timer_.expires_after(*notice_.watchdog() / 2);
        timer_.async_wait([self = shared_from_this()](boost::system::error_code fault) {
            if (!fault) self->look();
        });
    }

    boost::asio::strand<boost::asio::any_io_executor> strand_;
    boost::asio::steady_timer timer_;
    const ServiceNotice notice_;
    const std::function<bool()> working_;
    bool stopped_ = false;
};

Watchdog::Watchdog(boost::asio::any_io_executor executor, const ServiceNotice& notice, std::function<bool()> working) {
    if (!notice.watchdog()) return;
    state_ = std::make_shared<State>(std::move(executor), notice, std::move(working));
    state_->start();
}

Watchdog::~Watchdog() {
    if (state_) state_->stop();
}

}  // namespace ordersaga::runtime
