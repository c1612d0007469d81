#include "tests/simulation/shop.hpp"

#include "runtime/json_object.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace ordersaga::simulation {

using nlohmann::json;

namespace {

Instant whole_seconds(Instant instant) {
    return std::chrono::floor<std::chrono::seconds>(instant);
}

std::string after_slash(const std::string& gid) {
    return gid.substr(gid.rfind('/') + 1);
}

json number(const std::string& id) {
    return std::stoll(id);
}

json refund_body(const sagas::Refund& refund) {
    json lines = json::array();
    for (const sagas::RefundLine& line : refund.lines) {
        lines.push_back(
            {{"line_item_id", number(line.line_id)},
             {"quantity", line.quantity},
             {"restock_type", line.restock_type},
             {"location_id", line.location_id.empty() ? json(nullptr) : number(line.location_id)}});
    }
    return {{"id", number(refund.refund_id)}, {"refund_line_items", lines}};
}

}  // namespace

json webhook_body(const sagas::OrderDocument& order) {
    json lines = json::array();
    for (const sagas::OrderLine& line : order.lines) {
        lines.push_back(runtime::json_object(
            {{"id", number(line.line_id)},
             {"variant_id", number(line.variant_id)},
             {"sku", line.sku},
             {"quantity", line.quantity},
             {"current_quantity", line.current_quantity},
             {"fulfillable_quantity", line.fulfillable_quantity},
             {"requires_shipping", line.requires_shipping},
             {"gift_card", false},
             {"variant_inventory_management", "shopify"}}));
    }
    json refunds = json::array();
    for (const sagas::Refund& refund : order.refunds)
        refunds.push_back(refund_body(refund));
    json fulfillments = json::array();
    for (const sagas::StoreFulfillment& fulfillment : order.fulfillments) {
        fulfillments.push_back(runtime::json_object(
            {{"id", number(fulfillment.fulfillment_id)},
             {"status", fulfillment.status},
             {"tracking_numbers", fulfillment.tracking_numbers}}));
    }
    json body = runtime::json_object(
        {{"id", number(order.order_id)},
         {"admin_graphql_api_id", "gid://shopify/Order/" + order.order_id},
         {"name", order.name},
         {"created_at", runtime::format_rfc3339(order.created_at)},
         {"updated_at", runtime::format_rfc3339(order.updated_at)},
         {"cancelled_at", order.cancelled_at ? json(runtime::format_rfc3339(*order.cancelled_at)) : json(nullptr)},
         {"cancel_reason", order.cancel_reason.empty() ? json(nullptr) : json(order.cancel_reason)},
         {"financial_status", order.financial_status},
         {"fulfillment_status", order.fulfillment_status.empty() ? json(nullptr) : json(order.fulfillment_status)},
         {"source_name", order.source_name},
         {"email", order.email},
         {"shipping_lines", json::array({{{"title", order.ship_method}}})},
         {"line_items", std::move(lines)},
         {"refunds", std::move(refunds)},
         {"fulfillments", std::move(fulfillments)}});
    if (order.shipping_address) {
        const sagas::Address& address = *order.shipping_address;
        body["shipping_address"] = {
            {"name", address.name},
            {"address1", address.address1},
            {"city", address.city},
            {"zip", address.zip},
            {"country_code", address.country_code}};
    }
    return body;
}

Shop::Shop(sagas::StoreId id, std::string key, Agenda& agenda, Announce announce)
    : id_(id), key_(std::move(key)), agenda_(agenda), announce_(std::move(announce)) {}

void Shop::add_item(ShopItem item) {
    const std::string id = item.inventory_item_id;
    items_.emplace(id, std::move(item));
}

const ShopItem* Shop::item_of_variant(const std::string& variant_id) const {
    for (const auto& [id, item] : items_) {
        if (item.variant_id == variant_id) return &item;
    }
    return nullptr;
}

void Shop::touch(ShopOrder& order) {
    order.document.updated_at = whole_seconds(agenda_.now());
}

void Shop::tell(const std::string& topic, const ShopOrder& order) {
    announce_({topic, order.document.order_id, webhook_body(order.document)});
}

void Shop::tell_level(const ShopItem& item) {
    announce_(
        {"inventory_levels/update",
         "",
         {{"inventory_item_id", number(item.inventory_item_id)},
          {"location_id", number(location)},
          {"available", item.available},
          {"updated_at", runtime::format_rfc3339(whole_seconds(agenda_.now()))}}});
}

