// What stores tell about orders: create-or-merge on any topic, in any sequence, each fact once.
#include "orchestrator/orders/intake.hpp"

#include "tests/unit/orders/a_merchant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace ordersaga::orders {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Kind = engine::InputResult::Kind;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
namespace activity = sagas::activity;

struct Told {
    std::string topic;
    sagas::OrderDocument document;
};

// One order's life as a store tells it: placed unpaid, paid, one unit edited away, one refunded, cancelled with the rest.
std::vector<Told> a_life(bool cancelled) {
    std::vector<Told> life;
    sagas::OrderDocument order = an_order("100", eu, shirt, 5);
    order.financial_status = "pending";
    life.push_back({"orders/create", order});
    order.financial_status = "paid";
    order.updated_at += 10s;
    life.push_back({"orders/paid", order});
    order.lines[0].current_quantity = order.lines[0].fulfillable_quantity = 4;
    order.updated_at += 10s;
    life.push_back({"orders/updated", order});
    order.refunds.push_back({"900", {{"1001", 1, "cancel", "4"}}});
    order.lines[0].current_quantity = order.lines[0].fulfillable_quantity = 3;
    order.financial_status = "partially_refunded";
    order.updated_at += 10s;
    life.push_back({"orders/updated", order});
    if (!cancelled) return life;
    order.refunds.push_back({"901", {{"1001", 3, "cancel", "4"}}});
    order.lines[0].current_quantity = order.lines[0].fulfillable_quantity = 0;
    order.financial_status = "refunded";
    order.cancelled_at = order.updated_at + 10s;
    order.updated_at += 10s;
    life.push_back({"orders/cancelled", order});
    return life;
}

// Everything a store could tell has been told; now the saga has its time.
void settle(AMerchant& shop) {
    for (int round = 0; round < 6; ++round) {
        for (StoreId store : {eu, us}) {
            if (!shop.flush_of(store).empty()) shop.flush_done(store);
        }
        shop.pass(11s);
    }
}

class EverySequence : public testing::TestWithParam<bool> {};

// S28: a cancel after a partial refund failed, or gave back too much (Sylius RefundPlugin #418).
// S38: an update that came before its order was lost (shopify-app-js #603, frappe PR #425).
TEST_P(EverySequence, OfTheSameTopicsEndsTheSame) {
    const std::vector<Told> life = a_life(GetParam());
    std::vector<std::size_t> sequence(life.size());
    for (std::size_t i = 0; i < life.size(); ++i)
        sequence[i] = i;
    int sequences = 0;
    do {
        AMerchant shop;
        std::string told;
        for (std::size_t i : sequence) {
            shop.deliver(eu, life[i].topic, life[i].document);
            shop.pass(1s);
            told += std::to_string(i) + " ";
        }
        SCOPED_TRACE(told);
        settle(shop);
        const OrderRow& row = *shop.order_row("100");
        EXPECT_EQ(row.document, without_person(life.back().document));
        EXPECT_EQ(shop.listing(eu, shirt).believed, GetParam() ? 10 : 7);
        EXPECT_EQ(shop.listing(us, shirt).believed, GetParam() ? 10 : 7);
        EXPECT_EQ(shop.stock(shirt).available, GetParam() ? 10 : 7);
        EXPECT_EQ(shop.state("100"), GetParam() ? "Compensated" : "ChannelsSynced");
        if (!GetParam()) {
            EXPECT_EQ(shop.the_open(activity::request_fulfillment).payload.at("lines")[0].at("quantity"), 3);
        }
        EXPECT_EQ(shop.laws(), "");
        if (HasFailure()) return;
        ++sequences;
    } while (std::next_permutation(sequence.begin(), sequence.end()));
    EXPECT_EQ(sequences, GetParam() ? 120 : 24);
}

INSTANTIATE_TEST_SUITE_P(Intake, EverySequence, testing::Values(false, true), [](const auto& choice) {
    return choice.param ? "Cancelled" : "GoingOn";
});

// Stores tell whole seconds, so that two words of one second do not say which is the newer.
TEST(Intake, ACancelIsNotForgottenForAnotherWordOfItsSecond) {
    AMerchant shop;
    const std::vector<Told> life = a_life(true);
    sagas::OrderDocument before = life[3].document;
    before.updated_at = life[4].document.updated_at;
    shop.deliver(eu, life[4].topic, life[4].document);
    shop.deliver(eu, life[3].topic, before);
    EXPECT_EQ(shop.order_row("100")->document, without_person(life[4].document));
}

