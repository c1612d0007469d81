// One batch of the order participant. See engine/participant.hpp for the sequence of calls.
#pragma once

#include "orchestrator/engine/participant.hpp"
#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/orders/channels.hpp"
#include "orchestrator/orders/intake.hpp"
#include "orchestrator/orders/ledger.hpp"
#include "orchestrator/orders/order_participant.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace ordersaga::orders {

class OrderSession final : public engine::Session {
public:
    OrderSession(
        engine::Transaction& transaction,
        Rows& rows,
        engine::Batch& batch,
        runtime::Random& random,
        const OrderParticipantSettings& settings,
        WantedLate& late);

    void duty_ended(const engine::CommandRow& command, const sagas::Outcome& outcome, bool exhausted) override;
    std::vector<engine::InputResult> resolve(const std::vector<const engine::Arrival*>& arrivals) override;
    void prepare(const std::vector<const engine::SagaRow*>& sagas) override;
    std::vector<sagas::Event> settle(const engine::SagaRow& saga, const sagas::Effect& effect) override;
    void conclude() override;
    void finish() override;
    void perform(const std::vector<engine::DutyRow>& due) override;
    void park(const engine::Arrival& arrival, const std::string& reason) override;
    nlohmann::json changes_for_preview() const override;

private:
    // What belongs to one merchant, loaded when first asked for.
    struct World {
        std::vector<StoreRow> stores;
        std::vector<WarehouseRow> warehouses;
        std::unique_ptr<Channels> channels;
        std::map<StockKey, std::int64_t> for_sale;  // units for which targets were computed last in this batch
    };
    struct Reading {
        MerchantId merchant;
        WarehouseId warehouse_id;
        Instant asked_at{};
        std::vector<std::tuple<SkuId, std::int64_t, std::int64_t>> items;  // sku, fulfillable, on hand
        std::string command_id;
        bool whole = false;            // all that the warehouse has was asked for
        std::vector<SkuId> confirmed;  // not among the items: their ledgers stay as they are
    };
    struct DutyEnd {
        engine::CommandRow command;
        sagas::Outcome outcome;
        bool exhausted = false;
    };
    struct View {
        MerchantId merchant;
        nlohmann::json view;
    };

    World& world(MerchantId merchant);
    const StoreRow* store(MerchantId merchant, StoreId id);
    const WarehouseRow* warehouse(MerchantId merchant, WarehouseId id);

    // order_session_intake.cpp
    void read_receipts(const std::vector<const engine::Arrival*>& arrivals, std::vector<engine::InputResult>& results);
    void keep_receipts();
    void leave_out_known();
    void lock_orders_of(const std::vector<const engine::Arrival*>& arrivals);
    void load_mappings(const std::vector<const engine::Arrival*>& arrivals);
    LineMapping map_line(const StoreRow& store, const sagas::OrderLine& line);
    OrderRow& order(const OrderKey& key);
    engine::InputResult resolve_delivery(const Delivery& delivery, const std::string& trace);
    engine::InputResult resolve_shopify(const Delivery& delivery, const StoreRow& store, const std::string& trace);
    engine::InputResult resolve_polled(const PolledOrders& polled, const std::string& trace);
    engine::InputResult resolve_adjustment(const StockAdjustment& adjustment);
    engine::InputResult resolve_switch(const StoreSwitched& order);
    engine::InputResult resolve_mode(const StoreModeSet& order);
    std::string reason_to_stay_live(const StoreRow& store);
    void follow_anew(MerchantId merchant, StoreId store);
    engine::InputResult resolve_taking_back(const ListingTakenBack& order);
    void hear_of_fulfillment(const Delivery& delivery, const std::string& cause, engine::InputResult& result);
    // True: the store has to be asked which of two words holds.
    bool take_document(
        OrderRow& row,
        const sagas::OrderDocument& document,
        const StoreRow& from,
        const WarehouseRow& ships_from,
        const LineMapper& map,
        const std::string& cause,
        const std::string& trace,
        engine::InputResult& result);
    void take_facts(OrderRow& row, IntakeFacts facts, const std::string& trace, engine::InputResult& result);
    void tell_views();
    void keep_found(MerchantId merchant, const std::string& reference, nlohmann::json view);
    void take_found();
    void put_back_found();
    bool settle_found(const OrderRow& row, const std::vector<nlohmann::json>& views, IntakeFacts& facts);
    const std::string& recovery_of(MerchantId merchant);
    bool catches_up(MerchantId merchant);
    bool may_ask(MerchantId merchant, const std::string& duty);
    void call_duty(MerchantId merchant, const std::string& duty, const std::string& subject);
    void read_single_order(const StoreRow& store, const std::string& order_id);