// ---------------------------------------------------------------------------------------------------------------------
// Buyers and staff

std::string Shop::place(const std::vector<std::pair<std::string, std::int64_t>>& variants, const Sale& sale) {
    std::map<std::string, std::int64_t> wanted;
    for (const auto& [variant, quantity] : variants)
        wanted[item_of_variant(variant)->inventory_item_id] += quantity;
    for (const auto& [id, quantity] : wanted) {
        const ShopItem& item = items_.at(id);
        if (!item.oversells && item.available < quantity) return {};
    }

    ShopOrder order;
    order.placed_at = agenda_.now();
    sagas::OrderDocument& document = order.document;
    document.order_id = next_id();
    document.name = "#" + std::to_string(1000 + orders_.size() + 1);
    document.created_at = document.updated_at = whole_seconds(agenda_.now());
    document.financial_status = sale.paid ? "paid" : "pending";
    document.source_name = "web";
    document.email = "buyer@example.com";
    document.ship_method = sale.ship_method;
    if (sale.with_address)
        document.shipping_address = sagas::Address{"A Buyer", "1 Road", "", "", "Town", "", "10115", "DE", ""};
    for (const auto& [variant, quantity] : variants) {
        sagas::OrderLine line;
        line.line_id = next_id();
        line.variant_id = variant;
        line.sku = item_of_variant(variant)->sku;
        line.quantity = line.current_quantity = line.fulfillable_quantity = quantity;
        line.requires_shipping = !sale.digital;
        document.lines.push_back(std::move(line));
    }
    for (const auto& [id, quantity] : wanted) {
        items_.at(id).available -= quantity;
        tell_level(items_.at(id));
    }
    const std::string id = document.order_id;
    ShopOrder& stored = orders_.emplace(id, std::move(order)).first->second;
    tell("orders/create", stored);
    if (sale.paid) tell("orders/paid", stored);
    return id;
}

bool Shop::pay(const std::string& order_id) {
    ShopOrder& order = orders_.at(order_id);
    if (order.document.cancelled_at || order.document.financial_status != "pending") return false;
    order.document.financial_status = "paid";
    touch(order);
    tell("orders/paid", order);
    tell("orders/updated", order);
    return true;
}

std::int64_t Shop::open_units(const ShopOrder& order, const std::string& line_id) const {
    std::int64_t units = 0;
    for (const sagas::OrderLine& line : order.document.lines) {
        if (line.line_id == line_id) units = line.current_quantity;
    }
    for (const ShopFulfillment& fulfillment : order.fulfillments) {
        const auto found = fulfillment.lines.find(line_id);
        if (found != fulfillment.lines.end()) units -= found->second;
    }
    return units;
}

void Shop::take_back(ShopOrder& order, sagas::Refund refund, bool restock) {
    for (sagas::RefundLine& taken : refund.lines) {
        taken.restock_type = restock ? "cancel" : "no_restock";
        taken.location_id = restock ? location : "";
        for (sagas::OrderLine& line : order.document.lines) {
            if (line.line_id != taken.line_id) continue;
            line.current_quantity -= taken.quantity;
            line.fulfillable_quantity = std::max<std::int64_t>(0, line.fulfillable_quantity - taken.quantity);
            if (!restock) continue;
            for (auto& [id, item] : items_) {
                if (item.variant_id != line.variant_id) continue;
                item.available += taken.quantity;
                tell_level(item);
            }
        }
    }
    json body = refund_body(refund);
    body["order_id"] = number(order.document.order_id);
    order.document.refunds.push_back(std::move(refund));
    announce_({"refunds/create", order.document.order_id, std::move(body)});
}

void Shop::end_order(ShopOrder& order, const std::string& reason, bool restock) {
    sagas::Refund refund;
    refund.refund_id = next_id();
    for (const sagas::OrderLine& line : order.document.lines) {
        if (line.current_quantity > 0) refund.lines.push_back({line.line_id, line.current_quantity, "", ""});
    }
    touch(order);
    order.document.cancelled_at = order.document.updated_at;
    order.document.cancel_reason = reason;
    order.document.financial_status = order.document.financial_status == "pending" ? "voided" : "refunded";
    if (!refund.lines.empty()) take_back(order, std::move(refund), restock);
    tell("orders/cancelled", order);
    tell("orders/updated", order);
}

