#include "runtime/clock.hpp"
#include "tests/unit/sandbox/a_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

std::int64_t id_of(const PeerAnswer& answer) {
    return json::parse(answer.body)["id"];
}

std::string path_of(const char* what, std::int64_t id, const char* tail = "") {
    return std::string("/") + what + "/" + std::to_string(id) + tail;
}

TEST(ShipbobApi, RefusesARepeatedReferenceAndKeepsOneOrder) {
    SmallWorld small;

    const PeerAnswer first = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 2));
    const PeerAnswer second = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 2));

    EXPECT_EQ(first.status, 201);
    EXPECT_EQ(second.status, 422);
    EXPECT_EQ(second.body, R"({"":["Cannot insert order with existing ReferenceId"]})");
    EXPECT_EQ(small.depot->warehouse.orders().size(), 1U);
    EXPECT_EQ(json::parse(small.shipbob("GET", "/order?ReferenceIds=blue.1.1.1").body).size(), 1U);
}

TEST(ShipbobApi, KeepsAReferenceUsedAfterACancel) {
    SmallWorld small;
    const PeerAnswer first = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 2));

    const PeerAnswer cancelled = small.shipbob("POST", path_of("order", id_of(first), ":cancel"));
    const PeerAnswer again = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 2));

    EXPECT_EQ(json::parse(cancelled.body)["status"], "Success");
    EXPECT_EQ(small.depot->warehouse.product_by_sku("SHIRT")->committed, 0);
    EXPECT_EQ(again.status, 422);
}

TEST(ShipbobApi, IsTooLateToCancelOncePicked) {
    SmallWorld small;
    const PeerAnswer made = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 2));
    small.depot->warehouse.pick("blue.1.1.1", noon);

    const PeerAnswer refused = small.shipbob("POST", path_of("order", id_of(made), ":cancel"));

    EXPECT_TRUE(refused.status == 422 || json::parse(refused.body)["status"] == "Failure");
    EXPECT_FALSE(small.depot->warehouse.order_by_reference("blue.1.1.1")->cancelled());
}

TEST(ShipbobApi, CountsWhatIsAskedBeyondTheStockAsOversold) {
    SmallWorld small;

    const PeerAnswer made = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 7));

    const json order = json::parse(made.body);
    EXPECT_EQ(order["status"], "Exception");
    EXPECT_EQ(order["shipments"][0]["status_details"][0]["id"], 303);
    EXPECT_EQ(small.depot->warehouse.judge().oversold_units, 2);
    small.depot->warehouse.set_on_hand("SHIRT", 10, noon);
    EXPECT_EQ(small.depot->warehouse.order_by_reference("blue.1.1.1")->status(), "Processing");
    EXPECT_EQ(small.depot->warehouse.judge().oversold_units, 2) << "what was oversold stays on record";
}

TEST(ShipbobApi, ShowsTheUnitsThatOrdersWaitForUntilACancelFreesThem) {
    SmallWorld small;
    Warehouse& warehouse = small.depot->warehouse;
    const PeerAnswer served = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 4));
    small.shipbob("POST", "/order", small.warehouse_order("blue.2.1.1", "SHIRT", 3));
    small.shipbob("POST", "/order", small.warehouse_order("blue.3.1.1", "SHIRT", 5));
    EXPECT_EQ(warehouse.exception_units(0), 8);

    small.shipbob("POST", path_of("order", id_of(served), ":cancel"));
    EXPECT_EQ(warehouse.order_by_reference("blue.2.1.1")->status(), "Processing") << "the first of those who wait";
    EXPECT_EQ(warehouse.order_by_reference("blue.3.1.1")->status(), "Exception");
    EXPECT_EQ(warehouse.exception_units(0), 5);

    warehouse.set_on_hand("SHIRT", 100, noon);
    EXPECT_EQ(warehouse.order_by_reference("blue.3.1.1")->status(), "Processing");
    EXPECT_EQ(warehouse.exception_units(0), 0);
    const json found = json::parse(small.shipbob("GET", "/order?ReferenceIds=blue.1.1.1,unheard,blue.3.1.1").body);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0]["reference_id"], "blue.3.1.1") << "the newest first";
    EXPECT_EQ(found[1]["reference_id"], "blue.1.1.1");
}

TEST(ShipbobApi, MakesUpAProductThatItDoesNotKnow) {
    SmallWorld small;
    json wish = json::parse(small.warehouse_order("blue.1.1.1", "SHIRT", 1));
    wish["products"] = json::array({{{"reference_id", "TYPO"}, {"name", "Typo"}, {"quantity", 1}}});

    const PeerAnswer made = small.shipbob("POST", "/order", wish.dump());

    EXPECT_EQ(made.status, 201);
    EXPECT_EQ(json::parse(made.body)["shipments"][0]["status_details"][0]["name"], "UnknownSku");
    EXPECT_TRUE(small.depot->warehouse.product_by_sku("TYPO")->made_up);
}

TEST(ShipbobApi, ShipsAsTimePassesAndTellsIt) {
    SmallWorld small;
    const PeerAnswer made = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 2));
    Warehouse& warehouse = small.depot->warehouse;
    std::vector<std::string> topics;

    for (std::int64_t now = 0; now <= 5000; now += 100) {
        warehouse.advance(at_ms(now));
        for (const auto& event : warehouse.take_events()) {
            topics.push_back(event.topic);
        }
    }

    EXPECT_EQ(topics, (std::vector<std::string>{"order.shipped", "order.shipment.delivered"}));
    EXPECT_EQ(warehouse.product_by_sku("SHIRT")->on_hand, 3);
    EXPECT_EQ(warehouse.product_by_sku("SHIRT")->committed, 0);
    const json order = json::parse(small.shipbob("GET", path_of("order", id_of(made))).body);
    EXPECT_EQ(order["status"], "Fulfilled");
    EXPECT_EQ(order["shipments"][0]["status"], "Completed");
    EXPECT_EQ(order["shipments"][0]["status_details"][0]["id"], 203);
    EXPECT_FALSE(order["shipments"][0]["tracking"]["tracking_number"].get<std::string>().empty());
}

