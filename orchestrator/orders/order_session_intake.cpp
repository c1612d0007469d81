// How arrivals become order rows, sagas and events.

#include "orchestrator/orders/order_session.hpp"
#include "runtime/json.hpp"
#include "runtime/planted.hpp"
#include "sagas/found_fulfillments.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <tuple>

namespace ordersaga::orders {

using engine::InputResult;
using nlohmann::json;

namespace {

const Delivery* delivery_in(const engine::Arrival& arrival) {
    return std::any_cast<Delivery>(&arrival.content);
}

bool about_an_order(const Delivery& delivery) {
    const std::string& topic = delivery.receipt.topic;
    return delivery.receipt.source == "shopify" && delivery.fault.empty() && !delivery.receipt.order_id.empty() &&
           (topic.starts_with("orders/") || topic == "refunds/create" || topic.starts_with("fulfillments/"));
}

bool counts_again() {
    return runtime::planted("dedupe_row_dropped");
}

OrderKey key_of(const Delivery& delivery) {
    return {delivery.receipt.merchant, delivery.receipt.store_id, delivery.receipt.order_id};
}

// When the store had it to tell, by its own word; never later than now, or nothing newer would be heard until then.
Instant told_at(const ReceiptRow& receipt, Instant now) {
    const auto triggered = runtime::parse_rfc3339(runtime::get_text(receipt.headers, "triggered_at").value_or(""));
    return triggered ? std::min(*triggered, now) : now;
}

}  // namespace

std::vector<InputResult> OrderSession::resolve(const std::vector<const engine::Arrival*>& arrivals) {
    std::vector<InputResult> results(arrivals.size());
    lock_duties_of(arrivals);
    for (const DutyEnd& end : duty_ends_)
        end_duty(end);
    duty_ends_.clear();
    read_receipts(arrivals, results);
    leave_out_known();
    lock_orders_of(arrivals);
    load_mappings(arrivals);
    take_found();
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        if (repeated_.count(arrivals[i]) > 0) continue;
        const engine::Arrival& arrival = *arrivals[i];
        if (const Delivery* delivery = delivery_in(arrival)) {
            results[i] = resolve_delivery(*delivery, arrival.trace);
            if (is_level_hint(*delivery)) continue;
            ReceiptRow& receipt = receipts_[receipt_of_.at(&arrival)];
            receipt.saga_id = results[i].saga_id;
            receipt.reason = results[i].reason;
            if (results[i].kind == InputResult::Kind::ignored) receipt.status = ReceiptStatus::ignored;
            if (results[i].kind == InputResult::Kind::parked) receipt.status = ReceiptStatus::parked;
        } else if (const auto* polled = std::any_cast<PolledOrders>(&arrival.content)) {
            results[i] = resolve_polled(*polled, arrival.trace);
        } else if (const auto* adjustment = std::any_cast<StockAdjustment>(&arrival.content)) {
            results[i] = resolve_adjustment(*adjustment);
        } else if (const auto* store_switch = std::any_cast<StoreSwitched>(&arrival.content)) {
            results[i] = resolve_switch(*store_switch);
        } else if (const auto* mode = std::any_cast<StoreModeSet>(&arrival.content)) {
            results[i] = resolve_mode(*mode);
        } else if (const auto* listing = std::any_cast<ListingTakenBack>(&arrival.content)) {
            results[i] = resolve_taking_back(*listing);
        } else {
            throw engine::BadItem("an arrival of unknown content");
        }
    }
    for (const PolledOrders& polled : polled_)
        resolve_polled(polled, {});
    put_back_found();
    tell_views();
    hold_who_waits_for_flushes();
    return results;
}

