#include "tests/support/sim/laws.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace ordersaga::sim {

namespace {

using engine::CommandState;

std::string name_of(const StockKey& key) {
    return "sku " + std::to_string(key.sku_id.value) + " at warehouse " + std::to_string(key.warehouse_id.value);
}

// Words are only found for what is broken: these checks run again and again over every row.
class Findings {
public:
    explicit Findings(std::vector<std::string>& list) : list_(list) {}
    template <class Say>
    void expect(bool holds, const Say& violation) {
        if (!holds) list_.push_back(violation());
    }
    template <class Say>
    void equal(const Say& what, const char* of, std::int64_t is, std::int64_t should_be) {
        if (is == should_be) return;
        list_.push_back(what() + of + " is " + std::to_string(is) + ", should be " + std::to_string(should_be));
    }

private:
    std::vector<std::string>& list_;
};

struct Sums {
    std::int64_t on_hand = 0, available = 0, reserved = 0, committed = 0, unavailable = 0, returning = 0, short_by = 0,
                 waiting = 0;
};

void check_ledgers(const SimTables& tables, Findings& findings) {
    for (const auto& entry : tables.stock) {
        const orders::StockRow& row = entry.second;
        const auto law = [&row](const char* number) {
            return [&row, number] {
                return number + (": " + name_of(row.key));
            };
        };
        findings.equal(
            law("L1 conservation"), ": on_hand + short", row.on_hand + row.short_by,
            row.available + row.reserved + row.committed + row.unavailable);
        findings.expect(row.available >= 0, [&] {
            return law("L3 no oversell")() + " has available " + std::to_string(row.available);
        });
        findings.expect(
            row.short_by == 0 || row.available == 0, [&] { return law("L3 no oversell")() + " is short and sells"; });
    }
}

void check_projections(const SimTables& tables, Findings& findings) {
    std::map<StockKey, Sums> rows;
    for (const auto& [key, row] : tables.reservations) {
        Sums& sums = rows[row.key];
        sums.reserved += row.held;
        sums.committed += row.committed;
        sums.waiting += row.waiting;
    }
    for (const auto& entry : tables.stock) {
        const orders::StockRow& row = entry.second;
        const Sums& sums = rows[row.key];
        const auto name = [&row] {
            return "L2 projection: " + name_of(row.key);
        };
        findings.equal(name, ": reserved", row.reserved, sums.reserved);
        findings.equal(name, ": committed", row.committed, sums.committed);
        findings.equal(name, ": waiting", row.waiting, sums.waiting);
    }
    std::map<std::pair<MerchantId, ListingId>, std::int64_t> in_flight;
    for (const auto& [key, flush] : tables.flushes) {
        if (flush.closed_at) continue;
        for (const orders::FlushRowItem& item : flush.items)
            in_flight[{flush.merchant, item.listing_id}] += item.delta;
    }
    for (const auto& entry : tables.listings) {
        const orders::ListingRow& row = entry.second;
        const auto name = [&row] {
            return "L2 projection: listing " + std::to_string(row.listing_id.value);
        };
        findings.equal(name, ": in flight", row.in_flight, in_flight[entry.first]);
    }
}

void check_movements(const SimTables& tables, Findings& findings) {
    std::map<StockKey, Sums> sums;
    std::map<StockKey, std::int64_t> versions;
    std::set<std::pair<StockKey, std::string_view>> causes;
    for (const auto& entry : tables.movements) {
        const orders::MovementRow& row = entry.second;
        Sums& sum = sums[row.key];
        sum.on_hand += row.on_hand;
        sum.available += row.available;
        sum.reserved += row.reserved;
        sum.committed += row.committed;
        sum.unavailable += row.unavailable;
        sum.returning += row.returning;
        sum.short_by += row.short_by;
        findings.expect(causes.emplace(row.key, row.cause).second, [&row] {
            return "L4 ledger: cause " + row.cause + " moved twice";
        });
        std::int64_t& version = versions[row.key];
        findings.expect(
            row.version >= version, [&row] { return "L4 ledger: " + name_of(row.key) + ": versions go back"; });
        version = row.version;
        // L3 at every instant, not only at the end.
        findings.expect(sum.available >= 0, [&row] {
            return "L3 no oversell: " + name_of(row.key) + " went below zero by " + row.cause;
        });
    }
    for (const auto& entry : tables.stock) {
        const orders::StockRow& row = entry.second;
        const Sums& sum = sums[row.key];
        const auto name = [&row] {
            return "L4 ledger: " + name_of(row.key);
        };
        findings.equal(name, ": on_hand", row.on_hand, sum.on_hand);
        findings.equal(name, ": available", row.available, sum.available);
        findings.equal(name, ": reserved", row.reserved, sum.reserved);
        findings.equal(name, ": committed", row.committed, sum.committed);
        findings.equal(name, ": unavailable", row.unavailable, sum.unavailable);
        findings.equal(name, ": returning", row.returning, sum.returning);
        findings.equal(name, ": short", row.short_by, sum.short_by);
    }
}

void check_final_sagas(const SimTables& tables, Findings& findings) {
    for (const auto& entry : tables.reservations) {
        const orders::ReservationRow& row = entry.second;
        const engine::SagaRow* saga = tables.sagas.find({row.key.merchant, row.saga_id});
        const auto name = [&row] {
            return "L5 release: saga " + row.saga_id + " line " + row.line_id;
        };
        findings.expect(saga != nullptr, [&] { return name() + " belongs to no saga"; });
        if (saga == nullptr || !saga->final) continue;
        findings.expect(row.held == 0 && row.committed == 0 && row.waiting == 0, [&] {
            return name() + " is " + saga->state + " and still has units";
        });
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
                findings.expect(has >= wants, [&, &saga_id = key.saga_id, &state = saga.state] {
                    return "L5 release: saga " + saga_id + " is " + state + " and has " + std::to_string(has) +
                           " of the " + std::to_string(wants) + " units of sku " + std::to_string(sku.value) +
                           " that line " + name + " wants";
                });
            }
        }
    }
}

