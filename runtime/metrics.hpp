// Counters, gauges and histograms in the Prometheus text format. Thread-safe. One Metrics per program, passed down.
// Take a handle once and keep it: asking by name and labels costs a lock and a map look-up, counting costs an atomic add.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace ordersaga::runtime {

using MetricLabels = std::map<std::string, std::string>;

// Handles are cheap copies; they are valid as long as their Metrics lives.
class Counter {
public:
    void add(double amount = 1.0) const;  // negative amounts are ignored
    double value() const;

private:
    friend class Metrics;
    explicit Counter(prometheus::Counter* target) : target_(target) {}
    prometheus::Counter* target_;
};

class Gauge {
public:
    void set(double value) const;
    void add(double amount) const;
    double value() const;

private:
    friend class Metrics;
    explicit Gauge(prometheus::Gauge* target) : target_(target) {}
    prometheus::Gauge* target_;
};

class Histogram {
public:
    void observe(double value) const;

private:
    friend class Metrics;
    explicit Histogram(prometheus::Histogram* target) : target_(target) {}
    prometheus::Histogram* target_;
};

class Metrics {
public:
    // Beyond `series_per_name` label sets of one name, every further set is counted under the label values "other":
    // hostile label values cannot grow the memory.
    explicit Metrics(std::size_t series_per_name = 1000);
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    // Asking again for the same name and labels gives the same series. Throws std::invalid_argument when the name or a
    // label name is not a Prometheus name, or the name is already of another kind: a bug found at the first run.
    Counter counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
    Gauge gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
    Histogram histogram(
        const std::string& name,
        const std::string& help,
        const std::vector<double>& upper_bounds,
        const MetricLabels& labels = {});

    // Everything, in the text exposition format 0.0.4.
    std::string exposition() const;

private:
    struct Content;
    std::unique_ptr<Content> content_;
};

// Upper bounds in seconds that suit answers from 1 ms to 1 min.
const std::vector<double>& latency_buckets();

}  // namespace ordersaga::runtime
