#include "tests/model/world.hpp"

#include "orchestrator/engine/attempts.hpp"
#include "sagas/activities.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace ordersaga::model {

using engine::BatchRun;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

const char* const store_keys[] = {"eu", "us"};

orders::OrderParticipantSettings participant_settings() {
    orders::OrderParticipantSettings settings;
    settings.mirror_fresh_for = std::chrono::hours(24 * 365);  // the mirror never ages: readings come at any moment
    settings.demand_read_every = Duration(0);
    return settings;
}

sagas::OrderSagaSettings saga_settings(const Scope& scope) {
    sagas::OrderSagaSettings settings;
    settings.late_checks = {std::chrono::hours(24)};
    if (scope.rule == Rule::no_late_checks) settings.late_checks.clear();
    return settings;
}

}  // namespace

OrderModel::OrderModel(Scope scope) : scope_(std::move(scope)), definition_(saga_settings(scope_)) {
    setting_.rule = scope_.rule;
    if (scope_.rule == Rule::a_dead_store_is_waited_for) scope_.timers_end = false;
    setting_.warehouse.merchant = merchant;
    setting_.warehouse.warehouse_id = house;
    setting_.warehouse.key = "main";
    setting_.warehouse.kind = "shipbob";
    setting_.warehouse.status = "active";
    setting_.warehouse.reading_lag = lag;
    for (std::int64_t id = 1; id <= static_cast<std::int64_t>(most_stores); ++id) {
        orders::StoreRow row;
        row.merchant = merchant;
        row.store_id = {id};
        row.key = store_keys[id - 1];
        row.location_id = "4";
        row.status = scope_.stores_are_told ? "active" : "suspended";
        row.go_live_at = beginning - 24h;
        row.order_policy = "hold_and_tell";
        row.channel_wait = 10s;
        row.hold_expiry = 72h;
        row.warehouse_id = house;
        row.ship_methods = {{"Standard", "Ground"}};
        setting_.stores.push_back(row);
    }
    for (std::size_t i = 0; i < scope_.units.size(); ++i) {
        orders::SkuRow row;
        row.merchant = merchant;
        row.sku_id = {static_cast<std::int64_t>(i) + 1};
        row.sku = "SKU" + std::to_string(i + 1);
        row.warehouse_item_id = "900" + std::to_string(i + 1);
        row.policy = scope_.policies.at(i);
        row.reading = "trust-mirror";
        setting_.skus.push_back(row);
    }
    for (const orders::StoreRow& store : setting_.stores) {
        for (const orders::SkuRow& sku : setting_.skus) {
            ListingRow row;
            row.merchant = merchant;
            row.listing_id = {store.store_id.value * 10 + sku.sku_id.value};
            row.store_id = store.store_id;
            row.sku_id = sku.sku_id;
            row.variant_id = "v" + std::to_string(row.listing_id.value);
            row.inventory_item_id = std::to_string(row.listing_id.value);
            row.location_id = "4";
            row.target = scope_.units.at(static_cast<std::size_t>(sku.sku_id.value) - 1);
            const std::size_t number = static_cast<std::size_t>(store.store_id.value) - 1;
            row.wants_read = number < scope_.opening_read.size() && scope_.opening_read[number];
            if (!row.wants_read) row.believed = row.target;
            row.components = {{sku.sku_id, 1, 0, 0}};
            listings_.push_back(row);
        }
    }
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        sagas::OrderDocument order;
        order.order_id = std::to_string(i + 1);
        order.name = name_of(i);
        order.created_at = order.updated_at = beginning;
        order.financial_status = "paid";
        order.ship_method = "Standard";
        order.shipping_address = sagas::Address{"Ada", "1 High Street", "", "", "Oxford", "", "OX1", "GB", ""};
        sagas::Refund refund{"9" + order.order_id, {}};
        for (const auto& [sku, quantity] : scope_.orders[i].lines) {
            sagas::OrderLine line;
            line.line_id = order.order_id + "0" + std::to_string(sku);
            line.variant_id = "v" + std::to_string(scope_.orders[i].store * 10 + sku);
            line.quantity = line.current_quantity = line.fulfillable_quantity = quantity;
            refund.lines.push_back({line.line_id, quantity, "no_restock", ""});
            order.lines.push_back(line);
        }
        documents_[i][0] = order;
        order.updated_at += 1s;
        order.cancelled_at = order.updated_at;
        order.financial_status = "refunded";
        for (sagas::OrderLine& line : order.lines)
            line.current_quantity = line.fulfillable_quantity = 0;
        order.refunds = {refund};
        documents_[i][1] = order;
        for (sagas::RefundLine& line : order.refunds.front().lines) {
            line.restock_type = "cancel";
            line.location_id = "4";
        }
        documents_[i][2] = order;
    }
    definitions_.emplace("order", &definition_);
    participant_ = std::make_unique<orders::OrderParticipant>(random_, participant_settings());
}

