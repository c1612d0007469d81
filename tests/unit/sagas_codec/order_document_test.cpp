#include "sagas/order_document.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ordersaga::sagas {
namespace {

using nlohmann::json;

OrderDocument a_full_order() {
    OrderDocument order;
    order.order_id = "820982911946154508";
    order.name = "#1001";
    order.created_at = runtime::parse_rfc3339("2026-07-01T10:00:00.000001Z").value();
    order.updated_at = runtime::parse_rfc3339("2026-07-01T10:00:01Z").value();
    order.cancelled_at = order.updated_at;
    order.cancel_reason = "customer";
    order.financial_status = "paid";
    order.fulfillment_status = "partial";
    order.test = true;
    order.source_name = "web";
    order.location_id = "4";
    order.email = "a@example.com";
    order.ship_method = "Express";
    order.shipping_address = Address{"Ada", "1 Road", "", "", "Berlin", "BE", "10115", "DE", ""};
    order.lines = {{"11", "77", "SHIRT", 3, 2, 1, true, false, true}, {"12", "", "", 1, 1, 0, false, true, false}};
    order.refunds = {{"9", {{"11", 1, "cancel", "4"}}}};
    order.fulfillments = {{"5", "success", {"T1", "T2"}}};
    return order;
}

TEST(OrderDocument, ComesBackFromJsonAsItWent) {
    EXPECT_EQ(order_document_from_json(to_json(a_full_order())), a_full_order());

    OrderDocument plain = a_full_order();
    plain.cancelled_at.reset();
    plain.shipping_address.reset();
    plain.lines.clear();
    EXPECT_EQ(order_document_from_json(to_json(plain)), plain);
}

TEST(OrderDocument, RefusesWhatItCannotUse) {
    for (const char* key : {"order_id", "created_at", "updated_at", "lines"}) {
        json document = to_json(a_full_order());
        document.erase(key);
        EXPECT_THROW(order_document_from_json(document), std::invalid_argument) << key;
    }
    json document = to_json(a_full_order());
    document["lines"][0]["quantity"] = "3";
    EXPECT_THROW(order_document_from_json(document), std::invalid_argument);
}

}  // namespace
}  // namespace ordersaga::sagas
