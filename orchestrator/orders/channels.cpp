#include "orchestrator/orders/channels.hpp"

#include "orchestrator/orders/arrivals.hpp"
#include "runtime/planted.hpp"
#include "sagas/activities.hpp"
#include "sagas/stock_flush.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace ordersaga::orders {
namespace {

constexpr std::int64_t nobody_waits = std::numeric_limits<std::int64_t>::max();

}  // namespace

bool Channels::live(const ListingRow& row) const {
    return row.parked.empty() && active_stores_.count(row.store_id) > 0;
}

bool Channels::ships_from(const ListingRow& row, WarehouseId warehouse) const {
    auto found = warehouses_.find(row.store_id);
    return found != warehouses_.end() && found->second == warehouse;
}

ListingRow* Channels::find(ListingId id) {
    auto found = listings_.find(id);
    return found == listings_.end() ? nullptr : &found->second;
}

const StockRow* Channels::stock_of(const StockKey& key) {
    if (ledger_.holds(key)) return &ledger_.at(key);
    auto found = peeked_.find(key);
    return found == peeked_.end() ? nullptr : &found->second;
}

void Channels::know(const std::vector<StoreRow>& stores) {
    for (const StoreRow& store : stores) {
        store_keys_[store.store_id] = store.key;
        warehouses_[store.store_id] = store.warehouse_id;
        // An observed store is told nothing, so nobody waits for it either.
        if (store.status == "active" && store.mode == "live") active_stores_.insert(store.store_id);
    }
}

std::map<SkuId, std::int64_t> Channels::versions_of_ended_flushes(
    MerchantId merchant,
    const std::vector<StoreRow>& stores) {
    if (flush_ends_.empty()) return {};
    know(stores);
    look_at_open_flushes(merchant);
    std::map<SkuId, std::int64_t> versions;
    for (const auto& [command, flush] : ended_) {
        for (const FlushRowItem& item : flush.items) {
            for (const auto& [sku, version] : item.versions) {
                std::int64_t& latest = versions[sku];
                latest = std::max(latest, version);
            }
        }
    }
    return versions;
}

std::set<SkuId> Channels::update(
    MerchantId merchant,
    WarehouseId warehouse,
    const std::vector<StoreRow>& stores,
    const std::set<SkuId>& changed,
    const std::set<SkuId>& also) {
    know(stores);
    std::set<SkuId> wanted = changed;
    wanted.insert(also.begin(), also.end());
    std::set<ListingId> ids;
    for (const ListingMove& move : moves_)
        ids.insert(move.listing_id);
    for (const QuietReadEnd& end : read_ends_)
        ids.insert(end.listing_id);
    const bool nothing_new = wanted.empty() && moves_.empty() && read_ends_.empty() && flush_ends_.empty();
    if (!flush_ends_.empty() || (!has_locked_ && !nothing_new)) look_at_open_flushes(merchant);
    // The rows of a flush that ends need not be among the listings loaded so far; and who waits for its SKUs waits for all
    // their listings.
    for (const auto& [command, flush] : ended_) {
        for (const FlushRowItem& item : flush.items) {
            ids.insert(item.listing_id);
            for (const auto& [sku, version] : item.versions)
                wanted.insert(sku);
        }
    }
    std::vector<SkuId> skus;
    for (SkuId sku : wanted) {
        if (!knows_listings_of(sku)) skus.push_back(sku);
    }
    lock(merchant, skus, ids);
    if (!flush_ends_.empty()) apply_flush_ends(merchant);
    if (!moves_.empty()) apply_moves();
    if (!read_ends_.empty()) apply_read_ends();

    // Components of bundles that this batch has not locked: read now, after the listings are.
    std::set<StockKey> unread;
    for (const auto& [id, row] : listings_) {
        if (!ships_from(row, warehouse)) continue;
        for (const ListingComponent& component : row.components) {
            StockKey key{merchant, component.sku_id, warehouse};
            if (stock_of(key) == nullptr) unread.insert(key);
        }
    }
    if (!unread.empty()) {
        for (StockRow& row : rows_.peek_stock({unread.begin(), unread.end()})) {
            StockKey key = row.key;
            peeked_.emplace(key, std::move(row));
        }
    }

    std::set<Ledger::SkuKey> sold;
    for (const auto& [id, row] : listings_)
        sold.emplace(row.merchant, row.sku_id);
    ledger_.read_skus(rows_, sold);
    for (auto& [id, row] : listings_) {
        if (!ships_from(row, warehouse)) continue;
        retarget(row, warehouse);
        if (!row.believed || row.in_flight != 0 || row.wants_read || *row.believed != row.target) continue;
        for (ListingComponent& component : row.components) {
            const StockRow* stock = stock_of({merchant, component.sku_id, warehouse});
            if (stock == nullptr || component.confirmed_version >= stock->version) continue;
            component.confirmed_version = stock->version;
            dirty_.insert(id);
            risen_.insert(component.sku_id);
        }
    }
    return std::exchange(risen_, {});
}

