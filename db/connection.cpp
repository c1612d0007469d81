#include "db/connection.hpp"

#include "db/follower.hpp"
#include "db/pqxx_bridge.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/planted.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <unordered_map>

namespace ordersaga::db {

namespace {

// The first line of a server message names the table and the constraint; values come in the DETAIL lines below,
// except in class 22, where the offending text is quoted in the first line already.
std::string safe_message(const std::string& sqlstate, const std::string& full) {
    if (sqlstate.starts_with("22")) {
        return "the database cannot hold this value (" + sqlstate + ")";
    }
    const std::string first_line = full.substr(0, full.find('\n'));
    return first_line + " (" + (sqlstate.empty() ? "no SQLSTATE" : sqlstate) + ")";
}

bool is_retryable(const std::string& sqlstate) {
    return sqlstate.starts_with("40") || sqlstate.starts_with("53") || sqlstate == "55P03" ||
           sqlstate.starts_with("57");
}

// 57P01 to 57P05 and 25P03: the server ends our session (shutdown, crash, terminated, database dropped, idle too long).
bool ends_session(const std::string& sqlstate) {
    return sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate == "25P03";
}

// 6.4 loses the SQLSTATE of some errors; the type still tells the class. Empty when it tells nothing.
std::string sqlstate_of(const pqxx::sql_error& error) {
    if (!error.sqlstate().empty()) {
        return error.sqlstate();
    }
    if (dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr) {
        return "42501";
    }
    if (dynamic_cast<const pqxx::data_exception*>(&error) != nullptr) {
        return "22000";
    }
    if (dynamic_cast<const pqxx::integrity_constraint_violation*>(&error) != nullptr) {
        return "23000";
    }
    if (dynamic_cast<const pqxx::insufficient_resources*>(&error) != nullptr) {
        return "53000";
    }
    return {};
}

[[noreturn]] void throw_by_sqlstate(const std::string& sqlstate, const std::string& full, bool link_is_up) {
    const std::string message = safe_message(sqlstate, full);
    if (ends_session(sqlstate) || !link_is_up) {
        throw Broken(message, sqlstate, full);
    }
    if (is_retryable(sqlstate)) {
        throw Retryable(message, sqlstate, full);
    }
    if (sqlstate.starts_with("22") || sqlstate.starts_with("23")) {
        throw BadData(message, sqlstate, full);
    }
    throw Misuse(message, sqlstate, full);
}

// Turns whatever the client library threw into one of ours. Called from inside a catch block.
[[noreturn]] void rethrow_as_ours(bool link_is_up) {
    try {
        throw;
    } catch (const DatabaseError&) {
        throw;
    } catch (const pqxx::broken_connection& error) {
        throw Broken("the connection to the database is lost", "", error.what());
    } catch (const pqxx::in_doubt_error& error) {
        throw InDoubt("the database was lost while committing", "", error.what());
#if PQXX_VERSION_MAJOR < 7
    } catch (const pqxx::serialization_failure& error) {
        // In 6.4 these do not derive from sql_error and carry no SQLSTATE.
        throw Retryable(safe_message("40001", error.what()), "40001", error.what());
    } catch (const pqxx::deadlock_detected& error) {
        throw Retryable(safe_message("40P01", error.what()), "40P01", error.what());
    } catch (const pqxx::transaction_rollback& error) {
        throw Retryable(safe_message("40000", error.what()), "40000", error.what());
#endif
    } catch (const pqxx::sql_error& error) {
        throw_by_sqlstate(sqlstate_of(error), error.what(), link_is_up);
    } catch (const pqxx::failure& error) {
        throw Misuse(error.what(), "", error.what());
    } catch (const pqxx::usage_error& error) {
        throw Misuse(error.what(), "", error.what());
    } catch (const pqxx::internal_error& error) {
        throw Misuse(error.what(), "", error.what());
    }
    // Anything else is an exception of the caller's own work and passes as it is.
}

}  // namespace

struct Rows::Impl {
    explicit Impl(pqxx::result all) : result(std::move(all)) {}

    // Rows are read from left to right: one place is kept and moved, for each that is made holds on to the whole answer.
    const pqxx::field& field_at(std::size_t row, std::size_t column) const {
        if (row >= static_cast<std::size_t>(result.size()) || column >= static_cast<std::size_t>(result.columns())) {
            throw std::logic_error("the answer has no such row or column");
        }
        if (!place || place_row != row) {
            place.emplace(result[static_cast<pqxx::result::size_type>(row)].begin());
            place_row = row;
            place_column = 0;
        }
        *place += static_cast<pqxx::const_row_iterator::difference_type>(column) -
                  static_cast<pqxx::const_row_iterator::difference_type>(place_column);
        place_column = column;
        return *place;
    }

