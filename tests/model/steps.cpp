// Everything that can happen next.

#include "sagas/activities.hpp"
#include "tests/model/world.hpp"

#include <algorithm>

namespace ordersaga::model {

using engine::BatchRun;
using nlohmann::json;
using sagas::Outcome;
using sagas::OutcomeKind;

namespace {

Outcome done(json payload) {
    Outcome outcome;
    outcome.kind = OutcomeKind::done;
    outcome.payload = std::move(payload);
    return outcome;
}

Outcome ended(OutcomeKind kind, const std::string& reason) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.reason = reason;
    return outcome;
}

// A command that a duty has sent, of which only the answer matters.
CommandRow sent_by_duty(std::string_view activity, const std::string& duty, json payload) {
    CommandRow row;
    row.merchant = merchant;
    row.command_id = duty;
    row.duty = duty;
    row.activity = activity;
    row.state = engine::CommandState::sent;
    row.attempt = 1;
    row.payload = std::move(payload);
    return row;
}

std::string store_name(std::size_t store) {
    return "store " + std::to_string(store + 1);
}

}  // namespace

void OrderModel::expand(const World& from, Take& take) const {
    shops_act(from, take);
    sagas_move(from, take);
    requests_move(from, take);
    warehouse_acts(from, take);
    if (!scope_.stores_are_told) return;
    flushes_move(from, take);
    quiet_reads_move(from, take);
}

// ---------------------------------------------------------------------------------------------------------------------
// Buyers, and what stores tell of them

void OrderModel::shops_act(const World& from, Take& take) const {
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        const PlannedOrder& planned = scope_.orders[i];
        const ShopOrder& known = from.shop[i];
        const auto listing_of = [&](int sku) {
            return static_cast<std::size_t>(planned.store - 1) * setting_.skus.size() +
                   static_cast<std::size_t>(sku - 1);
        };
        const bool its_turn = planned.like < 0 || from.shop[static_cast<std::size_t>(planned.like)].placed;
        const bool shown = std::all_of(planned.lines.begin(), planned.lines.end(), [&](const auto& line) {
            return !scope_.stores_are_told || from.levels[listing_of(line.first)] >= line.second;
        });
        const std::string where = name_of(i) + " in store " + std::to_string(planned.store);
        if (!known.placed && its_turn && shown) {
            World next = from;
            next.shop[i].placed = true;
            for (const auto& [sku, quantity] : planned.lines)
                next.levels[listing_of(sku)] -= quantity;
            if (scope_.stores_are_told) {
                next.shop[i].tells_create = true;
            } else {
                deliver(next, i, false);
            }
            take("order " + where + " is placed", std::move(next));
        }
        for (bool restock : {true, false}) {
            const bool possible = restock ? scope_.cancels_with_restock : scope_.cancels_without_restock;
            if (!known.placed || known.cancelled || !possible) continue;
            World next = from;
            next.shop[i].cancelled = true;
            next.shop[i].restocked = restock;
            if (restock) {
                for (const auto& [sku, quantity] : planned.lines)
                    next.levels[listing_of(sku)] += quantity;
            }
            if (scope_.stores_are_told) {
                next.shop[i].tells_cancel = true;
            } else {
                deliver(next, i, true);
            }
            take("order " + where + " is cancelled " + (restock ? "with" : "without") + " restock", std::move(next));
        }
        if (known.tells_create) {
            World next = from;
            next.shop[i].tells_create = false;
            deliver(next, i, false);
            take("we hear of order " + where, std::move(next));
        }
        if (known.tells_cancel && (scope_.documents_reorder || !known.tells_create)) {
            World next = from;
            next.shop[i].tells_cancel = false;
            deliver(next, i, true);
            take("we hear that order " + where + " is cancelled", std::move(next));
        }
    }
}

