#include "tests/unit/sim_store/a_store.hpp"

#include <gtest/gtest.h>

namespace ordersaga::sim {
namespace {

using engine::Changes;
using engine::Transaction;

// Answers what it was told, once.
class OneFault final : public SimFaults {
public:
    AtCommit commit = AtCommit::fine;
    std::string failing_call;

    AtCall at_call(const char* call) override {
        if (call != failing_call) return AtCall::fine;
        failing_call.clear();
        return AtCall::serialization_failure;
    }
    AtCommit at_commit() override { return std::exchange(commit, AtCommit::fine); }
};

class Transactions : public testing::Test {
protected:
    Transactions() { world.store.set_faults(&faults); }

    void write_saga(int number) { world.add_saga(number); }
    std::size_t sagas() const { return world.store.tables().sagas.size(); }

    OneFault faults;
    AStore world;
};

TEST_F(Transactions, TakeEverythingBackWhenTheWorkThrows) {
    write_saga(1);

    EXPECT_THROW(
        world.transact([&](Transaction& transaction, orders::Rows& rows) {
            Changes changes;
            changes.new_sagas.push_back(world.a_saga(2));
            changes.updated_sagas.push_back(world.a_saga(1));
            changes.updated_sagas.back().version = 1;
            changes.updated_sagas.back().state = "Changed";
            changes.updated_from.push_back(0);
            transaction.write(changes);
            rows.lock_stock({{merchant, gift_set, warehouse}});
            throw std::runtime_error("no");
        }),
        std::runtime_error);

    EXPECT_EQ(sagas(), 1U);
    EXPECT_EQ(world.store.tables().sagas.at(saga(1)).state, "Waiting");
    EXPECT_FALSE(world.store.tables().stock.has(ledger(gift_set)));
}

TEST_F(Transactions, ThatEndInARollBackSeeTheirOwnWritesAndLeaveNone) {
    world.transact(
        [&](Transaction& transaction, orders::Rows&) {
            Changes changes;
            changes.new_sagas.push_back(world.a_saga(1));
            transaction.write(changes);
            EXPECT_EQ(transaction.lock_sagas({saga(1)}).size(), 1U);
        },
        engine::Store::Ending::roll_back);

    EXPECT_EQ(sagas(), 0U);
}

TEST_F(Transactions, MayNotNest) {
    EXPECT_THROW(world.transact([&](Transaction&, orders::Rows&) { write_saga(1); }), std::logic_error);
    write_saga(2);
    EXPECT_EQ(sagas(), 1U);
}

TEST_F(Transactions, AreLostInDoubtOrKilledAsTold) {
    faults.commit = SimFaults::AtCommit::lost;
    EXPECT_THROW(write_saga(1), engine::StoreUnavailable);
    EXPECT_EQ(sagas(), 0U);

    faults.commit = SimFaults::AtCommit::in_doubt_not_applied;
    EXPECT_THROW(write_saga(1), engine::StoreInDoubt);
    EXPECT_EQ(sagas(), 0U);

    faults.commit = SimFaults::AtCommit::killed_before;
    EXPECT_THROW(write_saga(1), ProcessKilled);
    EXPECT_EQ(sagas(), 0U);

    faults.commit = SimFaults::AtCommit::in_doubt_applied;
    EXPECT_THROW(write_saga(1), engine::StoreInDoubt);
    EXPECT_EQ(sagas(), 1U);

    faults.commit = SimFaults::AtCommit::killed_after;
    EXPECT_THROW(write_saga(2), ProcessKilled);
    EXPECT_EQ(sagas(), 2U);
}

TEST_F(Transactions, MayFailAtAnyCall) {
    for (const char* call : {"begin", "write"}) {
        faults.failing_call = call;
        EXPECT_THROW(write_saga(1), engine::StoreUnavailable) << call;
        EXPECT_EQ(sagas(), 0U) << call;
    }
    EXPECT_EQ(world.store.counts().serialization_failures, 2U);
}

TEST_F(Transactions, RefuseAReferenceToASagaThatNeverCameToBe) {
    EXPECT_THROW(world.add_command(world.a_command(7, 1, "k")), engine::BadItem);
    EXPECT_EQ(world.store.tables().open_commands.size(), 0U);

    // Any sequence within one transaction is fine: the keys are deferred.
    world.transact([&](Transaction& transaction, orders::Rows&) {
        Changes first;
        first.new_commands.push_back(world.a_command(7, 1, "k"));
        transaction.write(first);
        Changes second;
        second.new_sagas.push_back(world.a_saga(1));
        transaction.write(second);
    });
    EXPECT_EQ(world.store.tables().open_commands.size(), 1U);
}

TEST_F(Transactions, GuardTheVersionOfASaga) {
    write_saga(1);
    const auto update_from = [&](std::int64_t from) {
        world.transact([&](Transaction& transaction, orders::Rows&) {
            Changes changes;
            changes.updated_sagas.push_back(world.a_saga(1));
            changes.updated_sagas.back().version = from + 1;
            changes.updated_from.push_back(from);
            transaction.write(changes);
        });
    };

    update_from(0);
    EXPECT_THROW(update_from(0), engine::StoreUnavailable);
    update_from(1);
    EXPECT_EQ(world.store.tables().sagas.at(saga(1)).version, 2);
}

TEST_F(Transactions, RefuseASagaThatWouldNeverBeLookedAtAgain) {
    EXPECT_THROW(
        world.transact([&](Transaction& transaction, orders::Rows&) {
            Changes changes;
            changes.new_sagas.push_back(world.a_saga(1));
            changes.new_sagas.back().next_wake.reset();
            transaction.write(changes);
        }),
        engine::BadItem);
}

}  // namespace
}  // namespace ordersaga::sim
