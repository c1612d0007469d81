// ShipBob's answers: the table of failures, the statuses, and documents in all the shapes that were seen.
#include "activities/call_scope.hpp"
#include "activities/wms/shipbob/answers.hpp"
#include "tests/unit/activities/fixtures.hpp"
#include "tests/unit/activities/peers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::activities::wms::shipbob {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::fixture;
using tests::List;

PeerAnswer http(int status, const std::string& body = {}, Headers headers = {}) {
    PeerAnswer answer;
    answer.kind = PeerAnswer::Kind::response;
    answer.status = status;
    answer.body = body;
    answer.headers = std::move(headers);
    return answer;
}

std::string class_of(const std::optional<Failure>& failure) {
    if (!failure) return "none";
    static constexpr std::array<const char*, 8> names{"Retryable", "OutcomeUnknown", "Throttled",  "Expired",
                                                      "Permanent", "NotFound",       "AuthConfig", "Unsupported"};
    return names.at(failure->index());
}

struct StatusRow {
    int status;
    const char* read;
    const char* write;
};

// gtest would print the bytes, holes included.
void PrintTo(const StatusRow& row, std::ostream* out) {
    *out << row.status;
}

class ShipBobStatusTable : public testing::TestWithParam<StatusRow> {};

TEST_P(ShipBobStatusTable, DecidesByStatusAndKindOfCall) {
    const StatusRow& row = GetParam();
    EXPECT_EQ(class_of(failure_of(CallKind::read, http(row.status))), row.read);
    EXPECT_EQ(class_of(failure_of(CallKind::write, http(row.status))), row.write);
}

INSTANTIATE_TEST_SUITE_P(
    ShipBob,
    ShipBobStatusTable,
    testing::Values(
        StatusRow{200, "none", "none"},
        StatusRow{201, "none", "none"},
        StatusRow{204, "none", "none"},
        StatusRow{301, "AuthConfig", "AuthConfig"},
        StatusRow{400, "Permanent", "Permanent"},
        StatusRow{401, "AuthConfig", "AuthConfig"},
        StatusRow{402, "AuthConfig", "AuthConfig"},
        StatusRow{403, "AuthConfig", "AuthConfig"},
        StatusRow{404, "NotFound", "NotFound"},
        StatusRow{405, "Permanent", "Permanent"},
        StatusRow{408, "Retryable", "Retryable"},
        StatusRow{409, "Permanent", "Permanent"},
        StatusRow{410, "NotFound", "NotFound"},
        StatusRow{422, "Permanent", "Permanent"},
        StatusRow{423, "AuthConfig", "AuthConfig"},
        StatusRow{425, "Retryable", "Retryable"},
        StatusRow{429, "Throttled", "Throttled"},
        StatusRow{500, "Retryable", "OutcomeUnknown"},
        StatusRow{501, "Retryable", "OutcomeUnknown"},
        StatusRow{502, "Retryable", "OutcomeUnknown"},
        StatusRow{503, "Retryable", "OutcomeUnknown"},
        StatusRow{504, "Retryable", "OutcomeUnknown"},
        StatusRow{599, "Retryable", "OutcomeUnknown"}));

TEST(ShipBobFailure, KnowsWhatTheNetworkLeftOpen) {
    PeerAnswer answer;
    answer.kind = PeerAnswer::Kind::not_sent;
    EXPECT_EQ(class_of(failure_of(CallKind::write, answer)), "Retryable");
    answer.kind = PeerAnswer::Kind::unknown;
    EXPECT_EQ(class_of(failure_of(CallKind::write, answer)), "OutcomeUnknown");
    EXPECT_EQ(class_of(failure_of(CallKind::read, answer)), "Retryable");
    answer.kind = PeerAnswer::Kind::expired;
    EXPECT_EQ(class_of(failure_of(CallKind::write, answer)), "Expired");
}

