// One PostgreSQL connection and the transactions on it. A connection and all that was made from it belongs to one
// thread at a time; it holds no session state that matters, but for what it prepares, so a transaction pooler may stand in
// between.
//
// A lost link is fatal to the object. (libpqxx 6.4 would reconnect silently inside the next transaction; we forbid
// that and compare the backend's process id at each start.) Ask usable() and make a new object; Session does so.
#pragma once

#include "db/address.hpp"
#include "db/errors.hpp"
#include "db/parameters.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordersaga::db {

struct ConnectionSettings {
    std::string dsn;               // URI or keyword form, as libpq reads it
    std::string application_name;  // shown in pg_stat_activity
    // Statements are prepared at their first use: for few constant ones that run all the time. Not behind a pooler of
    // transactions that does not know prepared statements (PgBouncer before 1.21).
    bool prepares = false;
};

// The rows of one answer. Cheap to copy. Reading a null as a plain value, or text that is not of the type asked
// for, throws std::logic_error: the statement and its reader disagree.
class Rows {
public:
    std::size_t size() const noexcept;
    bool empty() const noexcept { return size() == 0; }
    // Rows changed, for statements that return none.
    std::int64_t affected() const noexcept;

    bool is_null(std::size_t row, std::size_t column) const;
    std::string_view view(std::size_t row, std::size_t column) const;
    std::string text(std::size_t row, std::size_t column) const { return std::string(view(row, column)); }
    std::int64_t int64(std::size_t row, std::size_t column) const;
    int int32(std::size_t row, std::size_t column) const;
    bool boolean(std::size_t row, std::size_t column) const;
    double real(std::size_t row, std::size_t column) const;
    Instant instant(std::size_t row, std::size_t column) const;
    std::string bytes(std::size_t row, std::size_t column) const;
    std::optional<std::string> optional_text(std::size_t row, std::size_t column) const;
    std::optional<std::int64_t> optional_int64(std::size_t row, std::size_t column) const;
    std::optional<Instant> optional_instant(std::size_t row, std::size_t column) const;

    struct Impl;

private:
    friend class Transaction;
    friend class Connection;
    explicit Rows(std::shared_ptr<const Impl> impl);
    std::shared_ptr<const Impl> impl_;
};

// An open READ COMMITTED transaction. Repositories take one and never open or commit one themselves.
class Transaction {
public:
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    // One statement, parameters always bound. Throws DatabaseError; the transaction is then lost.
    Rows query(std::string_view statement, std::initializer_list<Parameter> parameters = {});
    Rows query(std::string_view statement, const std::vector<Parameter>& parameters);

    // Same, returning how many rows changed.
    std::int64_t execute(std::string_view statement, std::initializer_list<Parameter> parameters = {});

    // The same for a statement that nothing depends on but the commit: on a connection that prepares it runs while the
    // caller goes on, in its place in the sequence. What it throws, or `check` does when it is told how many rows changed,
    // is thrown by the next statement that is waited for, or by the commit.
    using Check = std::function<void(std::int64_t)>;
    void execute_later(std::string_view statement, const std::vector<Parameter>& parameters, Check check = nullptr);

    // Several statements in one text, no parameters: migrations only, on a connection that does not prepare.
    void run_script(std::string_view script);

    // Limits what the api role sees to one merchant, for this transaction alone.
    void see_only_merchant(std::string_view merchant_id);

private:
    friend class Connection;
    struct Impl;
    explicit Transaction(Impl& impl) : impl_(impl) {}
    Rows ask(std::string_view statement, const std::vector<const char*>& values);
    Impl& impl_;
};

class Connection {
public:
    // Connects at once. Throws Broken when the server is not reachable or refuses us.
    explicit Connection(const ConnectionSettings& settings);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // False after any lost link; then every transact() throws Broken.
    bool usable() const noexcept;
    int backend_process() const noexcept;

    // Runs `work` in one transaction and commits; an exception from `work` rolls back and passes through. Never
    // repeats anything. Throws Retryable, Broken, InDoubt (only from the commit), BadData or Misuse.
    void transact(const std::function<void(Transaction&)>& work);

    // Runs `work`, which only reads, without a transaction around it: each statement sees the database of its own moment, and
    // costs one round trip where a transaction of one statement costs three. Throws what transact() throws.
    void read(const std::function<void(Transaction&)>& work);

    // One statement outside of a transaction block (CREATE DATABASE and the like).
    Rows autocommit(std::string_view statement);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ordersaga::db
