#include "sandbox/control_api.hpp"

#include "runtime/json.hpp"
#include "sandbox/account.hpp"
#include "sandbox/hand_over.hpp"
#include "sandbox/shopify_documents.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <set>
#include <stdexcept>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;
using runtime::Instant;

struct BadRequest : std::runtime_error {
    BadRequest(int with_status, const std::string& message) : std::runtime_error(message), status(with_status) {}
    int status;
};

[[noreturn]] void refuse(int status, const std::string& message) {
    throw BadRequest(status, message);
}

PeerAnswer reply(int status, const json& body) {
    PeerAnswer answer;
    answer.status = status;
    answer.body = runtime::dump_json(body);
    answer.operation = "control";
    return answer;
}

PeerAnswer reply(const json& body) {
    return reply(200, body);
}

// --- reading settings: a member of the wrong type or an unknown name is told, never ignored ----------------------------

class Members {
public:
    explicit Members(const json& object) : object_(object) {
        if (!object.is_object()) {
            refuse(400, "the body must be a JSON object");
        }
    }

    template <class Value>
    Members& take(const char* name, Value& into) {
        known_.insert(name);
        const auto found = object_.find(name);
        if (found == object_.end() || found->is_null()) {
            return *this;
        }
        if constexpr (std::is_same_v<Value, bool>) {
            check(found->is_boolean(), name, "true or false");
        } else if constexpr (std::is_same_v<Value, std::string>) {
            check(found->is_string(), name, "text");
        } else if constexpr (std::is_same_v<Value, double>) {
            check(found->is_number(), name, "a number");
        } else if constexpr (std::is_integral_v<Value>) {
            check(found->is_number_integer(), name, "a whole number");
        }
        into = found->template get<Value>();
        return *this;
    }

    Members& take(const char* name, std::chrono::milliseconds& into) {
        std::int64_t count = into.count();
        take(name, count);
        into = std::chrono::milliseconds{count};
        return *this;
    }

    // An id, as a number or as text.
    Members& take_id(const char* name, std::int64_t& into) {
        known_.insert(name);
        const auto found = object_.find(name);
        if (found == object_.end() || found->is_null()) {
            return *this;
        }
        if (found->is_string()) {
            const std::string text = found->get<std::string>();
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
            check(error == std::errc{} && end == text.data() + text.size(), name, "an id");
        } else {
            check(found->is_number_integer(), name, "an id");
            into = found->get<std::int64_t>();
        }
        return *this;
    }

    // The member as it is, or an empty array.
    json list(const char* name) {
        known_.insert(name);
        const auto found = object_.find(name);
        if (found == object_.end()) {
            return json::array();
        }
        check(found->is_array(), name, "a list");
        return *found;
    }

    [[nodiscard]] bool has(const char* name) {
        known_.insert(name);
        return object_.contains(name);
    }

    void no_others() const {
        for (const auto& [name, value] : object_.items()) {
            if (!known_.contains(name)) {
                refuse(400, "\"" + name + "\" is not understood here");
            }
        }
    }

private:
    static void check(bool fits, const std::string& name, const std::string& what) {
        if (!fits) {
            refuse(400, "\"" + name + "\" must be " + what);
        }
    }

    const json& object_;
    std::set<std::string> known_;
};

void read_store_settings(Members& members, StoreSettings& settings) {
    members.take("name", settings.name)
        .take("secret", settings.secret)
        .take("access_token", settings.access_token)
        .take("client_id", settings.client_id)
        .take("token_lifetime_s", settings.token_lifetime_s)
        .take("scopes", settings.scopes)
        .take("api_version", settings.api_version)
        .take("currency", settings.currency)
        .take("bucket_points", settings.bucket_points)
        .take("restore_points_per_second", settings.restore_points_per_second)
        .take("cancel_job_ms", settings.cancel_job_ms)
        .take("status", settings.status);
    if (settings.bucket_points <= 0 || settings.restore_points_per_second <= 0) {
        refuse(400, "the bucket's figures must be positive");
    }
}

