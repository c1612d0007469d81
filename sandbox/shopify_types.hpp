// What a stand-in shop is made of: plain values, no behaviour. Ids are 64-bit and some exceed 2^53 on purpose.
#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::sandbox {

struct ShopLocation {
    std::int64_t id = 0;
    std::string name;
    bool active = true;
    bool fulfills_online_orders = true;
};

struct ShopVariant {
    std::int64_t variant_id = 0;
    std::int64_t product_id = 0;
    std::int64_t inventory_item_id = 0;
    std::string sku;
    std::string title;
    std::int64_t price_cents = 0;
    bool tracked = true;
    bool requires_shipping = true;
    bool gift_card = false;
    bool mutable_stock = true;  // false: a bundle parent, whose stock nobody may write
    std::string product_status = "ACTIVE";
};

// on_hand = available + committed + unavailable. Available may be negative, as in life.
struct ShopLevel {
    std::int64_t level_id = 0;
    std::int64_t available = 0;
    std::int64_t committed = 0;
    std::int64_t unavailable = 0;
    runtime::Instant updated_at;

    [[nodiscard]] std::int64_t on_hand() const { return available + committed + unavailable; }
};

struct ShopAddress {
    std::string first_name, last_name, company, address1, address2, city, province, province_code, country,
        country_code, zip, phone;
};

struct ShopOrderLine {
    std::int64_t id = 0;
    std::optional<std::int64_t> variant_id;  // none: a custom line
    std::optional<std::int64_t> product_id;
    std::optional<std::string> sku;
    std::string title;
    std::int64_t price_cents = 0;
    std::int64_t quantity = 0;          // as ordered, never reduced
    std::int64_t current_quantity = 0;  // after refunds and edits
    std::int64_t fulfillable = 0;       // still to ship
    bool requires_shipping = true;
    bool gift_card = false;
    bool tracked = true;
    std::int64_t location_id = 0;  // whose stock it holds
};

struct ShopHold {
    std::int64_t id = 0;
    std::string handle, reason, notes;
};

struct ShopFulfillmentOrderLine {
    std::int64_t id = 0;
    std::int64_t line_id = 0;
    std::int64_t total = 0;
    std::int64_t remaining = 0;
};

struct ShopFulfillmentOrder {
    std::int64_t id = 0;
    std::int64_t location_id = 0;
    bool closed = false;
    bool progressed = false;  // something of it was fulfilled
    std::vector<ShopFulfillmentOrderLine> lines;
    std::vector<ShopHold> holds;

    [[nodiscard]] std::string status() const;  // OPEN, IN_PROGRESS, ON_HOLD, CLOSED
};

struct ShopFulfillmentLine {
    std::int64_t id = 0;
    std::int64_t line_id = 0;
    std::int64_t quantity = 0;
};

struct ShopFulfillment {
    std::int64_t id = 0;
    std::string name;
    runtime::Instant created_at;
    runtime::Instant updated_at;
    std::int64_t location_id = 0;
    std::string tracking_company, tracking_number, tracking_url;
    std::string shipment_status;  // "", "delivered"
    std::vector<ShopFulfillmentLine> lines;
};

struct ShopRefundLine {
    std::int64_t id = 0;
    std::int64_t line_id = 0;
    std::int64_t quantity = 0;
    std::string restock_type;  // no_restock, cancel, return
    std::optional<std::int64_t> location_id;
    std::int64_t subtotal_cents = 0;
};

struct ShopRefund {
    std::int64_t id = 0;
    runtime::Instant created_at;
    std::string note;
    std::vector<ShopRefundLine> lines;
    std::int64_t money_cents = 0;  // given back; 0 for an unpaid order
};

struct ShopOrder {
    std::int64_t id = 0;
    std::int64_t number = 0;
    std::string name;
    runtime::Instant created_at;
    runtime::Instant updated_at;
    std::optional<runtime::Instant> cancelled_at;
    std::optional<runtime::Instant> closed_at;
    std::string cancel_reason;     // lower case, empty unless cancelled
    std::string financial_status;  // pending, authorized, paid, partially_refunded, refunded, voided
    bool test = false;
    std::string source_name = "web";
    std::string email;
    std::int64_t customer_id = 0;
    std::optional<ShopAddress> shipping_address;
    std::string ship_method = "Standard";
    std::string note;
    std::vector<std::string> tags;
    std::vector<ShopOrderLine> lines;
    std::vector<ShopFulfillmentOrder> fulfillment_orders;
    std::vector<ShopFulfillment> fulfillments;
    std::vector<ShopRefund> refunds;
    std::int64_t shipping_cents = 0;

    [[nodiscard]] std::string fulfillment_status() const;  // "", "partial", "fulfilled"
    [[nodiscard]] const ShopOrderLine* line(std::int64_t line_id) const;
};

struct ShopSubscription {
    std::int64_t id = 0;
    std::string topic;  // "orders/create"
    std::string url;
    runtime::Instant created_at;
    std::string filter;  // empty: every event is sent
};

}  // namespace ordersaga::sandbox
