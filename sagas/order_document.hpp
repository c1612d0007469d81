// An order as a store tells it, free of the store's own dialect: the one shape that webhooks, polls and reads are turned
// into before anything is decided. Ids are kept as decimal text (they may exceed 2^53).
#pragma once

#include "runtime/clock.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::sagas {

// An order beyond these is refused.
inline constexpr std::int64_t largest_quantity = 1'000'000;
inline constexpr std::size_t most_lines = 1000;
inline constexpr std::size_t most_parts = 1000;  // refunds, fulfilments, tracking numbers

struct OrderLine {
    std::string line_id;
    std::string variant_id;                 // empty: custom line, deleted variant
    std::string sku;                        // may be empty; never unique
    std::int64_t quantity = 0;              // as ordered, never reduced
    std::int64_t current_quantity = 0;      // after refunds and edits
    std::int64_t fulfillable_quantity = 0;  // still to ship
    bool requires_shipping = true;
    bool gift_card = false;
    bool tracked = true;  // the store counts stock for it

    bool operator==(const OrderLine&) const = default;
};

struct RefundLine {
    std::string line_id;
    std::int64_t quantity = 0;
    std::string restock_type;  // no_restock, cancel, return, legacy_restock
    std::string location_id;   // where stock came back; empty when it did not

    bool operator==(const RefundLine&) const = default;
};

struct Refund {
    std::string refund_id;
    std::vector<RefundLine> lines;

    bool operator==(const Refund&) const = default;
};

struct StoreFulfillment {
    std::string fulfillment_id;
    std::string status;  // success, cancelled, ...
    std::vector<std::string> tracking_numbers;

    bool operator==(const StoreFulfillment&) const = default;
};

struct Address {
    std::string name, address1, address2, company, city, province_code, zip, country_code, phone;

    bool operator==(const Address&) const = default;
};

struct OrderDocument {
    std::string order_id;  // decimal text of the numeric id
    std::string name;      // "#1001", for people
    runtime::Instant created_at{};
    runtime::Instant updated_at{};
    std::optional<runtime::Instant> cancelled_at;
    std::string cancel_reason;
    std::string
        financial_status;  // lower case: pending, authorized, partially_paid, paid, partially_refunded, refunded, voided
    std::string fulfillment_status;  // lower case or empty
    bool test = false;
    std::string source_name;
    std::string location_id;  // where a POS order was taken; empty for online orders
    std::string email;
    std::string ship_method;  // title of the first shipping line; may be empty
    std::optional<Address> shipping_address;
    std::vector<OrderLine> lines;
    std::vector<Refund> refunds;
    std::vector<StoreFulfillment> fulfillments;

    bool operator==(const OrderDocument&) const = default;
};

// Same field names as above; instants as RFC 3339 text, absent optionals as null.
nlohmann::json to_json(const OrderDocument& order);
// Throws std::invalid_argument naming the field at fault.
OrderDocument order_document_from_json(const nlohmann::json& document);

// What tells two states of one order apart, of what the store's list of orders tells without its lines: when it last changed,
// in whole seconds, and, for what changes within one of them, what a saga goes by. Two orders may have the same.
std::string stamp_of(const OrderDocument& order);
// `units`: the sum of the lines' current quantities.
std::string stamp_of(
    runtime::Instant updated_at,
    std::optional<runtime::Instant> cancelled_at,
    std::string_view financial_status,
    std::string_view fulfillment_status,
    std::int64_t units);

// From the body of an orders/* webhook (a bare order object, Admin REST dialect).
// Throws std::invalid_argument with a reason an operator can read.
OrderDocument order_document_from_webhook(const nlohmann::json& body);
// What of such a body it does not look at, at any depth (runtime::JsonLimits::unread): most of it.
bool unread_in_order_webhook(std::string_view key);
Refund refund_from_webhook(const nlohmann::json& body, std::string& order_id_out);
StoreFulfillment store_fulfillment_from_webhook(const nlohmann::json& body);

}  // namespace ordersaga::sagas
