#pragma once

// A TCP proxy in the test's own process that can cut, hold (take bytes no more, but keep the link) and refuse, so that
// network faults need no rights on the broker's machine. One thread; the methods may be called from any thread.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace ordersaga::broker {

class CuttableProxy {
public:
    CuttableProxy(std::string host, int port);
    ~CuttableProxy();
    CuttableProxy(const CuttableProxy&) = delete;
    CuttableProxy& operator=(const CuttableProxy&) = delete;

    int port() const;
    /// Resets every link; new ones are accepted as before.
    void cut();
    /// While set, new links are closed at once.
    void refuse(bool refused);
    /// While set, nothing is read from the client any more; the broker's bytes still reach it.
    void hold_from_client(bool held);
    /// While set, nothing is forwarded from the broker.
    void hold_from_broker(bool held);
    std::uint64_t links() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::broker
