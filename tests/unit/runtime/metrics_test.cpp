#include "runtime/metrics.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ordersaga::runtime {
namespace {

TEST(Metrics, WritesTheTextFormat) {
    Metrics metrics;

    metrics.counter("ordersaga_orders_total", "Orders.", {{"store", "a"}}).add(2);
    metrics.counter("ordersaga_orders_total", "Orders.", {{"store", "a"}}).add();
    metrics.gauge("ordersaga_lag_seconds", "Lag.").set(1.5);
    metrics.histogram("ordersaga_step_seconds", "Steps.", {0.1, 1}).observe(0.5);

    const std::string text = metrics.exposition();
    EXPECT_NE(text.find("# TYPE ordersaga_orders_total counter"), std::string::npos);
    EXPECT_NE(text.find("ordersaga_orders_total{store=\"a\"} 3"), std::string::npos);
    EXPECT_NE(text.find("ordersaga_lag_seconds 1.5"), std::string::npos);
    EXPECT_NE(text.find("ordersaga_step_seconds_bucket{le=\"1\"} 1"), std::string::npos);
    EXPECT_NE(text.find("ordersaga_step_seconds_bucket{le=\"0.1\"} 0"), std::string::npos);
}

TEST(Metrics, HostileLabelValuesCannotGrowTheMemory) {
    Metrics metrics(3);

    for (int i = 0; i < 100; ++i)
        metrics.counter("seen_total", "Seen.", {{"topic", std::to_string(i)}}).add();

    const std::string text = metrics.exposition();
    EXPECT_NE(text.find("seen_total{topic=\"2\"} 1"), std::string::npos);
    EXPECT_EQ(text.find("seen_total{topic=\"3\"}"), std::string::npos);
    EXPECT_NE(text.find("seen_total{topic=\"other\"} 97"), std::string::npos);
}

TEST(Metrics, ABadNameIsABug) {
    Metrics metrics;
    metrics.counter("good_total", "Good.");

    EXPECT_THROW(metrics.counter("bad-name", "Bad."), std::invalid_argument);
    EXPECT_THROW(metrics.counter("", "Bad."), std::invalid_argument);
    EXPECT_THROW(metrics.gauge("good_total", "Another kind."), std::invalid_argument);
    EXPECT_THROW(metrics.counter("labelled_total", "Bad.", {{"bad-label", "x"}}), std::invalid_argument);
}

TEST(Metrics, ACounterNeverFalls) {
    Metrics metrics;
    const Counter counter = metrics.counter("up_total", "Up.");

    counter.add(5);
    counter.add(-3);

    EXPECT_DOUBLE_EQ(counter.value(), 5);
}

}  // namespace
}  // namespace ordersaga::runtime
