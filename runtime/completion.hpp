// Lets another thread finish what a coroutine waits for: the webhook handler waits here while the engine's batch commits.
// Single shot: the first complete() wins, the value is taken once.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace ordersaga::runtime {

// A cheap handle; copies share one slot. complete() may be called from any thread, before, during or after the wait.
template <class T>
class Completion {
public:
    Completion() : slot_(std::make_shared<Slot>()) {}

    // True for the first call, false for every later one (its value is dropped). Never blocks on the waiter.
    bool complete(T value) const {
        std::lock_guard lock(slot_->mutex);
        if (slot_->finished) return false;
        slot_->finished = true;
        slot_->value.emplace(std::move(value));
        if (slot_->timer) wake(std::exchange(slot_->timer, nullptr));
        return true;
    }

    bool completed() const {
        std::lock_guard lock(slot_->mutex);
        return slot_->finished;
    }

    // The value, or nullopt when the deadline came first. One waiter only. The coroutine must run on a strand or on a
    // context with one thread (handlers of HttpServer do): the cancel posted by complete() relies on that order.
    boost::asio::awaitable<std::optional<T>> wait_until(std::chrono::steady_clock::time_point deadline) const {
        std::shared_ptr<Slot> slot = slot_;
        boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
        auto timer = std::make_shared<boost::asio::steady_timer>(executor, deadline);
        bool ready = false;
        {
            std::lock_guard lock(slot->mutex);
            ready = slot->finished;
            if (!ready) slot->timer = timer;
        }
        if (!ready) {
            boost::system::error_code ignored;
            co_await timer->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        }
        std::lock_guard lock(slot->mutex);
        slot->timer.reset();
        std::optional<T> result = std::move(slot->value);
        slot->value.reset();
        co_return result;
    }

    boost::asio::awaitable<std::optional<T>> wait_for(std::chrono::steady_clock::duration limit) const {
        return wait_until(std::chrono::steady_clock::now() + limit);
    }

private:
    struct Slot {
        std::mutex mutex;
        bool finished = false;
        std::optional<T> value;
        std::shared_ptr<boost::asio::steady_timer> timer;
    };

    // Called under the slot's lock, which the waiter needs to go on: when it does, nothing of its context is in use here any more,
    // and the context may end.
    static void wake(std::shared_ptr<boost::asio::steady_timer> timer) {
        boost::asio::any_io_executor executor = timer->get_executor();
        boost::asio::post(executor, [timer = std::move(timer)] { timer->cancel(); });
    }

    std::shared_ptr<Slot> slot_;
};

}  // namespace ordersaga::runtime
