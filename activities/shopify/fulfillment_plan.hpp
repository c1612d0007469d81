// What a store's order still needs, read from its fulfilment orders; the pure half of two activities.
//
// Purpose: fulfillmentCreate and orderCancel have no idempotency key, so what is there already decides what to send.
// Pure functions; safe from any thread; no exceptions.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ordersaga::activities::shopify {

struct ShippedLine {
    std::string line_id;  // decimal text
    std::int64_t quantity = 0;
};

// One fulfillmentCreate: all fulfilment orders of one location.
struct FulfillmentPart {
    struct Line {
        std::string id;  // of the fulfilment order's line
        std::int64_t quantity = 0;
    };
    std::map<std::string, std::vector<Line>> by_fulfillment_order;
};

struct FulfillmentPlan {
    enum class Kind {
        send,     // `parts`, one call each
        already,  // nothing is left to do; fulfillment_id when it is known
        not_yet,  // no fulfilment orders yet, or all that is left is on hold or scheduled
        order_cancelled
    };
    Kind kind = Kind::not_yet;
    std::vector<FulfillmentPart> parts;
    std::string fulfillment_id;
    std::string reason;
};

// order: the `order` root of the document fulfillment_orders.
[[nodiscard]] FulfillmentPlan plan_fulfillment(
    const nlohmann::json& order,
    const std::vector<ShippedLine>& shipped,
    const std::string& tracking_number);

struct HoldPlan {
    bool exists = false;                    // there are fulfilment orders
    std::vector<std::string> to_hold;       // gids without our hold
    std::vector<std::string> held;          // gids with it
    std::vector<std::string> not_holdable;  // open, but the store offers no hold
};
[[nodiscard]] HoldPlan plan_hold(const nlohmann::json& order, const std::string& handle);

}  // namespace ordersaga::activities::shopify
