// Conversations with ShipBob: what is sent after what, when answers are lost, refused or late.
#include "activities/wms/shipbob/shipbob.hpp"
#include "tests/unit/activities/fixtures.hpp"
#include "tests/unit/activities/peers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::activities::wms::shipbob {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace tests;  // answer, lost_answer, run, ScriptedPeer

const std::string base = "http://127.0.0.1:1/shipbob/main";
const std::string reference = "eu.5001.1.1";
const std::string find_line = "GET /2026-01/order?ReferenceIds=eu.5001.1.1";
const std::string create_line = "POST /2026-01/order";
const std::string get_line = "GET /2026-01/order/900";
const std::string cancel_line = "POST /2026-01/order/900:cancel";

json shipment(const std::string& status, int detail = 0) {
    json details = json::array();
    if (detail != 0) details.push_back({{"id", detail}});
    return {{"id", 1}, {"status", status}, {"status_details", details}};
}

json order(const std::string& status, const List& shipments = {}, int quantity = 2) {
    return {
        {"id", 900},
        {"reference_id", reference},
        {"status", status},
        {"products", {{{"id", 11}, {"quantity", quantity}}}},
        {"shipments", shipments.value}};
}

FulfillmentRequest a_request() {
    FulfillmentRequest request;
    request.reference = reference;
    request.recipient = {"John Doe", "", "", {"100 Nowhere Blvd", "", "Gotham City", "", "NJ", "07093", "US"}};
    request.lines = {{"1", "TEE", 11, 2, std::nullopt}};
    return request;
}

class ShipBobFlow : public testing::Test {
protected:
    SubmitOutcome submit(bool lookup_first = false) { return run(shipbob.submit(a_request(), lookup_first, scope)); }
    CancelOutcome cancel(const std::string& id = "900") { return run(shipbob.cancel(id, reference, scope)); }
    std::vector<std::string> asked() const { return peer.methods_and_paths(base); }
    template <class Error, class Outcome>
    static bool failed_with(const Outcome& outcome) {
        const auto* failure = std::get_if<Failure>(&outcome);
        return failure != nullptr && std::holds_alternative<Error>(*failure);
    }

    ScriptedPeer peer;
    FixedDatabaseClock clock;
    CallScope::Limits limits{};
    CallScope scope{clock, limits};
    ShipBob shipbob{{base, "2026-01", "128944", {fixed_credentials("secret-token"), "warehouse:main"}}, peer};
};

const json duplicate = json::parse(R"({"":["Cannot insert order with existing ReferenceId"]})");

// ---------------------------------------------------------------------------------------------------------- submit

TEST_F(ShipBobFlow, CreatesWithTokenAndChannel) {
    peer.will(answer(201, order("Processing"), {{"x-remaining-calls", "149"}}));

    const SubmitOutcome outcome = submit();

    ASSERT_TRUE(std::holds_alternative<Created>(outcome));
    EXPECT_EQ(std::get<Created>(outcome).view.id, "900");
    EXPECT_THAT(asked(), ElementsAre(create_line));
    EXPECT_EQ(*runtime::find_header(peer.calls[0].headers, "authorization"), "Bearer secret-token");
    EXPECT_EQ(*runtime::find_header(peer.calls[0].headers, "shipbob_channel_id"), "128944");
    EXPECT_EQ(peer.body(0).at("products"), json::parse(R"([{"id":11,"quantity":2}])"));
    EXPECT_EQ(scope.lane.remaining_calls, 149);
}

// S50: a retry takes over the order that an earlier try has made (Jaal #1225).
TEST_F(ShipBobFlow, DuplicateWithTheSameContentIsDoneAlready) {
    peer.will(answer(422, duplicate));
    peer.will(answer(200, json::array({order("Processing")})));

    const SubmitOutcome outcome = submit();

    EXPECT_TRUE(std::holds_alternative<AlreadyDone>(outcome));
    EXPECT_THAT(asked(), ElementsAre(create_line, find_line));
}

TEST_F(ShipBobFlow, DuplicateWithOtherContentIsAConflict) {
    peer.will(answer(422, duplicate));
    peer.will(answer(200, json::array({order("Processing", {}, 5)})));

    const SubmitOutcome outcome = submit();

    ASSERT_TRUE(std::holds_alternative<Conflict>(outcome));
    EXPECT_THAT(std::get<Conflict>(outcome).reason, HasSubstr("5 units"));
}