// The first time in its turn, with what else is to be sent to the stores; later only what can be had at once.
void Channels::lock(MerchantId merchant, const std::vector<SkuId>& skus, const std::set<ListingId>& ids) {
    std::vector<ListingId> missing;
    for (ListingId id : ids) {
        if (find(id) == nullptr) missing.push_back(id);
    }
    bool flush_ended = !flush_ends_.empty();
    if (skus.empty() && missing.empty() && !(flush_ended && !has_locked_)) return;
    std::vector<StoreId> flushing;
    if (!has_locked_) {
        // Who ends a flush loads what its store is owed by then.
        std::set_difference(
            active_stores_.begin(), active_stores_.end(), flushing_.begin(), flushing_.end(),
            std::back_inserter(flushing));
    }
    Turn turn = has_locked_ ? Turn::never : Turn::in_turn;
    if (has_locked_) {
        for (SkuId sku : skus)
            late_.listed.insert({merchant, sku});
    }
    has_locked_ = true;
    std::set<SkuId> touched;  // of what was loaded before
    for (ListingRow& row : rows_.lock_listings(merchant, skus, missing, flushing, sagas::flush_lines_limit, turn)) {
        const auto [place, is_new] = listings_.try_emplace(row.listing_id, std::move(row));
        for (const ListingComponent& component : place->second.components) {
            if (is_new) {
                listings_of_[component.sku_id].push_back(&place->second);
            } else {
                touched.insert(component.sku_id);
            }
        }
    }
    loaded_skus_.insert(skus.begin(), skus.end());
    for (const SkuId sku : skus) {
        if (touched.count(sku) > 0) continue;
        for (const auto& [store, warehouse] : warehouses_) {
            const StockKey ledger{merchant, sku, warehouse};
            confirmed_before_.try_emplace(ledger, confirmed(ledger));
        }
    }
}

std::optional<std::int64_t> Channels::confirmed_before(const StockKey& ledger) const {
    const auto found = confirmed_before_.find(ledger);
    return found == confirmed_before_.end() ? std::nullopt : std::optional(found->second);
}

void Channels::apply_moves() {
    std::vector<bool> is_new = rows_.insert_listing_moves(moves_);
    for (std::size_t i = 0; i < moves_.size(); ++i) {
        ListingRow* row = find(moves_[i].listing_id);
        if ((!is_new[i] && !runtime::planted("moves_counted_twice")) || row == nullptr) continue;
        row->learned += 1;
        if (row->believed) *row->believed += moves_[i].quantity;
        dirty_.insert(row->listing_id);
    }
    moves_.clear();
}

void Channels::look_at_open_flushes(MerchantId merchant) {
    if (std::exchange(has_looked_, true)) return;
    std::set<StoreId> stores = active_stores_;
    std::set<std::string> commands;
    for (const FlushEnd& end : flush_ends_) {
        stores.insert(end.store_id);
        commands.insert(end.command_id);
    }
    for (FlushRow& row :
         rows_.read_open_flushes(merchant, {stores.begin(), stores.end()}, {commands.begin(), commands.end()})) {
        if (commands.count(row.command_id) == 0) {
            flushing_.insert(row.store_id);
            continue;
        }
        std::string command = row.command_id;
        ended_.emplace(std::move(command), std::move(row));
    }
}