TEST(ShipBobFailure, WaitsAsLongAsItsOwnHeaderSays) {
    const auto own = failure_of(CallKind::read, http(429, "", {{"x-retry-after", "25"}, {"Retry-After", "3"}}));
    EXPECT_EQ(std::get<Throttled>(own.value()).after, std::chrono::seconds(25));

    const auto standard = failure_of(CallKind::read, http(429, "", {{"retry-after", "3"}}));
    EXPECT_EQ(std::get<Throttled>(standard.value()).after, std::chrono::seconds(3));

    const auto silent = failure_of(CallKind::read, http(429));
    EXPECT_EQ(std::get<Throttled>(silent.value()).after, std::chrono::seconds(5));
}

TEST(ShipBobFailure, KeepsEveryDocumentedErrorBodyReadable) {
    ORDERSAGA_NEEDS_FIXTURES();
    for (const json& entry : fixture("wms/shipbob/errors.json")) {
        Headers headers;
        if (entry.contains("headers")) {
            for (const auto& [name, value] : entry.at("headers").items())
                headers.emplace_back(name, value);
        }
        const PeerAnswer answer = http(entry.at("status").get<int>(), entry.at("body").dump(), headers);
        const std::string name = entry.at("case");

        EXPECT_FALSE(problems_in(answer.body).empty()) << name;
        const bool duplicate = name == "order_duplicate_reference_id" || name == "product_duplicate_reference_id";
        EXPECT_EQ(says_duplicate_reference(problems_in(answer.body)), duplicate) << name;
        EXPECT_EQ(
            class_of(failure_of(CallKind::write, answer)), entry.at("status") == 429   ? "Throttled"
                                                           : entry.at("status") == 404 ? "NotFound"
                                                                                       : "Permanent")
            << name;
    }
}

TEST(ShipBobFailure, ReadsTheRemainingCallsFromEitherHeader) {
    LaneReport lane;
    note_budget(http(200, "", {{"x-remaining-calls", "149"}}), lane);
    EXPECT_EQ(lane.remaining_calls, 149);
    note_budget(http(200, "", {{"X-RateLimit-Remaining", "7"}}), lane);
    EXPECT_EQ(lane.remaining_calls, 7);
    note_budget(http(200, "", {{"x-remaining-calls", "many"}}), lane);
    EXPECT_EQ(lane.remaining_calls, 7);
    note_budget(http(429), lane);
    EXPECT_EQ(lane.remaining_calls, 0);
}

TEST(ShipBobFailure, SurvivesBodiesThatAreNoJson) {
    for (const char* body : {"", "<html>", "{", "[]", "7", "null", "\"text\"", "{\"a\":{\"b\":[1,{}]}}"}) {
        EXPECT_EQ(class_of(failure_of(CallKind::write, http(422, body))), "Permanent") << body;
    }
}

// --------------------------------------------------------------------------------------------------------- statuses

struct ShipmentRow {
    const char* status;
    std::vector<std::int64_t> details;
    FulfillmentState state;
    std::optional<bool> cancellable;
};

TEST(ShipmentStatus, FollowsTheTable) {
    const std::vector<ShipmentRow> rows{
        {"None", {}, FulfillmentState::accepted, true},
        {"Processing", {}, FulfillmentState::accepted, true},
        {"ImportReview", {}, FulfillmentState::accepted, true},
        {"Processing", {100}, FulfillmentState::in_progress, false},
        {"Processing", {101}, FulfillmentState::in_progress, false},
        {"Processing", {102}, FulfillmentState::in_progress, false},
        {"LabeledCreated", {}, FulfillmentState::in_progress, false},
        {"Completed", {}, FulfillmentState::shipped, false},
        {"Completed", {200}, FulfillmentState::shipped, false},
        {"Completed", {201}, FulfillmentState::shipped, false},
        {"Completed", {203}, FulfillmentState::delivered, false},
        {"Completed", {204}, FulfillmentState::delivery_problem, false},
        {"Exception", {303}, FulfillmentState::backordered, true},
        {"Exception", {308}, FulfillmentState::backordered, true},
        {"Exception", {304}, FulfillmentState::needs_attention, true},
        {"OnHold", {401}, FulfillmentState::on_hold, true},
        {"Cancelled", {}, FulfillmentState::cancelled, true},
        {"CleanSweeped", {}, FulfillmentState::needs_attention, true},
        {"A status of tomorrow", {}, FulfillmentState::unknown, std::nullopt},
    };
    for (const ShipmentRow& row : rows) {
        EXPECT_STREQ(name_of(state_of_shipment(row.status, row.details)), name_of(row.state)) << row.status;
        EXPECT_EQ(shipment_can_be_cancelled(row.status, row.details), row.cancellable) << row.status;
    }
}

