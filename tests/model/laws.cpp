// What must hold in every state, and what must hold besides where nothing is under way.

#include "sagas/activities.hpp"
#include "tests/model/world.hpp"

#include <algorithm>

namespace ordersaga::model {

namespace {

bool is_one_of(const std::string& state, std::initializer_list<const char*> states) {
    return std::any_of(states.begin(), states.end(), [&](const char* one) { return state == one; });
}

std::string is_not(const std::string& what, std::int64_t is, std::int64_t should_be) {
    return what + " is " + std::to_string(is) + ", should be " + std::to_string(should_be);
}

}  // namespace

std::string OrderModel::fault(const World& world) const {
    for (const auto& law :
         {&OrderModel::ledger_fault, &OrderModel::promise_fault, &OrderModel::belief_fault, &OrderModel::saga_fault}) {
        std::string fault = (this->*law)(world);
        if (!fault.empty()) return fault;
    }
    return is_quiet(world) ? quiet_fault(world) : std::string();
}

// L1, L2, L3.
std::string OrderModel::ledger_fault(const World& world) const {
    for (const StockRow& row : world.tables.stock) {
        std::int64_t held = 0, committed = 0, waiting = 0;
        for (const ReservationRow& line : world.tables.reservations) {
            if (!(line.key == row.key)) continue;
            held += line.held;
            committed += line.committed;
            waiting += line.waiting;
        }
        const std::string name = "SKU " + std::to_string(row.key.sku_id.value) + ": ";
        if (row.on_hand + row.short_by != row.available + row.reserved + row.committed + row.unavailable)
            return "L1: " + name + "the ledger does not add up";
        if (row.reserved != held || row.committed != committed || row.waiting != waiting)
            return "L2: " + name + "the counters are not the sum of the rows";
        if (std::min({row.available, row.reserved, row.committed, row.unavailable, row.returning, row.short_by}) < 0)
            return "L3: " + name + "a counter is below zero";
        if (row.short_by > 0 && row.available > 0) return "L3: " + name + "sells what is missing";
    }
    return {};
}

// What is for sale and what is promised is on the shelf; of a unit that broke the ledger hears by a reading.
std::string OrderModel::promise_fault(const World& world) const {
    if (scope_.calls_linger) return {};  // whose request comes to life again is found by late looks
    for (std::size_t i = 0; i < world.tables.stock.size(); ++i) {
        const StockRow& stock = world.tables.stock[i];
        std::int64_t promised = stock.available - stock.short_by, taken = 0;
        const std::int64_t shelf = world.shelf[i] + (i == 0 && world.broken && !world.break_known ? 1 : 0);
        for (std::size_t order = 0; order < scope_.orders.size(); ++order) {
            const SagaRow* saga = saga_of(world, order);
            const Parcel& parcel = world.parcels[order];
            const bool cancelled = parcel.state == Parcel::State::cancelled;
            std::int64_t ours = 0, wanted = 0;
            for (const ReservationRow& line : world.tables.reservations) {
                if (saga != nullptr && line.saga_id == saga->key.saga_id && line.key == stock.key)
                    ours += line.held + (cancelled ? 0 : line.committed);
            }
            for (const auto& [sku, quantity] : scope_.orders[order].lines)
                wanted += sku == stock.key.sku_id.value ? quantity : 0;
            const bool at_warehouse = parcel.state == Parcel::State::accepted;
            if (at_warehouse) taken += wanted;
            if (parcel.state != Parcel::State::shipped) promised += ours;
            if (at_warehouse && ours == 0) promised += wanted;
        }
        const std::string name = "SKU " + std::to_string(stock.key.sku_id.value) + ": ";
        if (taken > world.shelf[i])
            return "oversold: " + name + std::to_string(taken) + " requested at the warehouse, which has " +
                   std::to_string(world.shelf[i]);
        if (promised > shelf)
            return "promised twice: " + name + std::to_string(promised) + " promised or for sale, " +
                   std::to_string(shelf) + " on the shelf";
    }
    return {};
}

// Belief: what a store shows is what we believe, with what it has not told us yet and what it has applied unheard.
std::string OrderModel::belief_fault(const World& world) const {
    if (!scope_.stores_are_told) return {};
    for (std::size_t i = 0; i < world.tables.listings.size(); ++i) {
        const ListingRow& row = world.tables.listings[i];
        if (!row.believed || row.wants_read) continue;
        std::int64_t expected = *row.believed;
        for (const orders::FlushRow& flush : world.tables.flushes) {
            const std::size_t store = static_cast<std::size_t>(flush.store_id.value) - 1;
            if (!world.flushing[store].applied) continue;
            for (const orders::FlushRowItem& item : flush.items)
                expected += item.listing_id == row.listing_id ? item.delta : 0;
        }
        for (std::size_t order = 0; order < scope_.orders.size(); ++order) {
            const PlannedOrder& planned = scope_.orders[order];
            const ShopOrder& shop = world.shop[order];
            if (planned.store != row.store_id.value) continue;
            const std::string id = std::to_string(order + 1);
            for (const auto& [sku, quantity] : planned.lines) {
                if (sku != row.sku_id.value) continue;
                const std::string listing = std::to_string(row.listing_id.value);
                const std::string line = id + "0" + std::to_string(sku);
                const bool sale_known = world.tables.moves.count(listing + "sale" + line) > 0;
                const bool restock_known = world.tables.moves.count(listing + "restock9" + id + ":" + line) > 0;
                if ((shop.tells_create || shop.tells_cancel) && !sale_known) expected -= quantity;
                if (shop.tells_cancel && shop.restocked && !restock_known) expected += quantity;
            }
        }
        if (expected != world.levels[i])
            return "belief: " + is_not(
                                    "what store " + std::to_string(row.store_id.value) + " shows of SKU " +
                                        std::to_string(row.sku_id.value),
                                    world.levels[i], expected);
    }
    return {};
}

std::string OrderModel::saga_fault(const World& world) const {
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        if (world.parcels[i].extra > 0) return "the warehouse has order " + name_of(i) + " twice";
        const SagaRow* saga = saga_of(world, i);
        if (saga == nullptr) continue;
        const std::string name = "the saga of " + name_of(i) + " is " + saga->state;
        for (const ReservationRow& row : world.tables.reservations) {
            if (row.saga_id == saga->key.saga_id && saga->final && row.held + row.committed + row.waiting > 0)
                return "L5: " + name + " and still has units";
        }
        const bool goes_back = is_one_of(
            saga->state, {"ReleasingStock", "RevertingChannels", "SettlingOrder", "Compensated", "OutOfStock"});
        for (const auto& command : world.tables.commands) {
            if (goes_back && command->saga_id == saga->key.saga_id &&
                command->activity == sagas::activity::request_fulfillment)
                return name + " and still asks the warehouse to ship";
        }
        if (!saga->final && !saga->next_wake) return name + " and has no next look";
    }
    return {};
}

