// Brings a database to the schema of this build. Migrations are numbered, go forward only and are embedded in
// the program, so none of the files is needed at run time. Use a direct connection, not a pooler: the run holds a
// session advisory lock, so that two runs wait for one another. Safe to repeat; a run that dies in the middle of a
// migration leaves that migration wholly undone.
#pragma once

#include "db/connection.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::db {

struct Migration {
    int version = 0;
    std::string_view name;  // "0001_core"
    std::string_view sql;   // begins with "-- Purpose:" and "-- Reversal:"
};

// The migrations of this build, ascending and without gaps.
std::span<const Migration> embedded_migrations();

// The version a database must have for this build.
int schema_version();

struct MigrationReport {
    int before = 0;
    int after = 0;
    std::vector<std::string> applied;  // names, in order
};

// The database and this build do not fit: it is newer, or an applied file has changed since.
class SchemaMismatch : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Applies what is missing, as `ordersaga_owner` (the login must be a member of it). Throws SchemaMismatch before
// anything is changed, or DatabaseError naming the migration.
MigrationReport migrate(const std::string& dsn, std::span<const Migration> migrations = embedded_migrations());

}  // namespace ordersaga::db
