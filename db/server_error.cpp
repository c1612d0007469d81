#include "db/server_error.hpp"

#include "db/errors.hpp"

namespace ordersaga::db {

namespace {

bool is_retryable(const std::string& sqlstate) {
    return sqlstate.starts_with("40") || sqlstate.starts_with("53") || sqlstate == "55P03" ||
           sqlstate.starts_with("57");
}

}  // namespace

// The first line of a server message names the table and the constraint; values come in the DETAIL lines below,
// except in class 22, where the offending text is quoted in the first line already.
std::string safe_message(const std::string& sqlstate, const std::string& full) {
    if (sqlstate.starts_with("22")) {
        return "the database cannot hold this value (" + sqlstate + ")";
    }
    const std::string first_line = full.substr(0, full.find('\n'));
    return first_line + " (" + (sqlstate.empty() ? "no SQLSTATE" : sqlstate) + ")";
}

// 57P01 to 57P05 and 25P03.
bool ends_session(const std::string& sqlstate) {
    return sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate == "25P03";
}

void throw_by_sqlstate(const std::string& sqlstate, const std::string& full, bool link_is_up) {
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

}  // namespace ordersaga::db