void Channels::apply_flush_ends(MerchantId merchant) {
    for (const FlushEnd& end : flush_ends_) {
        auto open = ended_.find(end.command_id);
        if (open == ended_.end()) continue;  // closed before
        FlushRow flush = std::move(open->second);
        ended_.erase(open);
        std::set<std::size_t> applied(end.applied.begin(), end.applied.end());
        std::set<std::size_t> uncertain(end.uncertain.begin(), end.uncertain.end());
        std::map<std::size_t, std::string> refused(end.refused.begin(), end.refused.end());
        for (std::size_t i = 0; i < flush.items.size(); ++i) {
            const FlushRowItem& item = flush.items[i];
            ListingRow* row = find(item.listing_id);
            if (row == nullptr) continue;
            dirty_.insert(row->listing_id);
            row->in_flight = 0;
            auto reason = refused.find(i);
            if (end.unknown && !runtime::planted("unknown_flush_taken_as_failed")) {
                row->wants_read = true;
            } else if (applied.count(i) > 0) {
                if (row->believed) *row->believed += item.delta;
                for (ListingComponent& component : row->components) {
                    component.confirmed_version = std::max(component.confirmed_version, component.composed_version);
                    risen_.insert(component.sku_id);
                }
                audit_moves_.push_back(
                    {merchant, row->listing_id, "flush", std::to_string(flush.flush_id.value), item.delta});
            } else if (reason != refused.end()) {
                // Nothing was applied, or some rows were: then only a read can tell what became of this one.
                row->wants_read = row->wants_read || !applied.empty() || !uncertain.empty();
                row->parked = reason->second.empty() ? "refused by the store" : reason->second;
                for (const ListingComponent& component : row->components)
                    risen_.insert(component.sku_id);  // nobody waits for this store any more
                batch_.open_incident(
                    {merchant,
                     "listing:" + std::to_string(row->listing_id.value),
                     {},
                     "a store refuses a listing",
                     store_keys_[row->store_id] + ", inventory item " + row->inventory_item_id + ": " + row->parked});
            } else if (uncertain.count(i) > 0) {
                row->wants_read = true;
            }
        }
        flush.closed_at = batch_.now();
        flush.outcome = end.unknown                            ? "unknown"
                        : !refused.empty() && applied.empty()  ? "refused"
                        : refused.empty() && uncertain.empty() ? "applied"
                                                               : "partly";
        flushes_.push_back(std::move(flush));
    }
    flush_ends_.clear();
}

void Channels::apply_read_ends() {
    for (const QuietReadEnd& end : read_ends_) {
        ListingRow* row = find(end.listing_id);
        if (row == nullptr || !row->read_open) continue;
        dirty_.insert(row->listing_id);
        row->read_open = false;
        bool quiet = !end.failed && end.first && end.second && *end.first == *end.second &&
                     (row->learned == end.learned || runtime::planted("news_during_read_ignored"));
        if (!quiet) {
            row->wants_read = true;
            continue;
        }
        if (!row->believed || *row->believed != *end.second) {
            audit_moves_.push_back(
                {row->merchant, row->listing_id, "read", std::to_string(batch_.now().time_since_epoch().count()),
                 *end.second - row->believed.value_or(0)});
        }
        row->believed = *end.second;
        row->wants_read = false;
    }
    read_ends_.clear();
}

void Channels::retarget(ListingRow& row, WarehouseId warehouse) {
    const SkuRow& sku = ledger_.sku(row.merchant, row.sku_id);
    std::int64_t units = row.components.empty() || sku.discontinued ? 0 : nobody_waits;
    for (const ListingComponent& component : row.components) {
        const StockRow* stock = stock_of({row.merchant, component.sku_id, warehouse});
        std::int64_t free = stock == nullptr ? 0 : std::max<std::int64_t>(0, stock->available - stock->waiting);
        units = std::min(units, free / component.quantity);
    }
    std::int64_t target = std::max<std::int64_t>(0, units - (runtime::planted("buffer_forgotten") ? 0 : sku.buffer));
    if (target == row.target) return;
    row.target = target;
    dirty_.insert(row.listing_id);
}

std::int64_t Channels::confirmed(const StockKey& ledger) const {
    std::int64_t version = nobody_waits;
    const auto listings = listings_of_.find(ledger.sku_id);
    if (listings == listings_of_.end()) return version;
    for (const ListingRow* row : listings->second) {
        if (row->merchant != ledger.merchant || !ships_from(*row, ledger.warehouse_id) || !live(*row) || !row->believed)
            continue;
        for (const ListingComponent& component : row->components) {
            if (component.sku_id == ledger.sku_id) version = std::min(version, component.confirmed_version);
        }
    }
    return version;
}

std::vector<std::string> Channels::lagging(const StockKey& ledger, std::int64_t version) const {
    std::vector<std::string> stores;
    const auto listings = listings_of_.find(ledger.sku_id);
    if (listings == listings_of_.end()) return stores;
    for (const ListingRow* row : listings->second) {
        if (row->merchant != ledger.merchant || !ships_from(*row, ledger.warehouse_id) || !live(*row)) continue;
        for (const ListingComponent& component : row->components) {
            if (component.sku_id != ledger.sku_id || component.confirmed_version >= version) continue;
            auto key = store_keys_.find(row->store_id);
            stores.push_back(key == store_keys_.end() ? std::to_string(row->store_id.value) : key->second);
        }
    }
    std::sort(stores.begin(), stores.end());
    stores.erase(std::unique(stores.begin(), stores.end()), stores.end());
    return stores;
}

