#include "sandbox/warehouse.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace ordersaga::sandbox {
namespace {

using nlohmann::json;
using runtime::Instant;

bool may_be_cancelled(ShipmentStage stage) {
    return stage == ShipmentStage::processing || stage == ShipmentStage::exception;
}

bool has_exception(const WarehouseOrder& order) {
    return std::any_of(order.shipments.begin(), order.shipments.end(), [](const WarehouseShipment& shipment) {
        return shipment.stage == ShipmentStage::exception;
    });
}

bool has_left(ShipmentStage stage) {
    return stage == ShipmentStage::shipped || stage == ShipmentStage::delivered;
}

}  // namespace

std::string WarehouseOrder::status() const {
    std::size_t cancelled_ones = 0;
    std::size_t gone = 0;
    bool trouble = false;
    for (const auto& shipment : shipments) {
        cancelled_ones += shipment.stage == ShipmentStage::cancelled ? 1U : 0U;
        gone += has_left(shipment.stage) ? 1U : 0U;
        trouble = trouble || shipment.stage == ShipmentStage::exception;
    }
    if (cancelled_ones == shipments.size()) {
        return "Cancelled";
    }
    if (trouble) {
        return "Exception";
    }
    if (gone + cancelled_ones == shipments.size()) {
        return "Fulfilled";
    }
    return gone > 0 ? "PartiallyFulfilled" : "Processing";
}

Warehouse::Warehouse(WarehouseSettings settings, std::int64_t index, std::uint64_t seed, Ledger& ledger)
    : settings_(std::move(settings)),
      random_(seed),
      ledger_(ledger),
      id_base_(100'000'000 + (index + 1) * 50'000'000) {}

void Warehouse::record(
    const std::string& kind,
    const std::string& key,
    const WarehouseOrder& order,
    std::string detail,
    Instant now) {
    ledger_.record({0, now, peer(), kind, key, order.reference, std::move(detail), false});
}

const WarehouseProduct& Warehouse::add_product(const std::string& sku, const std::string& name, std::int64_t on_hand) {
    WarehouseProduct product;
    product.product_id = id_base_ + ++ids_given_;
    product.variant_id = id_base_ + ++ids_given_;
    product.inventory_id = id_base_ + ++ids_given_;
    product.reference = product.sku = sku;
    product.name = name;
    product.on_hand = on_hand;
    products_.push_back(std::move(product));
    return products_.back();
}

const WarehouseProduct* Warehouse::product_by_sku(const std::string& sku) const {
    const auto found = std::find_if(products_.begin(), products_.end(), [&](const auto& p) { return p.sku == sku; });
    return found == products_.end() ? nullptr : &*found;
}

bool Warehouse::set_on_hand(const std::string& sku, std::int64_t on_hand, Instant now) {
    const auto found = std::find_if(products_.begin(), products_.end(), [&](const auto& p) { return p.sku == sku; });
    if (found == products_.end()) {
        return false;
    }
    const std::int64_t delta = on_hand - found->on_hand;
    found->on_hand = on_hand;
    ledger_.record(
        {0, now, peer(), "warehouse_stock_set", "", sku, json{{"on_hand", on_hand}, {"delta", delta}}.dump(), false});
    allocate_waiting(now);
    return true;
}

std::int64_t Warehouse::visible_committed(std::size_t product, Instant now) const {
    std::int64_t committed = products_.at(product).committed;
    if (settings_.inventory_lag_ms <= 0) {
        return committed;
    }
    const Instant limit = now - std::chrono::milliseconds{settings_.inventory_lag_ms};
    for (const auto& [id, order] : orders_) {
        for (const auto& shipment : order.shipments) {
            const bool holds = !has_left(shipment.stage) && shipment.stage != ShipmentStage::cancelled;
            for (const auto& line : shipment.lines) {
                committed -= order.created_at > limit && holds && line.product == product ? line.committed : 0;
            }
        }
    }
    return committed;
}

std::int64_t Warehouse::exception_units(std::size_t product) const {
    std::int64_t units = 0;
    for (const std::int64_t id : exceptions_) {
        for (const auto& shipment : orders_.at(id).shipments) {
            for (const auto& line : shipment.lines) {
                const bool waits = shipment.stage == ShipmentStage::exception && line.product == product;
                units += waits ? line.quantity : 0;
            }
        }
    }
    return units;
}

// --- orders ----------------------------------------------------------------------------------------------------------

WarehouseOrder* Warehouse::find(std::int64_t id) {
    const auto found = orders_.find(id);
    return found == orders_.end() ? nullptr : &found->second;
}

