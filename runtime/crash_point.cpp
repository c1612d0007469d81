#include "runtime/crash_point.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

#include <unistd.h>

namespace ordersaga::runtime {
namespace {

struct Target {
    std::string point;
    long remaining_hits = 0;
};

Target read_target() {
    const char* text = std::getenv("CRASH_AT");
    if (text == nullptr || *text == '\0') return {};
    const std::string value(text);
    const std::size_t colon = value.rfind(':');
    if (colon == std::string::npos) return {value, 1};
    const long hits = std::strtol(value.c_str() + colon + 1, nullptr, 10);
    return {value.substr(0, colon), hits < 1 ? 1 : hits};
}

}  // namespace

void crash_here(std::string_view point) noexcept {
    static const Target target = read_target();
    static std::atomic<long> remaining{target.remaining_hits};
    if (target.point.empty() || target.point != point) return;
    if (remaining.fetch_sub(1) == 1) {
        ::kill(::getpid(), SIGKILL);
        for (;;) ::pause();  // the signal may need a moment; nothing after the point may run
    }
}

}  // namespace ordersaga::runtime
