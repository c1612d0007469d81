// Who waits for the channels: found out in every round of a batch, stored once, at its end.
#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

// A batch that only writes down what it is told.
class WrittenDown final : public engine::Batch {
public:
    explicit WrittenDown(Instant now) : now_(now) {}

    Instant now() const override { return now_; }
    void start_saga(engine::SagaRow) override {}
    void tell(const engine::SagaKey& saga, sagas::Event event) override { told.emplace_back(saga.saga_id, event.name); }
    void hold(const engine::SagaKey&) override {}
    bool holds(const engine::SagaKey&) const override { return true; }
    void signal(const engine::SagaKey&, sagas::Event) override {}
    std::string command_of_duty(MerchantId, const std::string&, const sagas::Command&) override { return "command"; }
    void write_duty(engine::DutyRow) override {}
    void announce(MerchantId, sagas::Announcement) override {}
    void open_incident(engine::IncidentRow) override {}
    void close_incident(MerchantId, const std::string&) override {}
    void audit(engine::AuditRow) override {}
    void explain(const engine::SagaKey&, const std::string&, json) override {}

    std::vector<std::pair<std::string, std::string>> told;

private:
    Instant now_;
};

sagas::Effect about_shirts(const std::string& name, const std::string& line_id, std::int64_t quantity) {
    return {
        name,
        {{"warehouse_id", house.value},
         {"lines", json::array({{{"line_id", line_id}, {"sku_id", shirt.value}, {"quantity", quantity}}})}}};
}

// The SKUs a saga has stored waits for, with their versions.
std::vector<std::pair<SkuId, std::int64_t>> waits_of(const AMerchant& shop, const std::string& order_id) {
    std::vector<std::pair<SkuId, std::int64_t>> found;
    for (const auto& [key, wait] : shop.store.tables().waits) {
        if (wait.saga == shop.saga(order_id).key) found.emplace_back(wait.stock.sku_id, wait.version);
    }
    return found;
}

// Both orders are shown everywhere. The first gives its unit back and waits for the stores to show it; in the next round
// the second takes it, so that the stores show what they should without being told anything.
TEST(Waits, ThatBeganInOneRoundMayEndInALaterOneOfTheSameBatch) {
    AMerchant shop;
    for (const char* order_id : {"100", "101"}) {
        shop.order(order_id, eu, shirt, 1);
        shop.flush_done(us);
        ASSERT_EQ(shop.state(order_id), "ChannelsSynced");
    }
    const engine::SagaRow first = shop.saga("100"), second = shop.saga("101");
    WrittenDown batch(shop.clock.now());
    runtime::SeededRandom random(1);
    OrderParticipant participant(random);
    shop.store.transact([&](engine::Transaction& transaction) {
        auto session = participant.begin(transaction, batch);
        session->prepare({&first, &second});
        session->settle(first, about_shirts("Release", "1001", 1));
        session->settle(first, about_shirts("WaitForChannels", "1001", 1));
        session->conclude();
        EXPECT_THAT(batch.told, IsEmpty()) << "the stores show one unit too few";

        session->settle(second, about_shirts("Exchange", "1011", 2));
        session->conclude();
        EXPECT_THAT(batch.told, ElementsAre(std::pair(first.key.saga_id, std::string("ChannelsUpdated"))));
        session->conclude();
        EXPECT_EQ(batch.told.size(), 1U) << "told once";
        session->finish();
    });
    EXPECT_EQ(shop.store.tables().waits.size(), 0U);
}

// It waited for hats, too; the changed order has none.
TEST(Waits, ThatBeginAnewInTheBatchThatEndedTheOldOnesAreTheOnlyOnes) {
    AMerchant shop;
    shop.order("100", eu, shirt, 2);
    ASSERT_THAT(waits_of(shop, "100"), ElementsAre(std::pair(shirt, shop.stock(shirt).version)));
    shop.store.transact([&](engine::Transaction& transaction) {
        dynamic_cast<Rows&>(transaction).add_waits({{shop.saga("100").key, "channels", ledger_of(hat), 1}});
    });

    sagas::OrderDocument changed = an_order("100", eu, shirt, 1);
    changed.updated_at += 30s;
    changed.lines.push_back(a_line("1002", eu, mug, 1));
    shop.deliver(eu, "orders/updated", changed);
    ASSERT_EQ(shop.state("100"), "Reserved");
    EXPECT_THAT(
        waits_of(shop, "100"),
        ElementsAre(std::pair(shirt, shop.stock(shirt).version), std::pair(mug, shop.stock(mug).version)));
    EXPECT_EQ(shop.laws(), "");
}

// An order of two shirts that its store has cancelled, and put back, half a minute later.
sagas::OrderDocument a_cancelled_order() {
    sagas::OrderDocument order = an_order("100", eu, shirt, 2);
    order.updated_at += 30s;
    order.cancelled_at = order.updated_at;
    order.refunds = {{"900", {{"1001", 2, "cancel", "4"}}}};
    return order;
}

// The store has put its two back itself and the others were never told: nobody has anything to wait for.
TEST(Waits, OfAnOrderCancelledInItsFirstBatchLeaveNoRow) {
    AMerchant shop;
    std::vector<engine::Input> inputs;
    for (const auto& [topic, document] :
         {std::pair{"orders/create", an_order("100", eu, shirt, 2)},
          std::pair{"orders/cancelled", a_cancelled_order()}}) {
        Delivery delivery = shop.delivery(eu, topic, "100");
        delivery.order = document;
        inputs.push_back({engine::Arrival{merchant, delivery, {}}, [](const engine::InputResult&) {
                          }});
    }
    ASSERT_TRUE(shop.engine->run(inputs));
    EXPECT_EQ(shop.state("100"), "Compensated");
    EXPECT_EQ(shop.stock(shirt).available, 10);
    EXPECT_EQ(shop.store.tables().waits.size(), 0U);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Waits, OfACancelledOrderEndWhenTheStoresShowItGivenBack) {
    AMerchant shop;
    shop.order("100", eu, shirt, 2);
    shop.deliver(eu, "orders/cancelled", a_cancelled_order());
    ASSERT_EQ(shop.state("100"), "RevertingChannels");
    EXPECT_THAT(waits_of(shop, "100"), ElementsAre(std::pair(shirt, shop.stock(shirt).version)))
        << "the other store was told of two units less, and nobody knows yet whether it has heard";
    shop.flush_done(us);
    shop.flush_done(us);
    EXPECT_EQ(shop.state("100"), "Compensated");
    EXPECT_EQ(shop.store.tables().waits.size(), 0U);
    EXPECT_EQ(shop.laws(), "");
}

}  // namespace
}  // namespace ordersaga::orders