// Every history replays to the stored state, step by step, with no version missing.
void check_histories(const SimTables& tables, Findings& findings) {
    struct Last {
        std::int64_t version = 0;
        std::string_view state;
    };
    std::map<SagaKey, Last> last;
    for (const auto& entry : tables.history) {
        const engine::HistoryRow& row = entry.second;
        Last& before = last.try_emplace(row.key, Last{0, row.from_state}).first->second;
        const auto name = [&row] {
            return "L7 nothing lost: history of saga " + row.key.saga_id;
        };
        findings.equal(name, ": next version", row.version, before.version + 1);
        findings.expect(row.from_state == before.state, [&] {
            return name() + ": a step from " + row.from_state + " after " + std::string(before.state);
        });
        before = {row.version, row.to_state};
    }
    for (const auto& entry : tables.sagas) {
        const engine::SagaRow& row = entry.second;
        const auto found = last.find(row.key);
        const Last end = found == last.end() ? Last{0, row.state} : found->second;
        const auto name = [&row] {
            return "L7 nothing lost: saga " + row.key.saga_id;
        };
        findings.equal(name, ": version", row.version, end.version);
        findings.expect(row.state == end.state, [&] {
            return name() + " is " + row.state + ", its history ends in " + std::string(end.state);
        });
        findings.expect(row.final || row.next_wake, [&] { return name() + " is not final and has no next look"; });
    }
}

