// The bodies of a shop's webhooks, in the Admin REST dialect: bare objects, money as text, ids as integers.
//
// Pure. Field names and shapes are those of recorded deliveries; what a shop leaves null is null here too.
#pragma once

#include "sandbox/shopify_types.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

class ShopifyStore;

[[nodiscard]] nlohmann::json text_or_null(const std::string& text);
[[nodiscard]] std::string money_text(std::int64_t cents);
// RFC 3339 in the shop's own offset, as webhooks have it.
[[nodiscard]] std::string shop_time(runtime::Instant instant);

[[nodiscard]] std::string order_body(const ShopifyStore& store, const ShopOrder& order);
[[nodiscard]] nlohmann::json refund_body(const ShopifyStore& store, const ShopOrder& order, const ShopRefund& refund);
[[nodiscard]] nlohmann::json fulfillment_body(
    const ShopifyStore& store,
    const ShopOrder& order,
    const ShopFulfillment& fulfillment);
[[nodiscard]] nlohmann::json level_body(std::int64_t item_id, std::int64_t location_id, const ShopLevel& level);
// `changes` are (line id, quantity added, or removed when negative).
[[nodiscard]] nlohmann::json edit_body(
    const ShopOrder& order,
    std::int64_t edit_id,
    const std::vector<std::pair<std::int64_t, std::int64_t>>& changes);
[[nodiscard]] nlohmann::json shop_body(const ShopifyStore& store);

}  // namespace ordersaga::sandbox
