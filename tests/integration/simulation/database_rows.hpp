// Rows between the tables of a simulated store and those of a database: seeded there before a run, read back for the judge.
#pragma once

#include "db/connection.hpp"
#include "tests/support/sim/sim_tables.hpp"

namespace ordersaga::simulation {

// Merchants, warehouses, stores, SKUs, listings, opened ledgers and duties. As a superuser.
void seed_database(db::Connection& connection, const sim::SimTables& seeded);

// Into empty tables: whatever the laws and the judge look at, no more. As a superuser, past all row security.
void read_database(db::Connection& connection, sim::SimTables& tables);

}  // namespace ordersaga::simulation
