// Every verdict of the doctor: what was seen, how bad it is, and that it says what mends it.
#include "orchestrator/cli/doctor.hpp"

#include "orchestrator/cli/foreign_orders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ordersaga::cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr runtime::Instant now{std::chrono::hours(24 * 365 * 56)};

// What is not good says what to do.
auto verdict(Verdict expected, const std::string& seen) {
    return AllOf(
        Field("verdict", &Check::verdict, expected), Field("seen", &Check::seen, HasSubstr(seen)),
        Field("mend", &Check::mend, testing::Truly([expected](const std::string& mend) {
                  return mend.empty() == (expected == Verdict::good);
              })));
}
auto good(const std::string& seen) {
    return verdict(Verdict::good, seen);
}
auto warning(const std::string& seen) {
    return verdict(Verdict::warning, seen);
}
auto bad(const std::string& seen) {
    return verdict(Verdict::bad, seen);
}

db::SystemHealth a_health() {
    db::SystemHealth health;
    health.database_time = now;
    health.orchestrators = 1;
    health.oldest_due = now + 10s;
    db::StoreHealth store;
    store.merchant_name = "First";
    store.key = "eu";
    store.status = "active";
    store.last_webhook = now - 3min;
    store.subscriptions_watched = true;
    health.stores = {store};
    db::CredentialHealth credential;
    credential.holder.key.subject = "store:eu";
    credential.holder.merchant_name = "First";
    credential.holder.has_credential = true;
    credential.row.way = "client_credentials";
    credential.row.version = 3;
    credential.row.expires_at = now + 5h;
    credential.row.scopes = {"read_orders", "write_inventory"};
    credential.row.scopes_checked_at = now - 2h;
    health.credentials = {credential};
    return health;
}

// The health with one thing changed in its only credential or store.
template <class Change>
db::SystemHealth with_credential(Change change) {
    db::SystemHealth health = a_health();
    change(health.credentials[0]);
    return health;
}
template <class Change>
db::SystemHealth with_store(Change change) {
    db::SystemHealth health = a_health();
    change(health.stores[0]);
    return health;
}

TEST(Doctor, IsAsContentAsItsWorstFinding) {
    EXPECT_EQ(worst_of({}), Verdict::good);
    EXPECT_EQ(worst_of({{"a", Verdict::warning, "", ""}, {"b", Verdict::good, "", ""}}), Verdict::warning);
    EXPECT_EQ(worst_of({{"a", Verdict::bad, "", ""}, {"b", Verdict::warning, "", ""}}), Verdict::bad);
}

TEST(Doctor, TakesOverWhatProgramsRefuseToStartFor) {
    EXPECT_THAT(judge_settings({}), ElementsAre(good("durable")));
    const Checks checks = judge_settings({"fsync is off, so a crash would lose orders: set fsync = on"});
    ASSERT_THAT(checks, ElementsAre(bad("fsync is off, so a crash would lose orders")));
    EXPECT_EQ(checks[0].mend, "set fsync = on");
}

TEST(Doctor, ComparesTheClocksNoFinerThanTheQuestionTook) {
    EXPECT_THAT(judge_clock(now, now + 1s, now + 1s), good("agree"));
    EXPECT_THAT(judge_clock(now, now + 9s, now + 10s), good("agree")) << "a slow answer is no wrong clock";
    EXPECT_THAT(judge_clock(now, now + 6s, now + 1s), warning("5 s behind the database"));
    EXPECT_THAT(judge_clock(now, now - 60s, now + 1s), bad("60 s ahead of the database"));
}

TEST(Doctor, MissesOrchestratorsAndTheirDuties) {
    db::SystemHealth health = a_health();
    EXPECT_THAT(judge_orchestrators(health), good("1 is alive"));
    health.oldest_due = now - 20min;
    EXPECT_THAT(judge_orchestrators(health), bad("a duty is late by 20 min"));
    health.orchestrators = 0;
    EXPECT_THAT(judge_orchestrators(health), bad("none is alive"));
}

