// A merchant with two stores and a warehouse on the real engine and participant, the simulated store and a clock that is
// moved by hand. Nobody answers a command but the test.
//
//   shirt  ten units, never backordered            mug   ten units, backordered
//   set    a bundle of one shirt and two mugs       hat   ten units, asked for at the warehouse first
// Every SKU is listed in both stores; the stores show what they should.
#pragma once

#include "orchestrator/engine/engine.hpp"
#include "orchestrator/orders/arrivals.hpp"
#include "orchestrator/orders/order_participant.hpp"
#include "sagas/activities.hpp"
#include "sagas/order_data.hpp"
#include "sagas/order_saga.hpp"
#include "tests/support/sim/laws.hpp"
#include "tests/support/sim/sim_store.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ordersaga::orders {

inline constexpr MerchantId merchant{1};
inline constexpr WarehouseId house{1};
inline constexpr StoreId eu{1}, us{2};
inline constexpr SkuId shirt{1}, mug{2}, gift_set{3}, hat{4};
inline constexpr Instant start{std::chrono::hours(24 * 365 * 56)};

inline StockKey ledger_of(SkuId sku) {
    return {merchant, sku, house};
}
// "eu" lists shirt, mug, set, hat as 11, 12, 13, 14; "us" as 21 .. 24. The variant of listing 11 is "1011".
inline ListingId listing_of(StoreId store, SkuId sku) {
    return {store.value * 10 + sku.value};
}
inline std::string variant_of(StoreId store, SkuId sku) {
    return "10" + std::to_string(listing_of(store, sku).value);
}

// A paid order with an address, created and updated a minute before `start`.
sagas::OrderDocument an_order(const std::string& order_id, StoreId store, SkuId sku, std::int64_t quantity);
sagas::OrderLine a_line(const std::string& line_id, StoreId store, SkuId sku, std::int64_t quantity);

sagas::Outcome done(nlohmann::json payload = nlohmann::json::object());
sagas::Outcome ended(sagas::OutcomeKind kind, const std::string& reason = "because");

class AMerchant final : public engine::CommandSink {
public:
    struct Options {
        Duration channel_wait = std::chrono::seconds(10);
        Duration reading_lag{0};
        std::string order_policy = "hold_and_tell";
        std::int64_t units = 10;
        std::int64_t shirt_buffer = 0;
        bool shirt_discontinued = false;
        bool beliefs_known = true;  // false: no store has ever been read
        std::string us_mode = "live";
        std::size_t quiet_read_limit = 100;
    };
    AMerchant() : AMerchant(Options{}) {}
    explicit AMerchant(Options options);

    // --- what comes in
    Delivery delivery(StoreId store, const std::string& topic, const std::string& order_id);
    engine::InputResult deliver(StoreId store, const std::string& topic, const sagas::OrderDocument& order);
    engine::InputResult deliver(Delivery delivery);
    engine::InputResult refund(StoreId store, const std::string& order_id, const nlohmann::json& body);
    engine::InputResult poll(StoreId store, std::vector<sagas::OrderDocument> orders);
    engine::InputResult take_in(std::any content);
    engine::InputResult tell(
        const std::string& order_id,
        const std::string& event,
        const nlohmann::json& payload = nlohmann::json::object());
    // An order in one call: orders/create with so many units of a SKU.
    void order(const std::string& order_id, StoreId store, SkuId sku, std::int64_t quantity);

    // --- commands
    std::vector<engine::CommandRow> open(std::string_view activity) const;
    bool has_open(std::string_view activity, const std::string& lane = {}) const;
    engine::CommandRow the_open(std::string_view activity, const std::string& lane = {}) const;
    engine::InputResult end(const engine::CommandRow& command, const sagas::Outcome& outcome);
    engine::InputResult end(std::string_view activity, const sagas::Outcome& outcome, const std::string& lane = {});
    // Every row of the store's open flush has been applied.
    void flush_done(StoreId store);
    // The rows of the store's open flush: listing and difference.
    std::vector<std::pair<std::int64_t, std::int64_t>> flush_of(StoreId store) const;
    // The warehouse accepts what is asked for / shows a shipment of everything.
    void accept(const std::string& order_id);
    void ship(const std::string& order_id);
    // The mirror's duty has read these figures.
    void read_warehouse(const std::vector<std::pair<SkuId, std::int64_t>>& fulfillable);

    // --- time
    void due();
    void pass(Duration time);

    // The orchestrator has died, and another one begins with what is in the rows.
    void begin_anew();

    // --- rows
    const StockRow& stock(SkuId sku) const { return store.tables().stock.at(ledger_of(sku)); }
    const ListingRow& listing(StoreId shop, SkuId sku) const {
        return store.tables().listings.at({merchant, listing_of(shop, sku)});
    }
    // What the store told last, if that is remembered.
    std::optional<std::int64_t> hinted(StoreId shop, SkuId sku) const {
        const LevelHint* hint = store.tables().hints.find({merchant, listing_of(shop, sku)});
        return hint == nullptr ? std::nullopt : hint->available;
    }
    const OrderRow* order_row(const std::string& order_id) const;
    const engine::SagaRow& saga(const std::string& order_id) const;
    std::string state(const std::string& order_id) const { return saga(order_id).state; }
    sagas::OrderData data(const std::string& order_id) const {
        return sagas::order_data_from_json(saga(order_id).data);
    }
    const engine::HistoryRow& last_step(const std::string& order_id) const;
    std::vector<std::string> incidents() const;  // open ones, by cause
    std::string laws() const { return sim::joined(sim::check_laws(store)); }
    std::string quiet_laws() const { return sim::joined(sim::check_quiet_laws(store)); }

    runtime::ManualClock clock{start};
    sim::SimStore store{clock};
    std::unique_ptr<engine::Engine> engine;
    std::vector<engine::AnnouncementRow> announced;

private:
    void add_shop(StoreId id, const std::string& key, const Options& options);
    void add_sku(
        SkuId id,
        const std::string& name,
        const std::string& policy,
        const std::string& reading,
        const Options& options);
    void send(const std::vector<engine::CommandRow>& commands, int) override;
    void announce(const std::vector<engine::AnnouncementRow>& rows) override;

    runtime::SeededRandom random_{11};
    sagas::OrderSaga definition_;
    OrderParticipantSettings settings_;
    std::unique_ptr<OrderParticipant> participant_;
    int webhooks_ = 0;
};

}  // namespace ordersaga::orders
