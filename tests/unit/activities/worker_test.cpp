// The worker without a broker: deliveries in, outcomes out, acks only after the confirm.
#include "tests/unit/activities/worker_fixture.hpp"

#include <gmock/gmock.h>

#include <set>

namespace ordersaga::activities {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(WorkerTest, AnswersWithTheCommandsOwnTokenAndAcksOnlyAfterTheConfirm) {
    peer.will(answer(201, warehouse_order));

    deliver(delivery(command(sagas::activity::request_fulfillment, fulfillment_payload), 1));

    ASSERT_EQ(published.size(), 1U);
    EXPECT_EQ(published[0].exchange, "ordersaga.outcomes");
    EXPECT_EQ(published[0].routing_key, "outcome.5");
    const broker::Envelope envelope = broker::decode(published[0].body).value();
    EXPECT_EQ(envelope.kind, broker::EnvelopeKind::outcome);
    EXPECT_EQ(envelope.attempt_token, "token-1");
    EXPECT_EQ(envelope.attempt, 3);
    EXPECT_EQ(envelope.saga_id, "saga-1");
    EXPECT_EQ(outcome(0).kind, OutcomeKind::done);
    EXPECT_EQ(outcome(0).payload.at("view").at("warehouse_order_id"), "900");
    EXPECT_THAT(acked, IsEmpty());

