#include "tests/model/lean_store.hpp"

#include "sagas/activities.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace ordersaga::model {

using engine::DutyRow;
using nlohmann::json;
using orders::FlushRow;
using orders::MovementRow;
using orders::OrderRow;

namespace {

template <class Row, class Same>
Row* find_in(std::vector<Row>& rows, const Same& same) {
    const auto found = std::find_if(rows.begin(), rows.end(), same);
    return found == rows.end() ? nullptr : &*found;
}

bool contains(const std::vector<StockKey>& keys, const StockKey& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
}

// What of a saga still matters: not its name, which is a random number, and not when its timers end, for the models let them
// end at any moment.
Digest digest_of(const SagaRow& row) {
    json data = row.data;
    for (const char* timer : {"wait_until", "hold_until", "deliver_by"})
        data[timer] = !data.value(timer, json()).is_null();
    std::string text = data.dump();
    replace_all(text, row.key.saga_id, "saga");
    Digest digest;
    digest.add(row.state);
    digest.add(text);
    digest.add(row.incident.value_or(""));
    return digest;
}

}  // namespace

const SagaRow* Tables::saga(const std::string& id) const {
    for (const auto& cell : sagas) {
        if (cell->row.key.saga_id == id) return &cell->row;
    }
    return nullptr;
}

const OrderRow* Tables::order(const std::string& id) const {
    for (const auto& row : orders) {
        if (row->key.order_id == id) return row.get();
    }
    return nullptr;
}

const CommandRow* Tables::command(const std::string& id) const {
    for (const auto& row : commands) {
        if (row->command_id == id) return row.get();
    }
    return nullptr;
}

StockRow& Tables::stock_of(SkuId sku) {
    return *find_in(stock, [&](const StockRow& row) { return row.key.sku_id == sku; });
}

ListingRow* Tables::listing(ListingId id) {
    return find_in(listings, [&](const ListingRow& row) { return row.listing_id == id; });
}

// ---------------------------------------------------------------------------------------------------------------------
// The engine's side

std::vector<SagaRow> LeanTransaction::lock_sagas(const std::vector<SagaKey>& keys) {
    std::vector<SagaRow> found;
    for (const SagaKey& key : keys) {
        const SagaRow* row = tables_.saga(key.saga_id);
        if (row == nullptr) continue;
        found.push_back(*row);
        if (key.saga_id != expired_) continue;
        for (const char* timer : {"wait_until", "hold_until", "deliver_by"}) {
            json& until = found.back().data[timer];
            if (!until.is_null()) until = runtime::format_rfc3339(beginning);
        }
    }
    return found;
}

std::vector<engine::SignalRow> LeanTransaction::take_signals(const std::vector<SagaKey>& keys) {
    std::vector<engine::SignalRow> taken;
    std::erase_if(tables_.signals, [&](engine::SignalRow& row) {
        if (std::find(keys.begin(), keys.end(), row.key) == keys.end()) return false;
        taken.push_back(std::move(row));
        return true;
    });
    return taken;
}

std::vector<CommandRow> LeanTransaction::open_commands(const std::vector<SagaKey>& keys) {
    std::vector<CommandRow> found;
    for (const auto& row : tables_.commands) {
        const SagaKey owner{row->merchant, row->saga_id};
        if (std::find(keys.begin(), keys.end(), owner) != keys.end()) found.push_back(*row);
    }
    return found;
}

// A duty's only memory in the models is its open command.
std::vector<DutyRow> LeanTransaction::lock_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) {
    std::vector<DutyRow> found;
    for (const auto& [owner, name] : duties) {
        DutyRow row;
        row.merchant = owner;
        row.duty = name.substr(0, name.find('/'));
        row.subject = name.substr(name.find('/') + 1);
        row.next_due = tables_.now;
        for (const auto& command : tables_.commands) {
            if (command->duty == name) row.command_id = command->command_id;
        }
        found.push_back(std::move(row));
    }
    return found;
}

std::vector<DutyRow> LeanTransaction::read_duties(const std::vector<std::pair<MerchantId, std::string>>&) {
    return {};
}

