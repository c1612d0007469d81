#include "sandbox/shopify_store.hpp"

#include "runtime/json.hpp"
#include "sandbox/shopify_documents.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;
using runtime::Instant;

constexpr std::int64_t beyond_double = 9'007'199'254'740'993;  // 2^53 + 1: the first integer that a double loses

ShopAddress invented_address(runtime::SeededRandom& random) {
    struct Town {
        const char *city, *province, *code, *zip;
    };
    static constexpr std::array<const char*, 8> first{"Ada",  "Bruno", "Chiara", "Deniz",
                                                      "Emre", "Farah", "Greta",  "Hugo"};
    static constexpr std::array<const char*, 6> last{"Lind", "Moreau", "Novak", "Okafor", "Petersen", "Quinn"};
    static constexpr std::array<const char*, 5> street{
        "Harbour Road", "Elm Street", "Mill Lane", "Station Ave", "Hill Street"};
    static constexpr std::array<Town, 4> towns{
        {{"Springfield", "Illinois", "IL", "62701"},
         {"Louisville", "Kentucky", "KY", "40202"},
         {"Portland", "Oregon", "OR", "97201"},
         {"Trenton", "New Jersey", "NJ", "08608"}}};
    const Town& town = towns[random.below(towns.size())];
    ShopAddress address;
    address.first_name = first[random.below(first.size())];
    address.last_name = last[random.below(last.size())];
    address.address1 = std::to_string(1 + random.below(900)) + " " + street[random.below(street.size())];
    address.city = town.city;
    address.province = town.province;
    address.province_code = town.code;
    address.zip = town.zip;
    address.country = "United States";
    address.country_code = "US";
    return address;
}

std::string order_reference(const ShopOrder& order) {
    return std::to_string(order.id);
}

json lines_detail(const ShopOrder& order) {
    json lines = json::array();
    for (const auto& line : order.lines) {
        lines.push_back({{"line_id", line.id}, {"sku", line.sku.value_or("")}, {"quantity", line.quantity}});
    }
    return lines;
}

bool has_stock_behind(const ShopOrderLine& line) {
    return line.variant_id.has_value() && line.tracked;
}

}  // namespace

std::string ShopFulfillmentOrder::status() const {
    if (closed) {
        return "CLOSED";
    }
    if (!holds.empty()) {
        return "ON_HOLD";
    }
    return progressed ? "IN_PROGRESS" : "OPEN";
}

std::string ShopOrder::fulfillment_status() const {
    if (fulfillments.empty()) {
        return "";
    }
    const bool rest = std::any_of(lines.begin(), lines.end(), [](const auto& line) { return line.fulfillable > 0; });
    return rest ? "partial" : "fulfilled";
}

const ShopOrderLine* ShopOrder::line(std::int64_t line_id) const {
    const auto found = std::find_if(lines.begin(), lines.end(), [&](const auto& line) { return line.id == line_id; });
    return found == lines.end() ? nullptr : &*found;
}

const std::vector<std::string>& shop_topics() {
    static const std::vector<std::string> topics{
        "orders/create",   "orders/paid",    "orders/updated",      "orders/edited",       "orders/cancelled",
        "orders/delete",   "refunds/create", "fulfillments/create", "fulfillments/update", "inventory_levels/update",
        "app/uninstalled",
    };
    return topics;
}