TEST(ShipmentStatus, NoPublishedStatusIsUnknown) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json enums = fixture("wms/shipbob/enums.json");
    for (const json& status : enums.at("shipment_status")) {
        EXPECT_NE(state_of_shipment(status.get<std::string>(), {}), FulfillmentState::unknown) << status;
    }
    for (const json& detail : enums.at("status_details")) {
        const FulfillmentState state =
            state_of_shipment(detail.at("status").get<std::string>(), {detail.at("id").get<std::int64_t>()});
        EXPECT_NE(state, FulfillmentState::unknown) << detail;
    }
    for (const json& status : enums.at("order_status")) {
        const auto view = read_order({{"id", 1}, {"status", status}});
        EXPECT_NE(view.value().state, FulfillmentState::unknown) << status;
    }
}

json order_with(const std::string& status, const List& shipments) {
    return {{"id", 100}, {"reference_id", "eu.1.a.1"}, {"status", status}, {"shipments", shipments.value}};
}

json shipment_with(const std::string& status, int detail) {
    json shipment{{"id", 5}, {"status", status}, {"status_details", json::array()}};
    if (detail != 0) shipment["status_details"].push_back({{"id", detail}, {"name", "x"}});
    return shipment;
}

TEST(OrderView, TellsOrderStateFromItsShipments) {
    const auto state = [](const std::string& status, const List& shipments) {
        return std::string(name_of(read_order(order_with(status, shipments)).value().state));
    };
    EXPECT_EQ(state("Processing", {}), "Accepted");
    EXPECT_EQ(state("Processing", {shipment_with("Processing", 100)}), "InProgress");
    EXPECT_EQ(state("Processing", {shipment_with("OnHold", 401)}), "OnHold");
    EXPECT_EQ(state("Exception", {shipment_with("Exception", 303)}), "Backordered");
    EXPECT_EQ(state("Exception", {shipment_with("Exception", 304)}), "NeedsAttention");
    EXPECT_EQ(
        state("PartiallyFulfilled", {shipment_with("Completed", 201), shipment_with("Processing", 0)}),
        "PartlyShipped");
    EXPECT_EQ(state("Fulfilled", {shipment_with("Completed", 201)}), "Shipped");
    EXPECT_EQ(state("Fulfilled", {shipment_with("Completed", 203), shipment_with("Completed", 201)}), "Shipped");
    EXPECT_EQ(state("Fulfilled", {shipment_with("Completed", 203), shipment_with("Cancelled", 0)}), "Delivered");
    EXPECT_EQ(
        state("Fulfilled", {shipment_with("Completed", 203), shipment_with("Completed", 204)}), "DeliveryProblem");
    EXPECT_EQ(state("Cancelled", {shipment_with("Cancelled", 0)}), "Cancelled");
    EXPECT_EQ(state("Tomorrow", {}), "Unknown");
}

TEST(OrderView, KnowsUntilWhenItCanBeCancelled) {
    const auto cancellable = [](const std::string& status, const List& shipments) {
        return std::string(name_of(read_order(order_with(status, shipments)).value().cancellable));
    };
    EXPECT_EQ(cancellable("Processing", {}), "yes");
    EXPECT_EQ(cancellable("Exception", {shipment_with("Exception", 303)}), "yes");
    EXPECT_EQ(cancellable("Processing", {shipment_with("Processing", 101)}), "no");
    EXPECT_EQ(cancellable("Processing", {shipment_with("LabeledCreated", 0)}), "no");
    EXPECT_EQ(cancellable("Fulfilled", {shipment_with("Completed", 201)}), "no");
    EXPECT_EQ(cancellable("Processing", {shipment_with("Tomorrow", 0)}), "unknown");
    EXPECT_EQ(cancellable("Tomorrow", {}), "unknown");
}