    pqxx::result result;
    mutable std::optional<pqxx::const_row_iterator> place;
    mutable std::size_t place_row = 0, place_column = 0;
};

namespace {

constexpr std::chrono::minutes plans_good_for_at_most{5};

// Whoever leaves a transaction, however, leaves nothing of it to run.
struct Abandon {
    Follower* follower;
    ~Abandon() {
        if (follower != nullptr) follower->drop();
    }
};

// The statements that a connection has prepared, by their text.
class Prepared {
public:
    // The name to execute it by; nullptr: these are not few constant ones, and it is executed as it is.
    const std::string* name_of(pqxx::connection& connection, const std::string& statement) {
        const auto known = names_.find(statement);
        if (known != names_.end()) return &known->second;
        if (names_.size() >= most) return nullptr;
        const std::string name = "s" + std::to_string(names_.size());
        connection.prepare(name, statement);
        return &names_.emplace(statement, name).first->second;
    }

private:
    static constexpr std::size_t most = 400;
    std::unordered_map<std::string, std::string> names_;
};

}  // namespace

struct Transaction::Impl {
    pqxx::transaction_base& transaction;
    pqxx::connection& connection;
    Prepared* prepared = nullptr;
    Follower* follower = nullptr;
    bool failed = false;

    // Before this thread uses the connection.
    void catch_up() {
        if (follower == nullptr) return;
        try {
            follower->wait();
        } catch (...) {
            failed = true;
            throw;
        }
    }

    Rows ask(std::string_view statement, const std::vector<const char*>& values) {
        try {
            return Rows(std::make_shared<const Rows::Impl>(run(runtime::planted_statement(statement), values)));
        } catch (...) {
            rethrow_as_ours(connection.is_open());
        }
    }

    pqxx::result run(const std::string& statement, const std::vector<const char*>& values) {
        const std::string* name = prepared == nullptr ? nullptr : prepared->name_of(connection, statement);
        return name == nullptr ? bridge::execute(transaction, statement, values)
                               : bridge::execute_prepared(transaction, *name, values);
    }
};

struct Connection::Impl {
    explicit Impl(const std::string& dsn) : connection(dsn), silencer(connection) {}

    void mark_broken() noexcept { usable = false; }

    // A different backend means that the library reconnected behind our back.
    void require_same_backend() {
        if (!usable || !connection.is_open() || connection.backendpid() != backend_process) {
            mark_broken();
            throw Broken("the connection to the database is lost", "", "connection object is no longer usable");
        }
    }

    // A plan is made for the tables as they are then, and lasts; the first ones, of a new database, for empty tables.
    bool plans_are_old() {
        const auto now = std::chrono::steady_clock::now();
        if (now - planned_at < plans_good_for) return false;
        planned_at = now;
        plans_good_for = std::min<std::chrono::steady_clock::duration>(2 * plans_good_for, plans_good_for_at_most);
        return true;
    }

    pqxx::connection connection;
    bridge::NoticeSilencer silencer;
    std::optional<Prepared> prepared;
    std::unique_ptr<Follower> follower;  // together with `prepared`
    std::chrono::steady_clock::time_point planned_at = std::chrono::steady_clock::now();
    std::chrono::steady_clock::duration plans_good_for = std::chrono::seconds(1);
    int backend_process = 0;
    bool usable = true;
};

Rows::Rows(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

std::size_t Rows::size() const noexcept {
    return static_cast<std::size_t>(impl_->result.size());
}

std::int64_t Rows::affected() const noexcept {
    return static_cast<std::int64_t>(impl_->result.affected_rows());
}

namespace {

[[noreturn]] void refuse_value(const char* wanted, std::size_t column) {
    throw std::logic_error("column " + std::to_string(column) + " of the answer is no " + wanted);
}

int hex_digit(char character, std::size_t column) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    refuse_value("bytea", column);
}

}  // namespace

bool Rows::is_null(std::size_t row, std::size_t column) const {
    return impl_->field_at(row, column).is_null();
}

std::string_view Rows::view(std::size_t row, std::size_t column) const {
    const pqxx::field& field = impl_->field_at(row, column);
    if (field.is_null()) {
        refuse_value("value but null", column);
    }
    return {field.c_str(), static_cast<std::size_t>(field.size())};
}

std::int64_t Rows::int64(std::size_t row, std::size_t column) const {
    const std::string_view text = view(row, column);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        refuse_value("64-bit integer", column);
    }
    return value;
}

