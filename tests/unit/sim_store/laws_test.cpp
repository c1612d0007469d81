// The checker must convict: each law is broken on purpose once.
#include "tests/unit/sim_store/a_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::sim {
namespace {

using engine::Transaction;
using orders::Rows;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Laws : public testing::Test {
protected:
    AStore world;
    void in_rows(const std::function<void(Rows&)>& work) {
        world.transact([&](Transaction&, Rows& rows) { work(rows); });
    }
    // A unit granted to saga 1 the right way, with its reservation and its movement.
    void grant() {
        world.add_saga(1);
        in_rows([](Rows& rows) {
            orders::StockRow stock = rows.lock_stock({ledger(shirt)}).front();
            stock.available -= 1;
            stock.reserved += 1;
            stock.version += 1;
            orders::MovementRow movement;
            movement.key = ledger(shirt);
            movement.kind = "grant";
            movement.cause = "grant 1";
            movement.available = -1;
            movement.reserved = 1;
            movement.version = stock.version;
            orders::ReservationRow reservation;
            reservation.key = ledger(shirt);
            reservation.saga_id = uuid(1);
            reservation.line_id = "1";
            reservation.held = 1;
            rows.write_stock({stock}, {movement});
            rows.write_reservations({reservation});
        });
    }
};

TEST_F(Laws, HoldForAFreshStoreAndAfterAGrant) {
    EXPECT_THAT(check_laws(world.store), IsEmpty());
    grant();
    EXPECT_THAT(check_laws(world.store), IsEmpty());
}

TEST_F(Laws, ProjectionFindsACounterWithoutRows) {
    in_rows([](Rows& rows) {
        orders::StockRow stock = rows.lock_stock({ledger(shirt)}).front();
        stock.available -= 1;
        stock.reserved += 1;
        rows.write_stock({stock}, {});
    });
    EXPECT_THAT(
        check_laws(world.store),
        Contains(HasSubstr("L2 projection: sku 1 at warehouse 1: reserved is 1, should be 0")));
    EXPECT_THAT(
        check_laws(world.store), Contains(HasSubstr("L4 ledger: sku 1 at warehouse 1: available is 9, should be 10")));
}

TEST_F(Laws, TerminalReleaseFindsAFinalSagaWithUnits) {
    grant();
    world.transact([&](Transaction& transaction, Rows&) {
        engine::Changes changes;
        changes.updated_sagas.push_back(world.a_saga(1));
        changes.updated_sagas.back().version = 1;
        changes.updated_sagas.back().state = "Completed";
        changes.updated_sagas.back().final = true;
        changes.updated_from.push_back(0);
        transaction.write(changes);
    });
    EXPECT_THAT(check_laws(world.store), Contains(HasSubstr("L5 release")));
    // ... and a change of state without a step in the history.
    EXPECT_THAT(check_laws(world.store), Contains(HasSubstr("L7 nothing lost: saga " + uuid(1) + ": version is 1")));
}

// S30: the job that counts what orders want against the rows they have (Saleor #5334).
TEST_F(Laws, ReleaseFindsAnAcceptedOrderWithoutItsReservation) {
    const auto wants = [&](int shirts, std::int64_t version) {
        engine::SagaRow order = world.a_saga(1);
        order.version = version;
        order.kind = "order";
        order.state = "Reserved";
        order.data = nlohmann::json::parse(
            R"({"fulfillments":[],"lines":[{"line_id":"1","of_part":1,"parts":[{"sku_id":1,"per_unit":1}]}]})");
        order.data["lines"][0]["wanted"] = shirts;
        return order;
    };
    grant();
    const auto judged = [&](int shirts) {
        world.transact([&](Transaction& transaction, Rows&) {
            engine::Changes changes;
            changes.updated_sagas.push_back(wants(shirts, shirts));
            changes.updated_from.push_back(shirts - 1);
            transaction.write(changes);
        });
        return check_laws(world.store);
    };
    EXPECT_THAT(judged(1), Not(Contains(HasSubstr("L5 release"))));
    EXPECT_THAT(judged(2), Contains(HasSubstr("has 1 of the 2 units of sku 1 that line 1 wants")));
}

TEST_F(Laws, NothingLostFindsAReceiptWithoutAnOrder) {
    in_rows([](Rows& rows) {
        orders::ReceiptRow receipt;
        receipt.merchant = merchant;
        receipt.store_id = eu;
        receipt.source = "shopify";
        receipt.topic = "orders/create";
        receipt.webhook_id = "w";
        rows.insert_receipts({receipt});
    });
    EXPECT_THAT(check_laws(world.store), Contains(HasSubstr("left neither an order nor a reason")));
}

TEST_F(Laws, ConvergenceFindsAListingThatShowsSomethingElse) {
    const auto show = [&](std::int64_t singles, std::int64_t sets) {
        in_rows([&](Rows& rows) {
            std::vector<orders::ListingRow> all;
            for (const auto& [key, row] : world.store.tables().listings) {
                all.push_back(row);
                all.back().wants_read = false;
                all.back().target = row.sku_id == gift_set ? 5 : 10;
                all.back().believed = row.sku_id == gift_set ? sets : singles;
            }
            rows.write_listings(all);
        });
    };
    show(10, 5);
    EXPECT_THAT(check_quiet_laws(world.store), IsEmpty());
    show(10, 4);
    EXPECT_THAT(check_quiet_laws(world.store), Contains(HasSubstr("believed + in flight is 4, should be 5")));
}

}  // namespace
}  // namespace ordersaga::sim
