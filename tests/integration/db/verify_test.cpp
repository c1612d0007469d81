// For each law a row is tampered with behind the database's back, and the law and the row must be named.
#include "db/verify.hpp"

#include "tests/integration/db/a_merchant.hpp"

#include <gmock/gmock.h>

namespace ordersaga::db {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Verify : public AMerchant {
protected:
    // A little of everything, as the engine would leave it: saga 1 holds two shirts and waits for the warehouse, saga 2
    // has shipped one mug, saga 3 waits for twenty shirts; eu shows what it should, a flush to us is under way.
    Verify() {
        // These two see what is tampered with: lists are not what is broken here, but where they are.
        tamper(
            "ALTER TABLE orders ENABLE ALWAYS TRIGGER keep_words; ALTER TABLE sagas ENABLE ALWAYS TRIGGER count_ended");
        tamper(R"sql(
            INSERT INTO sagas (merchant_id, saga_id, kind, definition_version, state, version, data, subject, shard, next_wake,
                               final, created_at, updated_at)
            SELECT 1, ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'order', 1, state, 2,
                   format('{"warehouse_id": 1, "fulfillments": [{"part": 1, "reference": "eu.%s.1.1", "state": "%s"}]}', n, done)::jsonb,
                   'eu #' || n, 0, CASE WHEN final THEN NULL ELSE now() END, final, now(), now()
              FROM (VALUES (1, 'FulfillmentRequested', 'wanted', false), (2, 'Completed', 'accepted', true),
                           (3, 'Backordered', 'wanted', false)) made (n, state, done, final);
            INSERT INTO saga_history (merchant_id, saga_id, version, at, from_state, to_state, event, details)
            SELECT 1, saga_id, step, now(), CASE step WHEN 1 THEN 'Received' ELSE 'Reserved' END,
                   CASE step WHEN 1 THEN 'Reserved' ELSE state END, 'E', '{}'
              FROM sagas, generate_series(1, 2) step;
            UPDATE saga_history SET event = 'StockShort', details = '{"event": {"short":
                [{"sku_id": 1, "sku": "SHIRT", "wanted": 20, "available": 10, "waiting": 0, "version": 0}]}}'
             WHERE saga_id = '00000000-0000-7000-8000-000000000003' AND version = 2;
            INSERT INTO fulfillment_references SELECT 1, format('eu.%s.1.1', n),
                   ('00000000-0000-7000-8000-00000000000' || n)::uuid FROM generate_series(1, 3) n;
            INSERT INTO orders (merchant_id, store_id, order_id, saga_id, document)
            SELECT 1, 1, n, ('00000000-0000-7000-8000-00000000000' || n)::uuid, '{}' FROM generate_series(1, 3) n;
            INSERT INTO webhook_receipts (merchant_id, source, store_id, topic, webhook_id, received_at, body, status, order_id)
            SELECT 1, 'shopify', 1, 'orders/create', n, now(), '', 'applied', n FROM generate_series(1, 3) n;
            INSERT INTO reservations (merchant_id, saga_id, line_id, sku_id, warehouse_id, waiting, held, committed, shipped, released, queued_at)
            VALUES (1, '00000000-0000-7000-8000-000000000001', '1', 1, 1, 0, 2, 0, 0, 0, NULL),
                   (1, '00000000-0000-7000-8000-000000000002', '1', 2, 1, 0, 0, 0, 1, 0, NULL),
                   (1, '00000000-0000-7000-8000-000000000003', '1', 1, 1, 20, 0, 0, 0, 0, now());
            INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, saga_id, line_id, on_hand, available,
                                         reserved, committed, version, at)
            VALUES (1, 1, 1, 'grant', 'g1', '00000000-0000-7000-8000-000000000001', '1', 0, -2, 2, 0, 2, now()),
                   (1, 2, 1, 'grant', 'g2', '00000000-0000-7000-8000-000000000002', '1', 0, -1, 1, 0, 1, now()),
                   (1, 2, 1, 'accept', 'a2', '00000000-0000-7000-8000-000000000002', '1', 0, 0, -1, 1, 2, now()),
                   (1, 2, 1, 'ship', 's2', '00000000-0000-7000-8000-000000000002', '1', -1, 0, 0, -1, 3, now());
            UPDATE stock SET available = 8, reserved = 2, waiting = 20, version = 2 WHERE sku_id = 1;
            UPDATE stock SET available = 9, on_hand = 9, version = 3 WHERE sku_id = 2;
            UPDATE listings SET wants_read = false, believed = 0, target = CASE sku_id WHEN 2 THEN 9 ELSE 0 END;
            UPDATE listings SET believed = 9 WHERE sku_id = 2;
            INSERT INTO listing_moves SELECT 1, listing_id, 'read', '1', believed, now() - interval '1 hour' FROM listings;
        )sql");
    }

    // Past constraints, triggers and row security, as only a superuser (or a bug below us) could.
    void tamper(const std::string& script) {
        Connection connection({database.admin_dsn(), "test"});
        connection.transact([&](Transaction& transaction) {
            transaction.run_script("SET LOCAL session_replication_role = replica");
            transaction.run_script(script);
        });
    }

    // "L4 stock 1/SHIRT/main" for each finding.
    std::vector<std::string> broken(bool at_rest = false) {
        Session session({database.dsns().engine, "test"});
        std::vector<std::string> names;
        for (const LawResult& result : verify(session, {.at_rest = at_rest})) {
            EXPECT_EQ(result.holds(), result.findings.empty());
            for (const Finding& finding : result.findings) {
                names.push_back(finding.law + " " + finding.row);
                EXPECT_FALSE(finding.text.empty());
            }
        }
        return names;
    }

    const std::string held = "reservation 00000000-0000-7000-8000-000000000001/1/1";
    const std::string shipped = "reservation 00000000-0000-7000-8000-000000000002/1/2";
    const std::string waiting = "reservation 00000000-0000-7000-8000-000000000003/1/1";
    const std::string first = "saga 00000000-0000-7000-8000-000000000001";
    const std::string second = "saga 00000000-0000-7000-8000-000000000002";
    const std::string third = "saga 00000000-0000-7000-8000-000000000003";
};

