// The side of a saga that the engine does not know: rows that change in the same transaction (what a saga takes and gives
// back, what others must be told), and recurring duties. The engine drives it through one Session per batch.
#pragma once

#include "orchestrator/engine/inputs.hpp"
#include "orchestrator/engine/store.hpp"
#include "sagas/definition.hpp"

#include <memory>
#include <string>
#include <vector>

namespace ordersaga::engine {

// What a session may ask of the batch it belongs to.
class Batch {
public:
    virtual ~Batch() = default;

    virtual Instant now() const = 0;
    // A new saga in its initial state; `row` brings key, kind, data and subject, the engine fills in the rest.
    virtual void start_saga(SagaRow row) = 0;
    // An event for a saga of this batch. During resolve() any existing saga may be told; later only sagas already here.
    virtual void tell(const SagaKey& saga, sagas::Event event) = 0;
    virtual bool holds(const SagaKey& saga) const = 0;
    // The batch locks this saga, too, so that it can be told what the batch finds out. Only during resolve().
    virtual void hold(const SagaKey& saga) = 0;
    // An event for a saga that this batch must not lock: it is left as a signal and decided in a later batch.
    virtual void signal(const SagaKey& saga, sagas::Event event) = 0;
    // A duty's own command; `duty` is "<name>/<subject>". Answers its id.
    virtual std::string command_of_duty(
        MerchantId merchant,
        const std::string& duty,
        const sagas::Command& command) = 0;
    virtual void write_duty(DutyRow row) = 0;
    virtual void announce(MerchantId merchant, sagas::Announcement announcement) = 0;
    virtual void open_incident(IncidentRow incident) = 0;
    virtual void close_incident(MerchantId merchant, const std::string& incident_key) = 0;
    // Who changed what and why; for changes that a person asked for and that are no saga's event.
    virtual void audit(AuditRow row) = 0;
    // A line for the history of a saga of this batch, added to the next (or last) step's details under `key`.
    virtual void explain(const SagaKey& saga, const std::string& key, nlohmann::json value) = 0;
};

class Session {
public:
    virtual ~Session() = default;

    // 1. Outcomes of duties' commands, before anything else is locked. `exhausted`: it will not be tried again.
    virtual void duty_ended(const CommandRow& command, const sagas::Outcome& outcome, bool exhausted) = 0;
    // 2. Arrivals, in their sequence: locks its rows, starts sagas, tells events. One result per arrival.
    virtual std::vector<InputResult> resolve(const std::vector<const Arrival*>& arrivals) = 0;
    // 3. The sagas of the batch are locked: lock what they may touch, all at once.
    virtual void prepare(const std::vector<const SagaRow*>& sagas) = 0;
    // 4. One effect of a decision; answers with events for the same saga, decided next.
    virtual std::vector<sagas::Event> settle(const SagaRow& saga, const sagas::Effect& effect) = 0;
    // 5. All events are decided: draw conclusions. May tell() more events; then it is called again.
    virtual void conclude() = 0;
    // 6. Nothing more comes: compose what others must be told, write all rows.
    virtual void finish() = 0;

    // Duties whose time has come: gives each its command (command_of_duty) or none, and its next time (write_duty).
    virtual void perform(const std::vector<DutyRow>& due) = 0;
    // Keeps an arrival that could not be applied, with the reason, in a transaction of its own.
    virtual void park(const Arrival& arrival, const std::string& reason) = 0;
    // The rows changed by this batch's effects, for a preview: one object per change.
    virtual nlohmann::json changes_for_preview() const = 0;
};

class Participant {
public:
    virtual ~Participant() = default;
    virtual std::unique_ptr<Session> begin(Transaction& transaction, Batch& batch) = 0;
    // What a lane begins with when it does not exist yet.
    virtual LaneRow new_lane(Transaction& transaction, MerchantId merchant, const std::string& lane, Instant now) = 0;
};

}  // namespace ordersaga::engine
