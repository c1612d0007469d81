#include "orchestrator/cli/warehouse_answers.hpp"

#include "orchestrator/cli/lenient_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace ordersaga::cli {

namespace {

using nlohmann::json;

std::vector<std::string> texts_in(const json& list) {
    std::vector<std::string> texts;
    for (const json& text : list)
        if (text.is_string()) texts.push_back(text.get<std::string>());
    return texts;
}

bool has(const std::vector<std::string>& list, const std::string& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
}

// What stands behind the host, which for webhooks of ours ends with the warehouse's key.
std::string path_of(const std::string& address) {
    const std::size_t at = address.find("/webhooks/");
    return at == std::string::npos ? std::string() : address.substr(at);
}

// An order names a product. A product with several variants has one old product id for each of them.
std::string number_of(const json& product, const json& variant, std::size_t variants) {
    if (variants == 1) return id_of(member(product, "id"));
    std::set<std::string> legacy;
    for (const json& channel : member(variant, "channel_metadata")) {
        const std::string id = id_of(member(channel, "legacy_product_id"));
        if (!id.empty() && id != "0") legacy.insert(id);
    }
    return legacy.size() == 1 ? *legacy.begin() : std::string();
}

}  // namespace

std::vector<Channel> channels_of(const std::vector<json>& list) {
    std::vector<Channel> channels;
    for (const json& one : list)
        channels.push_back({id_of(member(one, "id")), text_of(member(one, "name")), texts_in(member(one, "scopes"))});
    return channels;
}

const Channel* writable_channel(const std::vector<Channel>& channels, const std::string& wanted) {
    const Channel* found = nullptr;
    for (const Channel& channel : channels) {
        if (!has(channel.scopes, "orders_write")) continue;
        if (found == nullptr || channel.id == wanted) found = &channel;
    }
    return found;
}

std::vector<std::string> missing_scopes(const std::vector<std::string>& granted, bool with_webhooks) {
    std::vector<std::string> needed{"orders_read", "orders_write", "inventory_read", "products_read", "locations_read"};
    if (with_webhooks) {
        needed.emplace_back("webhooks_read");
        needed.emplace_back("webhooks_write");
    }
    std::erase_if(needed, [&granted](const std::string& scope) { return has(granted, scope); });
    return needed;
}

std::vector<std::string> active_ship_methods(const std::vector<json>& list) {
    std::vector<std::string> names;
    for (const json& method : list)
        if (member(method, "active") != false && !text_of(member(method, "name")).empty())
            names.push_back(text_of(member(method, "name")));
    return names;
}

const std::vector<std::string>& warehouse_topics() {
    static const std::vector<std::string> topics{
        "order.shipped", "order.shipment.delivered", "order.shipment.exception", "order.shipment.on_hold",
        "order.shipment.cancelled"};
    return topics;
}

WarehouseWebhookPlan compare_webhooks(const std::vector<json>& list, const std::string& address) {
    WarehouseWebhookPlan plan{true, {}, "is missing"};
    for (const json& webhook : list) {
        const std::string url = text_of(member(webhook, "url"));
        if (path_of(url) != path_of(address)) continue;  // of something else that uses the same token
        const std::vector<std::string> topics = texts_in(member(webhook, "topics"));
        const bool tells_all = std::all_of(
            warehouse_topics().begin(), warehouse_topics().end(),
            [&topics](const std::string& topic) { return has(topics, topic); });
        if (url == address && tells_all) return {};
        plan.fault = url == address ? "does not tell all" : "goes to " + url;
        plan.remove.push_back(id_of(member(webhook, "id")));
    }
    return plan;
}

std::vector<WarehouseItem> items_of(const std::vector<json>& products) {
    std::vector<WarehouseItem> items;
    for (const json& product : products) {
        const json& variants = member(product, "variants");
        for (const json& variant : variants) {
            if (text_of(member(variant, "sku")).empty()) continue;
            items.push_back(
                {text_of(member(variant, "sku")), text_of(member(variant, "name")),
                 number_of(product, variant, variants.size())});
        }
    }
    return items;
}

}  // namespace ordersaga::cli
