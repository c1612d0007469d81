#include "tests/unit/orders/a_merchant.hpp"

#include "tests/support/events/event_schemas.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace ordersaga::orders {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

std::string lane_of(StoreId store) {
    return "store:" + std::to_string(store.value);
}

}  // namespace

sagas::OrderLine a_line(const std::string& line_id, StoreId store, SkuId sku, std::int64_t quantity) {
    sagas::OrderLine line;
    line.line_id = line_id;
    line.variant_id = variant_of(store, sku);
    line.quantity = line.current_quantity = line.fulfillable_quantity = quantity;
    return line;
}

sagas::OrderDocument an_order(const std::string& order_id, StoreId store, SkuId sku, std::int64_t quantity) {
    sagas::OrderDocument order;
    order.order_id = order_id;
    order.name = "#" + order_id;
    order.created_at = order.updated_at = start - 1min;
    order.financial_status = "paid";
    order.ship_method = "Standard";
    order.shipping_address = sagas::Address{"Ada", "1 High Street", "", "", "Oxford", "", "OX1", "GB", ""};
    order.lines = {a_line(order_id + "1", store, sku, quantity)};
    return order;
}

sagas::Outcome done(json payload) {
    sagas::Outcome outcome;
    outcome.kind = sagas::OutcomeKind::done;
    outcome.payload = std::move(payload);
    return outcome;
}

sagas::Outcome ended(sagas::OutcomeKind kind, const std::string& reason) {
    sagas::Outcome outcome;
    outcome.kind = kind;
    outcome.reason = reason;
    return outcome;
}

// ---------------------------------------------------------------------------------------------------------------------

AMerchant::AMerchant(Options options) {
    store.add_merchant(merchant);
    WarehouseRow warehouse;
    warehouse.merchant = merchant;
    warehouse.warehouse_id = house;
    warehouse.key = "main";
    warehouse.kind = "shipbob";
    warehouse.status = "active";
    warehouse.reading_lag = options.reading_lag;
    store.add_warehouse(warehouse);
    add_shop(eu, "eu", options);
    add_shop(us, "us", options);
    add_sku(shirt, "SHIRT", "deny", "trust-mirror", options);
    add_sku(mug, "MUG", "backorder", "trust-mirror", options);
    add_sku(gift_set, "SET", "deny", "trust-mirror", options);
    add_sku(hat, "HAT", "deny", "ask-warehouse-first", options);
    for (StoreId shop : {eu, us}) {
        for (SkuId sku : {shirt, mug, gift_set, hat}) {
            ListingRow row;
            row.merchant = merchant;
            row.listing_id = listing_of(shop, sku);
            row.store_id = shop;
            row.sku_id = sku;
            row.variant_id = variant_of(shop, sku);
            row.inventory_item_id = "20" + std::to_string(row.listing_id.value);
            row.location_id = "4";
            row.target = sku == gift_set ? options.units / 2 : options.units;
            if (sku == shirt)
                row.target =
                    options.shirt_discontinued ? 0 : std::max<std::int64_t>(0, options.units - options.shirt_buffer);
            if (options.beliefs_known) row.believed = row.target;
            row.wants_read = !options.beliefs_known;
            store.add_listing(row);
        }
    }
    for (SkuId sku : {shirt, mug, hat})
        store.open_stock(ledger_of(sku), options.units);
    settings_.quiet_read_limit = options.quiet_read_limit;
    begin_anew();
    // The mirror was read just now.
    store.transact([&](engine::Transaction& transaction) {
        std::vector<StockRow> rows = rows_of(transaction).lock_stock({ledger_of(shirt), ledger_of(mug)});
        for (StockRow& row : rows)
            row.read_asked_at = start;
        rows_of(transaction).write_stock(rows, {});
    });
}

void AMerchant::add_shop(StoreId id, const std::string& key, const Options& options) {
    StoreRow row;
    row.merchant = merchant;
    row.store_id = id;
    row.key = key;
    row.shop_domain = key + ".myshopify.com";
    row.location_id = "4";
    row.status = "active";
    row.mode = id == us ? options.us_mode : "live";
    row.go_live_at = start - 24h;
    row.order_policy = options.order_policy;
    row.channel_wait = options.channel_wait;
    row.hold_expiry = 72h;
    row.warehouse_id = house;
    row.ship_methods = {{"Standard", "Ground"}};
    store.add_store(row);
}

void AMerchant::add_sku(
    SkuId id,
    const std::string& name,
    const std::string& policy,
    const std::string& reading,
    const Options& options) {
    SkuRow row;
    row.merchant = merchant;
    row.sku_id = id;
    row.sku = name;
    row.warehouse_item_id = "900" + std::to_string(id.value);
    row.policy = policy;
    row.reading = reading;
    row.low_at = 2;
    if (id == shirt) row.buffer = options.shirt_buffer;
    if (id == shirt) row.discontinued = options.shirt_discontinued;
    if (id == gift_set) row.components = {{shirt, 1}, {mug, 2}};
    store.add_sku(row);
}

