// The stand-in outside world: all shops, all warehouses, their ledger, their faults and the webhooks they send.
//
// Pure but for memory: instants come in, deliveries go out as values, no socket and no clock. Single-threaded. One seed
// decides everything that is random; each part draws from a sequence of its own, so that one does not shift another.
#pragma once

#include "runtime/clock.hpp"
#include "sandbox/faults.hpp"
#include "sandbox/ledger.hpp"
#include "sandbox/shipbob_api.hpp"
#include "sandbox/shopify_admin.hpp"
#include "sandbox/shopify_store.hpp"
#include "sandbox/warehouse.hpp"
#include "sandbox/webhook_queue.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::sandbox {

struct Shop {
    Shop(StoreSettings settings, std::int64_t index, std::uint64_t seed, Ledger& ledger)
        : store(std::move(settings), index, seed, ledger), admin(store, ledger) {}

    ShopifyStore store;
    ShopifyAdmin admin;
};

struct Depot {
    Depot(WarehouseSettings settings, std::int64_t index, std::uint64_t seed, Ledger& ledger)
        : warehouse(std::move(settings), index, seed, ledger), api(warehouse) {}

    Warehouse warehouse;
    ShipbobApi api;
};

// One try of one delivery, as its sender saw it end.
struct DeliveryTry {
    runtime::Instant at;  // the answer, or the end of patience
    std::string sender;   // the store's domain or the warehouse's name
    std::string topic;
    std::string id;                // of the webhook
    int tries = 0;                 // this one included
    int status = 0;                // 0: no answer
    std::int64_t answered_us = 0;  // from the first byte sent to the whole answer
};

// A merchant's own system that takes webhooks.
struct Hook {
    std::string secret;  // "whsec_..."
    int status = 200;    // what it answers to one that is signed well
};

class World {
public:
    explicit World(std::uint64_t seed);

    // Forgets everything, as at the start; the seed stays.
    void reset();

    // nullptr when the name is taken.
    Shop* add_shop(StoreSettings settings);
    Depot* add_depot(WarehouseSettings settings);
    [[nodiscard]] Shop* shop(const std::string& domain);
    [[nodiscard]] Depot* depot(const std::string& name);
    [[nodiscard]] const std::map<std::string, std::unique_ptr<Shop>>& shops() const { return shops_; }
    [[nodiscard]] const std::map<std::string, std::unique_ptr<Depot>>& depots() const { return depots_; }

    void put_hook(const std::string& name, Hook hook) { hooks_[name] = std::move(hook); }
    [[nodiscard]] const Hook* hook(const std::string& name) const;
    // False when this message has come to this peer before.
    bool first_time(const std::string& peer, const std::string& message_id);

    // Does what is due, then signs and queues the webhooks of everything that changed. Call it after every change.
    void advance(runtime::Instant now);
    // For delivery to everybody who has subscribed to its topic.
    void queue_shop_event(Shop& shop, const ShopEvent& event, runtime::Instant now);
    // A webhook made by hand, signed with the shop's secret (or not), outside of any event.
    void send_by_hand(
        Shop& shop,
        const std::string& topic,
        const std::string& body,
        const HeaderList& more,
        bool well_signed,
        runtime::Instant now);

    [[nodiscard]] Ledger& ledger() { return ledger_; }
    [[nodiscard]] FaultDial& faults() { return *faults_; }
    [[nodiscard]] WebhookQueue& webhooks() { return *webhooks_; }
    void record_try(DeliveryTry one) { tries_.push_back(std::move(one)); }
    [[nodiscard]] const std::vector<DeliveryTry>& tries() const { return tries_; }
    [[nodiscard]] DeliveryFaults& delivery_faults(const std::string& peer_kind) { return delivery_faults_[peer_kind]; }
    [[nodiscard]] std::uint64_t seed() const { return seed_; }
    [[nodiscard]] const std::string& base_url() const { return base_url_; }
    void set_base_url(std::string url) { base_url_ = std::move(url); }

private:
    void queue_depot_event(Depot& depot, const WarehouseEvent& event, runtime::Instant now);

    std::uint64_t seed_;
    std::string base_url_;
    Ledger ledger_;
    std::unique_ptr<FaultDial> faults_;
    std::unique_ptr<WebhookQueue> webhooks_;
    std::vector<DeliveryTry> tries_;
    std::map<std::string, DeliveryFaults> delivery_faults_;
    std::map<std::string, std::unique_ptr<Shop>> shops_;
    std::map<std::string, std::unique_ptr<Depot>> depots_;
    std::map<std::string, Hook> hooks_;
    std::set<std::pair<std::string, std::string>> told_;  // peer and message id
};

// The headers of one Shopify delivery, signature included.
[[nodiscard]] HeaderList shopify_delivery_headers(
    const StoreSettings& settings,
    const std::string& topic,
    const std::string& body,
    const std::string& webhook_id,
    const std::string& event_id,
    runtime::Instant triggered_at);

// The headers of one ShipBob delivery (Standard Webhooks). `secret` is "whsec_…".
[[nodiscard]] HeaderList shipbob_delivery_headers(
    const std::string& secret,
    const std::string& topic,
    const std::string& body,
    const std::string& id,
    runtime::Instant at);

}  // namespace ordersaga::sandbox
