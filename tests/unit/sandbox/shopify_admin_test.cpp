#include "sandbox/shopify_objects.hpp"
#include "tests/unit/sandbox/a_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

const char* const adjust =
    "mutation A($input: InventoryAdjustQuantitiesInput!, $key: String!) { inventoryAdjustQuantities(input: $input) "
    "@idempotent(key: $key) { inventoryAdjustmentGroup { id changes { name delta item { id } } } userErrors { field "
    "message code } } }";

json row(SmallWorld& small, const std::string& sku, std::int64_t delta, const json& change_from = nullptr) {
    return {
        {"inventoryItemId", shop_gid("InventoryItem", small.shop->store.variant_by_sku(sku)->inventory_item_id)},
        {"locationId", shop_gid("Location", small.shop->store.locations().front().id)},
        {"delta", delta},
        {"changeFromQuantity", change_from},
    };
}

json input(const json& rows) {
    return {
        {"name", "available"},
        {"reason", "correction"},
        {"referenceDocumentUri", "gid://ordersaga/Flush/1"},
        {"changes", rows}};
}

json run_adjust(SmallWorld& small, const json& rows, const std::string& key) {
    return small.graphql(adjust, {{"input", input(rows)}, {"key", key}});
}

std::string first_code(const json& answer) {
    return answer["data"]["inventoryAdjustQuantities"]["userErrors"].at(0)["code"];
}

TEST(ShopifyAdmin, AppliesAKeyOnceAndReplaysItsResult) {
    SmallWorld small;

    const json first = run_adjust(small, json::array({row(small, "SHIRT", -2)}), "k1");
    const json second = run_adjust(small, json::array({row(small, "SHIRT", -2)}), "k1");

    EXPECT_EQ(small.level("SHIRT").available, 3);
    EXPECT_EQ(first["data"], second["data"]);
    EXPECT_EQ(first["data"]["inventoryAdjustQuantities"]["inventoryAdjustmentGroup"]["changes"].size(), 2U);
    const auto& effects = small.world.ledger().effects();
    ASSERT_EQ(effects.size(), 2U);
    EXPECT_FALSE(effects[0].replay);
    EXPECT_TRUE(effects[1].replay);
}

TEST(ShopifyAdmin, RefusesAUsedKeyWithOtherVariables) {
    SmallWorld small;
    run_adjust(small, json::array({row(small, "SHIRT", -2)}), "k1");

    const json other = run_adjust(small, json::array({row(small, "SHIRT", -1)}), "k1");

    EXPECT_EQ(first_code(other), "IDEMPOTENCY_KEY_PARAMETER_MISMATCH");
    EXPECT_EQ(small.level("SHIRT").available, 3);
}

TEST(ShopifyAdmin, SaysStaleWhenSomebodySoldInBetween) {
    SmallWorld small;
    small.order("SHIRT", 1);

    const json stale = run_adjust(small, json::array({row(small, "MUG", 1), row(small, "SHIRT", -1, 5)}), "k1");

    EXPECT_EQ(first_code(stale), "CHANGE_FROM_QUANTITY_STALE");
    EXPECT_EQ(stale["data"]["inventoryAdjustQuantities"]["inventoryAdjustmentGroup"], nullptr);
    EXPECT_EQ(
        stale["data"]["inventoryAdjustQuantities"]["userErrors"][0]["field"],
        json::array({"input", "changes", "1", "changeFromQuantity"}));
    EXPECT_EQ(small.level("MUG").available, 9) << "a refused call applies no row";
}

