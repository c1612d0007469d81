// A TCP proxy that stands between two programs and spoils their link: slow, jittery, narrow, sliced, half-open, half-closed,
// reset, cut after so many bytes or at a message of the protocol. Listens on 127.0.0.1 and needs no rights on anybody's
// machine, so it serves where the kernel gives no netem.
//
// Threads: one of its own. Every method may be called from any other thread and has taken effect when it returns.
// Errors: the constructor throws boost::system::system_error when it cannot listen; after that faults are its purpose.
#pragma once

#include "tests/support/network/message_finder.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::network {

// How the bytes of one direction travel, on every link, from now on.
struct Travel {
    std::chrono::milliseconds delay{0};
    std::chrono::milliseconds jitter{0};  // up to so much more, drawn for each piece; pieces never overtake
    std::size_t bytes_per_second = 0;     // 0: as fast as it goes
    std::size_t slice = 0;                // so many bytes at once at most; 0: as they come
    bool held = false;                    // not read any more: the sender notices when the buffers are full
    bool swallowed = false;               // read and thrown away: half-open, nobody notices
};

struct CutAt {
    Direction direction = Direction::to_server;
    std::string message;       // see message_finder.hpp
    bool passes_first = true;  // false: the message itself does not arrive either
};

class FaultProxy {
public:
    struct Options {
        Protocol protocol = Protocol::none;
        std::uint64_t seed = 1;  // of the jitter
        std::uint16_t port = 0;  // 0: a free one
    };

    // Each new link goes to the next of `ports` (on 127.0.0.1) that takes it.
    FaultProxy(std::vector<std::uint16_t> ports, Options options);
    explicit FaultProxy(std::uint16_t port);
    ~FaultProxy();
    FaultProxy(const FaultProxy&) = delete;
    FaultProxy& operator=(const FaultProxy&) = delete;

    [[nodiscard]] std::uint16_t port() const;

    void set(Direction direction, const Travel& travel);
    // Nothing special any more; links that were half-closed, or swallowed a part of what was said, are reset: no network
    // forgets bytes in the middle of a link and then goes on.
    void heal();
    // While set, new links are reset at once.
    void refuse(bool refused);
    // Resets every link; new ones are taken as before.
    void cut();
    // Ends one direction of every link properly (FIN); the other goes on.
    void half_close(Direction direction);
    // Resets the link on which that direction has carried so many bytes in all from now on. Once.
    void cut_after(Direction direction, std::size_t bytes);
    // Resets the link at the next such message, on whatever link it comes. Once.
    void cut_at(const CutAt& where);

    [[nodiscard]] std::uint64_t links() const;  // taken so far
    [[nodiscard]] std::uint64_t open_links() const;
    [[nodiscard]] std::uint64_t cuts() const;  // by cut_after and cut_at

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::network
