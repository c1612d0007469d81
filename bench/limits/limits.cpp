#include "bench/limits/limits.hpp"

#include "bench/limits/bare_database.hpp"
#include "bench/limits/bare_queue.hpp"

#include <algorithm>
#include <vector>

namespace ordersaga::bench {

namespace {

constexpr int kRounds = 5;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

Limits measure_limits(const std::string& admin_dsn, const std::string& amqp_url, double seconds) {
    BareDatabase database(admin_dsn);
    BareQueue queue(amqp_url);
    // Not counted: caches fill, pages get their room for updates, the queue its first segments.
    database.run_for(0.3);
    queue.fill_for(0.3);
    queue.empty();
    std::vector<double> steps, published, consumed;
    for (int round = 0; round < kRounds; ++round) {
        steps.push_back(database.run_for(seconds / kRounds));
        published.push_back(queue.fill_for(seconds / kRounds));
        consumed.push_back(queue.empty());
    }
    database.check_rows();
    return {median(steps), median(published), median(consumed)};
}

}  // namespace ordersaga::bench