TEST(ShopifyAdmin, WantsTheKeyAndChangeFromQuantityFrom2026_04On) {
    SmallWorld small;
    const char* without_key =
        "mutation A($input: I!) { inventoryAdjustQuantities(input: $input) { userErrors { code } } }";
    json bare = row(small, "SHIRT", -1);
    bare.erase("changeFromQuantity");

    const json no_key = small.graphql(without_key, {{"input", input(json::array({row(small, "SHIRT", -1)}))}});
    const json no_compare = run_adjust(small, json::array({bare}), "k1");
    const json old_version = small.graphql(without_key, {{"input", input(json::array({bare}))}}, noon, "2026-01");

    EXPECT_EQ(
        no_key["errors"][0]["message"],
        "The @idempotent directive is required for this mutation but was not provided.");
    EXPECT_EQ(no_key["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    EXPECT_EQ(no_key["data"], json({{"inventoryAdjustQuantities", nullptr}}));
    EXPECT_EQ(no_compare["errors"][0]["extensions"]["code"], "INVALID_FIELD_ARGUMENTS");
    EXPECT_EQ(
        no_compare["errors"][0]["message"],
        "InventoryChangeInput must include the following argument: changeFromQuantity.");
    EXPECT_FALSE(old_version.contains("errors"));
    EXPECT_EQ(small.level("SHIRT").available, 4);
}

TEST(ShopifyAdmin, NamesPoisonRowsAndAppliesNothing) {
    SmallWorld small;
    ShopVariant bundle;
    bundle.sku = bundle.title = "BUNDLE";
    bundle.mutable_stock = false;
    small.shop->store.add_variant(bundle, 1, noon);
    const std::int64_t elsewhere = small.shop->store.add_location("Later").id;
    json unstocked = row(small, "MUG", 1);
    unstocked["locationId"] = shop_gid("Location", elsewhere);
    json unknown = row(small, "MUG", 1);
    unknown["inventoryItemId"] = "gid://shopify/InventoryItem/42";
    ShopVariant late;
    const auto code = [&](const json& rows, const std::string& key) {
        return first_code(run_adjust(small, rows, key));
    };

    EXPECT_EQ(code(json::array({row(small, "BUNDLE", 1)}), "a"), "NON_MUTABLE_INVENTORY_ITEM");
    EXPECT_EQ(code(json::array({unknown}), "b"), "INVALID_INVENTORY_ITEM");
    EXPECT_EQ(
        code(json::array({row(small, "MUG", 1), row(small, "MUG", 2)}), "c"),
        "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR");
    EXPECT_EQ(code(json::array({row(small, "MUG", 2'000'000'001)}), "d"), "INVALID_QUANTITY_TOO_HIGH");
    EXPECT_EQ(small.level("MUG").available, 9);
}

TEST(ShopifyAdmin, AnswersAnAllZeroCallWithNoGroupAndNoError) {
    SmallWorld small;

    const json zero = run_adjust(small, json::array({row(small, "MUG", 0)}), "k1");

    EXPECT_EQ(
        zero["data"]["inventoryAdjustQuantities"],
        json({{"inventoryAdjustmentGroup", nullptr}, {"userErrors", json::array()}}));
}

TEST(ShopifyAdmin, LetsAvailableFallBelowZero) {
    SmallWorld small;

    run_adjust(small, json::array({row(small, "SHIRT", -7)}), "k1");

    EXPECT_EQ(small.level("SHIRT").available, -2);
}

TEST(ShopifyAdmin, ThrottlesOnceTheBucketIsEmptyAndRefillsIt) {
    SmallWorld small;
    small.shop->store.settings().bucket_points = 20;
    small.shop->store.settings().restore_points_per_second = 10;
    small.shop->admin.forget_bucket();

    run_adjust(small, json::array({row(small, "MUG", 1)}), "k1");
    const json refused = run_adjust(small, json::array({row(small, "MUG", 1)}), "k2");
    const json later =
        small.graphql(adjust, {{"input", input(json::array({row(small, "MUG", 1)}))}, {"key", "k2"}}, at_ms(1000));

    EXPECT_EQ(refused["errors"][0]["extensions"]["code"], "THROTTLED");
    EXPECT_FALSE(refused.contains("data"));
    EXPECT_EQ(refused["extensions"]["cost"]["requestedQueryCost"], 13);
    EXPECT_EQ(refused["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"], 7);
    EXPECT_TRUE(later.contains("data"));
    EXPECT_EQ(small.level("MUG").available, 11);
}

TEST(ShopifyAdmin, PagesOrdersByTheInstantOfTheirLastChange) {
    SmallWorld small;
    std::vector<std::int64_t> ids;
    for (int number = 0; number < 5; ++number) {
        ids.push_back(small.order("MUG", 1, false, at_ms(number * 10)));
    }
    small.shop->store.add_tags(ids[0], {"late"}, at_ms(100));
    const char* query =
        "query O($q: String!, $after: String) { orders(query: $q, sortKey: UPDATED_AT, first: 2, after: $after) { "
        "nodes { "
        "id } pageInfo { hasNextPage endCursor } } }";
    json after = nullptr;
    std::vector<std::string> seen;

    for (int page = 0; page < 5; ++page) {
        const json answer = small.graphql(
            query, {{"q", "updated_at:>='" + runtime::format_rfc3339(at_ms(10)) + "'"}, {"after", after}});
        for (const auto& node : answer["data"]["orders"]["nodes"]) {
            seen.push_back(node["id"]);
        }
        after = answer["data"]["orders"]["pageInfo"]["endCursor"];
        if (!answer["data"]["orders"]["pageInfo"]["hasNextPage"].get<bool>()) {
            break;
        }
    }

    EXPECT_EQ(
        seen, (std::vector<std::string>{
                  shop_gid("Order", ids[1]), shop_gid("Order", ids[2]), shop_gid("Order", ids[3]),
                  shop_gid("Order", ids[4]), shop_gid("Order", ids[0])}));
}

TEST(ShopifyAdmin, FulfilsWithErrorsThatHaveNoCode) {
    SmallWorld small;
    const std::int64_t id = small.order("SHIRT", 1);
    const std::string work = shop_gid("FulfillmentOrder", small.shop->store.order(id)->fulfillment_orders.front().id);
    const char* query =
        "mutation F($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) { fulfillment { id name "
        "trackingInfo(first: "
        "1) { number } } userErrors { field message } } }";
    const json wish{
        {"f",
         {{"lineItemsByFulfillmentOrder", json::array({{{"fulfillmentOrderId", work}}})},
          {"trackingInfo", {{"number", "T1"}, {"company", "USPS"}}}}}};

    const json first = small.graphql(query, wish);
    const json second = small.graphql(query, wish);

    EXPECT_EQ(first["data"]["fulfillmentCreate"]["fulfillment"]["name"], "#1001-F1");
    EXPECT_EQ(second["data"]["fulfillmentCreate"]["fulfillment"], nullptr);
    const std::string message = second["data"]["fulfillmentCreate"]["userErrors"][0]["message"];
    EXPECT_NE(message.find("has an unfulfillable status= closed."), std::string::npos);
}

TEST(ShopifyAdmin, HoldsOnceUnderAHandle) {
    SmallWorld small;
    const std::int64_t id = small.order("SHIRT", 1);
    const std::string work = shop_gid("FulfillmentOrder", small.shop->store.order(id)->fulfillment_orders.front().id);
    const char* query =
        "mutation H($id: ID!, $h: FulfillmentOrderHoldInput!) { fulfillmentOrderHold(id: $id, fulfillmentHold: $h) { "
        "fulfillmentOrder { status } userErrors { code } } }";
    const json wish{{"id", work}, {"h", {{"reason", "INVENTORY_OUT_OF_STOCK"}, {"handle", "ordersaga"}}}};

    const json first = small.graphql(query, wish);
    const json second = small.graphql(query, wish);

    EXPECT_EQ(first["data"]["fulfillmentOrderHold"]["fulfillmentOrder"]["status"], "ON_HOLD");
    EXPECT_EQ(second["data"]["fulfillmentOrderHold"]["userErrors"][0]["code"], "DUPLICATE_FULFILLMENT_HOLD_HANDLE");
}

TEST(ShopifyAdmin, AnswersStoresThatAreShutByTheirStatus) {
    SmallWorld small;
    const auto status = [&](const std::string& of_store, const std::string& token) {
        small.shop->store.settings().status = of_store;
        return small.shop->admin.handle("2026-07", token, R"({"query":"{ shop { name } }"})", noon).status;
    };

    EXPECT_EQ(status("active", "shpat_blue"), 200);
    EXPECT_EQ(status("active", "other"), 401);
    EXPECT_EQ(status("uninstalled", "shpat_blue"), 401);
    EXPECT_EQ(status("frozen", "shpat_blue"), 402);
    EXPECT_EQ(status("locked", "shpat_blue"), 423);
}

TEST(ShopifyAdmin, SurvivesInputsOfTheWrongType) {
    SmallWorld small;
    for (const char* bad :
         {"[]", "7", "\"x\"", "null", "[[1]]", "[{\"delta\":\"1\"}]",
          "[{\"delta\":1.5,\"changeFromQuantity\":null}]"}) {
        const json answer =
            small.graphql(adjust, {{"input", {{"name", "available"}, {"changes", json::parse(bad)}}}, {"key", "k"}});
        EXPECT_TRUE(answer.contains("errors")) << bad;
    }
    EXPECT_EQ(small.shop->admin.handle("2026-07", "shpat_blue", "{not json", noon).status, 400);
}

}  // namespace
}  // namespace ordersaga::sandbox
