// The judge convicts: a world that ended well is tampered with, one wrong thing at a time, and must be found guilty of it.
#include "tests/simulation/judge.hpp"

#include "tests/simulation/scenario.hpp"
#include "tests/support/sim/laws.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace ordersaga::simulation {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// What the world shows to read may be written here: none of it was born const.
template <class T>
T& writable(const T& value) {
    return const_cast<T&>(value);
}

// No fault at all, so whatever is wrong afterwards was made wrong here.
std::set<std::string> all_faults() {
    std::set<std::string> names;
    for (const FaultKind& kind : fault_kinds)
        names.insert(kind.name);
    return names;
}

class AJudge : public testing::Test {
protected:
    // A world with a shipped order and one that was cancelled at the warehouse.
    void SetUp() override {
        for (std::uint64_t seed = 1; seed < 50 && !(shipped && cancelled); ++seed) {
            scenario = std::make_unique<Scenario>(Options{seed, all_faults()});
            scenario->run();
            find_orders();
        }
        ASSERT_TRUE(shipped && cancelled);
        ASSERT_EQ(sim::joined(judge(world())), "");
    }

    void find_orders() {
        shipped = cancelled = nullptr;
        for (const auto& [reference, order] : world().warehouse().orders()) {
            const engine::SagaRow& saga = saga_of(order);
            if (order.all_shipped() && saga.state == "Completed" && !saga.incident && is_open_in_its_shop(saga))
                shipped = &writable(order);
            if (order.times_cancelled == 1 && saga.state == "Compensated" && !saga.incident)
                cancelled = &writable(order);
        }
    }
    // Of others the shop need not have been told.
    bool is_open_in_its_shop(const engine::SagaRow& saga) {
        const auto& rows = tables().orders.rows();
        return std::any_of(rows.begin(), rows.end(), [&](const auto& entry) {
            return entry.second.saga_id == saga.key.saga_id && !entry.second.document.cancelled_at;
        });
    }
    World& world() { return scenario->world(); }
    sim::SimTables& tables() { return writable(world().tables()); }
    const engine::SagaRow& saga_of(const WarehouseOrder& order) {
        return tables().sagas.at(tables().references.at({merchant, order.reference}));
    }
    template <class Table, class Change>
    void change_first(Table& table, const Change& change) {
        auto [key, row] = *table.begin();
        change(row);
        table.put(key, row);
    }
    void change_command(const std::string& key, const std::function<void(engine::CommandRow&)>& change) {
        for (const auto& [id, command] : tables().closed_commands.rows()) {
            if (command.idempotency_key != key) continue;
            engine::CommandRow changed = command;
            change(changed);
            return tables().closed_commands.put(id, changed);
        }
        FAIL() << "no command " << key;
    }

    void add_step(const WarehouseOrder& order, const std::string& event, const char* from, const char* to) {
        engine::HistoryRow step;
        step.key = saga_of(order).key;
        step.event = event;
        step.from_state = from;
        step.to_state = to;
        step.at = world().agenda().now();
        tables().history.put(1'000'000, step);
    }

    // All there is of every SKU is taken now or given back.
    void move_all(std::int64_t number, std::int64_t units) {
        for (const auto& [key, row] : tables().stock.rows()) {
            orders::MovementRow movement;
            movement.key = key;
            movement.available = row.available * units;
            movement.reserved = -movement.available;
            movement.at = world().agenda().now();
            tables().movements.put(number++, movement);
        }
    }

    bool convicts(const std::string& of, const std::vector<std::string>& violations) {
        return std::any_of(violations.begin(), violations.end(), [&](const std::string& violation) {
            return violation.starts_with(of);
        });
    }
    void expect_conviction(const std::string& of) {
        const std::vector<std::string> violations = judge(world());
        EXPECT_TRUE(convicts(of, violations)) << "not convicted of " << of << ", but of: " << sim::joined(violations);
    }

    std::unique_ptr<Scenario> scenario;
    WarehouseOrder* shipped = nullptr;
    WarehouseOrder* cancelled = nullptr;
};

TEST_F(AJudge, ConvictsAUnitFromNowhere) {
    change_first(tables().stock, [](orders::StockRow& row) { row.on_hand += 1; });
    expect_conviction("L1 conservation");
}

TEST_F(AJudge, ConvictsACounterThatNoRowExplains) {
    change_first(tables().stock, [](orders::StockRow& row) { ++row.reserved, --row.available; });
    expect_conviction("L2 projection");
}

