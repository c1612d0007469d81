#include "db/setup.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>

namespace ordersaga::db {

namespace {

using nlohmann::json;

// Each statement takes the merchant and all rows as one JSON array, and answers (name, created) for what it changed.
// `xmax = 0` tells an inserted row from an updated one.

constexpr std::string_view upsert_merchant = R"sql(
    INSERT INTO merchants (name) VALUES ($1) ON CONFLICT (name) DO NOTHING RETURNING merchant_id)sql";

constexpr std::string_view find_merchant = "SELECT merchant_id FROM merchants WHERE name = $1";

constexpr std::string_view upsert_warehouses = R"sql(
    INSERT INTO warehouses AS old (merchant_id, key, kind, base_url, api_version, channel_id, token_ref,
                                   webhook_secret_refs, reading_lag_ms, calls_per_minute, webhook_url)
    SELECT $1::bigint, key, kind, base_url, api_version, channel_id, token_ref, webhook_secret_refs, reading_lag_ms,
           calls_per_minute, webhook_url
      FROM jsonb_to_recordset($2::jsonb) AS given(key text, kind text, base_url text, api_version text, channel_id text,
           token_ref text, webhook_secret_refs text[], reading_lag_ms bigint, calls_per_minute double precision,
           webhook_url text)
    ON CONFLICT (merchant_id, key) DO UPDATE
       SET kind = excluded.kind, base_url = excluded.base_url, api_version = excluded.api_version,
           channel_id = excluded.channel_id, token_ref = excluded.token_ref,
           webhook_secret_refs = excluded.webhook_secret_refs, reading_lag_ms = excluded.reading_lag_ms,
           calls_per_minute = excluded.calls_per_minute, webhook_url = excluded.webhook_url
     WHERE (old.kind, old.base_url, old.api_version, old.channel_id, old.token_ref, old.webhook_secret_refs,
            old.reading_lag_ms, old.calls_per_minute, old.webhook_url)
           IS DISTINCT FROM
           (excluded.kind, excluded.base_url, excluded.api_version, excluded.channel_id, excluded.token_ref,
            excluded.webhook_secret_refs, excluded.reading_lag_ms, excluded.calls_per_minute, excluded.webhook_url)
    RETURNING key, xmax = 0)sql";

// What a store's mode and cut-over are is decided once, by a person who has looked: a file that is applied again must not
// make anything be sent, and a cut-over that went back would send orders that another system has sent.
constexpr std::string_view decided_stores = R"sql(
    SELECT store.key, store.mode, store.go_live_at::text, given.mode, given.go_live_at::text
      FROM jsonb_to_recordset($2::jsonb) AS given(key text, mode text, go_live_at timestamptz)
      JOIN stores store ON store.merchant_id = $1::bigint AND store.key = given.key
     WHERE store.mode <> given.mode OR store.go_live_at > given.go_live_at ORDER BY 1)sql";

constexpr std::string_view upsert_stores = R"sql(
    INSERT INTO stores AS old (merchant_id, key, shop_domain, base_url, api_version, location_id, token_ref,
                               webhook_secret_refs, mode, go_live_at, order_policy, channel_wait_ms, hold_expiry_ms,
                               warehouse_id, ship_methods, points_per_second, webhook_url)
    SELECT $1::bigint, given.key, shop_domain, given.base_url, given.api_version, location_id, given.token_ref,
           given.webhook_secret_refs, mode, go_live_at, order_policy, channel_wait_ms, hold_expiry_ms,
           warehouse.warehouse_id, ship_methods, points_per_second, given.webhook_url
      FROM jsonb_to_recordset($2::jsonb) AS given(key text, shop_domain text, base_url text, api_version text,
           location_id text, token_ref text, webhook_secret_refs text[], mode text, go_live_at timestamptz,
           order_policy text, channel_wait_ms bigint, hold_expiry_ms bigint, warehouse text, ship_methods jsonb,
           points_per_second double precision, webhook_url text)
      JOIN warehouses warehouse ON warehouse.merchant_id = $1::bigint AND warehouse.key = given.warehouse
    ON CONFLICT (merchant_id, key) DO UPDATE
       SET shop_domain = excluded.shop_domain, base_url = excluded.base_url, api_version = excluded.api_version,
           location_id = excluded.location_id, token_ref = excluded.token_ref,
           webhook_secret_refs = excluded.webhook_secret_refs,
           go_live_at = greatest(old.go_live_at, excluded.go_live_at),
           order_policy = excluded.order_policy, channel_wait_ms = excluded.channel_wait_ms,
           hold_expiry_ms = excluded.hold_expiry_ms, warehouse_id = excluded.warehouse_id,
           ship_methods = excluded.ship_methods, points_per_second = excluded.points_per_second,
           webhook_url = excluded.webhook_url
     WHERE (old.shop_domain, old.base_url, old.api_version, old.location_id, old.token_ref, old.webhook_secret_refs,
            old.go_live_at, old.order_policy, old.channel_wait_ms, old.hold_expiry_ms, old.warehouse_id,
            old.ship_methods, old.points_per_second, old.webhook_url)
           IS DISTINCT FROM
           (excluded.shop_domain, excluded.base_url, excluded.api_version, excluded.location_id, excluded.token_ref,
            excluded.webhook_secret_refs, greatest(old.go_live_at, excluded.go_live_at), excluded.order_policy,
            excluded.channel_wait_ms, excluded.hold_expiry_ms, excluded.warehouse_id, excluded.ship_methods,
            excluded.points_per_second, excluded.webhook_url)
    RETURNING key, xmax = 0)sql";