    // order_session_stock.cpp
    void lock_late(const std::set<StockKey>& keys);
    void lock_stock_of(const std::vector<const engine::SagaRow*>& sagas);
    void load_stock(std::vector<StockRow> rows);
    std::map<StockKey, std::int64_t> not_counted_in(
        const Reading& reading,
        const std::vector<StockKey>& keys,
        const WarehouseRow& from);
    void set_confirmed_apart(Reading& reading, const std::set<StockKey>& locked);
    void apply_readings();
    bool take_mirror(const Reading& reading);
    bool has_fresh_mirror(const StockRow& row) const;
    std::set<StockKey> explained_by_requests(
        const Reading& reading,
        const std::map<StockKey, std::int64_t>& not_counted);
    void tell_of_shortages();
    void note_debt(const engine::SagaRow& saga, const nlohmann::json& payload);
    void name_debts(MerchantId merchant, World& world);
    std::vector<sagas::Event> reserve(const engine::SagaRow& saga, const nlohmann::json& payload, bool exchange);
    Instant counted_long_ago(MerchantId merchant, const nlohmann::json& payload);
    std::vector<sagas::Event> map_again(const engine::SagaRow& saga);
    bool wants_reading(const engine::SagaRow& saga, WarehouseId warehouse, const std::vector<Demand>& demand);
    void read_what_returned();
    void ask_for_reading(MerchantId merchant, WarehouseId warehouse, const std::set<SkuId>& skus);
    void settle_backorders();
    void announce_levels();
    void hold_who_waits_for_flushes();
    void conclude_channels(MerchantId merchant, World& world);
    void wake_waiting(MerchantId merchant, World& world, const std::set<SkuId>& risen);
    // The version of the ledger that every store is known to show.
    std::int64_t shown_by_all(const World& world, const StockKey& ledger) const;
    void tell_or_signal(const engine::SagaKey& saga, sagas::Event event);

    // order_session_duties.cpp
    using ToRead = std::map<std::pair<MerchantId, std::string>, std::vector<ListingRow>>;  // by the subject of the duty
    ToRead claim_what_to_read(const std::vector<engine::DutyRow>& due);
    void perform(engine::DutyRow row, const std::vector<ListingRow>& to_read);
    void lock_duties_of(const std::vector<const engine::Arrival*>& arrivals);
    void end_duty(const DutyEnd& end);
    void ended_flush(const engine::CommandRow& command, const sagas::Outcome& outcome, bool exhausted);
    struct WantedDocuments {
        std::vector<std::string> order_ids;               // read now
        nlohmann::json later = nlohmann::json::object();  // stamps by order id, of those that are read after a rest
    };
    WantedDocuments wanted_documents(const engine::CommandRow& command, const sagas::Outcome& outcome);
    sagas::Command next_of(const engine::CommandRow& command, std::string_view activity);
    std::string read_orders(const engine::CommandRow& command, const sagas::Outcome& outcome, WantedDocuments wanted);
    std::string read_on(const engine::CommandRow& command, const sagas::Outcome& outcome);
    void ended_quiet_read(const engine::CommandRow& command, const sagas::Outcome& outcome);
    void ended_check_subscriptions(
        const engine::CommandRow& command,
        const sagas::Outcome& outcome,
        engine::DutyRow& row);
    void park_unreadable(const engine::CommandRow& command, const nlohmann::json& unreadable);
    void ended_read_order(const engine::CommandRow& command, const sagas::Outcome& outcome);
    void ended_reading(const engine::CommandRow& command, const sagas::Outcome& outcome);
    void ended_poll_fulfillments(const engine::CommandRow& command, const sagas::Outcome& outcome);
    void take_orders(const engine::CommandRow& command, const sagas::Outcome& outcome);
    void take_orders(MerchantId merchant, StoreId store, const nlohmann::json& documents, const std::string& source);
    std::optional<Instant> watermark_of_polls(MerchantId merchant, const std::string& subject);
    engine::DutyRow duty_row(MerchantId merchant, const std::string& duty, const std::string& subject);
    void keep_duty(engine::DutyRow row);

    engine::Transaction& transaction_;
    Rows& rows_;
    engine::Batch& batch_;
    runtime::Random& random_;
    const OrderParticipantSettings& settings_;

    WantedLate& late_;
    std::map<MerchantId, World> worlds_;
    Ledger ledger_;

    std::map<OrderKey, OrderRow> orders_;
    std::set<OrderKey> dirty_orders_;
    std::vector<PersonalRow> people_;  // of the sagas that begin
    std::vector<PrivacyRequest> privacy_;
    std::vector<ReceiptRow> receipts_;  // new ones, in the sequence of their arrivals
    std::map<const engine::Arrival*, std::size_t> receipt_of_;
    std::set<const engine::Arrival*> repeated_;
    std::map<std::pair<MerchantId, StoreId>, std::vector<ListingRow>> mappings_;
    std::vector<PolledOrders> polled_;  // from duties
    std::vector<Reading> readings_;
    std::vector<View> views_;
    std::map<OrderKey, std::vector<nlohmann::json>> found_;  // at the warehouse, by the orders of this batch
    std::vector<FoundFulfillment> newly_found_;
    std::vector<DutyEnd> duty_ends_;
    std::vector<LevelHint> hints_;
    std::set<std::pair<MerchantId, StoreId>> uninstalled_;
    std::map<std::pair<MerchantId, WarehouseId>, std::set<SkuId>>
        returned_;  // units came back that only a reading frees
    std::vector<std::pair<std::string, engine::SagaKey>> references_;
    // By "<duty>/<subject>": as they stand now, and those of them that are to be written.
    std::map<std::pair<MerchantId, std::string>, engine::DutyRow> locked_duties_, duties_;

    std::map<engine::SagaKey, const engine::SagaRow*> sagas_;
    // Who began to wait for the channels in this batch and still does; looked at in every round, stored at the end.
    std::map<engine::SagaKey, std::vector<Rows::Wait>> channel_waits_;
    std::set<engine::SagaKey> stop_waiting_;  // whose stored waits for the channels end
    std::vector<Rows::Wait> reading_waits_;
    std::set<engine::SagaKey> have_reading_;
    std::vector<Rows::Wait> debts_;             // waits that ran out; named in conclude()
    std::set<StockKey> awaited_;                // ledgers whose fresh figure lets sagas decide next
    std::map<StockKey, std::int64_t> settled_;  // ledger version at which the backorder queue was looked at
};

}  // namespace ordersaga::orders