void LeanTransaction::put_saga(const SagaRow& row) {
    auto cell = std::make_shared<const SagaCell>(SagaCell{row, digest_of(row)});
    for (auto& known : tables_.sagas) {
        if (known->row.key == row.key) {
            known = std::move(cell);
            return;
        }
    }
    tables_.sagas.push_back(std::move(cell));
}

void LeanTransaction::put_command(const CommandRow& row) {
    std::erase_if(tables_.commands, [&](const auto& known) { return known->command_id == row.command_id; });
    if (row.state == engine::CommandState::closed) return;
    // Readings are asked for at any moment by the model itself: those that the ledger asks for are among them.
    if (row.activity == sagas::activity::read_warehouse_stock) return;
    if (row.activity == sagas::activity::create_store_fulfillment) return;  // beyond the models: the goods have left
    tables_.commands.push_back(std::make_shared<const CommandRow>(row));
}

void LeanTransaction::write(const engine::Changes& changes) {
    for (const SagaRow& row : changes.new_sagas)
        put_saga(row);
    for (const SagaRow& row : changes.updated_sagas)
        put_saga(row);
    for (const CommandRow& row : changes.new_commands)
        put_command(row);
    for (const CommandRow& row : changes.updated_commands)
        put_command(row);
    for (const engine::SignalRow& row : changes.new_signals)
        tables_.signals.push_back(row);
    for (const engine::IncidentRow& row : changes.opened_incidents)
        tables_.incidents.insert(row.saga_id.empty() ? row.incident_key : row.saga_id);
    for (const auto& [owner, key] : changes.closed_incidents)
        tables_.incidents.erase(key.starts_with("saga:") ? key.substr(5) : key);
}

void LeanTransaction::park(
    MerchantId,
    const std::string& kind,
    const std::string& subject,
    const std::string& reason,
    const json&) {
    throw std::logic_error("parked: " + kind + " " + subject + ": " + reason);
}

// ---------------------------------------------------------------------------------------------------------------------
// Orders

std::vector<orders::WarehouseRow> LeanTransaction::warehouses(const std::vector<MerchantId>&) {
    orders::WarehouseRow row = setting_.warehouse;
    row.read_asked_at = tables_.mirror;
    return {row};
}

std::vector<orders::SkuRow> LeanTransaction::skus(MerchantId, const std::vector<SkuId>& ids) {
    if (ids.empty()) return setting_.skus;
    std::vector<orders::SkuRow> found;
    for (const orders::SkuRow& row : setting_.skus) {
        if (std::find(ids.begin(), ids.end(), row.sku_id) != ids.end()) found.push_back(row);
    }
    return found;
}

std::vector<ListingRow> LeanTransaction::find_listings(
    MerchantId,
    StoreId store,
    const std::vector<std::string>& variant_ids,
    const std::vector<std::string>&) {
    std::vector<ListingRow> found;
    for (const ListingRow& row : tables_.listings) {
        const bool named = std::find(variant_ids.begin(), variant_ids.end(), row.variant_id) != variant_ids.end();
        if (row.store_id == store && named) found.push_back(row);
    }
    return found;
}

std::vector<bool> LeanTransaction::know_receipts(const std::vector<orders::ReceiptRow>& receipts) {
    return std::vector<bool>(receipts.size(), false);
}

std::vector<bool> LeanTransaction::insert_receipts(const std::vector<orders::ReceiptRow>& receipts) {
    return std::vector<bool>(receipts.size(), true);
}

std::vector<OrderRow> LeanTransaction::lock_orders(const std::vector<orders::OrderKey>& keys, engine::Turn) {
    std::vector<OrderRow> found;
    for (const orders::OrderKey& key : keys) {
        if (const OrderRow* known = tables_.order(key.order_id)) {
            found.push_back(*known);
        } else {
            found.emplace_back();
            found.back().key = key;
        }
    }
    return found;
}

