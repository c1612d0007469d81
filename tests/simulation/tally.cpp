#include "tests/simulation/tally.hpp"

#include "sagas/order_saga.hpp"
#include "tests/simulation/table_rows.hpp"

#include <cstdio>
#include <numeric>

namespace ordersaga::simulation {

namespace {

void add(std::map<std::string, int>& sums, const std::map<std::string, int>& more) {
    for (const auto& [name, count] : more)
        sums[name] += count;
}

void print_table(const char* title, const std::map<std::string, int>& counts) {
    std::printf("\n%s\n", title);
    for (const auto& [name, count] : counts)
        std::printf("  %9d  %s\n", count, name.c_str());
}

}  // namespace

Tally::Tally() : rows_(sagas::OrderSaga::table().size(), 0) {}

void Tally::add(const Result& run, bool repeats) {
    ++seeds_;
    broken_ += run.violations.empty() ? 0 : 1;
    unsteady_ += repeats ? 0 : 1;
    orders_ += run.orders;
    shops_ += run.shops;
    engines_ += run.engines;
    workers_ += run.workers;
    virtual_time_ += run.virtual_time;
    traces_.insert(run.trace_hash);
    for (std::size_t i = 0; i < fault_count; ++i)
        faults_[i] += run.faults[i];
    strikes_ += std::accumulate(run.faults.begin(), run.faults.end(), std::size_t{0});
    for (std::size_t i = 0; i < rows_.size(); ++i)
        rows_[i] += run.rows[i];
    simulation::add(states_, run.states);
    simulation::add(incidents_, run.incidents);
    simulation::add(boundaries_, run.boundaries);
}

void Tally::print(std::chrono::duration<double> took) const {
    std::map<std::string, int> faults, rows;
    for (std::size_t i = 0; i < fault_count; ++i)
        faults[fault_kinds[i].name] = faults_[i];
    for (std::size_t i = 0; i < rows_.size(); ++i)
        rows[text_of_row(i)] = rows_[i];
    print_table("sagas by their last state", states_);
    print_table("incidents", incidents_);
    print_table("a process died or lost its connection in the middle of a transaction, at", boundaries_);
    print_table("faults", faults);
    print_table("transitions", rows);

    const double days = std::chrono::duration<double>(virtual_time_).count() / 86400;
    std::printf(
        "\nsimulation: %zu seeds, each run twice, in %.1f s: %.1f seeds a second, %.1f days of virtual time\n", seeds_,
        took.count(), static_cast<double>(seeds_) / took.count(), days);
    std::printf(
        "simulation: %zu seeds broke a law, %zu did not repeat themselves, %.2f %% distinct traces\n", broken_,
        unsteady_, 100 * mean(traces_.size()));
    std::printf(
        "simulation: on average %.1f orders, %.1f stores, %.1f orchestrators, %.1f workers, %.1f faults a seed\n",
        mean(orders_), mean(shops_), mean(engines_), mean(workers_), mean(strikes_));
    std::size_t reached = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        reached += rare(rows_[i]) ? 0 : 1;
        if (rare(rows_[i])) std::printf("simulation: seldom: %s: %d\n", text_of_row(i).c_str(), rows_[i]);
    }
    for (std::size_t i = 0; i < fault_count; ++i) {
        if (rare(faults_[i])) std::printf("simulation: seldom: %s: %d\n", fault_kinds[i].name, faults_[i]);
    }
    std::printf("simulation: %zu of %zu transitions at least %zu times\n", reached, rows_.size(), enough());
    std::fflush(stdout);
}

std::vector<std::string> Tally::shortcomings() const {
    std::vector<std::string> found;
    if (seeds_ < 1000) return found;
    for (std::size_t i = 0; i < fault_count; ++i) {
        if (rare(faults_[i])) found.push_back(std::string("fault ") + fault_kinds[i].name);
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (rare(rows_[i])) found.push_back("transition " + text_of_row(i));
    }
    if (traces_.size() * 100 < seeds_ * 99) found.push_back("distinct traces");
    if (mean(orders_) < 20 || mean(shops_) < 2 || mean(engines_) < 2 || mean(workers_) < 2 || mean(strikes_) < 10)
        found.push_back("a seed holds too little");
    return found;
}

}  // namespace ordersaga::simulation
