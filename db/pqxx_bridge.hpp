// Everything in which libpqxx 6.4 (Debian 12) and 7.x (Debian 13, Ubuntu 24.04) differ, and nothing else. Included
// by connection.cpp alone: the rest of db/ sees our own types.
#pragma once

#include <libpq-fe.h>
#include <pqxx/pqxx>

#include <string>
#include <vector>

// 6.4 says its version in text and two numbers, as 7.x does.
#if !defined(PQXX_VERSION_MAJOR) || !defined(PQXX_VERSION_MINOR)
#error "libpqxx without version numbers is not known to work"
#endif

namespace ordersaga::db::bridge {

// A connection whose libpq handle is known, for what libpqxx has no word for. It lives as long as the connection is open.
#if PQXX_VERSION_MAJOR < 7
class HandleKept : public pqxx::connect_direct {
public:
    using pqxx::connect_direct::connect_direct;
    handle do_startconnect(handle before) override { return handle_ = connect_direct::do_startconnect(before); }
    PGconn* connected() const { return handle_; }

private:
    PGconn* handle_ = nullptr;
};

struct Policy {
    explicit Policy(const std::string& dsn) : policy(dsn) {}
    HandleKept policy;
};

// The policy is a base: the connection uses it from its construction to its end.
class Link : private Policy, public pqxx::connection_base {
public:
    explicit Link(const std::string& dsn) : Policy(dsn), pqxx::connection_base(Policy::policy) { init(); }
    ~Link() { close(); }
    PGconn* handle() const { return Policy::policy.connected(); }
};
#else
class Link : public pqxx::connection {
public:
    explicit Link(const std::string& dsn) : Link(connected(dsn)) {}
    PGconn* handle() const { return handle_; }

private:
    explicit Link(PGconn* handle) : pqxx::connection(seize_raw_connection(handle)), handle_(handle) {}

    static PGconn* connected(const std::string& dsn) {
        PGconn* handle = PQconnectdb(dsn.c_str());
        if (PQstatus(handle) == CONNECTION_OK) return handle;
        const std::string reason = handle == nullptr ? "out of memory" : PQerrorMessage(handle);
        PQfinish(handle);
        throw pqxx::broken_connection(reason);
    }

    PGconn* handle_;
};
#endif

// 6.x reactivates a lost connection by itself, losing locks and settings unnoticed. 7.x never does.
inline void forbid_reconnect(Link& connection) {
#if PQXX_VERSION_MAJOR < 7
    // Deprecated only because 7.x needs it no more.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
#else
    (void)connection;
#endif
}

// Server notices go nowhere instead of to standard error, where they would break structured logs.
#if PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10)
struct NoticeSilencer {
    explicit NoticeSilencer(Link& connection) {
        connection.set_notice_handler([](pqxx::zview) noexcept {});
    }
};
#else
struct NoticeSilencer {
    explicit NoticeSilencer(Link& connection) : handler_(connection) {}

private:
    pqxx::quiet_errorhandler handler_;
};
#endif

#if PQXX_VERSION_MAJOR >= 7
inline pqxx::params parameters_of(const std::vector<const char*>& values) {
    pqxx::params parameters;
    parameters.reserve(values.size());
    for (const char* value : values) {
        if (value == nullptr) {
            parameters.append();
        } else {
            parameters.append(pqxx::zview(value));
        }
    }
    return parameters;
}
#endif

inline pqxx::result execute(
    pqxx::transaction_base& transaction,
    const std::string& statement,
    const std::vector<const char*>& values) {
#if PQXX_VERSION_MAJOR < 7
    return transaction.exec_params(statement, pqxx::prepare::make_dynamic_params(values));
#else
    const pqxx::params parameters = parameters_of(values);
#if PQXX_VERSION_MAJOR > 7 || PQXX_VERSION_MINOR >= 10
    return transaction.exec(pqxx::zview(statement), parameters);
#else
    return transaction.exec_params(statement, parameters);
#endif
#endif
}

}  // namespace ordersaga::db::bridge
