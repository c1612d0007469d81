// What another release has written and this one cannot read: set aside with a reason, never guessed.

#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::orders {
namespace {

using testing::Contains;
using testing::HasSubstr;
using namespace std::chrono_literals;

void tamper(AMerchant& shop, const std::function<void(engine::SagaRow&)>& with) {
    shop.store.transact([&](engine::Transaction& transaction) {
        engine::Changes changes;
        changes.updated_sagas = transaction.lock_sagas({shop.saga("100").key});
        engine::SagaRow& row = changes.updated_sagas.front();
        changes.updated_from = {row.version};
        row.version += 1;
        with(row);
        transaction.write(changes);
    });
}

struct Foreign {
    const char* name;
    std::function<void(engine::SagaRow&)> with;
};

class AForeignSaga : public testing::TestWithParam<Foreign> {};

TEST_P(AForeignSaga, IsSetAsideAndMovesNothing) {
    AMerchant shop;
    shop.order("100", eu, shirt, 2);
    shop.flush_done(us);
    const engine::CommandRow request = shop.the_open(sagas::activity::request_fulfillment);
    tamper(shop, GetParam().with);
    const engine::SagaRow before = shop.saga("100");

    const engine::InputResult told = shop.end(request, done({{"view", {{"state", "Accepted"}}}}));
    EXPECT_EQ(told.kind, engine::InputResult::Kind::parked);
    shop.pass(3h);

    EXPECT_EQ(shop.saga("100").state, before.state);
    EXPECT_EQ(shop.saga("100").data, before.data);
    EXPECT_EQ(shop.saga("100").definition_version, before.definition_version);
    EXPECT_EQ(shop.stock(shirt).committed, 0);
    EXPECT_THAT(shop.incidents(), Contains("the engine cannot decide"));
    // Others go on.
    shop.read_warehouse({{shirt, 10}});
    shop.order("101", eu, shirt, 1);
    EXPECT_EQ(shop.state("101"), "Reserved");
}

INSTANTIATE_TEST_SUITE_P(
    OfAnotherRelease,
    AForeignSaga,
    testing::Values(
        Foreign{
            "Version",
            [](engine::SagaRow& row) {
                row.definition_version = 99;
            }},
        Foreign{
            "Data",
            [](engine::SagaRow& row) {
                row.data.erase("lines");
            }},
        Foreign{
            "Part",
            [](engine::SagaRow& row) {
                row.data["fulfillments"][0]["generation"] = "second";
            }}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace ordersaga::orders
