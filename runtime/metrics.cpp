#include "runtime/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <set>
#include <stdexcept>

namespace ordersaga::runtime {
namespace {

bool is_metric_name(const std::string& name, bool colon_allowed) {
    if (name.empty() || name.starts_with("__")) return false;
    const auto allowed = [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c == ':' && colon_allowed) ||
               (c >= '0' && c <= '9');
    };
    return !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), allowed);
}

template <class Metric>
struct Series {
    prometheus::Family<Metric>* family = nullptr;
    std::map<MetricLabels, Metric*> members;
};

// Beyond the bound all further label sets share one series.
MetricLabels folded(const MetricLabels& labels) {
    MetricLabels result = labels;
    for (auto& [name, value] : result)
        value = "other";
    return result;
}

}  // namespace

struct Metrics::Content {
    explicit Content(std::size_t bound) : series_per_name(bound) {}

    template <class Metric, class MakeFamily, class... Arguments>
    Metric* find(
        std::map<std::string, Series<Metric>>& kind,
        const std::string& name,
        const MetricLabels& labels,
        MakeFamily make_family,
        const Arguments&... arguments) {
        const std::lock_guard lock(mutex);
        auto known = kind.find(name);
        if (known == kind.end()) {
            if (!is_metric_name(name, true)) throw std::invalid_argument("not a metric name: " + name);
            if (!names.insert(name).second) throw std::invalid_argument("a metric of another kind: " + name);
            known = kind.emplace(name, Series<Metric>{make_family(), {}}).first;
        }
        Series<Metric>& series = known->second;
        if (auto member = series.members.find(labels); member != series.members.end()) return member->second;
        for (const auto& [label, value] : labels) {
            if (!is_metric_name(label, false)) throw std::invalid_argument("not a label name: " + label);
        }
        const MetricLabels& used = series.members.size() < series_per_name ? labels : folded(labels);
        if (auto member = series.members.find(used); member != series.members.end()) return member->second;
        Metric* made = &series.family->Add(used, arguments...);
        series.members.emplace(used, made);
        return made;
    }

    const std::size_t series_per_name;
    std::mutex mutex;
    prometheus::Registry registry;
    std::set<std::string> names;
    std::map<std::string, Series<prometheus::Counter>> counters;
    std::map<std::string, Series<prometheus::Gauge>> gauges;
    std::map<std::string, Series<prometheus::Histogram>> histograms;
};

void Counter::add(double amount) const {
    if (amount > 0) target_->Increment(amount);
}
double Counter::value() const {
    return target_->Value();
}

void Gauge::set(double value) const {
    target_->Set(value);
}
void Gauge::add(double amount) const {
    target_->Increment(amount);
}
double Gauge::value() const {
    return target_->Value();
}

void Histogram::observe(double value) const {
    target_->Observe(value);
}

Metrics::Metrics(std::size_t series_per_name) : content_(std::make_unique<Content>(series_per_name)) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
    return Counter(content_->find(content_->counters, name, labels, [&] {
        return &prometheus::BuildCounter().Name(name).Help(help).Register(content_->registry);
    }));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
    return Gauge(content_->find(content_->gauges, name, labels, [&] {
        return &prometheus::BuildGauge().Name(name).Help(help).Register(content_->registry);
    }));
}

Histogram Metrics::histogram(
    const std::string& name,
    const std::string& help,
    const std::vector<double>& upper_bounds,
    const MetricLabels& labels) {
    return Histogram(content_->find(
        content_->histograms, name, labels,
        [&] { return &prometheus::BuildHistogram().Name(name).Help(help).Register(content_->registry); },
        upper_bounds));
}

std::string Metrics::exposition() const {
    return prometheus::TextSerializer{}.Serialize(content_->registry.Collect());
}

const std::vector<double>& latency_buckets() {
    static const std::vector<double> bounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                            0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};
    return bounds;
}

}  // namespace ordersaga::runtime
