// Probes every table there is, as every role there is: a table that is forgotten fails here.
#include "tests/integration/db/a_merchant.hpp"

#include <gtest/gtest.h>

namespace ordersaga::db {
namespace {

constexpr const char* kTables = R"sql(
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname)sql";

class RowSecurity : public AMerchant {
protected:
    RowSecurity() {
        // One row of each of two merchants in every table that can hold one without further ado.
        run_as_engine(R"sql(
            INSERT INTO sagas SELECT m, ('00000000-0000-7000-8000-00000000000' || m)::uuid, 'test', 1, 'S', 0, '{}', '', 0,
                   now(), false, NULL, now(), now(), '' FROM generate_series(1, 2) m;
            INSERT INTO saga_history SELECT merchant_id, saga_id, 1, now(), 'S', 'S', 'E' FROM sagas;
            INSERT INTO skus (merchant_id, sku_id, sku) VALUES (2, 4, 'SHIRT');
            INSERT INTO orders (merchant_id, store_id, order_id) VALUES (1, 1, '1'), (2, 3, '1');
            INSERT INTO incidents (merchant_id, incident_key, cause, text, opened_at, updated_at)
            SELECT m, 'k', 'c', 't', now(), now() FROM generate_series(1, 2) m;
            INSERT INTO audit (merchant_id, at, actor, action, subject, reason)
            SELECT m, now(), 'a', 'b', 'c', 'd' FROM generate_series(1, 2) m;
            INSERT INTO announcements (merchant_id, routing_key, body) SELECT m, 'k', '{}' FROM generate_series(1, 2) m;
            INSERT INTO notices (merchant_id, target, event_id, topic, body)
            SELECT m, 'mail:ops', 'e', 'inventory.low', '{}' FROM generate_series(1, 2) m;
            INSERT INTO parked_items (merchant_id, kind, subject, reason, input)
            SELECT m, 'k', 's', 'r', '{}' FROM generate_series(0, 2) m;
            INSERT INTO tokens (merchant_id, token_hash, name, role)
            SELECT m, repeat(m::text, 64), 'n', 'read' FROM generate_series(0, 2) m;
            INSERT INTO operators (merchant_id, name, role, password)
            SELECT m, 'person-' || m, 'read', '$scrypt$' FROM generate_series(0, 2) m;
            INSERT INTO operator_sessions (merchant_id, session_hash, operator_id)
            SELECT merchant_id, repeat(merchant_id::text, 64), operator_id FROM operators;
            INSERT INTO sign_in_attempts (name_hash, attempts) VALUES (repeat('1', 64), 1);
            INSERT INTO api_idempotency (merchant_id, principal, idempotency_key, fingerprint)
            SELECT m, 'p', 'k', 'f' FROM generate_series(1, 2) m;
            INSERT INTO credentials (merchant_id, store_key, way, version)
            SELECT m, 'eu', 'static', 1 FROM generate_series(1, 2) m;
            INSERT INTO credential_secrets (merchant_id, subject, kind, key_id, sealed)
            SELECT m, 'store:eu', 'access_token', 'k', 'x' FROM generate_series(1, 2) m;
            INSERT INTO webhook_receipts (merchant_id, source, store_id, topic, webhook_id, received_at, body, status)
            SELECT m, 'shopify', 1, 't', 'w', now(), 'b', 'applied' FROM generate_series(1, 2) m;
            INSERT INTO store_keys (merchant_id, store_id, data_key_id, key_id, sealed)
            VALUES (1, 1, 'd', 'k', 'x'), (2, 3, 'd', 'k', 'x');
            INSERT INTO personal_data (merchant_id, store_id, order_id, saga_id, data_key_id, sealed)
            SELECT merchant_id, store_id, order_id, gen_random_uuid(), 'd', 'x' FROM orders;
            INSERT INTO privacy_requests (merchant_id, store_id, kind) VALUES (1, 1, 'shop'), (2, 3, 'shop');
            INSERT INTO recoveries (merchant_id, noticed_at, remembers_until, stage, stage_since)
            SELECT m, now(), now(), 'caught_up', now() FROM generate_series(1, 2) m;
            INSERT INTO found_fulfillments (merchant_id, reference, order_key, view)
            SELECT m, 'eu.1.1.1', 'eu.1', '{}' FROM generate_series(1, 2) m;
            INSERT INTO order_words (merchant_id, word, saga_id) SELECT merchant_id, 'name:1', saga_id FROM sagas;
            INSERT INTO ended_sagas (merchant_id, state, sagas) SELECT m, 'Completed', 1 FROM generate_series(1, 2) m;
        )sql");
    }

