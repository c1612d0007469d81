// Stock and channels of one batch: grants, readings, the backorder queue, targets, and who has waited long enough.

#include "orchestrator/orders/order_session.hpp"
#include "runtime/planted.hpp"
#include "sagas/activities.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace ordersaga::orders {

using nlohmann::json;

namespace {

std::vector<Demand> demand_in(const json& payload) {
    std::vector<Demand> demand;
    for (const json& line : payload.at("lines")) {
        demand.push_back(
            {line.at("line_id").get<std::string>(), SkuId{line.at("sku_id").get<std::int64_t>()},
             line.at("quantity").get<std::int64_t>()});
    }
    return demand;
}

std::int64_t for_sale(const StockRow& row) {
    return row.available - row.waiting;
}

OrderPart part_in(const json& payload) {
    return payload.contains("part") ? OrderPart(payload.at("part").get<int>()) : std::nullopt;
}

WarehouseId warehouse_in(const json& payload) {
    return {payload.at("warehouse_id").get<std::int64_t>()};
}

bool is_mapped(const engine::SagaRow& saga) {
    const json& lines = saga.data.at("lines");
    return std::all_of(lines.begin(), lines.end(), [](const json& line) {
        return line.at("wanted").get<std::int64_t>() == 0 || !line.at("parts").empty();
    });
}

std::string incident_of(const StockKey& key) {
    return "short:" + std::to_string(key.sku_id.value) + ":" + std::to_string(key.warehouse_id.value);
}

constexpr std::size_t orders_named = 5;
constexpr std::int64_t any_version = std::numeric_limits<std::int64_t>::max();

std::string describe(const Rows::AtRisk& risk) {
    if (risk.youngest.empty()) return "no order holds any of it";
    std::string text = "orders at risk, youngest first:";
    for (const std::string& subject : risk.youngest)
        text += (text.back() == ':' ? " " : ", ") + subject;
    std::int64_t more = risk.orders - static_cast<std::int64_t>(risk.youngest.size());
    return more > 0 ? text + " and " + std::to_string(more) + " more" : text;
}

std::string cause_of(const char* what, const engine::SagaRow& saga) {
    return std::string(what) + ":" + saga.key.saga_id + ":" + std::to_string(saga.version);
}

}  // namespace

void OrderSession::prepare(const std::vector<const engine::SagaRow*>& sagas) {
    for (const engine::SagaRow* saga : sagas)
        sagas_[saga->key] = saga;
    lock_stock_of(sagas);
    if (!readings_.empty()) apply_readings();
}

void OrderSession::lock_stock_of(const std::vector<const engine::SagaRow*>& sagas) {
    std::set<StockKey> keys;
    std::vector<engine::SagaKey> unloaded;
    for (const engine::SagaRow* saga : sagas) {
        if (saga->kind != "order") continue;
        if (!ledger_.has_loaded(saga->key)) unloaded.push_back(saga->key);
        WarehouseId warehouse_id{saga->data.at("warehouse_id").get<std::int64_t>()};
        for (const char* lines : {"lines", "edit"}) {
            auto found = saga->data.find(lines);
            if (found == saga->data.end() || !found->is_array()) continue;
            for (const json& line : *found) {
                for (const json& part : line.at("parts")) {
                    keys.insert({saga->key.merchant, SkuId{part.at("sku_id").get<std::int64_t>()}, warehouse_id});
                }
            }
        }
    }
    // Lines that this batch's own arrivals bring into a saga.
    for (const OrderKey& key : dirty_orders_) {
        const OrderRow& row = orders_.at(key);
        const StoreRow* from = store(key.merchant, key.store_id);
        if (from == nullptr || row.saga_id.empty()) continue;
        for (const sagas::OrderLine& line : row.document.lines) {
            for (const sagas::LinePart& part : map_line(*from, line).parts) {
                keys.insert({key.merchant, SkuId{part.sku_id}, from->warehouse_id});
            }
        }
    }
    keys.insert(late_.stock.begin(), late_.stock.end());
    for (Reading& reading : readings_) {
        set_confirmed_apart(reading, keys);
        for (const auto& [sku, fulfillable, on_hand] : reading.items)
            keys.insert({reading.merchant, sku, reading.warehouse_id});
    }
    std::vector<StockKey> missing;
    for (const StockKey& key : keys) {
        if (!ledger_.holds(key)) missing.push_back(key);
    }
    if (runtime::planted("locks_unsorted") && !missing.empty()) load_stock(rows_.lock_stock({missing.back()}));
    if (!missing.empty()) load_stock(rows_.lock_stock(missing));
    if (!unloaded.empty()) {
        std::vector<ReservationRow> reserved = rows_.reservations_of(unloaded);
        // What a saga still has of an article that none of its lines names any more.
        std::set<StockKey> unnamed;
        for (const ReservationRow& row : reserved) {
            if (row.waiting + row.held + row.committed > 0 && !ledger_.holds(row.key)) unnamed.insert(row.key);
        }
        if (!unnamed.empty() && !runtime::planted("unnamed_stock_not_locked")) {
            lock_late(unnamed);
            keys.insert(unnamed.begin(), unnamed.end());
            reserved = rows_.reservations_of(unloaded);
        }
        ledger_.load_reservations(std::move(reserved));
        for (const engine::SagaKey& key : unloaded)
            ledger_.mark_loaded(key);
    }
    std::set<Ledger::SkuKey> skus;
    for (const StockKey& key : keys)
        skus.emplace(key.merchant, key.sku_id);
    ledger_.read_skus(rows_, skus);
}

