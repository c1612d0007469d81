#include "tests/support/sim/sim_checks.hpp"

#include "runtime/random.hpp"

#include <algorithm>

namespace ordersaga::sim {

void violated(const std::string& constraint) {
    throw engine::BadItem("violates " + constraint);
}

void require_uuid(const std::string& text, const char* column) {
    if (!runtime::is_uuid(text)) throw engine::BadItem(std::string(column) + " is not a uuid: '" + text + "'");
}

void require_text(const std::string& text, const char* column) {
    if (text.find('\0') != std::string::npos) throw engine::BadItem(std::string(column) + " has a NUL");
}

void require_one_of(const std::string& value, std::initializer_list<const char*> allowed, const char* column) {
    const bool known = std::any_of(allowed.begin(), allowed.end(), [&value](const char* one) { return value == one; });
    if (!known) throw engine::BadItem(std::string(column) + " may not be '" + value + "'");
}

bool is_decimal(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

namespace {

// '^[a-z0-9][a-z0-9-]{0,30}$'
bool is_key(const std::string& text) {
    return !text.empty() && text.size() <= 31 && text.front() != '-' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

}  // namespace

void check(const engine::SagaRow& row) {
    require_uuid(row.key.saga_id, "sagas.saga_id");
    require(row.definition_version > 0, "sagas.definition_version > 0");
    require(row.version >= 0, "sagas.version >= 0");
    require(row.shard >= 0, "sagas.shard >= 0");
    require(row.final || row.next_wake.has_value(), "always_has_a_next_look");
    require(!row.kind.empty() && !row.state.empty(), "sagas.kind and state are named");
    require_text(row.subject, "sagas.subject");
    if (row.kind != "order") return;
    require_one_of(
        row.state,
        {"Received", "Reserved", "ChannelsSynced", "FulfillmentRequested", "Shipped", "Completed", "OnHold",
         "Backordered", "OutOfStock", "NeedsOperator", "CancellingFulfillment", "ReleasingStock", "RevertingChannels",
         "SettlingOrder", "Compensated"},
        "states_of_an_order");
    const bool ends = row.state == "Completed" || row.state == "OutOfStock" || row.state == "Compensated";
    require(row.final == ends, "final_states_of_an_order");
}

void check(const engine::CommandRow& row) {
    require_uuid(row.command_id, "commands.command_id");
    if (!row.saga_id.empty()) require_uuid(row.saga_id, "commands.saga_id");
    require(row.saga_id.empty() == !row.duty.empty(), "commands: a saga's or a duty's");
    require((row.state == engine::CommandState::closed) == row.closed_at.has_value(), "commands: closed has closed_at");
    require(
        row.state != engine::CommandState::sent ||
            (row.deadline.has_value() && row.sent_at.has_value() && !row.attempt_token.empty()),
        "commands: sent has deadline, sent_at and attempt_token");
    require_text(row.last_error, "commands.last_error");
}

void check(const engine::LaneRow& row) {
    require_one_of(row.breaker, {"closed", "open", "probing"}, "lanes.breaker");
}

void check(const orders::StoreRow& row) {
    require(is_key(row.key), "stores.key");
    require(is_decimal(row.location_id), "stores.location_id");
    require_one_of(row.status, {"active", "suspended", "uninstalled"}, "stores.status");
    require_one_of(row.mode, {"observe", "live"}, "stores.mode");
    require_one_of(row.order_policy, {"hold_and_tell", "cancel_and_refund", "backorder"}, "stores.order_policy");
    require(row.channel_wait.count() >= 0, "stores.channel_wait_ms >= 0");
    require(row.hold_expiry.count() > 0, "stores.hold_expiry_ms > 0");
    require(row.points_per_second > 0, "stores.points_per_second > 0");
}

void check(const orders::WarehouseRow& row) {
    require(is_key(row.key), "warehouses.key");
    require_one_of(row.kind, {"shipbob"}, "warehouses.kind");
    require_one_of(row.status, {"active", "suspended"}, "warehouses.status");
    require(row.reading_lag.count() >= 0, "warehouses.reading_lag_ms >= 0");
}

void check(const orders::SkuRow& row) {
    require(!row.sku.empty(), "skus.sku <> ''");
    require_one_of(row.policy, {"deny", "backorder"}, "skus.policy");
    require_one_of(row.reading, {"trust-mirror", "ask-warehouse-first"}, "skus.reading");
    require(row.buffer >= 0 && row.low_at >= 0, "skus.buffer and low_at >= 0");
    for (const auto& [component, quantity] : row.components) {
        require(component != row.sku_id, "sku_components: a bundle does not hold itself");
        require(quantity > 0, "sku_components.quantity > 0");
    }
}

void check(const orders::StockRow& row) {
    require(row.available >= 0, "stock.available >= 0");
    require(row.reserved >= 0, "stock.reserved >= 0");
    require(row.committed >= 0, "stock.committed >= 0");
    require(row.unavailable >= 0, "stock.unavailable >= 0");
    require(row.returning >= 0 && row.returning <= row.unavailable, "stock.returning between 0 and unavailable");
    require(row.short_by >= 0 && (row.short_by == 0 || row.available == 0), "stock.short_by");
    require(row.waiting >= 0, "stock.waiting >= 0");
    require(
        row.on_hand + row.short_by == row.available + row.reserved + row.committed + row.unavailable,
        "l1_conservation");
}

void check(const orders::MovementRow& row) {
    require_one_of(
        row.kind, {"opening", "grant", "accept", "ship", "release", "return", "reading", "adjust"},
        "stock_movements.kind");
    if (!row.saga_id.empty()) require_uuid(row.saga_id, "stock_movements.saga_id");
    require(
        row.on_hand + row.short_by == row.available + row.reserved + row.committed + row.unavailable,
        "stock_movements: the parts sum up");
}

void check(const orders::ReservationRow& row) {
    require_uuid(row.saga_id, "reservations.saga_id");
    require(
        row.waiting >= 0 && row.held >= 0 && row.committed >= 0 && row.shipped >= 0 && row.released >= 0,
        "reservations: no negative counter");
    require(row.queued_at.has_value() == (row.waiting > 0), "reservations.queued_at");
}

void check(const orders::ListingRow& row) {
    require(row.target >= 0, "listings.target >= 0");
}

void check(const orders::ListingMove& row) {
    require_one_of(row.kind, {"sale", "restock", "edit", "flush", "read"}, "listing_moves.kind");
}

void check(const orders::ReceiptRow& row) {
    require_one_of(row.source, {"shopify", "shipbob"}, "webhook_receipts.source");
    require(row.status != orders::ReceiptStatus::duplicate, "webhook_receipts.status");
    require_text(row.reason, "webhook_receipts.reason");
}

}  // namespace ordersaga::sim
