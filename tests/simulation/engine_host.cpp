#include "tests/simulation/engine_host.hpp"

#include "tests/support/events/event_schemas.hpp"
#include "tests/support/sim/sim_store.hpp"

#include <algorithm>
#include <exception>

namespace ordersaga::simulation {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

// As the loop of the real process (orchestrator/engine_loop.cpp): a look at what has come due follows when a batch has
// left something due, else within a second of the last batch.
constexpr Duration look_after_batch = seconds(1);
// Being alone with what has come due, it looks at least so often.
constexpr Duration look_every = seconds(30);
// How long a sender waits for an answer before it delivers again: a store its 5 s, a broker its heartbeats.
constexpr Duration patience_of_senders = seconds(5);

}  // namespace

EngineHost::EngineHost(
    std::string name,
    engine::Store& store,
    const sagas::SagaDefinition& definition,
    orders::OrderParticipantSettings settings,
    Agenda& agenda,
    Weather& weather,
    Trace& trace,
    std::uint64_t seed,
    Publish publish)
    : name_(std::move(name)),
      store_(store),
      definition_(definition),
      settings_(settings),
      agenda_(agenda),
      weather_(weather),
      trace_(trace),
      publish_(std::move(publish)),
      random_(seed) {
    start();
}

EngineHost::~EngineHost() = default;

void EngineHost::start() {
    ++life_;
    participant_ = std::make_unique<orders::OrderParticipant>(random_, settings_);
    engine_ = std::make_unique<engine::Engine>(
        store_, *participant_, std::vector<const sagas::SagaDefinition*>{&definition_}, *this, random_);
    engine_->set_onlooker([this](const Changes& changes) {
        if (onlooker_) onlooker_(*this, changes);
    });
    next_look_ = agenda_.now();
    trace_.line(name_ + " starts");
    tick_at(agenda_.now());
}

void EngineHost::kill() {
    if (!alive()) return;
    trace_.line(name_ + " dies");
    engine_.reset();
    participant_.reset();
    next_tick_ = Instant::max();
    frozen_until_ = Instant::min();
    std::vector<Message> orphans = std::move(waiting_);
    waiting_.clear();
    for (Message& message : orphans)
        message.settled(false);
    agenda_.after(weather_.between(seconds(1), seconds(15)), [this] { start(); });
}

void EngineHost::freeze(Duration how_long) {
    if (!alive()) return;
    trace_.line(name_ + " freezes");
    frozen_until_ = std::max(frozen_until_, agenda_.now() + how_long);
}

bool EngineHost::take(Message message) {
    if (!alive()) return false;
    // The port of a frozen process is open. What came in is done when it goes on; by then it has come elsewhere too.
    if (frozen()) agenda_.after(patience_of_senders, [again = message.settled] { again(false); });
    waiting_.push_back(std::move(message));
    // A short wait makes batches; a long queue does not wait longer.
    tick_at(agenda_.now() + weather_.between(milliseconds(0), milliseconds(40)));
    return true;
}

void EngineHost::confirm(int life, const std::string& command_id, const std::string& attempt_token) {
    if (alive() && life == life_) engine_->command_published(command_id, attempt_token);
}

void EngineHost::tick_at(Instant when) {
    if (when >= next_tick_) return;
    next_tick_ = when;
    agenda_.at(when, [this, when, life = life_] {
        if (!alive() || life != life_ || when != next_tick_) return;
        next_tick_ = Instant::max();
        if (frozen()) return tick_at(frozen_until_);
        tick();
    });
}

void EngineHost::tick() {
    try {
        run_inputs();
        if (frozen()) return tick_at(frozen_until_);
        if (engine_->more_due()) {
            // The machine is busy now and then: meanwhile others go on.
            const bool busy = weather_.random().chance(0.25);
            const Duration pause = busy ? weather_.between(milliseconds(1), milliseconds(1500)) : Duration{0};
            next_look_ = std::min(next_look_, agenda_.now() + pause);
        }
        if (agenda_.now() >= next_look_) look();
        tick_at(next_look_);
    } catch (const sim::ProcessKilled&) {
        return kill();
    } catch (const std::exception& error) {
        // The real process would end with this; it must not happen at all.
        complaints_.push_back(name_ + " threw: " + error.what());
        return kill();
    }
}

void EngineHost::run_inputs() {
    if (waiting_.empty()) return;
    std::vector<Message> batch = std::move(waiting_);
    waiting_.clear();
    std::vector<engine::Input> inputs;
    const auto answered = std::make_shared<std::vector<bool>>(batch.size(), false);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        inputs.push_back(batch[i].input(agenda_.now() + clock_off_by_));
        inputs.back().done = [this, answered, i](const engine::InputResult& result) {
            if (result.kind == engine::InputResult::Kind::unavailable) return;
            (*answered)[i] = true;
            if (result.kind == engine::InputResult::Kind::parked) complaints_.push_back("parked: " + result.reason);
        };
    }
    std::exception_ptr death;
    try {
        engine_->run(inputs);
    } catch (...) {
        death = std::current_exception();
    }
    settle(batch, *answered);
    next_look_ = std::min(next_look_, agenda_.now() + look_after_batch);
    if (death) std::rethrow_exception(death);
}

// Frozen after its commit it answers nobody, and everybody delivers again.
void EngineHost::settle(std::vector<Message>& batch, const std::vector<bool>& answered) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (frozen()) {
            agenda_.after(patience_of_senders, [again = batch[i].settled] { again(false); });
        } else {
            batch[i].settled(answered[i]);
        }
    }
}

void EngineHost::look_by(Instant when) {
    if (!alive() || when >= next_look_) return;
    next_look_ = when;
    tick_at(when);
}

void EngineHost::look() {
    const bool available = engine_->run_due();
    Duration pause = look_every;
    if (!available) {
        pause = milliseconds(200);
    } else if (engine_->more_due()) {
        pause = milliseconds(1);
    } else if (engine_->due_in()) {
        pause = std::clamp<Duration>(*engine_->due_in(), milliseconds(1), look_every);
    }
    next_look_ = agenda_.now() + pause;
}

void EngineHost::send(const std::vector<engine::CommandRow>& commands, int) {
    std::vector<Sent> sent;
    for (const engine::CommandRow& command : commands)
        sent.push_back(std::make_shared<const engine::CommandRow>(command));
    if (weather_.happens(Fault::engine_frozen_after_commit)) freeze(weather_.between(seconds(5), minutes(10)));
    const auto leave = [this, life = life_, sent = std::move(sent)] {
        if (!alive() || life != life_) return;
        for (const Sent& command : sent)
            publish_(*this, command);
    };
    if (frozen()) {
        agenda_.at(frozen_until_, leave);
    } else {
        leave();
    }
}

void EngineHost::check_event(const engine::AnnouncementRow& row) {
    const std::string fault = test::fault_of_event(row.routing_key, row.body);
    if (!fault.empty()) complaints_.push_back("public event " + row.routing_key + ": " + fault);
}

void EngineHost::announce(const std::vector<engine::AnnouncementRow>& announcements) {
    for (const engine::AnnouncementRow& row : announcements) {
        trace_.line("announce " + row.routing_key + " " + row.body.dump());
        if (checks_events_) check_event(row);
        if (weather_.happens(Fault::confirm_lost)) continue;
        agenda_.after(milliseconds(5), [this, life = life_, id = row.announcement_id] {
            if (alive() && life == life_) engine_->announcement_published(id);
        });
    }
}

}  // namespace ordersaga::simulation