bool Shop::cancel(const std::string& order_id, bool restock) {
    ShopOrder& order = orders_.at(order_id);
    if (order.document.cancelled_at || !order.fulfillments.empty()) return false;
    end_order(order, "customer", restock);
    return true;
}

bool Shop::refund(const std::string& order_id, std::size_t index, std::int64_t quantity, bool restock) {
    ShopOrder& order = orders_.at(order_id);
    if (order.document.cancelled_at || index >= order.document.lines.size()) return false;
    const std::string line_id = order.document.lines[index].line_id;
    if (open_units(order, line_id) < quantity) return false;
    sagas::Refund refund;
    refund.refund_id = next_id();
    refund.lines.push_back({line_id, quantity, "", ""});
    touch(order);
    if (order.document.financial_status == "paid") order.document.financial_status = "partially_refunded";
    take_back(order, std::move(refund), restock);
    tell("orders/updated", order);
    return true;
}

bool Shop::add(const std::string& order_id, const std::string& variant, std::int64_t quantity, bool beyond_stock) {
    ShopOrder& order = orders_.at(order_id);
    const ShopItem* sold = item_of_variant(variant);
    const bool there = beyond_stock || sold->oversells || sold->available >= quantity;
    if (order.document.cancelled_at || !there) return false;
    sagas::OrderLine line;
    line.line_id = next_id();
    line.variant_id = variant;
    line.sku = sold->sku;
    line.quantity = line.current_quantity = line.fulfillable_quantity = quantity;
    order.document.lines.push_back(std::move(line));
    ShopItem& item = items_.at(sold->inventory_item_id);
    item.available -= quantity;
    tell_level(item);
    touch(order);
    tell("orders/updated", order);
    return true;
}

