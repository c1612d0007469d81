#include "runtime/crash_point.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace ordersaga::runtime {
namespace {

struct Target {
    std::string point;
    std::atomic<long> remaining_hits{0};

    Target() {
        const char* text = std::getenv("CRASH_AT");
        if (text == nullptr) return;
        point = text;
        remaining_hits = 1;
        const std::size_t colon = point.rfind(':');
        if (colon == std::string::npos) return;
        const long hits = std::strtol(point.c_str() + colon + 1, nullptr, 10);
        remaining_hits = hits < 1 ? 1 : hits;
        point.resize(colon);
    }
};

Target& target() {
    static Target instance;
    return instance;
}

}  // namespace

bool crash_points_armed() noexcept {
    return !target().point.empty();
}

void crash_here(std::string_view point) noexcept {
    Target& armed = target();
    if (armed.point.empty() || armed.point != point) return;
    if (armed.remaining_hits.fetch_sub(1) == 1) {
        ::kill(::getpid(), SIGKILL);
        for (;;)
            ::pause();  // the signal may need a moment; nothing after the point may run
    }
}

}  // namespace ordersaga::runtime