void OrderSession::read_receipts(
    const std::vector<const engine::Arrival*>& arrivals,
    std::vector<InputResult>& results) {
    std::vector<ReceiptRow> rows;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        const Delivery* delivery = delivery_in(*arrivals[i]);
        if (delivery == nullptr || is_level_hint(*delivery)) continue;
        rows.push_back(delivery->receipt);
        places.push_back(i);
    }
    if (rows.empty()) return;
    const std::vector<bool> known = rows_.know_receipts(rows);
    // What comes twice in one batch is known the second time.
    using Key = std::tuple<MerchantId, std::string, StoreId, std::string, std::string, std::string>;
    std::set<Key> deliveries, events;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const engine::Arrival* arrival = arrivals[places[i]];
        const ReceiptRow& row = rows[i];
        bool is_new = !known[i];
        is_new =
            deliveries.emplace(row.merchant, row.source, row.store_id, row.topic, row.webhook_id, "").second && is_new;
        if (!row.event_id.empty()) {
            is_new = events.emplace(row.merchant, row.source, row.store_id, row.topic, row.event_id, row.name).second &&
                     is_new;
        }
        if (is_new || counts_again()) {
            receipt_of_[arrival] = receipts_.size();
            receipts_.push_back(std::move(rows[i]));
        } else {
            repeated_.insert(arrival);
            results[places[i]].kind = InputResult::Kind::duplicate;
        }
    }
}

// They are stored once, with what became of them. Whoever has stored the same webhook meanwhile has applied it, too.
void OrderSession::keep_receipts() {
    if (receipts_.empty()) return;
    const std::vector<bool> is_new = rows_.insert_receipts(receipts_);
    const bool all_new = std::find(is_new.begin(), is_new.end(), false) == is_new.end();
    if (!all_new && !counts_again())
        throw engine::StoreUnavailable("a webhook was taken by another batch at the same time");
}

// Each poll tells again what the one before has told. What stands here word for word needs no lock and no look at its
// articles; whoever writes the order meanwhile has heard something newer.
void OrderSession::leave_out_known() {
    std::vector<OrderKey> keys;
    for (const PolledOrders& polled : polled_) {
        for (const sagas::OrderDocument& order : polled.orders)
            keys.push_back({polled.merchant, polled.store_id, order.order_id});
    }
    if (keys.empty()) return;
    const std::vector<std::optional<sagas::OrderDocument>> known = rows_.peek_documents(keys);
    auto next = known.begin();
    for (PolledOrders& polled : polled_) {
        std::erase_if(polled.orders, [&](const sagas::OrderDocument& order) {
            const std::optional<sagas::OrderDocument>& document = *next++;
            return document && *document == without_person(order);
        });
    }
    std::erase_if(polled_, [](const PolledOrders& polled) { return polled.orders.empty(); });
}

void OrderSession::lock_orders_of(const std::vector<const engine::Arrival*>& arrivals) {
    std::set<OrderKey> keys;
    auto add_polled = [&](const PolledOrders& polled) {
        for (const sagas::OrderDocument& order : polled.orders)
            keys.insert({polled.merchant, polled.store_id, order.order_id});
    };
    for (const engine::Arrival* arrival : arrivals) {
        if (repeated_.count(arrival) > 0) continue;
        if (const Delivery* delivery = delivery_in(*arrival)) {
            if (about_an_order(*delivery)) keys.insert(key_of(*delivery));
        } else if (const auto* polled = std::any_cast<PolledOrders>(&arrival->content)) {
            add_polled(*polled);
        }
    }
    for (const PolledOrders& polled : polled_)
        add_polled(polled);
    if (keys.empty()) return;
    for (OrderRow& row : rows_.lock_orders({keys.begin(), keys.end()})) {
        OrderKey key = row.key;
        orders_.insert_or_assign(key, std::move(row));
    }
}

