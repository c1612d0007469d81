#include "db/pipeline.hpp"

#include "db/errors.hpp"
#include "db/server_error.hpp"

#include <charconv>
#include <cstring>
#include <utility>

namespace ordersaga::db {

namespace {

// Statements are few constant ones; more than that are not, and are planned each time.
constexpr std::size_t most_prepared = 400;

std::string field_of(const PGresult* answer, int code) {
    const char* text = PQresultErrorField(answer, code);
    return text == nullptr ? std::string() : std::string(text);
}

}  // namespace

std::int64_t affected_rows(const PGresult* answer) {
    // libpq only reads it, and says so in no signature.
    const char* text = PQcmdTuples(const_cast<PGresult*>(answer));
    std::int64_t count = 0;
    std::from_chars(text, text + std::strlen(text), count);
    return count;
}

void Pipeline::throw_lost() {
    expected_.clear();
    if (fault_) std::rethrow_exception(std::exchange(fault_, nullptr));  // knows more of it
    throw Broken("the connection to the database is lost", "", PQerrorMessage(connection_));
}

void Pipeline::must_send(int accepted) {
    if (accepted == 1) return;
    if (PQstatus(connection_) != CONNECTION_OK) throw_lost();
    throw Misuse("a statement could not be sent", "", PQerrorMessage(connection_));
}

void Pipeline::enter() {
    if (entered_) return;
    must_send(PQenterPipelineMode(connection_));
    entered_ = true;
}

// Prepared once and waited for; nullptr: there are many already, or the fault is noted.
Pipeline::Statement* Pipeline::prepared(const std::string& text) {
    if (statements_.size() >= most_prepared && !statements_.contains(text)) return nullptr;
    const auto [place, is_new] = statements_.try_emplace(text);
    Statement& statement = place->second;
    if (is_new) {
        statement.name = "s" + std::to_string(statements_.size());
    }
    if (!statement.known) {
        must_send(PQsendPrepare(connection_, statement.name.c_str(), text.c_str(), 0, nullptr));
        expected_.push_back({Expected::Kind::prepared, &statement, nullptr, false});
        read_all();
    }
    return &statement;
}

void Pipeline::put(const std::string& text, const std::vector<const char*>& values, Check check, bool wanted) {
    if (fault_) return;
    enter();
    const Statement* statement = prepared(text);
    if (fault_) return;
    const int count = static_cast<int>(values.size());
    must_send(
        statement == nullptr
            ? PQsendQueryParams(connection_, text.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0)
            : PQsendQueryPrepared(connection_, statement->name.c_str(), count, values.data(), nullptr, nullptr, 0));
    expected_.push_back({Expected::Kind::executed, nullptr, std::move(check), wanted});
}

void Pipeline::send(const std::string& statement, const std::vector<const char*>& values, Check check) {
    put(statement, values, std::move(check), false);
    // Without this the server would hear of it only when there is more.
    if (entered_ && PQflush(connection_) < 0) throw_lost();
}

Answer Pipeline::ask(const std::string& statement, const std::vector<const char*>& values) {
    put(statement, values, nullptr, true);
    settle();
    return std::exchange(wanted_, nullptr);
}

void Pipeline::settle() {
    if (!expected_.empty()) read_all();
    if (fault_) std::rethrow_exception(std::exchange(fault_, nullptr));
}

void Pipeline::read_all() {
    // The answers leave the server with it, and after a fault it goes on behind it.
    must_send(PQpipelineSync(connection_));
    expected_.push_back({Expected::Kind::synced, nullptr, nullptr, false});
    while (!expected_.empty()) {
        const Expected expected = std::move(expected_.front());
        expected_.pop_front();
        read(expected);
    }
}

Answer Pipeline::next_answer() {
    return Answer(PQgetResult(connection_), [](const PGresult* it) { PQclear(const_cast<PGresult*>(it)); });
}

void Pipeline::read(const Expected& expected) {
    const Answer answer = next_answer();
    if (!answer) throw_lost();
    if (expected.kind == Expected::Kind::synced) return;
    // A null ends the answers to one statement; only what is copied has several.
    if (next_answer()) throw Misuse("a statement had more than one answer", "", "");
    try {
        take(expected, answer);
    } catch (...) {
        if (!fault_) fault_ = std::current_exception();
    }
}

void Pipeline::take(const Expected& expected, const Answer& answer) {
    switch (PQresultStatus(answer.get())) {
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK: break;
        case PGRES_PIPELINE_ABORTED: return;  // behind a fault
        default:
            throw_by_sqlstate(
                field_of(answer.get(), PG_DIAG_SQLSTATE), PQresultErrorMessage(answer.get()),
                PQstatus(connection_) == CONNECTION_OK);
    }
    if (expected.statement != nullptr) expected.statement->known = true;
    if (expected.check && !fault_) expected.check(affected_rows(answer.get()));
    if (expected.wanted) wanted_ = answer;
}

void Pipeline::leave() noexcept {
    if (!entered_) return;
    try {
        if (!expected_.empty()) read_all();
    } catch (const std::exception&) {
        // The link is lost, and so is the transaction that somebody is leaving.
    }
    expected_.clear();
    wanted_ = nullptr;
    fault_ = nullptr;
    PQexitPipelineMode(connection_);
    entered_ = false;
}

}  // namespace ordersaga::db
