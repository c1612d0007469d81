#include "orchestrator/webhook/shopify_webhook.hpp"

#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/webhook/headers.hpp"
#include "orchestrator/webhook/shopify_signature.hpp"
#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace ordersaga::webhook {

namespace {

using nlohmann::json;

// What a topic's body is, and so what must be readable in it.
enum class Body { order, order_edit, deleted_order, refund, fulfillment, inventory_level, shop, privacy };

struct Topic {
    std::string_view name;
    Body body;
};

constexpr std::array topics{
    Topic{"orders/create", Body::order},
    Topic{"orders/paid", Body::order},
    Topic{"orders/updated", Body::order},
    Topic{"orders/cancelled", Body::order},
    Topic{"orders/fulfilled", Body::order},
    Topic{"orders/partially_fulfilled", Body::order},
    Topic{"orders/edited", Body::order_edit},
    Topic{"orders/delete", Body::deleted_order},
    Topic{"refunds/create", Body::refund},
    Topic{"fulfillments/create", Body::fulfillment},
    Topic{"fulfillments/update", Body::fulfillment},
    Topic{"inventory_levels/update", Body::inventory_level},
    Topic{"app/uninstalled", Body::shop},
    Topic{"customers/data_request", Body::privacy},
    Topic{"customers/redact", Body::privacy},
    Topic{"shop/redact", Body::privacy},
};

const Topic* find_topic(std::string_view name) {
    const auto found =
        std::find_if(topics.begin(), topics.end(), [&](const Topic& topic) { return topic.name == name; });
    return found == topics.end() ? nullptr : &*found;
}

bool is_shop_domain(std::string_view text) {
    constexpr std::string_view suffix = ".myshopify.com";
    if (text.size() > 255 || text.size() <= suffix.size() || !text.ends_with(suffix)) return false;
    const std::string_view name = text.substr(0, text.size() - suffix.size());
    const auto is_letter_or_digit = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    };
    return is_letter_or_digit(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return is_letter_or_digit(c) || c == '-'; });
}

struct Envelope {
    HeaderValue topic, shop, webhook_id, signature, event_id, name, api_version, triggered_at, test;
};

Envelope envelope_of(const runtime::HttpRequest& request) {
    return {
        header_of(request, {"x-shopify-topic", "shopify-topic"}),
        header_of(request, {"x-shopify-shop-domain", "shopify-shop-domain"}),
        header_of(request, {"x-shopify-webhook-id", "shopify-webhook-id"}),
        header_of(request, {"x-shopify-hmac-sha256", "shopify-hmac-sha256"}),
        header_of(request, {"x-shopify-event-id", "shopify-event-id"}),
        header_of(request, {"x-shopify-name", "shopify-handle"}),
        header_of(request, {"x-shopify-api-version", "shopify-api-version"}),
        header_of(request, {"x-shopify-triggered-at", "shopify-triggered-at"}),
        header_of(request, {"x-shopify-test"}),
    };
}

// The first fault of the headers that must be there; empty when there is none. Fixed texts: nothing is reflected.
std::string_view fault_of(const Envelope& envelope) {
    if (envelope.topic.repeated || envelope.shop.repeated || envelope.webhook_id.repeated ||
        envelope.event_id.repeated || envelope.name.repeated) {
        return "a header is given twice";
    }
    if (!is_plain_token(envelope.topic.text, 100)) return "the topic header is missing or malformed";
    if (!is_shop_domain(envelope.shop.text)) return "the shop domain header is missing or malformed";
    if (!is_plain_token(envelope.webhook_id.text, 200)) return "the webhook id header is missing or malformed";
    if (!envelope.event_id.text.empty() && !is_plain_token(envelope.event_id.text, 200))
        return "the event id header is malformed";
    if (!envelope.name.text.empty() && !is_plain_token(envelope.name.text, 200)) return "the name header is malformed";
    return {};
}

// The signature covers the body only, so a body that names its shop must name the one in the header.
void check_shop(const json& body, std::string_view key, std::string_view shop_domain) {
    const std::optional<std::string> named = runtime::opt_text(body, key, "body").value();
    if (named && *named != shop_domain) throw std::invalid_argument("the body names another shop than the header");
}

