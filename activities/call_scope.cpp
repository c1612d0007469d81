#include "activities/call_scope.hpp"

#include "runtime/planted.hpp"

#include <algorithm>
#include <utility>

namespace ordersaga::activities {

CallScope::CallScope(const DatabaseClock& clock, Limits limits) : clock_(clock), limits_(std::move(limits)) {}

bool CallScope::may_write() {
    if (limits_.send_before || limits_.deadline) {
        const auto now = clock_.now();
        if (!now) {
            refusal_ = "database time is not known";
            return false;
        }
        if (limits_.send_before && *now >= *limits_.send_before && !runtime::planted("send_before_ignored")) {
            refusal_ = "send_before has passed";
            return false;
        }
        if (limits_.deadline && *now >= *limits_.deadline) {
            refusal_ = "the deadline has passed";
            return false;
        }
    }
    wrote_ = true;
    return true;
}

bool CallScope::may_call() const {
    if (!limits_.deadline) {
        return true;
    }
    const auto now = clock_.now();
    return !now || *now < *limits_.deadline;
}

std::chrono::milliseconds CallScope::time_for_call() const {
    auto time = limits_.call_timeout;
    if (limits_.deadline) {
        if (const auto now = clock_.now()) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*limits_.deadline - *now);
            time = std::min(time, left);
        }
    }
    return std::max(time, std::chrono::milliseconds(1));
}

}  // namespace ordersaga::activities