    confirm(0);
    EXPECT_THAT(acked, ElementsAre(1));
    EXPECT_EQ(worker->in_work(), 0U);
}

TEST_F(WorkerTest, PassesTheTraceOnWithASpanOfItsOwn) {
    peer.will(answer(201, warehouse_order));
    deliver(delivery(command(sagas::activity::request_fulfillment, fulfillment_payload), 1));

    const std::string sent = *runtime::find_header(peer.calls.at(0).headers, "traceparent");
    EXPECT_THAT(sent, HasSubstr("0af7651916cd43dd8448eb211c80319c"));
    EXPECT_THAT(sent, testing::Not(HasSubstr("b7ad6b7169203331")));
    EXPECT_EQ(peer.calls[0].total_timeout, std::chrono::seconds(5));
}

TEST_F(WorkerTest, PublishesAgainUnderTheSameIdUntilItIsConfirmed) {
    peer.will(answer(201, warehouse_order));
    deliver(delivery(command(sagas::activity::request_fulfillment, fulfillment_payload), 1));

    confirm(0, broker::PublishStatus::nacked);
    ASSERT_TRUE(wait_for([&] { return published.size() == 2; }));
    EXPECT_EQ(published[0].message_id, published[1].message_id);
    EXPECT_THAT(acked, IsEmpty());

    confirm(1);
    EXPECT_THAT(acked, ElementsAre(1));
    EXPECT_EQ(peer.calls.size(), 1U);
}

TEST_F(WorkerTest, WaitsForRoomInThePublisher) {
    peer.will(answer(201, warehouse_order));
    room = false;
    deliver(delivery(command(sagas::activity::request_fulfillment, fulfillment_payload), 1));
    EXPECT_THAT(published, IsEmpty());

    room = true;
    EXPECT_TRUE(wait_for([&] { return published.size() == 1; }));
}

// The broker gives a command out again while the first copy waits for its confirm (a channel was lost).
TEST_F(WorkerTest, DeliveryOfACommandInWorkIsNotRunTwice) {
    peer.will(answer(201, warehouse_order));
    const broker::Envelope envelope = command(sagas::activity::request_fulfillment, fulfillment_payload);
    deliver(delivery(envelope, 1));
    deliver(delivery(envelope, 2, true));
    EXPECT_EQ(published.size(), 1U);

    confirm(0);
    EXPECT_THAT(acked, ElementsAre(1, 2));
    EXPECT_EQ(peer.calls.size(), 1U);
}

TEST_F(WorkerTest, DeliveryOfAFinishedCommandIsAnsweredFromMemory) {
    peer.will(answer(201, warehouse_order));
    const broker::Envelope envelope = command(sagas::activity::request_fulfillment, fulfillment_payload);
    deliver(delivery(envelope, 1));
    confirm(0);

    deliver(delivery(envelope, 2, true));
    ASSERT_EQ(published.size(), 2U);
    EXPECT_EQ(published[0].message_id, published[1].message_id);
    confirm(1);
    EXPECT_THAT(acked, ElementsAre(1, 2));
    EXPECT_EQ(peer.calls.size(), 1U);
}

// Another worker may have sent it and died: look before writing.
TEST_F(WorkerTest, RedeliveredCreateLooksFirst) {
    peer.will(answer(200, json::array({warehouse_order})));
    deliver(delivery(command(sagas::activity::request_fulfillment, fulfillment_payload), 1, true));

    ASSERT_EQ(peer.calls.size(), 1U);
    EXPECT_EQ(peer.calls[0].method, "GET");
    EXPECT_EQ(outcome(0).kind, OutcomeKind::done);
}

TEST_F(WorkerTest, LookupFirstOfTheCommandIsObeyed) {
    json payload = fulfillment_payload;
    payload["lookup_first"] = true;
    peer.will(answer(200, json::array({warehouse_order})));
    deliver(delivery(command(sagas::activity::request_fulfillment, payload), 1));

    EXPECT_EQ(peer.calls.at(0).method, "GET");
}

// "Surely nothing happened" is more than a worker knows about what another one did with the same attempt.
TEST_F(WorkerTest, RedeliveredWriteThatFailsIsUnknown) {
    peer.will(refused_connection());
    deliver(delivery(command(sagas::activity::request_fulfillment, fulfillment_payload), 1, true));
    EXPECT_EQ(outcome(0).kind, OutcomeKind::unknown);
}

TEST_F(WorkerTest, RedeliveredReadThatFailsIsRetryable) {
    peer.will(refused_connection());
    const json payload{{"warehouse", "main"}, {"reference", "eu.1.1.1"}};
    deliver(delivery(command(sagas::activity::find_fulfillment, payload), 1, true));
    EXPECT_EQ(outcome(0).kind, OutcomeKind::retryable);
}

TEST_F(WorkerTest, ExpiredCommandIsAnsweredWithoutACall) {
    broker::Envelope envelope = command(sagas::activity::request_fulfillment, fulfillment_payload);
    envelope.deadline = *clock.time;
    deliver(delivery(envelope, 1));

    EXPECT_TRUE(peer.calls.empty());
    EXPECT_EQ(outcome(0).kind, OutcomeKind::retryable);
    EXPECT_THAT(outcome(0).reason, HasSubstr("deadline"));
}

TEST_F(WorkerTest, WriteIsNotSentAfterSendBefore) {
    broker::Envelope envelope = command(sagas::activity::request_fulfillment, fulfillment_payload);
    envelope.send_before = *clock.time - std::chrono::seconds(1);
    deliver(delivery(envelope, 1));

    EXPECT_TRUE(peer.calls.empty());
    EXPECT_EQ(outcome(0).kind, OutcomeKind::retryable);
    EXPECT_THAT(outcome(0).reason, HasSubstr("send_before"));
}

TEST_F(WorkerTest, MessageThatIsNoCommandGoesToTheDeadLetters) {
    broker::Delivery garbage;
    garbage.handle = {1, 1};
    garbage.body = "not JSON";
    deliver(garbage);
    broker::Envelope outcome_envelope = command(sagas::activity::read_order, json::object());
    outcome_envelope.kind = broker::EnvelopeKind::outcome;
    deliver(delivery(outcome_envelope, 2));
    broker::Envelope unanswerable = command(sagas::activity::read_order, json::object());
    unanswerable.reply_to.clear();
    deliver(delivery(unanswerable, 3));

    EXPECT_THAT(rejected, ElementsAre(1, 2, 3));
    EXPECT_THAT(published, IsEmpty());
}

TEST_F(WorkerTest, BrokenPayloadsAreRefusedWithTheirFault) {
    const std::vector<std::pair<std::string, json>> cases{
        {"NoSuchActivity", json::object()},
        {"ReadOrder", json::object()},
        {"ReadOrder", {{"store", "eu"}}},
        {"FlushStock", {{"store", "eu"}, {"body", 7}}},
        {"QuietRead", {{"store", "eu"}, {"listings", {{{"listing_id", 1}}}}, {"orders_since", "2026-11-01T00:00:00Z"}}},
        {"PollOrders", {{"store", "eu"}, {"orders_since", "yesterday"}}},
        {"RequestFulfillment", {{"warehouse", "main"}}},
        {"RequestFulfillment", {{"warehouse", "main"}, {"reference", "r"}, {"lines", "none"}}},
        {"CreateStoreFulfillment",
         {{"store", "eu"}, {"order_id", "1"}, {"lines", {{{"line_id", "1"}, {"quantity", "x"}}}}}},
    };
    for (std::size_t i = 0; i < cases.size(); ++i) {
        broker::Envelope envelope = command(cases[i].first, cases[i].second);
        envelope.attempt_token = "token-" + std::to_string(i + 10);
        deliver(delivery(envelope, i + 1));
        ASSERT_EQ(published.size(), i + 1) << cases[i].first;
        EXPECT_EQ(outcome(i).kind, OutcomeKind::refused) << cases[i].first << " " << cases[i].second;
        EXPECT_FALSE(outcome(i).reason.empty());
    }
    EXPECT_TRUE(peer.calls.empty());
}

TEST_F(WorkerTest, UnknownStoreAndWarehouseBlockTheirLane) {
    broker::Envelope envelope = command(sagas::activity::read_order, {{"store", "xx"}, {"order_id", "1"}});
    deliver(delivery(envelope, 1));
    EXPECT_EQ(outcome(0).kind, OutcomeKind::blocked);
    envelope = command(sagas::activity::find_fulfillment, {{"warehouse", "xx"}, {"reference", "r"}});
    envelope.attempt_token = "token-2";
    deliver(delivery(envelope, 2));
    EXPECT_EQ(outcome(1).kind, OutcomeKind::blocked);
}

TEST_F(WorkerTest, TellsThePeersBudget) {
    peer.will(answer(200, json::array(), {{"x-remaining-calls", "17"}}));
    deliver(delivery(command(sagas::activity::find_fulfillment, {{"warehouse", "main"}, {"reference", "r"}}), 1));
    EXPECT_EQ(outcome(0).tokens_left, 17);

    peer.will(answer(200, json::parse(R"({"data":{"order":null},"extensions":{"cost":{"actualQueryCost":1,
      "throttleStatus":{"maximumAvailable":2000.0,"currentlyAvailable":1999,"restoreRate":100.0}}}})")));
    broker::Envelope envelope = command(sagas::activity::read_order, {{"store", "eu"}, {"order_id", "1"}});
    envelope.attempt_token = "token-2";
    deliver(delivery(envelope, 2));
    EXPECT_EQ(outcome(1).tokens_left, 1999);
    EXPECT_EQ(outcome(1).tokens_per_second, 100);
    EXPECT_EQ(outcome(1).tokens_capacity, 2000);
}

