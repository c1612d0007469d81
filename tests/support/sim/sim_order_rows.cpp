// The participant's rows: receipts, orders, stock, reservations, listings, flushes, waits.
#include "sagas/activities.hpp"
#include "tests/support/sim/sim_checks.hpp"
#include "tests/support/sim/sim_transaction.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace ordersaga::sim {

using orders::FlushRow;
using orders::LevelHint;
using orders::ListingMove;
using orders::ListingRow;
using orders::MovementRow;
using orders::OrderKey;
using orders::OrderRow;
using orders::ReceiptRow;
using orders::ReservationRow;
using orders::SkuRow;
using orders::StockRow;
using orders::StoreRow;
using orders::WarehouseRow;

namespace {

ReceiptKey key_of(const ReceiptRow& row) {
    return {row.merchant, row.source, row.store_id, row.topic, row.webhook_id};
}

ReservationKey key_of(const ReservationRow& row) {
    return {row.key.merchant, row.saga_id, row.line_id, row.key.sku_id};
}

StockRow as_read(StockRow row) {
    row.version_read = row.version;
    return row;
}

bool has_something_to_send(const ListingRow& row) {
    return row.believed && row.parked.empty() && !row.wants_read && !row.read_open &&
           row.target != *row.believed + row.in_flight;
}

bool holds_one_of(const ListingRow& row, const std::set<SkuId>& skus) {
    return std::any_of(row.components.begin(), row.components.end(), [&skus](const orders::ListingComponent& part) {
        return skus.count(part.sku_id) > 0;
    });
}

}  // namespace

std::vector<StoreRow> SimTransaction::stores(const std::vector<MerchantId>& merchants) {
    step("stores");
    const std::set<MerchantId> wanted(merchants.begin(), merchants.end());
    std::vector<StoreRow> found;
    for (const auto& [key, row] : tables_.stores) {
        if (wanted.count(key.first) > 0) found.push_back(row);
    }
    return found;
}

std::vector<WarehouseRow> SimTransaction::warehouses(const std::vector<MerchantId>& merchants) {
    step("warehouses");
    const std::set<MerchantId> wanted(merchants.begin(), merchants.end());
    std::vector<WarehouseRow> found;
    for (const auto& [key, row] : tables_.warehouses) {
        if (wanted.count(key.first) > 0) found.push_back(row);
    }
    return found;
}

std::vector<SkuRow> SimTransaction::skus(MerchantId merchant, const std::vector<SkuId>& ids) {
    step("skus");
    std::vector<SkuRow> found;
    if (ids.empty()) {
        for (const auto& [key, row] : tables_.skus) {
            if (key.first == merchant) found.push_back(row);
        }
    }
    for (const SkuId id : std::set<SkuId>(ids.begin(), ids.end())) {
        if (const SkuRow* row = tables_.skus.find({merchant, id})) found.push_back(*row);
    }
    return found;
}

std::vector<ListingRow> SimTransaction::find_listings(
    MerchantId merchant,
    StoreId store,
    const std::vector<std::string>& variant_ids,
    const std::vector<std::string>& skus) {
    step("find_listings");
    const std::set<std::string> variants(variant_ids.begin(), variant_ids.end());
    const std::set<std::string> names(skus.begin(), skus.end());
    std::vector<ListingRow> found;
    for (const auto& [key, row] : tables_.listings) {
        if (key.first != merchant || row.store_id != store) continue;
        const bool by_name = names.count(tables_.skus.at({merchant, row.sku_id}).sku) > 0;
        if (by_name || variants.count(row.variant_id) > 0) found.push_back(row);
    }
    return found;
}

// ---------------------------------------------------------------------------------------------------------------------
// Receipts, orders, references

std::vector<bool> SimTransaction::know_receipts(const std::vector<ReceiptRow>& receipts) {
    step("know_receipts");
    std::vector<bool> known;
    for (const ReceiptRow& row : receipts) {
        const ReceiptEventKey event{row.merchant, row.source, row.store_id, row.topic, row.event_id, row.name};
        known.push_back(
            tables_.receipts.has(key_of(row)) || (!row.event_id.empty() && tables_.receipt_events.has(event)));
    }
    return known;
}

