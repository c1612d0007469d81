// Webhooks of a store, signed as the store signs: every one becomes a delivery with a document, or with the reason why not; a
// document survives being stored; and merged into an order it makes events and moves that hold together.
#include "orchestrator/webhook/shopify_webhook.hpp"

#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/orders/intake.hpp"
#include "orchestrator/webhook/shopify_signature.hpp"
#include "runtime/json.hpp"
#include "sagas/order_data.hpp"
#include "tests/fuzz/a_request.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <any>
#include <stdexcept>

namespace ordersaga::fuzz {
namespace {

using nlohmann::json;

const std::string secret = "the store's secret";

const webhook::StoreDirectory& directory() {
    static const auto fixed =
        webhook::fixed_store_directory({{{1}, {7}, "eu", "eu-shirts.myshopify.com", {secret}}}, {});
    return *fixed;
}

bool is_id(const std::string& text) {
    return !text.empty() && text.size() <= 20 && text.find_first_not_of("0123456789") == std::string::npos;
}

// Quantities are whole numbers, and whatever is neither a quantity nor a switch is text: no id and no amount went through a double.
void check_no_fraction(const json& value) {
    HOLDS(!value.is_number_float());
    if (!value.is_structured()) return;
    for (const json& inner : value)
        check_no_fraction(inner);
}

void check_document(const sagas::OrderDocument& order) {
    HOLDS(is_id(order.order_id) && order.lines.size() <= sagas::most_lines);
    for (const sagas::OrderLine& line : order.lines) {
        HOLDS(is_id(line.line_id) && (line.variant_id.empty() || is_id(line.variant_id)));
        HOLDS(line.quantity >= 0 && line.quantity <= sagas::largest_quantity);
        HOLDS(line.current_quantity >= 0 && line.fulfillable_quantity >= 0);
    }
    const json stored = sagas::to_json(order);
    check_no_fraction(stored);
    const auto read_back = runtime::parse_json(runtime::dump_json(stored));
    HOLDS(read_back.ok());
    HOLDS(sagas::order_document_from_json(*read_back) == order);
}

struct AMerchant {
    orders::StoreRow store;
    orders::WarehouseRow warehouse;
    orders::SkuRow sku;
    orders::ListingRow listing;
    AMerchant() {
        store.merchant = warehouse.merchant = sku.merchant = listing.merchant = {1};
        store.store_id = listing.store_id = {7};
        store.key = "eu";
        store.location_id = "655441491";
        store.status = "active";
        store.order_policy = "hold_and_tell";
        store.ship_methods = {{"", "Standard"}, {"Standard", "Standard"}};
        warehouse.key = "main";
        sku.sku_id = listing.sku_id = {3};
        sku.sku = "T-SHIRT";
    }
    orders::LineMapping map(const sagas::OrderLine& line) const {
        if (line.sku != sku.sku) return {};
        return {&listing, &sku, {{3, sku.sku, "item", 1, 0}}};
    }
};

// As the engine does: told once, told again, told of a refund that came first.
void check_intake(const sagas::OrderDocument& order) {
    static const AMerchant merchant;
    const auto map = [](const sagas::OrderLine& line) {
        return merchant.map(line);
    };
    orders::OrderRow row;
    const orders::IntakeFacts facts =
        orders::merge_document(row, order, merchant.store, merchant.warehouse, map, "webhook");
    HOLDS(facts.start || !facts.reason.empty() || !facts.events.empty() || row.has_document);
    if (facts.start) {
        HOLDS(facts.data.order_id == order.order_id);
        const json stored = sagas::to_json(facts.data);
        HOLDS(sagas::to_json(sagas::order_data_from_json(stored)) == stored);
        for (const sagas::SagaLine& line : facts.data.lines)
            HOLDS(line.wanted >= 0 && line.wanted <= sagas::largest_quantity);
        // Whom it goes to is kept apart, sealed.
        HOLDS(
            order.email.size() < 6 || stored.dump().find(order.email) == std::string::npos ||
            runtime::dump_json(sagas::to_json(orders::without_person(order))).find(order.email) != std::string::npos);
    }
    row.saga_id = facts.start ? "saga" : "";
    const orders::IntakeFacts again =
        orders::merge_document(row, order, merchant.store, merchant.warehouse, map, "webhook");
    HOLDS(!again.start);
    // A move that is told again has the same name, by which the database knows it.
    for (const orders::ListingMove& move : again.moves)
        HOLDS(std::any_of(facts.moves.begin(), facts.moves.end(), [&](const orders::ListingMove& known) {
            return known.kind == move.kind && known.source_id == move.source_id && known.quantity == move.quantity;
        }));
}

}  // namespace

void one_input(std::string_view input) {
    const auto parts = sections(input, 2);
    runtime::HttpRequest request;
    request.method = "POST";
    request.path = request.target = "/webhooks/shopify";
    request.headers = headers_of(parts[0]);
    request.body = parts[1];
    const auto add = [&request](const char* name, const std::string& value) {
        if (request.header(name) == nullptr) request.headers.emplace_back(name, value);
    };
    add("X-Shopify-Topic", "orders/create");
    add("X-Shopify-Shop-Domain", "eu-shirts.myshopify.com");
    add("X-Shopify-Webhook-Id", "w-1");
    const bool signed_by_us = request.header("X-Shopify-Hmac-Sha256") == nullptr;
    add("X-Shopify-Hmac-Sha256", webhook::shopify_signature(request.body, secret));

    const runtime::Instant now{std::chrono::seconds(1'800'000'000)};
    const auto decide = [&](const runtime::HttpRequest& asked) {
        return webhook::decide_shopify_webhook(asked, directory(), now);
    };
    const webhook::WebhookDecision decision = decide(request);
    HOLDS(decision.answer.has_value() != decision.arrival.has_value());
    if (decision.answer) {
        check_refusal(*decision.answer, request, decide);
        return;
    }
    HOLDS(signed_by_us || *request.header("X-Shopify-Hmac-Sha256") == webhook::shopify_signature(request.body, secret));
    const auto* delivery = std::any_cast<orders::Delivery>(&decision.arrival->content);
    HOLDS(delivery != nullptr);
    const bool ignored = delivery->receipt.status == orders::ReceiptStatus::ignored;
    HOLDS((delivery->receipt.status == orders::ReceiptStatus::parked) == !delivery->fault.empty());
    HOLDS(
        delivery->fault.empty() ||
        (!delivery->order && !delivery->privacy && delivery->receipt.reason == delivery->fault));
    HOLDS(ignored || delivery->privacy || delivery->receipt.body == request.body);
    HOLDS(
        delivery->receipt.order_id.empty() || delivery->fault.empty() ||
        delivery->receipt.order_id.size() <= parts[1].size());
    if (!delivery->order) return;
    check_document(*delivery->order);
    check_intake(*delivery->order);
}

}  // namespace ordersaga::fuzz
