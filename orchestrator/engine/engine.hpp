// The engine: moves sagas, in batches, one transaction per batch.
//
// A batch is whatever is waiting, 1 to a few hundred inputs. One transaction locks the sagas, lets each definition decide
// on each event, settles the effects through the participant, writes sagas, history, commands and the participant's rows
// set-wise, and admits commands to their lanes. After the commit the inputs are answered and the admitted commands are
// handed to the sink. An input that cannot be applied never fails its batch: the batch is split until the input stands
// alone, then it is parked with its reason.
//
// Everything that must happen later is a row with a due time: wake-ups, attempts, deadlines, duties, lanes. run_due() does
// what has come due; nothing lives in memory only.
//
// Several engines may run on one store: row locks and the sagas' versions decide, not who owns what.
//
// No socket, thread, clock or database driver in here: a simulation drives the same code. Not thread-safe; one thread.
#pragma once

#include "orchestrator/engine/inputs.hpp"
#include "orchestrator/engine/participant.hpp"
#include "orchestrator/engine/sinks.hpp"
#include "orchestrator/engine/store.hpp"
#include "runtime/random.hpp"
#include "sagas/definition.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::engine {

struct EngineOptions {
    int shards = 8;
    std::size_t due_limit = 200;                          // of each kind, per run_due
    Duration relay_after = std::chrono::seconds(3);       // an unconfirmed publish is repeated after this
    Duration duties_together = std::chrono::seconds(1);   // who is due within this is done with the first that is due
    Duration breaker_cooldown = std::chrono::seconds(1);  // first pause of an open breaker; doubles, up to the cap
    Duration breaker_cooldown_cap = std::chrono::seconds(30);
    int breaker_failures = 5;         // consecutive
    double creates_leave_free = 0.2;  // share of a lane's budget kept for cancels and lookups
    int immediate_retries = 5;        // of a batch whose store said "again"
};

struct EngineCounts {
    std::uint64_t batches = 0, inputs = 0, events = 0, commands_sent = 0, commands_repeated = 0, stale_outcomes = 0,
                  parked = 0, splits = 0, store_retries = 0;
};

class Engine {
public:
    // All references must outlive the engine.
    Engine(
        Store& store,
        Participant& participant,
        const std::vector<const sagas::SagaDefinition*>& definitions,
        CommandSink& sink,
        runtime::Random& random,
        EngineOptions options = {});
    ~Engine();

    // Before the first run. None is told of a transaction that was rolled back, nor of a preview.
    void set_onlooker(Onlooker onlooker);

    // Applies the inputs as one batch (or several, when some cannot be applied) and answers each through its `done`.
    // False: the store is not available; no input that was not answered is known to be stored. Give the rest again.
    // Inputs answered are removed from the vector.
    bool run(std::vector<Input>& inputs);

    // Does what has come due. False: the store is not available.
    bool run_due();
    // How long after run_due it should be called again at the latest; absent: nothing is scheduled.
    std::optional<Duration> due_in() const;
    // Something came due meanwhile, or a limit was hit: call run_due at once.
    bool more_due() const;

    // Confirmations of the sink; remembered and written with the next batch.
    void command_published(const std::string& command_id, const std::string& attempt_token);
    void announcement_published(std::int64_t announcement_id);

    // What telling this event would do, assuming that every command succeeds: the same code in a transaction that is
    // rolled back. {"saga_id","ends_in","path":[{event,from,to,note}],"calls":[{activity,lane,key,payload,already_under_way}],
    // "changes":[...]}
    // Throws std::invalid_argument for an unknown saga, StoreUnavailable.
    nlohmann::json preview(const SagaKey& saga, const sagas::Event& event);

    const EngineCounts& counts() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

int shard_of(const SagaId& saga_id, int shards);

}  // namespace ordersaga::engine
