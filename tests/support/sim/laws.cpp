#include "tests/support/sim/laws.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace ordersaga::sim {

namespace {

using engine::CommandState;

std::string name_of(const StockKey& key) {
    return "sku " + std::to_string(key.sku_id.value) + " at warehouse " + std::to_string(key.warehouse_id.value);
}

class Findings {
public:
    explicit Findings(std::vector<std::string>& list) : list_(list) {}
    void expect(bool holds, const std::string& violation) {
        if (!holds) list_.push_back(violation);
    }
    void equal(const std::string& what, std::int64_t is, std::int64_t should_be) {
        expect(is == should_be, what + " is " + std::to_string(is) + ", should be " + std::to_string(should_be));
    }

private:
    std::vector<std::string>& list_;
};

struct Sums {
    std::int64_t on_hand = 0, available = 0, reserved = 0, committed = 0, unavailable = 0, returning = 0, short_by = 0,
                 waiting = 0;
};

void check_ledgers(const SimTables& tables, Findings& findings) {
    for (const auto& [key, row] : tables.stock) {
        const std::string name = name_of(key);
        findings.equal(
            "L1 conservation: " + name + ": on_hand + short", row.on_hand + row.short_by,
            row.available + row.reserved + row.committed + row.unavailable);
        findings.expect(
            row.available >= 0, "L3 no oversell: " + name + " has available " + std::to_string(row.available));
        findings.expect(row.short_by == 0 || row.available == 0, "L3 no oversell: " + name + " is short and sells");
    }
}

void check_projections(const SimTables& tables, Findings& findings) {
    std::map<StockKey, Sums> rows;
    for (const auto& [key, row] : tables.reservations) {
        rows[row.key].reserved += row.held;
        rows[row.key].committed += row.committed;
        rows[row.key].waiting += row.waiting;
    }
    for (const auto& [key, row] : tables.stock) {
        const Sums& sums = rows[key];
        findings.equal("L2 projection: " + name_of(key) + ": reserved", row.reserved, sums.reserved);
        findings.equal("L2 projection: " + name_of(key) + ": committed", row.committed, sums.committed);
        findings.equal("L2 projection: " + name_of(key) + ": waiting", row.waiting, sums.waiting);
    }
    std::map<std::pair<MerchantId, ListingId>, std::int64_t> in_flight;
    for (const auto& [key, flush] : tables.flushes) {
        if (flush.closed_at) continue;
        for (const orders::FlushRowItem& item : flush.items)
            in_flight[{flush.merchant, item.listing_id}] += item.delta;
    }
    for (const auto& [key, row] : tables.listings) {
        findings.equal(
            "L2 projection: listing " + std::to_string(key.second.value) + ": in flight", row.in_flight,
            in_flight[key]);
    }
}

void check_movements(const SimTables& tables, Findings& findings) {
    std::map<StockKey, Sums> sums;
    std::map<StockKey, std::int64_t> versions;
    std::set<MovementCause> causes;
    for (const auto& [number, row] : tables.movements) {
        Sums& sum = sums[row.key];
        sum.on_hand += row.on_hand;
        sum.available += row.available;
        sum.reserved += row.reserved;
        sum.committed += row.committed;
        sum.unavailable += row.unavailable;
        sum.returning += row.returning;
        sum.short_by += row.short_by;
        findings.expect(causes.insert({row.key, row.cause}).second, "L4 ledger: cause " + row.cause + " moved twice");
        findings.expect(row.version >= versions[row.key], "L4 ledger: " + name_of(row.key) + ": versions go back");
        versions[row.key] = row.version;
        // L3 at every instant, not only at the end.
        findings.expect(sum.available >= 0, "L3 no oversell: " + name_of(row.key) + " went below zero by " + row.cause);
    }
    for (const auto& [key, row] : tables.stock) {
        const Sums& sum = sums[key];
        const std::string name = "L4 ledger: " + name_of(key);
        findings.equal(name + ": on_hand", row.on_hand, sum.on_hand);
        findings.equal(name + ": available", row.available, sum.available);
        findings.equal(name + ": reserved", row.reserved, sum.reserved);
        findings.equal(name + ": committed", row.committed, sum.committed);
        findings.equal(name + ": unavailable", row.unavailable, sum.unavailable);
        findings.equal(name + ": returning", row.returning, sum.returning);
        findings.equal(name + ": short", row.short_by, sum.short_by);
    }
}

void check_final_sagas(const SimTables& tables, Findings& findings) {
    for (const auto& [key, row] : tables.reservations) {
        const engine::SagaRow* saga = tables.sagas.find({row.key.merchant, row.saga_id});
        const std::string name = "saga " + row.saga_id + " line " + row.line_id;
        if (saga == nullptr) {
            findings.expect(false, "L5 release: " + name + " belongs to no saga");
            continue;
        }
        if (saga->final) {
            findings.expect(
                row.held == 0 && row.committed == 0 && row.waiting == 0,
                "L5 release: " + name + " is " + saga->state + " and still has units");
        }
    }
}

// S30: an accepted order without its reservation is one that nobody will ever ship, or that takes another's units (Saleor
// #5334): every unit that a saga wants is held, committed or shipped for it.
void check_reservations(const SimTables& tables, Findings& findings) {
    static const std::set<std::string> accepted = {"Reserved", "ChannelsSynced", "FulfillmentRequested"};
    for (const auto& [key, saga] : tables.sagas) {
        if (saga.kind != "order" || accepted.count(saga.state) == 0) continue;
        std::set<int> without_stock;  // parts that still wait for theirs
        for (const auto& fulfillment : saga.data.at("fulfillments")) {
            if (fulfillment.at("state") == "backordered") without_stock.insert(fulfillment.at("part").get<int>());
        }
        for (const auto& line : saga.data.at("lines")) {
            const int part = line.at("of_part").get<int>();
            if (without_stock.count(part) > 0) continue;
            std::string name = line.at("line_id").get<std::string>();
            if (part > 1) name += "/" + std::to_string(part);
            for (const auto& stocked : line.at("parts")) {
                const SkuId sku{stocked.at("sku_id").get<std::int64_t>()};
                const orders::ReservationRow* row = tables.reservations.find({key.merchant, key.saga_id, name, sku});
                const std::int64_t has = row == nullptr ? 0 : row->held + row->committed + row->shipped;
                const std::int64_t wants =
                    line.at("wanted").get<std::int64_t>() * stocked.at("per_unit").get<std::int64_t>();
                findings.expect(
                    has >= wants, "L5 release: saga " + key.saga_id + " is " + saga.state + " and has " +
                                      std::to_string(has) + " of the " + std::to_string(wants) + " units of sku " +
                                      std::to_string(sku.value) + " that line " + name + " wants");
            }
        }
    }
}

// Every history replays to the stored state, step by step, with no version missing.
void check_histories(const SimTables& tables, Findings& findings) {
    struct Last {
        std::int64_t version = 0;
        std::string state;
    };
    std::map<SagaKey, Last> last;
    for (const auto& [number, row] : tables.history) {
        const auto [entry, first] = last.try_emplace(row.key, Last{0, row.from_state});
        const std::string name = "L7 nothing lost: history of saga " + row.key.saga_id;
        findings.equal(name + ": next version", row.version, entry->second.version + 1);
        findings.expect(
            row.from_state == entry->second.state,
            name + ": a step from " + row.from_state + " after " + entry->second.state);
        entry->second = {row.version, row.to_state};
    }
    for (const auto& [key, row] : tables.sagas) {
        const std::string name = "L7 nothing lost: saga " + key.saga_id;
        const auto found = last.find(key);
        findings.equal(name + ": version", row.version, found == last.end() ? 0 : found->second.version);
        if (found != last.end()) {
            findings.expect(
                row.state == found->second.state,
                name + " is " + row.state + ", its history ends in " + found->second.state);
        }
        findings.expect(row.final || row.next_wake, name + " is not final and has no next look");
    }
}

void check_nothing_lost(const SimTables& tables, Findings& findings) {
    for (const auto& [key, receipt] : tables.receipts) {
        const std::string name = "L7 nothing lost: receipt " + receipt.topic + " " + receipt.webhook_id;
        if (receipt.status == orders::ReceiptStatus::parked) {
            findings.expect(!receipt.reason.empty(), name + " is parked without a reason");
        } else if (receipt.source == "shopify" && receipt.topic.starts_with("orders/")) {
            const bool known =
                !receipt.order_id.empty() && tables.orders.has({receipt.merchant, receipt.store_id, receipt.order_id});
            findings.expect(known || !receipt.reason.empty(), name + " left neither an order nor a reason");
        }
    }
    for (const auto& [key, order] : tables.orders) {
        const std::string name = "L7 nothing lost: order " + key.order_id;
        if (order.saga_id.empty()) {
            findings.expect(!order.has_document || !order.reason.empty(), name + " has neither a saga nor a reason");
        } else {
            findings.expect(
                tables.sagas.has({key.merchant, order.saga_id}), name + " names a saga that does not exist");
        }
    }
    for (const auto& [key, duty] : tables.duties) {
        findings.expect(
            duty.command_id.empty() || tables.open_commands.has({duty.merchant, duty.command_id}),
            "L7 nothing lost: duty " + duty.duty + "/" + duty.subject + " waits for a command that is closed");
    }
    for (const auto& [key, flush] : tables.flushes) {
        findings.expect(
            flush.closed_at || tables.open_commands.has({flush.merchant, flush.command_id}),
            "L7 nothing lost: open flush " + flush.key + " waits for a command that is closed");
    }
    std::set<std::string> incidents;
    for (const auto& [number, incident] : tables.incidents) {
        if (!incident.closed_at && !incident.row.saga_id.empty()) incidents.insert(incident.row.saga_id);
    }
    for (const auto& [key, row] : tables.sagas) {
        findings.expect(
            !row.incident || incidents.count(key.saga_id) > 0,
            "L7 nothing lost: saga " + key.saga_id + " has an incident that nobody sees");
    }
}

// The protocol's rule: what the store should show, from the ledgers alone.
std::int64_t target_of(const SimTables& tables, const orders::ListingRow& listing, WarehouseId warehouse) {
    std::int64_t most = -1;
    for (const orders::ListingComponent& part : listing.components) {
        const orders::StockRow* row = tables.stock.find({listing.merchant, part.sku_id, warehouse});
        const std::int64_t sellable = row == nullptr ? 0 : std::max<std::int64_t>(0, row->available - row->waiting);
        const std::int64_t sets = sellable / part.quantity;
        most = most < 0 ? sets : std::min(most, sets);
    }
    const orders::SkuRow& sku = tables.skus.at({listing.merchant, listing.sku_id});
    return std::max<std::int64_t>(0, most - sku.buffer);
}

}  // namespace