// Ledgers that turn out to be needed when others are locked already.
void OrderSession::lock_late(const std::set<StockKey>& keys) {
    if (keys.empty()) return;
    late_.stock.insert(keys.begin(), keys.end());
    const Turn turn = runtime::planted("late_lock_waits") ? Turn::in_turn : Turn::never;
    load_stock(rows_.lock_stock({keys.begin(), keys.end()}, turn));
}

// The warehouse's time was read before these rows were locked: it may be older than it need be, never newer. Only who
// applies a reading has to know the newest (take_mirror).
void OrderSession::load_stock(std::vector<StockRow> rows) {
    std::vector<StockKey> mirrored;
    for (const StockRow& row : rows) {
        if (row.mirrored) mirrored.push_back(row.key);
    }
    ledger_.load_stock(std::move(rows));
    for (const StockKey& key : mirrored) {
        if (const WarehouseRow* from = warehouse(key.merchant, key.warehouse_id))
            ledger_.note_mirror(key, from->read_asked_at);
    }
}

std::map<StockKey, std::int64_t> OrderSession::not_counted_in(
    const Reading& reading,
    const std::vector<StockKey>& keys,
    const WarehouseRow& from) {
    std::map<StockKey, std::int64_t> not_counted;
    for (const auto& [key, units] : rows_.not_counted(keys, reading.asked_at, from.reading_lag))
        not_counted[key] = runtime::planted("request_window_ignored") ? 0 : units;
    return not_counted;
}

// A reading of everything tells of few ledgers what is not known already, and a lock is a write: those that it confirms as they
// stand are looked at without one. Who changes such a ledger at the same time is told of by the next reading, as if this one
// had come before.
void OrderSession::set_confirmed_apart(Reading& reading, const std::set<StockKey>& locked) {
    const WarehouseRow* from = warehouse(reading.merchant, reading.warehouse_id);
    if (!reading.whole || from == nullptr) return;
    std::vector<StockKey> keys;
    for (const auto& [sku, fulfillable, on_hand] : reading.items) {
        const StockKey key{reading.merchant, sku, reading.warehouse_id};
        if (locked.count(key) == 0 && !ledger_.holds(key)) keys.push_back(key);
    }
    std::map<StockKey, std::int64_t> not_counted = not_counted_in(reading, keys, *from);
    std::map<SkuId, StockRow> ledgers;
    for (StockRow& row : rows_.peek_stock(keys))
        ledgers.emplace(row.key.sku_id, std::move(row));
    std::erase_if(reading.items, [&](const auto& item) {
        const auto& [sku, fulfillable, on_hand] = item;
        const auto found = ledgers.find(sku);
        if (found == ledgers.end()) return false;
        const StockRow& row = found->second;
        const bool confirmed = row.mirrored && row.warehouse_on_hand == on_hand &&
                               row.warehouse_fulfillable == fulfillable && row.short_by == 0 && row.returning == 0 &&
                               row.available == Ledger::free_by_reading(row, fulfillable, not_counted[row.key]);
        if (!confirmed && !runtime::planted("every_reading_confirms")) return false;
        reading.confirmed.push_back(sku);
        return true;
    });
}

