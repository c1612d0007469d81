// The engine's store in memory: the tables of db/migrations with their CHECKs and unique keys, transactions that are
// atomic, and faults on order. Deterministic: ordered maps, ids counted from 1, time from the clock that was passed in.
//
// Single-threaded. Transactions never overlap, so locks have nothing to do; what several engines can do to each other
// between two transactions still happens, and the guard on saga versions is real.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "orchestrator/orders/rows.hpp"
#include "runtime/clock.hpp"
#include "tests/support/sim/sim_tables.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ordersaga::sim {

// Thrown in place of an answer when the hook asks for it: the process that ran the transaction is gone. Not a
// std::exception on purpose: nothing may catch and survive it but the simulation.
struct ProcessKilled {};

// Decides what goes wrong. The default: nothing.
class SimFaults {
public:
    virtual ~SimFaults() = default;

    enum class AtCall {
        fine,
        serialization_failure,  // also: the connection is lost. Nothing applied: StoreUnavailable
        killed,                 // the process is gone, and its transaction with it: ProcessKilled
    };
    enum class AtCommit {
        fine,
        lost,                  // nothing applied, and that is known: StoreUnavailable
        in_doubt_applied,      // StoreInDoubt
        in_doubt_not_applied,  // StoreInDoubt
        killed_before,         // nothing applied, the process is gone: ProcessKilled
        killed_after,          // applied, the process is gone: ProcessKilled
    };

    // Before each call of a transaction; `call` is its name, "begin" for the start.
    virtual AtCall at_call(const char* call) {
        (void)call;
        return AtCall::fine;
    }
    virtual AtCommit at_commit() { return AtCommit::fine; }
};

struct SimCounts {
    std::uint64_t transactions = 0, commits = 0, roll_backs = 0, serialization_failures = 0, lost = 0, in_doubt = 0,
                  killed = 0;
};

class SimTransaction;

class SimStore final : public engine::Store {
public:
    // Both must outlive the store; `faults` may be null.
    explicit SimStore(runtime::Clock& clock, SimFaults* faults = nullptr);
    ~SimStore() override;

    // What the transaction handed to `work` also is: orders::Rows. A transaction inside a transaction is a bug
    // (std::logic_error).
    void transact(const std::function<void(engine::Transaction&)>& work, Ending ending = Ending::commit) override;

    const SimTables& tables() const { return tables_; }
    const SimCounts& counts() const { return counts_; }
    // Of engine/store.hpp's sequence of locks, over all transactions so far.
    const std::vector<std::string>& lock_violations() const { return lock_violations_; }
    Instant now() { return clock_.now(); }
    void set_faults(SimFaults* faults) { faults_ = faults; }

    // Seeding, outside of transactions. BadItem when a row is impossible.
    void add_merchant(MerchantId merchant);
    void add_warehouse(const orders::WarehouseRow& row);
    void add_store(const orders::StoreRow& row);
    void add_sku(const orders::SkuRow& row);
    // Composes it: the bundle's components, or the SKU itself once.
    void add_listing(orders::ListingRow row);
    void add_duty(const engine::DutyRow& row);
    // The opening figure, with its movement.
    void open_stock(const StockKey& key, std::int64_t quantity);

private:
    friend class SimTransaction;

    template <class Work>
    void seed(const Work& work);
    void commit(SimTransaction& transaction);

    runtime::Clock& clock_;
    SimFaults* faults_;
    Journal journal_;
    SimTables tables_;
    SimCounts counts_;
    std::vector<std::string> lock_violations_;
    bool open_ = false;
    std::int64_t last_number_ = 0;  // one sequence for all numbered rows; like a real one, never rolled back
};

}  // namespace ordersaga::sim
