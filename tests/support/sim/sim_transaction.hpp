// One transaction on the simulated store: the engine's view and the participant's view of the same tables.
#pragma once

#include "tests/support/sim/lock_sequence.hpp"
#include "tests/support/sim/sim_store.hpp"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sim {

class SimTransaction final : public engine::Transaction, public orders::Rows {
public:
    SimTransaction(SimStore& store, Instant now)
        : store_(store), tables_(store.tables_), now_(now), locks_(store.lock_violations_) {}

    // Foreign keys to sagas, which are checked at the commit. BadItem.
    void check_deferred() const;

    // --- engine::Transaction (sim_engine_rows.cpp)
    Instant now() override { return now_; }
    std::vector<engine::SagaRow> lock_sagas(const std::vector<SagaKey>& keys) override;
    std::vector<engine::SagaRow> claim_waking_sagas(Instant now, std::size_t limit) override;
    std::vector<engine::SignalRow> take_signals(const std::vector<SagaKey>& keys) override;
    std::vector<engine::CommandRow> open_commands(const std::vector<SagaKey>& keys) override;
    std::vector<engine::CommandRow> lock_duty_commands(
        const std::vector<std::pair<MerchantId, std::string>>& ids) override;
    std::vector<engine::CommandRow> claim_expired_duty_commands(Instant now, std::size_t limit) override;
    void hurry_duty_command(MerchantId merchant, const std::string& command_id) override;
    std::vector<engine::DutyRow> claim_due_duties(runtime::Duration within, std::size_t limit) override;
    std::vector<engine::DutyRow> lock_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) override;
    std::vector<engine::DutyRow> read_duties(const std::vector<std::pair<MerchantId, std::string>>& duties) override;
    std::vector<std::pair<MerchantId, std::string>> lanes_with_work(Instant now, std::size_t limit) override;
    std::vector<engine::LaneRow> lock_lanes(const std::vector<std::pair<MerchantId, std::string>>& lanes) override;
    std::vector<std::pair<MerchantId, std::string>> missing_lanes(
        const std::vector<std::pair<MerchantId, std::string>>& lanes) override;
    void create_lanes(const std::vector<engine::LaneRow>& lanes) override;
    void write_lanes(const std::vector<engine::LaneRow>& lanes) override;
    std::vector<engine::CommandRow> claim_waiting_commands(
        MerchantId merchant,
        const std::string& lane,
        Instant now,
        std::size_t limit,
        const std::string& served_last,
        bool asking) override;
    std::vector<engine::CommandRow> claim_unpublished_commands(Instant sent_before, std::size_t limit) override;
    void mark_published(const std::vector<engine::Confirmed>& confirmed) override;
    void add_announcements(std::vector<engine::AnnouncementRow>& rows) override;
    std::vector<engine::AnnouncementRow> claim_announcements(std::size_t limit) override;
    void delete_announcements(const std::vector<std::int64_t>& ids) override;
    engine::NextDue next_due() override;
    void write(const engine::Changes& changes) override;
    void park(
        MerchantId merchant,
        const std::string& kind,
        const std::string& subject,
        const std::string& reason,
        const nlohmann::json& input) override;

    // --- orders::Rows (sim_order_rows.cpp)
    std::vector<orders::StoreRow> stores(const std::vector<MerchantId>& merchants) override;
    std::vector<orders::WarehouseRow> warehouses(const std::vector<MerchantId>& merchants) override;
    std::vector<orders::SkuRow> skus(MerchantId merchant, const std::vector<SkuId>& ids) override;
    std::vector<orders::ListingRow> find_listings(
        MerchantId merchant,
        StoreId store,
        const std::vector<std::string>& variant_ids,
        const std::vector<std::string>& skus) override;
    std::vector<bool> know_receipts(const std::vector<orders::ReceiptRow>& receipts) override;
    std::vector<bool> insert_receipts(const std::vector<orders::ReceiptRow>& receipts) override;
    void update_receipts(const std::vector<orders::ReceiptRow>& receipts) override;
    std::vector<orders::OrderRow> lock_orders(const std::vector<orders::OrderKey>& keys, engine::Turn turn) override;
    std::vector<std::optional<sagas::OrderDocument>> peek_documents(const std::vector<orders::OrderKey>& keys) override;
    std::vector<std::string> peek_stamps(const std::vector<orders::OrderKey>& keys) override;
    void write_orders(const std::vector<orders::OrderRow>& orders) override;
    void write_personal(const std::vector<orders::PersonalRow>& people) override;
    void ask_privacy(const std::vector<orders::PrivacyRequest>& requests) override;
    std::vector<orders::ReferenceRow> sagas_of_references(
        MerchantId merchant,
        const std::vector<std::string>& references) override;
    void write_references(const std::vector<std::pair<std::string, SagaKey>>& references) override;
    void write_found(const std::vector<orders::FoundFulfillment>& found) override;
    std::vector<orders::FoundFulfillment> take_found(MerchantId merchant, const std::vector<std::string>& order_keys)
        override;
    std::vector<orders::StockRow> lock_stock(const std::vector<StockKey>& keys, engine::Turn turn) override;
    std::vector<orders::StockRow> peek_stock(const std::vector<StockKey>& keys) override;
    void write_stock(const std::vector<orders::StockRow>& rows, const std::vector<orders::MovementRow>& movements)
        override;
    std::optional<Instant> lock_mirror(MerchantId merchant, WarehouseId warehouse) override;
    std::vector<StockKey> mirrored_besides(MerchantId merchant, WarehouseId warehouse, const std::vector<SkuId>& skus)
        override;
    void write_mirror(MerchantId merchant, WarehouseId warehouse, Instant asked_at) override;
    std::vector<orders::ReservationRow> reservations_of(const std::vector<SagaKey>& sagas) override;
    std::vector<orders::ReservationRow> waiting_for(const std::vector<StockKey>& keys) override;
    std::vector<AtRisk> at_risk(const std::vector<StockKey>& keys, std::size_t named) override;
    void write_reservations(const std::vector<orders::ReservationRow>& rows) override;
    std::vector<std::pair<StockKey, std::int64_t>> not_counted(
        const std::vector<StockKey>& keys,
        Instant asked_at,
        runtime::Duration lag) override;
    std::vector<std::pair<StockKey, std::int64_t>> returned_since(const std::vector<StockKey>& keys, Instant asked_at)
        override;
    std::vector<std::pair<StockKey, std::int64_t>> requested(const std::vector<StockKey>& keys) override;
    std::vector<bool> insert_listing_moves(const std::vector<orders::ListingMove>& moves) override;
    void add_listing_moves(const std::vector<orders::ListingMove>& moves) override;
    std::vector<orders::ListingRow> lock_listings(
        MerchantId merchant,
        const std::vector<SkuId>& skus,
        const std::vector<ListingId>& ids,
        const std::vector<StoreId>& flushing,
        std::size_t limit,
        engine::Turn turn) override;
    void write_listings(const std::vector<orders::ListingRow>& rows) override;
    std::vector<orders::ListingRow> claim_listings_to_read(
        MerchantId merchant,
        const std::vector<std::pair<StoreId, sagas::ListingId>>& stores,
        Instant hinted_before,
        std::size_t limit) override;
    void keep_hints(const std::vector<orders::LevelHint>& hints) override;
    void drop_hints(MerchantId merchant, const std::vector<ListingId>& listings) override;
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
    void set_store_status(MerchantId merchant, StoreId store, const std::string& status, engine::Turn turn) override;
    void set_store_mode(const orders::StoreRow& store, Instant since) override;
    std::int64_t count_orders_being_sent(MerchantId merchant, StoreId store) override;
    void doubt_listings(MerchantId merchant, StoreId store) override;
    bool unpark_listing(MerchantId merchant, ListingId listing) override;