bool Shop::send_elsewhere(const std::string& order_id) {
    ShopOrder& order = orders_.at(order_id);
    if (order.document.cancelled_at || order.held) return false;
    nlohmann::json lines = nlohmann::json::array();
    for (const sagas::OrderLine& line : order.document.lines) {
        const std::int64_t open = open_units(order, line.line_id);
        if (open > 0) lines.push_back({{"line_id", line.line_id}, {"quantity", open}});
    }
    if (lines.empty()) return false;
    order.sent_elsewhere = true;
    const std::string tracking = "E" + order_id + "." + std::to_string(order.fulfillments.size());
    fulfill({{"order_id", order_id}, {"tracking_number", tracking}, {"lines", lines}});
    return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// The API

json Shop::adjust(const std::string& key, const std::string& body) {
    const auto known = adjustments_by_key_.find(key);
    if (known != adjustments_by_key_.end()) {
        if (known->second.body != body) complaints_.push_back(key_ + ": key " + key + " came with other bytes");
        if (agenda_.now() - known->second.at < key_window_) return known->second.answer;
        forgotten_();
        adjustments_by_key_.erase(known);
    }
    const json request = json::parse(body);
    const json& variables = request.at("variables");
    if (variables.at("idempotencyKey") != key) complaints_.push_back(key_ + ": the body names another key than " + key);
    json answer = {{"applied", json::array()}, {"uncertain", json::array()}, {"refused", json::array()}};
    std::size_t index = 0;
    for (const json& change : variables.at("input").at("changes")) {
        ShopItem& item = items_.at(after_slash(change.at("inventoryItemId").get<std::string>()));
        if (after_slash(change.at("locationId").get<std::string>()) != location)
            throw std::runtime_error("unknown location");
        item.available += change.at("delta").get<std::int64_t>();
        tell_level(item);
        answer["applied"].push_back(index++);
    }
    adjustments_by_key_[key] = {body, answer, agenda_.now()};
    return answer;
}

json Shop::levels(const json& listings) const {
    json levels = json::object();
    for (const json& listing : listings) {
        const json& id = listing.at("listing_id");
        const auto item = items_.find(listing.at("inventory_item_id").get<std::string>());
        levels[id.is_string() ? id.get<std::string>() : id.dump()] =
            item == items_.end() ? json(nullptr) : json(item->second.available);
    }
    return levels;
}

json Shop::order_stamps_since(Instant since, std::size_t limit, const std::string& after) const {
    const auto place = [](const ShopOrder& order) {
        return runtime::format_rfc3339(order.document.updated_at) + "|" + order.document.order_id;
    };
    const Instant from = whole_seconds(since);
    std::vector<const ShopOrder*> changed;
    for (const auto& [id, order] : orders_) {
        if (order.document.updated_at >= from && (after.empty() || place(order) > after)) changed.push_back(&order);
    }
    std::sort(changed.begin(), changed.end(), [](const ShopOrder* left, const ShopOrder* right) {
        return std::tie(left->document.updated_at, left->document.order_id) <
               std::tie(right->document.updated_at, right->document.order_id);
    });
    const bool complete = changed.size() <= limit;
    if (!complete) changed.resize(limit);
    json seen = json::object();
    Instant until = since;
    for (const ShopOrder* order : changed) {
        seen[order->document.order_id] = stamp_of(order->document);
        until = std::max(until, order->document.updated_at);
    }
    json answer = {{"seen", seen}, {"polled_until", runtime::format_rfc3339(until)}, {"complete", complete}};
    if (!complete) answer["after"] = place(*changed.back());
    return answer;
}

json Shop::orders(const json& order_ids, std::size_t limit) const {
    json answer = {{"orders", json::array()}};
    for (const json& order_id : order_ids) {
        const auto found = orders_.find(order_id.get<std::string>());
        if (found == orders_.end()) continue;
        if (answer["orders"].size() < limit) {
            answer["orders"].push_back(to_json(found->second.document));
        } else {
            answer["unread"].push_back(order_id);
        }
    }
    return answer;
}

json Shop::order(const std::string& order_id) const {
    const auto found = orders_.find(order_id);
    return {{"order", found == orders_.end() ? json(nullptr) : to_json(found->second.document)}};
}

json Shop::fulfill(const json& payload) {
    ShopOrder& order = orders_.at(payload.at("order_id").get<std::string>());
    const std::string tracking = payload.at("tracking_number").get<std::string>();
    for (const ShopFulfillment& known : order.fulfillments) {
        if (known.tracking_number == tracking) return {{"fulfillment_id", known.id}, {"already", true}};
    }
    if (order.document.cancelled_at) return {{"order_cancelled", true}};
    if (order.held) throw std::runtime_error("the order is on hold");
    ShopFulfillment fresh;
    fresh.id = next_id();
    fresh.tracking_number = tracking;
    for (const json& line : payload.at("lines")) {
        fresh.lines[line.at("line_id").get<std::string>()] += line.at("quantity").get<std::int64_t>();
    }
    for (const auto& [line_id, quantity] : fresh.lines) {
        if (open_units(order, line_id) < quantity) throw std::runtime_error("more than is left of line " + line_id);
    }
    for (sagas::OrderLine& line : order.document.lines) {
        const auto found = fresh.lines.find(line.line_id);
        if (found != fresh.lines.end()) line.fulfillable_quantity -= found->second;
    }
    const json answer = {{"fulfillment_id", fresh.id}, {"already", false}};
    order.document.fulfillments.push_back({fresh.id, "success", {tracking}});
    const bool open = std::any_of(
        order.document.lines.begin(), order.document.lines.end(),
        [](const sagas::OrderLine& line) { return line.fulfillable_quantity > 0; });
    order.document.fulfillment_status = open ? "partial" : "fulfilled";
    touch(order);
    json body = {
        {"id", number(fresh.id)},
        {"order_id", number(order.document.order_id)},
        {"status", "success"},
        {"tracking_numbers", {tracking}}};
    order.fulfillments.push_back(std::move(fresh));
    announce_({"fulfillments/create", order.document.order_id, std::move(body)});
    tell("orders/updated", order);
    return answer;
}

json Shop::settle(const json& payload) {
    ShopOrder& order = orders_.at(payload.at("order_id").get<std::string>());
    if (order.document.cancelled_at) return {{"settled", "cancelled"}, {"already", true}};
    if (payload.at("policy") == "cancel_and_refund") {
        end_order(order, "inventory", false);
        return {{"settled", "cancelled"}, {"already", false}};
    }
    const bool already = std::exchange(order.held, true);
    return {{"settled", "held"}, {"already", already}};
}

}  // namespace ordersaga::simulation
