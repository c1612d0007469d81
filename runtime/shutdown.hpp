// SIGTERM and SIGINT ask for a graceful end; a second signal, or a drain that takes too long, ends the process at once.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace ordersaga::runtime {

class Shutdown {
public:
    // Catches SIGTERM and SIGINT from now on and ignores SIGPIPE. `on_request` runs once, on the executor.
    Shutdown(boost::asio::any_io_executor executor, std::function<void()> on_request);
    ~Shutdown();
    Shutdown(const Shutdown&) = delete;
    Shutdown& operator=(const Shutdown&) = delete;

    // True once asked. Thread-safe.
    bool requested() const noexcept;
    // Asks from inside the program, as a signal would. Thread-safe; only the first call counts.
    void request();

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace ordersaga::runtime
