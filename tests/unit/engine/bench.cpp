#include "tests/unit/engine/bench.hpp"

#include <stdexcept>

namespace ordersaga::engine {

using nlohmann::json;

SagaKey parcel(int number) {
    const std::string digits = std::to_string(number);
    return {merchant, "00000000-0000-7000-8000-" + std::string(12 - digits.size(), '0') + digits};
}

namespace {

class BoxSession final : public Session {
public:
    BoxSession(Boxes& boxes, Transaction& transaction, Batch& batch)
        : boxes_(boxes), transaction_(transaction), batch_(batch) {}

    void duty_ended(const CommandRow& command, const sagas::Outcome& outcome, bool exhausted) override {
        ended_.push_back(command.duty + " " + std::string(name_of(outcome.kind)) + (exhausted ? " exhausted" : ""));
    }

    std::vector<InputResult> resolve(const std::vector<const Arrival*>& arrivals) override {
        std::vector<InputResult> results(arrivals.size());
        for (std::size_t i = 0; i < arrivals.size(); ++i) {
            const auto* wanted = std::any_cast<ParcelWanted>(&arrivals[i]->content);
            if (wanted == nullptr || wanted->broken) throw BadItem("nobody understands this parcel");
            SagaKey key = parcel(wanted->number);
            if (batch_.holds(key) || !transaction_.lock_sagas({key}).empty()) {
                results[i].kind = InputResult::Kind::duplicate;
                continue;
            }
            SagaRow row;
            row.key = key;
            row.kind = wanted->data.value("kind", "parcel");
            row.data = wanted->data;
            row.data["name"] = "parcel " + std::to_string(wanted->number);
            row.subject = row.data["name"];
            batch_.start_saga(std::move(row));
            batch_.tell(key, {"ParcelOrdered", json::object(), "test"});
            results[i].saga_id = key.saga_id;
        }
        return results;
    }

    void prepare(const std::vector<const SagaRow*>&) override {}

    std::vector<sagas::Event> settle(const SagaRow& saga, const sagas::Effect& effect) override {
        settled_.push_back(effect.name + " " + saga.subject);
        changes_.push_back({{"kind", "boxes"}, {"effect", effect.name}, {"boxes", effect.payload.value("boxes", 0)}});
        if (effect.name == "TakeBox") return {{boxes_.empty ? "NoBox" : "BoxTaken", json::object(), "boxes"}};
        if (effect.name == "Spin") return {{"Spin", json::object(), "boxes"}};
        if (effect.name == "Poke")
            batch_.signal(parcel(effect.payload.at("whom").get<int>()), {"UndoRequested", json::object(), "poked"});
        return {};
    }

    void conclude() override {}
    void finish() override {
        boxes_.settled.insert(boxes_.settled.end(), settled_.begin(), settled_.end());
        boxes_.ended.insert(boxes_.ended.end(), ended_.begin(), ended_.end());
    }

    void perform(const std::vector<DutyRow>& due) override {
        for (DutyRow row : due) {
            row.next_due = batch_.now() + std::chrono::hours(1);
            sagas::Command command;
            command.activity = "Look";
            command.lane = "bench:1";
            command.idempotency_key = "look:" + std::to_string(batch_.now().time_since_epoch().count());
            row.command_id = batch_.command_of_duty(row.merchant, row.duty + "/" + row.subject, command);
            batch_.write_duty(std::move(row));
        }
    }

    void park(const Arrival&, const std::string& reason) override {
        boxes_.parked.push_back(reason);
        transaction_.park(merchant, "parcel", "", reason, json::object());
    }