void OrderModel::deliver(World& world, std::size_t order, bool cancelled) const {
    if (scope_.rule == Rule::refused_orders_move_no_belief && !cancelled) {
        for (const auto& [sku, quantity] : scope_.orders[order].lines) {
            if (world.tables.stock_of({sku}).available < quantity) return;
        }
    }
    const bool restock = world.shop[order].restocked || scope_.rule == Rule::no_restock_moves_belief;
    const sagas::OrderDocument& document = documents_[order][!cancelled ? 0 : restock ? 2 : 1];
    orders::Delivery delivery;
    delivery.receipt.merchant = merchant;
    delivery.receipt.store_id = {scope_.orders[order].store};
    delivery.receipt.source = "shopify";
    delivery.receipt.topic = cancelled ? "orders/cancelled" : "orders/create";
    delivery.receipt.order_id = document.order_id;
    delivery.order = document;
    engine::Arrival arrival;
    arrival.merchant = merchant;
    arrival.content = std::move(delivery);
    run(world, {}, {&arrival}, {}, {});
}

// ---------------------------------------------------------------------------------------------------------------------
// Sagas by themselves

void OrderModel::sagas_move(const World& from, Take& take) const {
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        const SagaRow* saga = saga_of(from, i);
        if (saga == nullptr) continue;
        const SagaKey key = saga->key;
        const auto signalled = [&](const engine::SignalRow& row) {
            return row.key == key;
        };
        if (std::any_of(from.tables.signals.begin(), from.tables.signals.end(), signalled)) {
            World next = from;
            run(next, {}, {}, {key}, [](BatchRun& batch) { batch.wake_sagas_due(); });
            take("the saga of " + name_of(i) + " hears what another one has left for it", std::move(next));
        }
        if (scope_.timers_end && timer_runs(*saga)) {
            World next = from;
            run(
                next, {}, {}, {key},
                [&](BatchRun& batch) {
                    batch.tell(key, {"TimeReached", json::object(), "timer"});
                },
                key.saga_id);
            take("the saga of " + name_of(i) + " has waited long enough", std::move(next));
        }
        if (!scope_.attempts_run_out || saga->state != "NeedsOperator") continue;
        for (const char* word : {"CancelRequested", "OperatorRetried"}) {
            World next = from;
            run(next, {}, {}, {key}, [&](BatchRun& batch) {
                batch.tell(key, {word, {{"by", "operator"}}, "operator"});
            });
            take(std::string("an operator says ") + word + " of " + name_of(i), std::move(next));
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Requests, cancels and looks at the warehouse

void OrderModel::requests_move(const World& from, Take& take) const {
    for (const auto& command : from.tables.commands) {
        if (command->saga_id.empty()) continue;
        const std::string id = command->command_id;
        const std::size_t order = order_of(from, command->saga_id);
        const Parcel& parcel = from.parcels[order];
        const bool is_request = command->activity == sagas::activity::request_fulfillment;
        const bool is_look = command->activity == sagas::activity::find_fulfillment;
        const std::string what = (is_request ? "the request of "
                                  : is_look  ? "the late look for "
                                             : "the cancel of ") +
                                 name_of(order);
        const auto answer = [&](const std::string& name, World next, const Outcome& outcome, bool for_good = false) {
            end_command(next, id, outcome, for_good);
            take(name, std::move(next));
        };
        if (command->activity == sagas::activity::settle_store_order) {
            World next = from;
            begin(next, id);
            answer("the store holds the order " + name_of(order), std::move(next), done({{"settled", "held"}}));
            continue;
        }
        if (!scope_.requests_are_sent) continue;
        if (command->state == engine::CommandState::waiting) {
            // Nothing is sent again, and nothing looked for, before the call in doubt has surely ended: as the engine says.
            const Duration ends = definition_.policy_of(sagas::activity::request_fulfillment).call_deadline;
            const bool early = is_request && command->send_before && command->due_at < *command->send_before + ends;
            const bool fenced =
                is_request ? command->send_before && !early : is_look && scope_.rule != Rule::late_checks_too_early;
            if (parcel.lingers && fenced) continue;
            World next = from;
            begin(next, id);
            if (is_look) {
                const bool found = parcel.state != Parcel::State::none;
                json payload = {{"found", found}};
                if (found) payload["view"] = view_of(next, order);
                if (parcel.state == Parcel::State::shipped) next.parcels[order].told = true;
                answer(what, std::move(next), done(payload));
            } else if (!is_request && scope_.rule == Rule::undo_without_asking_the_warehouse) {
                answer(what + " is taken for done", std::move(next), done({{"found", true}}));
            } else {
                next.calls.push_back({id});
                take(what + " is sent", std::move(next));
            }
            continue;
        }
        const auto call =
            std::find_if(from.calls.begin(), from.calls.end(), [&](const Call& one) { return one.command_id == id; });
        const std::size_t number = static_cast<std::size_t>(call - from.calls.begin());
        const bool landed = call->landed != Call::Landed::no;
        if (!landed) {
            World next = from;
            land(next, next.calls[number], *command, order);
            take(what + " reaches the warehouse", std::move(next));
            if (scope_.refuses && is_request && parcel.state == Parcel::State::none && !parcel.lingers) {
                answer("the warehouse refuses " + name_of(order), from, ended(OutcomeKind::refused, "no such address"));
            }
        } else if (call->landed == Call::Landed::too_late) {
            Outcome outcome = ended(OutcomeKind::too_late, "shipped");
            outcome.payload = {{"view", view_of(from, order)}};
            answer(what + " is answered: too late", from, outcome);
        } else {
            json payload = {{"found", call->landed == Call::Landed::done}};
            if (call->landed == Call::Landed::done) payload["view"] = view_of(from, order);
            answer(what + " is answered", from, done(payload));
        }
        if (!scope_.answers_get_lost) continue;
        const bool denied = is_request && scope_.rule == Rule::unknown_request_is_refused;
        const Outcome unknown = ended(denied ? OutcomeKind::refused : OutcomeKind::unknown, "timeout");
        const std::string lost = what + (landed ? ": its answer is lost" : " is lost on its way");
        answer(lost, from, unknown);
        if (scope_.attempts_run_out) answer(lost + ", for the last time", from, unknown, true);
        if (landed || !is_request || !scope_.calls_linger || parcel.lingers) continue;
        World lingering = from;
        lingering.parcels[order].lingers = true;
        answer(what + " is given up while it is on its way", lingering, unknown);
        if (scope_.attempts_run_out)
            answer(what + " is given up for the last time while it is on its way", lingering, unknown, true);
    }
}

void OrderModel::land(World& world, Call& call, const CommandRow& command, std::size_t order) const {
    Parcel& parcel = world.parcels[order];
    call.landed = Call::Landed::done;
    if (command.activity == sagas::activity::request_fulfillment) {
        const bool exists = parcel.state != Parcel::State::none;
        if (!exists) parcel.state = Parcel::State::accepted;
        if (exists && scope_.rule == Rule::reference_names_the_attempt) parcel.extra = 1;
        return;
    }
    switch (parcel.state) {
        case Parcel::State::none: call.landed = Call::Landed::missing; break;
        case Parcel::State::accepted: parcel.state = Parcel::State::cancelled; break;
        case Parcel::State::cancelled: break;
        case Parcel::State::shipped: call.landed = Call::Landed::too_late; break;
    }
}

json OrderModel::view_of(const World& world, std::size_t order) const {
    const Parcel& parcel = world.parcels[order];
    const PlannedOrder& planned = scope_.orders[order];
    json lines = json::array();
    for (const auto& [sku, quantity] : planned.lines) {
        const orders::SkuRow& row = setting_.skus[static_cast<std::size_t>(sku) - 1];
        lines.push_back({{"sku", row.sku}, {"warehouse_item_id", row.warehouse_item_id}, {"quantity", quantity}});
    }
    json shipments = json::array();
    const bool shipped = parcel.state == Parcel::State::shipped;
    if (shipped) {
        const std::string id = "s" + std::to_string(order);
        shipments.push_back(
            {{"id", id},
             {"state", "Shipped"},
             {"carrier", "Post"},
             {"tracking_number", "T" + id},
             {"tracking_url", ""},
             {"lines", lines}});
    }
    const char* state = shipped ? "Shipped" : parcel.state == Parcel::State::cancelled ? "Cancelled" : "Accepted";
    return {
        {"reference",
         setting_.stores[static_cast<std::size_t>(planned.store) - 1].key + "." + std::to_string(order + 1) + ".1.1"},
        {"warehouse_order_id", "w" + std::to_string(order)},
        {"state", state},
        {"cancellable", parcel.state == Parcel::State::accepted ? "yes" : "no"},
        {"shipments", shipments},
        {"problems", json::array()}};
}

// ---------------------------------------------------------------------------------------------------------------------
// The warehouse, and what is read of it

void OrderModel::warehouse_acts(const World& from, Take& take) const {
    bool ages = false;
    unsigned uncounted = 0;
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        const Parcel& parcel = from.parcels[i];
        if (parcel.state == Parcel::State::accepted && !parcel.counted) uncounted |= 1U << i;
        if (parcel.lingers) {
            World next = from;
            next.parcels[i].lingers = false;
            if (parcel.state == Parcel::State::none) next.parcels[i].state = Parcel::State::accepted;
            take("the request of " + name_of(i) + " that was given up reaches the warehouse", std::move(next));
            World lost = from;
            lost.parcels[i].lingers = false;
            take("the request of " + name_of(i) + " that was given up never arrives", std::move(lost));
        }
        if (parcel.state == Parcel::State::accepted && scope_.ships) {
            World next = from;
            next.parcels[i].state = Parcel::State::shipped;
            next.parcels[i].counted = true;
            for (const auto& [sku, quantity] : scope_.orders[i].lines)
                next.shelf[static_cast<std::size_t>(sku) - 1] -= quantity;
            take("the warehouse ships " + name_of(i), std::move(next));
        }
        if (parcel.state == Parcel::State::shipped && !parcel.told) {
            World next = from;
            next.parcels[i].told = true;
            CommandRow poll = sent_by_duty(
                sagas::activity::poll_fulfillments, std::string(orders::duty::poll_fulfillments) + "/warehouse:1",
                json::object());
            const Outcome outcome = done({{"views", json::array({view_of(next, i)})}, {"complete", true}});
            run(next, [&](BatchRun& batch) { batch.end_duty_attempt(poll, outcome); }, {}, {}, {});
            take("we hear that " + name_of(i) + " is shipped", std::move(next));
        }
    }
    if (scope_.readings == 0) return;
    if (scope_.breaks && !from.broken && from.shelf[0] > 0) {
        World next = from;
        next.tables.now += Duration(1);
        next.broken = next.tables.now;
        next.shelf[0] -= 1;
        take("a unit of SKU 1 breaks", std::move(next));
    }
    for (const ReservationRow& row : from.tables.reservations)
        ages = ages || (row.committed > 0 && *row.accepted_at + lag > from.tables.now);
    if (ages || uncounted != 0) {
        World next = from;
        next.tables.now += lag + Duration(1);
        for (Parcel& parcel : next.parcels)
            parcel.counted = parcel.state != Parcel::State::none;
        take("the lag of the warehouse passes", std::move(next));
    }
    if (from.readings.size() < static_cast<std::size_t>(scope_.readings)) {
        World next = from;
        next.tables.now += Duration(1);
        // The duty has one under way at a time; orders may ask beside it.
        const bool under_way = std::any_of(
            from.readings.begin(), from.readings.end(), [](const Reading& reading) { return reading.whole; });
        next.readings.push_back({next.tables.now, !under_way, false, {}});
        take("a reading is asked for", std::move(next));
    }
    for (std::size_t r = 0; r < from.readings.size(); ++r) {
        const std::string which = from.readings.size() > 1 ? (r == 0 ? " (the older)" : " (the newer)") : "";
        if (from.readings[r].sampled) {
            World next = from;
            apply(next, r);
            take("the reading" + which + " is applied", std::move(next));
            continue;
        }
        // Every subset of the orders that the figure may lack still.
        for (unsigned lacking = uncounted;; lacking = (lacking - 1) & uncounted) {
            World next = from;
            sample(next, next.readings[r], lacking);
            std::string figures;
            for (std::size_t sku = 0; sku < setting_.skus.size(); ++sku)
                figures += (sku == 0 ? " " : " and ") + std::to_string(next.readings[r].fulfillable[sku]);
            take("the warehouse reads" + figures + which, std::move(next));
            if (lacking == 0) break;
        }
    }
}

void OrderModel::sample(World& world, Reading& reading, unsigned not_yet_counted) const {
    reading.sampled = true;
    reading.fulfillable = world.shelf;
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        if (world.parcels[i].state != Parcel::State::accepted || (not_yet_counted >> i & 1U) != 0) continue;
        for (const auto& [sku, quantity] : scope_.orders[i].lines)
            reading.fulfillable[static_cast<std::size_t>(sku) - 1] -= quantity;
    }
    for (std::int64_t& figure : reading.fulfillable)
        figure = std::max<std::int64_t>(0, figure);
}