// All variants and SKUs of the batch, one question per store.
void OrderSession::load_mappings(const std::vector<const engine::Arrival*>& arrivals) {
    struct Names {
        std::set<std::string> variants, skus;
    };
    std::map<std::pair<MerchantId, StoreId>, Names> wanted;
    auto add = [&](MerchantId merchant, StoreId store_id, const std::vector<sagas::OrderLine>& lines) {
        Names& names = wanted[{merchant, store_id}];
        for (const sagas::OrderLine& line : lines) {
            if (!line.variant_id.empty()) {
                names.variants.insert(line.variant_id);
            } else if (!line.sku.empty()) {
                names.skus.insert(line.sku);
            }
        }
    };
    for (const engine::Arrival* arrival : arrivals) {
        if (const Delivery* delivery = delivery_in(*arrival); delivery != nullptr && delivery->order) {
            add(delivery->receipt.merchant, delivery->receipt.store_id, delivery->order->lines);
        } else if (const auto* polled = std::any_cast<PolledOrders>(&arrival->content)) {
            for (const auto& order : polled->orders)
                add(polled->merchant, polled->store_id, order.lines);
        }
    }
    for (const PolledOrders& polled : polled_) {
        for (const auto& order : polled.orders)
            add(polled.merchant, polled.store_id, order.lines);
    }
    for (const auto& [key, row] : orders_)
        add(key.merchant, key.store_id, row.document.lines);

    for (const auto& [where, names] : wanted) {
        if (names.variants.empty() && names.skus.empty()) continue;
        std::vector<ListingRow> listings = rows_.find_listings(
            where.first, where.second, {names.variants.begin(), names.variants.end()},
            {names.skus.begin(), names.skus.end()});
        std::set<Ledger::SkuKey> skus;
        for (const ListingRow& listing : listings) {
            skus.emplace(where.first, listing.sku_id);
            for (const ListingComponent& component : listing.components)
                skus.emplace(where.first, component.sku_id);
        }
        ledger_.read_skus(rows_, skus);
        mappings_[where] = std::move(listings);
    }
}

LineMapping OrderSession::map_line(const StoreRow& store, const sagas::OrderLine& line) {
    LineMapping mapping;
    for (const ListingRow& listing : mappings_[{store.merchant, store.store_id}]) {
        bool same_variant = !line.variant_id.empty() && listing.variant_id == line.variant_id;
        const SkuRow& sku = ledger_.sku(store.merchant, listing.sku_id);
        bool same_sku = line.variant_id.empty() && !line.sku.empty() && sku.sku == line.sku;
        if (!same_variant && !same_sku) continue;
        mapping.listing = &listing;
        mapping.sku = &sku;
        break;
    }
    if (mapping.sku == nullptr) return mapping;
    for (const ListingComponent& component : mapping.listing->components) {
        const SkuRow& part = ledger_.sku(store.merchant, component.sku_id);
        if (part.warehouse_item_id.empty())
            return {mapping.listing, mapping.sku, {}};  // the warehouse could not ship it
        mapping.parts.push_back({part.sku_id.value, part.sku, part.warehouse_item_id, component.quantity, 0});
    }
    return mapping;
}

OrderRow& OrderSession::order(const OrderKey& key) {
    dirty_orders_.insert(key);
    return orders_.at(key);
}

void OrderSession::take_facts(OrderRow& row, IntakeFacts facts, const std::string& trace, InputResult& result) {
    Channels& channels = *world(row.key.merchant).channels;
    for (ListingMove& move : facts.moves)
        channels.learn(std::move(move));
    if (facts.start) {
        engine::SagaRow saga;
        saga.key = {row.key.merchant, runtime::new_uuid(batch_.now(), random_)};
        saga.kind = "order";
        saga.data = to_json(facts.data);
        saga.subject = facts.data.store + " " + (row.name.empty() ? row.key.order_id : row.name);
        saga.trace = trace;
        row.saga_id = saga.key.saga_id;
        if (!facts.recipient.is_null()) people_.push_back({row.key, row.saga_id, std::move(facts.recipient)});
        ledger_.mark_loaded(saga.key);
        for (const sagas::Fulfillment& fulfillment : facts.data.fulfillments)
            references_.emplace_back(fulfillment.reference, saga.key);
        batch_.start_saga(std::move(saga));
    }
    for (sagas::Event& event : facts.events)
        batch_.tell({row.key.merchant, row.saga_id}, std::move(event));
    result.saga_id = row.saga_id;
    if (row.saga_id.empty()) {
        result.kind = InputResult::Kind::ignored;
        result.reason = facts.reason.empty() ? row.reason : facts.reason;
    }
}