private:
    // May throw StoreUnavailable, as every statement of a real transaction may.
    void step(const char* call);
    void lock_incidents(const engine::Changes& changes);
    template <class Rows, class KeyOf>
    void lock(Locked table, engine::Turn turn, const Rows& rows, const KeyOf& key_of, const char* statement) {
        std::vector<LockSequence::Key> keys;
        for (const auto& row : rows)
            keys.push_back(key_of(row));
        if (turn == engine::Turn::in_turn) {
            locks_.wait(table, std::move(keys), statement);
        } else {
            locks_.take(table, keys);
        }
    }
    std::int64_t next_number() { return ++store_.last_number_; }
    void refer_to_saga(const SagaKey& saga, const char* from) { deferred_.emplace(saga, from); }

    void insert_command(const engine::CommandRow& row);
    void update_command(const engine::CommandRow& row);
    void update_saga(const engine::SagaRow& row, std::int64_t from);
    void open_incident(const engine::IncidentRow& row);
    std::optional<std::int64_t> open_incident_number(MerchantId merchant, const std::string& key) const;

    SimStore& store_;
    SimTables& tables_;
    Instant now_;
    std::map<SagaKey, const char*> deferred_;  // with the table that refers to it
    LockSequence locks_;
};

}  // namespace ordersaga::sim
