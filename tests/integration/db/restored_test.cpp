// How a database learns that it was restored, what it doubts then, and how it catches up.
#include "db/restored.hpp"

#include "db/startup_checks.hpp"
#include "orchestrator/orders/arrivals.hpp"
#include "sagas/order_saga.hpp"
#include "tests/integration/db/a_merchant.hpp"

#include <gmock/gmock.h>

namespace ordersaga::db {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Restored : public AMerchant {
protected:
    Restored() {
        run_as_engine(R"sql(
            INSERT INTO duties (merchant_id, duty, subject, next_due, memory)
            SELECT 1, duty, 'warehouse:1', now() + interval '1 hour', '{"watermark":"2026-01-02T00:00:00Z","goes_on":true}'::jsonb
              FROM unnest('{PollFulfillments,ReadWarehouseStock}'::text[]) duty
             UNION ALL
            SELECT 1, 'PollOrders', 'store:' || store, now() + interval '1 hour', '{}' FROM generate_series(1, 2) store;
        )sql");
    }

    bool notice() {
        bool restored = false;
        Session session({database.dsns().engine, "test"});
        session.transact([&](Transaction& transaction) { restored = notice_restore(transaction); });
        return restored;
    }

    // As if another database had been here at the last start.
    void put_back() {
        notice();
        run_as_engine("UPDATE database_seen SET identity = 'another'");
    }

    std::string declare() {
        std::string remembers;
        Session session({database.dsns().engine, "test"});
        session.transact(
            [&](Transaction& transaction) { remembers = declare_restored(transaction, "anna", "a drill"); });
        return remembers;
    }

    std::vector<std::string> go_on(int settling = 0) {
        std::vector<std::string> held;
        Session session({database.dsns().engine, "test"});
        session.transact([&](Transaction& transaction) {
            held.clear();
            for (const RecoveryStage& recovery : continue_recoveries(transaction, std::chrono::seconds(settling))) {
                if (recovery.merchant == "Shirts") held.push_back(recovery.stage + ": " + recovery.waits_for);
            }
        });
        return held;
    }

    std::string stage() { return look("SELECT stage FROM recoveries WHERE merchant_id = 1"); }

