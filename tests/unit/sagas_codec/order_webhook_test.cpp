#include "runtime/json.hpp"
#include "sagas/order_document.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

json a_line(std::int64_t id, std::int64_t quantity = 1) {
    return {{"id", id}, {"variant_id", 77}, {"sku", "SHIRT"}, {"quantity", quantity}};
}

json an_order() {
    return {
        {"id", 1001},
        {"name", "#1001"},
        {"created_at", "2026-07-01T10:00:00-05:00"},
        {"updated_at", "2026-07-01T10:00:01-05:00"},
        {"line_items", json::array({a_line(11)})},
    };
}

std::string fault_of(const json& body) {
    try {
        order_document_from_webhook(body);
        return "accepted";
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

// The fewest fields an order can come with.
TEST(OrderWebhook, FillsWhatIsMissingWithTheStoresDefaults) {
    const OrderDocument order = order_document_from_webhook(an_order());

    EXPECT_EQ(order.order_id, "1001");
    EXPECT_EQ(runtime::format_rfc3339(order.updated_at), "2026-07-01T15:00:01Z");
    EXPECT_EQ(order.financial_status, "pending");
    EXPECT_EQ(order.fulfillment_status, "");
    EXPECT_FALSE(order.shipping_address.has_value());
    EXPECT_FALSE(order.cancelled_at.has_value());
    ASSERT_EQ(order.lines.size(), 1U);
    EXPECT_EQ(order.lines[0].current_quantity, 1);
    EXPECT_EQ(order.lines[0].fulfillable_quantity, 1);
    EXPECT_TRUE(order.lines[0].requires_shipping);
    EXPECT_TRUE(order.lines[0].tracked);
    EXPECT_FALSE(order.lines[0].gift_card);
}

TEST(OrderWebhook, KeepsIdsBeyondDoublePrecisionExactly) {
    json body = an_order();
    body["id"] = 820982911946154508;
    EXPECT_EQ(order_document_from_webhook(body).order_id, "820982911946154508");

    body["id"] = 820982911946154500;  // rounded by a JavaScript hop
    body["admin_graphql_api_id"] = "gid://shopify/Order/820982911946154508";
    EXPECT_EQ(order_document_from_webhook(body).order_id, "820982911946154508");
}

TEST(OrderWebhook, RefusesTwoIdsThatCannotBeOne) {
    json body = an_order();
    body["admin_graphql_api_id"] = "gid://shopify/Order/1002";
    EXPECT_NE(fault_of(body).find("order.id and admin_graphql_api_id name different objects"), std::string::npos);

    body["id"] = 820982911946154000;
    body["admin_graphql_api_id"] = "gid://shopify/Order/820982911946154508";
    EXPECT_NE(fault_of(body).find("different objects"), std::string::npos);
}

TEST(OrderWebhook, CountsRefundsWhereCurrentQuantityIsMissing) {
    json body = an_order();
    body["line_items"] = json::array({a_line(11, 5), a_line(12, 2)});
    body["refunds"] = json::array({{
        {"id", 9},
        {"refund_line_items",
         json::array(
             {{{"line_item_id", 11}, {"quantity", 2}, {"restock_type", "cancel"}, {"location_id", 4}},
              {{"line_item_id", 12}, {"quantity", 3}}})},
    }});

    const OrderDocument order = order_document_from_webhook(body);

    EXPECT_EQ(order.lines[0].quantity, 5);
    EXPECT_EQ(order.lines[0].current_quantity, 3);
    EXPECT_EQ(order.lines[0].fulfillable_quantity, 3);
    EXPECT_EQ(order.lines[1].current_quantity, 0);
    ASSERT_EQ(order.refunds.size(), 1U);
    EXPECT_EQ(order.refunds[0].lines[0], (RefundLine{"11", 2, "cancel", "4"}));
    EXPECT_EQ(order.refunds[0].lines[1], (RefundLine{"12", 3, "no_restock", ""}));
}

TEST(OrderWebhook, AsksForNothingThatIsFulfilledAlready) {
    json body = an_order();
    body["line_items"][0]["fulfillment_status"] = "fulfilled";
    EXPECT_EQ(order_document_from_webhook(body).lines[0].fulfillable_quantity, 0);

    body = an_order();
    body["line_items"] = json::array({a_line(11, 3)});
    body["fulfillments"] = json::array(
        {{{"id", 5}, {"status", "success"}, {"line_items", json::array({a_line(11, 2)})}},
         {{"id", 6}, {"status", "cancelled"}, {"line_items", json::array({a_line(11, 1)})}}});
    EXPECT_EQ(order_document_from_webhook(body).lines[0].fulfillable_quantity, 1);
}

TEST(OrderWebhook, TellsUntrackedLinesAndCustomLines) {
    json body = an_order();
    body["line_items"][0]["variant_inventory_management"] = nullptr;
    body["line_items"][0]["variant_id"] = nullptr;
    body["line_items"][0]["sku"] = nullptr;
    body["line_items"][0]["properties"] = {{"any", {{"shape", 1.5}}}};

    const OrderDocument order = order_document_from_webhook(body);

    EXPECT_FALSE(order.lines[0].tracked);
    EXPECT_EQ(order.lines[0].variant_id, "");
    EXPECT_EQ(order.lines[0].sku, "");
}

TEST(OrderWebhook, TakesNameAndTrackingFromWhereverTheyAre) {
    json body = an_order();
    body["shipping_address"] = {
        {"first_name", "Ada"}, {"last_name", "Byron"}, {"zip", "10115"}, {"country_code", "DE"}};
    body["shipping_lines"] = json::array({{{"title", "Express"}}, {{"title", "Other"}}});
    body["fulfillments"] = json::array({{{"id", 5}, {"status", "SUCCESS"}, {"tracking_number", "T1"}}});

    const OrderDocument order = order_document_from_webhook(body);

    EXPECT_EQ(order.shipping_address->name, "Ada Byron");
    EXPECT_EQ(order.ship_method, "Express");
    EXPECT_EQ(order.fulfillments[0], (StoreFulfillment{"5", "success", {"T1"}}));
}

// Every member that is read is here; what is not read is left out wherever it is, and nobody notices.
TEST(OrderWebhook, IsTheSameWithoutWhatIsUnread) {
    const json money = {{"shop_money", {{"amount", "1.00"}}}};
    json line = a_line(11, 3);
    line.update(
        {{"admin_graphql_api_id", "gid://shopify/LineItem/11"},
         {"current_quantity", 2},
         {"fulfillable_quantity", 1},
         {"fulfillment_status", "partial"},
         {"requires_shipping", true},
         {"gift_card", false},
         {"variant_inventory_management", "shopify"},
         {"price_set", money},
         {"tax_lines", json::array({{{"price_set", money}}})}});
    json body = an_order();
    body["line_items"] = json::array({line});
    body["email"] = "buyer@example.com";
    body["source_name"] = "web";
    body["location_id"] = 4;
    body["financial_status"] = "partially_refunded";
    body["fulfillment_status"] = "partial";
    body["test"] = true;
    body["cancelled_at"] = "2026-07-02T10:00:00Z";
    body["cancel_reason"] = "customer";
    body["customer"] = {{"email", "other@example.com"}};
    body["shipping_lines"] = json::array({{{"title", "Express"}, {"price_set", money}}});
    body["shipping_address"] = {{"first_name", "Ada"},  {"last_name", "Byron"}, {"address1", "1 Street"},
                                {"address2", "Left"},   {"company", "C"},       {"city", "Town"},
                                {"province_code", "X"}, {"zip", "10115"},       {"country_code", "DE"},
                                {"phone", "1"}};
    body["billing_address"] = body["shipping_address"];
    body["refunds"] = json::array(
        {{{"id", 7},
          {"transactions", json::array({{{"receipt", json::object()}}})},
          {"refund_line_items", json::array(
                                    {{{"line_item_id", 11},
                                      {"line_item", line},
                                      {"quantity", 1},
                                      {"restock_type", "return"},
                                      {"location_id", 4},
                                      {"subtotal_set", money}}})}}});
    body["fulfillments"] = json::array(
        {{{"id", 5},
          {"status", "success"},
          {"tracking_number", "T1"},
          {"tracking_numbers", json::array({"T1", "T2"})},
          {"receipt", json::object()},
          {"line_items", json::array({line})}}});

    const std::string text = body.dump();
    runtime::JsonLimits limits;
    limits.unread = unread_in_order_webhook;
    const json read = runtime::parse_json(text, limits).value();

    EXPECT_LT(read.dump().size(), text.size() * 3 / 4);
    EXPECT_EQ(to_json(order_document_from_webhook(read)), to_json(order_document_from_webhook(body)));
}

TEST(OrderWebhook, NamesTheFieldThatIsWrong) {
    const auto with = [](const json::json_pointer& where, const json& value) {
        json body = an_order();
        body[where] = value;
        return fault_of(body);
    };
    const auto pointer = [](const char* text) {
        return json::json_pointer(text);
    };

    EXPECT_EQ(fault_of(json(7)), "order must be an object");
    EXPECT_NE(fault_of(json::object()).find("order.id"), std::string::npos);
    EXPECT_NE(with(pointer("/id"), 10.5).find("order.id"), std::string::npos);
    EXPECT_NE(with(pointer("/id"), -3).find("order.id"), std::string::npos);
    EXPECT_NE(with(pointer("/id"), "12; drop").find("order.id must be a decimal id"), std::string::npos);
    EXPECT_NE(with(pointer("/created_at"), "yesterday").find("order.created_at must be a time"), std::string::npos);
    EXPECT_NE(with(pointer("/line_items"), "none").find("order.line_items"), std::string::npos);
    EXPECT_NE(with(pointer("/line_items/0/quantity"), 1.5).find("order.line_items[0].quantity"), std::string::npos);
    EXPECT_NE(with(pointer("/line_items/0/quantity"), -1).find("between 0 and 1000000"), std::string::npos);
    EXPECT_NE(
        with(pointer("/line_items/0/quantity"), 1'000'001).find("order.line_items[0].quantity"), std::string::npos);
    EXPECT_NE(with(pointer("/line_items/1"), a_line(11)).find("order.line_items[1].id repeats"), std::string::npos);
    EXPECT_NE(with(pointer("/shipping_address"), "here").find("order.shipping_address"), std::string::npos);
    EXPECT_NE(with(pointer("/cancelled_at"), 5).find("order.cancelled_at"), std::string::npos);
}

TEST(OrderWebhook, RefusesMoreThanAThousandLines) {
    json body = an_order();
    body["line_items"] = json::array();
    for (int i = 0; i < 1000; ++i)
        body["line_items"].push_back(a_line(i + 1));
    EXPECT_EQ(fault_of(body), "accepted");

    body["line_items"].push_back(a_line(5000));
    EXPECT_NE(fault_of(body).find("order.line_items must have at most 1000 elements"), std::string::npos);
}

TEST(RefundWebhook, TellsTheOrderAndJoinsPiecesOfOneLine) {
    const json piece = {{"line_item_id", 11}, {"quantity", 1}, {"restock_type", "return"}, {"location_id", 4}};
    json other = piece;
    other["restock_type"] = "no_restock";
    const json body = {{"id", 9}, {"order_id", 1001}, {"refund_line_items", json::array({piece, other, piece})}};

    std::string order_id;
    const Refund refund = refund_from_webhook(body, order_id);

    EXPECT_EQ(order_id, "1001");
    EXPECT_EQ(refund.refund_id, "9");
    EXPECT_EQ(refund.lines, (std::vector<RefundLine>{{"11", 2, "return", "4"}, {"11", 1, "no_restock", "4"}}));
}

// Else the document could be stored, and never be read again.
TEST(RefundWebhook, RefusesPiecesThatAddUpToMoreThanALineMayHave) {
    const json piece = {{"line_item_id", 11}, {"quantity", largest_quantity}, {"restock_type", "return"}};
    const json body = {{"id", 9}, {"order_id", 1001}, {"refund_line_items", json::array({piece, piece})}};
    std::string order_id;
    EXPECT_THROW(refund_from_webhook(body, order_id), std::invalid_argument);
}

TEST(RefundWebhook, NeedsAnOrder) {
    std::string order_id;
    EXPECT_THROW(refund_from_webhook({{"id", 9}}, order_id), std::invalid_argument);
}

}  // namespace
}  // namespace ordersaga::sagas
