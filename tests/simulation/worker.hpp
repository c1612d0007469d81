// A simulated worker process: takes deliveries, calls the simulated peers once for each, answers as sagas/activities.hpp
// says, and only then acknowledges. It dies at any step, and what it had not acknowledged is delivered again; a call that
// has left it goes on without it.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "sagas/outcome.hpp"
#include "tests/simulation/engine_host.hpp"
#include "tests/simulation/shop.hpp"
#include "tests/simulation/warehouse.hpp"
#include "tests/simulation/weather.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::simulation {

class Worker {
public:
    // What it hears from: the broker.
    struct Ports {
        std::function<void(const Sent&, const sagas::Outcome&)> answer;
        std::function<void(std::uint64_t delivery)> acknowledge;
        std::function<void(int worker)> redeliver;  // everything it has not acknowledged
    };

    Worker(
        int number,
        Agenda& agenda,
        Weather& weather,
        std::map<std::string, Shop*> shops,
        Warehouse& warehouse,
        Trace& trace,
        Ports ports);

    bool alive() const { return alive_; }
    void kill();
    // `seen_before`: the broker has delivered this very attempt already.
    void perform(std::uint64_t delivery, const Sent& command, bool seen_before);
    // Calls that left a frozen worker and have not reached their peer yet.
    int late_calls() const { return late_calls_; }

private:
    struct Work {
        std::vector<std::uint64_t> deliveries;
        bool doubt = false;  // an earlier run of this attempt may have written
    };

    void call(const Sent& command);
    void finish_after(Duration delay, const Sent& command, sagas::Outcome outcome);
    void finish(const Sent& command, sagas::Outcome outcome);
    // `late`: nobody may count on it any more.
    sagas::Outcome act(const engine::CommandRow& command, bool late = false);
    sagas::Outcome act_on_shop(const engine::CommandRow& command, Shop& shop);
    sagas::Outcome act_on_warehouse(const engine::CommandRow& command, bool late);
    void read_quietly(const Sent& command);

    int number_;
    Agenda& agenda_;
    Weather& weather_;
    std::map<std::string, Shop*> shops_;
    Warehouse& warehouse_;
    Trace& trace_;
    Ports ports_;
    bool alive_ = true;
    int life_ = 1;
    int late_calls_ = 0;
    // Of this life: by attempt token.
    std::map<std::string, Work> works_;
    std::map<std::string, sagas::Outcome> known_;
};

}  // namespace ordersaga::simulation
