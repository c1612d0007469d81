#include "db/history.hpp"

#include "tests/integration/db/a_merchant.hpp"

namespace ordersaga::db {
namespace {

class HistoryByMonth : public AMerchant {
protected:
    std::string partitions() {
        return look("SELECT count(*) FROM pg_inherits WHERE inhparent = 'saga_history'::regclass");
    }

    Session session{{database.dsns().engine, "test"}};
};

TEST_F(HistoryByMonth, IsPreparedAheadOnce) {
    EXPECT_EQ(prepare_history(session, 2), 0);  // the migration made these
    EXPECT_EQ(prepare_history(session, 4), 2);
    EXPECT_EQ(prepare_history(session, 4), 0);
    EXPECT_EQ(
        look("SELECT count(*) FROM pg_class WHERE relname LIKE 'saga_history%' AND relkind IN ('r', 'p')"
             " AND NOT (relrowsecurity AND relforcerowsecurity)"),
        "0");
}

TEST_F(HistoryByMonth, TakesARowOfAnyTime) {
    add_sagas(1, 1);
    engine::Changes changes;
    for (const int years : {-20, 0, 20}) {
        engine::HistoryRow row;
        row.key = saga(1);
        row.version = 20 + years;
        row.at = start + std::chrono::hours(24 * 365 * years);
        row.event = "E";
        changes.history.push_back(row);
    }
    write(changes);
    EXPECT_EQ(look("SELECT count(*) FROM saga_history"), "3");
}

TEST_F(HistoryByMonth, ForgetsWholeMonthsButNeverTheLastThree) {
    const std::string before = partitions();
    Connection({database.admin_dsn(), "test"}).transact([](Transaction& transaction) {
        transaction.run_script(
            "CREATE TABLE saga_history_202001 PARTITION OF saga_history FOR VALUES FROM ('2020-01-01') TO "
            "('2020-02-01')");
        transaction.run_script("ALTER TABLE saga_history_202001 OWNER TO ordersaga_owner");
    });
    EXPECT_EQ(forget_history(session, 0), 1);
    EXPECT_EQ(forget_history(session, 0), 0);
    EXPECT_EQ(partitions(), before);
}

}  // namespace
}  // namespace ordersaga::db