// Whether the time of this reading is kept with the warehouse: then the ledgers that it confirms are not written, and those
// that it does not tell of leave the mirror. The time is read again here, under the locks of the ledgers: nothing that was
// applied to them meanwhile may be overlooked.
bool OrderSession::take_mirror(const Reading& reading) {
    const auto is_it = [&](const WarehouseRow& row) {
        return row.warehouse_id == reading.warehouse_id;
    };
    std::vector<WarehouseRow>& warehouses = world(reading.merchant).warehouses;
    if (!reading.whole) warehouses = rows_.warehouses({reading.merchant});
    const auto from = std::find_if(warehouses.begin(), warehouses.end(), is_it);
    if (reading.whole) from->read_asked_at = rows_.lock_mirror(reading.merchant, reading.warehouse_id);
    for (const auto& [key, row] : ledger_.stock()) {
        if (key.merchant == reading.merchant && key.warehouse_id == reading.warehouse_id)
            ledger_.note_mirror(key, from->read_asked_at);
    }
    if (!reading.whole || (from->read_asked_at && reading.asked_at <= *from->read_asked_at)) return false;
    std::vector<SkuId> told;
    for (const auto& [sku, fulfillable, on_hand] : reading.items)
        told.push_back(sku);
    told.insert(told.end(), reading.confirmed.begin(), reading.confirmed.end());
    const std::vector<StockKey> untold = rows_.mirrored_besides(reading.merchant, reading.warehouse_id, told);
    std::set<StockKey> missing;
    for (const StockKey& key : untold) {
        if (!ledger_.holds(key)) missing.insert(key);
    }
    lock_late(missing);
    for (const StockKey& key : untold)
        ledger_.leave_mirror(key);
    rows_.write_mirror(reading.merchant, reading.warehouse_id, reading.asked_at);
    from->read_asked_at = reading.asked_at;
    return true;
}

void OrderSession::apply_readings() {
    for (const Reading& reading : readings_) {
        const WarehouseRow* from = warehouse(reading.merchant, reading.warehouse_id);
        if (from == nullptr) continue;
        std::vector<StockKey> keys;
        for (const auto& [sku, fulfillable, on_hand] : reading.items)
            keys.push_back({reading.merchant, sku, reading.warehouse_id});
        std::map<StockKey, std::int64_t> not_counted = not_counted_in(reading, keys, *from), returned;
        for (const auto& [key, units] : rows_.returned_since(keys, reading.asked_at))
            returned[key] = units;
        const bool mirrored = take_mirror(reading);
        std::set<StockKey> explained = explained_by_requests(reading, not_counted);
        for (const auto& [sku, fulfillable, on_hand] : reading.items) {
            StockKey key{reading.merchant, sku, reading.warehouse_id};
            if (explained.count(key) > 0 && !runtime::planted("requests_explain_nothing")) {
                if (mirrored) ledger_.leave_mirror(key);
                continue;
            }
            ledger_.apply_reading(
                key, reading.asked_at, fulfillable, on_hand, not_counted[key], returned[key],
                "reading:" + reading.command_id, mirrored);
        }
    }
    // Who waited for a fresh figure can decide now, also when the reading failed: then the ledger decides.
    std::vector<Rows::Reached> read;
    for (const Reading& reading : readings_) {
        for (const auto& [sku, fulfillable, on_hand] : reading.items)
            read.push_back({{reading.merchant, sku, reading.warehouse_id}, any_version});
        for (const SkuId sku : reading.confirmed)
            read.push_back({{reading.merchant, sku, reading.warehouse_id}, any_version});
    }
    if (read.empty()) return;
    std::set<engine::SagaKey> waiting;
    for (const Rows::Wait& wait : rows_.waits_for("reading", read)) {
        waiting.insert(wait.saga);
        if (!batch_.holds(wait.saga)) awaited_.insert(wait.stock);
    }
    if (waiting.empty()) return;
    have_reading_.insert(waiting.begin(), waiting.end());
    for (const engine::SagaKey& saga : waiting)
        tell_or_signal(saga, {"StockRead", json::object(), "reading of the warehouse"});
    readings_.clear();
}

// The warehouse has less than was promised: somebody must know, until it is made good. Orders that have only waited for
// this very figure were promised nothing yet; they decide in the next batch, and most often give way. Who does not give
// way need not change the ledger: so every ledger at hand is looked at, changed or not. Called when stock and reservations
// are written: who holds what is read back from them.
void OrderSession::tell_of_shortages() {
    std::vector<StockKey> short_now;
    for (const auto& [key, row] : ledger_.stock()) {
        if (row.short_by == 0 && ledger_.before(key).short_by > 0)
            batch_.close_incident(key.merchant, incident_of(key));
        if (row.short_by > 0 && awaited_.count(key) == 0) short_now.push_back(key);
    }
    if (short_now.empty()) return;
    std::map<StockKey, Rows::AtRisk> at_risk;
    for (Rows::AtRisk& risk : rows_.at_risk(short_now, orders_named))
        at_risk[risk.stock] = std::move(risk);
    for (const StockKey& key : short_now) {
        ledger_.read_skus(rows_, {{key.merchant, key.sku_id}});
        const WarehouseRow* from = warehouse(key.merchant, key.warehouse_id);
        batch_.open_incident(
            {key.merchant,
             incident_of(key),
             {},
             "the warehouse has less than was promised",
             ledger_.sku(key.merchant, key.sku_id).sku + " in " + (from == nullptr ? "" : from->key) + ": " +
                 std::to_string(ledger_.at(key).short_by) + " units short; " + describe(at_risk[key])});
    }
}

