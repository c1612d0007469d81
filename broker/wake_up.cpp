#include "broker/wake_up.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace ordersaga::broker {

WakeUp::WakeUp() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

WakeUp::~WakeUp() {
    ::close(descriptor_);
}

void WakeUp::wake() noexcept {
    if (woken_.exchange(true)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

void WakeUp::sleep(int socket, std::chrono::milliseconds patience) noexcept {
    pollfd descriptors[2] = {{descriptor_, POLLIN, 0}, {socket, POLLIN, 0}};
    const auto milliseconds = std::clamp<std::int64_t>(patience.count(), 0, 60'000);
    ::poll(descriptors, socket < 0 ? 1 : 2, static_cast<int>(milliseconds));
    if ((descriptors[0].revents & POLLIN) != 0) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(descriptor_, &count, sizeof count);
    }
    // After the read: a wake() in between finds the flag still set and skips its write, but its state was stored
    // before and the sleeper looks at the state after this line.
    woken_.store(false);
}

}  // namespace ordersaga::broker
