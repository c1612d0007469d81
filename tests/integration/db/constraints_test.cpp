// Each CHECK, each key and each foreign key of the schema refuses a row of its own: constraints.tsv has one for every one of
// them. That row is refused by name, and taken once this one constraint is gone.
#include "db/connection.hpp"
#include "tests/support/test_database.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ordersaga::test {
namespace {

// A row in every table, and a second one where others refer to it.
constexpr const char* kWorld = R"sql(
    INSERT INTO merchants (merchant_id, name) VALUES (1, 'Shirts'), (2, 'Unused');
    INSERT INTO warehouses (merchant_id, warehouse_id, key, kind, base_url, token_ref) VALUES
    (1, 1, 'main', 'shipbob', 'http://127.0.0.1', 'env:NONE'), (1, 2, 'unused', 'shipbob', 'http://127.0.0.1', 'env:NONE');
    INSERT INTO stores (merchant_id, store_id, key, shop_domain, base_url, location_id, token_ref, webhook_secret_refs, go_live_at,
                    warehouse_id) VALUES
    (1, 1, 'eu', 'eu.myshopify.com', 'http://127.0.0.1', '1', 'env:NONE', '{env:NONE}', now(), 1),
    (1, 2, 'unused', 'unused.myshopify.com', 'http://127.0.0.1', '1', 'env:NONE', '{env:NONE}', now(), 1);
    INSERT INTO skus (merchant_id, sku_id, sku) VALUES (1, 1, 'SHIRT'), (1, 2, 'SET'), (1, 3, 'UNUSED');
    INSERT INTO sku_components (merchant_id, bundle_sku_id, component_sku_id, quantity) VALUES (1, 2, 1, 2);
    INSERT INTO stock (merchant_id, sku_id, warehouse_id) VALUES (1, 1, 1), (1, 3, 2);
    INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, version, at) VALUES (1, 1, 1, 'opening', 'opening', 1, now());
    INSERT INTO listings (merchant_id, listing_id, store_id, sku_id, variant_id, inventory_item_id, location_id) VALUES
    (1, 1, 1, 1, '1', '1', '1'), (1, 2, 2, 1, '1', '1', '1');
    INSERT INTO listing_moves (merchant_id, listing_id, kind, source_id, quantity, at) VALUES (1, 1, 'sale', '1', -1, now());
    INSERT INTO level_hints (merchant_id, listing_id, available, told_at) VALUES (1, 1, 3, now());
    INSERT INTO sagas (merchant_id, saga_id, kind, definition_version, state, version, data, subject, shard, next_wake, final,
                   created_at, updated_at) VALUES
    (1, '00000000-0000-0000-0000-000000000001', 'order', 1, 'Received', 1, '{}', 'eu #1', 0, now(), false, now(), now()),
    (1, '00000000-0000-0000-0000-000000000002', 'order', 1, 'Received', 1, '{}', 'eu #2', 0, now(), false, now(), now());
    INSERT INTO saga_history (merchant_id, saga_id, version, at, from_state, to_state, event) VALUES
    (1, '00000000-0000-0000-0000-000000000001', 1, '2020-01-01', 'Received', 'Received', 'OrderPlaced');
    INSERT INTO signals (merchant_id, saga_id, event) VALUES (1, '00000000-0000-0000-0000-000000000001', 'StockGranted');
    INSERT INTO commands (merchant_id, command_id, saga_id, activity, lane, priority, state, payload, idempotency_key, created_at,
                      due_at) VALUES
    (1, '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001', 'RequestFulfillment', 'warehouse:1', 2,
     'waiting', '{}', 'request', now(), now());
    INSERT INTO lanes (merchant_id, lane, tokens, capacity, per_second, refilled_at, not_before, "window") VALUES
    (1, 'warehouse:1', 1, 1, 1, now(), now(), 1);
    INSERT INTO duties (merchant_id, duty, subject, next_due) VALUES (1, 'PollOrders', 'store:1', now());
    INSERT INTO announcements (merchant_id, routing_key, body) VALUES (1, 'inventory.low.1', '{}');
    INSERT INTO incidents (merchant_id, incident_key, saga_id, cause, text, opened_at, updated_at) VALUES
    (1, 'saga:1', '00000000-0000-0000-0000-000000000001', 'a cause', 'a text', now(), now());
    INSERT INTO parked_items (merchant_id, kind, subject, reason, input) VALUES (1, 'order', 'store:1', 'a reason', '{}');
    INSERT INTO audit (merchant_id, at, actor, action, subject, reason) VALUES (1, now(), 'anna', 'retry', 'saga 1', 'a reason');
    INSERT INTO tokens (merchant_id, token_hash, name, role) VALUES (1, repeat('a', 64), 'anna', 'read');
    INSERT INTO orders (merchant_id, store_id, order_id, saga_id) VALUES (1, 1, '1', '00000000-0000-0000-0000-000000000001'), (1, 1, '2', NULL);
    INSERT INTO fulfillment_references (merchant_id, reference, saga_id) VALUES (1, 'eu.1.1.1', '00000000-0000-0000-0000-000000000001');
    INSERT INTO reservations (merchant_id, saga_id, line_id, sku_id, warehouse_id) VALUES
    (1, '00000000-0000-0000-0000-000000000001', '1', 1, 1);
    INSERT INTO flushes (merchant_id, flush_id, store_id, key, command_id, items, opened_at) VALUES
    (1, 1, 1, 'flush-1', '00000000-0000-0000-0000-000000000001', '[]', now());
    INSERT INTO waits (merchant_id, saga_id, kind, sku_id, warehouse_id, version) VALUES
    (1, '00000000-0000-0000-0000-000000000001', 'channels', 1, 1, 1);
    INSERT INTO webhook_receipts (merchant_id, store_id, source, topic, webhook_id, event_id, received_at, body, status) VALUES
    (1, 1, 'shopify', 'orders/create', 'w1', 'e1', now(), '', 'applied');
    INSERT INTO members (member_id, beat_at) VALUES ('one', now());
    INSERT INTO operators (merchant_id, operator_id, name, role, password) OVERRIDING SYSTEM VALUE VALUES
    (1, 1, 'anna', 'read', '$scrypt$'), (2, 1, 'unused', 'read', '$scrypt$');
    INSERT INTO operator_sessions (merchant_id, session_hash, operator_id) VALUES (1, repeat('a', 64), 1);
    INSERT INTO sign_in_attempts (name_hash, attempts) VALUES (repeat('a', 64), 1);
    INSERT INTO api_idempotency (merchant_id, principal, idempotency_key, fingerprint) VALUES (1, 'anna', 'key', 'print');
    INSERT INTO credentials (merchant_id, store_key, way) VALUES (1, 'eu', 'static');
    INSERT INTO credential_secrets (merchant_id, subject, kind, key_id, sealed) VALUES (1, 'store:eu', 'access_token', 'key', '');
    INSERT INTO store_keys (merchant_id, store_id, data_key_id, key_id, sealed) VALUES (1, 1, 'data key', 'key', '');
    INSERT INTO personal_data (merchant_id, store_id, order_id, saga_id, data_key_id, sealed) VALUES
    (1, 1, '1', '00000000-0000-0000-0000-000000000001', 'data key', '');
    INSERT INTO privacy_requests (merchant_id, store_id, kind) VALUES (1, 1, 'shop');
    INSERT INTO notices (merchant_id, target, event_id, topic, body) VALUES (1, 'mail', 'event', 'incidents.opened', '{}');
    INSERT INTO database_seen (identity) VALUES ('this one');
    INSERT INTO recoveries (merchant_id, noticed_at, remembers_until, stage, stage_since) VALUES (1, now(), now(), 'settling', now());
    INSERT INTO found_fulfillments (merchant_id, reference, order_key, view) VALUES (1, 'eu.2.1.1', 'eu.2', '{}');
    INSERT INTO order_words (merchant_id, word, saga_id) VALUES (1, 'name:1', '00000000-0000-0000-0000-000000000001');
    INSERT INTO ended_sagas (merchant_id, state, sagas) VALUES (1, 'Completed', 1);
)sql";

