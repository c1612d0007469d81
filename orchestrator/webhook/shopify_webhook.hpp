// POST /webhooks/shopify: from a request to what must be stored. The signature is checked over the raw bytes with the
// secrets of the very store that the shop header names, before anything in the body is believed. Pure but for the
// directory's snapshot; runs on a connection's strand.
#pragma once

#include "orchestrator/webhook/decision.hpp"
#include "orchestrator/webhook/store_directory.hpp"
#include "runtime/clock.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ordersaga::orders {
struct Delivery;
}

namespace ordersaga::webhook {

// Empty: the engine would take something of this line now. Otherwise, when it shall come again.
using TurnAway = std::function<std::optional<std::chrono::seconds>(const std::string& line)>;

// 405 not POST; 415 an encoded body; 400 a missing, repeated or malformed topic, shop or delivery id; 401 no, bad or
// several signatures, or a shop that nobody connected (the same bytes, so that shops cannot be probed); 503 while the
// directory is not loaded, or for an order when its line has no room (`turn_away`, where given). Otherwise an arrival, also
// when the body makes no sense: it is stored and parked, because a refusal would only bring it back eight times.
WebhookDecision decide_shopify_webhook(
    const runtime::HttpRequest& request,
    const StoreDirectory& directory,
    runtime::Instant now,
    const TurnAway& turn_away = {});

// Understands a stored delivery anew: receipt with topic and body in, body, order and fault out. A body that names
// a shop must name `shop_domain`. False: the topic is not known.
bool understand_shopify_delivery(orders::Delivery& delivery, std::string_view shop_domain);

}  // namespace ordersaga::webhook