TEST_F(WorkerTest, TheAddressIsReadBySagaAndNotCarriedByTheCommand) {
    peer.will(answer(201, warehouse_order));
    deliver(delivery(command(sagas::activity::request_fulfillment, fulfillment_payload), 1));

    EXPECT_THAT(recipient->asked, ElementsAre("1/saga-1"));
    ASSERT_FALSE(peer.calls.empty());
    EXPECT_THAT(peer.calls.back().body, HasSubstr("1 Street"));
}

// Asked of the warehouse is nothing then; what the saga hears decides how it goes on.
TEST_F(WorkerTest, WithoutAnAddressNothingIsAskedOfTheWarehouse) {
    using Kind = Recipients::Answer::Kind;
    const std::pair<Kind, OutcomeKind> cases[] = {
        {Kind::erased, OutcomeKind::refused},
        {Kind::unavailable, OutcomeKind::retryable},
        {Kind::unopened, OutcomeKind::blocked}};
    for (std::size_t i = 0; i < std::size(cases); ++i) {
        recipient->answer = {cases[i].first, "why"};
        broker::Envelope envelope = command(sagas::activity::request_fulfillment, fulfillment_payload);
        envelope.attempt_token = "token-" + std::to_string(i + 10);
        deliver(delivery(envelope, i + 1));
        ASSERT_EQ(published.size(), i + 1);
        EXPECT_EQ(outcome(i).kind, cases[i].second);
        EXPECT_THAT(outcome(i).reason, HasSubstr("why"));
    }
    EXPECT_TRUE(peer.calls.empty());
}

