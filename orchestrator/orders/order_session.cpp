#include "orchestrator/orders/order_session.hpp"

#include "orchestrator/orders/order_participant.hpp"

#include <algorithm>

namespace ordersaga::orders {

using nlohmann::json;

OrderParticipant::OrderParticipant(runtime::Random& random, OrderParticipantSettings settings)
    : random_(random), settings_(settings), late_(std::make_unique<WantedLate>()) {}

OrderParticipant::~OrderParticipant() = default;

std::unique_ptr<engine::Session> OrderParticipant::begin(engine::Transaction& transaction, engine::Batch& batch) {
    return std::make_unique<OrderSession>(transaction, rows_of(transaction), batch, random_, settings_, *late_);
}

engine::LaneRow OrderParticipant::new_lane(
    engine::Transaction& transaction,
    MerchantId merchant,
    const std::string& lane,
    Instant now) {
    engine::LaneRow row;
    row.merchant = merchant;
    row.lane = lane;
    row.refilled_at = now;
    row.not_before = now;
    std::size_t colon = lane.find(':');
    std::int64_t id = colon == std::string::npos ? 0 : std::stoll(lane.substr(colon + 1));
    if (lane.starts_with("warehouse:")) {
        // The peer counts a sliding minute: a bucket of a fifth of it, refilled at four fifths, never exceeds it.
        double per_minute = 150;
        for (const WarehouseRow& warehouse : rows_of(transaction).warehouses({merchant})) {
            if (warehouse.warehouse_id.value == id) per_minute = warehouse.calls_per_minute;
        }
        row.capacity = std::max(1.0, per_minute * 0.2);
        row.per_second = per_minute * 0.8 / 60;
        row.window = settings_.warehouse_window;
    } else {
        double points = 100;
        for (const StoreRow& store : rows_of(transaction).stores({merchant})) {
            if (store.store_id.value == id) points = store.points_per_second;
        }
        row.capacity = points * 20;
        row.per_second = points;
        row.window = settings_.store_window;
    }
    row.tokens = row.capacity;
    return row;
}

// ---------------------------------------------------------------------------------------------------------------------

OrderSession::OrderSession(
    engine::Transaction& transaction,
    Rows& rows,
    engine::Batch& batch,
    runtime::Random& random,
    const OrderParticipantSettings& settings,
    WantedLate& late)
    : transaction_(transaction),
      rows_(rows),
      batch_(batch),
      random_(random),
      settings_(settings),
      late_(late),
      ledger_(batch.now()) {}

OrderSession::World& OrderSession::world(MerchantId merchant) {
    auto [found, is_new] = worlds_.try_emplace(merchant);
    World& world = found->second;
    if (is_new) {
        world.stores = rows_.stores({merchant});
        world.warehouses = rows_.warehouses({merchant});
        world.channels = std::make_unique<Channels>(rows_, batch_, ledger_, late_);
    }
    return world;
}

const StoreRow* OrderSession::store(MerchantId merchant, StoreId id) {
    for (const StoreRow& row : world(merchant).stores) {
        if (row.store_id == id) return &row;
    }
    return nullptr;
}

const WarehouseRow* OrderSession::warehouse(MerchantId merchant, WarehouseId id) {
    for (const WarehouseRow& row : world(merchant).warehouses) {
        if (row.warehouse_id == id) return &row;
    }
    return nullptr;
}

void OrderSession::finish() {
    announce_levels();
    read_what_returned();
    for (auto& [merchant, world] : worlds_) {
        for (const WarehouseRow& warehouse : world.warehouses) {
            world.channels->compose_flushes(merchant, warehouse.warehouse_id, world.stores);
        }
    }
    std::vector<OrderRow> orders;
    for (const OrderKey& key : dirty_orders_)
        orders.push_back(orders_.at(key));
    if (!orders.empty()) rows_.write_orders(orders);
    if (!people_.empty()) rows_.write_personal(people_);
    if (!privacy_.empty()) rows_.ask_privacy(privacy_);
    keep_receipts();
    if (!references_.empty()) rows_.write_references(references_);
    if (!newly_found_.empty()) rows_.write_found(newly_found_);
    std::vector<StockRow> stock = ledger_.dirty_rows();
    if (!stock.empty()) rows_.write_stock(stock, ledger_.movements());
    std::vector<ReservationRow> reservations = ledger_.dirty_reservations();
    if (!reservations.empty()) rows_.write_reservations(reservations);
    tell_of_shortages();
    for (auto& [merchant, world] : worlds_)
        world.channels->write();
    if (!hints_.empty()) rows_.keep_hints(hints_);
    for (const auto& [merchant, store] : uninstalled_)
        rows_.set_store_status(merchant, store, "uninstalled", Turn::never);
    std::vector<Rows::Wait> waits = std::move(reading_waits_);
    for (const auto& [saga, wanted] : channel_waits_) {
        stop_waiting_.insert(saga);  // for what it waited before
        waits.insert(waits.end(), wanted.begin(), wanted.end());
    }
    if (!stop_waiting_.empty()) rows_.drop_waits({stop_waiting_.begin(), stop_waiting_.end()}, "channels");
    if (!have_reading_.empty()) rows_.drop_waits({have_reading_.begin(), have_reading_.end()}, "reading");
    if (!waits.empty()) rows_.add_waits(waits);
    for (auto& [name, row] : duties_)
        batch_.write_duty(row);
    late_ = {};
}

json OrderSession::changes_for_preview() const {
    json changes = json::array();
    for (const MovementRow& move : ledger_.movements()) {
        json change = {
            {"kind", "stock"},
            {"sku", ledger_.sku(move.key.merchant, move.key.sku_id).sku},
            {"move", move.kind},
            {"line_id", move.line_id}};
        const std::pair<const char*, std::int64_t> parts[] = {
            {"on_hand", move.on_hand},     {"available", move.available},     {"reserved", move.reserved},
            {"committed", move.committed}, {"unavailable", move.unavailable}, {"short", move.short_by}};
        for (const auto& [name, difference] : parts) {
            if (difference != 0) change[name] = difference;
        }
        changes.push_back(std::move(change));
    }
    for (const auto& [merchant, world] : worlds_) {
        for (json& change : world.channels->preview())
            changes.push_back(std::move(change));
    }
    return changes;
}

}  // namespace ordersaga::orders