void OrderModel::apply(World& world, std::size_t number) const {
    Reading reading = world.readings[number];
    world.readings.erase(world.readings.begin() + static_cast<std::ptrdiff_t>(number));
    if (scope_.rule == Rule::reading_dated_at_its_answer) reading.asked_at = world.tables.now;
    if (scope_.rule == Rule::reading_is_for_sale) {
        LeanTransaction transaction(setting_, world.tables);
        for (std::size_t i = 0; i < world.tables.stock.size(); ++i) {
            const StockRow& row = world.tables.stock[i];
            reading.fulfillable[i] +=
                row.reserved + transaction.not_counted({row.key}, reading.asked_at, lag).front().second;
        }
    }
    json items = json::array();
    for (std::size_t i = 0; i < setting_.skus.size(); ++i) {
        items.push_back(
            {{"warehouse_item_id", setting_.skus[i].warehouse_item_id},
             {"fulfillable", reading.fulfillable[i]},
             {"on_hand", world.shelf[i]}});
    }
    CommandRow command = sent_by_duty(
        sagas::activity::read_warehouse_stock, std::string(orders::duty::read_warehouse_stock) + "/warehouse:1",
        {{"asked_at", runtime::format_rfc3339(reading.asked_at)},
         {"items", reading.whole ? json::array() : json::array({json::object()})}});
    const Outcome outcome = done({{"items", std::move(items)}});
    run(world, [&](BatchRun& batch) { batch.end_duty_attempt(command, outcome); }, {}, {}, {});
    world.break_known =
        world.break_known || (world.broken && newest_reading_of(world.tables, world.tables.stock[0]) > *world.broken);
}