// The broker confirms at once.
void AMerchant::send(const std::vector<engine::CommandRow>& commands, int) {
    for (const engine::CommandRow& command : commands)
        engine->command_published(command.command_id, command.attempt_token);
}

void AMerchant::announce(const std::vector<engine::AnnouncementRow>& rows) {
    for (const engine::AnnouncementRow& row : rows) {
        EXPECT_EQ(test::fault_of_event(row.routing_key, row.body), "");
        engine->announcement_published(row.announcement_id);
        announced.push_back(row);
    }
}

// --- what comes in -------------------------------------------------------------------------------------------------------

engine::InputResult AMerchant::take_in(std::any content) {
    engine::Arrival arrival;
    arrival.merchant = merchant;
    arrival.content = std::move(content);
    engine::InputResult answer;
    std::vector<engine::Input> inputs;
    inputs.push_back({std::move(arrival), [&](const engine::InputResult& result) {
                          answer = result;
                      }});
    if (!engine->run(inputs)) throw std::runtime_error("the store is away");
    return answer;
}

Delivery AMerchant::delivery(StoreId shop, const std::string& topic, const std::string& order_id) {
    Delivery delivery;
    delivery.receipt.merchant = merchant;
    delivery.receipt.store_id = shop;
    delivery.receipt.source = "shopify";
    delivery.receipt.topic = topic;
    delivery.receipt.webhook_id = "webhook-" + std::to_string(++webhooks_);
    delivery.receipt.received_at = clock.now();
    delivery.receipt.order_id = order_id;
    return delivery;
}

engine::InputResult AMerchant::deliver(Delivery delivery) {
    return take_in(std::move(delivery));
}

engine::InputResult AMerchant::deliver(StoreId shop, const std::string& topic, const sagas::OrderDocument& order) {
    Delivery whole = delivery(shop, topic, order.order_id);
    whole.order = order;
    return deliver(std::move(whole));
}

engine::InputResult AMerchant::refund(StoreId shop, const std::string& order_id, const json& body) {
    Delivery whole = delivery(shop, "refunds/create", order_id);
    whole.body = body;
    return deliver(std::move(whole));
}

engine::InputResult AMerchant::poll(StoreId shop, std::vector<sagas::OrderDocument> orders) {
    PolledOrders polled;
    polled.merchant = merchant;
    polled.store_id = shop;
    polled.source = "poll of the store";
    polled.orders = std::move(orders);
    return take_in(std::move(polled));
}

engine::InputResult AMerchant::tell(const std::string& order_id, const std::string& event, const json& payload) {
    engine::InputResult answer;
    std::vector<engine::Input> inputs;
    engine::SagaTold told;
    told.saga = saga(order_id).key;
    told.event = {event, payload, "operator anna"};
    inputs.push_back({std::move(told), [&](const engine::InputResult& result) {
                          answer = result;
                      }});
    engine->run(inputs);
    due();
    return answer;
}

void AMerchant::order(const std::string& order_id, StoreId shop, SkuId sku, std::int64_t quantity) {
    deliver(shop, "orders/create", an_order(order_id, shop, sku, quantity));
    due();
}

// --- commands ----------------------------------------------------------------------------------------------------------------

std::vector<engine::CommandRow> AMerchant::open(std::string_view activity) const {
    std::vector<engine::CommandRow> rows;
    for (const auto& [id, row] : store.tables().open_commands) {
        if (row.activity == activity) rows.push_back(row);
    }
    return rows;
}

bool AMerchant::has_open(std::string_view activity, const std::string& lane) const {
    for (const engine::CommandRow& row : open(activity)) {
        if (lane.empty() || row.lane == lane) return true;
    }
    return false;
}

engine::CommandRow AMerchant::the_open(std::string_view activity, const std::string& lane) const {
    std::optional<engine::CommandRow> found;
    for (const engine::CommandRow& row : open(activity)) {
        if (!lane.empty() && row.lane != lane) continue;
        if (found) throw std::logic_error("more than one open command " + std::string(activity));
        found = row;
    }
    if (!found) throw std::logic_error("no open command " + std::string(activity) + " " + lane);
    return *found;
}

engine::InputResult AMerchant::end(const engine::CommandRow& command, const sagas::Outcome& outcome) {
    engine::InputResult answer;
    std::vector<engine::Input> inputs;
    inputs.push_back(
        {engine::OutcomeArrived{command.merchant, command.saga_id, command.command_id, command.attempt_token, outcome},
         [&](const engine::InputResult& result) {
             answer = result;
         }});
    engine->run(inputs);
    due();
    return answer;
}

engine::InputResult AMerchant::end(std::string_view activity, const sagas::Outcome& outcome, const std::string& lane) {
    return end(the_open(activity, lane), outcome);
}

std::vector<std::pair<std::int64_t, std::int64_t>> AMerchant::flush_of(StoreId shop) const {
    std::vector<std::pair<std::int64_t, std::int64_t>> rows;
    for (const auto& [key, flush] : store.tables().flushes) {
        if (flush.closed_at || flush.store_id != shop) continue;
        for (const FlushRowItem& item : flush.items)
            rows.emplace_back(item.listing_id.value, item.delta);
    }
    return rows;
}