void Channels::compose_flushes(MerchantId merchant, WarehouseId warehouse, const std::vector<StoreRow>& stores) {
    std::map<StoreId, std::vector<ListingRow*>> owing;
    for (auto& [id, row] : listings_) {
        bool may_join = row.merchant == merchant && ships_from(row, warehouse) && live(row) && row.believed &&
                        !row.wants_read && !row.read_open && row.in_flight == 0;
        if (may_join && row.target != *row.believed) owing[row.store_id].push_back(&row);
    }
    if (owing.empty()) return;
    std::vector<StoreId> ids;
    for (const auto& [store, rows] : owing)
        ids.push_back(store);
    std::set<StoreId> busy;
    for (const FlushRow& row : rows_.open_flushes(merchant, ids)) {
        bool ended = std::any_of(
            flushes_.begin(), flushes_.end(), [&](const FlushRow& closed) { return closed.flush_id == row.flush_id; });
        if (!ended) busy.insert(row.store_id);
    }
    for (const FlushRow& row : flushes_) {
        if (!row.closed_at) busy.insert(row.store_id);
    }
    for (const StoreRow& store : stores) {
        auto found = owing.find(store.store_id);
        const bool waits = busy.count(store.store_id) > 0 && !runtime::planted("surplus_flush");
        if (found == owing.end() || waits) continue;
        std::vector<ListingRow*>& rows = found->second;
        std::sort(rows.begin(), rows.end(), [](const ListingRow* a, const ListingRow* b) {
            return std::tie(a->target, a->listing_id) < std::tie(b->target, b->listing_id);
        });
        if (rows.size() > sagas::flush_lines_limit) rows.resize(sagas::flush_lines_limit);

        FlushRow flush;
        flush.merchant = merchant;
        flush.store_id = store.store_id;
        flush.opened_at = batch_.now();
        std::vector<sagas::FlushLine> lines;
        for (ListingRow* row : rows) {
            std::int64_t delta = row->target - (runtime::planted("absolute_value_sent") ? 0 : *row->believed);
            row->in_flight = delta;
            dirty_.insert(row->listing_id);
            FlushRowItem item{row->listing_id, delta, {}};
            for (ListingComponent& component : row->components) {
                const StockRow* stock = stock_of({merchant, component.sku_id, warehouse});
                component.composed_version = stock == nullptr ? 0 : stock->version;
                item.versions.emplace_back(component.sku_id, component.composed_version);
            }
            flush.items.push_back(std::move(item));
            lines.push_back({row->inventory_item_id, row->location_id, delta});
        }
        // One open flush per store makes (instant, store) unique for ever.
        flush.flush_id = {batch_.now().time_since_epoch().count() * 1000 + store.store_id.value % 1000};
        flush.key = "flush-" + store.key + "-" + std::to_string(flush.flush_id.value);
        sagas::Command command;
        command.activity = sagas::activity::flush_stock;
        command.lane = "store:" + std::to_string(store.store_id.value);
        command.idempotency_key = flush.key;
        std::string reference = "gid://ordersaga/Flush/" + std::to_string(flush.flush_id.value);
        command.payload = {
            {"store", store.key},
            {"key", flush.key},
            {"body", sagas::flush_body(flush.key, reference, lines)},
            {"rows", lines.size()}};
        flush.command_id = batch_.command_of_duty(
            merchant, std::string(duty::flush_stock) + "/store:" + std::to_string(store.store_id.value), command);
        flushes_.push_back(std::move(flush));
    }
}

void Channels::mark_reading(std::vector<ListingRow> rows) {
    for (ListingRow& row : rows) {
        row.read_open = true;
        reading_.push_back(std::move(row));
    }
}

void Channels::write() {
    std::vector<ListingRow> rows = reading_;
    for (ListingId id : dirty_)
        rows.push_back(listings_.at(id));
    if (!rows.empty()) rows_.write_listings(rows);
    // What was heard so far is answered by what is read from now on; what is heard from now on it may not show.
    std::vector<ListingId> answered;
    for (const ListingRow& row : reading_)
        answered.push_back(row.listing_id);
    if (!answered.empty()) rows_.drop_hints(reading_.front().merchant, answered);
    if (!flushes_.empty()) {
        // A flush that closed makes room for the one opened in the same batch: closed ones first.
        std::stable_partition(
            flushes_.begin(), flushes_.end(), [](const FlushRow& row) { return row.closed_at.has_value(); });
        rows_.write_flushes(flushes_);
    }
    if (!audit_moves_.empty()) rows_.add_listing_moves(audit_moves_);
}

nlohmann::json Channels::preview() const {
    nlohmann::json changes = nlohmann::json::array();
    for (const auto& [id, row] : listings_) {
        if (dirty_.count(id) == 0 || !row.believed || *row.believed == row.target) continue;
        auto key = store_keys_.find(row.store_id);
        changes.push_back(
            {{"kind", "listing"},
             {"store", key == store_keys_.end() ? "" : key->second},
             {"inventory_item_id", row.inventory_item_id},
             {"shows", *row.believed},
             {"will_show", row.target}});
    }
    return changes;
}

}  // namespace ordersaga::orders