TEST_F(Verify, AllLawsHoldForAnHonestDatabase) {
    EXPECT_THAT(broken(), IsEmpty());
    EXPECT_THAT(broken(true), IsEmpty());
    Session session({database.dsns().engine, "test"});
    EXPECT_EQ(verify(session).size(), 11U);
}

TEST_F(Verify, NamesEachLawForAnEmptyDatabaseToo) {
    tamper(
        "DELETE FROM listings; DELETE FROM reservations; DELETE FROM sagas; DELETE FROM saga_history; DELETE FROM "
        "orders;"
        "DELETE FROM webhook_receipts; DELETE FROM stock; DELETE FROM stock_movements; DELETE FROM listing_moves;"
        "DELETE FROM commands; DELETE FROM waits; DELETE FROM fulfillment_references; DELETE FROM announcements");
    EXPECT_THAT(broken(true), IsEmpty());
}

TEST_F(Verify, L1NamesALedgerThatDoesNotAddUp) {
    tamper("ALTER TABLE stock DROP CONSTRAINT l1_conservation; UPDATE stock SET on_hand = 11 WHERE sku_id = 1");
    EXPECT_THAT(broken(), ElementsAre("L1 stock 1/SHIRT/main", "L4 stock 1/SHIRT/main"));
    tamper(
        "UPDATE stock SET on_hand = 10 WHERE sku_id = 1; ALTER TABLE stock ADD CONSTRAINT l1_conservation CHECK "
        "(on_hand + short_by = available + reserved + committed + unavailable)");
}

TEST_F(Verify, L2NamesACounterWithoutItsRows) {
    tamper("UPDATE stock SET waiting = 19 WHERE sku_id = 1; UPDATE listings SET in_flight = 1 WHERE listing_id = 6");
    EXPECT_THAT(broken(), ElementsAre("L2 listing 1/us/SET", "L2 stock 1/SHIRT/main", "L8 listing 1/us/SET"));
}

