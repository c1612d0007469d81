// One orchestrator process: an engine with its participant, what waits for it, its freezes and its deaths. Whatever it had
// not answered when it died is delivered again by whoever sent it.
#pragma once

#include "orchestrator/engine/engine.hpp"
#include "orchestrator/orders/order_participant.hpp"
#include "sagas/order_saga.hpp"
#include "tests/simulation/weather.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::simulation {

// What goes through the broker is written once and carried about.
using Sent = std::shared_ptr<const engine::CommandRow>;

// One message for an engine. `input` is given the time by the wall clock of the host. `settled`: true when it was answered
// for good, false when it must be delivered again (the store was away, the process died, it does not answer). After
// "again" the first one may still be answered.
struct Message {
    std::function<engine::Input(Instant wall_clock)> input;
    std::function<void(bool settled)> settled;
};

class EngineHost final : public engine::CommandSink {
public:
    using Publish = std::function<void(EngineHost&, const Sent&)>;
    using Changes = std::vector<engine::SagaChange>;

    EngineHost(
        std::string name,
        engine::Store& store,
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
    // SIGSTOP: whatever it knows and was about to do stays as it is until then.
    void freeze(Duration how_long);
    // Looks at what has come due then, at the latest: another one has committed something.
    void look_by(Instant when);
    // Hears of every commit that this process lives to tell of.
    void set_onlooker(std::function<void(const EngineHost&, const Changes&)> onlooker) {
        onlooker_ = std::move(onlooker);
    }
    // Its own clock is wrong from now on; the database's is not.
    void set_clock_off_by(Duration difference) { clock_off_by_ = difference; }
    // Which life of the process this is: a confirmation for an earlier one reaches nobody.
    int life() const { return life_; }
    void confirm(int life, const std::string& command_id, const std::string& attempt_token);
    // Public events are held against their schemas, once per run: a repeated run announces the same, or its trace differs.
    void check_events(bool yes) { checks_events_ = yes; }
    const std::vector<std::string>& complaints() const { return complaints_; }

private:
    void start();
    bool frozen() { return frozen_until_ > agenda_.now(); }
    void tick_at(Instant when);
    void tick();
    void run_inputs();
    void look();
    void settle(std::vector<Message>& batch, const std::vector<bool>& answered);

    void send(const std::vector<engine::CommandRow>& commands, int shards) override;
    void check_event(const engine::AnnouncementRow& row);
    void announce(const std::vector<engine::AnnouncementRow>& announcements) override;

    std::string name_;
    engine::Store& store_;
    const sagas::SagaDefinition& definition_;
    orders::OrderParticipantSettings settings_;
    Agenda& agenda_;
    Weather& weather_;
    Trace& trace_;
    Publish publish_;
    std::function<void(const EngineHost&, const Changes&)> onlooker_;
    runtime::SeededRandom random_;
    std::unique_ptr<orders::OrderParticipant> participant_;
    std::unique_ptr<engine::Engine> engine_;
    std::vector<Message> waiting_;
    Instant next_tick_ = Instant::max();
    Instant next_look_ = Instant::min();  // at what has come due
    Instant frozen_until_ = Instant::min();
    Duration clock_off_by_{0};
    int life_ = 0;
    bool checks_events_ = true;
    std::vector<std::string> complaints_;
};

}  // namespace ordersaga::simulation