TEST_F(AJudge, ConvictsMoreAskedOfTheWarehouseThanItHas) {
    world().warehouse().create(
        {{"reference", "eu.1.1.1"},
         {"lines", {{{"warehouse_item_id", "701"}, {"sku", "SHIRT"}, {"quantity", 100'000}}}}});
    expect_conviction("L3 no oversell");
}

TEST_F(AJudge, ConvictsALedgerThatItsMovementsDoNotGive) {
    tables().movements.erase(tables().movements.begin()->first);
    expect_conviction("L4 ledger");
}

TEST_F(AJudge, ConvictsALedgerThatIsNotWhatTheWarehouseHas) {
    world().warehouse().receive("701", 1);
    expect_conviction("L4 ledger");
}

TEST_F(AJudge, ConvictsAFinalSagaThatKeepsUnits) {
    for (auto [key, row] : tables().reservations.rows()) {
        if (!tables().sagas.at({row.key.merchant, row.saga_id}).final) continue;
        row.committed = 1;
        tables().reservations.put(key, row);
        break;
    }
    expect_conviction("L5 release");
}

TEST_F(AJudge, ConvictsAnOrderThatTheWarehouseHasTwice) {
    WarehouseOrder twin = *shipped;
    twin.reference = twin.reference.substr(0, twin.reference.rfind('.')) + ".9";
    tables().references.put({merchant, twin.reference}, saga_of(*shipped).key);
    writable(world().warehouse().orders()).emplace(twin.reference, twin);
    expect_conviction("L6 one fulfilment");
}

TEST_F(AJudge, ConvictsACompensatedOrderThatTheWarehouseStillHas) {
    cancelled->cancelled = false;
    expect_conviction("L6 one fulfilment");
}

TEST_F(AJudge, ConvictsAShipmentThatItsShopWasNotTold) {
    shipped->shipments.front().lines.front().quantity += 1;
    expect_conviction("L6 one fulfilment");
}

TEST_F(AJudge, ConvictsAnOrderThatNeverArrived) {
    tables().orders.erase(tables().orders.begin()->first);
    expect_conviction("L7 nothing lost");
}

TEST_F(AJudge, ConvictsAHistoryWithAGap) {
    tables().history.erase(tables().history.begin()->first);
    expect_conviction("L7 nothing lost");
}

TEST_F(AJudge, ConvictsAShelfThatShowsSomethingElse) {
    ++writable(world().shops().front()->items()).begin()->second.available;
    expect_conviction("L8 convergence");
}

TEST_F(AJudge, ConvictsARefusalThoughThereWasStock) {
    add_step(*shipped, "StockShort", "Received", "SettlingOrder");
    expect_conviction("L10 no false refusal");
}

// One batch: an order takes the stock, another is refused, the first is cancelled.
TEST_F(AJudge, AcquitsARefusalOfWhatWasTakenAndGivenBackAtThatInstant) {
    add_step(*shipped, "StockShort", "Received", "SettlingOrder");
    move_all(1'000'000, -1);
    move_all(2'000'000, 1);
    EXPECT_FALSE(convicts("L10 no false refusal", judge(world())));
}

TEST_F(AJudge, ConvictsAnOrderThatRests) {
    engine::SagaRow saga = saga_of(*shipped);
    saga.state = "Shipped";
    tables().sagas.put(saga.key, saga);
    expect_conviction("L11 settled");
}

TEST_F(AJudge, ConvictsARefusedOrderThatIsOpenInItsShop) {
    const std::string saga = saga_of(*cancelled).key.saga_id;
    for (const auto& [key, row] : tables().orders) {
        if (row.saga_id != saga) continue;
        ShopOrder& order =
            writable(world().shops()[static_cast<std::size_t>(key.store_id.value) - 1]->orders()).at(key.order_id);
        order.held = false;
        order.document.cancelled_at.reset();
        order.document.lines.front().current_quantity = 1;
    }
    expect_conviction("L11 settled");
}

TEST_F(AJudge, ConvictsAnAnswerThatWasNotKept) {
    writable(world().answered()).push_back({merchant, "shopify", {1}, "orders/create", "never stored", ""});
    expect_conviction("I1 answered means kept");
}

TEST_F(AJudge, ConvictsAStepForwardAfterTheWayBackBegan) {
    add_step(*cancelled, "StockReserved", "Compensated", "Reserved");
    expect_conviction("I6 one way");
}

TEST_F(AJudge, ConvictsARequestSentAfterTheWayBackBegan) {
    change_command(
        "request:" + cancelled->reference, [](engine::CommandRow& command) { *command.sent_at += hours(1); });
    expect_conviction("I6 no forward effect");
}

TEST_F(AJudge, ConvictsAnEffectUndoneTwice) {
    cancelled->times_cancelled = 2;
    expect_conviction("I6 undone once");
}

TEST_F(AJudge, ConvictsACancelThatNobodyAskedFor) {
    change_command(
        "cancel:" + cancelled->reference, [](engine::CommandRow& command) { command.idempotency_key = "?"; });
    expect_conviction("I6 nothing else undone");
}

TEST_F(AJudge, ConvictsStockGivenBackBeforeTheWarehouseHadCancelled) {
    *cancelled->cancelled_at += hours(1);
    expect_conviction("I6 reverse order");
}

TEST_F(AJudge, ConvictsAnEarlierPartUndoneBeforeALaterOne) {
    WarehouseOrder later = *cancelled;
    later.reference = later.reference.substr(0, later.reference.size() - 3) + "2.1";
    later.accepted_at += Duration(1);
    *later.cancelled_at += Duration(1);
    tables().references.put({merchant, later.reference}, saga_of(*cancelled).key);
    change_command("cancel:" + cancelled->reference, [&](engine::CommandRow& command) {
        command.command_id = "another";
        command.idempotency_key = "cancel:" + later.reference;
        tables().closed_commands.put({merchant, "another"}, command);
        command.idempotency_key = "cancel:" + cancelled->reference;
    });
    writable(world().warehouse().orders()).emplace(later.reference, later);
    expect_conviction("I6 reverse order: " + cancelled->reference + " was cancelled before");
}

TEST_F(AJudge, ConvictsAnOrderAtTheWarehouseThatNoSagaKnows) {
    writable(world().warehouse().orders()).emplace("eu.1.1.1", *shipped);
    expect_conviction("I6 nothing else done");
}

}  // namespace
}  // namespace ordersaga::simulation
