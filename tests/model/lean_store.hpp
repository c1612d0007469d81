// The rows that a state of the model consists of, and a transaction on them that is both sides of the engine's store. Only
// what the models ask for is there; everything else throws. What does not change is in the Setting, shared by all states.
//
// Rows keep real instants, versions and ids: the canonical form (world.cpp) knows what of them still matters.
#pragma once

#include "orchestrator/engine/store.hpp"
#include "orchestrator/orders/rows.hpp"
#include "tests/model/explorer.hpp"
#include "tests/model/rules.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::model {

using engine::CommandRow;
using engine::SagaKey;
using engine::SagaRow;
using orders::Duration;
using orders::Instant;
using orders::ListingRow;
using orders::ReservationRow;
using orders::Rows;
using orders::StockKey;
using orders::StockRow;
using sagas::ListingId;
using sagas::MerchantId;
using sagas::SkuId;
using sagas::StoreId;
using sagas::WarehouseId;

inline constexpr MerchantId merchant{1};
inline constexpr WarehouseId house{1};
inline constexpr Instant beginning{std::chrono::hours(24 * 365 * 56)};
inline constexpr Duration lag{1000};  // L of the reading rule; every step takes one microsecond

struct Setting {
    std::vector<orders::StoreRow> stores;
    orders::WarehouseRow warehouse;
    std::vector<orders::SkuRow> skus;
    Rule rule = Rule::right;
};

// A unit that has left `committed`, for the readings that were asked for before.
struct Departure {
    StockKey key;
    std::string saga_id, line_id;
    std::int64_t units = 0;
    bool returning = false;
    Instant at{};
};

// Rows whose documents are large are shared by all states until they change; their canonical form is computed once.
struct SagaCell {
    SagaRow row;
    Digest digest;
};

struct Tables {
    Instant now = beginning;
    std::optional<Instant> mirror;  // when the newest reading of all that the warehouse has was asked for
    std::vector<StockRow> stock;
    std::vector<ReservationRow> reservations;
    std::vector<ListingRow> listings;
    std::set<std::string> moves;
    std::vector<orders::FlushRow> flushes;  // open ones
    std::vector<Rows::Wait> waits;
    std::vector<std::shared_ptr<const orders::OrderRow>> orders;
    std::vector<std::shared_ptr<const SagaCell>> sagas;
    std::vector<std::shared_ptr<const CommandRow>> commands;  // open ones
    std::vector<engine::SignalRow> signals;
    std::vector<Departure> departures;
    std::vector<std::pair<std::string, SagaKey>> references;
    std::set<std::string> incidents;

    const SagaRow* saga(const std::string& id) const;
    const orders::OrderRow* order(const std::string& id) const;
    const CommandRow* command(const std::string& id) const;
    StockRow& stock_of(SkuId sku);
    ListingRow* listing(ListingId id);
};

inline Instant newest_reading_of(const Tables& tables, const StockRow& row) {
    return row.mirrored && tables.mirror ? std::max(*row.read_asked_at, *tables.mirror) : *row.read_asked_at;
}

class LeanTransaction final : public engine::Transaction, public Rows {
public:
    LeanTransaction(const Setting& setting, Tables& tables) : setting_(setting), tables_(tables) {}

    // The timers of this saga have come due.
    void expire(const std::string& saga_id) { expired_ = saga_id; }

