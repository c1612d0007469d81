#include "orchestrator/orders/intake.hpp"

#include "runtime/planted.hpp"
#include "sagas/found_fulfillments.hpp"

#include <algorithm>
#include <map>

namespace ordersaga::orders {
namespace {

using nlohmann::json;
using sagas::OrderDocument;
using sagas::OrderLine;

bool is_paid(const std::string& financial_status) {
    return financial_status == "paid" || financial_status == "partially_refunded" || financial_status == "refunded";
}

// Orders taken elsewhere (a till, another location) move neither belief nor ledger.
bool taken_at_our_location(const OrderDocument& order, const StoreRow& store) {
    return order.location_id.empty() || order.location_id == store.location_id;
}

bool gives_stock_back(const sagas::RefundLine& line, const StoreRow& store) {
    bool restocked =
        line.restock_type == "cancel" || line.restock_type == "return" || line.restock_type == "legacy_restock";
    return restocked && (line.location_id.empty() || line.location_id == store.location_id);
}

ListingMove move_of(const ListingRow& listing, const char* kind, std::string source, std::int64_t quantity) {
    return {listing.merchant, listing.listing_id, kind, std::move(source), quantity};
}

void learn_sales(
    const OrderRow& row,
    const OrderDocument& order,
    const StoreRow& store,
    const LineMapper& map,
    std::vector<ListingMove>& moves) {
    if (!taken_at_our_location(order, store)) return;
    // What was sold before we followed the store is part of the opening belief.
    bool counted_already = order.created_at < followed_from(store);
    for (const OrderLine& line : order.lines) {
        LineMapping mapping = map(line);
        if (mapping.listing == nullptr || line.quantity == 0) continue;
        std::int64_t quantity = counted_already ? 0 : line.quantity;
        auto known = std::find_if(row.document.lines.begin(), row.document.lines.end(), [&](const OrderLine& other) {
            return other.line_id == line.line_id;
        });
        if (!row.has_document || known == row.document.lines.end()) {
            moves.push_back(move_of(*mapping.listing, "sale", line.line_id, -quantity));
        } else if (line.quantity > known->quantity) {
            moves.push_back(move_of(
                *mapping.listing, "edit", line.line_id + ":" + std::to_string(line.quantity),
                known->quantity - line.quantity));
        }
    }
}

void learn_refund(
    const sagas::Refund& refund,
    const std::vector<OrderLine>& lines,
    const StoreRow& store,
    const LineMapper& map,
    std::vector<ListingMove>& moves) {
    for (const sagas::RefundLine& refunded : refund.lines) {
        if (!gives_stock_back(refunded, store)) continue;
        auto line = std::find_if(
            lines.begin(), lines.end(), [&](const OrderLine& other) { return other.line_id == refunded.line_id; });
        if (line == lines.end()) continue;  // the order's document will bring it: refunds are joined into it
        LineMapping mapping = map(*line);
        if (mapping.listing == nullptr) continue;
        moves.push_back(
            move_of(*mapping.listing, "restock", refund.refund_id + ":" + refunded.line_id, refunded.quantity));
    }
}

// Units taken off a line by a committed edit: gone from the line, but by no refund.
std::int64_t removed_from(const OrderDocument& order, const OrderLine& line) {
    std::int64_t refunded = 0;
    for (const sagas::Refund& refund : order.refunds) {
        for (const sagas::RefundLine& entry : refund.lines)
            refunded += entry.line_id == line.line_id ? entry.quantity : 0;
    }
    return std::max<std::int64_t>(0, line.quantity - line.current_quantity - refunded);
}

void learn_removals(
    const OrderRow& row,
    const OrderDocument& order,
    const StoreRow& store,
    const LineMapper& map,
    std::vector<ListingMove>& moves) {
    if (!taken_at_our_location(order, store) || order.created_at < followed_from(store)) return;
    for (const OrderLine& line : order.lines) {
        std::int64_t removed = removed_from(order, line);
        for (const OrderLine& known : row.document.lines) {
            if (known.line_id == line.line_id) removed -= removed_from(row.document, known);
        }
        LineMapping mapping = map(line);
        if (removed <= 0 || mapping.listing == nullptr) continue;
        std::string source = line.line_id + ":removed:" + std::to_string(removed_from(order, line));
        moves.push_back(move_of(*mapping.listing, "edit", source, removed));
    }
}

void join_refunds(OrderDocument& document, const std::vector<sagas::Refund>& more) {
    for (const sagas::Refund& refund : more) {
        bool known = std::any_of(document.refunds.begin(), document.refunds.end(), [&](const sagas::Refund& other) {
            return other.refund_id == refund.refund_id;
        });
        if (!known) document.refunds.push_back(refund);
    }
}

// What is still wanted of a line: never more than the store says is left of it, and never what a refund took away.
std::int64_t wanted_of(const OrderDocument& order, const OrderLine& line) {
    if (!line.requires_shipping || line.gift_card) return 0;
    std::int64_t refunded = 0;
    for (const sagas::Refund& refund : order.refunds) {
        for (const sagas::RefundLine& entry : refund.lines)
            refunded += entry.line_id == line.line_id ? entry.quantity : 0;
    }
    return std::clamp<std::int64_t>(line.quantity - refunded, 0, line.current_quantity);
}

std::vector<sagas::SagaLine> saga_lines(const OrderDocument& order, const LineMapper& map, bool first) {
    std::vector<sagas::SagaLine> lines;
    for (const OrderLine& line : order.lines) {
        sagas::SagaLine wanted;
        wanted.line_id = line.line_id;
        wanted.sku = line.sku;
        wanted.wanted = wanted_of(order, line);
        // Only what the store still wants fulfilled is ever requested; later its figure falls by our own fulfilments.
        if (first) wanted.wanted = std::min(wanted.wanted, line.fulfillable_quantity);
        bool for_us = line.requires_shipping && !line.gift_card;
        if (for_us) wanted.parts = map(line).parts;
        if (for_us && (wanted.wanted > 0 || !first)) lines.push_back(std::move(wanted));
    }
    return lines;
}

json lines_payload(const std::vector<sagas::SagaLine>& lines) {
    json payload = json::array();
    for (const sagas::SagaLine& line : lines)
        payload.push_back(to_json(line));
    return payload;
}

json recipient_of(const OrderDocument& order) {
    if (!order.shipping_address) return nullptr;
    const sagas::Address& address = *order.shipping_address;
    return {
        {"name", address.name},
        {"address1", address.address1},
        {"address2", address.address2},
        {"city", address.city},
        {"state", address.province_code},
        {"zip_code", address.zip},
        {"country", address.country_code},
        {"email", order.email},
        {"phone_number", address.phone}};
}

// What no mapping names is never sent by some other method: the customer has paid for this one.
std::string ship_method_of(const OrderDocument& order, const StoreRow& store) {
    auto found = store.ship_methods.find(order.ship_method);
    return found != store.ship_methods.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool fulfilled_before_us(const OrderDocument& order) {
    bool any = false;
    for (const OrderLine& line : order.lines) {
        if (!line.requires_shipping || line.gift_card || line.current_quantity == 0) continue;
        any = true;
        if (line.fulfillable_quantity > 0) return false;
    }
    return any;
}

sagas::OrderData data_of(
    const OrderRow& row,
    const StoreRow& store,
    const WarehouseRow& warehouse,
    const LineMapper& map) {
    const OrderDocument& order = row.document;
    sagas::OrderData data;
    data.store_id = store.store_id.value;
    data.store = store.key;
    data.warehouse_id = warehouse.warehouse_id.value;
    data.warehouse = warehouse.key;
    data.order_id = order.order_id;
    data.name = order.name;
    data.paid = is_paid(order.financial_status);
    data.ship_line = order.ship_method;
    data.ship_method = ship_method_of(order, store);
    data.order_policy = store.order_policy;
    data.channel_wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(store.channel_wait).count();
    data.hold_expiry_ms = std::chrono::duration_cast<std::chrono::milliseconds>(store.hold_expiry).count();
    data.observed = store.mode == "observe" || order.created_at < store.go_live_at;
    data.lines = saga_lines(order, map, true);
    bool mapped = std::all_of(
        data.lines.begin(), data.lines.end(), [](const sagas::SagaLine& line) { return !line.parts.empty(); });
    if (!mapped) data.holds.push_back("unmapped");
    if (!data.paid) data.holds.push_back("unpaid");
    if (!order.shipping_address) data.holds.push_back("no_address");
    if (data.ship_method.empty()) data.holds.push_back("ship_method");
    return data;
}

std::string reason_for_no_saga(const OrderDocument& order, const StoreRow& store) {
    if (order.created_at < followed_from(store)) return "created before this store went live";
    if (order.test) return "a test order";
    if (!taken_at_our_location(order, store)) return "taken at another location";
    return {};
}

void start_saga(
    OrderRow& row,
    const StoreRow& store,
    const WarehouseRow& warehouse,
    const LineMapper& map,
    const std::string& cause,
    const std::vector<json>& found,
    IntakeFacts& facts) {
    const OrderDocument& order = row.document;
    row.reason = reason_for_no_saga(order, store);
    facts.reason = row.reason;
    if (!row.reason.empty()) return;
    facts.start = true;
    facts.data = data_of(row, store, warehouse, map);
    facts.recipient = recipient_of(order);
    if (!found.empty() && !facts.data.observed) {
        // What was fulfilled is not fulfillable any more, and belongs to the order that the warehouse has.
        facts.data.lines = saga_lines(order, map, false);
        std::erase_if(facts.data.lines, [](const sagas::SagaLine& line) { return line.wanted == 0; });
        const bool ended = order.cancelled_at || row.deleted;
        const sagas::Adoption adoption = sagas::adopt(facts.data, found);
        if (adoption.clear && !ended) {
            facts.events.push_back({"OrderPlaced", json::object(), cause});
            return;
        }
        if (!ended || adoption.alive) {
            facts.events.push_back(sagas::unclear_fulfillments(found, true));
            return;
        }
    }
    if (order.cancelled_at || row.deleted) {
        std::string by = row.deleted ? "deleted" : "customer";
        facts.events.push_back({"CancelRequested", {{"by", by}, {"reason", order.cancel_reason}}, cause});
    } else if (fulfilled_before_us(order)) {
        facts.events.push_back(
            {"FulfilledElsewhere",
             {{"everything", true}, {"reason", "fulfilled outside before it reached us"}},
             cause});
    } else {
        facts.events.push_back({"OrderPlaced", json::object(), cause});
    }
}

void tell_changes(
    const OrderDocument& before,
    const OrderRow& row,
    const LineMapper& map,
    const std::string& cause,
    IntakeFacts& facts) {
    const OrderDocument& after = row.document;
    if (!is_paid(before.financial_status) && is_paid(after.financial_status)) {
        facts.events.push_back({"OrderPaid", {{"paid", true}}, cause});
    }
    if (!before.cancelled_at && after.cancelled_at) {
        facts.events.push_back({"CancelRequested", {{"by", "customer"}, {"reason", after.cancel_reason}}, cause});
        return;  // what a cancel does to the lines needs no word of its own
    }
    if (after.cancelled_at) return;
    auto quantities = [](const OrderDocument& order) {
        std::map<std::string, std::int64_t> wanted;
        for (const OrderLine& line : order.lines)
            wanted[line.line_id] = wanted_of(order, line);
        std::erase_if(wanted, [](const auto& entry) { return entry.second == 0; });
        return wanted;
    };
    if (quantities(before) != quantities(after)) {
        facts.ambiguous = before.updated_at == after.updated_at;
        facts.events.push_back({"OrderChanged", {{"lines", lines_payload(saga_lines(after, map, false))}}, cause});
    }
    for (const sagas::StoreFulfillment& fulfillment : after.fulfillments) {
        bool known = std::any_of(before.fulfillments.begin(), before.fulfillments.end(), [&](const auto& other) {
            return other.fulfillment_id == fulfillment.fulfillment_id && sends_goods(other.status);
        });
        if (known || !sends_goods(fulfillment.status)) continue;
        facts.events.push_back(
            {"FulfilledElsewhere",
             {{"fulfillment_id", fulfillment.fulfillment_id},
              {"tracking_numbers", fulfillment.tracking_numbers},
              {"everything", fulfilled_before_us(after)},
              {"reason", "fulfilled outside of us"}},
             cause});
    }
}

}  // namespace

bool sends_goods(std::string_view fulfillment_status) {
    return fulfillment_status != "cancelled" && fulfillment_status != "error" && fulfillment_status != "failure";
}

sagas::OrderDocument without_person(OrderDocument order) {
    order.email.clear();
    order.shipping_address.reset();
    return order;
}

IntakeFacts merge_document(
    OrderRow& row,
    const OrderDocument& document,
    const StoreRow& store,
    const WarehouseRow& warehouse,
    const LineMapper& map,
    const std::string& cause,
    const std::vector<json>& found) {
    IntakeFacts facts;
    OrderDocument joined = document;
    if (row.has_document) join_refunds(joined, row.document.refunds);
    join_refunds(joined, row.early_refunds);

    // Moves are facts whatever the document's age: each is recorded once under its own source.
    learn_sales(row, joined, store, map, facts.moves);
    for (const sagas::Refund& refund : joined.refunds)
        learn_refund(refund, joined.lines, store, map, facts.moves);

    // Stores tell whole seconds; of two words in one the one that knows of the cancel is the newer.
    const bool knows_less = row.document.cancelled_at && !joined.cancelled_at;
    const bool older = row.has_document && (joined.updated_at < row.document.updated_at ||
                                            (joined.updated_at == row.document.updated_at && knows_less));
    if (older && !runtime::planted("older_document_wins")) {
        join_refunds(row.document, joined.refunds);
        return facts;
    }
    learn_removals(row, joined, store, map, facts.moves);
    OrderDocument before = row.document;
    bool had_document = row.has_document;
    row.document = std::move(joined);
    row.has_document = true;
    row.name = row.document.name;
    row.early_refunds.clear();
    if (!row.saga_id.empty()) {
        tell_changes(before, row, map, cause, facts);
    } else if (!had_document || row.reason.empty()) {
        start_saga(row, store, warehouse, map, cause, found, facts);
    }
    row.document = without_person(std::move(row.document));
    return facts;
}

IntakeFacts merge_refund(
    OrderRow& row,
    const sagas::Refund& refund,
    const StoreRow& store,
    const LineMapper& map,
    const std::string& cause) {
    IntakeFacts facts;
    if (!row.has_document) {
        row.early_refunds.push_back(refund);
        facts.reason = "the refund waits for its order";
        return facts;
    }
    OrderDocument before = row.document;
    learn_refund(refund, row.document.lines, store, map, facts.moves);
    join_refunds(row.document, {refund});
    if (!row.saga_id.empty()) tell_changes(before, row, map, cause, facts);
    return facts;
}

IntakeFacts merge_deletion(OrderRow& row, const std::string& cause) {
    IntakeFacts facts;
    bool known = row.deleted;
    row.deleted = true;
    if (known || row.saga_id.empty()) {
        facts.reason = "the deleted order has no saga";
        return facts;
    }
    facts.events.push_back({"CancelRequested", {{"by", "deleted"}, {"reason", "deleted in the store"}}, cause});
    return facts;
}

}  // namespace ordersaga::orders
