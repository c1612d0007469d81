// One batch inside one transaction: what is loaded, what was decided, what will be written. Made and thrown away by the
// engine for each attempt at a batch, so that a roll-back leaves nothing behind.
#pragma once

#include "orchestrator/engine/engine.hpp"
#include "orchestrator/engine/lanes.hpp"
#include "orchestrator/engine/participant.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::engine {

using Definitions = std::map<std::string, const sagas::SagaDefinition*, std::less<>>;
using LaneKey = std::pair<MerchantId, std::string>;

// What every batch of one engine shares.
struct EngineParts {
    Participant& participant;
    const Definitions& definitions;
    runtime::Random& random;
    const EngineOptions& options;
    EngineCounts& counts;
    std::set<LaneKey>& known_lanes;  // were there once; none is ever taken away but with its database
};

class BatchRun final : public Batch {
public:
    BatchRun(const EngineParts& parts, Transaction& transaction);
    ~BatchRun() override;

    // --- Batch, for the session
    Instant now() const override { return now_; }
    void start_saga(SagaRow row) override;
    void tell(const SagaKey& saga, sagas::Event event) override;
    bool holds(const SagaKey& saga) const override { return live_.count(saga) > 0; }
    void hold(const SagaKey& saga) override { held_.push_back(saga); }
    void signal(const SagaKey& saga, sagas::Event event) override;
    std::string command_of_duty(MerchantId merchant, const std::string& duty, const sagas::Command& command) override;
    void write_duty(DutyRow row) override { changes_.updated_duties.push_back(std::move(row)); }
    void announce(MerchantId merchant, sagas::Announcement announcement) override;
    void open_incident(IncidentRow incident) override;
    void close_incident(MerchantId merchant, const std::string& key) override;
    void explain(const SagaKey& saga, const std::string& key, nlohmann::json value) override;
    void audit(AuditRow row) override { changes_.audit.push_back(std::move(row)); }

    // --- for the engine, in this sequence
    Session& session() { return *session_; }
    // An outcome of a duty's command whose row is locked.
    void end_duty_attempt(CommandRow& command, const sagas::Outcome& outcome);
    void end_silent_duty_attempt(CommandRow& command);
    // Locks sagas told and held so far, and those named; later ones must be among them.
    void load(const std::vector<SagaKey>& keys);
    // Takes over sagas that a claim has locked.
    void adopt(std::vector<SagaRow> rows);
    void lock_what_sagas_touch();
    // Takes the outcome in, behind what was told before. False: no open attempt has this token; it is evidence only.
    bool take_outcome(
        const SagaKey& saga,
        const std::string& command_id,
        const std::string& attempt_token,
        const sagas::Outcome& outcome);
    void end_silent_attempts();
    // An operator's event; both must outlive the batch. The version is compared when the event's turn has come: of those
    // who saw the same one only the first is heard. `result` says what became of it.
    void tell_checked(const SagaTold& told, InputResult& result);
    // Closes the incident, with a line in the saga's history; `result` says when it must stay open.
    void look_after(const IncidentLookedAfter& incident, InputResult& result);
    void wake_sagas_due();
    void decide_all();
    // Everything but what the lanes have to say of it: who looks at a batch alone.
    void write();
    // Everything. A new command that may leave at once is stored once, as sent.
    void write_and_dispatch();
    // Admits waiting commands of these lanes and of those touched by this batch.
    void dispatch(const std::vector<LaneKey>& lanes);
    void fill(const SagaKey& saga, InputResult& result) const;

    // For a preview: assumes success of every command and waits for nothing.
    nlohmann::json assume_success(const SagaKey& saga);

    // --- what the engine does after the commit
    std::vector<CommandRow> take_admitted() { return std::move(admitted_); }
    std::vector<AnnouncementRow> take_announcements() { return std::move(announcements_); }
    const std::map<LaneKey, Instant>& lane_retries() const { return lane_retries_; }
    // What write() has written, for who looks on.
    void append_changed_sagas(std::vector<SagaChange>& changes) const;
    // Something came due by this very batch: signals, a duty called for.
    bool left_work() const;
    std::size_t due_events() const { return due_events_; }

private:
    struct Live {
        SagaRow row;
        std::int64_t loaded_version = 0;
        bool fresh = false;
        bool touched = false;
        std::vector<CommandRow> commands;       // open at the start, then as changed
        std::vector<std::string> new_commands;  // ids among them
        std::set<std::string> changed_commands;
        std::size_t last_history = static_cast<std::size_t>(-1);
        nlohmann::json explanations = nlohmann::json::object();
    };

    // What is to be decided next: an event, or an outcome that becomes one. A command is closed in the same step in which
    // its event is decided, so that no other event sees it closed while its outcome is still unknown to the saga.
    struct Pending {
        SagaKey saga;
        sagas::Event event;
        std::string command_id;  // empty: an event
        sagas::Outcome outcome;
        std::string attempt_token;       // which the outcome is of
        const SagaTold* told = nullptr;  // by an operator, who is answered in `answer`
        InputResult* answer = nullptr;
    };

    void note_looked_after(Live& live, const AuditRow& audit);
    CommandRow* find_command(Live& live, const std::string& command_id);
    void end_attempt(Pending pending);
    void conclude_duty_attempt(CommandRow& command, const sagas::Outcome& outcome, const sagas::ActivityPolicy& policy);
    bool is_doubtful(const CommandRow& command, const sagas::Outcome& outcome, const sagas::ActivityPolicy& policy)
        const;
    const sagas::SagaDefinition& definition_of(const SagaRow& row) const;
    const sagas::ActivityPolicy& policy_of_duty(const std::string& activity) const;
    void take_over(SagaRow row);
    void decide_told(const SagaTold& told, InputResult& answer);
    void decide(const SagaKey& key, sagas::Event event, InputResult* answer = nullptr);
    void apply(Live& live, sagas::Event event, sagas::Decision& decision);
    void apply_commands(Live& live, const sagas::SagaDefinition& definition, sagas::Decision& decision);
    void apply_incident(Live& live, const sagas::Decision& decision);
    CommandRow new_command(MerchantId merchant, const sagas::Command& command, const sagas::ActivityPolicy& policy);
    void learn_later(MerchantId merchant, const std::string& lane, const sagas::Outcome& outcome);
    void apply_lessons(LaneRow& lane);
    void collect_changes();
    std::vector<LaneRow> lock_lanes();
    void create_missing(const std::vector<LaneKey>& names);
    void admit_commands(std::vector<CommandRow> fresh);

    EngineParts parts_;
    Transaction& transaction_;
    Instant now_;
    std::unique_ptr<Session> session_;
    std::map<SagaKey, Live> live_;
    std::vector<SagaKey> held_;
    std::deque<Pending> pending_;
    std::vector<CommandRow> duty_commands_;
    Changes changes_;
    std::set<LaneKey> lanes_;
    std::map<LaneKey, std::vector<sagas::Outcome>> lessons_;
    std::vector<CommandRow> admitted_;
    std::vector<AnnouncementRow> announcements_;
    std::map<LaneKey, Instant> lane_retries_;
    std::size_t due_events_ = 0;
};

}  // namespace ordersaga::engine
