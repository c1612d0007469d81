// A database of a benchmark's own: made anew, dropped at the end, whatever the benchmark came to. One thread.
#pragma once

#include "db/connection.hpp"

#include <memory>
#include <string>

namespace ordersaga::bench {

class OwnDatabase {
public:
    // `name` needs no quotes; what lies there from a run that was killed is dropped. Throws db::DatabaseError.
    OwnDatabase(std::string admin_dsn, std::string name);
    // What cannot be dropped is told on standard error.
    ~OwnDatabase();
    OwnDatabase(const OwnDatabase&) = delete;
    OwnDatabase& operator=(const OwnDatabase&) = delete;

    // To it, as the administrator.
    [[nodiscard]] std::unique_ptr<db::Connection> connect() const;

private:
    void drop() const;

    std::string admin_dsn_, name_;
};

}  // namespace ordersaga::bench