TEST(OrderView, TakesTrackingAsObjectAsListAndAsNothing) {
    const auto numbers = [](const json& tracking) {
        json shipment = shipment_with("Completed", 201);
        shipment["tracking"] = tracking;
        std::vector<std::string> result;
        const auto view = read_order(order_with("Fulfilled", {shipment}));
        for (const Tracking& entry : view.value().shipments.at(0).tracking)
            result.push_back(entry.number);
        return result;
    };
    EXPECT_THAT(numbers(json::parse(R"({"tracking_number":"A1"})")), ElementsAre("A1"));
    EXPECT_THAT(numbers(json::parse(R"([{"tracking_number":"A1"},{"tracking_number":22}])")), ElementsAre("A1", "22"));
    EXPECT_THAT(numbers(nullptr), ElementsAre());
    EXPECT_THAT(numbers("text"), ElementsAre());
    EXPECT_THAT(numbers(json::parse(R"({"tracking_number":null})")), ElementsAre());
}

TEST(OrderView, TakesNumbersAsTextAndRefusesADocumentWithoutId) {
    EXPECT_EQ(read_order({{"id", "77"}, {"status", "Processing"}}).value().id, "77");
    EXPECT_FALSE(read_order({{"status", "Processing"}}).has_value());
    EXPECT_FALSE(read_order(json::array()).has_value());
    EXPECT_FALSE(read_orders({{"message", "no"}}).has_value());
}

// ------------------------------------------------------------------------------------------------ published examples

TEST(ShipBobExamples, OrdersRoundTrip) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json created = fixture("wms/shipbob/example-create-order-2026-01.json").at("responses").at("201");
    const json got = fixture("wms/shipbob/example-get-order-2026-01.json").at("responses").at("200");
    const json listed = fixture("wms/shipbob/example-get-orders-2026-01.json").at("responses").at("200");

    for (const json& document : {created, got, listed.at(0)}) {
        const FulfillmentView view = read_order(document).value();
        EXPECT_EQ(view.id, "0");
        EXPECT_EQ(view.reference, "string");
        EXPECT_STREQ(name_of(view.state), "Accepted");
        EXPECT_EQ(view.recipient.name, "John Doe");
        EXPECT_EQ(view.recipient.address.zip, "07093");
        ASSERT_EQ(view.shipments.size(), 1U);
        EXPECT_EQ(view.shipments[0].tracking.at(0).number, "860C8CDC8F0B4FC7AB69AC86C20539EC");
        EXPECT_EQ(view.shipments[0].tracking.at(0).carrier, "USPS");
        EXPECT_EQ(view.shipments[0].lines.at(0).sku, "TShirtBlueM");
        EXPECT_TRUE(view.changed_at.has_value());
    }
    EXPECT_EQ(read_orders(listed).value().size(), 1U);
    EXPECT_EQ(read_orders({{"items", listed}}).value().size(), 1U);
}

TEST(ShipBobExamples, CancelAnswersRoundTrip) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json published = fixture("wms/shipbob/example-cancel-order-2026-01.json").at("responses").at("200");
    const json observed = fixture("wms/shipbob/observed-cancel-order-numeric-action.json");

    EXPECT_EQ(read_cancel_answer(published).result, CancelAnswer::Result::success);
    EXPECT_EQ(read_cancel_answer(observed).result, CancelAnswer::Result::success);
    EXPECT_TRUE(read_order(published.at("order")).has_value());
}

TEST(ShipBobExamples, CancelIsJudgedByItsShipments) {
    const auto result = [](const std::string& status, const std::vector<bool>& cancelled) {
        json shipments = json::array();
        for (const bool each : cancelled)
            shipments.push_back({{"is_success", each}, {"reason", "picked"}});
        return read_cancel_answer({{"status", status}, {"canceled_shipment_results", shipments}}).result;
    };
    EXPECT_EQ(result("Success", {true, true}), CancelAnswer::Result::success);
    EXPECT_EQ(result("Success", {true, false}), CancelAnswer::Result::partial);
    EXPECT_EQ(result("PartialSuccess", {true, false}), CancelAnswer::Result::partial);
    EXPECT_EQ(result("Failure", {false}), CancelAnswer::Result::failure);
    EXPECT_EQ(result("Tomorrow", {}), CancelAnswer::Result::unknown);
}

