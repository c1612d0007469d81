// One stand-in Shopify store: its catalogue, its own stock, its orders, and the events it would send.
//
// Pure and single-threaded; the instant comes in with every change. It moves its own stock as a real shop does (an
// order takes at once, a fulfilment ships, a cancel gives back or not), records every effect in the ledger, and collects
// the webhook events that a change causes, which the shell signs and delivers. Refusals are values: the caller broke a
// rule of the shop, and nothing was changed.
#pragma once

#include "runtime/clock.hpp"
#include "runtime/random.hpp"
#include "sandbox/ledger.hpp"
#include "sandbox/shopify_types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace ordersaga::sandbox {

struct Refusal {
    std::string code;
    std::string message;
};

template <class Value>
using Answer = std::variant<Value, Refusal>;

struct StoreSettings {
    std::string domain;  // "blue.myshopify.com"
    std::string name;
    std::string secret;  // signs the webhooks
    std::string access_token;
    std::string client_id;              // of the app; its secret is `secret`
    std::int64_t token_lifetime_s = 0;  // 0: access_token is good for ever, nothing else is needed
    std::string scopes =
        "write_orders,write_inventory,read_locations,read_products,write_merchant_managed_fulfillment_orders";
    std::string api_version = "2026-07";
    std::string currency = "USD";
    double bucket_points = 2000;
    double restore_points_per_second = 100;
    std::int64_t cancel_job_ms = 200;  // orderCancel is asynchronous
    std::string status = "active";     // active, frozen (402), locked (423), uninstalled (401)
};

struct WantedLine {
    std::string sku;
    std::int64_t quantity = 1;
    bool custom = false;  // a line without a variant
};

struct WantedOrder {
    std::vector<WantedLine> lines;
    std::string financial_status = "paid";
    bool oversell = false;  // sell below zero, as "continue selling when out of stock" does
    bool test = false;
    bool without_address = false;
    std::int64_t location_id = 0;  // 0: the first location that ships online orders
    std::string email;
    std::string source_name = "web";
    std::string ship_method = "Standard";
};

struct ShopEvent {
    std::string topic;
    std::string body;  // exactly the bytes to sign and send
    std::int64_t order_id = 0;
    runtime::Instant at;
};

struct FulfillmentWish {
    std::int64_t fulfillment_order_id = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>>
        lines;  // (line id of the fulfilment order, quantity); empty: all
};

struct RefundWish {
    std::int64_t line_id = 0;
    std::int64_t quantity = 0;
    std::string restock_type = "cancel";
};

class ShopifyStore {
public:
    // `index` makes ids of different stores differ. The ledger must outlive the store.
    ShopifyStore(StoreSettings settings, std::int64_t index, std::uint64_t seed, Ledger& ledger);

    [[nodiscard]] const StoreSettings& settings() const { return settings_; }
    [[nodiscard]] StoreSettings& settings() { return settings_; }
    [[nodiscard]] std::string peer() const { return "shopify:" + settings_.domain; }

    // Catalogue and stock.
    const ShopLocation& add_location(const std::string& name, bool fulfills_online_orders = true);
    const ShopVariant& add_variant(ShopVariant variant, std::int64_t opening_stock, runtime::Instant now);
    [[nodiscard]] const std::vector<ShopLocation>& locations() const { return locations_; }
    [[nodiscard]] const std::vector<ShopVariant>& variants() const { return variants_; }
    [[nodiscard]] const ShopVariant* variant_by_sku(const std::string& sku) const;
    [[nodiscard]] const ShopVariant* variant_by_id(std::int64_t variant_id) const;
    [[nodiscard]] const ShopVariant* variant_by_item(std::int64_t inventory_item_id) const;
    [[nodiscard]] const ShopLocation* location(std::int64_t id) const;
    [[nodiscard]] const ShopLevel* level(std::int64_t inventory_item_id, std::int64_t location_id) const;
    [[nodiscard]] const std::map<std::pair<std::int64_t, std::int64_t>, ShopLevel>& levels() const { return levels_; }
    // Moves available by `delta`; the level must exist. Records nothing: the caller names the cause.
    void move_available(
        std::int64_t inventory_item_id,
        std::int64_t location_id,
        std::int64_t delta,
        runtime::Instant now);

    // Orders. Each change raises updated_at strictly and queues the events a shop would send.
    Answer<std::int64_t> create_order(const WantedOrder& wanted, runtime::Instant now);
    std::optional<Refusal> pay(std::int64_t order_id, runtime::Instant now);
    std::optional<Refusal> cancel(
        std::int64_t order_id,
        const std::string& reason,
        bool restock,
        const std::string& cause,
        runtime::Instant now);
    Answer<std::int64_t> refund(
        std::int64_t order_id,
        const std::vector<RefundWish>& wishes,
        const std::string& note,
        runtime::Instant now);
    // Sets the wanted current quantity of the line with this SKU, or adds a line.
    std::optional<Refusal> edit(std::int64_t order_id, const std::vector<WantedLine>& wanted, runtime::Instant now);
    std::optional<Refusal> erase(std::int64_t order_id, runtime::Instant now);
    Answer<std::int64_t> fulfill(
        const std::vector<FulfillmentWish>& wishes,
        const std::string& company,
        const std::string& number,
        const std::string& url,
        const std::string& cause,
        runtime::Instant now);
    Answer<std::int64_t> hold(std::int64_t fulfillment_order_id, ShopHold hold, runtime::Instant now);
    std::optional<Refusal> release_hold(
        std::int64_t fulfillment_order_id,
        const std::vector<std::int64_t>& hold_ids,
        runtime::Instant now);
    std::optional<Refusal> add_tags(std::int64_t order_id, const std::vector<std::string>& tags, runtime::Instant now);
    void uninstall(runtime::Instant now);

