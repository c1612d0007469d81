#include "db/startup_checks.hpp"

#include "db/migrate.hpp"
#include "db/row_reader.hpp"

namespace ordersaga::db {

namespace {

constexpr int kOldestServer = 150000;

constexpr const char* kReadSettings = R"sql(
    SELECT current_setting('server_version_num')::integer,
           current_setting('server_version'),
           current_setting('fsync'),
           current_setting('full_page_writes'),
           current_setting('synchronous_commit'),
           current_setting('server_encoding'),
           pg_is_in_recovery(),
           current_setting('statement_timeout'),
           current_setting('lock_timeout'),
           current_setting('idle_in_transaction_session_timeout'),
           role.rolname, role.rolsuper, role.rolbypassrls
      FROM pg_roles role WHERE role.rolname = current_user)sql";

constexpr const char* kHasMigrations = "SELECT to_regclass('schema_migrations') IS NOT NULL";
constexpr const char* kReadVersion = "SELECT coalesce(max(version), 0) FROM schema_migrations";

constexpr const char* kOpenSagas = R"sql(
    SELECT kind, definition_version, state, count(*)
      FROM sagas WHERE next_wake IS NOT NULL GROUP BY kind, definition_version, state ORDER BY kind, definition_version, state)sql";

void check_durability(const Rows& rows, std::vector<std::string>& faults) {
    if (rows.int32(0, 0) < kOldestServer) {
        faults.push_back("PostgreSQL is " + rows.text(0, 1) + "; 15 or later is needed");
    }
    if (rows.view(0, 2) != "on") {
        faults.push_back("fsync is off, so a crash would lose accepted orders: set fsync = on and restart PostgreSQL");
    }
    if (rows.view(0, 3) != "on") {
        faults.push_back("full_page_writes is off, so a crash could corrupt the data: set full_page_writes = on");
    }
    const std::string_view commit = rows.view(0, 4);
    if (commit == "off" || commit == "local") {
        faults.push_back(
            "synchronous_commit is " + std::string(commit) +
            ", so an answered webhook could be lost: ALTER ROLE ... SET synchronous_commit = on");
    }
    if (rows.view(0, 5) != "UTF8") {
        faults.push_back("the database's encoding is " + rows.text(0, 5) + "; it must be UTF8");
    }
    if (rows.boolean(0, 6)) {
        faults.push_back("this server is a standby and cannot be written to: use the primary's address");
    }
}

void check_role(const Rows& rows, std::vector<std::string>& faults) {
    const std::string role = rows.text(0, 10);
    const char* const names[] = {"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"};
    for (std::size_t index = 0; index < 3; ++index) {
        if (rows.view(0, 7 + index) == "0") {
            faults.push_back(
                std::string(names[index]) + " is not set for role " + role + ": run sagactl migrate with the" +
                " administrator's address, or ALTER ROLE " + role + " SET " + names[index] + " = ...");
        }
    }
    if (rows.boolean(0, 11)) {
        faults.push_back("role " + role + " is a superuser, which no row security binds: connect as ordersaga_engine");
    }
    if (rows.boolean(0, 12)) {
        faults.push_back("role " + role + " may bypass row security: ALTER ROLE " + role + " NOBYPASSRLS");
    }
}

}  // namespace

std::vector<std::string> startup_faults(Connection& connection) {
    std::vector<std::string> faults;
    connection.transact([&](Transaction& transaction) {
        const Rows rows = transaction.query(kReadSettings);
        check_durability(rows, faults);
        check_role(rows, faults);
        std::string schema = schema_fault(transaction);
        if (!schema.empty()) faults.push_back(std::move(schema));
    });
    return faults;
}

std::vector<engine::OpenSagas> open_sagas(Transaction& transaction) {
    return read_all(transaction.query(kOpenSagas), [](RowReader& row) {
        engine::OpenSagas group;
        group.kind = row.text();
        group.definition_version = row.int32();
        group.state = row.text();
        group.count = row.int64();
        return group;
    });
}

std::string schema_fault(Transaction& transaction) {
    const int wanted = schema_version();
    const bool any = transaction.query(kHasMigrations).boolean(0, 0);
    const int found = any ? transaction.query(kReadVersion).int32(0, 0) : 0;
    if (found == wanted) return {};
    const std::string text = "the database's schema is version " + std::to_string(found) + ", ";
    if (found < wanted) return text + "this build needs " + std::to_string(wanted) + ": run sagactl migrate";
    return text + "newer than this build's " + std::to_string(wanted) + ": use a newer ordersaga";
}

}  // namespace ordersaga::db
