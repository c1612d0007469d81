#include "orchestrator/engine/engine.hpp"

#include "orchestrator/engine/batch_run.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/planted.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace ordersaga::engine {
namespace {

// FNV-1a: stable over programs and releases, which std::hash is not.
std::uint64_t stable_hash(const std::string& text) {
    std::uint64_t hash = 1469598103934665603ULL;
    for (char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 1099511628211ULL;
    }
    return hash;
}

constexpr Duration quarantine_pause = std::chrono::minutes(5);

std::string mark_of(const AnnouncementRow& row) {
    return "announcement " + std::to_string(row.announcement_id);
}

template <class Content>
bool any_is(const std::vector<Input*>& inputs) {
    return std::any_of(inputs.begin(), inputs.end(), [](const Input* input) {
        return std::holds_alternative<Content>(input->content);
    });
}

void pass_points_before_commit(const std::vector<Input*>& inputs) {
    if (!runtime::crash_points_armed()) return;
    if (any_is<Arrival>(inputs)) runtime::crash_point("engine.arrivals_decided");
    if (any_is<OutcomeArrived>(inputs)) runtime::crash_point("engine.outcomes_decided");
    if (any_is<SagaTold>(inputs)) runtime::crash_point("engine.told_decided");
}

void pass_points_after_commit(const std::vector<Input*>& inputs) {
    if (!runtime::crash_points_armed()) return;
    if (any_is<Arrival>(inputs)) runtime::crash_point("engine.arrivals_committed");
    if (any_is<OutcomeArrived>(inputs)) runtime::crash_point("engine.outcomes_committed");
    if (any_is<SagaTold>(inputs)) runtime::crash_point("engine.told_committed");
}

}  // namespace

int shard_of(const SagaId& saga_id, int shards) {
    return static_cast<int>(stable_hash(saga_id) % static_cast<std::uint64_t>(std::max(1, shards)));
}

class Engine::Impl {
public:
    Impl(
        Store& store,
        Participant& participant,
        const std::vector<const sagas::SagaDefinition*>& definitions,
        CommandSink& sink,
        runtime::Random& random,
        EngineOptions options)
        : store_(store), participant_(participant), sink_(sink), random_(random), options_(options) {
        for (const sagas::SagaDefinition* definition : definitions) {
            definitions_.emplace(std::string(definition->kind()), definition);
        }
    }

    bool run(std::vector<Input>& inputs);
    bool run_due();
    nlohmann::json preview(const SagaKey& saga, const sagas::Event& event);

    Store& store_;
    Participant& participant_;
    Definitions definitions_;
    CommandSink& sink_;
    runtime::Random& random_;
    EngineOptions options_;
    EngineCounts counts_;

    // What the broker has, by attempt token, until that is stored or the attempt has ended. `at` is the first transaction
    // after the broker's word.
    struct Published {
        std::string command_id;
        std::optional<Instant> at;
    };
    std::map<std::string, Published> published_;
    std::vector<std::int64_t> announced_;
    std::map<std::string, Instant> resent_;  // by attempt token: when the relay last repeated it
    std::map<LaneKey, Instant> lane_retries_;
    std::set<LaneKey> known_lanes_;
    std::optional<Duration> due_in_;
    bool more_due_ = true;
    Onlooker onlooker_;

private:
    enum class Ran { committed, unavailable, bad };

    EngineParts parts() { return {participant_, definitions_, random_, options_, counts_, known_lanes_}; }
    Ran attempt(const std::vector<Input*>& inputs, std::vector<InputResult>& results, std::string& fault);
    bool run_or_split(const std::vector<Input*>& inputs);
    bool park(Input& input, const std::string& reason);
    template <class Work>
    Ran in_transaction(const Work& work, std::string& fault);

    void wake_sagas(std::size_t limit, Transaction& transaction);
    bool wake_or_quarantine();
    bool quarantine_first(const std::string& reason);
    void end_silent_duties(Transaction& transaction);
    void perform_duties(Transaction& transaction);
    void serve_lanes_and_relay(Transaction& transaction);
    bool look();
    bool serve();
    void note(const NextDue& due, Instant now);
    bool sending_is_due() const;
    // The broker has it; only the note of that is not stored yet.
    bool is_confirmed(const CommandRow& command) const;
    std::vector<Confirmed> published_long_enough(Instant now);
    void after_commit(BatchRun& batch);

