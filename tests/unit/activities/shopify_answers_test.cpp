// What a store's answer means: HTTP status, top-level errors, user errors; on recorded answers where they are at hand.
#include "activities/call_scope.hpp"
#include "activities/shopify/answers.hpp"
#include "tests/unit/activities/fixtures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::activities::shopify {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::fixture;

PeerAnswer http(int status, const std::string& body = {}, Headers headers = {}) {
    PeerAnswer answer;
    answer.kind = PeerAnswer::Kind::response;
    answer.status = status;
    answer.body = body;
    answer.headers = std::move(headers);
    return answer;
}

PeerAnswer ok(const json& body) {
    return http(200, body.dump());
}

Answer read_recorded(const json& exchange, std::string_view root, bool is_write = true) {
    const Document document{root, "", is_write};
    return read_answer(document, ok(exchange.at("response")));
}

FlushResult settle_recorded(const json& exchange) {
    const json request{{"query", adjust_stock.text}, {"variables", exchange.at("variables")}};
    const auto rows = rows_of_request(request.dump());
    return settle_flush(rows.value(), read_recorded(exchange, "inventoryAdjustQuantities"));
}

// ------------------------------------------------------------------------------------------------------- HTTP layer

struct StatusRow {
    int status;
    Verdict read, write;
};

// gtest would print the bytes, holes included.
void PrintTo(const StatusRow& row, std::ostream* out) {
    *out << row.status;
}

class ShopifyStatusTable : public testing::TestWithParam<StatusRow> {};

TEST_P(ShopifyStatusTable, DecidesByStatusAndKindOfCall) {
    const StatusRow& row = GetParam();
    const std::string html = "<html>not GraphQL</html>";

    EXPECT_EQ(name_of(read_answer(order_by_id, http(row.status, html)).verdict), name_of(row.read));
    EXPECT_EQ(name_of(read_answer(adjust_stock, http(row.status, html)).verdict), name_of(row.write));
}

INSTANTIATE_TEST_SUITE_P(
    Shopify,
    ShopifyStatusTable,
    testing::Values(
        StatusRow{200, Verdict::retryable, Verdict::unknown},
        StatusRow{204, Verdict::retryable, Verdict::unknown},
        StatusRow{302, Verdict::blocked, Verdict::blocked},
        StatusRow{400, Verdict::refused, Verdict::refused},
        StatusRow{401, Verdict::blocked, Verdict::blocked},
        StatusRow{402, Verdict::blocked, Verdict::blocked},
        StatusRow{403, Verdict::blocked, Verdict::blocked},
        StatusRow{404, Verdict::blocked, Verdict::blocked},
        StatusRow{408, Verdict::retryable, Verdict::retryable},
        StatusRow{422, Verdict::refused, Verdict::refused},
        StatusRow{423, Verdict::blocked, Verdict::blocked},
        StatusRow{425, Verdict::retryable, Verdict::retryable},
        StatusRow{429, Verdict::throttled, Verdict::throttled},
        StatusRow{430, Verdict::blocked, Verdict::blocked},
        StatusRow{500, Verdict::retryable, Verdict::unknown},
        StatusRow{502, Verdict::retryable, Verdict::unknown},
        StatusRow{503, Verdict::retryable, Verdict::unknown},
        StatusRow{504, Verdict::retryable, Verdict::unknown}));

TEST(ShopifyAnswer, LostAnswerIsUnknownForAWriteAndRetryableForARead) {
    PeerAnswer lost;
    lost.kind = PeerAnswer::Kind::unknown;
    EXPECT_EQ(read_answer(adjust_stock, lost).verdict, Verdict::unknown);
    EXPECT_EQ(read_answer(order_by_id, lost).verdict, Verdict::retryable);

    PeerAnswer unsent;
    unsent.kind = PeerAnswer::Kind::not_sent;
    EXPECT_EQ(read_answer(adjust_stock, unsent).verdict, Verdict::retryable);

    PeerAnswer late;
    late.kind = PeerAnswer::Kind::expired;
    EXPECT_EQ(read_answer(adjust_stock, late).verdict, Verdict::expired);
}

