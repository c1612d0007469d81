#include "runtime/crash_point.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace ordersaga::runtime::detail {
namespace {

struct Settings {
    std::string point;  // empty: none kills
    std::atomic<long> passes_left{0};
    int log = -1;

    Settings() {
        if (const char* text = std::getenv("ORDERSAGA_CRASH_AT")) {
            point = text;
            passes_left = 1;
            if (const std::size_t colon = point.rfind(':'); colon != std::string::npos) {
                const long passes = std::strtol(point.c_str() + colon + 1, nullptr, 10);
                passes_left = passes < 1 ? 1 : passes;
                point.resize(colon);
            }
        }
        if (const char* file = std::getenv("ORDERSAGA_CRASH_LOG"))
            log = ::open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        // Nobody shall run with it and not know.
        if (!point.empty())
            std::fprintf(stderr, "ORDERSAGA_CRASH_AT is set: this process kills itself at %s\n", point.c_str());
    }

    // One write per line: threads and restarts share the file.
    void note(const std::string& line) const {
        if (log >= 0 && ::write(log, line.data(), line.size()) < 0) return;
    }
};

Settings& settings() {
    static Settings instance;
    return instance;
}

}  // namespace

bool read_crash_settings() noexcept {
    const Settings& read = settings();
    return !read.point.empty() || read.log >= 0;
}

void pass_crash_point(const char* name) noexcept {
    Settings& read = settings();
    read.note(std::string(name) + "\n");
    if (read.point != name) return;
    if (read.passes_left.fetch_sub(1) != 1) return;
    read.note("killed " + read.point + "\n");
    ::kill(::getpid(), SIGKILL);
    for (;;)
        ::pause();  // the signal may need a moment; nothing after the point may run
}

}  // namespace ordersaga::runtime::detail