constexpr std::string_view upsert_skus = R"sql(
    INSERT INTO skus AS old (merchant_id, sku, title, warehouse_item_id, policy, reading, buffer, low_at, discontinued)
    SELECT $1::bigint, sku, title, warehouse_item_id, policy, reading, buffer, low_at, discontinued
      FROM jsonb_to_recordset($2::jsonb) AS given(sku text, title text, warehouse_item_id text, policy text,
           reading text, buffer bigint, low_at bigint, discontinued boolean)
    ON CONFLICT (merchant_id, sku) DO UPDATE
       SET title = excluded.title, warehouse_item_id = excluded.warehouse_item_id, policy = excluded.policy,
           reading = excluded.reading, buffer = excluded.buffer, low_at = excluded.low_at,
           discontinued = excluded.discontinued
     WHERE (old.title, old.warehouse_item_id, old.policy, old.reading, old.buffer, old.low_at, old.discontinued)
           IS DISTINCT FROM
           (excluded.title, excluded.warehouse_item_id, excluded.policy, excluded.reading, excluded.buffer,
            excluded.low_at, excluded.discontinued)
    RETURNING sku, xmax = 0)sql";

constexpr std::string_view drop_bundle_parts = R"sql(
    DELETE FROM sku_components old
     USING skus bundle, skus part
     WHERE old.merchant_id = $1::bigint
       AND bundle.merchant_id = old.merchant_id AND bundle.sku_id = old.bundle_sku_id
       AND part.merchant_id = old.merchant_id AND part.sku_id = old.component_sku_id
       AND bundle.sku IN (SELECT given->>'bundle_sku' FROM jsonb_array_elements($2::jsonb) given)
       AND NOT EXISTS (SELECT FROM jsonb_array_elements($2::jsonb) given
                        WHERE given->>'bundle_sku' = bundle.sku AND given->>'component_sku' = part.sku)
    RETURNING bundle.sku || ' / ' || part.sku)sql";

constexpr std::string_view upsert_bundle_parts = R"sql(
    INSERT INTO sku_components AS old (merchant_id, bundle_sku_id, component_sku_id, quantity)
    SELECT $1::bigint, bundle.sku_id, part.sku_id, given.quantity
      FROM jsonb_to_recordset($2::jsonb) AS given(bundle_sku text, component_sku text, quantity bigint)
      JOIN skus bundle ON bundle.merchant_id = $1::bigint AND bundle.sku = given.bundle_sku
      JOIN skus part ON part.merchant_id = $1::bigint AND part.sku = given.component_sku
    ON CONFLICT (merchant_id, bundle_sku_id, component_sku_id) DO UPDATE SET quantity = excluded.quantity
     WHERE old.quantity <> excluded.quantity
    RETURNING (SELECT sku FROM skus WHERE merchant_id = $1::bigint AND sku_id = old.bundle_sku_id) || ' / ' ||
              (SELECT sku FROM skus WHERE merchant_id = $1::bigint AND sku_id = old.component_sku_id), xmax = 0)sql";

