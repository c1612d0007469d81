// One PostgreSQL transaction as the engine and the participants see it. Each group of methods lives in the file of its
// aggregate (saga_rows.cpp, command_rows.cpp, ...), its statements named on top. Every statement takes a whole batch:
// columns travel as arrays and are joined by unnest. Made by PgStore; used by one thread.
//
// Locks are taken FOR NO KEY UPDATE, which does not collide with the key-share locks of foreign keys. Rows are locked
// and read by one statement; what hangs on a locked row is read by the next one, because in READ COMMITTED only the
// locked row itself is read again after waiting.
#pragma once

#include "db/catalogue.hpp"
#include "db/connection.hpp"
#include "db/kept_lists.hpp"
#include "db/store_keys.hpp"
#include "orchestrator/engine/store.hpp"
#include "orchestrator/orders/rows.hpp"

namespace ordersaga::db {

class PgTransaction final : public engine::Transaction, public orders::Rows {
public:
    // `keys` seals what is personal. It and `catalogue` outlive this.
    PgTransaction(db::Transaction& transaction, StoreKeys& keys, Catalogue& catalogue)
        : sql_(transaction), keys_(keys), catalogue_(catalogue) {}

    // saga_rows.cpp
    Instant now() override;
    std::vector<engine::SagaRow> lock_sagas(const std::vector<engine::SagaKey>& keys) override;
    std::vector<engine::SagaRow> claim_waking_sagas(Instant now, std::size_t limit) override;
    std::vector<engine::SignalRow> take_signals(const std::vector<engine::SagaKey>& keys) override;
    engine::NextDue next_due() override;
    void write(const engine::Changes& changes) override;

    // command_rows.cpp
    std::vector<engine::CommandRow> open_commands(const std::vector<engine::SagaKey>& keys) override;
    std::vector<engine::CommandRow> lock_duty_commands(
        const std::vector<std::pair<sagas::MerchantId, std::string>>& ids) override;
    std::vector<engine::CommandRow> claim_expired_duty_commands(Instant now, std::size_t limit) override;
    void hurry_duty_command(sagas::MerchantId merchant, const std::string& command_id) override;
    std::vector<engine::CommandRow> claim_waiting_commands(
        sagas::MerchantId merchant,
        const std::string& lane,
        Instant now,
        std::size_t limit,
        const std::string& served_last,
        bool asking) override;
    std::vector<engine::CommandRow> claim_unpublished_commands(Instant sent_before, std::size_t limit) override;
    void mark_published(const std::vector<engine::Confirmed>& confirmed) override;

    // lane_rows.cpp
    std::vector<std::pair<sagas::MerchantId, std::string>> lanes_with_work(Instant now, std::size_t limit) override;
    std::vector<engine::LaneRow> lock_lanes(
        const std::vector<std::pair<sagas::MerchantId, std::string>>& names) override;
    std::vector<std::pair<sagas::MerchantId, std::string>> missing_lanes(
        const std::vector<std::pair<sagas::MerchantId, std::string>>& names) override;
    void create_lanes(const std::vector<engine::LaneRow>& lanes) override;
    void write_lanes(const std::vector<engine::LaneRow>& lanes) override;

    // duty_rows.cpp
    std::vector<engine::DutyRow> claim_due_duties(runtime::Duration within, std::size_t limit) override;
    std::vector<engine::DutyRow> lock_duties(
        const std::vector<std::pair<sagas::MerchantId, std::string>>& duties) override;
    std::vector<engine::DutyRow> read_duties(
        const std::vector<std::pair<sagas::MerchantId, std::string>>& duties) override;

    // notice_rows.cpp: announcements, incidents, audit, parked items
    void add_announcements(std::vector<engine::AnnouncementRow>& rows) override;
    std::vector<engine::AnnouncementRow> claim_announcements(std::size_t limit) override;
    void delete_announcements(const std::vector<std::int64_t>& ids) override;
    void park(
        sagas::MerchantId merchant,
        const std::string& kind,
        const std::string& subject,
        const std::string& reason,
        const nlohmann::json& input) override;