InputResult OrderSession::resolve_delivery(const Delivery& delivery, const std::string& trace) {
    InputResult result;
    if (!delivery.fault.empty()) {
        result.kind = InputResult::Kind::parked;
        result.reason = delivery.fault;
        return result;
    }
    if (delivery.receipt.status == ReceiptStatus::ignored) {
        result.kind = InputResult::Kind::ignored;
        result.reason = delivery.receipt.reason;
        return result;
    }
    if (delivery.receipt.source == "shipbob") {
        // Only a reason to look: the poll reads what changed, and one look serves any number of webhooks.
        call_duty(
            delivery.receipt.merchant, duty::poll_fulfillments,
            "warehouse:" + std::to_string(delivery.receipt.store_id.value));
        return result;
    }
    const StoreRow* from = store(delivery.receipt.merchant, delivery.receipt.store_id);
    if (from == nullptr) throw engine::BadItem("the store does not exist any more");
    // A deletion is told by no poll.
    if (!takes_orders(*from) && about_an_order(delivery) && delivery.receipt.topic != "orders/delete") {
        result.kind = InputResult::Kind::ignored;
        result.reason = "the database was restored: the poll brings it when the warehouse was asked";
        return result;
    }
    return resolve_shopify(delivery, *from, trace);
}

InputResult OrderSession::resolve_shopify(const Delivery& delivery, const StoreRow& from, const std::string& trace) {
    InputResult result;
    const std::string& topic = delivery.receipt.topic;
    std::string cause = "webhook " + topic;
    LineMapper mapper = [this, &from](const sagas::OrderLine& line) {
        return map_line(from, line);
    };
    const WarehouseRow* ships_from = warehouse(from.merchant, from.warehouse_id);
    if (ships_from == nullptr) throw engine::BadItem("the store's warehouse does not exist");

    if (delivery.order) {
        OrderRow& row = order(key_of(delivery));
        const bool ambiguous = take_document(row, *delivery.order, from, *ships_from, mapper, cause, trace, result);
        if (ambiguous) read_single_order(from, row.key.order_id);
    } else if (topic == "refunds/create") {
        OrderRow& row = order(key_of(delivery));
        std::string order_id;
        sagas::Refund refund = sagas::refund_from_webhook(delivery.body, order_id);
        take_facts(row, merge_refund(row, refund, from, mapper, cause), trace, result);
    } else if (topic == "orders/delete") {
        OrderRow& row = order(key_of(delivery));
        take_facts(row, merge_deletion(row, cause), trace, result);
    } else if (topic == "orders/edited") {
        // The body holds differences only; the order itself is read again.
        read_single_order(from, delivery.receipt.order_id);
    } else if (topic.starts_with("fulfillments/")) {
        hear_of_fulfillment(delivery, cause, result);
    } else if (topic == "inventory_levels/update") {
        hints_.push_back(
            {from.merchant, from.store_id, runtime::get_id_text(delivery.body, "inventory_item_id").value(),
             runtime::get_id_text(delivery.body, "location_id").value(),
             runtime::opt_int64(delivery.body, "available").value(), told_at(delivery.receipt, batch_.now()),
             batch_.now()});
    } else if (topic == "app/uninstalled") {
        uninstalled_.insert({from.merchant, from.store_id});  // written in the turn of stores, at the end
        batch_.open_incident(
            {from.merchant,
             "store:" + std::to_string(from.store_id.value),
             {},
             "the app was uninstalled",
             "store " + from.key + " removed the app: its orders and stock are not followed any more"});
    } else if (delivery.privacy) {
        privacy_.push_back(*delivery.privacy);
        if (delivery.privacy->kind == "data_request") {
            batch_.open_incident(
                {from.merchant,
                 incident_of_data_request(from.store_id, delivery.privacy->reference),
                 {},
                 "a customer asks for their data",
                 "store " + from.key + ", data request " + delivery.privacy->reference +
                     ": sagactl privacy list names it, sagactl privacy export answers it"});
        }
    }
    return result;
}

void OrderSession::hear_of_fulfillment(const Delivery& delivery, const std::string& cause, InputResult& result) {
    const OrderRow& row = orders_.at(key_of(delivery));
    const sagas::StoreFulfillment told = sagas::store_fulfillment_from_webhook(delivery.body);
    result.saga_id = row.saga_id;
    result.kind = InputResult::Kind::ignored;
    if (!sends_goods(told.status)) {
        result.reason = "a fulfilment that sends nothing: " + told.status;
    } else if (row.saga_id.empty()) {
        result.reason = row.has_document ? row.reason : "a fulfilment of an order that is not known";
    } else {
        result.kind = InputResult::Kind::applied;
        json payload = {
            {"fulfillment_id", told.fulfillment_id},
            {"tracking_numbers", told.tracking_numbers},
            {"reason", "fulfilled outside of us"}};
        batch_.tell({row.key.merchant, row.saga_id}, {"FulfilledElsewhere", std::move(payload), cause});
    }
}