void OrderSession::tell_or_signal(const engine::SagaKey& saga, sagas::Event event) {
    if (batch_.holds(saga)) {
        batch_.tell(saga, std::move(event));
    } else {
        batch_.signal(saga, std::move(event));
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Effects

std::vector<sagas::Event> OrderSession::settle(const engine::SagaRow& saga, const sagas::Effect& effect) {
    const std::string& name = effect.name;
    world(saga.key.merchant);
    if (name == "Reserve") return reserve(saga, effect.payload, false);
    if (name == "Exchange") return reserve(saga, effect.payload, true);
    if (name == "Commit") {
        ledger_.commit(
            saga.key, cause_of("accept", saga), part_in(effect.payload),
            effect.payload.value("found", false) ? counted_long_ago(saga.key.merchant, effect.payload) : batch_.now());
    } else if (name == "Doubt") {
        ledger_.doubt(saga.key, part_in(effect.payload));
    } else if (name == "Trust") {
        ledger_.trust(saga.key, part_in(effect.payload), batch_.now());
    } else if (name == "Retake") {
        ledger_.retake(saga.key, cause_of("retake", saga), part_in(effect.payload));
    } else if (name == "Ship") {
        std::vector<std::pair<SkuId, std::int64_t>> skus;
        for (const json& sku : effect.payload.at("skus")) {
            skus.emplace_back(SkuId{sku.at("sku_id").get<std::int64_t>()}, sku.at("quantity").get<std::int64_t>());
        }
        ledger_.ship(saga.key, skus, cause_of("ship", saga), part_in(effect.payload));
    } else if (name == "Release") {
        channel_waits_.erase(saga.key);
        stop_waiting_.insert(saga.key);
        if (runtime::planted("compensation_forgotten")) return {{"StockReleased", json::object(), "stock"}};
        if (ledger_.release(saga.key, cause_of("release", saga), part_in(effect.payload))) {
            std::set<SkuId>& skus = returned_[{saga.key.merchant, warehouse_in(effect.payload)}];
            for (const Demand& line : demand_in(effect.payload))
                skus.insert(line.sku_id);
        }
        return {{"StockReleased", json::object(), "stock"}};
    } else if (name == "WaitForChannels") {
        std::vector<Rows::Wait> waits;
        std::set<SkuId> seen;
        for (const Demand& want : demand_in(effect.payload)) {
            if (!seen.insert(want.sku_id).second) continue;
            StockKey key{saga.key.merchant, want.sku_id, warehouse_in(effect.payload)};
            waits.push_back({saga.key, "channels", key, ledger_.at(key).version});
        }
        channel_waits_[saga.key] = std::move(waits);
    } else if (name == "StopWaiting") {
        if (effect.payload.value("name_debt", false)) note_debt(saga, effect.payload);
        channel_waits_.erase(saga.key);
        stop_waiting_.insert(saga.key);
    } else if (name == "UseReference") {
        references_.emplace_back(effect.payload.at("reference").get<std::string>(), saga.key);
    } else if (name == "Assume") {
        return {
            {effect.payload.at("event").get<std::string>(), effect.payload.at("payload"),
             effect.payload.at("cause").get<std::string>()}};
    } else {
        throw engine::BadItem("unknown effect " + name);
    }
    return {};
}

// Which stores did not show the order's stock in time is said in its history; the debt itself stays with their listings.
// Said in conclude(), when the listings are locked and know this batch's news.
void OrderSession::note_debt(const engine::SagaRow& saga, const json& payload) {
    std::set<StockKey> ledgers;
    for (const Demand& want : demand_in(payload))
        ledgers.insert({saga.key.merchant, want.sku_id, warehouse_in(payload)});
    for (Rows::Wait& wait : rows_.waits_of(saga.key, "channels")) {
        if (ledgers.count(wait.stock) > 0) debts_.push_back(std::move(wait));
    }
}

// What the warehouse has had before we asked is in every figure that it tells from now on.
Instant OrderSession::counted_long_ago(MerchantId merchant, const json& payload) {
    const WarehouseRow* from = warehouse(merchant, warehouse_in(payload));
    return batch_.now() - (from == nullptr ? Duration(0) : from->reading_lag) - std::chrono::seconds(1);
}

std::vector<sagas::Event> OrderSession::reserve(const engine::SagaRow& saga, const json& payload, bool exchange) {
    if (!is_mapped(saga)) return map_again(saga);
    WarehouseId warehouse_id = warehouse_in(payload);
    OrderPart part = part_in(payload);
    std::vector<Demand> demand = demand_in(payload);
    const StoreRow* from = store(saga.key.merchant, {saga.data.at("store_id").get<std::int64_t>()});
    const bool undecided = !exchange && !part && from != nullptr && !takes_orders(*from);
    if (undecided) return {{"StockStale", json::object(), "the database was restored"}};
    if (payload.value("found", false)) {
        ledger_.adopt(
            saga.key, warehouse_id, demand, cause_of("found", saga), counted_long_ago(saga.key.merchant, payload));
        return {{"StockReserved", json::object(), "the warehouse has the order already"}};
    }
    bool may_ask = !payload.value("without_reading", false) && !exchange;
    bool kept = false;
    std::vector<Shortage> shortages;
    if (exchange) {
        shortages = ledger_.exchange(saga.key, warehouse_id, demand, cause_of("grant", saga), kept, part);
    } else if (may_ask || !ledger_.holds_units(saga.key, part)) {
        // Taken before anything waits: while the warehouse is asked, no store may show these units.
        shortages = ledger_.grant(saga.key, warehouse_id, demand, cause_of("grant", saga));
    } else if (ledger_.is_short(saga.key, part)) {
        // The warehouse has less than the ledger thought: who was about to be promised the missing units gives way.
        ledger_.release(saga.key, cause_of("release", saga), part);
        shortages = ledger_.grant(saga.key, warehouse_id, demand, cause_of("grant", saga));
    }
    if (may_ask && wants_reading(saga, warehouse_id, demand)) return {{"StockStale", json::object(), "stock"}};
    if (shortages.empty()) return {{"StockReserved", json::object(), "stock"}};

    json short_list = json::array();
    bool all_backorder = true;
    for (const Shortage& shortage : shortages) {
        const SkuRow& sku = ledger_.sku(saga.key.merchant, shortage.sku_id);
        all_backorder = all_backorder && sku.policy == "backorder";
        short_list.push_back(
            {{"sku_id", shortage.sku_id.value},
             {"sku", sku.sku},
             {"wanted", shortage.wanted},
             {"available", shortage.available},
             {"waiting", shortage.waiting},
             {"version", ledger_.at({saga.key.merchant, shortage.sku_id, warehouse_id}).version}});
    }
    if (kept) {
        return {
            {"ExchangeRefused",
             {{"short", short_list}, {"reason", "the changed order wants more than there is: "}},
             "stock"}};
    }
    bool store_waits = payload.value("order_policy", std::string()) == "backorder";
    bool backorder = all_backorder || store_waits;
    if (backorder) ledger_.enqueue(saga.key, warehouse_id, demand);
    return {{"StockShort", {{"short", std::move(short_list)}, {"backorder", backorder}}, "stock"}};
}

// A line that could not be mapped when its order came is looked up again, or a person is told: it must never be left out
// of what is reserved and requested.
std::vector<sagas::Event> OrderSession::map_again(const engine::SagaRow& saga) {
    const StoreRow* from = store(saga.key.merchant, {saga.data.at("store_id").get<std::int64_t>()});
    if (from == nullptr) throw engine::BadItem("the store does not exist any more");
    OrderKey key{saga.key.merchant, from->store_id, saga.data.at("order_id").get<std::string>()};
    if (orders_.count(key) == 0) {
        for (OrderRow& row : rows_.lock_orders({key}, Turn::never))
            orders_.emplace(key, std::move(row));
    }
    load_mappings({});
    std::set<StockKey> missing;
    json lines = json::array();
    for (const json& stored : saga.data.at("lines")) {
        sagas::SagaLine line = sagas::saga_line_from_json(stored);
        for (const sagas::OrderLine& told : orders_.at(key).document.lines) {
            if (line.parts.empty() && told.line_id == line.line_id) line.parts = map_line(*from, told).parts;
        }
        if (line.wanted > 0 && line.parts.empty()) {
            return {
                {"ExchangeRefused",
                 {{"reason", "a line's SKU is not mapped: " + (line.sku.empty() ? "it has none" : line.sku)}},
                 "mapping"}};
        }
        for (const sagas::LinePart& part : line.parts) {
            StockKey stock{saga.key.merchant, SkuId{part.sku_id}, from->warehouse_id};
            if (!ledger_.holds(stock)) missing.insert(stock);
        }
        lines.push_back(to_json(line));
    }
    lock_late(missing);
    return {{"OrderChanged", {{"lines", std::move(lines)}}, "mapping"}};
}

// Protocol part 1: near the truth before a promise. At most one read on demand per SKU in 30 s; who cannot ask decides
// from the ledger.
bool OrderSession::wants_reading(
    const engine::SagaRow& saga,
    WarehouseId warehouse_id,
    const std::vector<Demand>& demand) {
    Instant now = batch_.now();
    std::set<SkuId> ask;
    std::vector<Rows::Wait> waits;
    for (const Demand& want : demand) {
        const SkuRow& sku = ledger_.sku(saga.key.merchant, want.sku_id);
        StockKey key{saga.key.merchant, want.sku_id, warehouse_id};
        StockRow& row = ledger_.at(key);
        bool fresh = sku.reading == "ask-warehouse-first" ? row.read_asked_at && *row.read_asked_at >= saga.created_at
                                                          : has_fresh_mirror(row);
        if (fresh) continue;
        bool asked = row.demand_read_at && now - *row.demand_read_at < settings_.demand_read_every;
        bool answered = asked && row.read_asked_at && *row.read_asked_at >= *row.demand_read_at;
        bool under_way = asked && !answered && now - *row.demand_read_at < settings_.demand_read_wait;
        if (asked && !under_way) continue;
        if (!asked) {
            ask.insert(want.sku_id);
            row.demand_read_at = now;
            ledger_.touch(key);
        }
        waits.push_back({saga.key, "reading", key, row.version});
    }
    if (!ask.empty()) ask_for_reading(saga.key.merchant, warehouse_id, ask);
    reading_waits_.insert(reading_waits_.end(), waits.begin(), waits.end());
    return !waits.empty();
}

bool OrderSession::has_fresh_mirror(const StockRow& row) const {
    return row.read_asked_at && batch_.now() - *row.read_asked_at <= settings_.mirror_fresh_for;
}

// The warehouse takes a unit some moments before we hear of it, and before we may rely on its having counted it. A
// reading of these moments lacks a unit that the ledger subtracts as well; taken as it is, the next buyer of the last
// unit would be refused. While the mirror is fresh it may wait for a reading that is clearer; an older mirror is
// corrected to the safe side. (docs/adr/0007)
std::set<StockKey> OrderSession::explained_by_requests(
    const Reading& reading,
    const std::map<StockKey, std::int64_t>& not_counted) {
    std::map<StockKey, std::int64_t> lowered;  // by so many units
    for (const auto& [sku, fulfillable, on_hand] : reading.items) {
        StockKey key{reading.merchant, sku, reading.warehouse_id};
        const StockRow& row = ledger_.at(key);
        bool trusted = ledger_.sku(key.merchant, sku).reading != "ask-warehouse-first" &&
                       !catches_up(key.merchant);  // what it has forgotten explains nothing
        if (!trusted || !has_fresh_mirror(row) || row.short_by > 0 || row.returning > 0) continue;
        std::int64_t by = row.available - Ledger::free_by_reading(row, fulfillable, not_counted.at(key));
        if (by > 0) lowered.emplace(key, by);
    }
    std::vector<StockKey> keys;
    for (const auto& [key, by] : lowered)
        keys.push_back(key);
    std::map<StockKey, std::int64_t> perhaps_taken = not_counted;
    for (const auto& [key, units] : rows_.requested(keys))
        perhaps_taken.at(key) += units;
    std::set<StockKey> explained;
    for (const auto& [key, by] : lowered) {
        if (by <= perhaps_taken.at(key)) explained.insert(key);
    }
    return explained;
}

// Units that a cancel brought back are for sale only after a reading. Asked for at once, unless these SKUs were asked for
// lately: then the next reading of the mirror tells.
void OrderSession::read_what_returned() {
    Instant now = batch_.now();
    for (auto& [where, skus] : returned_) {
        std::erase_if(skus, [&, where = where](SkuId sku) {
            const StockRow& row = ledger_.at({where.first, sku, where.second});
            return row.demand_read_at && now - *row.demand_read_at < settings_.demand_read_every;
        });
        if (skus.empty()) continue;
        for (SkuId sku : skus) {
            StockKey key{where.first, sku, where.second};
            ledger_.at(key).demand_read_at = now;
            ledger_.touch(key);
        }
        ask_for_reading(where.first, where.second, skus);
    }
}

void OrderSession::ask_for_reading(MerchantId merchant, WarehouseId warehouse_id, const std::set<SkuId>& skus) {
    const WarehouseRow* from = warehouse(merchant, warehouse_id);
    if (from == nullptr) throw engine::BadItem("the warehouse does not exist");
    json items = json::array();
    for (SkuId id : skus) {
        const SkuRow& sku = ledger_.sku(merchant, id);
        items.push_back({{"sku_id", id.value}, {"sku", sku.sku}, {"warehouse_item_id", sku.warehouse_item_id}});
    }
    sagas::Command command;
    command.activity = sagas::activity::read_warehouse_stock;
    command.lane = "warehouse:" + std::to_string(warehouse_id.value);
    command.idempotency_key = "reading:" + std::to_string(batch_.now().time_since_epoch().count());
    command.payload = {
        {"warehouse", from->key}, {"asked_at", runtime::format_rfc3339(batch_.now())}, {"items", std::move(items)}};
    batch_.command_of_duty(
        merchant, std::string(duty::read_warehouse_stock) + "/warehouse:" + std::to_string(warehouse_id.value),
        command);
}

// ---------------------------------------------------------------------------------------------------------------------
// Conclusions

// A rise of available settles waiting orders in the same transaction, before targets are computed.
void OrderSession::settle_backorders() {
    std::vector<StockKey> keys;
    for (const auto& [key, row] : ledger_.stock()) {
        auto looked = settled_.find(key);
        bool moved = looked == settled_.end() || looked->second != row.version;
        if (row.waiting > 0 && row.available > 0 && moved) keys.push_back(key);
    }
    if (keys.empty()) return;
    std::vector<ReservationRow> queue = rows_.waiting_for(keys);
    std::set<StockKey> missing;
    std::set<Ledger::SkuKey> skus;
    for (const ReservationRow& row : queue) {
        if (!ledger_.holds(row.key)) missing.insert(row.key);
        skus.emplace(row.key.merchant, row.key.sku_id);
    }
    if (!missing.empty()) {
        // Others of the same queues: they must be looked at as a whole, or an older order could be overtaken.
        lock_late(missing);
        std::vector<StockKey> more(missing.begin(), missing.end());
        for (ReservationRow& row : rows_.waiting_for(more))
            queue.push_back(std::move(row));
    }
    ledger_.read_skus(rows_, skus);
    // Rows of a further ring of SKUs may still be unlocked: such an order waits for the next rise.
    std::set<engine::SagaKey> beyond;
    for (const ReservationRow& row : queue) {
        if (!ledger_.holds(row.key)) beyond.insert({row.key.merchant, row.saga_id});
    }
    std::erase_if(queue, [&](const ReservationRow& row) { return beyond.count({row.key.merchant, row.saga_id}) > 0; });
    for (const engine::SagaKey& saga : ledger_.grant_waiting(queue)) {
        tell_or_signal(saga, {"StockGranted", json::object(), "stock arrived"});
    }
    for (const auto& [key, row] : ledger_.stock())
        settled_[key] = row.version;
}

// Who waits for what a flush brought hears of it in the batch in which it ends.
void OrderSession::hold_who_waits_for_flushes() {
    for (auto& [merchant, world] : worlds_) {
        std::vector<Rows::Reached> reached;
        for (const auto& [sku, version] : world.channels->versions_of_ended_flushes(merchant, world.stores)) {
            for (const WarehouseRow& from : world.warehouses)
                reached.push_back({{merchant, sku, from.warehouse_id}, version});
        }
        std::set<engine::SagaKey> held;
        for (const Rows::Wait& wait : rows_.waits_for("channels", reached)) {
            if (held.size() >= settings_.woken_at_once) break;
            if (held.insert(wait.saga).second) batch_.hold(wait.saga);
        }
    }
}

void OrderSession::conclude() {
    settle_backorders();
    for (auto& [merchant, world] : worlds_)
        conclude_channels(merchant, world);
}

void OrderSession::conclude_channels(MerchantId merchant, World& world) {
    std::map<WarehouseId, std::set<SkuId>> changed;
    // Listings are locked once, in their turn: those of every warehouse together.
    std::set<SkuId> wanted;
    for (const StockKey& key : ledger_.changed()) {
        if (key.merchant != merchant) continue;
        // What leaves the stores' targets as they are (units accepted, shipped, broken) is not for their listings to confirm:
        // who begins to wait for such a version has them loaded, and confirmed, by that.
        const std::int64_t now = for_sale(ledger_.at(key));
        std::int64_t& before = world.for_sale.try_emplace(key, for_sale(ledger_.before(key))).first->second;
        if (std::exchange(before, now) == now) continue;
        changed[key.warehouse_id].insert(key.sku_id);
        wanted.insert(key.sku_id);
    }
    for (const auto& [owner, sku] : late_.listed) {
        if (owner == merchant) wanted.insert(sku);
    }
    auto wants_listings = [&](const Rows::Wait& wait) {
        if (wait.stock.merchant == merchant) wanted.insert(wait.stock.sku_id);
    };
    for (const auto& [saga, waits] : channel_waits_)
        std::for_each(waits.begin(), waits.end(), wants_listings);
    std::for_each(debts_.begin(), debts_.end(), wants_listings);
    std::set<SkuId> risen;
    for (const WarehouseRow& from : world.warehouses)
        risen.merge(
            world.channels->update(merchant, from.warehouse_id, world.stores, changed[from.warehouse_id], wanted));
    // Only now are the targets of every warehouse known.
    name_debts(merchant, world);
    wake_waiting(merchant, world, risen);
}

void OrderSession::name_debts(MerchantId merchant, World& world) {
    std::map<engine::SagaKey, json> debts;
    for (const Rows::Wait& wait : debts_) {
        if (wait.saga.merchant != merchant) continue;
        std::vector<std::string> stores = world.channels->lagging(wait.stock, wait.version);
        if (stores.empty()) continue;
        debts.try_emplace(wait.saga, json::array())
            .first->second.push_back({{"sku", ledger_.sku(merchant, wait.stock.sku_id).sku}, {"stores", stores}});
    }
    std::erase_if(debts_, [&](const Rows::Wait& wait) { return wait.saga.merchant == merchant; });
    for (auto& [saga, debt] : debts)
        batch_.explain(saga, "debt", std::move(debt));
}

std::int64_t OrderSession::shown_by_all(const World& world, const StockKey& ledger) const {
    return runtime::planted("channels_not_awaited") ? any_version : world.channels->confirmed(ledger);
}

void OrderSession::wake_waiting(MerchantId merchant, World& world, const std::set<SkuId>& risen) {
    auto shows_all = [&](const std::vector<Rows::Wait>& waits) {
        return std::all_of(waits.begin(), waits.end(), [&](const Rows::Wait& wait) {
            return shown_by_all(world, wait.stock) >= wait.version;
        });
    };
    // Sagas that began to wait in this batch; what a later round finds out may end their waiting still.
    for (auto waiting = channel_waits_.begin(); waiting != channel_waits_.end();) {
        const engine::SagaKey saga = waiting->first;
        if (saga.merchant != merchant || !shows_all(waiting->second)) {
            ++waiting;
            continue;
        }
        waiting = channel_waits_.erase(waiting);
        stop_waiting_.insert(saga);
        batch_.tell(saga, {"ChannelsUpdated", json::object(), "channels"});
    }

    // Sagas of earlier batches.
    if (risen.empty() || world.warehouses.empty()) return;
    std::vector<Rows::Reached> reached;
    for (SkuId sku : risen) {
        for (const WarehouseRow& from : world.warehouses) {
            const StockKey ledger{merchant, sku, from.warehouse_id};
            const std::int64_t shown = shown_by_all(world, ledger);
            if (world.channels->confirmed_before(ledger) != shown) reached.push_back({ledger, shown});
        }
    }
    if (reached.empty()) return;
    std::map<engine::SagaKey, std::vector<Rows::Wait>> waiting;
    std::set<SkuId> unknown;
    for (Rows::Wait& wait : rows_.waits_for("channels", reached)) {
        if (!world.channels->knows_listings_of(wait.stock.sku_id)) unknown.insert(wait.stock.sku_id);
        waiting[wait.saga].push_back(std::move(wait));
    }
    if (!unknown.empty()) {
        world.channels->update(merchant, world.warehouses.front().warehouse_id, world.stores, {}, unknown);
    }
    for (const auto& [saga, waits] : waiting) {
        if (stop_waiting_.count(saga) > 0 || channel_waits_.count(saga) > 0 || !shows_all(waits)) continue;
        stop_waiting_.insert(saga);
        tell_or_signal(saga, {"ChannelsUpdated", json::object(), "channels"});
    }
}

void OrderSession::announce_levels() {
    for (const StockKey& key : ledger_.changed()) {
        const StockRow& row = ledger_.at(key);
        if (!ledger_.knows_sku(key.merchant, key.sku_id)) continue;
        const SkuRow& sku = ledger_.sku(key.merchant, key.sku_id);
        std::int64_t before = ledger_.before(key).available;
        const char* kind = nullptr;
        if (before > 0 && row.available == 0)
            kind = "out";
        else if (sku.low_at > 0 && before > sku.low_at && row.available <= sku.low_at)
            kind = "low";
        else if (before == 0 && row.available > 0)
            kind = "back";
        if (kind == nullptr) continue;
        batch_.announce(
            key.merchant, {std::string("inventory.") + kind + "." + std::to_string(key.sku_id.value),
                           {{"schema", 1},
                            {"sku", sku.sku},
                            {"available", row.available},
                            {"waiting", row.waiting},
                            {"version", row.version},
                            {"at", runtime::format_rfc3339(batch_.now())}}});
    }
}

}  // namespace ordersaga::orders