TEST(Intake, OfTwoWordsOfOneSecondTheStoreIsAskedWhichHolds) {
    AMerchant shop;
    const sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    sagas::OrderDocument edited = order;
    edited.lines[0].current_quantity = edited.lines[0].fulfillable_quantity = 2;
    shop.deliver(eu, "orders/updated", edited);
    EXPECT_FALSE(shop.has_open(activity::read_order));
    shop.deliver(eu, "orders/create", order);
    EXPECT_EQ(shop.the_open(activity::read_order).payload.at("order_id"), "100");
    shop.end(activity::read_order, done({{"order", to_json(edited)}}));
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_FALSE(shop.has_open(activity::read_order)) << "what was read holds";
}

TEST(Intake, OfAWholeLifeInOneBatchEndsTheSame) {
    AMerchant shop;
    std::vector<engine::Input> inputs;
    for (const Told& told : a_life(true)) {
        Delivery delivery = shop.delivery(eu, told.topic, "100");
        delivery.order = told.document;
        inputs.push_back({engine::Arrival{merchant, delivery, {}}, [](const engine::InputResult& result) {
                              EXPECT_EQ(result.kind, Kind::applied);
                          }});
    }
    ASSERT_TRUE(shop.engine->run(inputs));
    settle(shop);
    EXPECT_EQ(shop.state("100"), "Compensated");
    EXPECT_EQ(shop.stock(shirt).available, 10);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 10);
    EXPECT_EQ(shop.laws(), "");
}

// --- repeats ---------------------------------------------------------------------------------------------------------------------

TEST(Intake, KnowsAWebhookByItsId) {
    AMerchant shop;
    Delivery delivery = shop.delivery(eu, "orders/create", "100");
    delivery.order = an_order("100", eu, shirt, 2);
    EXPECT_EQ(shop.deliver(delivery).kind, Kind::applied);
    EXPECT_EQ(shop.deliver(delivery).kind, Kind::duplicate);
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 8);
    EXPECT_EQ(shop.store.tables().receipts.size(), 1U);
}

TEST(Intake, KnowsAnOrderThatThePollBringsAgain) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 2);
    shop.deliver(eu, "orders/create", order);
    const std::int64_t version = shop.saga("100").version;
    EXPECT_EQ(shop.poll(eu, {order}).kind, Kind::applied);
    shop.deliver(eu, "orders/updated", order);
    EXPECT_EQ(shop.saga("100").version, version) << "nothing new, no line";
    EXPECT_EQ(shop.listing(eu, shirt).believed, 8);
}

TEST(Intake, ThePollBringsWhatNoWebhookTold) {
    AMerchant shop;
    EXPECT_EQ(shop.poll(us, {an_order("100", us, shirt, 2), an_order("101", us, shirt, 1)}).kind, Kind::applied);
    EXPECT_EQ(shop.stock(shirt).reserved, 3);
    EXPECT_EQ(shop.listing(us, shirt).believed, 7);
    EXPECT_EQ(shop.state("101"), "Reserved");
}

// --- refunds and edits -------------------------------------------------------------------------------------------------------------

json refund_body(const std::string& refund_id, const std::string& type, int quantity, std::int64_t location = 4) {
    return {
        {"id", std::stoll(refund_id)},
        {"order_id", 100},
        {"refund_line_items",
         json::array(
             {{{"line_item_id", 1001}, {"quantity", quantity}, {"restock_type", type}, {"location_id", location}}})}};
}

// S39: what came about an order that nobody knew yet was answered and forgotten (statamic-cargo #190).
TEST(Intake, ARefundThatComesBeforeItsOrderIsNotForgotten) {
    AMerchant shop;
    EXPECT_EQ(shop.refund(eu, "100", refund_body("900", "cancel", 1)).kind, Kind::ignored);
    shop.deliver(eu, "orders/create", an_order("100", eu, shirt, 3));
    EXPECT_EQ(shop.data("100").lines[0].wanted, 2) << "the document does not know of it yet";
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 8);
}