// A listing that changes its SKU has an unknown history: it is read before anything is sent for it.
constexpr std::string_view upsert_listings = R"sql(
    INSERT INTO listings AS old (merchant_id, store_id, sku_id, variant_id, inventory_item_id, location_id)
    SELECT $1::bigint, store.store_id, sku.sku_id, given.variant_id, given.inventory_item_id, given.location_id
      FROM jsonb_to_recordset($2::jsonb) AS given(store text, sku text, variant_id text, inventory_item_id text,
           location_id text)
      JOIN stores store ON store.merchant_id = $1::bigint AND store.key = given.store
      JOIN skus sku ON sku.merchant_id = $1::bigint AND sku.sku = given.sku
    ON CONFLICT (merchant_id, store_id, inventory_item_id, location_id) DO UPDATE
       SET sku_id = excluded.sku_id, variant_id = excluded.variant_id,
           wants_read = old.wants_read OR old.sku_id <> excluded.sku_id
     WHERE (old.sku_id, old.variant_id) IS DISTINCT FROM (excluded.sku_id, excluded.variant_id)
    RETURNING (SELECT key FROM stores WHERE merchant_id = $1::bigint AND store_id = old.store_id) || ' / ' ||
              (SELECT sku FROM skus WHERE merchant_id = $1::bigint AND sku_id = old.sku_id), xmax = 0)sql";

// A catalogue is written whole or not at all, however large it is: each statement may take longer than the role allows.
constexpr std::string_view take_time = "SET LOCAL statement_timeout = '10min'";

// In the order in which the engine locks ledgers.
constexpr std::string_view lock_ledgers = R"sql(
    SELECT FROM stock WHERE merchant_id = $1::bigint ORDER BY sku_id, warehouse_id FOR UPDATE)sql";

constexpr std::string_view create_ledgers = R"sql(
    INSERT INTO stock (merchant_id, sku_id, warehouse_id)
    SELECT $1::bigint, sku.sku_id, warehouse.warehouse_id
      FROM jsonb_to_recordset($2::jsonb) AS given(sku text, warehouse text, quantity bigint)
      JOIN skus sku ON sku.merchant_id = $1::bigint AND sku.sku = given.sku
      JOIN warehouses warehouse ON warehouse.merchant_id = $1::bigint AND warehouse.key = given.warehouse
     ORDER BY sku.sku_id, warehouse.warehouse_id
    ON CONFLICT DO NOTHING)sql";

// Opening stock once per ledger: the movement's cause is unique. What was short is made good first.
constexpr std::string_view open_ledgers = R"sql(
    WITH given AS (
        SELECT stock.sku_id, stock.warehouse_id, sku.sku || ' / ' || warehouse.key AS name, given.quantity,
               least(stock.short_by, given.quantity) AS made_good
          FROM jsonb_to_recordset($2::jsonb) AS given(sku text, warehouse text, quantity bigint)
          JOIN skus sku ON sku.merchant_id = $1::bigint AND sku.sku = given.sku
          JOIN warehouses warehouse ON warehouse.merchant_id = $1::bigint AND warehouse.key = given.warehouse
          JOIN stock ON stock.merchant_id = $1::bigint AND stock.sku_id = sku.sku_id
                    AND stock.warehouse_id = warehouse.warehouse_id
         WHERE NOT EXISTS (SELECT FROM stock_movements movement
                            WHERE movement.merchant_id = $1::bigint AND movement.sku_id = stock.sku_id
                              AND movement.warehouse_id = stock.warehouse_id AND movement.cause = 'opening')
    ), raised AS (
        UPDATE stock
           SET on_hand = on_hand + given.quantity,
               short_by = short_by - given.made_good,
               available = available + given.quantity - given.made_good,
               version = version + 1
          FROM given
         WHERE stock.merchant_id = $1::bigint AND stock.sku_id = given.sku_id AND stock.warehouse_id = given.warehouse_id
        RETURNING stock.sku_id, stock.warehouse_id, stock.version, given.quantity, given.made_good, given.name
    ), moved AS (
        INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, on_hand, available, short_by, version,
                                     at, note)
        SELECT $1::bigint, sku_id, warehouse_id, 'opening', 'opening', quantity, quantity - made_good, -made_good, version,
               now(), 'setup'
          FROM raised
    )
    SELECT name, true FROM raised ORDER BY name)sql";

