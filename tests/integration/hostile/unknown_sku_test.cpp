// An order for something that nobody mapped: on hold where a person sees it; nothing of it is reserved or requested until
// the mapping is there, and then nothing is left out.
#include "tests/integration/hostile/hostile_world.hpp"

namespace ordersaga::test {
namespace {

class UnknownSku : public HostileWorld {
protected:
    void SetUp() override {
        HostileWorld::SetUp();
        ASSERT_EQ(
            send("orders/create", "w1", an_order(1, {{1, "SHIRT", 501, 2}, {2, "HAT", 502, 1}}).dump()).status, 200);
        saga_ = look("SELECT saga_id FROM sagas");
    }

    void map_the_hat() {
        db::SetupPlan plan = plan_of("Shirts", shop);
        plan.skus.push_back({"HAT", "", "item-HAT", "deny", "trust-mirror", 0, 0, false});
        plan.listings.push_back({"eu", "HAT", "502", "602", "1001"});
        plan.opening_stock.push_back({"HAT", "main", units});
        db::Session session({database_->dsns().engine, "test"});
        db::apply_setup(session, plan, "test", "test", false);
    }
    runtime::HttpOutcome release(const std::string& reason) {
        return ask("POST", "/api/v1/sagas/" + saga_ + "/release", {{"reason", reason}});
    }

    std::string saga_;
};

// S41: an order that cannot be mapped was not told to anybody (frappe #338).
TEST_F(UnknownSku, HoldsTheSagaWithAnIncidentThatOperatorsSee) {
    EXPECT_EQ(state_of_saga(), "OnHold");
    EXPECT_EQ(look("SELECT data->>'holds' FROM sagas"), R"(["unmapped"])");
    EXPECT_EQ(look("SELECT sum(reserved) FROM stock"), "0");

    const json with_incident = json::parse(ask("GET", "/api/v1/sagas?incident=true").body);
    ASSERT_EQ(with_incident.at("items").size(), 1U);
    EXPECT_EQ(with_incident.at("items")[0].at("saga_id"), saga_);
    const json incidents = json::parse(ask("GET", "/api/v1/incidents").body);
    ASSERT_EQ(incidents.at("items").size(), 1U);
    EXPECT_EQ(incidents.at("items")[0].at("cause"), "a line's SKU is not mapped");
}

TEST_F(UnknownSku, GoesOnWholeOnceItIsMappedAndReleased) {
    map_the_hat();

    EXPECT_EQ(release("mapped it, go on").status, 200);

    ASSERT_TRUE(work_until_state("FulfillmentRequested"));
    const std::vector<engine::CommandRow> requests = orchestrator_->sink().sent("RequestFulfillment");
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_EQ(requests[0].payload.at("lines").size(), 2U) << requests[0].payload.at("lines");
    EXPECT_EQ(look("SELECT count(*) FROM incidents WHERE closed_at IS NULL"), "0");
}

TEST_F(UnknownSku, IsNeverLeftOutWhenItIsReleasedUnmapped) {
    EXPECT_EQ(release("unmapped").status, 200);

    ASSERT_TRUE(work_until_state("NeedsOperator"));
    EXPECT_EQ(look("SELECT incident FROM sagas"), "a line's SKU is not mapped: HAT");
    EXPECT_EQ(look("SELECT sum(reserved) FROM stock"), "0");
    EXPECT_TRUE(orchestrator_->sink().sent("RequestFulfillment").empty());

    map_the_hat();
    EXPECT_EQ(ask("POST", "/api/v1/sagas/" + saga_ + "/retry", {{"reason", "mapped now"}}).status, 200);
    ASSERT_TRUE(work_until_state("FulfillmentRequested"));
    EXPECT_EQ(orchestrator_->sink().sent("RequestFulfillment").at(0).payload.at("lines").size(), 2U);
}

// The store takes the unknown line off the order: what is left can go.
TEST_F(UnknownSku, HoldsNothingAnyMoreOnceItIsRefunded) {
    const json refund = {
        {"id", 9},
        {"order_id", 1},
        {"refund_line_items",
         {{{"line_item_id", 1002}, {"quantity", 1}, {"restock_type", "cancel"}, {"location_id", 1001}}}}};

    ASSERT_EQ(send("refunds/create", "w2", refund.dump()).status, 200);

    ASSERT_TRUE(work_until_state("FulfillmentRequested"));
    EXPECT_EQ(orchestrator_->sink().sent("RequestFulfillment").at(0).payload.at("lines").size(), 1U);
    EXPECT_EQ(look("SELECT count(*) FROM incidents WHERE closed_at IS NULL"), "0");
}

}  // namespace
}  // namespace ordersaga::test
