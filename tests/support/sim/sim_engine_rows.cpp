// The engine's own rows: sagas, history, signals, commands, lanes, duties, announcements, incidents.
#include "orchestrator/engine/lanes.hpp"
#include "tests/support/sim/sim_checks.hpp"
#include "tests/support/sim/sim_transaction.hpp"

#include <algorithm>
#include <tuple>

namespace ordersaga::sim {

using engine::CommandRow;
using engine::CommandState;
using engine::DutyRow;
using engine::LaneRow;
using engine::SagaRow;

namespace {

// The first `limit` rows by their rank, as ORDER BY .. LIMIT.
template <class Rank, class Row>
std::vector<Row> first_of(std::vector<std::pair<Rank, Row>> ranked, std::size_t limit) {
    std::stable_sort(
        ranked.begin(), ranked.end(), [](const auto& left, const auto& right) { return left.first < right.first; });
    if (ranked.size() > limit) ranked.resize(limit);
    std::vector<Row> rows;
    rows.reserve(ranked.size());
    for (auto& entry : ranked)
        rows.push_back(std::move(entry.second));
    return rows;
}

void lower_to(std::optional<Instant>& least, Instant candidate) {
    if (!least || candidate < *least) least = candidate;
}

SagaKey saga_of(const CommandRow& command) {
    return {command.merchant, command.saga_id};
}

}  // namespace

void SimTransaction::step(const char* call) {
    if (store_.faults_ == nullptr) return;
    const SimFaults::AtCall fate = store_.faults_->at_call(call);
    if (fate == SimFaults::AtCall::fine) return;
    if (fate == SimFaults::AtCall::killed) {
        ++store_.counts_.killed;
        throw ProcessKilled{};
    }
    ++store_.counts_.serialization_failures;
    throw engine::StoreUnavailable(std::string("simulated: serialization failure in ") + call);
}

void SimTransaction::check_deferred() const {
    for (const auto& [saga, from] : deferred_)
        if (!tables_.sagas.has(saga)) violated(std::string(from) + ": foreign key sagas");
}

namespace {

LockSequence::Key saga_key(const SagaKey& key) {
    return {key.merchant.value, 0, 0, key.saga_id};
}
LockSequence::Key command_key(const CommandRow& row) {
    return {row.merchant.value, 0, 0, row.command_id};
}
LockSequence::Key duty_key(const DutyRow& row) {
    return {row.merchant.value, 0, 0, row.duty + "/" + row.subject};
}

}  // namespace

std::vector<SagaRow> SimTransaction::lock_sagas(const std::vector<SagaKey>& keys) {
    step("lock_sagas");
    lock(Locked::sagas, engine::Turn::in_turn, keys, saga_key, "lock_sagas");
    std::vector<SagaRow> found;
    for (const SagaKey& key : std::set<SagaKey>(keys.begin(), keys.end())) {
        if (const SagaRow* row = tables_.sagas.find(key)) found.push_back(*row);
    }
    return found;
}

std::vector<SagaRow> SimTransaction::claim_waking_sagas(Instant now, std::size_t limit) {
    step("claim_waking_sagas");
    std::map<SagaKey, Instant> due;
    const auto note = [&due](const SagaKey& key, Instant at) {
        const auto [entry, fresh] = due.emplace(key, at);
        if (!fresh && at < entry->second) entry->second = at;
    };
    for (const auto& [key, row] : tables_.sagas) {
        if (row.next_wake && *row.next_wake <= now) note(key, *row.next_wake);
    }
    for (const auto& [number, signal] : tables_.signals)
        note(signal.key, Instant{});
    for (const auto& [id, command] : tables_.open_commands) {
        if (command.saga_id.empty() || command.state != CommandState::sent || *command.deadline > now) continue;
        note(saga_of(command), *command.deadline);
    }
    std::vector<std::pair<std::pair<Instant, SagaKey>, SagaRow>> ranked;
    for (const auto& [key, at] : due) {
        if (const SagaRow* row = tables_.sagas.find(key)) ranked.push_back({{at, key}, *row});
    }
    std::vector<SagaRow> claimed = first_of(std::move(ranked), limit);
    lock(
        Locked::sagas, engine::Turn::never, claimed, [](const SagaRow& row) { return saga_key(row.key); }, "");
    return claimed;
}

std::vector<engine::SignalRow> SimTransaction::take_signals(const std::vector<SagaKey>& keys) {
    step("take_signals");
    const std::set<SagaKey> wanted(keys.begin(), keys.end());
    std::vector<engine::SignalRow> taken;
    for (const auto& [number, signal] : tables_.signals) {
        if (wanted.count(signal.key) > 0) taken.push_back(signal);
    }
    for (const engine::SignalRow& signal : taken)
        tables_.signals.erase(signal.signal_id);
    return taken;
}

std::vector<CommandRow> SimTransaction::open_commands(const std::vector<SagaKey>& keys) {
    step("open_commands");
    const std::set<SagaKey> wanted(keys.begin(), keys.end());
    std::vector<CommandRow> found;
    for (const auto& [id, command] : tables_.open_commands) {
        if (!command.saga_id.empty() && wanted.count(saga_of(command)) > 0) found.push_back(command);
    }
    lock(Locked::commands, engine::Turn::in_turn, found, command_key, "open_commands");
    return found;
}

std::vector<CommandRow> SimTransaction::lock_duty_commands(const std::vector<std::pair<MerchantId, std::string>>& ids) {
    step("lock_duty_commands");
    std::vector<CommandRow> found;
    for (const auto& id : std::set<std::pair<MerchantId, std::string>>(ids.begin(), ids.end())) {
        const CommandRow* row = tables_.open_commands.find(id);
        if (row != nullptr && row->saga_id.empty()) found.push_back(*row);
    }
    lock(Locked::duty_commands, engine::Turn::in_turn, found, command_key, "lock_duty_commands");
    return found;
}

std::vector<CommandRow> SimTransaction::claim_expired_duty_commands(Instant now, std::size_t limit) {
    step("claim_expired_duty_commands");
    std::vector<std::pair<Instant, CommandRow>> ranked;
    for (const auto& [id, command] : tables_.open_commands) {
        if (!command.saga_id.empty() || command.state != CommandState::sent || *command.deadline > now) continue;
        ranked.emplace_back(*command.deadline, command);
    }
    std::vector<CommandRow> claimed = first_of(std::move(ranked), limit);
    lock(Locked::duty_commands, engine::Turn::never, claimed, command_key, "");
    return claimed;
}

void SimTransaction::hurry_duty_command(MerchantId merchant, const std::string& command_id) {
    step("hurry_duty_command");
    const std::pair<MerchantId, std::string> id{merchant, command_id};
    const CommandRow* command = tables_.open_commands.find(id);
    if (command == nullptr || !command->saga_id.empty() || command->state != CommandState::waiting ||
        command->priority <= engine::asked_first)
        return;
    std::vector<CommandRow> found{*command};
    lock(Locked::commands, engine::Turn::never, found, command_key, "");
    for (CommandRow& row : found) {
        row.priority = engine::asked_first;
        tables_.open_commands.put(id, std::move(row));
    }
}

std::vector<DutyRow> SimTransaction::claim_due_duties(runtime::Duration within, std::size_t limit) {
    step("claim_due_duties");
    std::vector<std::pair<Instant, DutyRow>> ranked;
    for (const auto& [key, duty] : tables_.duties) {
        if (duty.next_due <= now_ + within) ranked.emplace_back(duty.next_due, duty);
    }
    std::vector<DutyRow> claimed = first_of(std::move(ranked), limit);
    lock(Locked::duties, engine::Turn::never, claimed, duty_key, "");
    return claimed;
}

std::vector<DutyRow> SimTransaction::lock_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) {
    std::vector<DutyRow> found = read_duties(duties);
    lock(Locked::duties, engine::Turn::in_turn, found, duty_key, "lock_duties");
    return found;
}