std::vector<bool> SimTransaction::insert_receipts(const std::vector<ReceiptRow>& receipts) {
    step("insert_receipts");
    lock(
        Locked::receipts, engine::Turn::in_turn, receipts,
        [](const ReceiptRow& row) {
            return LockSequence::Key{row.merchant.value, row.store_id.value, 0, row.topic + " " + row.webhook_id};
        },
        "insert_receipts");
    std::vector<bool> fresh;
    for (const ReceiptRow& row : receipts) {
        const ReceiptKey key = key_of(row);
        const ReceiptEventKey event{row.merchant, row.source, row.store_id, row.topic, row.event_id, row.name};
        const bool known = tables_.receipts.has(key) || (!row.event_id.empty() && tables_.receipt_events.has(event));
        fresh.push_back(!known);
        if (known) continue;
        check(row);
        require(tables_.merchants.has(row.merchant), "webhook_receipts: foreign key merchants");
        tables_.receipts.put(key, row);
        if (!row.event_id.empty()) tables_.receipt_events.put(event, key);
    }
    return fresh;
}

void SimTransaction::update_receipts(const std::vector<ReceiptRow>& receipts) {
    step("update_receipts");
    for (const ReceiptRow& row : receipts) {
        check(row);
        const ReceiptRow* stored = tables_.receipts.find(key_of(row));
        if (stored == nullptr) continue;
        ReceiptRow changed = *stored;
        changed.status = row.status;
        changed.reason = row.reason;
        changed.order_id = row.order_id;
        changed.saga_id = row.saga_id;
        tables_.receipts.put(key_of(row), std::move(changed));
    }
}

std::vector<OrderRow> SimTransaction::lock_orders(const std::vector<OrderKey>& keys, engine::Turn turn) {
    step("lock_orders");
    lock(
        Locked::orders, turn, keys,
        [](const OrderKey& key) {
            return LockSequence::Key{key.merchant.value, key.store_id.value, 0, key.order_id};
        },
        "lock_orders");
    std::vector<OrderRow> found;
    for (const OrderKey& key : std::set<OrderKey>(keys.begin(), keys.end())) {
        if (!tables_.orders.has(key)) {
            require(is_decimal(key.order_id), "orders.order_id is a decimal number");
            require(tables_.stores.has({key.merchant, key.store_id}), "orders: foreign key stores");
            OrderRow fresh;
            fresh.key = key;
            fresh.created_at = now_;
            tables_.orders.put(key, std::move(fresh));
        }
        found.push_back(tables_.orders.at(key));
    }
    return found;
}

std::vector<std::optional<sagas::OrderDocument>> SimTransaction::peek_documents(const std::vector<OrderKey>& keys) {
    step("peek_documents");
    std::set<MerchantId> unsettled;
    for (const auto& [key, row] : tables_.found)
        unsettled.insert(row.merchant);
    std::vector<std::optional<sagas::OrderDocument>> found;
    for (const OrderKey& key : keys) {
        const OrderRow* row = unsettled.count(key.merchant) > 0 ? nullptr : tables_.orders.find(key);
        found.push_back(row != nullptr && row->has_document ? std::optional(row->document) : std::nullopt);
    }
    return found;
}

std::vector<std::string> SimTransaction::peek_stamps(const std::vector<OrderKey>& keys) {
    std::vector<std::string> stamps;
    for (const std::optional<sagas::OrderDocument>& document : peek_documents(keys))
        stamps.push_back(document ? stamp_of(*document) : std::string());
    return stamps;
}

void SimTransaction::write_orders(const std::vector<OrderRow>& orders) {
    step("write_orders");
    for (const OrderRow& row : orders) {
        require(tables_.orders.has(row.key), "an order that was not locked is written");
        if (!row.saga_id.empty()) {
            refer_to_saga({row.key.merchant, row.saga_id}, "orders");
            for (const auto& [key, other] : tables_.orders) {
                require(
                    key == row.key || key.merchant != row.key.merchant || other.saga_id != row.saga_id,
                    "one_saga_per_order");
            }
        }
        tables_.orders.put(row.key, row);
    }
}