    // The duty has asked after this stage began, and was answered.
    void answer(const std::string& duty) {
        run_as_engine(
            "INSERT INTO commands (merchant_id, command_id, duty, activity, lane, priority, state, payload, "
            "idempotency_key,"
            " created_at, due_at, closed_at, outcome) SELECT 1, gen_random_uuid(), '" +
            duty + "', 'Ask', 'lane', 3, 'closed', '{}', 'k', clock_timestamp(), now(), now(), 'done'");
    }
};

TEST_F(Restored, IsNoticedByWhoMeetsAnotherDatabaseThanTheLastTime) {
    EXPECT_FALSE(notice()) << "the first start";
    EXPECT_FALSE(notice()) << "the next start";
    EXPECT_EQ(look("SELECT count(*) FROM recoveries"), "0");

    put_back();
    EXPECT_TRUE(notice());
    EXPECT_FALSE(notice()) << "whoever starts beside";
    EXPECT_EQ(
        look("SELECT string_agg(merchant_id || stage, ' ' ORDER BY merchant_id) FROM recoveries"),
        "1settling 2settling");
    EXPECT_EQ(look("SELECT cause FROM incidents WHERE merchant_id = 1"), "the database was restored");
    EXPECT_EQ(look("SELECT actor || ' ' || action FROM audit WHERE merchant_id = 1"), "orchestrator restored");
}

// A dump that is loaded again is another database, though every row is the same.
TEST_F(Restored, ACopyOfTheDatabaseIsAnother) {
    notice();
    const std::string copy = database.name() + "_copy";
    Connection server({test::admin_dsn_of_server(), "test"});
    database.cut_connections();
    server.autocommit("CREATE DATABASE " + copy + " TEMPLATE " + database.name());
    std::string address = database.dsns().engine;
    address.replace(address.find(database.name()), database.name().size(), copy);
    bool restored = false;
    {
        Session session({address, "test"});
        session.transact([&](Transaction& transaction) { restored = notice_restore(transaction); });
    }
    server.autocommit("DROP DATABASE " + copy + " WITH (FORCE)");
    EXPECT_TRUE(restored);
}

TEST_F(Restored, IsLookedForOnEveryNewConnectionOfTheEngine) {
    add_sagas(1, 1);
    put_back();
    PgStore late({database.dsns().engine, "test"}, test::test_keys());
    late.transact([](engine::Transaction&) {});
    EXPECT_EQ(stage(), "settling");
}

TEST_F(Restored, DoubtsWhatWasOpenAndWhatStoresShow) {
    add_sagas(1, 1);
    engine::CommandRow request = sent(a_command(1, 1, "request"), start);
    request.activity = "RequestFulfillment";
    engine::CommandRow later = a_command(2, 1, "late-check");
    later.activity = "FindFulfillment";
    later.due_at = start + std::chrono::hours(200'000);
    engine::CommandRow flush = sent(a_command(3, 1, "flush"), start);
    flush.saga_id.clear();
    flush.duty = "FlushStock/store:1";
    engine::CommandRow ended = sent(a_command(4, 1, "ended"), start);
    ended.state = engine::CommandState::closed;
    ended.closed_at = start;
    ended.outcome = "done";
    engine::CommandRow ended_duty = ended;
    ended_duty.command_id = uuid(5);
    ended_duty.saga_id.clear();
    ended_duty.duty = "PollOrders/store:1";
    for (const engine::CommandRow& row : {request, later, flush, ended, ended_duty})
        add_command(row);
    run_as_engine(R"sql(
        INSERT INTO flushes (merchant_id, flush_id, store_id, key, command_id, items, opened_at)
        VALUES (1, 7, 1, 'k', '00000000-0000-7000-8000-000000000003', '[]', now());
        UPDATE listings SET believed = 10, in_flight = -1, wants_read = false, read_open = true;
        UPDATE duties SET command_id = '00000000-0000-7000-8000-000000000003' WHERE duty = 'PollOrders' AND subject = 'store:1';
    )sql");
    declare();

    EXPECT_EQ(
        look("SELECT state || ' ' || attempt_token || lookup_first || perhaps_applied || (deadline IS NULL) FROM "
             "commands"
             " WHERE activity = 'RequestFulfillment'"),
        "waiting truetruetrue");
    EXPECT_EQ(
        look(
            "SELECT state || ' ' || lookup_first || (due_at > now()) FROM commands WHERE activity = 'FindFulfillment'"),
        "waiting falsetrue");
    EXPECT_EQ(look("SELECT state || outcome FROM commands WHERE duty = 'FlushStock/store:1'"), "closedunknown");
    EXPECT_EQ(
        look("SELECT count(*) FROM commands WHERE state = 'closed' AND outcome = 'done' AND NOT lookup_first"), "2")
        << "what has ended stays as it was";
    EXPECT_EQ(look("SELECT outcome FROM flushes WHERE closed_at IS NOT NULL"), "unknown");
    EXPECT_EQ(look("SELECT count(*) FROM listings WHERE wants_read AND NOT read_open AND in_flight = 0"), "6");
    EXPECT_EQ(look("SELECT count(*) FROM duties WHERE command_id IS NULL AND next_due <= now()"), "4");
    EXPECT_EQ(
        look("SELECT memory FROM duties WHERE duty = 'PollFulfillments'"), R"({"watermark": "2026-01-02T00:00:00Z"})");
    EXPECT_EQ(look("SELECT count(*) FROM members"), "0");
}

TEST_F(Restored, IsDeclaredOnlyWhenNobodyIsAlive) {
    run_as_engine("INSERT INTO members (member_id, beat_at) VALUES ('alive', now())");
    EXPECT_THROW(declare(), std::invalid_argument);
    EXPECT_EQ(look("SELECT count(*) FROM recoveries"), "0");
    run_as_engine("UPDATE members SET beat_at = '2026-02-03 04:05:06Z'");
    EXPECT_THAT(declare(), HasSubstr("2026-02-03")) << "their last beat is the last that is remembered";
    EXPECT_EQ(look("SELECT reason FROM audit WHERE merchant_id = 1"), "a drill");
}

TEST_F(Restored, LanesAdmitOnlyQuestionsMeanwhile) {
    add_sagas(1, 1);
    engine::CommandRow write = a_command(1, 1, "write");
    engine::CommandRow look_up = a_command(2, 1, "look");
    look_up.priority = 1;
    add_command(write);
    add_command(look_up);
    declare();
    engine::CommandRow asked = a_command(3, 1, "ask");
    asked.saga_id.clear();
    asked.duty = "PollOrders/store:1";
    asked.priority = 3;
    add_command(asked);
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        engine::LaneRow lane;
        lane.merchant = merchant;
        lane.lane = "store:1";
        lane.refilled_at = lane.not_before = transaction.now();
        transaction.create_lanes({lane});
        EXPECT_TRUE(transaction.lock_lanes({{merchant, "store:1"}}).front().reads_only);
        const auto asking = transaction.claim_waiting_commands(merchant, "store:1", transaction.now(), 9, {}, true);
        ASSERT_EQ(asking.size(), 1U);
        EXPECT_EQ(asking.front().idempotency_key, "ask") << "a saga would decide by what it sees";
        EXPECT_EQ(transaction.claim_waiting_commands(merchant, "store:1", transaction.now(), 9).size(), 3U);
    });
    run_as_engine("UPDATE recoveries SET stage = 'caught_up'");
    in_rows([&](engine::Transaction& transaction, orders::Rows&) {
        EXPECT_FALSE(transaction.lock_lanes({{merchant, "store:1"}}).front().reads_only);
    });
}

