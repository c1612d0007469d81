// The stock ledgers of one batch: the moves of the protocol's first part, on rows that are loaded and locked. Pure
// arithmetic; every change writes one movement and raises the version of its ledger.
//
// Law L1 holds after each method: on_hand + short = available + reserved + committed + unavailable.
#pragma once

#include "orchestrator/orders/rows.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace ordersaga::orders {

// What one line of a saga wants of one stocked SKU.
struct Demand {
    std::string line_id;
    SkuId sku_id;
    std::int64_t quantity = 0;
};

struct Shortage {
    SkuId sku_id;
    std::int64_t wanted = 0;
    std::int64_t available = 0;
    std::int64_t waiting = 0;  // units of earlier backorders, which come first
};

// Which part of an order a move is about (sagas/order_data.hpp); absent: all of the order.
using OrderPart = std::optional<int>;

class Ledger {
public:
    using SkuKey = std::pair<MerchantId, SkuId>;
    using LineKey = std::tuple<engine::SagaKey, std::string, SkuId>;

    explicit Ledger(Instant now) : now_(now) {}

    void load_stock(std::vector<StockRow> rows);
    void load_reservations(std::vector<ReservationRow> rows);
    void load_skus(const std::vector<SkuRow>& rows);
    // Loads those of them that are not known yet: one question for each merchant that has any.
    void read_skus(Rows& rows, const std::set<SkuKey>& keys);
    // This saga's reservations are complete in memory (also when there are none).
    void mark_loaded(const engine::SagaKey& saga) { loaded_sagas_.insert(saga); }
    bool has_loaded(const engine::SagaKey& saga) const { return loaded_sagas_.count(saga) > 0; }

    bool holds(const StockKey& key) const { return stock_.count(key) > 0; }
    StockRow& at(const StockKey& key);
    const SkuRow& sku(MerchantId merchant, SkuId id) const;
    bool knows_sku(MerchantId merchant, SkuId id) const { return skus_.count({merchant, id}) > 0; }
    const std::map<StockKey, StockRow>& stock() const { return stock_; }

    // All lines or none. Backordered SKUs keep their queue: a newcomer never overtakes who waits. Empty = granted.
    std::vector<Shortage> grant(
        const engine::SagaKey& saga,
        WarehouseId warehouse,
        const std::vector<Demand>& demand,
        const std::string& cause);
    // Joins the backorder queue with everything it wants, holding nothing meanwhile.
    void enqueue(const engine::SagaKey& saga, WarehouseId warehouse, const std::vector<Demand>& demand);
    // Grants what waits, oldest first; a saga is granted whole and only when it is first in the queue of all its SKUs.
    // `queue`: rows of all waiting sagas of the SKUs looked at. Answers the sagas granted.
    std::vector<engine::SagaKey> grant_waiting(const std::vector<ReservationRow>& queue);
    // Held goes back to available, waiting leaves the queue, committed becomes `returning`. True if a reading is needed.
    bool release(const engine::SagaKey& saga, const std::string& cause, OrderPart part = {});
    // Gives up what is held and takes the new demand, or keeps the old when that cannot be granted.
    std::vector<Shortage> exchange(
        const engine::SagaKey& saga,
        WarehouseId warehouse,
        const std::vector<Demand>& demand,
        const std::string& cause,
        bool& kept,
        OrderPart part = {});
    void commit(const engine::SagaKey& saga, const std::string& cause, OrderPart part, Instant accepted_at);
    void commit(const engine::SagaKey& saga, const std::string& cause, OrderPart part = {}) {
        commit(saga, cause, part, now_);
    }
    // The warehouse has the order, and nobody here has known it: its units are committed beside what is available, because
    // what the warehouse tells to be free is so without them.
    void adopt(
        const engine::SagaKey& saga,
        WarehouseId warehouse,
        const std::vector<Demand>& demand,
        const std::string& cause,
        Instant accepted_at);
    // The warehouse was asked to cancel what the saga will want again: from now on a reading may show its committed units as
    // free, and each subtracts them. Until they are held again (retake) or have left, or the cancel has failed (trust).
    void doubt(const engine::SagaKey& saga, OrderPart part = {});
    void trust(const engine::SagaKey& saga, OrderPart part, Instant accepted_at);
    // The warehouse has confirmed a cancel and the saga requests anew: its units are held again.
    void retake(const engine::SagaKey& saga, const std::string& cause, OrderPart part = {});
    void ship(
        const engine::SagaKey& saga,
        const std::vector<std::pair<SkuId, std::int64_t>>& skus,
        const std::string& cause,
        OrderPart part = {});

    // What a reading leaves for sale; below 0: so many units more are promised than there are.
    static std::int64_t free_by_reading(const StockRow& row, std::int64_t fulfillable, std::int64_t not_counted) {
        return fulfillable - row.reserved - not_counted;
    }
    // False: older than the newest applied reading, dropped. `mirrored`: when it was asked is kept with the warehouse, so a
    // mirrored ledger that it confirms need not be written.
    bool apply_reading(
        const StockKey& key,
        Instant asked_at,
        std::int64_t fulfillable,
        std::int64_t on_hand,
        std::int64_t not_counted,
        std::int64_t returned_since,
        const std::string& cause,
        bool mirrored = false);
    // A mirrored ledger was read when its warehouse was.
    void note_mirror(const StockKey& key, std::optional<Instant> asked_at);
    // The next reading of the warehouse is not this ledger's: from now on it has its own time.
    void leave_mirror(const StockKey& key);
    // available and on_hand by `difference`. False: it would go below 0.
    bool adjust(const StockKey& key, std::int64_t difference, const std::string& cause, const std::string& note);

    bool is_waiting(const engine::SagaKey& saga) const;
    bool holds_units(const engine::SagaKey& saga, OrderPart part = {});
    // Some ledger of which this saga holds units has promised more than the warehouse has.
    bool is_short(const engine::SagaKey& saga, OrderPart part = {});
    std::vector<StockKey> changed() const;  // ledgers whose version rose in this batch
    const StockRow& before(const StockKey& key) const { return before_.at(key); }  // this batch
    std::vector<StockRow> dirty_rows() const;
    const std::vector<MovementRow>& movements() const { return movements_; }
    std::vector<ReservationRow> dirty_reservations() const;
    void touch(const StockKey& key) { dirty_stock_.insert(key); }

private:
    struct Snapshot {
        std::map<StockKey, StockRow> stock;
        std::map<LineKey, ReservationRow> reservations;
        std::size_t movements;
    };

    MovementRow& move(
        StockRow& row,
        const char* kind,
        const std::string& cause,
        const engine::SagaKey& saga,
        const std::string& line_id);
    ReservationRow& line(const engine::SagaKey& saga, const std::string& line_id, const StockKey& key);
    std::vector<ReservationRow*> lines_of(const engine::SagaKey& saga, OrderPart part = {});
    void hold(
        const engine::SagaKey& saga,
        const std::string& line_id,
        StockRow& row,
        std::int64_t quantity,
        const std::string& cause);

    Instant now_;
    std::map<StockKey, StockRow> stock_;
    std::map<StockKey, StockRow> before_;
    std::map<LineKey, ReservationRow> reservations_;
    std::set<engine::SagaKey> loaded_sagas_;
    std::map<std::pair<MerchantId, SkuId>, SkuRow> skus_;
    std::set<StockKey> dirty_stock_;
    std::set<LineKey> dirty_lines_;
    std::vector<MovementRow> movements_;
};

}  // namespace ordersaga::orders