TEST(ShipBobExamples, InventoryRoundTripsAndMissingIsNotZero) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json published = fixture("wms/shipbob/example-inventory-level-2026-01.json").at("responses").at("200");
    const std::vector<InventoryRow> rows = read_inventory(published);

    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].level.sku, "string");
    EXPECT_EQ(rows[0].level.fulfillable, 0);
    EXPECT_EQ(rows[0].level.on_hand, 0);

    const std::vector<InventoryRow> partial = read_inventory(json::array({{{"inventory_id", 3}}}));
    ASSERT_EQ(partial.size(), 1U);
    EXPECT_FALSE(partial[0].level.fulfillable.has_value());
}

TEST(Catalogue, NamesAProductByItsOnlyVariantOrByItsOldId) {
    const json single{{"id", 11}, {"variants", {{{"sku", "TEE"}, {"inventory", {{"inventory_id", 501}}}}}}};
    ASSERT_EQ(read_product(single).size(), 1U);
    EXPECT_EQ(read_product(single)[0].item_id, 11);
    EXPECT_EQ(read_product(single)[0].inventory_id, 501);

    const auto variant = [](const std::string& sku, const json& legacy) {
        json channels = json::array();
        for (const json& id : legacy)
            channels.push_back({{"legacy_product_id", id}});
        return json{{"sku", sku}, {"channel_metadata", channels}};
    };
    const json several{{"id", 12}, {"variants", {variant("S", {71}), variant("M", {72, 72}), variant("L", {73, 74})}}};
    const std::vector<CatalogueItem> items = read_product(several);
    ASSERT_EQ(items.size(), 2U);  // L is not to be told apart
    EXPECT_EQ(items[0].item_id, 71);
    EXPECT_EQ(items[1].item_id, 72);
}

// ----------------------------------------------------------------------------------------------------------- requests

FulfillmentRequest a_request() {
    FulfillmentRequest request;
    request.reference = "eu.5001.1.1";
    request.display_number = "#1001";
    request.recipient = {
        "John Doe", "john@example.com", "555", {"100 Nowhere Blvd", "", "Gotham City", "", "NJ", "07093", "US"}};
    request.lines = {
        {"1", "TEE", 11, 2, std::nullopt}, {"2", "CAP", 12, 1, std::nullopt}, {"3", "TEE", 11, 1, std::nullopt}};
    request.tags = {{"saga", "s-1"}, {"", "dropped"}};
    return request;
}

TEST(CreateBody, NamesProductsByIdOnlyAndSumsLinesOfOneProduct) {
    const json body = json::parse(create_body(a_request()));

    EXPECT_EQ(body.at("reference_id"), "eu.5001.1.1");
    EXPECT_EQ(body.at("products"), json::parse(R"([{"id":11,"quantity":3},{"id":12,"quantity":1}])"));
    EXPECT_EQ(body.at("shipping_method"), "Standard");
    EXPECT_EQ(body.at("tags").size(), 1U);
    EXPECT_EQ(body.at("recipient").at("address").at("country"), "US");
    EXPECT_FALSE(body.at("recipient").at("address").contains("address2"));
}

TEST(CreateBody, HoldsOnlyFieldsTheSpecificationNames) {
    ORDERSAGA_NEEDS_FIXTURES();
    const json example = fixture("wms/shipbob/example-create-order-2026-01.json").at("request");
    const json body = json::parse(create_body(a_request()));
    for (const auto& [key, value] : body.items())
        EXPECT_TRUE(example.contains(key)) << key;
    for (const auto& [key, value] : body.at("recipient").items()) {
        EXPECT_TRUE(example.at("recipient").contains(key)) << key;
    }
    for (const auto& [key, value] : body.at("recipient").at("address").items()) {
        EXPECT_TRUE(example.at("recipient").at("address").contains(key)) << key;
    }
    for (const auto& [key, value] : body.at("products").at(0).items()) {
        EXPECT_TRUE(example.at("products").at(0).contains(key)) << key;
    }
}