void read_warehouse_settings(Members& members, WarehouseSettings& settings) {
    members.take("access_token", settings.access_token)
        .take("channel_id", settings.channel_id)
        .take("webhook_secret", settings.webhook_secret)
        .take("webhook_url", settings.webhook_url)
        .take("location_name", settings.location_name)
        .take("ships_by_itself", settings.ships_by_itself)
        .take("pick_after_ms", settings.pick_after_ms)
        .take("label_after_ms", settings.label_after_ms)
        .take("ship_after_ms", settings.ship_after_ms)
        .take("deliver_after_ms", settings.deliver_after_ms)
        .take("split_fraction", settings.split_fraction)
        .take("rate_limit_per_minute", settings.rate_limit_per_minute)
        .take("inventory_lag_ms", settings.inventory_lag_ms)
        .take("lookup_lag_ms", settings.lookup_lag_ms)
        .take("channel_scopes", settings.channel_scopes)
        .take("ship_methods", settings.ship_methods);
}

std::string word_in(const json& object, const char* name) {
    std::string word;
    Members(object).take(name, word);
    if (word.empty()) {
        refuse(400, "\"" + std::string(name) + "\" is missing");
    }
    return word;
}

// --- stores ------------------------------------------------------------------------------------------------------------

json add_variant(Shop& shop, const json& wish, Instant now) {
    ShopVariant variant;
    std::int64_t stock = 0;
    Members members(wish);
    if (!members.has("sku")) {
        refuse(400, "\"sku\" is missing");
    }
    members.take("sku", variant.sku);
    variant.title = variant.sku;
    variant.price_cents = 1999;
    bool duplicate = false;
    members.take("duplicate", duplicate)
        .take("title", variant.title)
        .take("price_cents", variant.price_cents)
        .take("stock", stock)
        .take("tracked", variant.tracked)
        .take("requires_shipping", variant.requires_shipping)
        .take("gift_card", variant.gift_card)
        .take("mutable_stock", variant.mutable_stock)
        .take("product_status", variant.product_status)
        .no_others();
    if (!duplicate && shop.store.variant_by_sku(variant.sku) != nullptr) {
        refuse(409, "the store has that SKU already");
    }
    const ShopVariant& made = shop.store.add_variant(variant, stock, now);
    return {
        {"sku", made.sku},
        {"variant_id", std::to_string(made.variant_id)},
        {"product_id", std::to_string(made.product_id)},
        {"inventory_item_id", std::to_string(made.inventory_item_id)},
    };
}

json add_store(World& world, const json& wish, Instant now) {
    Members members(wish);
    StoreSettings settings;
    settings.domain = word_in(wish, "domain");
    settings.name = settings.domain;
    settings.secret = "secret-of-" + settings.domain;
    settings.access_token = "shpat_" + settings.domain;
    settings.client_id = "client-of-" + settings.domain;
    std::string webhook_url;
    members.take("domain", settings.domain).take("webhook_url", webhook_url);
    read_store_settings(members, settings);
    const json locations = members.list("locations");
    const json variants = members.list("variants");
    members.no_others();
    const std::string domain = settings.domain;
    if (domain.find('/') != std::string::npos) {
        refuse(400, "\"domain\" must not hold a slash");
    }
    Shop* shop = world.add_shop(std::move(settings));
    if (shop == nullptr) {
        refuse(409, "there is a store of that domain already");
    }
    for (const auto& location : locations) {
        if (!location.is_string()) {
            refuse(400, "\"locations\" must be a list of names");
        }
        shop->store.add_location(location.get<std::string>());
    }
    if (locations.empty()) {
        shop->store.add_location("Shop location");
    }
    for (const auto& variant : variants) {
        add_variant(*shop, variant, now);
    }
    shop->store.deliver_everything_to(webhook_url, now);
    json account = shop_account(world, domain);
    account["secret"] = shop->store.settings().secret;
    account["access_token"] = shop->store.settings().access_token;
    account["client_id"] = shop->store.settings().client_id;
    return account;
}

void change_store(World& world, Shop& shop, const json& wish, Instant now) {
    Members members(wish);
    StoreSettings settings = shop.store.settings();
    std::string webhook_url;
    const bool redirect = members.has("webhook_url");
    members.take("webhook_url", webhook_url);
    read_store_settings(members, settings);
    members.no_others();
    shop.store.settings() = settings;
    shop.admin.forget_bucket();
    if (redirect) {
        shop.store.deliver_everything_to(webhook_url, now);
    }
    world.advance(now);
}