std::vector<std::string> check_laws(const SimTables& tables) {
    std::vector<std::string> violations;
    Findings findings(violations);
    check_ledgers(tables, findings);
    check_projections(tables, findings);
    check_movements(tables, findings);
    check_final_sagas(tables, findings);
    check_reservations(tables, findings);
    check_histories(tables, findings);
    check_nothing_lost(tables, findings);
    return violations;
}

std::vector<std::string> check_laws(const SimStore& store) {
    std::vector<std::string> violations = check_laws(store.tables());
    violations.insert(violations.end(), store.lock_violations().begin(), store.lock_violations().end());
    return violations;
}

std::vector<std::string> check_quiet_laws(const SimStore& store) {
    return check_quiet_laws(store.tables());
}

std::vector<std::string> check_quiet_laws(const SimTables& tables) {
    std::vector<std::string> violations;
    Findings findings(violations);
    for (const auto& [key, row] : tables.listings) {
        const orders::StoreRow& shop = tables.stores.at({row.merchant, row.store_id});
        if (shop.status != "active" || !row.parked.empty()) continue;
        const std::string name = "L8 convergence: listing " + std::to_string(key.second.value) + " in " + shop.key;
        findings.expect(row.believed.has_value(), name + " was never read");
        if (!row.believed) continue;
        findings.equal(name + ": believed + in flight", *row.believed + row.in_flight, row.target);
        findings.equal(name + ": in flight", row.in_flight, 0);
        findings.expect(!row.wants_read, name + " still wants a quiet read");
        if (tables.skus.at({row.merchant, row.sku_id}).discontinued) continue;
        findings.equal(name + ": target", row.target, target_of(tables, row, shop.warehouse_id));
    }
    for (const auto& [key, wait] : tables.waits) {
        findings.expect(false, "L8 convergence: saga " + wait.saga.saga_id + " still waits for " + wait.kind);
    }
    for (const auto& [number, signal] : tables.signals) {
        findings.expect(
            false, "L7 nothing lost: signal " + signal.event + " for saga " + signal.key.saga_id + " was never taken");
    }
    static const std::set<std::string> dated = {"FulfillmentRequested", "Shipped", "Backordered", "OnHold"};
    for (const auto& [key, row] : tables.sagas) {
        findings.expect(
            row.final || row.incident || dated.count(row.state) > 0,
            "L7 nothing lost: saga " + key.saga_id + " rests in " + row.state);
    }
    return violations;
}

std::string joined(const std::vector<std::string>& violations) {
    std::string text;
    for (const std::string& violation : violations)
        text += violation + "\n";
    return text;
}

}  // namespace ordersaga::sim
