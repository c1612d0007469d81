#include "orchestrator/engine/batch_run.hpp"

#include "orchestrator/engine/attempts.hpp"
#include "runtime/planted.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace ordersaga::engine {
namespace {

// A definition that answers each of its own events with another one for ever is a bug; it must not hang the engine.
constexpr int events_per_saga_limit = 200;
constexpr std::size_t preview_steps_limit = 100;

LaneRules rules_of(const EngineOptions& options) {
    return {
        options.breaker_cooldown, options.breaker_cooldown_cap, options.breaker_failures, options.creates_leave_free};
}

// Of a duty, and only looks something up: what may leave while a lane writes nothing to its peer.
bool is_asking(const CommandRow& command) {
    return command.saga_id.empty() && (command.priority == asked_first || command.priority == polled);
}

std::string incident_key_of(const SagaKey& saga) {
    return "saga:" + saga.saga_id;
}

}  // namespace

BatchRun::BatchRun(const EngineParts& parts, Transaction& transaction)
    : parts_(parts), transaction_(transaction), now_(transaction.now()) {
    session_ = parts_.participant.begin(transaction_, *this);
}

BatchRun::~BatchRun() = default;

// ---------------------------------------------------------------------------------------------------------------------
// What the session may ask

void BatchRun::start_saga(SagaRow row) {
    auto definition = parts_.definitions.find(row.kind);
    if (definition == parts_.definitions.end()) throw BadItem("no definition of saga kind " + row.kind);
    row.definition_version = definition->second->version();
    row.state = definition->second->initial_state();
    row.version = 0;
    row.shard = shard_of(row.key.saga_id, parts_.options.shards);
    row.created_at = now_;
    row.updated_at = now_;
    Live live;
    live.fresh = true;
    live.touched = true;
    live.row = std::move(row);
    SagaKey key = live.row.key;
    if (!live_.emplace(key, std::move(live)).second) throw BadItem("saga " + key.saga_id + " was started twice");
}

void BatchRun::tell(const SagaKey& saga, sagas::Event event) {
    pending_.push_back({saga, std::move(event), {}, {}, {}});
}

void BatchRun::signal(const SagaKey& saga, sagas::Event event) {
    SignalRow row;
    row.key = saga;
    row.event = std::move(event.name);
    row.payload = std::move(event.payload);
    row.cause = std::move(event.cause);
    changes_.new_signals.push_back(std::move(row));
}

std::string BatchRun::command_of_duty(MerchantId merchant, const std::string& duty, const sagas::Command& command) {
    CommandRow row = new_command(merchant, command, policy_of_duty(command.activity));
    row.duty = duty;
    std::string id = row.command_id;
    lanes_.insert({merchant, row.lane});
    changes_.new_commands.push_back(std::move(row));
    return id;
}

void BatchRun::announce(MerchantId merchant, sagas::Announcement announcement) {
    AnnouncementRow row;
    row.merchant = merchant;
    row.routing_key = std::move(announcement.routing_key);
    row.body = std::move(announcement.body);
    // Several merchants share one exchange: whoever listens must be able to tell them apart.
    row.body["merchant_id"] = std::to_string(merchant.value);
    announcements_.push_back(std::move(row));
}

// Closes are written after opens: one that this batch has closed before goes on, with the new cause.
void BatchRun::open_incident(IncidentRow incident) {
    std::erase(changes_.closed_incidents, std::pair{incident.merchant, incident.incident_key});
    changes_.opened_incidents.push_back(std::move(incident));
}

void BatchRun::close_incident(MerchantId merchant, const std::string& key) {
    changes_.closed_incidents.emplace_back(merchant, key);
}

