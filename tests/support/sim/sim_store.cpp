#include "tests/support/sim/sim_store.hpp"

#include "tests/support/sim/sim_checks.hpp"
#include "tests/support/sim/sim_transaction.hpp"

#include <utility>

namespace ordersaga::sim {

namespace {

// Closes the transaction on every way out.
class OpenMark {
public:
    explicit OpenMark(bool& open) : open_(open) {
        if (open_) throw std::logic_error("a transaction inside a transaction");
        open_ = true;
    }
    ~OpenMark() { open_ = false; }
    OpenMark(const OpenMark&) = delete;
    OpenMark& operator=(const OpenMark&) = delete;

private:
    bool& open_;
};

}  // namespace

SimStore::SimStore(runtime::Clock& clock, SimFaults* faults) : clock_(clock), faults_(faults), tables_(journal_) {}

SimStore::~SimStore() = default;

void SimStore::transact(const std::function<void(engine::Transaction&)>& work, Ending ending) {
    const OpenMark mark(open_);
    ++counts_.transactions;
    if (faults_ != nullptr && faults_->at_call("begin") != SimFaults::AtCall::fine) {
        ++counts_.serialization_failures;
        throw engine::StoreUnavailable("simulated: no connection");
    }
    SimTransaction transaction(*this, clock_.now());
    try {
        work(transaction);
        if (ending == Ending::commit) transaction.check_deferred();
    } catch (...) {
        journal_.roll_back();
        ++counts_.roll_backs;
        throw;
    }
    if (ending == Ending::roll_back) {
        journal_.roll_back();
        ++counts_.roll_backs;
        return;
    }
    commit(transaction);
}

void SimStore::commit(SimTransaction&) {
    const auto fate = faults_ == nullptr ? SimFaults::AtCommit::fine : faults_->at_commit();
    const bool applied = fate == SimFaults::AtCommit::fine || fate == SimFaults::AtCommit::in_doubt_applied ||
                         fate == SimFaults::AtCommit::killed_after;
    if (applied) {
        journal_.commit();
        ++counts_.commits;
    } else {
        journal_.roll_back();
        ++counts_.roll_backs;
    }
    switch (fate) {
        case SimFaults::AtCommit::fine: return;
        case SimFaults::AtCommit::lost:
            ++counts_.lost;
            throw engine::StoreUnavailable("simulated: the link broke before the commit");
        case SimFaults::AtCommit::in_doubt_applied:
        case SimFaults::AtCommit::in_doubt_not_applied:
            ++counts_.in_doubt;
            throw engine::StoreInDoubt("simulated: the link broke during the commit");
        case SimFaults::AtCommit::killed_before:
        case SimFaults::AtCommit::killed_after: ++counts_.killed; throw ProcessKilled{};
    }
}

template <class Work>
void SimStore::seed(const Work& work) {
    const OpenMark mark(open_);
    SimFaults* const faults = std::exchange(faults_, nullptr);
    try {
        work();
    } catch (...) {
        faults_ = faults;
        journal_.roll_back();
        throw;
    }
    faults_ = faults;
    journal_.commit();
}

void SimStore::add_merchant(MerchantId merchant) {
    seed([&] { tables_.merchants.put(merchant, "merchant " + std::to_string(merchant.value)); });
}

void SimStore::add_warehouse(const orders::WarehouseRow& row) {
    seed([&] {
        check(row);
        require(tables_.merchants.has(row.merchant), "warehouses: foreign key merchants");
        for (const auto& [key, other] : tables_.warehouses) {
            require(
                key.first != row.merchant || key.second == row.warehouse_id || other.key != row.key,
                "warehouses: unique key");
        }
        tables_.warehouses.put({row.merchant, row.warehouse_id}, row);
    });
}

void SimStore::add_store(const orders::StoreRow& row) {
    seed([&] {
        check(row);
        require(tables_.warehouses.has({row.merchant, row.warehouse_id}), "stores: foreign key warehouses");
        for (const auto& [key, other] : tables_.stores) {
            const bool same = key == std::make_pair(row.merchant, row.store_id);
            require(same || other.shop_domain != row.shop_domain, "stores: unique shop_domain");
            require(same || key.first != row.merchant || other.key != row.key, "stores: unique key");
        }
        tables_.stores.put({row.merchant, row.store_id}, row);
    });
}

void SimStore::add_sku(const orders::SkuRow& row) {
    seed([&] {
        check(row);
        require(tables_.merchants.has(row.merchant), "skus: foreign key merchants");
        for (const auto& [component, quantity] : row.components) {
            const orders::SkuRow* part = tables_.skus.find({row.merchant, component});
            require(part != nullptr, "sku_components: foreign key skus");
            require(part->components.empty(), "a bundle may not hold a bundle");
        }
        for (const auto& [key, other] : tables_.skus) {
            require(key.first != row.merchant || key.second == row.sku_id || other.sku != row.sku, "skus: unique sku");
        }
        tables_.skus.put({row.merchant, row.sku_id}, row);
    });
}

void SimStore::add_listing(orders::ListingRow row) {
    seed([&] {
        check(row);
        require(tables_.stores.has({row.merchant, row.store_id}), "listings: foreign key stores");
        const orders::SkuRow* sku = tables_.skus.find({row.merchant, row.sku_id});
        require(sku != nullptr, "listings: foreign key skus");
        for (const auto& [key, other] : tables_.listings) {
            if (key.first != row.merchant || other.store_id != row.store_id || key.second == row.listing_id) continue;
            require(other.variant_id != row.variant_id, "listings: unique variant");
            require(
                other.inventory_item_id != row.inventory_item_id || other.location_id != row.location_id,
                "listings: unique inventory item and location");
        }
        row.components.clear();
        for (const auto& [component, quantity] : sku->components)
            row.components.push_back({component, quantity, 0, 0});
        if (row.components.empty()) row.components.push_back({row.sku_id, 1, 0, 0});
        tables_.listings.put({row.merchant, row.listing_id}, std::move(row));
    });
}

void SimStore::add_duty(const engine::DutyRow& row) {
    seed([&] { tables_.duties.put({row.merchant, row.duty, row.subject}, row); });
}

void SimStore::open_stock(const StockKey& key, std::int64_t quantity) {
    seed([&] {
        require(!tables_.stock.has(key), "the ledger is open already");
        SimTransaction transaction(*this, clock_.now());
        orders::StockRow row;
        row.key = key;
        row.on_hand = row.available = row.warehouse_on_hand = row.warehouse_fulfillable = quantity;
        row.version = row.version_read = 1;
        orders::MovementRow movement;
        movement.key = key;
        movement.kind = "opening";
        movement.cause = "opening";
        movement.on_hand = movement.available = quantity;
        movement.version = 1;
        movement.at = clock_.now();
        require(tables_.skus.has({key.merchant, key.sku_id}), "stock: foreign key skus");
        require(tables_.warehouses.has({key.merchant, key.warehouse_id}), "stock: foreign key warehouses");
        tables_.stock.put(key, row);
        transaction.write_stock({row}, {movement});
    });
}

}  // namespace ordersaga::sim
