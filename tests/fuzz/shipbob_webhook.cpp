// Webhooks of the warehouse, signed as it signs: only a reason to look, whatever stands in them; the recipient that they name
// is not kept.
#include "orchestrator/webhook/shipbob_webhook.hpp"

#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/webhook/store_directory.hpp"
#include "runtime/standard_webhooks.hpp"
#include "tests/fuzz/a_request.hpp"

#include <any>

namespace ordersaga::fuzz {
namespace {

const std::string secret = "whsec_Zmlyc3Qgc2VjcmV0";

const webhook::StoreDirectory& directory() {
    static const auto fixed = webhook::fixed_store_directory({}, {{{1}, {9}, "main", "shipbob", {secret}}});
    return *fixed;
}

}  // namespace

void one_input(std::string_view input) {
    const auto parts = sections(input, 2);
    runtime::HttpRequest request;
    request.method = "POST";
    request.path = request.target = "/webhooks/shipbob/main";
    request.headers = headers_of(parts[0]);
    request.body = parts[1];
    const auto add = [&request](const char* name, const std::string& value) {
        if (request.header(name) == nullptr) request.headers.emplace_back(name, value);
        return *request.header(name);
    };
    const std::string id = add("webhook-id", "msg_1");
    const std::string timestamp = add("webhook-timestamp", "1800000000");
    add("x-webhook-topic", "order.shipped");
    const std::string right = *runtime::standard_webhook_signature(id, timestamp, request.body, secret);
    const std::string given = add("webhook-signature", right);

    const runtime::Instant now{std::chrono::seconds(1'800'000'000)};
    const auto decide = [&](const runtime::HttpRequest& asked) {
        return webhook::decide_shipbob_webhook(asked, "main", directory(), now);
    };
    const webhook::WebhookDecision decision = decide(request);
    HOLDS(decision.answer.has_value() != decision.arrival.has_value());
    HOLDS(!webhook::decide_shipbob_webhook(request, "other", directory(), now).arrival);
    if (decision.answer) {
        check_refusal(*decision.answer, request, decide);
        return;
    }
    HOLDS(given.find(right) != std::string::npos);
    const auto* delivery = std::any_cast<orders::Delivery>(&decision.arrival->content);
    HOLDS(delivery != nullptr && delivery->receipt.body.empty() && delivery->receipt.webhook_id == id);
    HOLDS((delivery->receipt.status == orders::ReceiptStatus::parked) == !delivery->fault.empty());
    HOLDS(delivery->body.is_null() || delivery->body.is_object());
}

}  // namespace ordersaga::fuzz
