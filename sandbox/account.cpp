#include "sandbox/account.hpp"

#include "sandbox/world.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

json counts_document(const DeliveryCounts& counts) {
    return {
        {"sent", counts.sent},           {"accepted", counts.accepted}, {"duplicated", counts.duplicated},
        {"reordered", counts.reordered}, {"dropped", counts.dropped},   {"redelivered", counts.redelivered},
        {"given_up", counts.given_up},
    };
}

void add(DeliveryCounts& total, const DeliveryCounts& part) {
    total.sent += part.sent;
    total.accepted += part.accepted;
    total.duplicated += part.duplicated;
    total.reordered += part.reordered;
    total.dropped += part.dropped;
    total.redelivered += part.redelivered;
    total.given_up += part.given_up;
}

DeliveryCounts counts_of(World& world, const std::string& sender) {
    const auto& counts = world.webhooks().counts();
    const auto found = counts.find(sender);
    return found == counts.end() ? DeliveryCounts{} : found->second;
}

bool is_shop(const std::string& peer) {
    return peer.rfind("shopify:", 0) == 0;
}

json calls_document(World& world) {
    json calls = json::object();
    for (const auto& [peer, operations] : world.ledger().calls()) {
        for (const auto& [operation, count] : operations) {
            calls[peer][operation] = {
                {"received", count.received}, {"refused", count.refused}, {"is_write", count.is_write}};
        }
    }
    return calls;
}

json injected_faults(World& world) {
    json faults = json::object();
    for (const auto& [peer_kind, kinds] : world.faults().injected()) {
        for (const auto& [kind, count] : kinds) {
            faults[peer_kind][kind] = count;
        }
    }
    return faults;
}

json effects_document(World& world) {
    std::int64_t stock_calls = 0;
    std::int64_t store_fulfillments = 0;
    std::int64_t stock_rows = 0;
    std::int64_t replays = 0;
    std::set<std::string> keys;
    std::map<std::string, std::int64_t> by_tracking;
    for (const auto& [peer, operations] : world.ledger().calls()) {
        for (const auto& [operation, count] : operations) {
            const bool stock = operation == "inventoryAdjustQuantities" || operation == "inventorySetQuantities";
            stock_calls += is_shop(peer) && stock ? count.received : 0;
        }
    }
    for (const auto& effect : world.ledger().effects()) {
        replays += effect.replay ? 1 : 0;
        if (effect.replay) {
            continue;
        }
        if (is_shop(effect.peer) && (effect.kind == "stock_adjusted" || effect.kind == "stock_set")) {
            ++stock_rows;
            keys.insert(effect.peer + "/" + effect.key);
        }
        if (effect.kind == "fulfillment_created") {
            ++store_fulfillments;
            ++by_tracking[effect.peer + "/" + effect.reference + "/" + effect.key];
        }
    }
    std::int64_t duplicate_store_fulfillments = 0;
    for (const auto& [what, count] : by_tracking) {
        duplicate_store_fulfillments += count - 1;
    }
    Warehouse::Judgement total;
    json duplicated = json::array();
    for (const auto& [name, depot] : world.depots()) {
        const auto judgement = depot->warehouse.judge();
        total.created += judgement.created;
        total.cancelled += judgement.cancelled;
        total.live_parts += judgement.live_parts;
        total.duplicate_fulfillments += judgement.duplicate_fulfillments;
        total.oversold_units += judgement.oversold_units;
        total.shipped += judgement.shipped;
        total.delivered += judgement.delivered;
        for (const auto& part : judgement.duplicated_parts) {
            duplicated.push_back(part);
        }
    }
    return {
        {"fulfillments_created", total.created},
        {"fulfillments_cancelled", total.cancelled},
        {"live_fulfillments", total.live_parts},
        {"duplicate_fulfillments", total.duplicate_fulfillments},
        {"duplicated_parts", std::move(duplicated)},
        {"oversold_units", total.oversold_units},
        {"shipments_shipped", total.shipped},
        {"shipments_delivered", total.delivered},
        {"store_calls", stock_calls},
        {"store_changes", stock_rows},
        {"store_change_calls", static_cast<std::int64_t>(keys.size())},
        {"store_fulfillments", store_fulfillments},
        {"duplicate_store_fulfillments", duplicate_store_fulfillments},
        {"replays", replays},
    };
}

}  // namespace

json effect_document(const Effect& effect) {
    return {
        {"number", effect.number},
        {"at", runtime::format_rfc3339(effect.at)},
        {"peer", effect.peer},
        {"kind", effect.kind},
        {"key", effect.key},
        {"reference", effect.reference},
        {"detail", effect.detail.empty() ? json::object() : json::parse(effect.detail)},
        {"replay", effect.replay},
    };
}