bool OrderSession::take_document(
    OrderRow& row,
    const sagas::OrderDocument& document,
    const StoreRow& from,
    const WarehouseRow& ships_from,
    const LineMapper& map,
    const std::string& cause,
    const std::string& trace,
    InputResult& result) {
    static const std::vector<json> nothing;
    const auto found = found_.find(row.key);
    IntakeFacts facts =
        merge_document(row, document, from, ships_from, map, cause, found == found_.end() ? nothing : found->second);
    if (found != found_.end() && settle_found(row, found->second, facts)) found_.erase(found);
    const bool ambiguous = facts.ambiguous;
    take_facts(row, std::move(facts), trace, result);
    return ambiguous;
}

InputResult OrderSession::resolve_polled(const PolledOrders& polled, const std::string& trace) {
    InputResult result;
    const StoreRow* from = store(polled.merchant, polled.store_id);
    if (from == nullptr) throw engine::BadItem("the store does not exist any more");
    const WarehouseRow* ships_from = warehouse(from->merchant, from->warehouse_id);
    if (ships_from == nullptr) throw engine::BadItem("the store's warehouse does not exist");
    LineMapper mapper = [this, from](const sagas::OrderLine& line) {
        return map_line(*from, line);
    };
    for (const sagas::OrderDocument& document : polled.orders) {
        OrderKey key{polled.merchant, polled.store_id, document.order_id};
        const OrderRow& known = orders_.at(key);
        if (known.has_document && known.document == without_person(document) && found_.count(key) == 0) continue;
        take_document(order(key), document, *from, *ships_from, mapper, polled.source, trace, result);
    }
    result.kind = InputResult::Kind::applied;
    return result;
}

// An operator's change is answered at once, so its ledger is locked here, before any saga: it has a batch to itself.
InputResult OrderSession::resolve_adjustment(const StockAdjustment& adjustment) {
    InputResult result;
    load_stock(rows_.lock_stock({adjustment.key}));
    ledger_.read_skus(rows_, {{adjustment.key.merchant, adjustment.key.sku_id}});
    StockRow& row = ledger_.at(adjustment.key);
    if (row.version != adjustment.expected_version) {
        result.kind = InputResult::Kind::refused;
        result.reason = "the stock is at version " + std::to_string(row.version) + " now";
        result.version = row.version;
        return result;
    }
    if (!ledger_.adjust(
            adjustment.key, adjustment.difference, "adjust:" + adjustment.adjustment_id,
            adjustment.actor + ": " + adjustment.reason)) {
        result.kind = InputResult::Kind::refused;
        result.reason = "only " + std::to_string(row.available) + " are available";
        return result;
    }
    world(adjustment.key.merchant);
    batch_.audit(
        {adjustment.key.merchant,
         batch_.now(),
         adjustment.actor,
         "stock adjust",
         ledger_.sku(adjustment.key.merchant, adjustment.key.sku_id).sku,
         adjustment.reason,
         {{"difference", adjustment.difference}, {"adjustment_id", adjustment.adjustment_id}}});
    result.version = ledger_.at(adjustment.key).version;
    return result;
}

// As with an adjustment, the rows are locked here, so that the answer is exact: a batch to itself.
InputResult OrderSession::resolve_switch(const StoreSwitched& order) {
    InputResult result;
    const StoreRow* row = store(order.merchant, order.store_id);
    if (row == nullptr || (!order.follow && row->status != "active")) {
        result.kind = InputResult::Kind::refused;
        result.reason =
            row == nullptr ? "the store does not exist any more" : "the store is " + row->status + " already";
        return result;
    }
    batch_.audit(order.audit);
    if (order.follow) rows_.doubt_listings(order.merchant, order.store_id);
    rows_.set_store_status(order.merchant, order.store_id, order.follow ? "active" : "suspended", Turn::in_turn);
    if (!order.follow) return result;
    batch_.close_incident(order.merchant, "store:" + std::to_string(order.store_id.value));
    follow_anew(order.merchant, order.store_id);
    return result;
}

