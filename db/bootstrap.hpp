// Creates the database and its roles, given an administrator's connection. Safe to repeat: what exists is kept,
// role settings and passwords are set to what is asked for.
//
//   ordersaga_owner     no login; owns every table
//   ordersaga_migrator  login; member of the owner, used by `sagactl migrate` alone
//   ordersaga_engine    login; the orchestrator: rows of all merchants
//   ordersaga_worker    login; reads the time and the sealed access tokens, marks a token that was refused
//   ordersaga_notifier  login; the notices of all merchants, nothing else
//   ordersaga_api       login; REST and dashboard: the rows of the merchant set for the transaction
//
// None is a superuser, may bypass row security, create databases or roles. Each login carries its own timeouts.
#pragma once

#include "db/connection.hpp"

#include <string>

namespace ordersaga::db {

struct RolePasswords {
    std::string migrator;
    std::string engine;
    std::string worker;
    std::string api;
    std::string notifier;
};

struct RoleDsns {
    std::string migrator;
    std::string engine;
    std::string worker;
    std::string api;
    std::string notifier;
};

// Creates roles and, when it is missing, the database. Throws DatabaseError, or std::invalid_argument for a
// database name that is not [a-z_][a-z0-9_]*.
void bootstrap(const std::string& admin_dsn, const std::string& database, const RolePasswords& passwords);

// Where each role connects, derived from the administrator's address.
RoleDsns role_dsns(const std::string& admin_dsn, const std::string& database, const RolePasswords& passwords);

}  // namespace ordersaga::db