ShopifyStore::ShopifyStore(StoreSettings settings, std::int64_t index, std::uint64_t seed, Ledger& ledger)
    : settings_(std::move(settings)),
      random_(seed),
      ledger_(ledger),
      id_base_(5'000'000'000'000 + (index + 1) * 100'000'000'000) {}

std::int64_t ShopifyStore::next_id() {
    return id_base_ + 10 * ++ids_given_;
}

void ShopifyStore::record(
    const std::string& kind,
    const std::string& key,
    const std::string& reference,
    const std::string& detail,
    Instant now) {
    ledger_.record({0, now, peer(), kind, key, reference, detail, false});
}

// --- catalogue and stock ---------------------------------------------------------------------------------------------

const ShopLocation& ShopifyStore::add_location(const std::string& name, bool fulfills_online_orders) {
    locations_.push_back({next_id(), name, true, fulfills_online_orders});
    for (const auto& variant : variants_) {
        levels_[{variant.inventory_item_id, locations_.back().id}].level_id = next_id();
    }
    return locations_.back();
}

const ShopVariant& ShopifyStore::add_variant(ShopVariant variant, std::int64_t opening_stock, Instant now) {
    variant.product_id = next_id();
    variant.variant_id = next_id();
    variant.inventory_item_id = next_id();
    for (const auto& place : locations_) {
        ShopLevel& level = levels_[{variant.inventory_item_id, place.id}];
        level.level_id = next_id();
        level.updated_at = now;
        level.available = place.id == locations_.front().id ? opening_stock : 0;
    }
    // The first of a SKU is the one that is found by it.
    by_sku_.try_emplace(variant.sku, variants_.size());
    by_variant_.emplace(variant.variant_id, variants_.size());
    by_item_.emplace(variant.inventory_item_id, variants_.size());
    variants_.push_back(std::move(variant));
    return variants_.back();
}

const ShopVariant* ShopifyStore::variant_by_sku(const std::string& sku) const {
    const auto found = by_sku_.find(sku);
    return found == by_sku_.end() ? nullptr : &variants_[found->second];
}

const ShopVariant* ShopifyStore::variant_by_id(std::int64_t id) const {
    const auto found = by_variant_.find(id);
    return found == by_variant_.end() ? nullptr : &variants_[found->second];
}

const ShopVariant* ShopifyStore::variant_by_item(std::int64_t id) const {
    const auto found = by_item_.find(id);
    return found == by_item_.end() ? nullptr : &variants_[found->second];
}

const ShopLocation* ShopifyStore::location(std::int64_t id) const {
    const auto found = std::find_if(locations_.begin(), locations_.end(), [&](const auto& l) { return l.id == id; });
    return found == locations_.end() ? nullptr : &*found;
}

const ShopLevel* ShopifyStore::level(std::int64_t item, std::int64_t location_id) const {
    const auto found = levels_.find({item, location_id});
    return found == levels_.end() ? nullptr : &found->second;
}

void ShopifyStore::move_available(std::int64_t item, std::int64_t location_id, std::int64_t delta, Instant now) {
    ShopLevel& level = levels_.at({item, location_id});
    level.available += delta;
    level.updated_at = now;
    emit_level(item, location_id, now);
}

void ShopifyStore::move(const ShopOrderLine& line, std::int64_t available, std::int64_t committed, Instant now) {
    if (!has_stock_behind(line)) {
        return;
    }
    const ShopVariant* variant = variant_by_id(*line.variant_id);
    if (variant == nullptr) {
        return;
    }
    const auto found = levels_.find({variant->inventory_item_id, line.location_id});
    if (found == levels_.end()) {
        return;
    }
    found->second.available += available;
    found->second.committed += committed;
    found->second.updated_at = now;
    if (available != 0) {
        emit_level(variant->inventory_item_id, line.location_id, now);
    }
}

// --- events ----------------------------------------------------------------------------------------------------------

void ShopifyStore::emit(const std::string& topic, std::string body, std::int64_t order_id, Instant now) {
    events_.push_back({topic, std::move(body), order_id, now});
}

void ShopifyStore::emit_order(const std::string& topic, const ShopOrder& order, Instant now) {
    emit(topic, order_body(*this, order), order.id, now);
}

void ShopifyStore::emit_level(std::int64_t item, std::int64_t location_id, Instant now) {
    emit(
        "inventory_levels/update", runtime::dump_json(level_body(item, location_id, levels_.at({item, location_id}))),
        0, now);
}

void ShopifyStore::touch(ShopOrder& order, Instant now) {
    const Instant rounded = std::chrono::floor<std::chrono::milliseconds>(now);
    updates_.erase({order.updated_at, order.id});
    order.updated_at = std::max(rounded, order.updated_at + std::chrono::milliseconds{1});
    updates_.emplace(std::pair{order.updated_at, order.id}, &order);
}

// --- orders ----------------------------------------------------------------------------------------------------------

ShopOrder* ShopifyStore::find(std::int64_t order_id) {
    const auto found = orders_.find(order_id);
    return found == orders_.end() ? nullptr : &found->second;
}

const ShopOrder* ShopifyStore::order(std::int64_t order_id) const {
    const auto found = orders_.find(order_id);
    return found == orders_.end() ? nullptr : &found->second;
}

const ShopOrder* ShopifyStore::order_of_fulfillment_order(std::int64_t id) const {
    const auto found = order_of_fulfillment_order_.find(id);
    return found == order_of_fulfillment_order_.end() ? nullptr : order(found->second);
}

ShopFulfillmentOrder* ShopifyStore::find_fulfillment_order(std::int64_t id, ShopOrder** owner) {
    const auto found = order_of_fulfillment_order_.find(id);
    ShopOrder* order = found == order_of_fulfillment_order_.end() ? nullptr : find(found->second);
    if (order == nullptr) {
        return nullptr;
    }
    *owner = order;
    for (auto& candidate : order->fulfillment_orders) {
        if (candidate.id == id) {
            return &candidate;
        }
    }
    return nullptr;
}

std::optional<ShopOrderLine> ShopifyStore::make_line(const WantedLine& wanted, std::int64_t location_id) {
    ShopOrderLine line;
    line.id = next_id();
    line.quantity = line.current_quantity = line.fulfillable = wanted.quantity;
    line.location_id = location_id;
    if (wanted.custom) {
        line.title = wanted.sku.empty() ? "Custom item" : wanted.sku;
        line.price_cents = 500;
        return line;
    }
    const ShopVariant* variant = variant_by_sku(wanted.sku);
    if (variant == nullptr) {
        return std::nullopt;
    }
    line.variant_id = variant->variant_id;
    line.product_id = variant->product_id;
    line.sku = variant->sku;
    line.title = variant->title;
    line.price_cents = variant->price_cents;
    line.requires_shipping = variant->requires_shipping;
    line.gift_card = variant->gift_card;
    line.tracked = variant->tracked;
    return line;
}

std::optional<Refusal> ShopifyStore::check_stock(const std::vector<ShopOrderLine>& lines) const {
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> wanted;
    for (const auto& line : lines) {
        if (has_stock_behind(line)) {
            const ShopVariant* variant = variant_by_id(*line.variant_id);
            wanted[{variant->inventory_item_id, line.location_id}] += line.quantity;
        }
    }
    for (const auto& [place, quantity] : wanted) {
        const ShopLevel* stock = level(place.first, place.second);
        if (stock == nullptr || stock->available < quantity) {
            return Refusal{"out_of_stock", "the shop shows too few of item " + std::to_string(place.first)};
        }
    }
    return std::nullopt;
}

Answer<std::int64_t> ShopifyStore::create_order(const WantedOrder& wanted, Instant now) {
    if (settings_.status == "uninstalled") {
        return Refusal{"store_closed", "the store is uninstalled"};
    }
    const auto online = std::find_if(locations_.begin(), locations_.end(), [](const auto& place) {
        return place.active && place.fulfills_online_orders;
    });
    const std::int64_t place =
        wanted.location_id != 0 ? wanted.location_id : (online == locations_.end() ? 0 : online->id);
    if (location(place) == nullptr) {
        return Refusal{"no_location", "the store has no such location"};
    }
    std::vector<ShopOrderLine> lines;
    for (const auto& one : wanted.lines) {
        auto line = one.quantity > 0 ? make_line(one, place) : std::nullopt;
        if (!line) {
            return Refusal{"bad_line", "no variant has the SKU \"" + one.sku + "\", or its quantity is not positive"};
        }
        lines.push_back(std::move(*line));
    }
    if (lines.empty()) {
        return Refusal{"bad_line", "an order needs at least one line"};
    }
    if (!wanted.oversell) {
        if (auto refusal = check_stock(lines)) {
            ++totals_.refused_out_of_stock;
            record("order_refused", "", "", json{{"reason", refusal->code}}.dump(), now);
            return *refusal;
        }
    }

    ShopOrder order;
    order.number = ++orders_given_;
    // Every fourth id cannot be held by a double: what reads ids as doubles is found out.
    order.id = next_id() + (order.number % 4 == 0 ? beyond_double : 0);
    order.name = "#" + std::to_string(1000 + order.number);
    order.created_at = std::chrono::floor<std::chrono::milliseconds>(now);
    order.updated_at = order.created_at;
    order.financial_status = wanted.financial_status;
    order.test = wanted.test;
    order.source_name = wanted.source_name;
    order.email = wanted.email.empty() ? "buyer" + std::to_string(order.number) + "@example.com" : wanted.email;
    order.ship_method = wanted.ship_method;
    order.shipping_cents = 500;
    const ShopAddress address = invented_address(random_);
    if (!wanted.without_address) {
        order.shipping_address = address;
        order.customer_id = next_id();
    }
    order.lines = std::move(lines);

    ShopFulfillmentOrder work;
    work.id = next_id();
    work.location_id = place;
    for (const auto& line : order.lines) {
        move(line, -line.quantity, line.quantity, now);
        if (line.fulfillable > 0) {
            work.lines.push_back({next_id(), line.id, line.fulfillable, line.fulfillable});
        }
    }
    order_of_fulfillment_order_[work.id] = order.id;
    order.fulfillment_orders.push_back(std::move(work));

    const std::int64_t id = order.id;
    record(
        "order_created", "", order_reference(order),
        runtime::dump_json({{"name", order.name}, {"lines", lines_detail(order)}}), now);
    ++totals_.created;
    const auto [place_in_map, inserted] = orders_.emplace(id, std::move(order));
    updates_.emplace(std::pair{place_in_map->second.updated_at, id}, &place_in_map->second);
    const std::string body = order_body(*this, place_in_map->second);
    emit("orders/create", body, id, now);
    if (place_in_map->second.financial_status == "paid") {
        emit("orders/paid", body, id, now);
    }
    return id;
}

std::optional<Refusal> ShopifyStore::pay(std::int64_t order_id, Instant now) {
    ShopOrder* order = find(order_id);
    if (order == nullptr) {
        return Refusal{"not_found", "no such order"};
    }
    if (order->cancelled_at || order->financial_status == "paid") {
        return Refusal{"not_payable", "the order is cancelled or paid already"};
    }
    order->financial_status = "paid";
    touch(*order, now);
    record("order_paid", "", order_reference(*order), "{}", now);
    emit_order("orders/paid", *order, now);
    emit_order("orders/updated", *order, now);
    return std::nullopt;
}

ShopRefund& ShopifyStore::give_back(
    ShopOrder& order,
    const std::vector<RefundWish>& wishes,
    const std::string& note,
    Instant now) {
    const bool paid = order.financial_status == "paid" || order.financial_status == "partially_refunded";
    ShopRefund refund;
    refund.id = next_id();
    refund.created_at = now;
    refund.note = note;
    for (const auto& wish : wishes) {
        auto line =
            std::find_if(order.lines.begin(), order.lines.end(), [&](const auto& l) { return l.id == wish.line_id; });
        const std::int64_t unshipped = std::min(wish.quantity, line->fulfillable);
        const bool back = wish.restock_type != "no_restock";
        move(*line, back ? wish.quantity : 0, -unshipped, now);
        line->fulfillable -= unshipped;
        line->current_quantity -= wish.quantity;
        reduce_fulfillment_orders(order, line->id, unshipped);
        const std::int64_t subtotal = line->price_cents * wish.quantity;
        refund.lines.push_back(
            {next_id(), line->id, wish.quantity, wish.restock_type,
             back ? std::optional<std::int64_t>(line->location_id) : std::nullopt, subtotal});
        refund.money_cents += paid ? subtotal : 0;
    }
    order.refunds.push_back(std::move(refund));
    ++totals_.refunds;
    return order.refunds.back();
}

std::optional<Refusal> ShopifyStore::cancel(
    std::int64_t order_id,
    const std::string& reason,
    bool restock,
    const std::string& cause,
    Instant now) {
    ShopOrder* order = find(order_id);
    if (order == nullptr) {
        return Refusal{"NOT_FOUND", "Order does not exist"};
    }
    if (order->cancelled_at) {
        return Refusal{"INVALID", "Order has already been cancelled"};
    }
    if (!order->fulfillments.empty()) {
        return Refusal{"INVALID", "Cannot cancel an order that has outstanding fulfillments"};
    }
    std::vector<RefundWish> wishes;
    for (const auto& line : order->lines) {
        if (line.current_quantity > 0) {
            wishes.push_back({line.id, line.current_quantity, restock ? "cancel" : "no_restock"});
        }
    }
    const bool paid = order->financial_status == "paid" || order->financial_status == "partially_refunded";
    const bool refunded_something = !wishes.empty();
    if (refunded_something) {
        ShopRefund& refund = give_back(*order, wishes, "", now);
        refund.money_cents += paid ? order->shipping_cents : 0;
    }
    for (auto& work : order->fulfillment_orders) {
        work.closed = true;
        work.holds.clear();
    }
    order->financial_status = paid ? "refunded" : "voided";
    order->cancel_reason = reason;
    touch(*order, now);
    order->cancelled_at = order->updated_at;
    order->closed_at = order->updated_at;
    ++totals_.cancelled;
    record(
        "order_cancelled", "", order_reference(*order),
        json{{"reason", reason}, {"restock", restock}, {"by", cause}}.dump(), now);
    if (refunded_something) {
        emit("refunds/create", refund_body(*this, *order, order->refunds.back()).dump(), order->id, now);
    }
    emit_order("orders/cancelled", *order, now);
    emit_order("orders/updated", *order, now);
    return std::nullopt;
}

Answer<std::int64_t> ShopifyStore::refund(
    std::int64_t order_id,
    const std::vector<RefundWish>& wishes,
    const std::string& note,
    Instant now) {
    ShopOrder* order = find(order_id);
    if (order == nullptr) {
        return Refusal{"not_found", "no such order"};
    }
    std::map<std::int64_t, std::int64_t> asked;
    for (const auto& wish : wishes) {
        const ShopOrderLine* line = order->line(wish.line_id);
        const bool known =
            wish.restock_type == "cancel" || wish.restock_type == "return" || wish.restock_type == "no_restock";
        asked[wish.line_id] += wish.quantity;
        if (line == nullptr || !known || wish.quantity <= 0 || asked[wish.line_id] > line->current_quantity ||
            (wish.restock_type == "cancel" && asked[wish.line_id] > line->fulfillable)) {
            return Refusal{"bad_refund", "a line cannot be refunded by that quantity and restock type"};
        }
    }
    if (wishes.empty()) {
        return Refusal{"bad_refund", "a refund needs at least one line"};
    }
    const std::int64_t refund_id = give_back(*order, wishes, note, now).id;
    const bool rest = std::any_of(
        order->lines.begin(), order->lines.end(), [](const auto& line) { return line.current_quantity > 0; });
    if (order->financial_status == "paid" || order->financial_status == "partially_refunded") {
        order->financial_status = rest ? "partially_refunded" : "refunded";
    }
    touch(*order, now);
    json lines = json::array();
    for (const auto& wish : wishes) {
        lines.push_back({{"line_id", wish.line_id}, {"quantity", wish.quantity}, {"restock_type", wish.restock_type}});
    }
    record("order_refunded", "", order_reference(*order), json{{"refund_id", refund_id}, {"lines", lines}}.dump(), now);
    emit("refunds/create", refund_body(*this, *order, order->refunds.back()).dump(), order->id, now);
    emit_order("orders/updated", *order, now);
    return refund_id;
}

void ShopifyStore::reduce_fulfillment_orders(ShopOrder& order, std::int64_t line_id, std::int64_t quantity) {
    for (auto& work : order.fulfillment_orders) {
        for (auto& line : work.lines) {
            if (line.line_id == line_id && !work.closed) {
                const std::int64_t taken = std::min(quantity, line.remaining);
                line.remaining -= taken;
                line.total -= taken;
                quantity -= taken;
            }
        }
        const bool rest =
            std::any_of(work.lines.begin(), work.lines.end(), [](const auto& l) { return l.remaining > 0; });
        work.closed = work.closed || !rest;
    }
}

std::optional<Refusal> ShopifyStore::edit(std::int64_t order_id, const std::vector<WantedLine>& wanted, Instant now) {
    ShopOrder* order = find(order_id);
    if (order == nullptr) {
        return Refusal{"not_found", "no such order"};
    }
    if (order->cancelled_at || order->fulfillment_orders.empty()) {
        return Refusal{"not_editable", "the order is cancelled"};
    }
    ShopFulfillmentOrder& work = order->fulfillment_orders.front();
    std::vector<std::pair<std::int64_t, std::int64_t>> changes;
    // An edit is all or nothing: what an earlier wish did is taken back when a later one is refused.
    const ShopOrder order_before = *order;
    const auto levels_before = levels_;
    const std::size_t events_before = events_.size();
    const auto refuse = [&](Refusal refusal) {
        *order = order_before;
        levels_ = levels_before;
        events_.resize(events_before);
        return refusal;
    };
    for (const auto& wish : wanted) {
        auto line =
            std::find_if(order->lines.begin(), order->lines.end(), [&](const auto& l) { return l.sku == wish.sku; });
        const std::int64_t place = work.location_id;
        const std::int64_t before = line == order->lines.end() ? 0 : line->current_quantity;
        const std::int64_t delta = wish.quantity - before;
        if (wish.quantity < 0 || delta == 0) {
            continue;
        }
        if (delta < 0 && -delta > line->fulfillable) {
            return refuse({"not_editable", "more is shipped than the edit leaves"});
        }
        if (delta > 0) {
            auto probe = make_line({wish.sku, delta, false}, place);
            if (!probe) {
                return refuse({"bad_line", "no variant has the SKU \"" + wish.sku + "\""});
            }
            if (auto refusal = check_stock({*probe})) {
                return refuse(*refusal);
            }
            if (line == order->lines.end()) {
                order->lines.push_back(*probe);
                line = std::prev(order->lines.end());
            } else {
                line->quantity += delta;
                line->current_quantity += delta;
                line->fulfillable += delta;
            }
            auto part = std::find_if(
                work.lines.begin(), work.lines.end(), [&](const auto& l) { return l.line_id == line->id; });
            if (part == work.lines.end()) {
                work.lines.push_back({next_id(), line->id, delta, delta});
            } else {
                part->total += delta;
                part->remaining += delta;
            }
            work.closed = false;
        } else {
            line->current_quantity += delta;
            line->fulfillable += delta;
            reduce_fulfillment_orders(*order, line->id, -delta);
        }
        move(*line, -delta, delta, now);
        changes.emplace_back(line->id, delta);
    }
    if (changes.empty()) {
        return Refusal{"no_change", "the edit changes nothing"};
    }
    touch(*order, now);
    json detail = json::array();
    for (const auto& [line_id, delta] : changes) {
        detail.push_back({{"line_id", line_id}, {"delta", delta}});
    }
    record("order_edited", "", order_reference(*order), json{{"changes", detail}}.dump(), now);
    emit("orders/edited", edit_body(*order, next_id(), changes).dump(), order->id, now);
    emit_order("orders/updated", *order, now);
    return std::nullopt;
}

std::optional<Refusal> ShopifyStore::erase(std::int64_t order_id, Instant now) {
    const ShopOrder* order = find(order_id);
    if (order == nullptr) {
        return Refusal{"not_found", "no such order"};
    }
    // Deleting gives no stock back: a shop only lets closed or cancelled orders be deleted.
    if (!order->cancelled_at && order->fulfillment_status() != "fulfilled") {
        return Refusal{"not_deletable", "only a cancelled or fulfilled order can be deleted"};
    }
    for (const auto& work : order->fulfillment_orders) {
        order_of_fulfillment_order_.erase(work.id);
    }
    updates_.erase({order->updated_at, order_id});
    orders_.erase(order_id);
    record("order_deleted", "", std::to_string(order_id), "{}", now);
    emit("orders/delete", json{{"id", order_id}}.dump(), order_id, now);
    return std::nullopt;
}

// --- fulfilment ------------------------------------------------------------------------------------------------------

Answer<std::int64_t> ShopifyStore::fulfill(
    const std::vector<FulfillmentWish>& wishes,
    const std::string& company,
    const std::string& number,
    const std::string& url,
    const std::string& cause,
    Instant now) {
    struct Part {
        ShopFulfillmentOrderLine* line;
        std::int64_t quantity;
    };
    std::vector<Part> parts;
    std::vector<ShopFulfillmentOrder*> works;
    std::map<std::int64_t, std::int64_t> asked;
    ShopOrder* order = nullptr;
    for (const auto& wish : wishes) {
        ShopOrder* owner = nullptr;
        ShopFulfillmentOrder* work = find_fulfillment_order(wish.fulfillment_order_id, &owner);
        if (work == nullptr) {
            return Refusal{"", "Fulfillment order does not exist."};
        }
        if ((order != nullptr && order != owner) ||
            (!works.empty() && works.front()->location_id != work->location_id)) {
            return Refusal{"", "All fulfillment orders must belong to the same order and location."};
        }
        order = owner;
        const std::string status = work->status();
        if (status != "OPEN" && status != "IN_PROGRESS") {
            const std::string lower = status == "ON_HOLD" ? "on_hold" : "closed";
            return Refusal{
                "", "Fulfillment order " + std::to_string(work->id) + " has an unfulfillable status= " + lower + "."};
        }
        works.push_back(work);
        if (wish.lines.empty()) {
            for (auto& line : work->lines) {
                parts.push_back({&line, line.remaining});
            }
            continue;
        }
        for (const auto& [line_id, quantity] : wish.lines) {
            auto line =
                std::find_if(work->lines.begin(), work->lines.end(), [&](const auto& l) { return l.id == line_id; });
            asked[line_id] += quantity;
            if (line == work->lines.end() || asked[line_id] > line->remaining) {
                return Refusal{"", "Invalid fulfillment order line item quantity requested."};
            }
            parts.push_back({&*line, quantity});
        }
    }
    if (order == nullptr) {
        return Refusal{"", "At least one fulfillment order is required."};
    }

    ShopFulfillment fulfillment;
    fulfillment.id = next_id();
    fulfillment.name = order->name + "-F" + std::to_string(order->fulfillments.size() + 1);
    fulfillment.created_at = fulfillment.updated_at = now;
    fulfillment.location_id = works.front()->location_id;
    fulfillment.tracking_company = company;
    fulfillment.tracking_number = number;
    fulfillment.tracking_url = url;
    json lines = json::array();
    for (const auto& part : parts) {
        if (part.quantity == 0) {
            continue;
        }
        part.line->remaining -= part.quantity;
        auto line = std::find_if(
            order->lines.begin(), order->lines.end(), [&](const auto& l) { return l.id == part.line->line_id; });
        line->fulfillable -= part.quantity;
        move(*line, 0, -part.quantity, now);
        fulfillment.lines.push_back({next_id(), line->id, part.quantity});
        lines.push_back({{"line_id", line->id}, {"sku", line->sku.value_or("")}, {"quantity", part.quantity}});
    }
    for (auto* work : works) {
        work->progressed = true;
        work->closed =
            std::all_of(work->lines.begin(), work->lines.end(), [](const auto& l) { return l.remaining == 0; });
    }
    order->fulfillments.push_back(fulfillment);
    ++totals_.fulfillments;
    touch(*order, now);
    record(
        "fulfillment_created", number, order_reference(*order),
        json{{"fulfillment_id", fulfillment.id}, {"lines", lines}, {"by", cause}}.dump(), now);
    emit("fulfillments/create", fulfillment_body(*this, *order, fulfillment).dump(), order->id, now);
    emit_order("orders/updated", *order, now);
    return fulfillment.id;
}

Answer<std::int64_t> ShopifyStore::hold(std::int64_t fulfillment_order_id, ShopHold hold, Instant now) {
    ShopOrder* order = nullptr;
    ShopFulfillmentOrder* work = find_fulfillment_order(fulfillment_order_id, &order);
    if (work == nullptr) {
        return Refusal{"FULFILLMENT_ORDER_NOT_FOUND", "Fulfillment order not found."};
    }
    if (work->closed) {
        return Refusal{"INVALID_STATUS", "The fulfillment order is not in a status that can be held."};
    }
    if (std::any_of(work->holds.begin(), work->holds.end(), [&](const auto& h) { return h.handle == hold.handle; })) {
        return Refusal{
            "DUPLICATE_FULFILLMENT_HOLD_HANDLE",
            "The handle provided for the fulfillment hold is already in use by this app for another hold on this "
            "fulfillment order."};
    }
    hold.id = next_id();
    const std::int64_t id = hold.id;
    record(
        "fulfillment_held", hold.handle, order_reference(*order), json{{"hold_id", id}, {"reason", hold.reason}}.dump(),
        now);
    work->holds.push_back(std::move(hold));
    touch(*order, now);
    emit_order("orders/updated", *order, now);
    return id;
}

std::optional<Refusal> ShopifyStore::release_hold(
    std::int64_t fulfillment_order_id,
    const std::vector<std::int64_t>& hold_ids,
    Instant now) {
    ShopOrder* order = nullptr;
    ShopFulfillmentOrder* work = find_fulfillment_order(fulfillment_order_id, &order);
    if (work == nullptr) {
        return Refusal{"FULFILLMENT_ORDER_NOT_FOUND", "Fulfillment order not found."};
    }
    const auto before = work->holds.size();
    std::erase_if(work->holds, [&](const auto& hold) {
        return hold_ids.empty() || std::find(hold_ids.begin(), hold_ids.end(), hold.id) != hold_ids.end();
    });
    if (work->holds.size() == before) {
        return Refusal{"INVALID_STATUS", "The fulfillment order is not on hold."};
    }
    record("hold_released", "", order_reference(*order), "{}", now);
    touch(*order, now);
    emit_order("orders/updated", *order, now);
    return std::nullopt;
}

std::optional<Refusal> ShopifyStore::add_tags(
    std::int64_t order_id,
    const std::vector<std::string>& tags,
    Instant now) {
    ShopOrder* order = find(order_id);
    if (order == nullptr) {
        return Refusal{"NOT_FOUND", "Order does not exist"};
    }
    bool changed = false;
    for (const auto& tag : tags) {
        if (std::find(order->tags.begin(), order->tags.end(), tag) == order->tags.end()) {
            order->tags.push_back(tag);
            changed = true;
        }
    }
    if (changed) {
        touch(*order, now);
        record("tags_added", "", order_reference(*order), json{{"tags", tags}}.dump(), now);
        emit_order("orders/updated", *order, now);
    }
    return std::nullopt;
}

void ShopifyStore::uninstall(Instant now) {
    settings_.status = "uninstalled";
    record("app_uninstalled", "", "", "{}", now);
    emit("app/uninstalled", shop_body(*this).dump(), 0, now);
}

// --- jobs and subscriptions ------------------------------------------------------------------------------------------

std::int64_t ShopifyStore::start_cancel_job(
    std::int64_t order_id,
    const std::string& reason,
    bool restock,
    Instant now) {
    const std::int64_t id = next_id();
    jobs_.push_back({id, order_id, reason, restock, false, now + std::chrono::milliseconds{settings_.cancel_job_ms}});
    return id;
}

void ShopifyStore::run_jobs(Instant now) {
    for (auto& job : jobs_) {
        if (!job.done && job.due <= now) {
            job.done = true;
            // A fulfilment may have come in between; then the cancel has no effect, as in a shop.
            (void)cancel(job.order_id, job.reason, job.restock, "api", now);
        }
    }
}

std::optional<bool> ShopifyStore::job_done(std::int64_t job_id) const {
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& job) { return job.id == job_id; });
    return found == jobs_.end() ? std::nullopt : std::optional<bool>(found->done);
}