constexpr std::string_view differing_openings = R"sql(
    SELECT sku.sku || ' / ' || warehouse.key, movement.on_hand, given.quantity
      FROM jsonb_to_recordset($2::jsonb) AS given(sku text, warehouse text, quantity bigint)
      JOIN skus sku ON sku.merchant_id = $1::bigint AND sku.sku = given.sku
      JOIN warehouses warehouse ON warehouse.merchant_id = $1::bigint AND warehouse.key = given.warehouse
      JOIN stock_movements movement ON movement.merchant_id = $1::bigint AND movement.sku_id = sku.sku_id
                                   AND movement.warehouse_id = warehouse.warehouse_id AND movement.cause = 'opening'
     WHERE movement.on_hand <> given.quantity ORDER BY 1)sql";

// A listing that never went live has no flush that could set its target: the first one starts from what may be sold.
constexpr std::string_view aim_new_listings = R"sql(
    WITH wanted AS (
        SELECT listing.listing_id,
               greatest(0, min(floor(greatest(0, coalesce(stock.available - stock.waiting, 0)) / part.quantity)::bigint)
                           - max(sku.buffer)) AS target
          FROM listings listing
          JOIN skus sku ON sku.merchant_id = listing.merchant_id AND sku.sku_id = listing.sku_id
          JOIN stores store ON store.merchant_id = listing.merchant_id AND store.store_id = listing.store_id
          JOIN listing_components part ON part.merchant_id = listing.merchant_id AND part.listing_id = listing.listing_id
          LEFT JOIN stock ON stock.merchant_id = listing.merchant_id AND stock.sku_id = part.sku_id
                         AND stock.warehouse_id = store.warehouse_id
         WHERE listing.merchant_id = $1::bigint AND listing.believed IS NULL
         GROUP BY listing.listing_id
    )
    UPDATE listings SET target = wanted.target FROM wanted
     WHERE listings.merchant_id = $1::bigint AND listings.listing_id = wanted.listing_id
       AND listings.target <> wanted.target)sql";

constexpr std::string_view create_duties = R"sql(
    INSERT INTO duties (merchant_id, duty, subject, next_due)
    SELECT $1::bigint, duty, 'store:' || store_id, now()
      FROM stores, unnest(ARRAY['PollOrders', 'QuietReads']) AS duty
     WHERE merchant_id = $1::bigint
    UNION ALL
    SELECT $1::bigint, 'CheckSubscriptions', 'store:' || store_id, now()
      FROM stores
     WHERE merchant_id = $1::bigint AND webhook_url <> ''
    UNION ALL
    SELECT $1::bigint, duty, 'warehouse:' || warehouse_id, now()
      FROM warehouses, unnest(ARRAY['ReadWarehouseStock', 'PollFulfillments']) AS duty
     WHERE merchant_id = $1::bigint
    ON CONFLICT DO NOTHING
    RETURNING duty || ' ' || subject, true)sql";

// Orders that wait for the mapping of their shipping line, and have it now. Told by signals: setup locks no saga.
constexpr std::string_view release_held_orders = R"sql(
    WITH mapped AS (
        SELECT saga.saga_id, saga.subject, store.ship_methods ->> (saga.data ->> 'ship_line') AS method
          FROM sagas saga
          JOIN stores store ON store.merchant_id = saga.merchant_id
                           AND store.store_id = (saga.data ->> 'store_id')::bigint
         WHERE saga.merchant_id = $1::bigint AND saga.state IN ('OnHold', 'Backordered')
           AND saga.data -> 'holds' ? 'ship_method' AND store.ship_methods ? (saga.data ->> 'ship_line')
           AND NOT EXISTS (SELECT FROM signals signal
                            WHERE signal.merchant_id = saga.merchant_id AND signal.saga_id = saga.saga_id
                              AND signal.payload ->> 'ship_method' IS NOT NULL)
    ), told AS (
        INSERT INTO signals (merchant_id, saga_id, event, payload, cause)
        SELECT $1::bigint, saga_id, 'HoldReleased', jsonb_build_object('reason', 'ship_method', 'ship_method', method), 'setup'
          FROM mapped
    )
    SELECT subject FROM mapped ORDER BY subject)sql";

