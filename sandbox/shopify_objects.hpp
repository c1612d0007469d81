// The shop's things as whole GraphQL objects; the projection cuts them down to what a query asked for.
//
// Pure. Lists are plain arrays and become connections when asked as such. Field names are those of the Admin API.
#pragma once

#include "sandbox/shopify_types.hpp"

#include <nlohmann/json_fwd.hpp>

#include <set>
#include <string>

namespace ordersaga::sandbox {

class ShopifyStore;

[[nodiscard]] std::string shop_gid(const std::string& type, std::int64_t id);
// The number behind "gid://shopify/<type>/", or a bare number; 0 when it is neither.
[[nodiscard]] std::int64_t id_of_gid(const std::string& gid, const std::string& type);

[[nodiscard]] nlohmann::json location_object(const ShopLocation& location);
[[nodiscard]] nlohmann::json level_object(
    const ShopifyStore& store,
    const ShopVariant& variant,
    const ShopLocation& location);
[[nodiscard]] nlohmann::json inventory_item_object(const ShopifyStore& store, const ShopVariant& variant);
[[nodiscard]] nlohmann::json variant_object(const ShopifyStore& store, const ShopVariant& variant);
// With those of its parts that are among `asked`.
[[nodiscard]] nlohmann::json order_object(
    const ShopifyStore& store,
    const ShopOrder& order,
    const std::set<std::string>& asked);
[[nodiscard]] nlohmann::json fulfillment_object(
    const ShopifyStore& store,
    const ShopOrder& order,
    const ShopFulfillment& fulfillment);
[[nodiscard]] nlohmann::json fulfillment_order_object(
    const ShopifyStore& store,
    const ShopOrder& order,
    const ShopFulfillmentOrder& work);
[[nodiscard]] nlohmann::json hold_object(const ShopHold& hold);
[[nodiscard]] nlohmann::json subscription_object(const ShopifyStore& store, const ShopSubscription& subscription);
// Where a page after this order goes on: by value, because orders move in the list while it is read.
[[nodiscard]] std::string order_cursor(const ShopOrder& order);

}  // namespace ordersaga::sandbox
