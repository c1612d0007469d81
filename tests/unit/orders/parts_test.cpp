// What is added when the warehouse cannot change an order any more, on the real engine: its stock, its stores, its request.
// And that a reference in doubt is not asked about for ever.
#include "orchestrator/engine/attempts.hpp"
#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using sagas::OutcomeKind;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
namespace activity = sagas::activity;

json view_of(const std::string& reference, const std::string& state, const std::string& item, std::int64_t units) {
    json shipments = json::array();
    if (state != "Accepted") {
        shipments.push_back(
            {{"id", "S-" + reference},
             {"state", state},
             {"tracking_number", "T-" + reference},
             {"lines", json::array({{{"warehouse_item_id", item}, {"sku", ""}, {"quantity", units}}})}});
    }
    return {{"reference", reference}, {"warehouse_order_id", "77"}, {"state", state}, {"shipments", shipments}};
}

// An order of two shirts at the warehouse.
void bring_to_warehouse(AMerchant& shop) {
    shop.order("100", eu, shirt, 2);
    shop.pass(11s);
    shop.accept("100");
    ASSERT_EQ(shop.state("100"), "FulfillmentRequested");
}

// The store's order then wants more, and the warehouse has begun to pick.
void add_too_late(AMerchant& shop, SkuId sku, std::int64_t units) {
    sagas::OrderDocument changed = shop.order_row("100")->document;
    changed.updated_at += 30s;
    changed.lines.push_back(a_line("L9", eu, sku, units));
    shop.deliver(eu, "orders/updated", changed);
    shop.due();
    if (shop.has_open(activity::cancel_fulfillment))
        shop.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    shop.due();
}

std::string item_of(const AMerchant& shop, int part) {
    return shop.data("100").lines_of(part).front().parts.front().warehouse_item_id;
}

// S31: what was added too late was silently ignored (OFN #7164).
TEST(Parts, GoAllTheWayBesideTheFirst) {
    AMerchant shop;
    bring_to_warehouse(shop);
    add_too_late(shop, shirt, 3);
    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    EXPECT_EQ(shop.stock(shirt).reserved, 3);
    EXPECT_EQ(shop.stock(shirt).available, 5);
    EXPECT_FALSE(shop.has_open(activity::request_fulfillment)) << "the other store is told first";
    EXPECT_TRUE(shop.has_open(activity::flush_stock, "store:2"));
    shop.pass(11s);
    EXPECT_EQ(shop.the_open(activity::request_fulfillment).payload.at("reference"), "eu.100.2.1");
    shop.accept("100");
    EXPECT_EQ(shop.stock(shirt).committed, 5);
    EXPECT_EQ(shop.laws(), "");

    // The second leaves first; the stock of the first is not touched by that.
    const std::string item = item_of(shop, 2);
    shop.tell("100", "FulfillmentViewed", {{"view", view_of("eu.100.2.1", "Shipped", item, 3)}});
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    EXPECT_EQ(
        shop.the_open(activity::create_store_fulfillment).payload.at("lines"),
        json::parse(R"([{"line_id":"L9","quantity":3}])"));
    shop.end(activity::create_store_fulfillment, done({{"fulfillment_id", "881"}}));
    shop.tell("100", "FulfillmentViewed", {{"view", view_of("eu.100.1.1", "Shipped", item, 2)}});
    EXPECT_EQ(shop.state("100"), "Shipped");
    shop.end(activity::create_store_fulfillment, done({{"fulfillment_id", "880"}}));
    EXPECT_EQ(shop.stock(shirt).committed, 0);
    EXPECT_EQ(shop.stock(shirt).on_hand, 5);
    shop.pass(24h * 15);
    EXPECT_EQ(shop.state("100"), "Completed");
    EXPECT_EQ(shop.laws(), "");
}

