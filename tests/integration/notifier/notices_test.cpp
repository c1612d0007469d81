// The table of what is to be told, with the notifier's own rights.
#include "db/notices.hpp"

#include "tests/support/test_database.hpp"

#include <gtest/gtest.h>

namespace ordersaga::db {
namespace {

using namespace std::chrono_literals;

class NoticeRows : public testing::Test {
protected:
    NoticeRows() {
        Connection admin({database.admin_dsn(), "test"});
        admin.transact([](Transaction& transaction) {
            transaction.query("INSERT INTO merchants (merchant_id, name) VALUES (1, 'Shirts')");
        });
    }

    NewNotice a_notice(const std::string& event_id, const std::string& target = "mail:ops") const {
        return {1, target, event_id, "inventory.low", R"({"sku": "MUG"})"};
    }
    // Past, so that it need not be waited for.
    void make_older(const char* column, const char* age) {
        Connection admin({database.admin_dsn(), "test"});
        admin.transact([&](Transaction& transaction) {
            transaction.query(std::string("UPDATE notices SET ") + column + " = now() - interval '" + age + "'");
        });
    }

    test::TestDatabase database;
    Notices notices{{database.dsns().notifier, "test"}};
};

TEST_F(NoticeRows, AnEventIsAddedOncePerTarget) {
    EXPECT_EQ(notices.add({a_notice("e1"), a_notice("e1", "webhook:erp")}), 2);
    EXPECT_EQ(notices.add({a_notice("e1"), a_notice("e2")}), 1);
}

TEST_F(NoticeRows, WhatWasDeliveredIsNotAddedAgain) {
    notices.add({a_notice("e1")});
    const auto due = notices.take(1, "mail:ops", 60s);
    ASSERT_TRUE(due);
    EXPECT_EQ(due->key.event_id, "e1");
    EXPECT_EQ(due->tries, 1);
    EXPECT_EQ(due->body, R"({"sku": "MUG"})");
    notices.delivered(due->key);

    EXPECT_EQ(notices.add({a_notice("e1")}), 0);
    EXPECT_FALSE(notices.take(1, "mail:ops", 60s));
}

TEST_F(NoticeRows, ATakenOneIsDueAgainWhenItsLeaseIsOver) {
    notices.add({a_notice("e1")});
    ASSERT_TRUE(notices.take(1, "mail:ops", 60s));
    EXPECT_FALSE(notices.take(1, "mail:ops", 60s)) << "somebody is telling it";

    make_older("due_at", "1 second");

    const auto again = notices.take(1, "mail:ops", 60s);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->tries, 2);
}

TEST_F(NoticeRows, APauseIsKept) {
    notices.add({a_notice("e1")});
    const auto due = notices.take(1, "mail:ops", 60s);
    ASSERT_TRUE(due);
    notices.try_again(due->key, 1h, "away");
    EXPECT_FALSE(notices.take(1, "mail:ops", 60s));
    notices.try_again(due->key, 0ms, "away");
    EXPECT_TRUE(notices.take(1, "mail:ops", 60s));
}

TEST_F(NoticeRows, TargetsDoNotTakeEachOthers) {
    notices.add({a_notice("e1")});
    EXPECT_FALSE(notices.take(1, "mail:boss", 60s));
    EXPECT_FALSE(notices.take(2, "mail:ops", 60s));
}

// Two notifiers, or one that was thought dead: the first word about the end counts.
TEST_F(NoticeRows, AnEndedOneStaysAsItEnded) {
    notices.add({a_notice("e1")});
    const auto due = notices.take(1, "mail:ops", 60s);
    ASSERT_TRUE(due);
    notices.delivered(due->key);
    notices.give_up(due->key, "late");
    notices.try_again(due->key, 0ms, "late");

    EXPECT_TRUE(notices.given_up(10).empty());
    EXPECT_FALSE(notices.take(1, "mail:ops", 60s));
}

TEST_F(NoticeRows, AGivenUpOneIsListedAndCanBeSentAgain) {
    notices.add({a_notice("e1")});
    const auto due = notices.take(1, "mail:ops", 60s);
    ASSERT_TRUE(due);
    notices.give_up(due->key, "550 nobody of that name");

    const std::vector<GivenUpNotice> given_up = notices.given_up(10);
    ASSERT_EQ(given_up.size(), 1U);
    EXPECT_EQ(given_up[0].key.event_id, "e1");
    EXPECT_EQ(given_up[0].last_error, "550 nobody of that name");
    EXPECT_FALSE(notices.take(1, "mail:ops", 60s));

    EXPECT_EQ(notices.send_again("mail:ops"), 1);
    const auto again = notices.take(1, "mail:ops", 60s);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->tries, 1);
    EXPECT_TRUE(notices.given_up(10).empty());
}

TEST_F(NoticeRows, OldOnesAreForgotten) {
    notices.add({a_notice("e1")});
    make_older("created_at", "15 days");
    notices.add({a_notice("e2")});

    EXPECT_EQ(notices.forget(std::chrono::hours(14 * 24)), 1);
    EXPECT_EQ(notices.add({a_notice("e1"), a_notice("e2")}), 1);
}

TEST_F(NoticeRows, AMerchantThatIsNotThereIsBadData) {
    NewNotice strange = a_notice("e1");
    strange.merchant = 77;
    EXPECT_THROW(notices.add({strange}), BadData);
}

// Whoever breaks into the notifier finds nothing else in the database.
TEST_F(NoticeRows, TheNotifierSeesNothingElse) {
    Connection admin({database.admin_dsn(), "test"});
    std::vector<std::string> tables;
    admin.transact([&](Transaction& transaction) {
        const Rows rows = transaction.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND relname <> 'notices'");
        for (std::size_t row = 0; row < rows.size(); ++row)
            tables.push_back(rows.text(row, 0));
    });
    ASSERT_GT(tables.size(), 20U);
    Connection notifier({database.dsns().notifier, "test"});
    for (const std::string& table : tables) {
        EXPECT_THROW(
            notifier.transact([&](Transaction& transaction) { transaction.query("SELECT FROM " + table); }), Misuse)
            << table;
    }
}

}  // namespace
}  // namespace ordersaga::db