void SimTransaction::write_personal(const std::vector<orders::PersonalRow>& people) {
    step("write_personal");
    for (const orders::PersonalRow& row : people) {
        require(tables_.orders.has(row.order), "personal_data: foreign key orders");
        require(!tables_.people.has(row.order), "personal_data: primary key");
        tables_.people.put(row.order, row);
    }
}

void SimTransaction::ask_privacy(const std::vector<orders::PrivacyRequest>& requests) {
    step("ask_privacy");
    for (const orders::PrivacyRequest& request : requests)
        tables_.privacy.put(next_number(), request);
}

std::vector<orders::ReferenceRow> SimTransaction::sagas_of_references(
    MerchantId merchant,
    const std::vector<std::string>& references) {
    step("sagas_of_references");
    std::vector<orders::ReferenceRow> found;
    for (const std::string& reference : std::set<std::string>(references.begin(), references.end())) {
        const SagaKey* key = tables_.references.find({merchant, reference});
        if (key == nullptr) continue;
        found.push_back({reference, *key, false});
        const engine::SagaRow* saga = tables_.sagas.find(*key);
        if (saga == nullptr || saga->state != "FulfillmentRequested") continue;
        for (const nlohmann::json& fulfillment : saga->data.at("fulfillments")) {
            if (fulfillment.at("reference") == reference && fulfillment.at("state") == "accepted")
                found.back().accepted = true;
        }
    }
    return found;
}

void SimTransaction::write_references(const std::vector<std::pair<std::string, SagaKey>>& references) {
    step("write_references");
    for (const auto& [reference, saga] : references) {
        const SagaKey* known = tables_.references.find({saga.merchant, reference});
        if (known != nullptr && !(*known == saga))
            violated("fulfillment_references: " + reference + " belongs to another saga");
        refer_to_saga(saga, "fulfillment_references");
        if (known == nullptr) tables_.references.put({saga.merchant, reference}, saga);
    }
}

void SimTransaction::write_found(const std::vector<orders::FoundFulfillment>& found) {
    step("write_found");
    for (const orders::FoundFulfillment& row : found)
        tables_.found.put({row.merchant, row.reference}, row);
}

std::vector<orders::FoundFulfillment> SimTransaction::take_found(
    MerchantId merchant,
    const std::vector<std::string>& order_keys) {
    step("take_found");
    const std::set<std::string> wanted(order_keys.begin(), order_keys.end());
    std::vector<orders::FoundFulfillment> taken;
    for (const auto& [key, row] : tables_.found) {
        if (key.first == merchant && wanted.count(row.order_key) > 0) taken.push_back(row);
    }
    for (const orders::FoundFulfillment& row : taken)
        tables_.found.erase({row.merchant, row.reference});
    return taken;
}

// ---------------------------------------------------------------------------------------------------------------------
// Stock and reservations

std::vector<StockRow> SimTransaction::lock_stock(const std::vector<StockKey>& keys, engine::Turn turn) {
    step("lock_stock");
    lock(
        Locked::stock, turn, keys,
        [](const StockKey& key) {
            return LockSequence::Key{key.merchant.value, key.sku_id.value, key.warehouse_id.value, ""};
        },
        "lock_stock");
    std::vector<StockRow> found;
    for (const StockKey& key : std::set<StockKey>(keys.begin(), keys.end())) {
        if (!tables_.stock.has(key)) {
            require(tables_.skus.has({key.merchant, key.sku_id}), "stock: foreign key skus");
            require(tables_.warehouses.has({key.merchant, key.warehouse_id}), "stock: foreign key warehouses");
            StockRow fresh;
            fresh.key = key;
            tables_.stock.put(key, std::move(fresh));
        }
        found.push_back(as_read(tables_.stock.at(key)));
    }
    return found;
}

std::vector<StockRow> SimTransaction::peek_stock(const std::vector<StockKey>& keys) {
    step("peek_stock");
    std::vector<StockRow> found;
    for (const StockKey& key : std::set<StockKey>(keys.begin(), keys.end())) {
        if (const StockRow* row = tables_.stock.find(key)) found.push_back(as_read(*row));
    }
    return found;
}