World OrderModel::beginning_world() const {
    World world;
    world.tables.now = beginning + 1s;
    world.tables.listings = listings_;
    for (std::size_t i = 0; i < scope_.units.size(); ++i) {
        StockRow row;
        row.key = {merchant, setting_.skus[i].sku_id, house};
        row.on_hand = row.available = scope_.units[i];
        row.read_asked_at = beginning;
        world.tables.stock.push_back(row);
        world.shelf[i] = scope_.units[i];
    }
    for (std::size_t i = 0; i < listings_.size(); ++i)
        world.levels[i] = listings_[i].target;
    return world;
}

std::string OrderModel::name_of(std::size_t order) const {
    return std::string(1, static_cast<char>('A' + order));
}

const SagaRow* OrderModel::saga_of(const World& world, std::size_t order) const {
    const orders::OrderRow* row = world.tables.order(std::to_string(order + 1));
    return row == nullptr || row->saga_id.empty() ? nullptr : world.tables.saga(row->saga_id);
}

std::size_t OrderModel::order_of(const World& world, const std::string& saga_id) const {
    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        const SagaRow* saga = saga_of(world, i);
        if (saga != nullptr && saga->key.saga_id == saga_id) return i;
    }
    throw std::logic_error("a command of no order");
}

// ---------------------------------------------------------------------------------------------------------------------
// Batches

void OrderModel::run(
    World& world,
    const std::function<void(BatchRun&)>& duties,
    const std::vector<const engine::Arrival*>& arrivals,
    const std::vector<SagaKey>& sagas,
    const std::function<void(BatchRun&)>& tell,
    const std::string& expired) const {
    Tables& tables = world.tables;
    std::map<SkuId, std::int64_t> released;
    for (const ReservationRow& row : tables.reservations)
        released[row.key.sku_id] -= row.released;
    tables.now += Duration(1);
    LeanTransaction transaction(setting_, tables);
    transaction.expire(expired);
    BatchRun batch({*participant_, definitions_, random_, options_, counts_, known_lanes_}, transaction);
    if (duties) duties(batch);
    for (const engine::InputResult& result : batch.session().resolve(arrivals)) {
        if (result.kind == engine::InputResult::Kind::parked) throw std::logic_error("parked: " + result.reason);
    }
    batch.load(sagas);
    batch.lock_what_sagas_touch();
    if (tell) tell(batch);
    batch.decide_all();
    batch.write();

    // What the store knows of a flush ends with it, and another may have been opened in the same batch.
    for (std::size_t store = 0; store < most_stores; ++store) {
        sagas::FlushId open{};
        for (const orders::FlushRow& row : tables.flushes) {
            if (row.store_id.value == static_cast<std::int64_t>(store) + 1) open = row.flush_id;
        }
        if (world.flushing[store].flush_id != open) world.flushing[store] = Flushing{open, false, false, {}};
    }
    // Only a reading that was asked for before a unit left has to know of it.
    std::erase_if(tables.departures, [&](const Departure& left) {
        return std::none_of(world.readings.begin(), world.readings.end(), [&](const Reading& reading) {
            return reading.asked_at < left.at;
        });
    });
    if (scope_.rule != Rule::saga_sends_its_own_difference) return;
    for (const ReservationRow& row : tables.reservations)
        released[row.key.sku_id] += row.released;
    for (std::size_t i = 0; i < tables.listings.size(); ++i)
        world.levels[i] += std::max<std::int64_t>(0, released[tables.listings[i].sku_id]);
}

void OrderModel::begin(World& world, const std::string& command_id) const {
    for (auto& known : world.tables.commands) {
        if (known->command_id != command_id) continue;
        CommandRow row = *known;
        engine::begin_attempt(
            row, definition_.policy_of(row.activity), world.tables.now, "attempt " + std::to_string(row.attempt + 1));
        known = std::make_shared<const CommandRow>(std::move(row));
    }
}

