#include "broker/health.hpp"

namespace ordersaga::broker {

std::string consuming_fault(const Health& health, std::chrono::steady_clock::time_point now) {
    if (!health.connected) return "not connected: " + health.last_error;
    if (health.queues_consuming != health.queues_wanted) {
        return "consumes " + std::to_string(health.queues_consuming) + " of " + std::to_string(health.queues_wanted) +
               " queues: " + health.last_error;
    }
    if (!health.probed_at) return "no probe came round yet";
    if (now - *health.probed_at > probe_patience) {
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - *health.probed_at);
        return "no probe came round for " + std::to_string(age.count()) + " s";
    }
    return {};
}

std::string publishing_fault(const Health& health) {
    if (!health.connected) return "not connected: " + health.last_error;
    return health.blocked ? "blocked: " + health.blocked_reason : std::string();
}

}  // namespace ordersaga::broker
