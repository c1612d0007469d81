#include "tests/integration/simulation/database_rows.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace ordersaga::simulation {

using db::Transaction;
using nlohmann::json;
using runtime::Instant;
using sagas::ListingId;
using sagas::MerchantId;
using sagas::SkuId;
using sagas::StoreId;
using sagas::WarehouseId;

namespace {

// Each row of a statement as a JSON object by column name.
template <class Take>
void each(Transaction& transaction, const std::string& statement, const Take& take) {
    const db::Rows rows = transaction.query("SELECT to_jsonb(found)::text FROM (" + statement + ") found");
    for (std::size_t i = 0; i < rows.size(); ++i)
        take(json::parse(rows.view(i, 0)));
}

std::string text(const json& row, const char* column) {
    const json& value = row.at(column);
    return value.is_null() ? std::string() : value.get<std::string>();
}

std::int64_t number(const json& row, const char* column) {
    return row.at(column).get<std::int64_t>();
}

template <class Id>
Id id(const json& row, const char* column) {
    return Id{number(row, column)};
}

MerchantId merchant_of(const json& row) {
    return id<MerchantId>(row, "merchant_id");
}

std::optional<Instant> maybe_at(const json& row, const char* column) {
    if (row.at(column).is_null()) return std::nullopt;
    return runtime::parse_rfc3339(text(row, column)).value();
}

Instant at(const json& row, const char* column) {
    return maybe_at(row, column).value();
}

sim::StockKey ledger_of(const json& row) {
    return {merchant_of(row), id<SkuId>(row, "sku_id"), id<WarehouseId>(row, "warehouse_id")};
}

std::int64_t milliseconds(runtime::Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

void read_stock(Transaction& transaction, sim::SimTables& tables) {
    each(transaction, "SELECT * FROM stock", [&](const json& row) {
        orders::StockRow stock;
        stock.key = ledger_of(row);
        stock.on_hand = number(row, "on_hand");
        stock.available = number(row, "available");
        stock.reserved = number(row, "reserved");
        stock.committed = number(row, "committed");
        stock.unavailable = number(row, "unavailable");
        stock.returning = number(row, "returning_units");
        stock.short_by = number(row, "short_by");
        stock.waiting = number(row, "waiting");
        stock.version = number(row, "version");
        tables.stock.put(stock.key, stock);
    });
    each(transaction, "SELECT * FROM stock_movements", [&](const json& row) {
        orders::MovementRow movement;
        movement.key = ledger_of(row);
        movement.kind = text(row, "kind");
        movement.cause = text(row, "cause");
        movement.on_hand = number(row, "on_hand");
        movement.available = number(row, "available");
        movement.reserved = number(row, "reserved");
        movement.committed = number(row, "committed");
        movement.unavailable = number(row, "unavailable");
        movement.returning = number(row, "returning_units");
        movement.short_by = number(row, "short_by");
        movement.version = number(row, "version");
        movement.at = at(row, "at");
        tables.movements.put(number(row, "movement_id"), movement);
    });
    each(transaction, "SELECT * FROM reservations", [&](const json& row) {
        orders::ReservationRow reservation;
        reservation.key = ledger_of(row);
        reservation.saga_id = text(row, "saga_id");
        reservation.line_id = text(row, "line_id");
        reservation.waiting = number(row, "waiting");
        reservation.held = number(row, "held");
        reservation.committed = number(row, "committed");
        reservation.shipped = number(row, "shipped");
        reservation.released = number(row, "released");
        tables.reservations.put(
            {reservation.key.merchant, reservation.saga_id, reservation.line_id, reservation.key.sku_id}, reservation);
    });
}

void read_listings(Transaction& transaction, sim::SimTables& tables) {
    each(
        transaction,
        "SELECT listings.*, (SELECT jsonb_agg(part) FROM listing_components part"
        " WHERE (part.merchant_id, part.listing_id) = (listings.merchant_id, listings.listing_id)) AS parts FROM "
        "listings",
        [&](const json& row) {
            orders::ListingRow listing;
            listing.merchant = merchant_of(row);
            listing.listing_id = id<ListingId>(row, "listing_id");
            listing.store_id = id<StoreId>(row, "store_id");
            listing.sku_id = id<SkuId>(row, "sku_id");
            listing.variant_id = text(row, "variant_id");
            listing.inventory_item_id = text(row, "inventory_item_id");
            if (!row.at("believed").is_null()) listing.believed = number(row, "believed");
            listing.target = number(row, "target");
            listing.in_flight = number(row, "in_flight");
            listing.wants_read = row.at("wants_read").get<bool>();
            listing.read_open = row.at("read_open").get<bool>();
            listing.parked = text(row, "parked");
            for (const json& part : row.at("parts"))
                listing.components.push_back({id<SkuId>(part, "sku_id"), number(part, "quantity"), 0, 0});
            tables.listings.put({listing.merchant, listing.listing_id}, listing);
        });
    each(transaction, "SELECT * FROM flushes", [&](const json& row) {
        orders::FlushRow flush;
        flush.merchant = merchant_of(row);
        flush.flush_id = id<sagas::FlushId>(row, "flush_id");
        flush.key = text(row, "key");
        flush.command_id = text(row, "command_id");
        flush.closed_at = maybe_at(row, "closed_at");
        for (const json& item : row.at("items"))
            flush.items.push_back({id<ListingId>(item, "listing_id"), number(item, "delta"), {}});
        tables.flushes.put({flush.merchant, flush.flush_id}, flush);
    });
    each(transaction, "SELECT * FROM waits", [&](const json& row) {
        orders::Rows::Wait wait;
        wait.saga = {merchant_of(row), text(row, "saga_id")};
        wait.kind = text(row, "kind");
        tables.waits.put({wait.saga.merchant, wait.saga.saga_id, wait.kind, ledger_of(row)}, wait);
    });
}

void read_sagas(Transaction& transaction, sim::SimTables& tables) {
    each(transaction, "SELECT * FROM sagas", [&](const json& row) {
        engine::SagaRow saga;
        saga.key = {merchant_of(row), text(row, "saga_id")};
        saga.kind = text(row, "kind");
        saga.state = text(row, "state");
        saga.version = number(row, "version");
        saga.data = row.at("data");
        saga.subject = text(row, "subject");
        saga.next_wake = maybe_at(row, "next_wake");
        saga.final = row.at("final").get<bool>();
        if (!row.at("incident").is_null()) saga.incident = text(row, "incident");
        tables.sagas.put(saga.key, saga);
    });
    std::int64_t steps = 0;
    each(transaction, "SELECT * FROM saga_history ORDER BY merchant_id, saga_id, version", [&](const json& row) {
        engine::HistoryRow step;
        step.key = {merchant_of(row), text(row, "saga_id")};
        step.version = number(row, "version");
        step.at = at(row, "at");
        step.from_state = text(row, "from_state");
        step.to_state = text(row, "to_state");
        step.event = text(row, "event");
        step.cause = text(row, "cause");
        step.note = text(row, "note");
        step.details = row.at("details");
        tables.history.put(++steps, step);
    });
    each(transaction, "SELECT * FROM commands", [&](const json& row) {
        engine::CommandRow command;
        command.merchant = merchant_of(row);
        command.command_id = text(row, "command_id");
        command.saga_id = text(row, "saga_id");
        command.duty = text(row, "duty");
        command.activity = text(row, "activity");
        command.idempotency_key = text(row, "idempotency_key");
        command.sent_at = maybe_at(row, "sent_at");
        const bool closed = text(row, "state") == "closed";
        (closed ? tables.closed_commands : tables.open_commands).put({command.merchant, command.command_id}, command);
    });
    each(transaction, "SELECT * FROM signals", [&](const json& row) {
        engine::SignalRow signal;
        signal.key = {merchant_of(row), text(row, "saga_id")};
        signal.event = text(row, "event");
        tables.signals.put(number(row, "signal_id"), signal);
    });
    each(transaction, "SELECT * FROM incidents", [&](const json& row) {
        sim::SimIncident incident;
        incident.row.saga_id = text(row, "saga_id");
        incident.row.cause = text(row, "cause");
        incident.closed_at = maybe_at(row, "closed_at");
        tables.incidents.put(number(row, "incident_id"), incident);
    });
    each(transaction, "SELECT * FROM duties", [&](const json& row) {
        engine::DutyRow duty;
        duty.merchant = merchant_of(row);
        duty.duty = text(row, "duty");
        duty.subject = text(row, "subject");
        duty.command_id = text(row, "command_id");
        tables.duties.put({duty.merchant, duty.duty, duty.subject}, duty);
    });
}

void read_orders(Transaction& transaction, sim::SimTables& tables) {
    each(transaction, "SELECT * FROM orders", [&](const json& row) {
        orders::OrderRow order;
        order.key = {merchant_of(row), id<StoreId>(row, "store_id"), text(row, "order_id")};
        order.saga_id = text(row, "saga_id");
        order.reason = text(row, "reason");
        order.has_document = !row.at("document").is_null();
        if (order.has_document) order.document = sagas::order_document_from_json(row.at("document"));
        tables.orders.put(order.key, order);
    });
    each(transaction, "SELECT * FROM fulfillment_references", [&](const json& row) {
        tables.references.put({merchant_of(row), text(row, "reference")}, {merchant_of(row), text(row, "saga_id")});
    });
    each(
        transaction,
        "SELECT merchant_id, store_id, source, topic, webhook_id, event_id, name, status, reason, order_id"
        " FROM webhook_receipts",
        [&](const json& row) {
            orders::ReceiptRow receipt;
            receipt.merchant = merchant_of(row);
            receipt.store_id = id<StoreId>(row, "store_id");
            receipt.source = text(row, "source");
            receipt.topic = text(row, "topic");
            receipt.webhook_id = text(row, "webhook_id");
            receipt.event_id = text(row, "event_id");
            receipt.name = text(row, "name");
            receipt.reason = text(row, "reason");
            receipt.order_id = text(row, "order_id");
            if (text(row, "status") == "parked") receipt.status = orders::ReceiptStatus::parked;
            const sim::ReceiptKey key{
                receipt.merchant, receipt.source, receipt.store_id, receipt.topic, receipt.webhook_id};
            tables.receipts.put(key, receipt);
            if (!receipt.event_id.empty())
                tables.receipt_events.put(
                    {receipt.merchant, receipt.source, receipt.store_id, receipt.topic, receipt.event_id, receipt.name},
                    key);
        });
    each(transaction, "SELECT * FROM stores", [&](const json& row) {
        orders::StoreRow store;
        store.merchant = merchant_of(row);
        store.store_id = id<StoreId>(row, "store_id");
        store.key = text(row, "key");
        store.status = text(row, "status");
        store.warehouse_id = id<WarehouseId>(row, "warehouse_id");
        tables.stores.put({store.merchant, store.store_id}, store);
    });
    each(transaction, "SELECT * FROM skus", [&](const json& row) {
        orders::SkuRow sku;
        sku.merchant = merchant_of(row);
        sku.sku_id = id<SkuId>(row, "sku_id");
        sku.sku = text(row, "sku");
        sku.buffer = number(row, "buffer");
        sku.discontinued = row.at("discontinued").get<bool>();
        tables.skus.put({sku.merchant, sku.sku_id}, sku);
    });
}

}  // namespace

void read_database(db::Connection& connection, sim::SimTables& tables) {
    connection.transact([&](Transaction& transaction) {
        read_stock(transaction, tables);
        read_listings(transaction, tables);
        read_sagas(transaction, tables);
        read_orders(transaction, tables);
    });
}

void seed_database(db::Connection& connection, const sim::SimTables& seeded) {
    connection.transact([&](Transaction& transaction) {
        for (const auto& [merchant, name] : seeded.merchants)
            transaction.execute(
                "INSERT INTO merchants (merchant_id, name) VALUES ($1::bigint, $2)", {merchant.value, name});
        for (const auto& [key, row] : seeded.warehouses)
            transaction.execute(
                "INSERT INTO warehouses (merchant_id, warehouse_id, key, kind, base_url, token_ref, reading_lag_ms,"
                " calls_per_minute) VALUES ($1::bigint, $2::bigint, $3, $4, 'http://127.0.0.1:1', 'env:TOKEN', "
                "$5::bigint, $6::float8)",
                {row.merchant.value, row.warehouse_id.value, row.key, row.kind, milliseconds(row.reading_lag),
                 row.calls_per_minute});
        for (const auto& [key, row] : seeded.stores)
            transaction.execute(
                "INSERT INTO stores (merchant_id, store_id, key, shop_domain, base_url, location_id, token_ref,"
                " webhook_secret_refs, go_live_at, order_policy, channel_wait_ms, hold_expiry_ms, warehouse_id, "
                "ship_methods)"
                " VALUES ($1::bigint, $2::bigint, $3, $4, 'http://127.0.0.1:1', $5, 'env:T', '{env:S}', "
                "$6::timestamptz, $7,"
                " $8::bigint, $9::bigint, $10::bigint, $11::jsonb)",
                {row.merchant.value, row.store_id.value, row.key, row.shop_domain, row.location_id, row.go_live_at,
                 row.order_policy, milliseconds(row.channel_wait), milliseconds(row.hold_expiry),
                 row.warehouse_id.value, row.ship_methods.dump()});
        for (const auto& [key, row] : seeded.skus)
            transaction.execute(
                "INSERT INTO skus (merchant_id, sku_id, sku, warehouse_item_id, policy, reading, buffer, low_at)"
                " VALUES ($1::bigint, $2::bigint, $3, $4, $5, $6, $7::bigint, $8::bigint)",
                {row.merchant.value, row.sku_id.value, row.sku, row.warehouse_item_id, row.policy, row.reading,
                 row.buffer, row.low_at});
        for (const auto& [key, row] : seeded.skus) {
            for (const auto& [part, quantity] : row.components)
                transaction.execute(
                    "INSERT INTO sku_components VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint)",
                    {row.merchant.value, row.sku_id.value, part.value, quantity});
        }
        for (const auto& [key, row] : seeded.listings)
            transaction.execute(
                "INSERT INTO listings (merchant_id, listing_id, store_id, sku_id, variant_id, inventory_item_id, "
                "location_id)"
                " VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5, $6, $7)",
                {row.merchant.value, row.listing_id.value, row.store_id.value, row.sku_id.value, row.variant_id,
                 row.inventory_item_id, row.location_id});
        for (const auto& [key, row] : seeded.stock)
            transaction.execute(
                "INSERT INTO stock (merchant_id, sku_id, warehouse_id, on_hand, available, version, warehouse_on_hand,"
                " warehouse_fulfillable) VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint, "
                "$6::bigint,"
                " $7::bigint, $8::bigint)",
                {key.merchant.value, key.sku_id.value, key.warehouse_id.value, row.on_hand, row.available, row.version,
                 row.warehouse_on_hand, row.warehouse_fulfillable});
        for (const auto& [key, row] : seeded.movements)
            transaction.execute(
                "INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, on_hand, available, "
                "version, at)"
                " VALUES ($1::bigint, $2::bigint, $3::bigint, $4, $5, $6::bigint, $7::bigint, $8::bigint, "
                "$9::timestamptz)",
                {row.key.merchant.value, row.key.sku_id.value, row.key.warehouse_id.value, row.kind, row.cause,
                 row.on_hand, row.available, row.version, row.at});
        for (const auto& [key, row] : seeded.duties)
            transaction.execute(
                "INSERT INTO duties (merchant_id, duty, subject, next_due) VALUES ($1::bigint, $2, $3, "
                "$4::timestamptz)",
                {row.merchant.value, row.duty, row.subject, row.next_due});
    });
}

}  // namespace ordersaga::simulation