TEST_F(ShipBobFlow, RecordedDuplicateAndLookupHaveTheShapesWeRead) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json recorded = fixture("wms/shipbob/duplicate-then-lookup.json");
    json found = recorded.at(1).at("response").at("body");
    found[0]["reference_id"] = reference;  // the recording leaves it out
    peer.will(answer(recorded.at(0).at("response").at("status").get<int>(), recorded.at(0).at("response").at("body")));
    peer.will(answer(200, found));

    EXPECT_TRUE(std::holds_alternative<AlreadyDone>(submit()));
}

// The list may be behind the write. The reference is taken, so somebody's order is there.
TEST_F(ShipBobFlow, DuplicateThatCannotBeSeenYetIsUnknown) {
    peer.will(answer(422, duplicate));
    peer.will(answer(200, json::array()));

    EXPECT_TRUE(failed_with<OutcomeUnknown>(submit()));
}

TEST_F(ShipBobFlow, OtherRefusalIsPermanentOnceTheLookupFindsNothing) {
    peer.will(answer(422, json::parse(R"({"errors":["bad address"]})")));
    peer.will(answer(200, json::array()));

    const SubmitOutcome outcome = submit();

    ASSERT_TRUE(failed_with<Permanent>(outcome));
    EXPECT_EQ(std::get<Permanent>(std::get<Failure>(outcome)).problems.at(0).message, "bad address");
}

TEST_F(ShipBobFlow, LostAnswerIsSettledByALookup) {
    peer.will(lost_answer());
    peer.will(answer(200, json::array({order("Processing")})));

    EXPECT_TRUE(std::holds_alternative<AlreadyDone>(submit()));
    EXPECT_THAT(asked(), ElementsAre(create_line, find_line));
}

TEST_F(ShipBobFlow, LostAnswerStaysUnknownWhileNothingCanBeSeen) {
    peer.will(lost_answer());
    peer.will(answer(200, json::array()));

    EXPECT_TRUE(failed_with<OutcomeUnknown>(submit()));
    EXPECT_EQ(peer.calls.size(), 2U);  // never a second create in one attempt
}

TEST_F(ShipBobFlow, ServerErrorAfterACreateIsUnknown) {
    for (const int status : {500, 502, 503, 504}) {
        peer.calls.clear();
        peer.will(answer(status, std::string("<html>")));
        peer.will(answer(503, std::string()));
        EXPECT_TRUE(failed_with<OutcomeUnknown>(submit())) << status;
    }
}

TEST_F(ShipBobFlow, CreatedWithoutAnOrderInItIsLookedUp) {
    peer.will(answer(201, std::string("created, probably")));
    peer.will(answer(200, json::array({order("Processing")})));

    EXPECT_TRUE(std::holds_alternative<AlreadyDone>(submit()));
}

TEST_F(ShipBobFlow, RefusedConnectionIsRetryableWithoutALookup) {
    peer.will(refused_connection());

    EXPECT_TRUE(failed_with<Retryable>(submit()));
    EXPECT_THAT(asked(), ElementsAre(create_line));
}

TEST_F(ShipBobFlow, ThrottledCreateTellsHowLong) {
    peer.will(answer(429, json{{"statusCode", 429}}, {{"x-retry-after", "25"}}));

    const SubmitOutcome outcome = submit();

    ASSERT_TRUE(failed_with<Throttled>(outcome));
    EXPECT_EQ(std::get<Throttled>(std::get<Failure>(outcome)).after, std::chrono::seconds(25));
}

TEST_F(ShipBobFlow, LookupFirstFindsWhatAnEarlierAttemptLeft) {
    peer.will(answer(200, json::array({order("Processing")})));

    EXPECT_TRUE(std::holds_alternative<AlreadyDone>(submit(true)));
    EXPECT_THAT(asked(), ElementsAre(find_line));
}

TEST_F(ShipBobFlow, LookupFirstSendsWhenNothingIsThere) {
    json other = order("Processing");
    other["reference_id"] = "eu.5001.1.10";  // a peer that matches prefixes
    peer.will(answer(200, json::array({other})));
    peer.will(answer(201, order("Processing")));

    EXPECT_TRUE(std::holds_alternative<Created>(submit(true)));
    EXPECT_THAT(asked(), ElementsAre(find_line, create_line));
}

TEST_F(ShipBobFlow, LookupFirstSendsNothingWhenTheLookupFails) {
    peer.will(answer(500, std::string()));

    EXPECT_TRUE(failed_with<Retryable>(submit(true)));
    EXPECT_THAT(asked(), ElementsAre(find_line));
}