constexpr std::string_view write_audit = R"sql(
    INSERT INTO audit (merchant_id, at, actor, action, subject, reason, details)
    VALUES ($1::bigint, now(), $2, $3, $4, $5, $6::jsonb))sql";

json rows_of(const std::vector<SetupPlan::Warehouse>& warehouses) {
    json rows = json::array();
    for (const SetupPlan::Warehouse& given : warehouses) {
        rows.push_back({
            {"key", given.key},
            {"kind", given.kind},
            {"base_url", given.base_url},
            {"api_version", given.api_version},
            {"channel_id", given.channel_id},
            {"token_ref", given.token_ref},
            {"webhook_secret_refs", given.webhook_secret_refs},
            {"reading_lag_ms", given.reading_lag_ms},
            {"calls_per_minute", given.calls_per_minute},
            {"webhook_url", given.webhook_url},
        });
    }
    return rows;
}

json rows_of(const std::vector<SetupPlan::Store>& stores) {
    json rows = json::array();
    for (const SetupPlan::Store& given : stores) {
        json ship_methods = json::object();
        for (const auto& [title, method] : given.ship_methods)
            ship_methods[title] = method;
        rows.push_back({
            {"key", given.key},
            {"shop_domain", given.shop_domain},
            {"base_url", given.base_url},
            {"api_version", given.api_version},
            {"location_id", given.location_id},
            {"token_ref", given.token_ref},
            {"webhook_secret_refs", given.webhook_secret_refs},
            {"mode", given.mode},
            {"go_live_at", format_timestamp(given.go_live_at)},
            {"order_policy", given.order_policy},
            {"channel_wait_ms", given.channel_wait_ms},
            {"hold_expiry_ms", given.hold_expiry_ms},
            {"warehouse", given.warehouse},
            {"ship_methods", std::move(ship_methods)},
            {"points_per_second", given.points_per_second},
            {"webhook_url", given.webhook_url},
        });
    }
    return rows;
}

json rows_of(const std::vector<SetupPlan::Sku>& skus) {
    json rows = json::array();
    for (const SetupPlan::Sku& given : skus) {
        rows.push_back({
            {"sku", given.sku},
            {"title", given.title},
            {"warehouse_item_id", given.warehouse_item_id},
            {"policy", given.policy},
            {"reading", given.reading},
            {"buffer", given.buffer},
            {"low_at", given.low_at},
            {"discontinued", given.discontinued},
        });
    }
    return rows;
}

json rows_of(const std::vector<SetupPlan::BundlePart>& parts) {
    json rows = json::array();
    for (const SetupPlan::BundlePart& given : parts) {
        rows.push_back(
            {{"bundle_sku", given.bundle_sku}, {"component_sku", given.component_sku}, {"quantity", given.quantity}});
    }
    return rows;
}

json rows_of(const std::vector<SetupPlan::Listing>& listings) {
    json rows = json::array();
    for (const SetupPlan::Listing& given : listings) {
        rows.push_back({
            {"store", given.store},
            {"sku", given.sku},
            {"variant_id", given.variant_id},
            {"inventory_item_id", given.inventory_item_id},
            {"location_id", given.location_id},
        });
    }
    return rows;
}

json rows_of(const std::vector<SetupPlan::OpeningStock>& openings) {
    json rows = json::array();
    for (const SetupPlan::OpeningStock& given : openings) {
        rows.push_back({{"sku", given.sku}, {"warehouse", given.warehouse}, {"quantity", given.quantity}});
    }
    return rows;
}

// Thrown to end a dry run's transaction.
struct DryRunEnds {};

class SetupRun {
public:
    SetupRun(Transaction& transaction, const SetupPlan& plan) : transaction_(transaction), plan_(plan) {}

