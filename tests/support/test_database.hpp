// A database of one's own for one test: cloned from a migrated template (about 50 ms), dropped at the end. The server
// is the one at ORDERSAGA_ADMIN_DSN; a test that is run without it fails, naming the variable. tools/run_mutants takes
// something away from every migrated one, by the statement ORDERSAGA_SPOIL_SCHEMA.
#pragma once

#include "db/bootstrap.hpp"
#include "runtime/sealing.hpp"

#include <string>

namespace ordersaga::test {

class TestDatabase {
public:
    enum class Content { migrated, empty };

    explicit TestDatabase(Content content = Content::migrated);
    ~TestDatabase();
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;

    const std::string& name() const noexcept { return name_; }
    const db::RoleDsns& dsns() const noexcept { return dsns_; }
    // A superuser's address of this database: for tampering and looking, never for the code under test.
    std::string admin_dsn() const;

    // Ends every session on this database but the asking one, as a server restart would.
    void cut_connections() const;

private:
    std::string name_;
    db::RoleDsns dsns_;
};

// What seals personal data in every test database.
const runtime::KeyRing& test_keys();

// ORDERSAGA_ADMIN_DSN; throws std::runtime_error when it is not set.
std::string admin_dsn_of_server();

}  // namespace ordersaga::test
