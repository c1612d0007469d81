// The simulated broker between engines and workers: at least once, in no sequence, sometimes not at all. What a worker did
// not acknowledge is delivered again, marked as seen; what an engine published is confirmed, or not.
#pragma once

#include "tests/simulation/engine_host.hpp"
#include "tests/simulation/worker.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace ordersaga::simulation {

class Broker {
public:
    using Hosts = std::vector<std::unique_ptr<EngineHost>>;
    using Workers = std::vector<std::unique_ptr<Worker>>;

    // `hosts` and `workers` are filled later and live as long.
    Broker(Agenda& agenda, Weather& weather, Trace& trace, Hosts& hosts, Workers& workers)
        : agenda_(agenda), weather_(weather), trace_(trace), hosts_(hosts), workers_(workers) {}

    Worker::Ports ports();
    void publish(EngineHost& host, const Sent& command);
    // Every connection is cut: confirmations under way are lost, whatever is not acknowledged comes again.
    void cut_connections();
    EngineHost& any_host() { return *hosts_[weather_.random().below(hosts_.size())]; }
    void redeliver(int worker);

private:
    struct Delivery {
        Sent command;
        int worker = 0;
    };

    Duration stall() { return weather_.away_until(key) - agenda_.now(); }
    void bring(const Sent& command, bool seen_before);
    void answer(const Sent& command, const sagas::Outcome& outcome);
    void bring_outcome(const Sent& command, const std::shared_ptr<const sagas::Outcome>& outcome);

    static constexpr const char* key = "broker";
    Agenda& agenda_;
    Weather& weather_;
    Trace& trace_;
    Hosts& hosts_;
    Workers& workers_;
    std::map<std::uint64_t, Delivery> unacknowledged_;
    std::uint64_t deliveries_ = 0;
    int connection_ = 0;  // which one: it is cut now and then
};

}  // namespace ordersaga::simulation