// ---------------------------------------------------------------------------------------------------------------------
// Flushes. Between its composition and its arrival a flush may wait for as long as it likes, and so may its answer: the next
// attempt brings it.

void OrderModel::flushes_move(const World& from, Take& take) const {
    for (const orders::FlushRow& flush : from.tables.flushes) {
        const std::size_t store = static_cast<std::size_t>(flush.store_id.value) - 1;
        if (scope_.store_two_is_dead && store == 1) continue;
        const std::string id = flush.command_id;
        const bool again = from.tables.command(id)->perhaps_applied;
        const std::string what = "the flush of " + store_name(store) + (again ? ", sent again," : "");
        std::vector<std::size_t> rows;
        for (std::size_t i = 0; i < flush.items.size(); ++i)
            rows.push_back(i);
        const Outcome applied = done({{"applied", rows}, {"uncertain", json::array()}, {"refused", json::array()}});
        const Outcome unknown = ended(OutcomeKind::unknown, "timeout");
        World sent = from;
        begin(sent, id);
        Flushing& flushing = sent.flushing[store];
        if (!flushing.sent) {
            for (std::size_t i = 0; i < sent.tables.listings.size(); ++i) {
                const ListingRow& row = sent.tables.listings[i];
                if (row.store_id == flush.store_id) flushing.absolute[i] = row.believed.value_or(0) + row.in_flight;
            }
        }
        flushing.sent = true;
        if (again && scope_.rule == Rule::unknown_flush_gets_a_new_key) flushing.applied = false;
        World arrived = sent;
        land_flush(arrived, store);

        World next = arrived;
        end_command(next, id, applied, false);
        take(what + " is applied", std::move(next));
        if (scope_.flushes_apply_partly && rows.size() > 1 && !flushing.applied) {
            next = sent;
            land_flush(next, store, false);
            const std::vector<std::size_t> listed = {0}, others(rows.begin() + 1, rows.end());
            const Outcome partly = done({{"applied", listed}, {"uncertain", others}, {"refused", json::array()}});
            const bool believed = scope_.rule == Rule::partly_applied_flush_is_believed;
            end_command(next, id, believed ? applied : partly, false);
            take("of " + what + " only the first row is applied", std::move(next));
        }
        if (scope_.flushes_get_lost) {
            next = arrived;
            end_command(next, id, unknown, false);
            take(what + " is applied, its answer lost", std::move(next));
            next = sent;
            end_command(next, id, unknown, false);
            take(what + " is lost on its way", std::move(next));
        }
        if (!scope_.flushes_are_given_up || !again) continue;
        next = sent;
        end_command(next, id, scope_.rule == Rule::unknown_flush_is_believed ? applied : unknown, true);
        if (scope_.rule == Rule::unknown_flush_is_forgotten) {
            for (const orders::FlushRowItem& item : flush.items)
                next.tables.listing(item.listing_id)->wants_read = false;
        }
        take(what + " is given up: nobody knows whether it was applied", std::move(next));
    }
}