std::vector<std::optional<sagas::OrderDocument>> LeanTransaction::peek_documents(
    const std::vector<orders::OrderKey>& keys) {
    std::vector<std::optional<sagas::OrderDocument>> found;
    for (const orders::OrderKey& key : keys) {
        const OrderRow* known = tables_.order(key.order_id);
        found.push_back(known != nullptr && known->has_document ? std::optional(known->document) : std::nullopt);
    }
    return found;
}

std::vector<std::string> LeanTransaction::peek_stamps(const std::vector<orders::OrderKey>& keys) {
    std::vector<std::string> found;
    for (const orders::OrderKey& key : keys) {
        const OrderRow* known = tables_.order(key.order_id);
        found.push_back(known != nullptr && known->has_document ? stamp_of(known->document) : std::string());
    }
    return found;
}

void LeanTransaction::write_orders(const std::vector<OrderRow>& orders) {
    for (const OrderRow& row : orders) {
        std::erase_if(tables_.orders, [&](const auto& known) { return known->key == row.key; });
        tables_.orders.push_back(std::make_shared<const OrderRow>(row));
    }
}

std::vector<orders::ReferenceRow> LeanTransaction::sagas_of_references(
    MerchantId,
    const std::vector<std::string>& references) {
    std::vector<orders::ReferenceRow> found;
    for (const auto& [reference, saga] : tables_.references) {
        if (std::find(references.begin(), references.end(), reference) != references.end())
            found.push_back({reference, saga, false});
    }
    return found;
}