int Rows::int32(std::size_t row, std::size_t column) const {
    const std::int64_t value = int64(row, column);
    if (value < INT32_MIN || value > INT32_MAX) {
        refuse_value("32-bit integer", column);
    }
    return static_cast<int>(value);
}

bool Rows::boolean(std::size_t row, std::size_t column) const {
    const std::string_view text = view(row, column);
    if (text != "t" && text != "f") {
        refuse_value("boolean", column);
    }
    return text == "t";
}

double Rows::real(std::size_t row, std::size_t column) const {
    const std::string_view text = view(row, column);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) {
        refuse_value("number", column);
    }
    return value;
}

Instant Rows::instant(std::size_t row, std::size_t column) const {
    try {
        return parse_timestamp(view(row, column));
    } catch (const std::invalid_argument&) {
        refuse_value("timestamp", column);
    }
}

std::string Rows::bytes(std::size_t row, std::size_t column) const {
    const std::string_view text = view(row, column);
    if (!text.starts_with("\\x") || text.size() % 2 != 0) {
        refuse_value("bytea", column);
    }
    std::string value;
    value.reserve(text.size() / 2 - 1);
    for (std::size_t position = 2; position < text.size(); position += 2) {
        const int byte = hex_digit(text[position], column) * 16 + hex_digit(text[position + 1], column);
        value.push_back(static_cast<char>(byte));
    }
    return value;
}

std::optional<std::string> Rows::optional_text(std::size_t row, std::size_t column) const {
    return is_null(row, column) ? std::nullopt : std::optional(text(row, column));
}

std::optional<std::int64_t> Rows::optional_int64(std::size_t row, std::size_t column) const {
    return is_null(row, column) ? std::nullopt : std::optional(int64(row, column));
}

std::optional<Instant> Rows::optional_instant(std::size_t row, std::size_t column) const {
    return is_null(row, column) ? std::nullopt : std::optional(instant(row, column));
}

namespace {

template <class Parameters>
std::vector<const char*> values_of(const Parameters& parameters) {
    std::vector<const char*> values;
    values.reserve(parameters.size());
    for (const Parameter& parameter : parameters) {
        values.push_back(parameter.text() ? parameter.text()->c_str() : nullptr);
    }
    return values;
}

}  // namespace

Rows Transaction::ask(std::string_view statement, const std::vector<const char*>& values) {
    impl_.catch_up();
    try {
        return impl_.ask(statement, values);
    } catch (...) {
        impl_.failed = true;
        throw;
    }
}

Rows Transaction::query(std::string_view statement, const std::vector<Parameter>& parameters) {
    return ask(statement, values_of(parameters));
}

Rows Transaction::query(std::string_view statement, std::initializer_list<Parameter> parameters) {
    return ask(statement, values_of(parameters));
}

std::int64_t Transaction::execute(std::string_view statement, std::initializer_list<Parameter> parameters) {
    return query(statement, parameters).affected();
}

void Transaction::execute_later(std::string_view statement, std::vector<Parameter> parameters, Check check) {
    auto work = [impl = &impl_, text = std::string(statement), given = std::move(parameters),
                 check = std::move(check)] {
        const std::int64_t changed = impl->ask(text, values_of(given)).affected();
        if (check) check(changed);
    };
    if (impl_.follower != nullptr) return impl_.follower->give(std::move(work));
    try {
        work();
    } catch (...) {
        impl_.failed = true;
        throw;
    }
}

void Transaction::run_script(std::string_view script) {
    impl_.catch_up();
    try {
        impl_.transaction.exec(std::string(script));
    } catch (...) {
        impl_.failed = true;
        rethrow_as_ours(impl_.connection.is_open());
    }
}

void Transaction::see_only_merchant(std::string_view merchant_id) {
    // The third argument makes it end with the transaction: nothing is left behind for the next user of a pooled
    // connection. What people look at is read off an index: starting other processes to help takes longer than that.
    query(
        "SELECT set_config('ordersaga.merchant', $1, true), set_config('max_parallel_workers_per_gather', '0', true)",
        {merchant_id});
}