TEST(ShopifyAnswer, WaitsAsLongAsRetryAfterSays) {
    const Answer answer = read_answer(adjust_stock, http(429, "", {{"retry-after", "2.5"}}));

    EXPECT_EQ(answer.wait, std::chrono::milliseconds(2500));
}

TEST(ShopifyAnswer, LockedStoreKeepsItsText) {
    const Answer answer = read_answer(order_by_id, http(423, R"({"errors":"This store is unavailable"})"));

    EXPECT_EQ(answer.verdict, Verdict::blocked);
    EXPECT_THAT(answer.reason, HasSubstr("This store is unavailable"));
}

// -------------------------------------------------------------------------------------------------- top-level errors

json with_error(const std::string& code) {
    return {{"errors", {{{"message", "no"}, {"extensions", {{"code", code}}}}}}, {"data", nullptr}};
}

TEST(ShopifyAnswer, ClassifiesTopLevelErrorsByTheirCode) {
    EXPECT_EQ(read_answer(adjust_stock, ok(with_error("BAD_REQUEST"))).verdict, Verdict::refused);
    EXPECT_EQ(read_answer(adjust_stock, ok(with_error("INVALID_VARIABLE"))).verdict, Verdict::refused);
    EXPECT_EQ(read_answer(adjust_stock, ok(with_error("undefinedField"))).verdict, Verdict::refused);
    EXPECT_EQ(read_answer(adjust_stock, ok(with_error("MAX_COST_EXCEEDED"))).verdict, Verdict::refused);
    EXPECT_EQ(read_answer(adjust_stock, ok(with_error("ACCESS_DENIED"))).verdict, Verdict::blocked);
    EXPECT_EQ(read_answer(adjust_stock, ok(with_error("SHOP_INACTIVE"))).verdict, Verdict::blocked);
    EXPECT_EQ(read_answer(adjust_stock, ok(with_error("INTERNAL_SERVER_ERROR"))).verdict, Verdict::unknown);
    EXPECT_EQ(read_answer(order_by_id, ok(with_error("INTERNAL_SERVER_ERROR"))).verdict, Verdict::retryable);
    EXPECT_EQ(read_answer(adjust_stock, ok(with_error("a code of tomorrow"))).verdict, Verdict::unknown);
}

TEST(ShopifyAnswer, NeitherDataNorErrorsIsNoSuccess) {
    for (const char* body : {"{}", "[]", "null", "1", R"({"data":{}})", R"({"data":null})", R"({"errors":[]})"}) {
        EXPECT_EQ(read_answer(adjust_stock, http(200, body)).verdict, Verdict::unknown) << body;
        EXPECT_EQ(read_answer(order_by_id, http(200, body)).verdict, Verdict::retryable) << body;
    }
}

TEST(ShopifyAnswer, OrderThatDoesNotExistIsAGoodAnswer) {
    const Answer answer = read_answer(order_by_id, ok({{"data", {{"order", nullptr}}}}));

    EXPECT_EQ(answer.verdict, Verdict::ok);
    EXPECT_TRUE(answer.root.is_null());
}

// A read that lost a field for want of a scope must not pass for the whole truth.
TEST(ShopifyAnswer, PartOfAReadIsNoSuccess) {
    json body = with_error("ACCESS_DENIED");
    body["data"] = {{"order", {{"id", "gid://shopify/Order/1"}, {"shippingAddress", nullptr}}}};

    EXPECT_EQ(read_answer(order_by_id, ok(body)).verdict, Verdict::blocked);
}

TEST(ShopifyAnswer, ThrottledWaitsForItsCost) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json with_cost = fixture("shopify/graphql/throttled-http-200.json");
    const Answer answer = read_recorded(with_cost, "inventoryAdjustQuantities");

    EXPECT_EQ(answer.verdict, Verdict::throttled);
    EXPECT_EQ(answer.wait, std::chrono::seconds(with_cost.at("expectedRetryAfterSeconds").get<int>()));

    const Answer without_cost = read_recorded(fixture("shopify/graphql/throttled-no-cost.json"), "orders", false);
    EXPECT_EQ(without_cost.verdict, Verdict::throttled);
    EXPECT_EQ(without_cost.wait, std::chrono::seconds(1));
}