void SimTransaction::write_stock(const std::vector<StockRow>& rows, const std::vector<MovementRow>& movements) {
    step("write_stock");
    for (const StockRow& row : rows) {
        check(row);
        const StockRow* known = tables_.stock.find(row.key);
        require(known != nullptr, "a ledger that does not exist is written");
        if (known->version != row.version_read)
            throw engine::StoreUnavailable("updating stock: the row was not as expected, someone was faster");
        tables_.stock.put(row.key, row);
    }
    for (const MovementRow& movement : movements) {
        check(movement);
        require(tables_.stock.has(movement.key), "stock_movements: foreign key stock");
        const MovementCause cause{movement.key, movement.cause};
        if (tables_.movement_causes.has(cause)) violated("stock_movements: the cause " + movement.cause + " is known");
        const std::int64_t number = next_number();
        tables_.movement_causes.put(cause, number);
        tables_.movements.put(number, movement);
    }
}

std::optional<Instant> SimTransaction::lock_mirror(MerchantId merchant, WarehouseId warehouse) {
    step("lock_mirror");
    return tables_.warehouses.at({merchant, warehouse}).read_asked_at;
}

std::vector<StockKey> SimTransaction::mirrored_besides(
    MerchantId merchant,
    WarehouseId warehouse,
    const std::vector<SkuId>& skus) {
    step("mirrored_besides");
    const std::set<SkuId> told(skus.begin(), skus.end());
    std::vector<StockKey> found;
    for (const auto& [key, row] : tables_.stock) {
        const bool here = key.merchant == merchant && key.warehouse_id == warehouse;
        if (here && row.mirrored && told.count(key.sku_id) == 0) found.push_back(key);
    }
    return found;
}

void SimTransaction::write_mirror(MerchantId merchant, WarehouseId warehouse, Instant asked_at) {
    step("write_mirror");
    WarehouseRow row = tables_.warehouses.at({merchant, warehouse});
    row.read_asked_at = asked_at;
    tables_.warehouses.put({merchant, warehouse}, std::move(row));
}

std::vector<ReservationRow> SimTransaction::reservations_of(const std::vector<SagaKey>& sagas) {
    step("reservations_of");
    std::vector<ReservationRow> found;
    for (const SagaKey& saga : std::set<SagaKey>(sagas.begin(), sagas.end())) {
        const auto& rows = tables_.reservations.rows();
        for (auto row = rows.lower_bound({saga.merchant, saga.saga_id, "", SkuId{}}); row != rows.end(); ++row) {
            if (row->second.key.merchant != saga.merchant || row->second.saga_id != saga.saga_id) break;
            found.push_back(row->second);
        }
    }
    return found;
}

std::vector<ReservationRow> SimTransaction::waiting_for(const std::vector<StockKey>& keys) {
    step("waiting_for");
    const std::set<StockKey> wanted(keys.begin(), keys.end());
    std::map<SagaKey, Instant> since;  // the sagas that wait for one of these ledgers
    for (const auto& [key, row] : tables_.reservations) {
        if (row.waiting == 0 || wanted.count(row.key) == 0) continue;
        const auto [entry, fresh] = since.emplace(SagaKey{row.key.merchant, row.saga_id}, *row.queued_at);
        if (!fresh) entry->second = std::min(entry->second, *row.queued_at);
    }
    std::vector<std::pair<Instant, SagaKey>> queue;
    for (const auto& [saga, at] : since)
        queue.emplace_back(at, saga);
    std::sort(queue.begin(), queue.end());
    std::vector<ReservationRow> found;
    for (const auto& [at, saga] : queue) {
        for (const auto& [key, row] : tables_.reservations) {
            if (row.key.merchant == saga.merchant && row.saga_id == saga.saga_id) found.push_back(row);
        }
    }
    return found;
}