std::optional<Instant> ShopifyStore::next_job() const {
    std::optional<Instant> earliest;
    for (const auto& job : jobs_) {
        if (!job.done && (!earliest || job.due < *earliest)) {
            earliest = job.due;
        }
    }
    return earliest;
}

std::int64_t ShopifyStore::subscribe(const std::string& topic, const std::string& url, Instant now) {
    for (const auto& subscription : subscriptions_) {
        if (subscription.topic == topic && subscription.url == url) {
            return subscription.id;
        }
    }
    subscriptions_.push_back({next_id(), topic, url, now, {}});
    return subscriptions_.back().id;
}

bool ShopifyStore::unsubscribe(std::int64_t id) {
    return std::erase_if(subscriptions_, [&](const auto& subscription) { return subscription.id == id; }) > 0;
}

void ShopifyStore::divert(const std::string& topic, const std::string& url, const std::string& filter, Instant now) {
    std::erase_if(subscriptions_, [&](const auto& subscription) { return subscription.topic == topic; });
    if (!url.empty()) {
        subscriptions_.push_back({next_id(), topic, url, now, filter});
    }
}

void ShopifyStore::deliver_everything_to(const std::string& url, Instant now) {
    subscriptions_.clear();
    if (url.empty()) {
        return;
    }
    for (const auto& topic : shop_topics()) {
        subscriptions_.push_back({next_id(), topic, url, now, {}});
    }
}

}  // namespace ordersaga::sandbox
