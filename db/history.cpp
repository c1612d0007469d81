#include "db/history.hpp"

#include "runtime/crash_point.hpp"

namespace ordersaga::db {

namespace {

// The functions belong to the owner of the tables: the engine itself may neither make nor drop any.
constexpr const char* kPrepare = "SELECT prepare_history($1::integer)";
constexpr const char* kForget = "SELECT forget_history($1::integer)";

int ask(Session& session, const char* statement, int months) {
    int changed = 0;
    session.transact([&](Transaction& transaction) {
        changed = transaction.query(statement, {months}).int32(0, 0);
        if (changed > 0) runtime::crash_point("history.months_changed");
    });
    return changed;
}

}  // namespace

int prepare_history(Session& session, int months_ahead) {
    return ask(session, kPrepare, months_ahead);
}

int forget_history(Session& session, int months) {
    return ask(session, kForget, months);
}

}  // namespace ordersaga::db