std::vector<DutyRow> SimTransaction::read_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) {
    step("read_duties");
    const std::set<std::pair<MerchantId, std::string>> wanted(duties.begin(), duties.end());
    std::vector<DutyRow> found;
    for (const auto& [key, duty] : tables_.duties) {
        if (wanted.count({duty.merchant, duty.duty + "/" + duty.subject}) > 0) found.push_back(duty);
    }
    return found;
}

// ---------------------------------------------------------------------------------------------------------------------
// Lanes and publishing

std::vector<std::pair<MerchantId, std::string>> SimTransaction::lanes_with_work(Instant now, std::size_t limit) {
    step("lanes_with_work");
    std::set<std::pair<MerchantId, std::string>> found;
    for (const auto& [id, command] : tables_.open_commands) {
        if (command.state != CommandState::waiting || command.due_at > now) continue;
        const LaneRow* lane = tables_.lanes.find({command.merchant, command.lane});
        if (lane == nullptr || lane->not_before <= now) found.insert({command.merchant, command.lane});
    }
    std::vector<std::pair<MerchantId, std::string>> lanes(found.begin(), found.end());
    if (lanes.size() > limit) lanes.resize(limit);
    return lanes;
}

std::vector<std::pair<MerchantId, std::string>> SimTransaction::missing_lanes(
    const std::vector<std::pair<MerchantId, std::string>>& lanes) {
    step("missing_lanes");
    std::vector<std::pair<MerchantId, std::string>> missing;
    for (const auto& key : lanes) {
        if (!tables_.lanes.has(key)) missing.push_back(key);
    }
    return missing;
}

