// Addresses of databases, as libpq reads them: a URI or keyword=value text. Pure functions, any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace ordersaga::db {

// Why a program must not start with this address; empty when nothing speaks against it. Left to itself the library asks for
// TLS and goes on in the clear when there is none: off this machine an address says which it wants. Holds no secret.
std::string address_fault(const std::string& dsn);

// The DSN with some of its parts replaced, as keyword=value text. Throws std::invalid_argument.
std::string dsn_with(const std::string& dsn, std::initializer_list<std::pair<std::string_view, std::string>> changes);

// The same without its password, for log lines.
std::string dsn_without_password(const std::string& dsn);

}  // namespace ordersaga::db
