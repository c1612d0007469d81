#include "tests/support/test_database.hpp"

#include "db/migrate.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <stdexcept>

namespace ordersaga::test {

namespace {

const db::RolePasswords kPasswords{"migrator-test", "engine-test", "worker-test", "api-test", "notifier-test"};

// Two test programs may come here at once.
constexpr const char* kLock = "SELECT pg_advisory_lock(7243300419)";
constexpr const char* kUnlock = "SELECT pg_advisory_unlock(7243300419)";

bool exists(db::Connection& connection, const std::string& database) {
    bool found = false;
    connection.transact([&](db::Transaction& transaction) {
        found =
            transaction.query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", {database}).boolean(0, 0);
    });
    return found;
}

// Names the template after its content, so that a changed migration gets a new one.
std::string template_name(db::Connection& connection) {
    std::string all;
    for (const db::Migration& migration : db::embedded_migrations()) {
        all.append(migration.name).append(migration.sql);
    }
    std::string name;
    connection.transact([&](db::Transaction& transaction) {
        name = "ordersaga_template_" + transaction.query("SELECT left(md5($1), 12)", {all}).text(0, 0);
    });
    return name;
}

// Built under another name and renamed, so that a template that exists is a complete one.
std::string make_template(db::Connection& connection) {
    connection.autocommit(kLock);
    const std::string name = template_name(connection);
    if (!exists(connection, name)) {
        const std::string draft = name + "_draft";
        connection.autocommit("DROP DATABASE IF EXISTS " + draft + " WITH (FORCE)");
        const std::string admin = admin_dsn_of_server();
        db::bootstrap(admin, draft, kPasswords);
        db::migrate(db::role_dsns(admin, draft, kPasswords).migrator);
        connection.autocommit("ALTER DATABASE " + draft + " RENAME TO " + name);
    }
    connection.autocommit(kUnlock);
    return name;
}

const std::string& template_of_this_build(db::Connection& connection) {
    static std::once_flag once;
    static std::string name;
    std::call_once(once, [&] { name = make_template(connection); });
    return name;
}

std::string fresh_name() {
    static std::atomic<int> count{0};
    return "ordersaga_test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
}

}  // namespace

const runtime::KeyRing& test_keys() {
    static const runtime::KeyRing ring = runtime::KeyRing::parse(runtime::new_key_line()).value();
    return ring;
}

std::string admin_dsn_of_server() {
    const char* dsn = std::getenv("ORDERSAGA_ADMIN_DSN");
    if (dsn == nullptr || *dsn == '\0') {
        throw std::runtime_error("ORDERSAGA_ADMIN_DSN is not set: run ./dev test integration, which starts a server");
    }
    return dsn;
}

TestDatabase::TestDatabase(Content content) : name_(fresh_name()) {
    const std::string admin = admin_dsn_of_server();
    db::Connection connection({admin, "ordersaga-test"});
    connection.autocommit("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
    if (content == Content::empty) {
        db::bootstrap(admin, name_, kPasswords);
    } else {
        const std::string& from = template_of_this_build(connection);
        connection.autocommit("CREATE DATABASE " + name_ + " TEMPLATE " + from + " OWNER ordersaga_owner");
        connection.autocommit("REVOKE ALL ON DATABASE " + name_ + " FROM PUBLIC");
        connection.autocommit(
            "GRANT CONNECT ON DATABASE " + name_ +
            " TO ordersaga_migrator, ordersaga_engine, ordersaga_worker, ordersaga_api, ordersaga_notifier");
    }
    dsns_ = db::role_dsns(admin, name_, kPasswords);
    const char* spoil = std::getenv("ORDERSAGA_SPOIL_SCHEMA");
    if (spoil != nullptr && content == Content::migrated)
        db::Connection({admin_dsn(), "ordersaga-test"}).autocommit(spoil);
}

TestDatabase::~TestDatabase() {
    try {
        db::Connection connection({admin_dsn_of_server(), "ordersaga-test"});
        connection.autocommit("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
    } catch (const std::exception& error) {
        std::cerr << "test database " << name_ << " was left behind: " << error.what() << '\n';
    }
}

std::string TestDatabase::admin_dsn() const {
    return db::dsn_with(admin_dsn_of_server(), {{"dbname", name_}});
}

void TestDatabase::cut_connections() const {
    db::Connection connection({admin_dsn_of_server(), "ordersaga-test"});
    connection.transact([&](db::Transaction& transaction) {
        transaction.query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", {name_});
    });
}

}  // namespace ordersaga::test