void set_store_stock(World& world, Shop& shop, const json& wish, Instant now) {
    Members members(wish);
    const ShopVariant* variant = shop.store.variant_by_sku(word_in(wish, "sku"));
    std::string sku;
    std::int64_t location_id = shop.store.locations().front().id;
    std::int64_t available = 0;
    std::int64_t delta = 0;
    const bool absolute = members.has("available");
    members.take("sku", sku)
        .take_id("location_id", location_id)
        .take("available", available)
        .take("delta", delta)
        .no_others();
    const ShopLevel* level = variant == nullptr ? nullptr : shop.store.level(variant->inventory_item_id, location_id);
    if (level == nullptr) {
        refuse(404, "no such SKU at that location");
    }
    const std::int64_t move = absolute ? available - level->available : delta;
    shop.store.move_available(variant->inventory_item_id, location_id, move, now);
    world.ledger().record(
        {0, now, shop.store.peer(), "stock_set_by_hand", "", std::to_string(variant->inventory_item_id),
         json{{"sku", variant->sku}, {"delta", move}}.dump(), false});
}

WantedOrder read_wanted_order(const json& wish, bool with_store) {
    WantedOrder wanted;
    bool paid = true;
    std::string store;
    Members members(wish);
    members.take("financial_status", wanted.financial_status)
        .take("paid", paid)
        .take("oversell", wanted.oversell)
        .take("test", wanted.test)
        .take("without_address", wanted.without_address)
        .take_id("location_id", wanted.location_id)
        .take("email", wanted.email)
        .take("source_name", wanted.source_name)
        .take("ship_method", wanted.ship_method);
    if (with_store) {
        members.take("store", store);
    }
    static const std::set<std::string> statuses{"pending", "authorized", "paid"};
    if (!paid && wanted.financial_status == "paid") {
        wanted.financial_status = "pending";
    }
    if (!statuses.contains(wanted.financial_status)) {
        refuse(400, "\"financial_status\" must be pending, authorized or paid");
    }
    for (const auto& line : members.list("lines")) {
        WantedLine one;
        Members(line).take("sku", one.sku).take("quantity", one.quantity).take("custom", one.custom).no_others();
        wanted.lines.push_back(std::move(one));
    }
    members.no_others();
    return wanted;
}

json order_brief(const ShopOrder& order) {
    json lines = json::array();
    for (const auto& line : order.lines) {
        lines.push_back({
            {"line_id", std::to_string(line.id)},
            {"sku", line.sku ? json(*line.sku) : json(nullptr)},
            {"quantity", line.quantity},
            {"current_quantity", line.current_quantity},
            {"fulfillable_quantity", line.fulfillable},
        });
    }
    json fulfillments = json::array();
    for (const auto& fulfillment : order.fulfillments) {
        fulfillments.push_back(
            {{"id", std::to_string(fulfillment.id)}, {"tracking_number", fulfillment.tracking_number}});
    }
    bool held = false;
    for (const auto& work : order.fulfillment_orders) {
        held = held || work.status() == "ON_HOLD";
    }
    return {
        {"id", std::to_string(order.id)},
        {"name", order.name},
        {"created_at", runtime::format_rfc3339(order.created_at)},
        {"updated_at", runtime::format_rfc3339(order.updated_at)},
        {"financial_status", order.financial_status},
        {"fulfillment_status", order.fulfillment_status()},
        {"cancelled", order.cancelled_at.has_value()},
        {"cancel_reason", order.cancel_reason},
        {"held", held},
        {"tags", order.tags},
        {"lines", std::move(lines)},
        {"fulfillments", std::move(fulfillments)},
    };
}

int status_of(const Refusal& refusal) {
    if (refusal.code == "not_found" || refusal.code == "NOT_FOUND") {
        return 404;
    }
    return refusal.code == "bad_line" || refusal.code == "bad_refund" || refusal.code == "no_location" ? 400 : 409;
}

PeerAnswer refusal_reply(const Refusal& refusal) {
    return reply(status_of(refusal), json{{"error", refusal.message}, {"code", refusal.code}});
}

std::int64_t order_id_of(const std::string& text) {
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc{} || end != text.data() + text.size()) {
        refuse(400, "an order id must be a whole number");
    }
    return id;
}

std::optional<Refusal> refund_order(Shop& shop, std::int64_t order_id, const json& wish, Instant now) {
    const ShopOrder* order = shop.store.order(order_id);
    if (order == nullptr) {
        return Refusal{"not_found", "no such order"};
    }
    std::string note;
    std::string restock_type = "cancel";
    Members members(wish);
    members.take("note", note).take("restock_type", restock_type);
    std::vector<RefundWish> wishes;
    for (const auto& line : members.list("lines")) {
        RefundWish one;
        std::string sku;
        one.restock_type = restock_type;
        Members(line)
            .take_id("line_id", one.line_id)
            .take("sku", sku)
            .take("quantity", one.quantity)
            .take("restock_type", one.restock_type)
            .no_others();
        for (const auto& sold : order->lines) {
            one.line_id = one.line_id == 0 && sold.sku == sku ? sold.id : one.line_id;
        }
        wishes.push_back(one);
    }
    members.no_others();
    const auto done = shop.store.refund(order_id, wishes, note, now);
    return std::holds_alternative<Refusal>(done) ? std::optional(std::get<Refusal>(done)) : std::nullopt;
}