std::vector<orders::Rows::AtRisk> SimTransaction::at_risk(const std::vector<StockKey>& keys, std::size_t named) {
    step("at_risk");
    std::vector<AtRisk> found;
    for (const StockKey& key : std::set<StockKey>(keys.begin(), keys.end())) {
        std::map<std::pair<Instant, sagas::SagaId>, std::int64_t> promised;  // by age
        for (const auto& [id, row] : tables_.reservations) {
            if (row.key != key || row.held + row.committed == 0) continue;
            promised[{tables_.sagas.at({key.merchant, row.saga_id}).created_at, row.saga_id}] +=
                row.held + row.committed;
        }
        AtRisk risk{key, {}, 0};
        std::int64_t missing = tables_.stock.at(key).short_by;
        for (auto order = promised.rbegin(); order != promised.rend() && missing > 0; ++order) {
            missing -= order->second;
            ++risk.orders;
            if (risk.youngest.size() < named)
                risk.youngest.push_back(tables_.sagas.at({key.merchant, order->first.second}).subject);
        }
        if (risk.orders > 0) found.push_back(std::move(risk));
    }
    return found;
}

void SimTransaction::write_reservations(const std::vector<ReservationRow>& rows) {
    step("write_reservations");
    for (const ReservationRow& row : rows) {
        check(row);
        require(tables_.stock.has(row.key), "reservations: foreign key stock");
        refer_to_saga({row.key.merchant, row.saga_id}, "reservations");
        tables_.reservations.put(key_of(row), row);
    }
}

std::vector<std::pair<StockKey, std::int64_t>> SimTransaction::not_counted(
    const std::vector<StockKey>& keys,
    Instant asked_at,
    runtime::Duration lag) {
    step("not_counted");
    const std::set<StockKey> wanted(keys.begin(), keys.end());
    std::map<StockKey, std::int64_t> units;
    for (const StockKey& key : wanted)
        units[key] = 0;
    std::set<ReservationKey> late;  // lines accepted too late to be surely counted
    for (const auto& [key, row] : tables_.reservations) {
        if (wanted.count(row.key) == 0 || (row.accepted_at && *row.accepted_at + lag <= asked_at)) continue;
        units[row.key] += row.committed;
        if (row.accepted_at) late.insert(key);
    }
    for (const auto& [number, movement] : tables_.movements) {
        if (movement.committed >= 0 || movement.at <= asked_at || wanted.count(movement.key) == 0) continue;
        if (late.count({movement.key.merchant, movement.saga_id, movement.line_id, movement.key.sku_id}) == 0) continue;
        units[movement.key] += -movement.committed;
    }
    return {units.begin(), units.end()};
}

std::vector<std::pair<StockKey, std::int64_t>> SimTransaction::returned_since(
    const std::vector<StockKey>& keys,
    Instant asked_at) {
    step("returned_since");
    std::map<StockKey, std::int64_t> units;
    for (const StockKey& key : keys)
        units[key] = 0;
    for (const auto& [number, movement] : tables_.movements) {
        const auto found = units.find(movement.key);
        if (found == units.end() || movement.at <= asked_at) continue;
        if (movement.committed < 0 && movement.returning > 0) found->second += movement.returning;
    }
    return {units.begin(), units.end()};
}

std::vector<std::pair<StockKey, std::int64_t>> SimTransaction::requested(const std::vector<StockKey>& keys) {
    step("requested");
    std::set<SagaKey> asked;
    for (const auto& [id, command] : tables_.open_commands) {
        const bool out = command.state == engine::CommandState::sent || command.perhaps_applied;
        if (out && command.activity == sagas::activity::request_fulfillment)
            asked.insert({command.merchant, command.saga_id});
    }
    const std::set<StockKey> wanted(keys.begin(), keys.end());
    std::map<StockKey, std::int64_t> units;
    for (const auto& [key, row] : tables_.reservations) {
        if (row.held > 0 && wanted.count(row.key) > 0 && asked.count({row.key.merchant, row.saga_id}) > 0)
            units[row.key] += row.held;
    }
    return {units.begin(), units.end()};
}

// ---------------------------------------------------------------------------------------------------------------------
// Listings and flushes

std::vector<bool> SimTransaction::insert_listing_moves(const std::vector<ListingMove>& moves) {
    step("insert_listing_moves");
    std::vector<bool> fresh;
    for (const ListingMove& move : moves) {
        check(move);
        const MoveKey key{move.merchant, move.listing_id, move.kind, move.source_id};
        fresh.push_back(!tables_.moves.has(key));
        if (!fresh.back()) continue;
        require(tables_.listings.has({move.merchant, move.listing_id}), "listing_moves: foreign key listings");
        tables_.moves.put(key, move);
    }
    return fresh;
}