// `for_good`: no attempt is left after this one.
void OrderModel::end_command(World& world, const std::string& command_id, const sagas::Outcome& outcome, bool for_good)
    const {
    CommandRow command = *world.tables.command(command_id);
    const sagas::ActivityPolicy& policy = definition_.policy_of(command.activity);
    std::erase_if(world.calls, [&](const Call& call) { return call.command_id == command_id; });
    command.counted_attempts = for_good ? policy.max_attempts : 0;
    tell_end(world, command, outcome);
    const CommandRow* left = world.tables.command(command_id);
    if (left == nullptr || !engine::is_given_up(*left)) return;
    // Time enough has passed: what is still on its way now comes later than a call should.
    command = *left;
    command.deadline = world.tables.now;
    tell_end(world, command, engine::outcome_of_silence(command, policy));
}

void OrderModel::tell_end(World& world, CommandRow command, const sagas::Outcome& outcome) const {
    const std::string& command_id = command.command_id;
    for (auto& known : world.tables.commands) {
        if (known->command_id == command_id) known = std::make_shared<const CommandRow>(command);
    }
    if (command.saga_id.empty()) {
        run(world, [&](BatchRun& batch) { batch.end_duty_attempt(command, outcome); }, {}, {}, {});
        return;
    }
    const SagaKey saga{merchant, command.saga_id};
    run(world, {}, {}, {saga}, [&](BatchRun& batch) {
        if (!batch.take_outcome(saga, command_id, command.attempt_token, outcome))
            throw std::logic_error("an outcome of no open attempt");
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// What of a world still matters. Instants are told by what compares them: readings in flight with acceptances, departures
// and the last reading; versions likewise.

Digest OrderModel::digest(const World& world) const {
    const Tables& tables = world.tables;
    Digest digest;
    // A version is only ever compared with those that are waited for, and with the ledger's own.
    std::array<std::vector<std::int64_t>, most_skus> versions;
    const auto versions_of = [&](SkuId sku) -> std::vector<std::int64_t>& {
        return versions[static_cast<std::size_t>(sku.value) - 1];
    };
    for (const StockRow& row : tables.stock)
        versions_of(row.key.sku_id).push_back(row.version);
    for (const Rows::Wait& wait : tables.waits)
        versions_of(wait.stock.sku_id).push_back(wait.version);
    for (auto& of_sku : versions) {
        std::sort(of_sku.begin(), of_sku.end());
        of_sku.erase(std::unique(of_sku.begin(), of_sku.end()), of_sku.end());
    }
    const auto rank = [&](SkuId sku, std::int64_t version) {
        const auto& of_sku = versions_of(sku);
        return static_cast<std::uint64_t>(std::upper_bound(of_sku.begin(), of_sku.end(), version) - of_sku.begin());
    };
    const auto number = [&](std::int64_t value) {
        digest.add(static_cast<std::uint64_t>(value));
    };
    const auto flags = [&](std::initializer_list<bool> values) {
        std::uint64_t bits = 1;
        for (bool value : values)
            bits = bits << 1 | (value ? 1U : 0U);
        digest.add(bits);
    };

    for (const StockRow& row : tables.stock) {
        for (std::int64_t value :
             {row.on_hand, row.available, row.reserved, row.committed, row.unavailable, row.returning, row.short_by,
              row.waiting})
            number(value);
        digest.add(rank(row.key.sku_id, row.version));
        for (const Reading& reading : world.readings)
            flags({reading.asked_at <= newest_reading_of(tables, row), row.mirrored});
    }
    flags({world.broken.has_value(), world.break_known});
    for (const Reading& reading : world.readings) {
        flags({reading.whole, tables.mirror && reading.asked_at <= *tables.mirror});
        flags({reading.sampled, world.broken && reading.asked_at > *world.broken});
        for (std::int64_t value : reading.fulfillable)
            number(value);
    }
    std::vector<Instant> queue;
    for (const ReservationRow& row : tables.reservations) {
        if (row.queued_at) queue.push_back(*row.queued_at);
    }
    std::sort(queue.begin(), queue.end());

    for (std::size_t i = 0; i < scope_.orders.size(); ++i) {
        const ShopOrder& shop = world.shop[i];
        const Parcel& parcel = world.parcels[i];
        digest.add(1000 + i);
        flags(
            {shop.placed, shop.cancelled, shop.restocked, shop.tells_create, shop.tells_cancel, parcel.counted,
             parcel.told, parcel.lingers});
        digest.add(static_cast<std::uint64_t>(parcel.state) * 16 + static_cast<std::uint64_t>(parcel.extra));
        const orders::OrderRow* order = tables.order(std::to_string(i + 1));
        if (order == nullptr) continue;
        flags({order->document.cancelled_at.has_value()});
        const SagaRow* saga = saga_of(world, i);
        if (saga == nullptr) continue;
        for (const auto& cell : tables.sagas) {
            if (&cell->row != saga) continue;
            digest.add(cell->digest.low);
            digest.add(cell->digest.high);
        }
        // Rows of one saga are few and inserted in the sequence of its lines.
        for (const ReservationRow& row : tables.reservations) {
            if (row.saga_id != saga->key.saga_id) continue;
            number(row.key.sku_id.value);
            number(row.waiting);
            number(row.held);
            number(row.committed);
            if (row.queued_at) number(std::lower_bound(queue.begin(), queue.end(), *row.queued_at) - queue.begin());
            flags({row.committed > 0 && *row.accepted_at + lag > tables.now});
            for (const Reading& reading : world.readings)
                flags({row.accepted_at && *row.accepted_at + lag > reading.asked_at});
        }
        for (const Departure& left : tables.departures) {
            if (left.saga_id != saga->key.saga_id) continue;
            number(left.key.sku_id.value);
            number(left.units);
            flags({left.returning});
            for (const Reading& reading : world.readings)
                flags({left.at > reading.asked_at});
        }
        std::uint64_t waits = 0;
        for (const Rows::Wait& wait : tables.waits) {
            if (wait.saga != saga->key) continue;
            waits += (rank(wait.stock.sku_id, wait.version) + 1) * (wait.stock.sku_id.value == 1 ? 1 : 1000) *
                     (wait.kind == "channels" ? 1 : 1'000'000);
        }
        digest.add(waits);
        for (const engine::SignalRow& signal : tables.signals) {
            if (signal.key == saga->key) digest.add(signal.event);
        }
        std::map<std::string, std::uint64_t> commands;
        for (const auto& command : tables.commands) {
            if (command->saga_id != saga->key.saga_id) continue;
            std::uint64_t state = command->state == engine::CommandState::sent ? 1 : 0;
            state = state * 2 + (command->perhaps_applied ? 1 : 0);
            state = state * 2 + (command->lookup_first ? 1 : 0);
            if (scope_.rule == Rule::reference_names_the_attempt) state = state * 2 + (command->attempt > 1 ? 1 : 0);
            for (const Call& call : world.calls) {
                if (call.command_id == command->command_id)
                    state = state * 8 + static_cast<std::uint64_t>(call.landed) + 1;
            }
            commands.emplace(command->idempotency_key, state);
        }
        for (const auto& [key, state] : commands) {
            digest.add(key);
            digest.add(state);
        }
    }
    for (std::size_t i = 0; i < tables.listings.size(); ++i) {
        const ListingRow& row = tables.listings[i];
        digest.add(2000 + i);
        number(world.levels[i]);
        number(row.believed.value_or(-99));
        number(row.target);
        number(row.in_flight);
        flags({row.wants_read, row.read_open, row.parked.empty()});
        digest.add(rank(row.sku_id, row.components.front().confirmed_version));
        if (row.in_flight != 0) digest.add(rank(row.sku_id, row.components.front().composed_version));
    }
    for (const std::string& move : tables.moves)
        digest.add(move);
    for (std::size_t store = 0; store < most_stores; ++store) {
        const Flushing& flushing = world.flushing[store];
        digest.add(3000 + store);
        flags({flushing.sent, flushing.applied});
        if (scope_.rule == Rule::flush_is_absolute) {
            for (std::int64_t value : flushing.absolute)
                number(value);
        }
        for (const orders::FlushRow& flush : tables.flushes) {
            if (flush.store_id.value != static_cast<std::int64_t>(store) + 1) continue;
            for (const orders::FlushRowItem& item : flush.items) {
                number(item.listing_id.value);
                number(item.delta);
            }
            const CommandRow* command = tables.command(flush.command_id);
            flags({command != nullptr, command != nullptr && command->perhaps_applied});
        }
        if (!world.looks[store]) continue;
        const Look& look = *world.looks[store];
        digest.add(static_cast<std::uint64_t>(look.phase) + 7);
        const json& learned = tables.command(look.command_id)->payload.at("learned");
        for (std::size_t i = 0; i < tables.listings.size(); ++i) {
            number(look.first[i]);
            number(look.second[i]);
            const auto known = learned.find(std::to_string(tables.listings[i].listing_id.value));
            if (known == learned.end()) continue;
            number(tables.listings[i].learned - known->get<std::int64_t>());
        }
        for (int told : look.told)
            number(told);
    }
    return digest;
}

Exploration explored(const Scope& scope, std::uint64_t limit, Sequence sequence) {
    const OrderModel model(scope);
    return explore(model, model.beginning_world(), limit, sequence);
}

}  // namespace ordersaga::model
