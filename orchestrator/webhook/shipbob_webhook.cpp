#include "orchestrator/webhook/shipbob_webhook.hpp"

#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/webhook/headers.hpp"
#include "runtime/json.hpp"
#include "runtime/standard_webhooks.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace ordersaga::webhook {

namespace {

struct Envelope {
    HeaderValue id, timestamp, signature, topic;
};

Envelope envelope_of(const runtime::HttpRequest& request) {
    return {
        header_of(request, {"webhook-id"}),
        header_of(request, {"webhook-timestamp"}),
        header_of(request, {"webhook-signature"}),
        header_of(request, {"x-webhook-topic"}),
    };
}

std::string_view fault_of(const Envelope& envelope) {
    if (envelope.id.repeated || envelope.timestamp.repeated || envelope.topic.repeated)
        return "a header is given twice";
    if (!is_plain_token(envelope.id.text, 200)) return "the webhook id header is missing or malformed";
    if (!is_plain_token(envelope.timestamp.text, 12)) return "the timestamp header is missing or malformed";
    if (!envelope.topic.text.empty() && !is_plain_token(envelope.topic.text, 100))
        return "the topic header is malformed";
    return {};
}

// Prefixes "order.shipment." bodies are shipments, the others orders; both name the order they belong to.
bool is_topic_for_us(std::string_view topic) {
    return topic.starts_with("order.");
}

void understand(orders::Delivery& delivery) {
    runtime::Result<nlohmann::json> parsed = runtime::parse_json(delivery.receipt.body);
    if (!parsed) {
        delivery.fault = "the body is no acceptable JSON: " + parsed.error().message;
    } else if (!parsed->is_object()) {
        delivery.fault = "the body must be an object";
    } else {
        delivery.body = std::move(*parsed);
    }
}

WebhookDecision refusal(int status, std::string_view text, std::string_view label) {
    WebhookDecision decision;
    decision.answer = refuse_webhook(status, text);
    decision.label = label;
    return decision;
}

std::shared_ptr<const WarehouseEntry> signer_of(
    const runtime::HttpRequest& request,
    const Envelope& envelope,
    const std::vector<std::shared_ptr<const WarehouseEntry>>& candidates,
    runtime::Instant now) {
    static const std::vector<std::string> nobody{"whsec_bm8gd2FyZWhvdXNlIGhhcyB0aGlzIGtleQ=="};
    if (envelope.signature.text.empty() || envelope.signature.repeated) return nullptr;
    const runtime::StandardWebhookHeaders headers{envelope.id.text, envelope.timestamp.text, envelope.signature.text};
    // An unknown warehouse costs the same work as a known one with a wrong signature.
    if (candidates.empty()) runtime::judge_standard_webhook(headers, request.body, nobody, now);
    for (const std::shared_ptr<const WarehouseEntry>& candidate : candidates) {
        if (candidate->kind != "shipbob") continue;
        const runtime::StandardWebhookVerdict verdict =
            runtime::judge_standard_webhook(headers, request.body, candidate->secrets, now);
        if (verdict == runtime::StandardWebhookVerdict::verified) return candidate;
    }
    return nullptr;
}

}  // namespace

bool understand_shipbob_delivery(orders::Delivery& delivery) {
    if (!is_topic_for_us(delivery.receipt.topic)) return false;
    understand(delivery);
    return true;
}

WebhookDecision decide_shipbob_webhook(
    const runtime::HttpRequest& request,
    std::string_view warehouse_key,
    const StoreDirectory& directory,
    runtime::Instant now) {
    if (request.method != "POST") return refusal(405, "only POST is served here", "wrong_method");
    if (is_encoded(request)) return refusal(415, "encoded bodies are not accepted", "encoded");
    const Envelope envelope = envelope_of(request);
    if (const std::string_view fault = fault_of(envelope); !fault.empty()) return refusal(400, fault, "malformed");
    if (!directory.loaded()) return refusal(503, "not ready yet", "not_ready");

    const std::shared_ptr<const WarehouseEntry> warehouse =
        signer_of(request, envelope, directory.warehouses_by_key(warehouse_key), now);
    if (!warehouse) return refusal(401, "not signed by a known warehouse", "unsigned");

    orders::Delivery delivery;
    orders::ReceiptRow& receipt = delivery.receipt;
    receipt.merchant = warehouse->merchant;
    // The receipts of warehouses hold the warehouse's id in this column; `source` tells them apart.
    receipt.store_id = {warehouse->warehouse_id.value};
    receipt.source = "shipbob";
    receipt.topic = envelope.topic.text;
    receipt.webhook_id = envelope.id.text;
    receipt.received_at = now;
    receipt.body = request.body;
    receipt.headers = {{"timestamp", envelope.timestamp.text}};

    WebhookDecision decision;
    decision.topic = "other";
    decision.label = "unknown_topic";
    if (understand_shipbob_delivery(delivery)) {
        if (!delivery.fault.empty()) receipt.status = orders::ReceiptStatus::parked;
        receipt.reason = delivery.fault;
        decision.topic = "order";
        decision.label = delivery.fault.empty() ? "accepted" : "not_understood";
    } else {
        receipt.status = orders::ReceiptStatus::ignored;
        receipt.reason = "unknown topic";
    }
    // Only a reason to look: what has changed is asked for. The body names a recipient, so it is not kept.
    receipt.body.clear();
    decision.arrival = engine::Arrival{
        warehouse->merchant, std::move(delivery), trace_of(request), false,
        "warehouse " + std::to_string(warehouse->warehouse_id.value)};
    return decision;
}

}  // namespace ordersaga::webhook