void SimTransaction::create_lanes(const std::vector<LaneRow>& lanes) {
    step("create_lanes");
    for (const LaneRow& given : lanes) {
        const std::pair<MerchantId, std::string> key{given.merchant, given.lane};
        if (tables_.lanes.has(key)) continue;
        check(given);
        require(tables_.merchants.has(given.merchant), "lanes: foreign key merchants");
        tables_.lanes.put(key, given);
    }
}

std::vector<LaneRow> SimTransaction::lock_lanes(const std::vector<std::pair<MerchantId, std::string>>& lanes) {
    step("lock_lanes");
    std::map<std::pair<MerchantId, std::string>, LaneRow> found;
    for (const auto& key : lanes) {
        if (!tables_.lanes.has(key)) continue;
        LaneRow row = tables_.lanes.at(key);
        row.in_flight = 0;
        row.has_waiting = false;
        for (const auto& [store_key, store] : tables_.stores) {
            const bool catching_up = !store.recovery.empty() && store.recovery != "caught_up";
            row.reads_only = row.reads_only || (store.merchant == key.first && catching_up);
        }
        found.emplace(key, std::move(row));
    }
    lock(
        Locked::lanes, engine::Turn::in_turn, found,
        [](const auto& entry) {
            return LockSequence::Key{entry.first.first.value, 0, 0, entry.first.second};
        },
        "lock_lanes");
    for (const auto& [id, command] : tables_.open_commands) {
        const auto lane = found.find({command.merchant, command.lane});
        if (lane == found.end()) continue;
        if (command.state == CommandState::sent) ++lane->second.in_flight;
        if (command.state == CommandState::waiting) lane->second.has_waiting = true;
    }
    std::vector<LaneRow> rows;
    for (auto& [key, row] : found)
        rows.push_back(std::move(row));
    return rows;
}

void SimTransaction::write_lanes(const std::vector<LaneRow>& lanes) {
    step("write_lanes");
    for (const LaneRow& lane : lanes) {
        check(lane);
        require(tables_.lanes.has({lane.merchant, lane.lane}), "a lane that was not locked is written");
        LaneRow stored = lane;
        stored.reads_only = false;
        tables_.lanes.put({lane.merchant, lane.lane}, stored);
    }
}

std::vector<CommandRow> SimTransaction::claim_waiting_commands(
    MerchantId merchant,
    const std::string& lane,
    Instant now,
    std::size_t limit,
    const std::string& served_last,
    bool asking) {
    step("claim_waiting_commands");
    std::vector<CommandRow> waiting;
    for (const auto& [id, command] : tables_.open_commands) {
        if (command.merchant != merchant || command.lane != lane) continue;
        if (command.state != CommandState::waiting || command.due_at > now) continue;
        const bool asks =
            command.saga_id.empty() && (command.priority == engine::asked_first || command.priority == engine::polled);
        if (asking && !asks) continue;
        waiting.push_back(command);
    }
    std::vector<CommandRow*> queue;
    for (CommandRow& command : waiting)
        queue.push_back(&command);
    std::vector<CommandRow> claimed;
    for (CommandRow* command : engine::in_turn(std::move(queue), served_last)) {
        if (claimed.size() < limit) claimed.push_back(std::move(*command));
    }
    lock(Locked::commands, engine::Turn::never, claimed, command_key, "");
    return claimed;
}