// ---------------------------------------------------------------------------------------------------------------------
// Where nothing is under way

bool OrderModel::timer_runs(const SagaRow& saga) const {
    return is_one_of(saga.state, {"Reserved", "RevertingChannels"});
}

bool OrderModel::is_quiet(const World& world) const {
    const Tables& tables = world.tables;
    if (!world.calls.empty() || !world.readings.empty() || !tables.signals.empty()) return false;
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        const Parcel& parcel = world.parcels[i];
        const SagaRow* saga = saga_of(world, i);
        if (world.shop[i].tells_create || world.shop[i].tells_cancel || parcel.lingers) return false;
        if (parcel.state == Parcel::State::shipped && !parcel.told) return false;
        if (saga != nullptr && scope_.timers_end && timer_runs(*saga)) return false;
    }
    for (std::size_t store = 0; store < most_stores; ++store) {
        if (world.looks[store]) return false;
    }
    const auto is_alive = [&](StoreId store) {
        return scope_.stores_are_told && !(scope_.store_two_is_dead && store.value == 2);
    };
    for (const orders::FlushRow& flush : tables.flushes) {
        if (is_alive(flush.store_id)) return false;
    }
    for (const ListingRow& row : tables.listings) {
        if (is_alive(row.store_id) && row.wants_read) return false;
    }
    return std::none_of(tables.commands.begin(), tables.commands.end(), [&](const auto& command) {
        const bool settles = command->activity == sagas::activity::settle_store_order;
        return !command->saga_id.empty() && (scope_.requests_are_sent || settles);
    });
}

std::string OrderModel::quiet_fault(const World& world) const {
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        const SagaRow* saga = saga_of(world, i);
        if (saga == nullptr) continue;
        const std::string name = "in the quiet the saga of " + name_of(i) + " is " + saga->state;
        const bool dated = is_one_of(saga->state, {"FulfillmentRequested", "Shipped", "Backordered"}) ||
                           (!scope_.requests_are_sent && saga->state == "ChannelsSynced");
        if (!saga->final && !saga->incident && !dated) return name + " and waits for nothing";
        const Parcel::State parcel = world.parcels[i].state;
        const bool undone = is_one_of(saga->state, {"Compensated", "OutOfStock"});
        const bool at_warehouse = parcel == Parcel::State::accepted || parcel == Parcel::State::shipped;
        if (undone && at_warehouse && !saga->incident) return name + " and the warehouse sends its goods unseen";
    }
    for (std::size_t i = 0; scope_.stores_are_told && i < world.tables.listings.size(); ++i) {
        const ListingRow& row = world.tables.listings[i];
        if (scope_.store_two_is_dead && row.store_id.value == 2) continue;
        const StockRow& stock = world.tables.stock[static_cast<std::size_t>(row.sku_id.value) - 1];
        const std::int64_t target = std::max<std::int64_t>(0, stock.available - stock.waiting);
        const std::string name =
            "store " + std::to_string(row.store_id.value) + ", SKU " + std::to_string(row.sku_id.value);
        if (row.target != target) return "L8: in the quiet " + is_not("the target of " + name, row.target, target);
        if (world.levels[i] != target)
            return "L8: in the quiet " + is_not("what is shown in " + name, world.levels[i], target);
    }
    return scope_.readings > 0 ? regaining_fault(world) : std::string();
}

// A reading in the quiet finds every unit: what is promised to nobody is for sale.
std::string OrderModel::regaining_fault(const World& world) const {
    World read = world;
    read.tables.now += lag + Duration(1);
    for (Parcel& parcel : read.parcels)
        parcel.counted = parcel.state != Parcel::State::none;
    read.tables.now += Duration(1);
    read.readings.push_back({read.tables.now, false, {}});
    sample(read, read.readings.back(), 0);
    apply(read, read.readings.size() - 1);
    for (std::size_t i = 0; i < read.tables.stock.size(); ++i) {
        const StockRow& row = read.tables.stock[i];
        const std::int64_t accounted = row.available + row.reserved + row.committed - row.short_by;
        if (accounted == read.shelf[i]) continue;
        return "after a reading in the quiet " +
               is_not(
                   "what SKU " + std::to_string(row.key.sku_id.value) + " has for sale or promised", accounted,
                   read.shelf[i]);
    }
    return {};
}

}  // namespace ordersaga::model