void SimTransaction::add_listing_moves(const std::vector<ListingMove>& moves) {
    for (const bool is_new : insert_listing_moves(moves))
        require(is_new, "listing_moves: key");
}

namespace {

LockSequence::Key listing_key(const ListingRow& row) {
    return {row.merchant.value, row.listing_id.value, 0, ""};
}

}  // namespace

std::vector<ListingRow> SimTransaction::lock_listings(
    MerchantId merchant,
    const std::vector<SkuId>& skus,
    const std::vector<ListingId>& ids,
    const std::vector<StoreId>& flushing,
    std::size_t limit,
    engine::Turn turn) {
    step("lock_listings");
    const std::set<SkuId> wanted_skus(skus.begin(), skus.end());
    const std::set<StoreId> stores(flushing.begin(), flushing.end());
    std::set<ListingId> wanted(ids.begin(), ids.end());
    std::map<StoreId, std::vector<std::pair<std::int64_t, ListingId>>> sendable;
    for (const auto& [key, row] : tables_.listings) {
        if (key.first != merchant) continue;
        if (holds_one_of(row, wanted_skus)) wanted.insert(row.listing_id);
        if (stores.count(row.store_id) > 0 && has_something_to_send(row)) {
            sendable[row.store_id].emplace_back(row.target, row.listing_id);
        }
    }
    for (auto& [store, scarce] : sendable) {
        std::sort(scarce.begin(), scarce.end());
        for (std::size_t i = 0; i < scarce.size() && i < limit; ++i)
            wanted.insert(scarce[i].second);
    }
    std::vector<ListingRow> found;
    for (const ListingId id : wanted) {
        if (const ListingRow* row = tables_.listings.find({merchant, id})) found.push_back(*row);
    }
    lock(Locked::listings, turn, found, listing_key, "lock_listings");
    return found;
}

void SimTransaction::write_listings(const std::vector<ListingRow>& rows) {
    step("write_listings");
    for (const ListingRow& row : rows) {
        check(row);
        require(tables_.listings.has({row.merchant, row.listing_id}), "a listing that was not locked is written");
        tables_.listings.put({row.merchant, row.listing_id}, row);
    }
}

std::vector<ListingRow> SimTransaction::claim_listings_to_read(
    MerchantId merchant,
    const std::vector<std::pair<StoreId, ListingId>>& stores,
    Instant hinted_before,
    std::size_t limit) {
    step("claim_listings_to_read");
    const std::map<StoreId, ListingId> wanted(stores.begin(), stores.end());
    std::map<StoreId, std::size_t> taken;
    std::vector<ListingRow> found;
    for (const auto& [key, row] : tables_.listings) {
        const auto of_store = wanted.find(row.store_id);
        if (key.first != merchant || of_store == wanted.end() || row.read_open || row.in_flight != 0) continue;
        if (row.listing_id.value <= of_store->second.value || taken[row.store_id] >= limit) continue;
        const LevelHint* hint = tables_.hints.find(key);
        const bool hint_disagrees =
            hint != nullptr && hint->available && hint->available != row.believed && hint->heard_at < hinted_before;
        if (!row.wants_read && !hint_disagrees) continue;
        ++taken[row.store_id];
        found.push_back(row);
    }
    lock(Locked::listings, engine::Turn::never, found, listing_key, "");
    return found;
}

void SimTransaction::drop_hints(MerchantId merchant, const std::vector<ListingId>& listings) {
    step("drop_hints");
    std::vector<ListingId> known;
    for (const ListingId id : listings) {
        if (tables_.hints.has({merchant, id})) known.push_back(id);
    }
    lock(
        Locked::hints, engine::Turn::in_turn, known,
        [&](ListingId id) {
            return LockSequence::Key{merchant.value, id.value, 0, ""};
        },
        "drop_hints");
    for (const ListingId id : known)
        tables_.hints.erase({merchant, id});
}

