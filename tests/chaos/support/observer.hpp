// Looks into the database, past every proxy, for when sagas moved again. Its clock is the database's, as that of all the
// times it compares. Main thread; throws db::DatabaseError while the database is away, and the next call tries anew.
#pragma once

#include "db/session.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordersaga::chaos {

class Observer {
public:
    // `dsn`: of a login that sees all merchants, like the engine's.
    explicit Observer(const std::string& dsn);

    [[nodiscard]] db::Instant now();
    // The first step of any saga after that.
    [[nodiscard]] std::optional<db::Instant> first_step_after(db::Instant when);
    // The first outcome after that of a command that was sent over the broker and answered over it.
    [[nodiscard]] std::optional<db::Instant> first_outcome_after(db::Instant when);

    // Attempts that a worker has, or will be given at once.
    using Attempts = std::vector<std::pair<std::string, std::string>>;  // command, token
    [[nodiscard]] Attempts attempts_under_way();
    // How many of them still have no outcome.
    [[nodiscard]] std::int64_t unanswered(const Attempts& attempts);

    // Sagas that were there then and are not settled now: neither final, nor stopped by an incident, nor waiting for goods
    // or money.
    [[nodiscard]] std::int64_t unsettled_since(db::Instant then);
    [[nodiscard]] std::string names_of_unsettled(db::Instant then);
    // Of all sagas, for finding what did not arrive.
    [[nodiscard]] std::int64_t sagas();
    [[nodiscard]] std::int64_t count(const std::string& statement);

private:
    std::optional<db::Instant> first(const char* statement, db::Instant when);
    db::Session session_;
};

}  // namespace ordersaga::chaos