    json changes_for_preview() const override { return changes_; }

private:
    Boxes& boxes_;
    Transaction& transaction_;
    Batch& batch_;
    std::vector<std::string> settled_, ended_;
    json changes_ = json::array();
};

}  // namespace

std::unique_ptr<Session> Boxes::begin(Transaction& transaction, Batch& batch) {
    return std::make_unique<BoxSession>(*this, transaction, batch);
}

LaneRow Boxes::new_lane(Transaction&, MerchantId owner, const std::string& name, Instant now) {
    LaneRow row = lane;
    row.merchant = owner;
    row.lane = name;
    row.refilled_at = now;
    row.not_before = now;
    row.tokens = row.capacity;
    return row;
}

// ---------------------------------------------------------------------------------------------------------------------

Bench::Bench(EngineOptions options) {
    store.add_merchant(merchant);
    boxes.lane.capacity = 100;
    boxes.lane.per_second = 10;
    boxes.lane.window = 8;
    engine = std::make_unique<Engine>(
        store, boxes, std::vector<const sagas::SagaDefinition*>{&definition}, sink, random, options);
}

Input Bench::wanted(int number, json data) {
    Arrival arrival;
    arrival.merchant = merchant;
    arrival.content = ParcelWanted{number, false, std::move(data)};
    return {std::move(arrival), {}};
}

Input Bench::told(int number, const std::string& event, std::optional<std::int64_t> version) {
    SagaTold told;
    told.saga = parcel(number);
    told.event = {event, json::object(), "operator anna"};
    told.expected_version = version;
    return {std::move(told), {}};
}

Input Bench::outcome_of(const CommandRow& attempt, const sagas::Outcome& outcome) {
    return {OutcomeArrived{attempt.merchant, attempt.saga_id, attempt.command_id, attempt.attempt_token, outcome}, {}};
}

bool Bench::run(std::vector<Input> inputs) {
    results.assign(inputs.size(), InputResult{InputResult::Kind::unavailable, {}, {}, {}, 0});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        inputs[i].done = [this, i](const InputResult& result) {
            results[i] = result;
        };
    }
    const bool available = engine->run(inputs);
    confirm();
    return available;
}

void Bench::confirm() {
    if (!confirms) return;
    for (const CommandRow& command : sink.sent)
        engine->command_published(command.command_id, command.attempt_token);
}

int Bench::number_of(const CommandRow& command) const {
    return std::stoi(command.payload.at("name").get<std::string>().substr(7));
}

InputResult Bench::run_one(Input input) {
    std::vector<Input> inputs;
    inputs.push_back(std::move(input));
    run(std::move(inputs));
    return results.front();
}

void Bench::due() {
    for (int round = 0; round < 100; ++round) {
        if (!engine->run_due()) throw std::runtime_error("the store is away");
        confirm();
        if (!engine->more_due()) return;
    }
    throw std::runtime_error("the engine does not come to rest");
}

void Bench::pass(Duration time) {
    clock.advance(time);
    due();
}

std::optional<CommandRow> Bench::open_command(int number) const {
    for (const auto& [id, row] : store.tables().open_commands) {
        if (row.saga_id == parcel(number).saga_id) return row;
    }
    return std::nullopt;
}

std::vector<std::string> Bench::history(int number) const {
    std::vector<std::string> events;
    for (const auto& [id, row] : store.tables().history) {
        if (row.key == parcel(number)) events.push_back(row.event);
    }
    return events;
}

std::vector<std::string> Bench::open_incidents() const {
    std::vector<std::string> causes;
    for (const auto& [id, incident] : store.tables().incidents) {
        if (!incident.closed_at) causes.push_back(incident.row.cause);
    }
    return causes;
}

sagas::Outcome an_outcome(sagas::OutcomeKind kind, const std::string& reason) {
    sagas::Outcome outcome;
    outcome.kind = kind;
    outcome.reason = reason;
    return outcome;
}

sagas::Outcome throttled_for(Duration pause) {
    sagas::Outcome outcome = an_outcome(sagas::OutcomeKind::throttled, "slow down");
    outcome.retry_after = std::chrono::duration_cast<std::chrono::milliseconds>(pause);
    return outcome;
}

}  // namespace ordersaga::engine