    [[nodiscard]] const std::map<std::int64_t, ShopOrder>& orders() const { return orders_; }
    // By when they were changed last, then by id.
    using Updates = std::map<std::pair<runtime::Instant, std::int64_t>, const ShopOrder*>;
    [[nodiscard]] const Updates& updates() const { return updates_; }
    [[nodiscard]] const ShopOrder* order(std::int64_t order_id) const;
    [[nodiscard]] const ShopOrder* order_of_fulfillment_order(std::int64_t fulfillment_order_id) const;
    [[nodiscard]] std::string next_uuid() { return runtime::new_uuid_v4(random_); }
    [[nodiscard]] std::int64_t next_id();

    // orderCancel: accepted now, done by run_jobs() once its time has come.
    std::int64_t start_cancel_job(std::int64_t order_id, const std::string& reason, bool restock, runtime::Instant now);
    void run_jobs(runtime::Instant now);
    [[nodiscard]] std::optional<bool> job_done(std::int64_t job_id) const;
    [[nodiscard]] std::optional<runtime::Instant> next_job() const;

    // Webhook subscriptions; `subscribe` with the same topic and address again answers the first one's id.
    std::int64_t subscribe(const std::string& topic, const std::string& url, runtime::Instant now);
    bool unsubscribe(std::int64_t id);
    // As if somebody else had meddled: this topic now goes to `url` alone, or nowhere when that is empty.
    void divert(const std::string& topic, const std::string& url, const std::string& filter, runtime::Instant now);
    [[nodiscard]] const std::vector<ShopSubscription>& subscriptions() const { return subscriptions_; }
    // Replaces every subscription by all topics to this one address; empty removes all.
    void deliver_everything_to(const std::string& url, runtime::Instant now);

    [[nodiscard]] std::vector<ShopEvent> take_events() { return std::exchange(events_, {}); }

    // Totals for the account: orders by what the shop did, counted here and nowhere else.
    struct Totals {
        std::int64_t created = 0, refused_out_of_stock = 0, cancelled = 0, fulfillments = 0, refunds = 0;
    };
    [[nodiscard]] const Totals& totals() const { return totals_; }

private:
    struct CancelJob {
        std::int64_t id = 0, order_id = 0;
        std::string reason;
        bool restock = false, done = false;
        runtime::Instant due;
    };

    ShopOrder* find(std::int64_t order_id);
    ShopFulfillmentOrder* find_fulfillment_order(std::int64_t id, ShopOrder** owner);
    void touch(ShopOrder& order, runtime::Instant now);
    void emit(const std::string& topic, std::string body, std::int64_t order_id, runtime::Instant now);
    void emit_order(const std::string& topic, const ShopOrder& order, runtime::Instant now);
    void emit_level(std::int64_t item, std::int64_t location_id, runtime::Instant now);
    void move(const ShopOrderLine& line, std::int64_t available, std::int64_t committed, runtime::Instant now);
    std::optional<Refusal> check_stock(const std::vector<ShopOrderLine>& lines) const;
    std::optional<ShopOrderLine> make_line(const WantedLine& wanted, std::int64_t location_id);
    void reduce_fulfillment_orders(ShopOrder& order, std::int64_t line_id, std::int64_t quantity);
    void record(
        const std::string& kind,
        const std::string& key,
        const std::string& reference,
        const std::string& detail,
        runtime::Instant now);
    ShopRefund& give_back(
        ShopOrder& order,
        const std::vector<RefundWish>& wishes,
        const std::string& note,
        runtime::Instant now);

    StoreSettings settings_;
    runtime::SeededRandom random_;
    Ledger& ledger_;
    std::int64_t id_base_;
    std::int64_t ids_given_ = 0;
    std::int64_t orders_given_ = 0;
    std::vector<ShopLocation> locations_;
    std::vector<ShopVariant> variants_;
    std::unordered_map<std::string, std::size_t> by_sku_;  // their places, by what they are found by
    std::unordered_map<std::int64_t, std::size_t> by_variant_, by_item_;
    std::map<std::pair<std::int64_t, std::int64_t>, ShopLevel> levels_;
    std::map<std::int64_t, ShopOrder> orders_;
    Updates updates_;
    std::map<std::int64_t, std::int64_t> order_of_fulfillment_order_;
    std::vector<CancelJob> jobs_;
    std::vector<ShopSubscription> subscriptions_;
    std::vector<ShopEvent> events_;
    Totals totals_;
};

// Every topic that a store of ours sends.
[[nodiscard]] const std::vector<std::string>& shop_topics();

}  // namespace ordersaga::sandbox