    NextDue due_;  // as the last look found it
    Instant looked_at_{};
    std::vector<CommandRow> to_send_;
    std::vector<AnnouncementRow> to_announce_;
    std::vector<SagaChange> changed_;
    std::uint64_t repeated_ = 0;
    bool left_signals_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------
// One transaction, repeated while the store says "again"

template <class Work>
Engine::Impl::Ran Engine::Impl::in_transaction(const Work& work, std::string& fault) {
    for (int attempt = 0;; ++attempt) {
        to_send_.clear();
        to_announce_.clear();
        changed_.clear();
        left_signals_ = false;
        auto announced = announced_;
        std::vector<Confirmed> published;
        try {
            store_.transact([&](Transaction& transaction) {
                work(transaction);
                if (runtime::planted("published_before_commit")) sink_.send(to_send_, options_.shards);
                // Last: who holds commands must not wait for a saga.
                published = published_long_enough(transaction.now());
                if (!published.empty()) transaction.mark_published(published);
                if (!announced.empty()) transaction.delete_announcements(announced);
            });
        } catch (const StoreInDoubt& in_doubt) {
            // Perhaps committed. Running the same inputs again is the way to know: each is recognised if it was applied.
            if (runtime::planted("doubt_taken_as_commit")) return Ran::committed;
            counts_.store_retries += 1;
            fault = in_doubt.what();
            if (attempt < options_.immediate_retries) continue;
            return Ran::unavailable;
        } catch (const StoreUnavailable& unavailable) {
            counts_.store_retries += 1;
            fault = unavailable.what();
            if (attempt < options_.immediate_retries) continue;
            return Ran::unavailable;
        } catch (const std::exception& error) {
            fault = error.what();
            return Ran::bad;
        }
        for (const Confirmed& row : published)
            published_.erase(row.attempt_token);
        announced_.erase(announced_.begin(), announced_.begin() + static_cast<std::ptrdiff_t>(announced.size()));
        if (left_signals_) {
            more_due_ = true;
            runtime::crash_point("engine.left_signals");
        }
        counts_.commands_sent += to_send_.size();
        if (!to_send_.empty()) {
            runtime::crash_point("engine.before_publish");
            sink_.send(to_send_, options_.shards);
        }
        if (!to_announce_.empty()) sink_.announce(to_announce_);
        if (onlooker_ && !changed_.empty()) onlooker_(changed_);
        return Ran::committed;
    }
}

void Engine::Impl::after_commit(BatchRun& batch) {
    for (CommandRow& command : batch.take_admitted())
        to_send_.push_back(std::move(command));
    for (AnnouncementRow& row : batch.take_announcements()) {
        resent_.insert_or_assign(mark_of(row), batch.now());
        to_announce_.push_back(std::move(row));
    }
    for (const auto& [lane, at] : batch.lane_retries())
        lane_retries_[lane] = at;
    if (onlooker_) batch.append_changed_sagas(changed_);
    left_signals_ = left_signals_ || batch.left_work();
}

// ---------------------------------------------------------------------------------------------------------------------
// Inputs

Engine::Impl::Ran Engine::Impl::attempt(
    const std::vector<Input*>& inputs,
    std::vector<InputResult>& results,
    std::string& fault) {
    return in_transaction(
        [&](Transaction& transaction) {
            results.assign(inputs.size(), InputResult{});

            std::vector<std::pair<MerchantId, std::string>> duty_ids;
            std::vector<SagaKey> keys;
            std::vector<const Arrival*> arrivals;
            std::vector<std::size_t> arrival_index;
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                if (const auto* outcome = std::get_if<OutcomeArrived>(&inputs[i]->content)) {
                    if (outcome->saga_id.empty()) {
                        duty_ids.emplace_back(outcome->merchant, outcome->command_id);
                    } else {
                        keys.push_back({outcome->merchant, outcome->saga_id});
                    }
                } else if (const auto* told = std::get_if<SagaTold>(&inputs[i]->content)) {
                    keys.push_back(told->saga);
                } else if (const auto* incident = std::get_if<IncidentLookedAfter>(&inputs[i]->content)) {
                    if (!incident->saga_id.empty()) keys.push_back({incident->merchant, incident->saga_id});
                } else {
                    arrivals.push_back(&std::get<Arrival>(inputs[i]->content));
                    arrival_index.push_back(i);
                }
            }

            // First of all: it tells the time along with them.
            std::map<std::string, CommandRow> duty_commands;
            if (!duty_ids.empty()) {
                for (CommandRow& row : transaction.lock_duty_commands(duty_ids)) {
                    std::string id = row.command_id;
                    duty_commands.emplace(std::move(id), std::move(row));
                }
            }
            BatchRun batch(parts(), transaction);
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                const auto* outcome = std::get_if<OutcomeArrived>(&inputs[i]->content);
                if (outcome == nullptr || !outcome->saga_id.empty()) continue;
                auto command = duty_commands.find(outcome->command_id);
                bool awaited = command != duty_commands.end() &&
                               is_awaited(command->second, outcome->attempt_token, outcome->outcome.kind);
                if (awaited) {
                    batch.end_duty_attempt(command->second, outcome->outcome);
                } else {
                    results[i].kind = InputResult::Kind::duplicate;
                }
            }

            std::vector<InputResult> resolved = batch.session().resolve(arrivals);
            for (std::size_t i = 0; i < resolved.size(); ++i)
                results[arrival_index[i]] = std::move(resolved[i]);
            batch.load(keys);
            batch.lock_what_sagas_touch();
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                if (const auto* outcome = std::get_if<OutcomeArrived>(&inputs[i]->content)) {
                    if (outcome->saga_id.empty()) continue;
                    SagaKey key{outcome->merchant, outcome->saga_id};
                    if (!batch.take_outcome(key, outcome->command_id, outcome->attempt_token, outcome->outcome)) {
                        results[i].kind = InputResult::Kind::duplicate;
                        results[i].reason = "the attempt is not open any more";
                    }
                } else if (const auto* told = std::get_if<SagaTold>(&inputs[i]->content)) {
                    batch.tell_checked(*told, results[i]);
                } else if (const auto* incident = std::get_if<IncidentLookedAfter>(&inputs[i]->content)) {
                    batch.look_after(*incident, results[i]);
                }
            }
            batch.decide_all();
            batch.write_and_dispatch();
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                if (const auto* outcome = std::get_if<OutcomeArrived>(&inputs[i]->content)) {
                    batch.fill({outcome->merchant, outcome->saga_id}, results[i]);
                } else if (const auto* told = std::get_if<SagaTold>(&inputs[i]->content)) {
                    batch.fill(told->saga, results[i]);
                } else if (!results[i].saga_id.empty()) {
                    batch.fill({std::get<Arrival>(inputs[i]->content).merchant, results[i].saga_id}, results[i]);
                }
            }
            after_commit(batch);
            pass_points_before_commit(inputs);
        },
        fault);
}

