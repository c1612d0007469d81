// What a store tells about an order, merged into what we know: create-or-merge on any topic, in any sequence, by
// updated_at. Pure: rows in, rows and facts out.
#pragma once

#include "orchestrator/orders/rows.hpp"
#include "sagas/definition.hpp"
#include "sagas/order_data.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::orders {

// How a line of an order maps to stock. `listing`: moved by the store's own sales; absent when the SKU is not listed.
struct LineMapping {
    const ListingRow* listing = nullptr;
    const SkuRow* sku = nullptr;
    std::vector<sagas::LinePart> parts;  // empty: not mapped
};
using LineMapper = std::function<LineMapping(const sagas::OrderLine&)>;

struct IntakeFacts {
    std::vector<ListingMove> moves;
    bool start = false;  // a saga begins with `data`
    sagas::OrderData data;
    nlohmann::json recipient;          // of the new saga; null when its order has no address
    std::vector<sagas::Event> events;  // for the new or the known saga
    std::string reason;                // why there is no saga
    // It wants something else than what was known, and both are of one second: only the store knows which is the newer.
    bool ambiguous = false;
};

// Whether a fulfilment that the store tells of has sent goods or is about to. One that failed has not, and never will.
bool sends_goods(std::string_view fulfillment_status);

// The same without the person: what is kept of a document.
sagas::OrderDocument without_person(sagas::OrderDocument order);

// Merges a document. Updates `row`; the caller starts the saga, stores its recipient and tells the events. `found`: views of
// what a warehouse has of an order that a restored database has forgotten; its saga begins with that.
IntakeFacts merge_document(
    OrderRow& row,
    const sagas::OrderDocument& document,
    const StoreRow& store,
    const WarehouseRow& warehouse,
    const LineMapper& map,
    const std::string& cause,
    const std::vector<nlohmann::json>& found = {});
IntakeFacts merge_refund(
    OrderRow& row,
    const sagas::Refund& refund,
    const StoreRow& store,
    const LineMapper& map,
    const std::string& cause);
IntakeFacts merge_deletion(OrderRow& row, const std::string& cause);

}  // namespace ordersaga::orders