void OrderSession::follow_anew(MerchantId merchant, StoreId store_id) {
    const std::string subject = "store:" + std::to_string(store_id.value);
    call_duty(merchant, duty::poll_orders, subject);
    call_duty(merchant, duty::quiet_reads, subject);
}

// What has begun to be sent must be brought to an end here: nobody else knows how far it went.
std::string OrderSession::reason_to_stay_live(const StoreRow& store) {
    const std::int64_t orders = rows_.count_orders_being_sent(store.merchant, store.store_id);
    if (orders > 0)
        return std::to_string(orders) +
               " of its orders are under way and would be left half sent: wait for their end, or compensate them; to "
               "send nothing meanwhile, hold them";
    if (!rows_.read_open_flushes(store.merchant, {store.store_id}, {}).empty())
        return "a stock update is on its way to it: try again in a moment";
    return {};
}

// The instant of the switch divides the orders for ever, by the store's own word of when each was made. That word has whole
// seconds: an order of the second in which we switch counts as older, for the other system has perhaps taken it.
InputResult OrderSession::resolve_mode(const StoreModeSet& order) {
    InputResult result;
    const StoreRow* known = store(order.merchant, order.store_id);
    const std::string mode = order.live ? "live" : "observe";
    if (known == nullptr) {
        result.reason = "the store does not exist any more";
    } else if (known->mode == mode) {
        result.reason = "the store is in mode " + mode + " already";
    } else if (!order.live) {
        result.reason = reason_to_stay_live(*known);
    }
    if (!result.reason.empty()) {
        result.kind = InputResult::Kind::refused;
        return result;
    }
    StoreRow changed = *known;
    changed.mode = mode;
    changed.observed_from = followed_from(*known);
    if (order.live) {
        changed.go_live_at = std::max(
            known->go_live_at, Instant(std::chrono::ceil<std::chrono::seconds>(batch_.now().time_since_epoch())));
    }
    engine::AuditRow audit = order.audit;
    audit.details["go_live_at"] = runtime::format_rfc3339(changed.go_live_at);
    batch_.audit(std::move(audit));
    // Whoever sent before may have moved its levels: each is read before the first update.
    rows_.doubt_listings(order.merchant, order.store_id);
    rows_.set_store_mode(changed, batch_.now());
    follow_anew(order.merchant, order.store_id);
    return result;
}

InputResult OrderSession::resolve_taking_back(const ListingTakenBack& order) {
    InputResult result;
    if (!rows_.unpark_listing(order.merchant, order.listing_id)) {
        result.kind = InputResult::Kind::refused;
        result.reason = "the listing is not parked";
        return result;
    }
    batch_.audit(order.audit);
    batch_.close_incident(order.merchant, "listing:" + std::to_string(order.listing_id.value));
    call_duty(order.merchant, duty::quiet_reads, "store:" + std::to_string(order.store_id.value));
    return result;
}

void OrderSession::tell_views() {
    std::map<MerchantId, std::set<std::string>> references;
    for (const View& view : views_)
        references[view.merchant].insert(view.view.value("reference", ""));
    std::map<std::pair<MerchantId, std::string>, ReferenceRow> known;
    for (const auto& [merchant, names] : references) {
        for (ReferenceRow& row : rows_.sagas_of_references(merchant, {names.begin(), names.end()}))
            known[{merchant, row.reference}] = std::move(row);
    }
    for (View& view : views_) {
        const std::string reference = view.view.value("reference", "");
        auto row = known.find({view.merchant, reference});
        const bool catching_up = catches_up(view.merchant);
        if (catching_up && (row == known.end() || !sagas::is_alive(view.view))) {
            keep_found(view.merchant, reference, std::move(view.view));
        } else if (row == known.end()) {
            continue;  // another channel's order
        } else if (!catching_up && row->second.accepted && sagas::tells_acceptance_alone(view.view)) {
            continue;  // most of what a poll tells: no saga is locked for it
        } else {
            json payload = {{"view", std::move(view.view)}};
            if (catching_up) payload["found"] = true;
            batch_.tell(row->second.saga, {"FulfillmentViewed", std::move(payload), "poll of the warehouse"});
        }
    }
    views_.clear();
}

