#include "tests/simulation/judge.hpp"

#include "tests/support/sim/laws.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace ordersaga::simulation {

namespace {

using engine::SagaRow;

class Judge {
public:
    explicit Judge(World& world) : world_(world), tables_(world.store().tables()) {}

    std::vector<std::string> verdict() {
        add(world_.violations());
        add(sim::check_laws(world_.store()));
        add(sim::check_quiet_laws(world_.store()));
        for (const auto& host : world_.hosts())
            add(host->complaints());
        for (const auto& shop : world_.shops()) {
            add(shop->complaints());
            for (const auto& [id, order] : shop->orders())
                check_order(*shop, order);
            check_shelf(*shop);
        }
        check_warehouse();
        check_ledgers();
        check_refusals();
        return std::move(violations_);
    }

private:
    void add(const std::vector<std::string>& more) { violations_.insert(violations_.end(), more.begin(), more.end()); }
    void expect(bool holds, const std::string& violation) {
        if (!holds) violations_.push_back(violation);
    }

    const SagaRow* saga_of(const orders::OrderRow* row) const {
        return row == nullptr || row->saga_id.empty() ? nullptr : tables_.sagas.find({merchant, row->saga_id});
    }

    // Units of each warehouse item that left for this order, and its references that are still alive, by part.
    struct AtWarehouse {
        std::map<std::string, int> alive;
        std::map<std::string, std::int64_t> shipped;
    };
    AtWarehouse at_warehouse(const Shop& shop, const ShopOrder& order) const {
        AtWarehouse found;
        const std::string prefix = shop.key() + "." + order.document.order_id + ".";
        for (const auto& [reference, placed] : world_.warehouse().orders()) {
            if (!reference.starts_with(prefix)) continue;
            if (!placed.cancelled) ++found.alive[reference.substr(0, reference.rfind('.'))];
            for (const WarehouseShipment& shipment : placed.shipments) {
                for (const WarehouseLine& line : shipment.lines) {
                    if (shipment.shipped) found.shipped[line.item_id] += line.quantity;
                }
            }
        }
        return found;
    }

    // What the shop was told has gone out, in units of warehouse items.
    std::map<std::string, std::int64_t> told(const Shop& shop, const ShopOrder& order) const {
        std::map<std::string, std::int64_t> units;
        for (const ShopFulfillment& fulfillment : order.fulfillments) {
            for (const auto& [line_id, quantity] : fulfillment.lines) {
                for (const sagas::OrderLine& line : order.document.lines) {
                    if (line.line_id == line_id) add_parts(units, shop.item_of_variant(line.variant_id)->sku, quantity);
                }
            }
        }
        return units;
    }

    void add_parts(std::map<std::string, std::int64_t>& units, const std::string& sku_name, std::int64_t quantity)
        const {
        for (const StockedSku& sku : world_.skus()) {
            if (sku.name != sku_name) continue;
            if (sku.components.empty()) units[sku.item_id()] += quantity;
            for (const auto& [part, per_unit] : sku.components) {
                units[std::to_string(700 + part.value)] += quantity * per_unit;
            }
        }
    }

    void check_order(const Shop& shop, const ShopOrder& order) {
        const std::string name = shop.key() + " order " + order.document.order_id;
        const orders::OrderRow* row = tables_.orders.find({merchant, shop.id(), order.document.order_id});
        expect(row != nullptr && row->has_document, "L7 nothing lost: " + name + " never arrived");
        const SagaRow* saga = saga_of(row);
        if (saga == nullptr) return expect(false, "L7 nothing lost: " + name + " has no saga");
        expect(
            row->document.cancelled_at.has_value() == order.document.cancelled_at.has_value(),
            "L7 nothing lost: " + name + ": its cancellation did not arrive");

        const AtWarehouse warehouse = at_warehouse(shop, order);
        for (const auto& [part, alive] : warehouse.alive)
            expect(alive <= 1, "L6 one fulfilment: " + name + " has " + std::to_string(alive) + " of part " + part);
        const bool taken_back = saga->state == "Compensated" || saga->state == "OutOfStock";
        expect(
            !taken_back || saga->incident || warehouse.alive.empty(),
            "L6 one fulfilment: " + name + " is " + saga->state + " and yet at the warehouse");
        if (saga->state == "Completed" && !saga->incident) {
            expect(
                warehouse.shipped == told(shop, order), name + ": the shop was told something else than was shipped");
            check_served(name, shop, order, warehouse.shipped);
        }
        // A refused order must not stay open and paid.
        const bool empty = std::all_of(
            order.document.lines.begin(), order.document.lines.end(),
            [](const sagas::OrderLine& line) { return line.current_quantity == 0; });
        if (taken_back && !saga->incident && !empty) {
            expect(
                order.held || order.document.cancelled_at.has_value(),
                name + " is " + saga->state + " and open in its shop");
        }
        // Nothing needs to wait any more: all peers are well and the stock has arrived.
        static const std::set<std::string> unfinished = {"FulfillmentRequested", "Shipped", "Backordered"};
        expect(unfinished.count(saga->state) == 0, name + " still rests in " + saga->state);
    }