bool Engine::Impl::run_or_split(const std::vector<Input*>& inputs) {
    std::vector<InputResult> results;
    std::string fault;
    for (Input* input : inputs) {
        if (runtime::planted("acked_before_commit") && input->done) std::exchange(input->done, nullptr)({});
    }
    switch (attempt(inputs, results, fault)) {
        case Ran::unavailable: return false;
        case Ran::committed:
            counts_.batches += 1;
            counts_.inputs += inputs.size();
            pass_points_after_commit(inputs);
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                if (const auto* ended = std::get_if<OutcomeArrived>(&inputs[i]->content))
                    published_.erase(ended->attempt_token);
                if (results[i].kind == InputResult::Kind::duplicate) counts_.stale_outcomes += 1;
                if (inputs[i]->done) inputs[i]->done(results[i]);
                inputs[i]->done = nullptr;
            }
            return true;
        case Ran::bad: break;
    }
    if (inputs.size() == 1) return park(*inputs.front(), fault);
    counts_.splits += 1;
    auto middle = inputs.begin() + static_cast<std::ptrdiff_t>(inputs.size() / 2);
    return run_or_split({inputs.begin(), middle}) && run_or_split({middle, inputs.end()});
}

bool Engine::Impl::park(Input& input, const std::string& reason) {
    std::string fault;
    Ran ran = in_transaction(
        [&](Transaction& transaction) {
            if (const auto* arrival = std::get_if<Arrival>(&input.content)) {
                BatchRun batch(parts(), transaction);
                batch.session().park(*arrival, reason);
            } else if (const auto* outcome = std::get_if<OutcomeArrived>(&input.content)) {
                transaction.park(outcome->merchant, "outcome", outcome->command_id, reason, to_json(outcome->outcome));
            } else if (const auto* incident = std::get_if<IncidentLookedAfter>(&input.content)) {
                transaction.park(
                    incident->merchant, "incident closed", incident->incident_key, reason, nlohmann::json::object());
            } else {
                const auto& told = std::get<SagaTold>(input.content);
                transaction.park(
                    told.saga.merchant, "event", told.saga.saga_id, reason,
                    {{"event", told.event.name}, {"payload", told.event.payload}, {"cause", told.event.cause}});
            }
        },
        fault);
    if (ran == Ran::unavailable) return false;
    if (ran == Ran::bad)
        throw std::runtime_error("an input can neither be applied nor parked: " + reason + "; " + fault);
    counts_.parked += 1;
    InputResult result;
    result.kind = InputResult::Kind::parked;
    result.reason = reason;
    if (input.done) input.done(result);
    input.done = nullptr;
    input.content = Arrival{};
    return true;
}

