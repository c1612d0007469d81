// The simulated world's rows in a real PostgreSQL, through the store that production uses. Time stays simulated: in this
// database now() is a function of our own, found before the built-in one by the search path, that reads the moment of the
// simulation from a row. Nothing of the code under test knows.
//
// Faults: transactions that are rolled back instead of committed, commits whose answer is withheld, and connections that
// are really cut before the commit. Where in a transaction it breaks is the simulated store's to try.
#pragma once

#include "db/connection.hpp"
#include "tests/simulation/world.hpp"
#include "tests/support/test_database.hpp"

#include <memory>
#include <vector>

namespace ordersaga::simulation {

class PostgresqlGround final : public Ground {
public:
    PostgresqlGround(runtime::Clock& clock, Weather& weather);
    ~PostgresqlGround() override;

    void open(const sim::SimTables& seeded) override;
    engine::Store& add_store() override;
    const sim::SimTables& tables() override;

private:
    class FaultyStore;

    void set_time();
    db::Connection& connection();

    runtime::Clock& clock_;
    Weather& weather_;
    runtime::Instant time_ = runtime::Instant::min();  // that the database has
    test::TestDatabase database_;
    std::unique_ptr<db::Connection> connection_;  // as a superuser
    std::vector<std::unique_ptr<FaultyStore>> stores_;
    sim::Journal journal_;
    std::unique_ptr<sim::SimTables> tables_;
};

}  // namespace ordersaga::simulation
