#include "sandbox/world.hpp"

#include "runtime/crypto.hpp"
#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace ordersaga::sandbox {
namespace {

constexpr const char* webhook_id_header = "X-Shopify-Webhook-Id";

using runtime::Instant;

std::uint64_t part_of_seed(std::uint64_t seed, const std::string& part) {
    return runtime::stable_hash(std::to_string(seed) + "/" + part);
}

// X-Shopify-Triggered-At comes with nine digits of fraction.
std::string nanosecond_time(Instant instant) {
    const auto second = std::chrono::floor<std::chrono::seconds>(instant);
    std::string fraction = std::to_string((instant - second).count() * 1000 + 248);
    fraction.insert(0, 9 - fraction.size(), '0');
    std::string text = runtime::format_rfc3339(second);
    text.pop_back();
    return text + "." + fraction + "Z";
}

}  // namespace

HeaderList shopify_delivery_headers(
    const StoreSettings& settings,
    const std::string& topic,
    const std::string& body,
    const std::string& webhook_id,
    const std::string& event_id,
    Instant triggered_at) {
    return {
        {"Content-Type", "application/json"},
        {"X-Shopify-Topic", topic},
        {"X-Shopify-Hmac-Sha256", runtime::base64_encode(runtime::hmac_sha256(settings.secret, body))},
        {"X-Shopify-Shop-Domain", settings.domain},
        {"X-Shopify-API-Version", settings.api_version},
        {webhook_id_header, webhook_id},
        {"X-Shopify-Event-Id", event_id},
        {"X-Shopify-Triggered-At", nanosecond_time(triggered_at)},
    };
}

HeaderList shipbob_delivery_headers(
    const std::string& secret,
    const std::string& topic,
    const std::string& body,
    const std::string& id,
    Instant at) {
    const std::string seconds =
        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
    const std::string encoded = secret.rfind("whsec_", 0) == 0 ? secret.substr(6) : secret;
    const std::string key = runtime::base64_decode(encoded).value_or(std::string());
    const std::string signature = runtime::base64_encode(runtime::hmac_sha256(key, id + "." + seconds + "." + body));
    return {
        {"Content-Type", "application/json"},     {"webhook-id", id},         {"webhook-timestamp", seconds},
        {"webhook-signature", "v1," + signature}, {"x-webhook-topic", topic},
    };
}

World::World(std::uint64_t seed) : seed_(seed) {
    reset();
}

void World::reset() {
    shops_.clear();
    depots_.clear();
    ledger_.clear();
    tries_.clear();
    delivery_faults_.clear();
    hooks_.clear();
    told_.clear();
    faults_ = std::make_unique<FaultDial>(part_of_seed(seed_, "faults"));
    webhooks_ = std::make_unique<WebhookQueue>(part_of_seed(seed_, "webhooks"), RetrySchedule{});
}

const Hook* World::hook(const std::string& name) const {
    const auto found = hooks_.find(name);
    return found == hooks_.end() ? nullptr : &found->second;
}

bool World::first_time(const std::string& peer, const std::string& message_id) {
    return told_.emplace(peer, message_id).second;
}

Shop* World::add_shop(StoreSettings settings) {
    const std::string domain = settings.domain;
    if (shops_.contains(domain)) {
        return nullptr;
    }
    const auto index = static_cast<std::int64_t>(shops_.size());
    auto shop = std::make_unique<Shop>(std::move(settings), index, part_of_seed(seed_, "shop " + domain), ledger_);
    return (shops_[domain] = std::move(shop)).get();
}

Depot* World::add_depot(WarehouseSettings settings) {
    const std::string name = settings.name;
    if (depots_.contains(name)) {
        return nullptr;
    }
    const auto index = static_cast<std::int64_t>(depots_.size());
    auto depot = std::make_unique<Depot>(std::move(settings), index, part_of_seed(seed_, "depot " + name), ledger_);
    return (depots_[name] = std::move(depot)).get();
}

Shop* World::shop(const std::string& domain) {
    const auto found = shops_.find(domain);
    return found == shops_.end() ? nullptr : found->second.get();
}

Depot* World::depot(const std::string& name) {
    const auto found = depots_.find(name);
    return found == depots_.end() ? nullptr : found->second.get();
}

