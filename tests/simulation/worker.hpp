// The simulated workers: one attempt of one command against the simulated peers, answering as sagas/activities.hpp says.
// Any number of them, each slow in its own way: every call is a few actions on the agenda.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "sagas/outcome.hpp"
#include "tests/simulation/shop.hpp"
#include "tests/simulation/warehouse.hpp"
#include "tests/simulation/weather.hpp"

#include <functional>
#include <map>
#include <string>

namespace ordersaga::simulation {

class Worker {
public:
    using Answer = std::function<void(const sagas::Outcome&)>;

    Worker(Agenda& agenda, Weather& weather, std::map<std::string, Shop*> shops, Warehouse& warehouse, Trace& trace)
        : agenda_(agenda), weather_(weather), shops_(std::move(shops)), warehouse_(warehouse), trace_(trace) {}

    // `seen_before`: the broker has delivered this very attempt already.
    void perform(const engine::CommandRow& command, bool seen_before, Answer answer);

private:
    sagas::Outcome act(const engine::CommandRow& command, bool refuse);
    sagas::Outcome act_on_shop(const engine::CommandRow& command, Shop& shop);
    sagas::Outcome act_on_warehouse(const engine::CommandRow& command, bool refuse);
    void read_quietly(const engine::CommandRow& command, Answer answer);

    Agenda& agenda_;
    Weather& weather_;
    std::map<std::string, Shop*> shops_;
    Warehouse& warehouse_;
    Trace& trace_;
};

}  // namespace ordersaga::simulation
