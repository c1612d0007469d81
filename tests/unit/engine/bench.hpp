// A bench for the engine: the simulated store, a clock that is moved by hand, parcels, and a sink that keeps what leaves.
#pragma once

#include "orchestrator/engine/engine.hpp"
#include "tests/support/sim/sim_store.hpp"
#include "tests/unit/engine/parcel_saga.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::engine {

inline constexpr MerchantId merchant{1};
inline constexpr Instant start{std::chrono::hours(24 * 365 * 56)};

// The content of an arrival: a parcel is wanted. The same name again is the same parcel.
struct ParcelWanted {
    int number = 0;
    bool broken = false;  // cannot be understood
    nlohmann::json data = nlohmann::json::object();
};

SagaKey parcel(int number);

// The side of a parcel that the engine does not know: boxes, and a duty that counts them.
class Boxes final : public Participant {
public:
    std::unique_ptr<Session> begin(Transaction& transaction, Batch& batch) override;
    LaneRow new_lane(Transaction& transaction, MerchantId owner, const std::string& lane, Instant now) override;

    LaneRow lane;                      // what a new lane begins with
    bool empty = false;                // no box is left
    std::vector<std::string> settled;  // effects of batches that reached their end
    std::vector<std::string> ended;    // duties' outcomes
    std::vector<std::string> parked;
};

class Sink final : public CommandSink {
public:
    void send(const std::vector<CommandRow>& commands, int) override {
        sent.insert(sent.end(), commands.begin(), commands.end());
    }
    void announce(const std::vector<AnnouncementRow>& rows) override {
        announced.insert(announced.end(), rows.begin(), rows.end());
    }

    std::vector<CommandRow> sent;
    std::vector<AnnouncementRow> announced;
};

struct Bench {
    runtime::ManualClock clock{start};
    sim::SimStore store{clock};
    runtime::SeededRandom random{7};
    ParcelSaga definition;
    Boxes boxes;
    Sink sink;
    std::unique_ptr<Engine> engine;
    bool confirms = true;              // the broker confirms what the sink is given, at once
    std::vector<InputResult> results;  // of the last run, in the sequence of its inputs

    explicit Bench(EngineOptions options = {});

    Input wanted(int number, nlohmann::json data = nlohmann::json::object());
    Input told(int number, const std::string& event, std::optional<std::int64_t> version = {});
    Input outcome_of(const CommandRow& attempt, const sagas::Outcome& outcome);

    bool run(std::vector<Input> inputs);
    InputResult run_one(Input input);
    InputResult order(int number, nlohmann::json data = nlohmann::json::object()) {
        return run_one(wanted(number, std::move(data)));
    }
    InputResult tell(int number, const std::string& event) { return run_one(told(number, event)); }
    InputResult end(const CommandRow& attempt, const sagas::Outcome& outcome) {
        return run_one(outcome_of(attempt, outcome));
    }
    // Does everything that is due now.
    void due();
    void pass(Duration time);

    const SagaRow& saga(int number) const { return store.tables().sagas.at(parcel(number)); }
    std::optional<CommandRow> open_command(int number) const;
    int number_of(const CommandRow& command) const;
    CommandRow last_sent() const { return sink.sent.back(); }
    LaneRow lane() const { return store.tables().lanes.at({merchant, "bench:1"}); }
    std::vector<std::string> history(int number) const;  // events, oldest first
    std::vector<std::string> open_incidents() const;     // causes

private:
    void confirm();
};

sagas::Outcome an_outcome(sagas::OutcomeKind kind, const std::string& reason = "because");
sagas::Outcome throttled_for(Duration pause);

}  // namespace ordersaga::engine
