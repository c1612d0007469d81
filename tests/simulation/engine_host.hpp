// One orchestrator process: an engine with its participant, what waits for it, and its deaths. Whatever it had not
// answered when it died is delivered again by whoever sent it.
#pragma once

#include "orchestrator/engine/engine.hpp"
#include "orchestrator/orders/order_participant.hpp"
#include "sagas/order_saga.hpp"
#include "tests/simulation/weather.hpp"
#include "tests/support/sim/sim_store.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::simulation {

// One message for an engine. `settled` is called once: true when it was answered for good, false when it must be
// delivered again (the store was away, the process died).
struct Message {
    std::function<engine::Input()> input;
    std::function<void(bool settled)> settled;
};

class EngineHost final : public engine::CommandSink {
public:
    using Publish = std::function<void(EngineHost&, const engine::CommandRow&)>;

    EngineHost(
        std::string name,
        sim::SimStore& store,
        const sagas::SagaDefinition& definition,
        orders::OrderParticipantSettings settings,
        Agenda& agenda,
        Weather& weather,
        Trace& trace,
        std::uint64_t seed,
        Publish publish);
    ~EngineHost() override;

    bool alive() const { return engine_ != nullptr; }
    // False: nobody listens.
    bool take(Message message);
    void kill();
    // Which life of the process this is: a confirmation for an earlier one reaches nobody.
    int life() const { return life_; }
    void confirm(int life, const std::string& command_id, const std::string& attempt_token);
    const std::vector<std::string>& complaints() const { return complaints_; }
    std::uint64_t announced() const { return announced_; }

private:
    void start();
    void tick_at(Instant when);
    void tick();
    void run_inputs();
    void run_due();

    void send(const std::vector<engine::CommandRow>& commands, int shards) override;
    void announce(const std::vector<engine::AnnouncementRow>& announcements) override;

    std::string name_;
    sim::SimStore& store_;
    const sagas::SagaDefinition& definition_;
    orders::OrderParticipantSettings settings_;
    Agenda& agenda_;
    Weather& weather_;
    Trace& trace_;
    Publish publish_;
    runtime::SeededRandom random_;
    std::unique_ptr<orders::OrderParticipant> participant_;
    std::unique_ptr<engine::Engine> engine_;
    std::vector<Message> waiting_;
    Instant next_tick_ = Instant::max();
    int life_ = 0;
    std::uint64_t announced_ = 0;
    std::vector<std::string> complaints_;
};

}  // namespace ordersaga::simulation