std::vector<CommandRow> SimTransaction::claim_unpublished_commands(Instant sent_before, std::size_t limit) {
    step("claim_unpublished_commands");
    std::vector<std::pair<Instant, CommandRow>> ranked;
    for (const auto& [id, command] : tables_.open_commands) {
        if (command.state != CommandState::sent || command.published_at || *command.sent_at > sent_before) continue;
        ranked.emplace_back(*command.sent_at, command);
    }
    std::vector<CommandRow> claimed = first_of(std::move(ranked), limit);
    lock(Locked::commands, engine::Turn::never, claimed, command_key, "");
    return claimed;
}

void SimTransaction::mark_published(const std::vector<engine::Confirmed>& confirmed) {
    step("mark_published");
    std::map<std::pair<std::string, std::string>, Instant> wanted;
    for (const engine::Confirmed& row : confirmed)
        wanted[{row.command_id, row.attempt_token}] = row.at;
    std::vector<CommandRow> marked;
    for (const auto& [id, command] : tables_.open_commands) {
        const auto found = wanted.find({command.command_id, command.attempt_token});
        if (command.state != CommandState::sent || found == wanted.end()) continue;
        marked.push_back(command);
        marked.back().published_at = found->second;
    }
    lock(Locked::commands, engine::Turn::never, marked, command_key, "");
    for (CommandRow& row : marked) {
        const std::pair<MerchantId, std::string> id{row.merchant, row.command_id};
        tables_.open_commands.put(id, std::move(row));
    }
}

void SimTransaction::add_announcements(std::vector<engine::AnnouncementRow>& rows) {
    step("add_announcements");
    for (engine::AnnouncementRow& row : rows) {
        row.announcement_id = next_number();
        tables_.announcements.put(row.announcement_id, row);
    }
}

std::vector<engine::AnnouncementRow> SimTransaction::claim_announcements(std::size_t limit) {
    step("claim_announcements");
    std::vector<engine::AnnouncementRow> oldest;
    for (const auto& [id, row] : tables_.announcements) {
        if (oldest.size() >= limit) break;
        oldest.push_back(row);
    }
    return oldest;
}

void SimTransaction::delete_announcements(const std::vector<std::int64_t>& ids) {
    step("delete_announcements");
    for (const std::int64_t id : ids)
        tables_.announcements.erase(id);
}

engine::NextDue SimTransaction::next_due() {
    step("next_due");
    engine::NextDue least;
    for (const auto& [key, row] : tables_.sagas) {
        if (row.next_wake) lower_to(least.sagas, *row.next_wake);
    }
    if (tables_.signals.size() > 0) lower_to(least.sagas, now_);
    if (tables_.announcements.size() > 0) lower_to(least.sending, now_);
    for (const auto& [key, duty] : tables_.duties)
        lower_to(least.duties, duty.next_due);
    for (const auto& [id, command] : tables_.open_commands) {
        if (command.state == CommandState::sent) {
            lower_to(least.deadlines, *command.deadline);
            if (!command.published_at) lower_to(least.unconfirmed_since, *command.sent_at);
            continue;
        }
        const LaneRow* lane = tables_.lanes.find({command.merchant, command.lane});
        const bool due = command.due_at <= now_;
        if (!due) lower_to(least.sending, command.due_at);
        if (due) lower_to(least.sending, lane == nullptr ? now_ : std::max(now_, lane->not_before));
    }
    return least;
}

// ---------------------------------------------------------------------------------------------------------------------
// Writing

void SimTransaction::insert_command(const CommandRow& row) {
    check(row);
    const std::pair<MerchantId, std::string> id{row.merchant, row.command_id};
    require(!tables_.open_commands.has(id) && !tables_.closed_commands.has(id), "commands: primary key");
    require(tables_.merchants.has(row.merchant), "commands: foreign key merchants");
    if (!row.saga_id.empty()) {
        refer_to_saga(saga_of(row), "commands");
        for (const auto& [other_id, other] : tables_.open_commands) {
            const bool same = other.idempotency_key == row.idempotency_key && other.saga_id == row.saga_id &&
                              other.merchant == row.merchant;
            if (same) violated("one_open_command_per_key: " + row.idempotency_key);
        }
    }
    (row.state == CommandState::closed ? tables_.closed_commands : tables_.open_commands).put(id, row);
}

void SimTransaction::update_command(const CommandRow& row) {
    check(row);
    const std::pair<MerchantId, std::string> id{row.merchant, row.command_id};
    if (!tables_.open_commands.has(id))
        throw engine::StoreUnavailable("command " + row.command_id + " is not open any more");
    if (row.state != CommandState::closed) {
        tables_.open_commands.put(id, row);
        return;
    }
    tables_.open_commands.erase(id);
    tables_.closed_commands.put(id, row);
}

