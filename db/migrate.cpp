#include "db/migrate.hpp"

#include "runtime/crash_point.hpp"

#include <map>

namespace ordersaga::db {

namespace {

// Any fixed number; it only has to be the same in every version of this program.
constexpr const char* kLock = "SELECT pg_advisory_lock(7243300417)";
constexpr const char* kUnlock = "SELECT pg_advisory_unlock(7243300417)";

constexpr const char* kBecomeOwner = "SET LOCAL ROLE ordersaga_owner";

// A migration that cannot get its table lock soon gives way to the traffic and is tried again by a person.
constexpr const char* kLimits = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '10min'";

constexpr const char* kCreateTable = R"sql(
    CREATE TABLE IF NOT EXISTS schema_migrations (
        version    integer     PRIMARY KEY CHECK (version > 0),
        name       text        NOT NULL UNIQUE,
        checksum   text        NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$'),
        applied_at timestamptz NOT NULL DEFAULT now()
    );
    ALTER TABLE schema_migrations ENABLE ROW LEVEL SECURITY;
    ALTER TABLE schema_migrations FORCE ROW LEVEL SECURITY;
    CREATE POLICY owner_writes ON schema_migrations TO ordersaga_owner USING (true) WITH CHECK (true);
    CREATE POLICY services_read ON schema_migrations FOR SELECT
        TO ordersaga_engine, ordersaga_worker, ordersaga_api USING (true);
    GRANT SELECT ON schema_migrations TO ordersaga_engine, ordersaga_worker, ordersaga_api;
)sql";

constexpr const char* kTableExists = "SELECT to_regclass('schema_migrations') IS NOT NULL";

constexpr const char* kReadApplied = "SELECT version, name, checksum FROM schema_migrations ORDER BY version";

constexpr const char* kChecksum = "SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')";

constexpr const char* kRecord = R"sql(
    INSERT INTO schema_migrations (version, name, checksum)
    VALUES ($1::integer, $2, encode(sha256(convert_to($3, 'UTF8')), 'hex')))sql";

void require_well_formed(std::span<const Migration> migrations) {
    int expected = 1;
    for (const Migration& migration : migrations) {
        const std::string name(migration.name);
        if (migration.version != expected) {
            throw SchemaMismatch("migration " + name + " should have number " + std::to_string(expected));
        }
        if (!migration.sql.starts_with("-- Purpose:") ||
            migration.sql.find("\n-- Reversal:") == std::string_view::npos) {
            throw SchemaMismatch("migration " + name + " must begin with '-- Purpose:' and '-- Reversal:'");
        }
        ++expected;
    }
}

void create_bookkeeping(Connection& connection) {
    connection.transact([](Transaction& transaction) {
        if (!transaction.query(kTableExists).boolean(0, 0)) {
            transaction.run_script(kBecomeOwner);
            transaction.run_script(kCreateTable);
        }
    });
}

// The version the database is at, after proving that it went the way this build would have gone.
int require_same_past(Connection& connection, std::span<const Migration> migrations) {
    int at = 0;
    connection.transact([&](Transaction& transaction) {
        transaction.run_script(kBecomeOwner);
        const Rows applied = transaction.query(kReadApplied);
        for (std::size_t row = 0; row < applied.size(); ++row) {
            const int version = applied.int32(row, 0);
            if (version > static_cast<int>(migrations.size())) {
                throw SchemaMismatch(
                    "the database has migration " + applied.text(row, 1) +
                    ", which this version of ordersaga does not know: use a newer one");
            }
            const Migration& migration = migrations[static_cast<std::size_t>(version - 1)];
            const Rows checksum = transaction.query(kChecksum, {migration.sql});
            if (applied.view(row, 1) != migration.name || applied.view(row, 2) != checksum.view(0, 0)) {
                throw SchemaMismatch(
                    "migration " + applied.text(row, 1) +
                    " was applied with another text than this version of ordersaga has");
            }
            at = version;
        }
    });
    return at;
}

void apply(Connection& connection, const Migration& migration) {
    connection.transact([&](Transaction& transaction) {
        transaction.run_script(kLimits);
        transaction.run_script(kBecomeOwner);
        transaction.run_script(migration.sql);
        runtime::crash_point("migrate.half_applied");
        transaction.query(kRecord, {migration.version, migration.name, migration.sql});
    });
}

}  // namespace

int schema_version() {
    return static_cast<int>(embedded_migrations().size());
}

MigrationReport migrate(const std::string& dsn, std::span<const Migration> migrations) {
    require_well_formed(migrations);
    Connection connection({dsn, "ordersaga-migrate"});
    connection.autocommit(kLock);
    runtime::crash_point("migrate.locked");
    create_bookkeeping(connection);
    MigrationReport report;
    report.before = require_same_past(connection, migrations);
    report.after = report.before;
    for (const Migration& migration : migrations.subspan(static_cast<std::size_t>(report.before))) {
        apply(connection, migration);
        report.applied.emplace_back(migration.name);
        report.after = migration.version;
    }
    connection.autocommit(kUnlock);
    return report;
}

}  // namespace ordersaga::db