TEST(Intake, ARefundAndTheDocumentThatContainsItCountOnce) {
    AMerchant shop;
    shop.deliver(eu, "orders/create", an_order("100", eu, shirt, 3));
    shop.refund(eu, "100", refund_body("900", "cancel", 1));
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 8);
    sagas::OrderDocument updated = an_order("100", eu, shirt, 3);
    updated.updated_at += 10s;
    updated.refunds.push_back({"900", {{"1001", 1, "cancel", "4"}}});
    updated.lines[0].current_quantity = updated.lines[0].fulfillable_quantity = 2;
    shop.deliver(eu, "orders/updated", updated);
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 8);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Intake, ARefundMovesTheStoresNumberOnlyWhenItRestocksHere) {
    for (const auto& [type, location, believed] : std::vector<std::tuple<std::string, std::int64_t, std::int64_t>>{
             {"cancel", 4, 8}, {"return", 4, 8}, {"legacy_restock", 4, 8}, {"no_restock", 4, 7}, {"return", 5, 7}}) {
        AMerchant shop;
        shop.deliver(eu, "orders/create", an_order("100", eu, shirt, 3));
        shop.refund(eu, "100", refund_body("900", type, 1, location));
        EXPECT_EQ(shop.listing(eu, shirt).believed, believed) << type << " at " << location;
        EXPECT_EQ(shop.stock(shirt).reserved, 2) << "less is wanted in any case";
    }
}

TEST(Intake, ARefundOfEverythingIsACancel) {
    AMerchant shop;
    shop.deliver(eu, "orders/create", an_order("100", eu, shirt, 3));
    shop.refund(eu, "100", refund_body("900", "cancel", 3));
    EXPECT_EQ(shop.state("100"), "RevertingChannels");
    EXPECT_EQ(shop.data("100").cancel_by, "refunded");
    EXPECT_EQ(shop.stock(shirt).available, 10);
}

TEST(Intake, AnEditedLineMovesTheStoresNumberByItsDifference) {
    AMerchant shop;
    shop.deliver(eu, "orders/create", an_order("100", eu, shirt, 3));
    sagas::OrderDocument more = an_order("100", eu, shirt, 5);
    more.updated_at += 10s;
    more.lines.push_back(a_line("1002", eu, mug, 2));
    shop.deliver(eu, "orders/updated", more);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 5);
    EXPECT_EQ(shop.listing(eu, mug).believed, 8);
    EXPECT_EQ(shop.stock(shirt).reserved, 5);
    EXPECT_EQ(shop.stock(mug).reserved, 2);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Intake, OrdersEditedIsReadAgainBecauseItsBodyHoldsOnlyDifferences) {
    AMerchant shop;
    shop.deliver(eu, "orders/create", an_order("100", eu, shirt, 3));
    shop.deliver(shop.delivery(eu, "orders/edited", "100"));
    EXPECT_EQ(shop.the_open(activity::read_order).payload.at("order_id"), "100");
    sagas::OrderDocument edited = an_order("100", eu, shirt, 4);
    edited.updated_at += 10s;
    shop.end(activity::read_order, done({{"order", to_json(edited)}}));
    EXPECT_EQ(shop.stock(shirt).reserved, 4);
    shop.deliver(shop.delivery(eu, "orders/edited", "100"));
    EXPECT_EQ(shop.end(activity::read_order, done({{"order", nullptr}})).kind, Kind::applied) << "gone meanwhile";
}

// S39: the same for the end of an order that nobody knew yet (statamic-cargo #190).
TEST(Intake, ADeletedOrderIsCancelled) {
    AMerchant shop;
    shop.deliver(eu, "orders/create", an_order("100", eu, shirt, 3));
    shop.deliver(shop.delivery(eu, "orders/delete", "100"));
    EXPECT_EQ(shop.state("100"), "RevertingChannels");
    EXPECT_EQ(shop.data("100").cancel_by, "deleted");

    shop.deliver(shop.delivery(eu, "orders/delete", "101"));
    shop.deliver(eu, "orders/create", an_order("101", eu, shirt, 3));
    EXPECT_EQ(shop.state("101"), "RevertingChannels") << "deleted before it was heard of";
    EXPECT_EQ(shop.stock(shirt).available, 10);
}

// --- orders that are not for us --------------------------------------------------------------------------------------------------------

TEST(Intake, AnOrderFromATillMovesNothing) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.location_id = "77";
    engine::InputResult result = shop.deliver(eu, "orders/create", order);
    EXPECT_EQ(result.kind, Kind::ignored);
    EXPECT_EQ(shop.order_row("100")->reason, "taken at another location");
    EXPECT_EQ(shop.listing(eu, shirt).believed, 10);
    EXPECT_EQ(shop.stock(shirt).available, 10);
}

TEST(Intake, AnOrderFromOurOwnLocationIsOurs) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.location_id = "4";
    shop.deliver(eu, "orders/create", order);
    EXPECT_EQ(shop.stock(shirt).reserved, 3);
}

