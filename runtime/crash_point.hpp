// Named points at which a test may kill the process, where a step is half done: crash_point("engine.before_publish").
//
//   ORDERSAGA_CRASH_AT=NAME:3    SIGKILL at the third pass of NAME (NAME alone: the first)
//   ORDERSAGA_CRASH_LOG=FILE     a line for every pass: the name, and "killed NAME" as the last words
//
// A name is written once in the code, as plain text: the suite crash lists them and must reach each. They are
// compiled into what is shipped, because that is what is tested; with the variables unset a point costs one load and a
// branch. Who can set the environment of a service can kill it anyhow. Thread-safe.
#pragma once

namespace ordersaga::runtime {

namespace detail {
bool read_crash_settings() noexcept;
void pass_crash_point(const char* name) noexcept;
}  // namespace detail

// True when one of the variables is set; for places that must change their steps to offer a point between two of them.
inline bool crash_points_armed() noexcept {
    static const bool armed = detail::read_crash_settings();
    return armed;
}

inline void crash_point(const char* name) noexcept {
    if (crash_points_armed()) [[unlikely]]
        detail::pass_crash_point(name);
}

}  // namespace ordersaga::runtime