std::vector<std::string> order_ids_in(const json& body, std::string_view key) {
    std::vector<std::string> ids;
    const json* list = runtime::opt_array(body, key, "body").value();
    if (list == nullptr) return ids;
    for (const json& entry : *list)
        ids.push_back(runtime::get_id_text(json{{"id", entry}}, "id", key).value());
    return ids;
}

// Only which orders are meant: the customer's own name, mail address and phone number are read by nobody.
orders::PrivacyRequest privacy_request_of(const orders::Delivery& delivery) {
    const std::string& topic = delivery.receipt.topic;
    orders::PrivacyRequest request{delivery.receipt.merchant, delivery.receipt.store_id, "shop", {}, {}};
    if (topic == "customers/redact") {
        request.kind = "customer";
        request.orders = order_ids_in(delivery.body, "orders_to_redact");
    } else if (topic == "customers/data_request") {
        request.kind = "data_request";
        request.orders = order_ids_in(delivery.body, "orders_requested");
        const json* numbered = runtime::opt_object(delivery.body, "data_request", "body").value();
        if (numbered != nullptr)
            request.reference = runtime::opt_id_text(*numbered, "id", "data_request").value().value_or("");
        if (request.reference.empty()) request.reference = delivery.receipt.webhook_id;
    }
    return request;
}

// Fills in what the topic's body tells. Throws std::invalid_argument or runtime::ErrorException with the reason.
void read_body(const Topic& topic, orders::Delivery& delivery, std::string_view shop_domain) {
    const json& body = delivery.body;
    std::string& order_id = delivery.receipt.order_id;
    if (!body.is_object()) throw std::invalid_argument("the body must be an object");
    switch (topic.body) {
        case Body::order:
            delivery.order = sagas::order_document_from_webhook(body);
            order_id = delivery.order->order_id;
            delivery.body = nullptr;  // large, and all of it is read
            break;
        case Body::order_edit: {
            const json* edit = runtime::get_object(body, "order_edit", "body").value();
            order_id = runtime::get_id_text(*edit, "order_id", "order_edit").value();
            break;
        }
        case Body::deleted_order: order_id = runtime::get_id_text(body, "id", "order").value(); break;
        case Body::refund: sagas::refund_from_webhook(body, order_id); break;
        case Body::fulfillment:
            order_id = runtime::get_id_text(body, "order_id", "fulfillment").value();
            runtime::get_id_text(body, "id", "fulfillment").value();
            runtime::opt_text(body, "status", "fulfillment").value();
            break;
        case Body::inventory_level:
            runtime::get_id_text(body, "inventory_item_id", "inventory level").value();
            runtime::get_id_text(body, "location_id", "inventory level").value();
            runtime::opt_int64(body, "available", "inventory level").value();
            break;
        case Body::shop: check_shop(body, "myshopify_domain", shop_domain); break;
        case Body::privacy:
            check_shop(body, "shop_domain", shop_domain);
            delivery.privacy = privacy_request_of(delivery);
            break;
    }
}

void understand(const Topic& topic, orders::Delivery& delivery, std::string_view shop_domain) {
    runtime::JsonLimits limits;
    if (topic.body == Body::order) limits.unread = sagas::unread_in_order_webhook;
    runtime::Result<json> parsed = runtime::parse_json(delivery.receipt.body, limits);
    if (!parsed) {
        delivery.fault = "the body is no acceptable JSON: " + parsed.error().message;
        return;
    }
    delivery.body = std::move(*parsed);
    try {
        read_body(topic, delivery, shop_domain);
    } catch (const std::exception& fault) {
        // Whatever a body can provoke is a reason to park it, never to refuse it.
        delivery.fault = fault.what();
        delivery.order.reset();
        delivery.privacy.reset();
    }
}