const WarehouseOrder* Warehouse::order(std::int64_t id) const {
    const auto found = orders_.find(id);
    return found == orders_.end() ? nullptr : &found->second;
}

const WarehouseOrder* Warehouse::order_by_reference(const std::string& reference) const {
    const auto found = by_reference_.find(reference);
    return found == by_reference_.end() ? nullptr : order(found->second);
}

const WarehouseOrder* Warehouse::order_of_shipment(std::int64_t shipment_id) const {
    for (const auto& [id, order] : orders_) {
        for (const auto& shipment : order.shipments) {
            if (shipment.id == shipment_id) {
                return &order;
            }
        }
    }
    return nullptr;
}

std::size_t Warehouse::product_for(const WantedWarehouseLine& line, bool& unknown) {
    for (std::size_t index = 0; index < products_.size(); ++index) {
        const WarehouseProduct& product = products_[index];
        const bool fits = line.id
                              ? (*line.id == product.product_id || *line.id == product.variant_id)
                              : (line.reference == product.reference || (!line.sku.empty() && line.sku == product.sku));
        if (fits) {
            unknown = product.made_up;
            return index;
        }
    }
    unknown = true;
    if (line.id) {
        return products_.size();
    }
    // A name that nobody knows becomes a product without stock: the trap for whoever does not look SKUs up first.
    (void)add_product(line.sku.empty() ? line.reference : line.sku, line.name, 0);
    products_.back().reference = line.reference;
    products_.back().made_up = true;
    return products_.size() - 1;
}

bool Warehouse::allocate(WarehouseShipment& shipment) {
    std::map<std::size_t, std::int64_t> wanted;
    for (const auto& line : shipment.lines) {
        wanted[line.product] += line.quantity;
    }
    for (const auto& [product, quantity] : wanted) {
        if (products_[product].made_up || products_[product].fulfillable() < quantity) {
            return false;
        }
    }
    for (auto& line : shipment.lines) {
        products_[line.product].committed += line.quantity;
        line.committed = line.quantity;
    }
    return true;
}

const WarehouseOrder* Warehouse::create_order(
    const std::string& reference,
    const std::string& order_number,
    std::int64_t channel_id,
    const std::vector<WantedWarehouseLine>& lines,
    const std::string& document,
    Instant now,
    CreateProblem& problem) {
    problem = CreateProblem::none;
    if (by_reference_.contains(reference)) {
        ++duplicates_refused_;
        problem = CreateProblem::duplicate_reference;
        return nullptr;
    }
    std::vector<WarehouseLine> wanted;
    bool unknown_sku = false;
    std::int64_t units = 0;
    for (const auto& line : lines) {
        bool unknown = false;
        const std::size_t product = product_for(line, unknown);
        if (product >= products_.size()) {
            problem = CreateProblem::unknown_product;
            return nullptr;
        }
        unknown_sku = unknown_sku || unknown;
        units += line.quantity;
        wanted.push_back({product, line.quantity, 0, line.external_line_id});
    }

    WarehouseOrder order;
    order.id = id_base_ + ++ids_given_;
    order.reference = reference;
    order.order_number = order_number;
    order.channel_id = channel_id;
    order.document = document;
    order.created_at = now;

    const bool split = random_.chance(settings_.split_fraction) && units > 1;
    std::vector<WarehouseLine> first_box;
    std::vector<WarehouseLine> second_box;
    std::int64_t room = split ? units / 2 : units;
    for (const auto& line : wanted) {
        WarehouseLine here = line;
        here.quantity = std::min(room, line.quantity);
        room -= here.quantity;
        WarehouseLine there = line;
        there.quantity = line.quantity - here.quantity;
        if (here.quantity > 0) {
            first_box.push_back(here);
        }
        if (there.quantity > 0) {
            second_box.push_back(there);
        }
    }
    std::map<std::size_t, std::int64_t> total;
    std::int64_t beyond = 0;
    for (const auto& line : wanted) {
        total[line.product] += line.quantity;
    }
    for (const auto& [product, quantity] : total) {
        beyond += quantity - std::min(quantity, std::max<std::int64_t>(products_[product].fulfillable(), 0));
    }
    oversold_units_ += beyond;

    for (auto* box : {&first_box, &second_box}) {
        if (box->empty()) {
            continue;
        }
        WarehouseShipment shipment;
        shipment.id = id_base_ + ++ids_given_;
        shipment.changed_at = now;
        shipment.lines = *box;
        shipment.unknown_sku = unknown_sku;
        if (!allocate(shipment)) {
            shipment.stage = ShipmentStage::exception;
            events_.push_back({"order.shipment.exception", order.id, shipment.id});
        }
        order.shipments.push_back(std::move(shipment));
    }
    json detail = json::array();
    for (const auto& line : wanted) {
        detail.push_back({{"sku", products_[line.product].sku}, {"quantity", line.quantity}});
    }
    record(
        "warehouse_order_created", std::to_string(order.id), order,
        json{{"lines", detail}, {"beyond_stock", beyond}, {"shipments", order.shipments.size()}}.dump(), now);
    const std::int64_t id = order.id;
    if (has_exception(order)) {
        exceptions_.insert(id);
    }
    by_reference_[reference] = id;
    moving_.insert(id);
    WarehouseOrder& kept = orders_.emplace(id, std::move(order)).first->second;
    note_change(kept, now);
    return &kept;
}