TEST(Parts, AreReservedWholeOrNotAtAll) {
    AMerchant shop;
    bring_to_warehouse(shop);
    add_too_late(shop, shirt, 9);
    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    EXPECT_EQ(shop.stock(shirt).reserved, 0);
    EXPECT_EQ(shop.stock(shirt).available, 8);
    EXPECT_THAT(shop.incidents(), Contains(HasSubstr("9 SHIRT")));
    EXPECT_EQ(shop.data("100").newest_part(), 1);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Parts, WaitInTheQueueOfABackorderedSku) {
    AMerchant shop({10s, 0s, "hold_and_tell", 2, 0, false, true});
    bring_to_warehouse(shop);
    add_too_late(shop, mug, 3);
    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    EXPECT_EQ(shop.stock(mug).waiting, 3);
    EXPECT_THAT(shop.incidents(), IsEmpty());
    shop.pass(31s);
    shop.read_warehouse({{mug, 3}});
    EXPECT_EQ(shop.stock(mug).waiting, 0);
    EXPECT_EQ(shop.stock(mug).reserved, 3);
    shop.pass(11s);
    shop.accept("100");
    EXPECT_EQ(shop.stock(mug).committed, 3);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Parts, AreTakenBackWithoutTheFirst) {
    AMerchant shop;
    bring_to_warehouse(shop);
    add_too_late(shop, shirt, 3);
    shop.pass(11s);
    shop.accept("100");
    sagas::OrderDocument changed = shop.order_row("100")->document;
    changed.updated_at += 30s;
    changed.lines.back().current_quantity = changed.lines.back().fulfillable_quantity = 1;
    shop.deliver(eu, "orders/updated", changed);
    shop.due();
    EXPECT_EQ(shop.the_open(activity::cancel_fulfillment).payload.at("reference"), "eu.100.2.1");
    shop.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(shop.stock(shirt).reserved, 1) << "only what was not shipped, and only of this part";
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    shop.pass(11s);
    EXPECT_EQ(shop.the_open(activity::request_fulfillment).payload.at("reference"), "eu.100.2.2");
    shop.accept("100");
    EXPECT_EQ(shop.stock(shirt).committed, 3);

    shop.tell("100", "CancelRequested", {{"by", "customer"}});
    shop.due();
    shop.end(activity::cancel_fulfillment, done({{"found", true}}));
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    EXPECT_EQ(shop.stock(shirt).returning, 1) << "a reading gives it back";
    shop.due();
    EXPECT_EQ(shop.the_open(activity::cancel_fulfillment).payload.at("reference"), "eu.100.1.1");
    shop.end(activity::cancel_fulfillment, ended(OutcomeKind::too_late));
    EXPECT_EQ(shop.state("100"), "FulfillmentRequested");
    EXPECT_EQ(shop.stock(shirt).committed, 2);
    EXPECT_EQ(shop.laws(), "");
}

// The warehouse says that the reference is taken, and shows nobody's order under it. That may be a list that is behind, so
// it is tried again; but not for ever.
TEST(ReferenceConflict, IsTriedSoManyTimesAndThenAPersonIsAsked) {
    AMerchant shop;
    shop.order("100", eu, shirt, 2);
    shop.pass(11s);
    const int most = sagas::default_policies().at(std::string(activity::request_fulfillment)).max_attempts;
    int attempts = 0;
    while (shop.state("100") == "ChannelsSynced" && attempts <= most) {
        ++attempts;
        shop.end(activity::request_fulfillment, ended(OutcomeKind::unknown, "the reference is taken"));
        for (int wait = 0; wait < 100 && shop.state("100") == "ChannelsSynced"; ++wait) {
            const engine::CommandRow request = shop.the_open(activity::request_fulfillment);
            if (request.state == engine::CommandState::sent && !engine::is_given_up(request)) break;
            shop.pass(20s);
        }
    }
    EXPECT_LE(attempts, most);
    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    EXPECT_THAT(shop.incidents(), Contains(HasSubstr("the reference is taken")));
    shop.pass(24h * 3);
    EXPECT_FALSE(shop.has_open(activity::request_fulfillment)) << "nobody asks any more, until a person lets it go on";
    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    EXPECT_EQ(shop.stock(shirt).reserved, 2) << "it may be there: its stock stays";
    EXPECT_EQ(shop.laws(), "");
}

// Somebody else's order under our reference: asking again cannot help.
TEST(ReferenceConflict, WithAnotherOrderAsksAPersonAtOnce) {
    AMerchant shop;
    shop.order("100", eu, shirt, 2);
    shop.pass(11s);
    sagas::Outcome taken = ended(OutcomeKind::refused, "the reference is taken: 5 units");
    taken.payload = {{"conflict", true}, {"messages", json::array({taken.reason})}};
    shop.end(activity::request_fulfillment, taken);
    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    EXPECT_FALSE(shop.has_open(activity::request_fulfillment));
    EXPECT_THAT(shop.incidents(), Contains(HasSubstr("exists with other content")));
    // A person who lets it go on gets one answer more, not a loop.
    shop.tell("100", "OperatorRetried");
    shop.due();
    shop.end(activity::request_fulfillment, taken);
    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    shop.pass(24h * 3);
    EXPECT_FALSE(shop.has_open(activity::request_fulfillment));
}

}  // namespace
}  // namespace ordersaga::orders