orders::ReceiptRow receipt_of(
    const runtime::HttpRequest& request,
    const Envelope& envelope,
    const StoreEntry& store,
    runtime::Instant now) {
    orders::ReceiptRow receipt;
    receipt.merchant = store.merchant;
    receipt.store_id = store.store_id;
    receipt.source = "shopify";
    receipt.topic = envelope.topic.text;
    receipt.webhook_id = envelope.webhook_id.text;
    receipt.event_id = envelope.event_id.text;
    receipt.name = envelope.name.text;
    receipt.received_at = now;
    receipt.body = request.body;
    receipt.headers = {
        {"api_version", plain_or_empty(envelope.api_version.text)},
        {"triggered_at", plain_or_empty(envelope.triggered_at.text)},
        {"test", envelope.test.text == "true"},
    };
    return receipt;
}

WebhookDecision refusal(int status, std::string_view text, std::string_view label) {
    WebhookDecision decision;
    decision.answer = refuse_webhook(status, text);
    decision.label = label;
    return decision;
}

// An unknown shop costs the same work as a known one with a wrong signature.
bool is_signed(const runtime::HttpRequest& request, const HeaderValue& signature, const StoreEntry* store) {
    static const std::vector<std::string> nobody{"no shop has this secret"};
    if (signature.text.empty() || signature.repeated) return false;
    const std::vector<std::string>& secrets = store == nullptr ? nobody : store->secrets;
    return shopify_signature_is_valid(request.body, signature.text, secrets) && store != nullptr;
}

}  // namespace

bool understand_shopify_delivery(orders::Delivery& delivery, std::string_view shop_domain) {
    const Topic* topic = find_topic(delivery.receipt.topic);
    if (topic == nullptr) return false;
    understand(*topic, delivery, shop_domain);
    return true;
}

WebhookDecision decide_shopify_webhook(
    const runtime::HttpRequest& request,
    const StoreDirectory& directory,
    runtime::Instant now,
    const TurnAway& turn_away) {
    if (request.method != "POST") return refusal(405, "only POST is served here", "wrong_method");
    if (is_encoded(request)) return refusal(415, "encoded bodies are not accepted", "encoded");
    const Envelope envelope = envelope_of(request);
    if (const std::string_view fault = fault_of(envelope); !fault.empty()) return refusal(400, fault, "malformed");
    if (!directory.loaded()) return refusal(503, "not ready yet", "not_ready");

    const std::shared_ptr<const StoreEntry> store = directory.store_by_domain(envelope.shop.text);
    if (!is_signed(request, envelope.signature, store.get()))
        return refusal(401, "not signed by a known shop", "unsigned");

    const Topic* topic = find_topic(envelope.topic.text);
    const std::string line = "store " + std::to_string(store->store_id.value);
    // What would be refused when it was understood is refused before that costs anything, or a flood would leave no time for
    // what was taken. Levels wait elsewhere.
    const bool may_be_turned_away = turn_away && envelope.topic.text.starts_with("orders/");
    if (const auto returns_in = may_be_turned_away ? turn_away(line) : std::nullopt) {
        WebhookDecision decision;
        decision.answer = turn_webhook_away(*returns_in);
        decision.label = "queue_full";
        decision.topic = topic == nullptr ? "other" : topic->name;
        return decision;
    }

    orders::Delivery delivery;
    delivery.receipt = receipt_of(request, envelope, *store, now);
    WebhookDecision decision;
    if (!understand_shopify_delivery(delivery, envelope.shop.text)) {
        delivery.receipt.status = orders::ReceiptStatus::ignored;
        delivery.receipt.reason = "unknown topic";
        delivery.receipt.body.clear();  // nobody will ever read it, and it may be about a person
        decision.label = "unknown_topic";
        decision.topic = "other";
    } else {
        if (!delivery.fault.empty()) delivery.receipt.status = orders::ReceiptStatus::parked;
        delivery.receipt.reason = delivery.fault;
        // It names the very person who wants to be forgotten; which orders are meant is a row of its own.
        if (delivery.privacy) delivery.receipt.body.clear();
        decision.label = delivery.fault.empty() ? "accepted" : "not_understood";
        decision.topic = topic->name;
    }
    decision.arrival = engine::Arrival{
        .merchant = store->merchant,
        .content = {},
        .trace = trace_of(request),
        .line = line,
        .apart = orders::is_level_hint(delivery)};
    decision.arrival->content = std::move(delivery);
    return decision;
}

}  // namespace ordersaga::webhook