void SimTransaction::keep_hints(const std::vector<LevelHint>& hints) {
    step("keep_hints");
    std::vector<std::pair<ListingRow, const LevelHint*>> known;
    for (const LevelHint& hint : hints) {
        for (const auto& [key, row] : tables_.listings) {
            const bool same = key.first == hint.merchant && row.store_id == hint.store_id &&
                              row.inventory_item_id == hint.inventory_item_id && row.location_id == hint.location_id;
            if (same) known.emplace_back(row, &hint);
        }
    }
    lock(
        Locked::hints, engine::Turn::in_turn, known, [](const auto& entry) { return listing_key(entry.first); },
        "keep_hints");
    for (const auto& [row, hint] : known) {
        const LevelHint* before = tables_.hints.find({row.merchant, row.listing_id});
        if (before == nullptr || before->told_at <= hint->told_at)
            tables_.hints.put({row.merchant, row.listing_id}, *hint);
    }
}

std::vector<FlushRow> SimTransaction::open_flushes(MerchantId merchant, const std::vector<StoreId>& stores) {
    lock(
        Locked::flushes, engine::Turn::in_turn, stores,
        [&](StoreId store) {
            return LockSequence::Key{merchant.value, store.value, 0, ""};
        },
        "open_flushes");
    return read_open_flushes(merchant, stores, {});
}

std::vector<FlushRow> SimTransaction::read_open_flushes(
    MerchantId merchant,
    const std::vector<StoreId>& stores,
    const std::vector<std::string>& commands) {
    step("read_open_flushes");
    const std::set<StoreId> wanted(stores.begin(), stores.end());
    const std::set<std::string> named(commands.begin(), commands.end());
    std::vector<FlushRow> found;
    for (const auto& [key, row] : tables_.flushes) {
        if (key.first != merchant || row.closed_at || wanted.count(row.store_id) == 0) continue;
        found.push_back(row);
        if (named.count(row.command_id) == 0) found.back().items.clear();
    }
    return found;
}

void SimTransaction::write_flushes(const std::vector<FlushRow>& rows) {
    step("write_flushes");
    // Closing comes first, so that one batch may close a store's flush and open the next.
    std::vector<FlushRow> sorted = rows;
    std::stable_sort(sorted.begin(), sorted.end(), [](const FlushRow& left, const FlushRow& right) {
        return left.closed_at.has_value() && !right.closed_at.has_value();
    });
    for (const FlushRow& row : sorted) {
        require(tables_.stores.has({row.merchant, row.store_id}), "flushes: foreign key stores");
        require_uuid(row.command_id, "flushes.command_id");
        for (const auto& [key, other] : tables_.flushes) {
            if (key.first != row.merchant || key.second == row.flush_id || other.store_id != row.store_id) continue;
            require(row.closed_at.has_value() || other.closed_at.has_value(), "one_open_flush_per_store");
            require(other.key != row.key, "flushes: unique key");
        }
        tables_.flushes.put({row.merchant, row.flush_id}, row);
    }
}

void SimTransaction::add_waits(const std::vector<Wait>& waits) {
    step("add_waits");
    for (const Wait& wait : waits) {
        require_one_of(wait.kind, {"channels", "reading"}, "waits.kind");
        refer_to_saga(wait.saga, "waits");
        tables_.waits.put({wait.saga.merchant, wait.saga.saga_id, wait.kind, wait.stock}, wait);
    }
}