bool Engine::Impl::run(std::vector<Input>& inputs) {
    std::vector<Input*> together;
    std::vector<Input*> alone;
    for (Input& input : inputs) {
        const auto* arrival = std::get_if<Arrival>(&input.content);
        (arrival != nullptr && arrival->alone ? alone : together).push_back(&input);
    }
    bool available = together.empty() || run_or_split(together);
    for (Input* input : alone)
        available = available && run_or_split({input});
    // An answered input has lost its callback.
    if (available) {
        inputs.clear();
    } else {
        std::erase_if(inputs, [](const Input& input) { return !input.done; });
    }
    return available;
}

// ---------------------------------------------------------------------------------------------------------------------
// What has come due

void Engine::Impl::wake_sagas(std::size_t limit, Transaction& transaction) {
    std::vector<SagaRow> sagas = transaction.claim_waking_sagas(transaction.now(), limit);
    if (sagas.size() >= limit) more_due_ = true;
    if (sagas.empty()) return;
    runtime::crash_point("engine.wake_claimed");
    BatchRun batch(parts(), transaction);
    batch.adopt(std::move(sagas));
    batch.lock_what_sagas_touch();
    batch.end_silent_attempts();
    batch.wake_sagas_due();
    batch.decide_all();
    batch.write_and_dispatch();
    after_commit(batch);
}

bool Engine::Impl::wake_or_quarantine() {
    for (std::size_t limit = options_.due_limit;; limit = std::max<std::size_t>(1, limit / 8)) {
        std::string fault;
        Ran ran = in_transaction([&](Transaction& transaction) { wake_sagas(limit, transaction); }, fault);
        if (ran == Ran::committed) {
            if (limit < options_.due_limit) more_due_ = true;
            return true;
        }
        if (ran == Ran::unavailable) return false;
        counts_.splits += 1;
        if (limit == 1) return quarantine_first(fault);
    }
}

// The first saga due cannot be decided: it gets an incident and a later wake-up, so that the others go on.
bool Engine::Impl::quarantine_first(const std::string& reason) {
    std::string fault;
    Ran ran = in_transaction(
        [&](Transaction& transaction) {
            Instant now = transaction.now();
            std::vector<SagaRow> sagas = transaction.claim_waking_sagas(now, 1);
            if (sagas.empty()) return;
            SagaRow row = std::move(sagas.front());
            for (const SignalRow& signal : transaction.take_signals({row.key})) {
                transaction.park(
                    row.key.merchant, "signal", row.key.saga_id, reason,
                    {{"event", signal.event}, {"payload", signal.payload}, {"cause", signal.cause}});
            }
            Changes changes;
            for (CommandRow command : transaction.open_commands({row.key})) {
                if (command.state != CommandState::sent || !command.deadline || *command.deadline > now) continue;
                command.deadline = now + quarantine_pause;
                changes.updated_commands.push_back(std::move(command));
            }
            changes.updated_from.push_back(row.version);
            row.version += 1;
            row.next_wake = now + quarantine_pause;
            if (row.final) row.next_wake.reset();
            row.incident = "the engine cannot decide";
            row.updated_at = now;
            HistoryRow history;
            history.key = row.key;
            history.version = row.version;
            history.at = now;
            history.from_state = row.state;
            history.to_state = row.state;
            history.event = "Quarantined";
            history.note = reason;
            changes.history.push_back(std::move(history));
            changes.opened_incidents.push_back(
                {row.key.merchant, "saga:" + row.key.saga_id, row.key.saga_id, "the engine cannot decide", reason});
            changes.updated_sagas.push_back(std::move(row));
            transaction.write(changes);
        },
        fault);
    if (ran == Ran::bad) throw std::runtime_error("a saga can neither be woken nor set aside: " + fault);
    if (ran == Ran::unavailable) return false;
    counts_.parked += 1;
    more_due_ = true;
    return true;
}