    // catalogue_rows.cpp
    std::vector<orders::StoreRow> stores(const std::vector<sagas::MerchantId>& merchants) override;
    std::vector<orders::WarehouseRow> warehouses(const std::vector<sagas::MerchantId>& merchants) override;
    std::vector<orders::SkuRow> skus(sagas::MerchantId merchant, const std::vector<sagas::SkuId>& ids) override;
    void set_store_status(
        sagas::MerchantId merchant,
        sagas::StoreId store,
        const std::string& status,
        engine::Turn turn) override;
    void set_store_mode(const orders::StoreRow& store, Instant since) override;
    std::int64_t count_orders_being_sent(sagas::MerchantId merchant, sagas::StoreId store) override;
    void doubt_listings(sagas::MerchantId merchant, sagas::StoreId store) override;
    bool unpark_listing(sagas::MerchantId merchant, sagas::ListingId listing) override;

    // receipt_rows.cpp
    std::vector<bool> know_receipts(const std::vector<orders::ReceiptRow>& receipts) override;
    std::vector<bool> insert_receipts(const std::vector<orders::ReceiptRow>& receipts) override;
    void update_receipts(const std::vector<orders::ReceiptRow>& receipts) override;

    // order_rows.cpp
    std::vector<orders::OrderRow> lock_orders(const std::vector<orders::OrderKey>& keys, engine::Turn turn) override;
    std::vector<std::optional<sagas::OrderDocument>> peek_documents(const std::vector<orders::OrderKey>& keys) override;
    std::vector<std::string> peek_stamps(const std::vector<orders::OrderKey>& keys) override;
    void write_orders(const std::vector<orders::OrderRow>& orders) override;
    std::vector<orders::ReferenceRow> sagas_of_references(
        sagas::MerchantId merchant,
        const std::vector<std::string>& references) override;
    void write_references(const std::vector<std::pair<std::string, engine::SagaKey>>& references) override;
    void write_found(const std::vector<orders::FoundFulfillment>& found) override;
    std::vector<orders::FoundFulfillment> take_found(
        sagas::MerchantId merchant,
        const std::vector<std::string>& order_keys) override;

    // personal_rows.cpp
    void write_personal(const std::vector<orders::PersonalRow>& people) override;
    void ask_privacy(const std::vector<orders::PrivacyRequest>& requests) override;

    // stock_rows.cpp
    std::vector<orders::StockRow> lock_stock(const std::vector<orders::StockKey>& keys, engine::Turn turn) override;
    std::vector<orders::StockRow> peek_stock(const std::vector<orders::StockKey>& keys) override;
    void write_stock(const std::vector<orders::StockRow>& rows, const std::vector<orders::MovementRow>& movements)
        override;
    std::optional<Instant> lock_mirror(sagas::MerchantId merchant, sagas::WarehouseId warehouse) override;
    std::vector<orders::StockKey> mirrored_besides(
        sagas::MerchantId merchant,
        sagas::WarehouseId warehouse,
        const std::vector<sagas::SkuId>& skus) override;
    void write_mirror(sagas::MerchantId merchant, sagas::WarehouseId warehouse, Instant asked_at) override;
    std::vector<std::pair<orders::StockKey, std::int64_t>> not_counted(
        const std::vector<orders::StockKey>& keys,
        Instant asked_at,
        Duration lag) override;
    std::vector<std::pair<orders::StockKey, std::int64_t>> returned_since(
        const std::vector<orders::StockKey>& keys,
        Instant asked_at) override;
    std::vector<std::pair<orders::StockKey, std::int64_t>> requested(
        const std::vector<orders::StockKey>& keys) override;

