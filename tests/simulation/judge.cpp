#include "tests/simulation/judge.hpp"

#include "tests/support/sim/laws.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace ordersaga::simulation {

namespace {

using engine::SagaRow;

class Judge {
public:
    explicit Judge(const World& world) : world_(world), tables_(world.tables()) {}

    std::vector<std::string> verdict() {
        add(world_.violations());
        add(world_.lock_violations());
        add(sim::check_laws(tables_));
        add(sim::check_quiet_laws(tables_));
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
        check_ways_back();
        check_answers();
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
        bool late = false;  // one of them arrived there when it had been given up
        std::map<std::string, std::int64_t> shipped;
    };
    AtWarehouse at_warehouse(const Shop& shop, const ShopOrder& order) const {
        AtWarehouse found;
        const std::string prefix = shop.key() + "." + order.document.order_id + ".";
        for (const auto& [reference, placed] : world_.warehouse().orders()) {
            if (!reference.starts_with(prefix)) continue;
            if (!placed.cancelled) ++found.alive[reference.substr(0, reference.rfind('.'))];
            found.late = found.late || (placed.late && !placed.cancelled);
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
        // No fence of ours stops what a frozen process sends; that somebody knows of it is what is promised.
        for (const auto& [part, alive] : warehouse.alive)
            expect(
                alive <= 1 || (warehouse.late && saga->incident),
                "L6 one fulfilment: " + name + " has " + std::to_string(alive) + " of part " + part);
        const bool taken_back = saga->state == "Compensated" || saga->state == "OutOfStock";
        expect(
            !taken_back || saga->incident || warehouse.alive.empty(),
            "L6 one fulfilment: " + name + " is " + saga->state + " and yet at the warehouse");
        // An order that has ended in its shop cannot be told of shipments any more.
        const bool open_there = !order.document.cancelled_at && !order.sent_elsewhere;
        if (saga->state == "Completed" && !saga->incident && open_there) {
            expect(
                warehouse.shipped == told(shop, order),
                "L6 one fulfilment: " + name + ": the shop was told something else than was shipped");
            check_served(name, shop, order, warehouse.shipped);
        }
        // A refused order must not stay open and paid.
        const bool empty = std::all_of(
            order.document.lines.begin(), order.document.lines.end(),
            [](const sagas::OrderLine& line) { return line.current_quantity == 0; });
        if (taken_back && !saga->incident && !empty && !order.sent_elsewhere) {
            expect(
                order.held || order.document.cancelled_at.has_value(),
                "L11 settled: " + name + " is " + saga->state + " and open in its shop");
        }
        // Nothing needs to wait any more: all peers are well and the stock has arrived.
        static const std::set<std::string> unfinished = {"FulfillmentRequested", "Shipped", "Backordered", "OnHold"};
        expect(
            unfinished.count(saga->state) == 0 || saga->incident,
            "L11 settled: " + name + " still rests in " + saga->state);
    }

    // Whatever was added, and whenever: it has gone out, or an incident says that it will not.
    void check_served(
        const std::string& name,
        const Shop& shop,
        const ShopOrder& order,
        const std::map<std::string, std::int64_t>& shipped) {
        std::map<std::string, std::int64_t> wanted;
        for (const sagas::OrderLine& line : order.document.lines) {
            if (line.requires_shipping)
                add_parts(wanted, shop.item_of_variant(line.variant_id)->sku, line.current_quantity);
        }
        for (const auto& [item, units] : wanted) {
            const auto found = shipped.find(item);
            const std::int64_t left = found == shipped.end() ? 0 : found->second;
            expect(
                left >= units, "L11 settled: " + name + " wants " + std::to_string(units) + " of item " + item + ", " +
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
                could_be_served = could_be_served && least_available_at(sku, step.at) >= units;
            expect(!could_be_served, "L10 no false refusal: saga " + step.key.saga_id + " was refused and had stock");
        }
    }

    // What happened at that very instant may have come before the refusal or after it: a batch writes it all at once, also
    // what one order took and gave back again.
    std::int64_t least_available_at(std::int64_t sku, Instant at) const {
        std::int64_t available = 0;
        std::vector<std::int64_t> then;
        for (const auto& [number, movement] : tables_.movements) {
            if (movement.key.sku_id.value != sku) continue;
            if (movement.at < at) available += movement.available;
            if (movement.at == at) then.push_back(movement.available);
        }
        std::int64_t least = available;
        for (const std::int64_t units : then)
            least = std::min(least, available += units);
        return least;
    }

    // --- the way back: from the engine's history and commands, and what the warehouse did

    struct WayBack {
        std::optional<Instant> began;
        std::map<std::string, const engine::CommandRow*> commands;  // by key
    };

    static bool goes_back(const std::string& state) {
        return state == "ReleasingStock" || state == "RevertingChannels" || state == "SettlingOrder" ||
               state == "Compensated" || state == "OutOfStock";
    }

    void check_ways_back() {
        std::map<engine::SagaKey, WayBack> ways;
        for (const auto& [number, step] : tables_.history) {
            WayBack& way = ways[step.key];
            if (!way.began && goes_back(step.to_state)) way.began = step.at;
            expect(
                !way.began || goes_back(step.to_state) || step.to_state == "NeedsOperator",
                "I6 one way: saga " + step.key.saga_id + " goes to " + step.to_state + " after its way back began");
        }
        for (const auto* commands : {&tables_.closed_commands, &tables_.open_commands}) {
            for (const auto& [id, command] : *commands) {
                if (!command.saga_id.empty())
                    ways[{command.merchant, command.saga_id}].commands.emplace(command.idempotency_key, &command);
            }
        }
        for (const auto& [key, way] : ways)
            check_way_back(key, way);
    }

    void check_way_back(const engine::SagaKey& key, const WayBack& way) {
        for (const auto& [name, command] : way.commands) {
            const bool forward =
                command->activity == "RequestFulfillment" || command->activity == "CreateStoreFulfillment";
            expect(
                !way.began || !forward || !command->sent_at || *command->sent_at <= *way.began,
                "I6 no forward effect: saga " + key.saga_id + " sent " + name + " after its way back began");
        }
        // Newest first, each before the stock that it holds is given back, and nothing that nobody asked to undo.
        const std::vector<const WarehouseOrder*>& orders = orders_of(key.saga_id);
        const WarehouseOrder* newer = nullptr;
        for (auto entry = orders.rbegin(); entry != orders.rend(); ++entry) {
            const WarehouseOrder& order = **entry;
            if (order.times_cancelled == 0) continue;
            expect(
                order.times_cancelled == 1, "I6 undone once: " + order.reference + " was cancelled " +
                                                std::to_string(order.times_cancelled) + " times");
            const bool late = way.commands.count("cancel-late:" + order.reference) > 0;
            expect(
                late || way.commands.count("cancel:" + order.reference) > 0,
                "I6 nothing else undone: " + order.reference + " was cancelled and nobody asked for it");
            if (late) continue;
            expect(
                !way.began || *order.cancelled_at <= *way.began,
                "I6 reverse order: " + order.reference + " was cancelled after its stock was given back");
            // One that was replaced before the next was asked for has no newer beside it.
            const bool beside = newer != nullptr && newer->accepted_at <= *order.cancelled_at;
            expect(
                !beside || *newer->cancelled_at <= *order.cancelled_at,
                "I6 reverse order: " + order.reference + " was cancelled before what came after it");
            newer = &order;
        }
    }

    // What the warehouse has of one saga, oldest first.
    const std::vector<const WarehouseOrder*>& orders_of(const sagas::SagaId& saga) {
        if (!by_saga_) {
            by_saga_.emplace();
            for (const auto& [reference, order] : world_.warehouse().orders()) {
                const engine::SagaKey* owner = tables_.references.find({merchant, reference});
                expect(owner != nullptr, "I6 nothing else done: " + reference + " belongs to no saga");
                if (owner != nullptr) (*by_saga_)[owner->saga_id].push_back(&order);
            }
            for (auto& [id, orders] : *by_saga_) {
                std::sort(orders.begin(), orders.end(), [](const WarehouseOrder* left, const WarehouseOrder* right) {
                    return left->accepted_at < right->accepted_at;
                });
            }
        }
        return (*by_saga_)[saga];
    }

    // I1: what was answered is on record.
    void check_answers() {
        for (const sim::ReceiptEventKey& key : world_.answered())
            expect(
                tables_.receipt_events.has(key),
                "I1 answered means kept: webhook " + std::get<4>(key) + " was answered and left no receipt");
    }

    const World& world_;
    const sim::SimTables& tables_;
    std::optional<std::map<sagas::SagaId, std::vector<const WarehouseOrder*>>> by_saga_;
    std::vector<std::string> violations_;
};

}  // namespace

std::vector<std::string> judge(const World& world) {
    return Judge(world).verdict();
}

bool nothing_under_way(const World& world) {
    const sim::SimTables& tables = world.tables();
    const auto ended = [](const auto& entry) {
        return entry.second.final || entry.second.incident.has_value();
    };
    const auto of_duty = [](const auto& entry) {
        return entry.second.saga_id.empty();
    };
    const auto quiet = [](const auto& entry) {
        return !entry.second.parked.empty() ||
               (!entry.second.wants_read && !entry.second.read_open && entry.second.in_flight == 0);
    };
    const auto at_rest = [](const auto& worker) {
        return worker->late_calls() == 0;
    };
    return tables.signals.size() == 0 && tables.waits.size() == 0 &&
           std::all_of(tables.sagas.begin(), tables.sagas.end(), ended) &&
           std::all_of(tables.open_commands.begin(), tables.open_commands.end(), of_duty) &&
           std::all_of(tables.listings.begin(), tables.listings.end(), quiet) &&
           std::all_of(world.workers().begin(), world.workers().end(), at_rest) && world.warehouse().held_up() == 0;
}

}  // namespace ordersaga::simulation
