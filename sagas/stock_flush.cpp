#include "sagas/stock_flush.hpp"

#include <nlohmann/json.hpp>

namespace ordersaga::sagas {
namespace {

// Only fields whose scopes we hold: one forbidden sub-field would add ACCESS_DENIED to an applied mutation.
constexpr const char* document =
    R"(mutation AdjustStock($input: InventoryAdjustQuantitiesInput!, $idempotencyKey: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $idempotencyKey) {
    inventoryAdjustmentGroup { id changes { name delta item { id } location { id } } }
    userErrors { field message code }
  }
})";

}  // namespace

std::string flush_body(const std::string& key, const std::string& reference, const std::vector<FlushLine>& lines) {
    nlohmann::json changes = nlohmann::json::array();
    for (const FlushLine& line : lines) {
        changes.push_back(
            {{"inventoryItemId", "gid://shopify/InventoryItem/" + line.inventory_item_id},
             {"locationId", "gid://shopify/Location/" + line.location_id},
             {"delta", line.delta},
             {"changeFromQuantity", nullptr}});
    }
    nlohmann::json body = {
        {"query", document},
        {"variables",
         {{"input",
           {{"name", "available"},
            {"reason", "correction"},
            {"referenceDocumentUri", reference},
            {"changes", std::move(changes)}}},
          {"idempotencyKey", key}}}};
    return body.dump();
}

}  // namespace ordersaga::sagas