void Warehouse::note_change(WarehouseOrder& order, Instant now) {
    order.changed_at = changes_.empty() ? now : std::max(now, changes_.back().at);
    order.change = changes_.size();
    changes_.push_back({order.changed_at, order.id, &order});
}

void Warehouse::change(WarehouseOrder& order, WarehouseShipment& shipment, Instant now) {
    shipment.changed_at = now;
    changes_[order.change].order = nullptr;
    note_change(order, now);
}

void Warehouse::allocate_waiting(Instant now) {
    for (auto id = exceptions_.begin(); id != exceptions_.end();) {
        WarehouseOrder& order = orders_.at(*id);
        for (auto& shipment : order.shipments) {
            if (shipment.stage == ShipmentStage::exception && !shipment.unknown_sku && allocate(shipment)) {
                shipment.stage = ShipmentStage::processing;
                change(order, shipment, now);
                moving_.insert(*id);
            }
        }
        id = has_exception(order) ? std::next(id) : exceptions_.erase(id);
    }
}

std::vector<CancelResult> Warehouse::cancel(
    std::int64_t order_id,
    std::optional<std::int64_t> only_shipment,
    Instant now) {
    std::vector<CancelResult> results;
    WarehouseOrder* order = find(order_id);
    if (order == nullptr) {
        return results;
    }
    bool any = false;
    for (auto& shipment : order->shipments) {
        if (only_shipment && shipment.id != *only_shipment) {
            continue;
        }
        CancelResult result{shipment.id, false, "Shipment cannot be cancelled in its current status"};
        if (may_be_cancelled(shipment.stage)) {
            for (auto& line : shipment.lines) {
                products_[line.product].committed -= line.committed;
                line.committed = 0;
            }
            shipment.stage = ShipmentStage::cancelled;
            change(*order, shipment, now);
            result = {shipment.id, true, "Order cancelled"};
            any = true;
        }
        results.push_back(result);
    }
    if (any) {
        record(
            "warehouse_order_cancelled", std::to_string(order_id), *order, json{{"status", order->status()}}.dump(),
            now);
        allocate_waiting(now);
    }
    return results;
}

// --- time ------------------------------------------------------------------------------------------------------------

std::optional<Instant> Warehouse::due(const WarehouseShipment& shipment) const {
    const auto after = [&](std::int64_t pause_ms) {
        return shipment.changed_at + std::chrono::milliseconds{pause_ms};
    };
    switch (shipment.stage) {
        case ShipmentStage::processing: return after(settings_.pick_after_ms);
        case ShipmentStage::picked: return after(settings_.label_after_ms);
        case ShipmentStage::labelled: return after(settings_.ship_after_ms);
        case ShipmentStage::shipped: return after(settings_.deliver_after_ms);
        default: return std::nullopt;
    }
}

void Warehouse::step(WarehouseOrder& order, WarehouseShipment& shipment, ShipmentStage to, Instant now) {
    shipment.stage = to;
    change(order, shipment, now);
    if (to == ShipmentStage::labelled && shipment.tracking_number.empty()) {
        shipment.tracking_number = "SBX" + std::to_string(shipment.id) + std::to_string(100 + random_.below(900));
    }
    if (to == ShipmentStage::shipped) {
        shipment.shipped_at = now;
        json lines = json::array();
        for (auto& line : shipment.lines) {
            WarehouseProduct& product = products_[line.product];
            product.committed -= line.committed;
            product.on_hand -= line.quantity;
            lines.push_back({{"sku", product.sku}, {"quantity", line.quantity}});
        }
        record(
            "shipment_shipped", shipment.tracking_number, order,
            json{{"shipment_id", shipment.id}, {"lines", lines}}.dump(), now);
        const bool all = std::all_of(order.shipments.begin(), order.shipments.end(), [](const auto& other) {
            return has_left(other.stage) || other.stage == ShipmentStage::cancelled;
        });
        if (all) {
            events_.push_back({"order.shipped", order.id, 0});
        }
    }
    if (to == ShipmentStage::delivered) {
        shipment.delivered_at = now;
        record("shipment_delivered", shipment.tracking_number, order, json{{"shipment_id", shipment.id}}.dump(), now);
        events_.push_back({"order.shipment.delivered", order.id, shipment.id});
    }
}