std::optional<Refusal> act_on_order(
    Shop& shop,
    std::int64_t order_id,
    const std::string& action,
    const json& wish,
    Instant now) {
    if (action == "pay") {
        return shop.store.pay(order_id, now);
    }
    if (action == "cancel") {
        bool restock = true;
        std::string reason = "customer";
        Members(wish).take("restock", restock).take("reason", reason).no_others();
        return shop.store.cancel(order_id, reason, restock, "control", now);
    }
    if (action == "refund") {
        return refund_order(shop, order_id, wish, now);
    }
    if (action == "edit") {
        std::vector<WantedLine> lines;
        Members members(wish);
        for (const auto& line : members.list("lines")) {
            WantedLine one;
            Members(line).take("sku", one.sku).take("quantity", one.quantity).no_others();
            lines.push_back(std::move(one));
        }
        members.no_others();
        return shop.store.edit(order_id, lines, now);
    }
    if (action == "fulfill") {
        // Somebody in the shop's own admin ships the order, behind the product's back.
        std::string company = "Other";
        std::string number = "BY-HAND-" + std::to_string(order_id);
        Members(wish).take("company", company).take("tracking_number", number).no_others();
        const ShopOrder* order = shop.store.order(order_id);
        if (order == nullptr) {
            return Refusal{"not_found", "no such order"};
        }
        std::vector<FulfillmentWish> wishes;
        for (const auto& work : order->fulfillment_orders) {
            wishes.push_back({work.id, {}});
        }
        const auto done = shop.store.fulfill(wishes, company, number, "", "control", now);
        return std::holds_alternative<Refusal>(done) ? std::optional(std::get<Refusal>(done)) : std::nullopt;
    }
    refuse(404, "no such action: " + action);
}

PeerAnswer make_order(World& world, Shop& shop, const WantedOrder& wanted, Instant now) {
    const auto made = shop.store.create_order(wanted, now);
    world.advance(now);
    if (const auto* refusal = std::get_if<Refusal>(&made)) {
        return refusal_reply(*refusal);
    }
    return reply(201, order_brief(*shop.store.order(std::get<std::int64_t>(made))));
}

json make_many(World& world, const json& wish, Instant now) {
    json results = json::array();
    for (const auto& one : Members(wish).list("orders")) {
        Shop* shop = world.shop(word_in(one, "store"));
        if (shop == nullptr) {
            refuse(404, "no such store");
        }
        const PeerAnswer made = make_order(world, *shop, read_wanted_order(one, true), now);
        json result = json::parse(made.body);
        result["status"] = made.status;
        result["store"] = one["store"];
        results.push_back(std::move(result));
    }
    return {{"results", std::move(results)}};
}

PeerAnswer handle_orders(World& world, Shop& shop, const ControlRequest& request, const json& body, Instant now) {
    const auto& path = request.path;  // stores, domain, orders, …
    if (path.size() == 3) {
        if (request.method == "POST") {
            return make_order(world, shop, read_wanted_order(body, false), now);
        }
        json list = json::array();
        for (const auto& [id, order] : shop.store.orders()) {
            list.push_back(order_brief(order));
        }
        return reply(json{{"orders", std::move(list)}});
    }
    const std::int64_t id = order_id_of(path[3]);
    if (request.method == "GET") {
        const ShopOrder* order = shop.store.order(id);
        if (order == nullptr) {
            refuse(404, "no such order");
        }
        return reply(
            json{{"order", order_brief(*order)}, {"webhook_body", json::parse(order_body(shop.store, *order))}});
    }
    const auto refusal = request.method == "DELETE" ? shop.store.erase(id, now)
                         : path.size() == 5         ? act_on_order(shop, id, path[4], body, now)
                                                    : std::optional(Refusal{"not_found", "no such action"});
    world.advance(now);
    if (refusal) {
        return refusal_reply(*refusal);
    }
    const ShopOrder* order = shop.store.order(id);
    return reply(order == nullptr ? json{{"deleted", true}} : order_brief(*order));
}