TEST_F(ShipBobFlow, IsNotSentAfterSendBefore) {
    CallScope::Limits past;
    past.send_before = *clock.time - std::chrono::seconds(1);
    CallScope late(clock, past);

    const SubmitOutcome outcome = run(shipbob.submit(a_request(), false, late));

    EXPECT_TRUE(failed_with<Expired>(outcome));
    EXPECT_TRUE(peer.calls.empty());
}

TEST_F(ShipBobFlow, IsNotSentWhileDatabaseTimeIsUnknown) {
    CallScope::Limits limits_with_time;
    limits_with_time.send_before = *clock.time + std::chrono::seconds(5);
    clock.time.reset();
    CallScope blind(clock, limits_with_time);

    EXPECT_TRUE(failed_with<Expired>(run(shipbob.submit(a_request(), false, blind))));
    EXPECT_TRUE(peer.calls.empty());
}

TEST_F(ShipBobFlow, ResolvesASkuBeforeAnOrderNamesIt) {
    FulfillmentRequest request = a_request();
    request.lines[0].item_id.reset();
    peer.will(answer(200, json{{"items", {{{"id", 11}, {"variants", {{{"sku", "TEE"}}}}}}}, {"next", nullptr}}));
    peer.will(answer(201, order("Processing")));

    EXPECT_TRUE(std::holds_alternative<Created>(run(shipbob.submit(request, false, scope))));
    EXPECT_THAT(asked(), ElementsAre("GET /2026-01/product?PageSize=250&SKU=TEE", create_line));
}

// A search may answer with neighbours ("TEE-XL"); only the exact SKU counts, and an unknown one is never created.
TEST_F(ShipBobFlow, UnknownSkuIsRefusedAndNothingIsCreated) {
    FulfillmentRequest request = a_request();
    request.lines[0].item_id.reset();
    peer.will(answer(200, json{{"items", {{{"id", 12}, {"variants", {{{"sku", "TEE-XL"}}}}}}}}));

    EXPECT_TRUE(failed_with<Permanent>(run(shipbob.submit(request, false, scope))));
    EXPECT_EQ(peer.calls.size(), 1U);
}

// ---------------------------------------------------------------------------------------------------------- cancel

TEST_F(ShipBobFlow, CancelReadsCancelsAndReadsAgain) {
    peer.will(answer(200, order("Processing")));
    peer.will(answer(200, json{{"status", "Success"}, {"canceled_shipment_results", json::array()}}));
    peer.will(answer(200, order("Cancelled", {shipment("Cancelled")})));

    EXPECT_TRUE(std::holds_alternative<Cancelled>(cancel()));
    EXPECT_THAT(asked(), ElementsAre(get_line, cancel_line, get_line));
}

TEST_F(ShipBobFlow, CancelOfACancelledOrderSendsNothing) {
    peer.will(answer(200, order("Cancelled", {shipment("Cancelled")})));

    EXPECT_TRUE(std::holds_alternative<AlreadyDone>(cancel()));
    EXPECT_THAT(asked(), ElementsAre(get_line));
}

TEST_F(ShipBobFlow, CancelIsTooLateOnceAParcelIsPicked) {
    for (const json& late : {shipment("Processing", 100), shipment("LabeledCreated"), shipment("Completed", 201)}) {
        peer.calls.clear();
        peer.will(answer(200, order("Processing", {late})));
        EXPECT_TRUE(std::holds_alternative<TooLate>(cancel())) << late;
        EXPECT_THAT(asked(), ElementsAre(get_line));
    }
}

// A 200 proves nothing: the order's state does.
TEST_F(ShipBobFlow, CancelThatSaysFailureOnALivingOrderIsTooLate) {
    peer.will(answer(200, order("Processing")));
    peer.will(answer(200, json{{"status", "Failure"}, {"canceled_shipment_results", {{{"is_success", false}}}}}));
    peer.will(answer(200, order("Processing", {shipment("Processing", 100)})));

    EXPECT_TRUE(std::holds_alternative<TooLate>(cancel()));
}

TEST_F(ShipBobFlow, CancelRefusedWith422IsDecidedByTheState) {
    peer.will(answer(200, order("Processing")));
    peer.will(answer(422, json{{"errors", {"cannot"}}}));
    peer.will(answer(200, order("Cancelled", {shipment("Cancelled")})));
    EXPECT_TRUE(std::holds_alternative<Cancelled>(cancel()));

    peer.will(answer(200, order("Processing")));
    peer.will(answer(422, json{{"errors", {"cannot"}}}));
    peer.will(answer(200, order("Fulfilled", {shipment("Completed", 201)})));
    EXPECT_TRUE(std::holds_alternative<TooLate>(cancel()));
}