TEST(ShopifyAnswer, MissingIdempotencyAndMissingComparisonAreOurFault) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json contract = fixture("shopify/graphql/inventory-2026-04-contract.json");
    const json directive = fixture("shopify/graphql/idempotent-directive-missing.json");

    for (const char* name : {"missingAdjustIdempotency", "missingAdjustChangeFromQuantity"}) {
        EXPECT_EQ(read_recorded(contract.at(name), "inventoryAdjustQuantities").verdict, Verdict::refused) << name;
    }
    for (const char* name : {"missingSetIdempotency", "missingSetChangeFromQuantity", "legacySetShape"}) {
        EXPECT_EQ(read_recorded(contract.at(name), "inventorySetQuantities").verdict, Verdict::refused) << name;
    }
    EXPECT_EQ(read_recorded(directive.at("missingDirective202604"), "locationDeactivate").verdict, Verdict::refused);
    EXPECT_EQ(read_recorded(directive.at("withoutDirective202601"), "locationDeactivate").verdict, Verdict::ok);
}

// Every recorded refusal of a stock write is a user error with a code, none is a success.
TEST(ShopifyAnswer, RecordedRefusalsCarryTheirCodes) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json contract = fixture("shopify/graphql/inventory-2026-04-contract.json").at("unknownIdValidation");
    const json bounds = fixture("shopify/graphql/inventory-2026-04-quantity-bounds.json").at("cases");
    const auto code_of = [](const json& exchange, std::string_view root) {
        const Answer answer = read_recorded(exchange, root);
        EXPECT_EQ(answer.verdict, Verdict::user_errors);
        return answer.user_errors.empty() ? std::string() : answer.user_errors.front().code;
    };

    EXPECT_EQ(
        code_of(contract.at("adjustUnknownInventoryItem"), "inventoryAdjustQuantities"), "INVALID_INVENTORY_ITEM");
    EXPECT_EQ(code_of(contract.at("adjustUnknownLocation"), "inventoryAdjustQuantities"), "INVALID_LOCATION");
    EXPECT_EQ(code_of(contract.at("setUnknownInventoryItem"), "inventorySetQuantities"), "INVALID_INVENTORY_ITEM");
    EXPECT_EQ(code_of(bounds.at("onHandNegative"), "inventorySetQuantities"), "INVALID_QUANTITY_NEGATIVE");
    EXPECT_EQ(code_of(bounds.at("availableTooLow"), "inventorySetQuantities"), "INVALID_QUANTITY_TOO_LOW");
    EXPECT_EQ(read_recorded(bounds.at("availableNegativeWithinBounds"), "inventorySetQuantities").verdict, Verdict::ok);
    EXPECT_EQ(
        code_of(fixture("shopify/graphql/inventory-set-duplicate-pair.json"), "inventorySetQuantities"),
        "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR");
    EXPECT_EQ(
        code_of(fixture("shopify/graphql/idempotency-key-parameter-mismatch.json"), "locationDeactivate"),
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH");
    const json reasons = fixture("shopify/graphql/inventory-2026-04-invalid-reason.json");
    for (const auto& [name, exchange] : reasons.at("invalidReasonCases").items()) {
        const json& data = exchange.at("response").at("data");
        EXPECT_EQ(code_of(exchange, data.begin().key()), "INVALID_REASON") << name;
    }
    EXPECT_EQ(read_recorded(reasons.at("acceptedExample"), "inventorySetQuantities").verdict, Verdict::ok);
    const json bulk = fixture("shopify/graphql/bulk-operation-sixth-run-refused.json");
    EXPECT_EQ(code_of(bulk.at("sixthRun"), "bulkOperationRunQuery"), "OPERATION_IN_PROGRESS");
    EXPECT_EQ(read_recorded(bulk.at("firstRun"), "bulkOperationRunQuery").verdict, Verdict::ok);
}

TEST(ShopifyAnswer, RefusalWithoutAWordStillSaysThatItIsOne) {
    const Document document{"inventoryAdjustQuantities", "", true};
    const json body = {{"data", {{"inventoryAdjustQuantities", {{"userErrors", {{{"field", nullptr}}}}}}}}};
    const Answer answer = read_answer(document, ok(body));
    EXPECT_EQ(answer.verdict, Verdict::user_errors);
    EXPECT_EQ(answer.reason, "refused without a reason");
}