TEST(Doctor, RemembersWhatWaitsForAPerson) {
    db::SystemHealth health = a_health();
    EXPECT_THAT(judge_incidents(health), good("none is open"));
    health.parked = 2;
    EXPECT_THAT(judge_incidents(health), warning("2 inputs are parked"));
    health.incidents = {1, "a stock update failed", now - 3h};
    EXPECT_THAT(judge_incidents(health), warning("1 is open, the oldest for 3 h: a stock update failed"));
}

TEST(Doctor, JudgesACredentialByItsEndAndItsTroubles) {
    EXPECT_THAT(judge_credentials(a_health()), ElementsAre(good("good for 5 h")));
    const auto judged = [](auto change) {
        return judge_credentials(with_credential(change));
    };
    EXPECT_THAT(judged([](auto& one) { one.row.expires_at.reset(); }), ElementsAre(good("without an end")));
    EXPECT_THAT(
        judged([](auto& one) { one.holder.has_credential = false; }), ElementsAre(warning("not in the database")));
    EXPECT_THAT(judged([](auto& one) { one.row.version = 0; }), ElementsAre(bad("no token yet")));
    EXPECT_THAT(judged([](auto& one) { one.row.expires_at = now - 1min; }), ElementsAre(bad("ended 60 s ago")));
    EXPECT_THAT(judged([](auto& one) { one.row.failures = 1; }), ElementsAre(warning("could not be renewed 1 time")));
    EXPECT_THAT(judged([](auto& one) { one.row.failures = 3; }), ElementsAre(bad("could not be renewed 3 times")));
    EXPECT_THAT(judged([](auto& one) { one.refusal = "401"; }), ElementsAre(bad("the peer refuses it: 401")));
    db::SystemHealth nobody;
    EXPECT_THAT(judge_credentials(nobody), ElementsAre(warning("no store is connected")));
}

TEST(Doctor, NamesTheMerchantWhereThereAreSeveral) {
    db::SystemHealth health = a_health();
    health.credentials.push_back(health.credentials[0]);
    EXPECT_EQ(judge_credentials(health)[1].name, "credential store:eu");
    health.credentials[1].holder.merchant_name = "Second";
    EXPECT_EQ(judge_credentials(health)[1].name, "credential store:eu of Second");
}

TEST(Doctor, JudgesScopesOfStoresAsTheyWereLastLookedAt) {
    EXPECT_THAT(judge_scopes(a_health()), ElementsAre(good("2 are granted")));
    const auto judged = [](auto change) {
        return judge_scopes(with_credential(change));
    };
    EXPECT_THAT(
        judged([](auto& one) { one.scopes_incident = "write_inventory"; }), ElementsAre(bad("write_inventory")));
    EXPECT_THAT(judged([](auto& one) { one.row.scopes_checked_at = now - 72h; }), ElementsAre(warning("3 days ago")));
    EXPECT_THAT(judged([](auto& one) { one.row.scopes_checked_at.reset(); }), ElementsAre(warning("never looked at")));
    EXPECT_THAT(judged([](auto& one) { one.holder.key.subject = "warehouse:main"; }), IsEmpty());
}

TEST(Doctor, JudgesSubscriptionsByTheLastLookAndTheLastWebhook) {
    EXPECT_THAT(judge_subscriptions(a_health()), ElementsAre(good("last webhook 3 min ago")));
    const auto judged = [](auto change) {
        return judge_subscriptions(with_store(change));
    };
    EXPECT_THAT(
        judged([](auto& one) { one.subscription_incident = "orders/create is missing"; }),
        ElementsAre(bad("orders/create is missing")));
    EXPECT_THAT(
        judged([](auto& one) { one.subscriptions_watched = false; }), ElementsAre(warning("nobody has ever looked")));
    EXPECT_THAT(judged([](auto& one) { one.last_webhook.reset(); }), ElementsAre(warning("no webhook in 7 days")));
    EXPECT_THAT(
        judged([](auto& one) { one.status = "uninstalled"; }), ElementsAre(warning("the store is uninstalled")));
}

TEST(Doctor, NamesTheBrokenLawAndItsFirstRow) {
    const db::LawResult kept{"L1", "conservation", 0, {}};
    EXPECT_THAT(judge_laws({kept}), ElementsAre(good("all 1 hold")));
    const db::LawResult broken{"L3", "no oversell", 2, {{"L3", "stock 1/SHIRT/main", "available is -1"}}};
    EXPECT_THAT(
        judge_laws({kept, broken}), ElementsAre(bad("broken by 2 rows, first stock 1/SHIRT/main: available is -1")));
}

