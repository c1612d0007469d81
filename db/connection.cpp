#include "db/connection.hpp"

#include "db/pipeline.hpp"
#include "db/pqxx_bridge.hpp"
#include "db/server_error.hpp"
#include "runtime/crash_point.hpp"
#include "runtime/planted.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <exception>
#include <stdexcept>

namespace ordersaga::db {

namespace {

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

// An answer, by whom it was asked for.
struct Rows::Impl {
    virtual ~Impl() = default;
    virtual std::size_t size() const noexcept = 0;
    virtual std::size_t columns() const noexcept = 0;
    virtual std::int64_t affected() const noexcept = 0;
    // nullopt: null. The row and the column are there.
    virtual std::optional<std::string_view> value(std::size_t row, std::size_t column) const = 0;

    std::optional<std::string_view> at(std::size_t row, std::size_t column) const {
        if (row >= size() || column >= columns()) throw std::logic_error("the answer has no such row or column");
        return value(row, column);
    }
};

namespace {

class PlainAnswer final : public Rows::Impl {
public:
    explicit PlainAnswer(pqxx::result all) : all_(std::move(all)) {}
    std::size_t size() const noexcept override { return static_cast<std::size_t>(all_.size()); }
    std::size_t columns() const noexcept override { return static_cast<std::size_t>(all_.columns()); }
    std::int64_t affected() const noexcept override { return static_cast<std::int64_t>(all_.affected_rows()); }
    std::optional<std::string_view> value(std::size_t row, std::size_t column) const override {
        const pqxx::field field = all_[static_cast<pqxx::result::size_type>(row)][static_cast<Column>(column)];
        if (field.is_null()) return std::nullopt;
        return std::string_view(field.c_str(), static_cast<std::size_t>(field.size()));
    }

private:
    using Column = pqxx::row::size_type;
    pqxx::result all_;
};

class PipelinedAnswer final : public Rows::Impl {
public:
    explicit PipelinedAnswer(Answer all) : all_(std::move(all)) {}
    std::size_t size() const noexcept override { return static_cast<std::size_t>(PQntuples(all_.get())); }
    std::size_t columns() const noexcept override { return static_cast<std::size_t>(PQnfields(all_.get())); }
    std::int64_t affected() const noexcept override { return affected_rows(all_.get()); }
    std::optional<std::string_view> value(std::size_t row, std::size_t column) const override {
        const int at_row = static_cast<int>(row), at_column = static_cast<int>(column);
        if (PQgetisnull(all_.get(), at_row, at_column) == 1) return std::nullopt;
        return std::string_view(
            PQgetvalue(all_.get(), at_row, at_column),
            static_cast<std::size_t>(PQgetlength(all_.get(), at_row, at_column)));
    }

private:
    Answer all_;
};

constexpr std::chrono::minutes plans_good_for_at_most{5};

// Whoever leaves a transaction, however, leaves nothing of it to run.
class Leaving {
public:
    explicit Leaving(Pipeline* pipeline) : pipeline_(pipeline) {}
    Leaving(const Leaving&) = delete;
    Leaving& operator=(const Leaving&) = delete;
    ~Leaving() { now(); }
    void now() noexcept {
        if (pipeline_ != nullptr) pipeline_->leave();
    }

private:
    Pipeline* pipeline_;
};

}  // namespace

struct Transaction::Impl {
    pqxx::transaction_base& transaction;
    bridge::Link& connection;
    Pipeline* pipeline;  // of a connection that prepares
    bool failed = false;

    Rows ask(std::string_view statement, const std::vector<const char*>& values) {
        const std::string text = runtime::planted_statement(statement);
        if (pipeline != nullptr) return Rows(std::make_shared<PipelinedAnswer>(pipeline->ask(text, values)));
        try {
            return Rows(std::make_shared<PlainAnswer>(bridge::execute(transaction, text, values)));
        } catch (...) {
            rethrow_as_ours(connection.is_open());
        }
    }

    // What is done with the statements of a transaction; after a fault none of it counts.
    template <class Work>
    auto guarded(const Work& work) {
        try {
            return work();
        } catch (...) {
            failed = true;
            throw;
        }
    }
};

struct Connection::Impl {
    explicit Impl(const std::string& dsn) : connection(dsn), silencer(connection) {}

    Pipeline* used_pipeline() { return pipeline ? &*pipeline : nullptr; }

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

    bridge::Link connection;
    bridge::NoticeSilencer silencer;
    std::optional<Pipeline> pipeline;  // of a connection that prepares
    std::chrono::steady_clock::time_point planned_at = std::chrono::steady_clock::now();
    std::chrono::steady_clock::duration plans_good_for = std::chrono::seconds(1);
    int backend_process = 0;
    bool usable = true;
};

Rows::Rows(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

std::size_t Rows::size() const noexcept {
    return impl_->size();
}

std::int64_t Rows::affected() const noexcept {
    return impl_->affected();
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
    return !impl_->at(row, column);
}

std::string_view Rows::view(std::size_t row, std::size_t column) const {
    const std::optional<std::string_view> value = impl_->at(row, column);
    if (!value) refuse_value("value but null", column);
    return *value;
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
    return impl_.guarded([&] { return impl_.ask(statement, values); });
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

void Transaction::execute_later(std::string_view statement, const std::vector<Parameter>& parameters, Check check) {
    const std::vector<const char*> values = values_of(parameters);
    impl_.guarded([&] {
        if (impl_.pipeline != nullptr)
            return impl_.pipeline->send(runtime::planted_statement(statement), values, std::move(check));
        const std::int64_t changed = impl_.ask(statement, values).affected();
        if (check) check(changed);
    });
}

void Transaction::run_script(std::string_view script) {
    if (impl_.pipeline != nullptr) throw Misuse("a connection that prepares runs no scripts", "", "");
    impl_.guarded([&] {
        try {
            impl_.transaction.exec(std::string(script));
        } catch (...) {
            rethrow_as_ours(impl_.connection.is_open());
        }
    });
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
            impl_->pipeline.emplace(impl_->connection.handle());
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
        if (impl_->pipeline && impl_->plans_are_old()) transaction.exec("DISCARD PLANS");
        Transaction::Impl shared{transaction, impl_->connection, impl_->used_pipeline()};
        Transaction ours(shared);
        Leaving leaving(impl_->used_pipeline());
        work(ours);
        if (impl_->pipeline) impl_->pipeline->settle();
        leaving.now();
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
        Transaction::Impl shared{statements, impl_->connection, impl_->used_pipeline()};
        Transaction ours(shared);
        const Leaving leaving(impl_->used_pipeline());
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
        return Rows(std::make_shared<PlainAnswer>(bridge::execute(transaction, std::string(statement), {})));
    } catch (...) {
        if (!impl_->connection.is_open()) {
            impl_->mark_broken();
        }
        rethrow_as_ours(impl_->connection.is_open());
    }
}

}  // namespace ordersaga::db
