#include "db/session.hpp"

#include <chrono>
#include <random>
#include <thread>

namespace ordersaga::db {

namespace {

constexpr int kAttempts = 5;

// Only the pace of colliding transactions depends on this, never an outcome, so it is not an injected Random.
void pause_after(int attempt) {
    thread_local std::minstd_rand generator{std::random_device{}()};
    std::uniform_int_distribution<int> microseconds(0, 10'000 << (attempt - 1));
    std::this_thread::sleep_for(std::chrono::microseconds(microseconds(generator)));
}

template <class Work>
void repeated(const Work& work) {
    for (int attempt = 1;; ++attempt) {
        try {
            work();
            return;
        } catch (const Retryable&) {
            if (attempt == kAttempts) {
                throw;
            }
        } catch (const Broken&) {
            if (attempt == kAttempts) {
                throw;
            }
        }
        pause_after(attempt);
    }
}

}  // namespace

Session::Session(ConnectionSettings settings) : settings_(std::move(settings)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

Connection& Session::live() {
    if (!connection_ || !connection_->usable()) {
        connection_.reset();
        connection_ = std::make_unique<Connection>(settings_);
    }
    return *connection_;
}

bool Session::connected() const noexcept {
    return connection_ && connection_->usable();
}

void Session::transact_once(const std::function<void(Transaction&)>& work) {
    live().transact(work);
}

void Session::transact(const std::function<void(Transaction&)>& work) {
    repeated([&] { live().transact(work); });
}

void Session::read(const std::function<void(Transaction&)>& work) {
    repeated([&] { live().read(work); });
}

}  // namespace ordersaga::db
