// The model: the engine's batches, the order saga, stock, readings, belief and flushes as they are in production, on rows
// that can be copied, between two stores and a warehouse that are as simple as they can be and do every step at any moment.
// No clock runs: a timer may end, an answer may be lost, a reading may be taken whenever that is possible at all.
//
// A Scope says how much of it there is; a test explores all of one.
#pragma once

#include "orchestrator/engine/batch_run.hpp"
#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/orders/order_participant.hpp"
#include "sagas/order_saga.hpp"
#include "tests/model/explorer.hpp"
#include "tests/model/lean_store.hpp"

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::model {

inline constexpr std::size_t most_orders = 3, most_listings = 4, most_skus = 2, most_stores = 2;

struct PlannedOrder {
    int store = 1;
    std::vector<std::pair<int, std::int64_t>> lines;  // SKU, quantity
    int like = -1;  // the same as this earlier order: comes after it, or each story would be told twice
};

struct Scope {
    Rule rule = Rule::right;
    std::vector<PlannedOrder> orders;
    std::vector<std::int64_t> units;    // in the warehouse, of each SKU
    std::vector<std::string> policies;  // of each SKU: deny | backorder
    bool stores_are_told = true;        // false: nobody waits for them and nothing is sent
    std::vector<bool> opening_read;     // of each store: what it shows is not known yet
    bool documents_reorder = true;      // a cancel may be heard of before its order
    bool cancels_with_restock = true, cancels_without_restock = true;
    bool requests_are_sent = true;
    bool answers_get_lost = true;   // of requests and cancels
    bool calls_linger = false;      // a call that was given up may still arrive
    bool attempts_run_out = false;  // then an operator cancels
    bool refuses = false;           // the warehouse may refuse an order
    bool ships = true;
    int readings = 0;     // in flight at once
    bool breaks = false;  // a unit in the warehouse, once
    bool flushes_get_lost = true, flushes_are_given_up = true;
    bool flushes_apply_partly = false;  // the first row only
    bool timers_end = true;
    bool store_two_is_dead = false;
};

struct ShopOrder {
    bool placed = false, cancelled = false, restocked = false;
    bool tells_create = false, tells_cancel = false;  // webhooks on their way
};

struct Parcel {
    enum class State { none, accepted, cancelled, shipped };
    State state = State::none;
    bool counted = false;  // its acceptance is surely in every figure
    bool told = false;     // its shipment is known to us
    int extra = 0;         // more of the same, under other references
    bool lingers = false;  // a request that we gave up is still on its way
};

struct Call {
    enum class Landed { no, done, missing, too_late };
    std::string command_id;
    Landed landed = Landed::no;
};

struct Reading {
    Instant asked_at{};
    bool whole = false;  // all that the warehouse has, as its duty asks; else some articles, as an order asks
    bool sampled = false;
    std::array<std::int64_t, most_skus> fulfillable{};
};

// A quiet read; at the end the documents of those orders that its list has shown to be news.
struct Look {
    enum class Phase { asked, first, polled, second, documents };
    std::string command_id;
    Phase phase = Phase::asked;
    std::array<std::int64_t, most_listings> first{}, second{};
    std::array<int, most_orders> told{};  // 0 unknown to the store, 1 placed, 2 cancelled
};

struct Flushing {
    sagas::FlushId flush_id;
    bool sent = false;     // an attempt is out
    bool applied = false;  // the store knows the key
    std::array<std::int64_t, most_listings> absolute{};
};

struct World {
    Tables tables;
    std::array<ShopOrder, most_orders> shop;
    std::array<std::int64_t, most_listings> levels{};  // what the stores really show
    std::array<std::int64_t, most_skus> shelf{};       // what the warehouse really has
    std::array<Parcel, most_orders> parcels;
    std::vector<Call> calls;
    std::vector<Reading> readings;
    std::optional<Instant> broken;  // when a unit broke
    bool break_known = false;       // a reading asked for later has been applied
    std::array<std::optional<Look>, most_stores> looks;
    std::array<Flushing, most_stores> flushing;
};

class OrderModel {
public:
    using World = model::World;

    explicit OrderModel(Scope scope);

    World beginning_world() const;
    Digest digest(const World& world) const;
    void expand(const World& from, Steps<World>& take) const;
    std::string fault(const World& world) const;

private:
    using Take = Steps<World>;

    // world.cpp: batches
    void run(
        World& world,
        const std::function<void(engine::BatchRun&)>& duties,
        const std::vector<const engine::Arrival*>& arrivals,
        const std::vector<SagaKey>& sagas,
        const std::function<void(engine::BatchRun&)>& tell,
        const std::string& expired = {}) const;
    void end_command(World& world, const std::string& command_id, const sagas::Outcome& outcome, bool for_good) const;
    void tell_end(World& world, CommandRow command, const sagas::Outcome& outcome) const;
    void begin(World& world, const std::string& command_id) const;
    const SagaRow* saga_of(const World& world, std::size_t order) const;
    std::size_t order_of(const World& world, const std::string& saga_id) const;
    std::string name_of(std::size_t order) const;

    // steps.cpp
    void shops_act(const World& from, Take& take) const;
    void deliver(World& world, std::size_t order, bool cancelled) const;
    void sagas_move(const World& from, Take& take) const;
    void requests_move(const World& from, Take& take) const;
    void warehouse_acts(const World& from, Take& take) const;
    void land(World& world, Call& call, const CommandRow& command, std::size_t order) const;
    nlohmann::json view_of(const World& world, std::size_t order) const;
    void sample(World& world, Reading& reading, unsigned not_yet_counted) const;
    void apply(World& world, std::size_t reading) const;
    void flushes_move(const World& from, Take& take) const;
    void land_flush(World& world, std::size_t store, bool whole = true) const;
    void quiet_reads_move(const World& from, Take& take) const;
    int told_of(const World& world, std::size_t order, StoreId store) const;
    void answer_look(World& world, std::size_t store) const;

    // laws.cpp
    bool is_quiet(const World& world) const;
    bool timer_runs(const SagaRow& saga) const;
    std::string ledger_fault(const World& world) const;
    std::string promise_fault(const World& world) const;
    std::string belief_fault(const World& world) const;
    std::string saga_fault(const World& world) const;
    std::string quiet_fault(const World& world) const;
    std::string regaining_fault(const World& world) const;

    Scope scope_;
    Setting setting_;
    std::vector<ListingRow> listings_;
    std::array<std::array<sagas::OrderDocument, 4>, most_orders>
        documents_;  // placed, cancelled, with restock, (wrong)
    sagas::OrderSaga definition_;
    engine::Definitions definitions_;
    engine::EngineOptions options_;
    mutable engine::EngineCounts counts_;
    mutable std::set<engine::LaneKey> known_lanes_;  // none: nothing is sent
    mutable runtime::SeededRandom random_{1};
    std::unique_ptr<orders::OrderParticipant> participant_;
};

// A wrong rule is convicted by a violation; its shortest story is told. The right ones: every state visited, none broken.
Exploration explored(const Scope& scope, std::uint64_t limit, Sequence sequence);

}  // namespace ordersaga::model
