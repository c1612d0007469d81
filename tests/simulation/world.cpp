#include "tests/simulation/world.hpp"

#include "orchestrator/orders/arrivals.hpp"
#include "tests/support/sim/laws.hpp"

#include <algorithm>

namespace ordersaga::simulation {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Instant World::start{std::chrono::sys_days(std::chrono::year(2026) / 7 / 1) + std::chrono::hours(8)};

namespace {

constexpr int most_webhook_attempts = 8;  // then the shop gives up and only the poll can help
constexpr std::uint64_t steps_between_checks = 400;

sagas::OrderSagaSettings saga_settings() {
    sagas::OrderSagaSettings settings;
    settings.late_checks = {minutes(1), minutes(5), minutes(20)};
    settings.delivery_assumed = std::chrono::hours(1);
    return settings;
}

}  // namespace

struct World::Post {
    orders::ReceiptRow receipt;
    json body;
};

World::World(std::uint64_t seed, bool print)
    : clock_(start),
      agenda_(clock_),
      trace_(agenda_, print),
      weather_(agenda_, seed, FaultRates{}),
      store_(clock_, &weather_),
      definition_(saga_settings()),
      warehouse_(
          agenda_,
          weather_,
          [this](const WarehouseOrder& order) {
              orders::ReceiptRow receipt;
              receipt.source = "shipbob";
              receipt.store_id = {warehouse_id.value};
              receipt.topic = "order.changed";
              post(std::move(receipt), {{"reference_id", order.reference}});
          }),
      seed_(seed) {
    store_.add_merchant(merchant);
    orders::WarehouseRow row;
    row.merchant = merchant;
    row.warehouse_id = warehouse_id;
    row.key = Warehouse::key;
    row.kind = "shipbob";
    row.status = "active";
    row.reading_lag = Warehouse::lag;
    row.calls_per_minute = 600;
    store_.add_warehouse(row);
    for (const char* duty : {orders::duty::read_warehouse_stock, orders::duty::poll_fulfillments}) {
        store_.add_duty({merchant, duty, "warehouse:1", start, json::object(), ""});
    }
}

World::~World() = default;

void World::add_sku(const StockedSku& sku) {
    orders::SkuRow row;
    row.merchant = merchant;
    row.sku_id = sku.id;
    row.sku = sku.name;
    row.warehouse_item_id = sku.components.empty() ? sku.item_id() : "";
    row.policy = sku.policy;
    row.reading = sku.reading;
    row.buffer = sku.buffer;
    row.low_at = 2;
    row.components = sku.components;
    store_.add_sku(row);
    skus_.push_back(sku);
    if (!sku.components.empty()) return;
    store_.open_stock({merchant, sku.id, warehouse_id}, sku.opening);
    warehouse_.stock_item(sku.item_id(), sku.name, sku.opening);
}

Shop& World::add_shop(const std::string& key, const std::string& order_policy) {
    const sagas::StoreId id{static_cast<std::int64_t>(shops_.size()) + 1};
    orders::StoreRow row;
    row.merchant = merchant;
    row.store_id = id;
    row.key = key;
    row.shop_domain = key + ".myshopify.com";
    row.location_id = Shop::location;
    row.status = "active";
    row.go_live_at = start;
    row.order_policy = order_policy;
    row.channel_wait = seconds(10);
    row.hold_expiry = minutes(10);
    row.warehouse_id = warehouse_id;
    row.ship_methods = {{"Standard", "Standard"}};
    store_.add_store(row);
    for (const char* duty : {orders::duty::poll_orders, orders::duty::quiet_reads}) {
        store_.add_duty({merchant, duty, "store:" + std::to_string(id.value), start, json::object(), ""});
    }
    shops_.push_back(std::make_unique<Shop>(
        id, key, agenda_,
        [this, index = shops_.size()](const ShopWebhook& webhook) { post_of_shop(*shops_[index], webhook); }));
    return *shops_.back();
}

void World::list_all(const std::function<std::int64_t(const Shop&, const StockedSku&)>& shown) {
    std::int64_t number = 0;
    for (const auto& shop : shops_) {
        for (const StockedSku& sku : skus_) {
            ++number;
            orders::ListingRow row;
            row.merchant = merchant;
            row.listing_id = {number};
            row.store_id = shop->id();
            row.sku_id = sku.id;
            row.variant_id = std::to_string(50'000 + number);
            row.inventory_item_id = std::to_string(60'000 + number);
            row.location_id = Shop::location;
            row.wants_read = true;
            store_.add_listing(row);
            shop->add_item(
                {row.variant_id, row.inventory_item_id, sku.name, shown(*shop, sku), sku.policy == "backorder"});
        }
    }
}

void World::start_hosts(int count) {
    std::map<std::string, Shop*> shops;
    for (const auto& shop : shops_)
        shops[shop->key()] = shop.get();
    worker_ = std::make_unique<Worker>(agenda_, weather_, shops, warehouse_, trace_);
    for (int i = 0; i < count; ++i) {
        hosts_.push_back(std::make_unique<EngineHost>(
            "engine" + std::to_string(i), store_, definition_, orders::OrderParticipantSettings{}, agenda_, weather_,
            trace_, seed_ * 1000 + static_cast<std::uint64_t>(i) + 1,
            [this](EngineHost& host, const engine::CommandRow& command) { publish(host, command); }));
    }
}

void World::run_until(Instant end) {
    std::uint64_t steps = 0;
    while (agenda_.step(end)) {
        if (++steps % steps_between_checks != 0 || !violations_.empty()) continue;
        violations_ = sim::check_laws(store_);
        for (const std::string& violation : violations_)
            trace_.line(violation);
    }
}

EngineHost& World::any_host() {
    return *hosts_[weather_.random().below(hosts_.size())];
}

// ---------------------------------------------------------------------------------------------------------------------
// Webhooks

void World::post_of_shop(const Shop& shop, const ShopWebhook& webhook) {
    orders::ReceiptRow receipt;
    receipt.source = "shopify";
    receipt.store_id = shop.id();
    receipt.topic = webhook.topic;
    receipt.order_id = webhook.order_id;
    post(std::move(receipt), webhook.body);
}

void World::post(orders::ReceiptRow receipt, json body) {
    const auto letter = std::make_shared<Post>();
    letter->receipt = std::move(receipt);
    letter->receipt.merchant = merchant;
    letter->receipt.webhook_id = "w" + std::to_string(++posts_);
    letter->receipt.event_id = letter->receipt.source == "shopify" ? "e" + std::to_string(posts_) : "";
    letter->receipt.body = body.dump();
    letter->receipt.headers = json::object();
    letter->body = std::move(body);
    trace_.line("webhook " + letter->receipt.topic + " " + letter->receipt.order_id + " " + letter->receipt.body);
    if (weather_.happens(&FaultRates::webhook_dropped)) return;

    const int copies = weather_.happens(&FaultRates::webhook_twice) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
        std::shared_ptr<Post> sent = letter;
        if (copy > 0 && weather_.random().chance(0.5)) {
            // The same event under another delivery id.
            sent = std::make_shared<Post>(*letter);
            sent->receipt.webhook_id += "b";
        }
        const Duration most =
            weather_.happens(&FaultRates::webhook_late) ? Duration(seconds(60)) : Duration(milliseconds(1500));
        agenda_.after(weather_.between(milliseconds(10), most), [this, sent] { deliver(sent, 1); });
    }
}

void World::deliver(const std::shared_ptr<Post>& post, int attempt) {
    const auto again = [this, post, attempt] {
        if (attempt >= most_webhook_attempts) return;
        agenda_.after(seconds(1 << attempt), [this, post, attempt] { deliver(post, attempt + 1); });
    };
    Message message;
    message.input = [this, post] {
        orders::Delivery delivery;
        delivery.receipt = post->receipt;
        delivery.receipt.received_at = agenda_.now();
        delivery.body = post->body;
        const std::string& topic = post->receipt.topic;
        if (topic.starts_with("orders/")) delivery.order = sagas::order_document_from_webhook(post->body);
        engine::Input input;
        input.content = engine::Arrival{merchant, std::move(delivery), ""};
        return input;
    };
    message.settled = [again](bool settled) {
        if (!settled) again();
    };
    if (!any_host().take(std::move(message))) again();
}

// ---------------------------------------------------------------------------------------------------------------------
// The broker

void World::publish(EngineHost& host, const engine::CommandRow& command) {
    trace_.line(
        "send " + command.activity + " " + command.idempotency_key + " attempt " + std::to_string(command.attempt));
    if (weather_.happens(&FaultRates::message_lost)) return;
    const Duration stall = weather_.away_until("broker") - agenda_.now();
    if (!weather_.happens(&FaultRates::confirm_lost)) {
        agenda_.after(
            stall + milliseconds(3), [&host, life = host.life(), id = command.command_id,
                                      token = command.attempt_token] { host.confirm(life, id, token); });
    }
    const Duration most =
        weather_.happens(&FaultRates::message_late) ? Duration(seconds(15)) : Duration(milliseconds(50));
    agenda_.after(
        stall + weather_.between(milliseconds(1), most), [this, command] { bring_to_worker(command, false); });
    if (weather_.happens(&FaultRates::message_twice)) {
        agenda_.after(stall + weather_.between(milliseconds(5), seconds(10)), [this, command] {
            bring_to_worker(command, true);
        });
    }
}

void World::bring_to_worker(const engine::CommandRow& command, bool seen_before) {
    worker_->perform(command, seen_before, [this, command](const sagas::Outcome& outcome) {
        if (weather_.happens(&FaultRates::message_lost)) return;
        const Duration stall = weather_.away_until("broker") - agenda_.now();
        const int copies = weather_.happens(&FaultRates::message_twice) ? 2 : 1;
        for (int copy = 0; copy < copies; ++copy) {
            const Duration most =
                weather_.happens(&FaultRates::message_late) ? Duration(seconds(25)) : Duration(milliseconds(50));
            agenda_.after(stall + weather_.between(milliseconds(1), most), [this, command, outcome] {
                bring_outcome(command, outcome);
            });
        }
    });
}

void World::bring_outcome(const engine::CommandRow& command, const sagas::Outcome& outcome) {
    const auto again = [this, command, outcome] {
        agenda_.after(milliseconds(300), [this, command, outcome] { bring_outcome(command, outcome); });
    };
    Message message;
    message.input = [command, outcome] {
        engine::Input input;
        input.content = engine::OutcomeArrived{
            command.merchant, command.saga_id, command.command_id, command.attempt_token, outcome};
        return input;
    };
    message.settled = [again](bool settled) {
        if (!settled) again();
    };
    if (!any_host().take(std::move(message))) again();
}

}  // namespace ordersaga::simulation
