#include "tests/simulation/world.hpp"

#include "orchestrator/orders/arrivals.hpp"
#include "tests/support/sim/laws.hpp"

#include <algorithm>

namespace ordersaga::simulation {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Instant World::start_time{std::chrono::sys_days(std::chrono::year(2026) / 7 / 1) + std::chrono::hours(8)};

namespace {

constexpr int most_webhook_attempts = 8;  // then the shop gives up and only the poll can help
constexpr Duration between_checks = seconds(45);
constexpr Duration others_look_after = seconds(5);

}  // namespace

struct World::Post {
    orders::ReceiptRow receipt;
    json body;
};

World::World(const Options& options, Settings settings, bool print, const MakeGround& make_ground)
    : settings_(std::move(settings)),
      clock_(start_time),
      agenda_(clock_),
      trace_(agenda_, print),
      weather_(agenda_, options),
      store_(clock_, &weather_),
      ground_(make_ground ? make_ground(clock_, weather_) : nullptr),
      definition_(settings_.saga),
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
      broker_(agenda_, weather_, trace_, hosts_, workers_),
      seed_(options.seed) {
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
        store_.add_duty({merchant, duty, "warehouse:1", start_time, json::object(), ""});
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

Shop& World::add_shop(const std::string& key, const std::string& order_policy, Duration hold_expiry) {
    const sagas::StoreId id{static_cast<std::int64_t>(shops_.size()) + 1};
    orders::StoreRow row;
    row.merchant = merchant;
    row.store_id = id;
    row.key = key;
    row.shop_domain = key + ".myshopify.com";
    row.location_id = Shop::location;
    row.status = "active";
    row.go_live_at = start_time;
    row.order_policy = order_policy;
    row.channel_wait = seconds(10);
    row.hold_expiry = hold_expiry;
    row.warehouse_id = warehouse_id;
    row.ship_methods = {{"Standard", "Standard"}};
    store_.add_store(row);
    for (const char* duty : {orders::duty::poll_orders, orders::duty::quiet_reads}) {
        store_.add_duty({merchant, duty, "store:" + std::to_string(id.value), start_time, json::object(), ""});
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

void World::start(int hosts, int workers) {
    if (ground_) ground_->open(store_.tables());
    std::map<std::string, Shop*> shops;
    for (const auto& shop : shops_)
        shops[shop->key()] = shop.get();
    for (int i = 0; i < workers; ++i)
        workers_.push_back(std::make_unique<Worker>(i, agenda_, weather_, shops, warehouse_, trace_, broker_.ports()));
    for (int i = 0; i < hosts; ++i) {
        engine::Store& store = ground_ ? ground_->add_store() : store_;
        hosts_.push_back(std::make_unique<EngineHost>(
            "engine" + std::to_string(i), store, definition_, settings_.participant, agenda_, weather_, trace_,
            seed_ * 1000 + static_cast<std::uint64_t>(i) + 1,
            [this](EngineHost& host, const Sent& command) { broker_.publish(host, command); }));
        hosts_.back()->set_onlooker(
            [this](const EngineHost& from, const EngineHost::Changes& changes) { hear(from, changes); });
    }
}

// What one engine has committed another finds in time, also when the first dies over it.
void World::hear(const EngineHost& from, const EngineHost::Changes& changes) {
    for (const auto& host : hosts_) {
        if (host.get() != &from) host->look_by(agenda_.now() + others_look_after);
    }
    if (!onlooker_) return;
    for (const engine::SagaChange& change : changes)
        onlooker_(change);
}

void World::run_until(Instant calm, Instant end, const std::function<bool()>& settled) {
    Instant next_check = start_time + between_checks;
    while (agenda_.step(end)) {
        if (agenda_.now() < next_check || !violations_.empty()) continue;
        next_check = agenda_.now() + between_checks;
        violations_ = sim::check_laws(tables());
        for (const std::string& violation : violations_)
            trace_.line(violation);
        if (agenda_.now() >= calm && settled()) return;
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Webhooks

void World::post_of_shop(const Shop& shop, const ShopWebhook& webhook) {
    orders::ReceiptRow receipt;
    receipt.source = "shopify";
    receipt.store_id = shop.id();
    receipt.topic = webhook.topic;
    receipt.order_id = webhook.order_id;
    if (level_onlooker_ && webhook.topic == "inventory_levels/update") level_onlooker_();
    post(std::move(receipt), webhook.body);
}

void World::post(orders::ReceiptRow receipt, json body) {
    const auto letter = std::make_shared<Post>();
    letter->receipt = std::move(receipt);
    letter->receipt.merchant = merchant;
    letter->receipt.webhook_id = "w" + std::to_string(++posts_);
    letter->receipt.event_id = letter->receipt.source == "shopify" ? "e" + std::to_string(posts_) : "";
    letter->receipt.body = body.dump();
    letter->receipt.headers = {{"triggered_at", runtime::format_rfc3339(agenda_.now())}};
    letter->body = std::move(body);
    trace_.line("webhook " + letter->receipt.topic + " " + letter->receipt.order_id + " " + letter->receipt.body);
    if (weather_.happens(Fault::webhook_dropped)) return;

    const auto send = [this](const std::shared_ptr<Post>& sent) {
        const Duration most = weather_.happens(Fault::webhook_late) ? Duration(seconds(60))
                              : weather_.random().chance(0.5)       ? Duration(milliseconds(100))
                                                                    : Duration(milliseconds(1500));
        agenda_.after(weather_.between(milliseconds(10), most), [this, sent] { deliver(sent, 1); });
    };
    send(letter);
    if (weather_.happens(Fault::webhook_twice)) send(letter);
    if (weather_.happens(Fault::webhook_renamed)) {
        // The same event under another delivery id.
        const auto renamed = std::make_shared<Post>(*letter);
        renamed->receipt.webhook_id += "b";
        send(renamed);
    }
}

void World::deliver(const std::shared_ptr<Post>& post, int attempt) {
    const auto again = [this, post, attempt] {
        if (attempt >= most_webhook_attempts) return;
        agenda_.after(seconds(1 << attempt), [this, post, attempt] { deliver(post, attempt + 1); });
    };
    Message message;
    message.input = [post](Instant wall_clock) {
        orders::Delivery delivery;
        delivery.receipt = post->receipt;
        delivery.receipt.received_at = wall_clock;
        delivery.body = post->body;
        const std::string& topic = post->receipt.topic;
        if (topic.starts_with("orders/")) delivery.order = sagas::order_document_from_webhook(post->body);
        engine::Input input;
        input.content = engine::Arrival{merchant, std::move(delivery), ""};
        return input;
    };
    message.settled = [this, again, post](bool settled) {
        if (!settled) return again();
        const orders::ReceiptRow& receipt = post->receipt;
        // Of a level the listing alone tells; whether that was enough shows where all has to agree in the end.
        const bool leaves_receipt = receipt.topic != "inventory_levels/update";
        if (!receipt.event_id.empty() && leaves_receipt)
            answered_.push_back(
                {receipt.merchant, receipt.source, receipt.store_id, receipt.topic, receipt.event_id, receipt.name});
    };
    if (!broker_.any_host().take(std::move(message))) again();
}

// ---------------------------------------------------------------------------------------------------------------------
// People

void World::say(const std::function<engine::Input()>& input) {
    const auto again = [this, input] {
        agenda_.after(seconds(1), [this, input] { say(input); });
    };
    Message message;
    message.input = [input](Instant) {
        return input();
    };
    message.settled = [again](bool settled) {
        if (!settled) again();
    };
    if (!broker_.any_host().take(std::move(message))) again();
}

void World::tell(const engine::SagaKey& saga, sagas::Event event) {
    trace_.line("an operator tells " + saga.saga_id + " " + event.name);
    say([saga, event] {
        engine::Input input;
        engine::AuditRow audit;
        audit.merchant = saga.merchant;
        audit.actor = "operator";
        audit.action = event.name;
        audit.subject = saga.saga_id;
        input.content = engine::SagaTold{saga, event, std::nullopt, audit};
        return input;
    });
}

}  // namespace ordersaga::simulation