void BatchRun::explain(const SagaKey& saga, const std::string& key, nlohmann::json value) {
    auto found = live_.find(saga);
    if (found == live_.end()) return;
    Live& live = found->second;
    // During the decision of a step its history row does not exist yet: keep the line for it.
    if (live.last_history == static_cast<std::size_t>(-1)) {
        live.explanations[key] = std::move(value);
    } else {
        changes_.history[live.last_history].details[key] = std::move(value);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Loading

const sagas::SagaDefinition& BatchRun::definition_of(const SagaRow& row) const {
    auto found = parts_.definitions.find(row.kind);
    if (found == parts_.definitions.end()) throw BadItem("no definition of saga kind " + row.kind);
    const sagas::SagaDefinition& definition = *found->second;
    if (!definition.can_load(row.definition_version)) {
        throw BadItem(
            "saga " + row.key.saga_id + " has definition version " + std::to_string(row.definition_version) +
            ", which this program does not know");
    }
    if (!definition.knows(row.state))
        throw BadItem("saga " + row.key.saga_id + " is in the unknown state " + row.state);
    return definition;
}

const sagas::ActivityPolicy& BatchRun::policy_of_duty(const std::string& activity) const {
    for (const auto& [kind, definition] : parts_.definitions) {
        try {
            return definition->policy_of(activity);
        } catch (const std::out_of_range&) {
            continue;  // another kind's activity
        }
    }
    throw BadItem("no policy for activity " + activity);
}

void BatchRun::take_over(SagaRow row) {
    Live live;
    live.loaded_version = row.version;
    live.row = std::move(row);
    SagaKey key = live.row.key;
    live_.emplace(std::move(key), std::move(live));
}

void BatchRun::load(const std::vector<SagaKey>& keys) {
    std::set<SagaKey> wanted(keys.begin(), keys.end());
    wanted.insert(held_.begin(), held_.end());
    for (const Pending& pending : pending_)
        wanted.insert(pending.saga);
    std::vector<SagaKey> missing;
    for (const SagaKey& key : wanted) {
        if (!holds(key)) missing.push_back(key);
    }
    if (missing.empty()) return;
    adopt(transaction_.lock_sagas(missing));
}

void BatchRun::adopt(std::vector<SagaRow> rows) {
    std::vector<SagaKey> keys;
    for (SagaRow& row : rows) {
        keys.push_back(row.key);
        take_over(std::move(row));
    }
    if (keys.empty()) return;
    for (CommandRow& command : transaction_.open_commands(keys)) {
        auto found = live_.find({command.merchant, command.saga_id});
        if (found != live_.end()) found->second.commands.push_back(std::move(command));
    }
}

void BatchRun::lock_what_sagas_touch() {
    std::vector<const SagaRow*> rows;
    rows.reserve(live_.size());
    for (const auto& [key, live] : live_)
        rows.push_back(&live.row);
    session_->prepare(rows);
}

// ---------------------------------------------------------------------------------------------------------------------
// Outcomes

void BatchRun::learn_later(MerchantId merchant, const std::string& lane, const sagas::Outcome& outcome) {
    lanes_.insert({merchant, lane});
    // What the peer answered is no lane's affair, and may be large.
    sagas::Outcome lesson;
    lesson.kind = outcome.kind;
    lesson.reason = outcome.reason;
    lesson.retry_after = outcome.retry_after;
    lesson.tokens_left = outcome.tokens_left;
    lesson.tokens_per_second = outcome.tokens_per_second;
    lesson.tokens_capacity = outcome.tokens_capacity;
    lessons_[{merchant, lane}].push_back(std::move(lesson));
}

bool BatchRun::is_doubtful(
    const CommandRow& command,
    const sagas::Outcome& outcome,
    const sagas::ActivityPolicy& policy) const {
    return policy.write && is_harmless(outcome) && perhaps_runs_twice(command, parts_.options.relay_after, now_);
}

void BatchRun::end_duty_attempt(CommandRow& command, const sagas::Outcome& outcome) {
    const sagas::ActivityPolicy& policy = policy_of_duty(command.activity);
    // What a lane has learned of an attempt it learns once.
    if (!is_given_up(command)) learn_later(command.merchant, command.lane, outcome);
    if (is_doubtful(command, outcome, policy)) {
        sagas::Outcome doubted = outcome;
        doubted.kind = sagas::OutcomeKind::unknown;
        return conclude_duty_attempt(command, doubted, policy);
    }
    conclude_duty_attempt(command, outcome, policy);
}

void BatchRun::conclude_duty_attempt(
    CommandRow& command,
    const sagas::Outcome& outcome,
    const sagas::ActivityPolicy& policy) {
    AttemptEnd end = engine::end_attempt(command, outcome, policy, now_, parts_.random);
    if (end != AttemptEnd::waits) session_->duty_ended(command, outcome, end == AttemptEnd::exhausted);
    changes_.updated_commands.push_back(command);
}

void BatchRun::end_silent_duty_attempt(CommandRow& command) {
    end_duty_attempt(command, outcome_of_silence(command, policy_of_duty(command.activity)));
}

CommandRow* BatchRun::find_command(Live& live, const std::string& command_id) {
    auto command = std::find_if(live.commands.begin(), live.commands.end(), [&](const CommandRow& row) {
        return row.command_id == command_id;
    });
    return command == live.commands.end() ? nullptr : &*command;
}

bool BatchRun::take_outcome(
    const SagaKey& saga,
    const std::string& command_id,
    const std::string& attempt_token,
    const sagas::Outcome& outcome) {
    auto found = live_.find(saga);
    if (found == live_.end()) return false;
    const CommandRow* command = find_command(found->second, command_id);
    const bool repeated = std::any_of(pending_.begin(), pending_.end(), [&](const Pending& pending) {
        return pending.command_id == command_id && (settles(pending.outcome.kind) || !settles(outcome.kind));
    });
    if (command == nullptr || !is_awaited(*command, attempt_token, outcome.kind) || repeated) return false;
    pending_.push_back({saga, {}, command_id, outcome, attempt_token});
    return true;
}

void BatchRun::end_attempt(Pending pending) {
    Live& live = live_.at(pending.saga);
    CommandRow* command = find_command(live, pending.command_id);
    if (command == nullptr || !is_awaited(*command, pending.attempt_token, pending.outcome.kind)) return;
    const sagas::SagaDefinition& definition = definition_of(live.row);
    if (!is_given_up(*command)) learn_later(command->merchant, command->lane, pending.outcome);
    const sagas::ActivityPolicy& policy = definition.policy_of(command->activity);
    if (is_doubtful(*command, pending.outcome, policy)) pending.outcome.kind = sagas::OutcomeKind::unknown;
    AttemptEnd end = engine::end_attempt(*command, pending.outcome, policy, now_, parts_.random);
    live.changed_commands.insert(command->command_id);
    if (end == AttemptEnd::waits) return;
    sagas::Outcome told = std::move(pending.outcome);
    const bool unknown = command->perhaps_applied && !runtime::planted("unknown_taken_as_failed");
    if (end == AttemptEnd::exhausted && unknown) told.kind = sagas::OutcomeKind::unknown;
    sagas::Event event = definition.event_of(command->activity, command->payload, told, end == AttemptEnd::exhausted);
    if (event.cause.empty()) event.cause = command->activity + " " + command->outcome;
    decide(pending.saga, std::move(event));
}

void BatchRun::end_silent_attempts() {
    if (runtime::planted("watchdog_off")) return;
    for (auto& [key, live] : live_) {
        for (const CommandRow& command : live.commands) {
            if (command.state != CommandState::sent || !command.deadline || *command.deadline > now_) continue;
            const sagas::ActivityPolicy& policy = definition_of(live.row).policy_of(command.activity);
            take_outcome(key, command.command_id, command.attempt_token, outcome_of_silence(command, policy));
            ++due_events_;
        }
    }
}

void BatchRun::tell_checked(const SagaTold& told, InputResult& result) {
    if (!holds(told.saga)) {
        result.kind = InputResult::Kind::refused;
        result.reason = "there is no such saga";
        return;
    }
    pending_.push_back({told.saga, {}, {}, {}, {}, &told, &result});
}

void BatchRun::look_after(const IncidentLookedAfter& incident, InputResult& result) {
    if (!incident.saga_id.empty()) {
        auto found = live_.find({incident.merchant, incident.saga_id});
        if (found == live_.end() || !found->second.row.final) {
            result.kind = InputResult::Kind::refused;
            result.reason = found == live_.end() ? "there is no such saga"
                                                 : "the saga is not over: it stands in " + found->second.row.state;
            return;
        }
        if (!found->second.row.incident) {
            result.kind = InputResult::Kind::duplicate;
            return;
        }
        note_looked_after(found->second, incident.audit);
    }
    close_incident(incident.merchant, incident.incident_key);
    audit(incident.audit);
}

void BatchRun::note_looked_after(Live& live, const AuditRow& audit) {
    SagaRow& row = live.row;
    row.incident.reset();
    row.version += 1;
    row.updated_at = now_;
    live.touched = true;
    HistoryRow history;
    history.key = row.key;
    history.version = row.version;
    history.at = now_;
    history.from_state = history.to_state = row.state;
    history.event = "IncidentClosed";
    history.cause = "operator " + audit.actor + ": " + audit.reason;
    live.last_history = changes_.history.size();
    changes_.history.push_back(std::move(history));
}

void BatchRun::wake_sagas_due() {
    std::vector<SagaKey> keys;
    for (const auto& [key, live] : live_)
        keys.push_back(key);
    if (keys.empty()) return;
    for (SignalRow& signal : transaction_.take_signals(keys)) {
        tell(signal.key, {std::move(signal.event), std::move(signal.payload), std::move(signal.cause)});
        ++due_events_;
    }
    for (const auto& [key, live] : live_) {
        if (live.row.next_wake && *live.row.next_wake <= now_ && !runtime::planted("timer_lost")) {
            tell(key, {"TimeReached", nlohmann::json::object(), "timer"});
            ++due_events_;
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Deciding

void BatchRun::decide_all() {
    do {
        while (!pending_.empty()) {
            Pending pending = std::move(pending_.front());
            pending_.pop_front();
            if (pending.told != nullptr) {
                decide_told(*pending.told, *pending.answer);
            } else if (pending.command_id.empty()) {
                decide(pending.saga, std::move(pending.event));
            } else {
                end_attempt(std::move(pending));
            }
        }
        session_->conclude();
    } while (!pending_.empty());
}

void BatchRun::decide_told(const SagaTold& told, InputResult& answer) {
    const std::int64_t version = live_.at(told.saga).row.version;
    if (told.expected_version && *told.expected_version != version && !runtime::planted("version_fence_skipped")) {
        answer.kind = InputResult::Kind::refused;
        answer.reason = "the saga is at version " + std::to_string(version) + " now";
        return;
    }
    if (told.audit) audit(*told.audit);
    decide(told.saga, told.event, &answer);
}

void BatchRun::decide(const SagaKey& key, sagas::Event event, InputResult* answer) {
    auto found = live_.find(key);
    if (found == live_.end()) throw BadItem("an event was told to saga " + key.saga_id + ", which does not exist");
    Live& live = found->second;
    if (live.row.version - live.loaded_version > events_per_saga_limit) {
        throw BadItem("saga " + key.saga_id + " does not come to rest: last event " + event.name);
    }
    const sagas::SagaDefinition& definition = definition_of(live.row);
    sagas::SagaSnapshot snapshot;
    snapshot.saga_id = key.saga_id;
    snapshot.definition_version = live.row.definition_version;
    snapshot.state = live.row.state;
    snapshot.version = live.row.version;
    snapshot.data = std::move(live.row.data);
    for (const CommandRow& command : live.commands) {
        if (command.state == CommandState::closed) continue;
        const sagas::ActivityPolicy& policy = definition.policy_of(command.activity);
        snapshot.open_commands.push_back(
            {command.command_id, command.activity, command.idempotency_key, is_perhaps_applied(command, policy, now_),
             may_run_until(command, policy)});
    }
    sagas::Decision decision = definition.decide(snapshot, event, now_);
    parts_.counts.events += 1;
    if (answer != nullptr) {
        if (!decision.handled) answer->kind = InputResult::Kind::ignored;
        answer->reason = decision.note;
    }
    apply(live, std::move(event), decision);
}

void BatchRun::apply(Live& live, sagas::Event event, sagas::Decision& decision) {
    const sagas::SagaDefinition& definition = definition_of(live.row);
    SagaRow& row = live.row;
    if (!decision.handled && decision.silent) {
        row.data = std::move(decision.data);
        return;
    }
    HistoryRow history;
    history.key = row.key;
    history.version = row.version + 1;
    history.at = now_;
    history.from_state = row.state;
    history.to_state = decision.state;
    history.event = event.name;
    history.cause = event.cause;
    history.note = decision.note;
    history.details = std::move(live.explanations);
    live.explanations = nlohmann::json::object();
    if (!decision.handled) history.details["ignored"] = true;
    if (decision.handled && !decision.meaning.empty() && decision.meaning != event.name)
        history.details["meaning"] = decision.meaning;
    if (!event.payload.empty()) history.details["event"] = std::move(event.payload);
    for (const sagas::Effect& effect : decision.effects) {
        history.details["effects"].push_back({{"name", effect.name}, {"payload", effect.payload}});
    }
    for (const sagas::Command& command : decision.commands) {
        history.details["commands"].push_back({{"activity", command.activity}, {"key", command.idempotency_key}});
    }

    row.state = decision.state;
    row.version += 1;
    row.data = std::move(decision.data);
    row.final = definition.is_final(row.state);
    row.next_wake = decision.next_wake;
    row.updated_at = now_;
    if (row.final) {
        row.next_wake.reset();
    } else if (!row.next_wake) {
        throw BadItem("state " + row.state + " was entered without a next look");
    }
    live.touched = true;
    apply_incident(live, decision);
    live.last_history = changes_.history.size();
    changes_.history.push_back(std::move(history));
    apply_commands(live, definition, decision);
    for (sagas::Announcement& announcement : decision.announcements)
        announce(row.key.merchant, std::move(announcement));

    // Answers of the participant come before everything else that waits for this saga.
    std::deque<Pending> answers;
    for (const sagas::Effect& effect : decision.effects) {
        if (runtime::planted("settled_twice")) session_->settle(row, effect);
        for (sagas::Event& answer : session_->settle(row, effect))
            answers.push_back({row.key, std::move(answer), {}, {}, {}});
    }
    pending_.insert(pending_.begin(), std::make_move_iterator(answers.begin()), std::make_move_iterator(answers.end()));
}

void BatchRun::apply_incident(Live& live, const sagas::Decision& decision) {
    SagaRow& row = live.row;
    if (decision.incident && !runtime::planted("incident_forgotten")) {
        row.incident = decision.incident;
        open_incident({row.key.merchant, incident_key_of(row.key), row.key.saga_id, *decision.incident, decision.note});
    } else if (decision.closes_incident && row.incident) {
        row.incident.reset();
        close_incident(row.key.merchant, incident_key_of(row.key));
    }
}

CommandRow BatchRun::new_command(
    MerchantId merchant,
    const sagas::Command& command,
    const sagas::ActivityPolicy& policy) {
    CommandRow row;
    row.merchant = merchant;
    row.command_id = runtime::new_uuid(now_, parts_.random);
    row.activity = command.activity;
    row.lane = command.lane;
    row.origin = command.origin;
    row.priority = policy.priority;
    row.tokens = policy.tokens;
    row.payload = command.payload;
    row.payload["call_deadline_ms"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(policy.call_deadline).count();
    row.idempotency_key = command.idempotency_key;
    row.created_at = now_;
    row.due_at = now_ + command.delay;
    return row;
}

void BatchRun::apply_commands(Live& live, const sagas::SagaDefinition& definition, sagas::Decision& decision) {
    for (const std::string& id : decision.withdraw) {
        CommandRow* command = find_command(live, id);
        if (command == nullptr || command->state == CommandState::closed ||
            is_perhaps_applied(*command, definition.policy_of(command->activity), now_)) {
            throw BadItem("command " + id + " cannot be withdrawn: it may have been applied");
        }
        command->state = CommandState::closed;
        command->closed_at = now_;
        command->outcome = "withdrawn";
        live.changed_commands.insert(id);
    }
    for (const sagas::Command& command : decision.commands) {
        CommandRow row = new_command(live.row.key.merchant, command, definition.policy_of(command.activity));
        row.saga_id = live.row.key.saga_id;
        row.trace = live.row.trace;
        lanes_.insert({row.merchant, row.lane});
        live.new_commands.push_back(row.command_id);
        live.commands.push_back(std::move(row));
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing

void BatchRun::collect_changes() {
    session_->finish();
    for (auto& [key, live] : live_) {
        for (CommandRow& command : live.commands) {
            bool is_new = std::find(live.new_commands.begin(), live.new_commands.end(), command.command_id) !=
                          live.new_commands.end();
            if (is_new) {
                changes_.new_commands.push_back(std::move(command));
            } else if (live.changed_commands.count(command.command_id) > 0) {
                changes_.updated_commands.push_back(std::move(command));
            }
        }
        if (!live.touched) continue;
        // Only the data is large, and nobody looks at it any more.
        nlohmann::json data = std::move(live.row.data);
        std::vector<SagaRow>& rows = live.fresh ? changes_.new_sagas : changes_.updated_sagas;
        rows.push_back(live.row);
        rows.back().data = std::move(data);
        if (!live.fresh) changes_.updated_from.push_back(live.loaded_version);
    }
}

void BatchRun::write() {
    collect_changes();
    transaction_.write(changes_);
}

void BatchRun::write_and_dispatch() {
    collect_changes();
    std::vector<CommandRow> fresh = std::move(changes_.new_commands);
    changes_.new_commands.clear();
    transaction_.write(changes_);
    transaction_.add_announcements(announcements_);
    admit_commands(std::move(fresh));
}

void BatchRun::append_changed_sagas(std::vector<SagaChange>& changes) const {
    for (const std::vector<SagaRow>* rows : {&changes_.new_sagas, &changes_.updated_sagas}) {
        for (const SagaRow& row : *rows)
            changes.push_back({row.key, row.kind, row.subject, row.state, row.version, now_});
    }
}

void BatchRun::apply_lessons(LaneRow& lane) {
    LaneRules rules = rules_of(parts_.options);
    refill(lane, now_);
    bool was_blocked = lane.breaker != "closed";
    // A lane's incident is opened and closed only by who holds the lane.
    const std::string incident = "lane:" + lane.lane;
    std::optional<std::string> refused;
    for (const sagas::Outcome& outcome : lessons_[{lane.merchant, lane.lane}]) {
        learn(lane, outcome, rules, now_);
        if (outcome.kind == sagas::OutcomeKind::blocked) refused = outcome.reason;
    }
    Changes told;
    if (lane.breaker != "closed" && refused) {
        told.opened_incidents.push_back({lane.merchant, incident, {}, "peer refuses our credentials", *refused});
    } else if (lane.breaker == "closed" && (was_blocked || refused)) {
        told.closed_incidents.emplace_back(lane.merchant, incident);
    }
    if (!told.opened_incidents.empty() || !told.closed_incidents.empty()) transaction_.write(told);
}

std::vector<LaneRow> BatchRun::lock_lanes() {
    const std::vector<LaneKey> names(lanes_.begin(), lanes_.end());
    if (names.empty()) return {};
    std::set<LaneKey>& known = parts_.known_lanes;
    if (!std::includes(known.begin(), known.end(), names.begin(), names.end())) create_missing(names);
    std::vector<LaneRow> lanes = transaction_.lock_lanes(names);
    if (lanes.size() < names.size()) {
        // A database from earlier, or a transaction that was rolled back.
        known.clear();
        throw StoreUnavailable("a lane is not there any more");
    }
    known.insert(names.begin(), names.end());
    return lanes;
}

void BatchRun::create_missing(const std::vector<LaneKey>& names) {
    std::vector<LaneRow> fresh;
    for (const auto& [merchant, lane] : transaction_.missing_lanes(names))
        fresh.push_back(parts_.participant.new_lane(transaction_, merchant, lane, now_));
    if (!fresh.empty()) transaction_.create_lanes(fresh);
}

void BatchRun::dispatch(const std::vector<LaneKey>& lanes) {
    lanes_.insert(lanes.begin(), lanes.end());
    admit_commands({});
}

// `fresh` are commands of this batch that are not stored yet: they take their turn with those that wait already.
void BatchRun::admit_commands(std::vector<CommandRow> fresh) {
    std::vector<LaneRow> lanes = lock_lanes();
    std::map<LaneKey, std::vector<CommandRow*>> due;
    for (CommandRow& command : fresh) {
        if (command.due_at <= now_) due[{command.merchant, command.lane}].push_back(&command);
    }
    Changes sent;
    LaneRules rules = rules_of(parts_.options);
    for (LaneRow& lane : lanes) {
        apply_lessons(lane);
        if (runtime::planted("restored_sends_at_once")) lane.reads_only = false;
        const int free = free_slots(lane, now_);
        if (free == 0 && now_ < lane.not_before) lane_retries_[{lane.merchant, lane.lane}] = lane.not_before;
        if (free == 0) continue;  // the next outcome of this lane comes by here again
        std::vector<CommandRow> stored;
        if (lane.has_waiting)
            stored = transaction_.claim_waiting_commands(
                lane.merchant, lane.lane, now_, static_cast<std::size_t>(free), lane.served_last, lane.reads_only);
        std::vector<CommandRow*> queue;
        for (CommandRow& command : stored)
            queue.push_back(&command);
        for (CommandRow* command : due[{lane.merchant, lane.lane}]) {
            if (!lane.reads_only || is_asking(*command)) queue.push_back(command);
        }
        queue = in_turn(std::move(queue), lane.served_last);
        queue.resize(std::min(queue.size(), static_cast<std::size_t>(free)));
        for (CommandRow* command : queue) {
            const sagas::ActivityPolicy& policy = policy_of_duty(command->activity);
            if (lane.reads_only && policy.write) continue;
            if (!admit(lane, *command, rules)) {
                lane_retries_[{lane.merchant, lane.lane}] = admits_at(lane, *command, rules, now_);
                break;
            }
            begin_attempt(*command, policy, now_, runtime::new_uuid_v4(parts_.random));
            if (!runtime::planted("turns_forgotten")) lane.served_last = command->origin;
            admitted_.push_back(*command);
        }
        for (CommandRow& command : stored) {
            if (command.state == CommandState::sent) sent.updated_commands.push_back(std::move(command));
        }
    }
    sent.new_commands = std::move(fresh);
    if (!sent.updated_commands.empty() || !sent.new_commands.empty()) transaction_.write(sent);
    if (!lanes.empty()) transaction_.write_lanes(lanes);
}

bool BatchRun::left_work() const {
    bool duty_called = std::any_of(
        changes_.updated_duties.begin(), changes_.updated_duties.end(),
        [&](const DutyRow& duty) { return duty.next_due <= now_; });
    return duty_called || !changes_.new_signals.empty();
}

void BatchRun::fill(const SagaKey& saga, InputResult& result) const {
    auto found = live_.find(saga);
    if (found == live_.end()) return;
    result.saga_id = saga.saga_id;
    result.state = found->second.row.state;
    result.version = found->second.row.version;
}

// ---------------------------------------------------------------------------------------------------------------------
// Preview

nlohmann::json BatchRun::assume_success(const SagaKey& saga) {
    nlohmann::json calls = nlohmann::json::array();
    std::set<std::string> assumed;
    for (std::size_t step = 0; step < preview_steps_limit; ++step) {
        decide_all();
        Live& live = live_.at(saga);
        const sagas::SagaDefinition& definition = definition_of(live.row);
        auto next = std::find_if(live.commands.begin(), live.commands.end(), [&](const CommandRow& row) {
            // What waits for its next attempt is under way; what was never sent and is due later (a late check) is not.
            bool under_way = row.attempt > 0 || row.due_at <= now_;
            return row.state != CommandState::closed && under_way && assumed.count(row.command_id) == 0;
        });
        if (next != live.commands.end()) {
            assumed.insert(next->command_id);
            bool is_new = std::find(live.new_commands.begin(), live.new_commands.end(), next->command_id) !=
                          live.new_commands.end();
            calls.push_back(
                {{"activity", next->activity},
                 {"lane", next->lane},
                 {"key", next->idempotency_key},
                 {"payload", next->payload},
                 {"already_under_way", !is_new}});
            sagas::Outcome outcome = definition.assumed_outcome(next->activity, next->payload);
            next->state = CommandState::closed;
            next->closed_at = now_;
            next->outcome = name_of(outcome.kind);
            tell(saga, definition.event_of(next->activity, next->payload, outcome, false));
            continue;
        }
        std::optional<sagas::Event> event = definition.assumed_event(live.row.state);
        if (live.row.final || !event) break;
        tell(saga, std::move(*event));
    }
    nlohmann::json path = nlohmann::json::array();
    std::string note;
    for (const HistoryRow& row : changes_.history) {
        if (!(row.key == saga)) continue;
        path.push_back({{"event", row.event}, {"from", row.from_state}, {"to", row.to_state}, {"note", row.note}});
    }
    const Live& live = live_.at(saga);
    return {
        {"saga_id", saga.saga_id},
        {"ends_in", live.row.state},
        {"path", path},
        {"calls", calls},
        {"changes", session_->changes_for_preview()}};
}

}  // namespace ordersaga::engine