void LeanTransaction::write_references(const std::vector<std::pair<std::string, SagaKey>>& references) {
    for (const auto& fresh : references) {
        const auto* known = find_in(tables_.references, [&](const auto& one) { return one.first == fresh.first; });
        if (known == nullptr) {
            tables_.references.push_back(fresh);
        } else if (known->second != fresh.second) {
            throw engine::BadItem(fresh.first + " belongs to another saga");
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Stock

std::vector<StockRow> LeanTransaction::lock_stock(const std::vector<StockKey>& keys, engine::Turn) {
    return peek_stock(keys);
}

std::vector<StockRow> LeanTransaction::peek_stock(const std::vector<StockKey>& keys) {
    std::vector<StockRow> found;
    for (const StockRow& row : tables_.stock) {
        if (!contains(keys, row.key)) continue;
        found.push_back(row);
        if (setting_.rule != Rule::older_reading_applies) continue;
        found.back().read_asked_at = beginning;
        found.back().mirrored = false;
    }
    return found;
}

void LeanTransaction::write_stock(const std::vector<StockRow>& rows, const std::vector<MovementRow>& movements) {
    for (const StockRow& row : rows)
        tables_.stock_of(row.key.sku_id) = row;
    for (const MovementRow& row : movements) {
        if (row.committed >= 0) continue;
        tables_.departures.push_back({row.key, row.saga_id, row.line_id, -row.committed, row.returning > 0, row.at});
        if (row.returning == 0 || setting_.rule != Rule::cancel_credits_at_once) continue;
        StockRow& stock = tables_.stock_of(row.key.sku_id);
        stock.returning -= row.returning;
        stock.unavailable -= row.returning;
        stock.available += row.returning;
    }
}

std::vector<StockKey> LeanTransaction::mirrored_besides(MerchantId, WarehouseId, const std::vector<SkuId>& skus) {
    std::vector<StockKey> found;
    for (const StockRow& row : tables_.stock) {
        if (row.mirrored && std::find(skus.begin(), skus.end(), row.key.sku_id) == skus.end()) found.push_back(row.key);
    }
    return found;
}

std::vector<ReservationRow> LeanTransaction::reservations_of(const std::vector<SagaKey>& sagas) {
    std::vector<ReservationRow> found;
    for (const ReservationRow& row : tables_.reservations) {
        const SagaKey owner{row.key.merchant, row.saga_id};
        if (std::find(sagas.begin(), sagas.end(), owner) != sagas.end()) found.push_back(row);
    }
    return found;
}

std::vector<ReservationRow> LeanTransaction::waiting_for(const std::vector<StockKey>& keys) {
    std::vector<std::pair<Instant, std::string>> queue;
    for (const ReservationRow& row : tables_.reservations) {
        if (row.waiting > 0 && contains(keys, row.key)) queue.emplace_back(*row.queued_at, row.saga_id);
    }
    std::sort(queue.begin(), queue.end());
    std::vector<ReservationRow> found;
    std::set<std::string> known;
    for (const auto& [since, saga] : queue) {
        if (!known.insert(saga).second) continue;
        for (const ReservationRow& row : tables_.reservations) {
            if (row.saga_id == saga) found.push_back(row);
        }
    }
    return found;
}

void LeanTransaction::write_reservations(const std::vector<ReservationRow>& rows) {
    for (const ReservationRow& row : rows) {
        ReservationRow* known = find_in(tables_.reservations, [&](const ReservationRow& one) {
            return one.saga_id == row.saga_id && one.line_id == row.line_id && one.key == row.key;
        });
        if (known != nullptr) {
            *known = row;
        } else {
            tables_.reservations.push_back(row);
        }
    }
}

std::vector<std::pair<StockKey, std::int64_t>> LeanTransaction::not_counted(
    const std::vector<StockKey>& keys,
    Instant asked_at,
    Duration reading_lag) {
    if (setting_.rule == Rule::reading_without_lag) reading_lag = Duration(0);
    std::map<StockKey, std::int64_t> units;
    for (const StockKey& key : keys)
        units[key] = 0;
    for (const ReservationRow& row : tables_.reservations) {
        const bool late = row.accepted_at && *row.accepted_at + reading_lag > asked_at;
        if (units.count(row.key) == 0) continue;
        const bool counts = late || !row.accepted_at || setting_.rule == Rule::reading_minus_all_committed;
        if (counts) units[row.key] += row.committed;
        if (!late || setting_.rule == Rule::reading_forgets_departures) continue;
        for (const Departure& left : tables_.departures) {
            const bool of_it = left.key == row.key && left.saga_id == row.saga_id && left.line_id == row.line_id;
            if (of_it && left.at > asked_at) units[row.key] += left.units;
        }
    }
    return {units.begin(), units.end()};
}

std::vector<std::pair<StockKey, std::int64_t>> LeanTransaction::returned_since(
    const std::vector<StockKey>& keys,
    Instant asked_at) {
    std::map<StockKey, std::int64_t> units;
    for (const StockKey& key : keys)
        units[key] = 0;
    for (const Departure& left : tables_.departures) {
        if (left.returning && left.at > asked_at && units.count(left.key) > 0) units[left.key] += left.units;
    }
    return {units.begin(), units.end()};
}

std::vector<std::pair<StockKey, std::int64_t>> LeanTransaction::requested(const std::vector<StockKey>& keys) {
    std::set<std::string> asked;
    for (const auto& command : tables_.commands) {
        const bool out = command->state == engine::CommandState::sent || command->perhaps_applied;
        if (out && command->activity == sagas::activity::request_fulfillment) asked.insert(command->saga_id);
    }
    std::map<StockKey, std::int64_t> units;
    for (const ReservationRow& row : tables_.reservations) {
        if (row.held > 0 && contains(keys, row.key) && asked.count(row.saga_id) > 0) units[row.key] += row.held;
    }
    return {units.begin(), units.end()};
}

// ---------------------------------------------------------------------------------------------------------------------
// Listings

std::vector<bool> LeanTransaction::insert_listing_moves(const std::vector<orders::ListingMove>& moves) {
    std::vector<bool> fresh;
    for (const orders::ListingMove& move : moves) {
        const std::string name = std::to_string(move.listing_id.value) + move.kind + move.source_id;
        fresh.push_back(tables_.moves.insert(name).second || setting_.rule == Rule::moves_count_each_time);
    }
    return fresh;
}

// Kept for people; no rule asks for them.
void LeanTransaction::add_listing_moves(const std::vector<orders::ListingMove>&) {}

std::vector<ListingRow> LeanTransaction::lock_listings(
    MerchantId,
    const std::vector<SkuId>& skus,
    const std::vector<ListingId>& ids,
    const std::vector<StoreId>& flushing,
    std::size_t,
    engine::Turn) {
    std::vector<ListingRow> found;
    for (const ListingRow& row : tables_.listings) {
        const bool of_sku = std::find(skus.begin(), skus.end(), row.sku_id) != skus.end();
        const bool named = std::find(ids.begin(), ids.end(), row.listing_id) != ids.end();
        const bool sends = std::find(flushing.begin(), flushing.end(), row.store_id) != flushing.end() &&
                           row.believed && row.parked.empty() && !row.wants_read && !row.read_open &&
                           row.target != *row.believed + row.in_flight;
        if (!of_sku && !named && !sends) continue;
        found.push_back(row);
    }
    return found;
}

void LeanTransaction::write_listings(const std::vector<ListingRow>& rows) {
    for (const ListingRow& row : rows)
        *tables_.listing(row.listing_id) = row;
}

std::vector<ListingRow> LeanTransaction::claim_listings_to_read(
    MerchantId,
    const std::vector<std::pair<StoreId, ListingId>>& stores,
    Instant,
    std::size_t limit) {
    std::vector<ListingRow> found;
    for (const auto& [store, after] : stores) {
        std::size_t of_store = 0;
        for (const ListingRow& row : tables_.listings) {
            const bool wanted = row.store_id == store && row.wants_read && !row.read_open && row.in_flight == 0;
            if (!wanted || row.listing_id.value <= after.value || of_store >= limit) continue;
            found.push_back(row);
            ++of_store;
        }
    }
    return found;
}

std::vector<FlushRow> LeanTransaction::open_flushes(MerchantId owner, const std::vector<StoreId>& stores) {
    return read_open_flushes(owner, stores, {});
}

std::vector<FlushRow> LeanTransaction::read_open_flushes(
    MerchantId,
    const std::vector<StoreId>& stores,
    const std::vector<std::string>& commands) {
    std::vector<FlushRow> found;
    for (const FlushRow& row : tables_.flushes) {
        if (std::find(stores.begin(), stores.end(), row.store_id) == stores.end()) continue;
        found.push_back(row);
        if (std::find(commands.begin(), commands.end(), row.command_id) == commands.end()) found.back().items.clear();
    }
    return found;
}

void LeanTransaction::write_flushes(const std::vector<FlushRow>& rows) {
    for (const FlushRow& row : rows) {
        std::erase_if(tables_.flushes, [&](const FlushRow& known) { return known.flush_id == row.flush_id; });
        if (!row.closed_at) tables_.flushes.push_back(row);
    }
}

void LeanTransaction::add_waits(const std::vector<Wait>& waits) {
    for (const Wait& wait : waits) {
        std::erase_if(tables_.waits, [&](const Wait& known) {
            return known.saga == wait.saga && known.kind == wait.kind && known.stock == wait.stock;
        });
        tables_.waits.push_back(wait);
    }
}

void LeanTransaction::drop_waits(const std::vector<SagaKey>& sagas, const std::string& kind) {
    std::erase_if(tables_.waits, [&](const Wait& known) {
        return known.kind == kind && std::find(sagas.begin(), sagas.end(), known.saga) != sagas.end();
    });
}

std::vector<orders::Rows::Wait> LeanTransaction::waits_for(
    const std::string& kind,
    const std::vector<Reached>& reached) {
    std::set<SagaKey> waiting;
    for (const Wait& wait : tables_.waits) {
        const bool met = std::any_of(reached.begin(), reached.end(), [&](const Reached& row) {
            return row.first == wait.stock && wait.version <= row.second;
        });
        if (wait.kind == kind && met) waiting.insert(wait.saga);
    }
    std::vector<Wait> found;
    for (const Wait& wait : tables_.waits) {
        if (wait.kind == kind && waiting.count(wait.saga) > 0) found.push_back(wait);
    }
    return found;
}

std::vector<orders::Rows::Wait> LeanTransaction::waits_of(const SagaKey& saga, const std::string& kind) {
    std::vector<Wait> found;
    for (const Wait& wait : tables_.waits) {
        if (wait.kind == kind && wait.saga == saga) found.push_back(wait);
    }
    return found;
}

}  // namespace ordersaga::model