    // --- engine::Transaction
    Instant now() override { return tables_.now; }
    std::vector<SagaRow> lock_sagas(const std::vector<SagaKey>& keys) override;
    std::vector<engine::SignalRow> take_signals(const std::vector<SagaKey>& keys) override;
    std::vector<CommandRow> open_commands(const std::vector<SagaKey>& keys) override;
    std::vector<engine::DutyRow> lock_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) override;
    std::vector<engine::DutyRow> read_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) override;
    void write(const engine::Changes& changes) override;
    void park(
        MerchantId merchant,
        const std::string& kind,
        const std::string& subject,
        const std::string& reason,
        const nlohmann::json& input) override;

    // --- orders::Rows
    std::vector<orders::StoreRow> stores(const std::vector<MerchantId>&) override { return setting_.stores; }
    std::vector<orders::WarehouseRow> warehouses(const std::vector<MerchantId>&) override;
    std::vector<orders::SkuRow> skus(MerchantId merchant, const std::vector<SkuId>& ids) override;
    std::vector<ListingRow> find_listings(
        MerchantId merchant,
        StoreId store,
        const std::vector<std::string>& variant_ids,
        const std::vector<std::string>& skus) override;
    std::vector<bool> know_receipts(const std::vector<orders::ReceiptRow>& receipts) override;
    std::vector<bool> insert_receipts(const std::vector<orders::ReceiptRow>& receipts) override;
    void update_receipts(const std::vector<orders::ReceiptRow>&) override {}
    std::vector<orders::OrderRow> lock_orders(const std::vector<orders::OrderKey>& keys, engine::Turn) override;
    std::vector<std::optional<sagas::OrderDocument>> peek_documents(const std::vector<orders::OrderKey>& keys) override;
    std::vector<std::string> peek_stamps(const std::vector<orders::OrderKey>& keys) override;
    void write_orders(const std::vector<orders::OrderRow>& orders) override;
    void write_personal(const std::vector<orders::PersonalRow>&) override {}
    // None is told to be accepted: then each view is told, which may change nothing either.
    std::vector<orders::ReferenceRow> sagas_of_references(
        MerchantId merchant,
        const std::vector<std::string>& references) override;
    void write_references(const std::vector<std::pair<std::string, SagaKey>>& references) override;
    void write_found(const std::vector<orders::FoundFulfillment>&) override { refuse(); }
    std::vector<orders::FoundFulfillment> take_found(MerchantId, const std::vector<std::string>&) override { refuse(); }
    std::vector<StockRow> lock_stock(const std::vector<StockKey>& keys, engine::Turn) override;
    std::vector<StockRow> peek_stock(const std::vector<StockKey>& keys) override;
    void write_stock(const std::vector<StockRow>& rows, const std::vector<orders::MovementRow>& movements) override;
    std::optional<Instant> lock_mirror(MerchantId, WarehouseId) override { return tables_.mirror; }
    std::vector<StockKey> mirrored_besides(MerchantId merchant, WarehouseId warehouse, const std::vector<SkuId>& skus)
        override;
    void write_mirror(MerchantId, WarehouseId, Instant asked_at) override { tables_.mirror = asked_at; }
    std::vector<ReservationRow> reservations_of(const std::vector<SagaKey>& sagas) override;
    std::vector<ReservationRow> waiting_for(const std::vector<StockKey>& keys) override;
    std::vector<AtRisk> at_risk(const std::vector<StockKey>&, std::size_t) override { return {}; }
    void write_reservations(const std::vector<ReservationRow>& rows) override;
    std::vector<std::pair<StockKey, std::int64_t>> not_counted(
        const std::vector<StockKey>& keys,
        Instant asked_at,
        Duration reading_lag) override;
    std::vector<std::pair<StockKey, std::int64_t>> returned_since(const std::vector<StockKey>& keys, Instant asked_at)
        override;
    std::vector<std::pair<StockKey, std::int64_t>> requested(const std::vector<StockKey>& keys) override;
    std::vector<bool> insert_listing_moves(const std::vector<orders::ListingMove>& moves) override;
    void add_listing_moves(const std::vector<orders::ListingMove>& moves) override;
    std::vector<ListingRow> lock_listings(
        MerchantId merchant,
        const std::vector<SkuId>& skus,
        const std::vector<ListingId>& ids,
        const std::vector<StoreId>& flushing,
        std::size_t limit,
        engine::Turn) override;
    void write_listings(const std::vector<ListingRow>& rows) override;
    std::vector<ListingRow> claim_listings_to_read(
        MerchantId merchant,
        const std::vector<std::pair<StoreId, ListingId>>& stores,
        Instant hinted_before,
        std::size_t limit) override;
    std::vector<orders::FlushRow> open_flushes(MerchantId merchant, const std::vector<StoreId>& stores) override;
    std::vector<orders::FlushRow> read_open_flushes(
        MerchantId merchant,
        const std::vector<StoreId>& stores,
        const std::vector<std::string>& commands) override;
    void write_flushes(const std::vector<orders::FlushRow>& rows) override;
    void add_waits(const std::vector<Wait>& waits) override;
    void drop_waits(const std::vector<SagaKey>& sagas, const std::string& kind) override;
    std::vector<Wait> waits_for(const std::string& kind, const std::vector<Reached>& reached) override;
    std::vector<Wait> waits_of(const SagaKey& saga, const std::string& kind) override;

    // --- not part of the models
    std::vector<SagaRow> claim_waking_sagas(Instant, std::size_t) override { refuse(); }
    std::vector<CommandRow> lock_duty_commands(const std::vector<std::pair<MerchantId, std::string>>&) override {
        refuse();
    }
    std::vector<CommandRow> claim_expired_duty_commands(Instant, std::size_t) override { refuse(); }
    void hurry_duty_command(MerchantId, const std::string&) override { refuse(); }
    std::vector<engine::DutyRow> claim_due_duties(Duration, std::size_t) override { refuse(); }
    std::vector<std::pair<MerchantId, std::string>> lanes_with_work(Instant, std::size_t) override { refuse(); }
    std::vector<engine::LaneRow> lock_lanes(const std::vector<std::pair<MerchantId, std::string>>&) override {
        refuse();
    }
    std::vector<std::pair<MerchantId, std::string>> missing_lanes(
        const std::vector<std::pair<MerchantId, std::string>>&) override {
        refuse();
    }
    void create_lanes(const std::vector<engine::LaneRow>&) override { refuse(); }
    void write_lanes(const std::vector<engine::LaneRow>&) override { refuse(); }
    std::vector<CommandRow> claim_waiting_commands(
        MerchantId,
        const std::string&,
        Instant,
        std::size_t,
        const std::string&,
        bool) override {
        refuse();
    }
    std::vector<CommandRow> claim_unpublished_commands(Instant, std::size_t) override { refuse(); }
    void mark_published(const std::vector<engine::Confirmed>&) override { refuse(); }
    void add_announcements(std::vector<engine::AnnouncementRow>&) override {}  // nobody listens
    std::vector<engine::AnnouncementRow> claim_announcements(std::size_t) override { refuse(); }
    void delete_announcements(const std::vector<std::int64_t>&) override { refuse(); }
    engine::NextDue next_due() override { refuse(); }
    void ask_privacy(const std::vector<orders::PrivacyRequest>&) override { refuse(); }
    void keep_hints(const std::vector<orders::LevelHint>&) override { refuse(); }
    void drop_hints(MerchantId, const std::vector<ListingId>&) override {}  // there never is one
    void set_store_status(MerchantId, StoreId, const std::string&, engine::Turn) override { refuse(); }
    void set_store_mode(const orders::StoreRow&, Instant) override { refuse(); }
    std::int64_t count_orders_being_sent(MerchantId, StoreId) override { refuse(); }
    void doubt_listings(MerchantId, StoreId) override { refuse(); }
    bool unpark_listing(MerchantId, ListingId) override { refuse(); }

private:
    [[noreturn]] static void refuse() { throw std::logic_error("a question that the models do not know"); }
    void put_saga(const SagaRow& row);
    void put_command(const CommandRow& row);

    const Setting& setting_;
    Tables& tables_;
    std::string expired_;
};

}  // namespace ordersaga::model