    // Whatever was added, and whenever: it has gone out, or an incident says that it will not.
    void check_served(
        const std::string& name,
        const Shop& shop,
        const ShopOrder& order,
        const std::map<std::string, std::int64_t>& shipped) {
        std::map<std::string, std::int64_t> wanted;
        for (const sagas::OrderLine& line : order.document.lines)
            add_parts(wanted, shop.item_of_variant(line.variant_id)->sku, line.current_quantity);
        for (const auto& [item, units] : wanted) {
            const auto found = shipped.find(item);
            const std::int64_t left = found == shipped.end() ? 0 : found->second;
            expect(
                left >= units, name + " wants " + std::to_string(units) + " of item " + item + ", " +
                                   std::to_string(left) + " have left");
        }
    }

    void check_shelf(const Shop& shop) {
        for (const auto& [key, listing] : tables_.listings) {
            if (listing.store_id != shop.id() || !listing.parked.empty()) continue;
            const std::int64_t shown = shop.items().at(listing.inventory_item_id).available;
            expect(
                shown == listing.target, "L8 convergence: " + shop.key() + " shows " + std::to_string(shown) +
                                             " of listing " + std::to_string(listing.listing_id.value) + ", target " +
                                             std::to_string(listing.target));
        }
    }

    void check_warehouse() {
        expect(
            world_.warehouse().oversold_units() == 0,
            "L3 no oversell: " + std::to_string(world_.warehouse().oversold_units()) + " units requested beyond stock");
    }

    // With nothing under way the ledger is what the warehouse has.
    void check_ledgers() {
        for (const auto& [key, row] : tables_.stock) {
            const std::string item = std::to_string(700 + key.sku_id.value);
            std::int64_t promised = 0;
            for (const auto& [reference, order] : world_.warehouse().orders()) {
                if (order.cancelled || order.all_shipped()) continue;
                for (const WarehouseLine& line : order.lines)
                    promised += line.item_id == item ? line.quantity : 0;
            }
            const std::int64_t free = world_.warehouse().on_hand(item) - promised - row.reserved;
            expect(
                row.available - row.short_by == free, "L4 ledger: sku " + std::to_string(key.sku_id.value) + " has " +
                                                          std::to_string(row.available) + " available (short " +
                                                          std::to_string(row.short_by) + "), the warehouse has " +
                                                          std::to_string(free));
        }
    }

    // L10: whoever was refused could not be served at that moment.
    void check_refusals() {
        for (const auto& [number, step] : tables_.history) {
            if (step.event != "StockShort" || step.to_state != "SettlingOrder") continue;
            const SagaRow& saga = tables_.sagas.at(step.key);
            std::map<std::int64_t, std::int64_t> demand;
            for (const auto& line : saga.data.at("lines")) {
                for (const auto& part : line.at("parts")) {
                    demand[part.at("sku_id").get<std::int64_t>()] +=
                        line.at("wanted").get<std::int64_t>() * part.at("per_unit").get<std::int64_t>();
                }
            }
            bool could_be_served = !demand.empty();
            for (const auto& [sku, units] : demand)
                could_be_served = could_be_served && available_at(sku, step.at) >= units;
            expect(!could_be_served, "L10 no false refusal: saga " + step.key.saga_id + " was refused and had stock");
        }
    }

    std::int64_t available_at(std::int64_t sku, Instant at) const {
        std::int64_t units = 0;
        for (const auto& [number, movement] : tables_.movements) {
            if (movement.key.sku_id.value == sku && movement.at <= at) units += movement.available;
        }
        return units;
    }

    World& world_;
    const sim::SimTables& tables_;
    std::vector<std::string> violations_;
};

}  // namespace

std::vector<std::string> judge(World& world) {
    return Judge(world).verdict();
}

}  // namespace ordersaga::simulation