void SimTransaction::drop_waits(const std::vector<SagaKey>& sagas, const std::string& kind) {
    step("drop_waits");
    const std::set<SagaKey> wanted(sagas.begin(), sagas.end());
    std::vector<WaitKey> dropped;
    for (const auto& [key, wait] : tables_.waits) {
        if (wait.kind == kind && wanted.count(wait.saga) > 0) dropped.push_back(key);
    }
    lock(
        Locked::waits, engine::Turn::in_turn, dropped,
        [this](const WaitKey& key) {
            const Wait& wait = tables_.waits.at(key);
            return LockSequence::Key{
                wait.kind == "channels" ? 0 : 1, wait.saga.merchant.value, 0,
                wait.saga.saga_id + std::to_string(wait.stock.sku_id.value + 1'000'000'000)};
        },
        "drop_waits");
    for (const WaitKey& key : dropped)
        tables_.waits.erase(key);
}

std::vector<orders::Rows::Wait> SimTransaction::waits_for(
    const std::string& kind,
    const std::vector<Reached>& reached) {
    step("waits_for");
    std::map<StockKey, std::int64_t> versions;
    for (const auto& [stock, version] : reached) {
        auto [known, is_new] = versions.emplace(stock, version);
        if (!is_new) known->second = std::max(known->second, version);
    }
    std::set<SagaKey> sagas;
    for (const auto& [key, wait] : tables_.waits) {
        const auto met = versions.find(wait.stock);
        if (wait.kind == kind && met != versions.end() && wait.version <= met->second) sagas.insert(wait.saga);
    }
    std::vector<Wait> found;
    for (const auto& [key, wait] : tables_.waits) {
        if (wait.kind == kind && sagas.count(wait.saga) > 0) found.push_back(wait);
    }
    return found;
}

std::vector<orders::Rows::Wait> SimTransaction::waits_of(const SagaKey& saga, const std::string& kind) {
    step("waits_of");
    std::vector<Wait> found;
    for (const auto& [key, wait] : tables_.waits) {
        if (wait.kind == kind && wait.saga == saga) found.push_back(wait);
    }
    return found;
}

void SimTransaction::set_store_status(
    MerchantId merchant,
    StoreId store,
    const std::string& status,
    engine::Turn turn) {
    step("set_store_status");
    lock(
        Locked::flushes, turn, std::vector<StoreId>{store},
        [&](StoreId id) {
            return LockSequence::Key{merchant.value, id.value, 0, ""};
        },
        "set_store_status");
    const StoreRow* stored = tables_.stores.find({merchant, store});
    if (stored == nullptr) return;
    StoreRow row = *stored;
    row.status = status;
    check(row);
    tables_.stores.put({merchant, store}, std::move(row));
}

void SimTransaction::set_store_mode(const StoreRow& store, Instant) {
    step("set_store_mode");
    lock(
        Locked::flushes, engine::Turn::in_turn, std::vector<StoreId>{store.store_id},
        [&](StoreId id) {
            return LockSequence::Key{store.merchant.value, id.value, 0, ""};
        },
        "set_store_mode");
    const StoreRow* stored = tables_.stores.find({store.merchant, store.store_id});
    if (stored == nullptr) return;
    StoreRow row = *stored;
    row.mode = store.mode;
    row.go_live_at = store.go_live_at;
    row.observed_from = store.observed_from;
    check(row);
    tables_.stores.put({store.merchant, store.store_id}, std::move(row));
}

std::int64_t SimTransaction::count_orders_being_sent(MerchantId merchant, StoreId store) {
    step("count_orders_being_sent");
    std::int64_t count = 0;
    for (const auto& [key, saga] : tables_.sagas) {
        bool sent = saga.kind == "order" && !saga.final && key.merchant == merchant &&
                    saga.data.value("store_id", std::int64_t{0}) == store.value && !saga.data.value("observed", false);
        count += sent ? 1 : 0;
    }
    return count;
}

void SimTransaction::doubt_listings(MerchantId merchant, StoreId store) {
    step("doubt_listings");
    std::vector<ListingRow> doubted;
    for (const auto& [key, row] : tables_.listings) {
        if (row.merchant == merchant && row.store_id == store) doubted.push_back(row);
    }
    lock(Locked::listings, engine::Turn::in_turn, doubted, listing_key, "doubt_listings");
    for (ListingRow& row : doubted) {
        row.wants_read = true;
        const std::pair<MerchantId, ListingId> key{row.merchant, row.listing_id};
        tables_.listings.put(key, std::move(row));
    }
}

bool SimTransaction::unpark_listing(MerchantId merchant, ListingId listing) {
    step("unpark_listing");
    const ListingRow* stored = tables_.listings.find({merchant, listing});
    if (stored == nullptr || stored->parked.empty()) return false;
    ListingRow row = *stored;
    lock(Locked::listings, engine::Turn::in_turn, std::vector<ListingRow>{row}, listing_key, "unpark_listing");
    row.parked.clear();
    row.wants_read = true;
    tables_.listings.put({merchant, listing}, std::move(row));
    return true;
}

}  // namespace ordersaga::sim