TEST_F(Verify, L2NamesAListingThatIsNotMadeOfItsComponents) {
    tamper("UPDATE listings SET composition[2] = 2 WHERE listing_id = 1");
    EXPECT_THAT(broken(), ElementsAre("L2 listing 1/eu/SHIRT"));
}

TEST_F(Verify, L2NamesACountOfEndedSagasThatIsNotTheirs) {
    tamper("INSERT INTO ended_sagas VALUES (1, 'Completed', 1), (1, 'OutOfStock', 1), (1, 'OutOfStock', -1)");
    EXPECT_THAT(broken(), ElementsAre("L2 merchant 1"));
    tamper("DELETE FROM ended_sagas");
    EXPECT_THAT(broken(), ElementsAre("L2 merchant 1"));
}

TEST_F(Verify, L2NamesAnOrderThatIsNotFoundByWhatItIsCalled) {
    tamper(
        "UPDATE orders SET name = 'EU-' || order_id, document = '{\"lines\": [{\"sku\": \"MUG\"}, {\"sku\": "
        "\"MUG\"}]}'");
    EXPECT_THAT(broken(), IsEmpty());
    tamper("DELETE FROM order_words WHERE word = 'name:eu-1'");
    EXPECT_THAT(broken(), ElementsAre("L2 " + first));
    tamper("INSERT INTO order_words SELECT 1, 'sku:SHIRT', saga_id FROM sagas WHERE subject = 'eu #2'");
    EXPECT_THAT(broken(), ElementsAre("L2 " + first, "L2 " + second));
}

TEST_F(Verify, L3NamesAnOversellThatWasHealedLater) {
    tamper(
        "INSERT INTO stock_movements (merchant_id, sku_id, warehouse_id, kind, cause, available, reserved, version, at)"
        " VALUES (1, 2, 1, 'adjust', 'x1', -10, 10, 4, now()), (1, 2, 1, 'adjust', 'x2', 10, -10, 5, now())");
    EXPECT_THAT(broken(), ElementsAre("L3 stock 1/MUG/main"));
}

TEST_F(Verify, L4NamesAMovementThatWasRemoved) {
    tamper("DELETE FROM stock_movements WHERE cause = 'g1'");
    EXPECT_THAT(broken(), ElementsAre("L4 " + held, "L4 stock 1/SHIRT/main"));
}

TEST_F(Verify, L4NamesAMovementThatWasRewritten) {
    tamper("UPDATE stock_movements SET version = 1, on_hand = 1, available = -1 WHERE cause = 'g1'");
    EXPECT_THAT(broken(), ElementsAre("L4 stock 1/SHIRT/main"));
}

// No foreign key asks for them.
TEST_F(Verify, L4NamesMovementsAndReservationsOfNoLedger) {
    tamper(
        "INSERT INTO stock_movements (merchant_id, movement_id, sku_id, warehouse_id, kind, cause, version, at) "
        "OVERRIDING SYSTEM "
        "VALUE VALUES (1, 99, 1, 2, 'adjust', 'x1', 1, now());"
        "INSERT INTO reservations (merchant_id, saga_id, line_id, sku_id, warehouse_id, shipped) VALUES (1, "
        "'00000000-0000-7000-8000-000000000001', '9', 1, 2, 0)");
    EXPECT_THAT(broken(), ElementsAre("L4 movement 99", "L4 reservation 00000000-0000-7000-8000-000000000001/9/1"));
}

TEST_F(Verify, L5NamesAFinalSagaThatHoldsUnits) {
    tamper(
        "UPDATE sagas SET state = 'Compensated', final = true, next_wake = NULL WHERE subject = 'eu #1';"
        "UPDATE saga_history SET to_state = 'Compensated' WHERE to_state = 'FulfillmentRequested'");
    EXPECT_THAT(broken(), ElementsAre("L5 " + held));
}

TEST_F(Verify, L5NamesUnitsThatWereReleasedTwice) {
    tamper("UPDATE reservations SET released = 1 WHERE sku_id = 2");
    EXPECT_THAT(broken(), ElementsAre("L5 " + shipped));
}

