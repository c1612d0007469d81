// The listings of one batch: belief, target, flushes and quiet reads, by the protocol's second and third part.
//
// Belief moves with every move the store makes itself and with every flush it applied; a flush sends the difference
// between target and belief, so the newest target always wins and hundreds of orders share one call.
#pragma once

#include "orchestrator/engine/participant.hpp"
#include "orchestrator/orders/ledger.hpp"
#include "orchestrator/orders/rows.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::orders {

// How a flush ended, by its rows.
struct FlushEnd {
    MerchantId merchant;
    StoreId store_id;
    std::string command_id;
    bool unknown = false;  // never learned within the key window: quiet reads settle it
    std::vector<std::size_t> applied;
    std::vector<std::size_t> uncertain;
    std::vector<std::pair<std::size_t, std::string>> refused;  // row, reason
};

struct QuietReadEnd {
    MerchantId merchant;
    ListingId listing_id;
    std::int64_t learned = 0;  // moves learned when the read began
    bool failed = false;
    std::optional<std::int64_t> first, second;
};

// What a batch found out too late that it needs, and could not have at once: the next one locks it in its turn.
struct WantedLate {
    std::set<StockKey> stock;
    std::set<std::pair<MerchantId, SkuId>> listed;
};

class Channels {
public:
    Channels(Rows& rows, engine::Batch& batch, Ledger& ledger, WantedLate& late)
        : rows_(rows), batch_(batch), ledger_(ledger), late_(late) {}

    void learn(ListingMove move) { moves_.push_back(std::move(move)); }
    void flush_ended(FlushEnd end) {
        flush_ends_.push_back(std::move(end));
        has_looked_ = false;
    }
    void read_ended(QuietReadEnd end) { read_ends_.push_back(std::move(end)); }

    // What the flushes that have ended so far were about, and the latest version that they told; nothing is locked for it.
    std::map<SkuId, std::int64_t> versions_of_ended_flushes(MerchantId merchant, const std::vector<StoreRow>& stores);
    // Loads and locks what the changed ledgers and the news above touch, applies it, computes targets, confirms versions.
    // `also`: SKUs whose listings must be known besides. Answers the SKUs for which more may be shown now than before.
    std::set<SkuId> update(
        MerchantId merchant,
        WarehouseId warehouse,
        const std::vector<StoreRow>& stores,
        const std::set<SkuId>& changed,
        const std::set<SkuId>& also);
    // The smallest version of this ledger that every live listing is known to show; none has to: the largest number.
    std::int64_t confirmed(const StockKey& ledger) const;
    // Stores that do not show this version of the ledger yet, for people.
    std::vector<std::string> lagging(const StockKey& ledger, std::int64_t version) const;
    bool knows_listings_of(SkuId sku) const { return loaded_skus_.count(sku) > 0; }
    // What confirmed() was when its listings were loaded: who waits for that has been woken. Absent: not known.
    std::optional<std::int64_t> confirmed_before(const StockKey& ledger) const;

    // At most one open flush per store; scarcest first.
    void compose_flushes(MerchantId merchant, WarehouseId warehouse, const std::vector<StoreRow>& stores);
    void write();

    // Rows claimed for a quiet read. They are written as they are and take no part in anything else of this batch: claimed
    // without waiting, they must not lead to locks that wait.
    void mark_reading(std::vector<ListingRow> rows);
    nlohmann::json preview() const;

private:
    bool live(const ListingRow& row) const;
    // Whether the listing's store sells what lies in this warehouse.
    bool ships_from(const ListingRow& row, WarehouseId warehouse) const;
    ListingRow* find(ListingId id);
    void lock(MerchantId merchant, const std::vector<SkuId>& skus, const std::set<ListingId>& ids);
    void know(const std::vector<StoreRow>& stores);
    void look_at_open_flushes(MerchantId merchant);
    void apply_moves();
    void apply_flush_ends(MerchantId merchant);
    void apply_read_ends();
    void retarget(ListingRow& row, WarehouseId warehouse);
    const StockRow* stock_of(const StockKey& key);

    Rows& rows_;
    engine::Batch& batch_;
    Ledger& ledger_;
    WantedLate& late_;
    std::vector<ListingMove> moves_;
    std::vector<FlushEnd> flush_ends_;
    std::vector<QuietReadEnd> read_ends_;
    bool has_locked_ = false;
    bool has_looked_ = false;     // at the open flushes, since the last flush that ended
    std::set<StoreId> flushing_;  // whose open flush does not end in this batch
    std::map<ListingId, ListingRow> listings_;
    std::map<SkuId, std::vector<const ListingRow*>> listings_of_;  // by what they are composed of
    std::map<StockKey, StockRow> peeked_;
    std::set<SkuId> loaded_skus_;
    std::map<StockKey, std::int64_t> confirmed_before_;
    std::set<ListingId> dirty_;
    std::set<StoreId> active_stores_;
    std::map<StoreId, std::string> store_keys_;
    std::map<StoreId, WarehouseId> warehouses_;
    std::map<std::string, FlushRow> ended_;  // open flushes whose commands have ended, by command
    std::vector<ListingRow> reading_;        // claimed for a quiet read
    std::set<SkuId> risen_;
    std::vector<FlushRow> flushes_;
    std::vector<ListingMove> audit_moves_;
};

}  // namespace ordersaga::orders