constexpr const char* kFunctions = R"sql(
-- Another row of the table, like the first but for these columns.
CREATE FUNCTION pg_temp.add(of_table regclass, columns jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    all_columns text := (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
                          WHERE attrelid = of_table AND attnum > 0 AND NOT attisdropped AND attgenerated = '');
BEGIN
    EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s
                      FROM (SELECT (jsonb_populate_record(first, $1)).* FROM %1$s first ORDER BY ctid LIMIT 1) other',
                   of_table, all_columns) USING columns;
END
$$;
-- The rows of the table, with these columns otherwise.
CREATE FUNCTION pg_temp.change(of_table regclass, columns jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %s old SET %s', of_table,
                   (SELECT string_agg(format('%I = (jsonb_populate_record(old, $1)).%1$I', name), ', ')
                      FROM jsonb_object_keys(columns) name)) USING columns;
END
$$;
-- Which constraint refuses it, once `drop` is gone; a deferred one is asked at once. Nothing of it stays.
CREATE FUNCTION pg_temp.refused_by(how text, of_table regclass, columns jsonb, drop_first text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    IF drop_first <> '' THEN EXECUTE drop_first; END IF;
    IF how = 'add' THEN PERFORM pg_temp.add(of_table, columns); ELSE PERFORM pg_temp.change(of_table, columns); END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION 'roll it back';
EXCEPTION
    WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;
        IF name = '' THEN RETURN 'a trigger'; END IF;
        -- A partition's is the whole table's.
        RETURN coalesce((SELECT parent.conname FROM pg_constraint part
                           JOIN pg_constraint parent ON parent.oid = part.conparentid WHERE part.conname = name), name);
    WHEN raise_exception THEN RETURN 'none';
END
$$;
)sql";