TEST_F(Verify, L6NamesASecondFulfilmentOfOnePart) {
    tamper(R"sql(UPDATE sagas SET data = jsonb_set(data, '{fulfillments, 1}',
                 '{"part": 1, "reference": "eu.2.1.2", "state": "accepted"}') WHERE subject = 'eu #2';
                 INSERT INTO fulfillment_references SELECT 1, 'eu.2.1.2', saga_id FROM sagas WHERE subject = 'eu #2')sql");
    EXPECT_THAT(broken(), ElementsAre("L6 " + second));
}

TEST_F(Verify, L6NamesAReferenceOfSomebodyElse) {
    tamper(
        "UPDATE fulfillment_references SET saga_id = '00000000-0000-7000-8000-000000000002' WHERE reference = "
        "'eu.1.1.1'");
    EXPECT_THAT(broken(), ElementsAre("L6 " + first));
}

TEST_F(Verify, L7NamesWhatWasLost) {
    tamper(
        "ALTER TABLE sagas DROP CONSTRAINT always_has_a_next_look;"
        "UPDATE sagas SET next_wake = NULL WHERE subject = 'eu #1'; UPDATE sagas SET incident = 'look' WHERE subject = "
        "'eu #3';"
        "UPDATE orders SET saga_id = NULL WHERE order_id = '2';"
        "UPDATE webhook_receipts SET order_id = '' WHERE webhook_id = '3';"
        "INSERT INTO duties VALUES (1, 'PollOrders', 'store:1', now(), '{}', '00000000-0000-7000-8000-000000000009')");
    EXPECT_THAT(
        broken(), ElementsAre(
                      "L7 duty PollOrders/store:1", "L7 order 1/1/2", "L7 receipt shopify/orders/create/3",
                      "L7 " + first, "L7 " + third));
    tamper(
        "UPDATE sagas SET next_wake = now();"
        "ALTER TABLE sagas ADD CONSTRAINT always_has_a_next_look CHECK (final OR next_wake IS NOT NULL)");
}

TEST_F(Verify, L7NamesASagaThatRestsWhereNoneMay) {
    tamper(
        "UPDATE sagas SET state = 'ReleasingStock' WHERE subject = 'eu #1';"
        "UPDATE saga_history SET to_state = 'ReleasingStock' WHERE to_state = 'FulfillmentRequested'");
    EXPECT_THAT(broken(), IsEmpty());
    EXPECT_THAT(broken(true), ElementsAre("L7 " + first));
}

TEST_F(Verify, L8NamesAStoreThatShowsSomethingElse) {
    tamper(
        "UPDATE listings SET target = 7, believed = 7 WHERE listing_id = 5;"
        "UPDATE listing_moves SET quantity = 7 WHERE listing_id = 5; UPDATE listings SET wants_read = true WHERE "
        "listing_id = 1");
    EXPECT_THAT(broken(), IsEmpty());
    EXPECT_THAT(broken(true), ElementsAre("L8 listing 1/eu/SHIRT", "L8 listing 1/us/MUG"));
}

TEST_F(Verify, L9NamesABeliefThatNothingExplains) {
    tamper("INSERT INTO listing_moves VALUES (1, 2, 'sale', 'line 1', -1, now())");
    EXPECT_THAT(broken(), ElementsAre("L9 listing 1/eu/MUG"));
}

TEST_F(Verify, L9NamesAHistoryThatMissesAStep) {
    tamper(
        "DELETE FROM saga_history WHERE version = 1 AND saga_id = '00000000-0000-7000-8000-000000000001';"
        "UPDATE saga_history SET to_state = 'Shipped' WHERE version = 2 AND saga_id = "
        "'00000000-0000-7000-8000-000000000002'");
    EXPECT_THAT(broken(), ElementsAre("L9 " + first, "L9 " + second));
}