TEST(ShopifyAnswer, CodesAreShownWithoutWhatSteersATerminal) {
    const json error = {{"message", "no"}, {"extensions", {{"code", "THROT\nT\x1b[2J"}}}};
    const Answer answer = read_answer({"order", "", false}, ok({{"data", nullptr}, {"errors", {error}}}));
    EXPECT_EQ(answer.reason.find_first_of("\n\x1b"), std::string::npos) << answer.reason;
}

TEST(ShopifyAnswer, RecordedFulfilmentRefusalsHaveTextOnly) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json cases = fixture("shopify/graphql/fulfillment-create-preconditions.json").at("cases");

    for (const char* name : {"cancelled", "closed", "overFulfill", "missingFulfillmentOrder", "nonPositiveQuantity"}) {
        const Answer answer = read_recorded(cases.at(name), "fulfillmentCreate");
        EXPECT_EQ(answer.verdict, Verdict::user_errors) << name;
        EXPECT_EQ(answer.user_errors.at(0).code, "") << name;
        EXPECT_NE(answer.user_errors.at(0).message, "") << name;
    }
    EXPECT_EQ(read_recorded(cases.at("happyPath"), "fulfillmentCreate").verdict, Verdict::ok);
    EXPECT_EQ(read_recorded(cases.at("inProgress"), "fulfillmentCreate").verdict, Verdict::ok);
    const json tracking = fixture("shopify/graphql/fulfillment-create-with-tracking.json");
    EXPECT_EQ(read_recorded(tracking.at("firstFulfillmentCreate"), "fulfillmentCreate").verdict, Verdict::ok);
    EXPECT_EQ(
        read_recorded(tracking.at("orderCancelRefusedBecauseFulfilled"), "orderCancel").verdict, Verdict::user_errors);
    const json cancel = fixture("shopify/graphql/order-cancel-with-refund-and-restock.json");
    EXPECT_EQ(read_recorded(cancel.at("mutation"), "orderCancel").verdict, Verdict::ok);
    const json refund = fixture("shopify/graphql/refund-create-over-refund.json");
    EXPECT_EQ(read_recorded(refund.at("mutation"), "refundCreate").verdict, Verdict::user_errors);
    const json activate = fixture("shopify/graphql/inventory-activate-2026-04.json").at("cases");
    EXPECT_EQ(read_recorded(activate.at("activateOnHand"), "inventoryActivate").verdict, Verdict::ok);
    EXPECT_EQ(read_recorded(activate.at("alreadyActiveOnHand"), "inventoryActivate").verdict, Verdict::user_errors);
    const json move = fixture("shopify/graphql/fulfillment-order-move.json");
    EXPECT_EQ(read_recorded(move.at("afterClose"), "fulfillmentOrderMove").verdict, Verdict::user_errors);
    EXPECT_EQ(read_recorded(move.at("happyPath").at("move"), "fulfillmentOrderMove").verdict, Verdict::ok);
    const json levels = fixture("shopify/graphql/inventory-levels-read-2026-04.json");
    EXPECT_EQ(read_recorded(levels.at("activeRead"), "inventoryItem", false).verdict, Verdict::ok);
}

// An applied hold whose answer complains about a field that we have no scope for.
TEST(ShopifyAnswer, AppliedWriteWithTopLevelErrorsIsASuccess) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json hold = fixture("shopify/graphql/fulfillment-order-hold.json");

    EXPECT_EQ(read_recorded(hold.at("firstHold"), "fulfillmentOrderHold").verdict, Verdict::ok);
    EXPECT_EQ(read_recorded(hold.at("secondHold"), "fulfillmentOrderHold").verdict, Verdict::ok);
    const Answer duplicate = read_recorded(hold.at("duplicateHandle"), "fulfillmentOrderHold");
    EXPECT_EQ(duplicate.verdict, Verdict::user_errors);
    EXPECT_EQ(duplicate.user_errors.at(0).code, "DUPLICATE_FULFILLMENT_HOLD_HANDLE");
}

