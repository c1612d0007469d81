#include "tests/chaos/support/observer.hpp"

#include "db/parameters.hpp"

namespace ordersaga::chaos {
namespace {

constexpr const char* kNow = "SELECT clock_timestamp()";

constexpr const char* kFirstStep = "SELECT min(at) FROM saga_history WHERE at > $1::timestamptz";

// Nobody but a worker says "done".
constexpr const char* kFirstOutcome = R"sql(
    SELECT min(closed_at) FROM commands
     WHERE saga_id IS NOT NULL AND state = 'closed' AND outcome = 'done' AND closed_at > $1::timestamptz)sql";

constexpr const char* kUnderWay = R"sql(
    SELECT command_id, attempt_token FROM commands
     WHERE state = 'sent' AND (published_at IS NOT NULL OR sent_at < now() - interval '25 milliseconds')
       AND deadline > now())sql";

constexpr const char* kUnanswered = R"sql(
    SELECT count(*)
      FROM commands command JOIN unnest($1::uuid[], $2::text[]) AS asked (command_id, attempt_token) USING (command_id)
     WHERE command.state = 'sent' AND command.attempt_token = asked.attempt_token)sql";

constexpr const char* kUnsettled = R"sql(
    SELECT count(*), coalesce(left(string_agg(subject || ' in ' || state, ', '), 500), '') FROM sagas
     WHERE NOT final AND incident IS NULL AND state NOT IN ('Backordered', 'OnHold') AND created_at <= $1::timestamptz)sql";

}  // namespace

Observer::Observer(const std::string& dsn) : session_({dsn, "chaos-observer"}) {}

db::Instant Observer::now() {
    db::Instant now{};
    session_.transact([&](db::Transaction& transaction) { now = transaction.query(kNow).instant(0, 0); });
    return now;
}

std::optional<db::Instant> Observer::first(const char* statement, db::Instant when) {
    std::optional<db::Instant> found;
    session_.transact(
        [&](db::Transaction& transaction) { found = transaction.query(statement, {when}).optional_instant(0, 0); });
    return found;
}

std::optional<db::Instant> Observer::first_step_after(db::Instant when) {
    return first(kFirstStep, when);
}

std::optional<db::Instant> Observer::first_outcome_after(db::Instant when) {
    return first(kFirstOutcome, when);
}

Observer::Attempts Observer::attempts_under_way() {
    Attempts attempts;
    session_.transact([&](db::Transaction& transaction) {
        attempts.clear();
        const db::Rows rows = transaction.query(kUnderWay);
        for (std::size_t row = 0; row < rows.size(); ++row)
            attempts.emplace_back(rows.text(row, 0), rows.text(row, 1));
    });
    return attempts;
}

std::int64_t Observer::unanswered(const Attempts& attempts) {
    std::vector<std::string> commands, tokens;
    for (const auto& [command, token] : attempts) {
        commands.push_back(command);
        tokens.push_back(token);
    }
    std::int64_t count = 0;
    session_.transact([&](db::Transaction& transaction) {
        count = transaction.query(kUnanswered, {commands, tokens}).int64(0, 0);
    });
    return count;
}

std::int64_t Observer::unsettled_since(db::Instant then) {
    std::int64_t count = 0;
    session_.transact([&](db::Transaction& transaction) { count = transaction.query(kUnsettled, {then}).int64(0, 0); });
    return count;
}

std::string Observer::names_of_unsettled(db::Instant then) {
    std::string names;
    session_.transact([&](db::Transaction& transaction) { names = transaction.query(kUnsettled, {then}).text(0, 1); });
    return names;
}

std::int64_t Observer::sagas() {
    return count("SELECT count(*) FROM sagas");
}

std::int64_t Observer::count(const std::string& statement) {
    std::int64_t found = 0;
    session_.transact([&](db::Transaction& transaction) { found = transaction.query(statement).int64(0, 0); });
    return found;
}

}  // namespace ordersaga::chaos