void Engine::Impl::end_silent_duties(Transaction& transaction) {
    std::vector<CommandRow> silent = transaction.claim_expired_duty_commands(transaction.now(), options_.due_limit);
    if (silent.empty()) return;
    if (silent.size() >= options_.due_limit) more_due_ = true;
    runtime::crash_point("engine.silent_claimed");
    BatchRun batch(parts(), transaction);
    for (CommandRow& command : silent)
        batch.end_silent_duty_attempt(command);
    batch.session().resolve({});
    batch.load({});
    batch.lock_what_sagas_touch();
    batch.decide_all();
    batch.write_and_dispatch();
    after_commit(batch);
}

// In a transaction of its own: who holds the duties it has claimed must not wait for what a batch may hold.
void Engine::Impl::perform_duties(Transaction& transaction) {
    // What comes due in a moment is done along with what is due: duties of one period then stay together.
    std::vector<DutyRow> due = transaction.claim_due_duties(options_.duties_together, options_.due_limit);
    if (due.empty()) return;
    if (due.size() >= options_.due_limit) more_due_ = true;
    runtime::crash_point("engine.duties_claimed");
    BatchRun batch(parts(), transaction);
    batch.session().perform(due);
    batch.decide_all();
    batch.write_and_dispatch();
    after_commit(batch);
}

void Engine::Impl::serve_lanes_and_relay(Transaction& transaction) {
    Instant now = transaction.now();
    std::vector<LaneKey> lanes = transaction.lanes_with_work(now, options_.due_limit);
    if (!lanes.empty()) {
        BatchRun batch(parts(), transaction);
        batch.dispatch(lanes);
        after_commit(batch);
    }
    std::erase_if(resent_, [&](const auto& entry) { return entry.second + options_.relay_after <= now; });
    for (CommandRow& command : transaction.claim_unpublished_commands(now - options_.relay_after, options_.due_limit)) {
        if (runtime::planted("relay_off") || is_confirmed(command) ||
            !resent_.emplace(command.attempt_token, now).second)
            continue;
        repeated_ += 1;
        to_send_.push_back(std::move(command));
        runtime::crash_point("engine.relay_claimed");
    }
    for (AnnouncementRow& row : transaction.claim_announcements(options_.due_limit)) {
        if (std::find(announced_.begin(), announced_.end(), row.announcement_id) != announced_.end()) continue;
        if (!resent_.emplace(mark_of(row), now).second) continue;
        to_announce_.push_back(std::move(row));
    }
    note(transaction.next_due(), now);
}

bool Engine::Impl::is_confirmed(const CommandRow& command) const {
    return published_.count(command.attempt_token) > 0;
}

// Most attempts end soon: nobody need know then that the broker had them. The others are marked long before anybody would
// repeat them.
std::vector<Confirmed> Engine::Impl::published_long_enough(Instant now) {
    std::vector<Confirmed> found;
    for (auto& [token, published] : published_) {
        if (!published.at) published.at = now;
        if (now - *published.at >= options_.relay_after / 6)
            found.push_back({published.command_id, token, *published.at});
    }
    return found;
}

void Engine::Impl::note(const NextDue& due, Instant now) {
    due_ = due;
    looked_at_ = now;
    std::optional<Instant> next;
    const auto lower_to = [&](std::optional<Instant> at) {
        if (at && (!next || *at < *next)) next = at;
    };
    lower_to(due.sagas);
    lower_to(due.deadlines);
    lower_to(due.duties);
    lower_to(due.sending);
    if (due.unconfirmed_since) lower_to(*due.unconfirmed_since + options_.relay_after);
    // What the broker has is to be noted before another engine would repeat it.
    for (const auto& [token, published] : published_)
        lower_to(published.at.value_or(now) + options_.relay_after / 6);
    // What is due already and was not taken just now is held back by something (a lane, another engine): looking again
    // at once would spin.
    if (next && *next <= now) next = now + std::chrono::seconds(1);
    std::erase_if(lane_retries_, [&](const auto& entry) { return entry.second <= now; });
    for (const auto& [lane, at] : lane_retries_)
        lower_to(at);
    due_in_ = next ? std::optional<Duration>(*next - now) : std::nullopt;
}