void World::advance(Instant now) {
    for (auto& [domain, shop] : shops_) {
        shop->store.run_jobs(now);
        for (const auto& event : shop->store.take_events()) {
            queue_shop_event(*shop, event, now);
        }
    }
    for (auto& [name, depot] : depots_) {
        depot->warehouse.advance(now);
        for (const auto& event : depot->warehouse.take_events()) {
            queue_depot_event(*depot, event, now);
        }
    }
}

void World::queue_shop_event(Shop& shop, const ShopEvent& event, Instant now) {
    const std::string event_id = shop.store.next_uuid();
    for (const auto& subscription : shop.store.subscriptions()) {
        if (subscription.topic != event.topic || !subscription.filter.empty()) {
            continue;  // a filter is not understood here: nothing gets through one
        }
        const StoreSettings& settings = shop.store.settings();
        const std::string webhook_id = shop.store.next_uuid();
        // A copy may come under its own delivery id or under a new one: what to tell duplicates by is not promised.
        const std::string copy_id = webhook_id.back() < '8' ? webhook_id : shop.store.next_uuid();
        Delivery delivery;
        delivery.sender = settings.domain;
        delivery.topic = event.topic;
        delivery.url = subscription.url;
        delivery.body = event.body;
        delivery.headers = shopify_delivery_headers(settings, event.topic, event.body, webhook_id, event_id, event.at);
        HeaderList copy = delivery.headers;
        for (auto& [name, value] : copy) {
            if (name == webhook_id_header) value = copy_id;
        }
        webhooks_->add(std::move(delivery), copy, delivery_faults_["shopify"], now);
    }
}

void World::send_by_hand(
    Shop& shop,
    const std::string& topic,
    const std::string& body,
    const HeaderList& more,
    bool well_signed,
    Instant now) {
    StoreSettings settings = shop.store.settings();
    if (!well_signed) {
        settings.secret += "-not";
    }
    for (const auto& subscription : shop.store.subscriptions()) {
        if (subscription.topic != shop_topics().front()) {
            continue;  // once per address: every address that gets all topics has the first one
        }
        Delivery delivery;
        delivery.sender = settings.domain;
        delivery.topic = topic;
        delivery.url = subscription.url;
        delivery.body = body;
        delivery.headers =
            shopify_delivery_headers(settings, topic, body, shop.store.next_uuid(), shop.store.next_uuid(), now);
        for (const auto& extra : more) {
            std::erase_if(delivery.headers, [&](const auto& header) { return header.first == extra.first; });
            delivery.headers.push_back(extra);
        }
        webhooks_->add(std::move(delivery), {}, DeliveryFaults{}, now);
    }
}

void World::queue_depot_event(Depot& depot, const WarehouseEvent& event, Instant now) {
    const WarehouseOrder* order = depot.warehouse.order(event.order_id);
    if (order == nullptr) {
        return;
    }
    nlohmann::json document = depot.api.order_document(*order);
    for (const auto& shipment : order->shipments) {
        if (shipment.id == event.shipment_id) {
            document = depot.api.shipment_document(*order, shipment);
        }
    }
    const std::string body = runtime::dump_json(document);
    const auto send = [&](const std::string& url, const std::string& secret) {
        Delivery delivery;
        delivery.sender = depot.warehouse.settings().name;
        delivery.topic = event.topic;
        delivery.url = url;
        delivery.body = body;
        delivery.headers =
            shipbob_delivery_headers(secret, event.topic, body, "msg_" + depot.warehouse.next_uuid(), now);
        webhooks_->add(std::move(delivery), {}, delivery_faults_["shipbob"], now);
    };
    const WarehouseSettings& settings = depot.warehouse.settings();
    if (!settings.webhook_url.empty()) {
        send(settings.webhook_url, settings.webhook_secret);
    }
    for (const auto& subscription : depot.api.subscriptions()) {
        const auto& topics = subscription.topics;
        if (subscription.url != settings.webhook_url &&
            std::find(topics.begin(), topics.end(), event.topic) != topics.end()) {
            send(subscription.url, subscription.secret);
        }
    }
}

}  // namespace ordersaga::sandbox