void AMerchant::flush_done(StoreId shop) {
    json applied = json::array();
    for (std::size_t i = 0; i < flush_of(shop).size(); ++i)
        applied.push_back(i);
    clock.advance(1ms);
    end(sagas::activity::flush_stock,
        done({{"applied", applied}, {"uncertain", json::array()}, {"refused", json::array()}}), lane_of(shop));
}

void AMerchant::accept(const std::string& order_id) {
    for (const engine::CommandRow& row : open(sagas::activity::request_fulfillment)) {
        if (row.saga_id != saga(order_id).key.saga_id) continue;
        end(row, done(
                     {{"view",
                       {{"reference", row.payload.at("reference")},
                        {"warehouse_order_id", order_id},
                        {"state", "Accepted"},
                        {"shipments", json::array()}}}}));
        return;
    }
    throw std::logic_error("nothing is requested for " + order_id);
}

void AMerchant::ship(const std::string& order_id) {
    json lines = json::array();
    for (const sagas::SagaLine& line : data(order_id).lines) {
        for (const sagas::LinePart& part : line.parts) {
            lines.push_back(
                {{"warehouse_item_id", part.warehouse_item_id},
                 {"sku", part.sku},
                 {"quantity", line.wanted * part.per_unit}});
        }
    }
    json view = {
        {"reference", data(order_id).fulfillments.back().reference},
        {"warehouse_order_id", order_id},
        {"state", "Shipped"},
        {"shipments",
         json::array(
             {{{"id", "S" + order_id}, {"state", "Shipped"}, {"tracking_number", "T" + order_id}, {"lines", lines}}})}};
    tell(order_id, "FulfillmentViewed", {{"view", view}});
}

void AMerchant::read_warehouse(const std::vector<std::pair<SkuId, std::int64_t>>& fulfillable) {
    // A reading asked in the same instant as the last one would be taken for a repeat.
    clock.advance(1ms);
    engine::DutyRow duty;
    duty.merchant = merchant;
    duty.duty = duty::read_warehouse_stock;
    duty.subject = "warehouse:1";
    duty.next_due = clock.now();
    for (const auto& [key, row] : store.tables().duties) {
        if (row.duty == duty.duty) duty = row;
    }
    if (duty.command_id.empty()) {
        duty.next_due = clock.now();
        store.add_duty(duty);
        due();
    }
    json items = json::array();
    for (const auto& [sku, units] : fulfillable) {
        items.push_back(
            {{"warehouse_item_id", "900" + std::to_string(sku.value)}, {"fulfillable", units}, {"on_hand", units}});
    }
    for (const engine::CommandRow& row : open(sagas::activity::read_warehouse_stock)) {
        if (row.payload.at("items").empty()) {
            clock.advance(1ms);
            end(row, done({{"items", items}}));
            return;
        }
    }
    throw std::logic_error("the mirror's read was not asked for");
}

// --- time --------------------------------------------------------------------------------------------------------------------

void AMerchant::begin_anew() {
    engine.reset();
    participant_ = std::make_unique<OrderParticipant>(random_, settings_);
    engine = std::make_unique<engine::Engine>(
        store, *participant_, std::vector<const sagas::SagaDefinition*>{&definition_}, *this, random_);
}

void AMerchant::due() {
    for (int round = 0; round < 100; ++round) {
        if (!engine->run_due()) throw std::runtime_error("the store is away");
        if (!engine->more_due()) return;
    }
    throw std::runtime_error("the engine does not come to rest");
}

void AMerchant::pass(Duration time) {
    clock.advance(time);
    due();
}

// --- rows ----------------------------------------------------------------------------------------------------------------------

const OrderRow* AMerchant::order_row(const std::string& order_id) const {
    for (const auto& [key, row] : store.tables().orders) {
        if (key.order_id == order_id) return &row;
    }
    return nullptr;
}

const engine::SagaRow& AMerchant::saga(const std::string& order_id) const {
    const OrderRow* row = order_row(order_id);
    if (row == nullptr || row->saga_id.empty()) throw std::logic_error("order " + order_id + " has no saga");
    return store.tables().sagas.at({merchant, row->saga_id});
}

const engine::HistoryRow& AMerchant::last_step(const std::string& order_id) const {
    const engine::HistoryRow* last = nullptr;
    for (const auto& [id, row] : store.tables().history) {
        if (row.key == saga(order_id).key) last = &row;
    }
    if (last == nullptr) throw std::logic_error("order " + order_id + " has no history");
    return *last;
}

std::vector<std::string> AMerchant::incidents() const {
    std::vector<std::string> causes;
    for (const auto& [id, incident] : store.tables().incidents) {
        if (!incident.closed_at) causes.push_back(incident.row.cause);
    }
    return causes;
}

}  // namespace ordersaga::orders