// ------------------------------------------------------------------------------------------------------------ flushes

TEST(Flush, AppliedWithAccessDeniedCountsEveryRow) {
    ORDERSAGA_NEEDS_FIXTURES();
    const FlushResult result =
        settle_recorded(fixture("shopify/graphql/inventory-adjust-applied-with-access-denied.json"));

    EXPECT_EQ(result.kind, FlushResult::Kind::settled);
    EXPECT_THAT(result.applied, ElementsAre(0, 1));
    EXPECT_THAT(result.uncertain, IsEmpty());
    EXPECT_THAT(result.refused, IsEmpty());
}

TEST(Flush, ZeroDeltasAreLeftOutAndStillApplied) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json zero = fixture("shopify/graphql/inventory-adjust-zero-delta.json");

    EXPECT_THAT(settle_recorded(zero.at("allZero")).applied, ElementsAre(0));
    EXPECT_THAT(settle_recorded(zero.at("mixedZeroAndNonzero")).applied, ElementsAre(0, 1));
}

TEST(Flush, OneRowWithTwoErrorsIsRefusedOnceAndNothingWasApplied) {
    ORDERSAGA_NEEDS_FIXTURES();
    const FlushResult result = settle_recorded(fixture("shopify/graphql/inventory-adjust-two-errors-one-row.json"));

    EXPECT_EQ(result.kind, FlushResult::Kind::settled);
    EXPECT_THAT(result.applied, IsEmpty());
    EXPECT_THAT(result.uncertain, IsEmpty());
    ASSERT_EQ(result.refused.size(), 1U);
    EXPECT_EQ(result.refused[0].index, 0U);
    EXPECT_EQ(result.refused[0].code, "INVALID_INVENTORY_ITEM");
}

const std::vector<FlushRow> two_rows{
    {"gid://shopify/InventoryItem/1", "gid://shopify/Location/9", -1},
    {"gid://shopify/InventoryItem/2", "gid://shopify/Location/9", 4}};

Answer flush_answer(const json& group, const json& user_errors) {
    return read_answer(
        adjust_stock,
        ok(
            {{"data",
              {{"inventoryAdjustQuantities", {{"inventoryAdjustmentGroup", group}, {"userErrors", user_errors}}}}}}));
}

json change(const std::string& item, int delta) {
    return {
        {"name", "available"},
        {"delta", delta},
        {"item", {{"id", "gid://shopify/InventoryItem/" + item}}},
        {"location", {{"id", "gid://shopify/Location/9"}}}};
}

json user_error(const std::string& code, const json& field) {
    return json::array({{{"code", code}, {"message", code}, {"field", field}}});
}

// Not recorded from life: a group together with user errors. Only what `changes` names may be believed.
TEST(Flush, GroupWithUserErrorsCountsOnlyTheChangesItNames) {
    const Answer answer = flush_answer(
        {{"id", "g"}, {"changes", {change("1", -1)}}},
        user_error("ITEM_NOT_STOCKED_AT_LOCATION", {"input", "changes", "1", "locationId"}));
    const FlushResult result = settle_flush(two_rows, answer);

    EXPECT_THAT(result.applied, ElementsAre(0));
    EXPECT_THAT(result.uncertain, IsEmpty()) << "a row ends one way only";
    ASSERT_EQ(result.refused.size(), 1U);
    EXPECT_EQ(result.refused[0].index, 1U);
}

// A store that changed the row and complains of it all the same has changed it.
TEST(Flush, RowThatIsChangedAndNamedByAnErrorCountsAsApplied) {
    const Answer answer = flush_answer(
        {{"id", "g"}, {"changes", {change("1", -1)}}},
        user_error("ITEM_NOT_STOCKED_AT_LOCATION", {"input", "changes", "0", "locationId"}));
    const FlushResult result = settle_flush(two_rows, answer);

    EXPECT_THAT(result.applied, ElementsAre(0));
    EXPECT_THAT(result.uncertain, ElementsAre(1));
    EXPECT_THAT(result.refused, IsEmpty());
}