TEST_F(ShipBobFlow, CancelOfSomeShipmentsIsPartly) {
    peer.will(answer(200, order("Processing")));
    peer.will(answer(200, json{{"status", "PartialSuccess"}}));
    peer.will(answer(200, order("Processing", {shipment("Cancelled"), shipment("Completed", 201)})));

    EXPECT_TRUE(std::holds_alternative<PartlyCancelled>(cancel()));
}

// What is left of it could be cancelled still: half an order is not a cancelled one.
TEST_F(ShipBobFlow, CancelThatLeavesAShipmentInTroubleIsPartly) {
    peer.will(answer(200, order("Processing")));
    peer.will(answer(200, json{{"status", "Success"}}));
    peer.will(answer(200, order("Exception", {shipment("Cancelled"), shipment("Exception", 303)})));

    EXPECT_TRUE(std::holds_alternative<PartlyCancelled>(cancel()));
}

TEST_F(ShipBobFlow, CancelWhoseAnswerIsLostIsReadAgain) {
    peer.will(answer(200, order("Processing")));
    peer.will(lost_answer());
    peer.will(answer(200, order("Cancelled", {shipment("Cancelled")})));
    EXPECT_TRUE(std::holds_alternative<Cancelled>(cancel()));

    peer.will(answer(200, order("Processing")));
    peer.will(lost_answer());
    peer.will(answer(200, order("Processing")));
    EXPECT_TRUE(failed_with<OutcomeUnknown>(cancel()));

    peer.will(answer(200, order("Processing")));
    peer.will(answer(500, std::string()));
    peer.will(answer(500, std::string()));
    EXPECT_TRUE(failed_with<OutcomeUnknown>(cancel()));
}

TEST_F(ShipBobFlow, CancelTakenButNotVisibleYetIsUnknown) {
    peer.will(answer(200, order("Processing")));
    peer.will(answer(200, json{{"status", "Success"}}));
    peer.will(answer(200, order("Processing")));

    EXPECT_TRUE(failed_with<OutcomeUnknown>(cancel()));
}

TEST_F(ShipBobFlow, CancelWithoutAnIdLooksByReference) {
    peer.will(answer(200, json::array()));
    EXPECT_TRUE(failed_with<NotFound>(cancel("")));
    EXPECT_THAT(asked(), ElementsAre(find_line));
}

TEST_F(ShipBobFlow, MissingIdCountsOnlyWhenTheReferenceIsMissingToo) {
    peer.will(answer(404, std::string()));
    peer.will(answer(200, json::array()));
    EXPECT_TRUE(failed_with<NotFound>(cancel()));

    peer.calls.clear();
    peer.will(answer(404, std::string()));
    peer.will(answer(200, json::array({order("Processing", {shipment("Completed", 203)})})));
    EXPECT_TRUE(std::holds_alternative<TooLate>(cancel()));
    EXPECT_THAT(asked(), ElementsAre(get_line, find_line));
}

TEST_F(ShipBobFlow, CancelNeverTouchesAnotherOrder) {
    json other = order("Processing");
    other["reference_id"] = "us.1.1.1";
    peer.will(answer(200, other));

    EXPECT_TRUE(failed_with<Permanent>(cancel()));
    EXPECT_EQ(peer.calls.size(), 1U);
}

TEST_F(ShipBobFlow, CancelThatIsThrottledWasNotSent) {
    peer.will(answer(200, order("Processing")));
    peer.will(answer(429, std::string()));

    EXPECT_TRUE(failed_with<Throttled>(cancel()));
    EXPECT_THAT(asked(), ElementsAre(get_line, cancel_line));
}

// ----------------------------------------------------------------------------------------------------------- reads

json product(int id, const std::string& sku, int inventory) {
    return {{"id", id}, {"variants", {{{"sku", sku}, {"inventory", {{"inventory_id", inventory}}}}}}};
}

json level(int inventory, int fulfillable) {
    return {
        {"inventory_id", inventory},
        {"sku", "x"},
        {"total_fulfillable_quantity", fulfillable},
        {"total_on_hand_quantity", fulfillable + 1}};
}

