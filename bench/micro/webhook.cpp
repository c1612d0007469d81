// Reading a store's webhook: each step of its way from a request's bytes to the event that the saga is told, and all of it.
#include "bench/micro/must.hpp"
#include "bench/micro/order_body.hpp"
#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/orders/intake.hpp"
#include "orchestrator/webhook/shopify_signature.hpp"
#include "orchestrator/webhook/shopify_webhook.hpp"
#include "runtime/json.hpp"
#include "runtime/sealing.hpp"

#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

#include <any>
#include <memory>

namespace ordersaga::bench {

namespace {

const std::vector<std::string> kSecrets{"8d2c1f6e0b7a49538d2c1f6e0b7a4953"};
const runtime::Instant kNow{std::chrono::seconds(1'780'300'810)};
constexpr const char* kDomain = "eu-shirts.myshopify.com";

// A signed orders/create of so many lines, the store that sends it and what is known of its goods.
struct Incoming {
    explicit Incoming(std::int64_t lines) {
        BodyOrder order{5'100'000'000'180, 1042, kDomain, "2026-06-01T10:00:05+02:00", {}};
        for (std::int64_t line = 1; line <= lines; ++line)
            order.lines.push_back(
                {order.order_id + line, 46'200'000'000'000 + line, "SHIRT-" + std::to_string(line), 1});
        request.method = "POST";
        request.path = request.target = "/webhooks/shopify";
        request.body = order_body(order);
        must(request.body.size() >= 6'000 && request.body.size() <= 10'000, "a body of 6 to 10 kB");
        request.headers = {
            {"Host", "hooks.example.com"},
            {"User-Agent", "Shopify-Captain-Hook"},
            {"Content-Type", "application/json"},
            {"X-Shopify-Topic", "orders/create"},
            {"X-Shopify-Hmac-Sha256", webhook::shopify_signature(request.body, kSecrets.front())},
            {"X-Shopify-Shop-Domain", kDomain},
            {"X-Shopify-API-Version", "2026-07"},
            {"X-Shopify-Webhook-Id", "b1f7a9e2-2b0f-4c58-9a57-0d6b3f6c2a11"},
            {"X-Shopify-Event-Id", "5c1d7f0e-8a6b-4f1d-9c3e-7b2a1d0f9e88"},
            {"X-Shopify-Triggered-At", "2026-06-01T08:00:06.120394811Z"}};
        store.merchant = {1};
        store.store_id = {11};
        store.key = "eu";
        store.shop_domain = kDomain;
        store.location_id = "4";
        store.status = "active";
        store.go_live_at = kNow - std::chrono::hours(24);
        store.order_policy = "hold_and_tell";
        store.channel_wait = std::chrono::seconds(10);
        store.hold_expiry = std::chrono::hours(72);
        store.warehouse_id = {3};
        store.ship_methods = {{"Standard", "Ground"}};
        warehouse.merchant = {1};
        warehouse.warehouse_id = {3};
        warehouse.key = "main";
        warehouse.kind = "shipbob";
        warehouse.status = "active";
        listing.merchant = {1};
        listing.listing_id = {7};
        listing.store_id = {11};
        listing.sku_id = {5};
        sku.merchant = {1};
        sku.sku_id = {5};
        sku.sku = "SHIRT";
        sku.warehouse_item_id = "9001";
    }

    orders::IntakeFacts merge(const sagas::OrderDocument& document) const {
        orders::OrderRow row;
        row.key = {store.merchant, store.store_id, document.order_id};
        return orders::merge_document(
            row, document, store, warehouse,
            [this](const sagas::OrderLine&) {
                return orders::LineMapping{&listing, &sku, {{sku.sku_id.value, sku.sku, sku.warehouse_item_id, 1, 0}}};
            },
            "webhook orders/create");
    }

    runtime::HttpRequest request;
    std::unique_ptr<webhook::StoreDirectory> directory =
        webhook::fixed_store_directory({{{1}, {11}, "eu", kDomain, kSecrets}}, {});
    orders::StoreRow store;
    orders::WarehouseRow warehouse;
    orders::ListingRow listing;
    orders::SkuRow sku;
};

bool begins_an_order(const orders::IntakeFacts& facts, std::int64_t lines) {
    return facts.start && facts.events.size() == 1 && facts.events.front().name == "OrderPlaced" &&
           facts.data.lines.size() == static_cast<std::size_t>(lines) && facts.data.holds.empty();
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
    state.counters["body_bytes"] = static_cast<double>(bytes);
}

void check_signature(benchmark::State& state) {
    const Incoming incoming(state.range(0));
    const std::string header = *incoming.request.header("x-shopify-hmac-sha256");
    for (auto _ : state)
        must(webhook::shopify_signature_is_valid(incoming.request.body, header, kSecrets), "a valid signature");
    count_bytes(state, incoming.request.body.size());
}

void parse_body(benchmark::State& state) {
    const Incoming incoming(state.range(0));
    runtime::JsonLimits order_limits;
    order_limits.unread = sagas::unread_in_order_webhook;
    for (auto _ : state) {
        const runtime::Result<nlohmann::json> body = runtime::parse_json(incoming.request.body, order_limits);
        must(body.ok() && body->size() > 40, "a parsed order");
    }
    count_bytes(state, incoming.request.body.size());
}

void read_order(benchmark::State& state) {
    const Incoming incoming(state.range(0));
    const nlohmann::json body = runtime::parse_json(incoming.request.body).value();
    for (auto _ : state) {
        const sagas::OrderDocument order = sagas::order_document_from_webhook(body);
        must(order.lines.size() == static_cast<std::size_t>(state.range(0)), "the order's lines");
    }
}

void decide_request(benchmark::State& state) {
    const Incoming incoming(state.range(0));
    for (auto _ : state) {
        const webhook::WebhookDecision decision =
            webhook::decide_shopify_webhook(incoming.request, *incoming.directory, kNow);
        must(decision.arrival && decision.label == "accepted", "an accepted webhook");
    }
    count_bytes(state, incoming.request.body.size());
}

void merge_order(benchmark::State& state) {
    const Incoming incoming(state.range(0));
    const sagas::OrderDocument order =
        sagas::order_document_from_webhook(runtime::parse_json(incoming.request.body).value());
    for (auto _ : state)
        must(begins_an_order(incoming.merge(order), state.range(0)), "a saga that begins");
}

void whole_way(benchmark::State& state) {
    const Incoming incoming(state.range(0));
    for (auto _ : state) {
        const webhook::WebhookDecision decision =
            webhook::decide_shopify_webhook(incoming.request, *incoming.directory, kNow);
        const auto* delivery = std::any_cast<orders::Delivery>(&decision.arrival.value().content);
        must(delivery != nullptr && delivery->order.has_value(), "an order");
        must(begins_an_order(incoming.merge(*delivery->order), state.range(0)), "a saga that begins");
    }
    count_bytes(state, incoming.request.body.size());
}

// The body is kept sealed: what it costs to close it.
void seal_body(benchmark::State& state) {
    const Incoming incoming(state.range(0));
    const runtime::KeyRing keys = runtime::KeyRing::parse(runtime::new_key_line()).value();
    const std::string place = "1/11/orders/create/b1f7a9e2-2b0f-4c58-9a57-0d6b3f6c2a11";
    must(keys.open(keys.seal(incoming.request.body, place), place).value() == incoming.request.body, "what was sealed");
    for (auto _ : state)
        must(keys.seal(incoming.request.body, place).bytes.size() > incoming.request.body.size(), "a sealed body");
    count_bytes(state, incoming.request.body.size());
}

BENCHMARK(check_signature)->Name("webhook/signature")->ArgName("lines")->Arg(1)->Arg(2);
BENCHMARK(parse_body)->Name("webhook/parse")->ArgName("lines")->Arg(1)->Arg(2);
BENCHMARK(read_order)->Name("webhook/read_order")->ArgName("lines")->Arg(1)->Arg(2);
BENCHMARK(merge_order)->Name("webhook/merge")->ArgName("lines")->Arg(1)->Arg(2);
BENCHMARK(decide_request)->Name("webhook/to_arrival")->ArgName("lines")->Arg(1)->Arg(2);
BENCHMARK(whole_way)->Name("webhook/to_event")->ArgName("lines")->Arg(1)->Arg(2);
BENCHMARK(seal_body)->Name("webhook/seal")->ArgName("lines")->Arg(1)->Arg(2);

}  // namespace

}  // namespace ordersaga::bench