void check_receipts(const SimTables& tables, Findings& findings) {
    for (const auto& entry : tables.receipts) {
        const orders::ReceiptRow& receipt = entry.second;
        const auto name = [&receipt] {
            return "L7 nothing lost: receipt " + receipt.topic + " " + receipt.webhook_id;
        };
        if (receipt.status == orders::ReceiptStatus::parked) {
            findings.expect(!receipt.reason.empty(), [&] { return name() + " is parked without a reason"; });
        } else if (receipt.source == "shopify" && receipt.topic.starts_with("orders/")) {
            const bool known =
                !receipt.order_id.empty() && tables.orders.has({receipt.merchant, receipt.store_id, receipt.order_id});
            findings.expect(
                known || !receipt.reason.empty(), [&] { return name() + " left neither an order nor a reason"; });
        }
    }
    for (const auto& entry : tables.orders) {
        const orders::OrderRow& order = entry.second;
        const auto name = [&order] {
            return "L7 nothing lost: order " + order.key.order_id;
        };
        if (order.saga_id.empty()) {
            findings.expect(!order.has_document || !order.reason.empty(), [&] {
                return name() + " has neither a saga nor a reason";
            });
        } else {
            findings.expect(tables.sagas.has({order.key.merchant, order.saga_id}), [&] {
                return name() + " names a saga that does not exist";
            });
        }
    }
}

void check_nothing_lost(const SimTables& tables, Findings& findings) {
    check_receipts(tables, findings);
    for (const auto& entry : tables.duties) {
        const engine::DutyRow& duty = entry.second;
        const bool waits = duty.command_id.empty() || tables.open_commands.has({duty.merchant, duty.command_id});
        findings.expect(waits, [&duty] {
            return "L7 nothing lost: duty " + duty.duty + "/" + duty.subject + " waits for a command that is closed";
        });
    }
    for (const auto& entry : tables.flushes) {
        const orders::FlushRow& flush = entry.second;
        findings.expect(flush.closed_at || tables.open_commands.has({flush.merchant, flush.command_id}), [&flush] {
            return "L7 nothing lost: open flush " + flush.key + " waits for a command that is closed";
        });
    }
    std::set<std::string_view> incidents;
    for (const auto& [number, incident] : tables.incidents) {
        if (!incident.closed_at && !incident.row.saga_id.empty()) incidents.insert(incident.row.saga_id);
    }
    for (const auto& entry : tables.sagas) {
        const engine::SagaRow& row = entry.second;
        findings.expect(!row.incident || incidents.count(row.key.saga_id) > 0, [&row] {
            return "L7 nothing lost: saga " + row.key.saga_id + " has an incident that nobody sees";
        });
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
    for (const auto& entry : tables.listings) {
        const orders::ListingRow& row = entry.second;
        const orders::StoreRow& shop = tables.stores.at({row.merchant, row.store_id});
        if (shop.status != "active" || !row.parked.empty()) continue;
        const auto name = [&] {
            return "L8 convergence: listing " + std::to_string(row.listing_id.value) + " in " + shop.key;
        };
        findings.expect(row.believed.has_value(), [&] { return name() + " was never read"; });
        if (!row.believed) continue;
        findings.equal(name, ": believed + in flight", *row.believed + row.in_flight, row.target);
        findings.equal(name, ": in flight", row.in_flight, 0);
        findings.expect(!row.wants_read, [&] { return name() + " still wants a quiet read"; });
        if (tables.skus.at({row.merchant, row.sku_id}).discontinued) continue;
        findings.equal(name, ": target", row.target, target_of(tables, row, shop.warehouse_id));
    }
    for (const auto& [key, wait] : tables.waits)
        violations.push_back("L8 convergence: saga " + wait.saga.saga_id + " still waits for " + wait.kind);
    for (const auto& [number, signal] : tables.signals) {
        violations.push_back(
            "L7 nothing lost: signal " + signal.event + " for saga " + signal.key.saga_id + " was never taken");
    }
    static const std::set<std::string> dated = {"FulfillmentRequested", "Shipped", "Backordered", "OnHold"};
    for (const auto& entry : tables.sagas) {
        const engine::SagaRow& row = entry.second;
        findings.expect(row.final || row.incident || dated.count(row.state) > 0, [&row] {
            return "L7 nothing lost: saga " + row.key.saga_id + " rests in " + row.state;
        });
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