constexpr const char* kRefusedBy = "SELECT pg_temp.refused_by($1, $2::regclass, $3::jsonb, $4)";

constexpr const char* kAll = R"sql(
    SELECT conrelid::regclass || '.' || conname FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conparentid = 0 AND conrelid <> 'schema_migrations'::regclass
       AND NOT (SELECT relispartition FROM pg_class WHERE pg_class.oid = conrelid)
     UNION
    SELECT indrelid::regclass || '.index ' || indexrelid::regclass
      FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
     WHERE indisunique AND relnamespace = 'public'::regnamespace AND NOT relispartition
       AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid))sql";

struct Rule {
    std::string full_name, how, columns, also;

    std::string table() const { return full_name.substr(0, full_name.find('.')); }
    std::string bare_name() const {
        const std::string name = full_name.substr(full_name.find('.') + 1);
        return is_index() ? name.substr(6) : name;
    }
    bool is_index() const { return full_name.find(".index ") != std::string::npos; }
    std::string drop() const {
        return is_index() ? "DROP INDEX " + bare_name()
                          : "ALTER TABLE " + table() + " DROP CONSTRAINT " + bare_name() + " CASCADE";
    }
};

std::vector<Rule> rules() {
    std::ifstream file("tests/integration/db/constraints.tsv");
    std::vector<Rule> all;
    for (std::string line; std::getline(file, line);) {
        if (line.empty() || line.front() == '#') continue;
        std::istringstream fields(line);
        Rule rule;
        std::getline(fields, rule.full_name, '\t');
        std::getline(fields, rule.how, '\t');
        std::getline(fields, rule.columns, '\t');
        std::getline(fields, rule.also, '\t');
        all.push_back(std::move(rule));
    }
    if (all.empty()) throw std::runtime_error("tests/integration/db/constraints.tsv cannot be read");
    return all;
}

class Constraints : public ::testing::Test {
protected:
    Constraints() : connection_({database_.admin_dsn(), "ordersaga-test"}) {
        connection_.transact([](db::Transaction& transaction) {
            transaction.run_script(kWorld);
            transaction.run_script(kFunctions);
        });
    }

    std::string refused_by(const Rule& rule, const std::string& drop_first = "") {
        std::string name;
        connection_.transact([&](db::Transaction& transaction) {
            name = transaction.query(kRefusedBy, {rule.how, rule.table(), rule.columns, drop_first}).text(0, 0);
        });
        return name;
    }

    TestDatabase database_;
    db::Connection connection_;
};

TEST_F(Constraints, EachRefusesARowOfItsOwn) {
    for (const Rule& rule : rules()) {
        SCOPED_TRACE(rule.full_name + " " + rule.how + " " + rule.columns);

        const std::string name = refused_by(rule);

        // Either of two may speak first.
        const bool by_another = !rule.also.empty() && name == rule.also;
        EXPECT_TRUE(name == rule.bare_name() || by_another) << "refused by " << name;
    }
}

TEST_F(Constraints, WithoutOneItsRowIsTaken) {
    for (const Rule& rule : rules()) {
        SCOPED_TRACE(rule.full_name + " " + rule.how + " " + rule.columns);
        EXPECT_EQ(refused_by(rule, rule.drop()), rule.also.empty() ? "none" : rule.also);
    }
}

TEST_F(Constraints, AreAllListed) {
    std::set<std::string> listed;
    for (const Rule& rule : rules())
        EXPECT_TRUE(listed.insert(rule.full_name).second) << rule.full_name << " is listed twice";

    std::set<std::string> known;
    connection_.transact([&](db::Transaction& transaction) {
        const db::Rows rows = transaction.query(kAll);
        for (std::size_t row = 0; row < rows.size(); ++row)
            known.insert(rows.text(row, 0));
    });

    EXPECT_EQ(listed, known);
}

}  // namespace
}  // namespace ordersaga::test
