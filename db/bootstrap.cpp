#include "db/bootstrap.hpp"

#include "runtime/crash_point.hpp"

#include <stdexcept>
#include <string_view>

namespace ordersaga::db {

namespace {

// Roles belong to the whole server, so two programs may be at this at once.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(7243300418)";

constexpr const char* kCreateRole = R"sql(
    SELECT format('CREATE ROLE %I', $1::text) WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1))sql";

constexpr const char* kNoPowers = R"sql(
    SELECT format('ALTER ROLE %I %s NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
                  $1::text, CASE WHEN $2::boolean THEN 'LOGIN' ELSE 'NOLOGIN' END))sql";

constexpr const char* kSetPassword = "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)";

constexpr const char* kSetSetting = "SELECT format('ALTER ROLE %I SET %I = %L', $1::text, $2::text, $3::text)";

constexpr const char* kDatabaseExists = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";

struct Setting {
    std::string_view name;
    std::string_view value;
};

// A statement that takes longer than this is a fault: everything hot takes milliseconds.
constexpr Setting kServiceSettings[] = {
    {"statement_timeout", "5s"},
    {"lock_timeout", "1s"},
    {"idle_in_transaction_session_timeout", "10s"},
    {"client_connection_check_interval", "1s"},
    {"synchronous_commit", "on"},
    {"default_transaction_isolation", "read committed"},
    {"timezone", "UTC"},
    {"datestyle", "ISO, YMD"},
    {"jit", "off"},
};

constexpr Setting kMigratorSettings[] = {
    {"statement_timeout", "10min"}, {"lock_timeout", "1min"}, {"idle_in_transaction_session_timeout", "10s"},
    {"synchronous_commit", "on"},   {"timezone", "UTC"},      {"datestyle", "ISO, YMD"},
};

// The server builds the statement (format quotes names and values), so no text of ours is pasted into SQL.
void run_built(Transaction& transaction, const char* builder, std::initializer_list<Parameter> parameters) {
    const Rows built = transaction.query(builder, parameters);
    if (!built.empty()) {
        transaction.run_script(built.view(0, 0));
    }
}

template <std::size_t Count>
void create_login(
    Transaction& transaction,
    std::string_view role,
    const std::string& password,
    const Setting (&settings)[Count]) {
    run_built(transaction, kCreateRole, {role});
    run_built(transaction, kNoPowers, {role, true});
    run_built(transaction, kSetPassword, {role, password});
    for (const Setting& setting : settings) {
        run_built(transaction, kSetSetting, {role, setting.name, setting.value});
    }
}

void create_roles(Connection& connection, const RolePasswords& passwords) {
    connection.transact([&](Transaction& transaction) {
        transaction.query(kLock);
        // A password never reaches the server's log, whatever log_statement says.
        transaction.run_script("SET LOCAL log_statement = 'none'; SET LOCAL log_min_duration_statement = -1");
        run_built(transaction, kCreateRole, {"ordersaga_owner"});
        run_built(transaction, kNoPowers, {"ordersaga_owner", false});
        create_login(transaction, "ordersaga_migrator", passwords.migrator, kMigratorSettings);
        create_login(transaction, "ordersaga_engine", passwords.engine, kServiceSettings);
        create_login(transaction, "ordersaga_worker", passwords.worker, kServiceSettings);
        create_login(transaction, "ordersaga_api", passwords.api, kServiceSettings);
        create_login(transaction, "ordersaga_notifier", passwords.notifier, kServiceSettings);
        transaction.run_script("GRANT ordersaga_owner TO ordersaga_migrator");
    });
}

void require_plain_name(const std::string& database) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (database.empty() || database.size() > 63 || database.find_first_not_of(allowed) != std::string::npos ||
        (database[0] >= '0' && database[0] <= '9')) {
        throw std::invalid_argument("a database name is made of a-z, 0-9 and _: '" + database + "'");
    }
}

void create_database(Connection& connection, const std::string& database) {
    bool exists = false;
    connection.transact(
        [&](Transaction& transaction) { exists = transaction.query(kDatabaseExists, {database}).boolean(0, 0); });
    if (!exists) {
        try {
            // Byte order: the same on every machine, and the fastest.
            connection.autocommit(
                "CREATE DATABASE " + database +
                " OWNER ordersaga_owner TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
        } catch (const Misuse& error) {
            if (error.sqlstate() != "42P04") {  // somebody else made it just now
                throw;
            }
        }
    }
    runtime::crash_point("bootstrap.database_created");
    connection.autocommit("REVOKE ALL ON DATABASE " + database + " FROM PUBLIC");
    connection.autocommit(
        "GRANT CONNECT ON DATABASE " + database +
        " TO ordersaga_migrator, ordersaga_engine, ordersaga_worker, ordersaga_api, ordersaga_notifier");
}

}  // namespace

void bootstrap(const std::string& admin_dsn, const std::string& database, const RolePasswords& passwords) {
    require_plain_name(database);
    Connection connection({admin_dsn, "ordersaga-bootstrap"});
    create_roles(connection, passwords);
    create_database(connection, database);
}

RoleDsns role_dsns(const std::string& admin_dsn, const std::string& database, const RolePasswords& passwords) {
    const auto dsn_of = [&](const std::string& role, const std::string& password) {
        return dsn_with(admin_dsn, {{"user", role}, {"password", password}, {"dbname", database}});
    };
    return {
        dsn_of("ordersaga_migrator", passwords.migrator), dsn_of("ordersaga_engine", passwords.engine),
        dsn_of("ordersaga_worker", passwords.worker), dsn_of("ordersaga_api", passwords.api),
        dsn_of("ordersaga_notifier", passwords.notifier)};
}

}  // namespace ordersaga::db
