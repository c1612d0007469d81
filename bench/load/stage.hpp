// The whole system as real processes on real servers, and everything that a scenario asks of it: load, costs, and at the
// end the laws. One per scenario; blocking, main thread only.
#pragma once

#include "bench/load/generator.hpp"
#include "bench/load/meter.hpp"
#include "db/connection.hpp"
#include "sandbox/demo/system.hpp"
#include "sandbox/demo/witness.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::bench {

struct StageOptions {
    std::filesystem::path bin, servers_env, directory;
    std::uint64_t seed = 1;
    std::int64_t orchestrators = 1, workers = 1;
    Demand demand;
    std::int64_t units = 10'000'000;              // of each article
    bool scarce = false;                          // more is asked for than there is
    double store_ms = 5, warehouse_ms = 20;       // that a call takes; 0: at once
    std::int64_t warehouse_calls_per_minute = 0;  // that the warehouse allows; 0: its limit is lifted
    double warm_up_s = 8;
    std::string channel_wait = "10s";             // how long orders wait for the stores
    std::map<std::string, std::string> settings;  // of the orchestrator, over its defaults
};

// From an order's webhook being due.
struct Latencies {
    std::vector<double> answered_ms;   // to the answer of the intake, first tries that were taken
    std::vector<double> requested_ms;  // to the warehouse having the order
};

// Counters of the moment; two of them tell what was done in between.
struct Reading {
    std::chrono::steady_clock::time_point at;
    Cost cost;
    double wal_bytes = 0, rows = 0, transactions = 0;
    double steps = 0;     // lines of the sagas' history
    double messages = 0;  // AMQP: published, each of one or several commands or outcomes, or a public event
    std::size_t orders = 0, requested = 0;
};

struct Verdict {
    std::vector<std::string> broken;  // empty: every law holds and nothing was lost, doubled or oversold
    std::size_t orders = 0, requested = 0, lost = 0;
    std::int64_t oversold = 0, doubled = 0;
};

class Stage {
public:
    explicit Stage(StageOptions options);
    ~Stage();

    void start(const std::function<void(const std::string&)>& tell);

    // Some orders, then ANALYZE: a database that has lived for an hour knows how large its tables are. A new one takes a minute
    // to notice, and plans for empty tables until then. All of them have come to where they rest when it returns.
    void warm_up();

    // How long each peer takes for a call.
    void pace_of_peers(double store_ms, double warehouse_ms);

    // At once: the rate is kept while this looks, waits and returns. `each_second` is told how many were sent and requested.
    void keep_rate(double orders_per_second, double seconds);
    void burst(std::size_t orders, std::size_t at_once);
    // Lets time pass with everything running.
    void pass(std::chrono::milliseconds length);
    // Until all that was sent is answered and every order has come to where it rests, or `longest` is over. True: nothing is
    // left.
    bool drain(std::chrono::seconds longest);
    // How many orders are on their way to where they rest.
    std::int64_t moving();
    // The orchestrators and workers killed and started again; returns when they are ready.
    void restart_programs();
    // To every worker.
    void signal_workers(int number);

    [[nodiscard]] Reading read();
    [[nodiscard]] std::size_t orders() const { return generator_->orders(); }
    [[nodiscard]] std::size_t requested() const { return requested_.size(); }
    // Orders that were made and have not come to the warehouse, without those that had ended elsewhere (cancelled before) when
    // everything rested last.
    [[nodiscard]] std::size_t backlog() const;
    // Of the orders that were due in that time, of all shops or of those that are wanted.
    [[nodiscard]] Latencies latencies(
        runtime::Instant from,
        runtime::Instant until,
        const std::function<bool(std::size_t shop)>& wanted = {}) const;
    [[nodiscard]] Generator& generator() { return *generator_; }
    [[nodiscard]] demo::System& system() { return *system_; }
    // The system's database, as the administrator.
    [[nodiscard]] db::Connection& database() { return *database_; }
    [[nodiscard]] std::filesystem::path log_of_postgresql() const;

    // Waits for the stores to show the same, then asks everybody.
    Verdict judge();

    // What the live servers say of themselves: PostgreSQL's settings, RabbitMQ's queues and channels, their versions.
    nlohmann::json servers();
    // What the generator and the stand-ins were told.
    nlohmann::json load() const;

private:
    boost::asio::awaitable<void> watch_warehouse();
    void read_page(const std::string& body);
    void find_roots();
    void run_until(const std::function<bool()>& done);
    void run_to_end(boost::asio::awaitable<void> load);

    StageOptions options_;
    demo::Catalogue catalogue_;
    std::unique_ptr<demo::System> system_;
    boost::asio::io_context context_{1};
    std::unique_ptr<runtime::HttpClient> client_;
    std::unique_ptr<Generator> generator_;
    std::map<std::string, std::string> servers_, addresses_;
    std::unique_ptr<db::Connection> database_;
    Roots roots_;
    std::int64_t ledger_read_to_ = 0;
    std::map<std::string, runtime::Instant> requested_;  // "<store key>.<order id>" → first creation in the warehouse
    std::size_t ended_elsewhere_ = 0;
    bool watching_ = false;
    std::string trouble_;  // why what the warehouse has is not known; empty: all well
};

// The value below which `share` of all lie; 0 of none.
using demo::percentile;

}  // namespace ordersaga::bench