TEST_F(ShipBobFlow, StockGoesFromItemsToInventoryAndBack) {
    peer.will(answer(200, product(11, "TEE", 501)));
    peer.will(answer(404, std::string()));  // 12 is gone
    peer.will(answer(200, json{{"items", {level(501, 7), level(999, 3)}}, {"next", nullptr}}));

    const StockOutcome outcome = run(shipbob.stock({11, 12}, scope));

    const auto& levels = std::get<std::vector<StockLevel>>(outcome);
    ASSERT_EQ(levels.size(), 1U);
    EXPECT_EQ(levels[0].item_id, 11);
    EXPECT_EQ(levels[0].fulfillable, 7);
    EXPECT_EQ(levels[0].on_hand, 8);
    EXPECT_THAT(
        asked(), ElementsAre(
                     "GET /2026-01/product/11", "GET /2026-01/product/12",
                     "GET /2026-01/inventory-level?PageSize=250&InventoryIds=501"));
}

TEST_F(ShipBobFlow, StockOfEverythingFollowsPagesOfItsOwnHostOnly) {
    peer.will(answer(200, json{{"items", {product(11, "TEE", 501)}}, {"next", "/2026-01/product?cursor=x"}}));
    peer.will(answer(200, json{{"items", {product(12, "CAP", 502)}}, {"next", "https://elsewhere.example/steal"}}));
    peer.will(answer(200, json{{"items", {level(501, 7), level(502, 0)}}}));

    const StockOutcome outcome = run(shipbob.stock({}, scope));

    EXPECT_EQ(std::get<std::vector<StockLevel>>(outcome).size(), 2U);
    EXPECT_THAT(
        asked(), ElementsAre(
                     "GET /2026-01/product?PageSize=250", "GET /2026-01/product?cursor=x",
                     "GET /2026-01/inventory-level?PageSize=250"));
}

TEST_F(ShipBobFlow, ChangesComeInTheOrderTheyHappened) {
    json early = order("Processing");
    early["created_date"] = "2026-11-01T10:00:00Z";
    json late = order("Fulfilled", {shipment("Completed", 201)});
    late["id"] = 901;
    late["created_date"] = "2026-10-01T10:00:00Z";
    late["shipments"][0]["last_update_at"] = "2026-11-02T10:00:00Z";
    peer.will(answer(200, json::array({late, early})));
    const runtime::Instant since = runtime::parse_rfc3339("2026-10-30T00:00:00Z").value();

    const ChangesOutcome outcome = run(shipbob.changes_since(since, scope));

    const auto& changes = std::get<Changes>(outcome);
    ASSERT_EQ(changes.views.size(), 2U);
    EXPECT_EQ(changes.views[0].id, "900");
    EXPECT_EQ(runtime::format_rfc3339(changes.until), "2026-11-02T10:00:00Z");
    EXPECT_THAT(asked().at(0), HasSubstr("LastUpdateStartDate=2026-10-30T00%3A00%3A00Z"));
}

TEST_F(ShipBobFlow, ChangesOfSeveralPagesAreReadToTheLast) {
    json full = json::array();
    for (int i = 0; i < 250; ++i)
        full.push_back(order("Processing"));
    peer.will(answer(200, full));
    peer.will(answer(200, json::array({order("Cancelled")})));

    const ChangesOutcome outcome = run(shipbob.changes_since({}, scope));

    EXPECT_EQ(std::get<Changes>(outcome).views.size(), 251U);
    ASSERT_EQ(asked().size(), 2U);
    EXPECT_THAT(asked().at(1), HasSubstr("Page=2"));
}

TEST_F(ShipBobFlow, NoChangeLeavesTheInstantWhereItWas) {
    peer.will(answer(200, json::array()));
    const runtime::Instant since = runtime::parse_rfc3339("2026-10-30T00:00:00Z").value();

    EXPECT_EQ(std::get<Changes>(run(shipbob.changes_since(since, scope))).until, since);
}

TEST_F(ShipBobFlow, FindReadsAListInEitherDressAndRefusesAnythingElse) {
    peer.will(answer(200, json{{"items", {order("Processing")}}}));
    const FindOutcome found = run(shipbob.find(reference, scope));
    EXPECT_TRUE(std::get<std::optional<FulfillmentView>>(found).has_value());

    for (const char* body : {"<html>login</html>", "{}", "7", ""}) {
        peer.will(answer(200, std::string(body)));
        EXPECT_TRUE(failed_with<Retryable>(run(shipbob.find(reference, scope)))) << body;
    }
}

}  // namespace
}  // namespace ordersaga::activities::wms::shipbob