Connection::Connection(const ConnectionSettings& settings) {
    const std::string dsn = dsn_with(
        settings.dsn, {{"application_name", settings.application_name},
                       {"client_encoding", "UTF8"},
                       {"connect_timeout", "5"},
                       {"keepalives_idle", "10"},
                       {"keepalives_interval", "5"},
                       {"keepalives_count", "3"},
                       {"tcp_user_timeout", "15000"}});
    try {
        impl_ = std::make_unique<Impl>(dsn);
        impl_->backend_process = impl_->connection.backendpid();
        // Compiling a statement takes longer than any of ours takes to run.
        pqxx::nontransaction(impl_->connection).exec("SET jit = off");
        if (settings.prepares) {
            // Planned once, however many rows come: by default lists of few elements are planned anew each time. And planned
            // for few keys in large tables, whatever the tables hold by then: a join of whole tables is never right.
            for (const char* setting :
                 {"SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", "SET enable_hashjoin = off",
                  "SET enable_mergejoin = off"})
                pqxx::nontransaction(impl_->connection).exec(setting);
            impl_->prepared.emplace();
            impl_->follower = std::make_unique<Follower>();
        }
        bridge::forbid_reconnect(impl_->connection);
    } catch (const std::exception& error) {
        throw Broken("cannot connect to the database " + dsn_without_password(settings.dsn), "", error.what());
    }
}

Connection::~Connection() = default;

bool Connection::usable() const noexcept {
    return impl_->usable && impl_->connection.is_open();
}

int Connection::backend_process() const noexcept {
    return impl_->backend_process;
}

void Connection::transact(const std::function<void(Transaction&)>& work) {
    impl_->require_same_backend();
    try {
        pqxx::work transaction(impl_->connection);
        impl_->require_same_backend();
        if (impl_->prepared && impl_->plans_are_old()) transaction.exec("DISCARD PLANS");
        Transaction::Impl shared{
            transaction, impl_->connection, impl_->prepared ? &*impl_->prepared : nullptr, impl_->follower.get()};
        Transaction ours(shared);
        const Abandon abandon{impl_->follower.get()};
        work(ours);
        shared.catch_up();
        if (shared.failed) {
            throw Misuse("work went on after one of its statements had failed", "", "");
        }
        runtime::crash_point("db.before_commit");
        try {
            transaction.commit();
        } catch (const pqxx::broken_connection& error) {
            throw InDoubt("the database was lost while committing", "", error.what());
        } catch (const pqxx::sql_error& error) {
            // The session ended by the server, or no word on what happened: perhaps applied, perhaps not.
            if (sqlstate_of(error).empty() || ends_session(sqlstate_of(error)) || !impl_->connection.is_open()) {
                throw InDoubt("the database was lost while committing", error.sqlstate(), error.what());
            }
            throw;
        }
        runtime::crash_point("db.after_commit");
    } catch (const Broken&) {
        impl_->mark_broken();
        throw;
    } catch (const InDoubt&) {
        impl_->mark_broken();
        throw;
    } catch (...) {
        if (!impl_->connection.is_open()) {
            impl_->mark_broken();
        }
        try {
            rethrow_as_ours(impl_->connection.is_open());
        } catch (const Broken&) {
            impl_->mark_broken();
            throw;
        } catch (const InDoubt&) {
            impl_->mark_broken();
            throw;
        }
    }
}

void Connection::read(const std::function<void(Transaction&)>& work) {
    impl_->require_same_backend();
    try {
        pqxx::nontransaction statements(impl_->connection);
        Transaction::Impl shared{statements, impl_->connection, impl_->prepared ? &*impl_->prepared : nullptr};
        Transaction ours(shared);
        work(ours);
    } catch (const Broken&) {
        impl_->mark_broken();
        throw;
    } catch (...) {
        if (!impl_->connection.is_open()) {
            impl_->mark_broken();
        }
        rethrow_as_ours(impl_->connection.is_open());
    }
}

Rows Connection::autocommit(std::string_view statement) {
    impl_->require_same_backend();
    try {
        pqxx::nontransaction transaction(impl_->connection);
        return Rows(std::make_shared<const Rows::Impl>(bridge::execute(transaction, std::string(statement), {})));
    } catch (...) {
        if (!impl_->connection.is_open()) {
            impl_->mark_broken();
        }
        rethrow_as_ours(impl_->connection.is_open());
    }
}

}  // namespace ordersaga::db