TEST_F(Verify, L9NamesWhatRefersToNothing) {
    tamper(
        "INSERT INTO waits (merchant_id, saga_id, kind, sku_id, warehouse_id, version) VALUES (1, "
        "'00000000-0000-7000-8000-00000000000f', 'channels', 1, 1, 1);"
        "INSERT INTO fulfillment_references VALUES (1, 'eu.9.1.1', '00000000-0000-7000-8000-00000000000f');"
        "INSERT INTO commands (merchant_id, command_id, saga_id, activity, lane, priority, state, payload, "
        "idempotency_key, "
        "created_at, due_at) VALUES (1, '00000000-0000-7000-8000-0000000000c9', "
        "'00000000-0000-7000-8000-00000000000f', "
        "'FindFulfillment', 'warehouse:1', 2, 'waiting', '{}', 'watch', now(), now());"
        "INSERT INTO listing_moves VALUES (1, 99, 'sale', 'line 9', -1, now());"
        "INSERT INTO orders (merchant_id, store_id, order_id) VALUES (1, 99, '9');"
        "INSERT INTO announcements (merchant_id, announcement_id, routing_key, body) OVERRIDING SYSTEM VALUE VALUES "
        "(99, 7, "
        "'inventory.low.1', '{}')");
    EXPECT_THAT(
        broken(), ElementsAre(
                      "L9 announcement 7", "L9 command 00000000-0000-7000-8000-0000000000c9", "L9 move sale/line 9",
                      "L9 order 1/99/9", "L9 reference eu.9.1.1", "L9 wait for channels"));
}

TEST_F(Verify, L10NamesARefusalAgainstItsEvidence) {
    tamper(
        R"sql(UPDATE saga_history SET details = jsonb_set(details, '{event, short, 0, wanted}', '9') WHERE event = 'StockShort')sql");
    EXPECT_THAT(broken(), ElementsAre("L10 " + third));
}

TEST_F(Verify, L10NamesEvidenceThatTheLedgerDoesNotBear) {
    tamper(
        R"sql(UPDATE saga_history SET details = jsonb_set(details, '{event, short, 0, available}', '3') WHERE event = 'StockShort')sql");
    EXPECT_THAT(broken(), ElementsAre("L10 " + third));
}

TEST_F(Verify, L10NamesWhoWaitsAndCouldBeServed) {
    tamper("UPDATE reservations SET waiting = 8 WHERE waiting = 20; UPDATE stock SET waiting = 8 WHERE sku_id = 1");
    EXPECT_THAT(broken(), ElementsAre("L10 " + third));
}

TEST_F(Verify, L11NamesWhatWasSentForAnObservedOrder) {
    tamper(
        "UPDATE sagas SET data = data || '{\"observed\": true}' WHERE saga_id = "
        "'00000000-0000-7000-8000-000000000001'");
    EXPECT_THAT(broken(), IsEmpty()) << "it was only decided";
    tamper(R"sql(
        INSERT INTO commands (merchant_id, command_id, saga_id, activity, lane, priority, idempotency_key, payload, state,
                              outcome, due_at, created_at, closed_at)
        VALUES (1, '00000000-0000-7000-8000-0000000000aa', '00000000-0000-7000-8000-000000000001', 'RequestFulfillment',
                'warehouse:1', 2, 'request:eu.1.1.1', '{}', 'closed', 'done', now(), now(), now()))sql");
    EXPECT_THAT(broken(), ElementsAre("L11 " + first));
}

TEST_F(Verify, L11NamesAnObservedStoreThatWasUpdated) {
    tamper(
        "INSERT INTO flushes SELECT 1, 7, store_id, 'k', '00000000-0000-7000-8000-0000000000ab', '[]', now(), now(), "
        "'applied' "
        "FROM stores WHERE key = 'us'");
    tamper("UPDATE stores SET mode = 'observe', mode_since = now() + interval '1 second' WHERE key = 'us'");
    EXPECT_THAT(broken(), IsEmpty()) << "it was live then";
    tamper("UPDATE stores SET mode_since = now() - interval '1 hour' WHERE key = 'us'");
    EXPECT_THAT(broken(), ElementsAre("L11 store 1/us"));
}

TEST_F(Verify, CountsAllAndShowsSome) {
    tamper("UPDATE orders SET saga_id = NULL");
    Session session({database.dsns().engine, "test"});
    const auto results = verify(session, {.findings_per_law = 1});
    EXPECT_EQ(results[6].law, "L7");
    EXPECT_EQ(results[6].broken, 3);
    EXPECT_EQ(results[6].findings.size(), 1U);
}

}  // namespace
}  // namespace ordersaga::db