// After a restore. What the database does not know, or knows as alive, waits for the order's own document: only that says what
// has become of the order meanwhile.
void OrderSession::keep_found(MerchantId merchant, const std::string& reference, json view) {
    const std::size_t dot = reference.find('.');
    const std::size_t end = dot == std::string::npos ? dot : reference.find('.', dot + 1);
    if (end == std::string::npos) return;
    const std::string key = reference.substr(0, dot);
    const std::vector<StoreRow>& stores = world(merchant).stores;
    const bool ours = std::any_of(stores.begin(), stores.end(), [&](const StoreRow& row) { return row.key == key; });
    if (ours) newly_found_.push_back({merchant, reference, reference.substr(0, end), std::move(view)});
}

void OrderSession::take_found() {
    std::map<MerchantId, std::map<std::string, OrderKey>> wanted;
    for (const auto& [key, row] : orders_) {
        const StoreRow* from = store(key.merchant, key.store_id);
        if (from == nullptr || from->recovery.empty() || !takes_orders(*from)) continue;
        wanted[key.merchant].emplace(from->key + "." + key.order_id, key);
    }
    for (const auto& [merchant, orders] : wanted) {
        std::vector<std::string> names;
        for (const auto& [name, key] : orders)
            names.push_back(name);
        for (FoundFulfillment& found : rows_.take_found(merchant, names))
            found_[orders.at(found.order_key)].push_back(std::move(found.view));
    }
}

// Who told of the order had no document of it, or the order has no saga.
void OrderSession::put_back_found() {
    if (runtime::planted("found_fulfillment_thrown_away")) found_.clear();
    for (auto& [key, views] : found_) {
        for (json& view : views) {
            const std::string reference = view.value("reference", "");
            const std::string name = store(key.merchant, key.store_id)->key + "." + key.order_id;
            newly_found_.push_back({key.merchant, reference, name, std::move(view)});
        }
    }
    found_.clear();
}

// A saga that the database still had hears what stands at the warehouse, before what its store tells. False: there is none.
bool OrderSession::settle_found(const OrderRow& row, const std::vector<json>& views, IntakeFacts& facts) {
    if (!facts.start && row.saga_id.empty()) return false;
    const bool alive = std::any_of(views.begin(), views.end(), sagas::is_alive);
    const bool ended = row.document.cancelled_at || row.deleted;
    if (!facts.start && (alive || !ended)) {
        sagas::Event event = sagas::unclear_fulfillments(views, ended);
        event.payload["paid"] = std::any_of(facts.events.begin(), facts.events.end(), [](const sagas::Event& told) {
            return told.name == "OrderPaid";
        });
        facts.events.insert(facts.events.begin(), std::move(event));
    }
    return true;
}

void OrderSession::read_single_order(const StoreRow& from, const std::string& order_id) {
    sagas::Command command;
    command.activity = "ReadOrder";
    command.lane = "store:" + std::to_string(from.store_id.value);
    command.idempotency_key = "read:" + order_id + ":" + std::to_string(batch_.now().time_since_epoch().count());
    command.payload = {{"store", from.key}, {"order_id", order_id}};
    batch_.command_of_duty(
        from.merchant, std::string(duty::read_order) + "/store:" + std::to_string(from.store_id.value), command);
}

void OrderSession::park(const engine::Arrival& arrival, const std::string& reason) {
    const Delivery* delivery = delivery_in(arrival);
    if (delivery == nullptr) {
        transaction_.park(arrival.merchant, "arrival", "", reason, json::object());
        return;
    }
    ReceiptRow receipt = delivery->receipt;
    receipt.status = ReceiptStatus::parked;
    receipt.reason = reason;
    std::vector<bool> is_new = rows_.insert_receipts({receipt});
    if (!is_new.front()) rows_.update_receipts({receipt});
}

}  // namespace ordersaga::orders
