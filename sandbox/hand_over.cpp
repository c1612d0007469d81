#include "sandbox/hand_over.hpp"

#include "runtime/json.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <string>
#include <variant>
#include <vector>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;

struct Order {
    std::string store;
    WantedOrder wanted;
};

struct Cancel {
    std::string store;
    std::int64_t order_id = 0;
};

void tell(std::string& text, int status, const std::string& store, std::int64_t order_id, const ShopEvent* event) {
    const json head{
        {"status", status},
        {"store", store},
        {"order_id", std::to_string(order_id)},
        {"topic", event == nullptr ? "" : event->topic},
        {"bytes", event == nullptr ? 0 : event->body.size()}};
    text += runtime::dump_json(head);
    text += '\n';
    if (event != nullptr) text += event->body;
    text += '\n';
}

// Of what the shop has to send the event of this topic; levels it delivers itself.
void tell_event(
    std::string& text,
    World& world,
    Shop& shop,
    std::int64_t order_id,
    const std::string& topic,
    runtime::Instant now) {
    ShopifyStore& store = shop.store;
    const std::vector<ShopEvent> events = store.take_events();
    const ShopEvent* told = nullptr;
    for (const ShopEvent& event : events) {
        if (event.topic == topic) told = &event;
        if (event.topic == "inventory_levels/update") world.queue_shop_event(shop, event, now);
    }
    tell(text, told == nullptr ? 409 : 201, store.settings().domain, order_id, told);
}

std::vector<Order> orders_in(const json& wish) {
    std::vector<Order> orders;
    for (const json& one : wish.value("orders", json::array())) {
        Order order;
        order.store = one.at("store").get<std::string>();
        for (const json& line : one.at("lines"))
            order.wanted.lines.push_back({line.at(0).get<std::string>(), line.at(1).get<std::int64_t>(), false});
        order.wanted.oversell = one.value("oversell", false);
        orders.push_back(std::move(order));
    }
    return orders;
}

std::vector<Cancel> cancels_in(const json& wish) {
    std::vector<Cancel> cancels;
    for (const json& one : wish.value("cancels", json::array())) {
        Cancel cancel{one.at("store").get<std::string>(), 0};
        const std::string& id = one.at("order_id").get_ref<const std::string&>();
        std::from_chars(id.data(), id.data() + id.size(), cancel.order_id);
        cancels.push_back(cancel);
    }
    return cancels;
}

}  // namespace

PeerAnswer hand_over(World& world, const json& wish, runtime::Instant now) {
    const std::vector<Order> orders = orders_in(wish);
    const std::vector<Cancel> cancels = cancels_in(wish);
    world.advance(now);  // what is due by itself is delivered as ever
    PeerAnswer answer;
    answer.operation = "control";
    for (const Order& order : orders) {
        Shop* shop = world.shop(order.store);
        if (shop == nullptr) {
            tell(answer.body, 404, order.store, 0, nullptr);
            continue;
        }
        const auto made = shop->store.create_order(order.wanted, now);
        if (const auto* id = std::get_if<std::int64_t>(&made)) {
            tell_event(answer.body, world, *shop, *id, "orders/create", now);
        } else {
            tell(answer.body, 409, order.store, 0, nullptr);
        }
    }
    for (const Cancel& cancel : cancels) {
        Shop* shop = world.shop(cancel.store);
        const bool refused =
            shop == nullptr || shop->store.cancel(cancel.order_id, "customer", true, "control", now).has_value();
        if (refused) {
            tell(answer.body, 409, cancel.store, cancel.order_id, nullptr);
        } else {
            tell_event(answer.body, world, *shop, cancel.order_id, "orders/cancelled", now);
        }
    }
    return answer;
}

}  // namespace ordersaga::sandbox