TEST_F(Restored, PeersAreAskedInTurnAndTheWayOpensWhenAllHaveAnswered) {
    declare();
    EXPECT_THAT(go_on(3'600), ElementsAre("settling: calls that were under way"));
    go_on();
    EXPECT_THAT(go_on(), ElementsAre("warehouse: main"));
    EXPECT_EQ(look("SELECT next_due <= now() FROM duties WHERE duty = 'PollFulfillments'"), "t");

    // An answer that says that there is more is not the last one.
    answer("PollFulfillments/warehouse:1");
    run_as_engine(R"(UPDATE duties SET memory = '{"goes_on":true}' WHERE duty = 'PollFulfillments')");
    EXPECT_THAT(go_on(), ElementsAre("warehouse: main"));
    run_as_engine("UPDATE duties SET memory = '{}' WHERE duty = 'PollFulfillments'");
    go_on();
    EXPECT_THAT(go_on(), ElementsAre("stock: main"));
    answer("ReadWarehouseStock/warehouse:1");
    go_on();
    EXPECT_THAT(go_on(), ElementsAre("orders: eu, us"));
    answer("PollOrders/store:1");
    EXPECT_THAT(go_on(), ElementsAre("orders: us"));
    // A store that is away holds everything back until it is left out.
    run_as_engine("UPDATE stores SET status = 'suspended' WHERE merchant_id = 1 AND key = 'us'");
    go_on();
    EXPECT_EQ(stage(), "caught_up");
    EXPECT_EQ(look("SELECT count(*) FROM incidents WHERE merchant_id = 1 AND closed_at IS NULL"), "0");
    EXPECT_THAT(go_on(), IsEmpty());
    EXPECT_EQ(stage(), "");
}

TEST_F(Restored, AnAnswerFromBeforeTheStageDoesNotCount) {
    answer("PollFulfillments/warehouse:1");
    declare();
    go_on();
    EXPECT_THAT(go_on(), ElementsAre("warehouse: main"));
}

TEST_F(Restored, WhatNoOrderAccountsForIsHandedToAPerson) {
    add_sagas(1, 1);
    run_as_engine(R"sql(
        INSERT INTO orders (merchant_id, store_id, order_id, saga_id)
        VALUES (1, 1, '100', '00000000-0000-7000-8000-000000000001');
    )sql");
    in_rows([](engine::Transaction&, orders::Rows& rows) {
        rows.write_found(
            {{merchant, "eu.100.1.2", "eu.100", {{"state", "Accepted"}}},
             {merchant, "eu.200.1.1", "eu.200", {{"state", "Accepted"}}}});
        EXPECT_EQ(rows.take_found(merchant, {"eu.300"}).size(), 0U);
    });
    declare();
    engine::CommandRow request = a_command(1, 1, "request");
    request.activity = "RequestFulfillment";
    add_command(request);
    run_as_engine("UPDATE recoveries SET stage = 'orders', stage_since = now() - interval '1 hour'");
    answer("PollOrders/store:1");
    answer("PollOrders/store:2");
    go_on();
    EXPECT_EQ(
        look("SELECT event || ' ' || (payload #>> '{views,0,reference}') FROM signals"),
        "FulfillmentsUnclear eu.100.1.2");
    EXPECT_THAT(go_on(), ElementsAre("orders: 1 of our sagas")) << "it might send before it knows";
    run_as_engine("DELETE FROM signals");
    go_on();

    EXPECT_EQ(stage(), "caught_up");
    EXPECT_EQ(look("SELECT lookup_first FROM commands WHERE activity = 'RequestFulfillment'"), "t");
    EXPECT_EQ(look("SELECT text FROM incidents WHERE incident_key = 'found' AND closed_at IS NULL"), "eu.200.1.1");
    go_on();
    EXPECT_EQ(stage(), "caught_up") << "its order may still come";
    in_rows(
        [](engine::Transaction&, orders::Rows& rows) { EXPECT_EQ(rows.take_found(merchant, {"eu.200"}).size(), 1U); });
    go_on();
    EXPECT_EQ(stage(), "");
    EXPECT_EQ(look("SELECT count(*) FROM incidents WHERE incident_key = 'found' AND closed_at IS NULL"), "0");
}

// A release that has lost a state.
class Shorter final : public sagas::SagaDefinition {
public:
    std::string_view kind() const override { return whole_.kind(); }
    int version() const override { return whole_.version(); }
    bool can_load(int version) const override { return whole_.can_load(version); }
    std::string_view initial_state() const override { return whole_.initial_state(); }
    bool is_final(std::string_view state) const override { return whole_.is_final(state); }
    bool knows(std::string_view state) const override { return state != "Reserved" && whole_.knows(state); }
    sagas::Decision decide(const sagas::SagaSnapshot& saga, const sagas::Event& event, Instant now) const override {
        return whole_.decide(saga, event, now);
    }
    sagas::Event event_of(std::string_view name, const nlohmann::json& payload, const sagas::Outcome& outcome, bool)
        const override {
        return whole_.event_of(name, payload, outcome, false);
    }
    const sagas::ActivityPolicy& policy_of(std::string_view name) const override { return whole_.policy_of(name); }
    sagas::Outcome assumed_outcome(std::string_view name, const nlohmann::json& payload) const override {
        return whole_.assumed_outcome(name, payload);
    }
    std::optional<sagas::Event> assumed_event(std::string_view state) const override {
        return whole_.assumed_event(state);
    }

private:
    sagas::OrderSaga whole_;
};

TEST_F(Restored, AStateThatOpenSagasHoldCannotBeRemoved) {
    engine::Changes changes;
    for (int number = 1; number <= 5; ++number) {
        engine::SagaRow row = a_saga(number);
        row.kind = number == 5 ? "return" : "order";
        row.state = "Reserved";
        row.definition_version = number == 4 ? 9 : sagas::OrderSaga().version();
        changes.new_sagas.push_back(row);
    }
    write(changes);
    std::vector<engine::OpenSagas> open;
    Session session({database.dsns().engine, "test"});
    session.transact([&](Transaction& transaction) { open = open_sagas(transaction); });

    const Shorter shorter;
    EXPECT_THAT(
        engine::unknown_sagas({&shorter}, open),
        ElementsAre(
            HasSubstr("3 of kind order stand in Reserved"), HasSubstr("1 of kind order have definition version 9"),
            HasSubstr("1 of kind return, which it has no definition of")));
}

}  // namespace
}  // namespace ordersaga::db