PeerAnswer send_webhook_by_hand(World& world, Shop& shop, const json& wish, Instant now) {
    Members members(wish);
    const std::string topic = word_in(wish, "topic");
    std::string word;
    std::string text;
    bool well_signed = true;
    members.take("topic", word).take("body_text", text).take("well_signed", well_signed);
    if (members.has("body")) {
        text = wish["body"].dump();
    }
    HeaderList headers;
    if (members.has("headers")) {
        for (const auto& [name, value] : wish["headers"].items()) {
            headers.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
        }
    }
    members.no_others();
    world.send_by_hand(shop, topic, text, headers, well_signed, now);
    return reply(202, json{{"queued", true}});
}

PeerAnswer handle_stores(World& world, const ControlRequest& request, const json& body, Instant now) {
    const auto& path = request.path;
    if (path.size() == 1) {
        if (request.method == "POST") {
            return reply(201, add_store(world, body, now));
        }
        json stores = json::array();
        for (const auto& [domain, shop] : world.shops()) {
            stores.push_back(shop_account(world, domain));
        }
        return reply(json{{"stores", std::move(stores)}});
    }
    Shop* shop = world.shop(path[1]);
    if (shop == nullptr) {
        refuse(404, "no such store");
    }
    if (path.size() == 2) {
        if (request.method == "PATCH") {
            change_store(world, *shop, body, now);
        }
        return reply(shop_account(world, path[1]));
    }
    if (path[2] == "orders") {
        return handle_orders(world, *shop, request, body, now);
    }
    if (path[2] == "variants" && request.method == "POST") {
        return reply(201, add_variant(*shop, body, now));
    }
    if (path[2] == "locations" && request.method == "POST") {
        const ShopLocation& made = shop->store.add_location(word_in(body, "name"));
        return reply(201, json{{"id", std::to_string(made.id)}, {"name", made.name}});
    }
    if (path[2] == "stock" && request.method == "PUT") {
        set_store_stock(world, *shop, body, now);
        world.advance(now);
        return reply(shop_account(world, path[1]));
    }
    if (path[2] == "uninstall" && request.method == "POST") {
        shop->store.uninstall(now);
        world.advance(now);
        return reply(shop_account(world, path[1]));
    }
    if (path[2] == "revoke_tokens" && request.method == "POST") {
        shop->admin.tokens().revoke_all();
        return reply(shop_account(world, path[1]));
    }
    if (path[2] == "subscriptions" && request.method == "PUT") {
        std::string topic = word_in(body, "topic");
        std::string url;
        std::string filter;
        Members(body).take("topic", topic).take("url", url).take("filter", filter).no_others();
        shop->store.divert(topic, url, filter, now);
        return reply(shop_account(world, path[1]));
    }
    if (path[2] == "webhooks" && request.method == "POST") {
        return send_webhook_by_hand(world, *shop, body, now);
    }
    refuse(404, "no such path");
}

// --- warehouses --------------------------------------------------------------------------------------------------------

json add_product(Warehouse& warehouse, const json& wish) {
    const std::string sku = word_in(wish, "sku");
    std::string same;
    std::string name = sku;
    std::int64_t on_hand = 0;
    Members(wish).take("sku", same).take("name", name).take("on_hand", on_hand).no_others();
    if (warehouse.product_by_sku(sku) != nullptr) {
        refuse(409, "the warehouse has that SKU already");
    }
    const WarehouseProduct& made = warehouse.add_product(sku, name, on_hand);
    return {
        {"sku", made.sku},
        {"product_id", made.product_id},
        {"variant_id", made.variant_id},
        {"inventory_id", made.inventory_id}};
}

json add_warehouse(World& world, const json& wish) {
    WarehouseSettings settings;
    settings.name = word_in(wish, "name");
    settings.access_token = "pat-" + settings.name;
    settings.webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    Members members(wish);
    members.take("name", settings.name);
    read_warehouse_settings(members, settings);
    const json products = members.list("products");
    members.no_others();
    const std::string name = settings.name;
    Depot* depot = world.add_depot(std::move(settings));
    if (depot == nullptr) {
        refuse(409, "there is a warehouse of that name already");
    }
    for (const auto& product : products) {
        add_product(depot->warehouse, product);
    }
    json account = depot_account(world, name);
    account["access_token"] = depot->warehouse.settings().access_token;
    account["channel_id"] = depot->warehouse.settings().channel_id;
    account["webhook_secret"] = depot->warehouse.settings().webhook_secret;
    return account;
}

