#include "runtime/backoff.hpp"

#include "runtime/planted.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <cmath>

namespace ordersaga::runtime {

Duration longest_delay(int attempt, const BackoffPolicy& policy) {
    const Duration cap = runtime::planted("backoff_without_bound") ? policy.cap * 1000 : policy.cap;
    const double exponent = static_cast<double>(std::max(attempt, 1) - 1);
    const double delay =
        static_cast<double>(policy.base.count()) * std::pow(std::max(policy.coefficient, 1.0), exponent);
    // The comparison also catches infinity.
    if (!(delay < static_cast<double>(cap.count()))) return cap;
    return Duration(static_cast<Duration::rep>(delay));
}

Duration next_delay(int attempt, const BackoffPolicy& policy, Random& random) {
    const Duration longest = longest_delay(attempt, policy);
    if (longest.count() <= 0) return Duration{0};
    return Duration(static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>(longest.count()) + 1)));
}

}  // namespace ordersaga::runtime