TEST_F(WorkerTest, SecretsAndAddressesStayOutOfTheLog) {
    peer.will(answer(401, json{{"message", "bad token"}}));
    deliver(delivery(command(sagas::activity::request_fulfillment, fulfillment_payload), 1));

    EXPECT_EQ(outcome(0).kind, OutcomeKind::blocked);
    EXPECT_TRUE(log.contains("saga-1"));
    EXPECT_TRUE(log.contains("0af7651916cd43dd8448eb211c80319c"));
    for (const char* secret : {"wms-secret", "shpat_secret", "1 Street"})
        EXPECT_FALSE(log.contains(secret)) << secret;
}

// ------------------------------------------------------------------------------------- outcomes of the warehouse

sagas::Outcome performed(CommandRunner& runner, broker::Envelope envelope) {
    return run(runner.run(envelope, false));
}

TEST_F(WorkerTest, DocumentsOfOrdersTravelSealedForTheirAttempt) {
    WorkerConfig config = a_config();
    config.credential_keys = runtime::KeyRing::parse(runtime::new_key_line()).value();
    CommandRunner sealing{config, peer, clock, random, recipient};
    peer.will(answer(200, json::parse(R"({"data":{"order":{"id":"gid://shopify/Order/1","name":"#1",
      "createdAt":"2026-11-01T10:00:00Z","updatedAt":"2026-11-01T10:00:00Z","email":"jon@example.com",
      "shippingAddress":{"name":"Jon Doe","address1":"1 Street"},"lineItems":{"nodes":[]}}}})")));

    const sagas::Outcome read =
        performed(sealing, command(sagas::activity::read_order, {{"store", "eu"}, {"order_id", "1"}}));

    ASSERT_EQ(read.kind, OutcomeKind::done) << read.reason;
    EXPECT_EQ(read.payload.size(), 1U);
    const std::string sealed = read.payload.at("sealed").get<std::string>();
    EXPECT_EQ(sealed.find("Street"), std::string::npos);
    const json opened = json::parse(config.credential_keys->open_text(sealed, "token-1").value());
    EXPECT_EQ(opened.at("order").at("shipping_address").at("address1"), "1 Street");
    EXPECT_FALSE(config.credential_keys->open_text(sealed, "token-2").ok()) << "copied to another attempt";
}

TEST_F(WorkerTest, ConflictAndCancelledReferenceAreRefusals) {
    json other = warehouse_order;
    other["products"][0]["quantity"] = 9;
    peer.will(answer(422, json::parse(R"({"":["Cannot insert order with existing ReferenceId"]})")));
    peer.will(answer(200, json::array({other})));
    const sagas::Outcome conflict =
        performed(runner, command(sagas::activity::request_fulfillment, fulfillment_payload));
    EXPECT_EQ(conflict.kind, OutcomeKind::refused);
    EXPECT_EQ(conflict.payload.at("conflict"), true);

    json cancelled = warehouse_order;
    cancelled["status"] = "Cancelled";
    peer.will(answer(422, json::parse(R"({"":["Cannot insert order with existing ReferenceId"]})")));
    peer.will(answer(200, json::array({cancelled})));
    const sagas::Outcome refused =
        performed(runner, command(sagas::activity::request_fulfillment, fulfillment_payload));
    EXPECT_EQ(refused.kind, OutcomeKind::refused);
    EXPECT_FALSE(refused.payload.contains("conflict"));
}

TEST_F(WorkerTest, CancelOfAnUnknownReferenceIsDoneAndSaysSo) {
    peer.will(answer(200, json::array()));
    const sagas::Outcome outcome_of_cancel = performed(
        runner, command(sagas::activity::cancel_fulfillment, {{"warehouse", "main"}, {"reference", "eu.1.1.1"}}));

    EXPECT_EQ(outcome_of_cancel.kind, OutcomeKind::done);
    EXPECT_EQ(outcome_of_cancel.payload, json::parse(R"({"found":false})"));
}

TEST_F(WorkerTest, CancelAfterPickingIsTooLate) {
    json picked = warehouse_order;
    picked["shipments"] = json::parse(R"([{"id":1,"status":"Processing","status_details":[{"id":100}]}])");
    peer.will(answer(200, json::array({picked})));
    const sagas::Outcome late = performed(
        runner, command(sagas::activity::cancel_fulfillment, {{"warehouse", "main"}, {"reference", "eu.1.1.1"}}));

    EXPECT_EQ(late.kind, OutcomeKind::too_late);
    EXPECT_EQ(late.payload.at("view").at("cancellable"), "no");
}

