// What can go wrong between us and PostgreSQL, told apart by what the caller may do next. Every function of
// db/ that talks to the server throws one of these and nothing else of the database library.
//
// `what()` is safe for a log line and for a reason shown to an operator: it never carries the values of a row.
// `detail()` is the server's own text, which may (a 23505 names the key): never send it to a client.
#pragma once

#include <stdexcept>
#include <string>

namespace ordersaga::db {

class DatabaseError : public std::runtime_error {
public:
    DatabaseError(const std::string& message, std::string sqlstate, std::string detail)
        : std::runtime_error(message), sqlstate_(std::move(sqlstate)), detail_(std::move(detail)) {}

    // Five characters, or empty when the failure did not come from the server.
    const std::string& sqlstate() const noexcept { return sqlstate_; }
    const std::string& detail() const noexcept { return detail_; }

private:
    std::string sqlstate_;
    std::string detail_;
};

// Nothing was applied; the same work may succeed if done again (classes 08, 40, 53, 55P03, 57).
class Retryable : public DatabaseError {
public:
    using DatabaseError::DatabaseError;
};

// The connection is gone and nothing of this transaction was applied. The connection object refuses all further
// use; the work may be done again on a new one.
class Broken : public DatabaseError {
public:
    using DatabaseError::DatabaseError;
};

// The link was lost while COMMIT was under way: the work is wholly applied or wholly not. Read again by key and
// version, never assume. The connection object is dead as well.
class InDoubt : public DatabaseError {
public:
    using DatabaseError::DatabaseError;
};

// The data itself is impossible (classes 22 and 23, or text with a NUL). Doing it again fails again: the item is
// parked, its batch mates are not.
class BadData : public DatabaseError {
public:
    using DatabaseError::DatabaseError;
};

// A bug or a wrong installation: missing table, missing grant, syntax (class 42 and whatever else is left).
class Misuse : public DatabaseError {
public:
    using DatabaseError::DatabaseError;
};

}  // namespace ordersaga::db
