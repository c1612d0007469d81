// What a store's GraphQL endpoint may answer to each of our commands.
#include "sagas/order_document.hpp"
#include "tests/fuzz/a_peer.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::fuzz {
namespace {

using nlohmann::json;

const std::map<std::string, json>& payloads() {
    static const std::map<std::string, json> all{
        {"FlushStock",
         {{"store", "eu"},
          {"key", "k-1"},
          {"rows", 2},
          {"body",
           R"({"query":"mutation A { inventoryAdjustQuantities }","variables":{"input":{"changes":[)"
           R"({"inventoryItemId":"gid://shopify/InventoryItem/1","locationId":"gid://shopify/Location/5","delta":-1},)"
           R"({"inventoryItemId":"gid://shopify/InventoryItem/2","locationId":"gid://shopify/Location/5","delta":2}]}}})"}}},
        {"QuietRead",
         {{"store", "eu"},
          {"listings", {{{"listing_id", 4}, {"inventory_item_id", "1"}, {"location_id", "5"}}}},
          {"orders_since", "2026-07-01T00:00:00Z"}}},
        {"PollOrders", {{"store", "eu"}, {"orders_since", "2026-07-01T00:00:00Z"}}},
        {"ReadOrder", {{"store", "eu"}, {"order_id", "1001"}}},
        {"CreateStoreFulfillment",
         {{"store", "eu"},
          {"order_id", "1001"},
          {"shipment_id", "s-1"},
          {"carrier", "UPS"},
          {"tracking_number", "1Z"},
          {"tracking_url", "https://ups.example/1Z"},
          {"lines", {{{"line_id", "11"}, {"quantity", 2}}}},
          {"notify_customer", false}}},
        {"SettleStoreOrder",
         {{"store", "eu"},
          {"order_id", "1001"},
          {"policy", "hold_and_tell"},
          {"reason", "sold out"},
          {"tag", "sold-out"},
          {"handle", "ordersaga"}}},
        {"SettleStoreOrder by cancel",
         {{"store", "eu"},
          {"order_id", "1001"},
          {"policy", "cancel_and_refund"},
          {"reason", "sold out"},
          {"tag", "sold-out"},
          {"handle", "ordersaga"}}},
        {"CheckSubscriptions",
         {{"store", "eu"}, {"address", "https://hooks.example/webhooks/shopify"}, {"api_version", "2026-07"}}},
    };
    return all;
}

// Orders read from a store are the same document that a webhook brings: they survive being stored.
void check_order(const json& document) {
    if (!document.is_object()) return;
    const sagas::OrderDocument order = sagas::order_document_from_json(document);
    HOLDS(sagas::to_json(order) == document);
}

}  // namespace

void one_input(std::string_view input) {
    const sagas::Outcome outcome = run_command(input, payloads());
    if (outcome.kind != sagas::OutcomeKind::done) return;
    if (const json* order = runtime::find_member(outcome.payload, "order")) check_order(*order);
    if (const json* orders = runtime::find_member(outcome.payload, "orders")) {
        for (const json& order : *orders)
            check_order(order);
    }
}

}  // namespace ordersaga::fuzz
