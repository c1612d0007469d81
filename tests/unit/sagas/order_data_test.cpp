// What a saga remembers is stored and read without loss, and hostile documents are refused with a reason.
#include "tests/unit/sagas/conversation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

OrderData everything() {
    OrderData data = an_unpaid_order();
    data.lines = {a_gift_set("L1", 2), a_line("L2", 1)};
    data.lines[0].parts[1].shipped = 3;
    data.lines[0].told_shipped = 1;
    data.order_policy = "cancel_and_refund";
    data.channel_wait_ms = 0;
    data.hold_expiry_ms = 5;
    Fulfillment fulfillment;
    fulfillment.generation = 2;
    fulfillment.reference = "eu.450789469.1.2";
    fulfillment.request_key = "key";
    fulfillment.warehouse_order_id = "9223372036854775807";
    fulfillment.state = "accepted";
    fulfillment.perhaps_exists = true;
    fulfillment.shipments = {{"S1", "DHL", "T1", "https://track.example/T1", {{"L1", 1}}, "880", true}};
    data.fulfillments = {fulfillment};
    data.cancel_by = "customer";
    data.cancel_reason = "changed my mind";
    data.stop_wanted = true;
    data.edit = {a_line("L2", 7)};
    data.settle_store_order = true;
    data.cause = "cancelled by customer";
    data.final_state = "OutOfStock";
    data.resume = "Reserved";
    data.wait_until = start;
    data.hold_until = start + std::chrono::microseconds(1);
    data.deliver_by = start + std::chrono::hours(1);
    return data;
}

TEST(OrderData, IsReadAsItWasStored) {
    const json stored = to_json(everything());
    const OrderData read = order_data_from_json(json::parse(stored.dump()));
    EXPECT_EQ(to_json(read), stored);
    EXPECT_EQ(read.lines[0].parts[1].shipped, 3);
    EXPECT_EQ(read.fulfillments.front().shipments.front().lines.front().second, 1);
    EXPECT_EQ(read.hold_until, start + std::chrono::microseconds(1));
    EXPECT_EQ(read.edit->front().wanted, 7);
}

TEST(OrderData, FillsInWhatAnOlderDocumentDoesNotHave) {
    const OrderData read = order_data_from_json(
        {{"store_id", 7},
         {"store", "eu"},
         {"warehouse_id", 3},
         {"warehouse", "main"},
         {"order_id", "1"},
         {"lines", json::array()},
         {"fulfillments", json::array()}});
    EXPECT_EQ(read.order_policy, "hold_and_tell");
    EXPECT_EQ(read.final_state, "Compensated");
    EXPECT_FALSE(read.edit.has_value());
}

TEST(OrderData, RefusesWhatItCannotRead) {
    for (const char* field : {"store_id", "store", "warehouse_id", "warehouse", "order_id", "lines", "fulfillments"}) {
        json document = to_json(everything());
        document.erase(field);
        EXPECT_THROW((void)order_data_from_json(document), std::invalid_argument) << field;
        document[field] = json::object({{"not", "this"}});
        EXPECT_THROW((void)order_data_from_json(document), std::invalid_argument) << field;
    }
    for (const json& document : {json(nullptr), json("text"), json::array({1, 2}), json(7)}) {
        EXPECT_THROW((void)order_data_from_json(document), std::invalid_argument) << document;
    }
    json document = to_json(everything());
    document["hold_until"] = "yesterday";
    EXPECT_THROW((void)order_data_from_json(document), std::invalid_argument);
}

// A number of another kind would be turned into one that means something else.
TEST(OrderData, RefusesNumbersThatAreNotWholeOrOutOfBounds) {
    const json good = to_json(everything());
    const std::vector<std::pair<std::string, json>> bad{
        {"/store_id", 1e300},
        {"/lines/0/wanted", 1.5},
        {"/lines/0/wanted", -1},
        {"/lines/0/of_part", 4'294'967'297},
        {"/lines/0/parts/0/per_unit", 0},
        {"/lines/0/parts/0/per_unit", 9'223'372'036'854'775'807},
        {"/fulfillments/0/generation", 4'294'967'298},
        {"/fulfillments/0/shipments/0/lines/0/quantity", true},
        {"/wish", {{"L1", 1e300}}},
    };
    for (const auto& [place, value] : bad) {
        json document = good;
        document[json::json_pointer(place)] = value;
        EXPECT_THROW((void)order_data_from_json(document), std::invalid_argument) << place << " " << value;
    }
}

TEST(OrderData, IsNotReadByADecisionThatDoesNotUnderstandIt) {
    OrderSaga definition;
    SagaSnapshot saga;
    saga.state = "Reserved";
    saga.data = json::object();
    EXPECT_THROW((void)definition.decide(saga, {"ChannelsUpdated", json::object(), ""}, start), std::invalid_argument);
}

}  // namespace
}  // namespace ordersaga::sagas