    // reservation_rows.cpp
    std::vector<AtRisk> at_risk(const std::vector<orders::StockKey>& keys, std::size_t named) override;
    std::vector<orders::ReservationRow> reservations_of(const std::vector<engine::SagaKey>& sagas) override;
    std::vector<orders::ReservationRow> waiting_for(const std::vector<orders::StockKey>& keys) override;
    void write_reservations(const std::vector<orders::ReservationRow>& rows) override;
    void add_waits(const std::vector<Wait>& waits) override;
    void drop_waits(const std::vector<engine::SagaKey>& sagas, const std::string& kind) override;
    std::vector<Wait> waits_for(const std::string& kind, const std::vector<Reached>& reached) override;
    std::vector<Wait> waits_of(const engine::SagaKey& saga, const std::string& kind) override;

    // listing_rows.cpp
    std::vector<orders::ListingRow> find_listings(
        sagas::MerchantId merchant,
        sagas::StoreId store,
        const std::vector<std::string>& variant_ids,
        const std::vector<std::string>& skus) override;
    std::vector<bool> insert_listing_moves(const std::vector<orders::ListingMove>& moves) override;
    void add_listing_moves(const std::vector<orders::ListingMove>& moves) override;
    std::vector<orders::ListingRow> lock_listings(
        sagas::MerchantId merchant,
        const std::vector<sagas::SkuId>& skus,
        const std::vector<sagas::ListingId>& ids,
        const std::vector<sagas::StoreId>& flushing,
        std::size_t limit,
        engine::Turn turn) override;
    void write_listings(const std::vector<orders::ListingRow>& rows) override;
    std::vector<orders::ListingRow> claim_listings_to_read(
        sagas::MerchantId merchant,
        const std::vector<std::pair<sagas::StoreId, sagas::ListingId>>& stores,
        Instant hinted_before,
        std::size_t limit) override;
    void keep_hints(const std::vector<orders::LevelHint>& hints) override;
    void drop_hints(sagas::MerchantId merchant, const std::vector<sagas::ListingId>& listings) override;

    // flush_rows.cpp
    std::vector<orders::FlushRow> open_flushes(sagas::MerchantId merchant, const std::vector<sagas::StoreId>& stores)
        override;
    std::vector<orders::FlushRow> read_open_flushes(
        sagas::MerchantId merchant,
        const std::vector<sagas::StoreId>& stores,
        const std::vector<std::string>& commands) override;
    void write_flushes(const std::vector<orders::FlushRow>& rows) override;

private:
    std::vector<engine::SagaRow> remembered(std::vector<engine::SagaRow> sagas);

    // The parts of write(), in its order.
    void insert_sagas(const std::vector<engine::SagaRow>& rows);
    void update_sagas(const std::vector<engine::SagaRow>& rows, const std::vector<std::int64_t>& from);
    void insert_history(const std::vector<engine::HistoryRow>& rows);
    void insert_signals(const std::vector<engine::SignalRow>& rows);
    void insert_commands(const std::vector<engine::CommandRow>& rows);
    void update_commands(const std::vector<engine::CommandRow>& rows);
    void upsert_duties(const std::vector<engine::DutyRow>& rows);
    void lock_incidents(const engine::Changes& changes);
    void open_incidents(const std::vector<engine::IncidentRow>& rows);
    void close_incidents(const std::vector<std::pair<sagas::MerchantId, std::string>>& keys);
    void insert_audit(const std::vector<engine::AuditRow>& rows);

    // What is known of the merchant's catalogue as it is now.
    Catalogue::OfMerchant& catalogue_of(sagas::MerchantId merchant);

    db::Transaction& sql_;
    StoreKeys& keys_;
    Catalogue& catalogue_;
    std::map<sagas::MerchantId, std::int64_t> catalogue_versions_;  // asked for by this transaction
    std::optional<Instant> now_;
    KeptLists lists_;
};

// Ends a locking SELECT: whether it may wait.
inline const char* lock_for(engine::Turn turn) {
    return turn == engine::Turn::in_turn ? " FOR NO KEY UPDATE" : " FOR NO KEY UPDATE NOWAIT";
}

}  // namespace ordersaga::db
