#include "runtime/shutdown.hpp"

#include "runtime/log.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace ordersaga::runtime {

class Shutdown::State : public std::enable_shared_from_this<State> {
public:
    State(boost::asio::any_io_executor executor, std::function<void()> on_request)
        : executor_(executor), signals_(executor, SIGTERM, SIGINT), on_request_(std::move(on_request)) {}

    void listen() {
        signals_.async_wait([self = shared_from_this()](boost::system::error_code fault, int signal) {
            if (fault) return;
            if (self->requested_.load()) {
                log_warn("second signal, ending at once", {{"signal", signal}});
                std::_Exit(130);
            }
            log_info("asked to stop", {{"signal", signal}});
            self->begin();
            self->listen();
        });
    }

    void begin() {
        if (requested_.exchange(true)) return;
        boost::asio::post(executor_, [self = shared_from_this()] {
            if (self->on_request_) self->on_request_();
        });
    }

    void cancel() {
        boost::system::error_code ignored;
        signals_.cancel(ignored);
    }
    bool requested() const noexcept { return requested_.load(); }

private:
    boost::asio::any_io_executor executor_;
    boost::asio::signal_set signals_;
    std::function<void()> on_request_;
    std::atomic<bool> requested_{false};
};

Shutdown::Shutdown(boost::asio::any_io_executor executor, std::function<void()> on_request)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_request))) {
    // A peer that closes early must give an error code, not end the process.
    std::signal(SIGPIPE, SIG_IGN);
    state_->listen();
}

Shutdown::~Shutdown() {
    state_->cancel();
}

bool Shutdown::requested() const noexcept {
    return state_->requested();
}

void Shutdown::request() {
    state_->begin();
}

}  // namespace ordersaga::runtime