    SetupReport run() {
        create_merchant();
        upsert("warehouse", upsert_warehouses, rows_of(plan_.warehouses));
        connect_stores();
        upsert("sku", upsert_skus, rows_of(plan_.skus));
        const json parts = rows_of(plan_.bundles);
        tell("bundle part", drop_bundle_parts, parts, "removed");
        upsert("bundle part", upsert_bundle_parts, parts);
        open_stock();
        upsert("listing", upsert_listings, rows_of(plan_.listings));
        transaction_.execute(aim_new_listings, {report_.merchant_id});
        upsert("duty", create_duties, nullptr);
        tell("held order", release_held_orders, nullptr, "released");
        return std::move(report_);
    }

private:
    void create_merchant() {
        const Rows created = transaction_.query(upsert_merchant, {plan_.merchant});
        if (!created.empty()) {
            report_.merchant_id = created.int64(0, 0);
            report_.changes.push_back({"merchant", plan_.merchant, "created", ""});
            return;
        }
        report_.merchant_id = transaction_.query(find_merchant, {plan_.merchant}).int64(0, 0);
    }

    Rows ask(std::string_view statement, const json& rows) {
        if (rows.is_null()) return transaction_.query(statement, {report_.merchant_id});
        return transaction_.query(statement, {report_.merchant_id, rows.dump()});
    }

    void upsert(const std::string& kind, std::string_view statement, const json& rows) {
        const Rows changed = ask(statement, rows);
        for (std::size_t row = 0; row < changed.size(); ++row) {
            report_.changes.push_back(
                {kind, changed.text(row, 0), changed.boolean(row, 1) ? "created" : "changed", ""});
        }
    }

    void tell(const std::string& kind, std::string_view statement, const json& rows, const std::string& action) {
        const Rows changed = ask(statement, rows);
        for (std::size_t row = 0; row < changed.size(); ++row) {
            report_.changes.push_back({kind, changed.text(row, 0), action, ""});
        }
    }

    void connect_stores() {
        const json rows = rows_of(plan_.stores);
        const Rows kept = ask(decided_stores, rows);
        upsert("store", upsert_stores, rows);
        for (std::size_t row = 0; row < kept.size(); ++row) {
            report_.changes.push_back(
                {"store", kept.text(row, 0), "kept",
                 "stays " + kept.text(row, 1) + " with go_live_at " + kept.text(row, 2) + ", the file says " +
                     kept.text(row, 3) + " with " + kept.text(row, 4) + ": use sagactl store mode"});
        }
    }

    // Stock before listings: the engine locks in this order too.
    void open_stock() {
        const json rows = rows_of(plan_.opening_stock);
        ask(create_ledgers, rows);
        ask(lock_ledgers, nullptr);
        const Rows kept = ask(differing_openings, rows);
        upsert("opening stock", open_ledgers, rows);
        for (std::size_t row = 0; row < kept.size(); ++row) {
            report_.changes.push_back({
                "opening stock",
                kept.text(row, 0),
                "kept",
                "opened with " + kept.text(row, 1) + ", the file says " + kept.text(row, 2) +
                    ": use sagactl stock adjust",
            });
        }
    }

    Transaction& transaction_;
    const SetupPlan& plan_;
    SetupReport report_;
};

bool nothing_changed(const SetupReport& report) {
    return std::all_of(report.changes.begin(), report.changes.end(), [](const SetupChange& change) {
        return change.action == "kept";
    });
}

json summary_of(const SetupReport& report) {
    json counts = json::object();
    for (const SetupChange& change : report.changes) {
        json& count = counts[change.kind + " " + change.action];
        count = count.is_null() ? 1 : count.get<int>() + 1;
    }
    return counts;
}

}  // namespace

SetupReport apply_setup(
    Session& session,
    const SetupPlan& plan,
    const std::string& actor,
    const std::string& reason,
    bool dry_run) {
    SetupReport report;
    try {
        session.transact([&](Transaction& transaction) {
            transaction.query(take_time);
            report = SetupRun(transaction, plan).run();
            if (dry_run) throw DryRunEnds{};
            if (nothing_changed(report)) return;
            transaction.execute(
                write_audit, {report.merchant_id, actor, "setup", plan.merchant, reason, summary_of(report).dump()});
        });
    } catch (const DryRunEnds&) {
        // Rolled back; the report tells what would have been.
    }
    return report;
}

std::vector<std::string> merchant_names(Session& session) {
    std::vector<std::string> names;
    session.transact([&](Transaction& transaction) {
        names.clear();
        const Rows rows = transaction.query("SELECT name FROM merchants ORDER BY name");
        for (std::size_t row = 0; row < rows.size(); ++row)
            names.push_back(rows.text(row, 0));
    });
    return names;
}

}  // namespace ordersaga::db