TEST(Flush, RowMissingFromTheChangesOfASuccessNeedsARead) {
    const FlushResult result =
        settle_flush(two_rows, flush_answer({{"id", "g"}, {"changes", {change("1", -1)}}}, json::array()));

    EXPECT_THAT(result.applied, ElementsAre(0));
    EXPECT_THAT(result.uncertain, ElementsAre(1));
}

TEST(Flush, KeyInWorkIsAskedAgainUnderTheSameKey) {
    const FlushResult result =
        settle_flush(two_rows, flush_answer(nullptr, user_error("IDEMPOTENCY_CONCURRENT_REQUEST", nullptr)));

    EXPECT_EQ(result.kind, FlushResult::Kind::in_flight);
}

TEST(Flush, KeyThatFailedBeforeLeavesAllRowsToARead) {
    const FlushResult result =
        settle_flush(two_rows, flush_answer(nullptr, user_error("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", nullptr)));

    EXPECT_EQ(result.kind, FlushResult::Kind::settled);
    EXPECT_THAT(result.uncertain, ElementsAre(0, 1));
}

TEST(Flush, KeyUsedForSomethingElseIsBroken) {
    const json group{{"id", "g"}, {"changes", {change("1", -1)}}};
    const FlushResult result =
        settle_flush(two_rows, flush_answer(group, user_error("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", nullptr)));

    EXPECT_EQ(result.kind, FlushResult::Kind::broken);
    EXPECT_THAT(result.applied, IsEmpty());
    EXPECT_THAT(result.uncertain, ElementsAre(0, 1));
}

TEST(Flush, StoreThatFailedBeforeApplyingIsTriedAgain) {
    const FlushResult result =
        settle_flush(two_rows, flush_answer(nullptr, user_error("ADJUST_QUANTITIES_FAILED", nullptr)));

    EXPECT_EQ(result.kind, FlushResult::Kind::failed);
}

TEST(Flush, ErrorThatNamesNoRowBreaksTheWholeCall) {
    const FlushResult result =
        settle_flush(two_rows, flush_answer(nullptr, user_error("INVALID_REASON", {"input", "reason"})));

    EXPECT_EQ(result.kind, FlushResult::Kind::broken);
    EXPECT_THAT(result.uncertain, IsEmpty());
}

TEST(Flush, RowNumbersBeyondTheRequestAreIgnored) {
    for (const char* index : {"2", "-1", "99999999999999999999", "x", ""}) {
        const Answer answer =
            flush_answer(nullptr, user_error("INVALID_LOCATION", {"input", "changes", index, "locationId"}));
        EXPECT_THAT(settle_flush(two_rows, answer).refused, IsEmpty()) << index;
    }
}

TEST(Flush, RequestThatIsNoneHasNoRows) {
    EXPECT_FALSE(rows_of_request("").has_value());
    EXPECT_FALSE(rows_of_request("{}").has_value());
    EXPECT_FALSE(rows_of_request(R"({"query":"query { shop { id } }","variables":{}})").has_value());
}

TEST(LaneReport, SumsTheCostOfAllCallsAndKeepsTheLastBucket) {
    LaneReport lane;
    const json body{
        {"data", {{"order", nullptr}}},
        {"extensions",
         {{"cost",
           {{"actualQueryCost", 12},
            {"throttleStatus",
             {{"maximumAvailable", 2000.0}, {"currentlyAvailable", 1500}, {"restoreRate", 100.0}}}}}}}};
    note_cost(read_answer(order_by_id, ok(body)), lane);
    note_cost(read_answer(order_by_id, ok(body)), lane);

    EXPECT_EQ(lane.cost, 24);
    EXPECT_EQ(lane.currently_available, 1500);
    EXPECT_EQ(lane.restore_rate, 100);
}

TEST(Gid, GoesBothWays) {
    EXPECT_EQ(gid("Order", "820982911946154508"), "gid://shopify/Order/820982911946154508");
    EXPECT_EQ(gid("Order", "gid://shopify/Order/1"), "gid://shopify/Order/1");
    EXPECT_EQ(number_of_gid("gid://shopify/Order/820982911946154508"), "820982911946154508");
    EXPECT_EQ(number_of_gid("gid://shopify/InventoryLevel/7?inventory_item_id=8"), "7");
}

}  // namespace
}  // namespace ordersaga::activities::shopify
