// What arrives from outside for the participant of the order saga: the content of engine::Arrival.
#pragma once

#include "orchestrator/orders/rows.hpp"
#include "sagas/order_document.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace ordersaga::orders {

// A verified webhook of a store or a warehouse. The receipt is stored whatever becomes of it.
struct Delivery {
    ReceiptRow receipt;                         // with the raw body; source, topic, ids
    nlohmann::json body;                        // parsed; null when `fault` is set or the topic needs none
    std::optional<sagas::OrderDocument> order;  // of orders/create, paid, updated, cancelled
    std::optional<PrivacyRequest> privacy;      // of customers/data_request, customers/redact, shop/redact
    std::string fault;                          // why it cannot be understood: parked, answered 200
};

// A level is what the store shows now, whoever told it and however often: a repeat does no harm, so nobody remembers that it
// was told.
inline bool is_level_hint(const Delivery& delivery) {
    const ReceiptRow& receipt = delivery.receipt;
    return receipt.source == "shopify" && receipt.topic == "inventory_levels/update" && delivery.fault.empty() &&
           receipt.status != ReceiptStatus::ignored;
}

// Orders read from a store (poll, quiet read, single read).
struct PolledOrders {
    MerchantId merchant;
    StoreId store_id;
    std::string source;  // for the history: "poll", "read"
    std::vector<sagas::OrderDocument> orders;
};

// An operator's change of the ledger.
struct StockAdjustment {
    StockKey key;
    std::int64_t expected_version = 0;
    std::int64_t difference = 0;  // of available and on_hand
    std::string adjustment_id;    // unique: a repeat changes nothing
    std::string reason;
    std::string actor;
};

// An operator's word that a store is followed again, or is not for now. Followed again, also when it was all along: what it
// shows is in doubt and its orders are asked for.
struct StoreSwitched {
    MerchantId merchant;
    StoreId store_id;
    bool follow = false;
    engine::AuditRow audit;
};

// An operator's word that the orders of a store are sent from now on, or are only observed.
struct StoreModeSet {
    MerchantId merchant;
    StoreId store_id;
    bool live = false;
    engine::AuditRow audit;
};

// An operator's word that a store will not refuse this listing any more: it is read quietly and joins the updates.
struct ListingTakenBack {
    MerchantId merchant;
    StoreId store_id;
    ListingId listing_id;
    engine::AuditRow audit;
};

// Recurring duties: rows of the table `duties`; the subject is "store:<id>" or "warehouse:<id>".
namespace duty {
inline constexpr const char* poll_orders = "PollOrders";                   // store: backfill, protocol part 6
inline constexpr const char* quiet_reads = "QuietReads";                   // store: opening belief, doubts, hints
inline constexpr const char* read_warehouse_stock = "ReadWarehouseStock";  // warehouse: the mirror
inline constexpr const char* poll_fulfillments = "PollFulfillments";       // warehouse: watch of what was requested
inline constexpr const char* check_subscriptions = "CheckSubscriptions";   // store: does it tell us everything
inline constexpr const char* flush_stock = "FlushStock";                   // store: only as owner of flush commands
inline constexpr const char* read_order = "ReadOrder";                     // store: only as owner of single reads
}  // namespace duty

// Events of the order saga by name; payloads in sagas/order_saga.hpp.

}  // namespace ordersaga::orders