json warehouse_orders(const Warehouse& warehouse) {
    json list = json::array();
    for (const auto& [id, order] : warehouse.orders()) {
        json lines = json::array();
        json tracking = json::array();
        for (const auto& shipment : order.shipments) {
            if (!shipment.tracking_number.empty()) {
                tracking.push_back(shipment.tracking_number);
            }
            for (const auto& line : shipment.lines) {
                lines.push_back({{"sku", warehouse.products()[line.product].sku}, {"quantity", line.quantity}});
            }
        }
        list.push_back({
            {"id", id},
            {"reference", order.reference},
            {"status", order.status()},
            {"created_at", runtime::format_rfc3339(order.created_at)},
            {"lines", std::move(lines)},
            {"tracking", std::move(tracking)},
            {"shipments", order.shipments.size()},
        });
    }
    return {{"orders", std::move(list)}};
}

PeerAnswer handle_warehouses(World& world, const ControlRequest& request, const json& body, Instant now) {
    const auto& path = request.path;
    if (path.size() == 1) {
        if (request.method == "POST") {
            return reply(201, add_warehouse(world, body));
        }
        json warehouses = json::array();
        for (const auto& [name, depot] : world.depots()) {
            warehouses.push_back(depot_account(world, name));
        }
        return reply(json{{"warehouses", std::move(warehouses)}});
    }
    Depot* depot = world.depot(path[1]);
    if (depot == nullptr) {
        refuse(404, "no such warehouse");
    }
    Warehouse& warehouse = depot->warehouse;
    if (path.size() == 2) {
        if (request.method == "PATCH") {
            WarehouseSettings settings = warehouse.settings();
            Members members(body);
            read_warehouse_settings(members, settings);
            members.no_others();
            warehouse.settings() = settings;
        }
        return reply(depot_account(world, path[1]));
    }
    if (path[2] == "orders") {
        return reply(warehouse_orders(warehouse));
    }
    if (path[2] == "products" && request.method == "POST") {
        return reply(201, add_product(warehouse, body));
    }
    if (path[2] == "stock" && request.method == "PUT") {
        const std::string sku = word_in(body, "sku");
        const WarehouseProduct* product = warehouse.product_by_sku(sku);
        if (product == nullptr) {
            refuse(404, "no such SKU");
        }
        std::string same;
        std::int64_t on_hand = product->on_hand;
        std::int64_t delta = 0;
        Members(body).take("sku", same).take("on_hand", on_hand).take("delta", delta).no_others();
        warehouse.set_on_hand(sku, on_hand + delta, now);
        world.advance(now);
        return reply(depot_account(world, path[1]));
    }
    if (request.method == "POST" && (path[2] == "pick" || path[2] == "ship" || path[2] == "deliver")) {
        std::string reference;
        Members(body).take("reference", reference).no_others();
        const std::int64_t moved = path[2] == "pick"   ? warehouse.pick(reference, now)
                                   : path[2] == "ship" ? warehouse.ship(reference, now)
                                                       : warehouse.deliver(reference, now);
        world.advance(now);
        return reply(json{{"moved", moved}});
    }
    refuse(404, "no such path");
}

// --- faults ------------------------------------------------------------------------------------------------------------

void check_kind(const std::string& kind) {
    if (kind != "shopify" && kind != "shipbob" && kind != "mail" && kind != "hook") {
        refuse(400, "a peer kind is shopify, shipbob, mail or hook");
    }
}

void check_webhook_kind(const std::string& kind) {
    if (kind != "shopify" && kind != "shipbob") {
        refuse(400, "webhooks are sent by shopify and shipbob");
    }
}

void read_fault_rates(const json& wish, FaultRates& rates) {
    Members(wish)
        .take("throttled", rates.throttled)
        .take("error_before", rates.error_before)
        .take("error_after", rates.error_after)
        .take("slow", rates.slow)
        .take("timeout_after", rates.timeout_after)
        .take("reset_before", rates.reset_before)
        .take("reset_after", rates.reset_after)
        .take("garbage", rates.garbage)
        .take("turned_away", rates.turned_away)
        .take("error_inside", rates.error_inside)
        .take("slow_for_ms", rates.slow_for)
        .take("hold_for_ms", rates.hold_for)
        .no_others();
    const double sum = rates.throttled + rates.error_before + rates.error_after + rates.slow + rates.timeout_after +
                       rates.reset_before + rates.reset_after + rates.garbage + rates.turned_away + rates.error_inside;
    if (sum > 1.0) {
        refuse(400, "the rates of one peer kind add up to more than 1");
    }
}

