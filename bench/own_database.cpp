#include "bench/own_database.hpp"

#include "db/address.hpp"

#include <exception>
#include <iostream>
#include <utility>

namespace ordersaga::bench {

OwnDatabase::OwnDatabase(std::string admin_dsn, std::string name)
    : admin_dsn_(std::move(admin_dsn)), name_(std::move(name)) {
    drop();
    db::Connection({admin_dsn_, "bench"}).autocommit("CREATE DATABASE " + name_);
}

OwnDatabase::~OwnDatabase() {
    try {
        drop();
    } catch (const std::exception& error) {
        std::cerr << "the database " << name_ << " was left behind: " << error.what() << '\n';
    }
}

std::unique_ptr<db::Connection> OwnDatabase::connect() const {
    return std::make_unique<db::Connection>(
        db::ConnectionSettings{db::dsn_with(admin_dsn_, {{"dbname", name_}}), "bench"});
}

void OwnDatabase::drop() const {
    db::Connection({admin_dsn_, "bench"}).autocommit("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
}

}  // namespace ordersaga::bench