void Warehouse::advance(Instant now) {
    if (!settings_.ships_by_itself) {
        return;
    }
    for (auto it = moving_.begin(); it != moving_.end();) {
        WarehouseOrder& order = orders_.at(*it);
        bool moves = false;
        for (auto& shipment : order.shipments) {
            const auto when = due(shipment);
            moves = moves || when.has_value();
            if (!when || *when > now) {
                continue;
            }
            switch (shipment.stage) {
                case ShipmentStage::processing: step(order, shipment, ShipmentStage::picked, now); break;
                case ShipmentStage::picked: step(order, shipment, ShipmentStage::labelled, now); break;
                case ShipmentStage::labelled: step(order, shipment, ShipmentStage::shipped, now); break;
                default: step(order, shipment, ShipmentStage::delivered, now); break;
            }
        }
        it = moves ? std::next(it) : moving_.erase(it);
    }
}

template <class Move>
std::int64_t Warehouse::each_shipment(const std::string& reference, Move move) {
    std::int64_t moved = 0;
    for (auto& [id, order] : orders_) {
        if (!reference.empty() && order.reference != reference) {
            continue;
        }
        for (auto& shipment : order.shipments) {
            moved += move(order, shipment) ? 1 : 0;
        }
    }
    return moved;
}

std::int64_t Warehouse::pick(const std::string& reference, Instant now) {
    return each_shipment(reference, [&](WarehouseOrder& order, WarehouseShipment& shipment) {
        if (shipment.stage != ShipmentStage::processing) {
            return false;
        }
        step(order, shipment, ShipmentStage::picked, now);
        return true;
    });
}

std::int64_t Warehouse::ship(const std::string& reference, Instant now) {
    return each_shipment(reference, [&](WarehouseOrder& order, WarehouseShipment& shipment) {
        if (shipment.stage != ShipmentStage::processing && shipment.stage != ShipmentStage::picked &&
            shipment.stage != ShipmentStage::labelled) {
            return false;
        }
        step(order, shipment, ShipmentStage::labelled, now);
        step(order, shipment, ShipmentStage::shipped, now);
        return true;
    });
}

std::int64_t Warehouse::deliver(const std::string& reference, Instant now) {
    return each_shipment(reference, [&](WarehouseOrder& order, WarehouseShipment& shipment) {
        if (shipment.stage != ShipmentStage::shipped) {
            return false;
        }
        step(order, shipment, ShipmentStage::delivered, now);
        return true;
    });
}

// --- judgement -------------------------------------------------------------------------------------------------------

std::string Warehouse::part_of(const std::string& reference) {
    const auto dot = reference.rfind('.');
    return dot == std::string::npos ? reference : reference.substr(0, dot);
}

Warehouse::Judgement Warehouse::judge() const {
    Judgement judgement;
    judgement.oversold_units = oversold_units_;
    judgement.duplicates_refused = duplicates_refused_;
    std::map<std::string, std::int64_t> live;
    for (const auto& [id, order] : orders_) {
        ++judgement.created;
        const bool gone = order.cancelled();
        judgement.cancelled += gone ? 1 : 0;
        live[part_of(order.reference)] += gone ? 0 : 1;
        for (const auto& shipment : order.shipments) {
            judgement.shipped += has_left(shipment.stage) ? 1 : 0;
            judgement.delivered += shipment.stage == ShipmentStage::delivered ? 1 : 0;
        }
    }
    judgement.parts = static_cast<std::int64_t>(live.size());
    for (const auto& [part, count] : live) {
        judgement.live_parts += count > 0 ? 1 : 0;
        if (count > 1) {
            judgement.duplicate_fulfillments += count - 1;
            judgement.duplicated_parts.push_back(part);
        }
    }
    return judgement;
}

}  // namespace ordersaga::sandbox
