#include "tests/integration/simulation/postgresql_ground.hpp"

#include "db/pg_store.hpp"
#include "tests/integration/simulation/database_rows.hpp"

namespace ordersaga::simulation {

namespace {

constexpr const char* kVirtualTime = R"sql(
    CREATE SCHEMA virtual_time;
    CREATE UNLOGGED TABLE virtual_time.clock (at timestamptz NOT NULL);
    INSERT INTO virtual_time.clock VALUES ('2026-01-01Z');
    CREATE FUNCTION virtual_time.now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT at FROM virtual_time.clock';
    CREATE FUNCTION virtual_time.clock_timestamp() RETURNS timestamptz STABLE LANGUAGE sql
        AS 'SELECT at FROM virtual_time.clock';
    GRANT USAGE ON SCHEMA virtual_time TO PUBLIC;
    GRANT SELECT ON virtual_time.clock TO PUBLIC;)sql";

}  // namespace

class PostgresqlGround::FaultyStore final : public engine::Store {
public:
    explicit FaultyStore(PostgresqlGround& ground)
        : ground_(ground), store_({ground.database_.dsns().engine, "simulation"}, test::test_keys()) {}

    void transact(const std::function<void(engine::Transaction&)>& work, Ending ending) override {
        using AtCommit = sim::SimFaults::AtCommit;
        ground_.set_time();
        if (ground_.weather_.at_call("begin") != sim::SimFaults::AtCall::fine)
            throw engine::StoreUnavailable("simulated: no connection");
        if (ending == Ending::roll_back) return store_.transact(work, ending);
        switch (ground_.weather_.at_commit()) {
            case AtCommit::fine: return store_.transact(work, Ending::commit);
            case AtCommit::lost:
                // Whether this surely was too early for a commit is the store's to tell.
                return store_.transact(
                    [&](engine::Transaction& transaction) {
                        work(transaction);
                        ground_.database_.cut_connections();
                        ground_.connection_.reset();
                    },
                    Ending::commit);
            case AtCommit::in_doubt_applied:
                store_.transact(work, Ending::commit);
                throw engine::StoreInDoubt("simulated: the link broke during the commit");
            case AtCommit::in_doubt_not_applied:
                store_.transact(work, Ending::roll_back);
                throw engine::StoreInDoubt("simulated: the link broke during the commit");
            case AtCommit::killed_before: store_.transact(work, Ending::roll_back); throw sim::ProcessKilled{};
            case AtCommit::killed_after: store_.transact(work, Ending::commit); throw sim::ProcessKilled{};
        }
    }

private:
    PostgresqlGround& ground_;
    db::PgStore store_;
};

PostgresqlGround::PostgresqlGround(runtime::Clock& clock, Weather& weather) : clock_(clock), weather_(weather) {
    connection().transact([](db::Transaction& transaction) { transaction.run_script(kVirtualTime); });
    connection().autocommit(
        "ALTER DATABASE " + database_.name() + " SET search_path = virtual_time, pg_catalog, public");
    // Thousands of commits a seed, and no crash of this server in this test.
    connection().autocommit("ALTER DATABASE " + database_.name() + " SET synchronous_commit = off");
}

PostgresqlGround::~PostgresqlGround() = default;

db::Connection& PostgresqlGround::connection() {
    if (!connection_) {
        connection_ = std::make_unique<db::Connection>(db::ConnectionSettings{database_.admin_dsn(), "simulation"});
        connection_->autocommit("SET synchronous_commit = off");
    }
    return *connection_;
}

void PostgresqlGround::set_time() {
    if (clock_.now() == time_) return;
    time_ = clock_.now();
    connection().transact([&](db::Transaction& transaction) {
        transaction.execute("UPDATE virtual_time.clock SET at = $1::timestamptz", {clock_.now()});
    });
}

void PostgresqlGround::open(const sim::SimTables& seeded) {
    seed_database(connection(), seeded);
}

engine::Store& PostgresqlGround::add_store() {
    stores_.push_back(std::make_unique<FaultyStore>(*this));
    return *stores_.back();
}

const sim::SimTables& PostgresqlGround::tables() {
    tables_ = std::make_unique<sim::SimTables>(journal_);
    read_database(connection(), *tables_);
    journal_.commit();
    return *tables_;
}

}  // namespace ordersaga::simulation