    std::vector<std::string> tables() {
        std::vector<std::string> names;
        Connection connection({database.admin_dsn(), "test"});
        connection.transact([&](Transaction& transaction) {
            const Rows rows = transaction.query(kTables);
            for (std::size_t row = 0; row < rows.size(); ++row) {
                names.push_back(rows.text(row, 0));
            }
        });
        return names;
    }

    // Rows of a table by merchant as the api role sees them: "visible/foreign", or the error's code.
    std::string seen_by_api(Connection& connection, const std::string& table, const std::string& merchant_set) {
        std::string seen;
        try {
            connection.transact([&](Transaction& transaction) {
                if (!merchant_set.empty()) {
                    transaction.see_only_merchant(merchant_set);
                }
                const Rows rows = transaction.query(
                    "SELECT count(merchant_id), count(merchant_id) FILTER (WHERE merchant_id <> 1) FROM " + table);
                seen = rows.text(0, 0) + "/" + rows.text(0, 1);
            });
        } catch (const Misuse& error) {
            seen = error.sqlstate();
        }
        return seen;
    }
};

TEST_F(RowSecurity, IsForcedOnEveryTable) {
    EXPECT_EQ(
        look(R"sql(SELECT string_agg(relname, ' ') FROM pg_class
                         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                           AND NOT (relrowsecurity AND relforcerowsecurity))sql"),
        "");
}

TEST_F(RowSecurity, NoViewAndNoRoleGoesAroundIt) {
    EXPECT_EQ(
        look("SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN "
             "('v', 'm')"),
        "");
    EXPECT_EQ(
        look("SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname LIKE 'ordersaga\\_%' AND rolname <> "
             "'ordersaga_admin'"
             " AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication)"),
        "");
    EXPECT_EQ(
        look("SELECT string_agg(member.rolname, ' ') FROM pg_auth_members JOIN pg_roles member ON member.oid = member"
             " JOIN pg_roles role ON role.oid = roleid WHERE role.rolname = 'ordersaga_owner'"),
        "ordersaga_migrator");
}

TEST_F(RowSecurity, TheApiRoleSeesTheOneMerchantThatIsSet) {
    Connection api({database.dsns().api, "test"});
    for (const std::string& table : tables()) {
        if (table == "schema_migrations") {
            continue;
        }
        const std::string seen = seen_by_api(api, table, "1");
        if (table.starts_with("saga_history_")) {
            EXPECT_EQ(seen, "42501") << table;  // partitions are reached through their parent only
        } else {
            EXPECT_TRUE(seen.ends_with("/0")) << table << " " << seen;
        }
    }
    EXPECT_EQ(seen_by_api(api, "sagas", "1"), "1/0");
    EXPECT_EQ(seen_by_api(api, "saga_history", "1"), "1/0");
    EXPECT_EQ(seen_by_api(api, "webhook_receipts", "1"), "1/0");
    EXPECT_EQ(seen_by_api(api, "merchants", "1"), "1/0");
    EXPECT_EQ(seen_by_api(api, "sagas", "3"), "0/0");
}

TEST_F(RowSecurity, TheApiRoleSeesNothingWhenNoneIsSet) {
    Connection api({database.dsns().api, "test"});
    for (const std::string& table : tables()) {
        if (table == "schema_migrations" || table.starts_with("saga_history_")) {
            continue;
        }
        EXPECT_EQ(seen_by_api(api, table, ""), "0/0") << table;
        // Nothing of an earlier transaction is left on the connection, which may be a pooled one.
        seen_by_api(api, table, "1");
        EXPECT_EQ(seen_by_api(api, table, ""), "0/0") << table;
    }
}

TEST_F(RowSecurity, TheApiRoleWritesNothing) {
    Connection api({database.dsns().api, "test"});
    for (const std::string& table : tables()) {
        for (const std::string statement : {"DELETE FROM ", "TRUNCATE "}) {
            EXPECT_THROW(
                api.transact([&](Transaction& transaction) {
                    transaction.see_only_merchant("1");
                    transaction.query(statement + table);
                }),
                Misuse)
                << statement << table;
        }
    }
}

TEST_F(RowSecurity, BodiesAndTokenHashesAreHiddenFromTheApiRole) {
    Connection api({database.dsns().api, "test"});
    for (const char* query :
         {"SELECT body FROM webhook_receipts", "SELECT token_hash FROM tokens", "SELECT password FROM operators",
          "SELECT session_hash FROM operator_sessions", "SELECT body FROM api_idempotency",
          "SELECT sealed FROM credential_secrets", "SELECT claim FROM credentials", "SELECT sealed FROM store_keys",
          "SELECT sealed FROM personal_data"}) {
        EXPECT_THROW(api.transact([&](Transaction& transaction) { transaction.query(query); }), Misuse) << query;
    }
    // Whoever hides another table, or shows one of these, says so here.
    EXPECT_EQ(
        look(R"sql(SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class
                    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
                      AND NOT has_table_privilege('ordersaga_api', oid, 'SELECT'))sql"),
        "api_idempotency credential_secrets credentials operator_sessions operators personal_data sign_in_attempts "
        "store_keys tokens webhook_receipts");
}

TEST_F(RowSecurity, TheEngineSeesAllMerchants) {
    Connection connection({database.dsns().engine, "test"});
    for (const std::string& table : tables()) {
        if (table.starts_with("saga_history_")) {
            continue;
        }
        connection.transact([&](Transaction& transaction) { transaction.query("SELECT count(*) FROM " + table); });
    }
    connection.transact([](Transaction& transaction) {
        EXPECT_EQ(transaction.query("SELECT count(DISTINCT merchant_id) FROM sagas").int64(0, 0), 2);
    });
}

// Workers see the tokens they call with and the addresses they ask with; what else they may see of the tables of
// credentials is told in credentials_test.cpp.
TEST_F(RowSecurity, TheWorkerAndTheOwnerSeeNoRow) {
    Connection worker({database.dsns().worker, "test"});
    Connection migrator({database.dsns().migrator, "test"});
    for (const std::string& table : tables()) {
        if (table == "schema_migrations") {
            continue;
        }
        if (!table.starts_with("credential") && table != "store_keys" && table != "personal_data") {
            EXPECT_THROW(
                worker.transact([&](Transaction& transaction) { transaction.query("SELECT FROM " + table); }), Misuse)
                << table;
        }
        migrator.transact([&](Transaction& transaction) {
            transaction.query("SET LOCAL ROLE ordersaga_owner");
            EXPECT_TRUE(transaction.query("SELECT FROM " + table).empty()) << table;
        });
    }
}

TEST_F(RowSecurity, EveryKeyBeginsWithTheMerchant) {
    EXPECT_EQ(
        look(R"sql(
        SELECT string_agg(index.relname, ' ' ORDER BY index.relname)
          FROM pg_index JOIN pg_class index ON index.oid = indexrelid JOIN pg_class owner ON owner.oid = indrelid
          LEFT JOIN pg_attribute first ON first.attrelid = indrelid AND first.attnum = indkey[0]
         WHERE owner.relnamespace = 'public'::regnamespace AND indisunique AND first.attname <> 'merchant_id')sql"),
        // Names of the outside world and of messages, unique over all merchants on purpose.
        "commands_pkey merchants_name_key operators_by_name schema_migrations_name_key schema_migrations_pkey "
        "sessions_by_hash stores_shop_domain_key tokens_by_hash");
}

}  // namespace
}  // namespace ordersaga::db