TEST(Intake, AnOrderFromBeforeWeWentLiveIsRecordedOnly) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.created_at = start - 48h;
    EXPECT_EQ(shop.deliver(eu, "orders/updated", order).kind, Kind::ignored);
    EXPECT_THAT(shop.order_row("100")->reason, HasSubstr("went live"));
    EXPECT_EQ(shop.listing(eu, shirt).believed, 10) << "part of the opening belief";
    order.updated_at += 10s;
    order.financial_status = "refunded";
    EXPECT_EQ(shop.deliver(eu, "orders/updated", order).kind, Kind::ignored) << "and stays so";
}

TEST(Intake, ATestOrderStartsNothingButTheStoresNumberMoves) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.test = true;
    EXPECT_EQ(shop.deliver(eu, "orders/create", order).kind, Kind::ignored);
    EXPECT_EQ(shop.stock(shirt).available, 10);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 7);
    EXPECT_THAT(shop.flush_of(eu), Contains(testing::Pair(11, 3))) << "and is put right";
}

TEST(Intake, AskForNothingOfGiftCardsAndServices) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 1);
    sagas::OrderLine card = a_line("1002", eu, mug, 1);
    card.gift_card = true;
    sagas::OrderLine service = a_line("1003", eu, mug, 1);
    service.requires_shipping = false;
    order.lines.push_back(card);
    order.lines.push_back(service);
    shop.deliver(eu, "orders/create", order);
    EXPECT_EQ(shop.data("100").lines.size(), 1U);
    EXPECT_EQ(shop.stock(mug).reserved, 0);
}

TEST(Intake, AnOrderThatSomebodyElseFulfilledAsksAPerson) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.fulfillment_status = "fulfilled";
    order.lines[0].fulfillable_quantity = 0;
    shop.deliver(eu, "orders/create", order);
    EXPECT_EQ(shop.state("100"), "NeedsOperator");
    EXPECT_EQ(shop.stock(shirt).reserved, 0);
    shop.tell("100", "OperatorRetried");
    EXPECT_EQ(shop.state("100"), "Completed") << "nothing is left to ship";
}

TEST(Intake, RequestsOnlyWhatIsStillToBeFulfilled) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.lines[0].fulfillable_quantity = 1;
    shop.deliver(eu, "orders/create", order);
    EXPECT_EQ(shop.stock(shirt).reserved, 1);
    EXPECT_EQ(shop.listing(eu, shirt).believed, 7) << "all three were sold";
}

// --- whom it goes to is kept apart

TEST(Intake, KeepsThePersonApartAndNowhereElse) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.email = "ada@example.com";
    shop.deliver(eu, "orders/create", order);

    const PersonalRow* person = shop.store.tables().people.find({merchant, eu, "100"});
    ASSERT_NE(person, nullptr);
    EXPECT_EQ(person->saga_id, shop.saga("100").key.saga_id);
    EXPECT_EQ(person->recipient.at("name"), "Ada");
    EXPECT_EQ(person->recipient.at("email"), "ada@example.com");
    EXPECT_EQ(shop.order_row("100")->document, without_person(order));
    EXPECT_EQ(shop.saga("100").data.dump().find("High Street"), std::string::npos);
}

// A poll brings the address each time; what is kept has none.
TEST(Intake, APollThatOnlyRepeatsThePersonChangesNothing) {
    AMerchant shop;
    const sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    shop.deliver(eu, "orders/create", order);
    const std::int64_t version = shop.saga("100").version;
    shop.poll(eu, {order});
    EXPECT_EQ(shop.saga("100").version, version);
    EXPECT_EQ(shop.store.tables().people.size(), 1U);
}

TEST(Intake, AnOrderWithoutASagaKeepsNoPerson) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.test = true;
    shop.deliver(eu, "orders/create", order);
    EXPECT_EQ(shop.store.tables().people.size(), 0U);
    EXPECT_FALSE(shop.order_row("100")->document.shipping_address.has_value());
}

TEST(Intake, APrivacyRequestIsKeptAndADataRequestAsksAPerson) {
    AMerchant shop;
    Delivery redact = shop.delivery(eu, "customers/redact", "");
    redact.privacy = PrivacyRequest{merchant, eu, "customer", "", {"100"}};
    shop.deliver(redact);
    EXPECT_THAT(shop.incidents(), testing::IsEmpty());
    Delivery asked = shop.delivery(eu, "customers/data_request", "");
    asked.privacy = PrivacyRequest{merchant, eu, "data_request", "9999", {"100"}};
    shop.deliver(asked);

    EXPECT_EQ(shop.store.tables().privacy.size(), 2U);
    EXPECT_THAT(shop.incidents(), testing::ElementsAre("a customer asks for their data"));
}