void OrderModel::land_flush(World& world, std::size_t store, bool whole) const {
    Flushing& flushing = world.flushing[store];
    if (flushing.applied) return;  // the store knows the key
    flushing.applied = true;
    for (const orders::FlushRow& flush : world.tables.flushes) {
        if (flush.store_id.value != static_cast<std::int64_t>(store) + 1) continue;
        const json body =
            json::parse(world.tables.command(flush.command_id)->payload.at("body").get_ref<const std::string&>());
        for (const json& change : body.at("variables").at("input").at("changes")) {
            const std::string item = change.at("inventoryItemId").get<std::string>();
            for (std::size_t i = 0; i < world.tables.listings.size(); ++i) {
                if (!item.ends_with("/" + world.tables.listings[i].inventory_item_id)) continue;
                world.levels[i] += change.at("delta").get<std::int64_t>();
                if (scope_.rule == Rule::flush_is_absolute) world.levels[i] = flushing.absolute[i];
            }
            if (!whole) return;
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Quiet reads: a look, the list of the store's orders, another look, the documents of those that are news, and the answer;
// anything may happen in between.

int OrderModel::told_of(const World& world, std::size_t order, StoreId store) const {
    const bool here = scope_.orders[order].store == store.value && world.shop[order].placed;
    return !here ? 0 : !world.shop[order].cancelled ? 1 : world.shop[order].restocked ? 3 : 2;
}

// With stamps after the second look, then with the documents for which that asks.
void OrderModel::answer_look(World& world, std::size_t store) const {
    const Look look = *world.looks[store];
    const bool lists = look.phase == Look::Phase::second;
    CommandRow command = *world.tables.command(look.command_id);
    json first = json::object(), second = json::object();
    for (std::size_t i = 0; i < world.tables.listings.size(); ++i) {
        const ListingRow& row = world.tables.listings[i];
        const std::string name = std::to_string(row.listing_id.value);
        if (!command.payload.at("learned").contains(name)) continue;
        first[name] = scope_.rule == Rule::read_believes_its_second_look ? look.second[i] : look.first[i];
        second[name] = look.second[i];
        if (scope_.rule == Rule::read_ignores_what_was_learned) command.payload["learned"][name] = row.learned;
    }
    json answer = {{"first", first}, {"second", second}};
    answer[lists ? "seen" : "orders"] = lists ? json::object() : json::array();
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        if (look.told[i] == 0 || scope_.rule == Rule::read_without_the_orders) continue;
        const sagas::OrderDocument& document = documents_[i][static_cast<std::size_t>(look.told[i]) - 1];
        if (lists) {
            answer["seen"][document.order_id] = stamp_of(document);
        } else if (const json& asked = command.payload.at("order_ids");
                   std::find(asked.begin(), asked.end(), document.order_id) != asked.end()) {
            answer["orders"].push_back(to_json(document));
        }
    }
    for (auto& known : world.tables.commands) {
        if (known->command_id == look.command_id) known = std::make_shared<const CommandRow>(command);
    }
    world.looks[store].reset();
    end_command(world, look.command_id, done(std::move(answer)), false);
    for (const auto& next : world.tables.commands) {
        if (next->duty != command.duty) continue;
        Look& reading = world.looks[store].emplace(look);
        reading.command_id = next->command_id;
        reading.phase = Look::Phase::documents;
        const json& asked = next->payload.at("order_ids");
        for (std::size_t i = 0; i < scope_.orders.size(); ++i)
            reading.told[i] = std::find(asked.begin(), asked.end(), documents_[i][0].order_id) != asked.end();
    }
    if (world.looks[store]) begin(world, std::string(world.looks[store]->command_id));
}

void OrderModel::quiet_reads_move(const World& from, Take& take) const {
    for (std::size_t store = 0; store < most_stores; ++store) {
        if (scope_.store_two_is_dead && store == 1) continue;
        const StoreId id{static_cast<std::int64_t>(store) + 1};
        const std::string what = "the quiet read of " + store_name(store);
        if (!from.looks[store]) {
            const bool wanted =
                std::any_of(from.tables.listings.begin(), from.tables.listings.end(), [&](const ListingRow& row) {
                    return row.store_id == id && row.wants_read && !row.read_open && row.in_flight == 0;
                });
            if (!wanted) continue;
            World next = from;
            engine::DutyRow duty;
            duty.merchant = merchant;
            duty.duty = orders::duty::quiet_reads;
            duty.subject = "store:" + std::to_string(id.value);
            run(next, [&](BatchRun& batch) { batch.session().perform({duty}); }, {}, {}, {});
            for (const auto& command : next.tables.commands) {
                if (command->activity == sagas::activity::quiet_read && command->lane == duty.subject)
                    next.looks[store] = Look{command->command_id, Look::Phase::asked, {}, {}, {}};
            }
            begin(next, next.looks[store]->command_id);
            take(what + " begins", std::move(next));
            continue;
        }
        World next = from;
        Look& look = *next.looks[store];
        switch (look.phase) {
            case Look::Phase::asked:
                look.phase = Look::Phase::first;
                look.first = next.levels;
                take(what + " looks", std::move(next));
                break;
            case Look::Phase::first:
                look.phase = Look::Phase::polled;
                for (std::size_t i = 0; i < scope_.orders.size(); ++i)
                    look.told[i] = told_of(next, i, id);
                take(what + " polls the orders", std::move(next));
                break;
            case Look::Phase::polled:
                look.phase = Look::Phase::second;
                look.second = next.levels;
                take(what + " looks again", std::move(next));
                break;
            case Look::Phase::second:
                answer_look(next, store);
                take(what + " is answered", std::move(next));
                break;
            case Look::Phase::documents:
                for (std::size_t i = 0; i < scope_.orders.size(); ++i)
                    look.told[i] = told_of(next, i, id);
                answer_look(next, store);
                take(what + " has the documents", std::move(next));
                break;
        }
    }
}

}  // namespace ordersaga::model