void SimTransaction::update_saga(const SagaRow& row, std::int64_t from) {
    check(row);
    const SagaRow* stored = tables_.sagas.find(row.key);
    if (stored == nullptr || stored->version != from) {
        throw engine::StoreUnavailable("saga " + row.key.saga_id + " moved on meanwhile");
    }
    require(row.version > from, "a saga's version rises with every update");
    tables_.sagas.put(row.key, row);
}

std::optional<std::int64_t> SimTransaction::open_incident_number(MerchantId merchant, const std::string& key) const {
    for (const auto& [number, incident] : tables_.incidents) {
        if (incident.row.merchant == merchant && incident.row.incident_key == key && !incident.closed_at) return number;
    }
    return std::nullopt;
}

void SimTransaction::open_incident(const engine::IncidentRow& row) {
    if (!row.saga_id.empty()) refer_to_saga({row.merchant, row.saga_id}, "incidents");
    const std::optional<std::int64_t> known = open_incident_number(row.merchant, row.incident_key);
    if (known) {
        SimIncident incident = tables_.incidents.at(*known);
        if (incident.row == row) return;
        incident.row = row;
        incident.updated_at = now_;
        tables_.incidents.put(*known, std::move(incident));
    } else {
        tables_.incidents.put(next_number(), {row, now_, now_, std::nullopt});
    }
}

void SimTransaction::lock_incidents(const engine::Changes& changes) {
    std::vector<LockSequence::Key> of_lanes, others;
    const auto note = [&](MerchantId merchant, const std::string& key) {
        (key.starts_with("lane:") ? of_lanes : others).push_back({merchant.value, 0, 0, key});
    };
    for (const engine::IncidentRow& row : changes.opened_incidents)
        note(row.merchant, row.incident_key);
    for (const auto& [merchant, key] : changes.closed_incidents)
        note(merchant, key);
    locks_.wait(Locked::incidents, std::move(others), "write of incidents");
    locks_.wait(Locked::lane_incidents, std::move(of_lanes), "write of a lane's incident");
}

void SimTransaction::write(const engine::Changes& changes) {
    step("write");
    for (const SagaRow& row : changes.new_sagas) {
        check(row);
        require(tables_.merchants.has(row.key.merchant), "sagas: foreign key merchants");
        require(!tables_.sagas.has(row.key), "sagas: primary key");
        tables_.sagas.put(row.key, row);
    }
    if (changes.updated_sagas.size() != changes.updated_from.size()) {
        throw std::logic_error("updated_sagas and updated_from differ in length");
    }
    for (std::size_t i = 0; i < changes.updated_sagas.size(); ++i) {
        update_saga(changes.updated_sagas[i], changes.updated_from[i]);
    }
    for (const engine::HistoryRow& row : changes.history)
        tables_.history.put(next_number(), row);
    for (const CommandRow& row : changes.updated_commands)
        update_command(row);
    for (const CommandRow& row : changes.new_commands)
        insert_command(row);
    for (engine::SignalRow row : changes.new_signals) {
        refer_to_saga(row.key, "signals");
        row.signal_id = next_number();
        const std::int64_t number = row.signal_id;
        tables_.signals.put(number, std::move(row));
    }
    for (const DutyRow& row : changes.updated_duties) {
        require(tables_.merchants.has(row.merchant), "duties: foreign key merchants");
        tables_.duties.put({row.merchant, row.duty, row.subject}, row);
    }
    lock_incidents(changes);
    for (const engine::IncidentRow& row : changes.opened_incidents)
        open_incident(row);
    for (const auto& [merchant, key] : changes.closed_incidents) {
        const std::optional<std::int64_t> known = open_incident_number(merchant, key);
        if (!known) continue;
        SimIncident incident = tables_.incidents.at(*known);
        incident.closed_at = now_;
        tables_.incidents.put(*known, std::move(incident));
    }
    for (const engine::AuditRow& row : changes.audit) {
        require(!row.actor.empty(), "audit.actor <> ''");
        tables_.audit.put(next_number(), row);
    }
}

void SimTransaction::park(
    MerchantId merchant,
    const std::string& kind,
    const std::string& subject,
    const std::string& reason,
    const nlohmann::json& input) {
    step("park");
    tables_.parked.put(next_number(), {merchant, kind, subject, reason, input, now_});
}

}  // namespace ordersaga::sim