bool Engine::Impl::sending_is_due() const {
    return (due_.sending && *due_.sending <= looked_at_) ||
           (due_.unconfirmed_since && *due_.unconfirmed_since + options_.relay_after <= looked_at_);
}

// One statement for everything, without a lock: while nothing is due it is all that is sent.
bool Engine::Impl::look() {
    std::string fault;
    Ran ran = in_transaction(
        [&](Transaction& transaction) {
            NextDue due = transaction.next_due();
            note(due, transaction.now());
        },
        fault);
    if (ran == Ran::bad) throw std::runtime_error("what is due cannot be asked: " + fault);
    return ran == Ran::committed;
}

bool Engine::Impl::serve() {
    std::string fault;
    // What a transaction that failed would have repeated has not been repeated.
    const std::map<std::string, Instant> resent = resent_;
    Ran ran = in_transaction(
        [&](Transaction& transaction) {
            resent_ = resent;
            repeated_ = 0;
            serve_lanes_and_relay(transaction);
        },
        fault);
    if (ran == Ran::committed) {
        counts_.commands_repeated += repeated_;
    } else {
        resent_ = resent;
    }
    if (ran == Ran::bad) throw std::runtime_error("lanes cannot be served: " + fault);
    return ran == Ran::committed;
}

bool Engine::Impl::run_due() {
    more_due_ = false;
    if (!look()) return false;
    const auto is_due = [now = looked_at_](const std::optional<Instant>& at) {
        return at && *at <= now;
    };
    const bool sagas = is_due(due_.sagas), deadlines = is_due(due_.deadlines), duties = is_due(due_.duties);
    if ((sagas || deadlines) && !wake_or_quarantine()) return false;
    std::string fault;
    Ran ran = Ran::committed;
    if (deadlines) ran = in_transaction([&](Transaction& transaction) { end_silent_duties(transaction); }, fault);
    if (duties && ran == Ran::committed)
        ran = in_transaction([&](Transaction& transaction) { perform_duties(transaction); }, fault);
    if (ran == Ran::unavailable) return false;
    if (ran == Ran::bad) throw std::runtime_error("duties cannot be performed: " + fault);
    // What was done has changed what is due, and may have left something to be sent.
    if ((sagas || deadlines || duties) && !sending_is_due() && !look()) return false;
    return !sending_is_due() || serve();
}

nlohmann::json Engine::Impl::preview(const SagaKey& saga, const sagas::Event& event) {
    nlohmann::json answer;
    bool found = true;
    store_.transact(
        [&](Transaction& transaction) {
            BatchRun batch(parts(), transaction);
            batch.load({saga});
            found = batch.holds(saga);
            if (!found) return;
            batch.lock_what_sagas_touch();
            batch.tell(saga, event);
            answer = batch.assume_success(saga);
        },
        Store::Ending::roll_back);
    if (!found) throw std::invalid_argument("there is no such saga");
    return answer;
}

// ---------------------------------------------------------------------------------------------------------------------

Engine::Engine(
    Store& store,
    Participant& participant,
    const std::vector<const sagas::SagaDefinition*>& definitions,
    CommandSink& sink,
    runtime::Random& random,
    EngineOptions options)
    : impl_(std::make_unique<Impl>(store, participant, definitions, sink, random, options)) {}

Engine::~Engine() = default;

bool Engine::run(std::vector<Input>& inputs) {
    return impl_->run(inputs);
}

bool Engine::run_due() {
    return impl_->run_due();
}

std::optional<Duration> Engine::due_in() const {
    return impl_->due_in_;
}

void Engine::set_onlooker(Onlooker onlooker) {
    impl_->onlooker_ = std::move(onlooker);
}

bool Engine::more_due() const {
    return impl_->more_due_;
}

void Engine::command_published(const std::string& command_id, const std::string& attempt_token) {
    impl_->published_.try_emplace(attempt_token, Impl::Published{command_id, {}});
}

void Engine::announcement_published(std::int64_t announcement_id) {
    impl_->announced_.push_back(announcement_id);
}

nlohmann::json Engine::preview(const SagaKey& saga, const sagas::Event& event) {
    return impl_->preview(saga, event);
}

const EngineCounts& Engine::counts() const {
    return impl_->counts_;
}

}  // namespace ordersaga::engine