// --- what is missing holds ------------------------------------------------------------------------------------------------------------

TEST(Intake, AnIncompleteOrderIsHeld) {
    struct Case {
        const char* hold;
        void (*spoil)(sagas::OrderDocument&);
    };
    for (const Case& one :
         {Case{
              "unpaid",
              [](sagas::OrderDocument& order) {
                  order.financial_status = "authorized";
              }},
          Case{
              "unpaid",
              [](sagas::OrderDocument& order) {
                  order.financial_status = "partially_paid";
              }},
          Case{
              "no_address",
              [](sagas::OrderDocument& order) {
                  order.shipping_address.reset();
              }},
          Case{
              "ship_method",
              [](sagas::OrderDocument& order) {
                  order.ship_method = "Drone";
              }},
          Case{"unmapped", [](sagas::OrderDocument& order) {
                   order.lines[0].variant_id = "9999";
               }}}) {
        AMerchant shop;
        sagas::OrderDocument order = an_order("100", eu, shirt, 3);
        one.spoil(order);
        shop.deliver(eu, "orders/create", order);
        EXPECT_EQ(shop.state("100"), "OnHold") << one.hold;
        EXPECT_THAT(shop.data("100").holds, testing::ElementsAre(one.hold));
        EXPECT_EQ(shop.stock(shirt).reserved, std::string(one.hold) == "unmapped" ? 0 : 3);
        EXPECT_EQ(shop.laws(), "");
    }
}

// Neither another line's method nor a star, which was a default once, is what the customer has paid for.
TEST(Intake, AShippingLineWithoutAMappingIsAnIncidentAndHasNoDefault) {
    AMerchant shop;
    StoreRow store = shop.store.tables().stores.at({merchant, eu});
    store.ship_methods = {{"Standard", "Ground"}, {"*", "Ground"}};
    shop.store.add_store(store);
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.ship_method = "Drone";

    shop.deliver(eu, "orders/create", order);
    shop.due();

    EXPECT_EQ(shop.state("100"), "OnHold");
    EXPECT_EQ(shop.data("100").ship_method, "");
    EXPECT_EQ(shop.data("100").ship_line, "Drone");
    EXPECT_THAT(shop.incidents(), testing::ElementsAre("a shipping line has no ship method"));
}

TEST(Intake, AnOrderWithoutAShippingLineIsMappedByTheEmptyTitle) {
    AMerchant shop;
    StoreRow store = shop.store.tables().stores.at({merchant, eu});
    store.ship_methods = {{"", "Ground"}};
    shop.store.add_store(store);
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.ship_method.clear();

    shop.deliver(eu, "orders/create", order);

    EXPECT_EQ(shop.data("100").ship_method, "Ground");
}

TEST(Intake, APaymentLetsAHeldOrderGo) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 3);
    order.financial_status = "pending";
    shop.deliver(eu, "orders/create", order);
    order.financial_status = "paid";
    order.updated_at += 10s;
    shop.deliver(eu, "orders/paid", order);
    shop.due();
    EXPECT_EQ(shop.state("100"), "Reserved");
    EXPECT_EQ(shop.stock(shirt).reserved, 3);
}

TEST(Intake, ALineWithoutVariantIsFoundByItsSku) {
    AMerchant shop;
    sagas::OrderDocument order = an_order("100", eu, shirt, 2);
    order.lines[0].variant_id.clear();
    order.lines[0].sku = "SHIRT";
    shop.deliver(eu, "orders/create", order);
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
}

TEST(Intake, ABundleReservesItsParts) {
    AMerchant shop;
    shop.deliver(eu, "orders/create", an_order("100", eu, gift_set, 2));
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.stock(mug).reserved, 4);
    EXPECT_EQ(shop.listing(eu, gift_set).believed, 3);
}

// --- fulfilments, faults, the unknown ------------------------------------------------------------------------------------------------------

TEST(Intake, AFulfillmentMadeElsewhereStopsTheOrder) {
    AMerchant shop;
    shop.order("100", eu, shirt, 1);
    Delivery fulfilled = shop.delivery(eu, "fulfillments/create", "100");
    fulfilled.body = {{"id", 555}, {"order_id", 100}, {"status", "success"}};
    shop.deliver(std::move(fulfilled));
    EXPECT_EQ(shop.state("100"), "NeedsOperator");

    shop.order("101", eu, shirt, 1);
    Delivery cancelled = shop.delivery(eu, "fulfillments/update", "101");
    cancelled.body = {{"id", 556}, {"order_id", 101}, {"status", "cancelled"}};
    shop.deliver(std::move(cancelled));
    EXPECT_EQ(shop.state("101"), "Reserved");
}