// {"calls": {kind: rates}, "webhooks": {kind: rates}, "redelivery": {…}}; what is not named stays as it is.
void change_faults(World& world, const json& wish) {
    Members members(wish);
    if (members.has("calls")) {
        for (const auto& [kind, rates_wish] : wish["calls"].items()) {
            check_kind(kind);
            FaultRates rates;
            read_fault_rates(rates_wish, rates);
            world.faults().set_rates(kind, rates);
        }
    }
    if (members.has("webhooks")) {
        for (const auto& [kind, rates_wish] : wish["webhooks"].items()) {
            check_webhook_kind(kind);
            DeliveryFaults rates;
            Members(rates_wish)
                .take("duplicated", rates.duplicated)
                .take("reordered", rates.reordered)
                .take("dropped", rates.dropped)
                .take("reorder_delay_ms", rates.reorder_delay)
                .no_others();
            world.delivery_faults(kind) = rates;
        }
    }
    if (members.has("redelivery")) {
        RetrySchedule schedule = world.webhooks().schedule();
        Members(wish["redelivery"])
            .take("first_ms", schedule.first)
            .take("factor", schedule.factor)
            .take("longest_ms", schedule.longest)
            .take("tries_max", schedule.tries_max)
            .no_others();
        world.webhooks().set_schedule(schedule);
    }
    members.no_others();
}

json faults_document(World& world) {
    json calls = json::object();
    json webhooks = json::object();
    for (const char* kind : {"shopify", "shipbob", "mail", "hook"}) {
        const FaultRates rates = world.faults().rates(kind);
        calls[kind] = {
            {"throttled", rates.throttled},          {"error_before", rates.error_before},
            {"error_after", rates.error_after},      {"slow", rates.slow},
            {"timeout_after", rates.timeout_after},  {"reset_before", rates.reset_before},
            {"reset_after", rates.reset_after},      {"garbage", rates.garbage},
            {"turned_away", rates.turned_away},      {"error_inside", rates.error_inside},
            {"slow_for_ms", rates.slow_for.count()}, {"hold_for_ms", rates.hold_for.count()},
        };
    }
    for (const char* kind : {"shopify", "shipbob"}) {
        const DeliveryFaults& deliveries = world.delivery_faults(kind);
        webhooks[kind] = {
            {"duplicated", deliveries.duplicated},
            {"reordered", deliveries.reordered},
            {"dropped", deliveries.dropped},
            {"reorder_delay_ms", deliveries.reorder_delay.count()},
        };
    }
    const RetrySchedule schedule = world.webhooks().schedule();
    return {
        {"calls", std::move(calls)},
        {"webhooks", std::move(webhooks)},
        {"redelivery",
         {{"first_ms", schedule.first.count()},
          {"factor", schedule.factor},
          {"longest_ms", schedule.longest.count()},
          {"tries_max", schedule.tries_max}}},
    };
}

PeerAnswer begin_outage(World& world, const json& wish, Instant now) {
    const std::string kind = word_in(wish, "peer");
    check_kind(kind);
    std::string same;
    std::string mode = "reset";
    double seconds = 5;
    Members(wish).take("peer", same).take("seconds", seconds).take("mode", mode).no_others();
    if (mode != "reset" && mode != "503") {
        refuse(400, "\"mode\" must be reset or 503");
    }
    const auto length = std::chrono::microseconds{static_cast<std::int64_t>(seconds * 1e6)};
    world.faults().begin_outage(kind, now + length, mode == "503");
    return reply(json{{"peer", kind}, {"until", runtime::format_rfc3339(now + length)}});
}