TEST(ShipbobApi, ListsWhatHasChangedSinceByAgeOfTheOrder) {
    SmallWorld small;
    const auto create = [&](const char* reference, int ms) {
        return id_of(small.shipbob("POST", "/order", small.warehouse_order(reference, "SHIRT", 1), at_ms(ms)));
    };
    const auto ids_since = [&](int ms, const char* more = "") {
        std::vector<std::int64_t> ids;
        const std::string since = runtime::format_rfc3339(at_ms(ms));
        const PeerAnswer answer =
            small.shipbob("GET", "/order?SortOrder=Oldest&LastUpdateStartDate=" + since + more, "", at_ms(10'000));
        for (const json& order : json::parse(answer.body))
            ids.push_back(order["id"]);
        return ids;
    };
    const std::int64_t first = create("blue.1.1.1", 0), second = create("blue.2.1.1", 1'000);
    const std::int64_t third = create("blue.3.1.1", 2'000);
    EXPECT_EQ(ids_since(1'000), (std::vector{second, third}));

    small.depot->warehouse.pick("blue.1.1.1", at_ms(3'000));

    EXPECT_EQ(ids_since(2'000), (std::vector{first, third}));
    EXPECT_EQ(ids_since(2'001), (std::vector{first}));
    EXPECT_EQ(ids_since(0, "&Limit=2&Page=2"), (std::vector{third}));
}

TEST(ShipbobApi, SplitsOrdersIntoTwoShipments) {
    SmallWorld small;
    small.depot->warehouse.settings().split_fraction = 1;

    const PeerAnswer made = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 5));

    const json order = json::parse(made.body);
    ASSERT_EQ(order["shipments"].size(), 2U);
    EXPECT_EQ(order["products"][0]["quantity"], 5);
    EXPECT_EQ(small.depot->warehouse.product_by_sku("SHIRT")->committed, 5);
}

TEST(ShipbobApi, LimitsCallsInASlidingMinute) {
    SmallWorld small;
    small.depot->warehouse.settings().rate_limit_per_minute = 150;
    for (int call = 0; call < 150; ++call) {
        ASSERT_EQ(small.shipbob("GET", "/channel", "", at_ms(call)).status, 200);
    }

    const PeerAnswer refused = small.shipbob("GET", "/channel", "", at_ms(30'000));

    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(json::parse(refused.body)["statusCode"], 429);
    EXPECT_EQ(refused.headers.front(), (std::pair<std::string, std::string>("x-retry-after", "31")));
    EXPECT_EQ(small.shipbob("GET", "/channel", "", at_ms(60'001)).status, 200);
}

TEST(ShipbobApi, HidesYoungOrdersFromLookupAndStockByTheirLags) {
    SmallWorld small;
    small.depot->warehouse.settings().lookup_lag_ms = 1000;
    small.depot->warehouse.settings().inventory_lag_ms = 2000;
    small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "SHIRT", 2));
    const auto fulfillable = [&](std::int64_t now) {
        const json items =
            json::parse(small.shipbob("GET", "/inventory-level?SearchBy=SHIRT", "", at_ms(now)).body)["items"];
        return items[0]["total_fulfillable_quantity"].get<int>();
    };

    EXPECT_EQ(small.shipbob("GET", "/order?ReferenceIds=blue.1.1.1", "", at_ms(500)).body, "[]");
    EXPECT_NE(small.shipbob("GET", "/order?ReferenceIds=blue.1.1.1", "", at_ms(1000)).body, "[]");
    EXPECT_EQ(fulfillable(1000), 5);
    EXPECT_EQ(fulfillable(2000), 3);
}

TEST(ShipbobApi, WantsItsTokenAndChannel) {
    SmallWorld small;
    ShipbobRequest request;
    request.method = "POST";
    request.path = "/2026-01/order";
    request.body = small.warehouse_order("blue.1.1.1", "SHIRT", 1);

    EXPECT_EQ(small.depot->api.handle(request, noon).status, 401);
    request.authorization = "Bearer pat-main";
    EXPECT_EQ(small.depot->api.handle(request, noon).status, 400);
    request.channel = "128944";
    EXPECT_EQ(small.depot->api.handle(request, noon).status, 201);
}

// Two live generations of one part are what convicts the product.
TEST(Warehouse, ConvictsTwoLiveOrdersOfOnePart) {
    SmallWorld small;
    const PeerAnswer first = small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.1", "MUG", 1));
    small.shipbob("POST", "/order", small.warehouse_order("blue.1.1.2", "MUG", 1));
    small.shipbob("POST", "/order", small.warehouse_order("blue.1.2.1", "MUG", 1));

    EXPECT_EQ(small.depot->warehouse.judge().duplicate_fulfillments, 1);
    EXPECT_EQ(small.depot->warehouse.judge().duplicated_parts, (std::vector<std::string>{"blue.1.1"}));
    small.shipbob("POST", path_of("order", id_of(first), ":cancel"));
    EXPECT_EQ(small.depot->warehouse.judge().duplicate_fulfillments, 0);
    EXPECT_EQ(small.depot->warehouse.judge().live_parts, 2);
}

}  // namespace
}  // namespace ordersaga::sandbox
