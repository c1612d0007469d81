#include "bench/micro/sim_shop.hpp"

#include "bench/micro/must.hpp"
#include "orchestrator/orders/arrivals.hpp"
#include "sagas/activities.hpp"
#include "sagas/order_data.hpp"

#include <algorithm>

namespace ordersaga::bench {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr sagas::MerchantId kMerchant{1};
constexpr sagas::WarehouseId kWarehouse{1};
constexpr std::int64_t kStores = 4;
constexpr std::int64_t kSkus = 1000;
constexpr std::int64_t kUnits = 1'000'000;
constexpr int kWindow = 100'000;
constexpr runtime::Instant kStart{24h * 365 * 56};

std::string variant_of(std::int64_t store, std::int64_t sku) {
    return std::to_string(46'200'000'000'000 + store * 10'000 + sku);
}

json view_of(const sagas::OrderData& data, const std::string& reference, bool shipped) {
    json lines = json::array();
    for (const sagas::SagaLine& line : data.lines) {
        for (const sagas::LinePart& part : line.parts) {
            lines.push_back(
                {{"warehouse_item_id", part.warehouse_item_id},
                 {"sku", part.sku},
                 {"quantity", line.wanted * part.per_unit}});
        }
    }
    json shipments = json::array();
    if (shipped) {
        shipments.push_back(
            {{"id", "S" + data.order_id},
             {"state", "Shipped"},
             {"carrier", "bpost"},
             {"tracking_number", "T" + data.order_id},
             {"tracking_url", "https://track.example.com/T" + data.order_id},
             {"lines", std::move(lines)}});
    }
    return {
        {"reference", reference},
        {"warehouse_order_id", data.order_id},
        {"state", shipped ? "Shipped" : "Accepted"},
        {"cancellable", shipped ? "no" : "yes"},
        {"shipments", std::move(shipments)},
        {"problems", json::array()}};
}

}  // namespace

SimShop::SimShop() : clock_(kStart) {
    store_.add_merchant(kMerchant);
    orders::WarehouseRow warehouse;
    warehouse.merchant = kMerchant;
    warehouse.warehouse_id = kWarehouse;
    warehouse.key = "main";
    warehouse.kind = "shipbob";
    warehouse.status = "active";
    warehouse.calls_per_minute = 1e9;
    store_.add_warehouse(warehouse);
    add_stores();
    add_goods();
    orders::OrderParticipantSettings settings;
    settings.mirror_fresh_for = 24h * 365;
    settings.store_window = settings.warehouse_window = kWindow;
    participant_ = std::make_unique<orders::OrderParticipant>(random_, settings);
    engine_ = std::make_unique<engine::Engine>(
        store_, *participant_, std::vector<const sagas::SagaDefinition*>{&definition_}, *this, random_);
    due();
}

void SimShop::add_stores() {
    for (std::int64_t id = 1; id <= kStores; ++id) {
        orders::StoreRow row;
        row.merchant = kMerchant;
        row.store_id = {id};
        row.key = "store" + std::to_string(id);
        row.shop_domain = row.key + ".myshopify.com";
        row.location_id = "4";
        row.status = "active";
        row.go_live_at = kStart - 24h;
        row.order_policy = "hold_and_tell";
        row.channel_wait = 10s;
        row.hold_expiry = 72h;
        row.warehouse_id = kWarehouse;
        row.ship_methods = {{"Standard", "Ground"}};
        row.points_per_second = 1e6;
        store_.add_store(row);
    }
}

void SimShop::add_goods() {
    std::vector<orders::StockKey> ledgers;
    double sum = 0;
    for (std::int64_t id = 1; id <= kSkus; ++id) {
        orders::SkuRow sku;
        sku.merchant = kMerchant;
        sku.sku_id = {id};
        sku.sku = "SHIRT-" + std::to_string(id);
        sku.warehouse_item_id = std::to_string(900'000 + id);
        sku.policy = "deny";
        sku.reading = "trust-mirror";
        store_.add_sku(sku);
        for (std::int64_t shop = 1; shop <= kStores; ++shop) {
            orders::ListingRow listing;
            listing.merchant = kMerchant;
            listing.listing_id = {shop * 10'000 + id};
            listing.store_id = {shop};
            listing.sku_id = {id};
            listing.variant_id = variant_of(shop, id);
            listing.inventory_item_id = std::to_string(49'500'000'000'000 + shop * 10'000 + id);
            listing.location_id = "4";
            listing.target = kUnits;
            listing.believed = kUnits;
            store_.add_listing(listing);
        }
        ledgers.push_back({kMerchant, {id}, kWarehouse});
        store_.open_stock(ledgers.back(), kUnits);
        popularity_.push_back(sum += 1.0 / static_cast<double>(id));
    }
    // The warehouse was read just now.
    store_.transact([&](engine::Transaction& transaction) {
        std::vector<orders::StockRow> rows = orders::rows_of(transaction).lock_stock(ledgers);
        for (orders::StockRow& row : rows)
            row.read_asked_at = kStart;
        orders::rows_of(transaction).write_stock(rows, {});
    });
}

std::int64_t SimShop::some_sku() {
    const double drawn = random_.unit() * popularity_.back();
    return 1 + std::distance(popularity_.begin(), std::upper_bound(popularity_.begin(), popularity_.end() - 1, drawn));
}

// The broker confirms at once.
void SimShop::send(const std::vector<engine::CommandRow>& commands, int) {
    for (const engine::CommandRow& command : commands) {
        engine_->command_published(command.command_id, command.attempt_token);
        sent_.push_back(command);
    }
}

void SimShop::announce(const std::vector<engine::AnnouncementRow>& rows) {
    for (const engine::AnnouncementRow& row : rows)
        engine_->announcement_published(row.announcement_id);
}

std::vector<engine::CommandRow> SimShop::take_sent(std::string_view activity) {
    const auto rest = std::stable_partition(
        sent_.begin(), sent_.end(), [&](const engine::CommandRow& row) { return row.activity != activity; });
    std::vector<engine::CommandRow> taken(std::make_move_iterator(rest), std::make_move_iterator(sent_.end()));
    sent_.erase(rest, sent_.end());
    return taken;
}

engine::Input SimShop::told(const engine::CommandRow& command, json payload) {
    sagas::Outcome outcome;
    outcome.kind = sagas::OutcomeKind::done;
    outcome.payload = std::move(payload);
    return {
        engine::OutcomeArrived{
            command.merchant, command.saga_id, command.command_id, command.attempt_token, std::move(outcome)},
        {}};
}

std::vector<engine::Input> SimShop::place(int orders) {
    clock_.advance(1ms);
    std::vector<engine::Input> inputs;
    for (int order = 0; order < orders; ++order) {
        ++placed_;
        const std::int64_t shop = 1 + placed_ % kStores;
        sagas::OrderDocument document;
        document.order_id = std::to_string(5'100'000'000'000 + placed_ * 100);
        document.name = "#" + std::to_string(1000 + placed_);
        document.created_at = document.updated_at = kStart - 1min;
        document.financial_status = "paid";
        document.source_name = "web";
        document.email = "mathilde.vandenbroeck@example.com";
        document.ship_method = "Standard";
        document.shipping_address = sagas::Address{
            "Mathilde Van den Broeck", "Rue de la Cathédrale 117", "boîte 3", "", "Liège", "", "4000", "BE",
            "+32 470 12 34 56"};
        const int lines = random_.chance(0.3) ? 2 : 1;
        while (document.lines.size() < static_cast<std::size_t>(lines)) {
            const std::int64_t sku = some_sku();
            sagas::OrderLine line;
            line.line_id = std::to_string(5'100'000'000'001 + placed_ * 100 + std::ssize(document.lines));
            line.variant_id = variant_of(shop, sku);
            line.sku = "SHIRT-" + std::to_string(sku);
            line.quantity = line.current_quantity = line.fulfillable_quantity = 1;
            document.lines.push_back(std::move(line));
        }
        orders::Delivery delivery;
        delivery.receipt.merchant = kMerchant;
        delivery.receipt.store_id = {shop};
        delivery.receipt.source = "shopify";
        delivery.receipt.topic = "orders/create";
        delivery.receipt.webhook_id = "webhook-" + std::to_string(placed_);
        delivery.receipt.event_id = "event-" + std::to_string(placed_);
        delivery.receipt.received_at = clock_.now();
        delivery.receipt.headers = {{"api_version", "2026-07"}, {"triggered_at", ""}, {"test", false}};
        // As long as a real one; whoever stores it does not look inside.
        delivery.receipt.body.assign(7'500, 'x');
        delivery.receipt.order_id = document.order_id;
        delivery.order = std::move(document);
        inputs.push_back(
            {engine::Arrival{kMerchant, std::move(delivery), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
             {}});
    }
    return inputs;
}

std::vector<engine::Input> SimShop::flush() {
    clock_.advance(1ms);
    std::vector<engine::Input> inputs;
    for (const engine::CommandRow& command : take_sent(sagas::activity::flush_stock)) {
        json applied = json::array();
        for (std::int64_t row = 0; row < command.payload.at("rows").get<std::int64_t>(); ++row)
            applied.push_back(row);
        inputs.push_back(
            told(command, {{"applied", std::move(applied)}, {"uncertain", json::array()}, {"refused", json::array()}}));
    }
    return inputs;
}

std::vector<engine::Input> SimShop::accept() {
    clock_.advance(1ms);
    std::vector<engine::Input> inputs;
    for (const engine::CommandRow& command : take_sent(sagas::activity::request_fulfillment)) {
        const engine::SagaKey key{command.merchant, command.saga_id};
        const sagas::OrderData data = sagas::order_data_from_json(store_.tables().sagas.at(key).data);
        inputs.push_back(
            told(command, {{"view", view_of(data, command.payload.at("reference").get<std::string>(), false)}}));
        accepted_.push_back(key);
    }
    return inputs;
}

std::vector<engine::Input> SimShop::ship() {
    clock_.advance(1ms);
    std::vector<engine::Input> inputs;
    for (const engine::SagaKey& key : std::exchange(accepted_, {})) {
        const sagas::OrderData data = sagas::order_data_from_json(store_.tables().sagas.at(key).data);
        engine::SagaTold shown;
        shown.saga = key;
        shown.event = {
            "FulfillmentViewed", {{"view", view_of(data, data.fulfillments.back().reference, true)}}, "poll"};
        inputs.push_back({std::move(shown), {}});
    }
    return inputs;
}

void SimShop::run(std::vector<engine::Input> inputs, std::string_view state) {
    const std::size_t given = inputs.size();
    std::size_t answered = 0;
    for (engine::Input& input : inputs) {
        input.done = [&answered, state](const engine::InputResult& result) {
            const bool applied = result.kind == engine::InputResult::Kind::applied;
            must(applied && result.state == state, "an input that was applied and its saga's new state");
            ++answered;
        };
    }
    must(engine_->run(inputs), "a store that is there");
    must(answered == given, "an answer to every input");
}

void SimShop::due() {
    for (int round = 0; round < 100; ++round) {
        must(engine_->run_due(), "a store that is there");
        if (!engine_->more_due()) return;
    }
    must(false, "an engine that comes to rest");
}

std::size_t SimShop::in_state(std::string_view state) const {
    std::size_t count = 0;
    for (const auto& [key, row] : store_.tables().sagas)
        count += row.state == state ? 1U : 0U;
    return count;
}

}  // namespace ordersaga::bench
