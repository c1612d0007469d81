#include "orchestrator/orders/ledger.hpp"

#include "runtime/planted.hpp"
#include "sagas/order_data.hpp"

#include <algorithm>
#include <stdexcept>

namespace ordersaga::orders {
namespace {

std::map<SkuId, std::int64_t> summed(const std::vector<Demand>& demand) {
    std::map<SkuId, std::int64_t> sums;
    for (const Demand& want : demand)
        sums[want.sku_id] += want.quantity;
    return sums;
}

std::string line_cause(const std::string& cause, const std::string& line_id) {
    return cause + ":" + line_id;
}

}  // namespace

void Ledger::load_stock(std::vector<StockRow> rows) {
    for (StockRow& row : rows) {
        StockKey key = row.key;
        if (stock_.count(key) > 0) continue;
        before_.emplace(key, row);
        stock_.emplace(key, std::move(row));
    }
}

void Ledger::load_reservations(std::vector<ReservationRow> rows) {
    for (ReservationRow& row : rows) {
        LineKey key{{row.key.merchant, row.saga_id}, row.line_id, row.key.sku_id};
        reservations_.emplace(key, std::move(row));
    }
}

void Ledger::load_skus(const std::vector<SkuRow>& rows) {
    for (const SkuRow& row : rows)
        skus_[{row.merchant, row.sku_id}] = row;
}

void Ledger::read_skus(Rows& rows, const std::set<SkuKey>& keys) {
    std::map<MerchantId, std::vector<SkuId>> unknown;
    for (const SkuKey& key : keys) {
        if (!skus_.contains(key)) unknown[key.first].push_back(key.second);
    }
    for (const auto& [merchant, skus] : unknown)
        load_skus(rows.skus(merchant, skus));
}

StockRow& Ledger::at(const StockKey& key) {
    auto found = stock_.find(key);
    if (found == stock_.end())
        throw std::logic_error("ledger of SKU " + std::to_string(key.sku_id.value) + " is not locked");
    return found->second;
}

const SkuRow& Ledger::sku(MerchantId merchant, SkuId id) const {
    auto found = skus_.find({merchant, id});
    if (found == skus_.end()) throw engine::BadItem("SKU " + std::to_string(id.value) + " does not exist");
    return found->second;
}

MovementRow& Ledger::move(
    StockRow& row,
    const char* kind,
    const std::string& cause,
    const engine::SagaKey& saga,
    const std::string& line_id) {
    row.version += 1;
    dirty_stock_.insert(row.key);
    MovementRow movement;
    movement.key = row.key;
    movement.kind = kind;
    movement.cause = cause;
    movement.saga_id = saga.saga_id;
    movement.line_id = line_id;
    movement.version = row.version;
    movement.at = now_;
    movements_.push_back(std::move(movement));
    return movements_.back();
}

ReservationRow& Ledger::line(const engine::SagaKey& saga, const std::string& line_id, const StockKey& key) {
    LineKey line_key{saga, line_id, key.sku_id};
    dirty_lines_.insert(line_key);
    auto [found, is_new] = reservations_.try_emplace(line_key);
    if (is_new) {
        found->second.key = key;
        found->second.saga_id = saga.saga_id;
        found->second.line_id = line_id;
    }
    return found->second;
}

std::vector<ReservationRow*> Ledger::lines_of(const engine::SagaKey& saga, OrderPart part) {
    std::vector<ReservationRow*> lines;
    for (auto found = reservations_.lower_bound(LineKey{saga, "", SkuId{}}); found != reservations_.end(); ++found) {
        if (!(std::get<0>(found->first) == saga)) break;
        if (part && sagas::part_of_reservation(found->second.line_id) != *part) continue;
        lines.push_back(&found->second);
    }
    return lines;
}

void Ledger::hold(
    const engine::SagaKey& saga,
    const std::string& line_id,
    StockRow& row,
    std::int64_t quantity,
    const std::string& cause) {
    MovementRow& movement = move(row, "grant", cause, saga, line_id);
    row.available -= quantity;
    row.reserved += quantity;
    movement.available = -quantity;
    movement.reserved = quantity;
    line(saga, line_id, row.key).held += quantity;
}

std::vector<Shortage> Ledger::grant(
    const engine::SagaKey& saga,
    WarehouseId warehouse,
    const std::vector<Demand>& demand,
    const std::string& cause) {
    std::vector<Shortage> shortages;
    for (const auto& [sku_id, quantity] : summed(demand)) {
        const StockRow& row = at({saga.merchant, sku_id, warehouse});
        bool queued =
            sku(saga.merchant, sku_id).policy == "backorder" && row.waiting > 0 && !runtime::planted("queue_overtaken");
        const std::int64_t too_many = runtime::planted("stock_guard_off_by_one") ? 1 : 0;
        if (quantity > 0 && (row.available + too_many < quantity || queued)) {
            shortages.push_back({sku_id, quantity, row.available, row.waiting});
        }
    }
    if (!shortages.empty()) return shortages;
    for (const Demand& want : demand) {
        if (want.quantity == 0) continue;
        hold(
            saga, want.line_id, at({saga.merchant, want.sku_id, warehouse}), want.quantity,
            line_cause(cause, want.line_id));
    }
    return {};
}

void Ledger::enqueue(const engine::SagaKey& saga, WarehouseId warehouse, const std::vector<Demand>& demand) {
    for (const Demand& want : demand) {
        if (want.quantity == 0) continue;
        StockRow& row = at({saga.merchant, want.sku_id, warehouse});
        row.waiting += want.quantity;
        row.version += 1;
        dirty_stock_.insert(row.key);
        ReservationRow& reservation = line(saga, want.line_id, row.key);
        reservation.waiting += want.quantity;
        reservation.queued_at = now_;
    }
}

std::vector<engine::SagaKey> Ledger::grant_waiting(const std::vector<ReservationRow>& queue) {
    // Memory is newer than the rows read: who has left the queue in this very batch is not in it any more.
    load_reservations(queue);
    struct Waiting {
        Instant since;
        engine::SagaKey saga;
        std::vector<ReservationRow*> lines;
    };
    std::map<engine::SagaKey, Waiting> by_saga;
    for (const ReservationRow& row : queue) {
        engine::SagaKey saga{row.key.merchant, row.saga_id};
        if (by_saga.count(saga) > 0) continue;
        Waiting waiting{Instant::max(), saga, {}};
        for (ReservationRow* reservation : lines_of(saga)) {
            if (reservation->waiting == 0) continue;
            waiting.since = std::min(waiting.since, reservation->queued_at.value_or(now_));
            waiting.lines.push_back(reservation);
        }
        if (!waiting.lines.empty()) by_saga.emplace(saga, std::move(waiting));
    }
    std::vector<Waiting> sequence;
    for (auto& [saga, waiting] : by_saga)
        sequence.push_back(std::move(waiting));
    std::sort(sequence.begin(), sequence.end(), [](const Waiting& a, const Waiting& b) {
        return std::tie(a.since, a.saga) < std::tie(b.since, b.saga);
    });

    std::vector<engine::SagaKey> granted;
    std::set<StockKey> blocked;  // SKUs for which somebody older still waits
    for (Waiting& waiting : sequence) {
        std::map<StockKey, std::int64_t> wanted;
        for (const ReservationRow* row : waiting.lines)
            wanted[row->key] += row->waiting;
        bool grantable = std::all_of(wanted.begin(), wanted.end(), [&](const auto& want) {
            return blocked.count(want.first) == 0 && at(want.first).available >= want.second;
        });
        if (!grantable) {
            for (const auto& [key, quantity] : wanted)
                blocked.insert(key);
            continue;
        }
        for (ReservationRow* row : waiting.lines) {
            StockRow& stock = at(row->key);
            std::int64_t quantity = row->waiting;
            stock.waiting -= quantity;
            row->waiting = 0;
            row->queued_at.reset();
            hold(
                waiting.saga, row->line_id, stock, quantity,
                "backorder:" + waiting.saga.saga_id + ":" + row->line_id + ":" + std::to_string(stock.version));
        }
        granted.push_back(waiting.saga);
    }
    return granted;
}

bool Ledger::release(const engine::SagaKey& saga, const std::string& cause, OrderPart part) {
    bool reading_needed = false;
    for (ReservationRow* row : lines_of(saga, part)) {
        if (row->waiting == 0 && row->held == 0 && row->committed == 0) continue;
        StockRow& stock = at(row->key);
        ReservationRow& reservation = line(saga, row->line_id, row->key);
        if (reservation.waiting > 0) {
            stock.waiting -= reservation.waiting;
            stock.version += 1;
            dirty_stock_.insert(stock.key);
            reservation.waiting = 0;
            reservation.queued_at.reset();
        }
        if (reservation.held > 0) {
            MovementRow& movement = move(stock, "release", line_cause(cause, row->line_id), saga, row->line_id);
            movement.reserved = -reservation.held;
            stock.reserved -= reservation.held;
            // What the warehouse is short of is not for sale again.
            std::int64_t covers = std::min(stock.short_by, reservation.held);
            stock.short_by -= covers;
            stock.available += reservation.held - covers;
            movement.available = reservation.held - covers;
            movement.short_by = -covers;
            reservation.released += reservation.held;
            if (!runtime::planted("released_twice")) reservation.held = 0;
        }
        if (reservation.committed > 0) {
            MovementRow& movement =
                move(stock, "return", line_cause(cause, row->line_id) + ":committed", saga, row->line_id);
            movement.committed = -reservation.committed;
            movement.unavailable = reservation.committed;
            movement.returning = reservation.committed;
            stock.committed -= reservation.committed;
            stock.unavailable += reservation.committed;
            stock.returning += reservation.committed;
            reservation.released += reservation.committed;
            reservation.committed = 0;
            reading_needed = true;
        }
    }
    return reading_needed;
}

std::vector<Shortage> Ledger::exchange(
    const engine::SagaKey& saga,
    WarehouseId warehouse,
    const std::vector<Demand>& demand,
    const std::string& cause,
    bool& kept,
    OrderPart part) {
    std::vector<ReservationRow*> lines = lines_of(saga, part);
    bool held = std::any_of(lines.begin(), lines.end(), [](const ReservationRow* row) { return row->held > 0; });
    Snapshot snapshot{stock_, reservations_, movements_.size()};
    release(saga, cause + ":given", part);
    std::vector<Shortage> shortages = grant(saga, warehouse, demand, cause);
    kept = !shortages.empty() && held;
    if (kept) {
        stock_ = std::move(snapshot.stock);
        reservations_ = std::move(snapshot.reservations);
        movements_.resize(snapshot.movements);
    }
    return shortages;
}

void Ledger::adopt(
    const engine::SagaKey& saga,
    WarehouseId warehouse,
    const std::vector<Demand>& demand,
    const std::string& cause,
    Instant accepted_at) {
    for (const Demand& want : demand) {
        const StockKey key{saga.merchant, want.sku_id, warehouse};
        ReservationRow& reservation = line(saga, want.line_id, key);
        const std::int64_t units = want.quantity - reservation.held - reservation.committed;
        if (units <= 0) continue;
        StockRow& stock = at(key);
        MovementRow& movement = move(stock, "grant", line_cause(cause, want.line_id), saga, want.line_id);
        movement.on_hand = movement.committed = units;
        movement.note = "found at the warehouse after a restore";
        stock.on_hand += units;
        stock.committed += units;
        reservation.committed += units;
        reservation.accepted_at = accepted_at;
    }
}

void Ledger::commit(const engine::SagaKey& saga, const std::string& cause, OrderPart part, Instant accepted_at) {
    for (ReservationRow* row : lines_of(saga, part)) {
        if (row->held == 0) continue;
        ReservationRow& reservation = line(saga, row->line_id, row->key);
        StockRow& stock = at(row->key);
        MovementRow& movement = move(stock, "accept", line_cause(cause, row->line_id), saga, row->line_id);
        movement.reserved = -reservation.held;
        movement.committed = reservation.held;
        stock.reserved -= reservation.held;
        stock.committed += reservation.held;
        reservation.committed += reservation.held;
        reservation.held = 0;
        reservation.accepted_at = accepted_at;
        if (runtime::planted("commit_forgets_a_line")) break;
    }
}

void Ledger::doubt(const engine::SagaKey& saga, OrderPart part) {
    for (ReservationRow* row : lines_of(saga, part)) {
        if (row->committed > 0 && !runtime::planted("doubt_forgotten"))
            line(saga, row->line_id, row->key).accepted_at.reset();
    }
}

void Ledger::trust(const engine::SagaKey& saga, OrderPart part, Instant accepted_at) {
    for (ReservationRow* row : lines_of(saga, part)) {
        if (row->committed > 0 && !row->accepted_at) line(saga, row->line_id, row->key).accepted_at = accepted_at;
    }
}

void Ledger::retake(const engine::SagaKey& saga, const std::string& cause, OrderPart part) {
    for (ReservationRow* row : lines_of(saga, part)) {
        if (row->committed == 0) continue;
        ReservationRow& reservation = line(saga, row->line_id, row->key);
        StockRow& stock = at(row->key);
        MovementRow& movement = move(stock, "accept", line_cause(cause, row->line_id), saga, row->line_id);
        movement.committed = -reservation.committed;
        movement.reserved = reservation.committed;
        movement.note = "held again for the changed order";
        stock.committed -= reservation.committed;
        stock.reserved += reservation.committed;
        reservation.held += reservation.committed;
        reservation.committed = 0;
    }
}

void Ledger::ship(
    const engine::SagaKey& saga,
    const std::vector<std::pair<SkuId, std::int64_t>>& skus,
    const std::string& cause,
    OrderPart part) {
    for (auto [sku_id, quantity] : skus) {
        for (ReservationRow* row : lines_of(saga, part)) {
            std::int64_t units = std::min(quantity, row->committed);
            if (row->key.sku_id != sku_id || units == 0) continue;
            ReservationRow& reservation = line(saga, row->line_id, row->key);
            StockRow& stock = at(row->key);
            MovementRow& movement = move(stock, "ship", line_cause(cause, row->line_id), saga, row->line_id);
            // What the warehouse has shipped it did have, whatever a reading said.
            std::int64_t found = std::clamp<std::int64_t>(units - stock.on_hand, 0, stock.short_by);
            movement.committed = -units;
            movement.short_by = -found;
            movement.on_hand = found - units;
            stock.committed -= units;
            stock.short_by -= found;
            stock.on_hand -= units - found;
            reservation.committed -= units;
            reservation.shipped += units;
            quantity -= units;
        }
    }
}

bool Ledger::apply_reading(
    const StockKey& key,
    Instant asked_at,
    std::int64_t fulfillable,
    std::int64_t on_hand,
    std::int64_t not_counted,
    std::int64_t returned_since,
    const std::string& cause,
    bool mirrored) {
    StockRow& row = at(key);
    if (row.read_asked_at && asked_at <= *row.read_asked_at && !runtime::planted("older_reading_applied")) return false;
    const bool confirmed =
        mirrored && row.mirrored && row.warehouse_on_hand == on_hand && row.warehouse_fulfillable == fulfillable;
    if (!confirmed) dirty_stock_.insert(key);
    row.read_asked_at = asked_at;
    row.mirrored = row.mirrored || mirrored;
    row.warehouse_on_hand = on_hand;
    row.warehouse_fulfillable = fulfillable;

    StockRow after = row;
    const std::int64_t free = free_by_reading(row, fulfillable, not_counted);
    after.available = std::max<std::int64_t>(0, free);
    // What came back before the reading is in its figure; what came back later still waits for the next one.
    after.returning = std::clamp<std::int64_t>(returned_since, 0, row.returning);
    after.unavailable = row.unavailable - row.returning + after.returning;
    // Units that have left since it was asked are missing to nobody.
    after.short_by = std::clamp<std::int64_t>(-free, 0, after.reserved + after.committed + after.unavailable);
    if (runtime::planted("shortage_hidden")) after.short_by = 0;
    after.on_hand = after.available + after.reserved + after.committed + after.unavailable - after.short_by;
    bool same = after.available == row.available && after.short_by == row.short_by && after.returning == row.returning;
    if (same) return true;
    MovementRow& movement = move(row, "reading", cause, {key.merchant, {}}, {});
    after.version = row.version;
    movement.available = after.available - row.available;
    movement.short_by = after.short_by - row.short_by;
    movement.returning = after.returning - row.returning;
    movement.unavailable = after.unavailable - row.unavailable;
    movement.on_hand = after.on_hand - row.on_hand;
    row = after;
    return true;
}

void Ledger::note_mirror(const StockKey& key, std::optional<Instant> asked_at) {
    StockRow& row = at(key);
    if (row.mirrored && asked_at && (!row.read_asked_at || *row.read_asked_at < *asked_at))
        row.read_asked_at = asked_at;
}

void Ledger::leave_mirror(const StockKey& key) {
    StockRow& row = at(key);
    if (!row.mirrored) return;
    row.mirrored = false;
    dirty_stock_.insert(key);
}

bool Ledger::adjust(const StockKey& key, std::int64_t difference, const std::string& cause, const std::string& note) {
    StockRow& row = at(key);
    if (row.available + difference < 0) return false;
    MovementRow& movement = move(row, "adjust", cause, {key.merchant, {}}, {});
    movement.note = note;
    std::int64_t covers = std::clamp<std::int64_t>(difference, 0, row.short_by);
    row.short_by -= covers;
    row.available += difference - covers;
    row.on_hand += difference;
    movement.short_by = -covers;
    movement.available = difference - covers;
    movement.on_hand = difference;
    return true;
}

bool Ledger::is_waiting(const engine::SagaKey& saga) const {
    for (auto found = reservations_.lower_bound(LineKey{saga, "", SkuId{}}); found != reservations_.end(); ++found) {
        if (!(std::get<0>(found->first) == saga)) break;
        if (found->second.waiting > 0) return true;
    }
    return false;
}

bool Ledger::holds_units(const engine::SagaKey& saga, OrderPart part) {
    std::vector<ReservationRow*> lines = lines_of(saga, part);
    return std::any_of(lines.begin(), lines.end(), [](const ReservationRow* row) { return row->held > 0; });
}

bool Ledger::is_short(const engine::SagaKey& saga, OrderPart part) {
    std::vector<ReservationRow*> lines = lines_of(saga, part);
    return std::any_of(lines.begin(), lines.end(), [&](const ReservationRow* row) {
        return row->held > 0 && at(row->key).short_by > 0;
    });
}

std::vector<StockKey> Ledger::changed() const {
    std::vector<StockKey> keys;
    for (const auto& [key, row] : stock_) {
        if (row.version != before_.at(key).version) keys.push_back(key);
    }
    return keys;
}

std::vector<StockRow> Ledger::dirty_rows() const {
    std::vector<StockRow> rows;
    for (const StockKey& key : dirty_stock_)
        rows.push_back(stock_.at(key));
    return rows;
}

std::vector<ReservationRow> Ledger::dirty_reservations() const {
    std::vector<ReservationRow> rows;
    for (const LineKey& key : dirty_lines_) {
        auto found = reservations_.find(key);
        if (found != reservations_.end()) rows.push_back(found->second);
    }
    return rows;
}

}  // namespace ordersaga::orders