json shop_account(World& world, const std::string& domain) {
    Shop& shop = *world.shop(domain);
    const ShopifyStore& store = shop.store;
    json levels = json::array();
    for (const auto& variant : store.variants()) {
        for (const auto& location : store.locations()) {
            const ShopLevel* level = store.level(variant.inventory_item_id, location.id);
            if (level == nullptr) {
                continue;
            }
            levels.push_back({
                {"sku", variant.sku},
                {"variant_id", std::to_string(variant.variant_id)},
                {"inventory_item_id", std::to_string(variant.inventory_item_id)},
                {"location_id", std::to_string(location.id)},
                {"available", level->available},
                {"committed", level->committed},
                {"on_hand", level->on_hand()},
            });
        }
    }
    std::map<std::string, std::int64_t> by_state{{"open", 0}, {"cancelled", 0}, {"fulfilled", 0}, {"held", 0}};
    for (const auto& [id, order] : store.orders()) {
        bool held = false;
        for (const auto& work : order.fulfillment_orders) {
            held = held || work.status() == "ON_HOLD";
        }
        const char* state = order.cancelled_at                          ? "cancelled"
                            : order.fulfillment_status() == "fulfilled" ? "fulfilled"
                            : held                                      ? "held"
                                                                        : "open";
        ++by_state[state];
    }
    const auto& totals = store.totals();
    json subscriptions = json::array();
    for (const auto& subscription : store.subscriptions()) {
        subscriptions.push_back(
            {{"topic", subscription.topic}, {"url", subscription.url}, {"filter", subscription.filter}});
    }
    json locations = json::array();
    for (const auto& location : store.locations()) {
        locations.push_back({{"id", std::to_string(location.id)}, {"name", location.name}});
    }
    const auto& settings = store.settings();
    return {
        {"domain", settings.domain},
        {"base_url", world.base_url() + "/shopify/" + settings.domain},
        {"api_version", settings.api_version},
        {"status", settings.status},
        {"locations", std::move(locations)},
        {"levels", std::move(levels)},
        {"orders",
         {{"created", totals.created},
          {"refused_out_of_stock", totals.refused_out_of_stock},
          {"cancelled", totals.cancelled},
          {"fulfillments", totals.fulfillments},
          {"refunds", totals.refunds},
          {"by_state", by_state}}},
        {"webhooks", counts_document(counts_of(world, domain))},
        {"subscriptions", std::move(subscriptions)},
        {"tokens", shop.admin.tokens().account()},
    };
}

json depot_account(World& world, const std::string& name) {
    const Warehouse& warehouse = world.depot(name)->warehouse;
    const auto judgement = warehouse.judge();
    json products = json::array();
    for (const auto& product : warehouse.products()) {
        products.push_back({
            {"sku", product.sku},
            {"product_id", product.product_id},
            {"variant_id", product.variant_id},
            {"inventory_id", product.inventory_id},
            {"on_hand", product.on_hand},
            {"committed", product.committed},
            {"fulfillable", product.fulfillable()},
            {"made_up", product.made_up},
        });
    }
    std::map<std::string, std::int64_t> by_status;
    for (const auto& [id, order] : warehouse.orders()) {
        ++by_status[order.status()];
    }
    return {
        {"name", name},
        {"base_url", world.base_url() + "/shipbob/" + name},
        {"products", std::move(products)},
        {"orders_by_status", by_status},
        {"created", judgement.created},
        {"cancelled", judgement.cancelled},
        {"parts", judgement.parts},
        {"live_fulfillments", judgement.live_parts},
        {"duplicate_fulfillments", judgement.duplicate_fulfillments},
        {"duplicated_parts", judgement.duplicated_parts},
        {"duplicates_refused", judgement.duplicates_refused},
        {"oversold_units", judgement.oversold_units},
        {"shipped", judgement.shipped},
        {"delivered", judgement.delivered},
        {"webhooks", counts_document(counts_of(world, name))},
    };
}

json world_account(World& world) {
    json stores = json::object();
    DeliveryCounts from_shops;
    for (const auto& [domain, shop] : world.shops()) {
        stores[domain] = shop_account(world, domain);
        add(from_shops, counts_of(world, domain));
    }
    json warehouses = json::object();
    DeliveryCounts from_depots;
    for (const auto& [name, depot] : world.depots()) {
        warehouses[name] = depot_account(world, name);
        add(from_depots, counts_of(world, name));
    }
    return {
        {"seed", world.seed()},
        {"stores", std::move(stores)},
        {"warehouses", std::move(warehouses)},
        {"webhooks",
         {{"shopify", counts_document(from_shops)},
          {"shipbob", counts_document(from_depots)},
          {"waiting", world.webhooks().waiting()},
          {"in_flight", world.webhooks().in_flight()}}},
        {"calls", calls_document(world)},
        {"faults", injected_faults(world)},
        {"effects", effects_document(world)},
        {"ledger_size", world.ledger().effects().size()},
    };
}

}  // namespace ordersaga::sandbox