PeerAnswer read_ledger(World& world, const ControlRequest& request) {
    std::int64_t after = 0;
    std::int64_t limit = 1000;
    std::string kind;
    for (const auto& [name, value] : request.query) {
        if (name == "after") {
            after = order_id_of(value);
        } else if (name == "limit") {
            limit = order_id_of(value);
        } else if (name == "kind") {
            kind = value;
        } else {
            refuse(400, "\"" + name + "\" is not understood here");
        }
    }
    json effects = json::array();
    std::int64_t last = after;
    for (const auto& effect :
         world.ledger().after(after, static_cast<std::size_t>(std::clamp<std::int64_t>(limit, 1, 100'000)))) {
        last = effect.number;
        if (kind.empty() || kind == effect.kind) {
            effects.push_back(effect_document(effect));
        }
    }
    return reply(
        json{{"effects", std::move(effects)}, {"next_after", last}, {"size", world.ledger().effects().size()}});
}

// Tries of deliveries in the order they ended; `after` counts from the first one.
PeerAnswer read_deliveries(World& world, const ControlRequest& request) {
    std::int64_t after = 0;
    std::int64_t limit = 1000;
    for (const auto& [name, value] : request.query) {
        if (name != "after" && name != "limit") {
            refuse(400, "\"" + name + "\" is not understood here");
        }
        (name == "after" ? after : limit) = order_id_of(value);
    }
    const auto& tries = world.tries();
    const std::size_t begin = std::min(static_cast<std::size_t>(std::max<std::int64_t>(after, 0)), tries.size());
    const std::size_t end =
        std::min(begin + static_cast<std::size_t>(std::clamp<std::int64_t>(limit, 1, 100'000)), tries.size());
    json list = json::array();
    for (std::size_t index = begin; index < end; ++index) {
        const DeliveryTry& one = tries[index];
        list.push_back({
            {"at", runtime::format_rfc3339(one.at)},
            {"sender", one.sender},
            {"topic", one.topic},
            {"id", one.id},
            {"tries", one.tries},
            {"status", one.status},
            {"answered_us", one.answered_us},
        });
    }
    return reply(json{{"deliveries", std::move(list)}, {"next_after", end}, {"size", tries.size()}});
}

// The same shape that --setup reads: {"stores": […], "warehouses": […], "faults": {…}}.
PeerAnswer set_up(World& world, const json& wish, Instant now) {
    Members members(wish);
    json stores = json::array();
    json warehouses = json::array();
    for (const auto& warehouse : members.list("warehouses")) {
        warehouses.push_back(add_warehouse(world, warehouse));
    }
    for (const auto& store : members.list("stores")) {
        stores.push_back(add_store(world, store, now));
    }
    if (members.has("faults")) {
        change_faults(world, wish["faults"]);
    }
    members.no_others();
    return reply(201, json{{"stores", std::move(stores)}, {"warehouses", std::move(warehouses)}});
}

PeerAnswer route(World& world, const ControlRequest& request, const json& body, Instant now) {
    const std::string head = request.path.empty() ? std::string() : request.path.front();
    const std::string& method = request.method;
    if (head == "stores") {
        return handle_stores(world, request, body, now);
    }
    if (head == "warehouses") {
        return handle_warehouses(world, request, body, now);
    }
    if (head == "faults") {
        if (method == "PUT") {
            change_faults(world, body);
        }
        return reply(faults_document(world));
    }
    if (head == "hooks" && method == "PUT" && request.path.size() == 2) {
        Hook hook;
        hook.secret = word_in(body, "secret");
        std::string same;
        Members(body).take("secret", same).take("status", hook.status).no_others();
        world.put_hook(request.path[1], hook);
        return reply(json{{"url", world.base_url() + "/hooks/" + request.path[1]}});
    }
    if (head == "outages" && method == "POST") {
        return begin_outage(world, body, now);
    }
    if (head == "ledger" && method == "GET") {
        return read_ledger(world, request);
    }
    if (head == "deliveries" && method == "GET") {
        return read_deliveries(world, request);
    }
    if (head == "summary" && method == "GET") {
        return reply(world_account(world));
    }
    if (head == "bulk" && method == "POST") {
        return reply(make_many(world, body, now));
    }
    if (head == "hand_over" && method == "POST") {
        return hand_over(world, body, now);
    }
    if (head == "setup" && method == "POST") {
        return set_up(world, body, now);
    }
    if (head == "reset" && method == "POST") {
        world.reset();
        return reply(json{{"reset", true}});
    }
    refuse(404, "no such path; see docs/sandbox.md");
}

}  // namespace

PeerAnswer ControlApi::handle(const ControlRequest& request, Instant now) {
    try {
        json body = json::object();
        if (!request.body.empty()) {
            auto parsed =
                runtime::parse_json(request.body, {.depth = 64, .elements = 2'000'000, .refuse_nul_in_text = false});
            if (!parsed) {
                refuse(400, parsed.error().message);
            }
            body = std::move(*parsed);
        }
        return route(world_, request, body, now);
    } catch (const BadRequest& refusal) {
        return reply(refusal.status, json{{"error", refusal.what()}});
    } catch (const json::exception&) {
        return reply(400, json{{"error", "a member of the body has the wrong type"}});
    }
}

}  // namespace ordersaga::sandbox
