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

class Channels {
public:
    Channels(Rows& rows, engine::Batch& batch, Ledger& ledger) : rows_(rows), batch_(batch), ledger_(ledger) {}

    void learn(ListingMove move) { moves_.push_back(std::move(move)); }
    void flush_ended(FlushEnd end) { flush_ends_.push_back(std::move(end)); }
    void read_ended(QuietReadEnd end) { read_ends_.push_back(std::move(end)); }

    // Loads and locks what the changed ledgers and the news above touch, applies it, computes targets, confirms versions.
    // `also`: SKUs whose listings must be known besides. Answers the SKUs whose confirmed version may have risen.
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

    // At most one open flush per store; scarcest first.
    void compose_flushes(MerchantId merchant, WarehouseId warehouse, const std::vector<StoreRow>& stores);
    void write();

    // Rows claimed for a quiet read.
    void mark_reading(std::vector<ListingRow> rows);
    nlohmann::json preview() const;

private:
    bool live(const ListingRow& row) const;
    // Whether the listing's store sells what lies in this warehouse.
    bool ships_from(const ListingRow& row, WarehouseId warehouse) const;
    ListingRow* find(ListingId id);
    void apply_moves();
    void apply_flush_ends(MerchantId merchant);
    void apply_read_ends();
    void retarget(ListingRow& row, WarehouseId warehouse);
    const StockRow* stock_of(const StockKey& key);

    Rows& rows_;
    engine::Batch& batch_;
    Ledger& ledger_;
    std::vector<ListingMove> moves_;
    std::vector<FlushEnd> flush_ends_;
    std::vector<QuietReadEnd> read_ends_;
    std::map<ListingId, ListingRow> listings_;
    std::map<StockKey, StockRow> peeked_;
    std::set<SkuId> loaded_skus_;
    std::set<ListingId> dirty_;
    std::set<StoreId> active_stores_;
    std::map<StoreId, std::string> store_keys_;
    std::map<StoreId, WarehouseId> warehouses_;
    std::map<StoreId, FlushRow> open_;
    bool flushes_loaded_ = false;
    std::vector<FlushRow> flushes_;
    std::vector<ListingMove> audit_moves_;
};

}  // namespace ordersaga::orders