TEST_F(WorkerTest, PollTellsViewsAndUntilWhen) {
    json shipped_order = warehouse_order;
    shipped_order["status"] = "Fulfilled";
    shipped_order["shipments"] = json::parse(R"([{"id":1,"status":"Completed","last_update_at":"2026-11-02T10:00:00Z",
      "status_details":[{"id":201}],"tracking":{"tracking_number":"T1","carrier":"USPS","tracking_url":"u"},
      "products":[{"id":11,"sku":"TEE","inventory_items":[{"id":501,"quantity":1}]}]}])");
    peer.will(answer(200, json::array({shipped_order})));
    const sagas::Outcome polled = performed(
        runner,
        command(
            sagas::activity::poll_fulfillments, {{"warehouse", "main"}, {"changed_since", "2026-11-01T00:00:00Z"}}));

    EXPECT_EQ(polled.kind, OutcomeKind::done);
    EXPECT_EQ(polled.payload.at("changed_until"), "2026-11-02T10:00:00Z");
    EXPECT_EQ(
        polled.payload.at("views").at(0).at("shipments").at(0),
        json::parse(R"({"id":"1","state":"Shipped","carrier":"USPS","tracking_number":"T1","tracking_url":"u",
                              "lines":[{"sku":"TEE","warehouse_item_id":"11","quantity":1}]})"));
}

// As when a warehouse changes all of a day's orders at once.
TEST_F(WorkerTest, APollGoesOnWithinTheInstantInWhichMoreChangedThanOneAnswerHolds) {
    const auto at_once = [&](std::size_t orders) {
        json list = json::array();
        for (std::size_t number = 0; number < orders; ++number) {
            json order = warehouse_order;
            order["id"] = 100'000 + number;
            order["reference_id"] = "eu." + std::to_string(number) + ".1.1";
            order["status"] = "Fulfilled";
            order["shipments"] = json::parse(R"([{"id":1,"status":"Completed","last_update_at":"2026-11-02T10:00:00Z",
              "status_details":[{"id":201}],"tracking":{"tracking_number":"T1","carrier":"USPS","tracking_url":"u"},
              "products":[{"id":11,"sku":"TEE","inventory_items":[{"id":501,"quantity":1}]}]}])");
            order["shipments"][0]["tracking"]["tracking_url"] = std::string(1500, 'u');
            list.push_back(std::move(order));
        }
        return list;
    };
    json payload{{"warehouse", "main"}, {"changed_since", "2026-11-02T09:00:00Z"}};
    std::set<std::string> told;
    std::size_t polls = 0;
    for (bool complete = false; !complete; ++polls) {
        ASSERT_LT(polls, 10U) << "it does not get on";
        peer.will(answer(200, at_once(249)));
        const sagas::Outcome polled = performed(runner, command(sagas::activity::poll_fulfillments, payload));
        ASSERT_EQ(polled.kind, OutcomeKind::done);
        for (const json& view : polled.payload.at("views"))
            EXPECT_TRUE(told.insert(view.at("reference").get<std::string>()).second);
        complete = polled.payload.at("complete");
        payload["changed_since"] = polled.payload.at("changed_until");
        payload["told_to"] = polled.payload.value("told_to", "");
    }
    EXPECT_GT(polls, 1U);
    EXPECT_EQ(told.size(), 249U);
}

TEST_F(WorkerTest, StockIsToldUnderTheIdsThatWereAsked) {
    peer.will(answer(200, json::parse(R"({"id":11,"variants":[{"sku":"TEE","inventory":{"inventory_id":501}}]})")));
    peer.will(answer(200, json::parse(R"({"items":[{"inventory_id":501,"sku":"TEE","total_fulfillable_quantity":7,
                                                    "total_on_hand_quantity":9}]})")));
    const json items = json::parse(R"([{"sku_id":3,"warehouse_item_id":"11"},{"sku_id":4,"warehouse_item_id":""}])");
    const sagas::Outcome stock =
        performed(runner, command(sagas::activity::read_warehouse_stock, {{"warehouse", "main"}, {"items", items}}));

    EXPECT_EQ(stock.kind, OutcomeKind::done);
    EXPECT_EQ(
        stock.payload.at("items"),
        json::parse(R"([{"sku_id":3,"warehouse_item_id":"11","sku":"TEE","fulfillable":7,"on_hand":9}])"));
}

}  // namespace
}  // namespace ordersaga::activities