TEST(CreateBody, LeavesOutAnEmailThatIsNone) {
    FulfillmentRequest request = a_request();
    request.recipient.email = "no address";
    EXPECT_FALSE(json::parse(create_body(request)).at("recipient").contains("email"));
}

TEST(CreateFaults, NamesWhatKeepsARequestFromBeingSent) {
    EXPECT_TRUE(faults_of(a_request()).empty());
    FulfillmentRequest request = a_request();
    request.reference = "a,b";
    request.recipient.address.city.clear();
    request.recipient.address.country = "Germany";
    request.lines[0].item_id.reset();
    request.lines[1].quantity = 0;
    std::vector<std::string> fields;
    for (const FieldProblem& fault : faults_of(request))
        fields.push_back(fault.field);

    EXPECT_THAT(fields, ElementsAre("reference", "recipient.city", "recipient.country", "lines.TEE", "lines.CAP"));
}

TEST(Reference, HoldsNothingThatAQueryOrAPathCouldMisread) {
    EXPECT_TRUE(is_valid_reference("eu-1.820982911946154508.p1.g2"));
    for (const char* bad : {"", "a,b", "a/b", "a b", "a%2c", "ä", "a\n"})
        EXPECT_FALSE(is_valid_reference(bad)) << bad;
    EXPECT_FALSE(is_valid_reference(std::string(101, 'a')));
}

FulfillmentView the_same() {
    return read_order({{"id", 9},
                       {"reference_id", "eu.5001.1.1"},
                       {"status", "Processing"},
                       {"recipient",
                        {{"name", "JOHN DOE"},
                         {"address",
                          {{"address1", "100 Nowhere Blvd."},
                           {"city", "Gotham City"},
                           {"zip_code", "07093"},
                           {"country", "US"}}}}},
                       {"products", {{{"id", 11}, {"quantity", 3}}, {{"id", 12}, {"quantity", 1}}}}})
        .value();
}

TEST(Difference, SpellingIsNoneAndContentIs) {
    EXPECT_EQ(difference(a_request(), the_same()), "");

    FulfillmentView other = the_same();
    other.lines[0].quantity = 2;
    EXPECT_THAT(difference(a_request(), other), HasSubstr("units"));

    other = the_same();
    other.lines[0].item_id = 13;
    EXPECT_THAT(difference(a_request(), other), HasSubstr("item"));

    other = the_same();
    other.recipient.address.address1 = "1 Other Street";
    EXPECT_THAT(difference(a_request(), other), HasSubstr("street"));

    other = the_same();
    other.reference = "eu.5001.1.10";
    EXPECT_THAT(difference(a_request(), other), HasSubstr("reference"));
}

// The answer to a lookup may be shortened; what it does not tell cannot differ.
TEST(Difference, AShortAnswerIsNotADifference) {
    const FulfillmentView bare = read_order({{"id", 9}, {"reference_id", "eu.5001.1.1"}}).value();
    EXPECT_EQ(difference(a_request(), bare), "");
}

TEST(ShipBobAnswers, QuantitiesBeyondAllBoundsAreNotAddedUp) {
    const json item = {{"quantity", 9'223'372'036'854'775'807}};
    const json product = {{"id", 501}, {"inventory_items", json::array({item, item, {{"quantity", -5}}})}};
    const json shipment = {{"id", 77}, {"status", "Completed"}, {"products", json::array({product})}};
    const auto view = read_order({{"id", 900}, {"status", "Fulfilled"}, {"shipments", json::array({shipment})}});
    ASSERT_TRUE(view);
    EXPECT_EQ(view->shipments.at(0).lines.at(0).quantity, 9'223'372'036'854'775'802);
}

}  // namespace
}  // namespace ordersaga::activities::wms::shipbob