TEST(Doctor, MissesQueuesTheirConsumersAndWhatNobodyCouldTake) {
    const auto judged = [](std::optional<broker::QueueState> shopify, std::int64_t dead) {
        return judge_queues({{"o.shopify", shopify}, {"o.dead", broker::QueueState{dead, 0}}}, "o.dead");
    };
    EXPECT_THAT(judged(broker::QueueState{5, 1}, 0), ElementsAre(good("all 2 are there")));
    EXPECT_THAT(judged(std::nullopt, 0), ElementsAre(bad("does not exist")));
    EXPECT_THAT(judged(broker::QueueState{5, 0}, 0), ElementsAre(bad("nobody consumes, 5 messages wait")));
    EXPECT_THAT(judged(broker::QueueState{10'000, 1}, 0), ElementsAre(warning("10000 messages wait")));
    EXPECT_THAT(judged(broker::QueueState{5, 1}, 1), ElementsAre(warning("1 message nobody could take")));
}

TEST(Doctor, JudgesADiskByItsShareAndItsRoom) {
    constexpr std::int64_t gibibyte = 1024LL * 1024 * 1024;
    EXPECT_THAT(judge_disk("/", 100 * gibibyte, 50 * gibibyte), good("50 of 100 GiB free"));
    EXPECT_THAT(judge_disk("/", 1000 * gibibyte, 100 * gibibyte), good("100 of 1000")) << "a tenth of much is much";
    EXPECT_THAT(judge_disk("/", 100 * gibibyte, 10 * gibibyte), warning("10 of 100"));
    EXPECT_THAT(judge_disk("/", 100 * gibibyte, 4 * gibibyte), bad("4 of 100"));
}

db::ForeignOrder a_foreign(bool sent_by_us, bool same_id) {
    return {{"4711", "#1001", "Shopify"}, "eu", "#1001", sent_by_us, same_id};
}

TEST(Doctor, WarnsWhenAnotherChannelSendsWhatWeSend) {
    const auto judged = [](std::vector<db::ForeignOrder> foreign) {
        WarehouseLook look;
        look.warehouse = "warehouse:main";
        look.looked_at = 40;
        look.foreign = std::move(foreign);
        return judge_other_channels(look);
    };
    EXPECT_THAT(judged({}), good("40 orders of the last 7 days looked at, none"));
    EXPECT_THAT(judged({a_foreign(false, true)}), good("1 is sent by another system for us, as it should be"));
    EXPECT_THAT(judged({a_foreign(true, false)}), warning("only the name is the same"));
    EXPECT_THAT(
        judged({a_foreign(true, false), a_foreign(true, true)}),
        bad("2 orders to be sent from here stand there by another channel, as eu #1001 (Shopify)"));
    WarehouseLook unread;
    unread.unread = "the warehouse answered 401";
    EXPECT_THAT(judge_other_channels(unread), warning("not looked at: the warehouse answered 401"));
    WarehouseLook many;
    many.all = false;
    EXPECT_THAT(judge_other_channels(many), warning("there are more"));
}

TEST(StandingOrders, AreReadFromThePageAndFromNothingElse) {
    const auto orders = read_standing_orders(
        R"([{"reference_id": "4711", "order_number": "#1001", "channel": {"id": 1, "name": "Shopify"}}, {"id": 5}])");
    ASSERT_TRUE(orders);
    ASSERT_EQ(orders->size(), 2U);
    EXPECT_EQ((*orders)[0].reference, "4711");
    EXPECT_EQ((*orders)[0].number, "#1001");
    EXPECT_EQ((*orders)[0].channel, "Shopify");
    EXPECT_EQ((*orders)[1].reference, "");
    EXPECT_FALSE(read_standing_orders("{}"));
    EXPECT_FALSE(read_standing_orders("[1]"));
    EXPECT_FALSE(read_standing_orders("<html>"));
}

}  // namespace
}  // namespace ordersaga::cli
