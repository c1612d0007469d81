// POST /webhooks/shipbob/{warehouse key}: like the Shopify one, with a Standard Webhooks signature. The body is never
// taken as the truth about an order; it only says which order to go and read.
#pragma once

#include "orchestrator/webhook/decision.hpp"
#include "orchestrator/webhook/store_directory.hpp"
#include "runtime/clock.hpp"

#include <string_view>

namespace ordersaga::orders {
struct Delivery;
}

namespace ordersaga::webhook {

// 405, 415, 400 (headers), 401 (signature, age or unknown warehouse: the same bytes), 503 as for Shopify.
WebhookDecision decide_shipbob_webhook(
    const runtime::HttpRequest& request,
    std::string_view warehouse_key,
    const StoreDirectory& directory,
    runtime::Instant now);

// As understand_shopify_delivery.
bool understand_shipbob_delivery(orders::Delivery& delivery);

}  // namespace ordersaga::webhook