TEST(Intake, WhatCannotBeUnderstoodIsKeptWithItsReason) {
    AMerchant shop;
    Delivery broken = shop.delivery(eu, "orders/create", "");
    broken.fault = "line_items[0].quantity is not a number";
    engine::InputResult result = shop.deliver(std::move(broken));
    EXPECT_EQ(result.kind, Kind::parked);
    EXPECT_EQ(result.reason, "line_items[0].quantity is not a number");
    EXPECT_EQ(shop.store.tables().receipts.begin()->second.status, ReceiptStatus::parked);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Intake, ABrokenRefundDoesNotSpoilItsBatch) {
    AMerchant shop;
    std::vector<engine::Input> inputs;
    Delivery good = shop.delivery(eu, "orders/create", "100");
    good.order = an_order("100", eu, shirt, 1);
    Delivery broken = shop.delivery(eu, "refunds/create", "100");
    broken.body = {{"id", "not a number"}};
    std::vector<Kind> kinds;
    for (const Delivery& one : {broken, good}) {
        inputs.push_back({engine::Arrival{merchant, one, {}}, [&](const engine::InputResult& result) {
                              kinds.push_back(result.kind);
                          }});
    }
    ASSERT_TRUE(shop.engine->run(inputs));
    EXPECT_THAT(kinds, testing::ElementsAre(Kind::parked, Kind::applied));
    EXPECT_EQ(shop.stock(shirt).reserved, 1);
}

// S41: one order with a deleted product stopped the import of all that came after it (frappe #337).
TEST(Intake, AnOrderOfADeletedProductIsHeldAloneAndTheNextIsTaken) {
    AMerchant shop;
    sagas::OrderDocument deleted = an_order("100", eu, shirt, 1);
    deleted.lines[0].variant_id.clear();
    deleted.lines[0].sku.clear();
    EXPECT_EQ(shop.poll(eu, {deleted, an_order("101", eu, shirt, 2)}).kind, Kind::applied);
    shop.due();
    EXPECT_EQ(shop.state("100"), "OnHold");
    EXPECT_THAT(shop.data("100").holds, testing::ElementsAre("unmapped"));
    EXPECT_THAT(shop.incidents(), testing::ElementsAre("a line's SKU is not mapped"));
    EXPECT_EQ(shop.state("101"), "Reserved");
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.laws(), "");
}

TEST(Intake, AnUnknownTopicIsRecordedAndIgnored) {
    AMerchant shop;
    Delivery unknown = shop.delivery(eu, "carts/create", "");
    unknown.receipt.status = ReceiptStatus::ignored;
    unknown.receipt.reason = "not a topic of ours";
    EXPECT_EQ(shop.deliver(std::move(unknown)).kind, Kind::ignored);
    EXPECT_EQ(shop.store.tables().receipts.size(), 1U);
}

TEST(Intake, AnArrivalThatNobodyKnowsIsParked) {
    AMerchant shop;
    EXPECT_EQ(shop.take_in(std::string("what is this")).kind, Kind::parked);
}

TEST(Intake, APollThatHoldsABrokenOrderKeepsTheOthers) {
    AMerchant shop;
    engine::DutyRow duty;
    duty.merchant = merchant;
    duty.duty = duty::poll_orders;
    duty.subject = "store:1";
    duty.next_due = start;
    shop.store.add_duty(duty);
    shop.due();
    const engine::CommandRow poll = shop.the_open(activity::poll_orders);
    json orders = json::array({{{"order_id", 7}}, to_json(an_order("100", eu, shirt, 2))});
    shop.end(poll, done({{"orders", orders}, {"polled_until", runtime::format_rfc3339(start)}, {"complete", true}}));
    EXPECT_EQ(shop.stock(shirt).reserved, 2);
    EXPECT_EQ(shop.store.tables().parked.size(), 1U);

    shop.pass(61s);
    const engine::CommandRow next = shop.the_open(activity::poll_orders);
    EXPECT_EQ(next.payload.at("orders_since"), runtime::format_rfc3339(start - 5min))
        << "from the watermark, with an overlap";
}

}  // namespace
}  // namespace ordersaga::orders
